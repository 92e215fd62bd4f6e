"""What is asked of sourcing: why an order was sourced so, what waits for stock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.sourcing import rules


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
    explanation: rules.Explanation


def explained(*, order: UUID) -> list[DecisionExplained]:
    """Sourcing decisions on an order, the newest first, explained from what they recorded. 1 statement."""
    found = []
    for *row, excluded in sql.run(_EXPLAINED, {"order": order}):
        one = DecisionRow(*row)
        candidates = [(code, units) for code, units in one.reasons.get("candidates", ())]
        # One node that serves all of it serves as much as any could: then the units are not recorded again.
        most = max((units for _, units in candidates), default=0)
        wanted = one.reasons.get("units", most)
        found.append(
            DecisionExplained(
                one, rules.explain(wanted, candidates, one.reasons.get("chosen", ()), excluded or ())
            )
        )
    return found


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


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"sourcing_backorder": sql.run("SELECT count(*) FROM sourcing_backorder")[0][0]}


def discrepancies() -> list[str]:
    """Sentences about backorders and allocations that disagree with their order lines."""
    return [
        sentence
        for statement in (_WRONG_BACKORDERS, _WRONG_ALLOCATIONS, _WRONG_PEGS)
        for (sentence,) in sql.run(statement)
    ]


_DECISIONS = """
SELECT id, outcome, profile_version, reasons, decided_at FROM sourcing_decision WHERE order_id = %(order)s::uuid
ORDER BY id DESC
"""

# With the nodes of the order's channel that the profile of the decision ruled out.
_EXPLAINED = """
SELECT d.id, d.outcome, d.profile_version, d.reasons, d.decided_at,
       (SELECT array_agg(n.code ORDER BY n.code)
        FROM kernel_policy AS p JOIN orders_order AS o ON o.id = d.order_id
        JOIN network_channelnode AS cn ON cn.channel_id = o.channel_id
        JOIN network_node AS n ON n.id = cn.node_id AND p.body -> 'excluded_nodes' ? n.code
        WHERE p.company_id = d.company_id AND p.kind = 'sourcing.profile' AND p.scope = ''
          AND p.version = d.profile_version)
FROM sourcing_decision AS d WHERE d.order_id = %(order)s::uuid ORDER BY d.id DESC
"""

_BACKORDERS = """
SELECT o.id, o.number, s.code, b.quantity, b.promised_on, b.ordered_at
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id JOIN catalog_sku AS s ON s.id = b.sku_id
WHERE b.company_id = %(company)s::smallint ORDER BY b.ordered_at, o.id LIMIT %(limit)s::int
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
