"""Call off what a supplier was asked to send and has not confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, one_of
from entrepot.kernel.events import Event
from entrepot.orders import rules as orders
from entrepot.orders.commands import cancel as sales
from entrepot.purchasing.commands.lock_drop_ships import DropShip, lock_drop_ships
from entrepot.purchasing.commands.store_drop_ships import store
from entrepot.purchasing.commands.tell_suppliers import Telling, tell
from entrepot.purchasing.drop_ship import CALLED_OFF, Line
from entrepot.purchasing.states import DROP_SHIP
from entrepot.sourcing.commands.cancel import forget
from entrepot.sourcing.commands.reject import NotSent, not_sent


@dataclass(frozen=True, slots=True)
class CallOffDropShip:
    """With `cancel` the customer does not want it any more, for a reason of `orders.rules.CANCEL_REASONS`; else it is
    sourced again, without this supplier."""

    drop_ship: UUID
    reason: str
    cancel: bool = False
    code: str = "customer"
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropShipCalledOff:
    """Units that the supplier does not send, and what was given back for them where they are cancelled."""

    drop_ship: UUID
    units: int
    refunded_minor: int = 0


@command("purchasing.call_off_drop_ships")
def call_off_drop_ships(
    cause: Cause, /, *, requests: Sequence[CallOffDropShip]
) -> list[DropShipCalledOff | Refused]:
    """Drop-ship orders that the supplier is told to forget; their units are cancelled, or sourced again without him.

    Locks: the sales orders in id order, the drop-ship orders; where units are cancelled, as `orders.cancel`.
    Refuses: NotFound; WrongState (confirmed: ask the supplier to refuse it); Invalid (no reason; an unknown code).
    Again: by key. 15 statements; as `orders.cancel` more where units are cancelled.
    """
    found = lock_drop_ships([one.drop_ship for one in requests])
    answers: list[DropShipCalledOff | Refused] = []
    decided: list[tuple[CallOffDropShip, DropShip, list[tuple[Line, int]]]] = []
    for one in requests:
        drop_ship = found.get(one.drop_ship)
        refused = _refusal(one, drop_ship)
        if drop_ship is None or refused:
            answers.append(refused or NotFound(what="drop-ship order", which=""))
            continue
        drop_ship.state = "called_off"
        units = [(line, line.left) for line in drop_ship.lines.values() if line.left]
        for line in drop_ship.lines.values():
            line.called_off += line.left
        decided.append((one, drop_ship, units))
        answers.append(DropShipCalledOff(drop_ship.id, sum(count for _, count in units)))
    if not decided:
        return answers
    store(cause, [drop_ship for _, drop_ship, _ in decided])
    not_sent(cause, [
        NotSent(of.order, line.line, of.supplier, count, one.reason, one.occurred_at or cause.at)
        for one, of, units in decided if not one.cancel for line, count in units
    ])  # fmt: skip
    refunded = _cancel(cause, [row for row in decided if row[0].cancel])
    tell(cause, [_told(cause, one, drop_ship) for one, drop_ship, _ in decided])
    announce(cause, [
        Event("drop_ship", drop_ship.id, drop_ship.company, "asked", "called_off", one.occurred_at, None, one.reason)
        for one, drop_ship, _ in decided
    ])  # fmt: skip
    return [
        DropShipCalledOff(one.drop_ship, one.units, refunded.pop(found[one.drop_ship].order, 0))
        if isinstance(one, DropShipCalledOff)
        else one
        for one in answers
    ]


def _refusal(one: CallOffDropShip, found: DropShip | None) -> Refused | None:
    if found is None:
        return NotFound(what="drop-ship order", which=str(one.drop_ship))
    after = DROP_SHIP.step(found.state, "call_off")
    if isinstance(after, Refused):
        return after
    if not one.reason.strip():
        return Invalid(field="reason", expected="why it is called off", found="nothing")
    if one.code not in orders.CANCEL_REASONS:
        return Invalid(field="code", expected=one_of(orders.CANCEL_REASONS), found=one.code)
    return None


def _cancel(
    cause: Cause, decided: Sequence[tuple[CallOffDropShip, DropShip, list[tuple[Line, int]]]]
) -> dict[UUID, int]:
    """Cancel the units of the sales orders; what was given back for them, by order."""
    if not decided:
        return {}
    plan = sales.look({drop_ship.order for _, drop_ship, _ in decided})
    for one, drop_ship, units in decided:
        request, steps = plan.decided.get(drop_ship.order) or (
            sales.CancelOrder(drop_ship.order, one.reason, occurred_at=one.occurred_at, code=one.code),
            [],
        )
        plan.decided[drop_ship.order] = (
            request,
            [*steps, *((line.line, "with_supplier", count) for line, count in units)],
        )
    for order, (request, steps) in plan.decided.items():
        left = dict(plan.lines[order])
        for line, place, count in steps:
            left[line] = left[line].less(place, count)
        plan.decided[order] = (request, [*steps, *orders.services_too(left)])
        plan.answers.append(sales.OrderCancelled(order, sum(count for _, _, count in steps), 0, ""))
    answers = sales.carry_out(cause, plan)
    forget(cause, answers)
    return {one.order: one.refunded_minor for one in answers if isinstance(one, sales.OrderCancelled)}


def _told(cause: Cause, one: CallOffDropShip, drop_ship: DropShip) -> Telling:
    return Telling(
        drop_ship.id, drop_ship.company, drop_ship.supplier_code, CALLED_OFF, one.occurred_at or cause.at,
        {"number": drop_ship.number, "reason": one.reason},
    )  # fmt: skip
