"""What of the sales is still expected to come back: the refund liability and the right to the goods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from entrepot.kernel import ids, sql
from entrepot.kernel.aside import step
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.returns import cohort_queries, expecting
from entrepot.returns.commands.lock import in_force
from entrepot.returns.expecting import Basis, Measured


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


@dataclass(slots=True)
class _Books:
    currency: str
    liability: int
    asset: int


@dataclass(slots=True)
class _Draft:
    at: datetime
    basis: Basis
    measured: list[Measured]
    posting: Posting | None


@command("returns.estimate")
def estimate(cause: Cause, /, *, requests: Sequence[Estimate]) -> list[Estimated | Refused]:
    """The difference between what is expected to come back and what the books say, posted to contra accounts alone;
    and what of it is of which month's sales.

    Expected is a percentage (policy `returns`, 0 by default, or observed) of what was sold in the months of the window,
    less what has come back of them; and of what left before, all that is asked back and not refunded yet.
    Locks: the estimate of each company. Refuses: NotFound; what the ledger refuses.
    Again: changes nothing. 9 statements; 2 more where a company goes by what was observed.
    """
    companies = [one.company for one in requests]
    sql.run(_LOCK, {"companies": sorted(set(companies))})
    times = {one.company: one.occurred_at or cause.at for one in requests}
    policies = {company: policy for company, (_, policy) in in_force(cause, companies).items()}
    bases = cohort_queries.bases(policies, times)
    step(1, 3)
    cohorts = cohort_queries.cohorts({
        company: (times[company], policy.window_days) for company, policy in policies.items()
    })  # fmt: skip
    step(2, 3)
    books = {
        company: _Books(currency, liability, asset)
        for company, currency, liability, asset in cohort_queries.books(companies)
    }

    answers: list[Estimated | Refused] = []
    drafts: dict[int, _Draft] = {}
    for company in companies:
        if company not in books:
            answers.append(NotFound(what="company", which=str(company)))
            continue
        now = books[company]
        measured = expecting.measure(cohorts.get(company, ()), bases[company])
        if not bases[company].percent and policies[company].expected_by != "observed":
            measured = [one for one in measured if one.liability or one.asset]
        liability, asset = expecting.sums(measured)
        if company not in drafts:
            posting = _posting(company, now, liability, asset, times[company])
            drafts[company] = _Draft(times[company], bases[company], measured, posting)
        answers.append(Estimated(company, liability, asset, liability - now.liability))
        now.liability, now.asset = liability, asset
    refused = _write(cause, drafts)
    return [refused.get(one.company, one) if isinstance(one, Estimated) else one for one in answers]


def _posting(company: int, now: _Books, liability: int, asset: int, at: datetime) -> Posting | None:
    amounts = (("estimate.revenue", liability - now.liability), ("estimate.cost", asset - now.asset))
    if not any(amount for _, amount in amounts):
        return None
    return Posting(company, "return.expected", "estimate", ids.uuid7(), now.currency, amounts, at)


def _write(cause: Cause, drafts: Mapping[int, _Draft]) -> dict[int, Refused]:
    """Post, and keep the cohorts of those whose entry was not refused."""
    postings = [one.posting for one in drafts.values() if one.posting]
    posted = post(cause, requests=postings) if postings else []
    refused = {
        one.company: answer
        for one, answer in zip(postings, posted, strict=True)
        if isinstance(answer, Refused)
    }
    kept = {company: one for company, one in drafts.items() if company not in refused}
    rows = [
        (company, one.at.astimezone(UTC).date().replace(day=1), *m.of[:5], one.basis.percent, one.basis.recovered,
         m.of.asked, m.of.asked_cost, m.liability, m.asset, one.at)
        for company, one in kept.items()
        for m in one.measured
    ]  # fmt: skip
    if kept:
        sql.run(_KEEP, sql.columns(_COHORT, rows) | {"kept": list(kept)})
    announce(cause, [
        Event("estimate", one.document, one.company, occurred_at=one.occurred_at, payload=dict(one.amounts))
        for one in postings
        if one.company not in refused
    ])  # fmt: skip
    return refused


# One at a time compares with the books what it adds to them.
_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('returns.estimate ' || company, 0))
FROM unnest(%(companies)s::int[]) AS company
"""

_COHORT = (
    "companies", "measured", "months", "sold", "costs", "returned", "returned_costs", "percents", "recovered",
    "asked", "asked_costs", "liabilities", "assets", "times",
)  # fmt: skip

# What was measured in an earlier month stays as it was then, and does not stand any more; a cohort whose window is over
# stands with nothing.
_KEEP = """
WITH d AS (
    SELECT * FROM unnest(%(companies)s::smallint[], %(measured)s::date[], %(months)s::date[], %(sold)s::bigint[],
        %(costs)s::bigint[], %(returned)s::bigint[], %(returned_costs)s::bigint[], %(percents)s::numeric[],
        %(recovered)s::numeric[], %(asked)s::bigint[], %(asked_costs)s::bigint[], %(liabilities)s::bigint[],
        %(assets)s::bigint[], %(times)s::timestamptz[])
        AS d(company, measured, month, sold, cost, returned, returned_cost, percent, recovered, asked, asked_cost,
             liability, asset, at)
), past AS (
    UPDATE returns_cohort AS c SET stands = FALSE
    WHERE c.company_id = ANY(%(kept)s::smallint[]) AND c.stands
      AND NOT EXISTS (SELECT FROM d WHERE d.company = c.company_id AND d.measured = c.measured AND d.month = c.month)
)
INSERT INTO returns_cohort AS c (company_id, measured, month, sold_minor, cost_minor, returned_minor,
    returned_cost_minor, percent, recovered, asked_minor, asked_cost_minor, liability_minor, asset_minor, stands,
    measured_at)
SELECT company, measured, month, sold, cost, returned, returned_cost, percent, recovered, asked, asked_cost, liability,
       asset, TRUE, at
FROM d
ON CONFLICT (company_id, measured, month) DO UPDATE
SET sold_minor = excluded.sold_minor, cost_minor = excluded.cost_minor, returned_minor = excluded.returned_minor,
    returned_cost_minor = excluded.returned_cost_minor, percent = excluded.percent, recovered = excluded.recovered,
    asked_minor = excluded.asked_minor, asked_cost_minor = excluded.asked_cost_minor,
    liability_minor = excluded.liability_minor, asset_minor = excluded.asset_minor, stands = TRUE,
    measured_at = excluded.measured_at
"""
