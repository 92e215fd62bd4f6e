"""What follows a disposition, for programs: departures, work orders, and what is owed for goods."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.kernel.errors import NotFound
from entrepot.returns import departure_queries, recovery_queries, work_order_queries
from entrepot.returns.commands.add_papers import AddPaper, add_papers
from entrepot.returns.commands.finish_work import FinishWork, finish_work
from entrepot.returns.commands.leave_departures import LeaveDeparture, leave_departures
from entrepot.returns.commands.open_departures import OpenDeparture, open_departures
from entrepot.returns.commands.settle_departures import SettleDeparture, settle_departures
from entrepot.returns.commands.withdraw_departures import WithdrawDeparture, withdraw_departures
from entrepot.returns.commands.work_orders import (
    OpenWorkOrder,
    StartWork,
    WithdrawWork,
    open_work_orders,
    start_work,
    withdraw_work,
)
from entrepot.returns.lots import Buyer
from entrepot.returns.onward import PARTS_MOST, Outcome, Part
from entrepot.settlement import invoice_queries
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
from entrepot.web.api.return_schemas import ONE, OTHER, _example
from entrepot.web.api.schemas import (
    QUANTITY_MAX,
    Country,
    Each,
    FileContent,
    Minor,
    Moment,
    Named,
    Out,
    Own,
    Quantity,
    Reason,
    Strict,
    Text,
)

router = Router()

KindOf = Literal["vendor_return", "liquidation", "donation", "disposal"]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


class GatheredIn(Strict):
    """Units of a disposition."""

    disposition: UUID
    quantity: Quantity


class BuyerIn(Strict):
    """Who buys a lot: a customer by their code, and whom and where the invoice names. It is kept in the vault."""

    customer: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    country: Country
    line1: Text = ""
    line2: Text = ""
    city: Text = ""
    region: Text = ""
    postal_code: Text = ""
    email: Text = ""
    tax_number: Text = ""


class DepartureIn(Strict):
    """Units that leave together: to a `supplier` where they are returned to the vendor, to a `buyer` where they are
    sold as a lot, else to a `receiver`. `expected_minor` of a lot is its price without tax."""

    model_config = _example(
        kind="liquidation",
        items=[{"disposition": ONE, "quantity": 2}],
        buyer={
            "customer": "JOBBER",
            "name": "Jobber Ltd",
            "line1": "2 Quay",
            "city": "Hull",
            "postal_code": "HU1 1AA",
            "country": "GB",
            "tax_number": "GB980780684",
        },
        expected_minor=900,
    )

    kind: KindOf
    items: Annotated[list[GatheredIn], Field(min_length=1, max_length=1000)]
    supplier: Named | None = None
    receiver: Text = ""
    buyer: BuyerIn | None = None
    expected_minor: Minor | None = None
    key: Own = None


class DepartureOpenedOut(Out):
    departure: UUID
    number: str


class LeaveIn(Strict):
    """Goods that are gone. Without `amount_minor` what was expected is owed, or what the units are worth. The price of
    a lot is without tax; the tax of its buyer's country comes on top."""

    model_config = _example(departure=ONE, amount_minor=900, reference="RA 4711")

    departure: UUID
    amount_minor: Minor | None = None
    due_on: Day | None = None
    reference: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class LeftOut(Out):
    departure: UUID
    value_minor: int
    owed_minor: int
    tax_minor: int
    due_on: date


class SettleIn(Strict):
    """A credit note, a payment, or a receiver's certificate. Without `amount_minor` all that is owed still came.
    `agreed`: what is missing of the price of a lot is not owed any more, and a credit note tells the buyer."""

    model_config = _example(departure=ONE, amount_minor=850, reference="CN 12", note="one was broken")

    departure: UUID
    amount_minor: Minor | None = None
    reference: Text = ""
    note: Text = ""
    final: bool = True
    agreed: bool = False
    occurred_at: Moment | None = None
    key: Own = None


class SettledDepartureOut(Out):
    departure: UUID
    state: str
    credited_minor: int
    difference_minor: int


class WithdrawDepartureIn(Strict):
    model_config = _example(departure=ONE, reason="Nobody bid for it.")

    departure: UUID
    reason: Reason
    key: Own = None


class DepartureWithdrawnOut(Out):
    departure: UUID


class PaperIn(Strict):
    """A PDF, JPEG, PNG or WebP about a departure, told by its bytes."""

    model_config = _example(departure=ONE, content="JVBERi0xLjcKJSVFT0YK")

    departure: UUID
    content: FileContent
    key: Own = None


class PaperAddedOut(Out):
    departure: UUID
    digest: str


class DepartureOut(Out):
    id: UUID
    number: str
    kind: str
    state: str
    node: str
    receiver: str
    supplier: UUID | None
    currency: str
    units: int
    expected_minor: int | None
    value_minor: int
    owed_minor: int
    credited_minor: int
    buyer_country: str
    tax_minor: int
    tax_reason: str
    reduced_minor: int
    reduced_tax_minor: int
    due_on: date | None
    reference: str
    reason: str
    opened_at: datetime
    left_at: datetime | None
    settled_at: datetime | None


class DepartureItemOut(Out):
    disposition: UUID
    return_id: UUID
    return_number: str
    sku_code: str
    name: str
    bin: str
    lot: str
    serial: str
    quantity: int
    value_minor: int


class DeparturePaperOut(Out):
    id: UUID
    kind: str
    digest: str
    size: int
    added_by: str
    added_at: datetime


class DepartureInvoiceOut(Out):
    """An invoice or credit note over a lot."""

    id: UUID
    number: str
    kind: Literal["invoice", "credit_note"]
    net_minor: int
    tax_minor: int
    total_minor: int


class DepartureWholeOut(Out):
    departure: DepartureOut
    items: list[DepartureItemOut]
    papers: list[DeparturePaperOut]
    invoices: list[DepartureInvoiceOut]


class DeparturesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[DepartureOut]
    next: UUID | None


class OnwardOut(Out):
    """Units of a disposition that nothing follows yet; `supplier` is whom what goes back to a vendor was last bought
    from, else who offers it for the least."""

    disposition: UUID
    kind: str
    return_id: UUID
    return_number: str
    sku_code: str
    name: str
    node_code: str
    bin: str
    lot: str
    serial: str
    units: int
    grade: str
    since: datetime
    supplier: UUID | None
    supplier_name: str


class WorkOrderIn(Strict):
    model_config = _example(disposition=ONE, quantity=2, plan="Replace the charger, clean, repack.")

    disposition: UUID
    quantity: Quantity
    plan: Reason
    key: Own = None


class WorkOrderOpenedOut(Out):
    work_order: UUID
    number: str


class WorkOrderStepIn(Strict):
    model_config = _example(work_order=ONE)

    work_order: UUID
    key: Own = None


class WithdrawWorkIn(Strict):
    model_config = _example(work_order=ONE, reason="There are no parts.")

    work_order: UUID
    reason: Reason
    key: Own = None


class WorkOrderStepOut(Out):
    work_order: UUID


class OutcomeIn(Strict):
    """Units that the work made: of another SKU, or into another bin, where it is named."""

    quantity: Quantity
    grade: Literal["A", "B", "C", "D"]
    status: Literal["sellable", "second_grade"] = "sellable"
    sku: Named | None = None
    bin: Named | None = None


class UsedPartIn(Strict):
    """Units out of stock that the work used up: of a bin, lot or serial number, where it is named."""

    sku: Named
    quantity: Quantity
    bin: Named | None = None
    lot: Annotated[str, Field(max_length=60)] = ""
    serial: Annotated[str, Field(max_length=60)] = ""


class FinishWorkIn(Strict):
    """What became of every unit of a work order, and what the work cost; of a repair for a customer all units are
    `repaired` or all `failed`, and he is `told`. `parts` come out of stock; `parts_minor` is
    what others cost, that were bought for it."""

    model_config = _example(
        work_order=ONE, outcomes=[{"quantity": 1, "grade": "A", "status": "sellable", "sku": OTHER}], scrapped=1,
        parts=[{"sku": OTHER, "quantity": 1}], parts_minor=350, labor_minutes=20,
    )  # fmt: skip

    work_order: UUID
    outcomes: Annotated[list[OutcomeIn], Field(max_length=20)] = []
    scrapped: Annotated[int, Field(ge=0, le=QUANTITY_MAX)] = 0
    repaired: Annotated[int, Field(ge=0, le=QUANTITY_MAX)] = 0
    failed: Annotated[int, Field(ge=0, le=QUANTITY_MAX)] = 0
    told: Text = ""
    parts: Annotated[list[UsedPartIn], Field(max_length=PARTS_MOST)] = []
    parts_minor: Minor = 0
    labor_minutes: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    note: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class WorkFinishedOut(Out):
    work_order: UUID
    cost_minor: int
    capitalized_minor: int


class WorkOrderOut(Out):
    id: UUID
    number: str
    state: str
    return_id: UUID
    return_number: str
    sku_code: str
    name: str
    node_code: str
    bin: str
    currency: str
    quantity: int
    plan: str
    parts_minor: int
    used_minor: int
    labor_minutes: int
    labor_minor: int
    capitalized_minor: int
    value_minor: int
    note: str
    opened_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class WorkOrdersOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[WorkOrderOut]
    next: UUID | None


class RecoveryOut(Out):
    """`owed_minor` is receivable in the books; `claimed_minor` is asked for and not agreed to yet."""

    kind: str
    id: UUID
    number: str
    whom: str
    state: str
    currency: str
    claimed_minor: int
    owed_minor: int
    since: datetime
    age_days: int
    due_on: date | None
    overdue: bool


Disposition = Annotated[
    Literal["return_to_vendor", "liquidate", "donate", "dispose", "refurbish", "second_grade", "repair"]
    | None,
    Query(None, description="Only units of this disposition."),
]
DepartureState = Annotated[
    Literal["open", "gone", "settled", "withdrawn"] | None, Query(None, description="Only those in a state.")
]
WorkState = Annotated[
    Literal["planned", "started", "finished", "withdrawn"] | None,
    Query(None, description="Only those in a state."),
]
KindAsked = Annotated[KindOf | None, Query(None, description="Only those of a kind.")]
RecoveryKind = Annotated[
    Literal["vendor_return", "liquidation", "carrier_claim", "supplier_claim"] | None,
    Query(None, description="Only what is owed in this way."),
]

Due = Annotated[Literal["overdue"] | None, Query(None, description="Only what is past its day.")]


@router.get("/returns/onward", response={200: list[OnwardOut], **READ})
def list_onward(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    disposition: Disposition = None,
    limit: Limit = 50,
) -> Any:
    """Units whose disposition something must follow and nothing does, what waits longest first."""
    return departure_queries.waiting(parse.company_of(company), disposition or "", limit=limit)


@router.get("/returns/recovery", response={200: list[RecoveryOut], **READ})
def list_recovery(
    request: HttpRequest,
    company: Company = None,
    kind: RecoveryKind = None,
    due: Due = None,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Limit = 50,
) -> Any:
    """What vendors, carriers and liquidators owe, what is due first before the rest."""
    at = parse.cause_of(request).at
    own = parse.company_of(company)
    return recovery_queries.owed(
        own, at, kind=kind or "", overdue=due is not None, offset=offset, limit=limit
    )


@router.get("/returns/departures", response={200: DeparturesOut, **READ})
def list_departures(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    kind: KindAsked = None,
    state: DepartureState = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Departures, the latest first, a page at a time."""
    own = parse.company_of(company)
    rows = departure_queries.departures(own, kind=kind or "", state=state or "", after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post(
    "/returns/departures", response={200: DepartureOpenedOut | list[Each[DepartureOpenedOut]], **REFUSED}
)
def open_departure(
    request: HttpRequest,
    payload: DepartureIn | Annotated[list[DepartureIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Gather units that leave together by their disposition."""
    own = parse.company_of(company)
    suppliers = named.suppliers(own, (item.supplier for item in as_list(payload)))

    def make(item: DepartureIn, key: str) -> OpenDeparture:
        items = tuple((one.disposition, one.quantity) for one in item.items)
        buyer = Buyer(**item.buyer.model_dump()) if item.buyer else None
        return OpenDeparture(
            own,
            item.kind,
            items,
            suppliers.get(item.supplier),
            item.receiver,
            item.expected_minor,
            key,
            buyer,
        )

    return give(request, open_departures, payload, idempotency_key, make)


@router.post("/returns/departures/leave", response={200: LeftOut | list[Each[LeftOut]], **REFUSED})
def leave_departure(
    request: HttpRequest,
    payload: LeaveIn | Annotated[list[LeaveIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say that goods have left: shipped to their vendor, sold as a lot, given away or destroyed."""

    def make(item: LeaveIn, key: str) -> LeaveDeparture:
        return LeaveDeparture(
            item.departure, item.amount_minor, item.due_on, item.reference, item.occurred_at, key
        )

    return give(request, leave_departures, payload, idempotency_key, make)


@router.post(
    "/returns/departures/settle",
    response={200: SettledDepartureOut | list[Each[SettledDepartureOut]], **REFUSED},
)
def settle_departure(
    request: HttpRequest,
    payload: SettleIn | Annotated[list[SettleIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say what was given for goods that left. Whoever let them leave may not."""

    def make(item: SettleIn, key: str) -> SettleDeparture:
        return SettleDeparture(
            item.departure, item.amount_minor, item.reference, item.note, item.final, item.occurred_at, key,
            item.agreed,
        )  # fmt: skip

    return give(request, settle_departures, payload, idempotency_key, make)


@router.post(
    "/returns/departures/withdraw",
    response={200: DepartureWithdrawnOut | list[Each[DepartureWithdrawnOut]], **REFUSED},
)
def withdraw_departure(
    request: HttpRequest,
    payload: WithdrawDepartureIn | Annotated[list[WithdrawDepartureIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Keep goods that were gathered. Their units may be gathered anew."""
    return give(
        request, withdraw_departures, payload, idempotency_key,
        lambda one, key: WithdrawDeparture(one.departure, one.reason, key),
    )  # fmt: skip


@router.post(
    "/returns/departures/papers", response={200: PaperAddedOut | list[Each[PaperAddedOut]], **REFUSED}
)
def add_departure_papers(
    request: HttpRequest,
    payload: PaperIn | Annotated[list[PaperIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Keep files about departures, in base64. The console gives them back under `/returns/papers/`."""

    def make(item: PaperIn, key: str) -> AddPaper:
        return AddPaper(item.departure, parse.bytes_of(item.content), key)

    return give(request, add_papers, payload, idempotency_key, make)


@router.get("/returns/departures/{departure}", response={200: DepartureWholeOut, **READ})
def read_departure(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    departure: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """A departure with its units and files, and the invoices of a lot."""
    own = parse.company_of(company)
    found = departure_queries.departure(own, departure)
    if found is None:
        raise NotFound(what="departure", which=str(departure))
    papers = departure_queries.papers(departure)
    invoices = invoice_queries.documents(own, source=departure)
    items = departure_queries.items(departure)
    return {"departure": found, "items": items, "papers": papers, "invoices": invoices}


@router.get("/returns/work-orders", response={200: WorkOrdersOut, **READ})
def list_work_orders(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: WorkState = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Work orders of refurbishing, the latest first, a page at a time."""
    own = parse.company_of(company)
    return paged(work_order_queries.work_orders(own, state=state or "", after=after, limit=limit + 1), limit)


@router.post(
    "/returns/work-orders", response={200: WorkOrderOpenedOut | list[Each[WorkOrderOpenedOut]], **REFUSED}
)
def open_work_order(
    request: HttpRequest,
    payload: WorkOrderIn | Annotated[list[WorkOrderIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Plan the refurbishing of units."""
    own = parse.company_of(company)
    return give(
        request, open_work_orders, payload, idempotency_key,
        lambda one, key: OpenWorkOrder(own, one.disposition, one.quantity, one.plan, key),
    )  # fmt: skip


@router.post(
    "/returns/work-orders/start",
    response={200: WorkOrderStepOut | list[Each[WorkOrderStepOut]], **REFUSED},
)
def start_work_order(
    request: HttpRequest,
    payload: WorkOrderStepIn | Annotated[list[WorkOrderStepIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Begin with work orders."""
    return give(
        request, start_work, payload, idempotency_key, lambda one, key: StartWork(one.work_order, key)
    )


@router.post(
    "/returns/work-orders/finish",
    response={200: WorkFinishedOut | list[Each[WorkFinishedOut]], **REFUSED},
)
def finish_work_order(
    request: HttpRequest,
    payload: FinishWorkIn | Annotated[list[FinishWorkIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say what became of the units of work orders, and what the work cost."""
    items = as_list(payload)
    each = [(item.work_order, one) for item in items for one in (*item.outcomes, *item.parts)]
    bins = named.bins_at("work order", ((which, one.bin) for which, one in each))
    at = named.where("work order", {which for which, one in each if one.sku})
    skus = {
        company: named.skus(
            company, (one.sku for which, one in each if one.sku and at[which].company == company)
        )
        for company in {one.company for one in at.values()}
    }

    def called(which: UUID, one: OutcomeIn | UsedPartIn) -> dict[str, Any]:
        sku = skus[at[which].company][one.sku] if one.sku else None
        return one.model_dump() | {"bin": bins.get((which, one.bin)), "sku": sku}

    def make(item: FinishWorkIn, key: str) -> FinishWork:
        outcomes = tuple(Outcome(**called(item.work_order, one)) for one in item.outcomes)
        return FinishWork(
            item.work_order, outcomes, item.scrapped, item.parts_minor, item.labor_minutes, item.note,
            item.occurred_at, key, tuple(Part(**called(item.work_order, one)) for one in item.parts),
            item.repaired, item.failed, item.told,
        )  # fmt: skip

    return give(request, finish_work, payload, idempotency_key, make)


@router.post(
    "/returns/work-orders/withdraw",
    response={200: WorkOrderStepOut | list[Each[WorkOrderStepOut]], **REFUSED},
)
def withdraw_work_order(
    request: HttpRequest,
    payload: WithdrawWorkIn | Annotated[list[WithdrawWorkIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Give up work orders. Their units wait for another one."""
    return give(
        request, withdraw_work, payload, idempotency_key,
        lambda one, key: WithdrawWork(one.work_order, one.reason, key),
    )  # fmt: skip
