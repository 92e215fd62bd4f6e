"""Filling one carton: the empty spaces that are as large as can be, and what to put where in them. Pure.

An item stands in the least corner of a space, so every space that it takes away from leaves up to six behind. A
fragile item takes all that is above it as well: so it needs a space that reaches the ceiling, and nothing can come to
stand on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from entrepot.warehouse.cartons.problem import Carton, Item, Place, turned

Space = tuple[int, int, int, int, int, int]
"""An empty box: its least corner, then the opposite one."""

Score = tuple[int, ...]

SPACES_MAX = 160
"""Spaces that are kept: more stand only among many small items, and the least of them are let go."""


class Fit(NamedTuple):
    """An item as it would stand in the corner of a space."""

    space: Space
    length: int
    width: int
    height: int


def whole(carton: Carton) -> list[Space]:
    return [(0, 0, 0, carton.length_mm, carton.width_mm, carton.height_mm)]


def fits(
    item: Item, ways: Sequence[tuple[int, int, int]], spaces: Sequence[Space], ceiling: int
) -> Iterator[Fit]:
    """Every way in which an item can stand in a corner of a space."""
    for space in spaces:
        x, y, z, to_x, to_y, to_z = space
        if item.fragile and to_z != ceiling:
            continue
        for length, width, height in ways:
            if x + length <= to_x and y + width <= to_y and z + height <= to_z:
                yield Fit(space, length, width, height)


def without(spaces: Sequence[Space], fit: Fit, ceiling: int | None, least: int) -> list[Space]:
    """The spaces left when an item stands there; `ceiling`: it takes all above it. Narrower ones than `least` hold
    nothing."""
    a, b, c = fit.space[:3]
    to_a, to_b, to_c = a + fit.length, b + fit.width, ceiling or c + fit.height
    kept: list[Space] = []
    cut: list[Space] = []
    for space in spaces:
        x, y, z, to_x, to_y, to_z = space
        if a >= to_x or to_a <= x or b >= to_y or to_b <= y or c >= to_z or to_c <= z:
            kept.append(space)
            continue
        if a - x >= least:
            cut.append((x, y, z, a, to_y, to_z))
        if to_x - to_a >= least:
            cut.append((to_a, y, z, to_x, to_y, to_z))
        if b - y >= least:
            cut.append((x, y, z, to_x, b, to_z))
        if to_y - to_b >= least:
            cut.append((x, to_b, z, to_x, to_y, to_z))
        if c - z >= least:
            cut.append((x, y, z, to_x, to_y, c))
        if to_z - to_c >= least:
            cut.append((x, y, to_c, to_x, to_y, to_z))
    # The largest first: a piece can lie only in one that is no smaller.
    for one in sorted(set(cut), key=_size, reverse=True):
        x, y, z, to_x, to_y, to_z = one
        for low_x, low_y, low_z, high_x, high_y, high_z in kept:
            if (
                low_x <= x
                and low_y <= y
                and low_z <= z
                and high_x >= to_x
                and high_y >= to_y
                and high_z >= to_z
            ):
                break
        else:
            kept.append(one)
    if len(kept) > SPACES_MAX:
        kept.sort(key=_size, reverse=True)
        del kept[SPACES_MAX:]
    return kept


def _size(space: Space) -> int:
    x, y, z, to_x, to_y, to_z = space
    return (to_x - x) * (to_y - y) * (to_z - z)


def fill(
    carton: Carton,
    items: Sequence[Item],
    order: Sequence[int],
    score: Callable[[Fit], Score],
    *,
    skip: bool = False,
) -> list[Place]:
    """Put items into a carton in this order, each where it scores least; ends at the first that does not fit, or goes
    on without it (`skip`)."""
    spaces, places, grams, height = whole(carton), [], carton.max_weight_g, carton.height_mm
    ahead = _least_ahead(items, order)
    for i, least in zip(order, ahead, strict=True):
        item = items[i]
        best = None
        if item.weight_g <= grams:
            best = min(fits(item, turned(item), spaces, height), key=score, default=None)
        if best is None:
            if not skip:
                break
            continue
        grams -= item.weight_g
        places.append(Place(i, *best.space[:3], best.length, best.width, best.height))
        spaces = without(spaces, best, height if item.fragile else None, least)
    return places


def _least_ahead(items: Sequence[Item], order: Sequence[int]) -> list[int]:
    """For each place in the order, the least measure of what comes after it."""
    least, found = 1 << 30, []
    for i in reversed(order):
        found.append(least)
        least = min(least, *items[i][:3])
    return found[::-1]


def settled(places: Sequence[Place]) -> tuple[Place, ...]:
    """The same packing with everything let down until it rests on the floor or on another item, lowest first."""
    down: list[Place] = []
    for one in sorted(places, key=lambda place: (place.z, place.y, place.x)):
        under = [
            low.z + low.height
            for low in down
            if low.x < one.x + one.length and one.x < low.x + low.length
            and low.y < one.y + one.width and one.y < low.y + low.width
        ]  # fmt: skip
        down.append(one._replace(z=max(under, default=0)))
    return tuple(down)
