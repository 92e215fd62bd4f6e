"""Who is in, and from where: each entry noted, and ended before its time by whose it is or by an administrator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.access.commands.keep_people import IN, subject_of
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event

SOURCE_MAX, DEVICE_MAX = 60, 160


@dataclass(frozen=True, slots=True)
class NoteSession:
    """Somebody entered: under which key their browser is known from now on, from which address, with what. The same
    session under another key is the same session."""

    session: UUID
    person: int
    session_key: str
    source: str = ""
    device: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SessionNoted:
    session: UUID


@dataclass(frozen=True, slots=True)
class EndSessions:
    """A session of somebody ends now, or all of them but `but`."""

    person: str
    session: UUID | None = None
    but: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """How many were open until now."""

    ended: int


@command("access.note_sessions")
def note_sessions(cause: Cause, /, *, requests: Sequence[NoteSession]) -> list[SessionNoted | Refused]:
    """Entries, written down; what is known of sessions that are over is dropped with it.

    Locks: nothing before it writes. Again: the same. 2 statements.
    """
    rows = [
        (one.session, one.person, one.session_key, one.source[:SOURCE_MAX], one.device[:DEVICE_MAX])
        for one in {one.session: one for one in requests}.values()
    ]
    sql.run(_DROP, {"at": cause.at})
    sql.run(_NOTE, sql.columns(("ids", "people", "keys", "sources", "devices"), rows) | {"at": cause.at})
    return [SessionNoted(one.session) for one in requests]


@command("access.end_sessions")
def end_sessions(cause: Cause, /, *, requests: Sequence[EndSessions]) -> list[SessionsEnded | Refused]:
    """Sessions that open nothing any more from the next request on.

    Locks: the people, in the order of their ids. Refuses: NotFound (the person, or a session that is not open).
    Again: NotFound, or none were left; by key. 3 statements.
    """
    people = dict(sql.run(_LOCK, {"names": sorted({one.person for one in requests})}))
    open_: dict[int, dict[UUID, str]] = {}
    for session, person, session_key in sql.run(_OPEN, {"people": sorted(people.values())}):
        open_.setdefault(person, {})[session] = session_key
    answers: list[SessionsEnded | Refused] = []
    gone: list[tuple[UUID, str]] = []
    told: dict[int, int] = {}
    for one in requests:
        if one.person not in people:
            answers.append(NotFound(what="person", which=one.person))
            continue
        own = open_.get(people[one.person], {})
        ends = [which for which in own if which != one.but and one.session in (None, which)]
        if one.session and not ends:
            answers.append(NotFound(what="session", which=str(one.session)))
            continue
        gone += [(which, own.pop(which)) for which in ends]
        if ends:
            told[people[one.person]] = told.get(people[one.person], 0) + len(ends)
        answers.append(SessionsEnded(len(ends)))
    if gone:
        sql.run(_END, {"ids": [which for which, _ in gone], "keys": [key for _, key in gone]})
    announce(cause, [
        Event("person", subject_of(person), 0, IN, IN, payload={"sessions ended": count})
        for person, count in told.items()
    ])  # fmt: skip
    return answers


# Whoever enters at the same moment drops others, and waits for nobody.
_DROP = """
DELETE FROM access_session WHERE id IN (
    SELECT s.id FROM access_session AS s WHERE NOT EXISTS (
        SELECT FROM django_session AS d WHERE d.session_key = s.session_key AND d.expire_date > %(at)s::timestamptz)
    ORDER BY s.id FOR UPDATE SKIP LOCKED)
"""

_NOTE = f"""
INSERT INTO access_session (id, user_id, session_key, source, device, entered_at)
SELECT ids, people, keys, sources, devices, %(at)s::timestamptz
FROM {sql.unnest("one", ids="uuid", people="int", keys="text", sources="text", devices="text")}
ON CONFLICT (id) DO UPDATE SET session_key = excluded.session_key
"""

_LOCK = "SELECT username, id FROM auth_user WHERE username = ANY(%(names)s::text[]) ORDER BY id FOR UPDATE"

_OPEN = """
SELECT s.id, s.user_id, s.session_key
FROM access_session AS s JOIN django_session AS d ON d.session_key = s.session_key
WHERE s.user_id = ANY(%(people)s::int[]) ORDER BY s.id
"""

_END = """
WITH ended AS (DELETE FROM django_session WHERE session_key = ANY(%(keys)s::text[]))
DELETE FROM access_session WHERE id = ANY(%(ids)s::uuid[])
"""
