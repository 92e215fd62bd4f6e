"""API keys: let a program act for a person, and stop it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.access import keys, queries
from entrepot.access.errors import KeyBeyondOwn
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class IssueKey:
    """`raw` comes from `keys.fresh()` at the edge, which shows it once; it is kept nowhere, not even in the answer."""

    name: str
    user: int
    raw: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class KeyIssued:
    id: UUID
    prefix: str


@dataclass(frozen=True, slots=True)
class RevokeKey:
    id: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    id: UUID


@command("access.issue_key")
def issue_key(cause: Cause, /, *, requests: Sequence[IssueKey]) -> list[KeyIssued | Refused]:
    """Keys that may do what their person may.

    Refuses: NotFound (the person); Invalid (not a key; a key that exists); KeyBeyondOwn (for somebody who may do what
    the actor may not).
    Again: by key. 2 statements; 3 for an actor who may not everything.
    """
    beyond = _beyond(cause, [one.user for one in requests])
    people, taken = sql.run(
        _KNOWN,
        {"users": [one.user for one in requests], "prefixes": [keys.prefix(one.raw) for one in requests]},
    )[0]
    answers: list[KeyIssued | Refused] = []
    rows = []
    for one in requests:
        prefix = keys.prefix(one.raw)
        if one.user not in people:
            answers.append(NotFound(what="active person", which=one.user))
        elif one.user in beyond:
            answers.append(KeyBeyondOwn(person=beyond[one.user], actor=cause.actor.name))
        elif prefix is None or prefix in taken:
            answers.append(
                Invalid(field="raw", expected="a new key made by the house", found="something else")
            )
        else:
            taken.append(prefix)
            rows.append((ids.uuid7(), one.name, prefix, keys.digest(one.raw), one.user, cause.at, None))
            answers.append(KeyIssued(rows[-1][0], prefix))

    sql.write("access_apikey", _COLUMNS, rows)
    announce(cause, (Event("api_key", row[0], 0, "", "issued", payload={"user": row[4]}) for row in rows))
    return answers


@command("access.revoke_key")
def revoke_key(cause: Cause, /, *, requests: Sequence[RevokeKey]) -> list[KeyRevoked | Refused]:
    """Keys that nobody can use any more, from the next request on.

    Locks: the keys.
    Refuses: NotFound.
    Again: a revoked key stays revoked, with its first time. 2 statements.
    """
    wanted = sorted({one.id for one in requests})
    known = {row[0] for row in sql.run(_LOCK, {"ids": wanted})}
    ended = [row[0] for row in sql.run(_REVOKE, {"ids": wanted, "at": cause.at})]
    announce(cause, (Event("api_key", one, 0, "issued", "revoked") for one in ended))
    return [
        KeyRevoked(one.id) if one.id in known else NotFound(what="API key", which=one.id) for one in requests
    ]


def _beyond(cause: Cause, users: Sequence[int]) -> dict[int, str]:
    """The people of whom a key would do more than the actor may, with their names."""
    actor = cause.actor
    if actor.everything:
        return {}
    return {
        which: one.name
        for which, one in queries.people_by_id(users).items()
        if one.superuser or not all(map(actor.may, one.commands))
    }


_COLUMNS = ("id", "name", "prefix", "digest", "user_id", "created_at", "revoked_at")

_KNOWN = """
SELECT ARRAY(SELECT id FROM auth_user WHERE is_active AND id = ANY(%(users)s::int[])),
       ARRAY(SELECT prefix FROM access_apikey WHERE prefix = ANY(%(prefixes)s::text[]))
"""

_LOCK = "SELECT id FROM access_apikey WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE"

_REVOKE = """
UPDATE access_apikey SET revoked_at = %(at)s::timestamptz WHERE id = ANY(%(ids)s::uuid[]) AND revoked_at IS NULL
RETURNING id
"""
