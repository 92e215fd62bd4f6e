"""Journal entries that people enter: what waits, the form of their lines, and what another person makes of them."""

from __future__ import annotations

from datetime import UTC
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.ledger import manual_queries as queries
from entrepot.ledger.commands.decide_entries import DecideEntry, decide_entries
from entrepot.ledger.commands.enter_entries import (
    EnterEntry,
    EntryEntered,
    ReverseEntry,
    enter_entries,
    reverse_entries,
)
from entrepot.ledger.manual import BANK, INSTEAD, KINDS, LINES_MAX, EntryLine
from entrepot.ledger.states import MANUAL_ENTRY
from entrepot.web import format as fmt
from entrepot.web import lists_books
from entrepot.web.edge import (
    Request,
    anew,
    back,
    clean,
    console,
    day_in,
    decimal_in,
    give,
    int_in,
    minor_in,
    misread,
    page,
    uuid_in,
)
from entrepot.web.listed import listed

PAGE = 100
ROWS = 12
"""Lines that the form has room for; with `rows` in the address it has more."""
MORE = "more"
"""The button that asks for a longer form."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Entries of the company, all or of a state, the latest first."""
    company, state = request.reader.company.id, clean(request.GET.get("state"))
    chosen = state if state in MANUAL_ENTRY.states else ""

    def fetch(before: UUID | None, limit: int) -> list[queries.ManualRow]:
        return queries.entries(company, state=chosen, before=before, limit=limit)

    shown = listed(request, lists_books.ENTRIES, fetch, size=PAGE)
    if shown.answer:
        return shown.answer
    context = {**shown.context(), "states": MANUAL_ENTRY.states, "state": chosen}
    return page(request, "web/entries.html", context, area="books")


@require_safe
@console
def new(request: Request) -> HttpResponse:
    """The form of an entry, with as many lines as are asked for."""
    company = request.reader.company
    rows, chart = _rows(request.GET.get("rows")), queries.chart(company.id)
    context = {
        "rows": range(1, rows + 1), "room": rows, "may_grow": rows < LINES_MAX, "kinds": KINDS, "today": _today(),
        "accounts": [one for one in chart if not one.closed and (one.code == BANK or one.code not in INSTEAD)],
        "kept_out": [one for one in chart if one.code in INSTEAD],
        "instead": INSTEAD, "currency": company.currency, "example": fmt.example(company.currency),
    }  # fmt: skip
    return page(request, "web/entry_new.html", context, area="books")


def _rows(said: str | None) -> int:
    return min(max(int_in(said) or ROWS, 2), LINES_MAX)


def _form(rows: int) -> str:
    """The address of the form with so many lines."""
    return reverse("entry-new") + (f"?rows={rows}" if rows != ROWS else "")


def _today() -> str:
    return fmt.reading().now.astimezone(UTC).date().isoformat()


@require_POST
@console
def enter(request: Request) -> HttpResponse:
    """Enter what the form says; it waits for another person. Or show it with room for twice as many lines."""
    company, rows = request.reader.company, _rows(request.POST.get("rows"))
    if MORE in request.POST:
        return anew(request, _form(min(2 * rows, LINES_MAX)) + "#lines")
    currency = clean(request.POST.get("currency")).upper() or company.currency
    rate_said, on = clean(request.POST.get("rate")), day_in(request.POST.get("on"))
    rate = decimal_in(rate_said) if rate_said else None
    lines = _lines(request, currency)
    if on is None:
        misread(request, "on", gettext("Write the day as 2026-11-30."))
    elif rate_said and rate is None:
        misread(request, "rate", gettext("Write the rate as a number."))
    if lines is None or on is None or (rate_said and rate is None):
        return back(request, _form(rows), [])
    wanted = EnterEntry(
        company.id, clean(request.POST.get("kind")), on, tuple(lines), clean(request.POST.get("reason")),
        clean(request.POST.get("reference")), currency, rate,
    )  # fmt: skip
    results = give(request, enter_entries, [wanted], lambda _n: gettext("It waits for another person."))
    return _to(request, results, _form(rows))


def _lines(request: Request, currency: str) -> list[EntryLine] | None:
    """The lines that were filled in; None where one can't be read."""
    found = []
    for number in range(1, LINES_MAX + 1):
        account = int_in(request.POST.get(f"account-{number}"))
        said = {name: clean(request.POST.get(f"{name}-{number}")) for name in ("debit", "credit")}
        if account is None and not any(said.values()):
            continue
        amounts = {name: minor_in(text, currency) for name, text in said.items() if text}
        for name, amount in amounts.items():
            if amount is None or amount < 0:
                like = {"like": fmt.example(currency)}
                misread(request, f"{name}-{number}", gettext("Write the amount like %(like)s.") % like)
                return None
        found.append(EntryLine(account or 0, (amounts.get("debit") or 0) - (amounts.get("credit") or 0)))
    return found


def _to(request: Request, results: list[object], otherwise: str) -> HttpResponse:
    """To what was entered, or back to the form."""
    entered = [one for one in results if isinstance(one, EntryEntered)]
    if entered:
        return redirect("manual-entry", which=entered[0].entry)
    return back(request, otherwise, results)


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """An entry with its lines, and what is to become of it."""
    company = request.reader.company.id
    found = queries.entries(company, which=which, limit=1)
    if not found:
        raise Http404
    lines = queries.lines(company, [which])
    context = {
        "one": found[0], "lines": lines, "today": _today(),
        "is_own": found[0].entered_by == request.reader.name,
    }  # fmt: skip
    return page(request, "web/manual_entry.html", context, area="books")


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """Approve or reject an entry."""
    which, note = uuid_in(request.POST.get("entry")), clean(request.POST.get("note"))
    wanted = [DecideEntry(which, request.POST.get("action") == "approve", note)] if which else []
    results = give(request, decide_entries, wanted, lambda _n: gettext("The entry is decided."))
    return back(request, reverse("manual-entry", args=[which]) if which else reverse("entries"), results)


@require_POST
@console
def reverse_one(request: Request) -> HttpResponse:
    """Take a posted entry back by one that mirrors it."""
    which, on = uuid_in(request.POST.get("entry")), day_in(request.POST.get("on"))
    if which is None:
        return back(request, reverse("entries"), [])
    here = reverse("manual-entry", args=[which])
    if on is None:
        misread(request, "on", gettext("Write the day as 2026-11-30."))
        return back(request, here, [])
    wanted = [ReverseEntry(which, on, clean(request.POST.get("reason")))]
    results = give(request, reverse_entries, wanted, lambda _n: gettext("It waits for another person."))
    return _to(request, results, here)
