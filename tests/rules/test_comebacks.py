"""What was sent again and comes back: which units it is, and what a customer has twice."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns.comebacks import Came, Given, Left, Misfit, Returned, sort_in, still_out, twice

A, B = UUID(int=1), UUID(int=2)


def left(n: int, sku: UUID = A, lot: str = "", serial: str = "", line: int = 9) -> Left:
    return Left(UUID(int=line), sku, "A" if sku == A else "B", lot, serial, n)


def came(n: int, sku: UUID | None = A, lot: str = "", serial: str = "") -> Came:
    return Came(sku, n, lot, serial)


def test_units_are_those_of_the_lines_in_their_order():
    parts = sort_in([left(1, line=7), left(2, line=8)], [came(2), came(1)])
    assert isinstance(parts, list)
    assert [(one.place, one.of.line.int, one.units) for one in parts] == [(0, 7, 1), (0, 8, 1), (1, 8, 1)]


@pytest.mark.parametrize(
    ("out", "what", "why"),
    [
        ([left(1)], [came(1, B)], "other"),
        ([left(1)], [came(1, None)], "other"),
        ([], [came(1)], "other"),
        ([left(1)], [came(2)], "more"),
        ([left(1)], [came(1), came(1)], "more"),
        ([left(1, serial="S1"), left(1, serial="S2")], [came(1, serial="S3")], "named"),
        ([left(1, serial="S1"), left(1, serial="S2")], [came(1, serial="S1"), came(1, serial="S1")], "named"),
        ([left(2, lot="L1"), left(2, lot="L2")], [came(3, lot="L1")], "named"),
        ([left(1, serial="S1"), left(1, serial="S2")], [came(1)], "which"),
    ],
)
def test_what_is_not_out_is_told_apart(out: list[Left], what: list[Came], why: str):
    found = sort_in(out, what)
    assert isinstance(found, Misfit)
    assert found.why == why


def test_what_is_not_read_is_known_where_all_came_or_one_is_out():
    two = [left(1, serial="S1"), left(1, serial="S2")]
    assert [one.of.serial for one in sort_in(two, [came(2)])] == ["S1", "S2"]
    assert [one.of.serial for one in sort_in(two, [came(1, serial="S2"), came(1)])] == ["S2", "S1"]


def test_what_came_with_a_return_is_not_out():
    """What was read is meant as it was read, and the rest of what came is some of its line."""
    two = [left(1, serial="S1"), left(1, serial="S2"), left(3, line=8)]
    came_by = [
        Returned(UUID(int=9), "", "", 1),
        Returned(UUID(int=9), "", "S1", 1),
        Returned(UUID(int=7), "", "", 5),
    ]
    assert still_out(two, came_by[1:]) == [two[1], two[2]]
    assert still_out(two, came_by) == [two[2]]


UNITS = st.builds(
    left, st.integers(1, 4), st.sampled_from([A, B]), st.sampled_from(["", "L1", "L2"]), st.just(""),
    st.integers(1, 3),
)  # fmt: skip
PARCEL = st.builds(came, st.integers(1, 5), st.sampled_from([A, B, None]), st.sampled_from(["", "L1", "L3"]))


@given(st.lists(UNITS, max_size=5, unique_by=lambda one: (one.line, one.sku, one.lot)), st.lists(PARCEL))
def test_all_of_it_fits_what_is_out_or_none_does(out: list[Left], what: list[Came]):
    found = sort_in(out, what)
    if isinstance(found, Misfit):
        assert what[found.place]
        return
    for place, one in enumerate(what):
        mine = [part for part in found if part.place == place]
        assert sum(part.units for part in mine) == one.units
        assert all(part.of.sku == one.sku and one.lot in ("", part.of.lot) for part in mine)
    for unit in out:
        assert sum(part.units for part in found if part.of == unit) <= unit.units


@pytest.mark.parametrize(
    ("arrived", "back", "again", "paid_back", "has"),
    [
        (False, 0, 2, 0, ""), (False, 2, 2, 0, ""), (True, 0, 0, 0, ""), (True, 0, 2, 0, "goods"),
        (True, 1, 2, 0, "goods"), (True, 2, 2, 0, ""), (False, 0, 2, 2, "money"), (True, 2, 2, 1, "money"),
        (False, 0, 0, 2, ""),
    ],
)  # fmt: skip
def test_who_has_something_twice(arrived: bool, back: int, again: int, paid_back: int, has: str):
    assert twice(Given(arrived, 2, back, again, paid_back)) == has


BACK = st.builds(
    Returned,
    st.builds(lambda n: UUID(int=n), st.integers(1, 3)),
    st.sampled_from(["", "L1"]),
    st.just(""),
    st.integers(1, 5),
)


@given(st.lists(UNITS, max_size=5), st.lists(BACK, max_size=4))
def test_of_each_line_is_out_what_left_less_what_came(out: list[Left], back: list[Returned]):
    still = still_out(out, back)
    for line in {one.line for one in out}:
        went = sum(one.units for one in out if one.line == line)
        came_by = sum(one.units for one in back if one.line == line)
        assert sum(one.units for one in still if one.line == line) == max(0, went - came_by)
