"""Ready queues: the narrow table in which a room finds its next work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql


class Offer(NamedTuple):
    """A subject that is ready for a queue. Higher priority first, then the earlier due time."""

    queue: str
    subject: UUID
    priority: int
    due_at: datetime


held: ContextVar[dict[tuple[str, UUID], Offer] | None] = ContextVar("held", default=None)
"""Offers of the running command, by queue and subject: put when it ends, unless it serves them itself."""


def put(offers: Iterable[Offer]) -> None:
    """Make subjects ready; one that is ready already keeps its place. One statement, which also wakes the workers."""
    write({(one.queue, one.subject): one for one in offers}.values())


def write(offers: Collection[Offer]) -> None:
    """`put`, of offers that have no subject twice."""
    if offers:
        sql.change(_PUT, sql.columns(("queues", "subjects", "priorities", "dues"), offers))


def claim(queue: str, limit: int) -> list[UUID]:
    """Take up to `limit` subjects off the queue, most urgent first; what others hold is passed over.

    Called in the transaction that serves them: if it is undone, they are ready again.
    """
    return [row[0] for row in sql.run(_CLAIM, {"queue": queue, "limit": limit})]


def claim_named(queue: str, subjects: Sequence[UUID]) -> list[UUID]:
    """Take named subjects off the queue, whether they were ready or not; those that others hold are left to them.

    One statement, where some are named.
    """
    if not subjects:
        return []
    return [row[0] for row in sql.run(_CLAIM_NAMED, {"queue": queue, "subjects": subjects})]


def drop(queue: str, subjects: Sequence[UUID]) -> None:
    """Take named subjects off a queue, because someone served them without claiming.

    What the running command has offered itself never gets into the queue. One statement, where others are named.
    """
    offered = held.get()
    others = (
        [one for one in subjects if offered.pop((queue, one), None) is None] if offered else list(subjects)
    )
    if others:
        sql.change(_DROP, {"queue": queue, "subjects": others})


def rank(offers: Collection[Offer]) -> None:
    """Give subjects that are ready another place in their queue; those that are not, or that others hold, stay as they
    are. One statement, none for nothing."""
    if offers:
        sql.run(_RANK, sql.columns(("queues", "subjects", "priorities", "dues"), offers))


def waiting() -> dict[str, int]:
    """Subjects that wait, by queue."""
    return dict(sql.run("SELECT queue, count(*) FROM kernel_ready GROUP BY queue"))  # type: ignore[arg-type]


# pg_notify folds equal messages of a transaction into one.
_PUT = """
WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT * FROM unnest(%(queues)s::text[], %(subjects)s::uuid[], %(priorities)s::int[], %(dues)s::timestamptz[])
    ON CONFLICT (queue, subject) DO NOTHING
    RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken
"""

# By place and not by `IN (SELECT …)`: planned as a join that would be done again for each row, the part with the limit
# could claim more than that. Rows are put and taken here and never changed, so that the place stays true.
_CLAIM = """
WITH claimed AS (
    DELETE FROM kernel_ready WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM kernel_ready WHERE queue = %(queue)s
        ORDER BY priority DESC, due_at, subject LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )) RETURNING subject, priority, due_at
)
SELECT subject FROM claimed ORDER BY priority DESC, due_at, subject
"""

_CLAIM_NAMED = """
WITH claimed AS (
    DELETE FROM kernel_ready WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM kernel_ready WHERE queue = %(queue)s AND subject = ANY(%(subjects)s::uuid[])
        FOR UPDATE SKIP LOCKED
    )) RETURNING subject
)
SELECT named.id FROM unnest(%(subjects)s::uuid[]) WITH ORDINALITY AS named(id, place)
WHERE named.id IN (SELECT subject FROM claimed)
   OR NOT EXISTS (SELECT FROM kernel_ready AS r WHERE r.queue = %(queue)s AND r.subject = named.id)
ORDER BY named.place
"""

# As new rows, for the places of old ones must stay true for who claims.
_RANK = """
WITH asked AS (
    SELECT * FROM unnest(%(queues)s::text[], %(subjects)s::uuid[], %(priorities)s::int[], %(dues)s::timestamptz[])
        AS d(queue, subject, priority, due_at)
), gone AS (
    DELETE FROM kernel_ready WHERE ctid = ANY(ARRAY(
        SELECT r.ctid FROM kernel_ready AS r JOIN asked AS d ON d.queue = r.queue AND d.subject = r.subject
        WHERE (r.priority, r.due_at) IS DISTINCT FROM (d.priority, d.due_at) FOR UPDATE OF r SKIP LOCKED
    )) RETURNING queue, subject
)
INSERT INTO kernel_ready (queue, subject, priority, due_at)
SELECT d.* FROM asked AS d JOIN gone ON gone.queue = d.queue AND gone.subject = d.subject
"""

_DROP = "DELETE FROM kernel_ready WHERE queue = %(queue)s AND subject = ANY(%(subjects)s::uuid[])"
