"""Ask another role: by hand, or because an item is overdue for too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.rules import ASKED
from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules
from entrepot.work.commands.claim import Locked, lock
from entrepot.work.commands.steering import CALENDAR, NO_STEERING, TARGETS, in_force

AT_ONCE_MAX = 1_000
"""Overdue items escalated at a time; the longest overdue first, the rest a minute later."""


@dataclass(frozen=True, slots=True)
class EscalateItem:
    """Another role should look at the item; whoever had it has it no longer, and `owner` has it, where one is named.

    `expected_role` and `expected_owner`: as the item should stand now, None for however. `takes_back`: it was escalated
    by mistake, and counts as escalated when it had been before (`escalated_before`), or as not escalated.
    """

    item: UUID
    role: str
    note: str = ""
    owner: str = ""
    expected_role: str | None = None
    expected_owner: str | None = None
    takes_back: bool = False
    escalated_before: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemEscalated:
    item: UUID
    role: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class EscalateOverdue:
    """What is overdue in a company by more than its policy bears."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OverdueEscalated:
    """How many items were."""

    items: int


@command("work.escalate")
def escalate(cause: Cause, /, *, requests: Sequence[EscalateItem]) -> list[ItemEscalated | Refused]:
    """The items, open to another role or given to one of its people, and awake. Of several for one item the last one
    counts.

    Locks: the items, in the order of their ids.
    Refuses: NotFound (item, or nobody of that name who may take work); OfAnotherRole; WrongState (done); Invalid (a
    role that is unknown, takes no work, or is the item's); NotPermitted (gives it to somebody else, and may not assign
    work); ChangedMeanwhile (another role or owner than was expected).
    Again: by key. 2 statements; 3 where an owner is named.
    """
    found = lock([one.item for one in requests])
    people = access.able("work.claim") if any(one.owner for one in requests) else ()
    answers: list[ItemEscalated | Refused] = []
    asked: dict[UUID, _Asked] = {}
    for one in requests:
        before = found.get(one.item)
        refusal = _refusal(cause, one, before, people)
        if refusal is not None:
            answers.append(refusal)
            continue
        answers.append(ItemEscalated(one.item, one.role, one.owner))
        if before:
            at = one.escalated_before if one.takes_back else cause.at
            asked[one.item] = _Asked(before, one.role, one.owner, one.note, at)
    _ask(cause, asked)
    return answers


def _refusal(cause: Cause, one: EscalateItem, before: Locked | None, people: Sequence[str]) -> Refused | None:
    if before is None:
        after = rules.decide_escalate(one.item, None, "", one.role, ASKED)
        return after if isinstance(after, Refused) else None
    after = rules.decide_escalate(one.item, before.state, before.role, one.role, ASKED, one.owner)
    role, owner = ("role", one.expected_role, before.role), ("owner", one.expected_owner, before.owner)
    return (
        rules.misfit_meanwhile(one.item, role, owner)
        or (after if isinstance(after, Refused) else None)
        or before.misfit(one.item, cause.actor)
        or rules.misfit_heir(one.owner, cause.actor.name, cause.actor.may, people)
    )


@command("work.escalate_overdue")
def escalate_overdue(
    cause: Cause, /, *, requests: Sequence[EscalateOverdue]
) -> list[OverdueEscalated | Refused]:
    """Items overdue by more than `work.targets` bears, each asked of the role named there; each once. Hours count as in
    the targets of the items' types: whatever is overdue while nobody works waits until somebody does.

    Who sleeps is left alone, and so is everything of companies whose policy names no limit.
    Locks: the items, in the order of their ids. Again: finds no more. 1 statement; 3 where a policy names a limit.
    """
    steering = in_force((one.company for one in requests), [TARGETS, CALENDAR], cause.at)
    limits = [
        (company, max(since.values()), wire.dump(since), wire.dump(of.targets.escalates_to))
        for company, of in steering.items()
        if (since := rules.overdue_since(cause.at, of.targets, of.calendars))
    ]
    asked: dict[UUID, _Asked] = {}
    counts = {one.company: 0 for one in requests}
    params = sql.columns(("companies", "last", "since", "roles"), limits) | {
        "at": cause.at,
        "most": AT_ONCE_MAX,
    }
    for item, *rest in sql.run(_OVERDUE, params) if limits else ():
        was = Locked(*rest)
        to = rules.asked_when_overdue(was.type, was.role, steering.get(was.company, NO_STEERING).targets)
        if to is not None:
            asked[item] = _Asked(was, to, "", "overdue", cause.at)
            counts[was.company] += 1
    _ask(cause, asked)
    return [OverdueEscalated(counts[one.company]) for one in requests]


class _Asked(NamedTuple):
    """An item as it was, the role and the person that have it now, and since when it counts as escalated."""

    was: Locked
    role: str
    owner: str
    note: str
    at: datetime | None

    @property
    def state(self) -> str:
        return "claimed" if self.owner else "open"

    @property
    def told(self) -> dict[str, str]:
        return {"role": self.role, "from": self.was.role} | ({"owner": self.owner} if self.owner else {})


def _ask(cause: Cause, asked: dict[UUID, _Asked]) -> None:
    if asked:
        rows = [(item, one.role, one.owner, one.state, one.at) for item, one in asked.items()]
        sql.run(_ESCALATE, sql.columns(("items", "roles", "owners", "states", "times"), rows))
    announce(
        cause,
        (
            Event("work_item", item, one.was.company, one.was.state, one.state, None, one.told, one.note)
            for item, one in asked.items()
        ),
    )


_ESCALATE = """
UPDATE work_item SET state = one.state, owner = one.owner, snoozed_until = NULL, role = one.role,
                     escalated_at = one.at
FROM unnest(%(items)s::uuid[], %(roles)s::text[], %(owners)s::text[], %(states)s::text[],
            %(times)s::timestamptz[]) AS one(id, role, owner, state, at)
WHERE work_item.id = one.id
"""

_OVERDUE = """
SELECT id, company_id::int, state, owner, type, role FROM work_item
WHERE id IN (
    SELECT late.id
    FROM unnest(%(companies)s::smallint[], %(last)s::timestamptz[], %(since)s::text[]::jsonb[],
                %(roles)s::text[]::jsonb[]) AS limits(company, last, since, roles)
    JOIN work_item AS late ON late.company_id = limits.company AND late.due_at < limits.last
    WHERE late.state <> 'done' AND late.escalated_at IS NULL
      AND late.due_at < coalesce(limits.since ->> late.type, limits.since ->> '')::timestamptz
      AND late.role <> coalesce(limits.roles ->> late.type, limits.roles ->> '', late.role)
      AND (late.snoozed_until IS NULL OR late.snoozed_until <= %(at)s::timestamptz)
    ORDER BY late.due_at, late.id LIMIT %(most)s::int)
  AND state <> 'done' AND escalated_at IS NULL
ORDER BY id FOR UPDATE
"""
