"""Carriers' invoices: taken from a file, and their charges in question decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.carriage import queries as carriage
from entrepot.insight import questions
from entrepot.settlement import carrier_csv, carrier_queries
from entrepot.settlement.carrier_csv import FIELDS
from entrepot.settlement.commands.decide_charges import DecideCharge, decide_charges
from entrepot.settlement.commands.take_carrier_invoices import TakeCarrierInvoice, take_carrier_invoices
from entrepot.web import format as fmt
from entrepot.web import lists_books
from entrepot.web.edge import (
    Request,
    RowIn,
    back,
    clean,
    console,
    give,
    int_in,
    minor_in,
    misread,
    names_of,
    page,
    rows_in,
    uuid_in,
)
from entrepot.web.listed import listed

FILE_MAX = 5_000_000
FAULTS_SHOWN_MAX = 8


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """What carriers charged, what of it is in question, and what they never charged for."""
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[carrier_queries.CarrierInvoiceRow]:
        return carrier_queries.invoices(company, after=after, limit=limit)

    shown = listed(request, lists_books.CARRIER_INVOICES, fetch)
    if shown.answer:
        return shown.answer
    charges = carrier_queries.charges(company, in_question=True)
    context = {
        **shown.context(),
        "charges": charges,
        "unbilled": questions.unbilled(company, fmt.reading().now),
        "carriers": sorted({one.carrier for one in carriage.services(companies=[company])[company]}),
        "fields": FIELDS,
    }
    return page(request, "web/carriers.html", context, area="books")


def known_invoice(one: Any) -> str:
    """What is said of an invoice that comes a second time."""
    told = gettext(
        "The invoice was taken in before as %(number)s, over the same amount. Nothing has changed."
    )
    return told % {"number": one.number}


@require_POST
@console
def take(request: Request) -> HttpResponse:
    """A file that a carrier sent, as one invoice; or every fault of it."""
    company = request.reader.company
    file = request.FILES.get("file")
    fields = {name: clean(request.POST.get(name)) for name in ("carrier", "external_id")}
    total = minor_in(request.POST.get("total", ""), company.currency)
    if file is None or not all(fields.values()) or total is None:
        lacking = [name for name, text in fields.items() if not text]
        wrong = [*lacking, *(["total"] if total is None else []), "file"][0]
        said = gettext("Choose a file, and say whose invoice it is, its number and its total.")
        misread(request, wrong, said)
        return back(request, reverse("carriers"), [])
    if (file.size or 0) > FILE_MAX:
        messages.error(request, gettext("The file is larger than 5 MB. Send it in parts."))
        return back(request, reverse("carriers"), [])
    columns = {name: clean(request.POST.get(f"column_{name}")) for name in FIELDS}
    sheet = carrier_csv.read(
        file.read().decode("utf-8", "replace"), company.currency, {k: v for k, v in columns.items() if v}
    )
    if sheet.faults:
        for fault in sheet.faults[:FAULTS_SHOWN_MAX]:
            messages.error(request, gettext("Line %(line)s, %(column)s: %(message)s.") % fault._asdict())
        return back(request, reverse("carriers"), [])
    wanted = TakeCarrierInvoice(
        company.id, fields["carrier"], fields["external_id"], company.currency, total, sheet.lines
    )
    results = give(
        request,
        take_carrier_invoices,
        [wanted],
        lambda _: gettext("The invoice is taken in."),
        known=known_invoice,
    )
    return back(request, reverse("carriers"), results)


def credited_in(request: Request, decision: str) -> tuple[int | None, bool]:
    """What of a difference was credited, as a person wrote it; None for all of it, or where nothing was. And whether it
    could be read: where not, they are told."""
    text, currency = clean(request.POST.get("amount")), clean(request.POST.get("currency"))
    if decision != "credit" or not text:
        return None, True
    minor = minor_in(text, currency)
    if minor is None:
        like = fmt.amount(1250, currency)
        misread(request, "amount", gettext("Write the amount like %(like)s.") % {"like": like})
    return minor, minor is not None


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """A charge accepted, disputed, or credited; or several at once, for one reason."""
    if rows := rows_in(request):
        return _together(request, rows)
    invoice, line = uuid_in(request.POST.get("invoice")), int_in(request.POST.get("line"))
    decision, reason = clean(request.POST.get("decision")), clean(request.POST.get("reason"))
    credited, legible = credited_in(request, decision)
    if not legible:
        return back(request, reverse("carriers"), [], field="amount")
    wanted: list[Any] = [DecideCharge(invoice, line, decision, reason, credited)] if invoice and line else []
    results = give(request, decide_charges, wanted, _decided)
    return back(request, reverse("carriers"), results)


def _together(request: Request, rows: list[RowIn]) -> HttpResponse:
    decision, reason = clean(request.POST.get("decision")), clean(request.POST.get("reason"))
    charges = carrier_queries.charges(request.reader.company.id, in_question=True)
    shown = {(one.invoice, one.number): f"{one.invoice_number} · {one.tracking}" for one in charges}
    wanted = [DecideCharge(one.document, one.number, decision, reason) for one in rows]
    results = give(request, decide_charges, wanted, _decided, names=names_of(rows, shown))
    return back(request, reverse("carriers"), results)


def _decided(n: int) -> str:
    return ngettext("The charge is decided.", "%(n)s charges are decided.", n) % {"n": fmt.number(n)}
