"""Keep a company's chart: add accounts, name and number them, close and open them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger import chart, errors, version_queries
from entrepot.ledger.chart import Account, Wanted
from entrepot.ledger.commands.as_of import stop_postings
from entrepot.ledger.commands.keep_rules import hold_rules

DOCUMENT = "account"


@dataclass(frozen=True, slots=True)
class KeepAccount:
    """An account by its number, new or as it stands, and what it is to be; None: as it is.

    `role`: the standard account that a new one counts as, so that rules may name it in place of that one. `external`:
    its number in the chart of whoever the books are handed to; empty: none. `closed`: it takes no line any more.
    """

    company: int
    number: int
    name: str | None = None
    type: str | None = None
    role: int | None = None
    external: str | None = None
    closed: bool | None = None
    key: str | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.name, self.type, self.role, self.external, self.closed)


@dataclass(frozen=True, slots=True)
class AccountKept:
    """The account as it stands now; `change`: added, changed, closed or opened, or empty where it stood so before."""

    number: int
    name: str
    type: str
    role: int | None
    external: str
    closed: bool
    change: str


class _Kept(NamedTuple):
    company: int
    number: int
    was: Account | None
    now: Account
    change: str


@command("ledger.keep_accounts")
def keep_accounts(cause: Cause, /, *, requests: Sequence[KeepAccount]) -> list[AccountKept | Refused]:
    """Accounts added to charts, or changed: named, numbered as others number them, closed and opened again. Type and
    role stay, for what was posted was counted by them.

    Locks: who keeps charts or rules; where one is to be closed, postings, which wait until it is done. Refuses:
    NotFound (company); Invalid (number, name, type, role, external); ledger.account_in_use. Again: by key; an account
    that stands so already stays, and nothing is announced. 3 statements; 2 more where one is to be closed.
    """
    hold_rules()
    charts = version_queries.charts(sorted({one.company for one in requests}))
    used = _used([(one.company, one.number) for one in requests if one.closed])
    answers: list[AccountKept | Refused] = []
    done: list[_Kept] = []
    for one in requests:
        of = charts.get(one.company)
        if of is None:
            answers.append(NotFound(what="company with books", which=str(one.company)))
            continue
        was = of.get(one.number)
        refused = chart.misfit(one.number, one.wanted, of) or _in_use(one, was, used)
        if refused:
            answers.append(refused)
            continue
        now = of[one.number] = chart.kept(one.wanted, was)
        change = chart.change(was, now)
        if change:
            done.append(_Kept(one.company, one.number, was, now, change))
        answers.append(
            AccountKept(one.number, now.name, now.type, now.role, now.external, now.closed, change)
        )
    _store(cause, done)
    return answers


def _used(wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Why accounts can't be closed, by company and number; nobody posts until that is written."""
    if not wanted:
        return {}
    stop_postings()
    rows = sql.run(_USED, sql.columns(("companies", "codes"), sorted(set(wanted))))
    return {(company, code): why for company, code, why in rows}


_WHY = {
    "balance": Said("it is not at zero; of income and expense that is said of the months that are open"),
    "rule": Said("a posting rule names it, of a version that is in force, was, or is drafted"),
    "entry": Said("an entry by hand that waits for its approval names it"),
}


def _in_use(one: KeepAccount, was: Account | None, used: dict[tuple[int, int], str]) -> Refused | None:
    why = used.get((one.company, one.number)) if one.closed and was and not was.closed else None
    return errors.AccountInUse(account=one.number, why=_WHY[why]) if why else None


def _store(cause: Cause, done: Sequence[_Kept]) -> None:
    if not done:
        return
    last = {(one.company, one.number): one.now for one in done}
    names = ("companies", "codes", "names", "types", "roles", "externals", "closed")
    sql.run(_KEEP, sql.columns(names, [
        (*key, now.name, now.type, now.role, now.external, now.closed) for key, now in sorted(last.items())
    ]))  # fmt: skip
    announce(cause, [
        Event(DOCUMENT, ids.uuid7(), one.company, _state(one.was), _state(one.now), cause.at, {
            "number": one.number, "change": one.change, "name": one.now.name, "role": one.now.role,
            "external": one.now.external,
        })
        for one in done
    ])  # fmt: skip


def _state(one: Account | None) -> str:
    return "" if one is None else "closed" if one.closed else "open"


# The result of closed months is that of years that are over or on their way to be: an account of it is left behind.
_USED = """
SELECT d.company, d.code, CASE WHEN b.stands THEN 'balance' WHEN r.named THEN 'rule' ELSE 'entry' END
FROM unnest(%(companies)s::int[], %(codes)s::int[]) AS d(company, code)
JOIN ledger_account AS a ON a.company_id = d.company AND a.code = d.code
CROSS JOIN LATERAL (
    SELECT COALESCE(bool_or(s.amount <> 0 OR s.functional <> 0), FALSE) AS stands
    FROM (SELECT sum(x.debit_minor - x.credit_minor) AS amount, sum(x.functional_minor) AS functional
          FROM ledger_balance AS x
          LEFT JOIN ledger_period AS p ON p.company_id = x.company_id AND p.month = x.month AND p.state = 'closed'
          WHERE x.company_id = d.company AND x.account = d.code
            AND (a.type NOT IN ('income', 'expense') OR p.month IS NULL)
          GROUP BY x.currency) AS s
) AS b
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM ledger_rule AS x WHERE x.company_id = d.company AND d.code IN (x.debit, x.credit))
        OR EXISTS (SELECT FROM ledger_ruleversion AS v JOIN ledger_rulechange AS x ON x.version_id = v.id
                   WHERE v.company_id = d.company AND v.state <> 'withdrawn' AND d.code IN (x.debit, x.credit)) AS named
) AS r
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM ledger_manualentry AS m JOIN ledger_manualline AS x ON x.manual_id = m.id
                   WHERE m.company_id = d.company AND m.state = 'waiting' AND x.account = d.code) AS waits
) AS m
WHERE b.stands OR r.named OR m.waits
"""

_KEEP = """
INSERT INTO ledger_account (company_id, code, name, type, clearing, role, external, closed)
SELECT company, code, name, type, FALSE, role, external, closed
FROM unnest(%(companies)s::smallint[], %(codes)s::int[], %(names)s::text[], %(types)s::text[], %(roles)s::int[],
            %(externals)s::text[], %(closed)s::bool[]) AS d(company, code, name, type, role, external, closed)
ON CONFLICT (company_id, code) DO UPDATE
SET name = excluded.name, external = excluded.external, closed = excluded.closed
"""
