"""The cheapest plan for orders that are allocated together, which keeps to what each of them would meet alone. Pure.

The problem that is solved knows stock, the work that nodes take before they are busy, and the limit of shipments. What
it can't know is looked at afterwards, order by order as they will be served: ring-fences of several channels, profiles
that differ, and that the order which makes a node busy may be larger than what was left there. An order that can't go
as the plan has it takes its cheapest way out of what is left. The cost is that of the plan after this, and the bound
that of the problem, which is never the stricter one: so the gap between them is never told too small.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Said
from entrepot.sourcing import joint, rules
from entrepot.sourcing.cost import Wanted
from entrepot.sourcing.rules import Node, Plan, Share, Today
from entrepot.stock.rules import Position

Assigned = Mapping[UUID, Node]
"""The node of each line, by line."""


class Member(NamedTuple):
    """An order of a batch: what it wants, whose ring-fences it may use, and from how many nodes it may come."""

    wanted: Wanted
    channel: UUID
    nodes_max: int


class Standing(NamedTuple):
    """What a batch finds: stock by (sku, node), and at each node the orders and, in `today`, the units that wait."""

    positions: Mapping[tuple[UUID, UUID], Position]
    open_orders: Mapping[UUID, int]
    today: Today


def solve_together(
    members: Sequence[Member], standing: Standing, seconds: float
) -> tuple[dict[UUID, Assigned], joint.Solution]:
    """The cheapest plan for all orders together, by order in their turn; lines that it leaves out are missing.

    First every rule is hard. Orders of which that leaves something out are planned once more without the soft ones, as
    an order alone is; what they cost then is not in the figures, where they count as left out.
    """
    deadline = time.monotonic() + seconds  # a budget, not a time that anything is decided by
    may_soften = [member for member in members if _may_soften(member, standing.today)]
    first = _Pass(members, standing, softened=False)
    rest = deadline - time.monotonic()
    assigned, solution = first.solved(rest / 2 if may_soften else rest)
    again = [one for one in may_soften if not _is_whole(one, assigned)]
    if again:
        left = _Left(standing)
        for one in members:
            if _is_whole(one, assigned):
                left.take(one, assigned[one.wanted.order])
        more, _ = _Pass(again, left.standing(), softened=True).solved(deadline - time.monotonic())
        assigned |= {one.wanted.order: more[one.wanted.order] for one in again if _is_whole(one, more)}
    return assigned, solution


def _is_whole(member: Member, assigned: Mapping[UUID, Assigned]) -> bool:
    return len(assigned[member.wanted.order]) == len(member.wanted.lines)


def _may_soften(member: Member, today: Today) -> bool:
    """Whether more may be asked for it, or of those who are, once soft rules are dropped."""
    wanted = member.wanted
    return bool(wanted.nodes.after) or any(
        rules.room(node, wanted.profile, today) != rules.room(node, wanted.profile, today, softened=True)
        for node in wanted.nodes.first
    )


class _Left:
    """What the orders before leave of stock and of nodes."""

    def __init__(self, standing: Standing) -> None:
        self.positions = {
            key: Position(one.free, one.fenced, dict(one.fences)) for key, one in standing.positions.items()
        }
        self.today = standing.today
        self.orders = Counter(standing.open_orders)
        self.units = Counter(standing.today.units)

    def standing(self) -> Standing:
        return Standing(self.positions, self.orders, self.today._replace(units=self.units))

    def free(self, member: Member, sku: UUID, node: Node) -> int:
        """Units of a SKU that a node may still promise to an order."""
        position, wanted = self.positions.get((sku, node.id)), member.wanted
        there = wanted.free.get((sku, node.id), 0)
        if position is None or not there:
            return 0
        return max(0, min(there, position.free_for(member.channel) - wanted.nodes.keeps.get(node.id, 0)))

    def has_room(self, node: Node, room: rules.Room) -> bool:
        """Whether a node is not busy yet."""
        return (room.orders is None or self.orders[node.id] < room.orders) and (
            room.units is None or self.units[node.id] < room.units
        )

    def take(self, member: Member, assigned: Assigned) -> None:
        for line in member.wanted.lines:
            node = assigned.get(line.id)
            if node:
                self.positions[line.sku, node.id].take(member.channel, line.quantity)
                self.units[node.id] += line.quantity
        self.orders.update({node.id for node in assigned.values()})


class _Pass:
    """The orders as one problem: with every rule, or once soft ones are dropped."""

    def __init__(self, members: Sequence[Member], standing: Standing, *, softened: bool) -> None:
        self.members, self.standing, self.softened = members, standing, softened
        self.left = _Left(standing)
        self._rooms: dict[tuple[int, UUID], rules.Room] = {}
        asked = {node.id: node for member in members for node in self._asked(member)}
        self.nodes = list(asked.values())
        self.place = {node: i for i, node in enumerate(asked)}
        # An order makes a node busy with all of it or with a part, and other nodes with what is left of it at most.
        units = (sum(line.quantity for line in one.wanted.lines) - 1 for one in members)
        self.beyond = sorted((beyond for beyond in units if beyond), reverse=True)
        self.problem = self._problem()

    def _asked(self, member: Member) -> list[Node]:
        """The nodes that may serve an order, and that a carrier serves."""
        nodes, shipping = member.wanted.nodes, member.wanted.shipping
        asked = (*nodes.first, *nodes.after) if self.softened else nodes.first
        return [node for node in asked if node.id in shipping]

    def _room(self, member: Member, node: Node) -> rules.Room:
        profile = member.wanted.profile
        key = (id(profile), node.id)
        if key not in self._rooms:
            self._rooms[key] = rules.room(node, profile, self.left.today, softened=self.softened)
        return self._rooms[key]

    def _problem(self) -> joint.Problem:
        lines: list[joint.Line] = []
        shipments = []
        most: dict[tuple[joint.Item, int], dict[UUID, int]] = {}
        for number, member in enumerate(self.members):
            wanted = member.wanted
            asked = [
                (node, self.place[node.id])
                for node in self._asked(member)
                if self.left.has_room(node, self._room(member, node))
            ]
            shipment = [0] * len(self.nodes)
            for node, place in asked:
                shipment[place] = wanted.of_shipment(node)
            shipments.append(shipment)
            for line in wanted.lines:
                costs: list[int | None] = [None] * len(self.nodes)
                for node, place in asked:
                    there = self.left.free(member, line.sku, node)
                    if there >= line.quantity:
                        costs[place] = wanted.of_line(line, node)
                        of_channel = most.setdefault((line.sku, place), {})
                        of_channel[member.channel] = max(there, of_channel.get(member.channel, 0))
                unserved = wanted.profile.backorder_minor * line.quantity
                lines.append(joint.Line(number, line.sku, line.quantity, tuple(costs), unserved))
        return joint.Problem(
            lines, shipments, self._stock(most), self._units(), [0] * len(self.nodes), self._orders(),
            [member.nodes_max for member in self.members], self.beyond,
        )  # fmt: skip

    def _stock(
        self, most: Mapping[tuple[joint.Item, int], Mapping[UUID, int]]
    ) -> dict[tuple[joint.Item, int], int]:
        """What all together may take: no channel more than it may alone, and nobody what every order leaves there."""
        keeps = {
            node: min(member.wanted.nodes.keeps.get(node, 0) for member in self.members)
            for node in self.place
        }
        found = {}
        for (sku, place), of_channel in most.items():
            node = self.nodes[place].id
            there = self.left.positions[sku, node].free - keeps[node]  # type: ignore[index]
            found[sku, place] = min(there, sum(of_channel.values()))
        return found

    def _units(self) -> list[int]:
        """Units that each node takes before it is busy; of the order that makes it so it takes those beyond as well."""
        everything = sum(line.quantity for member in self.members for line in member.wanted.lines)
        found = []
        for node, rooms in zip(self.nodes, self._all_rooms(), strict=True):
            most = [room.units for room in rooms if room.units is not None]
            left = max(most, default=0) - self.left.units[node.id]
            is_bound = len(most) == len(rooms)
            found.append(max(0, left) if is_bound else everything)
        return found

    def _orders(self) -> list[int]:
        """Orders that each node takes; none are told where no node is bound."""
        found, is_bound = [], False
        for node, rooms in zip(self.nodes, self._all_rooms(), strict=True):
            most = [room.orders for room in rooms if room.orders is not None]
            left = max(0, max(most, default=0) - self.left.orders[node.id])
            is_free = len(most) < len(rooms) or left >= len(self.members)
            is_bound = is_bound or not is_free
            found.append(len(self.members) if is_free else left)
        return found if is_bound else []

    def _all_rooms(self) -> list[list[rules.Room]]:
        """By node, the room for each profile that asks it: where one knows no limit, there is none for all."""
        found: list[dict[int, rules.Room]] = [{} for _ in self.nodes]
        for member in self.members:
            for node in self._asked(member):
                found[self.place[node.id]].setdefault(id(member.wanted.profile), self._room(member, node))
        return [list(rooms.values()) for rooms in found]

    def solved(self, seconds: float) -> tuple[dict[UUID, Assigned], joint.Solution]:
        """The plan, looked at in the turn of the orders, and put right where it does not hold.

        Where a small problem's plan does not, since nodes take less in that turn than they might, one that fills none
        of them beyond its units is tried as well. What a large one leaves of the last order at a node is filled.
        """
        began = time.monotonic()
        found = joint.solve(self.problem, seconds)
        plans = [self._put_right(found.nodes)]
        if self.problem.beyond and found.solver == "exact" and plans[0] != found.nodes:
            tight = joint.solve(replace(self.problem, beyond=()), seconds - (time.monotonic() - began))
            plans.append(self._put_right(tight.nodes))
        if self.problem.beyond and found.solver != "exact":
            plans.append(self._put_right(joint.moved(self.problem, plans[0])))
        nodes = min(plans, key=lambda one: joint.cost_of(self.problem, one))
        places = self.problem.orders()
        assigned = {
            member.wanted.order: self._named(member, [nodes[place] for place in places[number]])
            for number, member in enumerate(self.members)
        }
        return assigned, replace(found, nodes=nodes, cost=joint.cost_of(self.problem, nodes))

    def _put_right(self, planned: Sequence[int | None]) -> tuple[int | None, ...]:
        """The plan, with the cheapest way out of what is left for each order that can't go as planned in its turn."""
        nodes, left = list(planned), _Left(self.standing)
        for number, places in self.problem.orders().items():
            member = self.members[number]
            if not self._holds(left, member, self._named(member, [nodes[place] for place in places])):
                for place, node in zip(places, self._alone(left, number, places), strict=True):
                    nodes[place] = node
            left.take(member, self._named(member, [nodes[place] for place in places]))
        return tuple(nodes)

    def _named(self, member: Member, nodes: Sequence[int | None]) -> Assigned:
        return {
            line.id: self.nodes[node]
            for line, node in zip(member.wanted.lines, nodes, strict=True)
            if node is not None
        }

    def _holds(self, left: _Left, member: Member, assigned: Assigned) -> bool:
        """Whether an order may go so when its turn comes."""
        chosen = {node.id: node for node in assigned.values()}
        taken: Counter[tuple[UUID, UUID]] = Counter()
        for line in member.wanted.lines:
            if line.id in assigned:
                taken[line.sku, assigned[line.id].id] += line.quantity
        return (
            len(chosen) <= member.nodes_max
            and all(left.has_room(node, self._room(member, node)) for node in chosen.values())
            and all(units <= left.free(member, sku, chosen[node]) for (sku, node), units in taken.items())
        )

    def _alone(self, left: _Left, number: int, places: Sequence[int]) -> tuple[int | None, ...]:
        """The cheapest way of one order out of what is left."""
        member = self.members[number]
        may = [left.has_room(node, self._room(member, node)) for node in self.nodes]
        lines = [self.problem.lines[place] for place in places]
        units = sum(line.units for line in lines)
        stock = {
            (line.item, i): left.free(member, of.sku, node)
            for line, of in zip(lines, member.wanted.lines, strict=True)
            for i, node in enumerate(self.nodes)
            if line.costs[i] is not None
        }
        alone = joint.Problem(
            [line._replace(order=0) for line in lines], [self.problem.shipments[number]], stock,
            [units if one else 0 for one in may], [0] * len(self.nodes), nodes_max=[member.nodes_max],
        )  # fmt: skip
        return joint.greedy(alone)


def follow(order: Wanted, assigned: Assigned, nodes_max: int, together: int) -> Plan | None:
    """The plan that sends each line from its node; None where it is not whole, a node may not serve it any more, goods
    are not free, or it is split too far.

    `together` is the number of orders that were solved with it.
    """
    ranked = order.cheapest_first()
    chosen = list({node.id: node for node in assigned.values()}.values())
    # By id: the same node may have another priority for another order's channel.
    softened = any(node.id not in {one.id for one in ranked.first} for node in chosen)
    asked = (*ranked.first, *ranked.after) if softened else ranked.first
    may = {one.id for one in asked}
    if (
        len(assigned) < len(order.lines)
        or len(chosen) > nodes_max
        or any(one.id not in may for one in chosen)
    ):
        return None
    taken: Counter[tuple[UUID, UUID]] = Counter()
    for line in order.lines:
        taken[line.sku, assigned[line.id].id] += line.quantity
    if any(units > order.free.get(key, 0) for key, units in taken.items()):
        return None
    shares = tuple(Share(line.id, line.sku, assigned[line.id].id, line.quantity) for line in order.lines)
    candidates = tuple(rules.served_by(order.lines, node, order.free) for node in asked)
    outcome = "split" if len(chosen) > 1 else "allocated"
    codes = tuple(node.code for node in chosen)
    why = _why(order, codes, candidates, together)
    if softened:
        why = Said("{0}, soft rules dropped", why)
    return Plan(shares, (), outcome, why, candidates, codes, softened=softened)


def _why(order: Wanted, codes: Sequence[str], candidates: Sequence[tuple[str, int]], together: int) -> str:
    total = sum(line.quantity for line in order.lines)
    cheapest = next((code for code, units in candidates if units == total), None)
    if len(codes) > 1:
        return Said("{0} together are the cheapest plan", rules.joined(codes))
    if codes[0] == cheapest:
        return Said("{0} is the cheapest node that has all of it", codes[0])
    return Said("{0} is the cheapest for the {1} orders that were planned together", codes[0], together)
