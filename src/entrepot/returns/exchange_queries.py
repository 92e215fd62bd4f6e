"""What is asked of exchanges, and whether their sums are in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.stock import availability_queries


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """What replaces units of a return, and what its refund is worth; `order` is the replacement, once it is placed."""

    refund: UUID
    number: str
    return_id: UUID
    return_number: str
    line: UUID
    quantity: int
    sku_code: str
    even: bool
    unit_price: Decimal
    worth_minor: int
    costs_minor: int
    currency: str
    send_at: str
    state: str
    reason: str
    order: UUID | None
    order_number: str
    order_status: str
    agreed_by: str
    agreed_at: datetime
    due_at: datetime


def of_return(return_id: UUID) -> list[ExchangeRow]:
    """The exchanges of a return, the oldest first. 1 statement."""
    return [
        ExchangeRow(*row)
        for row in sql.run(_LIST + "WHERE x.return_id = %(id)s::uuid ORDER BY x.refund_id", {"id": return_id})
    ]


def of_order(order: UUID) -> ExchangeRow | None:
    """The exchange that an order is the replacement of. 1 statement."""
    rows = sql.run(_LIST + "WHERE x.replacement_id = %(id)s::uuid", {"id": order})
    return ExchangeRow(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class Instead:
    """A SKU that a customer may have instead of the one of a line, for what was paid for it; so many are free."""

    sku_code: str
    name: str
    free: int


INSTEAD_MAX = 12


def instead_of(lines: list[UUID], at: datetime) -> dict[UUID, list[Instead]]:
    """What customers may have instead, by order line: the same again, and what is sold of its category at its list
    price, as far as the order's channel has any. 2 statements for each channel."""
    alike: dict[tuple[int, str], list[tuple[UUID, str, str]]] = {}
    for company, channel, line, code, name in sql.run(_ALIKE, {"lines": lines, "most": INSTEAD_MAX}):
        alike.setdefault((company, channel), []).append((line, code, name))
    found: dict[UUID, list[Instead]] = {}
    for (company, channel), rows in alike.items():
        codes = [code for _, code, _ in rows]
        free = {
            one.sku_code: one.quantity
            for one in availability_queries.availability(company=company, channel=channel, skus=codes, at=at)
        }
        for line, code, name in rows:
            if free.get(code, 0) > 0:
                found.setdefault(line, []).append(Instead(code, name, free[code]))
    return found


def open_of(returns: list[UUID]) -> list[UUID]:
    """Refunds of the exchanges of returns that are not settled. 1 statement."""
    return [refund for (refund,) in sql.run(_OPEN_OF, {"returns": returns})]


def reached() -> list[UUID]:
    """Returns with an exchange whose goods may have come, so that none is forgotten. 1 statement."""
    return [one for (one,) in sql.run(_REACHED)]


def unsecured(returns: list[UUID]) -> list[tuple[UUID, UUID]]:
    """Exchanges of returns that wait for an amount to be held, for which none was asked: return and refund. 1
    statement."""
    return [(row[0], row[1]) for row in sql.run(_UNSECURED, {"returns": returns})]


def overdue(at: datetime) -> list[UUID]:
    """Refunds of exchanges whose goods have not come in time. 1 statement."""
    return [refund for (refund,) in sql.run(_OVERDUE, {"at": at})]


_LIST = """
SELECT x.refund_id, f.number, x.return_id, r.number, x.return_line_id, x.quantity, x.sku_code, x.even, x.unit_price,
       f.total_minor, x.total_minor, f.currency, x.send_at, x.state, x.reason, x.replacement_id, COALESCE(o.number, ''),
       COALESCE(o.status, ''), x.agreed_by, x.agreed_at, x.due_at
FROM returns_exchange AS x
JOIN returns_refund AS f ON f.id = x.refund_id
JOIN returns_return AS r ON r.id = x.return_id
LEFT JOIN orders_order AS o ON o.id = x.replacement_id
"""

_ALIKE = """
SELECT o.company_id::int, c.code, l.id, other.code, other.name
FROM orders_line AS l JOIN orders_order AS o ON o.id = l.order_id JOIN network_channel AS c ON c.id = o.channel_id
JOIN catalog_sku AS s ON s.id = l.sku_id
CROSS JOIN LATERAL (
    SELECT a.code, a.name FROM catalog_sku AS a
    WHERE a.company_id = s.company_id AND a.status = 'active'
      AND (a.id = s.id OR a.category = s.category AND s.category <> '' AND a.list_price = s.list_price)
    ORDER BY a.id <> s.id, a.name, a.code LIMIT %(most)s::int
) AS other
WHERE l.id = ANY(%(lines)s::uuid[]) ORDER BY l.id, other.code <> s.code, other.name, other.code
"""

_OPEN_OF = """
SELECT refund_id FROM returns_exchange WHERE return_id = ANY(%(returns)s::uuid[]) AND state = 'agreed'
ORDER BY refund_id
"""

_REACHED = """
SELECT DISTINCT x.return_id FROM returns_exchange AS x JOIN returns_line AS l ON l.id = x.return_line_id
WHERE x.state = 'agreed'
  AND CASE x.send_at WHEN 'authorized' THEN l.quantity - l.cancelled WHEN 'inspected' THEN l.inspected
           WHEN 'disposed' THEN l.disposed ELSE l.received END
      - l.refused - l.repaired >= x.quantity
ORDER BY 1
"""

_UNSECURED = """
SELECT x.return_id, x.refund_id FROM returns_exchange AS x
WHERE x.return_id = ANY(%(returns)s::uuid[]) AND x.state = 'agreed' AND x.send_at = 'secured'
  AND NOT EXISTS (SELECT FROM returns_hold AS h WHERE h.refund_id = x.refund_id)
ORDER BY x.refund_id
"""

_OVERDUE = """
SELECT x.refund_id FROM returns_exchange AS x JOIN returns_line AS l ON l.id = x.return_line_id
WHERE x.state = 'agreed' AND x.due_at <= %(at)s::timestamptz
  AND l.received - l.refused - l.repaired < l.refunded ORDER BY 1
"""

# invariant 11: of a return line so many units are exchanged as its exchanges say that were not given up or refunded
_UNITS = """
SELECT format('return line %s: %s units exchanged, its exchanges say %s', l.id, l.exchanged, COALESCE(x.units, 0))
FROM returns_line AS l LEFT JOIN (
    SELECT x.return_line_id, sum(x.quantity) AS units
    FROM returns_exchange AS x JOIN returns_refund AS f ON f.id = x.refund_id
    WHERE x.state <> 'withdrawn' AND f.outcome = 'exchange' GROUP BY 1) AS x ON x.return_line_id = l.id
WHERE l.exchanged <> COALESCE(x.units, 0)
"""

# invariant 12: what a refund was applied to is what was passed on of its order, or given as store credit
_APPLIED = """
SELECT format('refund %s says that %s of it is no money, payments say %s', f.number, f.applied_minor,
              COALESCE(a.amount, 0))
FROM returns_refund AS f LEFT JOIN (
    SELECT document_id, sum(amount_minor) AS amount FROM payments_attempt
    WHERE kind = 'credit' OR kind = 'moved' AND amount_minor > 0 GROUP BY 1) AS a ON a.document_id = f.id
WHERE f.applied_minor <> COALESCE(a.amount, 0)
"""

# invariant 12, of the bonus
_BONUS = """
SELECT format('refund %s says %s bonus, store credit says %s', f.number, f.bonus_minor, COALESCE(g.amount, 0))
FROM returns_refund AS f LEFT JOIN (
    SELECT document_id, sum(amount_minor) AS amount FROM payments_creditgrant WHERE kind = 'bonus' GROUP BY 1) AS g
  ON g.document_id = f.id
WHERE f.state NOT IN ('waiting', 'agreed') AND f.bonus_minor <> COALESCE(g.amount, 0)
"""

CHECKS = (_UNITS, _APPLIED, _BONUS)
