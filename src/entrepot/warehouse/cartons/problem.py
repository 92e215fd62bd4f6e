"""What is packed into what, and how a packing is written down. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

OWN = "OWN"
"""The code under which what fits no carton goes as it is, in its own packaging."""


SUPPORT_PERCENT = 70
"""Of its base what stands on something at least, so that it does not tip. With more than half of it, the middle of a
box always stands between what carries it; with 70 %, what is inside may lie a fifth of a side off the middle."""


class Item(NamedTuple):
    """One unit, with the measures of its own packaging in mm.

    `fragile`: nothing may stand above it. `upright`: its height stays its height. `hazardous`: it shares a carton with
    its like only. `kind` names units that are alike, for whoever reads the packing.
    """

    length_mm: int
    width_mm: int
    height_mm: int
    weight_g: int = 0
    fragile: bool = False
    upright: bool = False
    hazardous: bool = False
    kind: str = ""

    @property
    def volume_mm3(self) -> int:
        return self.length_mm * self.width_mm * self.height_mm


def cm3(mm3: int) -> int:
    """Cubic centimeters that hold a volume: rounded up, once, of all units together."""
    return -(-mm3 // 1000)


class Carton(NamedTuple):
    """A kind of carton: its inner measures, the grams it may hold, what it weighs and costs itself; and its outer
    measures, 0 where nobody measured them. What goes where in it is of its inside alone."""

    code: str
    length_mm: int
    width_mm: int
    height_mm: int
    max_weight_g: int
    tare_g: int = 0
    cost_minor: int = 0
    outer_length_mm: int = 0
    outer_width_mm: int = 0
    outer_height_mm: int = 0

    @property
    def volume_mm3(self) -> int:
        return self.length_mm * self.width_mm * self.height_mm

    @property
    def outside_mm(self) -> tuple[int, int, int]:
        """Its sides as a carrier measures them."""
        outer = self[7:10]
        return outer if any(outer) else self[1:4]

    @property
    def carried_cm3(self) -> int:
        """What it counts as where a carrier charges for size."""
        length, width, height = self.outside_mm
        return cm3(length * width * height)


class Place(NamedTuple):
    """Where an item (by its place in the list) stands in a carton: its least corner from the carton's, and its measures
    as it is turned there, all in mm."""

    item: int
    x: int
    y: int
    z: int
    length: int
    width: int
    height: int


class Packed(NamedTuple):
    """A carton with its contents, those that go in first first."""

    carton: Carton
    places: tuple[Place, ...]


class Proposal(NamedTuple):
    """Cartons for all items but the `unfit` ones, which no carton holds even alone."""

    packed: tuple[Packed, ...]
    unfit: tuple[int, ...] = ()


@lru_cache(maxsize=4096)
def turned(item: Item) -> list[tuple[int, int, int]]:
    """The ways in which an item may stand, as length, width and height; each once."""
    a, b, c = item[:3]
    ways = [(a, b, c), (b, a, c)]
    if not item.upright:
        ways += [(a, c, b), (c, a, b), (b, c, a), (c, b, a)]
    return list(dict.fromkeys(ways))
