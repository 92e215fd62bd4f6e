"""The audit chain: events are sealed in batches after their commit, each digest over the one before."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import transaction

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause

ROWS_PER_LINK = 20_000
WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk along the chain saw: sealed rows, links, rows not sealed yet, and what is wrong."""

    rows: int
    links: int
    unsealed: int
    discrepancies: list[str]


def seal(cause: Cause) -> int:
    """Seal all events up to now; returns how many. Safe to call at any time and from several processes.

    Sequence numbers are not handed out in the order of commits: so the newest number is read first, and sealed only
    when every transaction that was running then has ended. Where one runs on for long, sealing waits for the next call.
    """
    newest, running = sql.run(
        "SELECT COALESCE(max(seq), 0), pg_snapshot_xmax(pg_current_snapshot())::text FROM kernel_event"
    )[0]
    if not _all_ended(running):
        return 0
    sealed = 0
    while rows := _add_link(cause, newest):
        sealed += rows
    return sealed


def _all_ended(transaction_id: str) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        statement = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %(id)s::text::xid8"
        if sql.run(statement, {"id": transaction_id})[0][0]:
            return True
        time.sleep(0.01)
    return False


def _add_link(cause: Cause, newest: int) -> int:
    with transaction.atomic():
        sql.run("SELECT pg_advisory_xact_lock(hashtextextended('kernel.seal', 0))")
        rows = sql.run(_ADD_LINK, {"newest": newest, "limit": ROWS_PER_LINK, "at": cause.at})
    return rows[0][0] if rows else 0


def verify() -> Walk:
    """Recompute every digest of the chain. Four statements, however long it is."""
    broken = [sentence for (sentence,) in sql.run(_BROKEN_LINKS)]
    links, rows = sql.run("SELECT count(*), COALESCE(sum(rows), 0)::bigint FROM kernel_seal")[0]
    unsealed = sql.run(
        "SELECT count(*) FROM kernel_event WHERE seq > COALESCE((SELECT max(last_seq) FROM kernel_seal), 0)"
    )[0][0]
    return Walk(rows, links, unsealed, broken)


# What is digested of an event: every column, in a text that does not depend on the settings of the session.
_DIGEST = """
    sha256(convert_to(string_agg(concat_ws(E'\\x1f', e.seq, extract(epoch FROM e.occurred_at),
        extract(epoch FROM e.recorded_at), e.actor, e.command, e.company_id, e.subject_kind, e.subject_id,
        e.state_before, e.state_after, e.reason, COALESCE(e.payload::text, ''), e.correlation), E'\\x1e'
        ORDER BY e.seq), 'UTF8'))
"""

_ADD_LINK = f"""
WITH link AS (SELECT last_seq, digest FROM kernel_seal ORDER BY id DESC LIMIT 1),
batch AS (
    SELECT * FROM kernel_event
    WHERE seq > COALESCE((SELECT last_seq FROM link), 0) AND seq <= %(newest)s::bigint
    ORDER BY seq LIMIT %(limit)s::int
)
INSERT INTO kernel_seal (first_seq, last_seq, rows, digest, sealed_at)
SELECT min(e.seq), max(e.seq), count(*),
       sha256(COALESCE((SELECT digest FROM link), ''::bytea) || {_DIGEST}), %(at)s::timestamptz
FROM batch AS e HAVING count(*) > 0
RETURNING rows
"""

_BROKEN_LINKS = f"""
WITH link AS (
    SELECT id, first_seq, last_seq, rows, digest, lag(digest) OVER chain AS before,
           lag(last_seq) OVER chain AS last_before
    FROM kernel_seal WINDOW chain AS (ORDER BY id)
),
walked AS (
    SELECT link.id, link.first_seq, link.last_seq, link.rows, link.digest, found.rows AS rows_found, found.first_found,
           sha256(COALESCE(link.before, ''::bytea) || COALESCE(found.digest, ''::bytea)) AS digest_found
    FROM link CROSS JOIN LATERAL (
        SELECT count(*) AS rows, min(e.seq) AS first_found, {_DIGEST} AS digest FROM kernel_event AS e
        WHERE e.seq > COALESCE(link.last_before, 0) AND e.seq <= link.last_seq) AS found
)
SELECT format('events %s to %s: %s rows sealed, %s found%s', first_seq, last_seq, rows, rows_found,
              CASE WHEN rows = rows_found THEN ', but their content changed' ELSE '' END)
FROM walked WHERE digest <> digest_found OR rows <> rows_found ORDER BY id
"""
