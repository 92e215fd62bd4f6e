"""Open the packages of a fulfillment again that was packed wrongly and has not left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands.progress import Progress, progress
from entrepot.warehouse import packing
from entrepot.warehouse.commands.lock import Fulfillment, lock_fulfillments
from entrepot.warehouse.states import STEPS
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class UnpackFulfillment:
    """A packed fulfillment whose packages are to be opened, and why."""

    fulfillment: UUID
    reason: str
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FulfillmentUnpacked:
    """The packages that are void now; what was in them is packed again."""

    fulfillment: UUID
    packages: tuple[UUID, ...]


@command("warehouse.unpack")
def unpack(cause: Cause, /, *, requests: Sequence[UnpackFulfillment]) -> list[FulfillmentUnpacked | Refused]:
    """Packages that are void, and a fulfillment that waits to be packed again: its units stand in staging as before,
    and what the weight of its packages had asked is settled.

    Locks: the orders with their fulfillments, in the orders' id order.
    Refuses: NotFound; WrongState (not packed yet, or it has left); Invalid (no reason).
    Again: by key. 10 statements; 1 more where a weight was off.
    """
    found = lock_fulfillments([one.fulfillment for one in requests])
    inside = packing.contents(found)
    going: dict[UUID, tuple[UnpackFulfillment, Fulfillment]] = {}
    answers: list[FulfillmentUnpacked | Refused] = []
    for request in requests:
        one = found.get(request.fulfillment)
        refusal = _refusal(request, one, going)
        if refusal is None and one is not None:
            going[one.id] = (request, one)
        answers.append(refusal or FulfillmentUnpacked(request.fulfillment, ()))
    if not going:
        return answers

    steps = [
        Progress(each.line, one.order, "packed", "picked", each.units)
        for _, one in going.values()
        for each in inside[one.id]
    ]
    opened = void_packages([(key, _at(cause, request)) for key, (request, _) in going.items()])
    sql.change(_PICKED, {"ids": list(going)})
    progress(cause, requests=steps, times={one.order: _at(cause, of) for of, one in going.values()})
    ready.drop("ship", list(going))
    _announce(cause, going, opened)
    offer("pack", [(one.id, one.priority, one.due) for _, one in going.values()])
    return [
        one
        if isinstance(one, Refused)
        else FulfillmentUnpacked(one.fulfillment, tuple(opened[one.fulfillment]))
        for one in answers
    ]


def _refusal(request: UnpackFulfillment, one: Fulfillment | None, going: Collection[UUID]) -> Refused | None:
    if one is None:
        return NotFound(what="fulfillment", which=str(request.fulfillment))
    step = STEPS["unpack"]["picked" if one.id in going else one.state]
    if isinstance(step, Refused):
        return step
    if not request.reason.strip():
        return Invalid(field="reason", expected="why the packages are opened", found=request.reason)
    return None


def void_packages(opened: Sequence[tuple[UUID, datetime]]) -> dict[UUID, list[UUID]]:
    """The packages of fulfillments, by fulfillment, that hold nothing any more from a time on; the serial numbers that
    were noted of their units are forgotten. One statement."""
    voided: dict[UUID, list[UUID]] = defaultdict(list)
    for key, package in sql.run(_VOID, sql.columns(("ids", "times"), opened)):
        voided[key].append(package)
    return voided


def _announce(
    cause: Cause,
    going: dict[UUID, tuple[UnpackFulfillment, Fulfillment]],
    opened: dict[UUID, list[UUID]],
) -> None:
    happened, settled = [], []
    for key, (request, one) in going.items():
        at, why = _at(cause, request), request.reason.strip()
        happened.append(
            Event("fulfillment", key, one.company, one.state, "picked", at, {"voided": opened[key]}, why)
        )
        for package in opened[key]:
            happened.append(Event("package", package, one.company, "", "voided", at, reason=why))
            settled.append(ResolveSubject(one.company, "weight off", package, "packed again", why))
    announce(cause, happened)
    resolve_subjects(cause, requests=settled)


def _at(cause: Cause, request: UnpackFulfillment) -> datetime:
    return request.occurred_at or cause.at


_VOID = """
WITH forgotten AS (DELETE FROM warehouse_packedserial WHERE fulfillment_id = ANY(%(ids)s::uuid[]))
UPDATE warehouse_package AS p SET voided_at = d.at
FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) AS d(fulfillment, at)
WHERE p.fulfillment_id = d.fulfillment AND p.voided_at IS NULL RETURNING p.fulfillment_id, p.id
"""

_PICKED = "UPDATE warehouse_fulfillment SET state = 'picked' WHERE id = ANY(%(ids)s::uuid[])"
