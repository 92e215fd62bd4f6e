"""A filtered list as a file: every row of it, not only the page that is shown."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import SEEK_END
from threading import Event
from typing import IO, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import get_language, gettext

from entrepot.kernel import files, jobs, sql
from entrepot.kernel.errors import Refused
from entrepot.kernel.exports import NoteExport, as_oneself, note_exports
from entrepot.web import format as fmt
from entrepot.web import xlsx
from entrepot.web.as_csv import as_csv, new_file, sent
from entrepot.web.edge import Request, cause_of
from entrepot.web.listing import Listing

STEP = 5_000
"""Rows that one statement fetches."""
AT_ONCE = 20_000
"""Rows of a file that its person waits for: a second or two. The worker makes longer ones."""
IN_HAND_MAX = 200_000
"""Rows of a list that has no index and is put in order in memory, and so can't be a file of any length."""
KINDS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class _TooLong(Exception):  # noqa: N818  not an error: the worker makes it
    """Ends a file that nobody waits for."""


class Stopped(Exception):  # noqa: N818  not an error: it was withdrawn, or its worker ends
    """Ends a file that nobody wants any more."""


@dataclass(slots=True)
class Making:
    """What the worker knows of a file while a page writes it, and what is told of it then."""

    stop: Event = field(default_factory=Event)
    rows: int = 0
    what: str = ""
    format: str = ""
    told: int = 0
    refused: Refused | None = None

    def heard(self, rows: int) -> None:
        self.rows = rows
        if self.stop.is_set():
            raise Stopped


def making_of(request: HttpRequest) -> Making | None:
    """What is told of the file where the worker makes it; None where a person waits for it."""
    return getattr(request, "making", None)


def as_file(
    request: Request, listing: Listing, fetch: Callable[[Any, int], Sequence[Any]], key: Callable[[Any], Any]
) -> HttpResponse | None:
    """What `format` asks for: `csv` or `xlsx`; None where it asks for a page.

    `fetch` gives so many rows behind the one whose `key` is given, None for the first; one statement each STEP rows,
    all of one moment, and in memory no more than those of one.
    """
    return rows_as_file(request, listing, _all(fetch, key))


def is_file(request: Request) -> bool:
    """Whether a file is asked for, and not a page."""
    return request.GET.get("format") in KINDS


def in_hand_max(request: Request) -> int:
    """Rows of a list in memory that may become a file now: one that is left to the worker is read by it."""
    return IN_HAND_MAX if making_of(request) or request.method != "GET" else AT_ONCE


def rows_as_file(request: Request, listing: Listing, told: Iterable[Any]) -> HttpResponse | None:
    """The same of rows that are at hand, or that are read only where a file is asked for."""
    if not is_file(request):
        return None
    name = f"{listing.name}-{fmt.reading().now:%Y-%m-%d}"
    cells = ([cell(row) for cell in listing.cells.values()] for row in told)
    return _file(request, request.GET["format"], listing.name, name, list(listing.cells), cells)


def note(request: Request, what: str, kind: str, rows: int, about: UUID | None = None) -> None:
    """Write into the audit trail that somebody took a file."""
    wanted = NoteExport(request.reader.company.id, what, kind, rows, about)
    note_exports(as_oneself(cause_of(request)), requests=[wanted])


def table_as_file(
    request: Request, kind: str, what: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> HttpResponse:
    """A table that is no list of the house, as a file of one of KINDS."""
    return _file(request, kind, what, what, columns, rows)


def _file(
    request: Request,
    kind: str,
    what: str,
    name: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> HttpResponse:
    """A file, and a note that it was taken; where it is too long to wait for, the page of the job that makes it.

    The worker notes it itself, once it is whole and still wanted.
    """
    making, count = making_of(request), 0

    def counted() -> Iterator[Sequence[Any]]:
        nonlocal count
        for row in rows:
            count += 1
            if making is not None:
                making.heard(count)
            elif count > AT_ONCE and request.method == "GET":
                raise _TooLong
            yield row

    try:
        with sql.one_moment(), _ended(rows):
            file = (as_csv if kind == "csv" else as_xlsx)(name, columns, counted())
    except _TooLong:
        return _left_to_worker(request, what, kind)
    taken = count if kind == "csv" else xlsx.told_of(count)
    if making is None:
        note(request, what, kind, taken)
    else:
        making.what, making.format, making.told = what, kind, taken
    return file


@contextmanager
def _ended(rows: Iterable[Any]) -> Iterator[None]:
    """Rows that come as they are read are read no further from here on: their cursor ends with its transaction."""
    try:
        yield
    finally:
        if isinstance(rows, Generator):
            rows.close()


def too_long(request: Request, listing: Listing, rows: int) -> HttpResponse | None:
    """Of a list in memory that has more rows than a file may now: the page of the job that makes it, or None where
    there are too many for the worker as well."""
    if rows <= in_hand_max(request):
        return None
    making = making_of(request)
    if making is None and request.method == "GET":
        return _left_to_worker(request, listing.name, request.GET["format"])
    if making is not None:
        making.refused = TooManyRows(rows=f"{IN_HAND_MAX:,}")
        return HttpResponse(status=409)
    return None


class TooManyRows(Refused):
    code = "web.too_many_rows"
    kind = "invalid"
    says = "The list has more than {rows} rows, which is too many for a file. Filter it first."


def is_made_of(response: HttpResponseBase) -> bool:
    """Whether a page answered a file."""
    return response.status_code == 200 and response.headers.get("Content-Disposition", "").startswith(
        "attachment"
    )


def _left_to_worker(request: Request, what: str, kind: str) -> HttpResponse:
    """Have the worker make the file that this address answers; who asks for it again meanwhile waits for the same."""
    told = gettext(
        "The list has more than %(rows)s rows: the worker makes the file. It will be here, for you alone, for a day."
    )
    return left_to_worker(request, what, kind, told % {"rows": fmt.number(AT_ONCE)})


def left_to_worker(request: Request, what: str, kind: str, told: str) -> HttpResponse:
    """The page of the job that makes the file that this address answers, under what its reader is `told`."""
    reader = request.reader
    address = f"{request.path_info}?{request.META.get('QUERY_STRING', '')}"
    wanted = files.MakeFile(
        reader.company.id, address, request.headers.get("Accept-Language", "")[:200], get_language() or "",
        request.COOKIES.get("zone", "")[:60],
    )  # fmt: skip
    job = jobs.asked_already(reader.company.id, reader.name, files.MAKE, wanted)
    if job is None:
        name = f"{what}.{kind}"
        asked = jobs.AskJob(reader.company.id, files.MAKE, (wanted,), (name,), name)
        (left,) = jobs.ask_jobs(as_oneself(cause_of(request, name)), requests=[asked])
        assert isinstance(left, jobs.JobNow)
        job = left.job
    messages.info(request, told)
    return redirect("job", which=job)


def _all(fetch: Callable[[Any, int], Sequence[Any]], key: Callable[[Any], Any]) -> Iterator[Any]:
    after = None
    while True:
        rows = fetch(after, STEP)
        yield from rows
        if len(rows) < STEP:
            return
        after = key(rows[-1])


def as_xlsx(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A workbook of rows, which a browser keeps."""
    return sent(xlsx_of(name, columns, rows), f"{name}.xlsx", XLSX)


def xlsx_of(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> IO[bytes]:
    """Rows under a head that stays in sight; text stays text, and times are those of the reader's zone."""
    told = gettext("There are more rows than a workbook holds. The file as CSV has all of them.")
    out = new_file()
    try:
        xlsx.write(out, name, columns, rows, zone=fmt.reading().zone, more=told)
    except BaseException:
        out.close()  # half a file is nobody's
        raise
    out.seek(0, SEEK_END)
    return out
