"""Cancel what is still to come of purchase orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing.commands.order import ITEM
from entrepot.purchasing.states import ORDER
from entrepot.stock.commands.expect import expect_no_more
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Nothing more will come of the order; what came stays received."""

    order: UUID
    reason: str
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    order: UUID


@command("purchasing.cancel")
def cancel(cause: Cause, /, *, requests: Sequence[CancelOrder]) -> list[OrderCancelled | Refused]:
    """The orders, cancelled.

    Locks: the orders, in the order of their ids.
    Refuses: NotFound; WrongState (received or cancelled); Invalid (no reason).
    Again: by key. 3 statements; 1 more where some waited for approval.
    """
    found = {row[0]: row[1:] for row in sql.run(_LOCK, {"ids": sorted({one.order for one in requests})})}
    answers: list[OrderCancelled | Refused] = []
    events: dict[UUID, Event] = {}
    for one in requests:
        if one.order not in found:
            answers.append(NotFound(what="purchase order", which=str(one.order)))
            continue
        company, state = found[one.order]
        after = ORDER.step("cancelled" if one.order in events else state, "cancel")
        if isinstance(after, Refused):
            answers.append(after)
        elif not one.reason:
            answers.append(Invalid(field="reason", expected="why nothing more will come", found="nothing"))
        else:
            event = Event(
                "purchase_order", one.order, company, state, after, one.occurred_at, None, one.reason
            )
            events[one.order] = event
            answers.append(OrderCancelled(one.order))

    if events:
        sql.run(_CANCEL, {"ids": list(events)})
        expect_no_more(cause, list(events))
        waited = [one for one in events.values() if one.before == "waiting"]
        if waited:
            resolve_subjects(cause, requests=[
                ResolveSubject(one.company, ITEM, one.subject, "cancelled", one.reason, cause.at)
                for one in waited
            ])  # fmt: skip
    announce(cause, events.values())
    return answers


_LOCK = """
SELECT id, company_id::int, state FROM purchasing_order WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_CANCEL = "UPDATE purchasing_order SET state = 'cancelled' WHERE id = ANY(%(ids)s::uuid[])"
