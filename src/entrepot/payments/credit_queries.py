"""What is asked of store credit: accounts, what is good until when, and whether the books say the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class CreditRow:
    """The store credit of a customer: what the house owes, of which orders hold so much, and a bonus is so much."""

    id: UUID
    customer: str
    currency: str
    balance_minor: int
    held_minor: int
    bonus_minor: int
    expires_at: datetime | None


def accounts(company: int, *, text: str = "", after: UUID | None = None, limit: int = 50) -> list[CreditRow]:
    """Accounts, the latest first, behind the account `after`; `text` is a customer's code. `expires_at` is when the
    next of it ends. 1 statement."""
    params = {"company": company, "text": text or None, "after": after, "id": None, "limit": limit}
    return [CreditRow(*row) for row in sql.run(_ACCOUNTS, params)]


def account(company: int, credit: UUID) -> CreditRow | None:
    """One account of a company. 1 statement."""
    params = {"company": company, "text": None, "after": None, "id": credit, "limit": 1}
    rows = sql.run(_ACCOUNTS, params)
    return CreditRow(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class GrantRow:
    id: UUID
    kind: str
    amount_minor: int
    left_minor: int
    expires_at: datetime | None
    document: UUID
    granted_at: datetime


def grants(credit: UUID) -> list[GrantRow]:
    """What was given to an account, the latest first. 1 statement."""
    return [GrantRow(*row) for row in sql.run(_GRANTS, {"id": credit})]


@dataclass(frozen=True, slots=True)
class MoveRow:
    """A line of an account's ledger; `order` is the one that was paid with it, or refunded."""

    id: int
    kind: str
    of: str
    amount_minor: int
    order: UUID | None
    occurred_at: datetime


def moves(credit: UUID, *, before: int | None = None, limit: int = 100) -> list[MoveRow]:
    """The ledger of an account, the latest first. 1 statement."""
    return [MoveRow(*row) for row in sql.run(_MOVES, {"id": credit, "before": before, "limit": limit})]


def companies_with_due(at: datetime) -> list[int]:
    """Companies some of whose store credit has ended. 1 statement."""
    return [company for (company,) in sql.run(_DUE, {"at": at})]


def discrepancies() -> list[str]:
    """Sentences about accounts that disagree with their ledger, their payments or the books."""
    return [sentence for statement in (_BALANCE, _HELD, _BOOKS) for (sentence,) in sql.run(statement)]


_ACCOUNTS = """
SELECT c.id, u.code, c.currency, c.balance_minor, c.held_minor, g.bonus, g.ends
FROM payments_credit AS c JOIN parties_customer AS u ON u.id = c.customer_id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(left_minor) FILTER (WHERE kind = 'bonus'), 0)::bigint AS bonus, min(expires_at) AS ends
    FROM payments_creditgrant WHERE credit_id = c.id AND left_minor > 0) AS g
WHERE c.company_id = %(company)s::smallint AND (%(id)s::uuid IS NULL OR c.id = %(id)s::uuid)
  AND (%(text)s::text IS NULL OR u.code = %(text)s::text) AND (%(after)s::uuid IS NULL OR c.id < %(after)s::uuid)
ORDER BY c.id DESC LIMIT %(limit)s::int
"""

_GRANTS = """
SELECT id, kind, amount_minor, left_minor, expires_at, document_id, granted_at FROM payments_creditgrant
WHERE credit_id = %(id)s::uuid ORDER BY id DESC
"""

_MOVES = """
SELECT m.id, m.kind, g.kind, m.amount_minor, p.order_id, m.occurred_at
FROM payments_creditmove AS m JOIN payments_creditgrant AS g ON g.id = m.grant_id
LEFT JOIN payments_payment AS p ON p.id = m.document_id
WHERE m.credit_id = %(id)s::uuid AND (%(before)s::bigint IS NULL OR m.id < %(before)s::bigint)
ORDER BY m.id DESC LIMIT %(limit)s::int
"""

_DUE = """
SELECT DISTINCT company_id::int FROM payments_creditgrant
WHERE left_minor > 0 AND expires_at <= %(at)s::timestamptz ORDER BY 1
"""

# invariant 8: a balance is the sum of its ledger, and of what is left of its grants
_BALANCE = """
SELECT format('store credit %s says %s, its ledger %s and its grants %s', c.id, c.balance_minor, COALESCE(m.amount, 0),
              COALESCE(g.amount, 0))
FROM payments_credit AS c
LEFT JOIN (SELECT credit_id, sum(amount_minor) AS amount FROM payments_creditmove GROUP BY 1) AS m ON m.credit_id = c.id
LEFT JOIN (SELECT credit_id, sum(left_minor) AS amount FROM payments_creditgrant GROUP BY 1) AS g ON g.credit_id = c.id
WHERE c.balance_minor <> COALESCE(m.amount, 0) OR c.balance_minor <> COALESCE(g.amount, 0)
"""

# invariant 9: what is held is what orders are to be paid with
_HELD = """
SELECT format('store credit %s holds %s, orders %s', c.id, c.held_minor, COALESCE(p.amount, 0))
FROM payments_credit AS c LEFT JOIN (
    SELECT reference, sum(authorized_minor - captured_minor) AS amount FROM payments_payment
    WHERE provider = 'store_credit' AND state <> 'voided' GROUP BY 1) AS p ON p.reference = c.id::text
WHERE c.held_minor <> COALESCE(p.amount, 0)
"""

# invariant 10: the liability is what all accounts are worth together
_BOOKS = """
SELECT format('company %s: account 2410 says %s %s, the accounts of store credit %s', company_id,
              COALESCE(b.amount, 0), currency, COALESCE(c.amount, 0))
FROM (SELECT company_id, currency, sum(balance_minor)::bigint AS amount FROM payments_credit GROUP BY 1, 2) AS c
FULL JOIN (SELECT company_id, currency, -sum(debit_minor - credit_minor)::bigint AS amount FROM ledger_balance
           WHERE account = 2410 GROUP BY 1, 2) AS b USING (company_id, currency)
WHERE COALESCE(b.amount, 0) <> COALESCE(c.amount, 0)
"""
