"""The stops of a wave as lists: what goes on one cart, and the way of each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from random import Random
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Said
from entrepot.warehouse.batching import Cart, Floor, Group, Load, as_they_came, batched
from entrepot.warehouse.routing import Layout, Spot, route
from entrepot.warehouse.waves import BY_POLICY, Times, Waves, list_seconds


class Stop(NamedTuple):
    """Units to be taken from a bin for one order, named by their task."""

    task: UUID
    load: UUID
    zone: str
    bin: UUID
    x: int
    y: int
    pick_sequence: int
    sku: UUID
    units: int
    weight_g: int
    volume_cm3: int
    pieces: int = 0
    """Pieces that are handled, whole cases and pallets as one each; 0: each unit."""

    @property
    def handled(self) -> int:
        return self.pieces or self.units


class Plan(NamedTuple):
    """Where the aisles are, and how long a unit of the coordinates is."""

    layout: Layout
    unit_mm: int


class Planned(NamedTuple):
    """A list: its stops in the order of the way, each with its place on the cart (0: any). `leg`: which zone in turn it
    is on the way of totes that pass, the same for all; 0: no tote does."""

    zone: str
    stops: tuple[tuple[Stop, int], ...]
    length_mm: int | None
    seconds: int
    leg: int = 0

    @property
    def units(self) -> int:
        return sum(stop.units for stop, _ in self.stops)


ToSpot = Callable[[int, int], Spot]


def plan_lists(
    stops: Iterable[Stop], plan: Plan | None, policy: Waves, chance: Random, times: Times = BY_POLICY
) -> list[Planned]:
    """The lists of a wave; stops are given with the most urgent orders first, and so come the lists.

    What an order needs of a zone, or of all where the method is another, stays together, also where it is more than a
    cart takes. Without a plan carts are filled as the orders come, and walked in the order of `pick_sequence`.
    """
    if policy.method == "pass":
        return _passed(list(stops), plan, policy, times)
    zones: dict[str, list[Stop]] = {}
    for stop in stops:
        zones.setdefault(stop.zone if policy.method == "zone" else "", []).append(stop)
    total = sum(map(len, zones.values()))
    spot = cache(spots(plan))  # a wave stops many times at each of its bins
    planned = []
    for zone, part in sorted(zones.items()):
        routes = policy.routes_max * len(part) // total
        planned += [
            walked(zone, group, plan, spot, policy, times)
            for group in _grouped(part, plan, spot, policy, routes, chance)
        ]
    return planned


def _passed(stops: Sequence[Stop], plan: Plan | None, policy: Waves, times: Times) -> list[Planned]:
    """A list for each order and zone: its tote goes through the zones in one order, the same for all."""
    turn = turns(stops, policy)
    spot = cache(spots(plan))
    planned = []
    for load in by_load(stops):
        zones: dict[str, list[Stop]] = {}
        for stop in load:
            zones.setdefault(stop.zone, []).append(stop)
        for zone in sorted(zones, key=turn.__getitem__):
            one = walked(zone, [zones[zone]], plan, spot, policy, times)
            planned.append(one._replace(leg=turn[zone] + 1))
    return planned


def later_leg(leg: int, current: int, zones: int) -> int:
    """The leg of a list that is added when its tote is at `current`: a zone that the tote has passed comes once more
    when it has been through all of them."""
    rounds = -(-max(0, current - leg) // zones)
    return leg + rounds * zones


def turns(stops: Iterable[Stop], policy: Waves) -> dict[str, int]:
    """At which place on their way totes pass each zone, from 0: those of the policy at theirs, the others behind them
    by the pick sequence of their bins."""
    first: dict[str, int] = {}
    for stop in stops:
        first[stop.zone] = min(stop.pick_sequence, first.get(stop.zone, stop.pick_sequence))
    named = {zone: i for i, zone in enumerate(policy.pass_zones)}
    others = sorted(first.keys() - named.keys(), key=lambda zone: (first[zone], zone))
    behind = {zone: i for i, zone in enumerate(others, len(named))}
    return {zone: (named | behind)[zone] for zone in first}


def spots(plan: Plan | None) -> ToSpot:
    """Where coordinates of bins are in the aisles of a plan."""
    return (plan.layout if plan else _NOWHERE).spot


def _grouped(
    stops: Sequence[Stop], plan: Plan | None, spot: ToSpot, policy: Waves, routes: int, chance: Random
) -> list[list[list[Stop]]]:
    """By cart, the stops of each of its orders."""
    loads = by_load(stops)
    if policy.method == "discrete":
        return [[load] for load in loads]
    cart = Cart(
        policy.cart_units or None,
        policy.cart_weight_g or None,
        policy.cart_volume_cm3 or None,
        policy.cart_places if policy.method == "cluster" else None,
    )
    layout = plan.layout if plan else _NOWHERE
    floor = Floor(layout, [_load(spot, load) for load in loads], cart)
    groups: list[Group] = batched(floor, routes, chance) if plan else as_they_came(floor)
    return [[loads[i] for i in sorted(group)] for group in groups]


def _load(spot: ToSpot, stops: Sequence[Stop]) -> Load:
    return Load(
        tuple(spot(stop.x, stop.y) for stop in stops),
        sum(stop.units for stop in stops),
        sum(stop.weight_g for stop in stops),
        sum(stop.volume_cm3 for stop in stops),
    )


def by_load(stops: Iterable[Stop]) -> list[list[Stop]]:
    """Stops by the order that they are for, in the order in which these come."""
    orders: dict[UUID, list[Stop]] = {}
    for stop in stops:
        orders.setdefault(stop.load, []).append(stop)
    return list(orders.values())


def walked(
    zone: str, loads: Sequence[Sequence[Stop]], plan: Plan | None, spot: ToSpot, policy: Waves, times: Times
) -> Planned:
    """One cart with its way."""
    has_places = policy.method in ("cluster", "pass")
    stops = [(stop, place if has_places else 0) for place, load in enumerate(loads, 1) for stop in load]
    # At one place of the way: bin by bin, and of a bin what is the same together.
    stops.sort(key=lambda one: (one[0].pick_sequence, one[0].bin, one[0].sku, one[1], one[0].task))
    length_mm = None
    if plan:
        found = route(plan.layout, [spot(stop.x, stop.y) for stop, _ in stops], policy.route)
        stops = [stops[i] for i in found.order]
        length_mm = round(found.length * plan.unit_mm)
    pieces = sum(stop.handled for stop, _ in stops)
    seconds = list_seconds(policy, len(stops), pieces, length_mm, times)
    return Planned(zone, tuple(stops), length_mm, seconds)


# ---- a cart in two parts


class OnList(NamedTuple):
    """A stop of a list in the order of the way. `begun`: something of its order is done or has a tote already."""

    stop: Stop
    is_open: bool
    begun: bool


ONE_ORDER = Said("it carries one order, or one that is not begun")
ALL_BEGUN = Said("every order on it is begun")
NOT_THAT = Said("an order that was named is begun, or has no open stop on it")
NOTHING_LEFT = Said("nothing would be left on it")


def may_go_apart(method: str, *, begun: bool) -> bool:
    """Whether the stops of an order may go on a cart of their own: where each order has its list, there is none to go
    from, and where each has its place, it goes whole and unbegun."""
    return method not in ("discrete", "pass") and not (method == "cluster" and begun)


def split(found: Sequence[OnList], method: str, loads: Collection[UUID] = ()) -> list[Stop] | Said:
    """The stops of a list, given in the order of the way, that go on a cart of their own: those of `loads`, or without
    any the later half of the way; or why none can.

    On a cart with places for orders, one goes whole or stays: its units stand in a tote together. Where the cart is
    sorted afterwards, each stop goes for itself.
    """
    if method in ("discrete", "pass"):
        return ONE_ORDER
    left = [one for one in found if one.is_open]
    free = [one.stop for one in left if may_go_apart(method, begun=one.begun)]
    if not free:
        return ALL_BEGUN
    if loads:
        if set(loads) - {stop.load for stop in free}:
            return NOT_THAT
        going = [stop for stop in free if stop.load in set(loads)]
    elif method == "cluster":
        orders = list(dict.fromkeys(stop.load for stop in free))
        stay = len(orders) // 2 if len(free) < len(left) else -(-len(orders) // 2)
        going = [stop for stop in free if stop.load in set(orders[stay:])]
    else:
        going = free[-(-len(free) // 2) :]
    if not going:
        return ONE_ORDER if method == "cluster" else NOTHING_LEFT
    return going if len(going) < len(left) else NOTHING_LEFT


_NOWHERE = Layout((0.0,), (0.0, 1.0), (0.0, 0.0))
"""Of a node whose layout is not known: loads are counted on it, never walked."""
