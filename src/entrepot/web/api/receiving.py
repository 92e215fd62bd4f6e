"""What comes from suppliers, for programs: received as it was counted or scanned, announced, checked and claimed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import NotFound
from entrepot.purchasing import dock
from entrepot.purchasing.commands.close_claims import CloseClaim, close_claims
from entrepot.purchasing.commands.decide_checks import DecideCheck, decide_checks
from entrepot.purchasing.commands.receive import ReceivedLine, ReceiveOrder, receive
from entrepot.purchasing.commands.receive_scans import ReceiveScan, receive_scans
from entrepot.purchasing.commands.take_notices import (
    CloseNotice,
    NoticedLine,
    TakeNotice,
    close_notices,
    take_notices,
)
from entrepot.web.api import named, parse
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
from entrepot.web.api.purchasing import Day, Keyed
from entrepot.web.api.schemas import (
    LINES_MAX,
    MINOR_MAX,
    QUANTITY_MAX,
    Code,
    Each,
    Named,
    Out,
    Quantity,
    Reason,
    Strict,
    Text,
    Units,
)

router = Router()
Serials = Annotated[list[Code], Field(max_length=LINES_MAX)]


class CountedLineIn(Strict):
    """Units of a line as they came; `damaged` ones with a note."""

    line: UUID
    quantity: Quantity
    lot: Text = ""
    expires_on: Day | None = None
    status: Literal["sellable", "damaged"] = "sellable"
    note: Text = ""
    serials: Serials = []


class DeliveryIn(Keyed):
    """What came for an order; without lines all that is still to come."""

    order: UUID
    lines: Annotated[list[CountedLineIn], Field(min_length=1, max_length=LINES_MAX)] | None = None
    bin: Named | None = None


class DeliveryOut(Out):
    receipt: UUID
    number: str
    state: str
    quantity: int
    value_minor: int
    held: int
    damaged: int
    over: int
    short: int


class FoundIn(Strict):
    """Units of a SKU that stood on a package in fact, where its notice says otherwise; 0 where there were none."""

    sku: Code
    quantity: Annotated[StrictInt, Field(ge=0, le=QUANTITY_MAX)]
    lot: Text = ""


class ScanIn(Keyed):
    """What a scanner read at a node's dock, and what the barcode does not say. A package (SSCC) is received whole, but
    for what is `found` otherwise; what was missing then is received by its `quantity` or as `found`."""

    node: Code
    text: Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[^\x00]*$")]
    order: UUID | None = None
    quantity: Quantity | None = None
    lot: Text = ""
    expires_on: Day | None = None
    serial: Text = ""
    damaged: bool = False
    note: Text = ""
    bin: Named | None = None
    found: Annotated[list[FoundIn], Field(max_length=500)] = []


class ScannedOut(Out):
    receipt: UUID
    number: str
    order: UUID
    order_number: str
    order_state: str
    sku_code: str
    quantity: int
    lot: str
    expires_on: date | None
    serials: list[str]
    held: int
    to_come: int
    sscc: str
    differs: str
    cartons: int


class NoticedIn(Strict):
    """Units of an order line in a package, by its SSCC; `pallet` is the SSCC of the pallet that the package stands on.
    Receiving either puts the package on it."""

    order: UUID
    line: UUID
    quantity: Quantity
    sscc: Annotated[str, Field(pattern=r"^([0-9]{18})?$")] = ""
    lot: Text = ""
    expires_on: Day | None = None
    serials: Serials = []
    pallet: Annotated[str, Field(pattern=r"^([0-9]{18})?$")] = ""


class NoticeIn(Keyed):
    """An advance ship notice under the supplier's own number. `replaces`: where he gave one of this number before, and
    nothing of it came, this one stands in its place."""

    external_ref: Code
    expected_on: Day
    lines: Annotated[list[NoticedIn], Field(min_length=1, max_length=LINES_MAX)]
    carrier: Text = ""
    tracking: Text = ""
    replaces: bool = False


class NoticeTakenOut(Out):
    notice: UUID
    number: str
    packages: int
    units: int
    beyond: list[str]


class NoticeOut(Out):
    id: UUID
    number: str
    external_ref: str
    supplier_name: str
    node_code: str
    carrier: str
    tracking: str
    expected_on: date
    state: str
    packages: int
    pallets: int
    units: int
    received: int


class NoticeLineOut(Out):
    """Units of an order line in a package (`sscc`) on a pallet, and how many of them came."""

    order: UUID
    order_number: str
    line: int
    sku_code: str
    sscc: str
    pallet: str
    lot: str
    expires_on: date | None
    serials: list[str]
    quantity: int
    received: int


class NoticeWholeOut(NoticeOut):
    lines: list[NoticeLineOut]


class NoticesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[NoticeOut]
    next: UUID | None


class NoticeEndedIn(Keyed):
    notice: UUID
    reason: Reason


class NoticeEndedOut(Out):
    notice: UUID
    missing: int


class CheckOut(Out):
    """Units that are held until `sample` of them were looked at."""

    id: UUID
    number: str
    order_number: str
    receipt: str
    supplier_name: str
    sku_code: str
    node_code: str
    bin_code: str
    lot: str
    quantity: int
    sample: int
    defects_max: int
    why: str
    state: str
    defects: int
    passed: int
    opened_at: datetime


class ChecksOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[CheckOut]
    next: UUID | None


class CheckedIn(Keyed):
    check: UUID
    defects: Units
    note: Text = ""
    bin: Named | None = None


class CheckedOut(Out):
    check: UUID
    state: str
    passed: int
    damaged: int
    quarantined: int
    why: str


class SupplierClaimOut(Out):
    id: UUID
    number: str
    order_number: str
    receipt: str
    supplier_name: str
    sku_code: str
    quantity: int
    value_minor: int
    currency: str
    reason: str
    note: str
    state: str
    opened_at: datetime
    outcome: str
    agreed_minor: int
    credited_minor: int


class SupplierClaimsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[SupplierClaimOut]
    next: UUID | None


class AnsweredIn(Keyed):
    claim: UUID
    answer: Literal["agree", "credit", "replace", "refuse"]
    note: Reason
    amount_minor: Annotated[StrictInt, Field(ge=1, le=MINOR_MAX)] | None = None


class AnsweredOut(Out):
    claim: UUID
    state: str


@router.post("/purchase-orders/receive", response={200: DeliveryOut | list[Each[DeliveryOut]], **REFUSED})
def receive_purchase_orders(
    request: HttpRequest,
    payload: DeliveryIn | Annotated[list[DeliveryIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Receive what came for orders, as it was counted."""
    bins = named.bins_at("purchase order", ((one.order, one.bin) for one in as_list(payload)))

    def make(one: DeliveryIn, key: str) -> ReceiveOrder:
        lines = one.lines and tuple(
            ReceivedLine(
                line.line,
                line.quantity,
                line.lot,
                line.expires_on,
                line.status,
                line.note,
                tuple(line.serials),
            )
            for line in one.lines
        )
        return ReceiveOrder(one.order, lines or None, bins.get((one.order, one.bin)), key=key)

    return give(request, receive, payload, idempotency_key, make)


@router.post("/receiving/scans", response={200: ScannedOut | list[Each[ScannedOut]], **REFUSED})
def receive_by_scan(
    request: HttpRequest,
    payload: ScanIn | Annotated[list[ScanIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Receive what scanners read: GS1 barcodes, EAN, UPC, labels of the house, and packages by their SSCC."""
    house = parse.company_of(company)
    nodes = parse.nodes_of(house, {one.node for one in as_list(payload)})
    bins = named.bins((nodes[one.node], one.bin) for one in as_list(payload))

    def make(one: ScanIn, key: str) -> ReceiveScan:
        return ReceiveScan(
            house, nodes[one.node], one.text, one.order, one.quantity, one.lot, one.expires_on, one.serial,
            one.damaged, one.note, bins.get((nodes[one.node], one.bin)), key=key,
            found=tuple((found.sku, found.quantity, found.lot) for found in one.found),
        )  # fmt: skip

    return give(request, receive_scans, payload, idempotency_key, make)


@router.get("/ship-notices", response={200: NoticesOut, **READ})
def list_ship_notices(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    state: Literal["", "expected", "received", "closed"] = "expected",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Advance ship notices, what is expected first, a page at a time."""
    rows = dock.notices(parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/ship-notices", response={201: NoticeTakenOut, 200: list[Each[NoticeTakenOut]], **REFUSED})
def take_ship_notices(
    request: HttpRequest,
    payload: NoticeIn | Annotated[list[NoticeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take what suppliers say is on its way, package by package."""
    house = parse.company_of(company)

    def make(one: NoticeIn, key: str) -> TakeNotice:
        lines = tuple(
            NoticedLine(
                line.order,
                line.line,
                line.quantity,
                line.sscc,
                line.lot,
                line.expires_on,
                tuple(line.serials),
                line.pallet,
            )
            for line in one.lines
        )
        return TakeNotice(
            house, one.external_ref, one.expected_on, lines, one.carrier, one.tracking, replaces=one.replaces, key=key
        )  # fmt: skip

    return give(request, take_notices, payload, idempotency_key, make, 201)


@router.post("/ship-notices/close", response={200: NoticeEndedOut | list[Each[NoticeEndedOut]], **REFUSED})
def close_ship_notices(
    request: HttpRequest,
    payload: NoticeEndedIn | Annotated[list[NoticeEndedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say that nothing more comes of notices."""
    return give(
        request, close_notices, payload, idempotency_key,
        lambda one, key: CloseNotice(one.notice, one.reason, key=key),
    )  # fmt: skip


# Behind the operation of the same place that has a name of its own, which would be taken for an id.


@router.get("/ship-notices/{notice_id}", response={200: NoticeWholeOut, **READ})
def read_ship_notice(request: HttpRequest, notice_id: UUID, company: Company = None) -> Any:  # noqa: ARG001
    """A notice, package by package: what is in it, on which pallet it stands, and what of it came."""
    found = dock.notice(parse.company_of(company), notice_id)
    if found is None:
        raise NotFound(what="advance ship notice", which=str(notice_id))
    return {**asdict(found), "lines": dock.notice_lines(notice_id)}


@router.get("/quality-checks", response={200: ChecksOut, **READ})
def list_quality_checks(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    state: Literal["", "waiting", "passed", "failed"] = "waiting",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Quality checks, the oldest first, a page at a time."""
    rows = dock.checks(parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/quality-checks/decide", response={200: CheckedOut | list[Each[CheckedOut]], **REFUSED})
def decide_quality_checks(
    request: HttpRequest,
    payload: CheckedIn | Annotated[list[CheckedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say how many units of samples were bad: the delivery is sold, or is not."""
    bins = named.bins_at("quality check", ((one.check, one.bin) for one in as_list(payload)))

    def make(one: CheckedIn, key: str) -> DecideCheck:
        return DecideCheck(one.check, one.defects, one.note, bins.get((one.check, one.bin)), key=key)

    return give(request, decide_checks, payload, idempotency_key, make)


@router.get("/supplier-claims", response={200: SupplierClaimsOut, **READ})
def list_supplier_claims(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    state: Literal["", "due", "open", "agreed", "credited", "replaced", "refused"] = "open",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Claims to suppliers, the oldest first, a page at a time; `due`: open, or agreed and not credited yet."""
    rows = dock.claims(parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/supplier-claims/close", response={200: AnsweredOut | list[Each[AnsweredOut]], **REFUSED})
def close_supplier_claims(
    request: HttpRequest,
    payload: AnsweredIn | Annotated[list[AnsweredIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say what suppliers answered to claims."""
    return give(
        request, close_claims, payload, idempotency_key,
        lambda one, key: CloseClaim(one.claim, one.answer, one.note, key=key, amount_minor=one.amount_minor),
    )  # fmt: skip
