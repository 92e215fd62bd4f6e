"""What balances in other currencies are worth at the end of a day: what the command posts, and what a page shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from entrepot.kernel import sql
from entrepot.kernel.errors import Refused
from entrepot.kernel.money import exponent
from entrepot.ledger import errors, exchange
from entrepot.ledger.exchange import Flow, Held


@dataclass(frozen=True, slots=True)
class Measured:
    """A balance: what it was carried at with all its lines, what settling brought, and what it is worth at the rate."""

    account: int
    currency: str
    rate: Decimal | None
    carried: Held
    realized: int
    now: Held

    @property
    def unrealized(self) -> int:
        return self.now.worth - self.carried.worth


@dataclass(slots=True)
class OfCompany:
    currency: str
    until: datetime
    measured: list[Measured] = field(default_factory=list)
    refused: Refused | None = None


def measure(days: Mapping[int, date], at: datetime) -> dict[int, OfCompany]:
    """By company, its balances in other currencies as of the end of a day, by what was posted since the last time.
    3 statements; 1 more where anything was posted in another currency."""
    ends = {
        company: min(at, datetime.combine(day + timedelta(days=1), time(), UTC) - timedelta(microseconds=1))
        for company, day in days.items()
    }
    rows = sql.run(_KNOWN, {"companies": list(ends)})
    found = {company: OfCompany(currency, ends[company]) for company, currency, *_ in rows}
    before: dict[int, dict[tuple[int, str], Held]] = defaultdict(dict)
    for company, _, account, currency, amount, worth, until in rows:
        if account is not None:
            before[company][account, currency] = Held(amount, worth)
            if until > found[company].until:
                found[company].refused = errors.MeasuredSince(
                    company=company, until=f"{until:%Y-%m-%d %H:%M}"
                )
    flows: dict[tuple[int, int, str], list[Flow]] = defaultdict(list)
    wanted = sql.columns(("companies", "ends"), ends.items())
    held = sql.run(_HELD, {"companies": list(ends), "accounts": sorted(exchange.MEASURED)})
    of = [(company, account, currency, ends[company]) for company, account, currency in held]
    names = ("companies", "accounts", "currencies", "ends")
    for company, account, currency, amount, worth in sql.run(_FLOWS, sql.columns(names, of)) if of else ():
        flows[company, account, currency].append(Flow(amount, worth))
    rates = {row[:2]: row[2] for row in sql.run(_RATES, wanted)}
    for company, one in found.items():
        keys = sorted({*before[company], *(key[1:] for key in flows if key[0] == company)})
        for account, currency in keys:
            carried, realized = exchange.settle(
                before[company].get((account, currency), Held(0, 0)),
                flows.get((company, account, currency), ()),
            )
            rate = rates.get((company, currency))
            now = carried
            if account in exchange.MONETARY and carried.amount:
                if rate is None:
                    one.refused = errors.NoRate(
                        company=company, currency=currency, on_date=str(days[company])
                    )
                    break
                now = exchange.at_rate(carried, rate, exponent(one.currency) - exponent(currency))
            elif account in exchange.MONETARY:
                now = Held(0, 0)
            one.measured.append(Measured(account, currency, rate, carried, realized, now))
    return found


def amounts(measured: Sequence[Measured]) -> dict[str, list[tuple[str, int]]]:
    """By currency, differences by source kind."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for one in measured:
        for kind, amount in (("realized", one.realized), ("unrealized", one.unrealized)):
            if amount:
                found[one.currency].append((f"{kind}.{one.account}", amount))
    return found


_KNOWN = """
SELECT c.id::int, c.currency::text, e.account, e.currency, e.amount_minor, e.worth_minor, e.upto_at
FROM parties_company AS c LEFT JOIN ledger_exposure AS e ON e.company_id = c.id
WHERE c.id = ANY(%(companies)s::smallint[]) ORDER BY 1, 3, 4
"""

# The balances, which are few, say whether anything was posted in another currency at all.
_HELD = """
SELECT DISTINCT b.company_id::int, b.account, b.currency
FROM ledger_balance AS b JOIN parties_company AS c ON c.id = b.company_id AND c.currency <> b.currency
WHERE b.company_id = ANY(%(companies)s::smallint[]) AND b.account = ANY(%(accounts)s::int[])
"""

# What was not looked at the last time: what occurred since then, or was recorded since.
_FLOWS = """
SELECT l.company_id::int, l.account, l.currency, l.amount_minor, l.functional_minor
FROM unnest(%(companies)s::smallint[], %(accounts)s::int[], %(currencies)s::text[], %(ends)s::timestamptz[])
  AS d(company, account, currency, until)
JOIN ledger_line AS l ON l.company_id = d.company AND l.currency = d.currency AND l.account = d.account
 AND l.occurred_at <= d.until AND l.amount_minor <> 0
LEFT JOIN ledger_exposure AS e ON e.company_id = l.company_id AND e.account = l.account AND e.currency = l.currency
WHERE e.upto_at IS NULL OR l.occurred_at > e.upto_at OR l.id > e.upto_id
ORDER BY l.occurred_at, l.id
"""

_RATES = """
SELECT DISTINCT ON (r.company_id, r.currency) r.company_id::int, r.currency, r.rate
FROM unnest(%(companies)s::smallint[], %(ends)s::timestamptz[]) AS d(company, until)
JOIN ledger_rate AS r ON r.company_id = d.company AND r.on_date <= (d.until AT TIME ZONE 'UTC')::date
ORDER BY r.company_id, r.currency, r.on_date DESC
"""
