"""What units of order lines had cost when they left, in the order in which they come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns import rules


class Costs:
    """The costs that are still out, by order line: what comes back first bears what left first. Where a shipment was
    sent again, the line's units are those of the second one as well: a customer returns either on the order that he
    paid. 2 statements."""

    def __init__(self, orders: Collection[UUID], lines: Collection[UUID]) -> None:
        params = {"orders": list(orders), "lines": list(lines)}
        self._left: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
        for line, units, value in sql.run(_LEFT, params):
            self._left[line].append((units, value))
        self._back: dict[UUID, int] = {}
        self.categories: dict[UUID, str] = {}
        for line, units, category in sql.run(_BACK, params):
            self._back[line], self.categories[line] = units, category

    def take(self, line: UUID, units: int) -> int:
        """What the next units of a line had cost. What came back before is not borne twice."""
        before = self._back.get(line, 0)
        self._back[line] = before + units
        return rules.cost_of_units(self._left[line], before, units)


BUCKETS = """
    SELECT m.from_bucket AS bucket
    FROM shipping_shipment AS h
    JOIN stock_move AS m ON m.document_id = h.id AND m.line_id = l.line_id AND m.to_place = 'customer'
    WHERE h.order_id = l.order_id
    UNION
    SELECT m.from_bucket
    FROM shipping_shipment AS h
    JOIN shipping_reshipment AS r ON r.shipment_id = h.id
    JOIN shipping_shipment AS a ON a.order_id = r.order_id
    JOIN stock_move AS m ON m.document_id = a.id AND m.sku_id = l.sku_id AND m.to_place = 'customer'
    WHERE h.order_id = l.order_id
"""
"""What the units of a return's line (`l`) were, by lot and serial number, when they left with its order, or with the
one by which they were sent again: a customer returns either on the order that he paid."""

# In the order in which they left, so that the units that come back first are those that left first. The second order
# has one line of a SKU, of which each line of the first has its part; a move in parts is split as
# `rules.cost_of_units` does.
_LEFT = """
SELECT line, quantity, value_minor FROM (
    SELECT m.line_id AS line, m.quantity, m.value_minor, m.id
    FROM shipping_shipment AS h JOIN stock_move AS m ON m.document_id = h.id
    WHERE h.order_id = ANY(%(orders)s::uuid[]) AND m.line_id = ANY(%(lines)s::uuid[]) AND m.to_place = 'customer'
    UNION ALL
    SELECT l.line_id, (t.until - t.since)::int,
           (round(m.value_minor * t.until / m.quantity) - round(m.value_minor * t.since / m.quantity))::bigint, m.id
    FROM (
        SELECT r.order_id AS again, l.sku_id, l.line_id, l.quantity,
               sum(l.quantity) OVER (PARTITION BY h.id, l.sku_id ORDER BY l.line_id) - l.quantity AS before
        FROM shipping_shipment AS h
        JOIN shipping_reshipment AS r ON r.shipment_id = h.id
        JOIN shipping_shipmentline AS l ON l.shipment_id = h.id
        WHERE h.order_id = ANY(%(orders)s::uuid[])) AS l
    JOIN (
        SELECT r.order_id AS again, m.sku_id, m.id, m.quantity, m.value_minor,
               sum(m.quantity) OVER (PARTITION BY r.order_id, m.sku_id ORDER BY m.id) - m.quantity AS before
        FROM shipping_shipment AS h
        JOIN shipping_reshipment AS r ON r.shipment_id = h.id
        JOIN shipping_shipment AS a ON a.order_id = r.order_id
        JOIN stock_move AS m ON m.document_id = a.id AND m.to_place = 'customer'
        WHERE h.order_id = ANY(%(orders)s::uuid[])) AS m USING (again, sku_id)
    CROSS JOIN LATERAL (
        SELECT greatest(l.before - m.before, 0)::numeric AS since,
               least(l.before + l.quantity - m.before, m.quantity)::numeric AS until) AS t
    WHERE l.line_id = ANY(%(lines)s::uuid[]) AND t.since < t.until) AS gone
ORDER BY id
"""

_BACK = """
SELECT l.id, (COALESCE(s.received, 0)
              + COALESCE((SELECT sum(quantity) FROM returns_comeback WHERE line_id = l.id), 0))::int, k.category
FROM orders_line AS l JOIN catalog_sku AS k ON k.id = l.sku_id LEFT JOIN returns_sold AS s ON s.line_id = l.id
WHERE l.id = ANY(%(lines)s::uuid[])
"""
