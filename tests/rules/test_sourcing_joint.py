"""Batches sourced as one problem: never more than there is, never above the greedy plan, and the bound holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.joint import INSTANCES, published
from entrepot.sourcing.joint import Line, Problem, Solution, cost_of, greedy, least_cost, moved, solve
from entrepot.sourcing.joint.prices import solve_by_prices

pytest.importorskip("ortools", reason="the extra `solver` is not installed")

NEVER = 10_000


def assignment(costs: list[list[int]]) -> Problem:
    """One unit for each order, and one unit at each node."""
    count = len(costs[0])
    return Problem(
        lines=[Line(order, "it", 1, tuple(row), NEVER) for order, row in enumerate(costs)],
        shipments=[[0] * count for _ in costs],
        stock={("it", node): 1 for node in range(count)},
        capacity=[1] * count,
        opening=[0] * count,
    )


def test_the_first_come_takes_what_the_others_need_more():
    # Each in turn takes the cheapest that is left: 2 + 19 + 18. Together: 6 + 7 + 15.
    three = assignment([[2, 6, 9], [7, 22, 19], [12, 18, 15]])
    assert cost_of(three, greedy(three)) == 39
    found = solve(three)
    assert (found.nodes, found.cost, found.bound, found.gap) == ((1, 0, 2), 28, 28, 0.0)


def test_lines_of_an_order_share_a_shipment():
    two = Problem(
        lines=[Line(0, "a", 1, (10, 14), NEVER), Line(0, "b", 1, (14, 10), NEVER)],
        shipments=[[100, 100]],
        stock={("a", 0): 1, ("a", 1): 1, ("b", 0): 1, ("b", 1): 1},
        capacity=[5, 5],
        opening=[0, 0],
    )
    assert solve(two).cost == cost_of(two, greedy(two)) == 124


def test_a_line_that_nobody_can_serve_is_left_out():
    one = Problem([Line(0, "a", 3, (1, None), 70)], [[5, 5]], {("a", 0): 2, ("a", 1): 9}, [9, 9], [0, 0])
    assert solve(one) == Solution((None,), 70, 70, "greedy")  # nothing is cheaper, so nobody is asked


def test_a_node_that_costs_to_open_is_opened_once_or_not_at_all():
    lines = [Line(order, "a", 1, (1, 9), NEVER) for order in range(3)]
    dear_or_open = Problem(lines, [[0, 0]] * 3, {("a", 0): 9, ("a", 1): 9}, [9, 9], [30, 0])
    assert solve(dear_or_open).cost == 27


def test_a_node_sends_no_more_orders_and_an_order_comes_from_no_more_nodes_than_they_may():
    lines = [Line(order, item, 1, (1, 5), NEVER) for order in range(3) for item in "ab"]
    free = {(item, node): 9 for item in "ab" for node in (0, 1)}
    two = Problem(lines, [[10, 10]] * 3, free, [99, 99], [0, 0], shipments_max=[1, 9])
    assert solve(two).nodes.count(0) == 2
    assert solve_by_prices(two, greedy(two), after(60)).cost == solve(two).cost == 12 + 2 * 20
    scattered = Problem(
        [Line(0, "a", 1, (1, 9), NEVER), Line(0, "b", 1, (9, 1), NEVER)], [[0, 0]],
        {(item, node): 1 for item in "ab" for node in (0, 1)}, [9, 9], [0, 0], nodes_max=[1],
    )  # fmt: skip
    assert cost_of(scattered, greedy(scattered)) == solve(scattered).cost == 10
    assert solve_by_prices(scattered, greedy(scattered), after(60)).bound <= 10


# ---- properties

small = st.integers(0, 30)


@st.composite
def problems(draw: st.DrawFn, lines_max: int = 5) -> Problem:
    nodes = draw(st.integers(1, 3))
    orders = draw(st.integers(1, 3))
    lines = [
        Line(
            draw(st.integers(0, orders - 1)),
            draw(st.sampled_from("ab")),
            draw(st.integers(1, 3)),
            tuple(draw(st.one_of(st.none(), small)) for _ in range(nodes)),
            draw(st.integers(0, 90)),
        )
        for _ in range(draw(st.integers(1, lines_max)))
    ]
    return Problem(
        lines,
        [[draw(small) for _ in range(nodes)] for _ in range(orders)],
        {(item, node): draw(st.integers(0, 5)) for item in "ab" for node in range(nodes)},
        [draw(st.integers(0, 8)) for _ in range(nodes)],
        [draw(st.sampled_from((0, 0, 25))) for _ in range(nodes)],
        draw(st.one_of(st.just([]), st.lists(st.integers(0, 3), min_size=nodes, max_size=nodes))),
        draw(st.one_of(st.just([]), st.lists(st.integers(1, 3), min_size=orders, max_size=orders))),
    )


def holds(problem: Problem, nodes: tuple[int | None, ...]) -> bool:
    """Whether nothing is taken that is not there, and no node and no order has more shipments than it may."""
    taken: dict[object, int] = {}
    for line, node in zip(problem.lines, nodes, strict=True):
        if node is not None:
            if line.costs[node] is None:
                return False
            for key in ((line.item, node), node):
                taken[key] = taken.get(key, 0) + line.units
    shipments = {
        (line.order, node) for line, node in zip(problem.lines, nodes, strict=True) if node is not None
    }
    of_node, of_order = Counter(node for _, node in shipments), Counter(order for order, _ in shipments)
    if any(sent > problem.shipments_max[node] for node, sent in of_node.items() if problem.shipments_max):
        return False
    if any(come > problem.nodes_max[order] for order, come in of_order.items() if problem.nodes_max):
        return False
    return all(
        units <= (problem.capacity[key] if isinstance(key, int) else problem.stock.get(key, 0))  # type: ignore[call-overload]
        for key, units in taken.items()
    )


def best(problem: Problem) -> int:
    """By trying everything."""
    choices = [[None, *range(len(problem.capacity))]] * len(problem.lines)
    return min(cost_of(problem, plan) for plan in product(*choices) if holds(problem, plan))


@settings(max_examples=60, deadline=None)
@given(problems(lines_max=4))
def test_the_exact_plan_is_the_best_of_all(problem: Problem):
    found = solve(problem, 20)
    assert holds(problem, found.nodes)
    assert found.cost == cost_of(problem, found.nodes) == found.bound == best(problem)


@settings(max_examples=60, deadline=None)
@given(problems(lines_max=4))
def test_no_plan_costs_less_than_the_least(problem: Problem):
    assert least_cost(problem) <= best(problem)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_greedy_plan_holds(problem: Problem):
    assert holds(problem, greedy(problem))


def in_turn(problem: Problem, nodes: tuple[int | None, ...]) -> bool:
    """Whether every node had fewer units than its capacity before the last order that it takes."""
    at: dict[int, dict[int, int]] = {}
    for line, node in zip(problem.lines, nodes, strict=True):
        if node is not None:
            here = at.setdefault(node, {})
            here[line.order] = here.get(line.order, 0) + line.units
    return all(sum(here.values()) - here[max(here)] < problem.capacity[node] for node, here in at.items())


@settings(max_examples=60, deadline=None)
@given(problems())
def test_orders_that_move_cost_less_and_take_what_a_node_takes_in_their_turn(problem: Problem):
    problem = replace(problem, opening=[0] * len(problem.opening), beyond=(4, 2, 2))
    rough = greedy(problem)

    found = moved(problem, rough)

    assert cost_of(problem, found) <= cost_of(problem, rough)
    assert holds(replace(problem, capacity=[99] * len(problem.capacity)), found)
    assert in_turn(problem, found)


def test_the_last_order_of_a_node_may_pass_what_is_left_there():
    lines = [Line(order, "a", 2, (1, 50), NEVER) for order in range(3)]
    three = Problem(lines, [[0, 0]] * 3, {("a", 0): 9, ("a", 1): 9}, [3, 9], [0, 0], beyond=(1, 1, 1))
    assert greedy(three) == (0, 1, 1)
    assert moved(three, greedy(three)) == (0, 0, 1)
    assert solve(three).cost == 52
    assert solve_by_prices(three, greedy(three), after(60)).bound <= 52


def after(steps: int) -> Callable[[], bool]:
    """A budget of steps instead of seconds."""
    left = iter(range(steps))
    return lambda: next(left, None) is None


@settings(max_examples=40, deadline=None)
@given(problems())
def test_prices_give_a_plan_that_holds_and_a_bound_that_no_plan_beats(problem: Problem):
    problem = Problem(
        problem.lines, problem.shipments, problem.stock, problem.capacity, [0] * len(problem.opening),
        problem.shipments_max, problem.nodes_max,
    )  # fmt: skip
    rough = greedy(problem)
    found = solve_by_prices(problem, rough, after(60))
    assert holds(problem, found.nodes)
    assert found.cost == cost_of(problem, found.nodes) <= cost_of(problem, rough)
    assert found.bound <= best(problem) <= found.cost


def test_a_long_order_is_cut_and_its_bound_still_holds():
    lines = [Line(0, "a", 1, (1, 2), 50) for _ in range(7)]
    one = Problem(lines, [[20, 20]], {("a", 0): 7, ("a", 1): 7}, [9, 9], [0, 0])
    found = solve_by_prices(one, greedy(one), after(60))
    assert found.cost == 27
    assert found.bound <= 27


# ---- published instances


@pytest.mark.slow
@pytest.mark.parametrize("name", ["p4", "p25"])
def test_published_instances_are_solved_to_proof(name: str):
    """The files carry no optimum; these are proved by the solver's own bound."""
    if not INSTANCES.exists():
        pytest.skip("../shared/data is not here: the published instances can't be read")
    proved = {"p4": 7168, "p25": 8947}
    found = solve(published(name), 60)
    assert (found.cost, found.bound) == (proved[name], proved[name])
