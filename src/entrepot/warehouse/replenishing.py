"""When a pick face is filled from reserve, with how much, and from where. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.catalog.rules import first_misfit
from entrepot.kernel.errors import Refused
from entrepot.warehouse.rules import Shelf

UNITS_MAX = 1_000_000
DEMAND, MINIMUM = "demand", "minimum"


@dataclass(frozen=True, slots=True)
class SetPickFace:
    """The bin from which a SKU is picked, as it shall be: filled up to `maximum` when less than `minimum` would be left
    after what is promised; in whole cases of `case_units` from reserve (1: as the catalog has them), as long as
    that serves what is promised. A `maximum` of 0 ends it."""

    company: int
    sku: UUID
    bin: UUID
    minimum: int
    maximum: int
    case_units: int = 1
    key: str | None = None


def misfit(face: SetPickFace) -> Refused | None:
    """Why a pick face can't stand so."""
    return first_misfit(
        ("maximum", 0 <= face.maximum <= UNITS_MAX, f"units from 0 to {UNITS_MAX}", face.maximum),
        ("minimum", 0 <= face.minimum <= face.maximum, "units from 0 to the maximum", face.minimum),
        ("case_units", 1 <= face.case_units <= UNITS_MAX, "units from 1", face.case_units),
    )


class Face(NamedTuple):
    """A pick face now: `there` units stand in it, `free` of them without a picker on the way, `coming` are on open
    tasks; `demand` units of the SKU are promised at its node and not on the floor yet."""

    id: UUID
    company: int
    node: UUID
    bin: UUID
    sku: UUID
    minimum: int
    maximum: int
    case_units: int
    there: int
    free: int
    coming: int
    demand: int


class Filling(NamedTuple):
    """Units to be brought to a face from one bucket in reserve. Those that promises wait for are the more urgent."""

    face: Face
    shelf: Shelf
    units: int
    why: str


def units_wanted(face: Face, demand: int) -> tuple[int, str]:
    """How many units a face should get, and why; 0 where it has enough. `demand` is what it has to serve.

    Never more than there is room for; in whole cases, but for the last units of a demand that a whole case has no room
    for."""
    left = face.free + face.coming - demand
    if left >= face.minimum:
        return 0, ""
    why = DEMAND if left < 0 else MINIMUM
    room = max(0, face.maximum - face.there - face.coming)
    cases = room - room % face.case_units
    if why == DEMAND and cases < -left:
        return min(room, max(cases, -left)), why
    return cases, why


def plan(
    faces: Iterable[Face], shelves: Mapping[tuple[UUID, UUID], Sequence[Shelf]], left: Mapping[UUID, int]
) -> list[Filling]:
    """What to bring where. Shelves are given by SKU and node in the order in which they are emptied, `left` says what
    each has; of several faces of a SKU the first serves the demand as far as it can.

    No case is broken but for a demand that whole ones do not serve: of each shelf whole cases are brought, or all that
    it has."""
    has = dict(left)
    served: dict[tuple[UUID, UUID], int] = defaultdict(int)
    fillings = []
    for face in faces:
        pair = (face.sku, face.node)
        demand = max(0, face.demand - served[pair])
        wanted, why = units_wanted(face, demand)
        served[pair] += face.free + face.coming
        for shelf, units in _brought(wanted, why, face.case_units, shelves.get(pair, ()), has):
            has[shelf.bucket] -= units
            served[pair] += units
            fillings.append(Filling(face, shelf, units, why))
    return sorted(fillings, key=lambda one: one.why != DEMAND)


def _brought(
    wanted: int, why: str, case_units: int, shelves: Sequence[Shelf], has: Mapping[UUID, int]
) -> list[tuple[Shelf, int]]:
    """How many units come from which shelf."""
    taken: dict[UUID, int] = {}
    for shelf in shelves:
        units = min(wanted, has[shelf.bucket])
        if units < has[shelf.bucket]:
            units -= units % case_units
        taken[shelf.bucket] = units
        wanted -= units
    for shelf in shelves if why == DEMAND else ():
        more = min(wanted, has[shelf.bucket] - taken[shelf.bucket])
        taken[shelf.bucket] += more
        wanted -= more
    return [(shelf, taken[shelf.bucket]) for shelf in shelves if taken[shelf.bucket]]
