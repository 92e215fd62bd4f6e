"""Versions of the posting rules: what one changes, from which day on, and which rules are in force on a day. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.ledger.chart import RESULTS, Account
from entrepot.ledger.rules import REASON_MAX, REASONED, REVENUE, RULES, TAKEN_BACK_BY_AMOUNT

FIRST = 1
"""The version that a company's books open with: it has no day, and what later releases add to the rules is of it."""
CHANGES_MAX = 200
AHEAD_DAYS_MAX = 366
READ_BY_NAME = frozenset({*REVENUE, 5000, 5320, 5330, 5340, 5350, 5410, 5500})
"""Accounts of income and expense that checks and measurements of other rooms ask for by their role."""
TAKEN_BACK = frozenset(
    account for event, _, *sides in RULES if event in TAKEN_BACK_BY_AMOUNT for account in sides
)
"""Accounts to which one entry gives back what another one posted: both must name the same, though a version begins
between them."""

Accounts = dict[tuple[int, str, str, str], tuple[int, int]]
"""Account debited and credited by company, event, kind and reason; without a reason: for any."""


class Change(NamedTuple):
    """The accounts that an amount of a kind goes to when an event happens, from a version on: for a reason, or where
    that is empty for any that no other rule names."""

    event: str
    kind: str
    debit: int
    credit: int
    reason: str = ""

    @property
    def rule(self) -> tuple[str, str, str]:
        return self.event, self.kind, self.reason


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
            changed = {(company, *each.rule): (each.debit, each.credit) for each in one.changes}
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
    rules = [one.rule for one in changes]
    twice = next((one for one in rules if rules.count(one) > 1), None)
    if twice:
        told = " ".join(twice).strip()
        return Invalid(field="changes", expected="each rule once", found=Said("{0} twice", told))
    return next((found for found in map(_misfit_reason, changes) if found), None)


def _misfit_reason(one: Change) -> Refused | None:
    if not one.reason:
        return None
    if one.event not in REASONED:
        expected = Said("none, for only these have one: {0}", ", ".join(REASONED))
        return Invalid(field="reason", expected=expected, found=one.reason)
    if one.reason != one.reason.strip() or len(one.reason) > REASON_MAX or not one.reason.isprintable():
        expected = Said("at most {0} characters, without spaces around them", REASON_MAX)
        return Invalid(field="reason", expected=expected, found=one.reason[:REASON_MAX])
    return None


def misfit_change(one: Change, rule: tuple[int, int] | None, chart: Mapping[int, Account]) -> Refused | None:
    """Why a rule can't say so: there is no such rule, an account is not of the chart or is closed, both sides are the
    same account, nothing changes, or a side moves that others hold the books to, or from income to expense. `rule`:
    what is posted by now for the reason."""
    if rule is None:
        return Invalid(
            field="event",
            expected="an event and a kind that have a posting rule",
            found=f"{one.event} {one.kind}",
        )
    for field, account in (("debit", one.debit), ("credit", one.credit)):
        if account not in chart:
            return Invalid(field=field, expected="an account of the company's chart", found=str(account))
        if chart[account].closed:
            found = Said("{0}, which is closed", account)
            return Invalid(field=field, expected="an open account", found=found)
    if one.debit == one.credit:
        return Invalid(field="credit", expected="another account than the debited one", found=str(one.credit))
    if (one.debit, one.credit) == rule:
        return Invalid(
            field="changes", expected="another account on one of the sides", found="the rule as it is"
        )
    for field, was, now in (("debit", rule[0], one.debit), ("credit", rule[1], one.credit)):
        if was != now and not may_stand(one.event, was, now, chart):
            return _held(one.event, field, was, now, chart)
    return None


def may_stand(event: str, was: int, now: int, chart: Mapping[int, Account]) -> bool:
    """Whether a rule of the event may name one account in place of another: one that counts as the same, or where no
    record is compared with either, one of the same type."""
    before, after = chart[was], chart[now]
    if is_free(was, chart) and is_free(now, chart):
        return before.type == after.type
    same = before.type in RESULTS and before.role is not None and before.role == after.role
    return same and event not in TAKEN_BACK_BY_AMOUNT


def instead_of(event: str, was: int, chart: Mapping[int, Account]) -> list[int]:
    """Open accounts that a rule of the event may name in place of one, by their numbers."""
    return [
        code
        for code, one in sorted(chart.items())
        if code != was and not one.closed and may_stand(event, was, code, chart)
    ]


def is_free(account: int, chart: Mapping[int, Account]) -> bool:
    """Whether a rule may name another account in place of this one whatever that counts as, or this one in place of
    another."""
    one = chart.get(account)
    return one is not None and one.type in RESULTS and one.role not in READ_BY_NAME | TAKEN_BACK


def _held(event: str, field: str, was: int, now: int, chart: Mapping[int, Account]) -> Refused:
    """The balance sheet holds what records say, to the minor unit: no rule takes an amount out of it or puts one in."""
    if is_free(was, chart) and is_free(now, chart):
        expected = Said("an account of the same type as {0}", was)
    elif chart[was].type in RESULTS and event in TAKEN_BACK_BY_AMOUNT:
        expected = Said("account {0}, for what is posted there is taken back there", was)
    elif chart[was].type in RESULTS and not is_free(was, chart):
        expected = Said(
            "account {0} or one that counts as it, for records or reports are compared with it", was
        )
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
    reason: str
    was: tuple[int, int]
    now: tuple[int, int]


Sides = Mapping[tuple[str, str, str], tuple[int, int]]
"""The rules of a company by event, kind and reason."""


def sides_of(event: str, kind: str, reason: str, rules: Sides) -> tuple[int, int] | None:
    """The rule for just this reason, or else the one for any."""
    return rules.get((event, kind, reason)) or rules.get((event, kind, ""))


def compare(before: Sides, after: Sides) -> list[Difference]:
    """What differs, by event, kind and reason. Where only one of the versions has a rule for a reason, the other one
    posts by that for any."""
    found = []
    for rule in sorted({*before, *after}):
        was, now = sides_of(*rule, before), sides_of(*rule, after)
        if was and now and was != now:
            found.append(Difference(*rule, was, now))
    return found
