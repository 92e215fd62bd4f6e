"""A person finds out what goods are that nobody announced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.returns import arrivals, errors
from entrepot.returns.states import FINAL
from entrepot.work.commands.open_items import OpenItem, open_items
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
    """Strays that are known now, and their work items closed. What belongs to a return is work for who takes goods in:
    nothing of it is there until it was received there.

    Locks: the strays in id order. Refuses: NotFound (stray, return); Invalid (outcome, a return of other
    goods); WrongState (the stray is decided about; nothing of the return is to come);
    returns.reason_needed. Again: by key. 6 statements; 5 more where one belongs to a return.
    """
    found = {row[0]: _Stray(*row[1:]) for row in sql.run(_LOCK, {"strays": [one.stray for one in requests]})}
    rows = sql.run(_RETURNS, {"returns": [one.return_id for one in requests if one.return_id]})
    known = {row[0]: _Owner(*row[1:]) for row in rows}
    ended: set[UUID] = set()
    answers: list[StrayDecided | Refused] = []
    for request in requests:
        one = found.get(request.stray, _NOBODYS)
        if request.stray in ended:
            one = one._replace(state="decided")
        refused = _misfit(request, one, known)
        answers.append(refused or StrayDecided(request.stray, request.outcome))
        if not refused:
            ended.add(request.stray)
    decided = [r for r, a in zip(requests, answers, strict=True) if isinstance(a, StrayDecided)]
    if decided:
        _write(cause, decided, found)
        open_items(cause, requests=[
            _take_in(found[one.stray], one.stray, one.return_id, known[one.return_id].number)
            for one in decided if one.outcome == "matched" and one.return_id
        ])  # fmt: skip
    return answers


class _Stray(NamedTuple):
    company: int
    state: str
    said: str
    units: int
    bin: str
    sku: UUID | None = None


class _Owner(NamedTuple):
    """A return that a stray may belong to, and the SKUs of it."""

    company: int
    number: str
    state: str
    asked: str
    skus: list[UUID]


_NOBODYS = _Stray(0, "", "", 0, "")


def _take_in(one: _Stray, stray: UUID, return_id: UUID, number: str) -> OpenItem:
    return OpenItem(
        company=one.company, type=arrivals.TO_TAKE_IN, subject_kind="return", subject=return_id,
        role="returns inspector",
        reason=Said("{0} of {1} in bin {2} belong to return {3}: take them in there.", one.units, one.said, one.bin,
                    number),
        facts={"stray": stray, "units": one.units, "said": one.said}, dedupe=str(stray),
    )  # fmt: skip


def _misfit(request: DecideStray, one: _Stray, known: Mapping[UUID, _Owner]) -> Refused | None:
    if not one.company:
        return NotFound(what="stray", which=str(request.stray))
    if request.outcome not in arrivals.OUTCOMES:
        return Invalid(field="outcome", expected=one_of(arrivals.OUTCOMES), found=request.outcome)
    if one.state != "open":
        return WrongState(subject="stray", found=one.state, event=request.outcome, expected="open")
    if request.outcome != "matched":
        return (
            None
            if request.reason
            else errors.ReasonNeeded(step=request.outcome.replace("_", " "), why="it is not ours")
        )
    return _misfit_owner(request, one, known.get(request.return_id) if request.return_id else None)


def _misfit_owner(request: DecideStray, one: _Stray, owner: _Owner | None) -> Refused | None:
    """Why a stray can't belong to a return: nothing could be taken in there."""
    if owner is None or owner.company != one.company:
        return NotFound(what="return of the company", which=str(request.return_id or "none named"))
    if owner.state in ("requested", *FINAL) or owner.asked == "keep":
        expected = Said("a return whose goods are to come, or open it again first")
        return WrongState(subject="return", found=owner.state, event="match", expected=expected)
    if one.sku and one.sku not in owner.skus:
        expected, found = Said("a return with {0} in it", one.said), Said("{0}, without it", owner.number)
        return Invalid(field="return_id", expected=expected, found=found)
    return None


def _write(cause: Cause, decided: Sequence[DecideStray], found: Mapping[UUID, _Stray]) -> None:
    rows = [(r.stray, r.outcome, r.return_id if r.outcome == "matched" else None, r.reason) for r in decided]
    columns = sql.columns(("ids", "states", "returns", "reasons"), rows)
    sql.run(_STORE, {**columns, "who": cause.actor.name, "at": cause.at})
    announce(cause, [
        Event("stray", r.stray, found[r.stray].company, "open", r.outcome, None, {"return": r.return_id}, r.reason)
        for r in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(
            found[r.stray].company, "goods nobody announced", r.stray, r.outcome.replace("_", " "), r.reason
        )
        for r in decided
    ])  # fmt: skip


_LOCK = """
SELECT s.id, s.company_id::int, s.state, s.said, s.quantity, b.code, s.sku_id
FROM returns_stray AS s JOIN network_bin AS b ON b.id = s.bin_id
WHERE s.id = ANY(%(strays)s::uuid[]) ORDER BY s.id FOR UPDATE OF s
"""

_RETURNS = """
SELECT r.id, r.company_id::int, r.number, r.state, r.asked,
       ARRAY(SELECT l.sku_id FROM returns_line AS l WHERE l.return_id = r.id)
FROM returns_return AS r WHERE r.id = ANY(%(returns)s::uuid[])
"""

_STORE = """
UPDATE returns_stray AS s SET state = d.state, return_id = d.owner, reason = d.reason, decided_by = %(who)s,
       decided_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(returns)s::uuid[], %(reasons)s::text[])
     AS d(id, state, owner, reason)
WHERE s.id = d.id
"""
