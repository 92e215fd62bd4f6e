"""Open work items for what the rules could not decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import ids, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules
from entrepot.work.commands.steering import KINDS, NO_STEERING, Steering, steering_of

Name = tuple[int, str, str]
"""Company, type and dedupe: what makes two exceptions one."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An exception that somebody of a role has to look at.

    `dedupe` names the exception within its type; by default it is the subject, so that a subject has at most one
    unfinished item of a type. Higher `priority` is more urgent; without `due_in_hours` it sets the due time. What the
    caller has at hand of the order (its value, its customer's tier, its promise) becomes part of the item's priority.
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
    value_minor: int | None = None
    tier: str | None = None
    promise_at: datetime | None = None
    kind: str = "exception"
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
    Again: by the exception's name, with or without a key. 1 statement; 2 where a company steers its work by policy;
    none for nothing.
    """
    if not requests:
        return []
    names = [(one.company, one.type, one.dedupe or str(one.subject)) for one in requests]
    places = rules.first_of_each(names)
    kept, fresh = _open(cause, [(requests[places[name]], name) for name in sorted(places)])

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


def _open(cause: Cause, wanted: Sequence[tuple[OpenItem, Name]]) -> tuple[dict[Name, UUID], set[UUID]]:
    """The item of each name, and which of them are new.

    The statement answers the policies in force instead of opening anything, where there are some: most companies have
    none, and need not ask for them first.
    """
    steering: Mapping[int, Steering] = {}
    known = False
    while True:
        rows = [_row(cause, one, name, steering.get(one.company, NO_STEERING)) for one, name in wanted]
        params = {"at": cause.at, "known": known, "kinds": list(KINDS)}
        found = sql.run(_OPEN, sql.columns(_COLUMNS, rows) | params)
        policies_found = [(company, kind, scope, body) for _, company, kind, scope, body in found if body]
        if not policies_found:
            return {tuple(name): item for item, *name, _ in found}, {row[0] for row in rows}
        steering, known = steering_of(policies_found), True


_COLUMNS = (
    "ids", "companies", "types", "kinds_of_subject", "subjects", "reasons", "facts", "roles", "priorities", "names",
    "opened", "due", "item_kinds", "points", "terms", "ranked",
)  # fmt: skip


def _row(cause: Cause, one: OpenItem, name: Name, by: Steering) -> tuple[Any, ...]:
    opened_at = one.occurred_at or cause.at
    due_at = rules.due_at(
        opened_at, one.priority, one.due_in_hours, kind=one.type, targets=by.targets, calendars=by.calendars
    )
    terms = rules.static_terms(
        one.priority,
        opened_at,
        by.priority,
        value_minor=one.value_minor,
        tier=one.tier,
        promise_at=one.promise_at,
    )
    points = rules.points_of(terms)
    return (
        ids.uuid7(), one.company, one.type, one.subject_kind, one.subject, one.reason, wire.dump(one.facts or {}),
        one.role, one.priority, name[2], opened_at, due_at, one.kind, points, wire.dump(terms),
        rules.ranked_at(opened_at, points),
    )  # fmt: skip


# DO UPDATE rather than DO NOTHING: only so does the statement see, and return, a row that another transaction has
# just committed.
_OPEN = f"""
WITH steering AS (SELECT * FROM ({policies.IN_FORCE}) AS policy WHERE NOT %(known)s::boolean), opened AS (
    INSERT INTO work_item (id, company_id, type, subject_kind, subject_id, reason, facts, role, owner, priority, state,
                           dedupe, opened_at, due_at, root_cause, kind, points, terms, ranked_at)
    SELECT id, company_id, type, subject_kind, subject_id, reason, facts, role, '', priority, 'open',
           dedupe, opened_at, due_at, '', kind, points, terms, ranked_at
    FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(types)s::text[], %(kinds_of_subject)s::text[],
                %(subjects)s::uuid[], %(reasons)s::text[], %(facts)s::text[]::jsonb[], %(roles)s::text[],
                %(priorities)s::int[], %(names)s::text[], %(opened)s::timestamptz[], %(due)s::timestamptz[],
                %(item_kinds)s::text[], %(points)s::int[], %(terms)s::text[]::jsonb[], %(ranked)s::timestamptz[])
         AS one(id, company_id, type, subject_kind, subject_id, reason, facts, role, priority, dedupe, opened_at,
                due_at, kind, points, terms, ranked_at)
    WHERE NOT EXISTS (SELECT FROM steering)
    ON CONFLICT (company_id, type, dedupe) WHERE state <> 'done'
    DO UPDATE SET priority = greatest(work_item.priority, excluded.priority),
                  due_at = least(work_item.due_at, excluded.due_at),
                  points = greatest(work_item.points, excluded.points),
                  terms = CASE WHEN excluded.points > work_item.points THEN excluded.terms ELSE work_item.terms END,
                  ranked_at = work_item.opened_at
                              - make_interval(hours => greatest(work_item.points, excluded.points))
    RETURNING id, company_id, type, dedupe)
SELECT id, company_id::int, type, dedupe, NULL FROM opened
UNION ALL SELECT NULL, company_id::int, kind, scope, body FROM steering
"""
