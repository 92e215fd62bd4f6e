"""Plates of stock, for programs: pallets and cartons that bear an SSCC."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from entrepot.kernel.errors import NotFound
from entrepot.network import queries as network
from entrepot.stock import plate_queries
from entrepot.stock.plate_queries import PlateRow
from entrepot.stock.plating import number_of
from entrepot.warehouse.commands.build_plates import BuildPlate, PlateLine, build_plates
from entrepot.warehouse.commands.move_plates import MovePlate, move_plates
from entrepot.warehouse.commands.open_plates import OpenPlate, open_plates
from entrepot.warehouse.commands.stack_plates import StackPlates, stack_plates
from entrepot.web import papers
from entrepot.web.api import parse
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    After,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    as_list,
    give,
    paged,
)
from entrepot.web.api.schemas import Code, Each, Moment, Out, Own, Quantity, Strict, Text

router = Router()
LINES_MAX = 500
Number = Annotated[Code, Path(..., description="The SSCC of a plate: 18 digits.")]


class PlateLineIn(Strict):
    """Units alike that stand in the bin on no plate."""

    sku: Code
    quantity: Quantity
    lot: Text = ""
    serial: Text = ""
    status: Code = "sellable"


class PlateIn(Strict):
    """A plate in a bin with what stands there loose. Without a `number` it gets one of the company's own (policy
    `warehouse.plates`)."""

    node: Code
    bin: Code
    lines: Annotated[list[PlateLineIn], Field(min_length=1, max_length=LINES_MAX)]
    number: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class PlateBuiltOut(Out):
    plate: UUID
    number: str
    units: int


class MovePlateIn(Strict):
    """A whole plate into another bin of its node. `scanned` is what was read at that bin."""

    number: Code
    to_bin: Code
    scanned: Text = ""
    why: Literal["put_away", "move", "replenish"] = "move"
    occurred_at: Moment | None = None
    key: Own = None


class PlateMovedOut(Out):
    plate: UUID
    number: str
    units: int
    documents: list[UUID]


class StackPlatesIn(Strict):
    """Cartons that stand in one bin, and the pallet (SSCC) that they stand on; without `number` it gets one of the
    company's own."""

    plates: Annotated[list[Code], Field(min_length=1, max_length=LINES_MAX)]
    number: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class PlatesStackedOut(Out):
    plate: UUID
    number: str
    cartons: int
    units: int


class OpenPlateIn(Strict):
    """A plate that is taken apart: its goods stand loose where it stood."""

    number: Code
    occurred_at: Moment | None = None
    key: Own = None


class PlateOpenedOut(Out):
    plate: UUID
    number: str
    units: int


class PlateOut(Out):
    """A plate, where it stands and how much is on it; in no bin of a node it is on its way there, and without a node it
    holds nothing any more. `skus` names the first."""

    id: UUID
    number: str
    node_code: str
    bin_code: str
    units: int
    goods: int
    skus: list[str]
    made_by: str
    made_at: datetime
    seen_at: datetime
    on_number: str = Field(..., description="The pallet that it stands on; empty where it stands by itself.")
    cartons: int = Field(..., description="How many plates that hold something stand on it.")


class PlatesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[PlateOut]
    next: UUID | None


class PlateGoodsOut(Out):
    sku_code: str
    lot: str
    serial: str
    status: str
    expires_on: date | None
    units: int
    carton: str = Field(..., description="Of a pallet: the number of the carton that they stand on.")


class PlateEventOut(Out):
    """Something that happened to a plate, to so many units, and the bins that it came from and went to."""

    occurred_at: datetime
    actor: str
    command: str
    reason: str
    units: int | None
    from_code: str
    to_code: str


class WholePlateOut(PlateOut):
    content: list[PlateGoodsOut]
    history: list[PlateEventOut]


class PlateLabelOut(Out):
    """The label as printers of Zebra are sent it."""

    number: str
    zpl: str


def plates_of(company: int, numbers: Collection[str]) -> dict[str, PlateRow]:
    """Plates by the numbers that were sent, all of which the company must have."""
    if not numbers:
        return {}
    found = plate_queries.plates_named(company=company, numbers={number_of(one) for one in numbers})
    parse.known("plate", {number_of(one) for one in numbers}, found)
    return {one: found[number_of(one)] for one in numbers}


def _bins(company: int, nodes: Collection[UUID]) -> dict[tuple[UUID, str], UUID]:
    known = {one.id for one in network.nodes(company=company)}
    return {(one.node, one.code): one.id for one in network.bins(nodes=known & set(nodes))}


def _bin(bins: dict[tuple[UUID, str], UUID], node: UUID | None, code: str) -> UUID:
    if node is None or (node, code) not in bins:
        raise NotFound(what="bin", which=code)
    return bins[node, code]


@router.get("/plates", response={200: PlatesOut, **READ})
def list_plates(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    node: str | None = None,
    q: Annotated[
        str, Query("", max_length=100, description="A number's beginning, or the code of a SKU.")
    ] = "",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Plates that hold something, the latest first."""
    of = parse.company_of(company)
    where = parse.nodes_of(of, {node})[node] if node else None
    return paged(plate_queries.plates(company=of, node=where, text=q, after=after, limit=limit + 1), limit)


@router.post("/plates", response={201: PlateBuiltOut, 200: list[Each[PlateBuiltOut]], **REFUSED})
def build_plates_of(
    request: HttpRequest,
    payload: PlateIn | Annotated[list[PlateIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Build plates of what stands loose in bins. Those that suppliers announce are made when they are received."""
    items: Sequence[PlateIn] = as_list(payload)
    of = parse.company_of(company)
    nodes = parse.nodes_of(of, {one.node for one in items})
    bins = _bins(of, [nodes[one.node] for one in items])
    skus = parse.skus_of(of, {line.sku for one in items for line in one.lines})

    def make(one: PlateIn, key: str) -> BuildPlate:
        lines = tuple(
            PlateLine(skus[line.sku], line.quantity, line.lot, line.serial, line.status) for line in one.lines
        )
        return BuildPlate(of, _bin(bins, nodes[one.node], one.bin), lines, one.number, one.occurred_at, key)

    return give(request, build_plates, payload, idempotency_key, make, 201)


@router.post("/plates/move", response={200: PlateMovedOut | list[Each[PlateMovedOut]], **REFUSED})
def move_plates_of(
    request: HttpRequest,
    payload: MovePlateIn | Annotated[list[MovePlateIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Put whole plates away, or move them, with all that stands on them."""
    items: Sequence[MovePlateIn] = as_list(payload)
    of = parse.company_of(company)
    plates = plates_of(of, {one.number for one in items})
    bins = _bins(of, [one.node for one in plates.values() if one.node])

    def make(one: MovePlateIn, key: str) -> MovePlate:
        plate = plates[one.number]
        # An empty plate stands nowhere: the command says so, whatever the bin.
        where = _bin(bins, plate.node, one.to_bin) if plate.node else plate.id
        return MovePlate(plate.id, where, one.scanned, one.why, one.occurred_at, key)

    return give(request, move_plates, payload, idempotency_key, make)


@router.post("/plates/stack", response={200: PlatesStackedOut | list[Each[PlatesStackedOut]], **REFUSED})
def stack_plates_of(
    request: HttpRequest,
    payload: StackPlatesIn | Annotated[list[StackPlatesIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Put cartons on pallets: they go with them until they are moved by themselves, or the pallet is opened."""
    of, items = parse.company_of(company), as_list(payload)
    plates = plates_of(of, {number for one in items for number in one.plates})

    def make(one: StackPlatesIn, key: str) -> StackPlates:
        cartons = tuple(plates[number].id for number in one.plates)
        return StackPlates(of, cartons, one.number, one.occurred_at, key)

    return give(request, stack_plates, payload, idempotency_key, make)


@router.post("/plates/open", response={200: PlateOpenedOut | list[Each[PlateOpenedOut]], **REFUSED})
def open_plates_of(
    request: HttpRequest,
    payload: OpenPlateIn | Annotated[list[OpenPlateIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Open plates: their goods stand loose in their bins."""
    plates = plates_of(parse.company_of(company), {one.number for one in as_list(payload)})
    return give(
        request, open_plates, payload, idempotency_key,
        lambda one, key: OpenPlate(plates[one.number].id, one.occurred_at, key),
    )  # fmt: skip


@router.get("/plates/{number}", response={200: WholePlateOut, **READ})
def get_plate(request: HttpRequest, number: Number, company: Company = None) -> dict[str, Any]:  # noqa: ARG001
    """One plate with what stands on it, and what happened to it, the latest first."""
    found = plates_of(parse.company_of(company), {number})[number]
    return {
        **asdict(found),
        "content": plate_queries.goods_on([found.id])[found.id],
        "history": plate_queries.history(found.id),
    }


@router.get("/plates/{number}/label", response={200: PlateLabelOut, **READ})
def get_plate_label(request: HttpRequest, number: Number, company: Company = None) -> dict[str, str]:  # noqa: ARG001
    """The label of a plate for a label printer."""
    found = plates_of(parse.company_of(company), {number})[number]
    goods = plate_queries.goods_on([found.id])[found.id]
    return {"number": found.number, "zpl": papers.plate_zpl(papers.plate_label(found, goods))}
