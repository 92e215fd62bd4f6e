"""Suppliers' invoices, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field, StrictInt

from entrepot.settlement import supplier_queries
from entrepot.settlement.commands.decide_supplier_lines import (
    DecideSupplierLine,
    MatchArrivals,
    decide_supplier_lines,
    match_arrivals,
)
from entrepot.settlement.commands.take_supplier_invoices import TakeSupplierInvoice, take_supplier_invoices
from entrepot.settlement.supplier_invoices import UNITS_MAX, Invoiced
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
from entrepot.web.api.schemas import Code, Currency, Each, Minor, Moment, Out, Own, Strict, Text

router = Router()


class InvoicedIn(Strict):
    """Units of a line of an order of ours, by their numbers; the amount is without tax."""

    order: Code
    line: Annotated[StrictInt, Field(ge=1, le=10**6)]
    quantity: Annotated[StrictInt, Field(ge=1, le=UNITS_MAX)]
    amount_minor: Minor


class SupplierInvoiceIn(Strict):
    """A supplier's invoice. `total_minor` is the sum of its lines and `tax_minor`."""

    supplier: Code
    external_id: Code
    currency: Currency
    total_minor: Minor
    tax_minor: Minor = 0
    lines: Annotated[list[InvoicedIn], Field(min_length=1, max_length=5_000)]
    invoiced_at: Moment | None = None
    key: Own = None


class SupplierInvoiceTakenOut(Out):
    invoice: UUID
    number: str
    state: str
    lines: int
    in_question: int
    question_minor: int
    fresh: bool


class SupplierInvoiceOut(Out):
    """An invoice: what of it came, what is variance, and what is in question."""

    id: UUID
    number: str
    supplier: str
    external_id: str
    currency: str
    tax_minor: int
    total_minor: int
    state: str
    invoiced_at: datetime
    lines: int
    expected_minor: int
    variance_minor: int
    in_question: int
    question_minor: int


class SupplierInvoicesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[SupplierInvoiceOut]
    next: UUID | None


class SupplierLineOut(Out):
    """A line of an invoice: what of it came and at what, what it bills beyond, and why it is in question."""

    invoice: UUID
    number: int
    order: UUID | None
    order_number: str
    order_line: int
    sku: str
    quantity: int
    units: int
    amount_minor: int
    expected_minor: int
    difference_minor: int
    credited_minor: int
    state: str
    why: str
    reason: str


class SupplierLinesOut(Out):
    items: list[SupplierLineOut]
    next: str | None


class UnbilledOut(Out):
    """A line of an order of which more came than was billed."""

    order: UUID
    order_number: str
    line: int
    supplier: str
    sku: str
    currency: str
    received: int
    billed: int
    first_received_at: datetime
    amount_minor: int


class UnbilledGoodsOut(Out):
    items: list[UnbilledOut]
    next: str | None


class DecideSupplierLineIn(Strict):
    """A line by its invoice and place. `credited_minor`: what the supplier gave back; the rest is a cost."""

    invoice: UUID
    line: Annotated[StrictInt, Field(ge=1, le=10**6)]
    decision: Literal["accept", "dispute", "credit"]
    reason: Text = ""
    credited_minor: Minor | None = None
    key: Own = None


class SupplierLineDecidedOut(Out):
    invoice: UUID
    line: int
    state: str
    invoice_state: str


class MatchArrivalsIn(Strict):
    """An invoice whose lines were billed before their goods came."""

    invoice: UUID
    key: Own = None


class ArrivalsMatchedOut(Out):
    invoice: UUID
    units: int
    state: str


@router.post(
    "/supplier-invoices",
    response={200: SupplierInvoiceTakenOut | list[Each[SupplierInvoiceTakenOut]], **REFUSED},
)
def take_supplier_invoice(
    request: HttpRequest,
    payload: SupplierInvoiceIn | Annotated[list[SupplierInvoiceIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take a supplier's invoice in: each line against what was ordered and what came, differences to the controller."""
    which = parse.company_of(company)
    return give(
        request, take_supplier_invoices, payload, idempotency_key,
        lambda one, key: TakeSupplierInvoice(
            which, one.supplier, one.external_id, one.currency, one.total_minor,
            tuple(Invoiced(**line.model_dump()) for line in one.lines), one.tax_minor, one.invoiced_at, key=key,
        ),
    )  # fmt: skip


@router.get("/supplier-invoices", response={200: SupplierInvoicesOut, **READ})
def list_supplier_invoices(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Suppliers' invoices, the latest first, a page at a time."""
    return paged(supplier_queries.invoices(parse.company_of(company), after=after, limit=limit + 1), limit)


@router.get("/supplier-lines", response={200: SupplierLinesOut, **READ})
def list_supplier_lines(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    invoice: UUID | None = None,
    show: Literal["in_question", "all"] = "in_question",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    after: Behind = None,
) -> dict[str, Any]:
    """Lines of suppliers' invoices that are in question, or all of an invoice, a page at a time."""
    which, behind = parse.company_of(company), parse.behind(after, UUID, parse.small)
    only = show == "in_question"
    found = supplier_queries.lines(which, invoice, in_question=only, after=behind, limit=limit + 1)
    return paged(found, limit)


@router.get("/goods-not-invoiced", response={200: UnbilledGoodsOut, **READ})
def list_goods_not_invoiced(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    after: Behind = None,
) -> dict[str, Any]:
    """What came and no supplier has billed yet, the longest standing first, a page at a time."""
    behind = parse.behind(after, parse.microseconds, str, parse.small)
    return paged(supplier_queries.unbilled(parse.company_of(company), after=behind, limit=limit + 1), limit)


@router.post(
    "/supplier-lines/decide",
    response={200: SupplierLineDecidedOut | list[Each[SupplierLineDecidedOut]], **REFUSED},
)
def decide_supplier_line(
    request: HttpRequest,
    payload: DecideSupplierLineIn | Annotated[list[DecideSupplierLineIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Accept lines in question as a cost, dispute them, or note what the supplier credited."""
    return give(
        request, decide_supplier_lines, payload, idempotency_key,
        lambda one, key: DecideSupplierLine(
            one.invoice, one.line, one.decision, one.reason, one.credited_minor, key=key
        ),
    )  # fmt: skip


@router.post(
    "/supplier-invoices/match-arrivals",
    response={200: ArrivalsMatchedOut | list[Each[ArrivalsMatchedOut]], **REFUSED},
)
def match_supplier_arrivals(
    request: HttpRequest,
    payload: MatchArrivalsIn | Annotated[list[MatchArrivalsIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Settle lines that were billed before their goods came by what came since; the house does so every hour too."""
    return give(
        request,
        match_arrivals,
        payload,
        idempotency_key,
        lambda one, key: MatchArrivals(one.invoice, key=key),
    )
