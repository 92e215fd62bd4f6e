"""What was under way when a window began, and the stock of that moment. Nothing is locked, nothing is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.simulation.replay import Asked, Held, Paid, Promised, Rejection
from entrepot.sourcing import turns
from entrepot.sourcing.explain import explain
from entrepot.sourcing.rules import Line

Units = dict[tuple[UUID, UUID], int]
"""Units by (sku, node)."""


class Decided(NamedTuple):
    """A recorded decision with what it decided on."""

    order: UUID
    at: datetime
    outcome: str
    version: int
    reasons: Mapping[str, Any]


class OrderLine(NamedTuple):
    """A line of goods as it is recorded; `instead_of` is the line for which it is sent."""

    id: UUID
    number: int
    sku: UUID
    code: str
    quantity: int
    kit: int
    per_kit: int
    gross_minor: int
    discount_minor: int
    instead_of: UUID | None

    def wanted(self, units: int) -> Line:
        return Line(self.id, self.sku, units, self.kit, self.per_kit)


class Lines(NamedTuple):
    """Lines of orders: those that were ordered, and those that are sent instead."""

    ordered: Mapping[UUID, list[OrderLine]]
    instead: Mapping[UUID, list[OrderLine]]

    def paid(self) -> dict[UUID, Paid]:
        return {
            line.id: Paid(line.gross_minor, line.discount_minor, line.quantity)
            for lines in self.ordered.values()
            for line in lines
        }


def asked_of(order: UUID, head: tuple[Any, ...], sought: tuple[Line, ...]) -> Asked:
    """An order by what is recorded of it, the days and the part that bind it last, and the lines that are sought."""
    *facts, last, percent, ordered = head
    return Asked._make((order, *facts, sought, last, percent, ordered))


def wanted_of(decided: Decided, lines: Iterable[OrderLine]) -> dict[OrderLine, int]:
    """Units of each line that a decision was about: as it recorded them, or all of them."""
    told = {number: units for number, units, _ in decided.reasons.get("lines", ())}
    return {line: told.get(line.number, 0) if told else line.quantity for line in lines}


# ---- what was under way when the window began


class Earlier:
    """Orders decided before the window that still waited for stock then, or whose customer cancelled in it."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.decisions: dict[UUID, list[Decided]] = defaultdict(list)
        self.rejections: list[Rejection] = []  # of before the window
        self.heads: dict[UUID, tuple[Any, ...]] = {}
        for row in rows:
            self.decisions[row[0]].append(Decided(*row[:5]))
            self.heads[row[0]] = row[5:]
        self.waits = [which for which, some in self.decisions.items() if some[-1].outcome in WAITS]
        self.channels = {head[1] for head in self.heads.values()}

    def waiting(self, which: UUID, lines: Mapping[UUID, Sequence[OrderLine]]) -> Asked:
        """The order with the units that its last decision left waiting."""
        last = self.decisions[which][-1]
        wanted, served = wanted_of(last, lines[which]), _served(last)
        rest = {line: units - served[line.number] for line, units in wanted.items()}
        sought = tuple(line.wanted(rest[line]) for line in lines[which] if rest[line] > 0)
        return asked_of(which, self.heads[which], sought)

    def promised(self, lines: Lines, codes: Mapping[str, UUID]) -> list[Held]:
        """What these orders had been promised, less what nodes had given back."""
        units: Counter[tuple[UUID, UUID, UUID]] = Counter()
        for which, decisions in self.decisions.items():
            for decided in decisions:
                for sku, node, quantity in _promises(
                    decided, lines.ordered[which], lines.instead[which], codes
                ):
                    units[which, sku, node] += quantity
        for one in self.rejections:
            units[one.order, one.sku, one.node] -= one.quantity
        return [Held(*key, quantity) for key, quantity in units.items() if quantity > 0]


WAITS = ("backordered", "part backordered")
NOT_ALL = (*WAITS, "cancelled", "part cancelled")


def _by_line(decided: Decided) -> list[tuple[int, str, int]] | None:
    """Who serves how many units of each line, where the decision recorded that."""
    if "asked" in decided.reasons:
        return [(turn.number, *served) for turn in turns.read(decided.reasons) for served in turn.served]
    if "served" in decided.reasons:
        return [(number, code, units) for number, code, units in decided.reasons["served"]]
    return None


def _served(decided: Decided) -> dict[int, int]:
    served: dict[int, int] = defaultdict(int)
    for number, _, units in _by_line(decided) or ():
        served[number] += units
    return served


def _promises(
    decided: Decided, lines: Iterable[OrderLine], instead: Iterable[OrderLine], codes: Mapping[str, UUID]
) -> Iterable[tuple[UUID, UUID, int]]:
    """What a decision promised, as (sku, node, units): as it recorded it by line, or all of it at the node that it
    chose. Of a line, what is sent instead comes last."""
    by_number = {line.number: line for line in lines}
    rows = _by_line(decided)
    as_ordered = _served(decided)
    if rows is None and decided.outcome not in NOT_ALL:
        chosen = [one.node for one in explain(decided.reasons).candidates if one.verdict == "chosen"]
        wanted = wanted_of(decided, by_number.values())
        rows = [(line.number, code, units) for code in chosen[:1] for line, units in wanted.items()]
    others = {(line.instead_of, line.code): line.sku for line in instead}
    sent = {number: (by, units) for number, _, by, units, _ in decided.reasons.get("instead", ())}
    for number, (_, units) in sent.items():
        as_ordered[number] -= units
    for number, code, units in rows or ():
        if number not in by_number or code not in codes:
            continue
        line = by_number[number]
        own = min(units, as_ordered[number]) if number in sent else units
        if own:
            yield line.sku, codes[code], own
        if units > own and (other := others.get((line.id, sent[number][0]))):
            yield other, codes[code], units - own
        if number in sent:
            as_ordered[number] -= own


# ---- stock


def free_then(
    params: Mapping[str, Any], earlier: Earlier, held: Iterable[Held], before: Iterable[Promised]
) -> tuple[Units, dict[tuple[UUID, UUID], dict[UUID, int]]]:
    """What could be promised when the window began, and what ring-fences have left today.

    There: the moves until then. Promised: what left later, or stands promised today, of orders decided before; of
    those that waited or were cancelled in the window, what their decisions say.
    """
    free: Units = defaultdict(int)
    told = {**params, "by_decision": list(earlier.decisions)}
    wanted = set(params["skus"])
    for sku, node, units in sql.run(_SELLABLE, params):
        free[sku, node] += units
    for one in before:
        if one.sku in wanted and one.order not in earlier.decisions:
            free[one.sku, one.node] -= one.units
    for given in held:
        if given.sku in wanted:
            free[given.sku, given.node] -= given.units
    for sku, node, units in sql.run(_SENT_BEFORE, told):
        free[sku, node] += units
    fences: dict[tuple[UUID, UUID], dict[UUID, int]] = defaultdict(dict)
    for sku, node, safety in sql.run(_SAFETY, params):
        free[sku, node] -= safety
    for sku, node, channel, left in sql.run(_FENCES, params):
        fences[sku, node][channel] = left
        free[sku, node] += 0
    return dict(free), dict(fences)


# What customers took is told by the replay itself; all other moves that change what can be sold are told by these.
MOVED = """
SELECT m.at, b.sku_id, b.node_id, m.units
FROM (SELECT occurred_at AS at, to_bucket AS bucket, to_place, quantity AS units FROM stock_move
      WHERE company_id = %(company)s::smallint AND sku_id = ANY(%(skus)s::uuid[]) AND to_bucket IS NOT NULL
      UNION ALL
      SELECT occurred_at, from_bucket, to_place, -quantity FROM stock_move
      WHERE company_id = %(company)s::smallint AND sku_id = ANY(%(skus)s::uuid[]) AND from_bucket IS NOT NULL) AS m
JOIN stock_bucket AS b ON b.id = m.bucket AND b.status = 'sellable' AND b.owner_id = %(company)s::smallint
"""

_SELLABLE = f"""
SELECT sku_id, node_id, sum(units)::int FROM ({MOVED} WHERE m.at < %(since)s::timestamptz) AS moved GROUP BY 1, 2
"""

CHANGES = f"""
SELECT at, sku_id, node_id, sum(units)::int
FROM ({MOVED} WHERE m.at >= %(since)s::timestamptz AND m.at < %(until)s::timestamptz
                 AND m.to_place <> 'customer') AS moved
GROUP BY 1, 2, 3 HAVING sum(units) <> 0 ORDER BY 1, 2, 3
"""

_SENT_BEFORE = """
SELECT m.sku_id, b.node_id, sum(m.quantity)::int
FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.from_bucket JOIN orders_line AS l ON l.id = m.line_id
WHERE m.company_id = %(company)s::smallint AND m.sku_id = ANY(%(skus)s::uuid[]) AND m.to_place = 'customer'
  AND m.document_kind <> 'return' AND m.occurred_at < %(since)s::timestamptz
  AND l.order_id = ANY(%(by_decision)s::uuid[])
GROUP BY 1, 2
"""

_SAFETY = """
SELECT sku_id, node_id, safety FROM stock_position
WHERE owner_id = %(company)s::smallint AND sku_id = ANY(%(skus)s::uuid[]) AND safety > 0
"""

_FENCES = """
SELECT sku_id, node_id, channel_id, quantity - used FROM stock_ringfence
WHERE owner_id = %(company)s::smallint AND sku_id = ANY(%(skus)s::uuid[]) AND quantity > used
"""
