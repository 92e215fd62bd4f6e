"""Pack picked fulfillments: a carton, its weight, its contents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands.progress import Progress, progress
from entrepot.warehouse import errors, rules
from entrepot.warehouse.commands.lock import Fulfillment, lock_fulfillments
from entrepot.warehouse.states import STEPS


@dataclass(frozen=True, slots=True)
class PackFulfillment:
    """All that was picked goes into one carton: the one named, or the smallest standard one that holds it.

    Without `weight_g` the package weighs what the catalog says of its contents, and the carton.
    """

    fulfillment: UUID
    carton: str | None = None
    weight_g: int | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FulfillmentPacked:
    fulfillment: UUID
    package: UUID
    number: str
    carton: str
    weight_g: int


class _Contents(NamedTuple):
    """Units of an order line that were picked, with their weight and volume in all."""

    line: UUID
    sku: UUID
    units: int
    weight_g: int
    volume_mm3: int


@command("warehouse.pack")
def pack(cause: Cause, /, *, requests: Sequence[PackFulfillment]) -> list[FulfillmentPacked | Refused]:
    """A closed package for each fulfillment, ready for the carrier.

    Locks: the orders with their fulfillments, in the orders' id order.
    Refuses: NotFound; WrongState; Invalid (weight); warehouse.carton_unknown.
    Again: by key. 8 statements.
    """
    found = lock_fulfillments([one.fulfillment for one in requests])
    contents = _contents(found)

    answers: list[FulfillmentPacked | Refused] = []
    packed: dict[UUID, tuple[Fulfillment, FulfillmentPacked, datetime]] = {}
    numbers = iter(ids.numbers("PK", len(found)))
    for request in requests:
        one = found.get(request.fulfillment)
        refusal = _refusal(request, one, packed)
        if refusal or one is None:
            answers.append(refusal or NotFound(what="fulfillment", which=str(request.fulfillment)))
            continue
        answer = _package(request, next(numbers), contents[one.id])
        packed[one.id] = (one, answer, request.occurred_at or cause.at)
        answers.append(answer)
    if packed:
        _write(cause, packed, contents)
    return answers


def _contents(fulfillments: Iterable[UUID]) -> dict[UUID, list[_Contents]]:
    found: dict[UUID, list[_Contents]] = {}
    for fulfillment, *row in sql.run(_CONTENTS, {"ids": list(fulfillments)}):
        found.setdefault(fulfillment, []).append(_Contents(*row))
    return found


def _refusal(
    request: PackFulfillment,
    one: Fulfillment | None,
    packed: dict[UUID, tuple[Fulfillment, FulfillmentPacked, datetime]],
) -> Refused | None:
    if one is None:
        return NotFound(what="fulfillment", which=str(request.fulfillment))
    step = STEPS["pack"]["packed" if one.id in packed else one.state]
    if isinstance(step, Refused):
        return step
    if request.carton is not None and request.carton not in rules.BY_CODE:
        return errors.CartonUnknown(carton=request.carton, known=", ".join(rules.BY_CODE))
    if request.weight_g is not None and request.weight_g <= 0:
        return Invalid(field="weight_g", expected="more than 0", found=request.weight_g)
    return None


def _package(request: PackFulfillment, number: str, contents: Sequence[_Contents]) -> FulfillmentPacked:
    volume = -(-sum(one.volume_mm3 for one in contents) // 1000)
    carton = rules.BY_CODE[request.carton] if request.carton else rules.choose_carton(volume)
    weight = request.weight_g or sum(one.weight_g for one in contents) + carton.tare_g
    return FulfillmentPacked(request.fulfillment, ids.uuid7(), number, carton.code, weight)


def _write(
    cause: Cause,
    packed: dict[UUID, tuple[Fulfillment, FulfillmentPacked, datetime]],
    contents: dict[UUID, list[_Contents]],
) -> None:
    packages, lines, steps, happened, offers = [], [], [], [], []
    times: dict[UUID, datetime] = {}
    for one, answer, at in packed.values():
        packages.append(
            (answer.package, answer.number, one.company, one.id, answer.weight_g, answer.carton, at)
        )
        for line, sku, units, _, _ in contents[one.id]:
            lines.append((answer.package, line, sku, units))
            steps.append(Progress(line, one.order, "picked", "packed", units))
        times[one.order] = at
        happened.append(
            Event("fulfillment", one.id, one.company, one.state, "packed", at, {"package": answer.package})
        )
        offers.append((one.id, one.priority, one.promise_at or one.placed_at))
    sql.write("warehouse_package", _PACKAGE, packages)
    sql.write("warehouse_packageline", _PACKAGE_LINE, lines)
    sql.change(_PACKED, {"ids": list(packed)})
    progress(cause, requests=steps, times=times)
    ready.drop("pack", list(packed))
    announce(cause, happened)
    offer("ship", offers)


_PACKAGE = ("id", "number", "company_id", "fulfillment_id", "weight_g", "carton", "packed_at")
_PACKAGE_LINE = ("package_id", "line_id", "sku_id", "quantity")

_CONTENTS = """
SELECT l.fulfillment_id, l.line_id, l.sku_id, sum(l.picked)::int, (sum(l.picked) * s.weight_g)::bigint,
       (sum(l.picked) * s.length_mm * s.width_mm * s.height_mm)::bigint
FROM warehouse_fulfillmentline AS l JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE l.fulfillment_id = ANY(%(ids)s::uuid[]) AND l.picked > 0
GROUP BY l.fulfillment_id, l.line_id, l.sku_id, s.id
"""

_PACKED = "UPDATE warehouse_fulfillment SET state = 'packed' WHERE id = ANY(%(ids)s::uuid[])"
