"""Plates: their numbers, and what becomes of their content where units move."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrepot.catalog.barcodes import Scan, is_sscc, read
from entrepot.kernel.ids import uuid7
from entrepot.stock.plating import (
    Change,
    Standing,
    Taken,
    follow,
    misfit_number,
    misfit_prefix,
    number_of,
    sscc,
)

P, Q = uuid7(), uuid7()
DOCK, SHELF, HELD = uuid7(), uuid7(), uuid7()


def test_numbers_are_as_gs1_writes_them():
    assert sscc("0614141", 1, 234567890) == "106141412345678908"
    assert sscc("7610425", 3, 2123456) == "376104250021234569"
    assert (
        number_of("(00) 3761 0425 0021 2345 69") == number_of("00376104250021234569") == "376104250021234569"
    )
    assert number_of("376104250021234569") == "376104250021234569"


@given(st.from_regex(r"[0-9]{4,12}", fullmatch=True), st.integers(0, 9), st.integers(1, 10**12))
def test_every_number_checks_and_a_slip_in_one_digit_is_seen(prefix, extension, serial):
    number = sscc(prefix, extension, serial)
    assert is_sscc(number) and misfit_number(number) is None
    assert read(number, date.min) == Scan(number, sscc=number), "a scanner reads it as a package"
    assert number.startswith(f"{extension}{prefix}")
    place = serial % 18
    slipped = number[:place] + str((int(number[place]) + 1 + serial % 9) % 10) + number[place + 1 :]
    assert slipped == number or not is_sscc(slipped)


@pytest.mark.parametrize("prefix", ["", "761", "7610425000000", "76l0425", "٧٦١٠٤٢٥"])
def test_a_prefix_that_is_none_is_refused(prefix):
    assert misfit_prefix(prefix, 0) is not None
    assert misfit_prefix("7610425", 10) is not None
    assert misfit_prefix("7610425", 0) is None


def test_a_plate_goes_with_its_content_and_what_stays_is_not_touched():
    moves = [Change(6, DOCK, SHELF, P)]
    found = follow(moves, {DOCK: 4, SHELF: 6}, [Standing(P, DOCK, 6), Standing(Q, DOCK, 4)])
    assert found.units == {(P, DOCK): 0, (Q, DOCK): 4, (P, SHELF): 6}
    assert found.plated == {DOCK: 4, SHELF: 6} and not found.taken


def test_loose_units_go_before_those_of_plates_and_what_was_not_seen_for_longest_is_opened_first():
    standing = [Standing(Q, SHELF, 5), Standing(P, SHELF, 5)]
    assert not follow([Change(3, SHELF, DOCK)], {SHELF: 10}, standing).taken
    found = follow([Change(3, SHELF, DOCK), Change(4, SHELF, None)], {SHELF: 3}, standing)
    assert found.taken == [Taken(0, Q, 3), Taken(1, Q, 2), Taken(1, P, 2)]
    assert found.plated[SHELF] == 3


def test_what_changes_only_its_status_stays_on_its_plate():
    moves = [Change(2, DOCK, None), Change(8, DOCK, HELD, stays=True)]
    found = follow(moves, {DOCK: 0, HELD: 8}, [Standing(P, DOCK, 10)])
    assert found.units == {(P, DOCK): 0, (P, HELD): 8}
    assert found.taken == [Taken(0, P, 2)]


BUCKETS = st.sampled_from([DOCK, SHELF, HELD])


def test_what_comes_into_a_bucket_that_others_leave_in_the_same_batch_is_taken_off_where_none_is_loose():
    moves = [Change(5, SHELF, None), Change(4, HELD, SHELF, stays=True), Change(3, DOCK, HELD, stays=True)]
    found = follow(
        moves,
        {DOCK: 0, HELD: 3, SHELF: 4},
        [Standing(P, DOCK, 3), Standing(P, HELD, 4), Standing(Q, SHELF, 5)],
    )
    assert found.plated == {DOCK: 0, HELD: 3, SHELF: 4}
    assert found.taken == [Taken(0, Q, 5)]
    empty = follow(
        [Change(4, HELD, SHELF, stays=True), Change(5, SHELF, None)], {SHELF: 4}, [Standing(P, HELD, 4)]
    )
    assert empty.plated == {HELD: 0, SHELF: 4} and not empty.taken, "those that stood there loose have gone"


@example({(P, DOCK): 5, (Q, SHELF): 5}, {}, [(5, DOCK, SHELF, None, True), (5, SHELF, None, None, False)])
@given(
    st.dictionaries(st.tuples(st.sampled_from([P, Q]), BUCKETS), st.integers(1, 9)),
    st.dictionaries(BUCKETS, st.integers(0, 9)),
    st.lists(
        st.tuples(
            st.integers(1, 9),
            BUCKETS,
            st.none() | BUCKETS,
            st.none() | st.sampled_from([P, Q]),
            st.booleans(),
        ),
        max_size=6,
    ),
)
def test_invariant_12_never_more_on_plates_than_is_there(on, loose, wanted):
    standing = [Standing(plate, bucket, units) for (plate, bucket), units in sorted(on.items())]
    there: dict[UUID, int] = {bucket: loose.get(bucket, 0) for bucket in (DOCK, SHELF, HELD)}
    for one in standing:
        there[one.bucket] += one.units
    changes: list[Change] = []
    left = dict(there)
    carried = dict(on)
    for units, source, target, plate, stays in wanted:
        units = min(units, left[source], carried.get((plate, source), 0) if plate else 9)
        if units < 1 or source == target:
            continue
        if plate:
            carried[plate, source] -= units
        changes.append(Change(units, source, target, plate, stays and target is not None))
        left[source] -= units
        there[source] -= units
        if target:
            there[target] += units

    found = follow(changes, there, standing)

    assert all(units >= 0 for units in found.units.values())
    for bucket in (DOCK, SHELF, HELD):
        on_plates = sum(units for (_, where), units in found.units.items() if where == bucket)
        assert on_plates == found.plated.get(bucket, 0) <= there[bucket]
    taken = sum(one.units for one in found.taken)
    gone = sum(one.units for one in changes if one.plate and one.target is None)
    assert sum(on.values()) == sum(found.units.values()) + taken + gone
