"""What is held on customers' cards for returns, and whether it is in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns.states import HOLD_OPEN, HOLD_STANDING


@dataclass(frozen=True, slots=True)
class HoldRow:
    """An amount on a card: what it secures, what was taken of it and given back, and until when it stands. `due_at` is
    when the goods have to be back, `expires_at` when the bank lets it go."""

    id: UUID
    number: str
    return_id: UUID
    return_number: str
    order: UUID
    order_number: str
    customer: str
    kind: str
    refund: UUID | None
    refund_number: str
    currency: str
    amount_minor: int
    taken_minor: int
    returned_minor: int
    provider: str
    state: str
    why: str
    reasons: list[str]
    placed_at: datetime
    due_at: datetime
    expires_at: datetime | None
    closed_at: datetime | None
    units: int


def holds(company: int, *, state: str = "open", after: UUID | None = None, limit: int = 50) -> list[HoldRow]:
    """Holds in a state, or all that are open, the latest first, behind the hold `after`. 1 statement."""
    states = list(HOLD_OPEN) if state == "open" else [state]
    params = {"company": company, "states": states, "after": after, "limit": limit}
    return [HoldRow(*row) for row in sql.run(_LIST + _PAGE, params)]


def of_return(return_id: UUID) -> list[HoldRow]:
    """The holds of a return, the oldest first. 1 statement."""
    statement = _LIST + "WHERE h.return_id = %(id)s::uuid ORDER BY h.id"
    return [HoldRow(*row) for row in sql.run(statement, {"id": return_id})]


def sums(company: int) -> list[tuple[str, int, int]]:
    """By currency, how many holds are open and over how much. 1 statement."""
    return [
        (row[0], row[1], row[2]) for row in sql.run(_SUMS, {"company": company, "states": list(HOLD_OPEN)})
    ]


def unsecured(returns: Collection[UUID]) -> list[UUID]:
    """Returns for whose refund nothing was ever held, and of which nothing has come. 1 statement."""
    return [one for (one,) in sql.run(_UNSECURED, {"returns": list(returns)})]


def standing(returns: Collection[UUID]) -> list[UUID]:
    """Returns with a hold that is not done with. 1 statement."""
    return [one for (one,) in sql.run(_STANDING, {"returns": list(returns), "states": list(HOLD_STANDING)})]


def of_documents(holds: Collection[UUID]) -> list[UUID]:
    """Returns by the holds among what payments name. 1 statement."""
    return [one for (one,) in sql.run(_OF_DOCUMENTS, {"ids": list(holds)})]


def due(at: datetime) -> list[UUID]:
    """Returns with a hold whose goods should be back, or that ends at the bank within four days. 1 statement."""
    params = {"at": at, "soon": at + timedelta(hours=96), "states": list(HOLD_OPEN)}
    return [one for (one,) in sql.run(_DUE, params)]


_LIST = """
SELECT h.id, h.number, h.return_id, r.number, r.order_id, o.number, COALESCE(c.code, ''), h.kind, h.refund_id,
       COALESCE(f.number, ''), h.currency::text, h.amount_minor, h.taken_minor, h.returned_minor, p.provider, h.state,
       h.why, h.reasons, h.placed_at, h.due_at, h.expires_at, h.closed_at,
       (SELECT sum(l.units)::int FROM returns_holdline AS l WHERE l.hold_id = h.id)
FROM returns_hold AS h
JOIN returns_return AS r ON r.id = h.return_id
JOIN orders_order AS o ON o.id = r.order_id
JOIN payments_payment AS p ON p.id = h.payment_id
LEFT JOIN returns_refund AS f ON f.id = h.refund_id
LEFT JOIN parties_customer AS c ON c.id = r.customer_id
"""

_PAGE = """
WHERE h.company_id = %(company)s::smallint AND h.state = ANY(%(states)s::text[])
  AND (%(after)s::uuid IS NULL OR h.id < %(after)s::uuid)
ORDER BY h.id DESC LIMIT %(limit)s::int
"""

_SUMS = """
SELECT currency::text, count(*)::int, sum(amount_minor)::bigint FROM returns_hold
WHERE company_id = %(company)s::smallint AND state = ANY(%(states)s::text[]) GROUP BY 1 ORDER BY 1
"""

_UNSECURED = """
SELECT r.id FROM returns_return AS r
WHERE r.id = ANY(%(returns)s::uuid[]) AND r.asked = 'refund' AND r.state = 'authorized'
  AND NOT EXISTS (SELECT FROM returns_hold AS h WHERE h.return_id = r.id)
ORDER BY r.id
"""

_STANDING = """
SELECT DISTINCT return_id FROM returns_hold WHERE return_id = ANY(%(returns)s::uuid[])
  AND state = ANY(%(states)s::text[])
ORDER BY return_id
"""

_OF_DOCUMENTS = (
    "SELECT DISTINCT return_id FROM returns_hold WHERE id = ANY(%(ids)s::uuid[]) ORDER BY return_id"
)

_DUE = """
SELECT DISTINCT return_id FROM returns_hold
WHERE state = ANY(%(states)s::text[])
  AND (due_at <= %(at)s::timestamptz OR expires_at <= %(soon)s::timestamptz OR state <> 'placed')
ORDER BY return_id
"""

# invariant 13: what a hold says was taken is what its payments took, and never more than was given for it
_TAKEN = """
SELECT format('hold %s says %s taken, its payments say %s; %s were given', h.number, h.taken_minor,
              COALESCE(p.captured, 0), COALESCE(f.total_minor, 0))
FROM returns_hold AS h LEFT JOIN returns_refund AS f ON f.id = h.refund_id
LEFT JOIN (SELECT order_id, sum(captured_minor) AS captured FROM payments_payment WHERE is_hold GROUP BY 1) AS p
  ON p.order_id = h.id
WHERE h.taken_minor <> COALESCE(p.captured, 0) AND h.state NOT IN ('taking', 'failed')
   OR h.taken_minor > COALESCE(f.total_minor, 0)
"""

# invariant 13, in the books: account 2100 gave what was taken, and account 2300 got what was given back of it
_BOOKED = """
SELECT format('hold %s: %s taken and %s given back, the books say %s and %s', h.number, h.taken_minor,
              h.returned_minor, COALESCE(b.taken, 0), COALESCE(b.returned, 0))
FROM returns_hold AS h LEFT JOIN (
    SELECT document_id, sum(amount_minor) FILTER (WHERE account = 2100) AS taken,
           -sum(amount_minor) FILTER (WHERE account = 2300) AS returned
    FROM ledger_line WHERE document_kind = 'card_hold' GROUP BY 1) AS b ON b.document_id = h.id
WHERE (h.taken_minor, h.returned_minor) <> (COALESCE(b.taken, 0), COALESCE(b.returned, 0))
"""

# invariant 14: a hold is what is given for its units
_LINES_OF = """
SELECT format('hold %s is over %s, its lines over %s', h.number, h.amount_minor, COALESCE(l.minor, 0))
FROM returns_hold AS h LEFT JOIN (
    SELECT hold_id, sum(minor) AS minor FROM returns_holdline GROUP BY 1) AS l ON l.hold_id = h.id
WHERE h.amount_minor <> COALESCE(l.minor, 0)
"""

CHECKS = (_TAKEN, _BOOKED, _LINES_OF)
