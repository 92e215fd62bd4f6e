"""Carriers' invoices, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import Invalid
from entrepot.settlement import carrier_csv, carrier_queries
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.decide_charges import DecideCharge, decide_charges
from entrepot.settlement.commands.take_carrier_invoices import TakeCarrierInvoice, take_carrier_invoices
from entrepot.web.api import parse
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    After,
    Behind,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    give,
    paged,
)
from entrepot.web.api.schemas import MINOR_MAX, Code, Currency, Each, Minor, Moment, Out, Own, Strict, Text

router = Router()
CSV_MAX = 2_000_000


class ChargeIn(Strict):
    """A charge for a parcel, below 0 a credit. `charge`: `total`, `freight`, or a surcharge (`fuel` …)."""

    tracking: Code
    amount_minor: Annotated[StrictInt, Field(ge=-MINOR_MAX, le=MINOR_MAX)]
    charge: Code = "total"
    weight_g: Annotated[StrictInt, Field(ge=0, le=10**9)] = 0


class CarrierInvoiceIn(Strict):
    """A carrier's invoice: its `lines`, or a `csv` with the names of its `columns`."""

    carrier: Code
    external_id: Code
    currency: Currency
    total_minor: Minor
    lines: Annotated[list[ChargeIn], Field(max_length=20_000)] = []
    csv: Annotated[str, Field(max_length=CSV_MAX)] = ""
    columns: dict[Literal["tracking", "amount", "charge", "weight"], Code] = {}
    invoiced_at: Moment | None = None
    key: Own = None


class CarrierInvoiceTakenOut(Out):
    invoice: UUID
    number: str
    state: str
    lines: int
    in_question: int
    question_minor: int
    fresh: bool


class CarrierInvoiceOut(Out):
    """An invoice: what of it was accrued, what is variance, and what is in question."""

    id: UUID
    number: str
    carrier: str
    external_id: str
    currency: str
    total_minor: int
    state: str
    invoiced_at: datetime
    lines: int
    expected_minor: int
    variance_minor: int
    in_question: int
    question_minor: int


class CarrierInvoicesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[CarrierInvoiceOut]
    next: UUID | None


class ChargeOut(Out):
    """A charge of a carrier, what was accrued for it, what it bills beyond, and why it is in question."""

    invoice: UUID
    number: int
    tracking: str
    charge: str
    amount_minor: int
    weight_g: int
    shipment: UUID | None
    expected_minor: int
    difference_minor: int
    credited_minor: int
    state: str
    why: str
    reason: str


class ChargesOut(Out):
    items: list[ChargeOut]
    next: str | None


class DecideChargeIn(Strict):
    """A charge by its invoice and line. `credited_minor`: what the carrier gave back; the rest is a cost."""

    invoice: UUID
    line: Annotated[StrictInt, Field(ge=1, le=10**6)]
    decision: Literal["accept", "dispute", "credit"]
    reason: Text = ""
    credited_minor: Minor | None = None
    key: Own = None


class ChargeDecidedOut(Out):
    invoice: UUID
    line: int
    state: str
    invoice_state: str


@router.post(
    "/carrier-invoices",
    response={200: CarrierInvoiceTakenOut | list[Each[CarrierInvoiceTakenOut]], **REFUSED},
)
def take_carrier_invoice(
    request: HttpRequest,
    payload: CarrierInvoiceIn | Annotated[list[CarrierInvoiceIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take a carrier's invoice in: each charge against the accrual of its parcel, differences to the controller."""
    which = parse.company_of(company)
    return give(
        request, take_carrier_invoices, payload, idempotency_key,
        lambda one, key: TakeCarrierInvoice(
            which, one.carrier, one.external_id, one.currency, one.total_minor, _lines(one), one.invoiced_at, key=key
        ),
    )  # fmt: skip


def _lines(one: CarrierInvoiceIn) -> tuple[Billed, ...]:
    if not one.csv:
        return tuple(Billed(**line.model_dump()) for line in one.lines)
    sheet = carrier_csv.read(one.csv, one.currency, {str(field): name for field, name in one.columns.items()})
    if sheet.faults:
        told = "; ".join(f"line {fault.line}, {fault.column}: {fault.message}" for fault in sheet.faults)
        raise Invalid(
            field="csv", expected="a line with tracking number and amount for each charge", found=told
        )
    return sheet.lines


@router.get("/carrier-invoices", response={200: CarrierInvoicesOut, **READ})
def list_carrier_invoices(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Carriers' invoices, the latest first, a page at a time."""
    return paged(carrier_queries.invoices(parse.company_of(company), after=after, limit=limit + 1), limit)


@router.get("/carrier-charges", response={200: ChargesOut, **READ})
def list_carrier_charges(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    invoice: UUID | None = None,
    show: Literal["in_question", "all"] = "in_question",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    after: Behind = None,
) -> dict[str, Any]:
    """Charges of carriers that are in question, or all of an invoice, a page at a time."""
    which, behind = parse.company_of(company), parse.behind(after, UUID, parse.small)
    only = show == "in_question"
    found = carrier_queries.charges(which, invoice, in_question=only, after=behind, limit=limit + 1)
    return paged(found, limit)


@router.post(
    "/carrier-charges/decide", response={200: ChargeDecidedOut | list[Each[ChargeDecidedOut]], **REFUSED}
)
def decide_carrier_charge(
    request: HttpRequest,
    payload: DecideChargeIn | Annotated[list[DecideChargeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Accept charges in question as a cost, dispute them, or note what the carrier credited."""
    return give(
        request, decide_charges, payload, idempotency_key,
        lambda one, key: DecideCharge(
            one.invoice, one.line, one.decision, one.reason, one.credited_minor, key=key
        ),
    )  # fmt: skip
