"""Purchase orders, what suppliers say of them, and what should be ordered, for programs."""

from __future__ import annotations

from base64 import b64encode
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import Field

from entrepot.channels import queries as channels
from entrepot.channels.commands.send_orders import SendOrderDocument, send_order_documents
from entrepot.kernel.errors import NotFound
from entrepot.languages import LANGUAGES
from entrepot.parties import queries as parties
from entrepot.purchasing import performance, queries
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.change import ChangeOrder, change
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.confirm import ConfirmedLine, ConfirmOrder, confirm
from entrepot.purchasing.commands.decide_orders import DecideOrder, decide_orders
from entrepot.purchasing.commands.order import OrderedLine, OrderGoods, order
from entrepot.purchasing.commands.proposals import (
    AcceptProposal,
    RejectProposal,
    accept_proposals,
    reject_proposals,
)
from entrepot.purchasing.commands.reschedule import RescheduleOrder, reschedule
from entrepot.purchasing.commands.send_orders import SendOrder, send_orders
from entrepot.web import order_paper
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
    NO_NUL,
    Code,
    Each,
    Moment,
    Out,
    Own,
    Price,
    Quantity,
    Reason,
    Strict,
    Text,
    Units,
)

router = Router()
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


class Keyed(Strict):
    key: Own = None


class OrderedLineIn(Strict):
    sku: Code
    quantity: Quantity
    unit_cost: Price


class PurchaseOrderIn(Keyed):
    """Goods from a supplier for a node, both by their codes; wanted when the supplier usually has them."""

    supplier: Code
    node: Code
    external_ref: Text = ""
    lines: Annotated[list[OrderedLineIn], Field(min_length=1, max_length=LINES_MAX)]
    wanted_on: Day | None = None
    occurred_at: Moment | None = None


class OrderedOut(Out):
    """The order; `waiting` where it is worth more than one person orders alone."""

    order: UUID
    number: str
    state: str


class OrderDecisionIn(Keyed):
    """Approved, or declined with a note."""

    order: UUID
    approve: bool
    note: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""


class OrderDecidedOut(Out):
    order: UUID
    state: str


class ChangedLineIn(Strict):
    """What a line, by its id, asks for from now on: units in all, cost, day; what is left out stays. The cost of a line
    of which something came can't change."""

    line: UUID
    quantity: Quantity | None = None
    unit_cost: Price | None = None
    wanted_on: Day | None = None


class ChangedIn(Keyed):
    """Lines of an open order with what they ask for now, and lines that come to it, wanted on `wanted_on`."""

    order: UUID
    lines: Annotated[list[ChangedLineIn], Field(max_length=LINES_MAX)] = []
    added: Annotated[list[OrderedLineIn], Field(max_length=LINES_MAX)] = []
    reason: Text = ""
    wanted_on: Day | None = None


class ChangedOut(Out):
    order: UUID
    changed: int
    added: int
    state: str


class PurchaseOrderOut(Out):
    id: UUID
    number: str
    supplier_name: str
    node_code: str
    external_ref: str
    currency: str
    state: str
    ordered_by: str
    ordered_at: datetime
    quantity: int
    received: int
    to_come: int
    approved_by: str
    approved_at: datetime | None


class ScheduledOut(Out):
    """Units confirmed for one day of several, and how many of them are still to come."""

    quantity: int
    expected_on: date
    to_come: int


class PurchaseLineOut(Out):
    """`over` was taken beyond the quantity, `short` is not expected any more; `first_quantity` was asked for at first
    where that was changed, 0 of a line that was added. `confirmed_on` is the last day and `expected_on` the next of a
    line that comes in parts, which `schedule` has; it is empty of one that comes on one day."""

    id: UUID
    number: int
    sku_code: str
    quantity: int
    received: int
    unit_cost: Decimal
    over: int
    short: int
    to_come: int
    wanted_on: date | None
    confirmed: int | None
    confirmed_on: date | None
    expected_on: date | None
    first_quantity: int | None
    schedule: list[ScheduledOut]


class OrderMailOut(Out):
    """A mail with an order's paper; `error`: why the mail server did not take it."""

    id: UUID
    address: str
    language: str
    note: str
    state: Literal["waiting", "sent", "failed"]
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    error: str


class PurchaseReceiptOut(Out):
    id: UUID
    number: str
    received_by: str
    received_at: datetime
    quantity: int
    value_minor: int


class PurchaseOrderWholeOut(PurchaseOrderOut):
    """`receipts`, the oldest first; `mails` and X12 `documents` to the supplier, the latest first."""

    lines: list[PurchaseLineOut]
    receipts: list[PurchaseReceiptOut]
    mails: list[OrderMailOut]
    documents: list[OrderDocumentOut]


class RescheduledIn(Keyed):
    """What is still to come of an order, or of the SKUs named, is expected on this day."""

    order: UUID
    expected_on: Day
    skus: Annotated[list[Code], Field(max_length=LINES_MAX)] = []


class RescheduledOut(Out):
    """How many lines were moved."""

    order: UUID
    lines: int


class OrderSentIn(Keyed):
    """An order to its supplier: to a mail address, in a language of papers, with a note in the mail."""

    order: UUID
    address: Annotated[str, Field(min_length=3, max_length=254)]
    language: Literal[tuple(LANGUAGES)] = "en"  # type: ignore[valid-type]
    note: Text = ""


class OrderDocumentIn(Keyed):
    """An order as it stands now, to its supplier as an X12 document (850)."""

    order: UUID


class OrderDocumentMadeOut(Out):
    """The document: `waiting` to be posted to the supplier's address, or to be taken as a `file`. `purpose` is 00 of
    the first of an order, 05 of one in its place, 01 of its cancellation."""

    order: UUID
    document: UUID
    number: str
    purpose: str
    state: Literal["file", "waiting"]
    content: str


class OrderDocumentOut(Out):
    """A document of an order; `error`: why it was given up."""

    id: UUID
    number: str
    purpose: str
    state: Literal["file", "waiting", "sent", "failed", "superseded"]
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    error: str


class WrittenDocumentOut(OrderDocumentOut):
    """A document of an order with its `content`."""

    content: str


class WrittenDocumentsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[WrittenDocumentOut]
    next: UUID | None


class SendingOut(Out):
    """The mail that is on its way."""

    order: UUID
    sending: UUID


class OrderPaperOut(Out):
    """An order's `pdf` on A4, in base64."""

    number: str
    pdf: str


class PurchaseOrdersOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[PurchaseOrderOut]
    next: UUID | None


class EndedIn(Keyed):
    order: UUID
    reason: Reason


class RestIn(EndedIn):
    """Lines of which nothing more comes; none for all."""

    lines: Annotated[list[UUID], Field(max_length=LINES_MAX)] = []


class EndedOut(Out):
    order: UUID


class RestOut(Out):
    order: UUID
    units: int
    state: str


class ConfirmedIn(Strict):
    line: UUID
    quantity: Units
    expected_on: Day


class ConfirmationIn(Keyed):
    """What the supplier says of lines of an order: how many, and when. A line that comes on several days is named once
    for each of them."""

    order: UUID
    lines: Annotated[list[ConfirmedIn], Field(min_length=1, max_length=LINES_MAX)]
    reference: Text = ""


class ConfirmedOut(Out):
    """`differences` from what was asked for; `slips` come later than was confirmed before."""

    order: UUID
    lines: int
    differences: list[str]
    slips: list[str]


class ReorderOut(Out):
    """Units that should be ordered. `terms` has the figures of the sum."""

    id: UUID
    number: str
    sku_code: str
    node_code: str
    supplier_name: str
    quantity: int
    unit_cost: Decimal
    value_minor: int
    currency: str
    terms: dict[str, Any]
    state: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    reason: str
    order: UUID | None


class ReordersOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ReorderOut]
    next: UUID | None


class ReorderIn(Keyed):
    """A proposal by its id, with other units than proposed where somebody knows better."""

    proposal: UUID
    quantity: Quantity | None = None


class ReorderedOut(Out):
    proposal: UUID
    order: UUID
    number: str


class NotReorderedIn(Keyed):
    proposal: UUID
    reason: Reason


class NotReorderedOut(Out):
    proposal: UUID
    number: str


class PerformanceOut(Out):
    """Of a supplier's lines that were due: how many came, on time, in full, both; bad units of all that came."""

    code: str
    name: str
    lines: int
    came: int
    on_time: int
    in_full: int
    both: int
    units: int
    bad: int
    lead_days: float | None
    lead_deviation: float | None


@router.get("/purchase-orders", response={200: PurchaseOrdersOut, **READ})
def list_purchase_orders(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Literal["", "waiting", "open", "part_received", "received", "cancelled"] = "",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Purchase orders, the newest first, a page at a time."""
    rows = queries.orders(parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/purchase-orders", response={201: OrderedOut, 200: list[Each[OrderedOut]], **REFUSED})
def order_goods(
    request: HttpRequest,
    payload: PurchaseOrderIn | Annotated[list[PurchaseOrderIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Order goods from suppliers. Whoever orders does not receive them. What is worth more than one person orders alone
    waits for another person's approval."""
    house, items = parse.company_of(company), as_list(payload)
    skus = parse.skus_of(house, {line.sku for one in items for line in one.lines})
    nodes = parse.nodes_of(house, {one.node for one in items})
    suppliers = parties.suppliers(company=house)
    for code in sorted({one.supplier for one in items}.difference(suppliers)):
        raise NotFound(what="supplier", which=code)

    def make(one: PurchaseOrderIn, key: str) -> OrderGoods:
        lines = tuple(
            OrderedLine(skus[line.sku], line.quantity, Decimal(line.unit_cost)) for line in one.lines
        )
        return OrderGoods(
            house, suppliers[one.supplier].id, nodes[one.node], one.external_ref, lines, one.occurred_at, key,
            one.wanted_on,
        )  # fmt: skip

    return give(request, order, payload, idempotency_key, make, 201)


@router.post(
    "/purchase-orders/decide", response={200: OrderDecidedOut | list[Each[OrderDecidedOut]], **REFUSED}
)
def decide_purchase_orders(
    request: HttpRequest,
    payload: OrderDecisionIn | Annotated[list[OrderDecisionIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Approve or decline orders that wait because of their worth. Whoever ordered does not approve."""
    return give(
        request, decide_orders, payload, idempotency_key,
        lambda one, key: DecideOrder(one.order, one.approve, one.note, key=key),
    )  # fmt: skip


@router.post("/purchase-orders/cancel", response={200: EndedOut | list[Each[EndedOut]], **REFUSED})
def cancel_purchase_orders(
    request: HttpRequest, payload: EndedIn | Annotated[list[EndedIn], Many], idempotency_key: IdempotencyKey
) -> Any:
    """Cancel what is still to come of orders."""
    return give(
        request,
        cancel,
        payload,
        idempotency_key,
        lambda one, key: CancelOrder(one.order, one.reason, key=key),
    )


@router.post("/purchase-orders/change", response={200: ChangedOut | list[Each[ChangedOut]], **REFUSED})
def change_purchase_orders(
    request: HttpRequest,
    payload: ChangedIn | Annotated[list[ChangedIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Ask for other units, costs or days of lines of open orders, or for more lines. The supplier is to confirm what
    changed anew."""
    of, items = parse.company_of(company), as_list(payload)
    skus = parse.skus_of(of, {line.sku for one in items for line in one.added})

    def make(one: ChangedIn, key: str) -> ChangeOrder:
        lines = tuple(
            (
                line.line,
                line.quantity,
                None if line.unit_cost is None else Decimal(line.unit_cost),
                line.wanted_on,
            )
            for line in one.lines
        )
        added = tuple(
            OrderedLine(skus[line.sku], line.quantity, Decimal(line.unit_cost)) for line in one.added
        )
        return ChangeOrder(one.order, lines, added, one.reason, one.wanted_on, key=key)

    return give(request, change, payload, idempotency_key, make)


@router.post("/purchase-orders/close-rest", response={200: RestOut | list[Each[RestOut]], **REFUSED})
def close_purchase_orders(
    request: HttpRequest, payload: RestIn | Annotated[list[RestIn], Many], idempotency_key: IdempotencyKey
) -> Any:
    """Give up the rest of orders of which something came, or of some of their lines."""
    return give(
        request, close_rest, payload, idempotency_key,
        lambda one, key: CloseRest(one.order, one.reason, tuple(one.lines), key=key),
    )  # fmt: skip


@router.post("/purchase-orders/confirm", response={200: ConfirmedOut | list[Each[ConfirmedOut]], **REFUSED})
def confirm_purchase_orders(
    request: HttpRequest,
    payload: ConfirmationIn | Annotated[list[ConfirmationIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take what suppliers confirm. Expected supply follows it; differences are work for a buyer."""

    def make(one: ConfirmationIn, key: str) -> ConfirmOrder:
        lines = tuple(ConfirmedLine(line.line, line.quantity, line.expected_on) for line in one.lines)
        return ConfirmOrder(one.order, lines, one.reference, key=key)

    return give(request, confirm, payload, idempotency_key, make)


@router.post(
    "/purchase-orders/reschedule", response={200: RescheduledOut | list[Each[RescheduledOut]], **REFUSED}
)
def reschedule_purchase_orders(
    request: HttpRequest,
    payload: RescheduledIn | Annotated[list[RescheduledIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Expect what is still to come of orders, or of some of their SKUs, on another day."""
    skus = parse.skus_of(parse.company_of(company), {sku for one in as_list(payload) for sku in one.skus})

    def make(one: RescheduledIn, key: str) -> RescheduleOrder:
        return RescheduleOrder(one.order, one.expected_on, tuple(skus[sku] for sku in one.skus), key=key)

    return give(request, reschedule, payload, idempotency_key, make)


@router.post("/purchase-orders/send", response={200: SendingOut | list[Each[SendingOut]], **REFUSED})
def send_purchase_orders(
    request: HttpRequest,
    payload: OrderSentIn | Annotated[list[OrderSentIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Send orders to their suppliers by mail, each with its paper."""
    return give(
        request, send_orders, payload, idempotency_key,
        lambda one, key: SendOrder(one.order, one.address, one.language, one.note, key=key),
    )  # fmt: skip


@router.post(
    "/purchase-orders/documents",
    response={200: OrderDocumentMadeOut | list[Each[OrderDocumentMadeOut]], **REFUSED},
)
def send_purchase_order_documents(
    request: HttpRequest,
    payload: OrderDocumentIn | Annotated[list[OrderDocumentIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Send orders to their suppliers as X12 documents (850), by the policy `channels.x12`."""
    return give(
        request, send_order_documents, payload, idempotency_key,
        lambda one, key: SendOrderDocument(one.order, key=key),
    )  # fmt: skip


@router.get("/purchase-orders/{order_id}/documents", response={200: WrittenDocumentsOut, **READ})
def list_purchase_order_documents(
    request: HttpRequest,  # noqa: ARG001
    order_id: UUID,
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The X12 documents of an order with what they say, the newest first, a page at a time."""
    found = _order(order_id, company)
    return paged(channels.written_documents(found.id, after=after, limit=limit + 1), limit)


@router.get("/purchase-orders/{order_id}/paper", response={200: OrderPaperOut, **READ})
def get_purchase_order_paper(
    request: HttpRequest,  # noqa: ARG001
    order_id: UUID,
    company: Company = None,
    language: Literal[tuple(LANGUAGES)] = "en",  # type: ignore[valid-type]
) -> dict[str, str]:
    """An order as its supplier gets it."""
    found = _order(order_id, company)
    told = order_paper.bought(found, timezone.now())
    return {"number": found.number, "pdf": b64encode(order_paper.pdf(told, language)).decode()}


@router.get("/reorder-proposals", response={200: ReordersOut, **READ})
def list_reorder_proposals(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    state: Literal["proposed", "ordered", "rejected"] = "proposed",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What should be ordered, the oldest proposal first, a page at a time."""
    rows = queries.proposals(parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/reorder-proposals/accept", response={200: ReorderedOut | list[Each[ReorderedOut]], **REFUSED})
def accept_reorder_proposals(
    request: HttpRequest,
    payload: ReorderIn | Annotated[list[ReorderIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Order what was proposed: one order for each supplier and node."""
    return give(
        request, accept_proposals, payload, idempotency_key,
        lambda one, key: AcceptProposal(one.proposal, one.quantity, key=key),
    )  # fmt: skip


@router.post(
    "/reorder-proposals/reject", response={200: NotReorderedOut | list[Each[NotReorderedOut]], **REFUSED}
)
def reject_reorder_proposals(
    request: HttpRequest,
    payload: NotReorderedIn | Annotated[list[NotReorderedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Reject proposals. For the policy's days they are not made again."""
    return give(
        request, reject_proposals, payload, idempotency_key,
        lambda one, key: RejectProposal(one.proposal, one.reason, key=key),
    )  # fmt: skip


@router.get("/supplier-performance", response={200: list[PerformanceOut], **READ})
def get_supplier_performance(
    request: HttpRequest,  # noqa: ARG001
    since: Day,
    until: Day,
    company: Company = None,
) -> list[performance.Performance]:
    """How suppliers kept their word with what was due from `since` up to before `until`; of what is not due yet, with
    that of which all came."""
    today = timezone.now().date()
    return performance.of_suppliers(parse.company_of(company), since=since, until=until, today=today)


@router.get("/purchase-orders/{order_id}", response={200: PurchaseOrderWholeOut, **READ})
def get_purchase_order(
    request: HttpRequest,  # noqa: ARG001
    order_id: UUID,
    company: Company = None,
) -> Any:
    """A purchase order with its lines, what came of it, and how it was sent."""
    found = _order(order_id, company)
    names, of_line = PurchaseOrderOut.model_fields, PurchaseLineOut.model_fields
    schedules = queries.schedules(order_id)
    lines = [
        {name: getattr(line, name) for name in of_line if name != "schedule"}
        | {"schedule": schedules.get(line.id, [])}
        for line in queries.lines(order_id)
    ]
    return {name: getattr(found, name) for name in names} | {
        "lines": lines,
        "receipts": queries.receipts(order_id),
        "mails": queries.sendings(order_id),
        "documents": channels.order_documents(order_id),
    }


def _order(order_id: UUID, company: str | None) -> queries.Order:
    parse.own("purchase order", order_id, company)
    found = queries.order(order_id)
    if found is None:
        raise NotFound(what="purchase order", which=str(order_id))
    return found
