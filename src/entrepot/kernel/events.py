"""The event log: what happened to which document, by whom, and why. Append-only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause


class Event(NamedTuple):
    """One document touched by one command. The payload holds ids and amounts, never personal data."""

    subject_kind: str
    subject: UUID
    company: int
    before: str = ""
    after: str = ""
    occurred_at: datetime | None = None
    payload: Any = None
    reason: str = ""


COLUMNS = (
    "occurred_at", "recorded_at", "actor", "command", "company_id", "subject_kind", "subject_id",
    "state_before", "state_after", "reason", "payload", "correlation",
)  # fmt: skip


def write(cause: Cause, by_command: Mapping[str, Iterable[Event]]) -> None:
    """Append the events of a command, and of the commands inside it, in one statement."""
    at, actor, why, correlation = cause.at, cause.actor.name, cause.reason, cause.correlation
    rows = [
        (
            occurred_at or at, at, actor, command, company, kind, subject, before, after, reason or why,
            None if payload is None else wire.dump(payload), correlation,
        )
        for command, events in by_command.items()
        for kind, subject, company, before, after, occurred_at, payload, reason in events
    ]  # fmt: skip
    sql.write("kernel_event", COLUMNS, rows)
