"""Change the posting rules: draft a version of them, put it in force from a day on, or withdraw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.ledger import errors, queries, version_queries, versions
from entrepot.ledger.chart import Account
from entrepot.ledger.commands.as_of import is_closed, stop_postings
from entrepot.ledger.states import RULE_VERSION
from entrepot.ledger.versions import Change

DOCUMENT = "rule_version"
DUTY = "draft×activate"


@dataclass(frozen=True, slots=True)
class DraftRules:
    """What is to change of a company's posting rules, over the last version in force, and why."""

    company: int
    changes: tuple[Change, ...]
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RulesDrafted:
    version: UUID
    number: int


@command("ledger.draft_rules")
def draft_rules(cause: Cause, /, *, requests: Sequence[DraftRules]) -> list[RulesDrafted | Refused]:
    """Versions of posting rules as drafts: nothing is posted by one before it is activated (ledger.activate_rules).

    Locks: who numbers versions. Refuses: NotFound (company); Invalid (changes, reason, a rule that there is not, an
    account that is not of the chart or that records are compared with). Again: by key. 8 statements.
    """
    hold_rules()
    companies = sorted({one.company for one in requests})
    charts = version_queries.charts(companies)
    rules = version_queries.rules_in_force(companies)
    numbers = version_queries.last_numbers(companies)
    active = version_queries.active(companies)
    answers: list[RulesDrafted | Refused] = []
    drafted: list[tuple[UUID, int, int, DraftRules]] = []
    for one in requests:
        refused = _misfit(one, charts.get(one.company), rules.get(one.company, {}))
        if refused:
            answers.append(refused)
            continue
        numbers[one.company] = number = numbers.get(one.company, versions.FIRST) + 1
        drafted.append((ids.uuid7(), number, _last(active[one.company])[0], one))
        answers.append(RulesDrafted(drafted[-1][0], number))
    _write(cause, drafted)
    return answers


def hold_rules() -> None:
    """Nobody drafts or decides a version of the rules until this is over."""
    sql.run("SELECT pg_advisory_xact_lock(hashtextextended('ledger.rules', 0))")


def _misfit(
    one: DraftRules, chart: dict[int, Account] | None, rules: version_queries.Rules
) -> Refused | None:
    if chart is None:
        return NotFound(what="company with books", which=str(one.company))
    refused = versions.misfit(one.changes, one.reason)
    each = (
        versions.misfit_change(change, versions.sides_of(*change.rule, rules), chart)
        for change in one.changes
    )
    return refused or next((found for found in each if found), None)


def _write(cause: Cause, drafted: Sequence[tuple[UUID, int, int, DraftRules]]) -> None:
    if not drafted:
        return
    whole(take_duty(cause, requests=[_duty(cause, which, number, "draft") for which, number, *_ in drafted]))
    columns = ("id", "company_id", "number", "base", "state", "reason", "drafted_by", "drafted_at")
    sql.write("ledger_ruleversion", columns, [
        (which, one.company, number, base, RULE_VERSION.initial, one.reason.strip(), cause.actor.name, cause.at)
        for which, number, base, one in drafted
    ])  # fmt: skip
    sql.write("ledger_rulechange", ("version_id", "event", "kind", "debit", "credit", "reason"), [
        (which, *change) for which, _, _, one in drafted for change in one.changes
    ])  # fmt: skip
    announce(cause, [
        Event(DOCUMENT, which, one.company, "", RULE_VERSION.initial, cause.at,
              {"number": number, "changes": len(one.changes)}, one.reason.strip())
        for which, number, _, one in drafted
    ])  # fmt: skip


def _duty(cause: Cause, which: UUID, number: int, side: str) -> Duty:
    return Duty(which, DUTY, side, cause.actor.name, str(number))


# ---- what becomes of a draft


@dataclass(frozen=True, slots=True)
class ActivateRules:
    """A draft that is in force from a day on: for what occurs on it or later. What was posted stays."""

    version: UUID
    since: date
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WithdrawRules:
    """A version that is not to come into force, and why."""

    version: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RulesDecided:
    version: UUID
    number: int
    state: str
    since: date | None


class _Version(NamedTuple):
    id: UUID
    company: int
    number: int
    base: int
    state: str
    since: date | None


@command("ledger.activate_rules")
def activate_rules(cause: Cause, /, *, requests: Sequence[ActivateRules]) -> list[RulesDecided | Refused]:
    """Drafts put in force, each from a day in an open month on that is not before the version before it. A draft over
    another version than the last one in force is drafted anew, for nobody has looked at both together. Who drafted one
    does not put it in force.

    Locks: who numbers versions; postings, which wait until it is done. Refuses: NotFound; WrongState (not a draft);
    ledger.rules_overtaken; access.duties_apart; Invalid (day); ledger.month_closed. Again: by key. 9 statements.
    """
    found = _locked(one.version for one in requests)
    companies = sorted({one.company for one in found.values()})
    closed = queries.closed_months(companies)
    active = version_queries.active(companies)
    duties = [_duty(cause, of.id, of.number, "activate") for of in found.values() if of.state == "draft"]
    told = zip(duties, access.apart(duties), strict=True)
    apart = {one.document: refused for one, refused in told if refused}
    answers: list[RulesDecided | Refused] = []
    decided: list[tuple[_Version, _Version, str]] = []
    for one in requests:
        of = found.get(one.version)
        if of is None:
            answers.append(NotFound(what="version of the posting rules", which=str(one.version)))
            continue
        refused = _not_now(of, one.since, active[of.company], closed, cause) or apart.get(of.id)
        if refused:
            answers.append(refused)
            continue
        now = found[of.id] = of._replace(state="active", since=one.since)
        active[of.company].append((of.number, one.since))
        decided.append((of, now, ""))
        answers.append(RulesDecided(of.id, of.number, now.state, now.since))
    if decided:
        whole(take_duty(cause, requests=[_duty(cause, of.id, of.number, "activate") for of, *_ in decided]))
    _store(cause, decided)
    return answers


def _not_now(
    of: _Version, since: date, active: Sequence[tuple[int, date]], closed: set[tuple[int, date]], cause: Cause
) -> Refused | None:
    state = RULE_VERSION.step(of.state, "activate")
    if isinstance(state, Refused):
        return state
    last, begins = _last(active)
    if of.base != last:
        return errors.RulesOvertaken(number=of.number, by=last)
    today = cause.at.astimezone(UTC).date()
    behind = [month for company, month in closed if company == of.company and month >= since.replace(day=1)]
    return versions.misfit_day(since, today, begins) or (
        is_closed(of.company, max(behind)) if behind else None
    )


@command("ledger.withdraw_rules")
def withdraw_rules(cause: Cause, /, *, requests: Sequence[WithdrawRules]) -> list[RulesDecided | Refused]:
    """Drafts, and the last version in force while its day is to come, withdrawn: no entry was made by them. One
    by which something was posted ahead of its day, or while this waited past midnight, stays.

    Locks: who numbers versions; postings, which wait until it is done. Refuses: NotFound; WrongState (withdrawn, or in
    force already); Invalid (reason); ledger.rules_overtaken (another one follows it). Again: by key. 6 statements.
    """
    found = _locked(one.version for one in requests)
    used = version_queries.used(list(found), cause.at.astimezone(UTC).date())
    active = version_queries.active(sorted({one.company for one in found.values()}))
    answers: list[RulesDecided | Refused] = []
    decided: list[tuple[_Version, _Version, str]] = []
    for one in requests:
        of = found.get(one.version)
        if of is None:
            answers.append(NotFound(what="version of the posting rules", which=str(one.version)))
            continue
        refused = _stays(of, one.reason, _last(active[of.company])[0], used, cause)
        if refused:
            answers.append(refused)
            continue
        now = found[of.id] = of._replace(state="withdrawn")
        active[of.company] = [each for each in active[of.company] if each[0] != of.number]
        decided.append((of, now, one.reason.strip()))
        answers.append(RulesDecided(of.id, of.number, now.state, now.since))
    _store(cause, decided)
    return answers


def _stays(of: _Version, reason: str, last: int, used: set[UUID], cause: Cause) -> Refused | None:
    state = RULE_VERSION.step(of.state, "withdraw")
    if isinstance(state, Refused):
        return state
    if not reason.strip():
        return Invalid(field="reason", expected="why it is withdrawn", found="nothing")
    if of.since is None:
        return None
    begun = of.since <= cause.at.astimezone(UTC).date()
    if begun or of.id in used:
        found = (
            Said("in force since {0}", str(of.since))
            if begun
            else Said("one by which entries were made already")
        )
        expected = "a draft, or one whose day is to come"
        return WrongState(
            subject="version of the posting rules", found=found, event="withdraw", expected=expected
        )
    return errors.RulesOvertaken(number=of.number, by=last) if last > of.number else None


def _last(active: Sequence[tuple[int, date]]) -> tuple[int, date | None]:
    """The version that a draft is drafted over, and its day; the one that the books opened with has none."""
    return active[-1] if active else (versions.FIRST, None)


def _locked(which: Iterable[UUID]) -> dict[UUID, _Version]:
    """Versions by id; nobody posts until what becomes of them is written."""
    hold_rules()
    stop_postings()
    return {row[0]: _Version(*row) for row in sql.run(_FOUND, {"ids": sorted(set(which))})}


def _store(cause: Cause, decided: Sequence[tuple[_Version, _Version, str]]) -> None:
    if not decided:
        return
    rows = [(now.id, now.state, now.since, note) for _, now, note in decided]
    names = ("ids", "states", "days", "notes")
    sql.run(_DECIDE, {**sql.columns(names, rows), "who": cause.actor.name, "at": cause.at})
    announce(cause, [
        Event(DOCUMENT, now.id, now.company, was.state, now.state, cause.at,
              {"number": now.number, "since": now.since}, note)
        for was, now, note in decided
    ])  # fmt: skip


_FOUND = """
SELECT id, company_id::int, number::int, base::int, state, since FROM ledger_ruleversion
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_DECIDE = """
UPDATE ledger_ruleversion AS v SET state = d.state, since = d.since, note = d.note, decided_by = %(who)s::text,
       decided_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(days)s::date[], %(notes)s::text[]) AS d(id, state, since, note)
WHERE v.id = d.id
"""
