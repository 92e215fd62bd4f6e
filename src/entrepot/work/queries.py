"""What is asked about work items."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from entrepot.kernel import sql
from entrepot.kernel.keyset import keyset
from entrepot.work.rules import Term, points_of, terms_at


@dataclass(frozen=True, slots=True)
class Item:
    """A work item as people see it."""

    id: UUID
    company: int
    type: str
    subject_kind: str
    subject: UUID
    reason: str
    facts: dict[str, Any]
    role: str
    owner: str
    priority: int
    state: str
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    root_cause: str
    kind: str
    points: int
    terms: tuple[Term, ...]
    snoozed_until: datetime | None
    escalated_at: datetime | None

    def terms_at(self, at: datetime) -> tuple[Term, ...]:
        """Its priority at a moment, term by term."""
        return terms_at(self.terms, self.opened_at, at)

    def points_at(self, at: datetime) -> int:
        return points_of(self.terms_at(at))


@dataclass(frozen=True, slots=True)
class Queue:
    """Unfinished items of a type that wait for a role: how many, how many of them nobody has taken, are overdue or
    sleep, and since when the oldest of them waits."""

    kind: str
    type: str
    role: str
    items: int
    untaken: int
    overdue: int
    snoozed: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Items of a type: those not finished, those of them past their due time, and those done."""

    type: str
    open: int
    overdue: int
    done: int


def items(
    company: int,
    *,
    kind: str = "",
    roles: Collection[str] = (),
    owner: str = "",
    untaken: bool = False,
    cases: bool | None = None,
    overdue_at: datetime | None = None,
    awake_at: datetime | None = None,
    asleep_at: datetime | None = None,
    order: str = "rank",
    after: UUID | None = None,
    limit: int = 50,
) -> list[Item]:
    """Unfinished items, the most urgent first or in another of `ITEMS_BY`. 1 statement.

    '', None and no roles leave a filter out. `cases` are those of customer service, or the exceptions. At a moment an
    item is overdue, asleep or awake. `after` continues behind an item.
    """
    asked = {
        "type": kind, "roles": list(roles) or None, "owner": owner,
        "cases": cases or None, "exceptions": cases is False or None,
        "untaken": untaken or None, "overdue": overdue_at, "awake": awake_at, "asleep": asleep_at,
    }  # fmt: skip
    filters = " ".join(_FILTERS[name] for name, value in asked.items() if value not in ("", None))
    behind, by = keyset("work_item", "work_item", ITEMS_BY, order, after)
    statement = _QUEUE.format(filters=filters, behind=behind, by=by)
    found = sql.run(statement, asked | {"company": company, "after": after, "limit": limit})
    return [_item(row) for row in found]


def item(which: UUID) -> Item | None:
    """One item, finished or not. 1 statement."""
    found = sql.run(f"SELECT {_FIELDS} FROM work_item WHERE id = %(which)s::uuid", {"which": which})
    return _item(found[0]) if found else None


def these(which: Sequence[UUID]) -> list[Item]:
    """Items by their ids, finished or not, in the order of their ids. 1 statement."""
    where = "WHERE id = ANY(%(which)s::uuid[]) ORDER BY id"
    return [_item(row) for row in sql.run(f"SELECT {_FIELDS} FROM work_item {where}", {"which": list(which)})]


def of_subject(subject: UUID) -> list[Item]:
    """Every item about a subject, oldest first. 1 statement."""
    where = "WHERE subject_id = %(subject)s::uuid ORDER BY opened_at, id"
    return [_item(row) for row in sql.run(f"SELECT {_FIELDS} FROM work_item {where}", {"subject": subject})]


def of_types(company: int, types: Sequence[str], *, limit: int = 12) -> list[Item]:
    """Unfinished items of some types, the most urgent first. 1 statement."""
    where = "WHERE company_id = %(company)s::smallint AND state <> 'done' AND type = ANY(%(types)s::text[])"
    statement = f"SELECT {_FIELDS} FROM work_item {where} ORDER BY ranked_at, due_at, id LIMIT %(limit)s::int"
    found = sql.run(statement, {"company": company, "types": list(types), "limit": limit})
    return [_item(row) for row in found]


def linked(which: UUID) -> list[Item]:
    """The items that belong to an item, oldest first. 1 statement."""
    return [_item(row) for row in sql.run(_LINKED, {"which": which})]


def queues(company: int, at: datetime) -> list[Queue]:
    """What waits at a moment by type and role, the most overdue and then the oldest first. 1 statement."""
    return [Queue(*row) for row in sql.run(_QUEUES, {"company": company, "at": at})]


def by_type(company: int, at: datetime) -> list[TypeCount]:
    """How much of each type waits, is overdue at a moment, and is done; what waits most first. 1 statement."""
    return [TypeCount(*row) for row in sql.run(_BY_TYPE, {"company": company, "at": at})]


def open_by_type(company: int, at: datetime) -> list[TypeCount]:
    """As `by_type`, of what waits alone; `done` is not counted. 1 statement, which reads the list and not the log."""
    return [TypeCount(*row) for row in sql.run(_OPEN_BY_TYPE, {"company": company, "at": at})]


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a person has scanned of a task so far; `version` counts its changes, the last of them was at `at`."""

    subject: UUID
    scans: tuple[str, ...]
    version: int
    at: datetime


def scanned(person: str, flow: str) -> Scanned | None:
    """Where a person is in a flow; None where they never were in it. 1 statement."""
    rows = sql.run(_SCANNED, {"person": person, "flow": flow})
    return Scanned(rows[0][0], tuple(rows[0][1]), *rows[0][2:]) if rows else None


def at_it(*, flow: str, subjects: Collection[UUID], since: datetime, but: str) -> dict[UUID, str]:
    """Who scanned something of tasks since a moment, but for one person. 1 statement."""
    params = {"flow": flow, "subjects": list(subjects), "since": since, "but": but}
    return dict(sql.run(_AT_IT, params))  # type: ignore[arg-type]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"work items": sql.run("SELECT count(*) FROM work_item")[0][0]}


def discrepancies() -> list[str]:
    """Items whose state is not the one that the event log tells of, or whose place in the queue is not that of their
    terms; escalated ones whose role is not the one that was asked last; links to items that are not there or another
    company's. 4 statements."""
    found = [
        f"Work item {item} is {state}, but its last event says {told or 'nothing'}."
        for item, state, told in sql.run(_DISCREPANCIES)
    ]
    found += [
        f"Work item {item} has {points} points, and its terms or its place in the queue say otherwise."
        for item, points in sql.run(_MISPLACED)
    ]
    found += [
        f"Work item {item} waits for {role}, but the last to be asked was {told or 'nobody'}."
        for item, role, told in sql.run(_ASKED)
    ]
    found += [
        f"Work items {one} and {other} are linked, but one is absent or another company's."
        for one, other in sql.run(_ASTRAY)
    ]
    return found


def _item(row: tuple[Any, ...]) -> Item:
    values = list(row)
    values[FACTS] = msgspec.json.decode(row[FACTS])
    values[TERMS] = tuple(Term(*term) for term in msgspec.json.decode(row[TERMS]))
    return Item(*values)


_FIELDS = (
    "id, company_id, type, subject_kind, subject_id, reason, facts::text, role, owner, priority, state,"
    " opened_at, due_at, closed_at, root_cause, kind, points, terms::text, snoozed_until, escalated_at"
)
FACTS, TERMS = 6, 17

# Only what is asked for stands in the statement, so that it is read in the order of the index as far as the page goes.
_QUEUE = f"""
SELECT {_FIELDS} FROM work_item
WHERE company_id = %(company)s::smallint AND state <> 'done' {{filters}} {{behind}}
{{by}} LIMIT %(limit)s::int
"""

ITEMS_BY = {"rank": ("{row}.ranked_at", "{row}.due_at"), "due_at": ("{row}.due_at",)}
"""What unfinished items can be put in order by; each has an index."""

_FILTERS = {
    "type": "AND type = %(type)s::text",
    "roles": "AND role = ANY(%(roles)s::text[])",
    "owner": "AND owner = %(owner)s::text",
    "untaken": "AND owner = ''",
    "cases": "AND kind = 'case'",  # a word, not a parameter: the index of cases is theirs alone
    "exceptions": "AND kind = 'exception'",
    "overdue": "AND due_at < %(overdue)s::timestamptz",
    "awake": "AND (snoozed_until IS NULL OR snoozed_until <= %(awake)s::timestamptz)",
    "asleep": "AND snoozed_until > %(asleep)s::timestamptz",
}

_LINKED = f"""
SELECT {_FIELDS} FROM work_item WHERE id IN (
    SELECT second_id FROM work_link WHERE first_id = %(which)s::uuid
    UNION ALL SELECT first_id FROM work_link WHERE second_id = %(which)s::uuid)
ORDER BY opened_at, id
"""

_QUEUES = """
SELECT kind, type, role, count(*), count(*) FILTER (WHERE owner = ''),
       count(*) FILTER (WHERE due_at < %(at)s::timestamptz),
       count(*) FILTER (WHERE snoozed_until > %(at)s::timestamptz), min(opened_at)
FROM work_item WHERE company_id = %(company)s::smallint AND state <> 'done'
GROUP BY kind, type, role ORDER BY 6 DESC, 8, type, role
"""

_OPEN_BY_TYPE = """
SELECT type, count(*), count(*) FILTER (WHERE due_at < %(at)s::timestamptz), 0
FROM work_item WHERE company_id = %(company)s::smallint AND state <> 'done' GROUP BY type ORDER BY 2 DESC, type
"""

_BY_TYPE = """
SELECT type, count(*) FILTER (WHERE state <> 'done'),
       count(*) FILTER (WHERE state <> 'done' AND due_at < %(at)s::timestamptz),
       count(*) FILTER (WHERE state = 'done')
FROM work_item WHERE company_id = %(company)s::smallint GROUP BY type ORDER BY 2 DESC, type
"""

# Looked up by the index of the log, item by item: the log is a hundred times as long as the list.
_DISCREPANCIES = """
SELECT work_item.id, work_item.state, told.state_after
FROM work_item LEFT JOIN LATERAL (
    SELECT state_after FROM kernel_event WHERE subject_id = work_item.id ORDER BY seq DESC LIMIT 1
) AS told ON true
WHERE work_item.state IS DISTINCT FROM told.state_after
ORDER BY work_item.id LIMIT 100
"""

_MISPLACED = """
SELECT id, points FROM work_item
WHERE ranked_at <> opened_at - make_interval(hours => points)
   OR points <> (SELECT coalesce(sum((term ->> 2)::int), 0) FROM jsonb_array_elements(terms) AS term)
ORDER BY id LIMIT 100
"""

_ASKED = """
SELECT work_item.id, work_item.role, told.role
FROM work_item LEFT JOIN LATERAL (
    SELECT payload ->> 'role' AS role FROM kernel_event
    WHERE subject_id = work_item.id AND command IN ('work.escalate', 'work.escalate_overdue')
    ORDER BY seq DESC LIMIT 1
) AS told ON true
WHERE escalated_at IS NOT NULL AND work_item.role IS DISTINCT FROM told.role
ORDER BY work_item.id LIMIT 100
"""

_ASTRAY = """
SELECT first_id, second_id FROM work_link
LEFT JOIN work_item AS one ON one.id = first_id LEFT JOIN work_item AS other ON other.id = second_id
WHERE one.company_id IS DISTINCT FROM other.company_id OR one.id IS NULL ORDER BY 1, 2 LIMIT 100
"""

_AT_IT = """
SELECT subject_id, max(person) FROM work_scanning
WHERE flow = %(flow)s::text AND subject_id = ANY(%(subjects)s::uuid[]) AND scanned_at > %(since)s::timestamptz
  AND person <> %(but)s::text AND scans <> '{}' GROUP BY 1
"""

_SCANNED = """
SELECT subject_id, scans, version, scanned_at FROM work_scanning
WHERE person = %(person)s::text AND flow = %(flow)s::text
"""
