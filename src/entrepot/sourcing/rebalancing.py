"""Which units should go from one node to another: from demand, cover and cost. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, NamedTuple
from uuid import UUID

from msgspec import Meta

from entrepot.kernel import money
from entrepot.kernel.shapes import shape
from entrepot.network.rules import distance_km

Days = Annotated[int, Meta(ge=1, le=365)]
Count = Annotated[int, Meta(ge=0)]


@shape("sourcing.rebalancing", window_days=(1, 3_660))
@dataclass(frozen=True, slots=True)
class Rebalancing:
    """How stock is balanced between nodes."""

    cover_days: Days = 14
    """Days of its demand that each node should be able to serve, beside its safety stock."""
    window_days: Days = 28
    """Days up to now whose sales tell the demand."""
    handling_minor: Count = 20
    """What it costs to move one unit, however far, in minor units of the company's currency."""
    per_100_km_minor: Count = 10
    """What it costs more for every hundred kilometers."""
    unknown_km: Count = 500
    """The distance between nodes of which one has no coordinates."""
    units_min: Count = 3
    """Fewer units are moved only to where orders wait for them."""
    cost_max_percent: Count = 25
    """A unit is not moved where that costs more than this share of what it is worth; units of unknown worth are."""
    accept_units_max: Count = 0
    """Up to this many units a proposal is accepted by rule; 0: a person accepts each."""
    accept_value_max_minor: Count = 0
    """Up to this value of goods likewise; both limits hold."""
    rejected_days: Count = 7
    """Days in which a proposal that was rejected is not made again."""
    transit_days: Days = 3
    """Days after which what a node has sent is expected at the other."""


class Place(NamedTuple):
    """A node, with its place on the earth as far as it is known."""

    id: UUID
    code: str
    latitude: float | None
    longitude: float | None


class Holding(NamedTuple):
    """What a node has of a SKU and what is asked of it.

    `free` is what anybody may be promised, below zero where it lacks safety stock; `coming` is on its way there;
    `sold` went to customers in the window; `waiting` are backordered units of channels that it serves before others.
    """

    node: UUID
    free: int
    coming: int
    sold: int
    waiting: int


class Standing(NamedTuple):
    """What a node should have for its days of cover, what it lacks of it, and what it can give away."""

    target: int
    need: int
    surplus: int


class Shift(NamedTuple):
    """Units that should go from one node to another, at a cost for each."""

    source: UUID
    target: UUID
    units: int
    unit_cost: int


def stand(one: Holding, policy: Rebalancing) -> Standing:
    """What is coming fills a need, but nobody gives away what has not come yet."""
    target = -(-one.sold * policy.cover_days // policy.window_days)
    wanted = target + one.waiting
    return Standing(target, max(0, wanted - one.free - one.coming), max(0, one.free - wanted))


def kilometers(one: Place, other: Place, policy: Rebalancing) -> int:
    """Whole kilometers between nodes, as the crow flies."""
    if None in (one.latitude, one.longitude, other.latitude, other.longitude):
        return policy.unknown_km
    return round(distance_km(one.latitude, one.longitude, other.latitude, other.longitude))  # type: ignore[arg-type]


def unit_cost(km: int, policy: Rebalancing) -> int:
    """What it costs to move one unit so far, rounded up."""
    return policy.handling_minor - (-km * policy.per_100_km_minor // 100)


def is_worth(cost: int, value: int, policy: Rebalancing) -> bool:
    """Whether moving a unit costs no more than its share of what the unit is worth; 0 is an unknown worth."""
    return not value or cost * 100 <= value * policy.cost_max_percent


def is_accepted(units: int, value: int, policy: Rebalancing) -> bool:
    """Whether the rule may accept a proposal for a person."""
    return units <= policy.accept_units_max and value <= policy.accept_value_max_minor


Costs = Mapping[tuple[UUID, UUID], int]
"""What moving one unit costs, by (from, to); a pair that is missing may not be used."""


def rebalance(holdings: Sequence[Holding], costs: Costs, policy: Rebalancing) -> list[Shift]:
    """The cheapest shifts of one SKU that bring what is to spare to where it is needed.

    Where there is not enough for all, orders that wait come first, then days of cover, each in proportion. No node
    gives more than it has to spare or gets more than it needs.
    """
    stands = {one.node: stand(one, policy) for one in holdings}
    spare = {node: it.surplus for node, it in stands.items() if it.surplus}
    waiting = {one.node: min(one.waiting, stands[one.node].need) for one in holdings}
    for_orders = ration(list(waiting.values()), sum(spare.values()))
    rest = [stands[node].need - units for node, units in waiting.items()]
    for_cover = ration(rest, sum(spare.values()) - sum(for_orders))
    wanted = {
        node: orders + cover
        for node, orders, cover in zip(waiting, for_orders, for_cover, strict=True)
        if orders + cover
    }
    return [
        Shift(source, target, units, costs[source, target])
        for (source, target), units in cheapest(spare, wanted, costs).items()
        if units >= policy.units_min or waiting[target]
    ]


def ration(wanted: Sequence[int], units: int) -> list[int]:
    """As much as is wanted, or each its part of the units by largest remainder."""
    return list(wanted) if sum(wanted) <= units else money.share(units, wanted)


def cheapest(
    spare: Mapping[UUID, int], wanted: Mapping[UUID, int], costs: Costs
) -> dict[tuple[UUID, UUID], int]:
    """Units by (from, to): as many as can be moved, at the least cost of all ways to move so many.

    Each round sends what fits over the path that adds least, which may take back what an earlier round has sent.
    """
    left, open_ = dict(spare), dict(wanted)
    arcs = {(a, b): costs[a, b] for a in spare for b in wanted if (a, b) in costs}
    sent: dict[tuple[UUID, UUID], int] = defaultdict(int)
    while path := _cheapest_path(left, open_, arcs, sent):
        source, target = path[0][0][0], path[-1][0][1]
        units = min(left[source], open_[target], *(sent[arc] for arc, sign in path if sign < 0))
        left[source] -= units
        open_[target] -= units
        for arc, sign in path:
            sent[arc] += sign * units
    return {arc: sent[arc] for arc in arcs if sent[arc]}


_Path = list[tuple[tuple[UUID, UUID], int]]


def _cheapest_path(
    left: Mapping[UUID, int], open_: Mapping[UUID, int], arcs: Costs, sent: Mapping[tuple[UUID, UUID], int]
) -> _Path:
    """Arcs from a node that has units left to one that wants some, each with 1, or −1 where units are taken back."""
    cost = {node: 0 for node, units in left.items() if units}
    came: dict[UUID, tuple[tuple[UUID, UUID], int]] = {}
    is_better = True
    while is_better:
        is_better = False
        for arc, price in arcs.items():
            source, target = arc
            if source in cost and (target not in cost or cost[source] + price < cost[target]):
                cost[target], came[target], is_better = cost[source] + price, (arc, 1), True
            if (
                sent.get(arc)
                and target in cost
                and (source not in cost or cost[target] - price < cost[source])
            ):
                cost[source], came[source], is_better = cost[target] - price, (arc, -1), True
    ends = [node for node, units in open_.items() if units and node in cost]
    if not ends:
        return []
    node, path = min(ends, key=lambda end: cost[end]), []
    while node in came:
        arc, sign = came[node]
        path.append((arc, sign))
        node = arc[0] if sign > 0 else arc[1]
    return path[::-1]


# ---- which units


class Shelf(NamedTuple):
    """A bin with units of a lot that may be sent."""

    bin: UUID
    lot: str
    expires_on: date | None
    free: int


def take_off(shelves: Iterable[Shelf], units: int) -> list[tuple[Shelf, int]]:
    """From which bins units are sent: what keeps longest, so that it arrives fresh, and from as few bins as may be."""
    taken = []
    for shelf in sorted(shelves, key=_longest_kept):
        part = min(units, shelf.free)
        if part:
            taken.append((shelf, part))
            units -= part
    return taken


def _longest_kept(shelf: Shelf) -> tuple[int, int, str, UUID]:
    days = shelf.expires_on.toordinal() if shelf.expires_on else date.max.toordinal()
    return (-days, -shelf.free, shelf.lot, shelf.bin)
