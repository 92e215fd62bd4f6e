"""Messages that came in, raw: each source and external id once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it came: `payload` is its text, unparsed."""

    company: int
    source: str
    external_id: str
    kind: str
    payload: str


def receive(cause: Cause, messages: Sequence[Incoming], state: str = "received") -> dict[str, UUID]:
    """Keep messages; returns the ids of the new ones by external id. What is there already is not among them.

    Concurrent receivers of the same message: one gets it, the others wait for him and then don't. One statement.
    """
    if not messages:
        return {}
    rows = [(ids.uuid7(), m.company, m.source, m.external_id, m.kind, m.payload) for m in messages]
    names = ("ids", "companies", "sources", "externals", "kinds", "payloads")
    params = sql.columns(names, rows) | {"at": cause.at, "state": state}
    return dict(sql.run(_RECEIVE, params))  # type: ignore[arg-type]


def renew(messages: Sequence[Incoming]) -> None:
    """What messages say that are set aside, told anew by their source; one whose content was erased stays empty.
    One statement."""
    if messages:
        rows = [(m.company, m.source, m.external_id, m.payload) for m in messages]
        sql.run(_RENEW, sql.columns(("companies", "sources", "externals", "payloads"), rows))


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as it stands in the inbox."""

    id: UUID
    company: int
    source: str
    external_id: str
    payload: str
    received_at: datetime
    state: str


def lock(message_ids: Sequence[UUID], sources: Sequence[str]) -> dict[UUID, Kept]:
    """Messages of some sources that wait to be taken again, locked in id order. One statement."""
    rows = sql.run(_LOCK, {"ids": list(message_ids), "sources": list(sources)})
    return {row[0]: Kept(*row) for row in rows}


def lock_named(source: str, names: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Kept]:
    """Messages of a source by company and external id, whatever became of them, locked in id order. One statement."""
    rows = sql.run(_LOCK_NAMED, sql.columns(("companies", "names"), names) | {"source": source})
    return {(row[1], row[3]): Kept(*row) for row in rows}


def told(message_ids: Sequence[UUID]) -> list[Kept]:
    """What messages say, whatever became of them, in id order. One statement."""
    return [Kept(*row) for row in sql.run(_TOLD, {"ids": list(message_ids)})]


def mark(message_ids: Sequence[UUID], state: str, error: str = "") -> None:
    """Note what became of messages."""
    if message_ids:
        sql.run(_MARK, {"ids": list(message_ids), "state": state, "error": error})


def mark_each(errors: Mapping[UUID, str], state: str) -> None:
    """Note what became of messages, each with its own error."""
    if errors:
        params = sql.columns(("ids", "errors"), sorted(errors.items())) | {"state": state}
        sql.run(_MARK_EACH, params)


_RECEIVE = """
INSERT INTO kernel_inbox (id, company_id, source, external_id, kind, payload, received_at, state, attempts, last_error)
SELECT d.*, %(at)s::timestamptz, %(state)s::text, 0, ''
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(sources)s::text[], %(externals)s::text[], %(kinds)s::text[],
            %(payloads)s::text[]) AS d
ON CONFLICT (company_id, source, external_id) DO NOTHING
RETURNING external_id, id
"""

# '{}' is what an erased message says.
_RENEW = """
UPDATE kernel_inbox AS m SET payload = d.payload
FROM unnest(%(companies)s::smallint[], %(sources)s::text[], %(externals)s::text[], %(payloads)s::text[])
     AS d(company, source, external, payload)
WHERE m.company_id = d.company AND m.source = d.source AND m.external_id = d.external AND m.state = 'set_aside'
  AND m.payload NOT IN (d.payload, '{}')
"""

_LOCK = """
SELECT id, company_id::int, source, external_id, payload, received_at, state FROM kernel_inbox
WHERE id = ANY(%(ids)s::uuid[]) AND source = ANY(%(sources)s::text[]) AND state = 'received' ORDER BY id FOR UPDATE
"""

_LOCK_NAMED = """
SELECT id, company_id::int, source, external_id, payload, received_at, state FROM kernel_inbox
WHERE source = %(source)s::text
  AND (company_id, external_id) IN (SELECT * FROM unnest(%(companies)s::smallint[], %(names)s::text[]))
ORDER BY id FOR UPDATE
"""

_TOLD = """
SELECT id, company_id::int, source, external_id, payload, received_at, state FROM kernel_inbox
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id
"""

_MARK = """
UPDATE kernel_inbox SET state = %(state)s::text, last_error = %(error)s::text, attempts = attempts + 1
WHERE id = ANY(%(ids)s::uuid[])
"""

_MARK_EACH = """
UPDATE kernel_inbox AS m SET state = %(state)s::text, last_error = d.error, attempts = attempts + 1
FROM unnest(%(ids)s::uuid[], %(errors)s::text[]) AS d(id, error) WHERE m.id = d.id
"""
