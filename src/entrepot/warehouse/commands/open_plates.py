"""Open plates: what stood on them stands loose in their bin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.stock.commands.plates import hold_plates, lock_content, set_content, set_pallets
from entrepot.stock.errors import PlateOnItsWay
from entrepot.warehouse.errors import PlateEmpty


@dataclass(frozen=True, slots=True)
class OpenPlate:
    """A plate of which units are wanted one by one."""

    plate: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PlateOpened:
    """How many units stand loose now."""

    plate: UUID
    number: str
    units: int


@command("warehouse.open_plates")
def open_plates(cause: Cause, /, *, requests: Sequence[OpenPlate]) -> list[PlateOpened | Refused]:
    """The plates hold nothing any more; their goods stand where they stood, and cartons on them by themselves. No unit
    moves.

    Locks: the numbers of the plates in their order, then their buckets in id order.
    Refuses: NotFound; warehouse.plate_empty; stock.plate_on_its_way. Again: by key. 7 statements; 1 more where
    cartons stood on one, or it on a pallet.
    """
    plates = hold_plates([one.plate for one in requests])
    content = lock_content(plates)
    answers: list[PlateOpened | Refused] = []
    less: dict[tuple[UUID, UUID], int] = {}
    alone: dict[UUID, UUID | None] = {}
    for one in requests:
        on_its_way = one.plate in plates and plates[one.plate].is_on_its_way
        parts = None if on_its_way else content.pop(one.plate, None)
        if one.plate not in plates:
            answers.append(NotFound(what="plate", which=str(one.plate)))
            continue
        number, company = plates[one.plate].number, plates[one.plate].company
        if on_its_way:
            answers.append(PlateOnItsWay(plate=number, node=plates[one.plate].node_code))
            continue
        if not parts:
            answers.append(PlateEmpty(plate=number))
            continue
        own = [part for part in parts if part.plate == one.plate]
        units = sum(part.units for part in own)
        less |= {(part.plate, part.bucket): -part.units for part in own}
        alone |= {part.plate: None for part in parts if part.plate != one.plate or plates[one.plate].on_plate}
        payload = {"units": units, "from": parts[0].at.bin}
        announce(cause, [Event("plate", one.plate, company, occurred_at=one.occurred_at, payload=payload)])
        answers.append(PlateOpened(one.plate, number, units))
    set_content(less)
    set_pallets(alone)
    return answers
