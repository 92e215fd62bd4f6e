"""Batches: every load once, no cart too full, never worse than as orders came, and never below the bound."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.picking import INSTANCES, published
from bench.picking import batched as measured
from entrepot.warehouse.batching import Cart, Floor, Load, as_they_came, batched, bound
from entrepot.warehouse.batching.first import by_savings, round_aisles, round_seeds
from entrepot.warehouse.batching.search import searched
from entrepot.warehouse.routing import Layout, Spot

LAYOUT = Layout((0.0, 5.0, 10.0, 15.0), (0.0, 20.0), (0.0, 0.0))


def a_load(*aisles: int, items: int | None = None) -> Load:
    return Load(tuple(Spot(aisle, 10.0) for aisle in aisles), len(aisles) if items is None else items)


@st.composite
def floors(draw: st.DrawFn, most: int = 9) -> Floor:
    spot = st.builds(Spot, st.integers(0, 3), st.integers(0, 20))
    load = st.builds(
        Load,
        st.lists(spot, min_size=1, max_size=4).map(tuple),
        st.integers(1, 6),
        st.integers(0, 900),
        st.integers(0, 900),
    )
    limit = st.one_of(st.none(), st.integers(500, 2000))
    cart = Cart(draw(st.integers(3, 12)), draw(limit), draw(limit), draw(st.sampled_from((None, 2, 3))))
    return Floor(LAYOUT, draw(st.lists(load, min_size=1, max_size=most)), cart)


def all_groupings(loads: list[int]) -> Iterator[list[frozenset[int]]]:
    if not loads:
        yield []
        return
    first, rest = loads[0], loads[1:]
    for groups in all_groupings(rest):
        yield [frozenset((first,)), *groups]
        for i, group in enumerate(groups):
            yield [*groups[:i], group | {first}, *groups[i + 1 :]]


@given(floors(), st.integers(0, 300))
def test_every_load_goes_once_and_no_cart_is_too_full(floor: Floor, routes: int):
    for groups in (
        as_they_came(floor),
        by_savings(floor),
        round_seeds(floor),
        round_aisles(floor),
        batched(floor, routes, Random(1)),
    ):
        assert sorted(load for group in groups for load in group) == list(range(len(floor.loads)))
        assert all(floor.fits(group) for group in groups)


@given(floors(most=6))
def test_no_grouping_is_shorter_than_the_bound_and_the_search_finds_none_shorter_than_the_best(floor: Floor):
    possible = [
        groups for groups in all_groupings(list(range(len(floor.loads)))) if all(map(floor.fits, groups))
    ]
    least = min(map(floor.total, possible))
    # A load that alone is larger than a cart takes more room than the bound grants it.
    if all(load.items <= (floor.cart.items or 0) for load in floor.loads):
        assert bound(floor) <= least + 1e-6
    found = floor.total(batched(floor, 500, Random(1)))
    assert (
        least - 1e-6 <= found <= min(floor.total(by_savings(floor)), floor.total(round_seeds(floor))) + 1e-6
    )


@given(floors(), st.integers(0, 200))
def test_searching_never_makes_it_worse_and_repeats_itself(floor: Floor, routes: int):
    groups = as_they_came(floor)
    found = searched(floor, groups, routes, Random(7))
    assert floor.total(found) <= floor.total(groups) + 1e-6
    again = searched(Floor(floor.layout, floor.loads, floor.cart), groups, routes, Random(7))
    assert again == found


def test_orders_of_the_same_aisles_go_on_one_cart():
    loads = [a_load(0, 0), a_load(3, 3), a_load(0, 0), a_load(3, 3)]
    floor = Floor(LAYOUT, loads, Cart(items=4))
    assert batched(floor, 100, Random(1)) == [{0, 2}, {1, 3}]
    assert floor.total(as_they_came(floor)) == 2 * (2 * 15 + 2 * 20)
    assert floor.total(batched(floor, 100, Random(1))) == 2 * 10 + 2 * (15 + 10)


def test_a_load_larger_than_the_cart_goes_alone():
    floor = Floor(LAYOUT, [a_load(0, items=9), a_load(0, items=1)], Cart(items=4))
    assert batched(floor, 100, Random(1)) == [{0}, {1}]


def test_weight_volume_and_places_limit_a_cart_as_items_do():
    light = [Load((Spot(0, 5.0),), 1, 600, 10), Load((Spot(0, 6.0),), 1, 600, 10)]
    assert len(batched(Floor(LAYOUT, light, Cart(weight_g=1_000)), 50, Random(1))) == 2
    assert len(batched(Floor(LAYOUT, light, Cart(volume_cm3=15)), 50, Random(1))) == 2
    assert len(batched(Floor(LAYOUT, light, Cart(loads=1)), 50, Random(1))) == 2
    assert len(batched(Floor(LAYOUT, light, Cart()), 50, Random(1))) == 1


def test_many_loads_begin_with_aisles_in_common():
    dice = Random(2)
    loads = [a_load(dice.randrange(4), dice.randrange(4)) for _ in range(400)]
    floor = Floor(LAYOUT, loads, Cart(items=10))
    assert floor.total(batched(floor, 500, Random(1))) < 0.7 * floor.total(as_they_came(floor))
    assert floor.routes < 2_000, "not one for every pair"


@pytest.mark.skipif(not INSTANCES.exists(), reason=f"{INSTANCES} is not here")
def test_published_instances_are_read_whole():
    floors = dict(published())
    assert len(floors) == 72
    small, henn = floors["W1/50/000"], floors["abc1/29s-40-30-0"]
    assert (len(small.loads), len(small.layout.aisles), small.cart.items) == (50, 4, 12)
    assert (len(henn.loads), len(henn.layout.aisles), henn.cart.items) == (40, 10, 30)
    assert henn.layout.cross == (0.0, 46.0)
    assert all(a < b for floor in floors.values() for a, b in pairwise(floor.layout.aisles))


@pytest.mark.slow
@pytest.mark.skipif(not INSTANCES.exists(), reason=f"{INSTANCES} is not here")
def test_a_hundred_orders_of_a_published_instance_walk_a_fifth_less():
    floor = next(floor for name, floor in published(100) if name == "ran1/70s-100-45-0")
    _, length, before, least = measured(floor)
    assert least <= length <= 0.8 * before
