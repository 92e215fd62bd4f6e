"""What is asked of payments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


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


def of_order(order: UUID) -> list[PaymentRow]:
    """Payments of an order, the oldest first."""
    return [PaymentRow(*row) for row in sql.run(_OF_ORDER, {"order": order})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("payments_payment", "payments_attempt")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about payments that disagree with their attempts or with the clearing account."""
    return [sentence for statement in (_UNEXPLAINED, _ATTEMPTS) for (sentence,) in sql.run(statement)]


_OF_ORDER = """
SELECT id, provider, reference, currency, authorized_minor, captured_minor, refunded_minor, state, authorized_at,
       expires_at
FROM payments_payment WHERE order_id = %(order)s::uuid ORDER BY id
"""

# invariant 1: the clearing account holds what was captured less what was refunded, until a payout is matched
_UNEXPLAINED = """
SELECT format('company %s: account 1100 holds %s %s, its payments explain %s', company_id, COALESCE(b.balance, 0),
              currency, COALESCE(p.balance, 0))
FROM (SELECT company_id, currency, sum(captured_minor - refunded_minor)::bigint AS balance FROM payments_payment
      GROUP BY 1, 2) AS p
FULL JOIN (SELECT company_id, currency, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_balance
           WHERE account = 1100 GROUP BY 1, 2) AS b USING (company_id, currency)
WHERE COALESCE(b.balance, 0) <> COALESCE(p.balance, 0)
"""

# invariant 2: what a payment says was taken and given back is what its attempts did
_ATTEMPTS = """
SELECT format('payment %s says captured %s, refunded %s; its attempts make %s and %s', p.id, captured_minor,
              refunded_minor, COALESCE(a.captured, 0), COALESCE(a.refunded, 0))
FROM payments_payment AS p LEFT JOIN (
    SELECT payment_id, sum(amount_minor) FILTER (WHERE kind = 'capture' AND state = 'done') AS captured,
           sum(amount_minor) FILTER (WHERE kind = 'refund' AND state = 'done') AS refunded,
           sum(amount_minor) FILTER (WHERE kind = 'capture' AND state = 'waiting') AS capturing,
           sum(amount_minor) FILTER (WHERE kind = 'refund' AND state = 'waiting') AS refunding
    FROM payments_attempt GROUP BY payment_id) AS a ON a.payment_id = p.id
WHERE (p.captured_minor, p.refunded_minor, p.capturing_minor, p.refunding_minor)
   <> (COALESCE(a.captured, 0), COALESCE(a.refunded, 0), COALESCE(a.capturing, 0), COALESCE(a.refunding, 0))
"""
