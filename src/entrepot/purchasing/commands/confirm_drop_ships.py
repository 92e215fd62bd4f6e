"""A supplier says that he will send what was asked of him."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing.commands.lock_drop_ships import lock_drop_ships
from entrepot.purchasing.commands.store_drop_ships import NOT_TOLD
from entrepot.purchasing.states import DROP_SHIP
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class ConfirmDropShip:
    """`reference` is what the supplier calls it; `due_on` the day on which he will send it, where it is another."""

    drop_ship: UUID
    reference: str = ""
    due_on: date | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropShipConfirmed:
    drop_ship: UUID
    due_on: date


@command("purchasing.confirm_drop_ships")
def confirm_drop_ships(
    cause: Cause, /, *, requests: Sequence[ConfirmDropShip]
) -> list[DropShipConfirmed | Refused]:
    """Drop-ship orders that the supplier has taken: from then on he may refuse, and nobody calls them off, or has to
    tell him of them.

    Locks: the sales orders in id order, the drop-ship orders. Refuses: NotFound; WrongState.
    Again: by key. 5 statements.
    """
    found = lock_drop_ships([one.drop_ship for one in requests])
    answers: list[DropShipConfirmed | Refused] = []
    rows, events = [], []
    for one in requests:
        drop_ship = found.get(one.drop_ship)
        if drop_ship is None:
            answers.append(NotFound(what="drop-ship order", which=str(one.drop_ship)))
            continue
        before, after = drop_ship.state, DROP_SHIP.step(drop_ship.state, "confirm")
        if isinstance(after, Refused):
            answers.append(after)
            continue
        drop_ship.state = after
        due_on = one.due_on or drop_ship.due_on
        rows.append((drop_ship.id, after, one.reference, due_on))
        events.append(
            Event(
                "drop_ship", drop_ship.id, drop_ship.company, before, after, one.occurred_at,
                {"reference": one.reference, "due_on": due_on},
            )
        )  # fmt: skip
        answers.append(DropShipConfirmed(drop_ship.id, due_on))
    if rows:
        sql.run(_CONFIRM, sql.columns(("ids", "states", "refs", "dues"), rows))
        known = [one for one in found.values() if one.state == "confirmed"]
        resolve_subjects(
            cause, requests=[ResolveSubject(one.company, NOT_TOLD, one.id, one.state) for one in known]
        )
        announce(cause, events)
    return answers


_CONFIRM = """
UPDATE purchasing_dropship AS d SET state = one.state, reference = one.ref, due_on = one.due
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(refs)s::text[], %(dues)s::date[]) AS one(id, state, ref, due)
WHERE d.id = one.id
"""
