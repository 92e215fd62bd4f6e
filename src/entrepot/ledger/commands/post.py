"""Write journal entries: the one function that changes a balance of money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import Refused
from entrepot.kernel.money import minor_at, round_half_away
from entrepot.ledger import errors, queries, rules, versions
from entrepot.ledger.commands.as_of import in_closed

TOLD = "invoice"
"""The queue of documents of which an invoice or credit note must tell."""


class Posting(NamedTuple):
    """What happened to a document, as amounts by source kind; becomes one entry by the posting rules of its event.

    `in_home`: the amounts are in the company's own currency, though they are of accounts in another: a difference of
    rates, which has no amount in the foreign one. `as_sold`: what it takes back was sold at so many minor units of the
    company's currency for one of its own; the difference to the rate of its day goes where the rule of the kind
    `rules.DIFFERENCE` says. `or_now`: others say when it happened, and the house hears of it later: where the month of
    that is closed, it is posted at the moment of recording. `given`: lines as a person entered them, (account, kind,
    amount), by no rule; `rate`: what the currency was worth, where that is said and not looked up. `reason`: why it
    happened, where rules may go by that (`rules.REASONED`).
    """

    company: int
    event: str
    document_kind: str
    document: UUID
    currency: str
    amounts: Sequence[tuple[str, int]]
    occurred_at: datetime
    key: str | None = None
    in_home: bool = False
    as_sold: Decimal | None = None
    or_now: bool = False
    given: Sequence[tuple[int, str, int]] = ()
    rate: Decimal | None = None
    reason: str = ""


class Posted(NamedTuple):
    """The entry; None where all amounts were zero."""

    entry: UUID | None


@command("ledger.post")
def post(cause: Cause, /, *, requests: Sequence[Posting]) -> list[Posted | Refused]:
    """Write one balanced entry for each posting; lines of the same account and kind are summed. What a customer must
    be told of by an invoice or credit note is offered to whoever writes it.

    Locks: the months against closing, shared; the balances touched, in key order.
    Refuses: NoRule, NoRate, MonthClosed, AccountClosed (of given lines). Again: by key. 4 statements; 1 more with
    foreign currency, 1 where a document must tell of it, and 1 with given lines.
    """
    companies = list({posting.company for posting in requests})
    events = list({posting.event for posting in requests})
    first = _rules(companies, events)
    home, closed, in_force = _companies(companies, events, first)
    rates = _Rates(home, requests, cause.at)
    shut = _closed_accounts(companies) if any(posting.given for posting in requests) else frozenset()

    answers: list[Posted | Refused] = []
    rows: list[tuple[object, ...]] = []
    balances: dict[tuple[int, int, date, str], list[int]] = {}
    days: dict[datetime, tuple[date, date]] = {}
    at = cause.at
    for (
        company, event, document_kind, document, currency, amounts, occurred_at, _key, in_home, as_sold, or_now,
        given, rate, said,
    ) in requests:  # fmt: skip
        if or_now and (company, _day(occurred_at, days)[1]) in closed:
            occurred_at = at
        day, month = _day(occurred_at, days)
        version, accounts = in_force[company].on(day) if company in in_force else (versions.FIRST, first)
        reason = rules.reason_of(event, said) if said else ""
        lines, missing = ({}, None) if given else rules.lines_of(company, event, amounts, accounts, reason)
        if missing is not None or closed or rates.foreign:
            foreign = currency if rate is None else home[company]
            refusal = _refusal(company, event, missing, month, closed, foreign, day, rates)
            if refusal:
                answers.append(refusal)
                continue
        if shut and (refusal := _shut(company, given, shut)):
            answers.append(refusal)
            continue
        kept = list(given) or [(account, kind, amount) for (account, kind), amount in lines.items() if amount]
        if not kept:
            answers.append(Posted(None))
            continue
        functional = (
            [amount for _, _, amount in kept]
            if in_home or currency == home[company]
            else rates.convert(company, currency, day, [amount for _, _, amount in kept], rate)
        )
        if in_home and currency != home[company]:
            kept = [(account, kind, 0) for account, kind, _ in kept]
        if as_sold is not None and currency != home[company]:
            difference = rules.rule_of(company, event, rules.DIFFERENCE, reason, accounts)
            functional = _as_sold(kept, functional, as_sold, difference)
        entry = ids.uuid7()
        for number, ((account, kind, amount), at_home) in enumerate(zip(kept, functional, strict=True), 1):
            rows.append(
                (company, entry, number, account, amount, at_home, currency, kind, event, document_kind, document,
                 month, occurred_at, at, None if given else version, reason or None)
            )  # fmt: skip
            sums = balances.get((company, account, month, currency))
            if sums is None:
                sums = balances[company, account, month, currency] = [0, 0, 0, 0]
            sums[amount < 0] += abs(amount)
            sums[2] += at_home
            sums[3] += max(0, at_home)
        answers.append(Posted(entry))

    if rows:
        offer(TOLD, [
            (one.document, 0, at)
            for one, answer in zip(requests, answers, strict=True)
            if one.event in rules.TOLD_BY_A_DOCUMENT and isinstance(answer, Posted) and answer.entry
        ])  # fmt: skip
        _write(rows, balances)
    return answers


def _write(rows: Sequence[tuple[object, ...]], balances: dict[tuple[int, int, date, str], list[int]]) -> None:
    sql.write("ledger_line", _COLUMNS, rows)
    names = (
        "companies", "accounts", "months", "currencies", "debits", "credits", "functionals", "functional_debits",
    )  # fmt: skip
    totals = [(*key, *sums) for key, sums in sorted(balances.items())]
    sql.change(_ADD_TO_BALANCES, sql.columns(names, totals))


def _day(at: datetime, known: dict[datetime, tuple[date, date]]) -> tuple[date, date]:
    """The day of a moment, and the first of its month."""
    if at not in known:
        day = at.astimezone(UTC).date()
        known[at] = (day, day.replace(day=1))
    return known[at]


def _as_sold(
    lines: list[tuple[int, str, int]], today: list[int], rate: Decimal, rule: tuple[int, int] | None
) -> list[int]:
    """Functional amounts of lines that take back what was sold at a rate; `lines` get one for the difference."""
    if rule is None:
        return today
    kinds, amounts = [kind for _, kind, _ in lines], [amount for *_, amount in lines]
    worth, difference = rules.as_sold(kinds, amounts, today, rate)
    if difference:
        lines.append((rule[0], rules.DIFFERENCE, 0))
        worth.append(difference)
    return worth


def _rules(companies: list[int], events: list[str]) -> versions.Accounts:
    rows = sql.run(_RULES, {"companies": companies, "events": events})
    return {(*row[:3], ""): row[3:] for row in rows if row[0] is not None}  # type: ignore[misc]


def _companies(
    companies: list[int], events: list[str], first: versions.Accounts
) -> tuple[dict[int, str], set[tuple[int, date]], dict[int, versions.InForce]]:
    """The currency of each company, its closed months, and its rules by day where it has later versions of them."""
    home: dict[int, str] = {}
    closed = set()
    later: dict[int, dict[tuple[int, date], list[versions.Change]]] = defaultdict(lambda: defaultdict(list))
    for company, currency, month, number, since, *change in sql.run(
        _COMPANIES, {"companies": companies, "events": events}
    ):
        if number:
            later[company][number, since] += [versions.Change(*change)] if change[0] else []
            continue
        home[company] = currency
        if month:
            closed.add((company, month))
    in_force = {
        company: versions.InForce(
            company, first, [versions.Active(*version, changes) for version, changes in found.items()]
        )
        for company, found in later.items()
    }
    return home, closed, in_force


def _closed_accounts(companies: list[int]) -> frozenset[tuple[int, int]]:
    """Accounts that take no line. Rules name none: those that close one look."""
    statement = (
        "SELECT company_id::int, code FROM ledger_account"
        " WHERE company_id = ANY(%(companies)s::smallint[]) AND closed"
    )
    return frozenset((company, code) for company, code in sql.run(statement, {"companies": companies}))


def _shut(
    company: int, given: Sequence[tuple[int, str, int]], closed: frozenset[tuple[int, int]]
) -> Refused | None:
    account = next((account for account, *_ in given if (company, account) in closed), None)
    return errors.AccountClosed(account=account, company=company) if account else None


class _Rates:
    """Rates for the foreign currencies of a batch on its days, loaded only where there are any."""

    def __init__(self, home: dict[int, str], requests: Sequence[Posting], now: datetime) -> None:
        self.home = home
        foreign = [p for p in requests if p.rate is None and p.currency != home.get(p.company)]
        self.foreign = {(p.company, p.currency) for p in foreign}
        self._rates = queries.rates_at(
            {
                (p.company, p.currency, at.astimezone(UTC).date())
                for p in foreign
                for at in ((p.occurred_at, now) if p.or_now else (p.occurred_at,))
            }
        )

    def on(self, company: int, currency: str, day: date) -> Decimal | None:
        """The latest rate not after the day."""
        return self._rates.get((company, currency, day))

    def convert(
        self, company: int, currency: str, day: date, amounts: list[int], said: Decimal | None = None
    ) -> list[int]:
        rate = said or self.on(company, currency, day)
        assert rate is not None
        worth = minor_at(rate, currency, self.home[company])
        rounded = [round_half_away(amount * worth) for amount in amounts]
        return rules.spread_functional(amounts, rounded)


def _refusal(
    company: int,
    event: str,
    missing: str | None,
    month: date,
    closed: set[tuple[int, date]],
    currency: str,
    day: date,
    rates: _Rates,
) -> Refused | None:
    if missing is not None:
        return errors.NoRule(company=company, event=event, kind=missing)
    if refused := in_closed(company, month, closed):
        return refused
    if (company, currency) in rates.foreign and rates.on(company, currency, day) is None:
        return errors.NoRate(company=company, currency=currency, on_date=str(day))
    return None


_COLUMNS = (
    "company_id", "entry_id", "number", "account", "amount_minor", "functional_minor", "currency", "kind", "event",
    "document_kind", "document_id", "month", "occurred_at", "recorded_at", "rule_version", "reason",
)  # fmt: skip

# With the lock of the trigger, before the closed months are read: so a month that is being closed refuses in words.
_RULES = """
SELECT r.company_id::int, r.event, r.kind, r.debit, r.credit
FROM (SELECT pg_advisory_xact_lock_shared(hashtextextended('ledger.months', 0))) AS months
LEFT JOIN ledger_rule AS r
  ON r.company_id = ANY(%(companies)s::smallint[]) AND r.event = ANY(%(events)s::text[])
"""

# Closed months and versions are read when the lock is held: activating a version and postings wait for each other.
_COMPANIES = """
SELECT c.id::int, c.currency::text, p.month, NULL::int, NULL::date, NULL::text, NULL::text, NULL::int, NULL::int,
       NULL::text
FROM parties_company AS c LEFT JOIN ledger_period AS p ON p.company_id = c.id AND p.state = 'closed'
WHERE c.id = ANY(%(companies)s::smallint[])
UNION ALL
SELECT v.company_id::int, NULL, NULL, v.number::int, v.since, r.event, r.kind, r.debit, r.credit, r.reason
FROM ledger_ruleversion AS v
LEFT JOIN ledger_rulechange AS r ON r.version_id = v.id AND r.event = ANY(%(events)s::text[])
WHERE v.company_id = ANY(%(companies)s::smallint[]) AND v.state = 'active'
"""

# A slot for each backend, so that two postings at once add to different rows of one account.
_ADD_TO_BALANCES = """
INSERT INTO ledger_balance (company_id, account, month, currency, slot, debit_minor, credit_minor, functional_minor,
                            functional_debit_minor)
SELECT company, account, month, currency, pg_backend_pid() %% 8, debit, credit, functional, functional_debit
FROM unnest(%(companies)s::smallint[], %(accounts)s::int[], %(months)s::date[], %(currencies)s::text[],
            %(debits)s::bigint[], %(credits)s::bigint[], %(functionals)s::bigint[], %(functional_debits)s::bigint[])
     AS d(company, account, month, currency, debit, credit, functional, functional_debit)
ORDER BY company, account, month, currency
ON CONFLICT (company_id, account, month, currency, slot) DO UPDATE
SET debit_minor = ledger_balance.debit_minor + excluded.debit_minor,
    credit_minor = ledger_balance.credit_minor + excluded.credit_minor,
    functional_minor = ledger_balance.functional_minor + excluded.functional_minor,
    functional_debit_minor = ledger_balance.functional_debit_minor + excluded.functional_debit_minor
"""
