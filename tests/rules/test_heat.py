"""A node seen from above."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrepot.web import heat
from entrepot.web.heat import Spot, drawn

SPOTS = st.lists(
    st.builds(
        Spot, st.from_regex(r"[A-Z][0-9]{2}", fullmatch=True), st.integers(-9, 60), st.integers(-9, 60),
        st.integers(0, 10_000),
    ),
    max_size=80,
)  # fmt: skip


def test_bins_stand_where_they_are_and_are_as_hot_as_they_are_used():
    found = drawn(
        [Spot("A1", 10, 0, 100), Spot("A2", 10, 500, 25), Spot("B1", 40, 0, 0), Spot("B2", 40, 500, 1)]
    )
    assert (found.width, found.height, found.is_walked) == (2, 2, False), "without the way between them"
    assert (found.is_small, found.pixels) == (True, 2 * heat.PLACE_PIXELS)
    assert not drawn([Spot(f"A{n}", n, 0, 1) for n in range(heat.ROW)]).is_small
    assert [(one.x, one.y, one.name, one.heat) for one in found.cells] == [
        (0, 0, "A2", 2), (1, 0, "B2", 1), (0, 1, "A1", 5), (1, 1, "B1", 0),
    ]  # fmt: skip


def test_bins_over_each_other_are_one_place():
    (cell,) = drawn([Spot("A1-1", 3, 3, 4), Spot("A1-2", 3, 3, 5), Spot("A1-3", 3, 3, 0)]).cells[:1]
    assert (cell.figure, cell.codes, cell.name) == (4, ("A1-1",), "A1-1"), "all in one place is in none"
    cell = drawn([Spot("A1-1", 3, 3, 4), Spot("A1-2", 3, 3, 5), Spot("B", 4, 3, 0)]).cells[0]
    assert (cell.figure, cell.name, cell.heat) == (9, "A1-1 – A1-2", 5)


def test_bins_without_coordinates_stand_in_the_order_of_the_walk():
    found = drawn([Spot(f"B{i}", 0, 0, i) for i in range(heat.ROW + 1)])
    assert (found.width, found.height, found.is_walked) == (heat.ROW, 2, True)
    assert [(one.x, one.y) for one in found.cells[:2]] == [(0, 0), (1, 0)]
    assert (found.cells[-1].name, found.cells[-1].y) == (f"B{heat.ROW}", 1)


def test_a_node_without_bins_has_no_map():
    assert drawn([]) == heat.Map(0, 0, (), is_walked=False)


def test_a_large_node_is_drawn_in_fewer_places():
    found = drawn([Spot(f"{x}-{y}", x, y, 1) for x in range(70) for y in range(70)])
    assert len(found.cells) <= heat.CELLS_MAX
    assert sum(one.figure for one in found.cells) == 4_900


@given(SPOTS)
def test_every_bin_stands_in_one_place_and_nothing_is_lost(spots: list[Spot]):
    found = drawn(spots)
    assert sorted(code for one in found.cells for code in one.codes) == sorted(one.code for one in spots)
    assert sum(one.figure for one in found.cells) == sum(one.figure for one in spots)
    assert len({(one.x, one.y) for one in found.cells}) == len(found.cells)
    for one in found.cells:
        assert 0 <= one.x < found.width and 0 <= one.y < found.height
        assert (one.heat == 0) == (one.figure == 0) and one.heat <= heat.STEPS
    ranked = sorted(found.cells, key=lambda one: one.figure)
    assert [one.heat for one in ranked] == sorted(one.heat for one in found.cells)
