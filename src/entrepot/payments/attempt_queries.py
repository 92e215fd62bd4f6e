"""What is asked of attempts that a provider refused: they wait until a person has it asked again, or settles it
otherwise."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql

ASKED_AGAIN = ("refund", "capture", "void")
"""Kinds of attempts that can be asked for again; a hold that failed was given up by whoever wanted it."""


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A capture, refund or void that failed. `subject` is what it was paid for: an order, or an amount that was held on
    a card (`subject_kind`). `bounced`: it was done, and came back."""

    id: UUID
    payment: UUID
    subject_kind: str
    subject: UUID
    kind: str
    provider: str
    reference: str
    currency: str
    amount_minor: int
    error: str
    bounced: bool
    asked_at: datetime
    failed_at: datetime


def failed(
    company: int, *, kind: str | None = None, after: UUID | None = None, limit: int = 50
) -> list[FailedRow]:
    """All that failed and was not asked for again, or those of a kind, the latest first, behind `after`.
    1 statement."""
    params = {
        "company": company, "kinds": [kind] if kind else list(ASKED_AGAIN), "after": after, "limit": limit,
    }  # fmt: skip
    return [FailedRow(*row) for row in sql.run(_ROWS + _OF_COMPANY, params)]


def failed_of(documents: Collection[UUID]) -> list[FailedRow]:
    """What failed of orders, of amounts held on cards, or of the refunds of returns, the oldest first. 1 statement."""
    if not documents:
        return []
    params = {"documents": list(documents), "kinds": list(ASKED_AGAIN)}
    return [FailedRow(*row) for row in sql.run(_OF_DOCUMENTS + _ROWS + _NAMED, params)]


def failed_sums(company: int) -> list[tuple[str, str, int, int]]:
    """By kind and currency, how many wait and over how much. 1 statement."""
    params = {"company": company, "kinds": list(ASKED_AGAIN)}
    return [(row[0], row[1], row[2], row[3]) for row in sql.run(_SUMS, params)]


_ROWS = """
SELECT a.id, p.id, CASE WHEN p.is_hold THEN 'card_hold' ELSE 'order' END, p.order_id, a.kind, p.provider, p.reference,
       p.currency, a.amount_minor, a.error, a.bounced_at IS NOT NULL, a.asked_at,
       COALESCE(a.bounced_at, a.settled_at, a.asked_at)
FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id
"""

_OF_COMPANY = """
WHERE a.company_id = %(company)s::smallint AND a.state = 'failed' AND a.kind = ANY(%(kinds)s::text[])
  AND (%(after)s::uuid IS NULL OR a.id < %(after)s::uuid)
ORDER BY a.id DESC LIMIT %(limit)s::int
"""

# Each way has an index of its own; one condition for both would read all attempts.
_OF_DOCUMENTS = """
WITH named AS (
    SELECT a.id FROM payments_payment AS p JOIN payments_attempt AS a ON a.payment_id = p.id
    WHERE p.order_id = ANY(%(documents)s::uuid[])
    UNION SELECT id FROM payments_attempt WHERE document_id = ANY(%(documents)s::uuid[])
)
"""

_NAMED = """
WHERE a.id IN (SELECT id FROM named) AND a.state = 'failed' AND a.kind = ANY(%(kinds)s::text[]) ORDER BY a.id
"""

_SUMS = """
SELECT a.kind, p.currency, count(*)::int, sum(a.amount_minor)::bigint
FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id
WHERE a.company_id = %(company)s::smallint AND a.state = 'failed' AND a.kind = ANY(%(kinds)s::text[])
GROUP BY 1, 2 ORDER BY array_position(%(kinds)s::text[], a.kind), 2
"""
