"""What is asked of the versions of posting rules: which there are, what they say, and how two differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.errors import NotFound
from entrepot.ledger import errors, manual, rules, versions
from entrepot.ledger.chart import Account
from entrepot.ledger.versions import Difference

Rules = dict[tuple[str, str, str], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a company's posting rules, how many of them it changes, and how it came to be."""

    id: UUID
    number: int
    state: str
    since: date | None
    reason: str
    drafted_by: str
    drafted_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str
    changes: int


def of_company(company: int, *, number: int | None = None) -> list[VersionRow]:
    """Versions after the one that the books opened with, the latest first; or the one with a number."""
    return [VersionRow(*row) for row in sql.run(_VERSIONS, {"company": company, "number": number})]


def on_day(company: int, day: date) -> int:
    """The number of the version in force on a day."""
    return sql.run(_ON_DAY, {"company": company, "day": day, "first": versions.FIRST})[0][0]


@dataclass(frozen=True, slots=True)
class RuleRow:
    """Where an amount of a kind goes when an event happens, and which version says so. Without a reason, whatever it is
    for that no other rule names."""

    event: str
    kind: str
    reason: str
    debit: int
    debit_name: str
    credit: int
    credit_name: str
    version: int


def rules_of(company: int, number: int, *, event: str = "") -> list[RuleRow]:
    """The rules of a version, of an event or of all, by event, kind and reason: of a draft as they would be."""
    found = sql.run(_RULES, {"company": company, "number": number, "event": event, "first": versions.FIRST})
    return [RuleRow(*row) for row in found]


def compare(company: int, before: int, after: int) -> list[Difference]:
    """The rules that differ between two versions."""
    both = [
        {(one.event, one.kind, one.reason): (one.debit, one.credit) for one in rules_of(company, number)}
        for number in (before, after)
    ]
    return versions.compare(*both)


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A line that a posting would write, debit positive."""

    account: int
    account_name: str
    kind: str
    amount_minor: int

    @property
    def credit_minor(self) -> int:
        return max(0, -self.amount_minor)


def preview(
    company: int, number: int, event: str, amounts: Sequence[tuple[str, int]], reason: str = ""
) -> list[PreviewLine] | errors.NoRule:
    """The entry that an event with these amounts would be by a version, debits first; nothing is written."""
    found = rules_of(company, number, event=event)
    names = {one.debit: one.debit_name for one in found} | {one.credit: one.credit_name for one in found}
    accounts = {(company, event, one.kind, one.reason): (one.debit, one.credit) for one in found}
    lines, missing = rules.lines_of(company, event, amounts, accounts, rules.reason_of(event, reason))
    if missing is not None:
        return errors.NoRule(company=company, event=event, kind=missing)
    return [
        PreviewLine(account, names[account], kind, amount)
        for (account, kind), amount in sorted(lines.items(), key=lambda line: (line[1] < 0, line[0]))
        if amount
    ]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a version would have moved of a month's postings from one account to another, debits above zero."""

    event: str
    kind: str
    reason: str
    was: int
    was_name: str
    now: int
    now_name: str
    lines: int
    functional_minor: int


def would_move(company: int, number: int, month: date) -> list[Moved]:
    """What the rules that a version changes posted in a month to other accounts than the version says, and where it
    would have gone."""
    return [
        Moved(*row) for row in sql.run(_WOULD_MOVE, {"company": company, "number": number, "month": month})
    ]


def known(company: int, number: int) -> None:
    """Refuse a version that there is not."""
    if number != versions.FIRST and not of_company(company, number=number):
        raise NotFound(what="version of the posting rules", which=str(number))


# ---- what commands ask


def charts(companies: Sequence[int]) -> dict[int, dict[int, Account]]:
    """The accounts of companies by their numbers."""
    found: dict[int, dict[int, Account]] = defaultdict(dict)
    for company, code, *account in sql.run(_CHARTS, {"companies": list(companies)}):
        found[company][code] = Account(*account)
    return found


def rules_in_force(companies: Sequence[int]) -> dict[int, Rules]:
    """Rules of companies by the last version that is active, whatever its day."""
    found: dict[int, Rules] = defaultdict(dict)
    for company, event, kind, reason, debit, credit in sql.run(_LAST_RULES, {"companies": list(companies)}):
        found[company][event, kind, reason] = (debit, credit)
    return found


def last_numbers(companies: Sequence[int]) -> dict[int, int]:
    """The highest number of a version that each company has given."""
    return dict(sql.run(_LAST_NUMBERS, {"companies": list(companies)}))


def active(companies: Sequence[int]) -> dict[int, list[tuple[int, date]]]:
    """Number and day of each version that is active, the last one last."""
    found: dict[int, list[tuple[int, date]]] = defaultdict(list)
    for company, number, since in sql.run(_ACTIVE, {"companies": list(companies)}):
        found[company].append((number, since))
    return found


def used(which: Sequence[UUID], today: date) -> set[UUID]:
    """Of versions, those whose day is to come and by which entries were made all the same, as of days ahead."""
    return {found for (found,) in sql.run(_USED, {"ids": list(which), "today": today})}


def discrepancies() -> list[str]:
    """Sentences about versions out of their order, and entries by another version than the one in force on their
    day."""
    return [
        sentence
        for (sentence,) in sql.run(_DISCREPANCIES, {"first": versions.FIRST, "by_hand": manual.EVENT})
    ]


# ---- statements


_VERSIONS = """
SELECT v.id, v.number::int, v.state, v.since, v.reason, v.drafted_by, v.drafted_at, v.decided_by, v.decided_at, v.note,
       (SELECT count(*)::int FROM ledger_rulechange AS r WHERE r.version_id = v.id)
FROM ledger_ruleversion AS v
WHERE v.company_id = %(company)s::smallint AND (%(number)s::int IS NULL OR v.number = %(number)s::int)
ORDER BY v.number DESC
"""

_ON_DAY = """
SELECT COALESCE(max(number), %(first)s::int)::int FROM ledger_ruleversion
WHERE company_id = %(company)s::smallint AND state = 'active' AND since <= %(day)s::date
"""

_RULES = """
SELECT DISTINCT ON (r.event, r.kind, r.reason) r.event, r.kind, r.reason, r.debit, d.name, r.credit, c.name, r.number
FROM (
    SELECT event, kind, '' AS reason, debit, credit, %(first)s::int AS number FROM ledger_rule
    WHERE company_id = %(company)s::smallint
    UNION ALL
    SELECT h.event, h.kind, h.reason, h.debit, h.credit, v.number::int
    FROM ledger_ruleversion AS v JOIN ledger_rulechange AS h ON h.version_id = v.id
    WHERE v.company_id = %(company)s::smallint
      AND (v.number = %(number)s::int OR v.state = 'active' AND v.number < %(number)s::int)
) AS r
JOIN ledger_account AS d ON d.company_id = %(company)s::smallint AND d.code = r.debit
JOIN ledger_account AS c ON c.company_id = %(company)s::smallint AND c.code = r.credit
WHERE %(event)s::text = '' OR r.event = %(event)s::text
ORDER BY r.event, r.kind, r.reason, r.number DESC
"""

# Only the side of the result ever moves, and a line of it bears the kind of its rule. A line of no version was posted
# by the first, before there were others. A rule for any reason moves what no other rule in force beside it names. Lines
# are read by when they occurred: of all months there are too many.
_WOULD_MOVE = """
SELECT p.event, p.kind, h.reason, p.account, a.name, n.code, n.name, sum(p.lines)::int, sum(p.functional)::bigint
FROM ledger_ruleversion AS v
JOIN ledger_rulechange AS h ON h.version_id = v.id
JOIN ledger_account AS n
  ON n.company_id = v.company_id AND n.code IN (h.debit, h.credit) AND n.type IN ('income', 'expense')
JOIN (
    SELECT event, kind, COALESCE(reason, '') AS reason, account, count(*) AS lines, sum(functional_minor) AS functional
    FROM ledger_line
    WHERE company_id = %(company)s::smallint AND occurred_at >= %(month)s::date::timestamp AT TIME ZONE 'UTC'
      AND occurred_at < (%(month)s::date + interval '1 month')::timestamp AT TIME ZONE 'UTC'
      AND event IN (SELECT c.event FROM ledger_ruleversion AS o JOIN ledger_rulechange AS c ON c.version_id = o.id
                    WHERE o.company_id = %(company)s::smallint AND o.number = %(number)s::int)
    GROUP BY 1, 2, 3, 4
) AS p ON p.event = h.event AND p.kind = h.kind AND p.account <> n.code
      AND (p.reason = h.reason OR h.reason = '' AND NOT EXISTS (
          SELECT FROM ledger_ruleversion AS o JOIN ledger_rulechange AS c ON c.version_id = o.id
          WHERE o.company_id = v.company_id AND (o.number = v.number OR o.state = 'active' AND o.number < v.number)
            AND c.event = p.event AND c.kind = p.kind AND c.reason = p.reason))
JOIN ledger_account AS a
  ON a.company_id = v.company_id AND a.code = p.account AND a.type IN ('income', 'expense')
WHERE v.company_id = %(company)s::smallint AND v.number = %(number)s::int
GROUP BY p.event, p.kind, h.reason, p.account, a.name, n.code, n.name ORDER BY p.event, p.kind, h.reason, p.account
"""

_CHARTS = """
SELECT company_id::int, code, name, type, role, external, closed FROM ledger_account
WHERE company_id = ANY(%(companies)s::smallint[])
"""

_LAST_RULES = """
SELECT DISTINCT ON (company_id, event, kind, reason) company_id::int, event, kind, reason, debit, credit
FROM (
    SELECT company_id, event, kind, '' AS reason, debit, credit, 0 AS number FROM ledger_rule
    WHERE company_id = ANY(%(companies)s::smallint[])
    UNION ALL
    SELECT v.company_id, h.event, h.kind, h.reason, h.debit, h.credit, v.number
    FROM ledger_ruleversion AS v JOIN ledger_rulechange AS h ON h.version_id = v.id
    WHERE v.company_id = ANY(%(companies)s::smallint[]) AND v.state = 'active'
) AS r
ORDER BY company_id, event, kind, reason, number DESC
"""

_LAST_NUMBERS = """
SELECT company_id::int, max(number)::int FROM ledger_ruleversion
WHERE company_id = ANY(%(companies)s::smallint[]) GROUP BY 1
"""

_ACTIVE = """
SELECT company_id::int, number::int, since FROM ledger_ruleversion
WHERE company_id = ANY(%(companies)s::smallint[]) AND state = 'active' ORDER BY company_id, number
"""

_USED = """
SELECT v.id FROM ledger_ruleversion AS v
WHERE v.id = ANY(%(ids)s::uuid[]) AND v.state = 'active' AND v.since > %(today)s::date AND EXISTS (
    SELECT FROM ledger_line AS l
    WHERE l.company_id = v.company_id AND l.rule_version = v.number
      AND l.occurred_at >= v.since::timestamp AT TIME ZONE 'UTC')
"""

# What was posted before a version was activated for days behind it keeps the one it was made by. An hour's grace, for
# activation reads its clock and then waits for those who post, whose clocks may be later.
_DISCREPANCIES = """
SELECT format('company %%s has version %%s of its posting rules in force since %%s, and version %%s since %%s',
              v.company_id, v.number, v.since, w.number, w.since)
FROM ledger_ruleversion AS v JOIN ledger_ruleversion AS w ON w.company_id = v.company_id AND w.number > v.number
WHERE v.state = 'active' AND w.state = 'active' AND w.since < v.since
UNION ALL
SELECT format('entry %%s of %%s was made by version %%s of the posting rules, which was not in force then', l.entry_id,
              l.occurred_at, l.rule_version)
FROM ledger_line AS l
WHERE l.rule_version > %(first)s::int AND NOT EXISTS (
    SELECT FROM ledger_ruleversion AS v
    WHERE v.company_id = l.company_id AND v.number = l.rule_version AND v.state = 'active'
      AND v.since <= (l.occurred_at AT TIME ZONE 'UTC')::date)
GROUP BY l.entry_id, l.occurred_at, l.rule_version
UNION ALL
SELECT format('entry %%s of %%s was made by version %%s of the posting rules, but version %%s was in force then',
              l.entry_id, l.occurred_at, COALESCE(l.rule_version, %(first)s::int), max(w.number))
FROM ledger_ruleversion AS w
JOIN ledger_line AS l
  ON l.company_id = w.company_id AND COALESCE(l.rule_version, %(first)s::int) < w.number
 AND l.occurred_at >= w.since::timestamp AT TIME ZONE 'UTC' AND l.recorded_at > w.decided_at + interval '1 hour'
WHERE w.state = 'active' AND l.event <> %(by_hand)s::text
GROUP BY l.entry_id, l.occurred_at, l.rule_version
"""
