"""Cancel orders, or some units of their lines, as long as nobody has them in hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.orders import rules
from entrepot.orders.commands import progress
from entrepot.orders.commands.hold import close_holds, holds_of
from entrepot.orders.rules import Cancellable
from entrepot.payments.commands.capture import Void, void
from entrepot.stock.commands.allocate import Free, Freed, free


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Without `lines` the whole order, else (line, units) of it."""

    order: UUID
    reason: str
    lines: tuple[tuple[UUID, int], ...] | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """Units cancelled, how many of them were promised, the lines that waited for stock, and the status now."""

    order: UUID
    units: int
    freed: int
    status: str
    backordered: tuple[tuple[UUID, int], ...] = ()


@command("orders.cancel")
def cancel(cause: Cause, /, *, requests: Sequence[CancelOrder]) -> list[OrderCancelled | Refused]:
    """Units cancelled at once: their promises freed, and of an order with nothing left, holds and payment let go.

    Locks: the orders in id order, the positions of what was promised in key order, the payments.
    Refuses: NotFound; WrongState (cancelled, closed); Invalid (no reason; an order twice); TooLate; MoreThanThereIs.
    Again: by key. 18 statements.
    """
    progress.lock(one.order for one in requests)
    orders, lines = _load([one.order for one in requests])

    answers: list[OrderCancelled | Refused] = []
    decided: dict[UUID, tuple[CancelOrder, list[tuple[UUID, str, int]]]] = {}
    for one in requests:
        steps = _decide(one, orders, lines, decided)
        if isinstance(steps, Refused):
            answers.append(steps)
            continue
        decided[one.order] = (one, steps)
        answers.append(_answer(one.order, steps))

    if not decided:
        return answers
    times = {order: one.occurred_at or cause.at for order, (one, _) in decided.items()}
    _free(cause, decided)
    progress.progress(
        cause,
        requests=[
            progress.Progress(line, order, place, "cancelled", units)
            for order, (_, steps) in decided.items()
            for line, place, units in steps
        ],
        times=times,
    )
    gone = frozenset(order for order, (_, steps) in decided.items() if _is_all(lines[order], steps))
    if gone:
        _let_go(cause, gone, decided)
    stands = progress.restate(cause, times, cancelled=gone)
    announce(
        cause, [_event(one, orders[order][0], steps, times[order]) for order, (one, steps) in decided.items()]
    )
    ready.drop(
        "allocate", [order for order, one in stands.items() if not one.goods.open + one.goods.backordered]
    )
    return [
        OrderCancelled(one.order, one.units, one.freed, stands[one.order].status, one.backordered)
        if isinstance(one, OrderCancelled)
        else one
        for one in answers
    ]


# ---- load

_Lines = dict[UUID, Cancellable]


def _load(orders: Sequence[UUID]) -> tuple[dict[UUID, tuple[int, str]], dict[UUID, _Lines]]:
    """Company and commercial state of each order, and its lines."""
    found: dict[UUID, tuple[int, str]] = {}
    lines: dict[UUID, _Lines] = {}
    for order, company, commercial, line, *units in sql.run(_LOAD, {"orders": list(orders)}):
        found[order] = (company, commercial)
        lines.setdefault(order, {})[line] = Cancellable(*units)
    return found, lines


# ---- decide


def _decide(
    one: CancelOrder,
    orders: Mapping[UUID, tuple[int, str]],
    lines: Mapping[UUID, _Lines],
    decided: Mapping[UUID, object],
) -> list[tuple[UUID, str, int]] | Refused:
    if one.order not in orders:
        return NotFound(what="order", which=str(one.order))
    if not one.reason:
        return Invalid(field="reason", expected="why the order is cancelled", found="nothing")
    if one.order in decided:
        return Invalid(field="order", expected="each order once in a call", found=str(one.order))
    commercial = orders[one.order][1]
    if commercial in ("cancelled", "closed"):
        return WrongState(subject="order", found=commercial, event="cancel", expected="placed or confirmed")
    return rules.decide_cancel(one.order, lines[one.order], one.lines)


def _answer(order: UUID, steps: Sequence[tuple[UUID, str, int]]) -> OrderCancelled:
    units = sum(step[2] for step in steps)
    freed = sum(step[2] for step in steps if step[1] == "allocated")
    waited = tuple((line, count) for line, place, count in steps if place == "backordered")
    return OrderCancelled(order, units, freed, "", waited)


def _is_all(lines: _Lines, steps: Sequence[tuple[UUID, str, int]]) -> bool:
    """Nothing of the order is left, neither to come nor gone."""
    return sum(sum(line[:4]) for line in lines.values()) == sum(units for _, _, units in steps)


# ---- write


def _free(cause: Cause, decided: Mapping[UUID, tuple[CancelOrder, list[tuple[UUID, str, int]]]]) -> None:
    wanted = [
        Free(order, line, units)
        for order, (_, steps) in decided.items()
        for line, place, units in steps
        if place == "allocated"
    ]
    if wanted:
        for one, freed in zip(wanted, free(cause, requests=wanted), strict=True):
            assert isinstance(freed, Freed), freed
            assert freed.quantity == one.quantity, (
                f"line {one.line}: {one.quantity} allocated, {freed.quantity} promised"
            )


def _let_go(cause: Cause, gone: frozenset[UUID], decided: Mapping[UUID, tuple[CancelOrder, object]]) -> None:
    """Holds rejected and authorizations voided of orders that are no more."""
    holds = holds_of(sorted(gone))
    if holds:
        at = {order: decided[order][0].occurred_at or cause.at for order in gone}
        close_holds(
            cause, [(hold, at[hold.order], decided[hold.order][0].reason) for hold in holds], "rejected"
        )
    void(cause, requests=[Void(order) for order in sorted(gone)])


def _event(one: CancelOrder, company: int, steps: Sequence[tuple[UUID, str, int]], at: datetime) -> Event:
    payload = {"cancelled": [[line, place, units] for line, place, units in steps]}
    return Event("order", one.order, company, occurred_at=at, payload=payload, reason=one.reason)


_LOAD = """
SELECT o.id, o.company_id::int, o.commercial, l.id, l.open, l.backordered, l.allocated,
       l.released + l.picked + l.packed + l.shipped + l.delivered, l.kind = 'goods'
FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id
WHERE o.id = ANY(%(orders)s::uuid[]) ORDER BY o.id, l.number
"""
