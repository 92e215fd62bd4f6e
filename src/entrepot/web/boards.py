"""Boards of key figures that people arrange: which stand on one, in what order, how wide. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

WIDTHS = (1, 2, 3)
"""Columns that a figure takes, where the screen has them."""
TILES_MAX = 24
"""Figures of a board; each is asked for by itself, so that none waits for another."""


class Tile(NamedTuple):
    """A key figure on a board."""

    figure: str
    width: int = 1

    @property
    def said(self) -> str:
        """As an address says it."""
        return self.figure if self.width == 1 else f"{self.figure}:{self.width}"


def read(said: Iterable[str], known: Collection[str]) -> list[Tile]:
    """The tiles that an address names, each figure once; what is not known is left out, a width that is none is 1."""
    tiles: dict[str, Tile] = {}
    for one in said:
        figure, _, width = one.partition(":")
        if figure in known and figure not in tiles:
            is_width = width in [str(each) for each in WIDTHS]
            tiles[figure] = Tile(figure, int(width) if is_width else 1)
    return list(tiles.values())[:TILES_MAX]


def arranged(tiles: Sequence[Tile], act: str, figure: str, known: Collection[str]) -> list[Tile]:
    """The board after one act on a figure: `earlier`, `later`, `wider`, `narrower`, `without` or `with`.

    An act that does not apply changes nothing: the first can't go earlier, the widest not wider.
    """
    there = next((place for place, one in enumerate(tiles) if one.figure == figure), None)
    if act == "with":
        fits = there is None and figure in known and len(tiles) < TILES_MAX
        return [*tiles, Tile(figure)] if fits else list(tiles)
    if there is None:
        return list(tiles)
    tile, rest = tiles[there], [one for one in tiles if one.figure != figure]
    match act:
        case "without":
            return rest
        case "earlier" | "later":
            place = there + (1 if act == "later" else -1)
            place = min(max(place, 0), len(rest))
            return [*rest[:place], tile, *rest[place:]]
        case "wider" | "narrower":
            width = tile.width + (1 if act == "wider" else -1)
            width = min(max(width, WIDTHS[0]), WIDTHS[-1])
            return [*tiles[:there], Tile(figure, width), *tiles[there + 1 :]]
    return list(tiles)
