"""Drafts of policies: what might come into force, tried before it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from entrepot.kernel import ids, policies, shapes, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, TrialNeeded
from entrepot.kernel.events import Event
from entrepot.kernel.states import machine

T = TypeVar("T")

LIFE = machine(
    "policy draft",
    "draft",
    ("try", ("draft", "tried"), "tried"),
    ("activate", "tried", "active"),
    ("drop", ("draft", "tried"), "dropped"),
)
"""A draft is never in force. Once it is tried it can become a version, which is."""


@dataclass(frozen=True, slots=True)
class DraftPolicy:
    """A body that might become a version of a policy. To change a draft, drop it and draft anew."""

    company: int
    kind: str
    body: Any
    scope: str = ""
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TryDraft:
    """A draft was tried: what came out, in a sentence of who tried it."""

    draft: UUID
    summary: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AttachTrial:
    """Evidence of a trial that the house made: how it was tried, the body that was, what came out, and the report that
    has the rest."""

    draft: UUID
    tried_by: str
    body: Any
    summary: str
    report: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ActivateDraft:
    """A tried draft becomes the next version of its policy, in force from a moment that has not passed; without one
    from the next second on, as a version does not change the past."""

    draft: UUID
    in_force_from: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropDraft:
    """A draft that will not come into force."""

    draft: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DraftNow:
    """A draft, the state that it is in, and the version that it became."""

    draft: UUID
    state: str
    version: int | None = None


class _Held(NamedTuple):
    id: UUID
    company: int
    kind: str
    scope: str
    state: str
    body: str
    note: str
    summary: str
    report: UUID | None
    tried_by: str


BY_WORD = "word"
"""How a draft was tried of which a person says what came out."""


@command("kernel.draft_policy")
def draft_policy(cause: Cause, /, *, requests: Sequence[DraftPolicy]) -> list[DraftNow | Refused]:
    """Keep drafts of policies, each checked against the shape of its kind.

    Refuses: Invalid (unknown kind; a body that does not fit). Again: by key. 1 statement for any number.
    """
    answers: list[DraftNow | Refused] = []
    rows = []
    for request in requests:
        problem = policies.misfit(request.kind, request.body)
        if problem:
            answers.append(problem)
            continue
        draft = ids.uuid7()
        rows.append(
            (
                draft, request.company, request.kind, request.scope, wire.dump(request.body), cause.actor.name,
                request.note, cause.at,
            )
        )  # fmt: skip
        announce(
            cause,
            [Event("policy_draft", draft, request.company, after=LIFE.initial, reason=request.note)],
        )
        answers.append(DraftNow(draft, LIFE.initial))
    sql.write("kernel_policydraft", _COLUMNS, rows)
    return answers


@command("kernel.try_draft")
def try_draft(cause: Cause, /, *, requests: Sequence[TryDraft]) -> list[DraftNow | Refused]:
    """Say what came out when drafts were tried; the last trial counts.

    Locks: the drafts in id order. Refuses: NotFound, WrongState (active or dropped), Invalid (no summary), TrialNeeded
    (the house can try it: a sentence is no trial). Again: by key. 2 statements for any number.
    """

    def tried(held: _Held, request: TryDraft) -> _Held | Refused:
        if not request.summary.strip():
            return _nothing_said()
        if trial := shapes.trials.get(held.kind):
            return TrialNeeded(kind=held.kind, trial=trial, found="a sentence")
        return held._replace(summary=request.summary, report=None, tried_by=BY_WORD)

    return _step(cause, requests, "try", tried, lambda request: request.summary)


@command("kernel.attach_trials")
def attach_trials(cause: Cause, /, *, requests: Sequence[AttachTrial]) -> list[DraftNow | Refused]:
    """Attach what came out of trials to the drafts that were tried; the last trial counts. The commands that keep the
    reports call it.

    Locks: the drafts in id order. Refuses: NotFound, WrongState (active or dropped), Invalid (no summary; another trial
    than the kind has; another body than the draft's). Again: by key. 2 statements for any number.
    """

    def tried(held: _Held, request: AttachTrial) -> _Held | Refused:
        if not request.summary.strip():
            return _nothing_said()
        expected = shapes.trials.get(held.kind, "")
        if request.tried_by != expected:
            return Invalid(field="tried_by", expected=expected or "a sentence", found=request.tried_by)
        shape = policies.bodies[held.kind]
        if wire.load(wire.dump(request.body), shape) != wire.load(held.body, shape):
            return Invalid(field="body", expected=Said("that of draft {0}", held.id), found="another one")
        return held._replace(summary=request.summary, report=request.report, tried_by=expected)

    return _step(cause, requests, "try", tried, lambda request: request.summary)


def _nothing_said() -> Refused:
    return Invalid(field="summary", expected="what came out of the trial", found="nothing")


@command("kernel.activate_draft")
def activate_draft(cause: Cause, /, *, requests: Sequence[ActivateDraft]) -> list[DraftNow | Refused]:
    """Make versions of tried drafts, in force from the moment given.

    Locks: the drafts in id order, then the numbering of versions.
    Refuses: NotFound, WrongState (not tried yet, active or dropped), TrialNeeded (tried by another trial than its kind
    has), Invalid (a moment that has passed). Again: by key. 5 statements for any number.
    """

    def dated(held: _Held, request: ActivateDraft) -> _Held | Refused:
        trial = shapes.trials.get(held.kind)
        if trial and held.tried_by != trial:
            return TrialNeeded(kind=held.kind, trial=trial, found="a sentence")
        if request.in_force_from and request.in_force_from < cause.at:
            return Invalid(
                field="in_force_from",
                expected=Said("{0} or later", cause.at.isoformat()),
                found=request.in_force_from.isoformat(),
            )
        return held

    return _step(cause, requests, "activate", dated, lambda _: "")


@command("kernel.drop_draft")
def drop_draft(cause: Cause, /, *, requests: Sequence[DropDraft]) -> list[DraftNow | Refused]:
    """Put drafts away for good.

    Locks: the drafts in id order. Refuses: NotFound, WrongState (active or dropped). Again: by key.
    2 statements for any number.
    """
    return _step(cause, requests, "drop", lambda held, _: held, lambda request: request.reason)


def _step(
    cause: Cause,
    requests: Sequence[Any],
    event: str,
    decide: Callable[[_Held, Any], _Held | Refused],
    reason: Callable[[Any], str],
) -> list[DraftNow | Refused]:
    """Take each draft a step on in its life; what comes into force is set as a version."""
    drafts = {row[0]: _Held(*row) for row in sql.run(_LOCK, {"drafts": [r.draft for r in requests]})}
    answers: list[DraftNow | Refused] = []
    changed: dict[UUID, _Held] = {}
    set_now: list[policies.SetPolicy] = []
    for request in requests:
        held = drafts.get(request.draft)
        if held is None:
            answers.append(NotFound(what="policy draft", which=str(request.draft)))
            continue
        state = LIFE.step(held.state, event)
        after = state if isinstance(state, Refused) else decide(held, request)
        if isinstance(after, Refused):
            answers.append(after)
            continue
        assert isinstance(state, str)
        drafts[held.id] = after = after._replace(state=state)
        changed[held.id] = after
        if state == "active":
            body = wire.load(held.body, policies.bodies[held.kind])
            since = request.in_force_from or cause.at + timedelta(seconds=1)
            set_now.append(policies.SetPolicy(held.company, held.kind, body, since, held.scope, held.note))
        moved = Event(
            "policy_draft", held.id, held.company, before=held.state, after=state, reason=reason(request)
        )
        announce(cause, [moved])
        answers.append(DraftNow(held.id, state))
    done = whole(policies.write_versions(cause, set_now)) if set_now else []
    versions = {draft: one.version for draft, one in zip(changed, done, strict=False)}
    rows = [
        (one.id, one.state, one.summary, one.report, one.tried_by, versions.get(one.id))
        for one in changed.values()
    ]
    sql.change(_CHANGE, sql.columns(("drafts", "states", "summaries", "reports", "trials", "versions"), rows))
    return [
        DraftNow(answer.draft, answer.state, versions.get(answer.draft))
        if isinstance(answer, DraftNow)
        else answer
        for answer in answers
    ]


# ---- queries


@dataclass(frozen=True, slots=True)
class DraftRow:
    id: UUID
    kind: str
    scope: str
    state: str
    note: str
    author: str
    drafted_at: datetime
    summary: str
    report: UUID | None
    version: int | None
    body: Any
    tried_by: str = ""


def drafts(company: int, kind: str = "", *, limit: int = 200, state: str = "") -> list[DraftRow]:
    """Drafts of a kind, or of all, in a state, or in any, the newest first. 1 statement."""
    params = {"company": company, "kind": kind, "state": state, "limit": limit}
    return [DraftRow(*row) for row in sql.run(_DRAFTS, params)]


def draft_of(company: int, draft: UUID, body: type[T]) -> T | Refused:
    """The body of a draft, to try it with. 1 statement."""
    kind = policies.kind_of(body)
    found = sql.run(_BODY, {"company": company, "draft": draft, "kind": kind})
    return (
        wire.load(found[0][0], body) if found else NotFound(what=Said("draft of {0}", kind), which=str(draft))
    )


_COLUMNS = ("id", "company_id", "kind", "scope", "body", "author", "note", "drafted_at")

_LOCK = """
SELECT id, company_id::int, kind, scope, state, body::text, note, summary, report_id, tried_by FROM kernel_policydraft
WHERE id = ANY(%(drafts)s::uuid[]) ORDER BY id FOR UPDATE
"""

_CHANGE = """
UPDATE kernel_policydraft AS p SET state = d.state, summary = d.summary, report_id = d.report, tried_by = d.tried_by,
    version = d.version
FROM unnest(%(drafts)s::uuid[], %(states)s::text[], %(summaries)s::text[], %(reports)s::uuid[], %(trials)s::text[],
            %(versions)s::int[]) AS d(id, state, summary, report, tried_by, version)
WHERE p.id = d.id
"""

_DRAFTS = """
SELECT id, kind, scope, state, note, author, drafted_at, summary, report_id, version, body, tried_by
FROM kernel_policydraft
WHERE company_id = %(company)s::smallint AND (%(kind)s::text = '' OR kind = %(kind)s::text)
  AND (%(state)s::text = '' OR state = %(state)s::text)
ORDER BY drafted_at DESC, id DESC LIMIT %(limit)s::int
"""

_BODY = """
SELECT body::text FROM kernel_policydraft
WHERE company_id = %(company)s::smallint AND id = %(draft)s::uuid AND kind = %(kind)s::text
"""
