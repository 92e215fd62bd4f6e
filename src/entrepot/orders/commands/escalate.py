"""Ask about holds once more: somebody else in time, or again where nobody is asked any longer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands import progress
from entrepot.orders.commands.hold import NewHold, item_of
from entrepot.orders.rules import ESCALATED_PRIORITY, ESCALATED_TO
from entrepot.work.commands.open_items import open_items
from entrepot.work.commands.resolve import ResolveItem, close


def escalate(cause: Cause, holds: Collection[UUID], note: str) -> None:
    """Give open holds to `rules.ESCALATED_TO` by a new, urgent work item. They do not expire again.

    Called inside a command that has locked their orders. 6 statements, the event log's among them.
    """
    found = _find(cause, _NAMED, holds)
    close(cause, [ResolveItem(one.item, "hold escalated", note) for one in found if one.item])
    _ask(cause, [one._replace(role=ESCALATED_TO, expires_at=None) for one in found], ESCALATED_PRIORITY)
    announce(
        cause,
        [
            Event(
                "hold",
                one.id,
                one.company,
                "open",
                "open",
                None,
                {"order": one.order, "type": one.type},
                note,
            )
            for one, *_ in found
        ],
    )


@dataclass(frozen=True, slots=True)
class AskAgain:
    """An order whose holds nobody is asked about: somebody closed the work item and left the hold."""

    order: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Holds that have a new work item."""

    order: UUID
    holds: int


@command("orders.ask_again")
def ask_again(cause: Cause, /, *, requests: Sequence[AskAgain]) -> list[Asked | Refused]:
    """A new work item for each open hold whose own is done.

    Locks: the orders in id order. Again: finds no more. 2 statements; 3 more where some are found.
    """
    orders = [one.order for one in requests]
    progress.lock(orders)
    found = _find(cause, _UNASKED, orders)
    if found:
        _ask(cause, found)
    asked = Counter(one.hold.order for one in found)
    return [Asked(order, asked[order]) for order in orders]


def unasked(limit: int = 1000) -> list[UUID]:
    """Orders with open holds that nobody is asked about. One statement."""
    return [order for (order,) in sql.run(_ORDERS, {"limit": limit})]


class _Open(NamedTuple):
    """An open hold, who is asked about it by which work item, and when it expires."""

    hold: NewHold
    role: str
    item: UUID | None
    expires_at: datetime | None


def _find(cause: Cause, which: str, keys: Collection[UUID]) -> list[_Open]:
    return [
        _Open(
            NewHold(
                hold, company, order, kind, reason, facts, cause.at, value_minor=value, promise_at=promise
            ),
            *asked,
        )
        for hold, company, order, kind, reason, facts, value, promise, *asked in sql.run(
            _FIND.format(which=which), {"keys": list(keys)}
        )
    ]


def _ask(cause: Cause, found: Sequence[_Open], priority: int | None = None) -> None:
    """A new work item for each hold. 2 statements."""
    items = open_items(cause, requests=[item_of(one.hold, one.role, None, priority) for one in found])
    rows = []
    for one, item in zip(found, items, strict=True):
        assert not isinstance(item, Refused), "opening an item refuses nothing"
        rows.append((one.hold.id, item.item, one.role, one.expires_at))
    sql.run(_ASKED, sql.columns(("holds", "items", "roles", "times"), rows))


_FIND = """
SELECT h.id, h.company_id::int, h.order_id, h.type, h.reason, h.facts, o.total_minor, o.promise_at,
       h.owner_role, h.work_item, h.expires_at
FROM orders_hold AS h JOIN orders_order AS o ON o.id = h.order_id
WHERE h.state = 'open' AND {which} ORDER BY h.id
"""

_DONE = "EXISTS (SELECT FROM work_item AS w WHERE w.id = h.work_item AND w.state = 'done')"

_NAMED = "h.id = ANY(%(keys)s::uuid[])"
_UNASKED = "h.order_id = ANY(%(keys)s::uuid[]) AND " + _DONE

_ORDERS = f"SELECT DISTINCT h.order_id FROM orders_hold AS h WHERE h.state = 'open' AND {_DONE} LIMIT %(limit)s::int"

_ASKED = """
UPDATE orders_hold AS h SET owner_role = d.role, work_item = d.item, expires_at = d.at
FROM unnest(%(holds)s::uuid[], %(items)s::uuid[], %(roles)s::text[], %(times)s::timestamptz[]) AS d(id, item, role, at)
WHERE h.id = d.id
"""
