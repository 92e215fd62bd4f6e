"""The books as files that independent programs read: Beancount, the journal as CSV, a standard audit file."""

from __future__ import annotations

from collections.abc import Iterable
from io import TextIOWrapper
from typing import TextIO, cast

from django.http import Http404, HttpResponse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from entrepot.insight import book_files, ledger_export
from entrepot.ledger import queries
from entrepot.web import format as fmt
from entrepot.web.as_csv import CSV, new_file, sent
from entrepot.web.as_file import Making, left_to_worker, making_of
from entrepot.web.edge import Request, console, int_in, page

TYPES = {"beancount": "text/plain; charset=utf-8", "journal": CSV, "saft": "application/xml"}
TOLD = {
    "beancount": gettext_lazy("The journal in Beancount's format, a transaction for each entry."),
    "journal": gettext_lazy("The journal as CSV, a row for each line."),
    "saft": gettext_lazy("A standard audit file (SAF-T, structure of OECD 2.0), with opening and closing balances."),
}  # fmt: skip


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Which files there are, and of which years."""
    company = request.reader.company.id
    years = sorted({one.year for one in queries.months(company=company)}, reverse=True)
    return page(request, "web/book_files.html", {"formats": TOLD, "years": years}, area="month")


@require_safe
@console
def file(request: Request, kind: str) -> HttpResponse:
    """A file of the company's books, of a year or of all; the worker makes it, however short it is."""
    year = int_in(request.GET.get("year"))
    first, last = book_files.YEARS
    if kind not in book_files.FORMATS or (year is not None and not first <= year <= last):
        raise Http404
    making = making_of(request)
    if making is None:
        text = gettext("The worker makes the file. It will be here, for you alone, for a day.")
        return left_to_worker(request, "books", kind, text)
    company, now = request.reader.company, fmt.reading().now
    name = f"{company.code}-{kind}-{year or 'all'}-{now:%Y-%m-%d}.{book_files.FORMATS[kind]}"
    whole = new_file()
    try:
        text_file = TextIOWrapper(whole, "utf-8", newline="")
        out = cast("TextIO", _Heard(text_file, making))
        rows = book_files.write(kind, out, ledger_export.span(company.id, year), now)
        text_file.detach()
    except BaseException:
        whole.close()  # half a file is nobody's
        raise
    making.what, making.format, making.told = "journal", kind, rows
    return sent(whole, name, TYPES[kind])


class _Heard:
    """A file that tells with each piece how far it is, and ends where it is not wanted any more."""

    def __init__(self, out: TextIO, making: Making) -> None:
        self.out, self.making = out, making

    def write(self, text: str) -> int:
        self.making.heard(self.making.rows + text.count("\n"))
        return self.out.write(text)

    def writelines(self, pieces: Iterable[str]) -> None:
        for one in pieces:
            self.write(one)
