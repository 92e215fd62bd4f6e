"""Put work items aside until a moment. They come back by themselves: queries leave out what sleeps at that time."""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class SnoozeItem:
    """Nobody needs to look at the item until then; None wakes it. Its due time stays. `expected_until`: how long it
    should sleep now, None for however long."""

    item: UUID
    until: datetime | None
    note: str = ""
    expected_until: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemSnoozed:
    item: UUID
    until: datetime | None


@command("work.snooze")
def snooze(cause: Cause, /, *, requests: Sequence[SnoozeItem]) -> list[ItemSnoozed | Refused]:
    """The items, out of the queue until a moment. Of several for one item the last one counts.

    Locks: the items, in the order of their ids.
    Refuses: NotFound; OfAnotherRole; WrongState (done); Invalid (a time that has passed, or is too far away);
    ChangedMeanwhile (it sleeps until another time than was expected).
    Again: by key. 2 statements.
    """
    found = lock([one.item for one in requests])
    answers: list[ItemSnoozed | Refused] = []
    asleep: dict[UUID, tuple[Locked, SnoozeItem]] = {}
    for one in requests:
        before = found.get(one.item)
        after = rules.decide_snooze(one.item, before.state if before else None, one.until, cause.at)
        if before and not isinstance(after, Refused):
            seen = ("put aside until", one.expected_until, before.snoozed_until)
            after = rules.misfit_meanwhile(one.item, seen) or before.misfit(one.item, cause.actor) or after
        if isinstance(after, Refused):
            answers.append(after)
            continue
        answers.append(ItemSnoozed(one.item, one.until))
        if before:
            asleep[one.item] = (before, one)

    if asleep:
        rows = [(item, one.until) for item, (_, one) in asleep.items()]
        sql.run(_SNOOZE, sql.columns(("items", "times"), rows))
    announce(
        cause,
        (
            Event("work_item", item, was.company, was.state, was.state, None, {"until": one.until}, one.note)
            for item, (was, one) in asleep.items()
        ),
    )
    return answers


_SNOOZE = """
UPDATE work_item SET snoozed_until = one.until
FROM unnest(%(items)s::uuid[], %(times)s::timestamptz[]) AS one(id, until) WHERE work_item.id = one.id
"""
