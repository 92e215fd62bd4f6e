"""What was sent again: what came back of it, and who was given twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns import comebacks
from entrepot.returns.comebacks import Given, Left, Returned
from entrepot.returns.states import FINAL
from entrepot.shipping.queries import BEARS


@dataclass(frozen=True, slots=True)
class SentAgain:
    """A shipment that was sent again with another order at no charge, what came of both, and what was paid back of its
    lines without having come (`paid_back_minor`). `in_part`: the second order has only some of its units, `sent`."""

    shipment: UUID
    number: str
    company: int
    tracking: str
    carrier: str
    node: UUID | None
    order: UUID
    order_number: str
    priority: int
    currency: str
    customer: str
    again: UUID
    again_number: str
    again_state: str
    reason: str
    placed_at: datetime
    arrived: bool
    sent: int
    back: int
    again_out: int
    paid_back: int
    paid_back_minor: int
    came_at: datetime | None
    in_part: bool

    @property
    def given(self) -> Given:
        return Given(self.arrived, self.sent, self.back, self.again_out, self.paid_back)

    @property
    def twice(self) -> str:
        return comebacks.twice(self.given)

    @property
    def waits(self) -> bool:
        """Whether the second parcel is still to leave."""
        return not self.again_out and self.again_state not in ("cancelled", "closed")


def sent_again(numbers: Iterable[tuple[int, str]]) -> dict[tuple[int, str], SentAgain]:
    """Shipments that were sent again, by company and the number on them: a tracking number of the shipment or of one of
    its packages, or the shipment's own. 1 statement."""
    rows = sorted({(company, number) for company, number in numbers if number})
    columns = sql.columns(("companies", "numbers"), rows)
    found = sql.run(_BY_NUMBER, columns)
    return {(row[3], row[0]): SentAgain(*row[1:]) for row in found}


def page(
    company: int, *, twice: bool = False, after: UUID | None = None, limit: int = 100
) -> list[SentAgain]:
    """What was sent again, the latest first; with `twice` only where somebody was given twice. 1 statement."""
    params = {"company": company, "after": after, "limit": limit, "twice": twice}
    return [SentAgain(*row) for row in sql.run(_PAGE, params)]


def out(shipments: Collection[UUID]) -> dict[UUID, list[Left]]:
    """Units of shipments that are not back, by the lot and serial number that they left with. 2 statements."""
    found: dict[UUID, list[Left]] = {one: [] for one in shipments}
    for shipment, *unit in sql.run(_OUT, {"ids": list(shipments)}):
        found[shipment].append(Left(*unit))
    returned: dict[UUID, list[Returned]] = {}
    for shipment, *units in sql.run(_BY_RETURN, {"ids": list(shipments)}):
        returned.setdefault(shipment, []).append(Returned(*units))
    for shipment, units in returned.items():
        found[shipment] = comebacks.still_out(found[shipment], units)
    return found


def second(shipments: Collection[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Units of shipments that were sent again and are not back, by shipment and SKU. 1 statement."""
    return {(shipment, sku): units for shipment, sku, units in sql.run(_SECOND, {"ids": list(shipments)})}


def expected(shipments: Collection[UUID]) -> dict[UUID, str]:
    """The return that still waits for what a shipment sent, by its number. 1 statement."""
    return dict(sql.run(_EXPECTED, {"ids": list(shipments)}))


IN_PART = """
EXISTS (SELECT FROM shipping_shipmentline AS i WHERE i.shipment_id = r.shipment_id GROUP BY i.sku_id
        HAVING sum(i.quantity) > COALESCE((SELECT sum(quantity) FROM orders_line
                                           WHERE order_id = r.order_id AND sku_id = i.sku_id), 0))
"""
"""Whether a reshipment `r` sent only some of the units of its shipment."""

# Of the units paid back such as came with a return are no gift; nor is what was paid back beyond the shipment's units.
_COLUMNS = f"""
       h.id, h.number, h.company_id::int, h.tracking, h.carrier, h.node_id, o.id, o.number, o.priority::int,
       o.currency::text, COALESCE(k.code, ''), x.id, x.number, x.status, r.reason, r.placed_at, h.state = 'delivered',
       l.sent, l.back, COALESCE((SELECT sum(shipped + delivered) FROM orders_line WHERE order_id = x.id), 0)::int,
       l.paid, l.paid_minor, l.came_at, {IN_PART}
"""

_FROM = """
JOIN shipping_shipment AS h ON h.id = r.shipment_id
JOIN orders_order AS o ON o.id = h.order_id
JOIN orders_order AS x ON x.id = r.order_id
LEFT JOIN parties_customer AS k ON k.id = o.customer_id
CROSS JOIN LATERAL (
    SELECT least(sum(i.quantity), (SELECT sum(quantity) FROM orders_line
                                   WHERE order_id = x.id AND sku_id IS NOT NULL))::int AS sent,
           COALESCE(sum(b.units), 0)::int AS back, max(b.at) AS came_at,
           COALESCE(sum(least(i.quantity, greatest(0, s.refunded - s.received))), 0)::int AS paid,
           COALESCE(sum(CASE WHEN s.refunded > 0 THEN least(i.quantity, greatest(0, s.refunded - s.received))
                             * (s.goods_minor + s.tax_minor) / s.refunded END), 0)::bigint AS paid_minor
    FROM shipping_shipmentline AS i
    LEFT JOIN returns_sold AS s ON s.line_id = i.line_id
    LEFT JOIN LATERAL (SELECT sum(quantity) AS units, max(received_at) AS at FROM returns_comeback
                       WHERE shipment_id = h.id AND line_id = i.line_id) AS b ON TRUE
    WHERE i.shipment_id = h.id) AS l
"""

_BY_NUMBER = f"""
SELECT DISTINCT ON (d.company, d.number) d.number, {_COLUMNS}
FROM unnest(%(companies)s::smallint[], %(numbers)s::text[]) AS d(company, number)
JOIN LATERAL (
    {BEARS}
    UNION SELECT id FROM shipping_shipment WHERE company_id = d.company AND number = d.number
) AS f ON TRUE
JOIN shipping_reshipment AS r ON r.shipment_id = f.id
{_FROM}
ORDER BY d.company, d.number, h.id DESC
"""

_PAGE = f"""
SELECT {_COLUMNS}
FROM shipping_reshipment AS r
{_FROM}
WHERE r.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR x.id < %(after)s::uuid)
  AND (NOT %(twice)s OR EXISTS (SELECT FROM orders_line WHERE order_id = x.id AND shipped + delivered > 0)
       AND (h.state = 'delivered' AND l.back < l.sent OR l.paid > 0))
ORDER BY x.id DESC LIMIT %(limit)s::int
"""

# What left is told by its moves; what came back of a lot or serial number is taken from the same.
_OUT = """
SELECT g.shipment, g.line, g.sku, k.code, g.lot, g.serial, (g.units - COALESCE(b.units, 0))::int
FROM (
    SELECT m.document_id AS shipment, m.line_id AS line, m.sku_id AS sku, f.lot, f.serial, sum(m.quantity) AS units
    FROM stock_move AS m JOIN stock_bucket AS f ON f.id = m.from_bucket
    WHERE m.document_id = ANY(%(ids)s::uuid[]) AND m.to_place = 'customer' GROUP BY 1, 2, 3, 4, 5) AS g
JOIN catalog_sku AS k ON k.id = g.sku
LEFT JOIN (
    SELECT shipment_id, line_id, lot, serial, sum(quantity) AS units FROM returns_comeback
    WHERE shipment_id = ANY(%(ids)s::uuid[]) GROUP BY 1, 2, 3, 4) AS b
  ON (b.shipment_id, b.line_id, b.lot, b.serial) = (g.shipment, g.line, g.lot, g.serial)
WHERE g.units > COALESCE(b.units, 0)
ORDER BY g.shipment, k.code, g.lot, g.serial, g.line
"""

_SECOND = """
SELECT r.shipment_id, n.sku_id, (n.units - COALESCE(b.units, 0))::int
FROM shipping_reshipment AS r
CROSS JOIN LATERAL (SELECT sku_id, sum(quantity) AS units FROM orders_line
                    WHERE order_id = r.order_id AND sku_id IS NOT NULL GROUP BY 1) AS n
LEFT JOIN LATERAL (SELECT sum(quantity) AS units FROM returns_comeback
                   WHERE shipment_id = r.shipment_id AND sku_id = n.sku_id) AS b ON TRUE
WHERE r.shipment_id = ANY(%(ids)s::uuid[])
"""

# The return that its carrier brought it back with, by the name that `returns.expect_sent_back` gives it.
_SENT_BACK = """
JOIN returns_return AS b ON b.order_id = h.order_id AND b.external_id = h.number || ' sent back'
JOIN returns_line AS n ON n.return_id = b.id
"""

_BY_RETURN = f"""
SELECT h.id, n.line_id, t.lot, t.serial, sum(t.quantity)::int
FROM shipping_shipment AS h {_SENT_BACK}
JOIN returns_receipt AS t ON t.return_line_id = n.id
WHERE h.id = ANY(%(ids)s::uuid[]) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""

_DONE = ", ".join(f"'{state}'" for state in sorted(FINAL))

_EXPECTED = f"""
SELECT DISTINCT h.id, b.number
FROM shipping_shipment AS h {_SENT_BACK}
WHERE h.id = ANY(%(ids)s::uuid[]) AND b.state NOT IN ({_DONE}) AND n.quantity > n.received + n.cancelled + n.missing
"""

# invariant 30: what came back of a shipment was sent again, is not more than left together with what came or is to come
# with its return, and is what its moves brought
CHECK = f"""
SELECT format('shipment %s: %s units came back at %s, and %s with a return, of %s that left, %s; stock says %s at %s',
              h.number, c.units, c.cost, e.units, l.units,
              CASE WHEN r.shipment_id IS NULL THEN 'not sent again' ELSE 'sent again' END,
              COALESCE(m.units, 0), COALESCE(m.cost, 0))
FROM (SELECT shipment_id, sum(quantity) AS units, sum(cost_minor) AS cost FROM returns_comeback GROUP BY 1) AS c
JOIN shipping_shipment AS h ON h.id = c.shipment_id
LEFT JOIN shipping_reshipment AS r ON r.shipment_id = h.id
CROSS JOIN LATERAL (SELECT sum(quantity) AS units FROM shipping_shipmentline WHERE shipment_id = h.id) AS l
LEFT JOIN LATERAL (SELECT sum(quantity) AS units, sum(value_minor) AS cost FROM stock_move
                   WHERE document_id = h.id AND from_place = 'customer') AS m ON TRUE
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(CASE WHEN b.state IN ({_DONE}) THEN n.received ELSE n.quantity - n.cancelled - n.missing END),
                    0)::int AS units
    FROM (SELECT h.order_id, h.number) AS h {_SENT_BACK}) AS e
WHERE r.shipment_id IS NULL OR c.units + e.units > l.units
   OR (c.units, c.cost) <> (COALESCE(m.units, 0), COALESCE(m.cost, 0))
"""
