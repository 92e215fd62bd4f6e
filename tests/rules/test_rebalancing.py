"""Which units go from one node to another."""

from __future__ import annotations

from datetime import date
from itertools import permutations, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.sourcing import rebalancing as rules
from entrepot.sourcing.rebalancing import Holding, Rebalancing, Shelf, Shift

A, B, C, D = (UUID(int=i) for i in range(1, 5))
WEEK = Rebalancing(cover_days=7, window_days=7, units_min=1)
"""What was sold in the window is what a node should have."""

COUNTS = st.integers(0, 30)
HOLDINGS = st.lists(
    st.tuples(st.integers(-5, 60), COUNTS, COUNTS, st.integers(0, 8)), min_size=2, max_size=5
).map(lambda rows: [Holding(UUID(int=i), *row) for i, row in enumerate(rows, 1)])
PRICES = st.lists(st.one_of(st.none(), st.integers(1, 50)), min_size=25, max_size=25)
POLICIES = st.builds(
    Rebalancing, cover_days=st.integers(1, 30), window_days=st.integers(1, 30), units_min=st.integers(0, 6)
)


def costs(*prices: tuple[UUID, UUID, int]) -> dict[tuple[UUID, UUID], int]:
    return {(source, target): price for source, target, price in prices}


def priced(holdings: list[Holding], prices: list[int | None]) -> dict[tuple[UUID, UUID], int]:
    pairs = permutations([one.node for one in holdings], 2)
    return {pair: price for pair, price in zip(pairs, prices, strict=False) if price is not None}


@pytest.mark.parametrize(
    ("holding", "standing"),
    [
        (Holding(A, free=30, coming=0, sold=10, waiting=0), (10, 0, 20)),
        (Holding(A, free=4, coming=3, sold=10, waiting=2), (10, 5, 0)),
        (
            Holding(A, free=15, coming=100, sold=10, waiting=2),
            (10, 0, 3),
        ),  # what comes later is not given away
        (Holding(A, free=-4, coming=1, sold=0, waiting=0), (0, 3, 0)),  # safety stock is filled up
    ],
)
def test_what_a_node_needs_and_can_spare(holding: Holding, standing: tuple[int, int, int]) -> None:
    assert rules.stand(holding, WEEK) == standing


def test_cover_is_rounded_up() -> None:
    policy = Rebalancing(cover_days=14, window_days=28)

    assert rules.stand(Holding(A, 0, 0, 3, 0), policy).target == 2


def test_spare_units_go_where_they_are_needed_from_the_cheaper_node() -> None:
    holdings = [Holding(A, 20, 0, 0, 0), Holding(B, 20, 0, 0, 0), Holding(C, 0, 0, 9, 0)]

    assert rules.rebalance(holdings, costs((A, C, 5), (B, C, 3)), WEEK) == [Shift(B, C, 9, 3)]


def test_both_together_cost_least_not_each_for_itself() -> None:
    # C alone would take from A at 1; then D would have to pay 50.
    holdings = [
        Holding(A, 5, 0, 0, 0),
        Holding(B, 5, 0, 0, 0),
        Holding(C, 0, 0, 5, 0),
        Holding(D, 0, 0, 5, 0),
    ]
    prices = costs((A, C, 1), (A, D, 2), (B, C, 4), (B, D, 50))

    assert rules.rebalance(holdings, prices, WEEK) == [Shift(A, D, 5, 2), Shift(B, C, 5, 4)]


def test_orders_that_wait_come_before_cover() -> None:
    holdings = [Holding(A, 6, 0, 0, 0), Holding(B, 0, 0, 0, 4), Holding(C, 0, 0, 20, 0)]

    assert rules.rebalance(holdings, costs((A, B, 9), (A, C, 1)), WEEK) == [
        Shift(A, B, 4, 9),
        Shift(A, C, 2, 1),
    ]


def test_fewer_than_the_minimum_move_only_for_orders() -> None:
    few = Rebalancing(cover_days=7, window_days=7, units_min=5)
    prices = costs((A, B, 1))

    assert rules.rebalance([Holding(A, 9, 0, 0, 0), Holding(B, 0, 0, 4, 0)], prices, few) == []
    assert rules.rebalance([Holding(A, 9, 0, 0, 0), Holding(B, 0, 0, 1, 3)], prices, few) == [
        Shift(A, B, 4, 1)
    ]


@given(HOLDINGS, PRICES, POLICIES)
def test_nobody_gives_more_than_is_to_spare_or_gets_more_than_is_needed(holdings, prices, policy) -> None:
    shifts = rules.rebalance(holdings, priced(holdings, prices), policy)

    for one in holdings:
        it = rules.stand(one, policy)
        assert sum(shift.units for shift in shifts if shift.source == one.node) <= it.surplus
        assert sum(shift.units for shift in shifts if shift.target == one.node) <= it.need
    assert all(shift.units > 0 for shift in shifts)
    assert shifts == rules.rebalance(holdings, priced(holdings, prices), policy)


@given(HOLDINGS, PRICES, POLICIES)
def test_no_swap_of_two_shifts_is_cheaper(holdings, prices, policy) -> None:
    priced_pairs = priced(holdings, prices)
    for one, other in permutations(rules.rebalance(holdings, priced_pairs, policy), 2):
        crossed = [priced_pairs.get((one.source, other.target)), priced_pairs.get((other.source, one.target))]
        if None not in crossed:
            assert one.unit_cost + other.unit_cost <= sum(crossed)


@given(HOLDINGS, st.integers(1, 50))
def test_all_that_is_needed_comes_where_there_is_enough(holdings, price) -> None:
    pairs = priced(holdings, [price] * 25)
    shifts = rules.rebalance(holdings, pairs, WEEK)
    stands = [rules.stand(one, WEEK) for one in holdings]

    moved = sum(shift.units for shift in shifts)
    assert moved == min(sum(it.need for it in stands), sum(it.surplus for it in stands))


def fits(way: dict[tuple[UUID, UUID], int], limits: dict[UUID, int], end: int) -> bool:
    """Whether the units at one end of the arcs are within the limits of their nodes."""
    return all(
        sum(units for arc, units in way.items() if arc[end] == node) <= limits.get(node, 0)
        for node in {arc[end] for arc in way}
    )


def cost_of(way: dict[tuple[UUID, UUID], int], prices: dict[tuple[UUID, UUID], int]) -> int:
    return sum(prices[arc] * units for arc, units in way.items())


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=2),
    st.lists(st.integers(1, 4), min_size=1, max_size=2),
    st.lists(st.integers(1, 9), min_size=4, max_size=4),
)
def test_the_cheapest_way_is_that_of_trying_all(spare, wanted, prices) -> None:
    sources, targets = (A, B)[: len(spare)], (C, D)[: len(wanted)]
    arcs = dict(zip([(a, b) for a in (A, B) for b in (C, D)], prices, strict=True))
    sent = rules.cheapest(
        dict(zip(sources, spare, strict=True)), dict(zip(targets, wanted, strict=True)), arcs
    )

    ways = [
        dict(zip(arcs, units, strict=True))
        for units in product(range(5), repeat=4)
        if fits(dict(zip(arcs, units, strict=True)), dict(zip(sources, spare, strict=True)), 0)
        and fits(dict(zip(arcs, units, strict=True)), dict(zip(targets, wanted, strict=True)), 1)
    ]
    most = max(sum(way.values()) for way in ways)
    assert sum(sent.values()) == most == min(sum(spare), sum(wanted))
    assert cost_of(sent, arcs) == min(cost_of(way, arcs) for way in ways if sum(way.values()) == most)


def test_cost_grows_with_distance_and_is_rounded_up() -> None:
    policy = Rebalancing(handling_minor=20, per_100_km_minor=10)

    assert [rules.unit_cost(km, policy) for km in (0, 1, 100, 101)] == [20, 21, 30, 31]


def test_a_unit_is_not_moved_for_more_than_its_share() -> None:
    policy = Rebalancing(cost_max_percent=25)

    assert [rules.is_worth(25, value, policy) for value in (100, 99, 0)] == [True, False, True]


def test_the_rule_accepts_within_both_limits_and_nothing_without() -> None:
    policy = Rebalancing(accept_units_max=10, accept_value_max_minor=500)

    assert [rules.is_accepted(*one, policy) for one in ((10, 500), (11, 1), (1, 501))] == [True, False, False]
    assert not rules.is_accepted(1, 0, Rebalancing())


def test_distance_falls_back_where_a_place_is_unknown() -> None:
    here, there = rules.Place(A, "A", 51.5074, -0.1278), rules.Place(B, "B", 48.8566, 2.3522)

    assert rules.kilometers(here, there, WEEK) == 344
    assert rules.kilometers(here, rules.Place(C, "C", None, None), WEEK) == WEEK.unknown_km


def test_what_keeps_longest_is_sent_from_few_bins() -> None:
    old, young = Shelf(A, "1", date(2026, 12, 1), 50), Shelf(B, "2", date(2027, 1, 1), 3)
    big, small = Shelf(C, "", None, 6), Shelf(D, "", None, 2)

    assert rules.take_off([old, young], 5) == [(young, 3), (old, 2)]
    assert rules.take_off([small, big], 6) == [(big, 6)]
    assert rules.take_off([small], 6) == [(small, 2)]
