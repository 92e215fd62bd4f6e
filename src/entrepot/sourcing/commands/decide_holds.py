"""Decide about holds by the work items that ask about them: released, or rejected with their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, Refused, Said, WrongState, one_of
from entrepot.orders import rules
from entrepot.orders.commands.cancel import CancelOrder, OrderCancelled
from entrepot.orders.commands.hold import HoldReleased, ReleaseHold, release_holds
from entrepot.sourcing.commands.cancel import cancel
from entrepot.work.commands.steering import CAUSES, NO_STEERING, Steering, in_force
from entrepot.work.rules import misfit_cause, misfit_person

DECISIONS = {"release": "orders.release_holds", "reject": "sourcing.cancel"}
"""What a person may decide, and the permission that it needs beside that of this command."""


@dataclass(frozen=True, slots=True)
class DecideHold:
    """The item of a hold is dealt with by a decision. `code` says how a release ends the hold (`rules.RESOLUTIONS`),
    `root_cause` why it arose, by the list for its type; a rejection needs a `note`, its order's reason to end."""

    item: UUID
    decision: str
    note: str = ""
    code: str = "other"
    root_cause: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class HoldDecided:
    """The hold that ended, and the status of its order now."""

    item: UUID
    hold: UUID
    order: UUID
    decision: str
    status: str


@command("sourcing.decide_holds")
def decide_holds(cause: Cause, /, *, requests: Sequence[DecideHold]) -> list[HoldDecided | Refused]:
    """Holds released, or rejected with their orders, and their work items resolved, in one act.

    An order with several holds is cancelled where one of them is rejected.
    Locks: the orders in id order, and as `orders.release_holds` and `sourcing.cancel`.
    Refuses: NotFound; Invalid (decision, root cause; not the item of a hold; an item twice); NotPermitted;
    OfAnotherRole; WrongState; and as `orders.release_holds` and `sourcing.cancel`.
    Again: by key. 3 statements, and those of `orders.release_holds` and `sourcing.cancel`.
    """
    items = {"items": [one.item for one in requests]}
    sql.run(_LOCK, items)
    found = {row[0]: _Found(*row) for row in sql.run(_FIND, items)}
    steering = in_force({one.company for one in found.values()}, [CAUSES], cause.at) if found else {}
    seen: set[UUID] = set()
    unfit = [_unfit(cause, one, found.get(one.item), steering, seen) for one in requests]
    fit = [(one, found[one.item]) for one, why in zip(requests, unfit, strict=True) if why is None]
    done = _release(cause, [pair for pair in fit if pair[0].decision == "release"])
    done |= _reject(cause, [pair for pair in fit if pair[0].decision == "reject"])
    return [why or done[one.item] for one, why in zip(requests, unfit, strict=True)]


class _Found(NamedTuple):
    item: UUID
    company: int
    type: str
    state: str
    role: str
    owner: str
    hold: UUID | None  # whose item it is
    order: UUID | None
    number: str  # of the order that it is about, or ''


def _unfit(
    cause: Cause, one: DecideHold, item: _Found | None, steering: Mapping[int, Steering], seen: set[UUID]
) -> Refused | None:
    if one.decision not in DECISIONS:
        return Invalid(field="decision", expected=one_of(DECISIONS), found=one.decision)
    if item is None:
        return NotFound(what="work item", which=str(one.item))
    if item.state == "done" or one.item in seen:
        subject = Said("The work item {0} of order {1}", item.type, item.number) if item.number else item.type
        return WrongState(subject=subject, found="done", event="decide", expected="open or claimed")
    if item.hold is None:
        return Invalid(field="item", expected="an item that asks about a hold", found=item.type)
    needed = DECISIONS[one.decision]
    if not cause.actor.may(needed):
        return NotPermitted(actor=cause.actor.name, command=needed)
    causes = steering.get(item.company, NO_STEERING).causes
    wrong = misfit_person(item.item, item.role, item.owner, cause.actor.name, cause.actor.may)
    if wrong is None and one.root_cause:
        wrong = misfit_cause(one.root_cause, item.type, causes)
    if wrong is None:
        seen.add(one.item)
    return wrong


def _release(cause: Cause, wanted: Sequence[tuple[DecideHold, _Found]]) -> dict[UUID, HoldDecided | Refused]:
    releases = [
        ReleaseHold(item.hold, one.note, one.code, root_cause=one.root_cause)
        for one, item in wanted
        if item.hold
    ]
    answers = release_holds(cause, requests=releases) if releases else []
    return {
        one.item: HoldDecided(one.item, answer.hold, answer.order, one.decision, answer.status)
        if isinstance(answer, HoldReleased)
        else answer
        for (one, _), answer in zip(wanted, answers, strict=True)
    }


def _reject(cause: Cause, wanted: Sequence[tuple[DecideHold, _Found]]) -> dict[UUID, HoldDecided | Refused]:
    """Each order is cancelled once, however many of its holds are rejected."""
    by_order = {item.order: (one, item) for one, item in wanted if item.order}
    cancels = [
        CancelOrder(
            order, one.note, code=rules.CANCELLED_FOR.get(item.type, "other"), root_cause=one.root_cause
        )
        for order, (one, item) in by_order.items()
    ]
    found = cancel(cause, requests=cancels) if cancels else []
    answers = dict(zip(by_order, found, strict=True))
    done: dict[UUID, HoldDecided | Refused] = {}
    for one, item in wanted:
        assert item.hold and item.order, "it is the item of a hold"
        answer = answers[item.order]
        done[one.item] = (
            HoldDecided(one.item, item.hold, item.order, one.decision, answer.status)
            if isinstance(answer, OrderCancelled)
            else answer
        )
    return done


# An item never changes what it is about, so its order may be looked up before it is locked.
_LOCK = """
SELECT FROM orders_order
WHERE id = ANY(ARRAY(SELECT subject_id FROM work_item WHERE id = ANY(%(items)s::uuid[]) AND subject_kind = 'order'))
ORDER BY id FOR UPDATE
"""

# The item names its hold; the hold names its item, which is another one once somebody else is asked.
_FIND = """
SELECT w.id, w.company_id::int, w.type, w.state, w.role, w.owner, h.id, h.order_id, COALESCE(o.number, '')
FROM work_item AS w LEFT JOIN orders_hold AS h ON h.id = (w.facts ->> 'hold')::uuid AND h.work_item = w.id
LEFT JOIN orders_order AS o ON o.id = w.subject_id AND w.subject_kind = 'order'
WHERE w.id = ANY(%(items)s::uuid[])
"""
