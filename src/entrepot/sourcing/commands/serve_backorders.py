"""Stock has arrived: backorders of those SKUs are sourced again, the most urgent first."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import offer


def serve_backorders(cause: Cause, skus: Collection[UUID]) -> list[UUID]:
    """Make the orders that wait for these SKUs ready for allocation, and return them in order of fairness:
    priority, promised date, order time, id.

    Called inside the command that received the stock. One statement.
    """
    rows = sql.run(_WAITING, {"skus": list(skus)})
    offer("allocate", [(order, priority, due_at) for order, priority, due_at in rows])
    return [row[0] for row in rows]


_WAITING = """
SELECT o.id, b.priority::int, COALESCE(o.promise_at, o.placed_at)
FROM (SELECT order_id, max(priority) AS priority FROM sourcing_backorder
      WHERE sku_id = ANY(%(skus)s::uuid[]) GROUP BY order_id) AS b
JOIN orders_order AS o ON o.id = b.order_id
ORDER BY b.priority DESC, o.promise_at, o.placed_at, o.id
"""
