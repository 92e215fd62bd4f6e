"""What balances in other currencies are worth at the end of a day: what the command posts, and what a page shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from entrepot.kernel import sql
from entrepot.kernel.errors import Refused
from entrepot.kernel.money import exponent, minor_at, out_of_own
from entrepot.ledger import errors, exchange
from entrepot.ledger.exchange import Flow, Held


@dataclass(frozen=True, slots=True)
class Measured:
    """A balance: what it was carried at with all its lines, what settling brought, and what it is worth at the rate.
    `since`: the first later moment as of which it was measured already."""

    account: int
    currency: str
    rate: Decimal | None
    carried: Held
    realized: int
    now: Held
    since: datetime | None = None

    @property
    def unrealized(self) -> int:
        return self.now.worth - self.carried.worth


@dataclass(slots=True)
class OfCompany:
    currency: str
    until: datetime
    measured: list[Measured] = field(default_factory=list)
    refused: Refused | None = None

    @property
    def since(self) -> datetime | None:
        """The first later moment as of which some of it was measured already: there differences are taken back."""
        return min((one.since for one in self.measured if one.since), default=None)


def rate_on(company: str, currency: str, day: str) -> str:
    """SQL of what a unit of a currency costs in the company's own, by the latest rate not after a day; NULL where there
    is none. The three are SQL themselves."""
    return f"""(
    SELECT rate FROM ledger_rate
    WHERE ledger_rate.company_id = {company} AND ledger_rate.currency = {currency} AND ledger_rate.on_date <= {day}
    ORDER BY ledger_rate.on_date DESC LIMIT 1)"""


def limits_in(wanted: Mapping[tuple[int, str], int], day: date) -> dict[tuple[int, str], int]:
    """Limits that policies state in a company's own currency, in others, by company and currency at the latest rate
    not after a day; nothing where there is none. 1 statement."""
    rows = sql.run(_ABROAD, sql.columns(("companies", "currencies"), list(wanted)) | {"day": day})
    return {
        (company, currency): out_of_own(wanted[company, currency], rate, home, currency)
        for company, currency, home, rate in rows
    }


def worth_of(wanted: Collection[tuple[int, str]], at: datetime) -> dict[int, tuple[str, dict[str, Decimal]]]:
    """The own currency of companies, and what a minor unit of each wanted currency is worth in minor units of that at
    the latest rate not after the day of a moment, where there is one. 1 statement."""
    rows = sql.run(
        _ABROAD, sql.columns(("companies", "currencies"), sorted(wanted)) | {"day": at.astimezone(UTC).date()}
    )
    found: dict[int, tuple[str, dict[str, Decimal]]] = {}
    for company, currency, home, rate in rows:
        _, known = found.setdefault(company, (home, {home: Decimal(1)}))
        if rate is not None and currency != home:
            known[currency] = minor_at(rate, currency, home)
    return found


def measure(days: Mapping[int, date], at: datetime) -> dict[int, OfCompany]:
    """By company, its balances in other currencies as of the end of a day, by what was posted since the last time that
    they were measured as of that day or an earlier one. 3 statements; 1 more where anything was posted in another
    currency."""
    ends = {
        company: min(at, datetime.combine(day + timedelta(days=1), time(), UTC) - timedelta(microseconds=1))
        for company, day in days.items()
    }
    wanted = sql.columns(("companies", "ends"), ends.items())
    rows = sql.run(_KNOWN, wanted)
    found = {company: OfCompany(currency, ends[company]) for company, currency, *_ in rows}
    before: dict[int, dict[tuple[int, str], Held]] = defaultdict(dict)
    upto: dict[tuple[int, int, str], tuple[datetime, int]] = {}
    since: dict[tuple[int, int, str], datetime | None] = {}
    for company, _, account, currency, amount, worth, until, last, later in rows:
        if account is not None:
            since[company, account, currency] = later
        if until is not None:
            before[company][account, currency] = Held(amount, worth)
            upto[company, account, currency] = (until, last)
    flows: dict[tuple[int, int, str], list[Flow]] = defaultdict(list)
    held = sql.run(_HELD, {"companies": list(ends), "accounts": sorted(exchange.MEASURED)})
    for company, account, currency, amount, worth in _flows(held, upto, ends):
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
            one.measured.append(
                Measured(
                    account, currency, rate, carried, realized, now, since.get((company, account, currency))
                )
            )
    return found


def _flows(
    held: Sequence[tuple[int, int, str]],
    upto: Mapping[tuple[int, int, str], tuple[datetime, int]],
    ends: Mapping[int, datetime],
) -> Sequence[tuple[int, int, str, int, int]]:
    """What was posted to balances and not looked at the last time, in order of time. A balance that was measured
    before needs the lines since then alone; only one that is new needs the whole journal. 1 statement, or none."""
    new = [(*key, ends[key[0]]) for key in held if key not in upto]
    known = [(*key, ends[key[0]], *upto[key]) for key in held if key in upto]
    parts: list[str] = []
    params: dict[str, object] = {}
    if new:
        parts.append(_ALL)
        params |= sql.columns(("companies", "accounts", "currencies", "ends"), new)
    if known:
        parts += [_SINCE, _LATE]
        names = ("known", "known_accounts", "known_currencies", "known_ends", "upto_at", "upto_id")
        params |= sql.columns(names, known)
        params |= {"first_at": min(one[4] for one in known), "first_id": min(one[5] for one in known)}
    return (
        [row[:5] for row in sql.run(_FLOWS.format(parts=" UNION ALL ".join(parts)), params)] if parts else []
    )  # type: ignore[misc]


def amounts(measured: Sequence[Measured]) -> dict[tuple[str, datetime | None], list[tuple[str, int]]]:
    """By currency and the later moment as of which it was measured already, differences by source kind."""
    found: dict[tuple[str, datetime | None], list[tuple[str, int]]] = defaultdict(list)
    for one in measured:
        for kind, amount in (("realized", one.realized), ("unrealized", one.unrealized)):
            if amount:
                found[one.currency, one.since].append((f"{kind}.{one.account}", amount))
    return found


_ABROAD = f"""
SELECT k.company::int, k.currency, c.currency, {rate_on("k.company", "k.currency", "%(day)s::date")}
FROM unnest(%(companies)s::smallint[], %(currencies)s::text[]) AS k(company, currency)
JOIN parties_company AS c ON c.id = k.company
"""

# As it was last measured as of then, and the first later moment as of which it was measured.
_KNOWN = """
SELECT c.id::int, c.currency::text, k.account, k.currency, e.amount_minor, e.worth_minor, e.upto_at, e.upto_id, k.since
FROM unnest(%(companies)s::smallint[], %(ends)s::timestamptz[]) AS d(company, until)
JOIN parties_company AS c ON c.id = d.company
LEFT JOIN LATERAL (
    SELECT account, currency, max(upto_at) FILTER (WHERE upto_at <= d.until) AS upto,
           min(upto_at) FILTER (WHERE upto_at > d.until) AS since
    FROM ledger_exposure WHERE company_id = c.id GROUP BY account, currency
) AS k ON TRUE
LEFT JOIN ledger_exposure AS e ON e.company_id = c.id AND e.account = k.account AND e.currency = k.currency
 AND e.upto_at = k.upto
ORDER BY 1, 3, 4
"""

# The balances, which are few, say whether anything was posted in another currency at all.
_HELD = """
SELECT DISTINCT b.company_id::int, b.account, b.currency
FROM ledger_balance AS b JOIN parties_company AS c ON c.id = b.company_id AND c.currency <> b.currency
WHERE b.company_id = ANY(%(companies)s::smallint[]) AND b.account = ANY(%(accounts)s::int[])
"""

_LINE = """
SELECT l.company_id::int, l.account, l.currency, l.amount_minor, l.functional_minor, l.occurred_at, l.id
"""

_ALL = f"""
{_LINE}
FROM unnest(%(companies)s::smallint[], %(accounts)s::int[], %(currencies)s::text[], %(ends)s::timestamptz[])
  AS d(company, account, currency, until)
JOIN ledger_line AS l ON l.company_id = d.company AND l.currency = d.currency AND l.account = d.account
 AND l.occurred_at <= d.until AND l.amount_minor <> 0
"""

_OF_KNOWN = f"""
{_LINE}
FROM unnest(%(known)s::smallint[], %(known_accounts)s::int[], %(known_currencies)s::text[],
            %(known_ends)s::timestamptz[], %(upto_at)s::timestamptz[], %(upto_id)s::bigint[])
  AS d(company, account, currency, until, upto_at, upto_id)
JOIN ledger_line AS l ON l.company_id = d.company AND l.currency = d.currency AND l.account = d.account
 AND l.occurred_at <= d.until AND l.amount_minor <> 0 AND (l.occurred_at > d.upto_at OR l.id > d.upto_id)
"""
# What was recorded since then, by its id; and what was recorded before, but occurred since.
_SINCE = f"{_OF_KNOWN} WHERE l.id > %(first_id)s::bigint"
_LATE = f"{_OF_KNOWN} WHERE l.id <= %(first_id)s::bigint AND l.occurred_at > %(first_at)s::timestamptz"

_FLOWS = "SELECT * FROM ({parts}) AS flow ORDER BY occurred_at, id"

_RATES = """
SELECT DISTINCT ON (r.company_id, r.currency) r.company_id::int, r.currency, r.rate
FROM unnest(%(companies)s::smallint[], %(ends)s::timestamptz[]) AS d(company, until)
JOIN ledger_rate AS r ON r.company_id = d.company AND r.on_date <= (d.until AT TIME ZONE 'UTC')::date
ORDER BY r.company_id, r.currency, r.on_date DESC
"""
