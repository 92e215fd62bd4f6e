"""What is asked of payments."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.payments import credit_queries
from entrepot.payments.dispute_queries import CLAIMS


@dataclass(frozen=True, slots=True)
class PaymentRow:
    id: UUID
    provider: str
    reference: str
    currency: str
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    state: str
    authorized_at: datetime
    expires_at: datetime | None
    disputed_minor: int


def of_order(order: UUID) -> list[PaymentRow]:
    """Payments of an order, the oldest first."""
    return [PaymentRow(*row) for row in sql.run(_OF_ORDER, {"order": order})]


@dataclass(frozen=True, slots=True)
class RefundsOf:
    """What was asked for in all, of which so much is done and so much failed; the rest waits for a provider."""

    asked_minor: int
    done_minor: int
    failed_minor: int


def refunds_of(orders: Collection[UUID]) -> dict[UUID, RefundsOf]:
    """Refunds by order, of all its payments; what was asked for again counts once, as it stands now. One statement."""
    found = {row[0]: RefundsOf(*row[1:]) for row in sql.run(_REFUNDS_OF, {"orders": list(orders)})}
    return {order: found.get(order, RefundsOf(0, 0, 0)) for order in orders}


def refund_states(documents: Collection[UUID]) -> dict[UUID, tuple[int, int, int]]:
    """By document, how much of its refunds waits for a provider, was given back, and failed; what was asked for again
    counts once, as it stands now. One statement."""
    found = {row[0]: row[1:] for row in sql.run(_REFUND_STATES, {"documents": list(documents)})}
    return {document: found.get(document, (0, 0, 0)) for document in documents}  # type: ignore[misc]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("payments_payment", "payments_attempt", "payments_dispute", "payments_creditmove")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about payments that disagree with their attempts or with the clearing account."""
    return [
        sentence
        for statement in (_UNEXPLAINED, _ATTEMPTS, _DISPUTED, _RETRIED)
        for (sentence,) in sql.run(statement)
    ] + credit_queries.discrepancies()


_OF_ORDER = """
SELECT id, provider, reference, currency, authorized_minor, captured_minor, refunded_minor, state, authorized_at,
       expires_at, disputed_minor
FROM payments_payment WHERE order_id = %(order)s::uuid ORDER BY id
"""

_REFUNDS_OF = """
SELECT p.order_id, sum(a.amount_minor)::bigint,
       COALESCE(sum(a.amount_minor) FILTER (WHERE a.state = 'done'), 0)::bigint,
       COALESCE(sum(a.amount_minor) FILTER (WHERE a.state = 'failed'), 0)::bigint
FROM payments_payment AS p JOIN payments_attempt AS a ON a.payment_id = p.id
WHERE p.order_id = ANY(%(orders)s::uuid[]) AND a.kind = 'refund' AND a.state <> 'retried' GROUP BY p.order_id
"""

_REFUND_STATES = """
SELECT document_id, COALESCE(sum(amount_minor) FILTER (WHERE state = 'waiting'), 0)::bigint,
       COALESCE(sum(amount_minor) FILTER (WHERE state = 'done'), 0)::bigint,
       COALESCE(sum(amount_minor) FILTER (WHERE state = 'failed'), 0)::bigint
FROM payments_attempt WHERE document_id = ANY(%(documents)s::uuid[]) AND kind = 'refund' GROUP BY document_id
"""

# invariant 1: the clearing account got what was captured, and gave what was refunded, and what banks took with its fees
_UNEXPLAINED = """
SELECT format('company %s: payments put %s %s into account 1100, they explain %s', company_id, COALESCE(b.balance, 0),
              currency, COALESCE(p.balance, 0))
FROM (SELECT p.company_id, p.currency, sum(captured_minor - refunded_minor - COALESCE(d.amount, 0))::bigint AS balance
      FROM payments_payment AS p LEFT JOIN (
          SELECT payment_id, sum(fee_minor - fee_returned_minor + CASE WHEN state = 'won' THEN 0 ELSE amount_minor END)
                 AS amount
          FROM payments_dispute WHERE withdrawn_at IS NOT NULL GROUP BY 1) AS d ON d.payment_id = p.id
      WHERE provider <> 'store_credit' GROUP BY 1, 2) AS p
FULL JOIN (SELECT company_id, currency, sum(amount_minor)::bigint AS balance FROM ledger_line
           WHERE account = 1100 AND document_kind = 'payment' GROUP BY 1, 2) AS b USING (company_id, currency)
WHERE COALESCE(b.balance, 0) <> COALESCE(p.balance, 0)
"""

# invariant 3: what is disputed is what its disputes took and have not given back
_DISPUTED = f"""
SELECT format('payment %s says %s disputed, its disputes %s', p.id, p.disputed_minor, COALESCE(d.amount, 0))
FROM payments_payment AS p LEFT JOIN (
    SELECT s.payment_id, sum(s.amount_minor) AS amount
    FROM ({CLAIMS}) AS s JOIN payments_dispute AS d ON d.id = s.dispute_id AND d.state <> 'won' AND NOT d.is_inquiry
    GROUP BY 1) AS d
  ON d.payment_id = p.id
WHERE p.disputed_minor <> COALESCE(d.amount, 0)
"""

# invariant 6: what was asked for again is asked for by one other attempt, of the same payment, amount and document
_RETRIED = """
SELECT format('attempt %s is %s, and %s asks for it again', f.id, f.state, COALESCE(r.id::text, 'nothing'))
FROM payments_attempt AS f LEFT JOIN payments_attempt AS r ON r.retry_of = f.id
WHERE (f.state = 'retried') <> (r.id IS NOT NULL)
   OR r.id IS NOT NULL AND (r.payment_id, r.kind, r.amount_minor) <> (f.payment_id, f.kind, f.amount_minor)
   OR r.id IS NOT NULL AND r.document_id IS DISTINCT FROM f.document_id
"""

# invariant 2: what a payment says was taken and given back is what its attempts did
_ATTEMPTS = """
SELECT format('payment %s says captured %s, refunded %s, credited %s; its attempts make %s, %s and %s', p.id,
              captured_minor, refunded_minor, credited_minor, COALESCE(a.captured, 0), COALESCE(a.refunded, 0),
              COALESCE(a.credited, 0))
FROM payments_payment AS p LEFT JOIN (
    SELECT payment_id, sum(amount_minor) FILTER (WHERE kind IN ('capture', 'moved') AND state = 'done') AS captured,
           sum(amount_minor) FILTER (WHERE kind = 'credit') AS credited,
           sum(amount_minor) FILTER (WHERE kind = 'refund' AND state = 'done') AS refunded,
           sum(amount_minor) FILTER (WHERE kind = 'capture' AND state = 'waiting') AS capturing,
           sum(amount_minor) FILTER (WHERE kind = 'refund' AND state = 'waiting') AS refunding
    FROM payments_attempt GROUP BY payment_id) AS a ON a.payment_id = p.id
WHERE (p.captured_minor, p.refunded_minor, p.capturing_minor, p.refunding_minor, p.credited_minor)
   <> (COALESCE(a.captured, 0), COALESCE(a.refunded, 0), COALESCE(a.capturing, 0), COALESCE(a.refunding, 0),
       COALESCE(a.credited, 0))
"""
