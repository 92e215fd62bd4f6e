"""What is asked of what people wrote to orders, and of the files that they keep with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note, with what it said where it is `corrected` or `withdrawn`."""

    id: UUID
    text: str
    corrects: UUID | None
    written_by: str
    written_at: datetime
    state: str
    ended_at: datetime | None
    ended_by: str
    ended_because: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of an order; `is_here` is false where its bytes were erased with a person."""

    id: UUID
    name: str
    kind: str
    digest: str
    size: int
    is_here: bool
    added_by: str
    added_at: datetime
    ended_at: datetime | None
    ended_by: str
    ended_because: str


def notes(order: UUID, *, after: UUID | None = None, limit: int = 100) -> list[NoteRow]:
    """What was written to an order, the latest first, behind `after`. 1 statement."""
    return [NoteRow(*row) for row in sql.run(_NOTES, {"order": order, "after": after, "limit": limit})]


def files(order: UUID, *, after: UUID | None = None, limit: int = 100) -> list[FileRow]:
    """Files that are kept with an order, or were, the latest first, behind `after`. 1 statement."""
    return [FileRow(*row) for row in sql.run(_FILES, {"order": order, "after": after, "limit": limit})]


def file(company: int, attachment: UUID) -> tuple[str, bytes] | None:
    """The kind and the bytes of a file that is or was kept with an order; None where they were erased.
    1 statement."""
    rows = sql.run(_FILE, {"company": company, "id": attachment})
    return (rows[0][0], bytes(rows[0][1])) if rows else None


_NOTES = """
SELECT id, text, corrects, written_by, written_at, state, ended_at, ended_by, ended_because FROM orders_note
WHERE order_id = %(order)s::uuid AND (%(after)s::uuid IS NULL OR id < %(after)s::uuid)
ORDER BY id DESC LIMIT %(limit)s::int
"""

_FILES = """
SELECT a.id, a.name, f.kind, f.digest, f.size,
       EXISTS (SELECT FROM orders_filecontent AS c WHERE c.file_id = f.id),
       a.added_by, a.added_at, a.ended_at, a.ended_by, a.ended_because
FROM orders_attachment AS a JOIN orders_file AS f ON f.id = a.file_id
WHERE a.order_id = %(order)s::uuid AND (%(after)s::uuid IS NULL OR a.id < %(after)s::uuid)
ORDER BY a.id DESC LIMIT %(limit)s::int
"""

_FILE = """
SELECT f.kind, c.content FROM orders_attachment AS a JOIN orders_file AS f ON f.id = a.file_id
JOIN orders_filecontent AS c ON c.file_id = f.id WHERE a.id = %(id)s::uuid AND a.company_id = %(company)s::smallint
"""
