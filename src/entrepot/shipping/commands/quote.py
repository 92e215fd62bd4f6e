"""Ask adapters what they would take now for what is packed, and keep what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused, Said, WrongState
from entrepot.shipping import errors
from entrepot.shipping.live import Rate

DAYS_MAX = 365
"""What is said to take longer is said by mistake: the table's time stands."""


@dataclass(frozen=True, slots=True)
class AskRates:
    """A packed fulfillment that adapters shall quote."""

    fulfillment: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RatesAsked:
    """Whom a message was left for."""

    fulfillment: UUID
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordQuotes:
    """What a source answered for a fulfillment: rates, or a `problem`."""

    fulfillment: UUID
    source: str
    rates: tuple[Rate, ...] = ()
    problem: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class QuotesRecorded:
    """How many services have a price by it now."""

    fulfillment: UUID
    quoted: int


@command("shipping.ask_rates")
def ask_rates(cause: Cause, /, *, requests: Sequence[AskRates]) -> list[RatesAsked | Refused]:
    """A message for each adapter that quotes a service of the company. Nobody waits for the answer: what ships before
    it comes goes by the tables.

    Locks: nothing. Refuses: NotFound; WrongState (not packed); shipping.not_quoted.
    Again: by key; without one it is asked anew. 2 statements.
    """
    found = {row[0]: row[1:] for row in sql.run(_SOURCES, {"ids": [one.fulfillment for one in requests]})}
    answers: list[RatesAsked | Refused] = []
    messages: list[delivery.Message] = []
    for request in requests:
        if request.fulfillment not in found:
            answers.append(NotFound(what="fulfillment", which=str(request.fulfillment)))
            continue
        company, number, state, sources = found[request.fulfillment]
        if state != "packed":
            answers.append(
                WrongState(subject="fulfillment", found=state, event="ask_rates", expected="packed")
            )
            continue
        if not sources:
            answers.append(errors.NotQuoted(subject=Said("Fulfillment {0}", number)))
            continue
        messages += [
            delivery.Message(f"carriers:{source}", "carrier.rates", request.fulfillment, company,
                             {"fulfillment": request.fulfillment})
            for source in sources
        ]  # fmt: skip
        answers.append(RatesAsked(request.fulfillment, tuple(sources)))
    delivery.send(cause, messages)
    return answers


@command("shipping.record_quotes")
def record_quotes(cause: Cause, /, *, requests: Sequence[RecordQuotes]) -> list[QuotesRecorded | Refused]:
    """What an adapter answered, for each service that it quotes: its price and time, or why there is none. The last
    answer stands.

    Locks: the quotes, in key order. Refuses: NotFound.
    Again: the same answer stands. 2 statements.
    """
    rows = sql.run(_SERVICES, {"ids": [one.fulfillment for one in requests]})
    known: dict[UUID, list[tuple[int, UUID | None, str, str]]] = {}
    for fulfillment, company, service, source, name in rows:
        known.setdefault(fulfillment, []).append((company, service, source, name))
    answers: list[QuotesRecorded | Refused] = []
    quotes: dict[tuple[UUID, UUID], tuple[object, ...]] = {}
    for request in requests:
        if request.fulfillment not in known:
            answers.append(NotFound(what="fulfillment", which=str(request.fulfillment)))
            continue
        rates = {rate.name: rate for rate in request.rates}
        quoted = 0
        for company, service, source, name in known[request.fulfillment]:
            if service is None or source != request.source:
                continue
            rate, problem = rates.get(name), request.problem or Said("does not quote {0}", name)
            quoted += rate is not None
            priced = (
                (rate.amount_minor, rate.currency, rate.reference, "", _days(rate))
                if rate
                else (0, "", "", problem[:300], None)
            )
            quotes[request.fulfillment, service] = (request.fulfillment, service, company, source, *priced)
        answers.append(QuotesRecorded(request.fulfillment, quoted))
    if quotes:
        columns = sql.columns(_COLUMNS, [quotes[key] for key in sorted(quotes)])
        sql.run(_RECORD, {**columns, "at": cause.at})
    return answers


def _days(rate: Rate) -> int | None:
    return rate.days if rate.days is not None and 0 <= rate.days <= DAYS_MAX else None


_COLUMNS = (
    "fulfillments", "services", "companies", "sources", "prices", "currencies", "references", "problems", "days",
)  # fmt: skip

_SOURCES = """
SELECT f.id, f.company_id::int, f.number, f.state,
       ARRAY(SELECT DISTINCT split_part(s.live, ':', 1) FROM carriage_service AS s
             WHERE s.company_id = f.company_id AND s.active AND s.live <> '' ORDER BY 1)
FROM warehouse_fulfillment AS f WHERE f.id = ANY(%(ids)s::uuid[])
"""

_SERVICES = """
SELECT f.id, f.company_id::int, s.id, split_part(s.live, ':', 1), substr(s.live, strpos(s.live, ':') + 1)
FROM warehouse_fulfillment AS f
LEFT JOIN carriage_service AS s ON s.company_id = f.company_id AND s.active AND s.live <> ''
WHERE f.id = ANY(%(ids)s::uuid[])
"""

_RECORD = """
INSERT INTO shipping_quote (fulfillment_id, service_id, company_id, source, price_minor, currency, reference, problem,
                            days, quoted_at)
SELECT d.*, %(at)s::timestamptz
FROM unnest(%(fulfillments)s::uuid[], %(services)s::uuid[], %(companies)s::smallint[], %(sources)s::text[],
            %(prices)s::bigint[], %(currencies)s::text[], %(references)s::text[], %(problems)s::text[],
            %(days)s::smallint[]) AS d
ON CONFLICT (fulfillment_id, service_id) DO UPDATE
SET source = excluded.source, price_minor = excluded.price_minor, currency = excluded.currency,
    reference = excluded.reference, problem = excluded.problem, days = excluded.days,
    quoted_at = excluded.quoted_at
"""
