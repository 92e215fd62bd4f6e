"""A batch too large for proof: prices on stock, capacity and shipments, a bound from what orders choose, and a plan.

Lagrangian relaxation. At any prices, the sum of every order's own best plan, less the worth of all stock and capacity,
is a bound that no plan can beat. The prices move until demand and supply meet; orders that choose at good prices leave
little to repair. How many nodes an order may come from has no price: the plan keeps to it, and the bound looks past it.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from entrepot.sourcing.joint.problem import Problem, Solution, cost_of

CHUNK = 4
"""Lines of an order that are planned at once: all their ways to share shipments are looked at."""
REPAIR_EVERY, PATIENCE, STEP_MIN = 8, 12, 1e-4


def solve_by_prices(problem: Problem, rough: Sequence[int | None], is_over: Callable[[], bool]) -> Solution:
    """By prices on stock and capacity: the best bound, and the best plan that the orders make at the prices."""
    import numpy as np  # comes with the extra `solver`

    prices = _Prices(np, problem)
    best, cost = tuple(rough), cost_of(problem, rough)
    bound, loose, step, since = 0.0, 0.0, 1.0, 0
    while cost > -int(-bound // 1) and not is_over():
        value, choice = prices.respond()
        loose = max(loose, value - prices.worth_beyond())
        if value > bound:
            bound, since = value, 0
        else:
            since += 1
        if since == 0 or since % REPAIR_EVERY == 0:
            plan = prices.repaired(choice)
            worth = cost_of(problem, plan)
            if worth < cost:
                best, cost = plan, worth
        if since == PATIENCE:
            step, since = step / 2, 0
            if step < STEP_MIN:
                break
        prices.move(choice, step * (cost - value))
    return Solution(best, cost, min(cost, -int(-(loose - 1e-6) // 1)), "priced")


class _Group(NamedTuple):
    """Parts of orders with the same number of lines: the places of the lines, the cost of a shipment from each node
    (none of leaving it out), and the share of its order's shipments that each part bears."""

    places: Any
    shipments: Any
    share: Any


class _Left(NamedTuple):
    """What a plan leaves while it is made: stock, capacity and shipments, and the nodes that each order comes from."""

    stock: Any
    capacity: Any
    shipments: Any
    of_order: dict[int, set[int]]


class _Prices:
    """Prices for a unit of each item at each node, of each node's capacity and of a shipment from it, and what orders
    choose at them."""

    def __init__(self, numpy: Any, problem: Problem) -> None:
        self.np, self.problem = numpy, problem
        lines, count = problem.lines, len(problem.capacity)
        items = {item: i for i, item in enumerate(dict.fromkeys(line.item for line in lines))}
        self.item = numpy.array([items[line.item] for line in lines])
        self.units = numpy.array([line.units for line in lines], float)
        # The last column is to leave the line out: no shipment, no limit, the price of it.
        self.cost = numpy.full((len(lines), count + 1), numpy.inf)
        for place, nodes in enumerate(problem.candidates()):
            for node in nodes:
                self.cost[place, node] = lines[place].costs[node]
            self.cost[place, count] = lines[place].unserved
        self.stock = numpy.zeros((len(items), count))
        for (item, node), units in problem.stock.items():
            if item in items:
                self.stock[items[item], node] = units
        self.capacity = numpy.array(problem.capacity, float)
        self.of_stock = numpy.zeros_like(self.stock)
        self.of_node = numpy.zeros(count)
        orders = problem.orders()
        self.order = [line.order for line in lines]
        self.nodes_max = {order: problem.nodes_max[order] if problem.nodes_max else count for order in orders}
        self.shipments = numpy.array(problem.shipments_max or [len(orders)] * count, float)
        self.of_shipment = numpy.zeros(count)
        self._chunk()

    def _chunk(self) -> None:
        """Group the lines by the size of their order. A long order is cut, and each part bears its share of shipments:
        together they never cost more than the order does.
        """
        numpy = self.np
        groups: dict[int, list[tuple[list[int], list[float], float]]] = {}
        for order, places in self.problem.orders().items():
            for start in range(0, len(places), CHUNK):
                part = places[start : start + CHUNK]
                share = len(part) / len(places)
                shipment = [cost * share for cost in self.problem.shipments[order]]
                groups.setdefault(len(part), []).append((part, [*shipment, 0.0], share))
        self.groups = [
            _Group(*(numpy.array(column) for column in zip(*group, strict=True)))
            for _, group in sorted(groups.items())
        ]

    def respond(self) -> tuple[float, Any]:
        """The bound at these prices, and the node that each line would choose if there were enough of all."""
        numpy = self.np
        priced = self.cost.copy()
        priced[:, :-1] += self.units[:, None] * (self.of_stock[self.item] + self.of_node)
        value = -float((self.of_stock * self.stock).sum() + (self.of_node * self.capacity).sum())
        value -= float((self.of_shipment * self.shipments).sum())
        choice = numpy.empty(len(self.cost), int)
        self.shipping = [self._priced_shipments(group) for group in self.groups]
        for group, shipments in zip(self.groups, self.shipping, strict=True):
            least, nodes = _cheapest(numpy, priced[group.places], shipments)
            value += float(least.sum())
            choice[group.places] = nodes
        self.priced = priced
        return value, choice

    def worth_beyond(self) -> float:
        """What the units are worth by which nodes may pass their capacity: so much lower is the bound of plans that do.

        At the most where the dearest node passes it by the most, and so on.
        """
        prices = self.np.sort(self.of_node[self.capacity > 0])[::-1]
        units = self.np.array(self.problem.beyond[: len(prices)], float)
        return float((prices[: len(units)] * units).sum())

    def _priced_shipments(self, group: _Group) -> Any:
        priced = group.shipments.copy()
        priced[:, :-1] += group.share[:, None] * self.of_shipment
        return priced

    def _shipped(self, choice: Any) -> Any:
        """The shipments that nodes would send; a part of an order counts as much as it bears."""
        numpy = self.np
        sent = numpy.zeros(len(self.capacity) + 1)
        for group in self.groups:
            nodes = choice[group.places]
            for i in range(nodes.shape[1]):
                is_new = (nodes[:, :i] != nodes[:, i : i + 1]).all(axis=1)
                numpy.add.at(sent, nodes[is_new, i], group.share[is_new])
        return sent[:-1]

    def move(self, choice: Any, length: float) -> None:
        """Raise the price of what is asked for too much, lower that of what is left, by a step towards balance."""
        numpy = self.np
        served = choice < len(self.capacity)
        over = -self.stock.copy()
        numpy.add.at(over, (self.item[served], choice[served]), self.units[served])
        crowded = numpy.bincount(choice[served], self.units[served], len(self.capacity)) - self.capacity
        over[(over < 0) & (self.of_stock == 0)] = 0
        crowded[(crowded < 0) & (self.of_node == 0)] = 0
        sent = self._shipped(choice) - self.shipments
        sent[(sent < 0) & (self.of_shipment == 0)] = 0
        norm = float((over**2).sum() + (crowded**2).sum() + (sent**2).sum())
        if norm:
            self.of_stock = numpy.maximum(0, self.of_stock + length / norm * over)
            self.of_node = numpy.maximum(0, self.of_node + length / norm * crowded)
            self.of_shipment = numpy.maximum(0, self.of_shipment + length / norm * sent)

    def repaired(self, choice: Any) -> tuple[int | None, ...]:
        """A plan that holds: orders take turns, those first that would lose most; who finds too little chooses anew."""
        numpy, count = self.np, len(self.capacity)
        left = _Left(self.stock.copy(), self.capacity.copy(), self.shipments.copy(), {})
        nodes = numpy.full(len(self.cost), count)
        parts = [
            (self._regret(group.places[i]), tuple(group.places[i]), shipments[i])
            for group, shipments in zip(self.groups, self.shipping, strict=True)
            for i in range(len(group.places))
        ]
        for _, part, shipment in sorted(parts, key=lambda one: -one[0]):
            places = list(part)
            wanted = choice[places]
            if not self._fit(places, wanted, left):
                wanted = self._again(places, shipment, left)
            nodes[places] = wanted
        return tuple(None if node == count else int(node) for node in nodes)

    def _regret(self, places: Any) -> float:
        """What the second-best node would cost more, at these prices."""
        two = self.np.partition(self.priced[places], 1, axis=1)[:, :2]
        return float((two[:, 1] - two[:, 0]).sum())

    def _fit(self, places: Sequence[int], wanted: Any, left: _Left) -> bool:
        """Take what is wanted, or nothing of it where it is not there. All places are of one order."""
        order, count = self.order[places[0]], len(left.capacity)
        mine = left.of_order.get(order, set())
        new = {int(node) for node in wanted if node < count} - mine
        if len(mine) + len(new) > self.nodes_max[order] or any(left.shipments[node] < 1 for node in new):
            return False
        done: list[tuple[float, int, int]] = []
        for place, node in zip(places, wanted, strict=True):
            if node == count:
                continue
            units, item = self.units[place], self.item[place]
            if left.stock[item, node] < units or left.capacity[node] < units:
                for units, item, node in done:
                    left.stock[item, node] += units
                    left.capacity[node] += units
                return False
            left.stock[item, node] -= units
            left.capacity[node] -= units
            done.append((units, item, node))
        left.of_order[order] = mine | new
        for node in new:
            left.shipments[node] -= 1
        return True

    def _may(self, order: int, left: _Left) -> Any:
        """The nodes that an order may still come from."""
        numpy, mine = self.np, sorted(left.of_order.get(order, ()))
        may = (left.shipments >= 1) & (len(mine) < self.nodes_max[order])
        if mine:
            may[numpy.array(mine)] = True
        return may

    def _again(self, places: Sequence[int], shipment: Any, left: _Left) -> Any:
        """The cheapest of what is left; all of it from one node where it may not come from more, and line by line where
        lines of one item contend for it."""
        numpy, costs, order = self.np, self.priced[places].copy(), self.order[places[0]]
        units = self.units[places][:, None]
        short = (left.stock[self.item[places]] < units) | (left.capacity < units) | ~self._may(order, left)
        costs[:, :-1][short] = numpy.inf
        _, nodes = _cheapest(numpy, costs[None], shipment[None])
        if self._fit(places, nodes[0], left):
            return nodes[0]
        alone = numpy.full(len(places), int((costs.sum(axis=0) + shipment).argmin()))
        if len(set(nodes[0])) > self.nodes_max[order] and self._fit(places, alone, left):
            return alone
        chosen = numpy.full(len(places), len(left.capacity))
        for i, place in enumerate(places):
            one = costs[i : i + 1].copy()
            gone = (left.stock[self.item[place]] < units[i]) | (left.capacity < units[i])
            one[0, :-1][gone | ~self._may(order, left)] = numpy.inf
            _, node = _cheapest(numpy, one[None], shipment[None])
            if self._fit([place], node[0], left):
                chosen[i] = node[0][0]
        return chosen


def _cheapest(numpy: Any, costs: Any, shipments: Any) -> tuple[Any, Any]:
    """For each order of a group: what its lines cost at the least, and their nodes.

    `costs` has the shape (orders, lines, nodes), `shipments` (orders, nodes). Exact: lines that share a node share a
    shipment, so the best of all partitions of the lines is looked for, each part at the best node for it.
    """
    orders, size, _ = costs.shape
    at, node = {}, {}
    for mask in range(1, 1 << size):
        members = [i for i in range(size) if mask >> i & 1]
        whole = costs[:, members].sum(axis=1) + shipments
        node[mask] = whole.argmin(axis=1)
        at[mask] = numpy.take_along_axis(whole, node[mask][:, None], axis=1)[:, 0]
    least, nodes = {0: numpy.zeros(orders)}, {0: numpy.zeros((orders, size), int)}
    for mask in range(1, 1 << size):
        least[mask] = numpy.full(orders, numpy.inf)
        nodes[mask] = numpy.zeros((orders, size), int)
        for part in _parts(mask):
            total = at[part] + least[mask ^ part]
            better = total < least[mask]
            least[mask] = numpy.where(better, total, least[mask])
            members = numpy.array([bool(part >> i & 1) for i in range(size)])
            found = numpy.where(members, node[part][:, None], nodes[mask ^ part])
            nodes[mask] = numpy.where(better[:, None], found, nodes[mask])
    return least[(1 << size) - 1], nodes[(1 << size) - 1]


@cache
def _parts(mask: int) -> tuple[int, ...]:
    """The parts of a set that have its lowest member."""
    lowest = mask & -mask
    rest, part, found = mask ^ lowest, mask ^ lowest, []
    while True:
        found.append(part | lowest)
        if not part:
            return tuple(found)
        part = (part - 1) & rest
