"""Orders that are to be sourced, their lines that wait, and who of them is served first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.orders.queries import FILL
from entrepot.orders.window import Fill
from entrepot.sourcing.facts import Line, Order
from entrepot.stock.rules import urgency as urgency_of


def load_orders(orders: Collection[UUID]) -> dict[UUID, Order]:
    """Orders by id, but for cancelled ones, each with its own priority. 1 statement."""
    rows = sql.run(_ORDERS, {"orders": list(orders)})
    found = {}
    for *row, last, fill in rows:
        order = Order(*row)
        found[order.id] = order._replace(cancel_after=last, fill=Fill(*fill) if fill else None)
    return found


def load_lines(orders: Collection[UUID], today: date) -> dict[UUID, list[Line]]:
    """The lines of each that wait. 1 statement."""
    lines: dict[UUID, list[Line]] = {order: [] for order in orders}
    for order, *line in sql.run(_LINES, {"orders": list(orders), "today": today}):
        lines[order].append(Line(*line))
    return lines


def urgency(order: Order) -> tuple[Any, ...]:
    """The key by which orders are served: priority, promised date, order time, id."""
    return urgency_of(order.priority, order.promise_at, order.placed_at, order.id)


_ORDERS = f"""
SELECT o.id, o.company_id::int, channel_id, country, postal_code, policy, priority::int, promise_at, placed_at,
       reservation, service, total_minor,
       EXISTS (SELECT FROM orders_hold AS h
               WHERE h.order_id = o.id AND h.state = 'open' AND 'allocate' = ANY(h.blocks)),
       EXISTS (SELECT FROM sourcing_rejection AS r WHERE r.order_id = o.id AND r.cleared_at IS NULL), priority::int,
       currency::text, COALESCE(c.tier, ''), COALESCE(NULLIF(o.substitutes, ''), c.substitutes, ''), o.cancel_after,
       {FILL}
FROM orders_order AS o LEFT JOIN parties_customer AS c ON c.id = o.customer_id
WHERE o.id = ANY(%(orders)s::uuid[]) AND commercial <> 'cancelled'
"""

_LINES = """
SELECT l.order_id, l.id, l.number::int, l.sku_id, l.open, l.backordered, l.instead_of IS NOT NULL,
       ((l.gross_minor - l.discount_minor) * (l.open + l.backordered) / l.quantity)::bigint,
       EXISTS (SELECT FROM stock_preorder AS y
               WHERE y.sku_id = l.sku_id AND y.ships_on > %(today)s::date AND y.units_max > 0),
       l.kit_number, greatest(l.kit_units, 1)
FROM orders_line AS l
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.sku_id IS NOT NULL AND l.open + l.backordered > 0
ORDER BY l.order_id, l.number
"""

# Promised for the first expected supply of the SKU, or by the profile's lead time where nothing is on its way.
