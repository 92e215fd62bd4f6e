"""Invoices and credit notes, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from entrepot.access.rules import sees_buyers
from entrepot.kernel.errors import NotFound
from entrepot.settlement import invoice_queries, ubl
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import Each, Out, Own, Strict

router = Router()


class InvoiceOut(Out):
    """An invoice or credit note over a shipment, an order's services, a refund, a credit, or a lot."""

    id: UUID
    number: str
    kind: Literal["invoice", "credit_note"]
    source_kind: str
    source: UUID
    order: UUID | None
    order_number: str
    currency: str
    issued_at: datetime
    supplied_at: datetime
    net_minor: int
    tax_minor: int
    total_minor: int
    corrects: list[str]


class InvoicesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[InvoiceOut]
    next: UUID | None


class UblOut(Out):
    """A document as XML of EN 16931 (UBL 2.1). The buyer's name is in it for those who may see it."""

    number: str
    xml: str


class IssueIn(Strict):
    """A shipment, an order with services, a refund, a credit, or a lot."""

    source: UUID
    key: Own = None


class IssuedOut(Out):
    source: UUID
    numbers: list[str]


@router.get("/invoices", response={200: InvoicesOut, **READ})
def list_invoices(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    kind: Literal["invoice", "credit_note"] | None = None,
    order: UUID | None = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Invoices and credit notes, the latest first, a page at a time."""
    which = parse.company_of(company)
    rows = invoice_queries.documents(which, kind=kind or "", order=order, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.get("/invoices/{invoice}/ubl", response={200: UblOut, **READ})
def get_invoice_ubl(request: HttpRequest, invoice: UUID, company: Company = None) -> UblOut:
    """A document as XML that other systems read."""
    parse.own("invoice", invoice, company)
    row = invoice_queries.document(invoice)
    if row is None:
        raise NotFound(what="invoice", which=str(invoice))
    sees = sees_buyers(parse.actor_of(request).may)
    xml = ubl.render(invoice_queries.paper(row, with_buyer=sees))
    return UblOut(number=row.number, xml=xml.decode())


@router.post("/invoices", response={200: IssuedOut | list[Each[IssuedOut]], **REFUSED})
def issue_invoice(
    request: HttpRequest,
    payload: IssueIn | Annotated[list[IssueIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Write the documents of what was posted, where they are missing; else tell their numbers."""
    return give(
        request,
        issue_documents,
        payload,
        idempotency_key,
        lambda one, key: IssueDocument(one.source, key=key),
    )
