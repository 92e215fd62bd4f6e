"""A node to scale: its aisles and cross-aisles, where its bins stand, and where pickers begin. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

SPOTS_MAX = 2_000
"""Places of bins that one drawing shows; of more, those that stand close are drawn as one."""


class Layout(NamedTuple):
    """Aisles by x and cross-aisles by y, both ascending, and where pickers begin."""

    aisles: tuple[int, ...]
    cross_aisles: tuple[int, ...]
    depot: tuple[int, int]


class Box(NamedTuple):
    """A rectangle of the drawing, counted from the top left, in hundredths of its width; written as a drawing has them,
    in whatever language it is read."""

    x: str
    y: str
    width: str
    height: str
    name: str = ""


class Drawing(NamedTuple):
    """`height` is that of a drawing 100 wide. The `outside` bins stand beyond the cross-aisles, where no way leads."""

    height: str
    aisles: tuple[Box, ...]
    cross_aisles: tuple[Box, ...]
    bins: tuple[Box, ...]
    depot: Box | None
    outside: tuple[str, ...]


class Standing(NamedTuple):
    """A bin with its coordinates."""

    code: str
    x: int
    y: int


LINE, SPOT = 0.4, 1.0


def drawn(layout: Layout | None, bins: Sequence[Standing]) -> Drawing | None:
    """The plan of a node, y growing upwards; None where there is neither a layout nor a bin that stands anywhere."""
    xs, ys = [one.x for one in bins], [one.y for one in bins]
    if layout:
        xs += [*layout.aisles, layout.depot[0]]
        ys += [*layout.cross_aisles, layout.depot[1]]
    if not xs or (not layout and len({(one.x, one.y) for one in bins}) < 2):
        return None
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    scale = 96 / max(right - left, high - low, 1)

    def at(x: int, y: int) -> tuple[float, float]:
        return 2 + (x - left) * scale, 2 + (high - y) * scale

    aisles, cross = [], []
    if layout:
        first, last = layout.cross_aisles[0], layout.cross_aisles[-1]
        for x in layout.aisles:
            corner = at(x, last)
            aisles.append(_box(corner[0] - LINE / 2, corner[1], LINE, (last - first) * scale, str(x)))
        for y in layout.cross_aisles:
            corner = at(layout.aisles[0], y)
            width = (layout.aisles[-1] - layout.aisles[0]) * scale
            cross.append(_box(corner[0], corner[1] - LINE / 2, max(width, LINE), LINE, str(y)))
    depot = _spot(at(*layout.depot), "") if layout else None
    spots = [_spot(at(*place), ", ".join(codes)) for place, codes in _places(bins)]
    return Drawing(
        f"{4 + (high - low) * scale:.2f}",
        tuple(aisles),
        tuple(cross),
        tuple(spots),
        depot,
        tuple(_outside(layout, bins)),
    )


def _box(x: float, y: float, width: float, height: float, name: str) -> Box:
    return Box(f"{x:.2f}", f"{y:.2f}", f"{width:.2f}", f"{height:.2f}", name)


def _spot(center: tuple[float, float], name: str) -> Box:
    return _box(center[0] - SPOT / 2, center[1] - SPOT / 2, SPOT, SPOT, name)


def _places(bins: Sequence[Standing]) -> list[tuple[tuple[int, int], list[str]]]:
    """Where bins stand, with their codes; of too many places those beside each other as one."""
    step = 1
    while True:
        found: dict[tuple[int, int], list[Standing]] = {}
        for one in bins:
            found.setdefault((one.x // step, one.y // step), []).append(one)
        if len(found) <= SPOTS_MAX:
            return [((here[0].x, here[0].y), [one.code for one in here[:8]]) for here in found.values()]
        step *= 2


def _outside(layout: Layout | None, bins: Iterable[Standing]) -> list[str]:
    if layout is None:
        return []
    first, last = layout.cross_aisles[0], layout.cross_aisles[-1]
    return [one.code for one in bins if not first <= one.y <= last]


def numbers_in(text: str) -> tuple[int, ...] | None:
    """Whole numbers as somebody types them, with commas or blanks between; None where one is none."""
    try:
        found = tuple(int(one) for one in text.replace(",", " ").replace(";", " ").split())
    except ValueError:
        return None
    return found if all(abs(one) <= 10**9 for one in found) else None
