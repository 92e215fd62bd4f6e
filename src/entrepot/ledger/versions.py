"""Versions of the posting rules: what one changes, from which day on, and which rules are in force on a day. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.ledger.rules import REVENUE, RULES, TAKEN_BACK_BY_AMOUNT

FIRST = 1
"""The version that a company's books open with: it has no day, and what later releases add to the rules is of it."""
CHANGES_MAX = 200
AHEAD_DAYS_MAX = 366
RESULTS = ("income", "expense")
READ_BY_NAME = frozenset({*REVENUE, 5000, 5320, 5330, 5340, 5350, 5410, 5500})
"""Accounts of income and expense that checks and measurements of other rooms ask for by their number."""
TAKEN_BACK = frozenset(
    account for event, _, *sides in RULES if event in TAKEN_BACK_BY_AMOUNT for account in sides
)
"""Accounts to which one entry gives back what another one posted: both must name the same, though a version begins
between them."""

Accounts = dict[tuple[int, str, str], tuple[int, int]]
"""Account debited and credited by company, event and kind."""


class Change(NamedTuple):
    """The accounts that an amount of a kind goes to when an event happens, from a version on."""

    event: str
    kind: str
    debit: int
    credit: int


class Active(NamedTuple):
    """A version in force from a day on, and what it changes."""

    number: int
    since: date
    changes: Sequence[Change]


class InForce:
    """The rules of a company by day: those of the first version, and over them what each later one changed."""

    def __init__(self, company: int, first: Accounts, versions: Sequence[Active]) -> None:
        ordered = sorted(versions, key=lambda one: one.number)
        self._days = [one.since for one in ordered]
        self._known: list[tuple[int, Accounts]] = [(FIRST, first)]
        for one in ordered:
            changed = {(company, each.event, each.kind): (each.debit, each.credit) for each in one.changes}
            before = self._known[-1][1]
            self._known.append((one.number, before | changed if changed else before))

    def on(self, day: date) -> tuple[int, Accounts]:
        """The number of the version in force on a day, and its rules."""
        return self._known[bisect_right(self._days, day)]


def misfit(changes: Sequence[Change], reason: str) -> Refused | None:
    """Why changes are no version, whatever the rules say: there are none or too many, or two of one rule."""
    if not reason.strip():
        return Invalid(field="reason", expected="why the rules change", found="nothing")
    if not 1 <= len(changes) <= CHANGES_MAX:
        return Invalid(
            field="changes", expected=Said("1 to {0} changes", CHANGES_MAX), found=str(len(changes))
        )
    rules = [(one.event, one.kind) for one in changes]
    twice = next((one for one in rules if rules.count(one) > 1), None)
    if twice:
        return Invalid(field="changes", expected="each rule once", found=Said("{0} {1} twice", *twice))
    return None


def misfit_change(one: Change, rule: tuple[int, int] | None, chart: Mapping[int, str]) -> Refused | None:
    """Why a rule can't say so: there is no such rule, an account is not of the chart, both sides are the same account,
    nothing changes, or a side moves that others hold the books to, or from income to expense. `chart`: the type of each
    account."""
    if rule is None:
        return Invalid(
            field="event",
            expected="an event and a kind that have a posting rule",
            found=f"{one.event} {one.kind}",
        )
    for field, account in (("debit", one.debit), ("credit", one.credit)):
        if account not in chart:
            return Invalid(field=field, expected="an account of the company's chart", found=str(account))
    if one.debit == one.credit:
        return Invalid(field="credit", expected="another account than the debited one", found=str(one.credit))
    if (one.debit, one.credit) == rule:
        return Invalid(
            field="changes", expected="another account on one of the sides", found="the rule as it is"
        )
    for field, was, now in (("debit", rule[0], one.debit), ("credit", rule[1], one.credit)):
        if was != now and not (is_free(was, chart) and is_free(now, chart) and chart[was] == chart[now]):
            return _held(field, was, now, chart)
    return None


def is_free(account: int, chart: Mapping[int, str]) -> bool:
    """Whether a rule may name another account in place of this one, or this one in place of another."""
    return chart.get(account) in RESULTS and account not in READ_BY_NAME | TAKEN_BACK


def _held(field: str, was: int, now: int, chart: Mapping[int, str]) -> Refused:
    """The balance sheet holds what records say, to the minor unit: no rule takes an amount out of it or puts one in."""
    if is_free(was, chart) and is_free(now, chart):
        expected = Said("an account of the same type as {0}", was)
    elif chart.get(was) in RESULTS and was in TAKEN_BACK - READ_BY_NAME:
        expected = Said("account {0}, for what is posted there is taken back there", was)
    elif not is_free(was, chart):
        expected = Said("account {0}, for records or reports are compared with it", was)
    else:
        expected = Said("an account of income or expense that no other record is compared with")
    return Invalid(field=field, expected=expected, found=str(now))


def misfit_day(since: date, today: date, last: date | None) -> Refused | None:
    """Why a version can't come into force on a day: it is before the last version's, or too far ahead."""
    if last is not None and since < last:
        return Invalid(
            field="since",
            expected=Said("a day from {0} on, when the version before begins", str(last)),
            found=str(since),
        )
    if (since - today).days > AHEAD_DAYS_MAX:
        return Invalid(
            field="since", expected=Said("a day within {0} days", AHEAD_DAYS_MAX), found=str(since)
        )
    return None


class Difference(NamedTuple):
    """A rule as two versions have it."""

    event: str
    kind: str
    was: tuple[int, int]
    now: tuple[int, int]


def compare(
    before: Mapping[tuple[str, str], tuple[int, int]], after: Mapping[tuple[str, str], tuple[int, int]]
) -> list[Difference]:
    """The rules that differ, by event and kind. Both versions have the same rules."""
    return [
        Difference(*rule, before[rule], after[rule]) for rule in sorted(after) if before[rule] != after[rule]
    ]
