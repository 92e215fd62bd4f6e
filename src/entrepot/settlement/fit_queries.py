"""What a line of a payout that waits may be: the charges, refunds and disputes of its provider that no line settles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.settlement.queries import KNOWN

WALKED_MAX = 2_000
"""Of so many open lines of 1100 of an amount, the latest, what they belong to is looked for where one line is looked
at; where many are, of `WALKED_FEW`."""
WALKED_FEW = 50


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A line of a payout with what its payout says of it; `whole_minor` is what the line that it is a part of is
    over."""

    payout: UUID
    payout_number: str
    number: int
    kind: str
    reference: str
    currency: str
    provider: str
    amount_minor: int
    difference_minor: int
    state: str
    reason: str
    whole_minor: int | None
    arrived_at: datetime


def line(company: int, payout: UUID, number: int) -> WaitingLine | None:
    """A line of a payout of a company; None where there is none. 1 statement."""
    params = {"company": company, "payouts": [payout], "numbers": [number]}
    return next((WaitingLine(*row) for row in sql.run(_LINE, params)), None)


@dataclass(frozen=True, slots=True)
class Fit:
    """A charge, refund or dispute that a line may be, under its provider's `reference`; `order` is what it was paid
    for."""

    id: UUID
    kind: str
    reference: str
    amount_minor: int
    at: datetime
    order: UUID
    order_number: str


def fits(
    company: int,
    lines: Sequence[tuple[UUID, int]],
    *,
    said: Sequence[str] = (),
    amounts: Sequence[int] = (),
    limit: int,
) -> dict[tuple[UUID, int], list[Fit]]:
    """Of each line, by payout and number, what it may be, and no more than `limit`: what goes by its own reference, is
    over its very amount, or by what a person looks for: a reference, a number of an order or the channel's name of it
    (`said`), or other `amounts`. First what is over its amount, then by how near its day is. 1 statement;
    none for no line."""
    found: dict[tuple[UUID, int], list[Fit]] = defaultdict(list)
    if not lines:
        return found
    params = {
        **sql.columns(("payouts", "numbers"), list(lines)),
        "company": company, "said": list(said), "amounts": list(amounts), "limit": limit,
        "walked": WALKED_MAX if len(lines) == 1 else WALKED_FEW,
    }  # fmt: skip
    for payout, number, *one in sql.run(_FITS, params):
        found[payout, number].append(Fit(*one))
    return found


_LINE = """
SELECT l.payout_id, p.number AS payout_number, l.number, l.kind, l.reference, p.currency::text, p.provider,
       l.amount_minor, l.difference_minor, l.state, l.reason, l.whole_minor, p.arrived_at
FROM unnest(%(payouts)s::uuid[], %(numbers)s::int[]) AS d(payout, number)
JOIN settlement_payoutline AS l ON l.payout_id = d.payout AND l.number = d.number
JOIN settlement_payout AS p ON p.id = l.payout_id AND p.company_id = %(company)s::smallint
"""

# What is found by an index is looked up first, of each line a bounded number: whether no line settles it is asked of
# these alone. A payment's open line of 1100 leads to its attempts; disputes of a provider are few.
_FITS = f"""
WITH l AS MATERIALIZED ({_LINE}),
found AS MATERIALIZED (
    SELECT l.payout_id, l.number, a.id
    FROM l JOIN payments_attempt AS a
      ON a.provider_reference = ANY(l.reference || %(said)s::text[]) AND a.provider_reference <> ''
    UNION
    SELECT l.payout_id, l.number, a.id
    FROM l JOIN payments_dispute AS d ON d.company_id = %(company)s::smallint AND d.provider = l.provider
    CROSS JOIN LATERAL (SELECT d.id) AS a
    WHERE l.kind IN ('chargeback', 'chargeback_reversal')
      AND (d.external_id = ANY(l.reference || %(said)s::text[])
           OR d.amount_minor = ANY(l.amount_minor || %(amounts)s::bigint[]))
    UNION
    SELECT l.payout_id, l.number, a.id
    FROM l CROSS JOIN LATERAL unnest(l.amount_minor || %(amounts)s::bigint[]) AS s(minor)
    CROSS JOIN LATERAL (
        SELECT i.line_id FROM ledger_clearingitem AS i
        WHERE i.company_id = %(company)s::smallint AND i.account = 1100 AND i.currency = l.currency
          AND i.open_minor = CASE l.kind WHEN 'refund' THEN -s.minor ELSE s.minor END AND i.open_minor <> 0
        ORDER BY i.line_id DESC LIMIT %(walked)s::int) AS i
    JOIN ledger_line AS j ON j.id = i.line_id AND j.document_kind = 'payment'
    JOIN payments_attempt AS a ON a.payment_id = j.document_id
    WHERE l.kind IN ('charge', 'refund', 'refund_reversal') AND a.amount_minor = s.minor
    UNION
    SELECT l.payout_id, l.number, x.id
    FROM l CROSS JOIN orders_order AS o JOIN payments_payment AS p ON p.order_id = o.id
    CROSS JOIN LATERAL (SELECT id FROM payments_attempt WHERE payment_id = p.id
                        UNION ALL SELECT id FROM payments_dispute WHERE payment_id = p.id) AS x
    WHERE o.company_id = %(company)s::smallint
      AND o.id IN (SELECT id FROM orders_order WHERE number = ANY(%(said)s::text[])
                   UNION ALL
                   SELECT n.id FROM network_channel AS c JOIN orders_order AS n
                     ON n.company_id = %(company)s::smallint AND n.channel_id = c.id
                    AND n.external_id = ANY(%(said)s::text[])
                   WHERE c.company_id = %(company)s::smallint))
SELECT payout_id, number, id, kind, reference, amount, at, order_id, order_number
FROM (SELECT l.payout_id, l.number, k.id, k.kind, k.reference, k.amount, w.at, p.order_id,
             COALESCE(o.number, '') AS order_number,
             row_number() OVER (PARTITION BY l.payout_id, l.number ORDER BY k.amount <> l.amount_minor,
                                abs(extract(epoch FROM w.at - l.arrived_at)), k.id) AS turn
      FROM found AS f JOIN l USING (payout_id, number)
      JOIN ({KNOWN}) AS k ON k.id = f.id AND k.kind = l.kind AND k.company = %(company)s::int
       AND k.provider = l.provider AND k.currency = l.currency
      CROSS JOIN LATERAL (
          SELECT COALESCE(settled_at, occurred_at) AS at, payment_id FROM payments_attempt WHERE id = k.id
          UNION ALL SELECT opened_at, payment_id FROM payments_dispute WHERE id = k.id) AS w
      JOIN payments_payment AS p ON p.id = w.payment_id LEFT JOIN orders_order AS o ON o.id = p.order_id
      WHERE NOT EXISTS (SELECT FROM settlement_payoutline AS s WHERE s.known_id = k.id AND s.kind = k.kind)) AS t
WHERE turn <= %(limit)s::int ORDER BY payout_id, number, turn
"""
