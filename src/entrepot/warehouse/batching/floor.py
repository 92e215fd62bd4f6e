"""What is put on carts, and how far each cart goes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import le, sub
from typing import NamedTuple

from entrepot.warehouse.routing import Layout, Spot, distance
from entrepot.warehouse.routing.layout import by_aisle

Group = frozenset[int]
"""What goes on one cart, by its place in the list of loads."""


class Load(NamedTuple):
    """What stays together on one cart, such as the picks of an order."""

    spots: tuple[Spot, ...]
    items: int
    weight_g: int = 0
    volume_cm3: int = 0


class Cart(NamedTuple):
    """What a cart takes at most; None is no limit. `loads` are its places, one for each load."""

    items: int | None = None
    weight_g: int | None = None
    volume_cm3: int | None = None
    loads: int | None = None


class Floor:
    """Loads to be picked with one kind of cart; the lengths of groups are worked out once."""

    def __init__(self, layout: Layout, loads: Sequence[Load], cart: Cart) -> None:
        self.layout, self.loads, self.cart = layout, loads, cart
        self.stops = [by_aisle(load.spots) for load in loads]
        self.routes = 0
        limited = [i for i, most in enumerate(cart) if most is not None]
        self._most: list[int] = [cart[i] for i in limited]  # type: ignore[misc]
        sizes = [(load.items, load.weight_g, load.volume_cm3, 1) for load in loads]
        self._needs = [tuple(size[i] for i in limited) for size in sizes]
        self._lengths: dict[Group, float] = {}

    def length(self, group: Group) -> float:
        """How far a cart goes for a group, by the shortest route."""
        known = self._lengths.get(group)
        if known is not None:
            return known
        found: dict[int, set[float]] = {}
        for load in group:
            for aisle, ys in self.stops[load].items():
                found.setdefault(aisle, set()).update(ys)
        self.routes += 1
        walked = distance(self.layout, {aisle: sorted(found[aisle]) for aisle in sorted(found)})
        self._lengths[group] = walked
        return walked

    def fits(self, group: Group) -> bool:
        """Whether a cart takes a group. One load alone goes, whatever its size: it has to be picked."""
        if len(group) < 2:
            return True
        needs = self._needs
        return all(map(le, map(sum, zip(*[needs[load] for load in group], strict=True)), self._most))

    def room(self, load: int, before: Sequence[int] | None = None) -> list[int]:
        """What a cart has left by each of its limits, after a load."""
        return list(map(sub, before or self._most, self._needs[load]))

    def has_room(self, room: Sequence[int], load: int) -> bool:
        """Whether a load fits what is left."""
        return all(map(le, self._needs[load], room))

    def total(self, groups: Iterable[Group]) -> float:
        return sum(map(self.length, groups))
