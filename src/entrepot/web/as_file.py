"""A filtered list as a file: every row of it, not only the page that is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from entrepot.kernel.exports import NoteExport, as_oneself, note_exports
from entrepot.web import format as fmt
from entrepot.web.as_csv import as_csv
from entrepot.web.edge import Request, cause_of
from entrepot.web.listing import Listing

STEP = 5_000
"""Rows that one statement fetches."""
MOST = 50_000
"""Rows of a file; whoever needs more filters by time, or asks the API."""
KINDS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def as_file(
    request: Request, listing: Listing, fetch: Callable[[Any, int], Sequence[Any]], key: Callable[[Any], Any]
) -> HttpResponse | None:
    """What `format` asks for: `csv` or `xlsx`; None where it asks for a page.

    `fetch` gives so many rows behind the one whose `key` is given, None for the first; one statement each STEP rows.
    """
    return rows_as_file(request, listing, _all(fetch, key))


def is_file(request: Request) -> bool:
    """Whether a file is asked for, and not a page."""
    return request.GET.get("format") in KINDS


def rows_as_file(request: Request, listing: Listing, told: Iterable[Any]) -> HttpResponse | None:
    """The same of rows that are at hand, or that are read only where a file is asked for."""
    if not is_file(request):
        return None
    kind, columns = request.GET["format"], list(listing.cells)
    rows = [[cell(row) for cell in listing.cells.values()] for row in told]
    note(request, listing.name, kind, len(rows))
    name = f"{listing.name}-{fmt.reading().now:%Y-%m-%d}"
    return as_csv(name, columns, rows) if kind == "csv" else as_xlsx(name, columns, iter(rows))


def note(request: Request, what: str, kind: str, rows: int, about: UUID | None = None) -> None:
    """Write into the audit trail that somebody took a file."""
    wanted = NoteExport(request.reader.company.id, what, kind, rows, about)
    note_exports(as_oneself(cause_of(request)), requests=[wanted])


def _all(fetch: Callable[[Any, int], Sequence[Any]], key: Callable[[Any], Any]) -> Iterator[Any]:
    after, left = None, MOST
    while left:
        step = min(STEP, left)
        rows = fetch(after, step)
        yield from rows
        if len(rows) < step:
            return
        after, left = key(rows[-1]), left - step


def as_xlsx(name: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> HttpResponse:
    """Rows under a head that stays in sight; text stays text, and times are those of the reader's zone."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(name[:31])
    sheet.freeze_panes = "A2"
    head = [WriteOnlyCell(sheet, value=one) for one in columns]
    for cell in head:
        cell.font = Font(bold=True)
    sheet.append(head)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    out = BytesIO()
    book.save(out)
    response = HttpResponse(out.getvalue(), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(fmt.reading().zone).replace(tzinfo=None)
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"  # never a formula, whatever it begins with
    return cell
