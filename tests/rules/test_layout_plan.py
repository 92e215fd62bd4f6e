"""A node drawn to scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.web.layout_plan import SPOTS_MAX, Layout, Standing, drawn, numbers_in

PLAN = Layout((0, 5, 10), (0, 20), (0, 0))


def test_aisles_run_between_the_first_and_the_last_cross_aisle():
    found = drawn(PLAN, [Standing("A-01", 5, 10)])
    assert found.height == "100.00", "20 units high, of which 96 hundredths and a margin are made"
    assert [(one.x, one.height, one.name) for one in found.aisles][:2] == [
        ("1.80", "96.00", "0"), ("25.80", "96.00", "5"),
    ]  # fmt: skip
    assert [one.y for one in found.cross_aisles] == ["97.80", "1.80"], "y grows upwards"
    (bin_,) = found.bins
    assert (bin_.x, bin_.y, bin_.name) == ("25.50", "49.50", "A-01")
    assert (found.depot.x, found.depot.y, found.outside) == ("1.50", "97.50", ())


def test_a_bin_that_no_way_leads_to_is_told():
    assert drawn(PLAN, [Standing("A-01", 5, 21), Standing("A-02", 5, 20)]).outside == ("A-01",)


def test_nothing_is_drawn_of_what_stands_nowhere():
    assert drawn(None, []) is None
    assert drawn(None, [Standing("A-01", 0, 0), Standing("A-02", 0, 0)]) is None
    assert drawn(None, [Standing("A-01", 0, 0), Standing("A-02", 3, 0)]).aisles == ()


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=40))
def test_all_of_it_stands_within_the_drawing(places):
    found = drawn(PLAN, [Standing(str(n), x, y) for n, (x, y) in enumerate(places)])
    for one in (*found.bins, *found.aisles, *found.cross_aisles):
        assert 0 <= float(one.x) <= 100
        assert 0 <= float(one.y) <= float(found.height)


def test_many_places_are_drawn_as_fewer():
    bins = [Standing(f"{x}-{y}", x, y) for x in range(100) for y in range(100)]
    assert 0 < len(drawn(None, bins).bins) <= SPOTS_MAX


@pytest.mark.parametrize(
    ("text", "found"),
    [("0, 5,10", (0, 5, 10)), (" -4 7 ", (-4, 7)), ("", ()), ("a", None), ("1.5", None), ("9" * 12, None)],
)
def test_numbers_are_read_as_they_are_typed(text, found):
    assert numbers_in(text) == found
