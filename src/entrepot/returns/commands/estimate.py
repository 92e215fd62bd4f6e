"""What of the sales is still expected to come back: the refund liability and the right to the goods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel import ids, sql
from entrepot.kernel.aside import step
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.as_of import hold_months, is_closed, month_of
from entrepot.ledger.commands.note_measured import note_measured
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.measuring import entries
from entrepot.returns import cohort_queries, expecting
from entrepot.returns.cohort_queries import Held
from entrepot.returns.commands.lock import in_force
from entrepot.returns.expecting import Basis, Measured


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bring a company's estimate up to date as of a moment that has been."""

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
class _Draft:
    at: datetime
    basis: Basis
    measured: list[Measured]
    since: datetime | None
    postings: list[Posting]


@command("returns.estimate")
def estimate(cause: Cause, /, *, requests: Sequence[Estimate]) -> list[Estimated | Refused]:
    """The difference between what is expected to come back as of a moment and what the books say as of then, posted to
    contra accounts alone; and what of it is of which month's sales. What was measured as of a later moment stands from
    then on: there the difference is taken back.

    Expected is a percentage (policy `returns`, 0 by default, or observed) of what was sold in the months of the window,
    less what has come back of them; and of what left before, all that is asked back and not refunded yet. Of a closed
    month the cohorts stay as they were.
    Locks: the estimate of each company; months against closing, shared. Refuses: Invalid (a moment to come, or a second
    moment of a company in a batch); NotFound; what the ledger refuses, of the moment or of the later one. Again:
    changes nothing. 11 statements; 2 more where a company goes by what was observed.
    """
    times: dict[int, datetime] = {}
    wrong = [_untimely(one, times, cause.at) for one in requests]
    companies = [one.company for one, refused in zip(requests, wrong, strict=True) if refused is None]
    sql.run(_LOCK, {"companies": sorted(set(companies))})
    policies = {company: policy for company, (_, policy) in in_force(cause, companies).items()}
    bases = cohort_queries.bases(policies, times)
    step(1, 3)
    cohorts = cohort_queries.cohorts({
        company: (times[company], policy.window_days) for company, policy in policies.items()
    })  # fmt: skip
    step(2, 3)
    hold_months()  # none is closed between looking at it and posting to it
    books = cohort_queries.books(times)

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
            postings = _postings(company, now, liability, asset, times[company])
            if now.closed and postings:
                answers.append(is_closed(company, now.closed))
                continue
            if now.closed != month_of(times[company]):
                drafts[company] = _Draft(times[company], bases[company], measured, now.since, postings)
        answers.append(Estimated(company, liability, asset, liability - now.liability))
        now.liability, now.asset = liability, asset
    refused = _write(cause, drafts)
    told = iter([refused.get(one.company, one) if isinstance(one, Estimated) else one for one in answers])
    return [next(told) if one is None else one for one in wrong]


def _untimely(one: Estimate, times: dict[int, datetime], now: datetime) -> Refused | None:
    """What is measured as of the first moment of a company, which is noted in `times`, and of no other of the batch."""
    at = one.occurred_at or now
    if at > now:
        return Invalid(field="occurred_at", expected=f"{now.isoformat()} or earlier", found=at.isoformat())
    first = times.setdefault(one.company, at)
    if at != first:
        return Invalid(
            field="occurred_at",
            expected=f"{first.isoformat()}, as another request for the company in the batch has",
            found=at.isoformat(),
        )
    return None


def _postings(company: int, now: Held, liability: int, asset: int, at: datetime) -> list[Posting]:
    amounts = (("estimate.revenue", liability - now.liability), ("estimate.cost", asset - now.asset))
    document = ids.uuid7()
    return [
        Posting(company, "return.expected", "estimate", document, now.currency, some, when)
        for when, some in entries(at, now.since, amounts)
    ]


def _write(cause: Cause, drafts: Mapping[int, _Draft]) -> dict[int, Refused]:
    """Post, and keep the cohorts of those whose entry was not refused."""
    postings = [posting for one in drafts.values() for posting in one.postings]
    posted = post(cause, requests=postings) if postings else []
    refused = {
        one.company: answer
        for one, answer in zip(postings, posted, strict=True)
        if isinstance(answer, Refused)
    }
    kept = {company: one for company, one in drafts.items() if company not in refused}
    note_measured(cause, "returns", {company: one.at for company, one in kept.items()})
    later = {company: one.since for company, one in kept.items() if one.since}
    # Of a month stands what was measured as of its last moment.
    kept = {
        company: one for company, one in kept.items()
        if company not in later or month_of(later[company]) != month_of(one.at)
    }  # fmt: skip
    rows = [
        (company, month_of(one.at), *m.of[:5], one.basis.percent, one.basis.recovered,
         m.of.asked, m.of.asked_cost, m.liability, m.asset, company not in later, one.at)
        for company, one in kept.items()
        for m in one.measured
    ]  # fmt: skip
    if kept:
        whose = [(company, month_of(one.at), one.at, company not in later) for company, one in kept.items()]
        sql.run(_KEEP, sql.columns(_COHORT, rows) | sql.columns(_WHOSE, whose))
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
    "asked", "asked_costs", "liabilities", "assets", "stand", "times",
)  # fmt: skip

_WHOSE = ("whose", "of_months", "as_of", "last")

# What was measured in an earlier month stays as it was then, and does not stand any more; a cohort whose window is over
# stands with nothing.
_KEEP = """
WITH d AS (
    SELECT * FROM unnest(%(companies)s::smallint[], %(measured)s::date[], %(months)s::date[], %(sold)s::bigint[],
        %(costs)s::bigint[], %(returned)s::bigint[], %(returned_costs)s::bigint[], %(percents)s::numeric[],
        %(recovered)s::numeric[], %(asked)s::bigint[], %(asked_costs)s::bigint[], %(liabilities)s::bigint[],
        %(assets)s::bigint[], %(stand)s::boolean[], %(times)s::timestamptz[])
        AS d(company, measured, month, sold, cost, returned, returned_cost, percent, recovered, asked, asked_cost,
             liability, asset, stands, at)
), past AS (
    UPDATE returns_cohort AS c
    SET stands = FALSE,
        liability_minor = CASE WHEN c.measured = k.measured THEN 0 ELSE c.liability_minor END,
        asset_minor = CASE WHEN c.measured = k.measured THEN 0 ELSE c.asset_minor END,
        measured_at = CASE WHEN c.measured = k.measured THEN k.at ELSE c.measured_at END
    FROM unnest(%(whose)s::smallint[], %(of_months)s::date[], %(as_of)s::timestamptz[], %(last)s::boolean[])
         AS k(company, measured, at, last)
    WHERE c.company_id = k.company AND (c.measured = k.measured OR c.stands AND k.last)
      AND NOT EXISTS (SELECT FROM d WHERE d.company = c.company_id AND d.measured = c.measured AND d.month = c.month)
)
INSERT INTO returns_cohort AS c (company_id, measured, month, sold_minor, cost_minor, returned_minor,
    returned_cost_minor, percent, recovered, asked_minor, asked_cost_minor, liability_minor, asset_minor, stands,
    measured_at)
SELECT company, measured, month, sold, cost, returned, returned_cost, percent, recovered, asked, asked_cost, liability,
       asset, stands, at
FROM d
ON CONFLICT (company_id, measured, month) DO UPDATE
SET sold_minor = excluded.sold_minor, cost_minor = excluded.cost_minor, returned_minor = excluded.returned_minor,
    returned_cost_minor = excluded.returned_cost_minor, percent = excluded.percent, recovered = excluded.recovered,
    asked_minor = excluded.asked_minor, asked_cost_minor = excluded.asked_cost_minor,
    liability_minor = excluded.liability_minor, asset_minor = excluded.asset_minor, stands = excluded.stands,
    measured_at = excluded.measured_at
"""
