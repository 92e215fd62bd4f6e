"""Filling one carton: the empty spaces that are as large as can be, and what to put where in them. Pure.

An item stands in the least corner of a space, so every space that it takes away from leaves up to six behind. A
fragile item takes all that is above it as well: so it needs a space that reaches the ceiling, and nothing can come to
stand on it. Above the floor an item stands where enough of its base is carried by what is there already: in the corner
of the space, or over the corner of what carries it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from entrepot.warehouse.cartons.problem import Carton, Item, Place, turned

Space = tuple[int, int, int, int, int, int]
"""An empty box: its least corner, then the opposite one."""

Top = tuple[int, int, int, int]
"""What an item offers to stand on: its least corner in length and width, then the opposite one."""

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


class Tops:
    """What there is to stand on, by its height; and how much of a base has to. Never changed, so that a search can go
    back."""

    __slots__ = ("at", "percent")

    def __init__(self, percent: int, at: Mapping[int, Sequence[Top]] | None = None) -> None:
        self.percent, self.at = percent, at or {}

    def and_of(self, fit: Fit) -> Tops:
        """These, and that of an item more."""
        x, y, z = fit.space[:3]
        top, height = (x, y, x + fit.length, y + fit.width), z + fit.height
        return Tops(self.percent, {**self.at, height: [*self.at.get(height, ()), top]})

    def corners(self, space: Space) -> Iterable[tuple[int, int]]:
        """Where in a space an item may stand: in its corner, and over the corner of all that carries it."""
        x, y, z, to_x, to_y, _ = space
        if not z or not self.percent:
            return ((x, y),)
        here = [
            (max(x, a), max(y, b))
            for a, b, to_a, to_b in self.at.get(z, ())
            if a < to_x and x < to_a and b < to_y and y < to_b
        ]
        return dict.fromkeys(((x, y), *here)) if here else ()

    def carry(self, x: int, y: int, z: int, length: int, width: int) -> bool:
        """Whether enough of a base is carried. Two tops of one height never lie over each other."""
        if not z or not self.percent:
            return True
        carried = 0
        for a, b, to_a, to_b in self.at.get(z, ()):
            in_length = min(x + length, to_a) - max(x, a)
            in_width = min(y + width, to_b) - max(y, b)
            if in_length > 0 and in_width > 0:
                carried += in_length * in_width
        return 100 * carried >= self.percent * length * width


ANYWHERE = Tops(0)
"""What hangs in the air may stay there."""


def fits(
    item: Item, ways: Sequence[tuple[int, int, int]], spaces: Sequence[Space], ceiling: int, tops: Tops
) -> Iterator[Fit]:
    """Every way in which an item can stand in a space."""
    for space in spaces:
        _, _, z, to_x, to_y, to_z = space
        if item.fragile and to_z != ceiling:
            continue
        for x, y in tops.corners(space):
            for length, width, height in ways:
                if (
                    x + length <= to_x
                    and y + width <= to_y
                    and z + height <= to_z
                    and tops.carry(x, y, z, length, width)
                ):
                    yield Fit((x, y, z, to_x, to_y, to_z), length, width, height)


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
    support: int,
    *,
    skip: bool = False,
) -> list[Place]:
    """Put items into a carton in this order, each where it scores least; ends at the first that does not fit, or goes
    on without it (`skip`). `support`: percent of a base that stand on something."""
    spaces, places, grams, height = whole(carton), [], carton.max_weight_g, carton.height_mm
    tops = Tops(support)
    ahead = _least_ahead(items, order)
    for i, least in zip(order, ahead, strict=True):
        item = items[i]
        best = None
        if item.weight_g <= grams:
            best = min(fits(item, turned(item), spaces, height, tops), key=score, default=None)
        if best is None:
            if not skip:
                break
            continue
        grams -= item.weight_g
        places.append(Place(i, *best.space[:3], best.length, best.width, best.height))
        tops = tops.and_of(best)
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
