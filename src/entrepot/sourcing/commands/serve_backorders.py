"""Stock has arrived: backorders of those SKUs are sourced again, the most urgent first."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import offer


def serve_backorders(cause: Cause, skus: Collection[UUID]) -> list[UUID]:
    """Make the orders that wait for these SKUs ready for allocation, and return them in order of urgency.

    Called inside the command that received the stock. One statement.
    """
    rows = sql.run(_WAITING, {"skus": list(skus)})
    offer("allocate", [(order, priority, ordered_at) for order, priority, ordered_at in rows])
    return [row[0] for row in rows]


_WAITING = """
SELECT order_id, max(priority)::int AS priority, min(ordered_at) AS ordered_at FROM sourcing_backorder
WHERE sku_id = ANY(%(skus)s::uuid[]) GROUP BY order_id ORDER BY 2 DESC, 3, 1
"""
