"""What everybody keeps of their own access: the password, and a second factor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.access import factors
from entrepot.access.commands.keep_people import IN, set_passwords, subject_of
from entrepot.access.errors import FactorStands, NoFactor, OwnRights, WrongCode
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event

OWN = (
    "access.change_passwords", "access.offer_factors", "access.confirm_factors", "access.remove_factors",
    "access.end_sessions",
)  # fmt: skip
"""What everybody may do about themselves who has entered, whatever their roles: the edge gives these for the reader."""


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Another password for somebody who gave the present one: its hash, made at the edge."""

    person: str
    password: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OfferFactor:
    """A secret for somebody's phone, made at the edge, which shows it until it is confirmed."""

    person: str
    secret: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ConfirmFactor:
    """A code of the phone that has the secret; `on_paper`: codes for whoever loses it, shown once by the edge."""

    person: str
    code: str
    on_paper: tuple[str, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveFactor:
    """No second factor any more: with a code of it."""

    person: str
    code: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class UseFactor:
    """Somebody whose password was right says a code of the phone, or one on paper."""

    person: str
    code: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ResetFactor:
    """Somebody lost the phone and the paper: an administrator who knows them takes the second factor away."""

    person: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OwnKept:
    person: str


class _Found(NamedTuple):
    id: int
    name: str
    secret: bytes | None
    last_step: int
    is_confirmed: bool
    papers: list[bytes]


@command("access.change_passwords")
def change_passwords(cause: Cause, /, *, requests: Sequence[ChangePassword]) -> list[OwnKept | Refused]:
    """People with the passwords that they chose; whoever is in with the old one elsewhere is out at the next request.

    Locks: the people, in the order of their ids. Refuses: NotFound. Again: it is set again; by key. 3 statements.
    """
    found = _lock([one.person for one in requests])
    changed = {one.person: one.password for one in requests if one.person in found}
    if changed:
        set_passwords([(found[name].id, password) for name, password in changed.items()])
    _tell(cause, (found[name] for name in changed), "password", "changed")
    return [_kept(one.person, found) for one in requests]


@command("access.offer_factors")
def offer_factors(cause: Cause, /, *, requests: Sequence[OfferFactor]) -> list[OwnKept | Refused]:
    """Secrets that wait for a code. One that was offered before and not confirmed is forgotten.

    Locks: the people, in the order of their ids. Refuses: NotFound; Invalid; FactorStands. Again: offered anew; by key.
    3 statements.
    """
    found = _lock([one.person for one in requests])
    answers: list[OwnKept | Refused] = []
    offered: dict[int, bytes] = {}
    for one in requests:
        answer = _kept(one.person, found)
        if not isinstance(answer, Refused) and found[one.person].is_confirmed:
            answer = FactorStands(person=one.person)
        elif not isinstance(answer, Refused) and not factors.is_secret(one.secret):
            answer = Invalid(field="secret", expected="20 bytes as base32", found="something else")
        if not isinstance(answer, Refused):
            which = found[one.person].id
            offered[which] = factors.locked(which, one.secret)
        answers.append(answer)
    if offered:
        sql.run(_OFFER, sql.columns(("people", "secrets"), list(offered.items())) | {"at": cause.at})
    return answers


@command("access.confirm_factors")
def confirm_factors(cause: Cause, /, *, requests: Sequence[ConfirmFactor]) -> list[OwnKept | Refused]:
    """Second factors in force, with codes on paper. From now on a password alone lets nobody in as these people.

    Locks: the people, in the order of their ids. Refuses: NotFound; NoFactor; FactorStands; WrongCode. Again: it stands
    (FactorStands); by key. 4 statements.
    """
    found = _lock([one.person for one in requests])
    answers: list[OwnKept | Refused] = []
    steps: dict[int, int] = {}
    papers = []
    for one in requests:
        answer = _confirmed(cause, one, found.get(one.person))
        if isinstance(answer, int):
            which = found[one.person].id
            steps[which] = answer
            papers += [(which, digest) for text in one.on_paper if (digest := factors.digest(text))]
            found[one.person] = found[one.person]._replace(is_confirmed=True)
            answers.append(OwnKept(one.person))
        else:
            answers.append(answer)
    if steps:
        sql.run(_CONFIRM, sql.columns(("people", "steps"), list(steps.items())) | {"at": cause.at})
        sql.write("access_papercode", ("user_id", "digest", "used_at"), [(*row, None) for row in papers])
    _tell(cause, (one for one in found.values() if one.id in steps), "factor", "set")
    return answers


@command("access.use_factors")
def use_factors(cause: Cause, /, *, requests: Sequence[UseFactor]) -> list[OwnKept | Refused]:
    """Who may come in: each code opens once.

    Locks: the people, in the order of their ids. Refuses: NotFound; NoFactor; WrongCode. Again: WrongCode; by key.
    4 statements.
    """
    found = _lock([one.person for one in requests])
    answers = _used(cause, [(one.person, one.code) for one in requests], found)
    return [answer or OwnKept(one.person) for one, answer in zip(requests, answers, strict=True)]


@command("access.remove_factors")
def remove_factors(cause: Cause, /, *, requests: Sequence[RemoveFactor]) -> list[OwnKept | Refused]:
    """People whom their password alone lets in again.

    Locks: the people, in the order of their ids. Refuses: NotFound; NoFactor; WrongCode. Again: NoFactor; by key.
    6 statements.
    """
    found = _lock([one.person for one in requests])
    answers = _used(cause, [(one.person, one.code) for one in requests], found)
    _take_away(
        cause, [found[one.person] for one, said in zip(requests, answers, strict=True) if said is None]
    )
    return [answer or OwnKept(one.person) for one, answer in zip(requests, answers, strict=True)]


@command("access.reset_factors")
def reset_factors(cause: Cause, /, *, requests: Sequence[ResetFactor]) -> list[OwnKept | Refused]:
    """People without a second factor, who lost it.

    Locks: the people, in the order of their ids. Refuses: NotFound; OwnRights; NoFactor. Again: NoFactor; by key.
    4 statements.
    """
    found = _lock([one.person for one in requests])
    answers: list[OwnKept | Refused] = []
    gone: dict[str, _Found] = {}
    for one in requests:
        answer = _kept(one.person, found)
        if one.person == cause.actor.name:
            answer = OwnRights()
        elif one.person in found and (found[one.person].secret is None or one.person in gone):
            answer = NoFactor(person=one.person)
        elif one.person in found:
            gone[one.person] = found[one.person]
        answers.append(answer)
    _take_away(cause, list(gone.values()))
    return answers


def _confirmed(cause: Cause, one: ConfirmFactor, found: _Found | None) -> int | Refused:
    """The step of the code by which a factor is confirmed."""
    if found is None:
        return NotFound(what="person", which=one.person)
    if found.is_confirmed:
        return FactorStands(person=one.person)
    if found.secret is None:
        return NoFactor(person=one.person)
    step = factors.step_used(
        factors.opened(found.id, found.secret), factors.tidy(one.code), cause.at, found.last_step
    )
    return WrongCode() if step is None else step


def _used(cause: Cause, said: Sequence[tuple[str, str]], found: dict[str, _Found]) -> list[Refused | None]:
    """Codes used up, or why they open nothing. 2 statements at most."""
    answers: list[Refused | None] = []
    steps: dict[int, int] = {}
    papers: list[tuple[int, bytes]] = []
    for person, text in said:
        code, one = factors.tidy(text), found.get(person)
        if one is None or one.secret is None or not one.is_confirmed:
            answers.append(NotFound(what="person", which=person) if one is None else NoFactor(person=person))
            continue
        paper = factors.digest(code)
        secret = factors.opened(one.id, one.secret)
        step = factors.step_used(secret, code, cause.at, steps.get(one.id, one.last_step))
        if step is not None:
            steps[one.id] = step
        elif paper in one.papers and (one.id, paper) not in papers:
            papers.append((one.id, paper))  # type: ignore[arg-type]
        else:
            answers.append(WrongCode())
            continue
        answers.append(None)
    if steps:
        sql.run(_STEP, sql.columns(("people", "steps"), list(steps.items())))
    if papers:
        sql.run(_PAPER, sql.columns(("people", "digests"), papers) | {"at": cause.at})
    ids = {which for which, _ in papers}
    _tell(cause, (one for one in found.values() if one.id in ids), "factor", "paper used")
    return answers


def _take_away(cause: Cause, gone: Sequence[_Found]) -> None:
    """2 statements, none for nobody."""
    if gone:
        which = {"people": [one.id for one in gone]}
        sql.run(_FORGET, which)
        sql.run(_FORGET_PAPER, which)
    _tell(cause, gone, "factor", "removed")


def _kept(person: str, found: dict[str, _Found]) -> OwnKept | Refused:
    return OwnKept(person) if person in found else NotFound(what="person", which=person)


def _tell(cause: Cause, people: Iterable[_Found], what: str, how: str) -> None:
    announce(cause, [Event("person", subject_of(one.id), 0, IN, IN, payload={what: how}) for one in people])


def _lock(names: Sequence[str]) -> dict[str, _Found]:
    """People who may enter, by name, with their factors as they stand since the people are locked: read by a statement
    of its own, which sees what others committed while it was waited for them. 2 statements."""
    which = [person for (person,) in sql.run(_LOCK, {"names": sorted(set(names))})]
    return {
        row[1]: _Found(row[0], row[1], row[2], row[3], row[4], [bytes(one) for one in row[5]])
        for row in sql.run(_READ, {"which": which})
    }


_LOCK = """
SELECT id FROM auth_user WHERE username = ANY(%(names)s::text[]) AND is_active ORDER BY id FOR UPDATE
"""

_READ = """
SELECT person.id, person.username, f.secret, COALESCE(f.last_step, 0), f.confirmed_at IS NOT NULL,
       ARRAY(SELECT digest FROM access_papercode AS p WHERE p.user_id = person.id AND p.used_at IS NULL)
FROM auth_user AS person LEFT JOIN access_factor AS f ON f.user_id = person.id
WHERE person.id = ANY(%(which)s::int[])
"""

_OFFER = """
INSERT INTO access_factor (user_id, secret, last_step, offered_at, confirmed_at)
SELECT one.person, one.secret, 0, %(at)s::timestamptz, NULL
FROM unnest(%(people)s::int[], %(secrets)s::bytea[]) AS one(person, secret)
ON CONFLICT (user_id) DO UPDATE
SET secret = excluded.secret, last_step = 0, offered_at = excluded.offered_at, confirmed_at = NULL
"""

_CONFIRM = """
UPDATE access_factor SET last_step = one.step, confirmed_at = %(at)s::timestamptz
FROM unnest(%(people)s::int[], %(steps)s::bigint[]) AS one(person, step) WHERE user_id = one.person
"""

_STEP = """
UPDATE access_factor SET last_step = one.step
FROM unnest(%(people)s::int[], %(steps)s::bigint[]) AS one(person, step) WHERE user_id = one.person
"""

_PAPER = """
UPDATE access_papercode AS p SET used_at = %(at)s::timestamptz
FROM unnest(%(people)s::int[], %(digests)s::bytea[]) AS one(person, digest)
WHERE p.user_id = one.person AND p.digest = one.digest
"""

_FORGET = "DELETE FROM access_factor WHERE user_id = ANY(%(people)s::int[])"
_FORGET_PAPER = "DELETE FROM access_papercode WHERE user_id = ANY(%(people)s::int[])"
