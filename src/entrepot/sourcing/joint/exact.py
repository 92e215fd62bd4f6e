"""A batch as a mixed-integer program, solved to proof by HiGHS where the time allows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.sourcing.joint.problem import Item, Problem, Solution, cost_of


def solve_exactly(problem: Problem, rough: Sequence[int | None], seconds: float) -> Solution:
    """By HiGHS. A budget that ends early leaves the best plan so far, with the bound so far."""
    from datetime import timedelta

    from ortools.math_opt.python import mathopt

    model = mathopt.Model()
    build = _Model(model, problem, mathopt.fast_sum)
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=max(0.1, seconds)), relative_gap_tolerance=0.0
    )
    result = mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)
    bounds = result.termination.objective_bounds
    # Costs are whole, so a bound between two of them is as good as the upper one.
    bound = max(0, -int(-(bounds.dual_bound - 1e-4) // 1)) if bounds.dual_bound > 0 else 0
    rough_cost = cost_of(problem, rough)
    if result.has_primal_feasible_solution():
        values = result.variable_values()
        nodes = build.nodes(values)
        cost = cost_of(problem, nodes)
        if cost <= rough_cost:
            return Solution(nodes, cost, min(bound, cost), "exact")
    return Solution(tuple(rough), rough_cost, min(bound, rough_cost), "greedy")


class _Model:
    """The problem as a mixed-integer program."""

    def __init__(self, model: Any, problem: Problem, total: Any) -> None:
        self.lines = problem.lines
        self.assigned: dict[tuple[int, int], Any] = {}
        costs: list[Any] = []
        by_stock: dict[tuple[Item, int], list[Any]] = {}
        by_node: dict[int, list[Any]] = {}
        shipped: dict[tuple[int, int], Any] = {}
        opened: dict[int, Any] = {}
        for place, nodes in enumerate(problem.candidates()):
            line = problem.lines[place]
            unserved = model.add_binary_variable()
            costs.append(line.unserved * unserved)
            choices = [unserved]
            for node in nodes:
                one = self.assigned[place, node] = model.add_binary_variable()
                choices.append(one)
                costs.append(line.costs[node] * one)
                pair = (line.order, node)
                if problem.shipments[line.order][node] or problem.shipments_max or problem.nodes_max:
                    if pair not in shipped:
                        shipped[pair] = model.add_variable(lb=0, ub=1)
                        costs.append(problem.shipments[line.order][node] * shipped[pair])
                    model.add_linear_constraint(one <= shipped[pair])
                if problem.opening[node]:
                    if node not in opened:
                        opened[node] = model.add_binary_variable()
                        costs.append(problem.opening[node] * opened[node])
                    model.add_linear_constraint(one <= opened[node])
                by_stock.setdefault((line.item, node), []).append(line.units * one)
                by_node.setdefault(node, []).append(line.units * one)
            model.add_linear_constraint(total(choices) == 1)
        for key, units in by_stock.items():
            if len(units) > 1:
                model.add_linear_constraint(total(units) <= problem.stock[key])
        for node, units in by_node.items():
            limit = problem.capacity[node]
            model.add_linear_constraint(total(units) <= (limit * opened[node] if node in opened else limit))
        self._limit_shipments(model, problem, shipped, total)
        model.minimize(total(costs))

    def _limit_shipments(
        self, model: Any, problem: Problem, shipped: Mapping[tuple[int, int], Any], total: Any
    ) -> None:
        """So many orders of each node, and so many nodes of each order."""
        of_node: dict[int, list[Any]] = {}
        of_order: dict[int, list[Any]] = {}
        for (order, node), one in shipped.items():
            of_node.setdefault(node, []).append(one)
            of_order.setdefault(order, []).append(one)
        for limits, groups in ((problem.shipments_max, of_node), (problem.nodes_max, of_order)):
            for which, some in groups.items() if limits else ():
                if len(some) > limits[which]:
                    model.add_linear_constraint(total(some) <= limits[which])

    def nodes(self, values: Mapping[Any, float]) -> tuple[int | None, ...]:
        chosen: list[int | None] = [None] * len(self.lines)
        for (place, node), variable in self.assigned.items():
            if values[variable] > 0.5:
                chosen[place] = node
        return tuple(chosen)
