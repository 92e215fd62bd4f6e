"""Orders planned together by cost: nobody gets what he might not get alone, and the gap is never told too small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.sourcing import batches, joint, rules
from entrepot.sourcing.cost import Shipping, Wanted
from entrepot.sourcing.deciding import Case, Together, decide
from entrepot.stock.rules import Position

NODES = [rules.Node(UUID(int=n), f"N{n}", "GB", n) for n in (1, 2, 3)]
SKUS = [UUID(int=100 + n) for n in range(3)]
AT = datetime(2026, 3, 2, tzinfo=UTC)
SHOP, MARKET = UUID(int=901), UUID(int=902)
Stock = Mapping[tuple[UUID, UUID], int]


def everywhere(units: int) -> dict[tuple[UUID, UUID], int]:
    return {(sku, node.id): units for sku in SKUS for node in NODES}


def a_profile(**facts: Any) -> rules.Profile:
    return rules.Profile(choose_by="cost", **facts)


class House:
    """Stock and work that orders meet one after the other, as sourcing keeps them."""

    def __init__(
        self,
        stock: Stock,
        profile: rules.Profile,
        freight: Sequence[int] = (100, 300, 900),
        fences: Mapping[tuple[UUID, UUID], Mapping[UUID, int]] | None = None,
    ) -> None:
        self.profile, self.freight = profile, freight
        self.positions = {
            key: Position(units, sum((fences or {}).get(key, {}).values()), dict((fences or {}).get(key, {})))
            for key, units in stock.items()
        }
        self.orders: Counter[UUID] = Counter()
        self.units: Counter[UUID] = Counter()

    def member(self, number: int, lines: Iterable[tuple[int, int]], channel: UUID = SHOP) -> batches.Member:
        wanted = [
            rules.Line(UUID(int=1000 * number + i), SKUS[sku], units) for i, (sku, units) in enumerate(lines)
        ]
        today = rules.Today(AT, self.units)
        nodes = rules.sort_out(NODES, rules.Destination("GB"), self.profile, self.orders, today)
        shipping = {node.id: Shipping(minor, 0, 0) for node, minor in zip(NODES, self.freight, strict=True)}
        free = {key: one.free_for(channel) for key, one in self.positions.items()}
        order = Wanted(UUID(int=number), wanted, {}, nodes, rules.left(free, nodes), shipping, self.profile)
        return batches.Member(replace(order, grams=dict.fromkeys((line.id for line in wanted), 1)), channel,
                              self.profile.nodes_per_order_max)  # fmt: skip

    def solved(self, *members: batches.Member) -> tuple[dict[UUID, batches.Assigned], joint.Solution]:
        standing = batches.Standing(self.positions, self.orders, rules.Today(AT, self.units))
        return batches.solve_together(members, standing, 5.0)

    def served(self, *orders: tuple[Sequence[tuple[int, int]], UUID]) -> tuple[list[rules.Plan], Together]:
        """The plans of orders, each decided in its turn as sourcing does."""
        members = [self.member(i, lines, channel) for i, (lines, channel) in enumerate(orders, 1)]
        assigned, solution = self.solved(*members)
        together = Together(assigned, len(members), solution)
        plans = []
        for number, (lines, channel) in enumerate(orders, 1):
            member = self.member(number, lines, channel)
            wanted = member.wanted
            free = {key: one.free_for(channel) for key, one in self.positions.items()}
            plan = decide(Case(
                wanted.order, "partial_backorder", wanted.lines, wanted.nodes, free, member.nodes_max, self.profile,
                {}, (), wanted, together,
            )).plan  # fmt: skip
            self.take(plan, channel)
            plans.append(plan)
        return plans, together

    def take(self, plan: rules.Plan, channel: UUID) -> None:
        for share in plan.shares:
            assert self.positions[share.sku, share.node].free_for(channel) >= share.quantity
            self.positions[share.sku, share.node].take(channel, share.quantity)
            self.units[share.node] += share.quantity
        self.orders.update({share.node for share in plan.shares})


def sources(plans: Iterable[rules.Plan]) -> list[list[int]]:
    return [sorted({share.node.int for share in plan.shares}) for plan in plans]


ONE = ([(0, 1)], SHOP)


def test_a_node_that_is_full_gets_nothing_more_however_cheap_it_is() -> None:
    house = House(everywhere(99), a_profile(orders_per_day={"N1": 1}, busy_days_max=0, busy_rule="hard"))

    plans, together = house.served(*[ONE] * 10)

    assert sorted(sources(plans)) == [[1], *[[2]] * 9]
    assert all(node in {code for code, _ in plan.candidates} for plan in plans for node in plan.chosen)
    assert together.solution
    assert (together.solution.cost, together.solution.bound) == (100 + 9 * 300, 100 + 9 * 300)
    assert all(together.is_followed(UUID(int=i), plan) for i, plan in enumerate(plans, 1))


def test_units_are_counted_as_orders_find_them() -> None:
    """A node with three units a day takes an order while fewer than three wait, whatever the order has."""
    house = House(everywhere(99), a_profile(units_per_day={"N1": 3}, busy_days_max=0, busy_rule="hard"))

    plans, together = house.served(*[([(0, 2)], SHOP)] * 4)

    assert sorted(sources(plans)) == [[1], [1], [2], [2]]
    assert together.solution
    assert together.solution.gap == 0


def test_a_soft_limit_is_kept_while_somebody_else_has_it_and_dropped_where_nobody_has() -> None:
    profile = a_profile(orders_per_day={"N1": 1}, busy_days_max=0, busy_rule="soft")
    house = House(everywhere(0) | {(SKUS[0], NODES[0].id): 9, (SKUS[0], NODES[1].id): 2}, profile)

    plans, together = house.served(*[ONE] * 5)

    assert sorted(sources(plans)) == [[1], [1], [1], [2], [2]]
    assert [plan.softened for plan in plans] == [plan.why.endswith("soft rules dropped") for plan in plans]
    assert sum(plan.softened for plan in plans) == 2
    assert all(set(plan.chosen) <= {code for code, _ in plan.candidates} for plan in plans)
    assert together.solution
    assert together.solution.cost == 100 + 2 * 300 + 2 * profile.backorder_minor, (
        "two are left out by the rule"
    )


def test_a_plan_with_a_node_that_has_become_busy_is_not_followed() -> None:
    profile = a_profile(orders_per_day={"N1": 1}, busy_days_max=0, busy_rule="hard")
    house = House(everywhere(99), profile)
    assigned, _ = house.solved(house.member(1, [(0, 1), (1, 1)]))
    house.orders[NODES[0].id] = 1

    again = house.member(1, [(0, 1), (1, 1)]).wanted

    assert {node.code for node in assigned[again.order].values()} == {"N1"}
    assert batches.follow(again, assigned[again.order], 3, 1) is None


def test_a_soft_node_of_the_plan_gives_way_where_others_have_it_by_now() -> None:
    profile = a_profile(orders_per_day={"N1": 1}, busy_days_max=0, busy_rule="soft")
    house = House(everywhere(0) | {(SKUS[0], NODES[0].id): 9}, profile)
    house.orders[NODES[0].id] = 1
    assigned, solution = house.solved(house.member(1, [(0, 1)]))
    house.positions[SKUS[0], NODES[1].id].free = 5

    member = house.member(1, [(0, 1)])
    found = batches.follow(member.wanted, assigned[UUID(int=1)], 3, 1)
    case = Case(
        UUID(int=1), "partial_backorder", member.wanted.lines, member.wanted.nodes, member.wanted.free, 3, profile,
        {}, (), member.wanted, Together(assigned, 1, solution),
    )  # fmt: skip

    assert found
    assert found.softened
    assert sources([decide(case).plan]) == [[2]]


def test_ring_fences_and_what_a_node_keeps_are_shared_by_all() -> None:
    """Of ten, N1 keeps two and five are fenced for the market: the shop gets three of them."""
    key = (SKUS[0], NODES[0].id)
    house = House(
        everywhere(0) | {key: 10, (SKUS[0], NODES[1].id): 50}, a_profile(minimum_stock={"N1": 2}),
        fences={key: {MARKET: 5}},
    )  # fmt: skip

    plans, together = house.served(*[ONE] * 5, *[([(0, 1)], MARKET)] * 6)

    assert sources(plans).count([1]) == 8
    assert sources(plans)[:5].count([1]) <= 3
    assert together.solution
    assert together.solution.gap == 0


def test_an_order_comes_from_no_more_nodes_than_it_may() -> None:
    stock = everywhere(0) | {(SKUS[i], NODES[i].id): 9 for i in range(3)} | {(SKUS[0], NODES[1].id): 9}
    for most, nodes in ((1, 1), (2, 2)):
        house = House(stock, a_profile(nodes_per_order_max=most))
        plans, together = house.served(([(0, 1), (1, 1)], SHOP))
        assert [len(one) for one in sources(plans)] == [1]
        assert together.solution
        assert together.solution.cost == 300
        plans, together = House(stock, a_profile(nodes_per_order_max=most)).served(([(1, 1), (2, 1)], SHOP))
        assert [len(one) for one in sources(plans)] == [nodes]


def test_a_line_that_no_node_has_whole_is_left_to_be_planned_alone() -> None:
    house = House(everywhere(2), a_profile())
    member = house.member(1, [(0, 5)])
    assigned, _ = house.solved(member)
    assert batches.follow(member.wanted, assigned[member.wanted.order], 3, 1) is None


# ---- properties

LINES = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=3)
ORDERS = st.lists(st.tuples(LINES, st.sampled_from((SHOP, MARKET))), min_size=1, max_size=4)
STOCK = st.fixed_dictionaries({(sku, node.id): st.integers(0, 8) for sku in SKUS for node in NODES})
PROFILES = st.builds(
    a_profile,
    split_minor=st.integers(0, 500),
    nodes_per_order_max=st.integers(1, 3),
    orders_per_day=st.dictionaries(st.sampled_from(("N1", "N2")), st.integers(1, 2)),
    units_per_day=st.dictionaries(st.sampled_from(("N1", "N3")), st.integers(1, 4)),
    busy_days_max=st.sampled_from((None, 0, 1)),
    busy_rule=st.sampled_from(("hard", "soft")),
    minimum_stock=st.dictionaries(st.sampled_from(("N1", "N2")), st.integers(1, 3)),
)
FEW = st.lists(LINES.map(lambda some: some[:2]), min_size=1, max_size=3).filter(
    lambda some: sum(map(len, some)) <= 4
)
FREIGHT = st.lists(st.integers(0, 900), min_size=3, max_size=3)


@settings(max_examples=80, deadline=None)
@given(ORDERS, STOCK, PROFILES, FREIGHT, st.integers(0, 3))
def test_whatever_is_planned_keeps_every_rule_and_its_bound_holds(
    orders: list[tuple[list[tuple[int, int]], UUID]],
    stock: dict[tuple[UUID, UUID], int],
    profile: rules.Profile,
    freight: list[int],
    fenced: int,
) -> None:
    fences = {(SKUS[0], NODES[0].id): {MARKET: min(fenced, stock[SKUS[0], NODES[0].id])}}
    house = House(stock, profile, freight, fences)

    plans, together = house.served(*orders)  # takes no more than there is

    assert together.solution
    assert together.solution.bound <= together.solution.cost
    work: Counter[UUID] = Counter()
    units: Counter[UUID] = Counter()
    for plan in plans:
        chosen = {share.node for share in plan.shares}
        assert len(chosen) <= profile.nodes_per_order_max
        assert set(plan.chosen) <= {code for code, _ in plan.candidates}
        for node in NODES:
            if node.id in chosen and profile.busy_days_max is not None and not plan.softened:
                assert rules.busy_days(node, profile, work[node.id], units[node.id]) <= profile.busy_days_max
            if node.id in chosen and profile.busy_rule == "hard":
                assert not plan.softened
        work.update(chosen)
        for share in plan.shares:
            units[share.node] += share.quantity


@pytest.mark.parametrize("rule", ["hard", "soft"])
@settings(max_examples=25, deadline=None)
@given(FEW, STOCK, st.data())
def test_no_way_to_serve_them_in_turn_costs_less_than_the_bound(
    rule: rules.Strictness,
    orders: list[list[tuple[int, int]]],
    stock: dict[tuple[UUID, UUID], int],
    data: st.DataObject,
) -> None:
    """By trying every node for every line, in the turn of the orders."""
    profile = replace(data.draw(PROFILES), busy_rule=rule)
    house = House(stock, profile, data.draw(FREIGHT))
    members = [house.member(i, lines) for i, lines in enumerate(orders, 1)]
    _, solution = house.solved(*members)
    places = [line for member in members for line in member.wanted.lines]

    def cost_of(nodes: tuple[int | None, ...]) -> int | None:
        trial = House(stock, profile, house.freight)
        total, left = 0, list(nodes)
        for i, lines in enumerate(orders, 1):
            member = trial.member(i, lines)
            wanted = member.wanted
            mine = [None if (one := left.pop(0)) is None else NODES[one] for _ in wanted.lines]
            total += sum(profile.backorder_minor * line.quantity
                         for line, node in zip(wanted.lines, mine, strict=True) if node is None)  # fmt: skip
            chosen = {node.id: node for node in mine if node}
            if len(chosen) > member.nodes_max or any(
                one not in wanted.nodes.first for one in chosen.values()
            ):
                return None
            total += sum(wanted.of_shipment(node) for node in chosen.values())
            for line, node in zip(wanted.lines, mine, strict=True):
                if node is None:
                    continue
                total += wanted.of_line(line, node)
                position = trial.positions[line.sku, node.id]
                if position.free - wanted.nodes.keeps.get(node.id, 0) < line.quantity:
                    return None
                position.take(SHOP, line.quantity)
                trial.units[node.id] += line.quantity
            trial.orders.update(chosen.keys())
        return total

    ways = product((None, 0, 1, 2), repeat=len(places))
    least = min(total for way in ways if (total := cost_of(way)) is not None)
    assert solution.bound <= least <= solution.cost
