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
from entrepot.ledger.exchange import DECIMALS, RATE_END


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
    """`rate` is in force from that day on. `fresh` is False where the day had it already: it stands, because postings
    may have used it, until it is corrected (ledger.correct_rates)."""

    currency: str
    on_date: date
    fresh: bool
    rate: Decimal


@command("ledger.record_rates")
def record_rates(cause: Cause, /, *, requests: Sequence[RecordRate]) -> list[RateRecorded | Refused]:
    """Rates of exchange, once a currency and day.

    Refuses: Invalid (currency, rate). Again: the first rate of a day stands. 1 statement.
    """
    answers: list[RateRecorded | Refused] = []
    rows: dict[tuple[int, str, date], Decimal] = {}
    for one in requests:
        refused = misfit(one.currency, one.rate)
        if refused:
            answers.append(refused)
            continue
        rows.setdefault((one.company, one.currency, one.on_date), one.rate)
        answers.append(RateRecorded(one.currency, one.on_date, fresh=True, rate=one.rate))
    if not rows:
        return answers
    names = ("companies", "currencies", "days", "rates")
    found = {
        tuple(key): (rate, fresh)
        for *key, rate, fresh in sql.run(
            _RECORD, sql.columns(names, [(*key, rate) for key, rate in rows.items()])
        )
    }
    announce(cause, [
        Event("rate", ids.uuid7(), company, "", "recorded", None, {"currency": currency, "on": day, "rate": str(rate)})
        for (company, currency, day), rate in rows.items()
        if found[company, currency, day][1]
    ])  # fmt: skip
    return [
        _answer(one, found[one.company, one.currency, one.on_date])
        if isinstance(answer, RateRecorded)
        else answer
        for one, answer in zip(requests, answers, strict=True)
    ]


def _answer(one: RecordRate, stands: tuple[Decimal, bool]) -> RateRecorded:
    rate, fresh = stands
    return RateRecorded(one.currency, one.on_date, fresh and rate == one.rate, rate)


def misfit(currency: str, rate: Decimal) -> Refused | None:
    """What is no currency, or no rate that can be kept as it is told."""
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        return Invalid(field="currency", expected="three capital letters", found=currency)
    if not rate.is_finite() or rate <= 0:
        return Invalid(field="rate", expected="above 0", found=str(rate))
    exponent = rate.normalize().as_tuple().exponent
    if rate >= RATE_END or (isinstance(exponent, int) and exponent < -DECIMALS):
        expected = f"below {RATE_END}, with {DECIMALS} decimals at most"
        return Invalid(field="rate", expected=expected, found=str(rate))
    return None


# What is there stays what it is, and is told.
_RECORD = """
INSERT INTO ledger_rate AS r (company_id, currency, on_date, rate)
SELECT * FROM unnest(%(companies)s::smallint[], %(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[])
ORDER BY 1, 2, 3
ON CONFLICT (company_id, currency, on_date) DO UPDATE SET rate = r.rate
RETURNING company_id::int, currency, on_date, rate, xmax = 0
"""
