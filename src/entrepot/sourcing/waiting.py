"""Who waits for units: asked whenever more of a SKU may be promised than before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


def waiting_for(skus: Collection[UUID], at: datetime) -> list[tuple[UUID, int, datetime]]:
    """Orders that wait for these SKUs, or for what they may be sent instead of, in order of fairness (priority,
    promised date, order time, id): with their priority and when they are due. One statement."""
    return [
        (order, priority, due) for order, priority, due in sql.run(_WAITING, {"skus": list(skus), "at": at})
    ]


def waiting_beside(orders: Collection[UUID], at: datetime) -> list[UUID]:
    """Orders that wait for a SKU of these orders of which units have become free, and were not asked about again yet:
    whoever comes now must not be served before them. 1 statement; 1 more where there is such a SKU."""
    freed = [sku for (sku,) in sql.run(_FREED, {"orders": list(orders)})]
    return [order for order, *_ in waiting_for(freed, at)] if freed else []


# Freed, but not published yet; or published, and not offered yet to those who wait; or offered to them just now.
_FREED = """
SELECT DISTINCT b.sku_id FROM orders_line AS l JOIN sourcing_backorder AS b ON b.sku_id = l.sku_id
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.open + l.backordered > 0
  AND (b.sku_id IN (SELECT sku_id FROM stock_unpublished WHERE freed)
       OR EXISTS (SELECT FROM kernel_ready AS r WHERE r.queue = 'serve' AND r.subject = b.sku_id)
       OR EXISTS (SELECT FROM kernel_ready AS r WHERE r.queue = 'allocate' AND r.subject = b.order_id))
"""

# Whether something else may be sent is decided when the order is allocated: here it is only offered.
_WAITING = """
WITH sets AS (
    SELECT DISTINCT ON (company_id, scope) company_id, body FROM kernel_policy
    WHERE kind = 'sourcing.substitutes' AND in_force_from <= %(at)s::timestamptz
    ORDER BY company_id, scope, in_force_from DESC, version DESC
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
