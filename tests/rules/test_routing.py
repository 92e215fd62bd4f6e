"""Routes of pickers: legal walks by every stop, the shortest ones proved so by solvers that know nothing of aisles."""

from __future__ import annotations

import random
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.picking import a_tour
from entrepot.warehouse.routing import EXACT_CROSSINGS, ROUTES, Layout, Route, Spot, distance, exact, route
from entrepot.warehouse.routing.improve import improved
from entrepot.warehouse.routing.layout import by_aisle, length

BLOCK = Layout((0.0, 5.0, 10.0), (0.0, 20.0), (0.0, 0.0))
ALL = {**ROUTES, "improved": improved}


@st.composite
def floors(draw: st.DrawFn, crossings: tuple[int, int] = (2, 4), most: int = 7) -> tuple[Layout, list[Spot]]:
    """Any small floor, with its depot at an aisle, between two or outside, and before a cross-aisle or in it."""
    number = st.integers(0, 30)
    aisles = sorted(draw(st.sets(number, min_size=1, max_size=6)))
    cross = sorted(draw(st.sets(number, min_size=crossings[0], max_size=crossings[1])))
    depot = (draw(st.integers(-3, 33)), draw(st.sampled_from(cross)) + draw(st.sampled_from((0, 0, 1))))
    spots = draw(
        st.lists(
            st.builds(Spot, st.integers(0, len(aisles) - 1), st.integers(cross[0], cross[-1])), max_size=most
        )
    )
    return Layout(tuple(aisles), tuple(cross), depot), spots


def by_subsets(layout: Layout, spots: list[Spot]) -> float:
    """The shortest tour by dynamic programming over sets of stops (Held and Karp), of distances alone."""
    points = list({layout.point(spot): None for spot in spots})
    if not points:
        return 0.0

    @cache
    def home(left: frozenset[int], at: tuple[float, float]) -> float:
        if not left:
            return layout.distance(at, layout.gate)
        return min(layout.distance(at, points[i]) + home(left - {i}, points[i]) for i in left)

    return home(frozenset(range(len(points))), layout.gate) + 2 * layout.lead


def assert_walks(layout: Layout, spots: list[Spot], found: Route) -> None:
    """The way goes along aisles and cross-aisles only, by every stop, as far as it says, from the depot and back."""
    assert sorted(found.order) == list(range(len(spots)))
    assert found.way[0] == found.way[-1] == layout.depot
    assert found.length == pytest.approx(length(found.way))
    inner = found.way[1:-1] if layout.lead else found.way
    for (x, y), (to_x, to_y) in pairwise(inner):
        assert (x == to_x and x in layout.aisles) or (y == to_y and y in layout.cross)
    for spot in spots:
        x, y = layout.point(spot)
        assert any(
            min(a, c) <= x <= max(a, c) and min(b, d) <= y <= max(b, d)
            for (a, b), (c, d) in zip(inner, inner[1:] or inner, strict=False)
        )


@given(floors())
def test_the_exact_route_is_the_shortest(floor: tuple[Layout, list[Spot]]):
    layout, spots = floor
    found = route(layout, spots)
    assert found.length == pytest.approx(by_subsets(layout, spots))
    assert exact.distance(layout, by_aisle(spots)) == pytest.approx(found.length)
    assert distance(layout, by_aisle(spots)) == pytest.approx(found.length)


@given(floors((2, 6)))
def test_every_route_is_a_walk_by_every_stop_and_none_is_shorter_than_the_shortest(
    floor: tuple[Layout, list[Spot]],
):
    layout, spots = floor
    best = by_subsets(layout, spots)
    for find in ALL.values():
        found = find(layout, spots)
        assert_walks(layout, spots, found)
        assert found.length >= best - 1e-6


@given(floors((2, 2)))
def test_combined_is_never_longer_than_what_it_combines(floor: tuple[Layout, list[Spot]]):
    layout, spots = floor
    if layout.depot_cross == 0:
        assert ROUTES["combined"](layout, spots).length <= ROUTES["return"](layout, spots).length + 1e-6
        assert ROUTES["combined"](layout, spots).length <= ROUTES["s_shape"](layout, spots).length + 1e-6


@given(floors((5, 8), most=12))
def test_with_many_cross_aisles_the_route_is_no_longer_than_with_some_of_them(
    floor: tuple[Layout, list[Spot]],
):
    layout, spots = floor
    assert len(layout.with_fewer(EXACT_CROSSINGS).cross) == EXACT_CROSSINGS
    found = route(layout, spots)
    assert_walks(layout, spots, found)
    assert found.length <= distance(layout, by_aisle(spots)) + 1e-6


def test_each_route_as_the_books_draw_it():
    spots = [Spot(0, 2.0), Spot(0, 18.0), Spot(1, 3.0), Spot(2, 17.0)]
    lengths = {name: find(BLOCK, spots).length for name, find in ROUTES.items()}
    # through, through, and back out of the last; out and back three times; round, with a branch from the front
    assert lengths["s_shape"] == 20 + 20 + 2 * 17 + 20
    assert lengths["return"] == 2 * (18 + 3 + 17) + 20
    assert lengths["largest_gap"] == 20 + 20 + 2 * 3 + 20
    assert lengths["combined"] == 20 + 20 + 2 * 17 + 20
    assert lengths["shortest"] == 20 + 20 + 2 * 3 + 20


def test_stops_of_one_place_come_together_and_nothing_is_no_way():
    assert route(BLOCK, []).length == 0
    assert route(BLOCK, [Spot(1, 4.0), Spot(0, 1.0), Spot(1, 4.0)]).order in ((1, 0, 2), (0, 2, 1))


def test_a_depot_before_the_cross_aisle_is_walked_to_and_from():
    layout = Layout(BLOCK.aisles, BLOCK.cross, (0.0, -3.0))
    found = route(layout, [Spot(0, 4.0)])
    assert (found.length, found.way) == (14, ((0, -3), (0, 0), (0, 4), (0, 0), (0, -3)))


def test_a_place_on_the_plan_is_reached_from_the_nearest_aisle():
    assert BLOCK.spot(3.0, 7.0) == Spot(1, 7.0)
    assert BLOCK.spot(-9.0, 99.0) == Spot(0, 20.0)


def test_so_many_states_as_the_authors_say():
    # Ratliff and Rosenthal: 7 in one block; Roodbergen and de Koster: 25 in two, of which one each is that of an
    # untouched left part before and after the first aisle.
    assert [exact.states(crossings) for crossings in (2, 3)] == [7 - 1, 25 - 1]


@pytest.mark.parametrize("crossings", [2, 3, 4])
def test_the_exact_route_against_a_solver_of_tours(crossings: int):
    cp_model = pytest.importorskip(
        "ortools.sat.python.cp_model", reason="the extra `solver` is not installed"
    )
    for seed in range(4):
        layout, spots = a_tour(seed, crossings - 1)
        spots = spots[:18]
        points = [layout.gate, *{layout.point(spot): None for spot in spots}]
        model = cp_model.CpModel()
        arcs = {
            (i, j): model.new_bool_var("") for i in range(len(points)) for j in range(len(points)) if i != j
        }
        model.add_circuit([(i, j, arc) for (i, j), arc in arcs.items()])
        model.minimize(
            sum(round(layout.distance(points[i], points[j])) * arc for (i, j), arc in arcs.items())
        )
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = 60
        # By itself it sends eight threads after what one finds at once with all of its cuts.
        solver.parameters.num_workers, solver.parameters.linearization_level = 1, 2
        assert solver.solve(model) == cp_model.OPTIMAL
        assert route(layout, spots).length == solver.objective_value


def test_improving_comes_near_the_shortest():
    for seed in range(5):
        layout, spots = a_tour(seed, 2)
        assert improved(layout, spots).length <= 1.06 * route(layout, spots).length


def test_the_same_stops_in_another_order_are_as_far():
    layout, spots = a_tour(3, 2)
    mixed = random.Random(3).sample(spots, len(spots))
    assert route(layout, mixed).length == route(layout, spots).length
