"""Sourcing a batch of orders as one problem: the plan of least cost, and how far from the best one it can be. Pure.

Every line goes whole to one node, or to none at the price of leaving it unserved. A shipment costs once for each
order and node that it comes from, a node once for being used at all; stock and a node's day are limited. What one
order takes, another can't have, so the cheapest node for each in turn may be far from the cheapest plan for all.

Small problems are solved exactly by a mixed-integer solver (OR-Tools with HiGHS, the extra `solver`), large ones by
prices on stock and capacity.
"""

from __future__ import annotations

import time
from importlib.util import find_spec

from entrepot.sourcing.joint.exact import solve_exactly
from entrepot.sourcing.joint.moves import moved
from entrepot.sourcing.joint.prices import solve_by_prices
from entrepot.sourcing.joint.problem import Item, Line, Problem, Solution, cost_of, gap, greedy, least_cost

__all__ = ["Item", "Line", "Problem", "Solution", "cost_of", "gap", "greedy", "moved", "solve"]

EXACT_PAIRS = 6_000
"""Pairs of line and node up to which a problem goes to the exact solver."""


def solve(problem: Problem, seconds: float = 5.0) -> Solution:
    """The best plan that is found in the time, never worse than the greedy one; its bound says how good it is.

    That of a small problem may pass the capacity as far as nodes may.
    """
    deadline = time.monotonic() + seconds  # a budget, not a time that anything is decided by
    loose = problem.loosened()
    rough, bound = greedy(problem), least_cost(loose)
    cost = cost_of(problem, rough)
    if cost == bound or find_spec("ortools") is None:
        return Solution(rough, cost, bound, "greedy")
    pairs = sum(map(len, loose.candidates()))
    if pairs <= EXACT_PAIRS or any(problem.opening):
        return solve_exactly(loose, rough, deadline - time.monotonic())
    return solve_by_prices(problem, rough, lambda: time.monotonic() > deadline)
