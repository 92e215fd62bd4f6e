"""What is kept for orders beyond what they still want: lines were cancelled, edited away or served by others."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.stock.commands.keep import Wanted, end_beyond


def end_surplus(
    cause: Cause, *, companies: Sequence[int] | None = None, orders: Sequence[UUID] | None = None
) -> set[UUID]:
    """Free it, of companies or of the orders named, inside a command; its SKUs.

    Locks: as `end_beyond`. 1 statement; 3 or 4 more and the event's where there is some.
    """
    which = _OF_COMPANIES if orders is None else _OF_ORDERS
    rows = sql.run(_SURPLUS.format(which=which), {"companies": companies, "orders": orders})
    end_beyond(cause, [Wanted(*row) for row in rows])
    return {sku for _, sku, _ in rows}


_OF_COMPANIES = "company_id = ANY(%(companies)s::smallint[])"
_OF_ORDERS = "order_id = ANY(%(orders)s::uuid[])"

# Of a kit, components are kept and waited for.
_SURPLUS = """
SELECT k.order_id, k.sku_id, w.units
FROM (SELECT order_id, sku_id, sum(quantity) AS units FROM stock_reservation
      WHERE order_id IS NOT NULL AND {which} GROUP BY 1, 2) AS k
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(l.open + l.backordered), 0)::int AS units FROM orders_line AS l
    WHERE l.order_id = k.order_id AND l.sku_id = k.sku_id) AS w
WHERE k.units > w.units ORDER BY 1, 2
"""
