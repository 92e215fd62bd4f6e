"""Messages to the outside: written with the change that causes them, sent by the relay after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause

RETRY_AFTER = tuple(timedelta(minutes=m) for m in (0.1, 0.5, 2, 5, 15, 30, 60, 180, 360, 720, 1440, 1440))
"""Waits between attempts, about three days in all; after the last the message is dead and waits for a person."""


LEASE = timedelta(minutes=5)
"""How long a message that was begun is left to whoever began it: longer than it takes to be told what became of it."""

ALL, WITHIN, WEBHOOKS, MAILS = "all", "within", "webhooks", "mails"
"""Lanes: what goes to addresses that anybody may have given us, what the mail server takes (destinations that end with
`.mail`), and the rest, which no slow one of them holds up."""
WEBHOOK = "webhook:"
"""How the destinations of the lane `WEBHOOKS` begin."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `destination` names who gets it, e.g. payments.fake or webhook:<id>. `once`: whoever gets it does
    the same again if it comes again, so that whoever sends it is told where an attempt may have arrived."""

    destination: str
    topic: str
    subject: UUID
    company: int
    body: Any
    once: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    id: int
    destination: str
    topic: str
    subject: UUID
    company: int
    body: str
    attempts: int
    once: bool = False
    begun_at: datetime | None = None
    """When the last attempt was begun of which nobody knows whether it arrived: whoever sent it is gone, or failed over
    the answer, or heard none."""

    @property
    def is_again(self) -> bool:
        return self.begun_at is not None

    def unheard_for(self, at: datetime) -> timedelta | None:
        """How long ago that attempt was begun; None where there is none."""
        return at - self.begun_at if self.begun_at else None


def send(cause: Cause, messages: Sequence[Message]) -> None:
    """Leave messages for the relay, in the running transaction. One statement."""
    rows = [
        (
            m.company,
            m.destination,
            m.topic,
            m.subject,
            wire.dump(m.body),
            cause.at,
            "waiting",
            0,
            cause.at,
            "",
            m.once,
        )
        for m in messages
    ]
    sql.write("kernel_delivery", _COLUMNS, rows)


_COLUMNS = (
    "company_id", "destination", "topic", "subject_id", "body", "created_at", "state", "attempts", "next_try_at",
    "last_error", "once",
)  # fmt: skip


def claim(at: datetime, limit: int, lane: str = ALL) -> list[Claimed]:
    """Messages of a lane that are due, locked until the transaction ends: the oldest waiting one of each subject at
    most.

    So messages about one subject go out in order, and one that fails holds back only its own subject.
    """
    return [Claimed(*row) for row in sql.run(_CLAIMS[lane], {"at": at, "limit": limit})]


def begin(at: datetime, message: Claimed) -> None:
    """Note that a message that goes once is being sent, before it is: whoever claims it after us finds out what became
    of it. Nobody else does for a while. 1 statement."""
    sql.run(_BEGIN, {"id": message.id, "at": at, "until": at + LEASE})


def claim_begun(at: datetime, message: Claimed) -> bool:
    """Whether a message that we have begun at a moment is ours still, locked until the transaction ends: whoever stood
    still for longer than his lease finds that somebody else has begun it. 1 statement."""
    return bool(sql.run(_CLAIM_BEGUN, {"id": message.id, "at": at}))


def delivered(at: datetime, messages: Sequence[Claimed]) -> None:
    """Note that messages arrived."""
    if messages:
        sql.run(_DELIVERED, {"at": at, "ids": [m.id for m in messages]})


def is_last(message: Claimed) -> bool:
    """Whether a message is given up if this attempt fails."""
    return message.attempts >= len(RETRY_AFTER)


def failed(at: datetime, message: Claimed, error: str, *, may_have_arrived: bool = False) -> datetime:
    """Note a failed attempt: try later, or give up after the last wait. Says when it is tried again."""
    last = is_last(message)
    again = at if last else at + RETRY_AFTER[message.attempts]
    params = {
        "id": message.id, "error": error[:1000], "state": "dead" if last else "waiting", "next": again,
        "keeps": may_have_arrived or message.is_again,
    }  # fmt: skip
    sql.run(_FAILED, params)
    return again


def rest(destination: str, until: datetime) -> None:
    """Leave a destination that does not answer alone: none of its messages is tried before a moment, but for those that
    somebody else holds; whoever puts them by waits for us. 1 statement."""
    sql.run(_REST, {"destination": destination, "until": until})


def put_by(destinations: Sequence[str], why: str) -> None:
    """Keep what waits for some destinations: it is not tried again until it is taken up. 1 statement."""
    sql.run(_PUT_BY, {"destinations": list(destinations), "why": why})


def take_up(at: datetime, destinations: Sequence[str]) -> None:
    """Send what was kept for some destinations on its way again, but for what was emptied meanwhile. 1 statement."""
    sql.run(_TAKE_UP, {"destinations": list(destinations), "at": at})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to a destination, with what became of it."""

    id: int
    topic: str
    subject: UUID
    state: str
    attempts: int
    created_at: datetime
    next_try_at: datetime
    delivered_at: datetime | None
    error: str


def latest(destination: str, limit: int) -> list[Outgoing]:
    """The latest messages to a webhook, whatever became of them, newest first. 1 statement."""
    return [Outgoing(*row) for row in sql.run(_LATEST, {"destination": destination, "limit": limit})]


def arrived(ids: Sequence[int]) -> set[int]:
    """Which of some messages have arrived. 1 statement."""
    return {found for (found,) in sql.run(_ARRIVED, {"ids": list(ids)})}


def bodies(ids: Sequence[int]) -> dict[int, Claimed]:
    """Messages with what they say, by id. 1 statement."""
    return {row[0]: Claimed(*row) for row in sql.run(_BODIES, {"ids": list(ids)})}


def keep(message: Claimed, why: str) -> None:
    """Put a message by that nobody can send yet: it is not tried again until a connector is there."""
    sql.run(_KEEP, {"id": message.id, "why": why})


_KEEP = """
UPDATE kernel_delivery SET state = 'kept', last_error = %(why)s::text WHERE id = %(id)s::bigint
"""

# Which lane stands in the text and not in a parameter, so that each has an index of its own; mails are few, and share
# that of the rest.
_CLAIM = """
SELECT id, destination, topic, subject_id, company_id, body::text, attempts, once, begun_at
FROM kernel_delivery AS one
WHERE state = 'waiting' AND next_try_at <= %(at)s::timestamptz
  {lane}
  AND NOT EXISTS (SELECT FROM kernel_delivery AS earlier WHERE earlier.subject_id = one.subject_id
                  AND earlier.destination = one.destination AND earlier.state = 'waiting' AND earlier.id < one.id)
ORDER BY next_try_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_CLAIMS = {
    ALL: _CLAIM.format(lane=""),
    WITHIN: _CLAIM.format(lane="AND destination NOT LIKE 'webhook:%%' AND destination NOT LIKE '%%.mail'"),
    MAILS: _CLAIM.format(lane="AND destination NOT LIKE 'webhook:%%' AND destination LIKE '%%.mail'"),
    WEBHOOKS: _CLAIM.format(lane="AND destination LIKE 'webhook:%%'"),
}

_DELIVERED = """
UPDATE kernel_delivery SET state = 'delivered', attempts = attempts + 1, delivered_at = %(at)s::timestamptz
WHERE id = ANY(%(ids)s::bigint[])
"""

_FAILED = """
UPDATE kernel_delivery SET state = %(state)s::text, attempts = attempts + 1, last_error = %(error)s::text,
       next_try_at = %(next)s::timestamptz, begun_at = CASE WHEN %(keeps)s::bool THEN begun_at END
WHERE id = %(id)s::bigint
"""

_BEGIN = """
UPDATE kernel_delivery SET begun_at = %(at)s::timestamptz, next_try_at = %(until)s::timestamptz
WHERE id = %(id)s::bigint
"""

_CLAIM_BEGUN = """
SELECT id FROM kernel_delivery WHERE id = %(id)s::bigint AND state = 'waiting' AND begun_at = %(at)s::timestamptz
FOR UPDATE SKIP LOCKED
"""

_REST = """
UPDATE kernel_delivery SET next_try_at = %(until)s::timestamptz
WHERE id IN (SELECT id FROM kernel_delivery
             WHERE destination = %(destination)s::text AND destination LIKE 'webhook:%%' AND state = 'waiting'
               AND next_try_at < %(until)s::timestamptz FOR UPDATE SKIP LOCKED)
"""

_PUT_BY = """
UPDATE kernel_delivery SET state = 'kept', last_error = %(why)s::text
WHERE destination = ANY(%(destinations)s::text[]) AND destination LIKE 'webhook:%%' AND state = 'waiting'
"""

_TAKE_UP = """
UPDATE kernel_delivery SET state = 'waiting', attempts = 0, next_try_at = %(at)s::timestamptz
WHERE destination = ANY(%(destinations)s::text[]) AND destination LIKE 'webhook:%%' AND state = 'kept'
  AND body <> '{}'
"""

_LATEST = """
SELECT id, topic, subject_id, state, attempts, created_at, next_try_at, delivered_at, last_error FROM kernel_delivery
WHERE destination = %(destination)s::text AND destination LIKE 'webhook:%%'
ORDER BY id DESC LIMIT %(limit)s::int
"""

_ARRIVED = "SELECT id FROM kernel_delivery WHERE id = ANY(%(ids)s::bigint[]) AND state = 'delivered'"

_BODIES = """
SELECT id, destination, topic, subject_id, company_id, body::text, attempts FROM kernel_delivery
WHERE id = ANY(%(ids)s::bigint[])
"""
