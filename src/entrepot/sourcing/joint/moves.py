"""Orders of a plan that go to a cheaper node after all, since a node takes the last one whatever its units. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from entrepot.sourcing.joint.problem import Item, Problem

ROUNDS = 3


def moved(problem: Problem, nodes: Sequence[int | None]) -> tuple[int | None, ...]:
    """The plan, with orders moved whole to a node where they cost less, as long as there are any.

    A node may take an order as long as those before it, in the order given, have fewer units than its capacity.
    """
    trial = _Trial(problem, nodes)
    for _ in range(ROUNDS):
        if not sum(trial.move(order) for order in trial.places):
            break
    return tuple(trial.nodes)


class _Trial:
    """A plan, what it leaves of stock, and the units of each order at each node."""

    def __init__(self, problem: Problem, nodes: Sequence[int | None]) -> None:
        self.problem, self.nodes = problem, list(nodes)
        self.places: Mapping[int, list[int]] = problem.orders()
        self.candidates = problem.loosened().candidates()
        self.stock: dict[tuple[Item, int], int] = dict(problem.stock)
        self.at: list[dict[int, int]] = [{} for _ in problem.capacity]
        for order in self.places:
            self._put(order, 1)

    def _put(self, order: int, sign: int) -> None:
        """Take an order into the account of its nodes, or out of it."""
        for place in self.places[order]:
            line, node = self.problem.lines[place], self.nodes[place]
            if node is not None:
                self.stock[line.item, node] -= sign * line.units
                here = self.at[node]
                here[order] = here.get(order, 0) + sign * line.units
                if not here[order]:
                    del here[order]

    def _cost(self, order: int, nodes: Sequence[int | None]) -> int:
        lines = [self.problem.lines[place] for place in self.places[order]]
        total = sum(
            line.unserved if node is None else line.costs[node] or 0
            for line, node in zip(lines, nodes, strict=True)
        )
        return total + sum(self.problem.shipments[order][node] for node in set(nodes) if node is not None)

    def move(self, order: int) -> bool:
        """To the cheapest node that takes all of it, if that costs less; whether it was moved."""
        places = self.places[order]
        least = self._cost(order, [self.nodes[place] for place in places])
        shared = set.intersection(*(set(self.candidates[place]) for place in places))
        dear = sorted((self._cost(order, [node] * len(places)), node) for node in shared)
        better = [node for cost, node in dear if cost < least]
        if not better:
            return False
        self._put(order, -1)
        best = next((node for node in better if self._has_room(order, node)), None)
        for place in places if best is not None else ():
            self.nodes[place] = best
        self._put(order, 1)
        return best is not None

    def _has_room(self, order: int, node: int) -> bool:
        wanted: dict[Item, int] = {}
        for place in self.places[order]:
            line = self.problem.lines[place]
            wanted[line.item] = wanted.get(line.item, 0) + line.units
        if any(self.stock[item, node] < units for item, units in wanted.items()):
            return False
        here = self.at[node] | {order: sum(wanted.values())}
        limits = self.problem.shipments_max
        if limits and len(here) > limits[node]:
            return False
        return sum(here.values()) - here[max(here)] < self.problem.capacity[node]
