"""What is asked of disputes: the queue, one of them, and what was said to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.payments.states import DISPUTES_OPEN


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute: how much of which payment, whether the bank has it, and until when it listens. `given_back_minor` is
    what of the payment the customer has again already; `answer` is how far the last answer is, or ''."""

    id: UUID
    external_id: str
    payment: UUID
    order: UUID
    provider: str
    currency: str
    amount_minor: int
    fee_minor: int
    fee_returned_minor: int
    state: str
    reason: str
    inquiry: bool
    opened_at: datetime
    withdrawn_at: datetime | None
    due_at: datetime | None
    closed_at: datetime | None
    captured_minor: int
    given_back_minor: int
    answer: str
    answer_kind: str


def waiting(
    company: int, *, after: tuple[bool, datetime | None, UUID] | None = None, limit: int
) -> list[DisputeRow]:
    """Those that are open, whoever has to answer first on top; behind one by whether it was under review, its day and
    its id as they were. 1 statement."""
    under_review, due, which = after or (None, None, None)
    params = {
        "company": company, "states": list(DISPUTES_OPEN), "limit": limit,
        "under_review": under_review, "due": due, "which": which,
    }  # fmt: skip
    return [DisputeRow(*row) for row in sql.run(_ROWS + _WAITING, params)]


def listed(
    company: int, *, state: str | None = None, after: UUID | None = None, limit: int = 50
) -> list[DisputeRow]:
    """All of them, or those in a state, the latest first, behind the dispute `after`. 1 statement."""
    params = {"company": company, "state": state, "after": after, "limit": limit}
    return [DisputeRow(*row) for row in sql.run(_ROWS + _LISTED, params)]


def dispute(company: int, which: UUID) -> DisputeRow | None:
    """One of a company. 1 statement."""
    statement = _ROWS + "WHERE d.id = %(id)s::uuid AND d.company_id = %(company)s::smallint"
    return next((DisputeRow(*row) for row in sql.run(statement, {"id": which, "company": company})), None)


def of_order(order: UUID) -> list[DisputeRow]:
    """Those of the payments of an order, also where one bears a part only, the oldest first. 1 statement."""
    statement = _ROWS + _OF_ORDER
    return [DisputeRow(*row) for row in sql.run(statement, {"order": order})]


def claimed(orders: Collection[UUID]) -> dict[UUID, int]:
    """What banks claim of orders and have not decided about; of orders without any, nothing. 1 statement."""
    params = {"orders": list(orders), "states": list(DISPUTES_OPEN)}
    return dict(sql.run(_CLAIMED, params))


def sums(company: int) -> list[tuple[str, str, int, int]]:
    """By state and currency, how many disputes and over how much: the open ones, and what was decided. 1 statement."""
    return [(row[0], row[1], row[2], row[3]) for row in sql.run(_SUMS, {"company": company})]


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What was said to a dispute; `fields` is the evidence as it was sent, without names and addresses."""

    id: UUID
    dispute: UUID
    kind: str
    state: str
    fields: dict[str, str]
    note: str
    needs_another: bool
    made_by: str
    made_at: datetime
    approved_by: str
    settled_at: datetime | None
    error: str


def answers(which: UUID) -> list[AnswerRow]:
    """Of a dispute, the latest first. 1 statement."""
    return [
        AnswerRow(*row)
        for row in sql.run(_ANSWERS + "WHERE dispute_id = %(id)s::uuid ORDER BY id DESC", {"id": which})
    ]


def answer(which: UUID) -> AnswerRow | None:
    """One by its id. 1 statement."""
    rows = sql.run(_ANSWERS + "WHERE id = %(id)s::uuid", {"id": which})
    return next((AnswerRow(*row) for row in rows), None)


_ROWS = """
SELECT d.id, d.external_id, d.payment_id, p.order_id, d.provider, p.currency::text, d.amount_minor, d.fee_minor,
       d.fee_returned_minor, d.state, d.reason, d.is_inquiry, d.opened_at, d.withdrawn_at, d.due_at, d.closed_at,
       p.captured_minor, p.refunded_minor + p.refunding_minor + p.credited_minor, COALESCE(a.state, ''),
       COALESCE(a.kind, '')
FROM payments_dispute AS d JOIN payments_payment AS p ON p.id = d.payment_id
LEFT JOIN LATERAL (SELECT state, kind FROM payments_disputeanswer WHERE dispute_id = d.id ORDER BY id DESC LIMIT 1) AS a
  ON TRUE
"""

_OF_ORDER = """
WHERE d.id IN (SELECT s.id FROM payments_payment AS q JOIN payments_dispute AS s ON s.payment_id = q.id
               WHERE q.order_id = %(order)s::uuid
               UNION
               SELECT s.dispute_id FROM payments_payment AS q JOIN payments_disputepart AS s ON s.payment_id = q.id
               WHERE q.order_id = %(order)s::uuid)
ORDER BY d.id
"""

_WAITING = """
WHERE d.company_id = %(company)s::smallint AND d.state = ANY(%(states)s::text[])
  AND (%(which)s::uuid IS NULL OR ((d.state = 'under_review'), COALESCE(d.due_at, 'infinity'))
       > (%(under_review)s::boolean, COALESCE(%(due)s::timestamptz, 'infinity'))
       OR ((d.state = 'under_review'), COALESCE(d.due_at, 'infinity'))
       = (%(under_review)s::boolean, COALESCE(%(due)s::timestamptz, 'infinity')) AND d.id < %(which)s::uuid)
ORDER BY d.state = 'under_review', d.due_at NULLS LAST, d.id DESC LIMIT %(limit)s::int
"""

_LISTED = """
WHERE d.company_id = %(company)s::smallint AND (%(state)s::text IS NULL OR d.state = %(state)s::text)
  AND (%(after)s::uuid IS NULL OR d.id < %(after)s::uuid)
ORDER BY d.id DESC LIMIT %(limit)s::int
"""

CLAIMS = """
SELECT d.id AS dispute_id, d.payment_id, d.amount_minor - COALESCE(
           (SELECT sum(s.amount_minor) FROM payments_disputepart AS s WHERE s.dispute_id = d.id), 0) AS amount_minor
FROM payments_dispute AS d
UNION ALL
SELECT dispute_id, payment_id, amount_minor FROM payments_disputepart
"""
"""What disputes claim, by payment."""

_CLAIMED = f"""
SELECT p.order_id, sum(s.amount_minor)::bigint
FROM payments_payment AS p JOIN ({CLAIMS}) AS s ON s.payment_id = p.id JOIN payments_dispute AS d ON d.id = s.dispute_id
WHERE p.order_id = ANY(%(orders)s::uuid[]) AND d.state = ANY(%(states)s::text[]) AND NOT d.is_inquiry
GROUP BY p.order_id
"""

_SUMS = """
SELECT d.state, p.currency::text, count(*)::int, sum(d.amount_minor)::bigint
FROM payments_dispute AS d JOIN payments_payment AS p ON p.id = d.payment_id
WHERE d.company_id = %(company)s::smallint GROUP BY 1, 2 ORDER BY 1, 2
"""

_ANSWERS = """
SELECT id, dispute_id, kind, state, fields, note, needs_another, made_by, made_at, approved_by, settled_at, error
FROM payments_disputeanswer
"""
