"""Policies: versioned data that steers rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from entrepot.kernel import bounds, ids, shapes, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused, Said, TrialNeeded, one_of
from entrepot.kernel.events import Event
from entrepot.kernel.shapes import bodies, own_bounds, trials

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """A new version of a policy. `scope` narrows it, e.g. to a channel; '' is for all.

    A moment that is over is at once: a version does not take the place of one that began later and holds already. A
    version that begins later keeps its day: until then this one holds.
    """

    company: int
    kind: str
    body: Any
    in_force_from: datetime
    scope: str = ""
    note: str = ""
    key: str | None = None


AT_ONCE = timedelta(seconds=2)
"""What begins so soon is no version for a later day: the console has what is activated at once begin in the next
second, as no version changes the past."""


@dataclass(frozen=True, slots=True)
class PolicySet:
    kind: str
    scope: str
    version: int


@command("kernel.set_policy")
def set_policy(cause: Cause, /, *, requests: Sequence[SetPolicy]) -> list[PolicySet | Refused]:
    """New versions of policies, each checked against the shape of its kind.

    Locks: the numbering of versions.
    Refuses: Invalid (unknown kind; a body that does not fit; a number out of its bounds), TrialNeeded (a person sets
    one of a kind that the house can try: `kernel.draft_policy`, or `kernel.set_untried`). Again: by key. 3 statements.
    """
    # Whoever may do everything sets up a house, where nothing is recorded that could be tried.
    if cause.actor.everything:
        return write_versions(cause, requests)
    answers: list[PolicySet | Refused | None] = [_untried(one) for one in requests]
    free = [one for one, refused in zip(requests, answers, strict=True) if refused is None]
    written = iter(write_versions(cause, free) if free else ())
    return [one if one is not None else next(written) for one in answers]


def _untried(request: SetPolicy) -> Refused | None:
    trial = trials.get(request.kind)
    return TrialNeeded(kind=request.kind, trial=trial, found="none") if trial else None


@dataclass(frozen=True, slots=True)
class SetUntried:
    """A new version of a policy as `SetPolicy` has it, of a kind that the house could try and `reason` says why not."""

    company: int
    kind: str
    body: Any
    in_force_from: datetime
    reason: str
    scope: str = ""
    key: str | None = None


@command("kernel.set_untried")
def set_untried(cause: Cause, /, *, requests: Sequence[SetUntried]) -> list[PolicySet | Refused]:
    """New versions of policies without the trial that their kind has, each with the reason, which is its note.

    Locks: the numbering of versions. Refuses: Invalid (no reason; as `kernel.set_policy`). Again: by key. 3 statements.
    """
    refused: list[PolicySet | Refused | None] = [_unreasoned(one) for one in requests]
    wanted = [
        SetPolicy(one.company, one.kind, one.body, one.in_force_from, one.scope, one.reason.strip())
        for one, problem in zip(requests, refused, strict=True)
        if problem is None
    ]
    written = iter(write_versions(cause, wanted) if wanted else ())
    return [one if one is not None else next(written) for one in refused]


def _unreasoned(request: SetUntried) -> Refused | None:
    if request.reason.strip():
        return None
    return Invalid(field="reason", expected="why it comes into force without a trial", found="nothing")


def write_versions(cause: Cause, requests: Sequence[SetPolicy]) -> list[PolicySet | Refused]:
    """Versions of policies, numbered and written, for commands that have asked whether they may. 3 statements."""
    answers: list[PolicySet | Refused] = []
    sql.run("SELECT pg_advisory_xact_lock(hashtextextended('kernel.policies', 0))")
    latest: dict[tuple[int, str, str], int] = {}
    began: dict[tuple[int, str, str], datetime] = {}
    at_once = cause.at + AT_ONCE
    for company, kind, scope, number, since in sql.run(_LATEST, {"at": at_once}):
        latest[company, kind, scope] = number
        if since:
            began[company, kind, scope] = since
    rows = []
    for request in requests:
        name = (request.company, request.kind, request.scope)
        problem = misfit(request.kind, request.body)
        if problem:
            answers.append(problem)
            continue
        version = latest[name] = latest.get(name, 0) + 1
        since = max(request.in_force_from, began.get(name, request.in_force_from))
        if since <= at_once:
            began[name] = since
        key = ids.uuid7()
        rows.append(
            (
                key,
                *name,
                version,
                since,
                wire.dump(request.body),
                cause.actor.name,
                request.note,
            )
        )
        announce(
            cause, [Event("policy", key, request.company, after=f"version {version}", reason=request.note)]
        )
        answers.append(PolicySet(request.kind, request.scope, version))
    sql.write("kernel_policy", _COLUMNS, rows)
    return answers


_COLUMNS = ("id", "company_id", "kind", "scope", "version", "in_force_from", "body", "author", "note")


def misfit(kind: str, body: Any) -> Refused | None:
    """Why a body can't be a policy of a kind."""
    if kind not in bodies:
        return Invalid(field="kind", expected=one_of(sorted(bodies)), found=kind)
    return understood(kind, body)[1]


def understood(kind: str, body: Any) -> tuple[Any, Refused | None]:
    """A body as it is read once it is kept, None where it can't be, and what is wrong with it: a version of an earlier
    release may hold what none may any more."""
    shape, written = bodies[kind], wire.dump(body)
    unknown = shapes.misfit(shape, json.loads(written))
    try:
        # As it will be kept and read again: a number that is none, for one, is nothing there.
        kept = wire.load(written, shape)
    except msgspec.ValidationError as error:
        return None, unknown or Invalid(
            field="body", expected=Said("the shape of {0}", kind), found=str(error)
        )
    return kept, unknown or bounds.misfit(kept, own_bounds[shape])


def kind_of(body: type) -> str:
    """The kind of policy that has this shape."""
    return next(name for name, one in bodies.items() if one is body)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a policy, with the body as it was written."""

    kind: str
    scope: str
    version: int
    in_force_from: datetime
    author: str
    note: str
    body: dict[str, Any]


def versions(company: int, kind: str = "") -> list[VersionRow]:
    """Versions of a kind, or of all: by kind and scope, the newest first. 1 statement."""
    return [VersionRow(*row) for row in sql.run(_VERSIONS, {"company": company, "kind": kind})]


def holding(rows: Iterable[VersionRow], at: datetime) -> dict[tuple[str, str], VersionRow]:
    """Of versions, those in force at a moment, by kind and scope: the one that began last, of a day the newest."""
    begun = [row for row in rows if row.in_force_from <= at]
    return {
        (row.kind, row.scope): row for row in sorted(begun, key=lambda row: (row.in_force_from, row.version))
    }


def in_force(company: int, body: type[T], at: datetime) -> dict[str, tuple[int, T]]:
    """By scope, the version in force at a moment and its body. One statement. Absent: the defaults apply."""
    return in_force_of([company], body, at).get(company, {})


def in_force_of(companies: Sequence[int], body: type[T], at: datetime) -> dict[int, dict[str, tuple[int, T]]]:
    """As `in_force`, for several companies. One statement."""
    found: dict[int, dict[str, tuple[int, T]]] = {}
    params = {"companies": companies, "kinds": [kind_of(body)], "at": at}
    for company, _, scope, version, text in sql.run(IN_FORCE, params):
        found.setdefault(company, {})[scope] = (version, wire.load(text, body))
    return found


def everywhere(body: type[T], at: datetime) -> dict[int, T]:
    """What holds at a moment for all of each company that has set it: for rooms that know no list of companies.
    1 statement."""
    rows = sql.run(_EVERYWHERE, {"kind": kind_of(body), "at": at})
    return {company: wire.load(text, body) for company, text in rows}


def version_of(in_force: Mapping[str, tuple[int, T]], scope: str, otherwise: T) -> tuple[int, T]:
    """The version that steers a scope, and its body: the scope's own, else that of all; 0 and `otherwise` without."""
    return in_force.get(scope) or in_force.get("") or (0, otherwise)


def of_scope(in_force: Mapping[str, tuple[int, T]], scope: str, otherwise: T) -> T:
    """As `version_of`, its body alone."""
    return version_of(in_force, scope, otherwise)[1]


def of_company(company: int, body: type[T], at: datetime) -> tuple[int, T]:
    """The version in force at a moment for all of a company, and its body; 0 and the defaults without one."""
    return of_companies([company], body, at)[company]


def of_companies(companies: Iterable[int], body: type[T], at: datetime) -> dict[int, tuple[int, T]]:
    """As `of_company`, for several companies. One statement."""
    wanted = sorted(set(companies))
    found = in_force_of(wanted, body, at)
    return {company: found.get(company, {}).get("", (0, body())) for company in wanted}


class InForce:
    """Policies of some shapes in force for companies, read at once by a command that decides by several."""

    def __init__(self, companies: Iterable[int], shapes: Iterable[type], at: datetime) -> None:
        """1 statement."""
        by_kind = {kind_of(one): one for one in shapes}
        params = {"companies": sorted(set(companies)), "kinds": list(by_kind), "at": at}
        self._found: dict[tuple[int, type, str], tuple[int, Any]] = {
            (company, by_kind[kind], scope): (version, wire.load(text, by_kind[kind]))
            for company, kind, scope, version, text in sql.run(IN_FORCE, params)
        }

    def of(self, company: int, body: type[T], scope: str = "") -> tuple[int, T]:
        """Version and body for a scope, or for all of the company; 0 and the defaults without one."""
        of_all = self._found.get((company, body, "")) or (0, body())
        return self._found.get((company, body, scope)) or of_all

    def of_all(self, companies: Iterable[int], body: type[T]) -> dict[int, tuple[int, T]]:
        """As `of_companies`, of what was read."""
        return {company: self.of(company, body) for company in set(companies)}

    def bodies(self, body: type[T]) -> list[T]:
        """All that there are of a shape, of any company and scope."""
        return [found for (_, shape, _), (_, found) in self._found.items() if shape is body]


class InForceSince(InForce):
    """As `InForce`, and what was in force at any moment since another: for commands that keep to what was said once."""

    def __init__(
        self, companies: Iterable[int], shapes: Iterable[type], since: datetime, at: datetime
    ) -> None:
        """1 statement."""
        by_kind = {kind_of(one): one for one in shapes}
        params = {"companies": sorted(set(companies)), "kinds": list(by_kind), "since": since, "at": at}
        self._versions: dict[tuple[int, type, str], list[tuple[datetime, tuple[int, Any]]]] = {}
        for company, kind, scope, version, text, begins in sql.run(_SINCE, params):
            read = (version, wire.load(text, by_kind[kind]))
            self._versions.setdefault((company, by_kind[kind], scope), []).append((begins, read))
        self._found = {name: versions[-1][1] for name, versions in self._versions.items()}

    def then(self, moment: datetime, company: int, body: type[T], scope: str = "") -> tuple[int, T]:
        """As `of`, at a moment; before anything was said of the shape, as today: its defaults were nobody's word."""
        own = self._then(moment, company, body, scope)
        return own or self._then(moment, company, body, "") or self.of(company, body, scope)

    def begun(self, moment: datetime, company: int) -> bool:
        """Whether anything had been said at a moment: before that the defaults are nobody's word."""
        return any(
            versions[0][0] <= moment for (whose, _, _), versions in self._versions.items() if whose == company
        )

    def _then(self, moment: datetime, company: int, body: type, scope: str) -> Any:
        versions = self._versions.get((company, body, scope), [])
        return next((read for begins, read in reversed(versions) if begins <= moment), None)

    def bodies(self, body: type[T]) -> list[T]:
        """All that there were of a shape, of any company, scope and moment."""
        return [
            found
            for (_, shape, _), versions in self._versions.items()
            if shape is body
            for _, (_, found) in versions
        ]


_EVERYWHERE = """
SELECT DISTINCT ON (company_id) company_id::int, body::text FROM kernel_policy
WHERE kind = %(kind)s::text AND scope = '' AND in_force_from <= %(at)s::timestamptz
ORDER BY company_id, in_force_from DESC, version DESC
"""

_LATEST = """
SELECT company_id::int, kind, scope, max(version),
       max(in_force_from) FILTER (WHERE in_force_from <= %(at)s::timestamptz)
FROM kernel_policy GROUP BY 1, 2, 3
"""

_VERSIONS = """
SELECT kind, scope, version, in_force_from, author, note, body FROM kernel_policy
WHERE company_id = %(company)s::smallint AND (%(kind)s::text = '' OR kind = %(kind)s::text)
ORDER BY kind, scope, version DESC
"""

IN_FORCE = """
SELECT DISTINCT ON (company_id, kind, scope) company_id, kind, scope, version, body::text AS body FROM kernel_policy
WHERE company_id = ANY(%(companies)s::smallint[]) AND kind = ANY(%(kinds)s::text[])
  AND in_force_from <= %(at)s::timestamptz
ORDER BY company_id, kind, scope, in_force_from DESC, version DESC
"""
"""The versions in force of `kinds` at a moment, those that began last: for statements of rooms that read some of them
on the way."""

# With what had begun before, which was in force at the first of these moments.
_SINCE = """
SELECT p.company_id::int, p.kind, p.scope, p.version, p.body::text, p.in_force_from FROM kernel_policy AS p
WHERE p.company_id = ANY(%(companies)s::smallint[]) AND p.kind = ANY(%(kinds)s::text[])
  AND p.in_force_from <= %(at)s::timestamptz
  AND p.in_force_from >= COALESCE((
      SELECT max(q.in_force_from) FROM kernel_policy AS q
      WHERE q.company_id = p.company_id AND q.kind = p.kind AND q.scope = p.scope
        AND q.in_force_from <= %(since)s::timestamptz), '-infinity')
ORDER BY p.company_id, p.kind, p.scope, p.in_force_from, p.version
"""
