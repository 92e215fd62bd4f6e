"""Messages that stand still: looked at, mended and sent on their way again, or dropped for a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

import msgspec

from entrepot.kernel import ids, masking, sql, worker
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.kernel.states import Machine, machine

Side = Literal["in", "out"]

OUT = machine(
    "outgoing message",
    "waiting",
    ("arrive", "waiting", "delivered"),
    ("give up", "waiting", "dead"),
    ("keep", "waiting", "kept"),
    ("replay", ("dead", "kept", "waiting"), "waiting"),
    ("drop", ("dead", "kept", "waiting"), "dropped"),
)
IN = machine(
    "incoming message",
    "received",
    ("take", "received", "done"),
    ("set aside", "received", "set_aside"),
    ("give up", "received", "dead"),
    ("replay", ("dead", "set_aside", "received"), "received"),
    ("drop", ("dead", "set_aside", "received"), "dropped"),
)
MACHINES: dict[str, Machine] = {"in": IN, "out": OUT}
STANDING = {"in": ("dead", "set_aside", "received"), "out": ("dead", "kept", "waiting")}
"""States in which a message has not had its effect, by side."""
ARRIVED = {"in": "done", "out": "delivered"}
"""The state of one that had it, by side."""

CONTENT_MAX = 1_000_000
EMPTIED = "{}"
"""What stands in the place of a message that was erased."""


class Overtaken(Refused):
    code = "kernel.overtaken"
    says = (
        "A later message about the same thing went to {destination} already: sent now, this one comes out of its order."
        " Drop it, or say that it may go out all the same."
    )


class Erased(Refused):
    code = "kernel.message_erased"
    says = "What this message said was erased. Write anew what it shall say, or drop it."


class NotSaid(Refused):
    code = "kernel.not_said"
    says = "Message {message} does not say “{text}”, so nothing of it can be replaced. Look at it, or leave it out."


class Masked(Refused):
    """Whether a message says something would tell what is kept from whoever asks."""

    code = "kernel.message_masked"
    kind = "forbidden"
    says = (
        "Message {message} is masked for you in part. Only who may see buyers mends it: replay it unchanged, or drop"
        " it."
    )


class NoWayIn(Refused):
    code = "kernel.no_way_in"
    says = "Messages of {source} are not taken in by themselves. Bring in its file again, or drop this one."


class AsWritten(Refused):
    code = "kernel.as_written"
    says = "A message of {place} goes as it was written: {why}. Replay it unchanged, or drop it."


@dataclass(frozen=True, slots=True)
class ReplayMessage:
    """A message by its side and id. `content`: what it shall say, None for what it says; or `replaces`, wherever it
    says that, `by` something else. `anyway`: also where a later one about the same thing has arrived. `sees_people`:
    whether whoever asks is shown whom messages are about."""

    company: int
    side: Side
    message: str
    reason: str
    content: str | None = None
    anyway: bool = False
    replaces: str = ""
    by: str = ""
    sees_people: bool = True
    key: str | None = None

    @property
    def edits(self) -> bool:
        return self.content is not None or self.replaces != ""


@dataclass(frozen=True, slots=True)
class DropMessage:
    """A message that shall have no effect."""

    company: int
    side: Side
    message: str
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class KeepUnread:
    """A message that is genuine and could not be read."""

    company: int
    source: str
    content: str
    error: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MessageNow:
    side: Side
    message: str
    state: str


class _Asked(Protocol):
    @property
    def company(self) -> int: ...
    @property
    def side(self) -> Side: ...
    @property
    def message(self) -> str: ...
    @property
    def reason(self) -> str: ...


class _Found(NamedTuple):
    """`place`: a destination or source; `subject`: what its events stand with."""

    side: Side
    id: str
    company: int
    state: str
    place: str
    subject: UUID
    content: str
    is_overtaken: bool


@command("kernel.replay_messages")
def replay_messages(cause: Cause, /, *, requests: Sequence[ReplayMessage]) -> list[MessageNow | Refused]:
    """Messages on their way again, as they were or mended: out at the next round of the relay, with all its attempts;
    in to the room that takes those of their source.

    Locks: the messages, out before in, by id. Refuses: NotFound, WrongState (arrived, done or dropped), Invalid
    (no reason; content that is no message), Masked, AsWritten, NoWayIn, Overtaken, NotSaid (of what shall be replaced),
    Erased.
    Again: by key. 4 statements.
    """
    changes: dict[_Key, str | None] = {}

    def may(found: _Found, one: ReplayMessage) -> Refused | None:
        refusal = hidden(one, found.content) or unfit(found, edits=one.edits, anyway=one.anyway)
        if refusal is not None:
            return refusal
        said = mended(one, found.content)
        if isinstance(said, Refused):
            return said
        refusal = misfit(found.side, found.content, said)
        if refusal is None:
            changes[_key(one)] = said
        return refusal

    found, answers = _decided(requests, "replay", may)
    _write(cause, changes, "")
    offered: dict[str, list[tuple[UUID, int, datetime]]] = {}
    for key in changes:
        if key[1] == "in":
            offered.setdefault(queue_of(found[key].place), []).append((UUID(key[2]), 0, cause.at))
    for queue, work in sorted(offered.items()):
        offer(queue, work)
    _tell(cause, requests, answers, found)
    return answers


@command("kernel.drop_messages")
def drop_messages(cause: Cause, /, *, requests: Sequence[DropMessage]) -> list[MessageNow | Refused]:
    """Messages that will have no effect, each for a reason; what they said stays to be read.

    Locks: the messages, out before in, by id. Refuses: NotFound, WrongState (arrived, done or dropped), Invalid
    (no reason). Again: by key. 4 statements.
    """
    found, answers = _decided(requests, "drop", lambda _found, _one: None)
    reasons = {
        _key(one): one.reason
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, MessageNow)
    }
    _write(cause, dict.fromkeys(reasons), "dropped", reasons)
    _tell(cause, requests, answers, found)
    return answers


@command("kernel.keep_unread")
def keep_unread(cause: Cause, /, *, requests: Sequence[KeepUnread]) -> list[MessageNow | Refused]:
    """Genuine messages that nobody could read, kept as dead letters for a person to mend: each content once.

    Again: kept once; by key. 1 statement.
    """
    keys = _keys(requests)
    rows = dict(zip(keys, requests, strict=True))
    written = [(ids.uuid7(), *key, _storable(one.content), one.error[:1000]) for key, one in rows.items()]
    names = ("ids", "companies", "sources", "externals", "contents", "errors")
    kept = {
        (company, source, external): str(which)
        for company, source, external, which in sql.run(
            _KEEP_UNREAD, sql.columns(names, written) | {"at": cause.at}
        )
    }
    return [MessageNow("in", kept[key], "dead") for key in keys]


def _keys(requests: Sequence[KeepUnread]) -> list[tuple[int, str, str]]:
    return [
        (one.company, one.source, f"unread {sha256(one.content.encode()).hexdigest()}") for one in requests
    ]


def _storable(content: str) -> str:
    return content.replace("\x00", "\ufffd")[:CONTENT_MAX]


# ---- decisions


def hidden(one: ReplayMessage, content: str) -> Refused | None:
    """Why whoever is not shown all of a message can't mend it: the answers would tell what it says. Pure."""
    if one.edits and not one.sees_people and masking.shown(content, sees_people=False).hides:
        return Masked(message=one.message)
    return None


def mended(one: ReplayMessage, content: str) -> str | Refused | None:
    """What a message shall say; None for what it says already. Pure."""
    if not one.replaces:
        return one.content
    if one.content is not None:
        return Invalid(field="replaces", expected="new content, or a part of the old one", found="both")
    if one.replaces not in content:
        return NotSaid(message=one.message, text=one.replaces)
    return content.replace(one.replaces, one.by)


def misfit(side: Side, content: str, wanted: str | None) -> Refused | None:
    """Why a message can't be sent on its way saying what is wanted: None for what it says already. Pure."""
    if wanted is None:
        return Erased() if content == EMPTIED else None
    if len(wanted) > CONTENT_MAX or "\x00" in wanted or not wanted.strip():
        return Invalid(
            field="content", expected=Said("1 to {0} characters, no NUL", CONTENT_MAX), found=len(wanted)
        )
    if side == "out":
        try:
            msgspec.json.decode(wanted)
        except msgspec.DecodeError as error:
            return Invalid(field="content", expected="JSON", found=str(error))
    return None


def unfit(found: _Found, *, edits: bool, anyway: bool) -> Refused | None:
    """Why a message can't go where it belongs."""
    if edits and (why := why_fixed(found.place)):
        return AsWritten(place=found.place, why=why)
    if found.side == "in" and found.place not in ways_in():
        return NoWayIn(source=found.place)
    if found.is_overtaken and not anyway:
        return Overtaken(destination=found.place)
    return None


def queue_of(source: str) -> str:
    """The queue in which messages of a source wait to be taken again."""
    return f"inbox.{source}"


@cache
def ways_in() -> frozenset[str]:
    """Sources of which a room takes messages again: those with a queue of their own."""
    return frozenset(name.removeprefix("inbox.") for name in worker.queues() if name.startswith("inbox."))


@cache
def as_written() -> dict[str, str]:
    """Destinations and sources whose messages nobody may edit, and why."""
    return worker.as_written()


def why_fixed(place: str) -> str:
    """Why nobody may edit messages of a destination or source, one of many of its kind too; '' where one may."""
    fixed = as_written()
    return fixed.get(place) or fixed.get(place.partition(":")[0], "")


# ---- steps

_Key = tuple[int, str, str]


def _key(one: _Asked) -> _Key:
    return (one.company, one.side, one.message)


def _decided(
    requests: Sequence[Any], event: str, may: Callable[[_Found, Any], Refused | None]
) -> tuple[dict[_Key, _Found], list[MessageNow | Refused]]:
    found: dict[_Key, _Found] = {}
    for side, statement in (("out", _LOCK_OUT), ("in", _LOCK_IN)):
        wanted = [
            which for one in requests if one.side == side and (which := _id(side, one.message)) is not None
        ]
        for row in sql.run(statement, {"ids": wanted}) if wanted else ():
            one = _Found(*row)
            found[one.company, one.side, one.id] = one
    states = {key: one.state for key, one in found.items()}
    return found, [_step(one, event, found.get(_key(one)), states, may) for one in requests]


def _step(
    one: Any,
    event: str,
    found: _Found | None,
    states: dict[_Key, str],
    may: Callable[[_Found, Any], Refused | None],
) -> MessageNow | Refused:
    if found is None:
        return NotFound(what="message", which=one.message)
    if not one.reason.strip():
        return Invalid(field="reason", expected="why", found="nothing")
    state = MACHINES[one.side].step(states[_key(one)], event)
    refusal = state if isinstance(state, Refused) else may(found, one)
    if refusal is not None:
        return refusal
    assert isinstance(state, str)
    states[_key(one)] = state
    return MessageNow(one.side, one.message, state)


def is_id(side: str, text: str) -> bool:
    """Whether a text can be the id of a message of a side."""
    return _id(side, text) is not None


def _id(side: str, text: str) -> int | UUID | None:
    """An id of the side's kind; None for what can be none."""
    try:
        if side == "in":
            found = UUID(text)
            return found if str(found) == text.lower() else None
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    except ValueError:
        return None


def _write(
    cause: Cause, changes: dict[_Key, str | None], state: str, reasons: dict[_Key, str] | None = None
) -> None:
    """The state and content of messages; `state` is '' where they begin again."""
    for side, statement, begin in (("out", _CHANGE_OUT, "waiting"), ("in", _CHANGE_IN, "received")):
        rows = [
            (UUID(key[2]) if side == "in" else int(key[2]), content, (reasons or {}).get(key, ""))
            for key, content in sorted(changes.items())
            if key[1] == side
        ]
        if rows:
            params = sql.columns(("ids", "contents", "errors"), rows)
            sql.run(statement, params | {"state": state or begin, "at": cause.at})


def _tell(
    cause: Cause, requests: Sequence[Any], answers: Sequence[MessageNow | Refused], found: dict[_Key, _Found]
) -> None:
    happened = [
        Event(
            f"message_{one.side}", was.subject, was.company, was.state, answer.state, None,
            {"message": one.message, "place": was.place, "is_edited": getattr(one, "edits", False)},
            one.reason,
        )
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, MessageNow) and (was := found[_key(one)])
    ]  # fmt: skip
    if happened:
        announce(cause, happened)


_LOCK_OUT = """
SELECT 'out', id::text, company_id::int, state, destination, subject_id, body::text,
       EXISTS (SELECT FROM kernel_delivery AS later
               WHERE later.subject_id = one.subject_id AND later.destination = one.destination
                 AND later.state = 'delivered' AND later.id > one.id)
FROM kernel_delivery AS one WHERE one.id = ANY(%(ids)s::bigint[]) ORDER BY one.id FOR UPDATE OF one
"""

_LOCK_IN = """
SELECT 'in', id::text, company_id::int, state, source, id, payload, false
FROM kernel_inbox AS one WHERE one.id = ANY(%(ids)s::uuid[]) ORDER BY one.id FOR UPDATE
"""

_CHANGE_OUT = """
UPDATE kernel_delivery AS m SET state = %(state)s::text, attempts = 0, next_try_at = %(at)s::timestamptz,
       last_error = d.error, body = COALESCE(d.content::jsonb, m.body)
FROM unnest(%(ids)s::bigint[], %(contents)s::text[], %(errors)s::text[]) AS d(id, content, error) WHERE m.id = d.id
"""

_CHANGE_IN = """
UPDATE kernel_inbox AS m SET state = %(state)s::text, last_error = d.error, payload = COALESCE(d.content, m.payload)
FROM unnest(%(ids)s::uuid[], %(contents)s::text[], %(errors)s::text[]) AS d(id, content, error) WHERE m.id = d.id
"""

# The row that is there is written as it is, so that its id comes back.
_KEEP_UNREAD = """
INSERT INTO kernel_inbox AS m
    (id, company_id, source, external_id, kind, payload, received_at, state, attempts, last_error)
SELECT d.id, d.company, d.source, d.external, 'unread', d.content, %(at)s::timestamptz, 'dead', 1, d.error
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(sources)s::text[], %(externals)s::text[],
            %(contents)s::text[], %(errors)s::text[]) AS d(id, company, source, external, content, error)
ON CONFLICT (company_id, source, external_id) DO UPDATE SET last_error = m.last_error
RETURNING company_id::int, source, external_id, id
"""
