"""Put cartons on a pallet: plates that go with another from now on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.stock.commands.plates import (
    Number,
    OnPlate,
    Plate,
    cartons_on,
    content_of,
    hold_plates,
    lock_plates,
    make_plates,
    set_pallets,
)
from entrepot.stock.errors import PlateOnItsWay
from entrepot.warehouse.commands.build_plates import numbers_of
from entrepot.warehouse.errors import PlateElsewhere, PlateEmpty, PlateStacked


@dataclass(frozen=True, slots=True)
class StackPlates:
    """Cartons that stand in one bin, and the number (an SSCC) of the pallet that they stand on; without one it gets one
    of the company's own."""

    company: int
    plates: tuple[UUID, ...]
    number: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PlatesStacked:
    """The pallet, and how many cartons were put on it now, with how many units."""

    plate: UUID
    number: str
    cartons: int
    units: int


@command("warehouse.stack_plates")
def stack_plates(cause: Cause, /, *, requests: Sequence[StackPlates]) -> list[PlatesStacked | Refused]:
    """The cartons go with the pallet wherever it is moved or sent, until one is moved by itself or it is opened. No
    unit moves. Nothing stands on a carton.

    Locks: the numbers of the plates in their order. Refuses: NotFound (plate); Invalid (no plates, a plate on itself,
    the number, no prefix for own ones); warehouse.plate_empty; warehouse.plate_elsewhere (another bin);
    warehouse.plate_stacked (a pallet on a pallet); stock.plate_on_its_way. Again: by key. 11 statements; more where own
    numbers are drawn, as `warehouse.build_plates`.
    """
    numbers, refused = numbers_of(cause, [(one.company, one.number) for one in requests])
    plates = hold_plates([plate for one in requests for plate in one.plates])
    pallets = lock_plates(
        (one.company, number) for one, number in zip(requests, numbers, strict=True) if number
    )
    is_pallet = set(cartons_on([*plates, *(one.id for one in pallets.values())]).values())
    content = content_of(plates)

    answers: list[PlatesStacked | Refused] = []
    going: list[tuple[StackPlates, str]] = []
    stands: dict[UUID, Number] = {}
    bins: dict[Number, UUID | None] = {name: one.bin for name, one in pallets.items()}
    for i, (one, number) in enumerate(zip(requests, numbers, strict=True)):
        name = (one.company, number)
        refusal = (
            refused.get(i)
            or _misfit(one, plates, pallets.get(name), is_pallet)
            or _apart(one, plates, bins.get(name))
        )
        if refusal is None and any(plate in stands for plate in one.plates):
            refusal = Invalid(field="plates", expected="each once", found=number)
        if refusal:
            answers.append(refusal)
            continue
        bins[name] = plates[one.plates[0]].bin
        stands |= dict.fromkeys(one.plates, name)
        going.append((one, number))
        units = sum(part.units for plate in one.plates for part in content.get(plate, ()))
        answers.append(PlatesStacked(one.plates[0], number, len(one.plates), units))
    made = make_plates(cause, set(stands.values())) if stands else {}
    set_pallets({plate: made[name] for plate, name in stands.items()})
    announce(
        cause,
        [
            Event(
                "plate", plate, one.company, occurred_at=one.occurred_at, reason=number,
                payload={"units": units, "to": plates[one.plates[0]].bin},
            )
            for one, number in going
            for plate, units in _put(made[one.company, number], one.plates, content)
        ],
    )  # fmt: skip
    return [
        PlatesStacked(made[one.company, answer.number], answer.number, answer.cartons, answer.units)
        if isinstance(answer, PlatesStacked)
        else answer
        for one, answer in zip(requests, answers, strict=True)
    ]


def _put(
    pallet: UUID, cartons: Sequence[UUID], content: Mapping[UUID, Sequence[OnPlate]]
) -> list[tuple[UUID, int]]:
    """Each carton with its units, and the pallet with those of all."""
    units = [(carton, sum(part.units for part in content.get(carton, ()))) for carton in cartons]
    return [*units, (pallet, sum(some for _, some in units))]


def _misfit(
    one: StackPlates, plates: Mapping[UUID, Plate], pallet: Plate | None, is_pallet: set[UUID]
) -> Refused | None:
    """Why these can't be the cartons of a pallet."""
    if not one.plates or len(set(one.plates)) < len(one.plates):
        return Invalid(field="plates", expected="at least one, each once", found=len(one.plates))
    if pallet and pallet.id in one.plates:
        return Invalid(field="number", expected="the number of another plate", found=pallet.number)
    if pallet and pallet.on_plate:
        return PlateStacked(plate=pallet.number)
    for which in one.plates:
        plate = plates.get(which)
        if plate is None or plate.company != one.company:
            return NotFound(what="plate", which=str(which))
        if which in is_pallet:
            return PlateStacked(plate=plate.number)
        if plate.node is None:
            return PlateEmpty(plate=plate.number)
        if plate.is_on_its_way:
            return PlateOnItsWay(plate=plate.number, node=plate.node_code)
    if pallet and pallet.is_on_its_way:
        return PlateOnItsWay(plate=pallet.number, node=pallet.node_code)
    return None


def _apart(one: StackPlates, plates: Mapping[UUID, Plate], there: UUID | None) -> Refused | None:
    """The plate that does not stand where the others do."""
    there = there or plates[one.plates[0]].bin
    far = next((plates[which] for which in one.plates if plates[which].bin != there), None)
    return PlateElsewhere(plate=far.number, bin=far.bin_code) if far else None
