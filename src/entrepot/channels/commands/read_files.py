"""Keep what the worker read in a file of orders, ready to be taken in batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.channels.commands.import_files import PRIORITY, QUEUE, ImportNow, as_words, packed
from entrepot.channels.spreadsheet.importer import Wanted, batches
from entrepot.channels.spreadsheet.parse import Wrong
from entrepot.channels.states import FILE_IMPORT
from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event

BATCH = 200
"""Orders of a transaction: some seconds, after which the page tells more and a withdrawal is heeded."""
FAULTS = 2_000
"""Faults of the file that are kept in one row: each may have some in every row, and a row can't be of any size."""


@dataclass(frozen=True, slots=True)
class NoteReading:
    """What a file holds: its columns, its orders without a fault, its faults, the sheet that was read, those that were
    not, the one that was chosen or is remembered, and fields whose remembered column it lacks. Or the `problem`, in
    what it is, what was expected and what was found, for which it can't be read."""

    file: UUID
    header: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    orders: int = 0
    wanted: tuple[Wanted, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    repeated: tuple[int, ...] = ()
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    usual_sheet: str = ""
    lost: tuple[tuple[str, str], ...] = ()
    problem: tuple[str, str, str] | None = None
    key: str | None = None


@command("channels.note_readings")
def note_readings(cause: Cause, /, *, requests: Sequence[NoteReading]) -> list[ImportNow | Refused]:
    """Keep what files hold, their orders in batches, and forget the files themselves; make them ready for their first
    batch. One without an order that could be placed is done.

    Locks: the files in id order. Refuses: NotFound, WrongState (it was read or withdrawn meanwhile).
    Again: by key; without one, WrongState. 3 statements for any number.
    """
    found = sql.run(_LOCK, {"files": [one.file for one in requests]})
    files = {which: (company, state) for which, company, state in found}
    answers: list[ImportNow | Refused] = []
    read: list[tuple[object, ...]] = []
    parts: list[tuple[object, ...]] = []
    for one in requests:
        if one.file not in files:
            answers.append(NotFound(what="file of orders", which=str(one.file)))
            continue
        company, before = files[one.file]
        state = FILE_IMPORT.step(before, _event(one))
        if isinstance(state, Refused):
            answers.append(state)
            continue
        files[one.file] = company, state
        read.append((
            one.file, state, _problem(one), wire.dump(one.header),
            wire.dump(dict(one.columns)), wire.dump(one.repeated), one.rows, one.orders, len(one.wanted),
            wire.dump({
                "sheet": one.sheet, "other_sheets": one.other_sheets, "usual_sheet": one.usual_sheet,
                "lost": dict(one.lost),
            }),
        ))  # fmt: skip
        parts += _parts(one)
        facts = {"orders": len(one.wanted), "rows": one.rows}
        announce(cause, [Event("file_import", one.file, company, before, state, payload=facts)])
        answers.append(ImportNow(one.file, state, 0))
    if read:
        sql.change(_READ, sql.columns(_NAMES, read) | {"at": cause.at})
        sql.write("channels_filebatch", _PART, parts)
    offer(QUEUE, [
        (one.file, PRIORITY, cause.at) for one in answers if isinstance(one, ImportNow) and one.state == "asked"
    ])  # fmt: skip
    return answers


def _event(one: NoteReading) -> str:
    if one.problem:
        return "refuse"
    return "read" if one.wanted else "end"


def _problem(one: NoteReading) -> str | None:
    return wire.dump([*map(as_words, one.problem)]) if one.problem else None


def _parts(one: NoteReading) -> list[tuple[object, ...]]:
    """Rows of a file: its faults under 0 and below, then its orders."""
    faults = [packed(fault) for fault in one.wrong]
    parts: list[tuple[object, ...]] = [
        (ids.uuid7(), one.file, -number, 0, None, "[]", wire.dump(faults[start : start + FAULTS]))
        for number, start in enumerate(range(0, len(faults), FAULTS))
    ]
    parts += [
        (ids.uuid7(), one.file, number, len(batch), wire.dump(batch), None, None)
        for number, batch in enumerate(batches(one.wanted, BATCH), 1)
    ]
    return parts


_PART = ("id", "import_id", "number", "size", "orders", "outcomes", "wrong")
_NAMES = (
    "files", "states", "problems", "headers", "columns", "repeated", "rows", "orders", "wanted",
    "noticed",
)  # fmt: skip

_LOCK = """
SELECT id, company_id::int, state FROM channels_fileimport WHERE id = ANY(%(files)s::uuid[]) ORDER BY id FOR UPDATE
"""

_READ = """
UPDATE channels_fileimport AS f
SET state = d.state, problem = d.problem::jsonb, header = d.header::jsonb, columns = d.columns::jsonb,
    repeated = d.repeated::jsonb, noticed = d.noticed::jsonb, rows = d.rows, orders = d.orders,
    wanted = d.wanted, content = NULL,
    ended_at = CASE WHEN d.state <> 'asked' THEN %(at)s::timestamptz END
FROM unnest(%(files)s::uuid[], %(states)s::text[], %(problems)s::text[], %(headers)s::text[], %(columns)s::text[],
            %(repeated)s::text[], %(rows)s::int[], %(orders)s::int[], %(wanted)s::int[],
            %(noticed)s::text[])
     AS d(file, state, problem, header, columns, repeated, rows, orders, wanted, noticed)
WHERE f.id = d.file
"""
