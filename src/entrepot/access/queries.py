"""What is asked about people, their rights and their keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.conf import settings

from entrepot.access import factors, keys, mailing, rules
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor
from entrepot.kernel.errors import Refused


class Person(Protocol):
    """What `actor_of` needs of Django's user."""

    @property
    def pk(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: UUID
    name: str
    prefix: str
    person: str
    created_at: datetime
    revoked_at: datetime | None
    expires_at: datetime | None = None
    follows: UUID | None = None
    used_at: datetime | None = None
    used_from: str = ""
    followed: bool = False
    """Another has taken its place, and is in force."""
    roles: list[str] | None = None
    """Those of its person that it acts with; None: all of them."""

    def state(self, at: datetime) -> str:
        """in force, expired, revoked"""
        if self.revoked_at is not None:
            return "revoked"
        return "in force" if self.expires_at is None or at < self.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class KeyInForce:
    """A key that opens something now: for whom it acts, and when it was used last as far as that is written down."""

    id: UUID
    actor: Actor
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyEnding:
    """A key that ends soon or has ended, and that no other follows; `companies`: those of its person, none for all."""

    id: UUID
    name: str
    prefix: str
    person: str
    expires_at: datetime
    used_at: datetime | None
    companies: list[int]


@dataclass(frozen=True, slots=True)
class View:
    """A list under a name; `role` is '' where it is its person's alone."""

    id: UUID
    list: str
    name: str
    query: str
    role: str
    person: str


@dataclass(frozen=True, slots=True)
class DutyHeld:
    document: UUID
    pair: str
    side: str
    person: str
    taken_at: datetime


def actor_of(user: Person) -> Actor:
    """The actor that a person is: their roles and what they may give; everything for a superuser. 1 statement."""
    return _actor(sql.run(_ACTOR.format(where="person.id = %(user)s::int"), {"user": user.pk})[0])


def actor_named(name: str) -> Actor:
    """The actor that somebody of that name is now; one who may nothing where nobody is called so. 1 statement."""
    found = sql.run(_ACTOR.format(where="person.username = %(name)s"), {"name": name})
    return _actor(found[0]) if found else Actor(name)


def key_in_force(raw: str, at: datetime) -> KeyInForce | None:
    """A key with the person for whom it acts, with the roles that it was issued for and they still have, or None where
    it is unknown, revoked or over, or its person gone. 1 statement."""
    prefix = keys.prefix(raw)
    found = prefix and sql.run(_BY_KEY, {"prefix": prefix, "at": at})
    if not found or not keys.same(bytes(found[0][4]), keys.digest(raw)):
        return None
    return KeyInForce(found[0][7], _actor(found[0]), found[0][8]) if found[0][2] else None


def able(command: str) -> list[str]:
    """Everybody who may enter and give a command, by name. 1 statement."""
    return [name for (name,) in sql.run(_ABLE, {"command": command})]


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody who may enter, with their roles and what they may give; a superuser may everything."""

    name: str
    superuser: bool
    roles: list[str]
    commands: list[str]


def people() -> list[PersonRow]:
    """Everybody who may enter, by name. 1 statement."""
    return [PersonRow(*row) for row in sql.run(_PEOPLE)]


def people_by_id(which: Sequence[int]) -> dict[int, PersonRow]:
    """Some of them by their ids. 1 statement."""
    return {row[0]: PersonRow(*row[1:]) for row in sql.run(_PEOPLE_BY_ID, {"which": list(which)})}


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whom the house knows, whether they may enter or not, with how many keys of theirs nobody has revoked;
    `companies`: those that they belong to, none where they belong to all."""

    id: int
    name: str
    email: str
    superuser: bool
    may_enter: bool
    roles: list[str]
    added_at: datetime
    entered_at: datetime | None
    keys: int
    companies: list[int]


def known() -> list[Known]:
    """Everybody whom the house knows, by name. 1 statement."""
    return [Known(*row) for row in sql.run(_ALL_KNOWN, {"which": None})]


@dataclass(frozen=True, slots=True)
class FactorState:
    """A person's second factor: since when it counts, None while it is offered; the secret until then; codes left on
    paper."""

    confirmed_at: datetime | None
    secret: str
    papers: int


def factor(person: int) -> FactorState | None:
    """The second factor of somebody; None where they have none. 1 statement."""
    found = sql.run(_FACTOR, {"user": person})
    if not found:
        return None
    confirmed_at, sealed, papers = found[0]
    return FactorState(confirmed_at, "" if sealed is None else factors.opened(person, sealed), papers)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Somebody who is in: since when, from which address, with what."""

    id: UUID
    source: str
    device: str
    entered_at: datetime


def sessions(person: int, now: datetime, most: timedelta) -> list[SessionRow]:
    """The sessions of somebody that are open, and not older than `most`, the latest first. 1 statement."""
    params = {"user": person, "now": now, "since": now - most}
    return [SessionRow(*row) for row in sql.run(_SESSIONS, params)]


def link_number(document: UUID) -> int:
    """What links to a document bear that open it: how often earlier ones were taken back. 1 statement."""
    found = sql.run("SELECT number FROM access_link WHERE document_id = %(id)s::uuid", {"id": document})
    return found[0][0] if found else 0


def beginning(text: str, limit: int) -> list[Known]:
    """People whose names begin with a text, in whatever letters, by name. 1 statement."""
    return [Known(*row) for row in sql.run(_BEGINNING, {"text": text, "limit": limit})]


def known_person(which: int) -> Known | None:
    """One of them. 1 statement."""
    found = sql.run(_ALL_KNOWN, {"which": which})
    return Known(*found[0]) if found else None


def views(company: int, of: str, person: str, roles: Sequence[str]) -> list[View]:
    """Views of a list: the person's own and those shared with their roles, by name. 1 statement."""
    params = {"company": company, "list": of, "person": person, "roles": list(roles)}
    return [View(*row) for row in sql.run(_VIEWS, params)]


def view(company: int, which: UUID, person: str, roles: Sequence[str]) -> View | None:
    """A view that the person may see. 1 statement."""
    params = {"company": company, "which": which, "person": person, "roles": list(roles)}
    found = sql.run(_VIEW, params)
    return View(*found[0]) if found else None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A report by mail, with what became of the last one; `state` is '' before the first."""

    id: UUID
    report: str
    query: str
    rhythm: str
    hour: int
    zone: str
    file: str
    next_at: datetime
    state: str
    error: str
    taken_at: datetime | None


def subscriptions(company: int, person: str) -> list[Subscription]:
    """Reports that a person gets by mail, by name. 1 statement."""
    return [Subscription(*row) for row in sql.run(_SUBSCRIPTIONS, {"company": company, "person": person})]


def password_is_anothers(person: int) -> bool:
    """Whether somebody else made the password that a person enters with, and knows it. 1 statement."""
    found = sql.run(_MADE, {"person": UUID(int=person), "commands": list(MADE)})
    return bool(found) and MADE[found[0][0]]


MADE = {"access.add_people": True, "access.renew_passwords": True, "access.change_passwords": False}
"""What makes passwords, and whether it is somebody else who does."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A mail of a report that is not on its way, and of which nothing follows by itself: it failed as often as it is
    tried, may have been sent (`doubtful`), or whoever took it never told of it."""

    id: UUID
    person: str
    report: str
    query: str
    period: str
    state: str
    attempts: int
    error: str
    taken_at: datetime


def sends_mail() -> bool:
    """Whether this house can send mail."""
    return bool(settings.EMAIL_HOST) or "smtp" not in settings.EMAIL_BACKEND


def unsent(company: int, now: datetime) -> list[Unsent]:
    """The last mail of each subscription, where it was not sent; the oldest first. 1 statement."""
    return [Unsent(*row) for row in sql.run(_UNSENT, {"company": company, "now": now})]


def api_keys() -> list[ApiKey]:
    """Every key, newest first, without its secret. 1 statement."""
    return [ApiKey(*row) for row in sql.run(_KEYS)]


def keys_ending(until: datetime) -> list[KeyEnding]:
    """Keys that end until then, or have ended, of people who may enter, and that nobody has revoked or rotated: by
    their end. 1 statement."""
    return [KeyEnding(*row) for row in sql.run(_ENDING, {"until": until})]


def keys_came_to(which: Collection[UUID]) -> dict[UUID, str]:
    """What keys came to: revoked, left (their person may not enter), followed (by one that is not revoked), or ''.
    1 statement."""
    return dict(sql.run(_CAME_TO, {"ids": sorted(which)}))


def apart(duties: Sequence[rules.Duty]) -> list[Refused | None]:
    """For each duty, why its person may not take it; nothing is taken, so that whoever is refused for another reason
    has done nothing. None for nothing, else 1 statement."""
    answers = rules.decide_duties(duties)
    rows = [(one.document, one.pair, one.side, one.person) for one in duties]
    wanted = sql.columns(("documents", "pairs", "sides", "persons"), rows)
    held = {tuple(row) for row in sql.run(_OTHER_SIDE, wanted)} if duties else set()
    return [
        refusal or (rules.apart(one) if row in held else None)
        for one, row, refusal in zip(duties, rows, answers, strict=True)
    ]


def first_by(person: str, pair: str, documents: Collection[UUID]) -> set[UUID]:
    """Of documents, those on which a person did the first part of a pair (`rules.FIRST_BY`), as the event log tells.
    None for nothing, else 1 statement."""
    params = {"person": person, "commands": list(rules.FIRST_BY[pair]), "documents": list(documents)}
    return {document for (document,) in sql.run(_FIRST_BY, params)} if documents else set()


def duties_of(document: UUID) -> list[DutyHeld]:
    """Who did which part on a document. 1 statement."""
    return [DutyHeld(*row) for row in sql.run(_DUTIES, {"document": document})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    duties, grants = sql.run(_CHECKED)[0]
    return {"duties": duties, "permissions of roles": grants}


def discrepancies() -> list[str]:
    """Persons on both sides of a pair, and roles that may do more than the table of roles says. 2 statements."""
    both = [
        f"{person} holds both sides of {pair} on {document}."
        for document, pair, person in sql.run(_BOTH_SIDES)
    ]
    beyond = [
        f"The role {role} may do {name}, which the table of roles does not give it."
        for role, name in sql.run(_GRANTED, {"roles": sorted(rules.ROLES)})
        if name not in rules.ROLES[role]
    ]
    return both + beyond


def _actor(row: tuple[object, ...]) -> Actor:
    name, superuser, active, permissions = row[:4]
    if not active:
        return Actor(str(name))
    confined = frozenset(row[6] or ()) or None  # type: ignore[call-overload]
    return Actor(
        str(name), frozenset(permissions or ()), bool(superuser), frozenset(row[5] or ()),  # type: ignore[call-overload]
        None if superuser else confined,
    )  # fmt: skip


# Through groups and given directly, as Django counts them; one statement where has_perm takes two and a join more. What
# is `narrowed` to some roles acts with those of them that its person has, a superuser any, and with nothing else.
_ACTING = """
WITH person AS (
    SELECT u.id, username, is_active, is_superuser AND roles IS NULL AS may_all, roles, u.key, u.digest, u.used_at,
           ARRAY(SELECT g.id FROM auth_group AS g
                 WHERE (roles IS NULL OR g.name = ANY(roles))
                   AND (roles IS NOT NULL AND is_superuser OR EXISTS (
                       SELECT FROM auth_user_groups AS m
                       WHERE m.user_id = u.id AND (m.group_id = g.id OR roles IS NOT NULL AND g.name = '{reads}')))
           ) AS groups
    FROM ({who}) AS u
)
SELECT username, may_all, is_active, ARRAY(
    SELECT codename FROM auth_permission JOIN django_content_type AS kind ON kind.id = content_type_id
    WHERE (kind.app_label, kind.model) = ('access', 'duty') AND auth_permission.id IN (
        SELECT permission_id FROM auth_group_permissions WHERE group_id = ANY(person.groups)
        UNION ALL SELECT permission_id FROM auth_user_user_permissions
                  WHERE user_id = person.id AND person.roles IS NULL)),
    digest, ARRAY(SELECT name FROM auth_group WHERE id = ANY(person.groups)),
    ARRAY(SELECT company_id::int FROM access_belonging AS b WHERE b.user_id = person.id),
    key, used_at
FROM person
"""
_ACTOR = _ACTING.format(
    who="""
    SELECT id, username, is_superuser, is_active, NULL::text[] AS roles, NULL::uuid AS key, NULL::bytea AS digest,
           NULL::timestamptz AS used_at
    FROM auth_user AS person WHERE {where}""",
    reads=rules.READS,
)
_BY_KEY = _ACTING.format(
    who="""
    SELECT person.id, username, is_superuser, is_active, k.roles, k.id AS key, k.digest, k.used_at
    FROM access_apikey AS k JOIN auth_user AS person ON person.id = k.user_id
    WHERE k.prefix = %(prefix)s::text AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > %(at)s::timestamptz)""",
    reads=rules.READS,
)

# As _ACTOR, of everybody at once.
_COMMANDED = """
SELECT {first}person.username, person.is_superuser,
       ARRAY(SELECT name FROM auth_group JOIN auth_user_groups ON group_id = auth_group.id
             WHERE user_id = person.id ORDER BY name),
       ARRAY(SELECT codename FROM auth_permission JOIN django_content_type AS kind ON kind.id = content_type_id
             WHERE (kind.app_label, kind.model) = ('access', 'duty') AND auth_permission.id IN (
                 SELECT permission_id FROM auth_user_groups JOIN auth_group_permissions USING (group_id)
                 WHERE user_id = person.id
                 UNION ALL SELECT permission_id FROM auth_user_user_permissions WHERE user_id = person.id))
FROM auth_user AS person WHERE is_active {where} ORDER BY username
"""
_PEOPLE = _COMMANDED.format(first="", where="")
_PEOPLE_BY_ID = _COMMANDED.format(first="person.id, ", where="AND person.id = ANY(%(which)s::int[])")

_KNOWN = """
SELECT person.id, username, email, is_superuser, is_active,
       ARRAY(SELECT name FROM auth_group JOIN auth_user_groups ON group_id = auth_group.id
             WHERE user_id = person.id ORDER BY name),
       date_joined, last_login,
       (SELECT count(*)::int FROM access_apikey WHERE user_id = person.id AND revoked_at IS NULL),
       ARRAY(SELECT company_id::int FROM access_belonging AS b WHERE b.user_id = person.id ORDER BY 1)
FROM auth_user AS person
"""

_ALL_KNOWN = f"{_KNOWN} WHERE %(which)s::int IS NULL OR person.id = %(which)s::int ORDER BY username"

_BEGINNING = f"""{_KNOWN}
WHERE starts_with(lower(username), lower(%(text)s::text)) ORDER BY username LIMIT %(limit)s::int
"""

# A secret that counts is never read again but to compare.
_FACTOR = """
SELECT confirmed_at, CASE WHEN confirmed_at IS NULL THEN secret END,
       (SELECT count(*)::int FROM access_papercode AS p WHERE p.user_id = f.user_id AND p.used_at IS NULL)
FROM access_factor AS f WHERE user_id = %(user)s::int
"""

_ABLE = """
WITH granted AS (
    SELECT auth_permission.id FROM auth_permission JOIN django_content_type AS kind ON kind.id = content_type_id
    WHERE (kind.app_label, kind.model) = ('access', 'duty') AND codename = %(command)s::text)
SELECT username FROM auth_user AS person WHERE is_active AND (is_superuser OR id IN (
    SELECT user_id FROM auth_user_groups JOIN auth_group_permissions USING (group_id)
    WHERE permission_id IN (SELECT id FROM granted)
    UNION ALL SELECT user_id FROM auth_user_user_permissions WHERE permission_id IN (SELECT id FROM granted)))
ORDER BY username
"""

_VIEWS = """
SELECT id, list, name, query, role, person FROM access_view
WHERE company_id = %(company)s::smallint AND list = %(list)s::text
  AND (person = %(person)s::text OR (role <> '' AND role = ANY(%(roles)s::text[])))
ORDER BY name, person LIMIT 100
"""

_VIEW = """
SELECT id, list, name, query, role, person FROM access_view
WHERE id = %(which)s::uuid AND company_id = %(company)s::smallint
  AND (person = %(person)s::text OR (role <> '' AND role = ANY(%(roles)s::text[])))
"""

_SUBSCRIPTIONS = """
SELECT s.id, s.report, s.query, s.rhythm, s.hour::int, s.zone, s.file, s.next_at, COALESCE(m.state, ''),
       COALESCE(m.error, ''), m.taken_at
FROM access_subscription AS s LEFT JOIN LATERAL (
    SELECT state, error, taken_at FROM access_mailing WHERE subscription_id = s.id
    ORDER BY taken_at DESC, id DESC LIMIT 1
) AS m ON true
WHERE s.company_id = %(company)s::smallint AND s.person = %(person)s::text ORDER BY s.report, s.query
"""

_MADE = """
SELECT command FROM kernel_event
WHERE subject_kind = 'person' AND subject_id = %(person)s::uuid AND command = ANY(%(commands)s::text[])
ORDER BY seq DESC LIMIT 1
"""

# Whoever has left, or has no role or belongs to other companies by now, gets nothing.
REACHED = """
EXISTS (SELECT FROM auth_user AS u WHERE u.username = s.person AND u.is_active AND u.email <> ''
          AND (u.is_superuser OR EXISTS (SELECT FROM auth_user_groups AS g WHERE g.user_id = u.id))
          AND (u.is_superuser OR NOT EXISTS (SELECT FROM access_belonging AS b WHERE b.user_id = u.id)
               OR EXISTS (SELECT FROM access_belonging AS b
                          WHERE b.user_id = u.id AND b.company_id = s.company_id)))
"""

UNSENT = f"""
FROM access_subscription AS s CROSS JOIN LATERAL (
    SELECT id, period, state, attempts, error, taken_at FROM access_mailing
    WHERE subscription_id = s.id
      AND (state IN ('sent', 'doubtful') OR (state = 'failed' AND attempts >= {mailing.TRIES})
           OR (state = 'sending' AND taken_at < %(now)s::timestamptz - interval '1 hour'))
    ORDER BY taken_at DESC, id DESC LIMIT 1
) AS m
WHERE m.state <> 'sent' AND {REACHED}
"""
"""The last mail of each subscription with which its sender is through, where it was not sent, and reaches somebody.
It asks for `now`."""

_UNSENT = f"""
SELECT m.id, s.person, s.report, s.query, m.period, m.state, m.attempts::int, m.error, m.taken_at
{UNSENT} AND s.company_id = %(company)s::smallint ORDER BY m.taken_at, m.id
"""

_IS_FOLLOWED = (
    "EXISTS (SELECT FROM access_apikey AS next WHERE next.follows_id = k.id AND next.revoked_at IS NULL)"
)

_KEYS = f"""
SELECT k.id, name, prefix, coalesce(username, '?'), created_at, revoked_at, expires_at, follows_id, used_at, used_from,
       {_IS_FOLLOWED}, roles
FROM access_apikey AS k LEFT JOIN auth_user ON auth_user.id = user_id ORDER BY created_at DESC, k.id
"""

_ENDING = f"""
SELECT k.id, name, prefix, username, expires_at, used_at,
       ARRAY(SELECT company_id::int FROM access_belonging AS b WHERE b.user_id = k.user_id ORDER BY 1)
FROM access_apikey AS k JOIN auth_user ON auth_user.id = user_id AND is_active
WHERE revoked_at IS NULL AND expires_at <= %(until)s::timestamptz
  AND NOT {_IS_FOLLOWED}
ORDER BY expires_at, k.id
"""

_CAME_TO = f"""
SELECT k.id, CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN is_active IS NOT TRUE THEN 'left'
                  WHEN {_IS_FOLLOWED} THEN 'followed' ELSE '' END
FROM access_apikey AS k LEFT JOIN auth_user ON auth_user.id = user_id WHERE k.id = ANY(%(ids)s::uuid[])
"""

_OTHER_SIDE = f"""
SELECT one.documents, one.pairs, one.sides, one.persons
FROM {sql.unnest("one", documents="uuid", pairs="text", sides="text", persons="text")}
JOIN access_duty AS duty
  ON (duty.document, duty.pair, duty.person) = (one.documents, one.pairs, one.persons) AND duty.side <> one.sides
"""

_FIRST_BY = """
SELECT DISTINCT subject_id FROM kernel_event
WHERE subject_id = ANY(%(documents)s::uuid[]) AND actor = %(person)s::text AND command = ANY(%(commands)s::text[])
"""

_DUTIES = """
SELECT document, pair, side, person, taken_at FROM access_duty WHERE document = %(document)s::uuid
ORDER BY taken_at, pair, side, person
"""

_CHECKED = """
SELECT (SELECT count(*) FROM access_duty),
       (SELECT count(*) FROM auth_group_permissions)
"""

_BOTH_SIDES = """
SELECT document, pair, person FROM access_duty GROUP BY document, pair, person HAVING count(DISTINCT side) > 1
"""

_GRANTED = """
SELECT auth_group.name, codename FROM auth_group_permissions
JOIN auth_group ON auth_group.id = group_id JOIN auth_permission ON auth_permission.id = permission_id
JOIN django_content_type AS kind ON kind.id = content_type_id
WHERE (kind.app_label, kind.model) = ('access', 'duty') AND auth_group.name = ANY(%(roles)s::text[])
ORDER BY 1, 2
"""

_SESSIONS = """
SELECT s.id, s.source, s.device, s.entered_at
FROM access_session AS s JOIN django_session AS d ON d.session_key = s.session_key
WHERE s.user_id = %(user)s::int AND d.expire_date > %(now)s::timestamptz AND s.entered_at > %(since)s::timestamptz
ORDER BY s.entered_at DESC, s.id
"""
