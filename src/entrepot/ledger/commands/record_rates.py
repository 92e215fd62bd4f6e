"""What another currency is worth in the company's own, from a day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class RecordRate:
    """Units of the company's currency for one unit of another, in force from a day until the next one that is known."""

    company: int
    currency: str
    on_date: date
    rate: Decimal
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RateRecorded:
    """`fresh` is False where the day had a rate already: that one stands, because postings may have used it."""

    currency: str
    on_date: date
    fresh: bool


@command("ledger.record_rates")
def record_rates(cause: Cause, /, *, requests: Sequence[RecordRate]) -> list[RateRecorded | Refused]:
    """Rates of exchange, once a currency and day.

    Refuses: Invalid (currency, rate). Again: the first rate of a day stands. 1 statement.
    """
    answers: list[RateRecorded | Refused] = []
    rows: dict[tuple[int, str, date], Decimal] = {}
    for one in requests:
        refused = _misfit(one)
        if refused:
            answers.append(refused)
            continue
        rows.setdefault((one.company, one.currency, one.on_date), one.rate)
        answers.append(RateRecorded(one.currency, one.on_date, fresh=True))
    if not rows:
        return answers
    names = ("companies", "currencies", "days", "rates")
    written = {
        tuple(row)
        for row in sql.run(_RECORD, sql.columns(names, [(*key, rate) for key, rate in rows.items()]))
    }
    announce(cause, [
        Event("rate", ids.uuid7(), company, "", "recorded", None, {"currency": currency, "on": day, "rate": str(rate)})
        for (company, currency, day), rate in rows.items()
        if (company, currency, day) in written
    ])  # fmt: skip
    return [
        RateRecorded(one.currency, one.on_date, (one.company, one.currency, one.on_date) in written)
        if isinstance(answer, RateRecorded)
        else answer
        for one, answer in zip(requests, answers, strict=True)
    ]


def _misfit(one: RecordRate) -> Refused | None:
    if len(one.currency) != 3 or not one.currency.isalpha() or not one.currency.isupper():
        return Invalid(field="currency", expected="three capital letters", found=one.currency)
    if not one.rate.is_finite() or one.rate <= 0:
        return Invalid(field="rate", expected="above 0", found=str(one.rate))
    return None


_RECORD = """
INSERT INTO ledger_rate (company_id, currency, on_date, rate)
SELECT * FROM unnest(%(companies)s::smallint[], %(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[])
ON CONFLICT DO NOTHING RETURNING company_id::int, currency, on_date
"""
