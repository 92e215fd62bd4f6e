"""Suppliers' invoices: taken in, their lines in question decided, and what came and was never billed."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.parties import queries as parties
from entrepot.settlement import supplier_csv, supplier_queries
from entrepot.settlement.commands.decide_supplier_lines import (
    ArrivalsMatched,
    DecideSupplierLine,
    MatchArrivals,
    decide_supplier_lines,
    match_arrivals,
)
from entrepot.settlement.commands.take_supplier_invoices import TakeSupplierInvoice, take_supplier_invoices
from entrepot.web import format as fmt
from entrepot.web import lists_books, words
from entrepot.web.edge import (
    Request,
    RowIn,
    back,
    cause_of,
    clean,
    console,
    day_in,
    give,
    int_in,
    minor_in,
    names_of,
    page,
    rows_in,
    uuid_in,
)
from entrepot.web.listed import listed
from entrepot.web.views.carriers import credited_in, known_invoice

TEXT_MAX = 1_000_000
FAULTS_SHOWN_MAX = 8


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """What suppliers billed, what of it is in question, and what came that they never billed."""
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[supplier_queries.SupplierInvoiceRow]:
        return supplier_queries.invoices(company, after=after, limit=limit)

    shown = listed(request, lists_books.SUPPLIER_INVOICES, fetch)
    if shown.answer:
        return shown.answer
    lines = supplier_queries.lines(company, in_question=True)
    context = {
        **shown.context(),
        "lines": lines,
        "wait": any(one.order and one.units < one.quantity for one in lines),
        "unbilled": supplier_queries.unbilled(company),
        "suppliers": sorted(parties.suppliers(company=company).values(), key=lambda one: one.name),
    }
    return page(request, "web/supplier_invoices.html", context, area="books")


@require_POST
@console
def take(request: Request) -> HttpResponse:
    """An invoice with its lines as a file or as text, in the currency of its supplier; or every fault of them."""
    company, reading = request.reader.company, fmt.reading()
    named = {name: clean(request.POST.get(name)) for name in ("supplier", "external_id")}
    supplier = parties.suppliers(company=company.id).get(named["supplier"])
    currency = supplier.currency if supplier else company.currency
    total = minor_in(request.POST.get("total", ""), currency)
    tax = minor_in(request.POST.get("tax") or "0", currency)
    day, today = day_in(request.POST.get("day")), reading.now.astimezone(reading.zone).date()
    if day and day > today:
        messages.error(request, gettext("An invoice is not from a day that is still to come."))
        return back(request, reverse("supplier-invoices"), [], field="day")
    file = request.FILES.get("file")
    text = (
        file.read(TEXT_MAX).decode("utf-8", "replace")
        if file
        else str(request.POST.get("lines", ""))[:TEXT_MAX]
    )
    told = {**named, "total": total, "tax": tax, "lines": text.strip()}
    lacking = [name for name, one in told.items() if one in ("", None)]
    if lacking or total is None or tax is None:
        messages.error(request, gettext("Say whose invoice it is, its number, its total and its lines."))
        return back(request, reverse("supplier-invoices"), [], field=lacking[0])
    sheet = supplier_csv.read(text, currency)
    if sheet.faults:
        for fault in sheet.faults[:FAULTS_SHOWN_MAX]:
            messages.error(request, gettext("Line %(line)s, %(column)s: %(message)s.") % fault._asdict())
        return back(request, reverse("supplier-invoices"), [])
    wanted = TakeSupplierInvoice(
        company.id, named["supplier"], named["external_id"], currency, total, sheet.lines, tax,
        datetime.combine(day, time(), reading.zone) if day and day < today else None,
    )  # fmt: skip
    results = give(
        request,
        take_supplier_invoices,
        [wanted],
        lambda _: gettext("The invoice is taken in."),
        known=known_invoice,
    )
    return back(request, reverse("supplier-invoices"), results)


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """A line accepted, disputed, or credited; or several at once, for one reason."""
    if rows := rows_in(request):
        return _together(request, rows)
    invoice, line = uuid_in(request.POST.get("invoice")), int_in(request.POST.get("line"))
    decision, reason = clean(request.POST.get("decision")), clean(request.POST.get("reason"))
    credited, legible = credited_in(request, decision)
    if not legible:
        return back(request, reverse("supplier-invoices"), [], field="amount")
    wanted: list[Any] = (
        [DecideSupplierLine(invoice, line, decision, reason, credited)] if invoice and line else []
    )
    results = give(request, decide_supplier_lines, wanted, _decided)
    return back(request, reverse("supplier-invoices"), results)


def _together(request: Request, rows: list[RowIn]) -> HttpResponse:
    decision, reason = clean(request.POST.get("decision")), clean(request.POST.get("reason"))
    lines = supplier_queries.lines(request.reader.company.id, in_question=True)
    shown = {(one.invoice, one.number): f"{one.invoice_number} · {one.order_number}" for one in lines}
    wanted = [DecideSupplierLine(one.document, one.number, decision, reason) for one in rows]
    results = give(request, decide_supplier_lines, wanted, _decided, names=names_of(rows, shown))
    return back(request, reverse("supplier-invoices"), results)


def _decided(n: int) -> str:
    return ngettext("The line is decided.", "%(n)s lines are decided.", n) % {"n": fmt.number(n)}


@require_POST
@console
def match_again(request: Request) -> HttpResponse:
    """Goods that came after they were billed; the same happens every hour."""
    lines = supplier_queries.lines(request.reader.company.id, in_question=True)
    waiting = {one.invoice for one in lines if one.order and one.units < one.quantity}
    results = (
        match_arrivals(cause_of(request), requests=[MatchArrivals(one) for one in waiting]) if waiting else []
    )
    units = sum(one.units for one in results if isinstance(one, ArrivalsMatched))
    for one in results[:1]:
        if not isinstance(one, ArrivalsMatched):
            messages.error(request, words.refusal(one))
            return back(request, reverse("supplier-invoices"), results)
    told = ngettext("%(n)s unit has come since.", "%(n)s units have come since.", units) % {"n": units}
    messages.success(request, told if units else gettext("Nothing of it has come since."))
    return back(request, reverse("supplier-invoices"))
