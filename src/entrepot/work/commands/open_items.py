"""Open work items for what the rules could not decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An exception that somebody of a role has to look at.

    `dedupe` names the exception within its type; by default it is the subject, so that a subject has at most one
    unfinished item of a type. Higher `priority` is more urgent; without `due_in_hours` it sets the due time.
    """

    company: int
    type: str
    subject_kind: str
    subject: UUID
    reason: str
    role: str
    facts: Any = None
    priority: int = 50
    due_in_hours: int | None = None
    dedupe: str | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemOpened:
    """The item that stands for the exception; `fresh` is False where it was open already."""

    item: UUID
    fresh: bool


@command("work.open")
def open_items(cause: Cause, /, *, requests: Sequence[OpenItem]) -> list[ItemOpened | Refused]:
    """An item for each exception; one that has an unfinished item keeps it, made more urgent where the new one is.

    Locks: the items that are open already, in the order of (company, type, dedupe).
    Again: by the exception's name, with or without a key. 1 statement.
    """
    names = [(one.company, one.type, one.dedupe or str(one.subject)) for one in requests]
    places = rules.first_of_each(names)
    rows = [_row(cause, requests[places[name]], name) for name in sorted(places)]

    kept = {tuple(name): item for item, *name in sql.run(_OPEN, sql.columns(_COLUMNS, rows))}

    fresh = {row[0] for row in rows}
    announce(
        cause,
        (
            Event(
                "work_item", kept[name], one.company, "", "open", one.occurred_at,
                {"type": one.type, "subject": one.subject, "subject_kind": one.subject_kind}, one.reason,
            )
            for name, place in places.items()
            if kept[name] in fresh
            for one in [requests[place]]
        ),
    )  # fmt: skip
    return [ItemOpened(kept[name], kept[name] in fresh and places[name] == i) for i, name in enumerate(names)]


_COLUMNS = (
    "ids", "companies", "types", "kinds", "subjects", "reasons", "facts", "roles", "priorities", "names", "opened",
    "due",
)  # fmt: skip


def _row(cause: Cause, one: OpenItem, name: tuple[int, str, str]) -> tuple[Any, ...]:
    opened_at = one.occurred_at or cause.at
    return (
        ids.uuid7(), one.company, one.type, one.subject_kind, one.subject, one.reason, wire.dump(one.facts or {}),
        one.role, one.priority, name[2], opened_at, rules.due_at(opened_at, one.priority, one.due_in_hours),
    )  # fmt: skip


# DO UPDATE rather than DO NOTHING: only so does the statement see, and return, a row that another transaction has
# just committed.
_OPEN = """
INSERT INTO work_item (id, company_id, type, subject_kind, subject_id, reason, facts, role, owner, priority, state,
                       dedupe, opened_at, due_at, root_cause)
SELECT id, company_id, type, subject_kind, subject_id, reason, facts, role, '', priority, 'open',
       dedupe, opened_at, due_at, ''
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(types)s::text[], %(kinds)s::text[], %(subjects)s::uuid[],
            %(reasons)s::text[], %(facts)s::text[]::jsonb[], %(roles)s::text[], %(priorities)s::int[],
            %(names)s::text[], %(opened)s::timestamptz[], %(due)s::timestamptz[])
     AS one(id, company_id, type, subject_kind, subject_id, reason, facts, role, priority, dedupe, opened_at, due_at)
ON CONFLICT (company_id, type, dedupe) WHERE state <> 'done'
DO UPDATE SET priority = greatest(work_item.priority, excluded.priority),
              due_at = least(work_item.due_at, excluded.due_at)
RETURNING id, company_id, type, dedupe
"""
