"""A rate of exchange that was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.record_rates import misfit


@dataclass(frozen=True, slots=True)
class CorrectRate:
    """What is in force in place of the rate of a day, and why."""

    company: int
    currency: str
    on_date: date
    rate: Decimal
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RateCorrected:
    """`was`: the rate that stood before; the same where nothing changed."""

    currency: str
    on_date: date
    was: Decimal
    rate: Decimal


@command("ledger.correct_rates")
def correct_rates(cause: Cause, /, *, requests: Sequence[CorrectRate]) -> list[RateCorrected | Refused]:
    """Rates that were recorded wrong: from now on postings and measurements take the right one. What was posted stays,
    and measuring the balances again posts the difference. What stood before is kept with the reason.

    Locks: the rates. Refuses: Invalid (currency, rate, reason); NotFound, where the day has no rate of its own.
    Again: changes nothing. 3 statements.
    """
    names = ("companies", "currencies", "days")
    wanted = sorted({(one.company, one.currency, one.on_date) for one in requests})
    rates = {tuple(key): rate for *key, rate in sql.run(_LOCK, sql.columns(names, wanted))}
    answers: list[RateCorrected | Refused] = []
    kept: list[tuple[UUID, CorrectRate, Decimal]] = []
    for one in requests:
        key = (one.company, one.currency, one.on_date)
        refused = misfit(one.currency, one.rate) or _unfounded(one, rates.get(key))
        if refused:
            answers.append(refused)
            continue
        answers.append(RateCorrected(one.currency, one.on_date, rates[key], one.rate))
        if rates[key] != one.rate:
            kept.append((ids.uuid7(), one, rates[key]))
            rates[key] = one.rate
    if kept:
        rows = {(one.company, one.currency, one.on_date): one.rate for _, one, _ in kept}
        sql.run(_CORRECT, sql.columns((*names, "rates"), [(*key, rate) for key, rate in rows.items()]))
        columns = (
            "id", "company_id", "currency", "on_date", "was", "rate", "reason", "corrected_by", "corrected_at",
        )  # fmt: skip
        sql.write("ledger_ratecorrection", columns, [
            (which, one.company, one.currency, one.on_date, was, one.rate, one.reason.strip(), cause.actor.name,
             cause.at)
            for which, one, was in kept
        ])  # fmt: skip
    announce(cause, [
        Event("rate", which, one.company, "recorded", "corrected", reason=one.reason.strip(),
              payload={"currency": one.currency, "on": one.on_date, "was": str(was), "rate": str(one.rate)})
        for which, one, was in kept
    ])  # fmt: skip
    return answers


def _unfounded(one: CorrectRate, rate: Decimal | None) -> Refused | None:
    if not one.reason.strip():
        return Invalid(field="reason", expected="why the rate was wrong", found=one.reason)
    if rate is None:
        return NotFound(what="exchange rate", which=f"{one.currency} {one.on_date}")
    return None


_LOCK = """
SELECT r.company_id::int, r.currency, r.on_date, r.rate
FROM ledger_rate AS r
JOIN unnest(%(companies)s::smallint[], %(currencies)s::text[], %(days)s::date[]) AS d(company, currency, day)
  ON (r.company_id, r.currency, r.on_date) = (d.company, d.currency, d.day)
ORDER BY 1, 2, 3 FOR UPDATE OF r
"""

_CORRECT = """
UPDATE ledger_rate AS r SET rate = d.rate
FROM unnest(%(companies)s::smallint[], %(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[])
     AS d(company, currency, day, rate)
WHERE (r.company_id, r.currency, r.on_date) = (d.company, d.currency, d.day)
"""
