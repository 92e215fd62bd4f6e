"""How long the shortest route in one block is: what `exact` works out, written out for two cross-aisles. Pure.

The search for batches asks for thousands of lengths and no way. The states are those of Ratliff and Rosenthal (1983),
by how the crossings at the front and the back are reached: both oddly; the front or the back alone; both evenly in one
part, or in two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf

from entrepot.warehouse.routing.layout import Layout

_States = tuple[float, float, float, float, float]
"""The least cost of: both odd, front alone, back alone, both in one part, both in two parts."""


def distance(layout: Layout, stops: Mapping[int, Sequence[float]]) -> float:
    """The length of the shortest route that stops so in each aisle (ascending by aisle and in it)."""
    if not stops:
        return 0.0
    gate = layout.gate[0]
    end = layout.depot_cross
    states: _States | None = None
    before, is_passed = 0.0, False
    for aisle, ys in stops.items():
        x = layout.aisles[aisle]
        if gate < x and not is_passed:
            states, before, is_passed = _touched(_crossed(states, gate - before), end), gate, True
        states = _walked(_crossed(states, x - before), layout.cross[0], layout.cross[1], ys)
        if gate == x:
            states, is_passed = _touched(states, end), True
        before = x
    if not is_passed:
        states = _touched(_crossed(states, gate - before), end)
    assert states is not None
    return min(states[1:4]) + 2 * layout.lead


def _crossed(states: _States | None, width: float) -> _States | None:
    if states is None:
        return None
    odd, front, back, both, parts = states
    once, twice = 2 * width, 4 * width
    return odd + once, min(front, both) + once, min(back, both) + once, both + twice, parts + twice


def _touched(states: _States | None, gate: int) -> _States:
    """After the gate was reached, at the front (0) or the back (1)."""
    if states is None:
        return (inf, 0.0, inf, inf, inf) if gate == 0 else (inf, inf, 0.0, inf, inf)
    odd, front, back, both, parts = states
    if gate == 0:
        return odd, front, inf, both, min(parts, back)
    return odd, inf, back, both, min(parts, front)


def _walked(states: _States | None, low: float, high: float, ys: Sequence[float]) -> _States:
    through = high - low
    from_front, from_back = 2 * (ys[-1] - low), 2 * (high - ys[0])
    but_gap = 2 * (through - max([b - a for a, b in pairwise(ys)])) if len(ys) > 1 else inf
    if states is None:
        return through, from_front, from_back, 2 * through, but_gap
    odd, front, back, both, parts = states
    least = min(from_front, from_back, but_gap)
    joined = min(front, back, parts)
    return (
        min(odd + least, min(joined, both) + through),
        front + from_front,
        back + from_back,
        min(odd + through, both + least, joined + 2 * through),
        min(parts + least, front + min(from_back, but_gap), back + min(from_front, but_gap)),
    )
