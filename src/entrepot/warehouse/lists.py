"""The stops of a wave as lists: what goes on one cart, and the way of each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from random import Random
from typing import NamedTuple
from uuid import UUID

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
    """A list: its stops in the order of the way, each with its place on the cart (0: any)."""

    zone: str
    stops: tuple[tuple[Stop, int], ...]
    length_mm: int | None
    seconds: int

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
    zones: dict[str, list[Stop]] = {}
    for stop in stops:
        zones.setdefault(stop.zone if policy.method == "zone" else "", []).append(stop)
    total = sum(map(len, zones.values()))
    spot = cache((plan.layout if plan else _NOWHERE).spot)  # a wave stops many times at each of its bins
    planned = []
    for zone, part in sorted(zones.items()):
        routes = policy.routes_max * len(part) // total
        planned += [
            _list(zone, group, plan, spot, policy, times)
            for group in _grouped(part, plan, spot, policy, routes, chance)
        ]
    return planned


def _grouped(
    stops: Sequence[Stop], plan: Plan | None, spot: ToSpot, policy: Waves, routes: int, chance: Random
) -> list[list[list[Stop]]]:
    """By cart, the stops of each of its orders."""
    orders: dict[UUID, list[Stop]] = {}
    for stop in stops:
        orders.setdefault(stop.load, []).append(stop)
    loads = list(orders.values())
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


def _list(
    zone: str, loads: Sequence[Sequence[Stop]], plan: Plan | None, spot: ToSpot, policy: Waves, times: Times
) -> Planned:
    has_places = policy.method == "cluster"
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


_NOWHERE = Layout((0.0,), (0.0, 1.0), (0.0, 0.0))
"""Of a node whose layout is not known: loads are counted on it, never walked."""
