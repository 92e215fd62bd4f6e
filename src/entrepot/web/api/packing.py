"""Cartons, proposals and packages, for programs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import NotFound
from entrepot.warehouse import packing, queries
from entrepot.warehouse.commands.pack import (
    PackedPart,
    PackFulfillment,
    PackUnproved,
    pack,
    pack_unproved,
)
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.warehouse.commands.unpack import UnpackFulfillment, unpack
from entrepot.warehouse.dunnage import Dunnage
from entrepot.warehouse.rules import SERIAL_MAX
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import (
    LINES_MAX,
    MINOR_MAX,
    Code,
    Each,
    Out,
    Own,
    Quantity,
    Reason,
    Strict,
    Text,
)

router = Router()
SIDE_MAX, GRAMS_MAX = 5_000, 2**31 - 1
Side = Annotated[StrictInt, Field(ge=1, le=SIDE_MAX)]
Outside = Annotated[StrictInt, Field(ge=0, le=SIDE_MAX)]
Grams = Annotated[StrictInt, Field(ge=1, le=GRAMS_MAX)]


class CartonIn(Strict):
    """A kind of carton by its inner measures in mm; the outer ones, all three or none, are what carriers are told."""

    code: Code
    length_mm: Side
    width_mm: Side
    height_mm: Side
    max_weight_g: Grams
    tare_g: Annotated[StrictInt, Field(ge=0, le=GRAMS_MAX)] = 0
    cost_minor: Annotated[StrictInt, Field(ge=0, le=MINOR_MAX)] = 0
    active: bool = True
    outer_length_mm: Outside = 0
    outer_width_mm: Outside = 0
    outer_height_mm: Outside = 0
    key: Own = None


class CartonRegisteredOut(Out):
    id: UUID
    code: str


class CartonOut(Out):
    code: str
    length_mm: int
    width_mm: int
    height_mm: int
    max_weight_g: int
    tare_g: int
    cost_minor: int
    outer_length_mm: int
    outer_width_mm: int
    outer_height_mm: int


class PlaceOut(Out):
    """Where a unit stands: its least corner from the carton's, and its measures as it is turned there, in mm."""

    sku: str
    x: int
    y: int
    z: int
    length: int
    width: int
    height: int


class ProposedUnitsOut(Out):
    line: UUID
    units: int


class ToNoteOut(Out):
    """Of how many units of an order line a serial number is read."""

    line: UUID
    units: int


class ProposedPackageOut(Out):
    """A package to make, the first unit to go in first. Without `places` nobody knows where its units stand."""

    carton: str
    contents: list[ProposedUnitsOut]
    places: list[PlaceOut]
    dunnage_ml: Annotated[int, Field(description="Room to be filled, by the policy `warehouse.packing`.")]
    dunnage_g: int


class PackingOut(Out):
    fulfillment: UUID
    number: str
    state: str
    proposed: list[ProposedPackageOut]
    to_note: list[ToNoteOut]


class UnitsIn(Strict):
    line: UUID
    units: Quantity


class PartIn(Strict):
    """One of several packages."""

    carton: Code
    contents: Annotated[list[UnitsIn], Field(min_length=1, max_length=LINES_MAX)]
    weight_g: Grams | None = None


class SerialIn(Strict):
    """The serial number of a unit of an order line."""

    line: UUID
    serial: Annotated[str, Field(min_length=1, max_length=SERIAL_MAX)]


class ScannedIn(Strict):
    """Units of a SKU that were scanned."""

    sku: Code
    units: Quantity


class PackIn(Strict):
    """A fulfillment in one carton, in several `parts`, or as proposed where neither is said. `serials`: one of each
    unit whose SKU has them noted when it is sent. `scanned`: what was scanned, where the policy `warehouse.packing` of
    the node asks for it."""

    fulfillment: UUID
    carton: Code | None = None
    weight_g: Grams | None = None
    parts: Annotated[list[PartIn], Field(max_length=LINES_MAX)] = []
    weight_note: Text = ""
    serials: Annotated[list[SerialIn], Field(max_length=LINES_MAX)] = []
    scanned: Annotated[list[ScannedIn], Field(max_length=LINES_MAX)] = []
    key: Own = None


class PackUnprovedIn(PackIn):
    """As a fulfillment is packed, and why it goes without the scans or the weight that the policy asks for."""

    reason: Reason


class PackageOut(Out):
    package: UUID
    number: str
    carton: str
    weight_g: int


class PackedOut(PackageOut):
    """The first package of the fulfillment, and those more that it took."""

    fulfillment: UUID
    more: list[PackageOut]


@router.get("/cartons", response={200: list[CartonOut], **READ})
def list_cartons(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
) -> list[Any]:
    """The cartons that are packed in: those registered, or the standard ones."""
    which = parse.company_of(company)
    return list(packing.cartons([which])[which].usable)


@router.post("/cartons", response={200: CartonRegisteredOut | list[Each[CartonRegisteredOut]], **REFUSED})
def register_carton(
    request: HttpRequest,
    payload: CartonIn | Annotated[list[CartonIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Cartons by code, new or changed to stand as given."""
    which = parse.company_of(company)
    return give(
        request, register_cartons, payload, idempotency_key,
        lambda one, key: RegisterCarton(which, **one.model_dump(exclude={"key"}), key=key),
    )  # fmt: skip


@router.get("/fulfillments/{fulfillment}/packing", response={200: PackingOut, **READ})
def show_packing(
    request: HttpRequest,  # noqa: ARG001
    fulfillment: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """How a picked fulfillment would best be packed, with the place of every unit."""
    parse.own("fulfillment", fulfillment, company)
    found = queries.fulfillment(fulfillment)
    if found is None:
        raise NotFound(what="fulfillment", which=str(fulfillment))
    inside = packing.contents([fulfillment]).get(fulfillment, [])
    policy = packing.policy_of(found.company, found.node_code, timezone.now())
    boxes = packing.boxes(inside, packing.cartons([found.company])[found.company], policy)
    kinds = [one.item.kind for one in inside for _ in range(one.units)]
    return {
        "fulfillment": found.id,
        "number": found.number,
        "state": found.state,
        "proposed": [_told(box, kinds, packing.filling(box, inside, policy)) for box in boxes]
        if found.state == "picked"
        else [],
        "to_note": [{"line": one.line, "units": one.to_note} for one in inside if one.to_note],
    }


def _told(box: packing.Box, kinds: list[str], filling: Dunnage) -> dict[str, Any]:
    places = box.packed.places if box.packed else ()
    return {
        "carton": box.carton.code,
        "contents": [{"line": line, "units": units} for line, units in box.units.items()],
        "places": [{"sku": kinds[place.item], **place._asdict()} for place in places],
        "dunnage_ml": filling.ml,
        "dunnage_g": filling.grams,
    }


class UnpackIn(Strict):
    """A packed fulfillment whose packages are to be opened again, and why."""

    fulfillment: UUID
    reason: Reason
    key: Own = None


class UnpackedOut(Out):
    """The packages that are void now."""

    fulfillment: UUID
    packages: list[UUID]


@router.post("/packages/open", response={200: UnpackedOut | list[Each[UnpackedOut]], **REFUSED})
def open_packages(
    request: HttpRequest,
    payload: UnpackIn | Annotated[list[UnpackIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Open the packages of fulfillments that were packed wrongly and have not left: they wait to be packed again."""
    return give(
        request, unpack, payload, idempotency_key,
        lambda one, key: UnpackFulfillment(one.fulfillment, one.reason, key=key),
    )  # fmt: skip


@router.post("/packages", response={200: PackedOut | list[Each[PackedOut]], **REFUSED})
def pack_fulfillments(
    request: HttpRequest,
    payload: PackIn | Annotated[list[PackIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Close the packages of picked fulfillments. A weight that is off needs a note that says why."""
    return give(
        request, pack, payload, idempotency_key, lambda one, key: PackFulfillment(**_asked(one), key=key)
    )


@router.post("/packages/unproved", response={200: PackedOut | list[Each[PackedOut]], **REFUSED})
def pack_without_proof(
    request: HttpRequest,
    payload: PackUnprovedIn | Annotated[list[PackUnprovedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Close packages without the scans and the weights that the node's policy asks for, for a reason that the log
    keeps."""
    return give(
        request, pack_unproved, payload, idempotency_key,
        lambda one, key: PackUnproved(**_asked(one), key=key, reason=one.reason),
    )  # fmt: skip


def _asked(one: PackIn) -> dict[str, Any]:
    return {
        "fulfillment": one.fulfillment,
        "carton": one.carton,
        "weight_g": one.weight_g,
        "parts": tuple(
            PackedPart(part.carton, tuple((each.line, each.units) for each in part.contents), part.weight_g)
            for part in one.parts
        ),
        "weight_note": one.weight_note,
        "serials": tuple((each.line, each.serial) for each in one.serials),
        "scanned": tuple((each.sku, each.units) for each in one.scanned),
    }
