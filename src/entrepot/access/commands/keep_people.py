"""People: let in, given their roles or a new password, shut out and let in again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.access import duties, rules
from entrepot.access.errors import CompaniesChanged, NameTaken, OwnRights, RolesChanged, ShutOut
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event

IN, OUT = "in", "out"
"""The states of a person: they may enter, or not."""


@dataclass(frozen=True, slots=True)
class AddPerson:
    """Somebody who may enter, and belongs to `companies`; to all, where none is named. `password` is its hash, made at
    the edge, which shows the password once. `accepts`: pairs of duties by their names, of which they shall have both
    sides all the same."""

    name: str
    password: str
    roles: tuple[str, ...]
    email: str = ""
    accepts: tuple[str, ...] = ()
    companies: tuple[int, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PersonAdded:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class SetRoles:
    """The roles that a person has from now on, and no others. `accepts` as of AddPerson. `expected`: the roles that
    whoever decides saw; where somebody changed them since, nothing is given or taken."""

    person: str
    roles: tuple[str, ...]
    accepts: tuple[str, ...] = ()
    expected: tuple[str, ...] | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RolesSet:
    person: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetCompanies:
    """The companies that a person belongs to from now on: what others have is not there for them, nor for their keys.
    None: all. `expected` as of SetRoles."""

    person: str
    companies: tuple[int, ...]
    expected: tuple[int, ...] | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CompaniesSet:
    person: str
    companies: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AdmitPerson:
    """Whether somebody may enter. Who may not keeps their name, roles and keys, which open nothing."""

    person: str
    may_enter: bool
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PersonAdmitted:
    person: str
    may_enter: bool


@dataclass(frozen=True, slots=True)
class RenewPassword:
    """A new password for somebody who lost theirs: its hash, made at the edge, which shows the password once."""

    person: str
    password: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PasswordRenewed:
    person: str


class Found(NamedTuple):
    """Somebody as they are known, locked."""

    id: int
    name: str
    may_enter: bool
    superuser: bool
    email: str

    @property
    def subject(self) -> UUID:
        return subject_of(self.id)

    @property
    def state(self) -> str:
        return IN if self.may_enter else OUT


def subject_of(person: int) -> UUID:
    """What the events of a person are about."""
    return UUID(int=person)


@command("access.add_people")
def add_people(cause: Cause, /, *, requests: Sequence[AddPerson]) -> list[PersonAdded | Refused]:
    """People who may enter, each with their roles.

    Refuses: Invalid (name, address, a role or pair that is none, or no role at all); ConflictsUnseen; NameTaken.
    Again: by key. 3 statements, and one more where somebody belongs to some companies only.
    """
    wanted: dict[str, AddPerson] = {}
    refused: dict[int, Refused] = {}
    for place, one in enumerate(requests):
        refusal = _misfit_added(one) or (NameTaken(name=one.name) if one.name in wanted else None)
        if refusal is None:
            wanted[one.name] = one
        else:
            refused[place] = refusal

    rows = [(one.name, one.email, one.password) for one in wanted.values()]
    params = sql.columns(("names", "mails", "passwords"), rows) | {"at": cause.at}
    made: dict[str, int] = dict(sql.run(_ADD, params)) if rows else {}
    given = [(made[name], role) for name, one in wanted.items() if name in made for role in one.roles]
    if given:
        sql.run(_GIVE, sql.columns(("people", "roles"), given))
    belongs = [(made[name], one) for name in wanted if name in made for one in wanted[name].companies]
    if belongs:
        sql.run(_BELONG, sql.columns(("people", "companies"), belongs))
    announce(
        cause,
        (
            Event(
                "person",
                subject_of(which),
                0,
                "",
                IN,
                None,
                {"roles": sorted(wanted[name].roles)}
                | _accepted(wanted[name].accepts)
                | ({"companies": sorted(wanted[name].companies)} if wanted[name].companies else {}),
            )
            for name, which in made.items()
        ),
    )
    return [
        refused[place] if place in refused
        else PersonAdded(made[one.name], one.name) if one.name in made
        else NameTaken(name=one.name)
        for place, one in enumerate(requests)
    ]  # fmt: skip


@command("access.set_roles")
def set_roles(cause: Cause, /, *, requests: Sequence[SetRoles]) -> list[RolesSet | Refused]:
    """People with their roles. Of several requests for one person the last one counts.

    Locks: the people, in the order of their ids.
    Refuses: NotFound; OwnRights; Invalid (a role or pair that is none); RolesChanged; ConflictsUnseen.
    Again: changes nothing, and nothing is told. 5 statements.
    """
    found = lock([one.person for one in requests])
    had = _roles_of(found)
    answers: list[RolesSet | Refused] = []
    changed: dict[str, SetRoles] = {}
    for one in requests:
        before = found.get(one.person)
        refusal = (
            _misfit_own(cause, one.person, before)
            or rules.misfit_of_roles(one.roles)
            or duties.misfit_accepted(one.accepts)
        )
        if refusal is None and before is not None:
            refusal = _misfit_expected(one, had[one.person]) or duties.misfit_unseen(
                one.person, had[one.person], one.roles, one.accepts
            )
        answers.append(refusal or RolesSet(one.person, tuple(sorted(set(one.roles)))))
        if refusal is None:
            changed[one.person] = one

    changed = {name: one for name, one in changed.items() if set(one.roles) != set(had[name])}
    if changed:
        pairs = [(found[name].id, role) for name, one in changed.items() for role in one.roles]
        params = sql.columns(("people", "roles"), pairs)
        of = {"which": [found[name].id for name in changed], "known": sorted(rules.ROLES)}
        sql.run(_TAKE, params | of)
        sql.run(_GIVE, params)
    announce(
        cause,
        (
            Event(
                "person", was.subject, 0, was.state, was.state, None,
                {"given": _without(one.roles, had[name]), "taken": _without(had[name], one.roles)}
                | _accepted(one.accepts),
            )
            for name, one in changed.items()
            for was in [found[name]]
        ),
    )  # fmt: skip
    return answers


@command("access.set_companies")
def set_companies(cause: Cause, /, *, requests: Sequence[SetCompanies]) -> list[CompaniesSet | Refused]:
    """People with the companies that they belong to, from their next request on. Of several requests for one person
    the last one counts.

    Locks: the people, in the order of their ids. Refuses: NotFound; OwnRights; CompaniesChanged; Invalid (an
    administrator belongs to all). Again: changes nothing, and nothing is told. 4 statements.
    """
    found = lock([one.person for one in requests])
    had = _companies_of(found)
    answers: list[CompaniesSet | Refused] = []
    changed: dict[str, set[int]] = {}
    for one in requests:
        before = found.get(one.person)
        refusal = _misfit_own(cause, one.person, before) or _misfit_companies(one, before, had)
        answers.append(refusal or CompaniesSet(one.person, tuple(sorted(set(one.companies)))))
        if refusal is None:
            changed[one.person] = set(one.companies)

    changed = {name: has for name, has in changed.items() if has != had[name]}
    if changed:
        sql.change(_LEAVE, {"which": [found[name].id for name in changed]})
        pairs = [(found[name].id, company) for name, has in changed.items() for company in sorted(has)]
        sql.run(_BELONG, sql.columns(("people", "companies"), pairs))
    announce(
        cause,
        (
            Event(
                "person", was.subject, 0, was.state, was.state, None,
                {"companies": sorted(has), "before": sorted(had[name])},
            )
            for name, has in changed.items()
            for was in [found[name]]
        ),
    )  # fmt: skip
    return answers


@command("access.admit_people")
def admit_people(cause: Cause, /, *, requests: Sequence[AdmitPerson]) -> list[PersonAdmitted | Refused]:
    """People who may enter, or may not from their next request on, nor may their keys. The last of several counts.

    Locks: the people, in the order of their ids. Refuses: NotFound; OwnRights. Again: changes nothing. 3 statements.
    """
    found = lock([one.person for one in requests])
    answers: list[PersonAdmitted | Refused] = []
    changed: dict[str, bool] = {}
    for one in requests:
        refusal = _misfit_own(cause, one.person, found.get(one.person))
        answers.append(refusal or PersonAdmitted(one.person, one.may_enter))
        if refusal is None:
            changed[one.person] = one.may_enter

    changed = {name: may for name, may in changed.items() if may != found[name].may_enter}
    if changed:
        rows = [(found[name].id, may) for name, may in changed.items()]
        sql.run(_ADMIT, sql.columns(("people", "may"), rows))
    announce(
        cause,
        (
            Event("person", found[name].subject, 0, found[name].state, IN if may else OUT)
            for name, may in changed.items()
        ),
    )
    return answers


@command("access.renew_passwords")
def renew_passwords(cause: Cause, /, *, requests: Sequence[RenewPassword]) -> list[PasswordRenewed | Refused]:
    """People with new passwords; whoever is in with the old one is out at the next request. The last of several counts.

    Locks: the people, in the order of their ids. Refuses: NotFound; OwnRights; ShutOut.
    Again: by key; without one, it is set again. 3 statements.
    """
    found = lock([one.person for one in requests])
    answers: list[PasswordRenewed | Refused] = []
    renewed: dict[str, str] = {}
    for one in requests:
        before = found.get(one.person)
        refusal = _misfit_own(cause, one.person, before)
        if refusal is None and before is not None and not before.may_enter:
            refusal = ShutOut(person=one.person)
        answers.append(refusal or PasswordRenewed(one.person))
        if refusal is None:
            renewed[one.person] = one.password

    if renewed:
        set_passwords([(found[name].id, password) for name, password in renewed.items()])
    announce(cause, (Event("person", found[name].subject, 0, IN, IN) for name in renewed))
    return answers


def set_passwords(rows: Sequence[tuple[int, str]]) -> None:
    """The hashes of people's passwords, by their ids. Inside a command that has locked them. 1 statement."""
    sql.run(_SET_PASSWORDS, sql.columns(("people", "passwords"), rows))


def _misfit_added(one: AddPerson) -> Refused | None:
    if not one.roles:
        return Invalid(field="roles", expected="one at least", found="none")
    return (
        rules.misfit_person_added(one.name, one.email)
        or rules.misfit_of_roles(one.roles)
        or duties.misfit_accepted(one.accepts)
        or duties.misfit_unseen(one.name, (), one.roles, one.accepts)
    )


def _misfit_expected(one: SetRoles, has: Collection[str]) -> Refused | None:
    if one.expected is None or set(one.expected) == set(has):
        return None
    expected, found = (", ".join(sorted(roles)) or "none" for roles in (one.expected, has))
    return RolesChanged(person=one.person, expected=expected, found=found)


def _misfit_companies(one: SetCompanies, before: Found | None, had: Mapping[str, set[int]]) -> Refused | None:
    if before is not None and before.superuser and one.companies:
        return Invalid(
            field="companies", expected="none: an administrator belongs to all", found=len(one.companies)
        )
    if one.expected is None or set(one.expected) == had[one.person]:
        return None
    return CompaniesChanged(person=one.person)


def _accepted(pairs: Collection[str]) -> dict[str, list[str]]:
    """What an event says of pairs of duties whose both sides were given knowingly."""
    return {"accepted": sorted(pairs)} if pairs else {}


def _misfit_own(cause: Cause, person: str, before: Found | None) -> Refused | None:
    if before is None:
        return NotFound(what="person", which=person)
    return OwnRights() if cause.actor.name == person else None


def _without(some: Collection[str], others: Collection[str]) -> list[str]:
    return sorted(set(some) - set(others))


def lock(names: Sequence[str]) -> dict[str, Found]:
    """People by their names, in the order of their ids. Inside a command. 1 statement."""
    rows = sql.run(_LOCK, {"names": sorted(set(names))})
    return {found.name: found for found in (Found(*row) for row in rows)}


def _roles_of(found: Mapping[str, Found]) -> dict[str, list[str]]:
    """Their roles as they stand since the people are locked: read by a statement of its own, which sees what others
    committed while it was waited for them."""
    params = {"which": [one.id for one in found.values()], "known": sorted(rules.ROLES)}
    had: dict[str, list[str]] = {name: [] for name in found}
    for name, role in sql.run(_HAD, params):
        had[name].append(role)
    return had


def _companies_of(found: Mapping[str, Found]) -> dict[str, set[int]]:
    had: dict[str, set[int]] = {name: set() for name in found}
    names = {one.id: name for name, one in found.items()}
    for person, company in sql.run(_HAD_COMPANIES, {"which": list(names)}):
        had[names[person]].add(company)
    return had


_LOCK = """
SELECT id, username, is_active, is_superuser, email FROM auth_user
WHERE username = ANY(%(names)s::text[]) ORDER BY id FOR UPDATE
"""

_HAD = """
SELECT person.username, auth_group.name FROM auth_user_groups JOIN auth_group ON auth_group.id = group_id
JOIN auth_user AS person ON person.id = user_id
WHERE user_id = ANY(%(which)s::int[]) AND auth_group.name = ANY(%(known)s::text[]) ORDER BY 1, 2
"""

_ADD = """
INSERT INTO auth_user (username, email, password, first_name, last_name, is_superuser, is_staff, is_active, date_joined)
SELECT one.name, one.mail, one.password, '', '', false, false, true, %(at)s::timestamptz
FROM unnest(%(names)s::text[], %(mails)s::text[], %(passwords)s::text[]) AS one(name, mail, password) ORDER BY one.name
ON CONFLICT (username) DO NOTHING RETURNING username, id
"""

_TAKE = """
DELETE FROM auth_user_groups AS has USING auth_group
WHERE has.group_id = auth_group.id AND has.user_id = ANY(%(which)s::int[]) AND auth_group.name = ANY(%(known)s::text[])
  AND (has.user_id, auth_group.name) NOT IN (SELECT * FROM unnest(%(people)s::int[], %(roles)s::text[]))
"""

_GIVE = """
INSERT INTO auth_user_groups (user_id, group_id)
SELECT one.person, auth_group.id FROM unnest(%(people)s::int[], %(roles)s::text[]) AS one(person, role)
JOIN auth_group ON auth_group.name = one.role ON CONFLICT (user_id, group_id) DO NOTHING
"""

_HAD_COMPANIES = """
SELECT user_id, company_id::int FROM access_belonging WHERE user_id = ANY(%(which)s::int[])
"""

_LEAVE = "DELETE FROM access_belonging WHERE user_id = ANY(%(which)s::int[])"

_BELONG = """
INSERT INTO access_belonging (user_id, company_id)
SELECT * FROM unnest(%(people)s::int[], %(companies)s::int[]) ON CONFLICT DO NOTHING
"""

_ADMIT = """
UPDATE auth_user SET is_active = one.may FROM unnest(%(people)s::int[], %(may)s::bool[]) AS one(person, may)
WHERE auth_user.id = one.person
"""

_SET_PASSWORDS = """
UPDATE auth_user SET password = one.password
FROM unnest(%(people)s::int[], %(passwords)s::text[]) AS one(person, password) WHERE auth_user.id = one.person
"""
