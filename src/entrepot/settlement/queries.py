"""What is asked of settlement: payouts, what the clearing account still holds, and whether that is explained."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.settlement import (
    bank_queries,
    carrier_queries,
    clearing_queries,
    closing_queries,
    invoice_queries,
    privacy_queries,
    supplier_queries,
)
from entrepot.settlement.bank_queries import ON_ACCOUNT


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """A payout with how many of its lines wait to be explained."""

    id: UUID
    number: str
    provider: str
    external_id: str
    currency: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    state: str
    arrived_at: datetime
    lines: int
    open_lines: int


def payouts(company: int, *, after: UUID | None = None, limit: int = 50) -> list[PayoutRow]:
    """Payouts, the latest first, behind the payout `after`."""
    params = {"company": company, "after": after, "limit": limit}
    return [PayoutRow(*row) for row in sql.run(_PAYOUTS, params)]


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line of a payout that waits to be explained; `difference_minor` is what it should have brought more."""

    payout: UUID
    number: int
    kind: str
    reference: str
    amount_minor: int
    fee_minor: int
    state: str
    difference_minor: int
    reason: str


def open_lines(payouts: Collection[UUID], *, limit: int | None = None) -> list[OpenLine]:
    """Lines of payouts that differ or belong to nothing, in order; all of them, or the first. 1 statement."""
    return [OpenLine(*row) for row in sql.run(_OPEN_LINES, {"payouts": list(payouts), "limit": limit})]


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of a payout; `known` is the attempt or dispute that it settles, `whole_minor` what the line that it is a
    part of is over in the report."""

    number: int
    kind: str
    reference: str
    known: UUID | None
    amount_minor: int
    fee_minor: int
    state: str
    difference_minor: int
    reason: str
    whole_minor: int | None


def lines(payout: UUID, *, after: int = 0, limit: int = 500) -> list[LineRow]:
    """Lines of a payout in its own order, behind the line `after`."""
    params = {"payout": payout, "after": after, "limit": limit}
    return [LineRow(*row) for row in sql.run(_LINES, params)]


@dataclass(frozen=True, slots=True)
class Clearing:
    """What a provider still has of ours, and of how many charges, refunds and disputes; by provider and currency."""

    provider: str
    currency: str
    charges: int
    refunds: int
    disputes: int
    amount_minor: int


def open_clearing(company: int) -> list[Clearing]:
    """What account 1100 holds and no payout has brought. 1 statement."""
    return [Clearing(*row) for row in sql.run(_CLEARING, {"company": company})]


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """A reason why account 1100 is not at zero: a charge, refund or dispute that no payout has brought, or a line that
    waits to be explained (then `subject` is its payout)."""

    kind: str
    subject: UUID
    provider: str
    reference: str
    since: datetime
    amount_minor: int


def open_entries(company: int, currency: str) -> list[OpenEntry]:
    """What account 1100 holds, one by one, the oldest first: their sum is its balance. 1 statement."""
    params = {"company": company, "currency": currency}
    return [OpenEntry(*row) for row in sql.run(_ENTRIES, params)]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("settlement_payout", "settlement_payoutline")
    found = {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}
    return (
        found
        | carrier_queries.checked()
        | supplier_queries.checked()
        | invoice_queries.checked()
        | bank_queries.checked()
        | clearing_queries.checked()
        | privacy_queries.checked()
        | closing_queries.checked()
    )


def discrepancies() -> list[str]:
    """Sentences about payouts that don't add up, and a clearing account that nothing explains."""
    return (
        [
            sentence
            for statement in (_SUMS, _UNEXPLAINED, _STATES, _DIFFERENCES, _RESERVED)
            for (sentence,) in sql.run(statement)
        ]
        + carrier_queries.discrepancies()
        + supplier_queries.discrepancies()
        + invoice_queries.discrepancies()
        + bank_queries.discrepancies()
        + clearing_queries.discrepancies()
        + privacy_queries.discrepancies()
        + closing_queries.discrepancies()
    )


KNOWN = """
SELECT a.company_id::int AS company, p.provider, p.currency::text AS currency,
       CASE a.kind WHEN 'capture' THEN 'charge' ELSE 'refund' END AS kind, a.provider_reference AS reference, a.id,
       a.amount_minor AS amount, COALESCE(a.asked_minor, a.amount_minor) AS asked, 0::bigint AS fee
FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id
WHERE (a.state = 'done' OR a.bounced_at IS NOT NULL) AND a.kind IN ('capture', 'refund')
UNION ALL
SELECT a.company_id::int, p.provider, p.currency::text, 'refund_reversal', a.provider_reference, a.id, a.amount_minor,
       COALESCE(a.asked_minor, a.amount_minor), 0
FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id
WHERE a.bounced_at IS NOT NULL
UNION ALL
SELECT d.company_id::int, d.provider, p.currency::text, k.kind, d.external_id, d.id, d.amount_minor,
       COALESCE(d.asked_minor, d.amount_minor),
       CASE k.kind WHEN 'chargeback' THEN d.fee_minor ELSE -d.fee_returned_minor END
FROM payments_dispute AS d JOIN payments_payment AS p ON p.id = d.payment_id
CROSS JOIN (VALUES ('chargeback'), ('chargeback_reversal')) AS k(kind)
WHERE d.withdrawn_at IS NOT NULL AND (k.kind = 'chargeback' OR d.state = 'won')
"""
"""Attempts and disputes as a payout would name them, with the fees that are booked with them. A dispute that was won
comes back as a reversal of its chargeback, under the same reference, and a refund that bounced as one of its own; what
no bank took is in no payout."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """What a provider holds back of its payouts."""

    provider: str
    currency: str
    reserve_minor: int


def reserves(company: int) -> list[Reserve]:
    """By provider and currency, where something is held back. 1 statement."""
    return [Reserve(*row) for row in sql.run(_RESERVES, {"company": company})]


RESERVES = """
SELECT p.company_id, p.provider, p.currency,
       sum((l.amount_minor + l.difference_minor)
           * CASE l.kind WHEN 'reserve_held' THEN 1 ELSE -1 END)::bigint AS reserve
FROM settlement_payoutline AS l JOIN settlement_payout AS p ON p.id = l.payout_id
WHERE l.kind IN ('reserve_held', 'reserve_released') AND {whose} GROUP BY 1, 2, 3
"""
"""What providers hold back of payouts, by company, provider and currency. Of what was released beyond it, nothing.
`whose` stands inside: the sums of others are not worth making."""

_RESERVES = f"""
SELECT provider, currency::text, reserve
FROM ({RESERVES.format(whose="p.company_id = %(company)s::smallint")}) AS r
WHERE reserve <> 0 ORDER BY provider, currency
"""

_PAYOUTS = """
SELECT p.id, p.number, p.provider, p.external_id, p.currency, p.gross_minor, p.fee_minor, p.net_minor, p.state,
       p.arrived_at, count(l.number)::int,
       count(l.number) FILTER (WHERE l.state IN ('differs', 'unmatched'))::int
FROM settlement_payout AS p LEFT JOIN settlement_payoutline AS l ON l.payout_id = p.id
WHERE p.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR p.id < %(after)s::uuid)
GROUP BY p.id ORDER BY p.id DESC LIMIT %(limit)s::int
"""

_OPEN_LINES = """
SELECT payout_id, number, kind, reference, amount_minor, fee_minor, state, difference_minor, reason
FROM settlement_payoutline WHERE payout_id = ANY(%(payouts)s::uuid[]) AND state IN ('differs', 'unmatched')
ORDER BY payout_id, number LIMIT %(limit)s::int
"""

_LINES = """
SELECT number, kind, reference, known_id, amount_minor, fee_minor, state, difference_minor, reason, whole_minor
FROM settlement_payoutline WHERE payout_id = %(payout)s::uuid AND number > %(after)s::int
ORDER BY number LIMIT %(limit)s::int
"""

# Attempts and disputes that no line settles. A dispute that was won and never charged back is even.
_OPEN = f"""
SELECT a.company_id, p.provider, p.currency, a.kind,
       CASE a.kind WHEN 'capture' THEN a.amount_minor ELSE -a.amount_minor END AS amount,
       a.id AS subject, a.provider_reference AS reference, a.settled_at AS since
FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id
LEFT JOIN settlement_payoutline AS l
  ON l.known_id = a.id AND l.kind = CASE a.kind WHEN 'capture' THEN 'charge' ELSE 'refund' END
WHERE (a.state = 'done' OR a.bounced_at IS NOT NULL) AND a.kind IN ('capture', 'refund') AND l.known_id IS NULL
  AND p.provider NOT IN ('account', 'store_credit')
UNION ALL  -- of an order on account of which something is open, all that makes it: no payout brings it
SELECT a.company_id, p.provider, p.currency, a.kind,
       CASE a.kind WHEN 'capture' THEN a.amount_minor ELSE -a.amount_minor END, a.id, a.provider_reference, a.settled_at
FROM ({ON_ACCOUNT}) AS b
JOIN payments_payment AS p
  ON COALESCE(p.origin_id, p.order_id) = b.order_id AND p.currency = b.currency AND p.provider = 'account'
JOIN payments_attempt AS a ON a.payment_id = p.id AND a.kind IN ('capture', 'refund') AND a.state = 'done'
UNION ALL
SELECT l.company_id, 'account', s.currency, 'collected', -l.amount_minor, l.known_id, '', s.taken_at
FROM ({ON_ACCOUNT}) AS b
JOIN settlement_bankstatementline AS l ON l.known_id = b.order_id AND l.known_kind = 'order'
JOIN settlement_bankstatement AS s ON s.id = l.statement_id AND s.currency = b.currency
UNION ALL
SELECT a.company_id, p.provider, p.currency, 'refund_reversal', a.amount_minor, a.id, a.provider_reference, a.bounced_at
FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id
LEFT JOIN settlement_payoutline AS l ON l.known_id = a.id AND l.kind = 'refund_reversal'
WHERE a.bounced_at IS NOT NULL AND l.known_id IS NULL AND p.provider <> 'account'
UNION ALL
SELECT d.company_id, p.provider, p.currency, 'dispute',
       CASE WHEN d.state = 'won' OR d.withdrawn_at IS NULL THEN 0 ELSE -d.amount_minor END
       + COALESCE(c.amount_minor + c.difference, 0) - COALESCE(r.amount_minor + r.difference, 0)
       - CASE WHEN c.amount_minor IS NULL THEN d.fee_minor ELSE 0 END
       + CASE WHEN r.amount_minor IS NULL THEN d.fee_returned_minor ELSE 0 END,
       d.id, d.external_id, d.opened_at
FROM payments_dispute AS d JOIN payments_payment AS p ON p.id = d.payment_id
LEFT JOIN LATERAL (SELECT amount_minor, -difference_minor AS difference FROM settlement_payoutline
                   WHERE known_id = d.id AND kind = 'chargeback') AS c ON TRUE
LEFT JOIN LATERAL (SELECT amount_minor, difference_minor AS difference FROM settlement_payoutline
                   WHERE known_id = d.id AND kind = 'chargeback_reversal') AS r ON TRUE
"""

_CLEARING = f"""
SELECT provider, currency, count(*) FILTER (WHERE kind = 'capture')::int, count(*) FILTER (WHERE kind = 'refund')::int,
       count(*) FILTER (WHERE kind = 'dispute' AND amount <> 0)::int, sum(amount)::bigint
FROM ({_OPEN}) AS o WHERE o.company_id = %(company)s::smallint
GROUP BY provider, currency HAVING sum(amount) <> 0 OR count(*) FILTER (WHERE amount <> 0) > 0
ORDER BY provider, currency
"""

_ENTRIES = f"""
SELECT CASE kind WHEN 'capture' THEN 'charge' ELSE kind END, subject, provider, reference, since, amount
FROM ({_OPEN}) AS o
WHERE o.company_id = %(company)s::smallint AND o.currency = %(currency)s::text AND o.amount <> 0
UNION ALL
SELECT 'line', p.id, p.provider, l.reference, p.arrived_at, l.difference_minor
FROM settlement_payoutline AS l JOIN settlement_payout AS p ON p.id = l.payout_id
WHERE p.company_id = %(company)s::smallint AND p.currency::text = %(currency)s::text
  AND l.state IN ('differs', 'unmatched')
ORDER BY since, subject
"""

# invariant 1: a payout is the sum of its lines
_SUMS = """
SELECT format('payout %s says %s before fees of %s, its lines make %s and %s', p.number, p.gross_minor, p.fee_minor,
              COALESCE(l.gross, 0), COALESCE(l.fees, 0))
FROM settlement_payout AS p LEFT JOIN (
    SELECT payout_id, sum(CASE WHEN kind IN ('charge', 'refund_reversal', 'chargeback_reversal', 'reserve_released')
                               THEN amount_minor
                               WHEN kind = 'fee' THEN 0 ELSE -amount_minor END) AS gross, sum(fee_minor) AS fees
    FROM settlement_payoutline GROUP BY 1) AS l ON l.payout_id = p.id
WHERE (p.gross_minor, p.fee_minor) <> (COALESCE(l.gross, 0), COALESCE(l.fees, 0))
"""

# invariant 2: the clearing account holds what no payout has brought, and what of payouts nobody has explained
_UNEXPLAINED = f"""
SELECT format('company %s: account 1100 holds %s %s; charges without a payout make %s, lines to explain %s', company_id,
              COALESCE(b.balance, 0), currency, COALESCE(o.amount, 0), COALESCE(d.amount, 0))
FROM (SELECT company_id, currency::text, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_balance
      WHERE account = 1100 GROUP BY 1, 2) AS b
FULL JOIN (SELECT company_id, currency::text, sum(amount)::bigint AS amount FROM ({_OPEN}) AS o GROUP BY 1, 2) AS o
  USING (company_id, currency)
FULL JOIN (SELECT p.company_id, p.currency::text, sum(l.difference_minor)::bigint AS amount
           FROM settlement_payoutline AS l JOIN settlement_payout AS p ON p.id = l.payout_id
           WHERE l.state IN ('differs', 'unmatched') GROUP BY 1, 2) AS d USING (company_id, currency)
WHERE COALESCE(b.balance, 0) <> COALESCE(o.amount, 0) + COALESCE(d.amount, 0)
"""

# invariant 5: a payout is open while one of its lines waits
_STATES = """
SELECT format('payout %s is %s with %s lines to explain', p.number, p.state, count(l.number))
FROM settlement_payout AS p
LEFT JOIN settlement_payoutline AS l ON l.payout_id = p.id AND l.state IN ('differs', 'unmatched')
GROUP BY p.id HAVING (p.state = 'open') <> (count(l.number) > 0)
"""

# invariant 6: a line differs by what it should have brought more than it did: all of it, where it settles nothing
_DIFFERENCES = f"""
SELECT format('line %s of payout %s says that it differs by %s, it does by %s', d.number, p.number, d.difference_minor,
              d.expected)
FROM (SELECT l.payout_id, l.number, l.state, l.kind, l.difference_minor,
             CASE WHEN l.kind IN ('charge', 'refund_reversal', 'chargeback_reversal') THEN 1
                  WHEN l.kind = 'fee' THEN 0 ELSE -1 END
             * (COALESCE(k.amount, 0) - l.amount_minor) AS expected
      FROM settlement_payoutline AS l LEFT JOIN ({KNOWN}) AS k ON k.id = l.known_id AND k.kind = l.kind) AS d
JOIN settlement_payout AS p ON p.id = d.payout_id
WHERE (d.difference_minor <> d.expected AND d.kind NOT IN ('reserve_held', 'reserve_released'))
   OR (d.state = 'matched' AND d.difference_minor <> 0)
"""

# invariant 27: account 1120 holds what providers hold back of payouts
_RESERVED = f"""
SELECT format('company %s: account 1120 holds %s %s, payouts say that providers hold back %s', company_id,
              COALESCE(b.balance, 0), currency, COALESCE(r.reserve, 0))
FROM (SELECT company_id, currency::text, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_balance
      WHERE account = 1120 GROUP BY 1, 2) AS b
FULL JOIN (SELECT company_id, currency::text, sum(reserve)::bigint AS reserve
           FROM ({RESERVES.format(whose="TRUE")}) AS r GROUP BY 1, 2) AS r
  USING (company_id, currency)
WHERE COALESCE(b.balance, 0) <> COALESCE(r.reserve, 0)
"""
