"""A person finds out what goods are that nobody announced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.returns import arrivals, errors
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class DecideStray:
    """How the question about a stray ends: `matched` to a return, which then is received as every other; `sent_back`
    or `kept`, for a reason."""

    stray: UUID
    outcome: str
    return_id: UUID | None = None
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StrayDecided:
    stray: UUID
    outcome: str


@command("returns.decide_strays")
def decide_strays(cause: Cause, /, *, requests: Sequence[DecideStray]) -> list[StrayDecided | Refused]:
    """Strays that are known now, and their work items closed.

    Locks: the strays in id order. Refuses: NotFound (stray, return); Invalid (outcome); WrongState;
    returns.reason_needed. Again: by key. 6 statements.
    """
    found = {row[0]: row[1:] for row in sql.run(_LOCK, {"strays": [one.stray for one in requests]})}
    known = dict(sql.run(_RETURNS, {"returns": [one.return_id for one in requests if one.return_id]}))
    ended: set[UUID] = set()
    answers: list[StrayDecided | Refused] = []
    for request in requests:
        company, state = found.get(request.stray, (0, ""))
        refused = _misfit(request, company, "decided" if request.stray in ended else state, known)  # type: ignore[arg-type]
        answers.append(refused or StrayDecided(request.stray, request.outcome))
        if not refused:
            ended.add(request.stray)
    decided = [r for r, a in zip(requests, answers, strict=True) if isinstance(a, StrayDecided)]
    if decided:
        _write(cause, decided, {key: row[0] for key, row in found.items()})
    return answers


def _misfit(request: DecideStray, company: int, state: str, known: dict[UUID, int]) -> Refused | None:
    if not company:
        return NotFound(what="stray", which=str(request.stray))
    if request.outcome not in arrivals.OUTCOMES:
        return Invalid(field="outcome", expected=one_of(arrivals.OUTCOMES), found=request.outcome)
    if state != "open":
        return WrongState(subject="stray", found=state, event=request.outcome, expected="open")
    if request.outcome != "matched":
        return None if request.reason else errors.ReasonNeeded(step=request.outcome, why="it is not ours")
    if request.return_id is None or known.get(request.return_id) != company:
        return NotFound(what="return of the company", which=str(request.return_id or "none named"))
    return None


def _write(cause: Cause, decided: Sequence[DecideStray], companies: dict[UUID, int]) -> None:
    rows = [(r.stray, r.outcome, r.return_id if r.outcome == "matched" else None, r.reason) for r in decided]
    columns = sql.columns(("ids", "states", "returns", "reasons"), rows)
    sql.run(_STORE, {**columns, "who": cause.actor.name, "at": cause.at})
    announce(cause, [
        Event("stray", r.stray, companies[r.stray], "open", r.outcome, None, {"return": r.return_id}, r.reason)
        for r in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(companies[r.stray], "goods nobody announced", r.stray, r.outcome.replace("_", " "), r.reason)
        for r in decided
    ])  # fmt: skip


_LOCK = """
SELECT id, company_id::int, state FROM returns_stray WHERE id = ANY(%(strays)s::uuid[]) ORDER BY id FOR UPDATE
"""

_RETURNS = "SELECT id, company_id::int FROM returns_return WHERE id = ANY(%(returns)s::uuid[])"

_STORE = """
UPDATE returns_stray AS s SET state = d.state, return_id = d.owner, reason = d.reason, decided_by = %(who)s,
       decided_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(returns)s::uuid[], %(reasons)s::text[])
     AS d(id, state, owner, reason)
WHERE s.id = d.id
"""
