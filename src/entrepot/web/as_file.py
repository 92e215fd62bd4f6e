"""A filtered list as a file: every row of it, not only the page that is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import SEEK_END
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext

from entrepot.kernel import sql
from entrepot.kernel.exports import NoteExport, as_oneself, note_exports
from entrepot.web import format as fmt
from entrepot.web import xlsx
from entrepot.web.as_csv import as_csv, new_file, sent
from entrepot.web.edge import Request, cause_of
from entrepot.web.listing import Listing

STEP = 5_000
"""Rows that one statement fetches."""
IN_HAND_MAX = 200_000
"""Rows of a list that has no index and is put in order in memory, and so can't be a file of any length."""
KINDS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def as_file(
    request: Request, listing: Listing, fetch: Callable[[Any, int], Sequence[Any]], key: Callable[[Any], Any]
) -> HttpResponse | None:
    """What `format` asks for: `csv` or `xlsx`; None where it asks for a page.

    `fetch` gives so many rows behind the one whose `key` is given, None for the first; one statement each STEP rows,
    all of one moment, and in memory no more than those of one.
    """
    if not is_file(request):
        return None
    with sql.one_moment():
        file, rows = _written(request, listing, _all(fetch, key))
    return _noted(request, listing, file, rows)


def is_file(request: Request) -> bool:
    """Whether a file is asked for, and not a page."""
    return request.GET.get("format") in KINDS


def rows_as_file(request: Request, listing: Listing, told: Iterable[Any]) -> HttpResponse | None:
    """The same of rows that are at hand, or that are read only where a file is asked for."""
    if not is_file(request):
        return None
    return _noted(request, listing, *_written(request, listing, told))


def note(request: Request, what: str, kind: str, rows: int, about: UUID | None = None) -> None:
    """Write into the audit trail that somebody took a file."""
    wanted = NoteExport(request.reader.company.id, what, kind, rows, about)
    note_exports(as_oneself(cause_of(request)), requests=[wanted])


def table_as_file(
    request: Request, kind: str, what: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> HttpResponse:
    """A table that is no list of the house, as a file of one of KINDS."""
    count = 0

    def counted() -> Iterator[Sequence[Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    file = (as_csv if kind == "csv" else as_xlsx)(what, columns, counted())
    note(request, what, kind, count if kind == "csv" else xlsx.told_of(count))
    return file


def _written(request: Request, listing: Listing, told: Iterable[Any]) -> tuple[HttpResponse, int]:
    """The file, and how many rows it has."""
    kind, count = request.GET["format"], 0

    def cells() -> Iterator[list[Any]]:
        nonlocal count
        for row in told:
            count += 1
            yield [cell(row) for cell in listing.cells.values()]

    name = f"{listing.name}-{fmt.reading().now:%Y-%m-%d}"
    file = (as_csv if kind == "csv" else as_xlsx)(name, list(listing.cells), cells())
    return file, count if kind == "csv" else xlsx.told_of(count)


def _noted(request: Request, listing: Listing, file: HttpResponse, rows: int) -> HttpResponse:
    note(request, listing.name, request.GET["format"], rows)
    return file


def _all(fetch: Callable[[Any, int], Sequence[Any]], key: Callable[[Any], Any]) -> Iterator[Any]:
    after = None
    while True:
        rows = fetch(after, STEP)
        yield from rows
        if len(rows) < STEP:
            return
        after = key(rows[-1])


def as_xlsx(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """Rows under a head that stays in sight; text stays text, and times are those of the reader's zone."""
    told = gettext("There are more rows than a workbook holds. The file as CSV has all of them.")
    out = new_file()
    xlsx.write(out, name, columns, rows, zone=fmt.reading().zone, more=told)
    out.seek(0, SEEK_END)
    return sent(out, f"{name}.xlsx", XLSX)
