"""Kits are served whole, and no unit twice, whichever lines and kits want it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.sourcing import rules
from tests.rules.test_sourcing import FREE, NODES, POLICIES, SKUS, a_line, free, served


def a_kit(number: int, kits: int, *units: int) -> list[rules.Line]:
    """Lines of a kit with so many units of SKU 0, 1 and so on."""
    return [
        rules.Line(UUID(int=1000 * number + i), SKUS[i], kits * each, number, each)
        for i, each in enumerate(units)
    ]


def plan(
    lines: list[rules.Line], stock: rules.Free, policy: str = "partial_backorder", limit: int = 3
) -> rules.Plan:
    return rules.plan_order(lines, NODES, stock, policy, limit)


def short(found: rules.Plan) -> list[int]:
    return [line.quantity for line in found.short]


def test_of_three_kits_two_are_whole_and_the_third_waits_with_all_of_its_components() -> None:
    found = plan(a_kit(1, 3, 2, 1), free(N1=[5, 9]))
    assert (served(found), short(found)) == ([(1, 4), (1, 2)], [2, 1])
    assert found.outcome == "part backordered"


def test_nothing_is_sent_of_a_kit_of_which_a_component_is_missing() -> None:
    found = plan(a_kit(1, 1, 2, 1), free(N1=[9, 0], N2=[9, 0]))
    assert (served(found), short(found)) == ([], [2, 1])
    assert found.why == "no node has what a line or a whole kit needs"


def test_a_loose_component_and_a_kit_do_not_take_the_same_unit() -> None:
    lines = [a_line(1, 0, 1), *a_kit(1, 1, 2, 1)]
    found = plan(lines, free(N1=[2, 1]))
    assert (served(found), short(found)) == ([(1, 1)], [2, 1])
    assert plan(lines, free(N1=[3, 1])).short == ()


def test_nor_do_two_kits() -> None:
    found = plan([*a_kit(1, 1, 2, 1), *a_kit(2, 1, 1, 3)], free(N1=[2, 9]))
    assert [share.line.int // 1000 for share in found.shares] == [1, 1]
    assert [line.kit for line in found.short] == [2, 2]


def test_what_was_served_before_is_made_whole_first() -> None:
    """Of two kits one unit of the first component is still wanted, and both of the second."""
    first, second = a_kit(1, 2, 1, 1)
    found = plan([first._replace(quantity=1), second], free(N1=[0, 5]))
    assert (served(found), short(found)) == ([(1, 1)], [1, 1])


def test_a_node_with_whole_kits_goes_before_one_with_more_units() -> None:
    found = plan(a_kit(1, 2, 5, 1), free(N1=[10, 0], N2=[5, 1]), limit=1)
    assert (served(found), short(found)) == ([(2, 5), (2, 1)], [5, 1])


def test_components_come_from_several_nodes_where_none_has_a_whole_kit() -> None:
    found = plan(a_kit(1, 2, 1, 1), free(N1=[2, 0], N2=[0, 2]))
    assert (served(found), found.outcome) == ([(1, 2), (2, 2)], "split")


@pytest.mark.parametrize("policy", ["line_complete", "ship_complete"])
def test_a_kit_is_one_line_to_who_wants_whole_lines(policy: str) -> None:
    assert plan(a_kit(1, 3, 2, 1), free(N1=[5, 9]), policy).shares == ()
    assert plan(a_kit(1, 3, 2, 1), free(N1=[6, 3]), policy).short == ()


def test_soft_rules_are_dropped_for_a_kit_as_for_a_line() -> None:
    profile = rules.Profile(kinds_last=("store",))
    nodes = [NODES[0], NODES[1]._replace(kind="store")]
    asked = rules.sort_out(nodes, rules.Destination("GB"), profile)
    found = rules.plan(a_kit(1, 1, 2, 1), asked, free(N1=[9, 0], N2=[0, 1]), "partial_backorder", 3)
    assert (served(found), found.softened) == ([(1, 2), (2, 1)], True)
    assert replace(found, softened=False).short == ()


@st.composite
def wanted(draw: st.DrawFn) -> list[rules.Line]:
    """Loose lines and kits that share SKUs, of which some units may have been served before."""
    lines: list[rules.Line] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        if draw(st.booleans()):
            lines.append(a_line(number, draw(st.integers(0, 3)), draw(st.integers(1, 9))))
            continue
        kits = draw(st.integers(1, 4))
        for sku in draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)):
            per_kit = draw(st.integers(1, 3))
            left = draw(st.integers(1, kits * per_kit)) if draw(st.booleans()) else kits * per_kit
            lines.append(rules.Line(UUID(int=5000 + len(lines)), SKUS[sku], left, number, per_kit))
    return lines


def kits_short(found: rules.Plan, lines: list[rules.Line]) -> Counter[int]:
    """How many kits wait, by kit."""
    waiting: Counter[int] = Counter()
    for line in found.short:
        if line.kit:
            waiting[line.kit] = max(waiting[line.kit], -(-line.quantity // line.per_kit))
    return waiting


@given(wanted(), FREE, POLICIES, st.integers(1, 3))
def test_only_whole_kits_are_served_no_unit_twice_and_none_is_lost(
    lines: list[rules.Line], stock: dict[tuple[UUID, UUID], int], policy: str, limit: int
) -> None:
    """Invariant 9: a component is never sent without the rest of its kit, and lines that share it never oversell."""
    found = plan(lines, stock, policy, limit)

    taken: Counter[tuple[UUID, UUID]] = Counter()
    for share in found.shares:
        assert share.quantity > 0
        taken[share.sku, share.node] += share.quantity
    assert all(units <= stock.get(key, 0) for key, units in taken.items())
    assert len({share.node for share in found.shares}) <= limit
    left = {line.id: line.quantity for line in found.short}
    waiting = kits_short(found, lines)
    for line in lines:
        units = sum(share.quantity for share in found.shares if share.line == line.id)
        assert units + left.get(line.id, 0) == line.quantity
        if line.kit:
            assert left.get(line.id, 0) == min(line.quantity, waiting[line.kit] * line.per_kit)
        if policy in ("line_complete", "ship_complete"):
            assert units in (0, line.quantity)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(1, 6), FREE)
def test_as_many_kits_are_served_as_the_scarcest_component_makes(
    units: list[int], kits: int, stock: dict[tuple[UUID, UUID], int]
) -> None:
    lines = a_kit(1, kits, *units)
    there = [sum(found for (sku, _), found in stock.items() if sku == line.sku) for line in lines]
    made = min(kits, *(have // each for have, each in zip(there, units, strict=True)))

    found = plan(lines, stock)

    assert kits - kits_short(found, lines)[1] == made
    assert sum(share.quantity for share in found.shares) == made * sum(units)
