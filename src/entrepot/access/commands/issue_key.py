"""API keys: let a program act for a person for a time, let another key follow, and stop it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.access import keys, lifetimes, queries
from entrepot.access.errors import KeyBeyondOwn, KeyFollowed, KeyOfOthers
from entrepot.access.lifetimes import KeyPolicy
from entrepot.access.rules import ROLES, roles_of_key
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState, one_of
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class IssueKey:
    """`raw` comes from `keys.fresh()` at the edge, which shows it once; it is kept nowhere, not even in the answer.
    `days`: how long it is in force; None: as long as the policy `access.keys` of its person's companies lets it.
    `roles`: those of its person that it acts with (`rules.roles_of_key`); None: it may do all that its person may."""

    name: str
    user: int
    raw: str
    days: int | None = None
    roles: tuple[str, ...] | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class KeyIssued:
    """`expires_at` None: it has no end."""

    id: UUID
    prefix: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RotateKey:
    """Another secret for the program of a key: a key with its name, person and roles that follows it. The first goes on
    for `overlap_days`, or for fewer where it ends before; None: as long as the policy `access.keys` lets it, at most.
    `raw` is as of IssueKey. `days`: None: as long as the first one was given, within the policy; more are for an actor
    who may issue keys."""

    id: UUID
    raw: str
    days: int | None = None
    overlap_days: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRotated:
    """The key that follows, and until when the first one opens something."""

    id: UUID
    prefix: str
    expires_at: datetime | None
    first_until: datetime


@dataclass(frozen=True, slots=True)
class NoteUse:
    """A key was used from an address."""

    id: UUID
    address: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class UseNoted:
    """Whether it was written down: it is not where somebody else has just done so."""

    id: UUID
    noted: bool


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """A key, with all that follow it: whoever had it may have rotated it."""

    id: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    id: UUID


@command("access.issue_key")
def issue_key(cause: Cause, /, *, requests: Sequence[IssueKey]) -> list[KeyIssued | Refused]:
    """Keys that may do what their person may, or only what some roles of theirs may, until their end.

    Refuses: NotFound (the person); Invalid (not a key; a key that exists; more days than the policy lets it have; a
    role that its person has not); KeyBeyondOwn (for somebody who may do what the actor may not).
    Again: by key. 3 statements; 4 for an actor who may not everything, or where roles are named.
    """
    named = any(one.roles is not None for one in requests)
    facts = _facts(cause, [one.user for one in requests], [one.raw for one in requests], narrows=named)
    answers: list[KeyIssued | Refused] = []
    rows: list[_Row] = []
    for one in requests:
        row = _made(cause, facts, _Wanted(one.name, one.user, one.raw, one.days, one.roles))
        if isinstance(row, Refused):
            answers.append(row)
        else:
            rows.append(row)
            answers.append(KeyIssued(row.id, row.prefix, row.expires_at))

    sql.write("access_apikey", _Row._fields, rows)
    announce(
        cause, (Event("api_key", row.id, 0, "", "issued", payload={"user": row.user_id}) for row in rows)
    )
    return answers


@command("access.rotate_keys")
def rotate_keys(cause: Cause, /, *, requests: Sequence[RotateKey]) -> list[KeyRotated | Refused]:
    """Keys that follow others, which go on for a while: their program takes the new secret without a break. One that
    is over already can be followed as well; it opens nothing again.

    Locks: the keys of their people, in the order of their ids.
    Refuses: NotFound (the key; a person who may enter); WrongState (revoked); KeyFollowed; Invalid and KeyBeyondOwn as
    of `issue_key`.
    Again: by key. 6 statements; 7 for an actor who may not everything, or of keys with roles.
    """
    known = _locked([one.id for one in requests])
    named = any(one.roles is not None for one in known.values())
    facts = _facts(cause, [one.user for one in known.values()], [one.raw for one in requests], narrows=named)
    answers: list[KeyRotated | Refused] = []
    rows: list[_Row] = []
    ends: list[tuple[UUID, datetime]] = []
    for one in requests:
        first = known.get(one.id)
        if first is None:
            answers.append(NotFound(what="API key", which=one.id))
            continue
        row = _following(cause, facts, one, first)
        if isinstance(row, Refused):
            answers.append(row)
            continue
        policy = facts.policies[first.user]
        end = lifetimes.end_beside(policy, one.overlap_days, first.expires_at, cause.at)
        known[one.id] = first._replace(followed_by=row.prefix, expires_at=end)
        rows.append(row)
        ends.append((one.id, end))
        answers.append(KeyRotated(row.id, row.prefix, row.expires_at, end))

    if rows:
        sql.run(_END, sql.columns(("ids", "ends"), ends))
        sql.write("access_apikey", _Row._fields, rows)
    announce(
        cause,
        (Event("api_key", row.id, 0, "", "issued", payload={"follows": row.follows_id}) for row in rows),
    )
    return answers


@command("access.note_uses")
def note_uses(cause: Cause, /, *, requests: Sequence[NoteUse]) -> list[UseNoted | Refused]:
    """When keys were used, and from where, once an hour at most: whoever finds one locked leaves it to the other.

    Locks: the keys, those that nobody else has. Refuses: nothing. Again: nothing is written. 1 statement.
    """
    rows = [(one.id, one.address) for one in requests]
    params = {"at": cause.at, "before": cause.at - lifetimes.USED_AGAIN}
    noted = {which for (which,) in sql.run(_NOTE, sql.columns(("ids", "addresses"), rows) | params)}
    return [UseNoted(one.id, one.id in noted) for one in requests]


@command("access.revoke_key")
def revoke_key(cause: Cause, /, *, requests: Sequence[RevokeKey]) -> list[KeyRevoked | Refused]:
    """Keys that nobody can use any more, from the next request on, nor any key that follows them.

    Locks: the keys of their people, in the order of their ids: none is rotated meanwhile.
    Refuses: NotFound; KeyOfOthers (of somebody who belongs to a company that the actor does not).
    Again: a revoked key stays revoked, with its first time. 2 statements; 3 for an actor who is not of all companies.
    """
    rows = sql.run(_LOCK, {"ids": sorted({one.id for one in requests})})
    known = {key: (prefix, user) for key, _, prefix, user, *_ in rows}
    others = _others(cause.actor, {known[one.id][1] for one in requests if one.id in known})
    answers: list[KeyRevoked | Refused] = []
    for one in requests:
        prefix, user = known.get(one.id, ("", 0))
        if one.id not in known:
            answers.append(NotFound(what="API key", which=one.id))
        elif user in others:
            answers.append(KeyOfOthers(prefix=prefix, person=others[user], actor=cause.actor.name))
        else:
            answers.append(KeyRevoked(one.id))
    wanted = [one.id for one in answers if isinstance(one, KeyRevoked)]
    ended = [row[0] for row in sql.run(_REVOKE, {"ids": wanted, "at": cause.at})]
    announce(cause, (Event("api_key", one, 0, "issued", "revoked") for one in ended))
    return answers


class _Row(NamedTuple):
    """A row of access_apikey."""

    id: UUID
    name: str
    prefix: str
    digest: bytes
    user_id: int
    created_at: datetime
    expires_at: datetime | None
    follows_id: UUID | None
    roles: list[str] | None


class _Wanted(NamedTuple):
    """A key that is asked for: what for, for whom, and what bounds it."""

    name: str
    user: int
    raw: str
    days: int | None
    roles: Sequence[str] | None
    follows: UUID | None = None
    term: timedelta | None = None


class _Known(NamedTuple):
    """A key as it stands, locked."""

    name: str
    prefix: str
    user: int
    revoked_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    roles: list[str] | None
    followed_by: str | None
    longest: timedelta | None
    """How long the keys that followed it were given; None where one had no end, zero where none did."""

    def term(self) -> timedelta | None:
        """How long it was given. Its end is put forward when it is rotated, so what followed it tells that as well."""
        if self.expires_at is None or self.longest is None:
            return None
        return max(self.expires_at - self.created_at, self.longest)


def _locked(which: Sequence[UUID]) -> dict[UUID, _Known]:
    """Keys that nobody else rotates meanwhile. Who follows them is read after that: what locks sees of other rows only
    what stood before it waited. 2 statements."""
    wanted = {"ids": sorted(set(which))}
    rows = sql.run(_LOCK, wanted)
    followed = {
        first: (prefix, None if endless else longest)
        for first, prefix, longest, endless in sql.run(_FOLLOWED, wanted)
    }
    return {key: _Known._make((*known, *followed.get(key, (None, timedelta())))) for key, *known in rows}


class _Facts(NamedTuple):
    """What decides whether keys can be made: who may enter and by which policy theirs end, prefixes that are taken,
    the companies of people, and what they may, where that is asked."""

    policies: dict[int, KeyPolicy]
    taken: set[str]
    companies: dict[int, Sequence[int]]
    people: dict[int, queries.PersonRow]


def _facts(cause: Cause, users: Sequence[int], raws: Sequence[str], *, narrows: bool) -> _Facts:
    """2 statements; 3 for an actor who may not everything, or where a key has only some roles (`narrows`)."""
    set_by = policies.everywhere(KeyPolicy, cause.at)
    known = sql.run(_KNOWN, {"users": list(users), "prefixes": [keys.prefix(raw) for raw in raws]})
    people = {user: companies for user, companies, prefix in known if prefix is None}
    return _Facts(
        {user: lifetimes.strictest(companies, set_by) for user, companies in people.items()},
        {prefix for *_, prefix in known if prefix is not None},
        people,
        queries.people_by_id([*people]) if narrows or not cause.actor.everything else {},
    )


def _made(cause: Cause, facts: _Facts, one: _Wanted) -> _Row | Refused:
    """A key that is about to be written; its prefix is taken from then on."""
    if one.user not in facts.policies:
        return NotFound(what="active person", which=one.user)
    refused = _misfit_roles(one, facts) or _beyond(cause.actor, one, facts)
    if refused:
        return refused
    prefix = keys.prefix(one.raw)
    if prefix is None or prefix in facts.taken:
        return Invalid(field="raw", expected="a new key made by the house", found="something else")
    end = lifetimes.end_following(facts.policies[one.user], one.days, one.term, cause.at)
    if isinstance(end, Refused):
        return end
    facts.taken.add(prefix)
    roles = None if one.roles is None else sorted(set(one.roles))
    digest = keys.digest(one.raw)
    return _Row(ids.uuid7(), one.name, prefix, digest, one.user, cause.at, end, one.follows, roles)


def _misfit_roles(one: _Wanted, facts: _Facts) -> Refused | None:
    """Why a key can't act with roles: its person has them not. A key that follows another has what that was given, as
    far as its person still has it."""
    if one.roles is None or one.follows:
        return None
    person = facts.people[one.user]
    has = roles_of_key(person.roles, everything=person.superuser)
    strange = [role for role in one.roles if role not in has]
    if strange or not one.roles:
        return Invalid(field="roles", expected=one_of(has), found=", ".join(strange) or "nothing")
    return None


def _following(cause: Cause, facts: _Facts, one: RotateKey, first: _Known) -> _Row | Refused:
    if first.revoked_at is not None:
        return WrongState(subject=f"key {first.prefix}", found="revoked", event="rotate", expected="issued")
    if first.followed_by is not None:
        return KeyFollowed(prefix=first.prefix, by=first.followed_by)
    if one.overlap_days is not None and one.overlap_days < 0:
        return Invalid(field="overlap_days", expected="0 or more", found=f"{one.overlap_days}")
    is_free = one.days is not None and cause.actor.may("access.issue_key")
    term = None if is_free else first.term()
    return _made(cause, facts, _Wanted(first.name, first.user, one.raw, one.days, first.roles, one.id, term))


def _beyond(actor: Actor, one: _Wanted, facts: _Facts) -> Refused | None:
    """Why an actor may not give a key: it would do more than they may, or do it where they may not."""
    if actor.everything:
        return None
    person = facts.people[one.user]
    whole = one.roles is None
    does = person.commands if whole else [name for role in one.roles or () for name in ROLES.get(role, ())]
    if (whole and person.superuser) or not all(map(actor.may, does)):
        return KeyBeyondOwn(person=person.name, actor=actor.name)
    if not _is_within(actor, facts.companies[one.user]):
        return KeyBeyondOwn(person=person.name, actor=actor.name)
    return None


def _is_within(actor: Actor, companies: Sequence[int]) -> bool:
    """Whether an actor belongs to all companies that somebody belongs to; none are all."""
    return actor.companies is None or (bool(companies) and all(map(actor.is_of, companies)))


def _others(actor: Actor, users: Collection[int]) -> dict[int, str]:
    """People who belong where an actor does not, with their names."""
    if actor.companies is None:
        return {}
    rows = sql.run(_BELONGING, {"users": sorted(users)})
    return {user: name for user, name, top, companies in rows if top or not _is_within(actor, companies)}


_KNOWN = """
SELECT id, ARRAY(SELECT company_id::int FROM access_belonging AS b WHERE b.user_id = person.id), NULL AS prefix
FROM auth_user AS person WHERE is_active AND id = ANY(%(users)s::int[])
UNION ALL SELECT NULL, NULL, prefix FROM access_apikey WHERE prefix = ANY(%(prefixes)s::text[])
"""

_LOCK = """
SELECT id, name, prefix, user_id, revoked_at, expires_at, created_at, roles FROM access_apikey
WHERE user_id IN (SELECT user_id FROM access_apikey WHERE id = ANY(%(ids)s::uuid[])) ORDER BY id FOR UPDATE
"""

_FOLLOWED = """
SELECT follows_id, max(prefix) FILTER (WHERE revoked_at IS NULL), max(expires_at - created_at),
       bool_or(expires_at IS NULL)
FROM access_apikey WHERE follows_id = ANY(%(ids)s::uuid[]) GROUP BY follows_id
"""

_END = """
UPDATE access_apikey AS k SET expires_at = one.ends
FROM unnest(%(ids)s::uuid[], %(ends)s::timestamptz[]) AS one(id, ends) WHERE k.id = one.id
"""

_NOTE = """
WITH free AS (
    SELECT id FROM access_apikey
    WHERE id = ANY(%(ids)s::uuid[]) AND (used_at IS NULL OR used_at <= %(before)s::timestamptz)
    ORDER BY id FOR UPDATE SKIP LOCKED)
UPDATE access_apikey AS k SET used_at = %(at)s::timestamptz, used_from = one.address
FROM free JOIN unnest(%(ids)s::uuid[], %(addresses)s::text[]) AS one(id, address) USING (id) WHERE k.id = free.id
RETURNING k.id
"""

_BELONGING = """
SELECT id, username, is_superuser, ARRAY(SELECT company_id::int FROM access_belonging AS b WHERE b.user_id = person.id)
FROM auth_user AS person WHERE id = ANY(%(users)s::int[])
"""

_REVOKE = """
WITH RECURSIVE chain (id) AS (
    SELECT unnest(%(ids)s::uuid[])
    UNION SELECT k.id FROM chain JOIN access_apikey AS k ON k.follows_id = chain.id)
UPDATE access_apikey SET revoked_at = %(at)s::timestamptz WHERE id IN (SELECT id FROM chain) AND revoked_at IS NULL
RETURNING id
"""
