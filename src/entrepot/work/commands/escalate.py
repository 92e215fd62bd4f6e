"""Ask another role: by hand, or because an item is overdue for too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from entrepot.access.rules import ASKED
from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules
from entrepot.work.commands.claim import Locked, lock
from entrepot.work.commands.steering import NO_STEERING, TARGETS, in_force

AT_ONCE_MAX = 1_000
"""Overdue items escalated at a time; the longest overdue first, the rest a minute later."""


@dataclass(frozen=True, slots=True)
class EscalateItem:
    """Another role should look at the item; whoever had it has it no longer."""

    item: UUID
    role: str
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemEscalated:
    item: UUID
    role: str


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
    """The items, open to another role, and awake. Of several for one item the last one counts.

    Locks: the items, in the order of their ids.
    Refuses: NotFound; OfAnotherRole; WrongState (done); Invalid (a role that is unknown, takes no work, or is the
    item's).
    Again: by key. 2 statements.
    """
    found = lock([one.item for one in requests])
    answers: list[ItemEscalated | Refused] = []
    asked: dict[UUID, tuple[Locked, str, str]] = {}
    for one in requests:
        before = found.get(one.item)
        state, role = (before.state, before.role) if before else (None, "")
        after = rules.decide_escalate(one.item, state, role, one.role, ASKED)
        if before and not isinstance(after, Refused):
            after = before.misfit(one.item, cause.actor) or after
        if isinstance(after, Refused):
            answers.append(after)
            continue
        answers.append(ItemEscalated(one.item, one.role))
        if before:
            asked[one.item] = (before, one.role, one.note)
    _ask(cause, asked)
    return answers


@command("work.escalate_overdue")
def escalate_overdue(
    cause: Cause, /, *, requests: Sequence[EscalateOverdue]
) -> list[OverdueEscalated | Refused]:
    """Items overdue by more than `work.targets` bears, each asked of the role named there; each once.

    Who sleeps is left alone, and so is everything of companies whose policy names no limit.
    Locks: the items, in the order of their ids. Again: finds no more. 1 statement; 3 where a policy names a limit.
    """
    steering = in_force((one.company for one in requests), [TARGETS], cause.at)
    limits = [
        (
            company,
            cause.at - timedelta(hours=of.targets.escalate_after_hours),
            wire.dump(of.targets.escalates_to),
        )
        for company, of in steering.items()
        if of.targets.escalate_after_hours is not None
    ]
    asked: dict[UUID, tuple[Locked, str, str]] = {}
    counts = {one.company: 0 for one in requests}
    params = sql.columns(("companies", "since", "roles"), limits) | {"at": cause.at, "most": AT_ONCE_MAX}
    for item, *rest in sql.run(_OVERDUE, params) if limits else ():
        was = Locked(*rest)
        to = rules.asked_when_overdue(was.type, was.role, steering.get(was.company, NO_STEERING).targets)
        if to is not None:
            asked[item] = (was, to, "overdue")
            counts[was.company] += 1
    _ask(cause, asked)
    return [OverdueEscalated(counts[one.company]) for one in requests]


def _ask(cause: Cause, asked: dict[UUID, tuple[Locked, str, str]]) -> None:
    if asked:
        rows = [(item, role) for item, (_, role, _) in asked.items()]
        sql.run(_ESCALATE, {**sql.columns(("items", "roles"), rows), "at": cause.at})
    announce(
        cause,
        (
            Event(
                "work_item", item, was.company, was.state, "open", None, {"role": role, "from": was.role}, note
            )
            for item, (was, role, note) in asked.items()
        ),
    )  # fmt: skip


_ESCALATE = """
UPDATE work_item SET state = 'open', owner = '', snoozed_until = NULL, role = one.role,
                     escalated_at = %(at)s::timestamptz
FROM unnest(%(items)s::uuid[], %(roles)s::text[]) AS one(id, role) WHERE work_item.id = one.id
"""

_OVERDUE = """
SELECT id, company_id::int, state, owner, type, role FROM work_item
WHERE id IN (
    SELECT late.id FROM unnest(%(companies)s::smallint[], %(since)s::timestamptz[], %(roles)s::text[]::jsonb[])
         AS limits(company, since, roles)
    JOIN work_item AS late ON late.company_id = limits.company AND late.due_at < limits.since
    WHERE late.state <> 'done' AND late.escalated_at IS NULL
      AND late.role <> coalesce(limits.roles ->> late.type, limits.roles ->> '', late.role)
      AND (late.snoozed_until IS NULL OR late.snoozed_until <= %(at)s::timestamptz)
    ORDER BY late.due_at, late.id LIMIT %(most)s::int)
  AND state <> 'done' AND escalated_at IS NULL
ORDER BY id FOR UPDATE
"""
