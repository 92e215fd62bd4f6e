"""Routes that pickers know by heart. They use the front and the back cross-aisle only. Pure.

De Koster and van der Poort (1998) and Hall (1993) compare them; `combined` is the best of those that finish an aisle
before they enter the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.warehouse.routing.layout import Layout, Point, Route, Spot, along, by_aisle

_Aisles = list[tuple[float, list[float]]]
"""Aisles with stops by their x, in the order in which they are walked."""


def s_shape(layout: Layout, spots: Sequence[Spot]) -> Route:
    """Through every aisle with picks from one end to the other; back out of the last, where that is shorter."""
    front, back = layout.cross[0], layout.cross[-1]
    way: list[Point] = []
    aisles, last = _aisles(layout, spots), None
    for i, (x, ys) in enumerate(aisles):
        if i == len(aisles) - 1 and i % 2 == 0:
            way += [(x, front), (x, ys[-1]), (x, front)]
        else:
            way += [(x, front), (x, back)] if i % 2 == 0 else [(x, back), (x, front)]
        last = x
    return along(layout, spots, _from_gate(layout, way, last))


def return_(layout: Layout, spots: Sequence[Spot]) -> Route:
    """Into every aisle from the front, and back out of it."""
    front = layout.cross[0]
    way: list[Point] = []
    last = None
    for x, ys in _aisles(layout, spots):
        way += [(x, front), (x, ys[-1]), (x, front)]
        last = x
    return along(layout, spots, _from_gate(layout, way, last))


def largest_gap(layout: Layout, spots: Sequence[Spot]) -> Route:
    """Out along the back and home along the front; all aisles but the first and the last are entered from both ends, up
    to the largest gap between their picks."""
    front, back = layout.cross[0], layout.cross[-1]
    aisles = _aisles(layout, spots)
    if len(aisles) < 2:
        return return_(layout, spots)
    (first, _), (last, _) = aisles[0], aisles[-1]
    way = [(first, front), (first, back)]
    home: list[Point] = []
    for x, ys in aisles[1:-1]:
        ends = [front, *ys, back]
        at = _largest(ends)
        if at < len(ys):
            way += [(x, back), (x, ends[at + 1]), (x, back)]
        if at > 0:
            home += [(x, front), (x, ends[at]), (x, front)]
    way += [(last, back), (last, front)]
    return along(layout, spots, _from_gate(layout, way + home[::-1], home[0][0] if home else last))


def combined(layout: Layout, spots: Sequence[Spot]) -> Route:
    """Aisle by aisle, each walked through or entered and left at one end, as is shortest in all."""
    front, back = layout.cross[0], layout.cross[-1]
    ends = (front, back)
    best: dict[float, tuple[float, list[Point]]] = {front: (0.0, [])}
    aisles, last = _aisles(layout, spots), None
    for x, ys in aisles:
        then: dict[float, tuple[float, list[Point]]] = {}
        for end in ends:
            deep = ys[-1] if end == front else ys[0]
            choices = []
            for start, (cost, way) in best.items():
                if start == end:
                    choices.append((cost + 2 * abs(deep - end), [*way, (x, end), (x, deep), (x, end)]))
                else:
                    choices.append((cost + back - front, [*way, (x, start), (x, end)]))
            then[end] = min(choices)
        best, last = then, x
    return along(layout, spots, _from_gate(layout, best[front][1], last))


def _largest(ends: Sequence[float]) -> int:
    """Behind which of the places the largest gap is."""
    return max(range(len(ends) - 1), key=lambda i: ends[i + 1] - ends[i])


def _aisles(layout: Layout, spots: Sequence[Spot]) -> _Aisles:
    """Aisles with stops; the first is at the side where the depot is nearer."""
    found = [(layout.aisles[aisle], ys) for aisle, ys in by_aisle(spots).items()]
    gate = layout.gate[0]
    if found and abs(found[-1][0] - gate) < abs(found[0][0] - gate):
        found.reverse()
    return found


def _from_gate(layout: Layout, way: list[Point], last: float | None) -> list[Point]:
    """The way with what is walked from the gate to the front and back, where it is not there: along the first aisle and
    the last."""
    if not way or last is None:
        return way
    y = layout.gate[1]
    return [(way[0][0], y), *way, (last, y)]
