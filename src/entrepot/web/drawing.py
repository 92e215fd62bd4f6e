"""A carton with its contents, seen from above and in front: each unit a box with its number, the far ones first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from entrepot.warehouse.cartons import Packed, Place

SIZE = 320
"""Width of the drawing; its height follows."""
HUES = 6
"""Kinds of goods that are told apart by color; further ones begin again."""

Box = tuple[int, int, int, int, int, int]


def carton(packed: Packed, kinds: Sequence[str]) -> SafeString:
    """The picture; `kinds` names each item, so that units alike have one color."""
    room = packed.carton
    scale = SIZE / ((room.length_mm + room.width_mm) * 0.866)
    high = (room.length_mm + room.width_mm) * 0.5 * scale + room.height_mm * scale
    at = _View(scale, room.width_mm * 0.866 * scale, room.height_mm * scale)
    hues = {kind: i % HUES for i, kind in enumerate(dict.fromkeys(kinds[one.item] for one in packed.places))}
    whole = (0, 0, 0, *room[1:4])
    parts = [("back", at.floor(whole)), ("back", at.wall_x(whole)), ("back", at.wall_y(whole))]
    walls = format_html_join("", '<path class="{}" d="{}"/>', parts)
    boxes = format_html_join(
        "", "{}", ((_box(at, one, n, hues[kinds[one.item]]),) for n, one in _far_first(packed))
    )
    label = gettext("Carton %(code)s with %(n)s units") % {"code": room.code, "n": len(packed.places)}
    return format_html(
        '<svg class="carton" viewBox="-4 -4 {} {}" role="img" aria-label="{}">{}{}</svg>',
        SIZE + 8, round(high) + 8, label, walls, boxes,
    )  # fmt: skip


class _View:
    """Where a point of the carton is on the drawing."""

    def __init__(self, scale: float, left: float, top: float) -> None:
        self.scale, self.left, self.top = scale, left, top

    def point(self, x: int, y: int, z: int) -> tuple[float, float]:
        across = self.left + (x - y) * 0.866 * self.scale
        return round(across, 1), round(self.top + ((x + y) * 0.5 - z) * self.scale, 1)

    def path(self, *points: tuple[int, int, int]) -> str:
        return "M" + "L".join("{} {}".format(*self.point(*one)) for one in points) + "Z"

    def floor(self, box: Box) -> str:
        a, b, c, d, e, _ = box
        return self.path((a, b, c), (d, b, c), (d, e, c), (a, e, c))

    def top_of(self, box: Box) -> str:
        a, b, _, d, e, f = box
        return self.path((a, b, f), (d, b, f), (d, e, f), (a, e, f))

    def wall_x(self, box: Box) -> str:
        """The wall behind, at the least x."""
        a, b, c, _, e, f = box
        return self.path((a, b, c), (a, e, c), (a, e, f), (a, b, f))

    def wall_y(self, box: Box) -> str:
        a, b, c, d, _, f = box
        return self.path((a, b, c), (d, b, c), (d, b, f), (a, b, f))

    def right(self, box: Box) -> str:
        _, b, c, d, e, f = box
        return self.path((d, b, c), (d, e, c), (d, e, f), (d, b, f))

    def left_of(self, box: Box) -> str:
        a, _, c, d, e, f = box
        return self.path((a, e, c), (d, e, c), (d, e, f), (a, e, f))


def _box(at: _View, one: Place, number: int, hue: int) -> SafeString:
    box = _ends(one)
    across, down = at.point(one.x + one.length // 2, one.y + one.width // 2, one.z + one.height)
    return format_html(
        '<g class="hue{}"><path class="left" d="{}"/><path class="right" d="{}"/><path class="top" d="{}"/>'
        '<text x="{}" y="{}">{}</text></g>',
        hue, at.left_of(box), at.right(box), at.top_of(box), across, down, number,
    )  # fmt: skip


def _ends(one: Place) -> Box:
    return (one.x, one.y, one.z, one.x + one.length, one.y + one.width, one.z + one.height)


def _far_first(packed: Packed) -> Iterator[tuple[int, Place]]:
    """Places with their numbers, each after all that stand behind, beside or below it from where we look."""
    left = list(enumerate(packed.places, 1))
    left.sort(key=lambda pair: sum(pair[1][1:4]))
    while left:
        # Boxes in a ring hide each other: then the farthest corner decides.
        first = next((pair for pair in left if not any(_hides(pair[1], other[1]) for other in left)), left[0])
        left.remove(first)
        yield first


def _hides(near: Place, far: Place) -> bool:
    """Whether the first stands in front of the second as we look."""
    if near is far:
        return False
    a, b = _ends(near), _ends(far)
    in_front = any(a[axis] >= b[axis + 3] for axis in range(3))
    behind = any(b[axis] >= a[axis + 3] for axis in range(3))
    return in_front and not behind
