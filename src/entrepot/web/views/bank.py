"""Bank statements: taken from a file, and the lines that wait decided."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.settlement import bank_files, bank_queries
from entrepot.settlement.bank import PURPOSES, Statement
from entrepot.settlement.bank_files import UnreadableError
from entrepot.settlement.commands.decide_bank_lines import DecideBankLine, decide_bank_lines
from entrepot.settlement.commands.split_bank_lines import SplitBankLine, split_bank_lines
from entrepot.settlement.commands.take_statements import StatementTaken, TakeStatement, take_statements
from entrepot.web import format as fmt
from entrepot.web import lists_books
from entrepot.web.edge import (
    Request,
    RowIn,
    amounts_in,
    back,
    clean,
    console,
    give,
    int_in,
    minor_in,
    names_of,
    page,
    rows_in,
    uuid_in,
)
from entrepot.web.listed import listed, place_in, place_of

WAITING_SHOWN_MAX = 100
FITS_SHOWN_MAX = 6
EXPECTED_SHOWN_MAX = 20
FOUND_SHOWN_MAX = 50
FILE_MAX = 20_000_000


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Lines that wait, what the bank has not shown yet, and the statements."""
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[bank_queries.StatementRow]:
        return bank_queries.statements(company, after=after, limit=limit)

    shown = listed(request, lists_books.STATEMENTS, fetch)
    if shown.answer:
        return shown.answer
    behind = _line_place_in(request.GET.get("lines_after"))
    waiting = bank_queries.lines(company, waiting=True, after=behind, limit=WAITING_SHOWN_MAX + 1)
    if behind and not waiting:  # all behind it were decided meanwhile
        waiting = bank_queries.lines(company, waiting=True, limit=WAITING_SHOWN_MAX + 1)
    more_lines, waiting = len(waiting) > WAITING_SHOWN_MAX, waiting[:WAITING_SHOWN_MAX]
    fits = bank_queries.fits(company, waiting, limit=FITS_SHOWN_MAX)
    context = {
        **shown.context(),
        "waiting": list(zip(waiting, fits, strict=True)),
        "next_line": _line_place(waiting[-1]) if more_lines else "",
        "expected": bank_queries.expected(company, limit=EXPECTED_SHOWN_MAX),
        "purposes": PURPOSES,
    }
    return page(request, "web/bank.html", context, area="books")


@require_safe
@console
def line(request: Request, which: UUID, number: int) -> HttpResponse:
    """What a line may belong to: what fits it, or what is looked for by a number, a name or an amount."""
    company = request.reader.company.id
    one = bank_queries.line(company, which, number)
    if one is None:
        raise Http404
    looked_for = clean(request.GET.get("q"))
    if looked_for:
        amount = minor_in(looked_for, one.currency)
        found = bank_queries.found(company, one.currency, looked_for, amount, limit=FOUND_SHOWN_MAX)
    else:
        (found,) = bank_queries.fits(company, [one], limit=FOUND_SHOWN_MAX)
    context = {
        "line": one,
        "looked_for": looked_for,
        "fits": [(row, row.takes(one.amount_minor)) for row in found],
        "is_full": len(found) == FOUND_SHOWN_MAX,
        "is_open": one.state in ("differs", "unmatched"),
    }
    return page(request, "web/bank_line.html", context, area="books")


def _line_place(one: bank_queries.LineRow) -> str:
    return place_of(one.booked_on, one.statement, one.number)


def _line_place_in(told: str | None) -> tuple[date, UUID, int] | None:
    found = place_in(told, date.fromisoformat, UUID, int)
    return (found[0], found[1], found[2]) if found and None not in found else None


@require_POST
@console
def take(request: Request) -> HttpResponse:
    """A file of the bank: CAMT.053, or CSV with the account and a name for it."""
    file, where = request.FILES.get("file"), reverse("bank")
    if file is None or (file.size or 0) > FILE_MAX:
        messages.error(request, gettext("Choose a file of at most 20 MB."))
        return back(request, where, [])
    try:
        found = _read(request, file.read())
    except UnreadableError as error:
        messages.error(request, gettext("The file can't be read: %(why)s.") % {"why": error})
        return back(request, where, [])
    company = request.reader.company.id
    wanted = [TakeStatement(company, one) for one in found]
    results = give(request, take_statements, wanted, _taken, known=_known)
    return back(request, where, results)


def _taken(count: int) -> str:
    return ngettext("The statement is taken in.", "%(count)d statements are taken in.", count) % {
        "count": count
    }


def _known(one: StatementTaken) -> str:
    told = gettext("Statement %(number)s was taken in before, with all its lines. Nothing has changed.")
    return told % {"number": one.number}


def _read(request: Request, content: bytes) -> list[Statement]:
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return bank_files.camt(content)
    account, name = clean(request.POST.get("account")), clean(request.POST.get("external_id"))
    if not account or not name:
        raise UnreadableError(gettext("of a CSV file, say the account and a name such as 2026-11"))
    text = content.decode("utf-8", "replace")
    return [bank_files.table(text, account, name, request.reader.company.currency)]


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """A line matched with what it belongs to, or booked; or several booked as one thing, for one reason."""
    if rows := rows_in(request):
        return _together(request, rows)
    statement, line = uuid_in(request.POST.get("statement")), int_in(request.POST.get("line"))
    known, amount = uuid_in(request.POST.get("known")), _seen(clean(request.POST.get("amount_minor")))
    purpose, reason = clean(request.POST.get("purpose")), clean(request.POST.get("reason"))
    wanted: list[Any] = (
        [DecideBankLine(statement, line, known, "" if known else purpose, reason, amount)]
        if statement and line
        else []
    )
    results = give(request, decide_bank_lines, wanted, _decided)
    return back(request, reverse("bank"), results)


def _together(request: Request, rows: list[RowIn]) -> HttpResponse:
    purpose, reason = clean(request.POST.get("purpose")), clean(request.POST.get("reason"))
    shown = {
        (one.statement, one.number): f"{one.statement_number} · {fmt.money(one.amount_minor, one.currency)}"
        for one in bank_queries.lines(
            request.reader.company.id,
            waiting=True,
            limit=WAITING_SHOWN_MAX,
            after=_line_place_in(request.POST.get("lines_after")),
        )
    }
    wanted = [
        DecideBankLine(one.document, one.number, None, purpose, reason, _seen(one.also)) for one in rows
    ]
    results = give(request, decide_bank_lines, wanted, _decided, names=names_of(rows, shown))
    return back(request, reverse("bank"), results)


def _decided(n: int) -> str:
    return ngettext("The line is decided.", "%(n)s lines are decided.", n) % {"n": fmt.number(n)}


def _seen(text: str) -> int | None:
    """What a line was over on the page, below zero where money left."""
    amount = int_in(text.removeprefix("-"))
    return -amount if amount is not None and text.startswith("-") else amount


@require_POST
@console
def split(request: Request) -> HttpResponse:
    """A line in parts: an amount on each line of a text, in the currency of the statement."""
    company, where = request.reader.company.id, reverse("bank")
    statement, line = uuid_in(request.POST.get("statement")), int_in(request.POST.get("line"))
    currency = bank_queries.currency_of(company, statement) if statement else ""
    parts = amounts_in(request, "amounts", currency)
    if parts is None:
        return back(request, where, [], field="amounts")
    wanted = [SplitBankLine(statement, line, parts)] if statement and line else []
    results = give(request, split_bank_lines, wanted, lambda _: gettext("The line is split; its parts wait."))
    return back(request, where, results)
