"""What is sourced together, what a plan for it costs, and the greedy plan. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

Item = Hashable


class Line(NamedTuple):
    """Units of an item for an order (by its place), with the cost at each node, None where it may not come from.

    `unserved` is what it costs to leave the line out; all amounts are minor units for the whole line.
    """

    order: int
    item: Item
    units: int
    costs: tuple[int | None, ...]
    unserved: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Lines to be sourced from nodes, which are named by their places.

    `shipments` is the cost of a shipment for each order and node, `stock` the units of an item at a node (none where it
    is missing), `capacity` the units that each node may send, `opening` what each costs for being used at all.
    `shipments_max` are the orders that each node may send something of, `nodes_max` the nodes that each order may come
    from; empty: any number. `beyond` are the units by which nodes that may send any may pass their capacity, the most
    first, each at one node: a large problem's plan keeps to the capacity, and its bound holds for those that don't.
    """

    lines: Sequence[Line]
    shipments: Sequence[Sequence[int]]
    stock: Mapping[tuple[Item, int], int]
    capacity: Sequence[int]
    opening: Sequence[int]
    shipments_max: Sequence[int] = ()
    nodes_max: Sequence[int] = ()
    beyond: Sequence[int] = ()

    def loosened(self) -> Problem:
        """With all that nodes may send at the most."""
        most = max(self.beyond, default=0)
        return replace(self, capacity=[units + most if units else 0 for units in self.capacity], beyond=())

    def candidates(self) -> list[list[int]]:
        """The nodes that could serve each line if it were alone."""
        return [
            [
                node
                for node, cost in enumerate(line.costs)
                if cost is not None
                and line.units <= self.stock.get((line.item, node), 0)
                and line.units <= self.capacity[node]
                and (not self.shipments_max or self.shipments_max[node] > 0)
            ]
            for line in self.lines
        ]

    def orders(self) -> dict[int, list[int]]:
        """The places of the lines of each order."""
        found: dict[int, list[int]] = {}
        for place, line in enumerate(self.lines):
            found.setdefault(line.order, []).append(place)
        return found


@dataclass(frozen=True, slots=True)
class Solution:
    """The node of each line, or None; its cost, and a bound that no plan costs less than."""

    nodes: tuple[int | None, ...]
    cost: int
    bound: int
    solver: str

    @property
    def gap(self) -> float:
        return gap(self.cost, self.bound)


def gap(cost: int, bound: int) -> float:
    """How much of the cost a better plan could save at most."""
    return (cost - bound) / cost if cost > bound else 0.0


def cost_of(problem: Problem, nodes: Sequence[int | None]) -> int:
    """What a plan costs."""
    total, shipments = 0, set()
    for line, node in zip(problem.lines, nodes, strict=True):
        if node is None:
            total += line.unserved
        else:
            cost = line.costs[node]
            assert cost is not None, "a plan keeps to the nodes that are allowed"
            total += cost
            shipments.add((line.order, node))
    total += sum(problem.shipments[order][node] for order, node in shipments)
    return total + sum(problem.opening[node] for node in {node for _, node in shipments})


def least_cost(problem: Problem) -> int:
    """What no plan costs less than: each line at its cheapest, and one shipment for each order that has any."""
    candidates, total = problem.candidates(), 0
    for order, places in problem.orders().items():
        unserved, served, shipments = 0, 0, []
        for place in places:
            line = problem.lines[place]
            unserved += line.unserved
            served += min([line.unserved, *(line.costs[node] or 0 for node in candidates[place])])
            shipments += [problem.shipments[order][node] for node in candidates[place]]
        total += min(unserved, served + min(shipments)) if shipments else unserved
    return total


def greedy(problem: Problem) -> tuple[int | None, ...]:
    """Order by order, in the order given, each at its cheapest out of what is left."""
    left = _Left(dict(problem.stock), list(problem.capacity), list(problem.shipments_max), set())
    candidates = problem.candidates()
    nodes: list[int | None] = [None] * len(problem.lines)
    for order, places in problem.orders().items():
        shared = set.intersection(*(set(candidates[place]) for place in places))
        ways = [{place: candidates[place] for place in places}]
        ways += [{place: [node] for place in places} for node in sorted(shared) if len(places) > 1]
        _, best = min((_take(problem, left, order, way) for way in ways), key=lambda found: found[0])
        for place, node in best.items():
            nodes[place] = node
            if node is not None:
                left.take(problem.lines[place], node)
        left.send({node for node in best.values() if node is not None})
    return tuple(nodes)


class _Left(NamedTuple):
    """Stock, capacity and shipments that are left, and the nodes that are in use."""

    stock: dict[tuple[Item, int], int]
    capacity: list[int]
    shipments: list[int]
    used: set[int]

    def take(self, line: Line, node: int) -> None:
        self.stock[line.item, node] -= line.units
        self.capacity[node] -= line.units
        self.used.add(node)

    def send(self, nodes: Collection[int]) -> None:
        """A shipment of one order from each of these."""
        for node in nodes if self.shipments else ():
            self.shipments[node] -= 1


def _take(
    problem: Problem, left: _Left, order: int, way: Mapping[int, Sequence[int]]
) -> tuple[int, dict[int, int | None]]:
    """The cost of an order, and the node of each of its lines: line by line at the cheapest of those it may have."""
    taken: Counter[Any] = Counter()
    open_to: set[int] = set()
    most = problem.nodes_max[order] if problem.nodes_max else len(way)
    total, chosen = 0, {}
    for place, nodes in way.items():
        line = problem.lines[place]
        best, least = None, line.unserved
        for node in nodes:
            key = (line.item, node)
            fits = left.stock[key] - taken[key] >= line.units
            if not fits or left.capacity[node] - taken[node] < line.units:
                continue
            if node not in open_to and (
                len(open_to) >= most or (left.shipments and left.shipments[node] <= 0)
            ):
                continue
            cost = line.costs[node] or 0
            if node not in open_to:
                cost += problem.shipments[order][node]
                if node not in left.used:
                    cost += problem.opening[node]
            if cost < least:
                best, least = node, cost
        chosen[place] = best
        total += least
        if best is not None:
            open_to.add(best)
            taken[line.item, best] += line.units
            taken[best] += line.units
    return total, chosen
