"""Aisles and cross-aisles of a floor, and what it is to walk on it. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

Point = tuple[float, float]
"""x along the cross-aisles, y along the aisles, in the unit of the plan."""


class Spot(NamedTuple):
    """Where a picker stands to take something: an aisle by its number, and how far along it."""

    aisle: int
    y: float


@dataclass(frozen=True)
class Layout:
    """Parallel aisles at `aisles` (x), crossed at `cross` (y); both ascend, and the outer cross-aisles end the aisles.

    Two cross-aisles make one block. Routes begin and end at `depot`, which opens to the nearest cross-aisle.
    """

    aisles: tuple[float, ...]
    cross: tuple[float, ...]
    depot: Point

    @cached_property
    def depot_cross(self) -> int:
        """The cross-aisle that the depot opens to, by its number."""
        return min(range(len(self.cross)), key=lambda k: abs(self.cross[k] - self.depot[1]))

    @cached_property
    def gate(self) -> Point:
        """Where one comes from the depot to its cross-aisle."""
        return self.depot[0], self.cross[self.depot_cross]

    @cached_property
    def lead(self) -> float:
        """How far the depot is from its cross-aisle."""
        return abs(self.depot[1] - self.gate[1])

    def with_fewer(self, most: int) -> Layout:
        """The same with at most so many cross-aisles: the outer ones, that of the depot, and others between."""
        if len(self.cross) <= most:
            return self
        kept = {0, len(self.cross) - 1, self.depot_cross}
        step = (len(self.cross) - 1) / (most - 1)
        for k in [round(step * i) for i in range(1, most - 1)] + list(range(len(self.cross))):
            if len(kept) < most:
                kept.add(k)
        return Layout(self.aisles, tuple(self.cross[k] for k in sorted(kept)), self.depot)

    def spot(self, x: float, y: float) -> Spot:
        """Where one stands in front of a place on the plan: in the nearest aisle, within its ends."""
        at = bisect_left(self.aisles, x)
        near = [i for i in (at - 1, at) if 0 <= i < len(self.aisles)]
        aisle = min(near, key=lambda i: abs(self.aisles[i] - x))
        return Spot(aisle, min(max(y, self.cross[0]), self.cross[-1]))

    def point(self, spot: Spot) -> Point:
        return self.aisles[spot.aisle], spot.y

    def turn(self, one: Point, other: Point) -> float | None:
        """The cross-aisle by which to walk from a point to another; None where both are in one aisle."""
        if one[0] == other[0]:
            return None
        # Of equals that of the gate, where there may be no other way.
        return min(self.cross, key=lambda y: (abs(one[1] - y) + abs(other[1] - y), y != self.gate[1]))

    def distance(self, one: Point, other: Point) -> float:
        """The shortest walk between two points of aisles or cross-aisles."""
        y = self.turn(one, other)
        return length((one, other)) if y is None else length((one, (one[0], y), (other[0], y), other))


@dataclass(frozen=True, slots=True)
class Route:
    """How far it is from the depot and back, in which order the spots come (by their place in the list that was
    given), and all corners on the way."""

    length: float
    order: tuple[int, ...]
    way: tuple[Point, ...]


def length(way: Sequence[Point]) -> float:
    """How far it is along a way whose pieces are parallel to the aisles or to the cross-aisles."""
    return sum(abs(a - c) + abs(b - d) for (a, b), (c, d) in pairwise(way))


def by_aisle(spots: Iterable[Spot]) -> dict[int, list[float]]:
    """Where to stop in each aisle, ascending, each place once."""
    found: dict[int, set[float]] = {}
    for aisle, y in spots:
        if aisle in found:
            found[aisle].add(y)
        else:
            found[aisle] = {y}
    return {aisle: sorted(found[aisle]) for aisle in sorted(found)}


def along(layout: Layout, spots: Sequence[Spot], way: Iterable[Point]) -> Route:
    """The route of a way between the gate and itself: spots come in the order in which it passes them first."""
    corners = _corners([layout.gate, *way, layout.gate])
    waiting: dict[float, dict[float, list[int]]] = {}
    for i, spot in enumerate(spots):
        waiting.setdefault(layout.aisles[spot.aisle], {}).setdefault(spot.y, []).append(i)
    order: list[int] = []
    for (x, y), (to_x, to_y) in zip(corners, corners[1:] or corners, strict=False):
        left, right = min(x, to_x), max(x, to_x)
        low, high = min(y, to_y), max(y, to_y)
        for aisle in sorted((at for at in waiting if left <= at <= right), reverse=to_x < x):
            here = waiting[aisle]
            for stop in sorted((at for at in here if low <= at <= high), reverse=to_y < y):
                order += here.pop(stop)
    walked = length(corners) + 2 * layout.lead
    whole = [layout.depot, *corners, layout.depot] if layout.lead else corners
    return Route(walked, tuple(order), tuple(whole))


def _corners(way: Sequence[Point]) -> list[Point]:
    """The way without points that are passed straight on."""
    corners: list[Point] = []
    for point in way:
        if corners and point == corners[-1]:
            continue
        while len(corners) > 1 and _straight(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    return corners


def _straight(a: Point, b: Point, c: Point) -> bool:
    for one, other in ((0, 1), (1, 0)):
        if a[one] == b[one] == c[one] and min(a[other], c[other]) <= b[other] <= max(a[other], c[other]):
            return True
    return False
