"""What each line found at the nodes when its turn came, where lines are served one by one: kept with the decision, as
short as it can be, and read again for its explanation. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from entrepot.sourcing.rules import Free, Line, Node, Share

Kept = tuple[int, int, list[tuple[int, int]]]
"""The number of a line, its units, and who had some: [place of the node, units]. These are the nodes that are asked, as
far as the first that was not needed, and behind them those that are not asked and had all of it."""


class Turn(NamedTuple):
    """A line when its turn came: the nodes that were asked, with what was left there, those that were not and had all
    of it, and who serves how many."""

    number: int
    units: int
    asked: Mapping[str, int]
    others: Mapping[str, int]
    served: tuple[tuple[str, int], ...]


def keep(
    lines: Sequence[tuple[int, Line]],
    shares: Sequence[Share],
    asked: Sequence[Node],
    others: Sequence[Node],
    free: Free,
    free_of_others: Free,
) -> list[Kept]:
    """What numbered lines found, each after those before it; `shares` are what they got."""
    left = {(sku, node): units for (sku, node), units in free.items() if units > 0}
    kept = []
    for number, line in lines:
        mine = [share for share in shares if share.line == line.id and share.sku == line.sku]
        before = [left.get((line.sku, node.id), 0) for node in asked]
        last = _last_needed(before, line.quantity)
        had = [(place, units) for place, units in enumerate(before[: last + 1]) if units > 0]
        had += [
            (place, line.quantity)
            for place, node in enumerate(others, len(asked))
            if free_of_others.get((line.sku, node.id), 0) >= line.quantity
        ]
        kept.append((number, line.quantity, had))
        for share in mine:
            left[line.sku, share.node] -= share.quantity
    return kept


def _last_needed(there: Sequence[int], units: int) -> int:
    """The place of the first node with some after those that have all of it together; the last one without."""
    for place, some in enumerate(there):
        if units <= 0 < some:
            return place
        units -= some
    return len(there) - 1


def served_in_turn(turn: Mapping[str, int], units: int) -> tuple[tuple[str, int], ...]:
    """What nodes give of so many units, each what it has."""
    given = []
    for code, there in turn.items():
        if units and there:
            given.append((code, min(units, there)))
            units -= min(units, there)
    return tuple(given)


def read(reasons: Mapping[str, Any]) -> list[Turn]:
    """The turns of the lines of a decision, from its reasons: `turns` (as `keep` returns them), `asked` and `others`
    (codes of nodes), and `served` ([number, code, units]) where the nodes gave other than what they had in turn."""
    asked, others = reasons.get("asked", ()), reasons.get("others", ())
    turns = []
    for number, units, had in reasons["turns"]:
        there = dict(had)
        known = [place for place in there if place < len(asked)]
        enough = sum(there[place] for place in known) >= units
        looked = asked[: max(known) + 1] if enough and known else asked
        of_asked = {code: there.get(place, 0) for place, code in enumerate(looked)}
        of_others = {code: there.get(place, 0) for place, code in enumerate(others, len(asked))}
        served = served_in_turn(of_asked, units)
        if "served" in reasons:
            served = tuple((code, n) for line, code, n in reasons["served"] if line == number)
        turns.append(Turn(number, units, of_asked, of_others, served))
    return turns
