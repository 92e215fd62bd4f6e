"""What units of order lines had cost when they left, in the order in which they come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns import rules
from entrepot.warehouse.commands.serials import came_back, went_out


class Costs:
    """The costs that are still out: what comes back first bears what left first, line by line.

    Where a shipment was sent again, and perhaps that one again, a customer returns any of them on the order that he
    paid: the units of a SKU are one row then, of the order and of all that sent its goods again, and none of them comes
    back at the cost of another. 2 statements.
    """

    def __init__(self, orders: Collection[UUID], lines: Collection[UUID]) -> None:
        params = {"orders": list(orders), "lines": list(lines)}
        self._left: dict[tuple[UUID, UUID], list[tuple[int, int]]] = defaultdict(list)
        for order, row, units, value, _ in sql.run(_LEFT, params):
            self._left[order, row].append((units, value))
        self._rows: dict[UUID, tuple[UUID, UUID]] = {}
        self._back: dict[tuple[UUID, UUID], int] = defaultdict(int)
        self.categories: dict[UUID, str] = {}
        for line, order, row, units, category in sql.run(_BACK, params):
            self._rows[line], self.categories[line] = (order, row), category
            self._back[order, row] += units

    def take(self, line: UUID, units: int) -> int:
        """What the next units of a line had cost. What came back before is not borne twice."""
        row = self._rows[line]
        before = self._back[row]
        self._back[row] = before + units
        return rules.cost_of_units(self._left[row], before, units)


def serials_back(units: Iterable[tuple[UUID, UUID, str]]) -> None:
    """Units (the order that is returned, SKU, serial number) are back, if they left with that order or with those by
    which it was sent again. 2 statements; none where no serial number is said."""
    came_back(_sent_by(units))


def serials_gone(units: Iterable[tuple[UUID, UUID, str]]) -> None:
    """As `serials_back`: they are sent back to their customer, and out. 2 statements; none where none is said."""
    went_out(_sent_by(units))


def _sent_by(units: Iterable[tuple[UUID, UUID, str]]) -> list[tuple[UUID, UUID, str]]:
    """Units by every order that may have sent them. 1 statement; none where no serial number is said."""
    said = {unit for unit in units if unit[2]}
    if not said:
        return []
    sent: dict[UUID, list[UUID]] = defaultdict(list)
    for first, order in sql.run(_SENT_AGAIN, {"orders": list({order for order, _, _ in said})}):
        sent[first].append(order)
    return [(by, sku, serial) for order, sku, serial in said for by in sent[order]]


def lock_sent(orders: Collection[UUID]) -> None:
    """Lock orders in id order, and those whose goods they sent again: what comes back of either bears the same costs. 1
    statement."""
    sql.run(_LOCK, {"orders": list(set(orders))})


def above(orders: str) -> str:
    """The statement of orders (`id`) and of those whose goods they sent again: the first of each chain is among them.
    `orders` selects the ids; the caller names the recursion `above`."""
    return f"""
    SELECT o AS id FROM ({orders}) AS asked(o)
    UNION
    SELECT h.order_id FROM above AS a
    JOIN shipping_reshipment AS r ON r.order_id = a.id JOIN shipping_shipment AS h ON h.id = r.shipment_id
"""


_ABOVE = above("SELECT unnest(%(orders)s::uuid[])")

_LOCK = f"""
WITH RECURSIVE above AS ({_ABOVE})
SELECT FROM orders_order WHERE id = ANY(ARRAY(SELECT id FROM above)) ORDER BY id FOR UPDATE
"""

_SENT_AGAIN = """
WITH RECURSIVE again AS (
    SELECT o AS first, o AS id FROM unnest(%(orders)s::uuid[]) AS k(o)
    UNION
    SELECT a.first, r.order_id FROM again AS a
    JOIN shipping_shipment AS h ON h.order_id = a.id JOIN shipping_reshipment AS r ON r.shipment_id = h.id)
SELECT first, id FROM again
"""

BUCKETS = """
    SELECT m.from_bucket AS bucket, m.id, m.document_id, m.quantity
    FROM shipping_shipment AS h
    JOIN stock_move AS m ON m.document_id = h.id AND m.line_id = l.line_id AND m.to_place = 'customer'
    WHERE h.order_id = l.order_id
    UNION
    SELECT m.from_bucket, m.id, m.document_id, m.quantity
    FROM (
        WITH RECURSIVE again AS (
            SELECT l.order_id AS id
            UNION ALL
            SELECT r.order_id FROM again AS a
            JOIN shipping_shipment AS h ON h.order_id = a.id JOIN shipping_reshipment AS r ON r.shipment_id = h.id)
        SELECT id FROM again WHERE id <> l.order_id) AS g
    JOIN shipping_shipment AS a ON a.order_id = g.id
    JOIN stock_move AS m ON m.document_id = a.id AND m.sku_id = l.sku_id AND m.to_place = 'customer'
"""
"""What the units of a return's line (`l`) were, by lot and serial number, when they left with its order, or with those
by which they were sent again: a customer returns any of them on the order that he paid."""

# A unit that came back and was sent again has one number in two shipments.
UNKNOWN = """
(sum(m.quantity) - count(DISTINCT (m.document_id, b.serial)) FILTER (WHERE b.serial <> ''))::int
"""
"""How many of `BUCKETS` (`m`, with its bucket `b`) had no serial number of their own."""

# An order by itself has a row for each line, a chain of them (`chained`) one for each SKU.
_CHAIN = f"""
WITH RECURSIVE above AS ({_ABOVE}),
below AS (
    SELECT DISTINCT a.id AS first, a.id FROM above AS a
    WHERE NOT EXISTS (SELECT FROM shipping_reshipment WHERE order_id = a.id)
    UNION ALL
    SELECT b.first, r.order_id FROM below AS b
    JOIN shipping_shipment AS h ON h.order_id = b.id JOIN shipping_reshipment AS r ON r.shipment_id = h.id),
chain AS (SELECT first, id, count(*) OVER (PARTITION BY first) > 1 AS chained FROM below)
"""

# In the order in which they left, so that the units that come back first are those that left first. What was not taken
# back and sent back left once more, at what it was worth then.
_LEFT = f"""{_CHAIN}
SELECT c.first, CASE WHEN c.chained THEN m.sku_id ELSE m.line_id END, m.quantity, m.value_minor, m.id
FROM chain AS c
JOIN shipping_shipment AS h ON h.order_id = c.id
JOIN stock_move AS m ON m.document_id = h.id AND m.to_place = 'customer'
WHERE c.chained OR m.line_id = ANY(%(lines)s::uuid[])
UNION ALL
SELECT c.first, CASE WHEN c.chained THEN m.sku_id ELSE m.line_id END, m.quantity, m.value_minor, m.id
FROM chain AS c
JOIN returns_return AS r ON r.order_id = c.id
JOIN stock_move AS m ON m.document_id = r.id AND m.to_place = 'customer'
WHERE c.chained OR m.line_id = ANY(%(lines)s::uuid[])
ORDER BY id
"""

_BACK = f"""{_CHAIN}
SELECT l.id, c.first, CASE WHEN c.chained THEN l.sku_id ELSE l.id END,
       (COALESCE(s.received, 0)
        + COALESCE((SELECT sum(quantity) FROM returns_comeback WHERE line_id = l.id), 0)
        + COALESCE((SELECT sum(m.quantity) FROM returns_return AS r
                    JOIN stock_move AS m ON m.document_id = r.id AND m.line_id = l.id AND m.to_place = 'customer'
                    WHERE r.order_id = c.id), 0))::int, k.category
FROM chain AS c
JOIN orders_line AS l ON l.order_id = c.id
JOIN catalog_sku AS k ON k.id = l.sku_id
LEFT JOIN returns_sold AS s ON s.line_id = l.id
WHERE c.chained OR l.id = ANY(%(lines)s::uuid[])
"""
