"""What is asked of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.channels.rules import MENDS
from entrepot.channels.spreadsheet import importer
from entrepot.channels.spreadsheet.importer import Outcome, Wanted
from entrepot.channels.spreadsheet.parse import Wrong
from entrepot.channels.spreadsheet.read import lost_sheet
from entrepot.channels.x12.purchase_order import Partner
from entrepot.kernel import policies, sql, wire
from entrepot.kernel.errors import Invalid, Refused, Said


class Remembered(NamedTuple):
    """Field → header, and the sheet of a workbook ('': the first that can hold orders), as saved for a channel's
    files."""

    columns: dict[str, str]
    sheet: str


def mapping(*, company: int, channel: str, name: str = "default") -> Remembered:
    """What is remembered of a channel's files; nothing where nothing ever was."""
    found = sql.run(_MAPPING, {"company": company, "channel": channel, "name": name})
    return Remembered(*found[0]) if found else Remembered({}, "")


_MAPPING = """
SELECT m.columns, m.sheet FROM channels_mapping AS m JOIN network_channel AS c ON c.id = m.channel_id
WHERE c.company_id = %(company)s::smallint AND c.code = %(channel)s::text AND m.name = %(name)s::text
"""


def taken(company: int, source: str, names: Sequence[str]) -> set[str]:
    """Which messages of a source the inbox has already."""
    params = {"company": company, "source": source, "names": list(names)}
    return {name for (name,) in sql.run(_TAKEN, params)}


_TAKEN = """
SELECT external_id FROM kernel_inbox
WHERE company_id = %(company)s::smallint AND source = %(source)s::text AND external_id = ANY(%(names)s::text[])
"""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A channel's statement with the counts and sums of both sides: minor units of orders, or units of stock."""

    id: UUID
    number: str
    channel: str
    currency: str
    kind: str
    source: str
    name: str
    since: datetime
    until: datetime
    stated: int
    held: int
    stated_sum: int
    held_sum: int
    differing: int
    taken_by: str
    taken_at: datetime


def statements(company: int, *, channel: str = "", limit: int = 20) -> list[StatementRow]:
    """The latest first. 1 statement."""
    params = {"company": company, "channel": channel, "limit": limit}
    return [StatementRow(*row) for row in sql.run(_STATEMENTS, params)]


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A difference with what each side says; `subject` is the order or SKU here, `message` keeps an order that is
    missing here. `mend`: what one click does about it, or ''."""

    id: UUID
    channel: str
    statement: str
    kind: str
    name: str
    subject: UUID | None
    message: UUID | None
    theirs: str
    ours: str
    facts: dict[str, Any]
    state: str
    reason: str
    decided_by: str
    found_at: datetime
    changed_at: datetime

    @property
    def mend(self) -> str:
        return MENDS[self.kind]


def differences(
    company: int,
    *,
    channel: str = "",
    kind: str = "",
    states: Sequence[str] = ("open",),
    after: UUID | None = None,
    limit: int = 50,
) -> list[DifferenceRow]:
    """The latest first, behind `after`. 1 statement."""
    params = {
        "company": company, "channel": channel, "kind": kind, "states": list(states), "after": after, "limit": limit,
    }  # fmt: skip
    return [DifferenceRow(*row) for row in sql.run(_DIFFERENCES, params)]


class Standing(NamedTuple):
    """Differences of a channel that wait, by kind."""

    channel: str
    kind: str
    open: int
    mended: int
    oldest_at: datetime


def standing(company: int) -> list[Standing]:
    """What waits, by channel and kind. 1 statement."""
    return [Standing(*row) for row in sql.run(_STANDING, {"company": company})]


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of orders that the worker takes in: `done` of `wanted` orders are through; `orders` are those with a fault
    too. `totals` are what the new ones are worth, by currency."""

    id: UUID
    company: int
    channel: str
    name: str
    tries: bool
    header: list[str]
    columns: dict[str, str]
    repeated: list[int]
    rows: int
    orders: int
    wanted: int
    done: int
    placed: int
    duplicates: int
    held: int
    totals: dict[str, int]
    problem: list[str | list[str]] | None
    state: str
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    noticed: dict[str, Any] | None

    @property
    def sheet(self) -> str:
        return str((self.noticed or {}).get("sheet", ""))

    @property
    def other_sheets(self) -> list[str]:
        return list((self.noticed or {}).get("other_sheets", ()))

    @property
    def usual_sheet(self) -> str:
        return str((self.noticed or {}).get("usual_sheet", ""))

    @property
    def lost_sheet(self) -> str:
        return lost_sheet(self.sheet, self.usual_sheet)

    @property
    def lost(self) -> dict[str, str]:
        """Fields whose remembered column it lacks."""
        return dict((self.noticed or {}).get("lost", {}))

    @property
    def runs(self) -> bool:
        """Whether the worker is not through with it."""
        return self.ended_at is None

    @property
    def refusal(self) -> Refused | None:
        """Why it can't be read."""
        if self.problem is None:
            return None
        return Invalid(**dict(zip(("field", "expected", "found"), map(_words, self.problem), strict=True)))

    @property
    def refused(self) -> int:
        """Orders with a fault: those of the file, and those that were refused when they were placed."""
        return max(0, self.orders - self.wanted) + self.done - self.placed - self.duplicates

    @property
    def left(self) -> int:
        return self.wanted - self.done

    @property
    def tried(self) -> bool:
        return self.tries

    @property
    def unread(self) -> tuple[str, ...]:
        return importer.unread(self.header, self.columns)


def file_imports(company: int, *, limit: int = 5) -> list[FileRow]:
    """Files that the worker takes in or has taken in, the latest first. 1 statement."""
    return [FileRow(*row) for row in sql.run(_FILES, {"company": company, "limit": limit})]


def file_import(which: UUID) -> FileRow | None:
    """One such file. 1 statement."""
    found = sql.run(_FILE, {"file": which})
    return FileRow(*found[0]) if found else None


def file_outcomes(which: UUID, *, limit: int) -> list[Outcome]:
    """What became of the first orders of a file, as it stands there. 1 statement."""
    return [wire.load(text, Outcome) for (text,) in sql.run(_OUTCOMES, {"file": which, "limit": limit})]


def file_faults(which: UUID, *, limit: int | None = None) -> list[Wrong]:
    """What is wrong in a file, by row. 1 statement."""
    return [_fault(one) for (one,) in sql.run(_FAULTS, {"file": which, "limit": limit})]


def _fault(one: dict[str, Any]) -> Wrong:
    return Wrong(one["row"], one["column"], _words(one["expected"]), _words(one["found"]), one["order"])


def _words(fact: str | list[str]) -> str:
    return Said(*fact) if isinstance(fact, list) else fact


class Unread(NamedTuple):
    """A file that waits to be read, and the columns and the sheet that somebody chose for it."""

    file: UUID
    company: int
    channel: str
    currency: str
    name: str
    tries: bool
    content: bytes
    chosen: dict[str, str] | None
    sheet: str | None
    asked_by: str


def unread_files(files: Sequence[UUID]) -> list[Unread]:
    """Those that wait to be read. 1 statement."""
    return [Unread(*row) for row in sql.run(_UNREAD, {"files": list(files)})]


class Waiting(NamedTuple):
    """The next batch of a file, with the file's own facts."""

    file: UUID
    number: int
    wanted: list[Wanted]
    columns: dict[str, str]
    tries: bool
    name: str
    asked_by: str


def waiting_batches(files: Sequence[UUID]) -> list[Waiting]:
    """The next batch of each file that has one and was not withdrawn. 1 statement."""
    found = sql.run(_BATCHES, {"files": list(files)})
    return [Waiting(row[0], row[1], wire.load(row[2], list[Wanted]), *row[3:]) for row in found]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {
        table: sql.run(f"SELECT count(*) FROM {table}")[0][0]
        for table in ("channels_difference", "channels_fileimport")
    }


def discrepancies() -> list[str]:
    """Sentences about orders that were imported from a statement and are not there, and about files whose counts are
    not those of their batches, or that keep what nobody waits for."""
    return [sentence for statement in (_NOT_IMPORTED, _MISCOUNTED) for (sentence,) in sql.run(statement)]


_COLUMNS = """
f.id, f.company_id::int, c.code, f.name, f.tries, f.header, f.columns, f.repeated, f.rows, f.orders, f.wanted, f.done,
f.placed, f.duplicates, f.held, f.totals, f.problem, f.state, f.asked_by, f.asked_at, f.ended_at, f.noticed
"""

_FILES = f"""
SELECT {_COLUMNS} FROM channels_fileimport AS f JOIN network_channel AS c ON c.id = f.channel_id
WHERE f.company_id = %(company)s::smallint ORDER BY f.id DESC LIMIT %(limit)s::int
"""

_FILE = f"""
SELECT {_COLUMNS} FROM channels_fileimport AS f JOIN network_channel AS c ON c.id = f.channel_id
WHERE f.id = %(file)s::uuid
"""

_OUTCOMES = """
SELECT o.one::text
FROM channels_filebatch AS b CROSS JOIN LATERAL jsonb_array_elements(b.outcomes) WITH ORDINALITY AS o(one, place)
WHERE b.import_id = %(file)s::uuid ORDER BY b.number, o.place LIMIT %(limit)s::int
"""

_FAULTS = """
SELECT w.one
FROM channels_filebatch AS b CROSS JOIN LATERAL jsonb_array_elements(b.wrong) WITH ORDINALITY AS w(one, place)
WHERE b.import_id = %(file)s::uuid ORDER BY (w.one ->> 'row')::int, b.number, w.place LIMIT %(limit)s::int
"""

_UNREAD = """
SELECT f.id, f.company_id::int, c.code, c.currency, f.name, f.tries, f.content, f.chosen, f.sheet, f.asked_by
FROM channels_fileimport AS f JOIN network_channel AS c ON c.id = f.channel_id
WHERE f.id = ANY(%(files)s::uuid[]) AND f.state = 'reading' ORDER BY f.id
"""

_BATCHES = """
SELECT f.id, b.number, b.orders::text, f.columns, f.tries, f.name, f.asked_by
FROM channels_fileimport AS f
CROSS JOIN LATERAL (
    SELECT number, orders FROM channels_filebatch
    WHERE import_id = f.id AND orders IS NOT NULL ORDER BY number LIMIT 1
) AS b
WHERE f.id = ANY(%(files)s::uuid[]) AND f.state = 'asked' ORDER BY f.id
"""

_MISCOUNTED = """
SELECT 'channels: file of orders ' || f.id || ' says that ' || f.done || ' orders are done, its batches ' || b.done
FROM channels_fileimport AS f CROSS JOIN LATERAL (
    SELECT COALESCE(sum(size) FILTER (WHERE outcomes IS NOT NULL), 0) AS done, bool_or(orders IS NOT NULL) AS keeps
    FROM channels_filebatch WHERE import_id = f.id
) AS b
WHERE f.done <> b.done OR (f.state IN ('asked', 'done') AND (f.state = 'done') <> (f.done = f.wanted))
   OR (f.state <> 'asked' AND b.keeps)
"""

_STATEMENTS = """
SELECT s.id, s.number, c.code, c.currency, s.kind, s.source, s.name, s.since, s.until, s.stated, s.held, s.stated_sum,
       s.held_sum, s.differing, s.taken_by, s.taken_at
FROM channels_statement AS s JOIN network_channel AS c ON c.id = s.channel_id
WHERE s.company_id = %(company)s::smallint AND (%(channel)s::text = '' OR c.code = %(channel)s::text)
ORDER BY s.id DESC LIMIT %(limit)s::int
"""

_DIFFERENCES = """
SELECT m.id, c.code, s.number, m.kind, m.name, m.subject_id, m.message_id, m.theirs, m.ours, m.facts, m.state, m.reason,
       m.decided_by, m.found_at, m.changed_at
FROM channels_difference AS m JOIN network_channel AS c ON c.id = m.channel_id
JOIN channels_statement AS s ON s.id = m.statement_id
WHERE m.company_id = %(company)s::smallint AND m.state = ANY(%(states)s::text[])
  AND (%(channel)s::text = '' OR c.code = %(channel)s::text) AND (%(kind)s::text = '' OR m.kind = %(kind)s::text)
  AND (%(after)s::uuid IS NULL OR m.id < %(after)s::uuid)
ORDER BY m.id DESC LIMIT %(limit)s::int
"""

_STANDING = """
SELECT c.code, m.kind, count(*) FILTER (WHERE m.state = 'open')::int, count(*) FILTER (WHERE m.state = 'mended')::int,
       min(m.found_at)
FROM channels_difference AS m JOIN network_channel AS c ON c.id = m.channel_id
WHERE m.company_id = %(company)s::smallint AND m.state IN ('open', 'mended') GROUP BY 1, 2 ORDER BY 1, 2
"""

_NOT_IMPORTED = """
SELECT 'channels: order ' || m.name || ' of channel ' || c.code || ' was imported from its statement and is not there'
FROM channels_difference AS m JOIN network_channel AS c ON c.id = m.channel_id
WHERE m.kind = 'missing here' AND m.state = 'mended'
  AND NOT EXISTS (SELECT FROM orders_order AS o
                  WHERE o.company_id = m.company_id AND o.channel_id = m.channel_id AND o.external_id = m.name)
"""


class InterchangeRow(NamedTuple):
    """An interchange of a supplier as the inbox keeps it."""

    message: UUID
    name: str
    received_at: datetime
    state: str
    problem: str


def interchanges(company: int, source: str, *, limit: int = 20) -> list[InterchangeRow]:
    """Interchanges that came, the latest first. 1 statement."""
    rows = sql.run(_INTERCHANGES, {"company": company, "source": source, "limit": limit})
    return [InterchangeRow(*row) for row in rows]


_INTERCHANGES = """
SELECT id, external_id, received_at, state, last_error FROM kernel_inbox
WHERE company_id = %(company)s::smallint AND source = %(source)s::text
ORDER BY received_at DESC, id DESC LIMIT %(limit)s::int
"""


@dataclass(frozen=True, slots=True)
class OrderDocument:
    """A purchase order as an X12 document; `error`: why it was given up."""

    id: UUID
    number: str
    company: int
    order: UUID
    order_number: str
    purpose: str
    url: str
    state: str
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class WrittenDocument(OrderDocument):
    """A document with what it says."""

    content: str


def order_documents(order: UUID) -> list[OrderDocument]:
    """The latest documents of an order, the newest first. 1 statement."""
    return [OrderDocument(*row) for row in sql.run(_ORDER_DOCUMENTS, {"order": order})]


def written_documents(order: UUID, *, after: UUID | None = None, limit: int = 50) -> list[WrittenDocument]:
    """The documents of an order with what they say, the newest first, behind the one named. 1 statement."""
    params = {"order": order, "after": after, "limit": limit}
    return [WrittenDocument(*row) for row in sql.run(_WRITTEN_DOCUMENTS, params)]


def order_document(which: UUID) -> WrittenDocument | None:
    """One document. 1 statement."""
    rows = sql.run(_ORDER_DOCUMENT, {"which": which})
    return WrittenDocument(*rows[0]) if rows else None


def kept_from(document: WrittenDocument) -> str:
    """Why no document of an order before this one reached the supplier; '' where one did, or may have. 1 statement."""
    before = {"order": document.order, "which": document.id}
    ((has_reached, error),) = sql.run(_BEFORE, before)
    return "" if has_reached else error or "no document before it was sent"


def takes_documents(order: UUID, at: datetime) -> bool:
    """Whether the supplier of an order is sent X12 documents, by the policy `channels.x12`. 2 statements."""
    rows = sql.run(_SUPPLIER, {"order": order})
    if not rows:
        return False
    company, code = rows[0]
    in_force = policies.in_force(company, Partner, at)
    return bool(policies.of_scope(in_force, code, Partner()).own_id)


_DOCUMENT = """
SELECT d.id, d.number, d.company_id::int, d.order_id, o.number, d.purpose, d.url, d.state, d.asked_by, d.asked_at,
       d.done_at, d.error{content}
FROM channels_orderdocument AS d JOIN purchasing_order AS o ON o.id = d.order_id
"""
_ORDER_DOCUMENTS = (
    _DOCUMENT.format(content="") + "WHERE d.order_id = %(order)s::uuid ORDER BY d.id DESC LIMIT 50"
)
_WRITTEN = _DOCUMENT.format(content=", d.content")
_ORDER_DOCUMENT = f"{_WRITTEN} WHERE d.id = %(which)s::uuid"
_WRITTEN_DOCUMENTS = f"""{_WRITTEN}
WHERE d.order_id = %(order)s::uuid AND (%(after)s::uuid IS NULL OR d.id < %(after)s::uuid)
ORDER BY d.id DESC LIMIT %(limit)s::int
"""

_BEFORE = """
SELECT COALESCE(bool_or(state IN ('file', 'sent')), FALSE),
       (array_agg(error ORDER BY id DESC) FILTER (WHERE error <> ''))[1]
FROM channels_orderdocument WHERE order_id = %(order)s::uuid AND id < %(which)s::uuid
"""

_SUPPLIER = """
SELECT o.company_id::int, s.code FROM purchasing_order AS o JOIN parties_supplier AS s ON s.id = o.supplier_id
WHERE o.id = %(order)s::uuid
"""
