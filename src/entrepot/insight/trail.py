"""A refund from its request to its posting: who did what, when and why, by which version of which rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.insight import pages
from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the return, the refund or its payment, with the duty that its person took there."""

    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command: str
    kind: str
    subject: UUID
    before: str
    after: str
    reason: str
    payload: Any
    is_sealed: bool
    duty: list[str]


@dataclass(frozen=True, slots=True)
class Decided:
    """What rules said: of what, by which version of which policy, and its author; version 0 is the delivered one."""

    about: str
    policy: str
    version: int
    author: str
    in_force_from: datetime | None
    answer: str
    because: str

    @property
    def answers(self) -> list[str]:
        """An inspection says two things: the grade, and what is proposed."""
        return self.answer.split(", ")


@dataclass(frozen=True, slots=True)
class Trail:
    refund: UUID
    number: str
    state: str
    currency: str
    total_minor: int
    return_id: UUID
    return_number: str
    order_id: UUID
    order_number: str
    steps: list[Step]
    decided: list[Decided]
    journal: list[pages.JournalLine]


def refund_named(company: int, text: str) -> UUID | None:
    """A refund of a company by its number. 1 statement."""
    rows = sql.run(_NAMED, {"company": company, "text": text})
    return rows[0][0] if rows else None


def of_refund(company: int, refund: UUID) -> Trail | None:
    """All of a refund; None where the company has no such. 4 statements."""
    rows = sql.run(_REFUND, {"company": company, "refund": refund})
    if not rows:
        return None
    number, state, currency, total, return_id, return_number, order_id, order_number = rows[0]
    params = {"refund": refund, "return": return_id}
    steps = [Step(*row) for row in sql.run(_STEPS, params)]
    decided = [Decided(*row) for row in sql.run(_DECIDED, params)]
    journal = pages.journal_where(company, _POSTED, params)
    return Trail(
        refund, number, state, currency, total, return_id, return_number, order_id, order_number, steps, decided,
        journal,
    )  # fmt: skip


_NAMED = """
SELECT id FROM returns_refund WHERE company_id = %(company)s::smallint AND number = %(text)s::text
"""

_REFUND = """
SELECT f.number, f.state, f.currency::text, f.total_minor, f.return_id, r.number, f.order_id, o.number
FROM returns_refund AS f JOIN returns_return AS r ON r.id = f.return_id JOIN orders_order AS o ON o.id = f.order_id
WHERE f.id = %(refund)s::uuid AND f.company_id = %(company)s::smallint
"""

# Of a payment, which may have been refunded several times, what was done between this refund's asking and its end.
_STEPS = """
WITH attempt AS (
    SELECT payment_id, asked_at, COALESCE(bounced_at, settled_at, 'infinity') AS ended_at FROM payments_attempt
    WHERE document_id = %(refund)s::uuid
),
told AS (
    SELECT e.* FROM kernel_event AS e WHERE e.subject_id IN (%(return)s::uuid, %(refund)s::uuid)
    UNION
    SELECT e.* FROM attempt AS a JOIN kernel_event AS e ON e.subject_id = a.payment_id
    WHERE e.recorded_at BETWEEN a.asked_at AND a.ended_at AND e.command <> 'payments.capture'
)
SELECT e.seq, e.occurred_at, e.recorded_at, e.actor, e.command, e.subject_kind, e.subject_id, e.state_before,
       e.state_after, e.reason, e.payload, e.seq <= COALESCE((SELECT max(last_seq) FROM kernel_seal), 0),
       ARRAY(SELECT d.side FROM access_duty AS d WHERE d.document = %(return)s::uuid AND d.person = e.actor ORDER BY 1)
FROM told AS e ORDER BY e.seq
"""

_DECIDED = """
WITH said (place, about, policy, version, answer, because, company) AS (
    SELECT 1, s.code, 'returns.authorization', t.policy_version, t.answer,
           array_to_string(ARRAY(SELECT jsonb_array_elements_text(t.reasons)), '; '), r.company_id
    FROM returns_terms AS t JOIN returns_line AS l ON l.id = t.return_line_id
    JOIN returns_return AS r ON r.id = t.return_id JOIN catalog_sku AS s ON s.id = l.sku_id
    WHERE t.return_id = %(return)s::uuid
    UNION ALL
    SELECT 2, 'review', 'returns.fraud', j.policy_version, j.state, j.note, j.company_id
    FROM returns_judgment AS j WHERE j.return_id = %(return)s::uuid
    UNION ALL
    SELECT 3, s.code, 'returns.checklists', i.checklist, i.grade || ', ' || i.proposed, i.why, r.company_id
    FROM returns_inspection AS i JOIN returns_line AS l ON l.id = i.return_line_id
    JOIN returns_return AS r ON r.id = i.return_id JOIN catalog_sku AS s ON s.id = l.sku_id
    WHERE i.return_id = %(return)s::uuid
    UNION ALL
    SELECT 4, f.number, 'returns', f.policy_version, f.outcome,
           array_to_string(ARRAY(SELECT jsonb_array_elements_text(f.reasons)), '; '), f.company_id
    FROM returns_refund AS f WHERE f.id = %(refund)s::uuid
)
SELECT s.about, s.policy, s.version, COALESCE(p.author, ''), p.in_force_from, s.answer, s.because
FROM said AS s
LEFT JOIN kernel_policy AS p
  ON p.company_id = s.company AND p.kind = s.policy AND p.version = s.version AND p.scope = ''
ORDER BY s.place, s.about
"""

# A payment's entries say when its attempt occurred; those of the return stand with its goods.
_POSTED = """
l.id IN (
    SELECT id FROM ledger_line WHERE document_id IN (%(return)s::uuid, %(refund)s::uuid)
    UNION ALL
    SELECT p.id FROM payments_attempt AS a JOIN ledger_line AS p ON p.document_id = a.payment_id
    WHERE a.document_id = %(refund)s::uuid AND p.event IN ('payment.refunded', 'payment.refund_bounced')
      AND p.occurred_at IN (a.occurred_at, a.bounced_at))
ORDER BY l.id LIMIT %(limit)s::int
"""
