"""Take work items to work on, and put them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules


@dataclass(frozen=True, slots=True)
class ClaimItem:
    """The actor takes the item."""

    item: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemClaimed:
    item: UUID
    owner: str


@dataclass(frozen=True, slots=True)
class PutBackItem:
    """Whoever has the item gives it back to its role. `expected_owner`: who should have it now, None for whoever."""

    item: UUID
    note: str = ""
    expected_owner: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemPutBack:
    item: UUID


@dataclass(frozen=True, slots=True)
class Locked:
    """An item as it was found."""

    company: int
    state: str
    owner: str
    type: str
    role: str
    snoozed_until: datetime | None = None

    def misfit(self, item: UUID, actor: Actor) -> Refused | None:
        """Why somebody may not decide about it."""
        return rules.misfit_person(item, self.role, self.owner, actor.name, actor.may, actor.roles)

    def misfit_owner(self, item: UUID, expected: str | None) -> Refused | None:
        """Why an act does not fit that was meant for an item that somebody else has; '' expects nobody to have it."""
        return rules.misfit_meanwhile(item, ("owner", expected, self.owner))


@command("work.claim")
def claim(cause: Cause, /, *, requests: Sequence[ClaimItem]) -> list[ItemClaimed | Refused]:
    """The items, owned by the actor; what is newly taken sleeps no longer.

    Locks: the items, in the order of their ids.
    Refuses: NotFound; ClaimedByAnother; OfAnotherRole; WrongState (done).
    Again: whoever has the item already gets the same answer. 2 statements.
    """
    found = lock([one.item for one in requests])
    answers: list[ItemClaimed | Refused] = []
    taken: dict[UUID, Locked] = {}
    owner = cause.actor.name
    for one in requests:
        before = found.get(one.item)
        after = rules.decide_claim(
            one.item, before.state if before else None, before.owner if before else "", owner
        )
        if before and not isinstance(after, Refused):
            after = before.misfit(one.item, cause.actor) or after
        if isinstance(after, Refused):
            answers.append(after)
            continue
        answers.append(ItemClaimed(one.item, owner))
        if before and before.state != after:
            taken[one.item] = before

    if taken:
        sql.run(_SET, {"items": list(taken), "state": "claimed", "owner": owner})
    announce(
        cause, (Event("work_item", item, was.company, was.state, "claimed") for item, was in taken.items())
    )
    return answers


@command("work.put_back")
def put_back(cause: Cause, /, *, requests: Sequence[PutBackItem]) -> list[ItemPutBack | Refused]:
    """The items, open to everybody of their role again.

    Locks: the items, in the order of their ids.
    Refuses: NotFound; WrongState (not claimed); OfAnotherRole; ChangedMeanwhile (another owner than was expected).
    Again: by key. 2 statements.
    """
    found = lock([one.item for one in requests])
    answers: list[ItemPutBack | Refused] = []
    freed: dict[UUID, tuple[Locked, str]] = {}
    for one in requests:
        before = found.get(one.item)
        after = rules.decide_step(one.item, before.state if before else None, "put_back")
        if before:
            after = before.misfit_owner(one.item, one.expected_owner) or after
        if before and not isinstance(after, Refused):
            after = before.misfit(one.item, cause.actor) or after
        if isinstance(after, Refused):
            answers.append(after)
            continue
        answers.append(ItemPutBack(one.item))
        if before:
            freed[one.item] = (before, one.note)

    if freed:
        sql.run(_SET, {"items": list(freed), "state": "open", "owner": ""})
    announce(
        cause,
        (
            Event("work_item", item, was.company, was.state, "open", reason=note)
            for item, (was, note) in freed.items()
        ),
    )
    return answers


def lock(items: Sequence[UUID]) -> dict[UUID, Locked]:
    """The items by id, locked to the end of the transaction. One statement."""
    return {item: Locked(*rest) for item, *rest in sql.run(_LOCK, {"items": sorted(set(items))})}


_LOCK = """
SELECT id, company_id::int, state, owner, type, role, snoozed_until FROM work_item WHERE id = ANY(%(items)s::uuid[])
ORDER BY id FOR UPDATE
"""

_SET = """
UPDATE work_item SET state = %(state)s::text, owner = %(owner)s::text, snoozed_until = NULL
WHERE id = ANY(%(items)s::uuid[])
"""
