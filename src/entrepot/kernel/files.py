"""Files that take longer than anybody waits for: the worker makes them, and keeps them a day for who asked alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, NamedTuple
from uuid import UUID

from django.db import transaction

from entrepot.kernel import sql, worker
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.kernel.exports import ExportNoted, NoteExport, note_exports

MAKE = "kernel.make_files"
KEPT = timedelta(days=1)
"""What a file says of people stands in the house a second time for no longer than this."""
PART = 1_000_000
"""Bytes of a row."""
PARTS_AT_ONCE = 8
"""Rows of one statement, so that a long file is never whole in memory."""
TRIES = 3
"""How often a file is made where people are erased meanwhile."""


@dataclass(frozen=True, slots=True)
class MakeFile:
    """A file as its page would answer it to whoever asks: the address, and in which language and zone they read."""

    company: int
    address: str
    accepts: str = ""
    language: str = ""
    zone: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FileMade:
    """A file with so many rows and bytes, and until when it can be taken."""

    file: UUID
    rows: int
    size: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """What a maker hands over: what is in the file, its format and rows, its name and type, and its bytes."""

    what: str
    format: str
    rows: int
    name: str
    type: str
    content: IO[bytes]


class ErasedMeanwhile(Refused):
    """Whoever was erased while a file was being made stood in it, perhaps."""

    code = "kernel.erased_meanwhile"
    says = (
        "People were erased while this file was being made, {tries} times in a row, so it was not kept. Ask for it"
        " again in a while."
    )


Make = Callable[[Cause, MakeFile], Made | Refused]
PAGE = "page"
"""What makes files, as the room that can says of itself: see `worker.makers`."""


@command(MAKE)
def make_files(cause: Cause, /, *, requests: Sequence[MakeFile]) -> list[FileMade | Refused]:
    """Make files of pages in the name of whoever asks, with what they may see then, and keep them for a day for them
    alone. Each is noted in the audit trail, as one that is taken at once. What was read before somebody was erased is
    not kept: it is made anew.

    Locks: the files of the companies, shared, from when they are made: an erasure waits until they are kept, and drops
    them. Refuses: what the page refuses; kernel.erased_meanwhile. Again: by key; without one it is a file of its own. 6
    statements for any number, 4 for each time that somebody was erased meanwhile, and one for every further 8 MB.
    """
    answers: list[FileMade | Refused] = []
    rows: list[tuple[object, ...]] = []
    parts: list[tuple[UUID, int, bytes]] = []
    for one, made in zip(requests, _made(cause, requests), strict=True):
        if isinstance(made, Refused):
            answers.append(made)
            continue
        (noted,) = note_exports(cause, requests=[NoteExport(one.company, made.what, made.format, made.rows)])
        assert isinstance(noted, ExportNoted)
        which, size, until = noted.export, 0, cause.at + KEPT
        for place, content in enumerate(_parts(made.content)):
            size += len(content)
            parts.append((which, place, content))
            if len(parts) == PARTS_AT_ONCE:
                sql.write("kernel_filepart", _PART, parts)
                parts = []
        rows.append(
            (which, one.company, cause.actor.name, made.name, made.type, made.rows, size, cause.at, until)
        )
        answers.append(FileMade(which, made.rows, size, until))
    sql.write("kernel_filepart", _PART, parts)
    sql.write("kernel_file", _FILE, rows)
    return answers


def _made(cause: Cause, requests: Sequence[MakeFile]) -> list[Made | Refused]:
    """What the pages answer, all of it read after the last erasure of its company."""
    make: Make = worker.makers()[PAGE]
    answers: list[Made | Refused] = [ErasedMeanwhile(tries=TRIES) for _ in requests]
    read_after: list[int | None] = [None] * len(requests)
    stale = list(range(len(requests)))
    for _ in range(TRIES):
        erased = _erasures(one.company for one in requests)
        for place in stale:
            read_after[place] = erased.get(requests[place].company)
            answers[place] = make(cause, requests[place])
        stale = _stale(requests, read_after)
        if not stale:
            break
        for place in stale:
            left, answers[place] = answers[place], ErasedMeanwhile(tries=TRIES)
            if isinstance(left, Made):
                left.content.close()
    return answers


class _MadeAnew(Exception):  # noqa: N818  not an error: it lets go of the lock
    pass


def _stale(requests: Sequence[MakeFile], read_after: Sequence[int | None]) -> list[int]:
    """Which were read before an erasure. Where there are none, nobody of their companies is erased from here on until
    they are kept; where there are some, the erasures of the next try are waited for, and not they for it."""
    companies = {one.company for one in requests}
    stale: list[int] = []
    try:
        with transaction.atomic():
            sql.run(_LOCK_SHARED, {"companies": sorted(companies)})
            now = _erasures(companies)
            stale = [n for n, one in enumerate(requests) if now.get(one.company) != read_after[n]]
            if stale:
                raise _MadeAnew
    except _MadeAnew:
        pass
    return stale


def _erasures(companies: Iterable[int]) -> dict[int, int]:
    """How often all files of each company were dropped, of those where it ever was."""
    return dict(sql.run(_ERASURES, {"companies": sorted(set(companies))}))  # type: ignore[arg-type]


def _parts(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        while part := content.read(PART):
            yield part


@dataclass(frozen=True, slots=True)
class DropFiles:
    """Files of a company that could be taken until a moment, or all of them: what they say is not to be kept."""

    company: int
    before: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FilesDropped:
    files: int


@command("kernel.drop_files")
def drop_files(cause: Cause, /, *, requests: Sequence[DropFiles]) -> list[FilesDropped | Refused]:
    """Files gone with their bytes; that they were made stays in the audit trail. Where it is all of a company, what is
    being made of it meanwhile is not kept either.

    Locks: the files of companies of which all go, then the files in id order. Refuses: nothing. Again: there are none
    any more. 3 statements for any number.
    """
    whole = sorted({one.company for one in requests if one.before is None})
    if whole:
        # A statement of its own each: what was kept while the lock was waited for is to be seen.
        sql.run(_LOCK, {"companies": whole})
        sql.run(_COUNT, {"companies": whole})
    wanted = sql.columns(
        ("places", "companies", "befores"), [(n, one.company, one.before) for n, one in enumerate(requests)]
    )
    gone = sql.run(_DROP, wanted) if requests else []
    announce(cause, [
        Event("export", which, company, "exported", "dropped", cause.at, {}, cause.reason) for which, company, _ in gone
    ])  # fmt: skip
    return [FilesDropped(sum(place == n for *_, place in gone)) for n in range(len(requests))]


# ---- what is asked of files


class KeptFile(NamedTuple):
    """A file that can be taken."""

    id: UUID
    name: str
    type: str
    rows: int
    size: int
    until: datetime


def kept(company: int, which: UUID, *, by: str, now: datetime) -> KeptFile | None:
    """A file of whoever asked for it, as long as it is kept; to everybody else there is none. 1 statement."""
    found = sql.run(_KEPT, {"company": company, "file": which, "by": by, "now": now})
    return KeptFile(*found[0]) if found else None


def content(which: UUID) -> Iterator[bytes]:
    """The bytes of a file, part by part. 1 statement each."""
    place = 0
    while found := sql.run(_CONTENT, {"file": which, "place": place}):
        yield bytes(found[0][0])
        place += 1


_FILE = ("id", "company_id", "asked_by", "name", "type", "rows", "size", "made_at", "until")
_PART = ("file_id", "place", "content")

_LOCK_SHARED = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('kernel.files', company))
FROM unnest(%(companies)s::bigint[]) AS d(company)
"""

_LOCK = _LOCK_SHARED.replace("_shared", "")

_ERASURES = """
SELECT company_id::int, times FROM kernel_fileerasure WHERE company_id = ANY(%(companies)s::smallint[])
"""

_COUNT = """
INSERT INTO kernel_fileerasure AS e (company_id, times)
SELECT company, 1 FROM unnest(%(companies)s::smallint[]) AS d(company)
ON CONFLICT (company_id) DO UPDATE SET times = e.times + 1
"""

_DROP = """
WITH which AS (
    SELECT f.id, min(w.place) AS place
    FROM unnest(%(places)s::int[], %(companies)s::smallint[], %(befores)s::timestamptz[]) AS w(place, company, before)
    JOIN kernel_file AS f ON f.company_id = w.company AND (w.before IS NULL OR f.until <= w.before) GROUP BY f.id
),
locked AS (SELECT f.id FROM kernel_file AS f WHERE f.id IN (SELECT id FROM which) ORDER BY f.id FOR UPDATE),
parts AS (DELETE FROM kernel_filepart AS p USING locked AS l WHERE p.file_id = l.id),
gone AS (DELETE FROM kernel_file AS f USING locked AS l WHERE f.id = l.id RETURNING f.id, f.company_id)
SELECT g.id, g.company_id::int, w.place FROM gone AS g JOIN which AS w USING (id) ORDER BY g.id
"""

_KEPT = """
SELECT id, name, type, rows, size, until FROM kernel_file
WHERE id = %(file)s::uuid AND company_id = %(company)s::smallint AND asked_by = %(by)s
  AND until > %(now)s::timestamptz
"""

_CONTENT = "SELECT content FROM kernel_filepart WHERE file_id = %(file)s::uuid AND place = %(place)s::int"
