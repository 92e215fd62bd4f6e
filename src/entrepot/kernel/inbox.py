"""Messages that came in, raw: each source and external id once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def mark(message_ids: Sequence[UUID], state: str, error: str = "") -> None:
    """Note what became of messages."""
    if message_ids:
        sql.run(_MARK, {"ids": list(message_ids), "state": state, "error": error})


_RECEIVE = """
INSERT INTO kernel_inbox (id, company_id, source, external_id, kind, payload, received_at, state, attempts, last_error)
SELECT d.*, %(at)s::timestamptz, %(state)s::text, 0, ''
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(sources)s::text[], %(externals)s::text[], %(kinds)s::text[],
            %(payloads)s::text[]) AS d
ON CONFLICT (company_id, source, external_id) DO NOTHING
RETURNING external_id, id
"""

_MARK = """
UPDATE kernel_inbox SET state = %(state)s::text, last_error = %(error)s::text, attempts = attempts + 1
WHERE id = ANY(%(ids)s::uuid[])
"""
