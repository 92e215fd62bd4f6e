"""Measure balances in other currencies: what settling them brought, and what is open at the rate of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from entrepot.kernel import ids, sql
from entrepot.kernel.aside import step
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger import exchange, queries
from entrepot.ledger.commands.as_of import at_closed, stop_postings
from entrepot.ledger.commands.note_measured import note_measured
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.currency_queries import OfCompany, amounts, measure
from entrepot.ledger.measuring import entries


@dataclass(frozen=True, slots=True)
class Revalue:
    """A company's balances in other currencies as of the end of a day: in the past, or today's so far."""

    company: int
    on_date: date
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Revalued:
    """Differences that were posted, gains above zero, and how many balances were measured."""

    company: int
    realized_minor: int
    unrealized_minor: int
    balances: int


@command("ledger.revalue")
def revalue(cause: Cause, /, *, requests: Sequence[Revalue]) -> list[Revalued | Refused]:
    """Differences of exchange rates since the last time, posted as of the day: realized where a balance was settled at
    another rate than it stood at, unrealized where it is open. Advances bring only the first. What was measured as of a
    later moment stands from then on: there the difference is taken back.

    Locks: postings, which wait until it is done. Refuses: NotFound; ledger.no_rate; ledger.month_closed, of the day or
    of the later moment. Again: changes nothing. 13 statements.
    """
    stop_postings()
    days: dict[int, date] = {}
    for one in requests:
        days.setdefault(one.company, one.on_date)
    found = measure(days, cause.at)
    step(1, 2)
    closed = queries.closed_months(list(found))
    postings: list[Posting] = []
    for company, balances in found.items():
        if balances.refused is None:
            wanted = _postings(company, balances)
            balances.refused = _in_closed(wanted, closed)
            postings += wanted if balances.refused is None else []
    for posting, answer in zip(postings, post(cause, requests=postings) if postings else [], strict=True):
        if isinstance(answer, Refused):
            found[posting.company].refused = answer
    kept = {company: balances for company, balances in found.items() if balances.refused is None}
    _keep(kept)
    note_measured(cause, "currencies", {company: balances.until for company, balances in kept.items()})
    announce(cause, [
        Event("revaluation", one.document, one.company, occurred_at=one.occurred_at,
              payload={"currency": one.currency, **dict(one.amounts)})
        for one in postings
        if found[one.company].refused is None
    ])  # fmt: skip
    return [_answer(one.company, found.get(one.company)) for one in requests]


def _postings(company: int, one: OfCompany) -> list[Posting]:
    """A document for each currency, with what is taken back of it later."""
    found = []
    for (currency, since), parts in amounts(one.measured).items():
        document = ids.uuid7()
        found += [
            Posting(company, exchange.REVALUED, "revaluation", document, currency, some, at, in_home=True)
            for at, some in entries(one.until, since, parts)
        ]
    return found


def _in_closed(postings: Sequence[Posting], closed: set[tuple[int, date]]) -> Refused | None:
    """Both or none: what is posted in one month is taken back in another."""
    for one in postings:
        if refused := at_closed(one.company, one.occurred_at, closed):
            return refused
    return None


def _answer(company: int, found: OfCompany | None) -> Revalued | Refused:
    if found is None:
        return NotFound(what="company", which=str(company))
    if found.refused is not None:
        return found.refused
    answer = Revalued(
        company,
        sum(one.realized for one in found.measured),
        sum(one.unrealized for one in found.measured),
        len(found.measured),
    )
    found.measured = []  # whoever asks again in the batch finds nothing more
    return answer


def _keep(found: dict[int, OfCompany]) -> None:
    rows = [
        (company, m.account, m.currency, m.now.amount, m.now.worth, one.until)
        for company, one in found.items()
        for m in one.measured
    ]
    if rows:
        names = ("companies", "accounts", "currencies", "amounts", "worths", "times")
        sql.run(_STORE, sql.columns(names, rows))


_STORE = """
INSERT INTO ledger_exposure (company_id, account, currency, amount_minor, worth_minor, upto_at, upto_id)
SELECT d.*, (SELECT COALESCE(max(id), 0) FROM ledger_line)
FROM unnest(%(companies)s::smallint[], %(accounts)s::int[], %(currencies)s::text[], %(amounts)s::bigint[],
            %(worths)s::bigint[], %(times)s::timestamptz[]) AS d
ON CONFLICT (company_id, account, currency, upto_at) DO UPDATE
SET amount_minor = excluded.amount_minor, worth_minor = excluded.worth_minor, upto_id = excluded.upto_id
"""
