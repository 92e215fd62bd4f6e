"""What plots are drawn from: lengths of bars, worked out where the figures are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

WIDTH = 100.0
"""A full bar, in units of its drawing."""


class Pair(NamedTuple):
    """Two figures of one name beside each other; the lengths of their bars are on the scale of their plot."""

    name: str
    before: float
    after: float
    before_length: float
    after_length: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Pairs on one scale, with what the figures are: `number` or `money`."""

    name: str
    title: object
    what: object
    pairs: tuple[Pair, ...]
    kind: str = "number"


def paired(
    name: str, title: object, what: object, rows: Sequence[tuple[str, float, float]], kind: str = "number"
) -> Plot:
    """Bars for pairs of figures, the greatest of them as long as the plot is wide."""
    most = max((abs(figure) for _, *figures in rows for figure in figures), default=0) or 1
    pairs = (
        Pair(row, before, after, abs(before) / most * WIDTH, abs(after) / most * WIDTH)
        for row, before, after in rows
    )
    return Plot(name, title, what, tuple(pairs), kind)


class Bar(NamedTuple):
    """One figure of a name; the length of its bar is on the scale of its plot."""

    name: str
    figure: float
    length: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Figures on one scale: `number` or `money`."""

    name: str
    title: object
    bars: tuple[Bar, ...]
    kind: str = "number"


def single(name: str, title: object, rows: Sequence[tuple[str, float]], kind: str = "number") -> Bars:
    """Bars for figures, the greatest as long as the plot is wide."""
    most = max((abs(figure) for _, figure in rows), default=0) or 1
    return Bars(
        name, title, tuple(Bar(row, figure, abs(figure) / most * WIDTH) for row, figure in rows), kind
    )


class Segment(NamedTuple):
    """A part of a bar; `place` is its series', `x` where it begins and `length` how long it is."""

    name: str
    figure: float
    place: int
    x: float
    length: float


class Stack(NamedTuple):
    """A bar made of parts, and a text beside it."""

    name: str
    segments: tuple[Segment, ...]
    figure: float
    told: str


@dataclass(frozen=True, slots=True)
class Stacked:
    """Bars of parts on one scale; `series` are the names of the parts in their order."""

    name: str
    title: object
    series: tuple[str, ...]
    stacks: tuple[Stack, ...]


SERIES = 6
"""Parts that a drawing can tell apart."""


def stacked(
    name: str, title: object, rows: Sequence[tuple[str, Mapping[str, float], str]], *, by_name: bool = False
) -> Stacked:
    """Bars for figures by series, the largest first or by name; the longest bar is as wide as the plot. What is below
    zero has no length."""
    sums: dict[str, float] = {}
    for _, parts, _ in rows:
        for of, figure in parts.items():
            sums[of] = sums.get(of, 0) + figure
    series = tuple(sorted(sums, key=lambda of: (0 if by_name else -sums[of], of)))
    most = max((sum(max(0, figure) for figure in parts.values()) for _, parts, _ in rows), default=0) or 1
    stacks = []
    for row, parts, told in rows:
        x, segments = 0.0, []
        for place, of in enumerate(series):
            length = max(0, parts.get(of, 0)) / most * WIDTH
            if length:
                segments.append(Segment(of, parts[of], place % SERIES, x, length))
            x += length
        stacks.append(Stack(row, tuple(segments), sum(parts.values()), told))
    return Stacked(name, title, series, tuple(stacks))


TICKS = 4
"""Names below a line that are read also on a phone."""


class Point(NamedTuple):
    """A figure of a moment, and where it stands in the drawing: `x` and `y` of WIDTH, 0 at the bottom left."""

    name: str
    figure: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """Figures over time on a scale from `least` to `most`; `target_y` is where the target lies, None without one."""

    points: tuple[Point, ...]
    least: float
    most: float
    target_y: float | None = None

    @property
    def ticks(self) -> tuple[Point, ...]:
        """Points whose names stand below the drawing: the first, the last, and at most TICKS in all, evenly apart."""
        last = len(self.points) - 1
        most = min(TICKS, last + 1)
        apart = [round(i * last / (most - 1)) for i in range(most)] if most > 1 else [0]
        return tuple(self.points[i] for i in apart) if self.points else ()

    @property
    def path(self) -> str:
        """For a polyline in a drawing whose y grows downwards."""
        return " ".join(f"{one.x:.2f},{WIDTH - one.y:.2f}" for one in self.points)


def line(rows: Sequence[tuple[str, float]], target: float | None = None) -> Line:
    """Figures in their order at equal distances; the scale takes in the target, and a flat line lies in the middle."""
    figures = [figure for _, figure in rows] + ([target] if target is not None else [])
    least, most = min(figures), max(figures)
    span = most - least

    def height(figure: float) -> float:
        return (figure - least) / span * WIDTH if span else WIDTH / 2

    step = WIDTH / max(len(rows) - 1, 1)
    points = tuple(Point(name, figure, i * step, height(figure)) for i, (name, figure) in enumerate(rows))
    return Line(points, least, most, None if target is None else height(target))
