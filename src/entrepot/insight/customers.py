"""A customer as the house knows them: orders by year, what came back, store credit, what is open, and lists. No
personal data: those are in the vault. All of it by the customer's own indexes, and of their latest orders alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql

ORDERS_MAX = 2_000
"""The latest orders of a customer that sums are of; a marketplace may be a customer with many more."""


@dataclass(frozen=True, slots=True)
class Known:
    """Who it is, by the code that the channel knows; and `listed`, how they stand on the house's own list: `blocked`,
    `trusted` or ''."""

    id: UUID
    code: str
    tier: str
    since: datetime | None
    substitutes: str
    listing: UUID | None
    listed: str
    listed_because: str
    listed_by: str
    listed_at: datetime | None


@dataclass(frozen=True, slots=True)
class YearRow:
    """Orders of a year (UTC) in a currency that were not cancelled: what they cost as they were placed, units of goods
    that left and came back, and what was given back for returns."""

    year: int
    currency: str
    orders: int
    total_minor: int
    units_shipped: int
    units_returned: int
    refunded_minor: int

    @property
    def share_returned(self) -> float:
        return self.units_returned / self.units_shipped if self.units_shipped else 0.0


@dataclass(frozen=True, slots=True)
class OrderRow:
    id: UUID
    number: str
    channel: str
    status: str
    held_by: str
    currency: str
    total_minor: int
    placed_at: datetime
    address_id: UUID | None


@dataclass(frozen=True, slots=True)
class ReturnRow:
    id: UUID
    number: str
    order: UUID
    order_number: str
    state: str
    asked: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class CreditRow:
    id: UUID
    currency: str
    balance_minor: int
    held_minor: int


@dataclass(frozen=True, slots=True)
class OpenRow:
    """An item of work about an order of theirs that is not done."""

    id: UUID
    kind: str
    type: str
    state: str
    role: str
    owner: str
    due_at: datetime
    order: UUID
    order_number: str


def known(company: int, which: UUID) -> Known | None:
    """One customer; None where the company has none of the id. 1 statement."""
    rows = sql.run(_KNOWN, {"company": company, "id": which})
    return Known(*rows[0]) if rows else None


def years(company: int, which: UUID) -> list[YearRow]:
    """Their latest orders by year and currency, the latest year first. 1 statement."""
    params = {"company": company, "id": which, "most": ORDERS_MAX}
    return [YearRow(*row) for row in sql.run(_YEARS, params)]


def latest(company: int, which: UUID, limit: int = 20) -> list[OrderRow]:
    """Their latest orders. 1 statement."""
    return [OrderRow(*row) for row in sql.run(_LATEST, {"company": company, "id": which, "limit": limit})]


def returned(company: int, which: UUID, limit: int = 20) -> list[ReturnRow]:
    """Their latest returns. 1 statement."""
    return [ReturnRow(*row) for row in sql.run(_RETURNED, {"company": company, "id": which, "limit": limit})]


def credits_of(company: int, which: UUID) -> list[CreditRow]:
    """Their store credit, by currency. 1 statement."""
    return [CreditRow(*row) for row in sql.run(_CREDITS, {"company": company, "id": which})]


def open_work(company: int, which: UUID, limit: int = 20) -> list[OpenRow]:
    """Cases and other work about their latest orders that are not done, what is due first. 1 statement."""
    params = {"company": company, "id": which, "most": 200, "limit": limit}
    return [OpenRow(*row) for row in sql.run(_OPEN, params)]


_KNOWN = """
SELECT k.id, k.code, k.tier, k.since, k.substitutes, t.id, COALESCE(t.side, ''), COALESCE(t.reason, ''),
       COALESCE(t.listed_by, ''), t.listed_at
FROM parties_customer AS k LEFT JOIN orders_listing AS t
  ON t.company_id = k.company_id AND t.plain = 'customer:' || lower(k.code) AND t.ended_at IS NULL
WHERE k.id = %(id)s::uuid AND k.company_id = %(company)s::smallint
"""

_YEARS = """
WITH latest AS MATERIALIZED (
    SELECT o.id, extract(year FROM o.placed_at AT TIME ZONE 'UTC')::int AS year, o.currency::text AS currency,
           o.total_minor
    FROM orders_order AS o
    WHERE o.customer_id = %(id)s::uuid AND o.company_id = %(company)s::smallint AND o.status <> 'cancelled'
      AND o.merged_into IS NULL
    ORDER BY o.placed_at DESC LIMIT %(most)s::int
)
SELECT l.year, l.currency, count(*)::int, sum(l.total_minor)::bigint, COALESCE(sum(u.shipped), 0)::int,
       COALESCE(sum(s.received), 0)::int, COALESCE(sum(s.refunded_minor), 0)::bigint
FROM latest AS l
LEFT JOIN LATERAL (SELECT sum(i.shipped + i.delivered) AS shipped FROM orders_line AS i
                   WHERE i.order_id = l.id AND i.kind = 'goods') AS u ON TRUE
LEFT JOIN LATERAL (SELECT sum(d.received) AS received,
                          sum(d.goods_minor + d.tax_minor + d.shipping_minor) AS refunded_minor
                   FROM returns_sold AS d WHERE d.order_id = l.id) AS s ON TRUE
GROUP BY 1, 2 ORDER BY 1 DESC, 2
"""

_LATEST = """
SELECT o.id, o.number, c.code, o.status, o.held_by, o.currency::text, o.total_minor, o.placed_at, o.address_id
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
WHERE o.customer_id = %(id)s::uuid AND o.company_id = %(company)s::smallint
ORDER BY o.placed_at DESC, o.id DESC LIMIT %(limit)s::int
"""

_RETURNED = """
SELECT r.id, r.number, o.id, o.number, r.state, r.asked, r.requested_at
FROM returns_return AS r JOIN orders_order AS o ON o.id = r.order_id
WHERE r.customer_id = %(id)s::uuid AND r.company_id = %(company)s::smallint
ORDER BY r.requested_at DESC, r.id DESC LIMIT %(limit)s::int
"""

_CREDITS = """
SELECT id, currency::text, balance_minor, held_minor FROM payments_credit
WHERE company_id = %(company)s::smallint AND customer_id = %(id)s::uuid ORDER BY currency
"""

_OPEN = """
WITH latest AS MATERIALIZED (
    SELECT o.id, o.number FROM orders_order AS o
    WHERE o.customer_id = %(id)s::uuid AND o.company_id = %(company)s::smallint
    ORDER BY o.placed_at DESC LIMIT %(most)s::int
),
about AS MATERIALIZED (
    SELECT l.id AS subject, l.id, l.number FROM latest AS l
    UNION ALL SELECT r.id, l.id, l.number FROM latest AS l JOIN returns_return AS r ON r.order_id = l.id
    UNION ALL SELECT h.id, l.id, l.number FROM latest AS l JOIN shipping_shipment AS h ON h.order_id = l.id
)
SELECT w.id, w.kind, w.type, w.state, w.role, COALESCE(w.owner, ''), w.due_at, a.id, a.number
FROM about AS a JOIN work_item AS w ON w.subject_id = a.subject AND w.state <> 'done'
ORDER BY w.due_at, w.id LIMIT %(limit)s::int
"""
