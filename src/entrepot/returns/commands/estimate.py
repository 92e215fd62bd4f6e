"""What of the sales is still expected to come back: the refund liability and the right to the goods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.returns import rules
from entrepot.returns.commands.lock import in_force


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bring a company's estimate up to date as of a moment."""

    company: int
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Estimated:
    """What stands in the books now, in minor units of the company's currency, and by how much it changed."""

    company: int
    liability_minor: int
    asset_minor: int
    changed_minor: int


@dataclass(frozen=True, slots=True)
class _Books:
    currency: str
    liability: int
    asset: int


@command("returns.estimate")
def estimate(cause: Cause, /, *, requests: Sequence[Estimate]) -> list[Estimated | Refused]:
    """The difference between what is expected to come back and what the books say, posted to contra accounts alone.

    Expected is a percentage (policy `returns`, 0 by default) of what was sold in the months of the window, less what
    has come back of them. Locks: the balances. Refuses: NotFound; what the ledger refuses.
    Again: changes nothing. 7 statements.
    """
    companies = [one.company for one in requests]
    times = {one.company: one.occurred_at or cause.at for one in requests}
    policies = in_force(cause, companies)
    cohorts = _cohorts({one: policies[one][1] for one in companies}, times)
    books = {row[0]: _Books(*row[1:]) for row in sql.run(_BOOKS, {"companies": companies})}

    answers: list[Estimated | Refused] = []
    postings = []
    for company in companies:
        if company not in books:
            answers.append(NotFound(what="company", which=str(company)))
            continue
        now = books[company]
        liability, asset = rules.expected(cohorts[company], policies[company][1].expected_percent)
        amounts = [("estimate.revenue", liability - now.liability), ("estimate.cost", asset - now.asset)]
        if any(amount for _, amount in amounts):
            document = ids.uuid7()
            at = times[company]
            postings.append(
                Posting(company, "return.expected", "estimate", document, now.currency, amounts, at)
            )
        answers.append(Estimated(company, liability, asset, liability - now.liability))
        books[company] = _Books(now.currency, liability, asset)
    posted = post(cause, requests=postings) if postings else []
    announce(cause, [
        Event("estimate", one.document, one.company, occurred_at=one.occurred_at, payload=dict(one.amounts))
        for one, answer in zip(postings, posted, strict=True)
        if not isinstance(answer, Refused)
    ])  # fmt: skip
    refused = {
        one.company: answer
        for one, answer in zip(postings, posted, strict=True)
        if isinstance(answer, Refused)
    }
    return [refused.get(one.company, one) if isinstance(one, Estimated) else one for one in answers]


def _cohorts(
    policies: Mapping[int, rules.Policy], times: Mapping[int, datetime]
) -> dict[int, list[rules.Cohort]]:
    """By company, what was sold in each month of its window, where anything of it is expected back."""
    found: dict[int, list[rules.Cohort]] = {one: [] for one in policies}
    windows = [
        (company, times[company], policy.window_days)
        for company, policy in policies.items()
        if policy.expected_percent
    ]
    if windows:
        for company, *amounts in sql.run(_COHORTS, sql.columns(("companies", "times", "days"), windows)):
            found[company].append(rules.Cohort(*amounts))
    return found


# By the month in which the first units of a line left: what they sold for and cost, and what of both has come back.
_COHORTS = """
WITH w AS (
    SELECT * FROM unnest(%(companies)s::smallint[], %(times)s::timestamptz[], %(days)s::int[]) AS w(company, at, days)
),
sold AS (
    SELECT h.company_id, date_trunc('month', h.shipped_at, 'UTC') AS month, l.line_id, l.quantity,
           l.goods_minor - l.discount_minor AS sold,
           (SELECT COALESCE(sum(m.value_minor), 0) FROM stock_move AS m
            WHERE m.document_id = h.id AND m.line_id = l.line_id AND m.to_place = 'customer') AS cost
    FROM w JOIN shipping_shipment AS h ON h.company_id = w.company
      AND h.shipped_at > w.at - make_interval(days => w.days) AND h.shipped_at <= w.at
    JOIN shipping_shipmentline AS l ON l.shipment_id = h.id
),
back AS (
    SELECT s.line_id, s.goods_minor AS returned,
           (SELECT COALESCE(sum(r.cost_minor), 0) FROM returns_line AS l JOIN returns_receipt AS r
              ON r.return_line_id = l.id WHERE l.line_id = s.line_id) AS returned_cost
    FROM returns_sold AS s WHERE s.line_id IN (SELECT line_id FROM sold)
)
SELECT company_id::int, sum(sold)::bigint, sum(cost)::bigint, COALESCE(sum(returned), 0)::bigint,
       COALESCE(sum(returned_cost), 0)::bigint
FROM (SELECT company_id, min(month) AS month, line_id, sum(sold) AS sold, sum(cost) AS cost
      FROM sold GROUP BY company_id, line_id) AS one
LEFT JOIN back USING (line_id)
GROUP BY company_id, month
"""

_BOOKS = """
SELECT c.id::int, c.currency,
       COALESCE(sum(b.credit_minor - b.debit_minor) FILTER (WHERE b.account = 2310), 0)::bigint,
       COALESCE(sum(b.debit_minor - b.credit_minor) FILTER (WHERE b.account = 1220), 0)::bigint
FROM parties_company AS c LEFT JOIN ledger_balance AS b ON b.company_id = c.id AND b.account IN (2310, 1220)
WHERE c.id = ANY(%(companies)s::smallint[]) GROUP BY c.id, c.currency
"""
