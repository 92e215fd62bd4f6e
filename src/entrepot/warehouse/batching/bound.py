"""What no grouping can be shorter than. Pure.

A cart goes at least as far as for any one of its loads, and takes so many items at most. So if the loads that need more
than a distance have 100 items and a cart takes 30, four carts go farther than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import ceil

from entrepot.warehouse.batching.floor import Floor


def bound(floor: Floor) -> float:
    """The larger of two bounds: by whole routes, and by what is walked across and in each aisle. 0 without a limit of
    items."""
    if not floor.cart.items:
        return 0.0
    return max(_by_routes(floor), _by_pieces(floor))


def _by_routes(floor: Floor) -> float:
    return _layers(floor, ((floor.length(frozenset((load,))), load) for load in range(len(floor.loads))))


def _by_pieces(floor: Floor) -> float:
    layout = floor.layout.with_fewer(2)
    gate = layout.gate[0]
    total = 0.0
    for side in (-1, 1):
        total += _layers(floor, ((_reach(floor, load, gate, side), load) for load in range(len(floor.loads))))
    if len(floor.layout.cross) == 2:
        for aisle in range(len(layout.aisles)):
            within = ((_within(floor, stops.get(aisle, ())), load) for load, stops in enumerate(floor.stops))
            total += _layers(floor, within)
    leads = ceil(sum(load.items for load in floor.loads) / (floor.cart.items or 1))
    return total + 2 * floor.layout.lead * leads


def _reach(floor: Floor, load: int, gate: float, side: int) -> float:
    """What is walked across, to one side of the gate and back."""
    return 2 * max((side * (floor.layout.aisles[aisle] - gate) for aisle in floor.stops[load]), default=0.0)


def _within(floor: Floor, ys: Iterable[float]) -> float:
    """What is walked in an aisle of one block at least: through it, or all but a gap there and back."""
    front, back = floor.layout.cross[0], floor.layout.cross[-1]
    ends = [front, *ys, back]
    if len(ends) == 2:
        return 0.0
    gap = max(b - a for a, b in pairwise(ends))
    return min(back - front, 2 * (back - front - gap))


def _layers(floor: Floor, needs: Iterable[tuple[float, int]]) -> float:
    """The least sum over carts of the largest need on each, if loads could be divided: the largest stand together."""
    total, room = 0.0, 0
    for need, load in sorted(needs, reverse=True):
        if need <= 0:
            break
        items = floor.loads[load].items
        while items > 0:
            if not room:
                total, room = total + need, floor.cart.items or 1
            taken = min(items, room)
            items, room = items - taken, room - taken
    return total
