"""Routes where the exact one would take too long: the best of the simple ones, improved stop by stop. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.warehouse.routing.layout import Layout, Point, Route, Spot, along
from entrepot.warehouse.routing.simple import combined, largest_gap, return_, s_shape

SIMPLE = (combined, largest_gap, s_shape, return_)
ROUNDS = 50
"""An end to improving, which comes to one by itself long before."""
CHAIN = 3
"""So many stops are moved together at most."""


def improved(layout: Layout, spots: Sequence[Spot]) -> Route:
    """A short route: the order of the best simple route, with pieces turned round (2-opt) and short chains moved
    elsewhere (Or-opt) until neither helps."""
    best = min((simple(layout, spots) for simple in SIMPLE), key=lambda route: route.length)
    if len(spots) < 2:
        return best
    points = [layout.gate, *dict.fromkeys(layout.point(spots[i]) for i in best.order)]
    far = [[layout.distance(a, b) for b in points] for a in points]
    tour = list(range(len(points)))
    for _ in range(ROUNDS):
        turned, moved = _turn_round(tour, far), _move(tour, far)
        if not turned and not moved:
            break
    found = along(layout, spots, _way(layout, [points[i] for i in tour]))
    return min(best, found, key=lambda route: route.length)


def _turn_round(tour: list[int], far: Sequence[Sequence[float]]) -> bool:
    """Turn pieces of the tour round wherever that is shorter; whether any was."""
    changed = False
    size = len(tour)
    for i in range(size - 1):
        for j in range(i + 1, size):
            a, b, c, d = tour[i], tour[i + 1], tour[j], tour[(j + 1) % size]
            if far[a][c] + far[b][d] < far[a][b] + far[c][d] - _SAME:
                tour[i + 1 : j + 1] = tour[i + 1 : j + 1][::-1]
                changed = True
    return changed


def _move(tour: list[int], far: Sequence[Sequence[float]]) -> bool:
    """Move chains of few stops to where they cost least, wherever that is shorter; whether any was."""
    changed = False
    for chain in range(1, min(CHAIN, len(tour) - 2) + 1):
        for i in range(1, len(tour) - chain + 1):
            piece, rest = tour[i : i + chain], tour[:i] + tour[i + chain :]
            before, after = tour[i - 1], tour[(i + chain) % len(tour)]
            now = far[before][piece[0]] + far[piece[-1]][after] - far[before][after]
            cost, at, is_turned = min(_places(piece, rest, far))
            if cost < now - _SAME:
                tour[:] = rest[: at + 1] + (piece[::-1] if is_turned else piece) + rest[at + 1 :]
                changed = True
    return changed


def _places(
    piece: Sequence[int], rest: Sequence[int], far: Sequence[Sequence[float]]
) -> list[tuple[float, int, bool]]:
    """What a chain costs behind each stop, as it is and turned round."""
    first, last = far[piece[0]], far[piece[-1]]
    found = []
    for at, one in enumerate(rest):
        then = rest[(at + 1) % len(rest)]
        straight = far[one][then]
        found.append((first[one] + last[then] - straight, at, False))
        found.append((last[one] + first[then] - straight, at, True))
    return found


def _way(layout: Layout, points: Sequence[Point]) -> list[Point]:
    way: list[Point] = [points[0]]
    for one, other in zip(points, [*points[1:], points[0]], strict=True):
        y = layout.turn(one, other)
        way += [other] if y is None else [(one[0], y), (other[0], y), other]
    return way


_SAME = 1e-9
"""Lengths that differ by less are equal."""
