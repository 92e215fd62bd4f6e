"""Stock has arrived: backorders of those SKUs are sourced again, the most urgent first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import offer


def serve_backorders(cause: Cause, skus: Collection[UUID]) -> list[UUID]:
    """Make the orders that wait for these SKUs, or for what they may be sent instead of, ready for allocation, and
    return them in order of fairness: priority, promised date, order time, id.

    Called inside the command that received the stock. One statement.
    """
    rows = waiting_for(skus, cause.at)
    offer("allocate", rows)
    return [row[0] for row in rows]


def waiting_for(skus: Collection[UUID], at: datetime) -> list[tuple[UUID, int, datetime]]:
    """Orders that wait for these SKUs, or for what they may be sent instead of, in order of fairness: with their
    priority and when they are due. One statement."""
    return [
        (order, priority, due) for order, priority, due in sql.run(_WAITING, {"skus": list(skus), "at": at})
    ]


# Whether something else may be sent is decided when the order is allocated: here it is only offered.
_WAITING = """
WITH sets AS (
    SELECT DISTINCT ON (company_id, scope) company_id, body FROM kernel_policy
    WHERE kind = 'sourcing.substitutes' AND in_force_from <= %(at)s::timestamptz
    ORDER BY company_id, scope, version DESC
),
served AS (
    SELECT ordered.id
    FROM catalog_sku AS came JOIN sets ON sets.company_id = came.company_id
    CROSS JOIN LATERAL jsonb_array_elements(sets.body -> 'sets') AS one
    JOIN catalog_sku AS ordered
      ON ordered.company_id = came.company_id
     AND ordered.code IN (SELECT jsonb_array_elements_text(one -> 'ordered'))
    WHERE came.id = ANY(%(skus)s::uuid[]) AND one -> 'by' @> to_jsonb(came.code)
    UNION SELECT unnest(%(skus)s::uuid[])
)
SELECT o.id, b.priority::int, COALESCE(o.promise_at, o.placed_at)
FROM (SELECT order_id, max(priority) AS priority FROM sourcing_backorder
      WHERE sku_id IN (SELECT id FROM served) GROUP BY order_id) AS b
JOIN orders_order AS o ON o.id = b.order_id
ORDER BY b.priority DESC, o.promise_at, o.placed_at, o.id
"""
