"""Waves and pick lists, for programs: handhelds, carts and control rooms."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.carriage import queries as carriage
from entrepot.carriage.commands.set_cut_offs import SetCarrierCutOff, set_cut_offs
from entrepot.kernel.errors import NotFound
from entrepot.network import queries as network
from entrepot.network.commands.register import RegisterLayout, register_layouts
from entrepot.warehouse import queries, short_queries
from entrepot.warehouse.commands.pace import PaceNode, pace
from entrepot.warehouse.commands.pick_lists import PickList, TakeList, pick_lists, take_lists
from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
from entrepot.warehouse.commands.split_lists import SplitList, split_lists
from entrepot.warehouse.commands.waves import DropWave, ReleaseWave, drop_wave, release_wave
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
from entrepot.web.api.schemas import (
    LINES_MAX,
    QUANTITY_MAX,
    Code,
    Each,
    Out,
    Own,
    Strict,
    Text,
)

router = Router()
Count = Annotated[StrictInt, Field(ge=0, le=QUANTITY_MAX)]
Coordinate = Annotated[StrictInt, Field(ge=-(10**9), le=10**9)]


class LayoutIn(Strict):
    """Where the aisles of a node are, in the coordinates of its bins: aisles by x, cross-aisles by y, ascending."""

    node: Code
    aisles: Annotated[list[Coordinate], Field(max_length=1_000)]
    cross_aisles: Annotated[list[Coordinate], Field(max_length=20)]
    depot_x: Coordinate = 0
    depot_y: Coordinate = 0
    unit_mm: Annotated[StrictInt, Field(ge=1, le=10**6)] = 1_000
    key: Own = None


class LayoutOut(Out):
    """The aisles of a node, by x, and its cross-aisles, by y; `unit_mm` is a step of the coordinates."""

    node: UUID
    node_code: str
    aisles: list[int]
    cross_aisles: list[int]
    depot_x: int
    depot_y: int
    unit_mm: int


class LaidOutOut(Out):
    node: UUID


class WaveIn(Strict):
    """Which orders of a node shall go to the floor together: by default all that there is time for. `carriers` are
    those that they are expected to go with; `ahead_minutes` is how far to look ahead, 0 up to the cut-offs."""

    node: Code
    due_before: datetime | None = None
    services: Annotated[list[Code], Field(max_length=50)] = []
    zones: Annotated[list[Code], Field(max_length=50)] = []
    priority_min: Annotated[StrictInt, Field(ge=0, le=32_767)] | None = None
    value_min_minor: Annotated[StrictInt, Field(ge=0, le=10**15)] = 0
    lines_max: Annotated[StrictInt, Field(ge=1, le=10**6)] | None = None
    method: Literal["discrete", "batch", "cluster", "zone", "pass", ""] = ""
    carriers: Annotated[list[Code], Field(max_length=50)] = []
    ahead_minutes: Annotated[StrictInt, Field(ge=0, le=10_080)] = 0
    key: Own = None


class ProposedOut(Out):
    """A proposed wave and what is expected of it. `waiting` orders stay out; `meters` is null without a layout."""

    wave: UUID
    number: str
    orders: int
    lines: int
    units: int
    lists: int
    meters: int | None
    seconds: int
    waiting: int


class PacedNodeIn(Strict):
    """A node whose policy `warehouse.waves` is `paced`."""

    node: Code
    key: Own = None


class NodePacedOut(Out):
    """The wave that went to the floor, and its orders; null and 0 where there was no time for any more. `stands`: why
    the node stands still though orders wait, which is a work item too; empty where all is as it should be."""

    node: UUID
    wave: UUID | None
    orders: int
    stands: str


class CarrierCutOffIn(Strict):
    """Until when a carrier takes what a node has ready, on a weekday (0 is Monday), in the node's time; null: not on
    that day. A carrier without any takes what is ready at the node's own cut-off."""

    carrier: Code
    node: Code
    weekday: Annotated[StrictInt, Field(ge=0, le=6)]
    at: time | None
    key: Own = None


class CarrierCutOffSetOut(Out):
    carrier: UUID
    node: UUID


class CarrierCutOffOut(Out):
    node_code: str
    carrier: str
    weekday: int
    at: time


class NamedWaveIn(Strict):
    wave: UUID
    key: Own = None


class ReleasedWaveOut(Out):
    """Its lists, the orders that went, and how many could not; `dropped` where none could."""

    wave: UUID
    number: str
    state: str
    lists: list[UUID]
    orders: int
    left_out: int


class DroppedWaveOut(Out):
    wave: UUID
    number: str


class WaveOut(Out):
    """A wave, what is expected of it, and how many of its stops are open."""

    id: UUID
    number: str
    node_code: str
    state: str
    method: str
    policy_version: int
    cutoff_at: datetime
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None
    decided_by: str
    orders: int
    lines: int
    units: int
    lists: int
    meters: int | None
    seconds: int
    figures: dict[str, Any]
    stops: int
    open_stops: int


class WavesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[WaveOut]
    next: UUID | None


class ListOut(Out):
    """A pick list; `length_mm` is null without a layout."""

    id: UUID
    number: str
    wave: UUID
    wave_number: str
    node_code: str
    zone: str
    length_mm: int | None
    seconds: int
    picker: str
    stops: int
    open_stops: int
    orders: int
    units: int
    leg: int = Field(
        ..., description="Of a tote that passes from zone to zone, which zone in turn; 0 elsewhere."
    )
    totes: str = Field(..., description="The totes of its order, where they pass from zone to zone.")
    tote_in: str = Field(
        ..., description="The zone where its tote is before it comes; empty where it is here."
    )


class ElsewhereOut(Out):
    """Units that are picked from another bin instead, or from the same once more, and on which list."""

    bin_code: str
    list_number: str
    list_id: UUID | None
    quantity: int
    state: str


class ShortOut(Out):
    """A stop that found too little, and what became of the missing units: some are picked elsewhere, the `rest` is
    sourced anew. The units of its order line stand where `open`, `backordered`, `promised` and `cancelled` say."""

    task: UUID
    order: UUID
    order_number: str
    list_number: str
    sku_code: str
    bin_code: str
    asked: int
    missing: int
    elsewhere: list[ElsewhereOut]
    rest: int
    open: int
    backordered: int
    promised: int
    cancelled: int
    item: UUID | None
    item_state: str


class WaveWithListsOut(WaveOut):
    pick_lists: list[ListOut]
    shorts: list[ShortOut]


class PiecesOut(Out):
    """So many cases, pallets, or ('') loose units, with the units of one."""

    kind: str
    number: int
    units: int


class StopOut(Out):
    """A stop; `slot` is the place on the cart that it goes to, 0 where any will do. `pieces` are its units as they are
    taken: out of reserve in whole pallets and cases."""

    task: UUID
    place: int
    slot: int
    bin_code: str
    sku_code: str
    sku_name: str
    barcode: str
    lot: str
    serial: str
    quantity: int
    pieces: list[PiecesOut]
    picked: int
    state: str
    fulfillment: UUID
    fulfillment_number: str


class ListWithStopsOut(ListOut):
    way: list[StopOut]


class TakeListIn(Strict):
    """A list to be walked by a picker; without `picker` by you, with '' by nobody."""

    pick_list: UUID
    picker: Text | None = None
    key: Own = None


class TakenOut(Out):
    pick_list: UUID
    number: str
    picker: str


class ShortIn(Strict):
    """A stop where fewer units were found than asked for."""

    task: UUID
    found: Count


class SplitListIn(Strict):
    """What goes on a cart of its own: orders of the list, by their fulfillments, or without any the later half of the
    way; and who walks it."""

    pick_list: UUID
    fulfillments: Annotated[list[UUID], Field(max_length=LINES_MAX)] = []
    picker: Text = ""
    key: Own = None


class SplitListOut(Out):
    """The list, and the new one with so many of its stops."""

    pick_list: UUID
    number: str
    new_list: UUID
    new_number: str
    stops: int


class PickListIn(Strict):
    """All open stops of a list are done in full, but for `shorts`. `stops` are the tasks that were seen on it: where
    one went to another list meanwhile, nothing is booked."""

    pick_list: UUID
    stops: Annotated[list[UUID], Field(max_length=LINES_MAX)] = []
    shorts: Annotated[list[ShortIn], Field(max_length=LINES_MAX)] = []
    picker: Text = ""
    occurred_at: datetime | None = None
    key: Own = None


class PickedListOut(Out):
    """Units picked and missing, the fulfillments that are complete, and tasks that stand on another list now."""

    pick_list: UUID
    number: str
    picked: int
    short: int
    complete: list[UUID]
    again: list[UUID]


@router.get("/layouts", response={200: list[LayoutOut], **READ})
def list_layouts(request: HttpRequest, company: Company = None) -> Any:  # noqa: ARG001
    """The layouts of the nodes that have one, by the code of the node."""
    nodes = {one.id: one.code for one in network.nodes(company=parse.company_of(company))}
    found = network.layouts(nodes=nodes)
    return [
        {"node": node, "node_code": nodes[node], "aisles": one.aisles, "cross_aisles": one.cross_aisles,
         "depot_x": one.depot[0], "depot_y": one.depot[1], "unit_mm": one.unit_mm}
        for node, one in sorted(found.items(), key=lambda each: nodes[each[0]])
    ]  # fmt: skip


@router.post("/layouts", response={200: LaidOutOut | list[Each[LaidOutOut]], **REFUSED})
def lay_out(
    request: HttpRequest,
    payload: LayoutIn | Annotated[list[LayoutIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say where the aisles of nodes are, so that pickers get the shortest way."""
    nodes = parse.nodes_of(parse.company_of(company), {one.node for one in as_list(payload)})

    def make(one: LayoutIn, key: str) -> RegisterLayout:
        return RegisterLayout(
            nodes[one.node], tuple(one.aisles), tuple(one.cross_aisles), one.depot_x, one.depot_y,
            one.unit_mm, key=key,
        )  # fmt: skip

    return give(request, register_layouts, payload, idempotency_key, make)


@router.get("/waves", response={200: WavesOut, **READ})
def list_waves(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    node: Code | None = None,
    state: Literal["", "proposed", "released", "dropped"] = "",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Waves of a node or all, in a state or any, the newest first, a page at a time."""
    own = parse.company_of(company)
    where = parse.nodes_of(own, {node})[node] if node else None
    return paged(queries.waves(company=own, node=where, state=state, before=after, limit=limit + 1), limit)


@router.post("/waves", response={200: ProposedOut | list[Each[ProposedOut]], **REFUSED})
def propose_waves(
    request: HttpRequest,
    payload: WaveIn | Annotated[list[WaveIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Propose waves of the orders that wait at nodes. Nothing goes to the floor until they are released."""
    nodes = parse.nodes_of(parse.company_of(company), {one.node for one in as_list(payload)})

    def make(one: WaveIn, key: str) -> ProposeWave:
        return ProposeWave(
            nodes[one.node], one.due_before, tuple(one.services), tuple(one.zones), one.priority_min,
            one.value_min_minor, one.lines_max, one.method, key, tuple(one.carriers), one.ahead_minutes,
        )  # fmt: skip

    return give(request, propose_wave, payload, idempotency_key, make)


@router.post("/waves/pace", response={200: NodePacedOut | list[Each[NodePacedOut]], **REFUSED})
def pace_nodes(
    request: HttpRequest,
    payload: PacedNodeIn | Annotated[list[PacedNodeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Send what waits at nodes to the floor now, as far as there is time for it: it happens every minute by itself."""
    nodes = parse.nodes_of(parse.company_of(company), {one.node for one in as_list(payload)})
    return give(request, pace, payload, idempotency_key, lambda one, key: PaceNode(nodes[one.node], key))


@router.get("/carrier-cut-offs", response={200: list[CarrierCutOffOut], **READ})
def list_carrier_cut_offs(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
) -> list[dict[str, Any]]:
    """Cut-offs of carriers that have some of their own."""
    nodes = {node.id: node.code for node in network.nodes(company=parse.company_of(company))}
    return [
        {"node_code": nodes[node], "carrier": carrier, "weekday": weekday, "at": at}
        for node, weeks in carriage.cut_offs(nodes=nodes).items()
        for carrier, week in weeks.items()
        for weekday, at in week.items()
    ]


@router.post(
    "/carrier-cut-offs",
    response={200: CarrierCutOffSetOut | list[Each[CarrierCutOffSetOut]], **REFUSED},
)
def set_carrier_cut_offs(
    request: HttpRequest,
    payload: CarrierCutOffIn | Annotated[list[CarrierCutOffIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say until when carriers take what nodes have ready."""
    which = parse.company_of(company)
    nodes = parse.nodes_of(which, {one.node for one in as_list(payload)})

    def make(one: CarrierCutOffIn, key: str) -> SetCarrierCutOff:
        return SetCarrierCutOff(which, one.carrier, nodes[one.node], one.weekday, one.at, key)

    return give(request, set_cut_offs, payload, idempotency_key, make)


@router.post("/waves/release", response={200: ReleasedWaveOut | list[Each[ReleasedWaveOut]], **REFUSED})
def release_waves(
    request: HttpRequest, payload: NamedWaveIn | Annotated[list[NamedWaveIn], Many], idempotency_key: IdempotencyKey
) -> Any:  # fmt: skip
    """Release proposed waves: their orders go to the floor, on lists."""
    return give(
        request, release_wave, payload, idempotency_key, lambda one, key: ReleaseWave(one.wave, key=key)
    )


@router.post("/waves/drop", response={200: DroppedWaveOut | list[Each[DroppedWaveOut]], **REFUSED})
def drop_waves(
    request: HttpRequest, payload: NamedWaveIn | Annotated[list[NamedWaveIn], Many], idempotency_key: IdempotencyKey
) -> Any:  # fmt: skip
    """Drop proposed waves: their orders wait for another."""
    return give(request, drop_wave, payload, idempotency_key, lambda one, key: DropWave(one.wave, key=key))


@router.post("/pick-lists/take", response={200: TakenOut | list[Each[TakenOut]], **REFUSED})
def take_pick_lists(
    request: HttpRequest, payload: TakeListIn | Annotated[list[TakeListIn], Many], idempotency_key: IdempotencyKey
) -> Any:  # fmt: skip
    """Take pick lists, so that nobody else walks them."""
    return give(
        request,
        take_lists,
        payload,
        idempotency_key,
        lambda one, key: TakeList(one.pick_list, one.picker, key),
    )


@router.post("/pick-lists/split", response={200: SplitListOut | list[Each[SplitListOut]], **REFUSED})
def split_pick_lists(
    request: HttpRequest, payload: SplitListIn | Annotated[list[SplitListIn], Many], idempotency_key: IdempotencyKey
) -> Any:  # fmt: skip
    """Put a part of pick lists on carts of their own, for other pickers."""
    return give(
        request,
        split_lists,
        payload,
        idempotency_key,
        lambda one, key: SplitList(one.pick_list, tuple(one.fulfillments), one.picker, key),
    )


@router.post("/pick-lists/pick", response={200: PickedListOut | list[Each[PickedListOut]], **REFUSED})
def report_pick_lists(
    request: HttpRequest, payload: PickListIn | Annotated[list[PickListIn], Many], idempotency_key: IdempotencyKey
) -> Any:  # fmt: skip
    """Report pick lists as picked, with what was not in its bin."""

    def make(one: PickListIn, key: str) -> PickList:
        shorts = tuple((short.task, short.found) for short in one.shorts)
        return PickList(one.pick_list, shorts, one.picker, one.occurred_at, key, tuple(one.stops))

    return give(request, pick_lists, payload, idempotency_key, make)


# Behind the operations of the same place that have names of their own, which would be taken for ids.


@router.get("/waves/{which}", response={200: WaveWithListsOut, **READ})
def show_wave(
    request: HttpRequest,  # noqa: ARG001
    which: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """One wave with its pick lists, and what was not in its bins."""
    parse.own("wave", which, company)
    if (wave := queries.wave(which)) is None:
        raise NotFound(what="wave", which=which)
    return {
        **_fields(wave),
        "pick_lists": queries.pick_lists(wave=which),
        "shorts": short_queries.shorts_of(which),
    }


@router.get("/pick-lists/{which}", response={200: ListWithStopsOut, **READ})
def show_pick_list(
    request: HttpRequest,  # noqa: ARG001
    which: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """One pick list with its stops in the order of the way."""
    parse.own("list", which, company)
    if (found := queries.pick_list(which)) is None:
        raise NotFound(what="list", which=which)
    return {**_fields(found), "way": queries.list_stops(which)}


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
