"""A filtered list as a file: every row of it, not only the page that is shown."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, cast
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import get_language, override

from entrepot.kernel.exports import NoteExport, as_oneself, note_exports
from entrepot.web import format as fmt
from entrepot.web import xlsx
from entrepot.web.as_csv import CSV, as_csv, csv_written
from entrepot.web.edge import Request, cause_of
from entrepot.web.listing import Listing

STEP = 5_000
"""Rows that one statement fetches."""
MOST = 50_000
"""Rows of a file that are read at once."""
READ_MOST = 200_000
"""Rows of a file that are read step by step; whoever needs more filters by time, or asks the API."""
KINDS = ("csv", "xlsx")


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
    kind, columns, left = request.GET["format"], list(listing.cells), iter(told)
    name, first = f"{listing.name}-{fmt.reading().now:%Y-%m-%d}", list(islice(left, STEP + 1))
    if len(first) > STEP:
        long = _streamed(request, listing, name, _batches(chain(first, left)))
        return cast("HttpResponse", long)  # to whoever hands it on it is one
    (rows,) = _cells(listing, iter([first]))
    note(request, listing.name, kind, len(rows))
    return as_csv(name, columns, rows) if kind == "csv" else as_xlsx(name, columns, rows)


def note(request: Request, what: str, kind: str, rows: int, about: UUID | None = None) -> None:
    """Write into the audit trail that somebody took a file."""
    wanted = NoteExport(request.reader.company.id, what, kind, rows, about)
    note_exports(as_oneself(cause_of(request)), requests=[wanted])


def _all(fetch: Callable[[Any, int], Sequence[Any]], key: Callable[[Any], Any]) -> Iterator[Any]:
    after, left = None, READ_MOST
    while left:
        step = min(STEP, left)
        rows = fetch(after, step)
        yield from rows
        if len(rows) < step:
            return
        after, left = key(rows[-1]), left - step


def as_xlsx(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """Rows that are at hand as a spreadsheet."""
    response = HttpResponse(b"".join(xlsx.written(name, columns, [list(rows)])), content_type=xlsx.TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


# ---- files that go out as their rows are read


def _streamed(
    request: Request, listing: Listing, name: str, batches: Iterator[Sequence[Any]]
) -> StreamingHttpResponse:
    """A long file: it begins at once, the browser shows how far it is and can stop it, and it never stands in memory
    whole. One that breaks off is told as failed, so that nobody takes it for whole."""
    kind, columns = request.GET["format"], list(listing.cells)
    rows = _noted(request, listing, _cells(listing, batches))
    written = csv_written(columns, rows) if kind == "csv" else xlsx.written(name, columns, rows)
    response = StreamingHttpResponse(_as_read(written), content_type=CSV if kind == "csv" else xlsx.TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response["X-Accel-Buffering"] = "no"
    return response


def _as_read(written: Generator[bytes]) -> Iterator[bytes]:
    """Each piece made as whoever asked reads: by then their request is over, and its thread's own way holds again."""
    reading, language = fmt.reading(), get_language()

    def pieces() -> Iterator[bytes]:
        try:
            while True:
                with fmt.read_by(reading), override(language):
                    piece = next(written, None)
                if piece is None:
                    return
                yield piece
        finally:
            written.close()  # what it noted is written

    return pieces()


def _cells(listing: Listing, batches: Iterator[Sequence[Any]]) -> Iterator[list[list[Any]]]:
    for batch in batches:
        yield [[cell(row) for cell in listing.cells.values()] for row in batch]


def _noted(
    request: Request, listing: Listing, batches: Iterator[list[list[Any]]]
) -> Iterator[list[list[Any]]]:
    """The first rows are noted in the audit trail before they go out, and the others once they have, however far it
    came."""
    kind, more = request.GET["format"], 0
    first = next(batches)
    note(request, listing.name, kind, len(first))
    yield first
    try:
        for batch in batches:
            more += len(batch)
            yield batch
    finally:
        if more:
            note(request, listing.name, kind, more)


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(rows, STEP)):
        yield batch
