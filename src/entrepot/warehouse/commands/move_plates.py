"""Move plates from bin to bin, with all that stands on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from entrepot.catalog import queries as catalog
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.stock.commands.move import At
from entrepot.stock.commands.plates import OnPlate, Plate, hold_plates, lock_content, see_plates, set_pallets
from entrepot.stock.errors import PlateOnItsWay
from entrepot.warehouse.commands.put_away import PutAway, UnitsPutAway, put_away
from entrepot.warehouse.errors import PlateEmpty, PlateWanted


@dataclass(frozen=True, slots=True)
class MovePlate:
    """A whole plate into another bin of its node, with the cartons on it; a carton leaves its pallet. `scanned` is what
    was read at that bin."""

    plate: UUID
    to_bin: UUID
    scanned: str = ""
    why: Literal["put_away", "move", "replenish"] = "move"
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PlateMoved:
    """How many units went with it, and the documents that their moves name."""

    plate: UUID
    number: str
    units: int
    documents: tuple[UUID, ...]


@command("warehouse.move_plates")
def move_plates(cause: Cause, /, *, requests: Sequence[MovePlate]) -> list[PlateMoved | Refused]:
    """The plates stand in the other bin with their content; orders that waited for it are ready for release again.

    Locks: the numbers of the plates in their order, then the buckets that they leave and come into, in id order.
    Refuses: NotFound (plate, bin); warehouse.plate_empty; stock.plate_on_its_way; warehouse.plate_wanted (picks have a
    claim on it); Invalid (a plate twice, its own bin, another node); warehouse.wrong_bin. Again: by key. 15 statements;
    1 more where another bin was scanned, 1 where a plate is wanted, 1 where a carton leaves its pallet.
    """
    plates = hold_plates([one.plate for one in requests])
    content = lock_content(plates, into=((one.plate, one.to_bin) for one in requests))
    answers: dict[int, PlateMoved | Refused] = {}
    going: dict[int, MovePlate] = {}
    free: dict[At, int] = {one.at: one.free for found in content.values() for one in found}
    wanted: dict[int, OnPlate] = {}
    seen: set[UUID] = set()
    for i, one in enumerate(requests):
        refused = _misfit(one, plates, content, seen)
        lacking = None if refused else _lacking(content[one.plate], free)
        if refused:
            answers[i] = refused
        elif lacking:
            wanted[i] = lacking
        else:
            seen.add(one.plate)
            for part in content[one.plate]:
                free[part.at] -= part.units
            going[i] = one
    answers |= _told_wanted(requests, wanted, plates, free)
    answers |= _move(cause, going, plates, content)
    return [answers[i] for i in range(len(requests))]


def _misfit(
    one: MovePlate, plates: Mapping[UUID, Plate], content: Mapping[UUID, list[OnPlate]], seen: set[UUID]
) -> Refused | None:
    if one.plate not in plates:
        return NotFound(what="plate", which=str(one.plate))
    number = plates[one.plate].number
    if one.plate in seen or plates[one.plate].on_plate in seen:
        return Invalid(field="plate", expected="each plate once", found=number)
    if one.plate not in content:
        return PlateEmpty(plate=number)
    if plates[one.plate].is_on_its_way:
        return PlateOnItsWay(plate=number, node=plates[one.plate].node_code)
    return None


def _lacking(parts: Sequence[OnPlate], free: Mapping[At, int]) -> OnPlate | None:
    """What of a plate can't go, because picks have a claim on it."""
    return next((part for part in parts if free[part.at] < part.units), None)


def _told_wanted(
    requests: Sequence[MovePlate],
    wanted: Mapping[int, OnPlate],
    plates: Mapping[UUID, Plate],
    free: Mapping[At, int],
) -> dict[int, Refused]:
    if not wanted:
        return {}
    skus = catalog.skus_by_id({one.at.sku for one in wanted.values()})
    return {
        i: PlateWanted(
            plate=plates[requests[i].plate].number, sku=skus[one.at.sku].code, units=one.units,
            free=max(0, free[one.at]), committed=one.units - max(0, free[one.at]),
        )
        for i, one in wanted.items()
    }  # fmt: skip


def _move(
    cause: Cause,
    going: Mapping[int, MovePlate],
    plates: Mapping[UUID, Plate],
    content: Mapping[UUID, list[OnPlate]],
) -> dict[int, PlateMoved | Refused]:
    """Each plate is put away whole: what refuses one of its goods, its bin, refuses all of them."""
    parts = [(i, part) for i, one in going.items() for part in content[one.plate]]
    moved = put_away(cause, requests=[_put_away(going[i], part) for i, part in parts])
    documents: dict[int, list[UUID]] = {}
    refused: dict[int, Refused] = {}
    for (i, _), answer in zip(parts, moved, strict=True):
        if isinstance(answer, UnitsPutAway):
            documents.setdefault(i, []).append(answer.document)
        else:
            refused.setdefault(i, answer)
    assert not documents.keys() & refused.keys(), "a plate goes whole or not at all"
    units: Counter[int] = Counter()
    for i, part in parts:
        units[i] += part.units
    done = {i: going[i] for i in documents}
    see_plates([one.plate for one in done.values()], cause.at)
    set_pallets({one.plate: None for one in done.values() if plates[one.plate].on_plate})
    announce(
        cause,
        [
            Event(
                "plate", plate, plates[one.plate].company, occurred_at=one.occurred_at, reason=one.why,
                payload={"units": some, "from": content[one.plate][0].at.bin, "to": one.to_bin},
            )
            for i, one in done.items()
            for plate, some in _each(one.plate, units[i], content[one.plate])
        ],
    )  # fmt: skip
    return refused | {
        i: PlateMoved(one.plate, plates[one.plate].number, units[i], tuple(documents[i]))
        for i, one in done.items()
    }


def _each(plate: UUID, units: int, parts: Sequence[OnPlate]) -> list[tuple[UUID, int]]:
    """The plate with all its units, and each carton on it with its own."""
    cartons: Counter[UUID] = Counter()
    for part in parts:
        if part.plate != plate:
            cartons[part.plate] += part.units
    return [(plate, units), *cartons.items()]


def _put_away(one: MovePlate, part: OnPlate) -> PutAway:
    at = part.at
    assert at.bin is not None, "plates stand in bins"
    return PutAway(
        at.owner, at.sku, at.bin, one.to_bin, part.units, at.status, at.lot, at.serial, one.scanned, one.occurred_at,
        why=one.why, plate=part.plate,
    )  # fmt: skip
