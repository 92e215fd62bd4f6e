"""What of the stock of a past moment was promised then, as far as what is kept tells it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.stock import past


@dataclass(frozen=True, slots=True)
class PromisedThen:
    """Units of a SKU at a node for whom something was kept at a moment.

    `still`: promised by then, and promised still. `sent`: of orders placed by then, and sent from this node since;
    `lost`: of such orders, and lost to them since. Some of both may have been promised only after the moment.
    `reserved`: of carts, and of orders that wait, that hold them still.
    What was promised then and freed since can't be told: a cancelled line, another choice of node, a cart that ended.
    """

    still: int = 0
    sent: int = 0
    lost: int = 0
    reserved: int = 0


def promised_then(
    *, company: int, skus: Collection[UUID], at: datetime
) -> dict[tuple[UUID, UUID], PromisedThen]:
    """By (SKU, node); keys without any are absent. 2 statements; none for no SKUs."""
    found: dict[tuple[UUID, UUID], PromisedThen] = defaultdict(PromisedThen)
    if not skus:
        return found
    for one in past.still_promised(company=company, skus=skus, at=at):
        found[one.sku, one.node] = PromisedThen(one.promised, 0, 0, one.reserved)
    params = {"company": company, "skus": list(skus), "at": at}
    for sku, node, sent, lost in sql.run(_GONE, params):
        found[sku, node] = replace(found[sku, node], sent=sent, lost=lost)
    return found


# Of each SKU, back from the last move, as far as `past.MOVED_SINCE` goes.
_GONE = """
SELECT g.sku_id, g.node_id, sum(g.sent)::int, sum(g.lost)::int
FROM (
    SELECT w.sku_id, m.node_id, m.line_id, m.units AS sent, 0 AS lost
    FROM unnest(%(skus)s::uuid[]) AS w(sku_id) CROSS JOIN LATERAL (
        SELECT b.node_id, m.line_id, m.quantity AS units
        FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.from_bucket
        WHERE m.sku_id = w.sku_id AND m.to_place = 'customer' AND m.document_kind <> 'return'
          AND m.occurred_at > %(at)s::timestamptz
          AND m.id > COALESCE((SELECT e.id FROM stock_move AS e
                               WHERE e.sku_id = w.sku_id
                                 AND e.recorded_at <= %(at)s::timestamptz - interval '1 day'
                               ORDER BY e.id DESC LIMIT 1), 0)) AS m
    UNION ALL
    SELECT d.sku_id, d.node_id, d.line_id, 0, d.quantity FROM stock_displacement AS d
    WHERE d.company_id = %(company)s::smallint AND d.occurred_at > %(at)s::timestamptz
      AND d.sku_id = ANY(%(skus)s::uuid[])
) AS g
JOIN orders_line AS l ON l.id = g.line_id JOIN orders_order AS o ON o.id = l.order_id
WHERE o.company_id = %(company)s::smallint AND o.placed_at <= %(at)s::timestamptz
GROUP BY 1, 2
"""
