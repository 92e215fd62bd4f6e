"""Everything that vendors, carriers and liquidators owe for goods that came back or never arrived as they should."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns.onward import OWED

RECOVERED = (*OWED, "carrier_claim", "supplier_claim")
"""From whom something may be owed."""


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """Something that is owed, or claimed: `owed_minor` is what is in the books as receivable, `claimed_minor` what is
    asked for and not agreed to yet."""

    kind: str
    id: UUID
    number: str
    whom: str
    state: str
    currency: str
    claimed_minor: int
    owed_minor: int
    since: datetime
    age_days: int
    due_on: date | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class RecoverySum:
    """What is open of a kind, in a currency."""

    kind: str
    currency: str
    count: int
    claimed_minor: int
    owed_minor: int
    overdue_minor: int


class Place(NamedTuple):
    """Where a row stands. One that has been credited since is gone; what was behind it is behind its place still."""

    due_on: date | None
    since: datetime
    id: UUID


def owed(
    company: int,
    at: datetime,
    *,
    kind: str = "",
    overdue: bool = False,
    after: Place | None = None,
    offset: int = 0,
    limit: int = 100,
) -> list[RecoveryRow]:
    """What is owed and claimed, what is due first before the rest; behind a place, or without the first `offset`."""
    params = {
        "company": company,
        "at": at,
        "kind": kind,
        "overdue": overdue,
        "offset": offset,
        "limit": limit,
        "kinds": list(OWED),
        "after_due": after.due_on if after else None,
        "after_since": after.since if after else None,
        "after": after.id if after else None,
    }
    return [RecoveryRow(*row) for row in sql.run(_OPEN + _PAGE, params)]


def sums(company: int, at: datetime) -> list[RecoverySum]:
    """The same by kind and currency."""
    return [
        RecoverySum(*row)
        for row in sql.run(_OPEN + _SUMS, {"company": company, "at": at, "kinds": list(OWED)})
    ]


# A claim to a supplier has no due date of its own; one to a carrier has the day on which it must be filed.
_OPEN = """
WITH open_ones (kind, id, number, whom, state, currency, claimed, owed, since, due) AS (
    SELECT p.kind, p.id, p.number, COALESCE(k.code, p.receiver), p.state, p.currency::text, 0::bigint,
           p.owed_minor - p.credited_minor, p.left_at, p.due_on
    FROM returns_departure AS p LEFT JOIN parties_customer AS k ON k.id = p.customer_id
    WHERE p.company_id = %(company)s::smallint AND p.state = 'gone' AND p.kind = ANY(%(kinds)s::text[])
    UNION ALL
    SELECT 'carrier_claim', c.id, c.number, c.carrier, c.state, c.currency::text,
           CASE WHEN c.state = 'agreed' THEN 0 ELSE c.amount_minor END, c.agreed_minor - c.credited_minor, c.opened_at,
           CASE WHEN c.state = 'open' THEN c.due_on END
    FROM shipping_claim AS c
    WHERE c.company_id = %(company)s::smallint AND c.state IN ('open', 'filed', 'agreed')
    UNION ALL
    SELECT 'supplier_claim', c.id, c.number, s.name, c.state, o.currency::text,
           CASE WHEN c.state = 'agreed' THEN 0 ELSE c.value_minor END, c.agreed_minor - c.credited_minor, c.opened_at,
           NULL
    FROM purchasing_claim AS c JOIN parties_supplier AS s ON s.id = c.supplier_id
    JOIN purchasing_order AS o ON o.id = c.order_id
    WHERE c.company_id = %(company)s::smallint AND c.state IN ('open', 'agreed')
)
"""

_PAGE = """
SELECT kind, id, number, whom, state, currency, claimed, owed, since,
       (EXTRACT(epoch FROM %(at)s::timestamptz - since) / 86400)::int, due,
       COALESCE(due < (%(at)s::timestamptz AT TIME ZONE 'UTC')::date, FALSE)
FROM open_ones
WHERE %(kind)s::text IN ('', kind)
  AND (NOT %(overdue)s::bool OR due < (%(at)s::timestamptz AT TIME ZONE 'UTC')::date)
  AND (%(after)s::uuid IS NULL OR (COALESCE(due, 'infinity'), since, id)
       > (COALESCE(%(after_due)s::date, 'infinity'), %(after_since)s::timestamptz, %(after)s::uuid))
ORDER BY due NULLS LAST, since, id OFFSET %(offset)s::int LIMIT %(limit)s::int
"""

_SUMS = """
SELECT kind, currency, count(*)::int, sum(claimed)::bigint, sum(owed)::bigint,
       COALESCE(sum(claimed + owed) FILTER (WHERE due < (%(at)s::timestamptz AT TIME ZONE 'UTC')::date), 0)::bigint
FROM open_ones GROUP BY 1, 2 ORDER BY 1, 2
"""
