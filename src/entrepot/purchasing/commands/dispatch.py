"""What suppliers have sent to customers, on their drop-ship orders. Called inside shipping's command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.events import Event
from entrepot.purchasing import drop_ship as rules
from entrepot.purchasing.commands.drop_ship import DUTY
from entrepot.purchasing.commands.lock_drop_ships import DropShip
from entrepot.purchasing.commands.store_drop_ships import store
from entrepot.purchasing.states import DROP_SHIP


class Sent(NamedTuple):
    """A drop-ship order whose lines have moved on by what its supplier told, and the state that it was in."""

    drop_ship: DropShip
    before: str
    at: datetime


def duty(cause: Cause, one: DropShip) -> Duty:
    """Whoever ordered it does not attest that it was sent."""
    return Duty(one.id, DUTY, "receive", cause.actor.name, one.number)


def step(one: DropShip) -> None:
    """The state after its lines have moved on."""
    after = DROP_SHIP.step(one.state, rules.sent_event(one.lines.values()))
    assert isinstance(after, str), "something was to come, so it may be sent"
    one.state = after


def dispatch(cause: Cause, sent: Sequence[Sent]) -> None:
    """Write what was sent. 5 statements."""
    # Refused only by the table's own constraint, should the column that the rule looked at ever say otherwise.
    whole(take_duty(cause, requests=[duty(cause, one.drop_ship) for one in sent]))
    store(cause, list({one.drop_ship.id: one.drop_ship for one in sent}.values()))
    announce(
        cause,
        [
            Event(
                "drop_ship", one.drop_ship.id, one.drop_ship.company, one.before, one.drop_ship.state, one.at
            )
            for one in sent
        ],
    )
