"""What is asked about work items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from entrepot.kernel import sql


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
    role: str = "",
    owner: str = "",
    after: UUID | None = None,
    limit: int = 50,
) -> list[Item]:
    """Unfinished items, the most urgent first. 1 statement.

    '' leaves a filter out, `after` continues behind an item.
    """
    params = {"company": company, "type": kind, "role": role, "owner": owner, "after": after, "limit": limit}
    return [_item(row) for row in sql.run(_QUEUE, params)]


def item(which: UUID) -> Item | None:
    """One item, finished or not. 1 statement."""
    found = sql.run(f"SELECT {_FIELDS} FROM work_item WHERE id = %(which)s::uuid", {"which": which})
    return _item(found[0]) if found else None


def of_subject(subject: UUID) -> list[Item]:
    """Every item about a subject, oldest first. 1 statement."""
    where = "WHERE subject_id = %(subject)s::uuid ORDER BY opened_at, id"
    return [_item(row) for row in sql.run(f"SELECT {_FIELDS} FROM work_item {where}", {"subject": subject})]


def by_type(company: int, at: datetime) -> list[TypeCount]:
    """How much of each type waits, is overdue at a moment, and is done; what waits most first. 1 statement."""
    return [TypeCount(*row) for row in sql.run(_BY_TYPE, {"company": company, "at": at})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"work items": sql.run("SELECT count(*) FROM work_item")[0][0]}


def discrepancies() -> list[str]:
    """Items whose state is not the one that the event log tells of. 1 statement."""
    return [
        f"Work item {item} is {state}, but its last event says {told or 'nothing'}."
        for item, state, told in sql.run(_DISCREPANCIES)
    ]


def _item(row: tuple[Any, ...]) -> Item:
    facts = msgspec.json.decode(row[6])
    return Item(*(facts if i == 6 else value for i, value in enumerate(row)))


_FIELDS = (
    "id, company_id, type, subject_kind, subject_id, reason, facts::text, role, owner, priority, state,"
    " opened_at, due_at, closed_at, root_cause"
)

_QUEUE = f"""
SELECT {_FIELDS} FROM work_item
WHERE company_id = %(company)s::smallint AND state <> 'done'
  AND %(type)s::text IN ('', type) AND %(role)s::text IN ('', role) AND %(owner)s::text IN ('', owner)
  AND (%(after)s::uuid IS NULL OR (-priority, due_at, id) >
       (SELECT -last.priority, last.due_at, last.id FROM work_item AS last WHERE last.id = %(after)s::uuid))
ORDER BY priority DESC, due_at, id LIMIT %(limit)s::int
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
