"""What each line found at the nodes when its turn came, where lines are served one by one: kept with the decision, as
short as it can be, and read again for its explanation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.sourcing.rules import Free, Line, Node, Share

Left = tuple[int, int, int, int]
"""The number of a line, its units, the place of a node among those that are asked, and the units that were left there:
of the nodes that had some, as far as the first that was not needed. A line without any found nothing."""
Other = tuple[int, int]
"""The number of a line, and the place among those that are not asked of a node that had all of it."""

Kept = tuple[int, int, int]
"""The number of a line, the place of a node that is asked and keeps some, and the units that it could have served."""


class Turn(NamedTuple):
    """A line when its turn came: the nodes that were asked, with what was left there, those that were not and had all
    of it, who serves how many, and what asked nodes could have served had they not kept some, where that was more."""

    number: int
    units: int
    asked: Mapping[str, int]
    others: Mapping[str, int]
    served: tuple[tuple[str, int], ...]
    could: Mapping[str, int]


def keep(
    lines: Sequence[tuple[int, Line]], shares: Sequence[Share], asked: Sequence[Node], free: Free
) -> list[Left]:
    """What numbered lines found, each after those before it; `shares` are what they got."""
    kept = []
    for number, line, left in _in_turn(lines, shares, free):
        there = [max(0, left.get((line.sku, node.id), 0)) for node in asked]
        last = _last_needed(there, line.quantity)
        kept += [(number, line.quantity, place, some) for place, some in enumerate(there[: last + 1]) if some]
    return kept


def keep_others(lines: Sequence[tuple[int, Line]], others: Sequence[Node], free: Free) -> list[Other]:
    """Who would have had all of numbered lines, but is not asked."""
    return [
        (number, place)
        for number, line in lines
        for place, node in enumerate(others)
        if free.get((line.sku, node.id), 0) >= line.quantity
    ]


def keep_kept(
    lines: Sequence[tuple[int, Line]],
    shares: Sequence[Share],
    asked: Sequence[Node],
    free: Free,
    keeps: Mapping[UUID, int],
) -> list[Kept]:
    """What nodes that keep some could have given numbered lines, each after those before it, where that is more than
    they had."""
    kept = []
    for number, line, left in _in_turn(lines, shares, free):
        could = [left.get((line.sku, node.id), 0) for node in asked]
        there = [max(0, units - keeps.get(node.id, 0)) for node, units in zip(asked, could, strict=True)]
        last = _last_needed(there, line.quantity)
        kept += [
            (number, place, min(line.quantity, could[place]))
            for place, units in enumerate(there[: last + 1])
            if min(line.quantity, could[place]) > units
        ]
    return kept


def _in_turn(
    lines: Sequence[tuple[int, Line]], shares: Sequence[Share], free: Free
) -> Iterator[tuple[int, Line, Free]]:
    """Each numbered line, with what those before it left."""
    left = dict(free)
    for number, line in lines:
        yield number, line, left
        for share in shares:
            if share.line == line.id and share.sku == line.sku:
                left[line.sku, share.node] -= share.quantity


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
    """The turns of the lines of a decision, from its reasons: `turns`, `able` and `kept` (as `keep`, `keep_others` and
    `keep_kept` return them), `asked` and `others` (codes of nodes), `unserved` ([number, units] of lines without any),
    and `served` ([number, code, units]) where the nodes gave other than what they had in turn."""
    asked, others = reasons["asked"], reasons.get("others", ())
    units_of: dict[int, int] = dict(reasons.get("unserved", ()))
    left: dict[int, dict[int, int]] = {number: {} for number in units_of}
    for number, units, place, there in reasons.get("turns", ()):
        units_of[number] = units
        left.setdefault(number, {})[place] = there
    able: dict[int, set[int]] = {}
    for number, place in reasons.get("able", ()):
        able.setdefault(number, set()).add(place)
    turns = []
    for number in sorted(units_of):
        units, there = units_of[number], left[number]
        looked = asked[: max(there) + 1] if sum(there.values()) >= units else asked
        of_asked = {code: there.get(place, 0) for place, code in enumerate(looked)}
        of_others = {code: units for place, code in enumerate(others) if place in able.get(number, ())}
        served = served_in_turn(of_asked, units)
        if "served" in reasons:
            served = tuple((code, n) for line, code, n in reasons["served"] if line == number)
        could = {asked[place]: n for line, place, n in reasons.get("kept", ()) if line == number}
        turns.append(Turn(number, units, of_asked, of_others, served, could))
    return turns
