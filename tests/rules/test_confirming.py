"""What suppliers say before goods come."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog.barcodes import is_sscc
from entrepot.kernel.errors import Invalid
from entrepot.kernel.ids import uuid7
from entrepot.purchasing.confirming import (
    Announced,
    Asked,
    ConfirmedLine,
    NoticedLine,
    Share,
    count_off,
    differences,
    misfit_confirmation,
    misfit_notice,
    slipped,
    slips,
    still_to_come,
    units_of,
)

DAY = date(2026, 12, 1)
LINE, OTHER, ORDER = uuid7(), uuid7(), uuid7()
ASKED = Asked(LINE, 1, 10, 3, DAY)
SSCC = "376104250021234569"


def on(*shares: tuple[int, int]) -> list[Share]:
    """Units by days after DAY."""
    return [Share(units, DAY + timedelta(days=days)) for units, days in shares]


def test_a_difference_is_said_in_words():
    assert differences(on((10, 0)), ASKED) == []
    assert differences(on((10, -1)), ASKED) == []
    assert differences(on((8, 1)), ASKED) == ["line 1: 8 of 10 units, on 2026-12-02 instead of 2026-12-01"]
    assert differences(on((0, 9)), ASKED) == ["line 1: 0 of 10 units"]


def test_of_parts_those_are_told_that_come_late_and_what_is_not_confirmed():
    assert differences(on((6, -3), (4, 0)), ASKED) == []
    assert differences(on((6, 0), (4, 4)), ASKED) == ["line 1: 4 units on 2026-12-05 instead of 2026-12-01"]
    assert differences(on((6, 0), (2, 4)), ASKED) == [
        "line 1: 8 of 10 units",
        "line 1: 2 units on 2026-12-05 instead of 2026-12-01",
    ]


def test_a_confirmation_is_of_lines_of_the_order_once_a_day_and_of_what_came_at_least():
    asked, next_day = {LINE: ASKED}, DAY + timedelta(days=1)
    assert misfit_confirmation([ConfirmedLine(LINE, 3, DAY)], asked) is None
    assert misfit_confirmation([ConfirmedLine(LINE, 2, DAY), ConfirmedLine(LINE, 1, next_day)], asked) is None
    for said in (
        [],
        [ConfirmedLine(OTHER, 1, DAY)],
        [ConfirmedLine(LINE, 5, DAY), ConfirmedLine(LINE, 5, DAY)],
        [ConfirmedLine(LINE, 5, DAY), ConfirmedLine(LINE, 0, next_day)],
        [ConfirmedLine(LINE, 2, DAY)],
        [ConfirmedLine(LINE, 1, DAY), ConfirmedLine(LINE, 1, next_day)],
    ):
        assert isinstance(misfit_confirmation(said, asked), Invalid), said


def test_what_comes_eats_the_earliest_part_first_and_what_is_given_up_the_latest():
    parts = on((60, 0), (40, 4))
    assert still_to_come(parts, 0, 100) == [60, 40]
    assert still_to_come(parts, 25, 75) == [35, 40]
    assert still_to_come(parts, 70, 30) == [0, 30]
    assert still_to_come(parts, 25, 45) == [35, 10]
    assert still_to_come(parts, 25, 0) == [0, 0]


SHARES = st.lists(
    st.tuples(st.integers(1, 50), st.integers(0, 20)), min_size=1, max_size=5, unique_by=lambda s: s[1]
)


def by_day(shares: list[tuple[int, int]]) -> list[Share]:
    return on(*sorted(shares, key=lambda one: one[1]))


@given(SHARES, st.data())
def test_the_parts_still_to_come_are_all_that_is_expected(shares, data):
    parts = by_day(shares)
    total = sum(one.quantity for one in parts)
    received = data.draw(st.integers(0, total))
    expected = data.draw(st.integers(0, total - received))
    rest = still_to_come(parts, received, expected)
    assert sum(rest) == expected
    assert all(0 <= units <= one.quantity for units, one in zip(rest, parts, strict=True))


def test_units_slip_one_by_one_in_the_order_in_which_they_come():
    before = on((60, 0), (40, 4))
    assert slips(before, before, 0) == []
    assert slips(before, on((60, 2), (40, 4)), 0) == [(60, DAY, DAY + timedelta(days=2))]
    assert slips(before, on((50, 0), (50, 4)), 0) == [(10, DAY, DAY + timedelta(days=4))]
    assert slips(before, on((70, 0), (20, 4)), 0) == []
    assert slips(before, on((50, 0), (50, 4)), 60) == []
    told = slipped(before, on((60, 0), (40, 5)), Asked(LINE, 1, 100, 0, DAY + timedelta(days=9)))
    assert told == ["line 1: 40 units on 2026-12-06, 2026-12-05 was confirmed before"]
    assert slipped(on((10, 0)), on((10, 3)), ASKED) == []  # a difference already


@given(SHARES, SHARES, st.integers(0, 60))
def test_no_more_units_slip_than_both_confirmations_have_and_none_comes_earlier(before, after, received):
    was, now = by_day(before), by_day(after)
    found = slips(was, now, received)
    assert sum(units for units, _, _ in found) <= max(0, min(units_of(was), units_of(now)) - received)
    assert all(units > 0 and late > day for units, day, late in found)
    assert slips(was, was, received) == []


def test_a_notice_names_units_packages_of_one_order_and_serial_numbers_of_each_unit():
    one = NoticedLine(ORDER, LINE, 2, SSCC, "L1", None, ("A", "B"))
    assert misfit_notice([one], "DN-1") is None
    assert isinstance(misfit_notice([one], ""), Invalid)
    for lines in (
        [],
        [one._replace(quantity=0)],
        [one._replace(serials=("A", "A"))],
        [one._replace(sscc="376104250021234568")],
        [one, one._replace(order=OTHER)],
    ):
        assert isinstance(misfit_notice(lines, "DN-1"), Invalid), lines
    assert is_sscc(SSCC)
    assert not is_sscc("4006381333931")


def test_a_carton_stands_on_one_pallet_which_is_a_number_of_its_own_and_no_carton():
    pallet, other = "376104250021234576", "376104250021234583"
    one = NoticedLine(ORDER, LINE, 2, SSCC, pallet=pallet)
    loose = one._replace(sscc=pallet, pallet="")
    assert misfit_notice([one, one, one._replace(sscc=other), loose], "DN-1") is None
    for lines, field in (
        ([one._replace(pallet="376104250021234568")], "pallet of line 1"),
        ([one._replace(sscc="")], "sscc of line 1"),
        ([one._replace(sscc=pallet)], "sscc of line 1"),
        ([one, one._replace(pallet=other)], f"package {SSCC}"),
        ([one._replace(pallet=""), one], f"package {SSCC}"),
        ([one, one._replace(sscc=pallet, pallet=other)], "sscc of line 2"),
    ):
        refused = misfit_notice(lines, "DN-1")
        assert isinstance(refused, Invalid) and refused.facts["field"] == field, lines


def announced(*lines: tuple[str, str, int]) -> list[Announced]:
    return [Announced(uuid7(), ORDER, LINE, sscc, lot, units, 0) for sscc, lot, units in lines]


def test_what_comes_is_counted_off_its_package_then_its_lot_then_any():
    lines = announced(("1", "L1", 5), ("2", "L2", 5), ("3", "L2", 5))
    assert count_off(lines, LINE, 6, "L2", "3") == 6
    assert [one.received for one in lines] == [0, 1, 5]
    assert count_off(lines, LINE, 99, "L1", "") == 9
    assert count_off(lines, OTHER, 1, "", "") == 0


@given(
    st.lists(st.tuples(st.sampled_from(["1", "2"]), st.sampled_from(["", "L"]), st.integers(1, 9))),
    st.integers(1, 99),
)
def test_invariant_11_never_more_is_counted_off_than_was_announced(lines, units):
    found = announced(*lines)
    counted = count_off(found, LINE, units, "L", "1")
    assert counted == sum(one.received for one in found) == min(units, sum(one.quantity for one in found))
    assert all(0 <= one.received <= one.quantity for one in found)
