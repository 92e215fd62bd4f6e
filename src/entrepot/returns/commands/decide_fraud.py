"""Somebody looked at a suspected return, and says what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.access.rules import apart
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.returns import errors
from entrepot.returns.commands.judging import ITEM, ROLE
from entrepot.returns.commands.lock import Return, lock_returns
from entrepot.returns.states import FINAL, FRAUD
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

OUTCOMES = ("clear", "confirm", "reopen")


@dataclass(frozen=True, slots=True)
class DecideFraud:
    """What a suspected return is: `clear`, then it goes on; `confirm`, then nothing of it is refunded; or `reopen` what
    was decided. The reason is kept, and later returns of the customer are judged by the outcome."""

    return_id: UUID
    outcome: str
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FraudDecided:
    """The state of the review: cleared, confirmed, or open."""

    return_id: UUID
    state: str


class _Decision(NamedTuple):
    of: Return
    request: DecideFraud
    before: str


@command("returns.decide_fraud")
def decide_fraud(cause: Cause, /, *, requests: Sequence[DecideFraud]) -> list[FraudDecided | Refused]:
    """Reviews decided. What is cleared goes on: its refunds, and exchanges whose goods have come, are decided.

    Whoever asked for the return does not decide whether it is fraud.
    Locks: the orders in id order. Refuses: NotFound; Invalid (outcome); WrongState; returns.reason_needed;
    returns.not_suspicious; access.duties_apart. Again: by key. 11 statements at most.
    """
    found = lock_returns([one.return_id for one in requests])
    answers: list[FraudDecided | Refused] = []
    decisions: list[_Decision] = []
    for request in requests:
        one = found.get(request.return_id)
        if one is None:
            answers.append(NotFound(what="return", which=str(request.return_id)))
            continue
        after = _decide(cause, request, one)
        if isinstance(after, Refused):
            answers.append(after)
            continue
        decisions.append(_Decision(one, request, one.fraud))
        one.fraud = after
        answers.append(FraudDecided(one.id, after))
    if decisions:
        _write(cause, decisions)
    return answers


def _decide(cause: Cause, request: DecideFraud, one: Return) -> str | Refused:
    if request.outcome not in OUTCOMES:
        return Invalid(field="outcome", expected=one_of(OUTCOMES), found=request.outcome)
    if one.fraud in ("", "clean"):
        return errors.NotSuspicious(number=one.number)
    if not request.reason.strip():
        return errors.ReasonNeeded(step="deciding about fraud", why="later returns are judged by it")
    if ("request", cause.actor.name) in one.sides:
        return apart(one.duty("decide fraud", cause.actor.name))
    return FRAUD.step(one.fraud, request.outcome)


def _write(cause: Cause, decisions: Sequence[_Decision]) -> None:
    # Of several about one return, the last one stands.
    last = {one.of.id: one for one in decisions}
    rows = [(key, one.of.fraud, one.request.reason.strip()) for key, one in last.items()]
    params = {"who": cause.actor.name, "at": cause.at}
    sql.run(_STORE, sql.columns(("returns", "states", "notes"), rows) | params)
    announce(cause, [
        Event("return", one.of.id, one.of.company, "", "", None,
              {"review": one.request.outcome, "before": one.before}, one.request.reason.strip())
        for one in decisions
    ])  # fmt: skip
    decided = [one for one in last.values() if one.of.fraud != "open"]
    if decided:
        resolve_subjects(cause, requests=[
            ResolveSubject(one.of.company, ITEM, one.of.id, one.of.fraud, one.request.reason) for one in decided
        ])  # fmt: skip
    open_items(cause, requests=[
        OpenItem(
            company=one.of.company, type=ITEM, subject_kind="return", subject=one.of.id, role=ROLE, priority=60,
            reason=Said("Return {0} is reviewed again: {1}", one.of.number, one.request.reason.strip()),
            facts={"return": one.of.id},
        )
        for one in last.values() if one.of.fraud == "open"
    ])  # fmt: skip
    cleared = [
        one.of for one in decided if one.of.fraud == "cleared" and one.of.state not in (*FINAL, "requested")
    ]
    offer("decide_refund", [
        (one.id, 0, cause.at) for one in cleared if one.asked in ("refund", "store_credit", "keep")
    ])  # fmt: skip
    offer("exchange", [(one.id, 0, cause.at) for one in cleared if one.exchanges])


_STORE = """
UPDATE returns_judgment AS j SET state = d.state,
       note = CASE WHEN d.state = 'open' THEN '' ELSE d.note END,
       decided_by = CASE WHEN d.state = 'open' THEN '' ELSE %(who)s::text END,
       decided_at = CASE WHEN d.state = 'open' THEN NULL ELSE %(at)s::timestamptz END
FROM unnest(%(returns)s::uuid[], %(states)s::text[], %(notes)s::text[]) AS d(return_id, state, note)
WHERE j.return_id = d.return_id
"""
