"""Invoices and credit notes: the list, and each as a paper and as XML."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import sees_buyers
from entrepot.insight import questions
from entrepot.kernel import policies
from entrepot.settlement import invoice_queries, ubl
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents
from entrepot.settlement.invoice_queries import DocumentRow
from entrepot.settlement.invoicing import Seller
from entrepot.settlement.ubl import Paper
from entrepot.web import invoice_paper, lists_books
from entrepot.web.edge import Request, back, clean, console, give, page
from entrepot.web.listed import AT_ONCE_MAX, listed

UNTOLD_SHOWN_MAX = 500
LOOKS_BACK = timedelta(days=400)
KINDS = ("invoice", "credit_note")


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """The latest first, and what no document tells of yet."""
    company, kind = request.reader.company.id, clean(request.GET.get("kind"))

    def fetch(after: UUID | None, limit: int) -> list[DocumentRow]:
        return invoice_queries.documents(
            company, kind=kind if kind in KINDS else "", after=after, limit=limit
        )

    shown = listed(request, lists_books.INVOICES, fetch)
    if shown.answer:
        return shown.answer
    _, seller = policies.of_company(company, Seller, timezone.now())
    context = {
        **shown.context(),
        "unnumbered": not seller.tax_number and any(one.tax_minor for one in shown.rows),
        "kind": kind,
        "kinds": KINDS,
        "untold": questions.untold(company, timezone.now(), LOOKS_BACK.days, UNTOLD_SHOWN_MAX),
    }
    return page(request, "web/invoices.html", context, area="books")


def _untold(company: int) -> list[UUID]:
    now = timezone.now()
    found = invoice_queries.untold(company, now - LOOKS_BACK, now + timedelta(days=1), AT_ONCE_MAX)
    return [source for source, *_ in found]


@require_POST
@console
def issue(request: Request) -> HttpResponse:
    """Those that are missing; usually the worker has written them."""
    wanted = [IssueDocument(one) for one in _untold(request.reader.company.id)]

    def done(count: int) -> str:
        return ngettext("%(n)s document is looked after.", "%(n)s documents are looked after.", count) % {
            "n": count
        }

    give(request, issue_documents, wanted, done)
    return back(request, "/books/invoices/")


@require_safe
@console
def as_pdf(request: Request, which: UUID) -> HttpResponse:
    row, paper = _paper(request, which)
    return _file(invoice_paper.pdf(paper), "application/pdf", f"{row.number}.pdf")


@require_safe
@console
def as_xml(request: Request, which: UUID) -> HttpResponse:
    row, paper = _paper(request, which)
    return _file(ubl.render(paper), "application/xml", f"{row.number}.xml")


def _paper(request: Request, which: UUID) -> tuple[DocumentRow, Paper]:
    """With the buyer only for those who may see the vault."""
    row = invoice_queries.document(which)
    if row is None:
        raise Http404
    sees = sees_buyers(request.reader.actor.may)
    return row, invoice_queries.paper(row, with_buyer=sees)


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
