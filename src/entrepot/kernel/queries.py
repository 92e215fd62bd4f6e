"""What is asked of the kernel: the timeline of a document, queues, messages, and whether the log is whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import seal, sql


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


def timeline(*, subjects: Sequence[UUID], limit: int = 500) -> list[EventRow]:
    """Events of documents, in the order in which they were recorded."""
    return [EventRow(*row) for row in sql.run(_TIMELINE, {"subjects": list(subjects), "limit": limit})]


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    id: int
    destination: str
    topic: str
    subject: UUID
    state: str
    attempts: int
    next_try_at: datetime
    last_error: str


def deliveries(*, states: Sequence[str] = ("waiting", "dead"), limit: int = 200) -> list[DeliveryRow]:
    """Messages to the outside, the newest first."""
    return [DeliveryRow(*row) for row in sql.run(_DELIVERIES, {"states": list(states), "limit": limit})]


def is_answered(key: str, commands: Sequence[str]) -> bool:
    """Whether one of some commands was given under a key: what was sent again has happened. 1 statement."""
    params = {"key": key, "commands": list(commands)}
    return bool(sql.run(_IS_ANSWERED, params))


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in _TABLES}


def discrepancies() -> list[str]:
    """Sentences about events that changed after they were sealed."""
    return seal.verify().discrepancies


_IS_ANSWERED = (
    "SELECT 1 FROM kernel_request WHERE command = ANY(%(commands)s::text[]) AND key = %(key)s::text LIMIT 1"
)

_TABLES = ("kernel_event", "kernel_request", "kernel_inbox", "kernel_delivery")

_TIMELINE = """
SELECT seq, occurred_at, recorded_at, actor, command, subject_kind, subject_id, state_before, state_after, reason,
       payload
FROM kernel_event WHERE subject_id = ANY(%(subjects)s::uuid[]) ORDER BY seq LIMIT %(limit)s::int
"""

_DELIVERIES = """
SELECT id, destination, topic, subject_id, state, attempts, next_try_at, last_error FROM kernel_delivery
WHERE state = ANY(%(states)s::text[]) ORDER BY id DESC LIMIT %(limit)s::int
"""
