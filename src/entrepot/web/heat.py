"""A node seen from above: each place of it as hot as what is counted there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

STEPS = 5
"""Degrees of heat above none."""
CELLS_MAX = 1_200
"""Places that one drawing shows; of more, those beside each other are drawn as one, so that no page grows heavy."""
ROW = 24
"""Places beside each other where bins have no coordinates, and so many as fill a page."""
PLACE_PIXELS = 42
"""A place of a small drawing, wide enough for a finger."""


class Spot(NamedTuple):
    """A bin with its coordinates, and what is counted in it."""

    code: str
    x: int
    y: int
    figure: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A place of the drawing, counted from the top left, with its bins: `heat` is 0 where nothing is counted."""

    x: int
    y: int
    codes: tuple[str, ...]
    figure: int
    heat: int

    @property
    def name(self) -> str:
        """The first bin and the last one."""
        return self.codes[0] if len(self.codes) == 1 else f"{self.codes[0]} – {self.codes[-1]}"


@dataclass(frozen=True, slots=True)
class Map:
    width: int
    height: int
    cells: tuple[Cell, ...]
    is_walked: bool
    """Whether the places stand in the order of the walk, since the bins have no coordinates."""

    @property
    def is_small(self) -> bool:
        """Whether it would fill a page with a few large places."""
        return self.width < ROW

    @property
    def pixels(self) -> int:
        """How wide a small one is drawn, where the page has room."""
        return self.width * PLACE_PIXELS


def drawn(spots: Sequence[Spot]) -> Map:
    """Bins that stand in the order of the walk, drawn where they are, y growing upwards as on a plan."""
    placed = _placed(spots)
    if not placed:
        return Map(0, 0, (), is_walked=False)
    step = _step(placed)
    cells: dict[tuple[int, int], list[Spot]] = {}
    for x, y, spot in placed:
        cells.setdefault((x // step, y // step), []).append(spot)
    sums = {at: sum(one.figure for one in here) for at, here in cells.items()}
    most, top = max(sums.values()), max(y for _, y in cells)
    found = tuple(
        Cell(x, top - y, tuple(one.code for one in here), sums[x, y], _degree(sums[x, y], most))
        for (x, y), here in sorted(cells.items(), key=lambda one: (-one[0][1], one[0][0]))
    )
    return Map(max(x for x, _ in cells) + 1, top + 1, found, is_walked=_are_nowhere(spots))


def _placed(spots: Sequence[Spot]) -> list[tuple[int, int, Spot]]:
    """Bins with coordinates without the ways between them: only who comes before whom counts, so that a map has no
    empty halls."""
    if _are_nowhere(spots):
        last = (len(spots) - 1) // ROW
        return [(i % ROW, last - i // ROW, one) for i, one in enumerate(spots)]
    rank_x = {x: i for i, x in enumerate(sorted({one.x for one in spots}))}
    rank_y = {y: i for i, y in enumerate(sorted({one.y for one in spots}))}
    return [(rank_x[one.x], rank_y[one.y], one) for one in spots]


def _are_nowhere(spots: Sequence[Spot]) -> bool:
    return len({(one.x, one.y) for one in spots}) == 1 < len(spots)


def _step(placed: Sequence[tuple[int, int, Spot]]) -> int:
    """How many places beside each other are drawn as one, in both directions."""
    step = 1
    while len({(x // step, y // step) for x, y, _ in placed}) > CELLS_MAX:
        step += 1
    return step


def _degree(figure: int, most: int) -> int:
    """By the root, since a few bins have most of the picks and the others are to be told apart as well."""
    return max(1, round((figure / most) ** 0.5 * STEPS)) if figure > 0 else 0
