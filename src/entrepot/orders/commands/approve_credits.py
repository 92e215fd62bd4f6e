"""A second person agrees to credits for which no sale is known, or does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.access.rules import apart
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.orders.models import DUTY
from entrepot.orders.states import CREDIT
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class ApproveCredit:
    """Agree to a credit that waits, so that it is booked at its own time; or reject it, with a reason."""

    credit: UUID
    agree: bool = True
    reason: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CreditDecided:
    credit: UUID
    state: str


class _Credit(NamedTuple):
    id: UUID
    number: str
    company: int
    currency: str
    state: str
    entered_by: str
    credited_at: datetime


class _Decided(NamedTuple):
    credit: _Credit
    after: str
    reason: str
    at: datetime


@command("orders.approve_credits")
def approve_credits(cause: Cause, /, *, requests: Sequence[ApproveCredit]) -> list[CreditDecided | Refused]:
    """Credits booked, whose work items stay open until their sales are found; or rejected, and their items closed.

    Whoever entered a credit does not approve it: the database holds them to it.
    Locks: the credits in id order, then the ledger's balances in key order.
    Refuses: NotFound; WrongState; Invalid (no reason); access.duties_apart; what the ledger refuses. Again: by key.
    12 statements at most.
    """
    params = {"credits": [one.credit for one in requests]}
    found = {row[0]: _Credit(*row) for row in sql.run(_LOCK, params)}
    states = {one.id: one.state for one in found.values()}
    answers: list[CreditDecided | Refused] = []
    decided: list[_Decided] = []
    for request in requests:
        one = found.get(request.credit)
        after = _decide(cause, request, one, states)
        if one is None or isinstance(after, Refused):
            answers.append(after if isinstance(after, Refused) else NotFound(what="credit", which=""))
            continue
        states[one.id] = after
        decided.append(_Decided(one, after, request.reason, request.occurred_at or cause.at))
        answers.append(CreditDecided(one.id, after))
    if not decided:
        return answers
    refused = _post(cause, [one.credit for one in decided if one.after == "unmatched"])
    _write(cause, [one for one in decided if one.credit.id not in refused])
    return [refused.get(one.credit, one) if isinstance(one, CreditDecided) else one for one in answers]


def _decide(
    cause: Cause, request: ApproveCredit, one: _Credit | None, states: Mapping[UUID, str]
) -> str | Refused:
    if one is None:
        return NotFound(what="credit", which=str(request.credit))
    after = CREDIT.step(states[one.id], "approve" if request.agree else "reject")
    if isinstance(after, Refused):
        return after
    if not request.agree and not request.reason:
        return Invalid(field="reason", expected="why it is rejected", found="nothing")
    if request.agree and one.entered_by == cause.actor.name:
        return apart(Duty(one.id, DUTY, "approve", cause.actor.name, one.number))
    return after


def _post(cause: Cause, credits_: Sequence[_Credit]) -> dict[UUID, Refused]:
    """Book credits, each at its own time, or now where its month is closed; what is refused comes back by credit."""
    if not credits_:
        return {}
    sums: dict[UUID, list[tuple[str, int]]] = defaultdict(list)
    for credit, kind, amount in sql.run(_AMOUNTS, {"credits": [one.id for one in credits_]}):
        sums[credit].append((f"credit.{kind}", amount))
    posted = post(cause, requests=[
        Posting(one.company, "credit", "credit", one.id, one.currency, sums[one.id], one.credited_at,
                or_now=True)
        for one in credits_
    ])  # fmt: skip
    return {
        one.id: answer for one, answer in zip(credits_, posted, strict=True) if isinstance(answer, Refused)
    }


def _write(cause: Cause, decided: Sequence[_Decided]) -> None:
    who = cause.actor.name
    agreed = [one.credit.id for one in decided if one.after == "unmatched"]
    whole(take_duty(cause, requests=[Duty(credit, DUTY, "approve", who) for credit in agreed]))
    rows = [(one.credit.id, one.after, one.at) for one in decided]
    sql.run(_STORE, {**sql.columns(("credits", "states", "times"), rows), "who": who})
    announce(cause, [
        Event("credit", one.credit.id, one.credit.company, "waiting", one.after, one.at,
              reason=one.reason)
        for one in decided
    ])  # fmt: skip
    over = [one for one in decided if one.after == "rejected"]
    if over:
        resolve_subjects(cause, requests=[
            ResolveSubject(one.credit.company, "unmatched credit", one.credit.id, "rejected", one.reason, one.at)
            for one in over
        ])  # fmt: skip


_LOCK = """
SELECT id, number, company_id::int, currency, state, entered_by, credited_at FROM orders_credit
WHERE id = ANY(%(credits)s::uuid[]) ORDER BY id FOR UPDATE
"""

_AMOUNTS = """
SELECT credit_id, kind, sum(amount_minor)::bigint FROM orders_creditline WHERE credit_id = ANY(%(credits)s::uuid[])
GROUP BY credit_id, kind ORDER BY credit_id, kind
"""

_STORE = """
UPDATE orders_credit AS c SET state = d.state, decided_by = %(who)s, decided_at = d.at
FROM unnest(%(credits)s::uuid[], %(states)s::text[], %(times)s::timestamptz[]) AS d(id, state, at) WHERE c.id = d.id
"""
