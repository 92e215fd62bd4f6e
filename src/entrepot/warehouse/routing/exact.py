"""The shortest route, by dynamic programming over the aisles from left to right. Pure.

A route is a set of walked pieces in which every crossing has an even number of ends and all hang together. Of the part
to the left of an aisle only this matters for the rest: which crossings it reaches, whether oddly, and which of them
hang together there. Ratliff and Rosenthal (1983) give the states for two cross-aisles, Roodbergen and de Koster (2001)
for three; `_machine` works them out for any number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise, product
from math import inf
from typing import NamedTuple

from entrepot.warehouse.routing.layout import Layout, Point, Route, Spot, along, by_aisle

_State = tuple[tuple[int, int], ...]
"""By crossing, from front to back: ends modulo 2, and the number of its connected part; (0, 0) is not reached."""

NONE, ONCE, TWICE, FROM_FRONT, FROM_BACK, BUT_GAP = range(6)
"""How a piece of aisle between two crossings is walked."""

_Arcs = tuple[tuple[tuple[int, int], ...], ...]
"""By state, (what is done, the state after it)."""


class _Machine(NamedTuple):
    """The states for a number of cross-aisles, and what leads from one to the other."""

    along: tuple[_Arcs, ...]  # by piece of aisle: how it is walked
    across: tuple[
        tuple[tuple[int, tuple[int, ...], int], ...], ...
    ]  # times walked in all, and by cross-aisle
    touch: tuple[tuple[int, ...], ...]  # by cross-aisle: the state after its crossing was reached
    is_whole: tuple[bool, ...]


class _Column(NamedTuple):
    """An aisle, or the gate where it lies between aisles; costs by piece and by how it is walked."""

    x: float
    aisle: int | None
    costs: tuple[tuple[float, ...], ...]
    is_gate: bool


def distance(layout: Layout, stops: Mapping[int, Sequence[float]]) -> float:
    """How long the shortest route is that stops in each aisle where it is asked to (ascending)."""
    if not stops:
        return 0.0
    found, _ = _sweep(layout, _columns(layout, stops), None)
    return found + 2 * layout.lead


def shortest(layout: Layout, spots: Sequence[Spot]) -> Route:
    """The shortest route by all spots."""
    if not spots:
        return Route(0.0, (), (layout.depot,))
    stops = by_aisle(spots)
    columns = _columns(layout, stops)
    trail: list[list[tuple[int, object] | None]] = []
    _, state = _sweep(layout, columns, trail)
    return along(layout, spots, _tour(layout.gate, _pieces(layout, columns, stops, trail, state)))


def states(crossings: int) -> int:
    """In how many ways the left part of a route can end at an aisle."""
    return len(_machine(crossings).is_whole)


def _columns(layout: Layout, stops: Mapping[int, Sequence[float]]) -> list[_Column]:
    """Aisles with stops, and the gate; where it lies between aisles, its neighbors on the way too, to change over by.

    An aisle without stops that is not next to such a gate is never needed: what changes over there can do so in the
    next aisle of these to the left or to the right at no more cost.
    """
    gate = layout.gate[0]
    wanted = set(stops)
    at = next((i for i, x in enumerate(layout.aisles) if x >= gate), len(layout.aisles))
    is_aisle = at < len(layout.aisles) and layout.aisles[at] == gate
    if is_aisle:
        wanted.add(at)
    elif len(layout.cross) > 2:
        wanted.update(range(max(at - 1, min(stops)), min(at, max(stops)) + 1))
    columns = [
        _Column(layout.aisles[i], i, _costs(layout.cross, stops.get(i, ())), is_aisle and i == at)
        for i in wanted
    ]
    if not is_aisle:
        columns.append(_Column(gate, None, (), True))
    columns.sort()
    return columns


def _costs(cross: Sequence[float], ys: Sequence[float]) -> tuple[tuple[float, ...], ...]:
    """For each piece between crossings what each way of walking it costs."""
    if len(cross) == 2:
        return (_piece(cross[0], cross[1], ys),)
    return tuple(_piece(low, high, _between(low, high, ys)) for low, high in pairwise(cross))


def _between(low: float, high: float, ys: Sequence[float]) -> Sequence[float]:
    """The stops of a piece; one in a crossing belongs to both."""
    return [y for y in ys if low <= y <= high]


def _piece(low: float, high: float, ys: Sequence[float]) -> tuple[float, ...]:
    whole = high - low
    if not ys:
        return 0.0, whole, 2 * whole, inf, inf, inf
    gap = max((b - a for a, b in pairwise(ys)), default=-inf)
    return inf, whole, 2 * whole, 2 * (ys[-1] - low), 2 * (high - ys[0]), 2 * (whole - gap)


def _sweep(
    layout: Layout, columns: Sequence[_Column], trail: list[list[tuple[int, object] | None]] | None
) -> tuple[float, int]:
    """The least cost and the state it ends in; `trail` keeps for each step and state where it came from, and how."""
    machine = _machine(len(layout.cross))
    touch = machine.touch[layout.depot_cross]
    now = [inf] * len(machine.is_whole)
    now[0] = 0.0
    last = len(columns) - 1
    for place, column in enumerate(columns):
        for arcs, costs in zip(machine.along, column.costs, strict=False):
            now = _walk(now, arcs, costs, trail)
        if column.is_gate:
            now = _walk(now, tuple(((0, after),) for after in touch), (0.0,), trail)
        if place < last:
            now = _cross(now, machine.across, columns[place + 1].x - column.x, trail)
    return min((cost, state) for state, cost in enumerate(now) if machine.is_whole[state])


def _walk(
    now: list[float], arcs: _Arcs, costs: Sequence[float], trail: list[list[tuple[int, object] | None]] | None
) -> list[float]:
    then = [inf] * len(now)
    came: list[tuple[int, object] | None] = [None] * len(now)
    for state, cost in enumerate(now):
        if cost == inf:
            continue
        for how, after in arcs[state]:
            total = cost + costs[how]
            if total < then[after]:
                then[after] = total
                came[after] = (state, how)
    if trail is not None:
        trail.append(came)
    return then


def _cross(
    now: list[float],
    across: Sequence[Sequence[tuple[int, tuple[int, ...], int]]],
    width: float,
    trail: list[list[tuple[int, object] | None]] | None,
) -> list[float]:
    then = [inf] * len(now)
    came: list[tuple[int, object] | None] = [None] * len(now)
    for state, cost in enumerate(now):
        if cost == inf:
            continue
        for times, copies, after in across[state]:
            total = cost + times * width
            if total < then[after]:
                then[after] = total
                came[after] = (state, copies)
    if trail is not None:
        trail.append(came)
    return then


# ---- the states


@cache
def _machine(crossings: int) -> _Machine:
    """All states that the left part of a route can end in. The first is that of nothing walked."""
    start: _State = ((0, 0),) * crossings
    known: dict[_State, int] = {start: 0}
    along: list[list[tuple[tuple[int, int], ...]]] = [[] for _ in range(crossings - 1)]
    touch: list[list[int]] = [[] for _ in range(crossings)]
    across = []
    waiting = [start]
    for state in waiting:  # it grows while it is read

        def number(one: _State) -> int:
            if one not in known:
                known[one] = len(known)
                waiting.append(one)
            return known[one]

        for piece, arcs in enumerate(along):
            arcs.append(tuple((how, number(_walked(state, piece, how))) for how in range(6)))
        for crossing, after in enumerate(touch):
            after.append(number(_reached(state, crossing)))
        across.append(tuple((sum(c), c, number(after)) for c, after in _crossed(state)))
    is_whole = tuple(_is_whole(state) for state in known)
    return _Machine(tuple(map(tuple, along)), tuple(across), tuple(map(tuple, touch)), is_whole)


def _is_whole(state: _State) -> bool:
    return all(not odd for odd, _ in state) and len({part for _, part in state if part}) == 1


def _walked(state: _State, piece: int, how: int) -> _State:
    """After a piece between the crossings `piece` and `piece + 1` was walked."""
    if how in (ONCE, TWICE):
        state = _reached(_reached(state, piece), piece + 1)
        (odd, one), (odd_too, other) = state[piece : piece + 2]
        flip = how == ONCE
        ends = ((odd ^ flip, one), (odd_too ^ flip, other))
        state = state[:piece] + ends + state[piece + 2 :]
        return _numbered((odd, one if part == other else part) for odd, part in state)
    if how in (FROM_FRONT, BUT_GAP):
        state = _reached(state, piece)
    if how in (FROM_BACK, BUT_GAP):
        state = _reached(state, piece + 1)
    return state


def _reached(state: _State, crossing: int) -> _State:
    if state[crossing][1]:
        return state
    fresh = 1 + max(part for _, part in state)
    return _numbered((*state[:crossing], (0, fresh), *state[crossing + 1 :]))


def _crossed(state: _State) -> list[tuple[tuple[int, ...], _State]]:
    """How the route can go on to the next aisle: by odd crossings once, by others twice or not at all, and from every
    part somewhere."""
    choices = [(1,) if odd else (0, 2) if part else (0,) for odd, part in state]
    parts = {part for _, part in state if part}
    found = []
    for copies in product(*choices):
        kept = [(odd, part) if times else (0, 0) for times, (odd, part) in zip(copies, state, strict=True)]
        if {part for _, part in kept if part} == parts:
            found.append((copies, _numbered(kept)))
    return found


def _numbered(state: object) -> _State:
    """Connected parts numbered as they come from front to back, so that equal states are the same."""
    numbers = {0: 0}
    return tuple((int(odd), numbers.setdefault(part, len(numbers))) for odd, part in state)  # type: ignore[attr-defined]


# ---- the way


def _pieces(
    layout: Layout, columns: Sequence[_Column], stops: Mapping[int, Sequence[float]],
    trail: Sequence[Sequence[tuple[int, object] | None]], state: int,
) -> list[tuple[Point, Point]]:  # fmt: skip
    """What is walked, from the last step back to the first."""
    pieces: list[tuple[Point, Point]] = []
    steps = reversed(trail)

    def back() -> object:
        nonlocal state
        step = next(steps)[state]
        assert step is not None, "the sweep came here"
        state = step[0]
        return step[1]

    for place in range(len(columns) - 1, -1, -1):
        column = columns[place]
        if place < len(columns) - 1:
            copies = back()
            assert isinstance(copies, tuple)
            for y, times in zip(layout.cross, copies, strict=True):
                pieces += [((column.x, y), (columns[place + 1].x, y))] * times
        if column.is_gate:
            back()
        for i in range(len(column.costs) - 1, -1, -1):
            low, high = layout.cross[i : i + 2]
            ys = _between(low, high, stops.get(column.aisle, ()))  # type: ignore[arg-type]
            pieces += [((column.x, a), (column.x, b)) for a, b in _walks(low, high, ys, back())]
    return pieces


def _walks(low: float, high: float, ys: Sequence[float], how: object) -> list[tuple[float, float]]:
    if how == NONE:
        return []
    if how == ONCE:
        return [(low, high)]
    if how == TWICE:
        return [(low, high)] * 2
    if how == FROM_FRONT:
        return [(low, ys[-1])] * 2
    if how == FROM_BACK:
        return [(ys[0], high)] * 2
    _, at = max((b - a, i) for i, (a, b) in enumerate(pairwise(ys)))
    return [(low, ys[at])] * 2 + [(ys[at + 1], high)] * 2


def _tour(start: Point, pieces: Sequence[tuple[Point, Point]]) -> list[Point]:
    """One walk over every piece once (Hierholzer): all crossings have an even number of ends and hang together."""
    ends: dict[Point, list[int]] = defaultdict(list)
    for i, (a, b) in enumerate(pieces):
        if a != b:
            ends[a].append(i)
            ends[b].append(i)
    used = [False] * len(pieces)
    stack, tour = [start], []
    while stack:
        here = stack[-1]
        left = ends[here]
        while left and used[left[-1]]:
            left.pop()
        if not left:
            tour.append(stack.pop())
            continue
        used[left[-1]] = True
        a, b = pieces[left.pop()]
        stack.append(b if here == a else a)
    return tour
