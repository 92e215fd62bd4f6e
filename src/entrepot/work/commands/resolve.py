"""Close work items, by name or because what they were about has gone away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules
from entrepot.work.commands.claim import Locked, lock
from entrepot.work.commands.steering import CAUSES, NO_STEERING, in_force


@dataclass(frozen=True, slots=True)
class ResolveItem:
    """The item is dealt with; `root_cause` says why the exception arose, by the list for its type (`work.causes`)."""

    item: UUID
    root_cause: str
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemResolved:
    item: UUID


@dataclass(frozen=True, slots=True)
class ResolveSubject:
    """The exception of a type about a subject is over, whoever ended it. With `dedupes`, only those of these names."""

    company: int
    type: str
    subject: UUID
    root_cause: str = ""
    note: str = ""
    occurred_at: datetime | None = None
    dedupes: Collection[str] | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SubjectResolved:
    """The items closed by it; none where none was open."""

    items: tuple[UUID, ...]


@command("work.resolve")
def resolve(cause: Cause, /, *, requests: Sequence[ResolveItem]) -> list[ItemResolved | Refused]:
    """The items, closed.

    Locks: the items, in the order of their ids.
    Refuses: NotFound; OfAnotherRole; WrongState (done already); Invalid (root cause; no note on money that has not gone
    through). Again: by key. 3 statements.
    """
    return close(cause, requests, decides=True)


def close(
    cause: Cause, requests: Sequence[ResolveItem], *, decides: bool = False
) -> list[ItemResolved | Refused]:
    """Close items inside a command, as `resolve`: a room closes what its act has settled, whoever acts, and may name
    a cause of its own. With `decides` the actor decides about the items."""
    found = lock([one.item for one in requests])
    listed = decides or not all(one.root_cause.startswith(rules.CAUSE_OF_ROOMS) for one in requests)
    steering = in_force({one.company for one in found.values()}, [CAUSES], cause.at) if listed else {}
    answers: list[ItemResolved | Refused] = []
    closed: dict[UUID, tuple[Locked, ResolveItem]] = {}
    for one in requests:
        before = found.get(one.item)
        state = before.state if before and one.item not in closed else "done" if before else None
        after = rules.decide_step(one.item, state, "resolve")
        if before and not isinstance(after, Refused):
            causes = steering.get(before.company, NO_STEERING).causes
            refusal = before.misfit(one.item, cause.actor) if decides else None
            after = (
                refusal
                or rules.misfit_cause(one.root_cause, before.type, causes, of_room=not decides)
                or (rules.misfit_note(before.type, one.note) if decides else None)
                or after
            )
        if isinstance(after, Refused):
            answers.append(after)
            continue
        answers.append(ItemResolved(one.item))
        if before:
            closed[one.item] = (before, one)

    if closed:
        rows = [(item, one.root_cause, cause.at) for item, (_, one) in closed.items()]
        sql.run(_CLOSE, sql.columns(("items", "causes", "times"), rows))
    announce(cause, (
        Event("work_item", item, was.company, was.state, "done", None, {"root_cause": one.root_cause}, one.note)
        for item, (was, one) in closed.items()
    ))  # fmt: skip
    return answers


@command("work.resolve_subjects")
def resolve_subjects(
    cause: Cause, /, *, requests: Sequence[ResolveSubject]
) -> list[SubjectResolved | Refused]:
    """The unfinished items of a type about each subject, closed.

    Locks: the items, in the order of their ids.
    Again: nothing is left to close. 2 statements.
    """
    names = [(one.company, one.type, one.subject) for one in requests]
    places = rules.first_of_each(names)
    found = sql.run(_LOCK_SUBJECTS, sql.columns(("companies", "types", "subjects"), sorted(places)))

    closed: dict[tuple[int, str, UUID], list[UUID]] = {}
    rows, events = [], []
    for item, company, type_name, subject, state, dedupe in found:
        one = requests[places[company, type_name, subject]]
        if one.dedupes is not None and dedupe not in one.dedupes:
            continue
        closed.setdefault((company, type_name, subject), []).append(item)
        rows.append((item, one.root_cause, one.occurred_at or cause.at))
        payload = {"root_cause": one.root_cause}
        events.append(Event("work_item", item, company, state, "done", one.occurred_at, payload, one.note))

    if rows:
        sql.run(_CLOSE, sql.columns(("items", "causes", "times"), rows))
    announce(cause, events)
    return [
        SubjectResolved(tuple(closed.get(name, ())) if places[name] == i else ())
        for i, name in enumerate(names)
    ]


def resolve_others(
    cause: Cause,
    companies: Collection[int],
    types: Collection[str],
    still: Collection[tuple[str, UUID]],
    root_cause: str = "",
) -> list[int]:
    """Close the unfinished items of some types about subjects that are `still` (type, subject) no more; the company of
    each. Part of the commands that watch. 1 statement; 2 more where there are some."""
    found = sql.run(_UNFINISHED, {"companies": list(companies), "types": list(types)})
    over = [
        ResolveSubject(company, type_name, subject, root_cause)
        for company, type_name, subject in found
        if (type_name, subject) not in still
    ]
    if over:
        resolve_subjects(cause, requests=over)
    return [one.company for one in over]


_UNFINISHED = """
SELECT company_id::int, type, subject_id FROM work_item
WHERE company_id = ANY(%(companies)s::smallint[]) AND type = ANY(%(types)s::text[]) AND state <> 'done'
"""

_LOCK_SUBJECTS = """
SELECT work_item.id, company_id, type, subject_id, state, dedupe FROM work_item
WHERE (company_id, type, subject_id) IN (
        SELECT * FROM unnest(%(companies)s::smallint[], %(types)s::text[], %(subjects)s::uuid[]))
  AND state <> 'done'
ORDER BY work_item.id FOR UPDATE
"""

_CLOSE = """
UPDATE work_item SET state = 'done', root_cause = one.root_cause, closed_at = one.closed_at
FROM unnest(%(items)s::uuid[], %(causes)s::text[], %(times)s::timestamptz[]) AS one(id, root_cause, closed_at)
WHERE work_item.id = one.id
"""
