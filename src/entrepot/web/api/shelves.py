"""Shelves, for programs: what bins are kept for, where goods go, pick faces and what is brought to them, totes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import NotFound
from entrepot.network import queries as network
from entrepot.warehouse import floor_queries, shelf_queries, storing
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.replenish import (
    Replenish,
    ReviewFaces,
    replenish,
    review_faces,
    set_pick_faces,
)
from entrepot.warehouse.commands.slots import SetSlot, set_slots
from entrepot.warehouse.commands.totes import SortStop, UseTote, sort_stops, use_totes
from entrepot.warehouse.replenishing import SetPickFace
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
from entrepot.web.api.plates import plates_of
from entrepot.web.api.schemas import QUANTITY_MAX, Code, Each, Out, Own, Quantity, Strict, Text
from entrepot.web.api.waves import PiecesOut

router = Router()
Count = Annotated[StrictInt, Field(ge=0, le=QUANTITY_MAX)]


class SlotIn(Strict):
    """What a bin of a node is kept for: one SKU, a velocity class, or neither; its volume, 0 for no limit."""

    node: Code
    bin: Code
    sku: Code | None = None
    velocity: Literal["", "A", "B", "C"] = ""
    volume_ml: Count = 0
    key: Own = None


class SlotSetOut(Out):
    bin: UUID


class SlotOut(Out):
    bin_code: str
    sku_code: str
    velocity: str
    volume_ml: int


class ChoiceOut(Out):
    """Units for a bin, and why it is this one."""

    code: str
    quantity: int
    rule: str
    why: str


class WaitingOut(Out):
    """Units at the dock since when, and the bins that they should go to; `left` of them fit nowhere."""

    sku_code: str
    sku_name: str
    lot: str
    serial: str
    status: str
    bin_code: str
    quantity: int
    since: datetime | None
    velocity: str
    choices: list[ChoiceOut]
    left: int


class PutAwayIn(Strict):
    """Units that stand in another bin of their node now. `scanned` is what was read at that bin."""

    node: Code
    sku: Code
    from_bin: Code
    to_bin: Code
    quantity: Quantity
    status: Code = "sellable"
    lot: Text = ""
    serial: Text = ""
    scanned: Text = ""
    why: Literal["put_away", "move"] = "put_away"
    key: Own = None


class PutAwayOut(Out):
    document: UUID
    quantity: int


class FaceIn(Strict):
    """The bin from which a SKU is picked: filled up to `maximum` where less than `minimum` would be left; 0 ends it."""

    node: Code
    bin: Code
    sku: Code
    minimum: Count
    maximum: Count
    case_units: Quantity = 1
    key: Own = None


class FaceSetOut(Out):
    id: UUID


class FaceOut(Out):
    """A pick face: what is there, what is coming to it, and what is promised of its SKU at the node."""

    id: UUID
    node_code: str
    bin_code: str
    sku_code: str
    minimum: int
    maximum: int
    case_units: int
    there: int
    coming: int
    demand: int


class FacesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[FaceOut]
    next: UUID | None


class ReviewFacesIn(Strict):
    node: Code
    key: Own = None


class ReviewedOut(Out):
    """Replenishments made, and those dropped since nobody needs them any more."""

    node: UUID
    made: int
    dropped: int


class ReplenishmentOut(Out):
    id: UUID
    number: str
    node_code: str
    sku_code: str
    from_code: str
    to_code: str
    lot: str
    serial: str
    expires_on: date | None
    quantity: int
    pieces: list[PiecesOut]
    why: str


class ReplenishIn(Strict):
    """Units that were brought; without `quantity` all of them, 0 where none were there. By a whole `plate` (its SSCC)
    with what stands on it. `rest_later`: the others are there and come another time, so nobody looks for them."""

    replenishment: UUID
    quantity: Count | None = None
    plate: Text = ""
    rest_later: bool = False
    key: Own = None


class ReplenishedOut(Out):
    replenishment: UUID
    quantity: int


class ToteIn(Strict):
    """A tote for the units of a fulfillment."""

    fulfillment: UUID
    tote: Code
    key: Own = None


class ToteUsedOut(Out):
    fulfillment: UUID
    tote: str


class ToteOut(Out):
    """A tote of a node, and the fulfillment whose units it holds; null where it is free."""

    tote: str
    fulfillment: UUID | None


class SortIn(Strict):
    """A picked stop of a cart that was put into the tote or place of its order."""

    task: UUID
    tote: Code
    key: Own = None


class SortedOut(Out):
    task: UUID
    fulfillment: UUID
    tote: str


class _Places:
    """Nodes, bins and SKUs by the codes in what was sent: all known, or nothing is done."""

    def __init__(self, company: str | None, items: Sequence[Any]) -> None:
        self.company = parse.company_of(company)
        self.nodes = parse.nodes_of(self.company, {one.node for one in items})
        wanted = {self.nodes[one.node] for one in items}
        self.bins = {(one.node, one.code): one.id for one in network.bins(nodes=wanted)}
        self.skus = parse.skus_of(self.company, {one.sku for one in items if one.sku})

    def bin(self, node: str, code: str) -> UUID:
        found = self.bins.get((self.nodes[node], code))
        if found is None:
            raise NotFound(what="bin", which=code)
        return found


def _node(company: str | None, code: str) -> UUID:
    return parse.nodes_of(parse.company_of(company), {code})[code]


@router.get("/slots", response={200: list[SlotOut], **READ})
def list_slots(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    node: str,
    company: Company = None,
) -> list[Any]:
    """What the bins of a node are kept for."""
    return list(storing.slots(node=_node(company, node)))


@router.post("/slots", response={200: SlotSetOut | list[Each[SlotSetOut]], **REFUSED})
def keep_bins_for(
    request: HttpRequest,
    payload: SlotIn | Annotated[list[SlotIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Keep bins for a SKU or a velocity class. What stands in them stays."""
    places = _Places(company, as_list(payload))

    def make(one: SlotIn, key: str) -> SetSlot:
        sku = places.skus[one.sku] if one.sku else None
        return SetSlot(places.bin(one.node, one.bin), sku, one.velocity, one.volume_ml, key)

    return give(request, set_slots, payload, idempotency_key, make)


@router.get("/put-away", response={200: list[WaitingOut], **READ})
def list_put_away(
    request: HttpRequest,  # noqa: ARG001
    node: str,
    company: Company = None,
    limit: Limit = 50,
) -> list[Any]:
    """What waits to be put away at a node, the longest first, with the bins it should go to and why."""
    return list(storing.to_put_away(node=_node(company, node), limit=limit))


@router.post("/put-away", response={200: PutAwayOut | list[Each[PutAwayOut]], **REFUSED})
def put_away_units(
    request: HttpRequest,
    payload: PutAwayIn | Annotated[list[PutAwayIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Put units away, or move them: whatever was suggested, the bin that is said counts."""
    places = _Places(company, as_list(payload))

    def make(one: PutAwayIn, key: str) -> PutAway:
        return PutAway(
            places.company, places.skus[one.sku], places.bin(one.node, one.from_bin),
            places.bin(one.node, one.to_bin), one.quantity, one.status, one.lot, one.serial, one.scanned, key=key,
            why=one.why,
        )  # fmt: skip

    return give(request, put_away, payload, idempotency_key, make)


@router.get("/pick-faces", response={200: FacesOut, **READ})
def list_pick_faces(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Pick faces with what stands in them, a page at a time."""
    rows = shelf_queries.pick_faces(company=parse.company_of(company), after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/pick-faces", response={200: FaceSetOut | list[Each[FaceSetOut]], **REFUSED})
def keep_pick_faces(
    request: HttpRequest,
    payload: FaceIn | Annotated[list[FaceIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Set the bins from which SKUs are picked, and how far they are filled."""
    places = _Places(company, as_list(payload))

    def make(one: FaceIn, key: str) -> SetPickFace:
        return SetPickFace(
            places.company, places.skus[one.sku], places.bin(one.node, one.bin), one.minimum, one.maximum,
            one.case_units, key,
        )  # fmt: skip

    return give(request, set_pick_faces, payload, idempotency_key, make)


@router.post("/pick-faces/review", response={200: ReviewedOut | list[Each[ReviewedOut]], **REFUSED})
def review_pick_faces(
    request: HttpRequest,
    payload: ReviewFacesIn | Annotated[list[ReviewFacesIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Look at the pick faces of nodes now, instead of when orders are allocated or at the hour."""
    nodes = parse.nodes_of(parse.company_of(company), {one.node for one in as_list(payload)})
    return give(
        request, review_faces, payload, idempotency_key, lambda one, key: ReviewFaces(nodes[one.node], key)
    )


@router.get("/replenishments", response={200: list[ReplenishmentOut], **READ})
def list_replenishments(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    node: str | None = None,
    limit: Limit = 50,
) -> list[Any]:
    """What is to be brought from reserve to pick faces, the most urgent first."""
    which = _node(company, node) if node else None
    return list(shelf_queries.replenishments(company=parse.company_of(company), node=which, limit=limit))


@router.post("/replenishments", response={200: ReplenishedOut | list[Each[ReplenishedOut]], **REFUSED})
def report_replenishments(
    request: HttpRequest,
    payload: ReplenishIn | Annotated[list[ReplenishIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Report what was brought to pick faces."""
    numbers = {one.plate for one in as_list(payload) if one.plate}
    plates = plates_of(parse.company_of(company), numbers) if numbers else {}

    def make(one: ReplenishIn, key: str) -> Replenish:
        plate = plates[one.plate].id if one.plate else None
        return Replenish(one.replenishment, one.quantity, key, plate, one.rest_later)

    return give(request, replenish, payload, idempotency_key, make)


@router.get("/totes/{tote}", response={200: ToteOut, **READ})
def show_tote(
    request: HttpRequest,  # noqa: ARG001
    tote: str,
    node: str,
    company: Company = None,
) -> dict[str, Any]:
    """Whose units a tote of a node holds."""
    return {"tote": tote.upper(), "fulfillment": floor_queries.held_by(node=_node(company, node), tote=tote)}


@router.post("/totes", response={200: ToteUsedOut | list[Each[ToteUsedOut]], **REFUSED})
def bind_totes(
    request: HttpRequest, payload: ToteIn | Annotated[list[ToteIn], Many], idempotency_key: IdempotencyKey
) -> Any:
    """Give totes, or the places of a cart or a wall, to fulfillments."""
    return give(
        request, use_totes, payload, idempotency_key, lambda one, key: UseTote(one.fulfillment, one.tote, key)
    )


@router.post("/pick-stops/sort", response={200: SortedOut | list[Each[SortedOut]], **REFUSED})
def sort_carts(
    request: HttpRequest, payload: SortIn | Annotated[list[SortIn], Many], idempotency_key: IdempotencyKey
) -> Any:
    """Sort picked stops of a cart into the totes of their orders."""
    return give(
        request, sort_stops, payload, idempotency_key, lambda one, key: SortStop(one.task, one.tote, key)
    )
