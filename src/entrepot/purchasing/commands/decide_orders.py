"""Purchase orders that are worth more than one person orders alone, approved by another one, or declined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing.approval import PAIR
from entrepot.purchasing.commands.order import ITEM
from entrepot.purchasing.states import ORDER
from entrepot.stock.commands.expect import Expect, expect
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class DecideOrder:
    """Approved, or declined with a note."""

    order: UUID
    approve: bool
    note: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDecided:
    """`open`, or `cancelled` where it was declined."""

    order: UUID
    state: str


class _Order(NamedTuple):
    id: UUID
    number: str
    company: int
    node: UUID
    state: str


class _Decided(NamedTuple):
    order: _Order
    request: DecideOrder
    state: str


@command("purchasing.decide_orders")
def decide_orders(cause: Cause, /, *, requests: Sequence[DecideOrder]) -> list[OrderDecided | Refused]:
    """The orders, open from now on and expected from their suppliers, or cancelled. Whoever ordered does not approve.

    Locks: the orders, in the order of their ids. Refuses: NotFound; WrongState (none that waits); Invalid (declined
    without a note); access.duties_apart. Again: by key. 9 statements at most.
    """
    wanted = {"ids": sorted({one.order for one in requests})}
    found = {row[0]: _Order(*row) for row in sql.run(_LOCK, wanted)}
    duties = {
        one.id: Duty(one.id, PAIR, "approve", cause.actor.name, one.number)
        for one in found.values()
        if one.state == "waiting"
    }
    apart = dict(zip(duties, access.apart(list(duties.values())), strict=True))
    answers: list[OrderDecided | Refused] = []
    decided: list[_Decided] = []
    for request in requests:
        answer = _decide(request, found.get(request.order), apart)
        if isinstance(answer, Refused):
            answers.append(answer)
            continue
        decided.append(answer)
        found[request.order] = answer.order._replace(state=answer.state)
        answers.append(OrderDecided(request.order, answer.state))
    if decided:
        approved = [one.order.id for one in decided if one.state == "open"]
        if approved:
            whole(take_duty(cause, requests=[duties[which] for which in approved]))
        _write(cause, decided, approved)
    return answers


def _decide(
    request: DecideOrder, order: _Order | None, apart: dict[UUID, Refused | None]
) -> _Decided | Refused:
    if order is None:
        return NotFound(what="purchase order", which=str(request.order))
    state = ORDER.step(order.state, "approve" if request.approve else "decline")
    if isinstance(state, Refused):
        return state
    if request.approve:
        return apart[order.id] or _Decided(order, request, state)
    if not request.note.strip():
        return Invalid(field="note", expected="why it is declined", found="nothing")
    return _Decided(order, request, state)


def _write(cause: Cause, decided: Sequence[_Decided], approved: Sequence[UUID]) -> None:
    who, at = cause.actor.name, cause.at
    rows = [(one.order.id, one.state, *((who, at) if one.state == "open" else ("", None))) for one in decided]
    sql.run(_STORE, sql.columns(("ids", "states", "people", "times"), rows))
    if approved:
        orders = {one.order.id: one.order for one in decided}
        expect(cause, requests=[
            Expect(orders[order].company, line, sku, orders[order].node, "purchase_order", order, units, day)
            for order, line, sku, units, day in sql.run(_LINES, {"ids": list(approved)})
        ])  # fmt: skip
    announce(cause, [
        Event("purchase_order", one.order.id, one.order.company, "waiting", one.state, one.request.occurred_at,
              {"number": one.order.number}, one.request.note.strip())
        for one in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(
            one.order.company, ITEM, one.order.id, "approved" if one.state == "open" else "declined",
            one.request.note.strip(), at,
        )
        for one in decided
    ])  # fmt: skip


_LOCK = """
SELECT id, number, company_id::int, node_id, state FROM purchasing_order WHERE id = ANY(%(ids)s::uuid[])
ORDER BY id FOR UPDATE
"""

_LINES = """
SELECT order_id, id, sku_id, quantity, wanted_on FROM purchasing_orderline
WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id, number
"""

_STORE = """
UPDATE purchasing_order AS o SET state = d.state, approved_by = d.person, approved_at = d.at
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(people)s::text[], %(times)s::timestamptz[])
     AS d(id, state, person, at)
WHERE o.id = d.id
"""
