"""What is asked of sourcing: why an order was sourced so, what waits for stock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.network.destinations import promised_day
from entrepot.sourcing.explain import Explanation, explain, with_lines
from entrepot.sourcing.telling import with_costs


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision with its reasons: why, policy, and the candidates as [node code, units it could have served]."""

    id: int
    outcome: str
    profile_version: int
    reasons: dict[str, Any]
    decided_at: datetime


def decisions(*, order: UUID) -> list[DecisionRow]:
    """Sourcing decisions on an order, the newest first."""
    return [DecisionRow(*row) for row in sql.run(_DECISIONS, {"order": order})]


@dataclass(frozen=True, slots=True)
class DecisionExplained:
    """A decision, what became of each node that was looked at, and the nearest change that would have flipped it."""

    decision: DecisionRow
    explanation: Explanation


def explained(*, order: UUID) -> list[DecisionExplained]:
    """Sourcing decisions on an order, the newest first, explained from what they recorded. 2 statements."""
    goods = [(number, units) for number, units in sql.run(_GOODS, {"order": order})]
    return [DecisionExplained(one, explain(with_lines(one.reasons, goods))) for one in decisions(order=order)]


def explained_with_costs(*, order: UUID) -> list[DecisionExplained]:
    """As `explained`, and of the newest decision what each node would have cost also where costs did not decide. 2
    statements, or about 14."""
    found = explained(order=order)
    if not found or "costs" in found[0].decision.reasons:
        return found
    newest, *rest = found
    of = newest.decision
    told = with_costs(order, of.reasons, of.decided_at, newest.explanation)
    return [DecisionExplained(of, told), *rest]


@dataclass(frozen=True, slots=True)
class RejectionRow:
    """A node, or a supplier, that gave a line back, and is not asked for it until `cleared_at`."""

    node_code: str
    line_number: int
    quantity: int
    reason: str
    rejected_at: datetime
    cleared_at: datetime | None


def rejections(*, order: UUID, node: UUID | None = None) -> list[RejectionRow]:
    """Rejections of an order's lines that count, the latest first; of a node also those that count no more."""
    return [RejectionRow(*row) for row in sql.run(_REJECTIONS, {"order": order, "node": node})]


@dataclass(frozen=True, slots=True)
class BackorderRow:
    order: UUID
    order_number: str
    sku_code: str
    quantity: int
    promised_on: date | None
    ordered_at: datetime


def backorders(*, company: int, limit: int = 200) -> list[BackorderRow]:
    """What waits for stock, the longest first."""
    return [BackorderRow(*row) for row in sql.run(_BACKORDERS, {"company": company, "limit": limit})]


@dataclass(frozen=True, slots=True)
class WaitRow:
    """Units of an order line that wait for stock: until when, and how many of them supply is expected for.

    `late_days` are those past the day of the customer's promise; `ships_on` is the day from which what is sold ahead
    ships.
    """

    line: UUID
    line_number: int
    sku: UUID
    sku_code: str
    description: str
    quantity: int
    expected_on: date | None
    covered: int
    ships_on: date | None
    late_days: int


def waits(*, order: UUID) -> list[WaitRow]:
    """What an order waits for, by line. 1 statement."""
    return [_wait(*row) for row in sql.run(_WAITS, {"order": order})]


def _wait(*row: Any) -> WaitRow:
    *facts, promise_at, country, postal_code, home = row
    found = WaitRow(*facts, 0)  # type: ignore[call-arg]
    promised = promised_day(promise_at, country, postal_code, home)
    late = (found.expected_on - promised).days if found.expected_on and promised else 0
    return replace(found, late_days=max(0, late))


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """Units of a SKU that should go from one node to another; `terms` are the figures that say why.

    `sent` of them left by the transfer, once it is sent.
    """

    id: UUID
    number: str
    sku: UUID
    sku_code: str
    sku_name: str
    from_code: str
    to_code: str
    quantity: int
    cost_minor: int
    value_minor: int
    terms: dict[str, Any]
    state: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    reason: str
    sent: int
    transfer: UUID | None


def proposals(
    *, company: int, state: str = "proposed", after: UUID | None = None, limit: int = 200
) -> list[ProposalRow]:
    """Proposals to move stock in a state, in the order of their ids. 1 statement."""
    params = {"company": company, "state": state, "after": after, "limit": limit}
    return [ProposalRow(*row) for row in sql.run(_PROPOSALS, params)]


def proposals_numbered(*, company: int, numbers: Collection[str]) -> list[ProposalRow]:
    """Proposals by the numbers that people see, in whatever state. 1 statement."""
    return [
        ProposalRow(*row)
        for row in sql.run(_PROPOSALS_NUMBERED, {"company": company, "numbers": list(numbers)})
    ]


def proposal_totals(*, company: int) -> dict[str, tuple[int, int, int, int]]:
    """Of the proposals that are open, by state: how many, their units, what moving costs, what the goods are worth."""
    found = {state: tuple(sums) for state, *sums in sql.run(_PROPOSAL_TOTALS, {"company": company})}
    return {state: found.get(state, (0, 0, 0, 0)) for state in ("proposed", "accepted")}


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("sourcing_backorder", "sourcing_transferproposal")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about backorders and allocations that disagree with their order lines."""
    return [
        sentence
        for statement in (_WRONG_BACKORDERS, _WRONG_ALLOCATIONS, _WRONG_PEGS, _WRONG_PROPOSALS)
        for (sentence,) in sql.run(statement)
    ]


_DECISIONS = """
SELECT id, outcome, profile_version, reasons, decided_at FROM sourcing_decision WHERE order_id = %(order)s::uuid
ORDER BY id DESC
"""

_GOODS = """
SELECT number::int, quantity FROM orders_line
WHERE order_id = %(order)s::uuid AND sku_id IS NOT NULL AND instead_of IS NULL ORDER BY number
"""

_REJECTIONS = """
SELECT COALESCE(n.code, s.code), l.number::int, r.quantity, r.reason, r.rejected_at, r.cleared_at
FROM sourcing_rejection AS r LEFT JOIN network_node AS n ON n.id = r.node_id
LEFT JOIN parties_supplier AS s ON s.id = r.node_id JOIN orders_line AS l ON l.id = r.line_id
WHERE r.order_id = %(order)s::uuid
  AND CASE WHEN %(node)s::uuid IS NULL THEN r.cleared_at IS NULL ELSE r.node_id = %(node)s::uuid END
ORDER BY r.rejected_at DESC, 1, l.number
"""

_BACKORDERS = """
SELECT o.id, o.number, s.code, b.quantity, b.promised_on, b.ordered_at
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id JOIN catalog_sku AS s ON s.id = b.sku_id
WHERE b.company_id = %(company)s::smallint ORDER BY b.ordered_at, o.id LIMIT %(limit)s::int
"""

PROMISED = """o.promise_at, o.country, o.postal_code, COALESCE((
    SELECT n.time_zone FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
    WHERE cn.channel_id = o.channel_id ORDER BY n.priority + cn.priority, n.code LIMIT 1), 'UTC')"""
"""What `network.destinations.promised_day` needs to know of an order: where its country is not known, the day counts
that it is at the preferred node of its channel."""

_WAITS = f"""
SELECT b.line_id, l.number::int, b.sku_id, s.code, COALESCE(NULLIF(l.description, ''), s.name, ''), b.quantity,
       b.promised_on,
       COALESCE((SELECT sum((one ->> 'quantity')::int) FROM jsonb_array_elements(b.pegs) AS one), 0)::int,
       (SELECT y.ships_on FROM stock_preorder AS y WHERE y.sku_id = b.sku_id), {PROMISED}
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id JOIN orders_line AS l ON l.id = b.line_id
JOIN catalog_sku AS s ON s.id = b.sku_id
WHERE b.order_id = %(order)s::uuid ORDER BY l.number
"""

# invariant 1: what waits is what order lines call backordered
_WRONG_BACKORDERS = """
SELECT format('order line %s: %s units wait for stock, the line says %s', COALESCE(b.line_id, l.id),
              COALESCE(b.quantity, 0), COALESCE(l.backordered, 0))
FROM sourcing_backorder AS b FULL JOIN (SELECT id, backordered FROM orders_line WHERE backordered > 0) AS l
  ON l.id = b.line_id
WHERE COALESCE(b.quantity, 0) <> COALESCE(l.backordered, 0)
"""

# invariant 2: what is promised is what order lines call allocated, released, picked or packed
_WRONG_ALLOCATIONS = """
SELECT format('order line %s: %s units promised, the line says %s', COALESCE(a.line_id, l.id), COALESCE(a.units, 0),
              COALESCE(l.units, 0))
FROM (SELECT line_id, sum(quantity) AS units FROM stock_allocation GROUP BY 1) AS a
FULL JOIN (SELECT id, allocated + released + picked + packed AS units FROM orders_line
           WHERE sku_id IS NOT NULL AND allocated + released + picked + packed > 0) AS l ON l.id = a.line_id
WHERE COALESCE(a.units, 0) <> COALESCE(l.units, 0)
"""

# invariant 4: no supply is meant for more units than it brings, once its SKU has been pegged
_WRONG_PEGS = """
SELECT format('supply line %s: %s units are meant for backorders, it brings %s', p.supply, p.units,
              COALESCE(s.quantity, 0))
FROM (SELECT (one ->> 'supply')::uuid AS supply, b.sku_id, sum((one ->> 'quantity')::int) AS units
      FROM sourcing_backorder AS b CROSS JOIN jsonb_array_elements(b.pegs) AS one GROUP BY 1, 2) AS p
LEFT JOIN stock_supply AS s ON s.line_id = p.supply
WHERE p.units > COALESCE(s.quantity, 0)
  AND NOT EXISTS (SELECT FROM kernel_ready AS r WHERE r.queue = 'peg' AND r.subject = p.sku_id)
"""

_PROPOSAL = """
SELECT p.id, p.number, p.sku_id, s.code, s.name, a.code, b.code, p.quantity, p.cost_minor, p.value_minor, p.terms,
       p.state, p.proposed_at, p.decided_by, p.decided_at, p.reason, p.sent, p.transfer_id
FROM sourcing_transferproposal AS p JOIN catalog_sku AS s ON s.id = p.sku_id
JOIN network_node AS a ON a.id = p.from_node_id JOIN network_node AS b ON b.id = p.to_node_id
WHERE p.company_id = %(company)s::smallint
"""

_PROPOSALS = (
    _PROPOSAL
    + """AND p.state = %(state)s::text
  AND (%(after)s::uuid IS NULL OR p.id > %(after)s::uuid)
ORDER BY p.id LIMIT %(limit)s::int
"""
)

_PROPOSALS_NUMBERED = _PROPOSAL + "AND p.number = ANY(%(numbers)s::text[]) ORDER BY p.id"

_PROPOSAL_TOTALS = """
SELECT state, count(*)::int, sum(quantity)::int, sum(cost_minor)::bigint, sum(value_minor)::bigint
FROM sourcing_transferproposal
WHERE company_id = %(company)s::smallint AND state IN ('proposed', 'accepted') GROUP BY state
"""

# invariant 5: what proposals say was sent is on the lines of their transfer
_WRONG_PROPOSALS = """
SELECT format('transfer %s: its proposals say %s units of SKU %s were sent, its lines %s', p.transfer_id, p.units,
              p.sku_id, COALESCE(l.units, 0))
FROM (SELECT transfer_id, sku_id, sum(sent) AS units FROM sourcing_transferproposal
      WHERE transfer_id IS NOT NULL GROUP BY 1, 2) AS p
LEFT JOIN (SELECT transfer_id, sku_id, sum(quantity) AS units FROM stock_transferline GROUP BY 1, 2) AS l
  USING (transfer_id, sku_id)
WHERE p.units <> COALESCE(l.units, 0)
"""
