"""Have files of orders with many rows read by the worker, and then taken in batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.channels.spreadsheet import contract
from entrepot.channels.spreadsheet.importer import Outcome
from entrepot.channels.spreadsheet.parse import Wrong
from entrepot.channels.states import FILE_IMPORT
from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event

QUEUE = "import.files"
PRIORITY = 1
"""Of files in their queue: the one that came first is through first."""


@dataclass(frozen=True, slots=True)
class AskImport:
    """A file as it came, and the columns that somebody chose for its fields; without any, those that were remembered
    for the channel, and what their headers say. `sheet` is read of a workbook, '': the first that can hold orders;
    None: as it is remembered. With `tries` all of it is carried out and undone."""

    company: int
    channel: str
    name: str
    tries: bool
    content: bytes
    columns: tuple[tuple[str, str], ...] = ()
    sheet: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ImportNow:
    """A file that the worker takes in, the state that it is in, and how many of its orders are done."""

    file: UUID
    state: str
    done: int


@command("channels.ask_imports")
def ask_imports(cause: Cause, /, *, requests: Sequence[AskImport]) -> list[ImportNow | Refused]:
    """Have files read, and tried or placed, by the worker; what they hold is kept until it is read.

    Locks: nothing. Refuses: NotFound (channel), Invalid (nothing in it, or more than a file may have). Again: by key;
    without one, the file is taken in a second time, and finds its orders placed. 2 statements for any number.
    """
    found = sql.run(
        _CHANNELS, sql.columns(("companies", "codes"), [(one.company, one.channel) for one in requests])
    )
    channels = {(company, code): channel for company, code, channel in found}
    answers: list[ImportNow | Refused] = []
    files: list[tuple[object, ...]] = []
    for one in requests:
        channel = channels.get((one.company, one.channel))
        if channel is None:
            answers.append(NotFound(what="channel", which=one.channel))
            continue
        if not 0 < len(one.content) <= contract.BYTES_MAX:
            expected = Said("at most {0} bytes, and one at least", contract.BYTES_MAX)
            answers.append(Invalid(field="file", expected=expected, found=len(one.content)))
            continue
        file = ids.uuid7()
        chosen = wire.dump(dict(one.columns)) if one.columns else None
        files.append((
            file, one.company, channel, one.name, one.tries, one.content, chosen, one.sheet, "[]", "{}", "[]", 0, 0, 0,
            "{}", cause.actor.name, cause.at,
        ))  # fmt: skip
        facts = {"file": one.name, "tries": one.tries}
        announce(cause, [Event("file_import", file, one.company, after=FILE_IMPORT.initial, payload=facts)])
        answers.append(ImportNow(file, FILE_IMPORT.initial, 0))
    sql.write("channels_fileimport", _FILE, files)
    offer(QUEUE, [(one.file, PRIORITY, cause.at) for one in answers if isinstance(one, ImportNow)])
    return answers


@dataclass(frozen=True, slots=True)
class NoteBatch:
    """What became of the orders of a batch."""

    file: UUID
    number: int
    outcomes: tuple[Outcome, ...]
    wrong: tuple[Wrong, ...] = ()
    key: str | None = None


class _File(NamedTuple):
    company: int
    state: str
    wanted: int
    done: int
    placed: int
    duplicates: int
    held: int
    totals: Mapping[str, int]


@command("channels.note_batches")
def note_batches(cause: Cause, /, *, requests: Sequence[NoteBatch]) -> list[ImportNow | Refused]:
    """Keep what became of batches, forget what the file said of them, and make files ready for their next one. A file
    that was withdrawn meanwhile is told of what was placed all the same, and goes no further.

    Locks: the files in id order. Refuses: NotFound (no such file; no such batch that is not noted yet).
    Again: by key; without one, NotFound. 4 statements for any number.
    """
    found = sql.run(_LOCK, {"files": [one.file for one in requests]})
    files = {row[0]: _File(*row[1:]) for row in found}
    pairs = sql.columns(("files", "numbers"), [(one.file, one.number) for one in requests])
    waiting = {(file, number): size for file, number, size in sql.run(_WAITING, pairs)}
    answers: list[ImportNow | Refused] = []
    rows: list[tuple[object, ...]] = []
    for one in requests:
        file, size = files.get(one.file), waiting.pop((one.file, one.number), None)
        if file is None or size is None:
            answers.append(NotFound(what="batch that is not noted yet", which=f"{one.file} {one.number}"))
            continue
        after = files[one.file] = _counted(file, one.outcomes, size)
        faults = [packed(fault) for fault in one.wrong]
        rows.append((one.file, one.number, wire.dump(one.outcomes), wire.dump(faults)))
        if after.state != file.state:
            facts = {"placed": after.placed, "duplicates": after.duplicates}
            announce(
                cause, [Event("file_import", one.file, file.company, file.state, after.state, payload=facts)]
            )
        answers.append(ImportNow(one.file, after.state, after.done))
    if rows:
        sql.change(_NOTE, sql.columns(("files", "numbers", "outcomes", "faults"), rows))
        told = {one.file for one in answers if isinstance(one, ImportNow)}
        sql.change(_COUNT, _counts(files, told) | {"at": cause.at})
        more = [file for file in told if files[file].state == "asked"]
        offer(QUEUE, [(file, PRIORITY, cause.at) for file in more])
    return answers


def _counted(file: _File, outcomes: Sequence[Outcome], size: int) -> _File:
    """A file with a batch more."""
    fresh = [one for one in outcomes if one.status != "duplicate"]
    totals = Counter(file.totals)
    for one in fresh:
        totals[one.currency] += one.total_minor
    done = file.done + size
    ends = file.state == "asked" and done >= file.wanted
    return _File(
        file.company, "done" if ends else file.state, file.wanted, done, file.placed + len(fresh),
        file.duplicates + len(outcomes) - len(fresh), file.held + sum(bool(one.holds) for one in fresh), totals,
    )  # fmt: skip


def _counts(files: Mapping[UUID, _File], told: set[UUID]) -> dict[str, list[Any]]:
    names = ("files", "states", "dones", "placed", "duplicates", "helds", "totals")
    return sql.columns(names, [
        (which, one.state, one.done, one.placed, one.duplicates, one.held, wire.dump(dict(one.totals)))
        for which, one in files.items() if which in told
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class WithdrawImport:
    """The rest of the file is not wanted any more. What was placed stays placed."""

    file: UUID
    key: str | None = None


@command("channels.withdraw_imports")
def withdraw_imports(cause: Cause, /, *, requests: Sequence[WithdrawImport]) -> list[ImportNow | Refused]:
    """Files that are not through yet are read and go no further, and what they said of the rest is forgotten. A batch
    that is being placed meanwhile is placed whole, and counted.

    Locks: the files in id order. Refuses: NotFound, WrongState (it is done, unreadable or withdrawn).
    Again: by key; without one, WrongState. 3 statements for any number.
    """
    files = {row[0]: _File(*row[1:]) for row in sql.run(_LOCK, {"files": [one.file for one in requests]})}
    answers: list[ImportNow | Refused] = []
    withdrawn: list[UUID] = []
    for one in requests:
        file = files.get(one.file)
        if file is None:
            answers.append(NotFound(what="file of orders", which=str(one.file)))
            continue
        state = FILE_IMPORT.step(file.state, "withdraw")
        if isinstance(state, Refused):
            answers.append(state)
            continue
        files[one.file] = file._replace(state=state)
        withdrawn.append(one.file)
        facts = {"placed": file.placed, "left": file.wanted - file.done}
        announce(cause, [Event("file_import", one.file, file.company, file.state, state, payload=facts)])
        answers.append(ImportNow(one.file, state, file.done))
    if withdrawn:
        sql.change(_WITHDRAW, {"files": withdrawn, "at": cause.at})
        sql.change(_FORGET, {"files": withdrawn})
    return answers


def packed(fault: Wrong) -> dict[str, object]:
    """A fault as JSON, such that a page can still tell its words in each language."""
    return {
        "row": fault.row, "column": fault.column, "order": fault.order,
        "expected": as_words(fault.expected), "found": as_words(fault.found),
    }  # fmt: skip


def as_words(fact: str) -> str | list[str]:
    """A fact as JSON: words with their own facts apart."""
    return [fact.says, *map(str, fact.facts)] if isinstance(fact, Said) else fact


_FILE = (
    "id", "company_id", "channel_id", "name", "tries", "content", "chosen", "sheet", "header", "columns", "repeated",
    "rows", "orders", "wanted", "totals", "asked_by", "asked_at",
)  # fmt: skip

_CHANNELS = """
SELECT c.company_id::int, c.code, c.id
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN network_channel AS c ON c.company_id = d.company AND c.code = d.code
"""

_LOCK = """
SELECT id, company_id::int, state, wanted, done, placed, duplicates, held, totals FROM channels_fileimport
WHERE id = ANY(%(files)s::uuid[]) ORDER BY id FOR UPDATE
"""

_WAITING = """
SELECT b.import_id, b.number, b.size
FROM unnest(%(files)s::uuid[], %(numbers)s::int[]) AS d(file, number)
JOIN channels_filebatch AS b ON b.import_id = d.file AND b.number = d.number
WHERE b.outcomes IS NULL
"""

_NOTE = """
UPDATE channels_filebatch AS b SET orders = NULL, outcomes = d.outcomes::jsonb, wrong = d.faults::jsonb
FROM unnest(%(files)s::uuid[], %(numbers)s::int[], %(outcomes)s::text[], %(faults)s::text[])
     AS d(file, number, outcomes, faults)
WHERE b.import_id = d.file AND b.number = d.number
"""

_COUNT = """
UPDATE channels_fileimport AS f
SET state = d.state, done = d.done, placed = d.placed, duplicates = d.duplicates, held = d.held,
    totals = d.totals::jsonb, ended_at = CASE WHEN d.state = 'done' THEN %(at)s::timestamptz ELSE f.ended_at END
FROM unnest(%(files)s::uuid[], %(states)s::text[], %(dones)s::int[], %(placed)s::int[], %(duplicates)s::int[],
            %(helds)s::int[], %(totals)s::text[]) AS d(file, state, done, placed, duplicates, held, totals)
WHERE f.id = d.file
"""

_WITHDRAW = """
UPDATE channels_fileimport SET state = 'withdrawn', content = NULL, ended_at = %(at)s::timestamptz
WHERE id = ANY(%(files)s::uuid[])
"""

_FORGET = """
UPDATE channels_filebatch SET orders = NULL WHERE import_id = ANY(%(files)s::uuid[]) AND orders IS NOT NULL
"""
