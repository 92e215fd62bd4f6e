"""What is asked of the kernel: the timeline of a document, queues, messages, and whether the log is whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import imprint, seal, sql


@dataclass(frozen=True, slots=True)
class EventRow:
    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command: str
    subject_kind: str
    subject: UUID
    before: str
    after: str
    reason: str
    payload: Any


def timeline(*, subjects: Sequence[UUID], limit: int = 500, kind: str = "") -> list[EventRow]:
    """Events of documents, in the order in which they were recorded; of one `kind` where it is named: people and
    companies are known by numbers, which may be the same."""
    params = {"subjects": list(subjects), "limit": limit, "kind": kind}
    return [EventRow(*row) for row in sql.run(_TIMELINE, params)]


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message without what it says. `place` is a destination or a source; `about` a topic, or a kind and name."""

    side: str
    id: str
    place: str
    about: str
    subject: UUID | None
    state: str
    attempts: int
    at: datetime
    next_try_at: datetime | None
    error: str


def messages(
    company: int,
    side: str,
    *,
    states: Sequence[str],
    place: str = "",
    topic: str = "",
    before: str = "",
    limit: int = 50,
) -> list[MessageRow]:
    """Messages of a side in some states that have not had their effect, the latest first; `topic`: a topic, or a kind;
    `before`: the last id of the page before. 1 statement."""
    params = _asked(company, side, states, place, topic, before, limit)
    statement = _MESSAGES_OUT if side == "out" else _MESSAGES_IN
    return [MessageRow(*row) for row in sql.run(statement, params)]


def archive(
    company: int,
    side: str,
    *,
    states: Sequence[str] = (),
    place: str = "",
    topic: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    named: str = "",
    subject: UUID | None = None,
    before: str = "",
    limit: int = 50,
) -> list[MessageRow]:
    """Messages of a side, whatever became of them (or in `states`), the latest first: all that came or were written
    from `since` and before `until`, or all of a name: the external id under which one came (`named`), or the document
    that one is about (`subject`). `topic`: a topic, or a kind. `before` as of `messages`. 1 statement, which reads what
    is of the time or name, and no more; without either nothing is found."""
    params = _asked(company, side, states, place, topic, before, limit)
    if side == "out" and subject is not None:
        found, params["subject"] = _OUT_ABOUT, subject
    elif side == "in" and named:
        found, params["named"] = _IN_NAMED, named
    elif since is not None and until is not None:
        found = _OUT_DURING if side == "out" else _IN_DURING
        params |= {"since": since, "until": until}
    else:
        return []
    statement = (_ARCHIVE_OUT if side == "out" else _ARCHIVE_IN).format(found=found)
    return [MessageRow(*row) for row in sql.run(statement, params)]


def _asked(
    company: int, side: str, states: Sequence[str], place: str, topic: str, before: str, limit: int
) -> dict[str, Any]:
    nothing_before = str(2**62) if side == "out" else "ffffffff-ffff-ffff-ffff-ffffffffffff"
    return {
        "company": company, "states": list(states), "place": place, "topic": topic, "before": before or nothing_before,
        "limit": limit,
    }  # fmt: skip


def message(company: int, side: str, which: str) -> tuple[MessageRow, str] | None:
    """One message with what it says; None where the company has none of the id. 1 statement."""
    rows = sql.run(_MESSAGE_OUT if side == "out" else _MESSAGE_IN, {"company": company, "id": which})
    return (MessageRow(*rows[0][:-1]), str(rows[0][-1])) if rows else None


def contents(company: int, side: str, which: Sequence[str]) -> dict[str, str]:
    """What messages of a company say, by their ids. 1 statement."""
    statement = _CONTENTS_OUT if side == "out" else _CONTENTS_IN
    return dict(sql.run(statement, {"company": company, "ids": list(which)}))


class Standing(NamedTuple):
    """How many messages of a place stand in a state, since when the oldest."""

    side: str
    place: str
    state: str
    size: int
    oldest_at: datetime


def standing(company: int) -> list[Standing]:
    """Messages that have not had their effect, by place and state. 1 statement."""
    return [Standing(*row) for row in sql.run(_STANDING, {"company": company})]


def is_answered(key: str, commands: Sequence[str]) -> bool:
    """Whether one of some commands was given under a key: what was sent again has happened. 1 statement."""
    params = {"key": key, "commands": list(commands)}
    return bool(sql.run(_IS_ANSWERED, params))


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    counts = {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in _TABLES}
    return counts | imprint.checked()


def discrepancies() -> list[str]:
    """Sentences about rows that changed after they were sealed, and about facts that are not what they were written
    as."""
    return seal.verify().discrepancies + imprint.discrepancies()


_IS_ANSWERED = (
    "SELECT 1 FROM kernel_request WHERE command = ANY(%(commands)s::text[]) AND key = %(key)s::text LIMIT 1"
)

_TABLES = ("kernel_event", "kernel_request", "kernel_inbox", "kernel_delivery")

_TIMELINE = """
SELECT seq, occurred_at, recorded_at, actor, command, subject_kind, subject_id, state_before, state_after, reason,
       payload
FROM kernel_event
WHERE subject_id = ANY(%(subjects)s::uuid[]) AND (%(kind)s = '' OR subject_kind = %(kind)s)
ORDER BY seq LIMIT %(limit)s::int
"""

_OUT = "'out', id::text, destination, topic, subject_id, state, attempts, created_at, next_try_at, last_error"
_IN = (
    "'in', id::text, source, concat_ws(' ', kind, external_id), NULL::uuid, state, attempts, received_at,"
    " NULL::timestamptz, last_error"
)

_OUT_ASKED = (
    "%(place)s::text IN ('', destination) AND %(topic)s::text IN ('', topic) AND id < %(before)s::bigint"
)
_IN_ASKED = "%(place)s::text IN ('', source) AND %(topic)s::text IN ('', kind) AND id < %(before)s::uuid"

_MESSAGES_OUT = f"""
SELECT {_OUT} FROM kernel_delivery AS one
WHERE company_id = %(company)s::smallint AND state <> 'delivered' AND state = ANY(%(states)s::text[])
  AND {_OUT_ASKED}
ORDER BY one.id DESC LIMIT %(limit)s::int
"""

_MESSAGES_IN = f"""
SELECT {_IN} FROM kernel_inbox AS one
WHERE company_id = %(company)s::smallint AND state <> 'done' AND state = ANY(%(states)s::text[])
  AND {_IN_ASKED}
ORDER BY one.id DESC LIMIT %(limit)s::int
"""

_OUT_DURING = """
SELECT * FROM kernel_delivery WHERE created_at >= %(since)s::timestamptz AND created_at < %(until)s::timestamptz
"""
_OUT_ABOUT = "SELECT * FROM kernel_delivery WHERE subject_id = %(subject)s::uuid"
_IN_DURING = """
SELECT * FROM kernel_inbox WHERE received_at >= %(since)s::timestamptz AND received_at < %(until)s::timestamptz
"""
# A name is looked for under each source, which the index begins with: they are few, and stepped through one by one.
_IN_NAMED = """
SELECT m.* FROM (
    WITH RECURSIVE sources AS (
        (SELECT source FROM kernel_inbox WHERE company_id = %(company)s::smallint ORDER BY source LIMIT 1)
        UNION ALL
        SELECT (SELECT n.source FROM kernel_inbox AS n
                WHERE n.company_id = %(company)s::smallint AND n.source > s.source ORDER BY n.source LIMIT 1)
        FROM sources AS s WHERE s.source IS NOT NULL
    )
    SELECT source FROM sources WHERE source IS NOT NULL
) AS s JOIN kernel_inbox AS m
  ON m.company_id = %(company)s::smallint AND m.source = s.source AND m.external_id = %(named)s::text
"""

# What is of the time or name is found first, by its own index: the order by id would be read from its end otherwise.
_ARCHIVE = """
WITH found AS MATERIALIZED (
    SELECT id FROM ({found}) AS m
    WHERE company_id = %(company)s::smallint
      AND (cardinality(%(states)s::text[]) = 0 OR state = ANY(%(states)s::text[]))
      AND {asked}
),
page AS MATERIALIZED (SELECT id FROM found ORDER BY id DESC LIMIT %(limit)s::int)
SELECT {columns} FROM {table} AS one WHERE id IN (SELECT id FROM page) ORDER BY one.id DESC
"""
_ARCHIVE_OUT = _ARCHIVE.format(found="{found}", asked=_OUT_ASKED, columns=_OUT, table="kernel_delivery")
_ARCHIVE_IN = _ARCHIVE.format(found="{found}", asked=_IN_ASKED, columns=_IN, table="kernel_inbox")

_MESSAGE_OUT = f"""
SELECT {_OUT}, body::text FROM kernel_delivery WHERE company_id = %(company)s::smallint AND id = %(id)s::bigint
"""

_MESSAGE_IN = f"""
SELECT {_IN}, payload FROM kernel_inbox WHERE company_id = %(company)s::smallint AND id = %(id)s::uuid
"""

_CONTENTS_OUT = """
SELECT id::text, body::text FROM kernel_delivery
WHERE company_id = %(company)s::smallint AND id = ANY(%(ids)s::text[]::bigint[])
"""

_CONTENTS_IN = """
SELECT id::text, payload FROM kernel_inbox
WHERE company_id = %(company)s::smallint AND id = ANY(%(ids)s::text[]::uuid[])
"""

_STANDING = """
SELECT 'out', destination, state, count(*)::int, min(created_at) FROM kernel_delivery
WHERE company_id = %(company)s::smallint AND state <> 'delivered' AND state <> 'dropped' GROUP BY 2, 3
UNION ALL
SELECT 'in', source, state, count(*)::int, min(received_at) FROM kernel_inbox
WHERE company_id = %(company)s::smallint AND state <> 'done' AND state <> 'dropped' GROUP BY 2, 3
ORDER BY 1, 2, 3
"""
