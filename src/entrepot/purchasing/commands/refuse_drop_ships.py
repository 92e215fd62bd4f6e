"""A supplier says that he does not send what was asked of him, or some of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.purchasing import drop_ship as rules
from entrepot.purchasing.commands.lock_drop_ships import DropShip, lock_drop_ships
from entrepot.purchasing.commands.store_drop_ships import store
from entrepot.purchasing.drop_ship import Line, Units
from entrepot.purchasing.states import COMING, DROP_SHIP
from entrepot.sourcing.commands.reject import NotSent, not_sent


@dataclass(frozen=True, slots=True)
class RefuseDropShip:
    """All that the supplier still has to send, or (number of the line, units) of it."""

    drop_ship: UUID
    reason: str
    lines: tuple[Units, ...] | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropShipRefused:
    """Units that are sourced again, and the state of the drop-ship order now."""

    drop_ship: UUID
    units: int
    state: str


@command("purchasing.refuse_drop_ships")
def refuse_drop_ships(
    cause: Cause, /, *, requests: Sequence[RefuseDropShip]
) -> list[DropShipRefused | Refused]:
    """Units that a supplier refuses: they are sourced again without him, for as long as the profile says; where as many
    nodes and suppliers have rejected a line as may be asked, a person looks at it.

    Locks: the sales orders in id order, the drop-ship orders.
    Refuses: NotFound (drop-ship order, line); WrongState (nothing is to come); Invalid (no reason);
    purchasing.more_than_asked.
    Again: by key. 15 statements; 2 more where too many have rejected a line.
    """
    found = lock_drop_ships([one.drop_ship for one in requests])
    answers: list[DropShipRefused | Refused] = []
    back: list[NotSent] = []
    changed: dict[UUID, DropShip] = {}
    events: list[Event] = []
    for one in requests:
        drop_ship = found.get(one.drop_ship)
        told = _decide(one, drop_ship)
        if drop_ship is None or isinstance(told, Refused):
            answers.append(told if isinstance(told, Refused) else NotFound(what="drop-ship order", which=""))
            continue
        at, before = one.occurred_at or cause.at, drop_ship.state
        for line, units in told:
            line.refused += units
            back.append(NotSent(drop_ship.order, line.line, drop_ship.supplier, units, one.reason, at))
        _step(drop_ship)
        changed[drop_ship.id] = drop_ship
        payload = {"refused": [(line.number, units) for line, units in told]}
        events.append(
            Event(
                "drop_ship", drop_ship.id, drop_ship.company, before, drop_ship.state, at, payload, one.reason
            )
        )
        answers.append(DropShipRefused(drop_ship.id, sum(units for _, units in told), drop_ship.state))
    if changed:
        store(cause, list(changed.values()))
        not_sent(cause, back)
        announce(cause, events)
    return answers


def _decide(one: RefuseDropShip, found: DropShip | None) -> list[tuple[Line, int]] | Refused:
    if found is None:
        return NotFound(what="drop-ship order", which=str(one.drop_ship))
    if found.state not in COMING:
        return WrongState(
            subject="drop-ship order", found=found.state, event="refuse", expected=" or ".join(COMING)
        )
    if not one.reason.strip():
        return Invalid(field="reason", expected="why the supplier does not send it", found="nothing")
    return rules.told(found.number, found.lines, one.lines)


def _step(drop_ship: DropShip) -> None:
    event = rules.refused_event(drop_ship.lines.values())
    if event:
        after = DROP_SHIP.step(drop_ship.state, event)
        assert isinstance(after, str), "something was to come, so it may end"
        drop_ship.state = after
