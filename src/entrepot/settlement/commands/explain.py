"""A person says why a line of a payout is not what we know; the difference leaves the clearing account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.settlement.states import LINE
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class Explain:
    """Why a line differs, or belongs to nothing: its difference becomes bank charges, or reduces them."""

    payout: UUID
    line: int
    reason: str
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """The payout's state: matched when its last open line is explained."""

    payout: UUID
    state: str


class _Line(NamedTuple):
    payout: UUID
    number: int
    state: str
    difference: int
    company: int
    currency: str
    known: UUID | None


class _Decided(NamedTuple):
    line: _Line
    request: Explain
    at: datetime


@command("settlement.explain")
def explain(cause: Cause, /, *, requests: Sequence[Explain]) -> list[Explained | Refused]:
    """Lines explained and their differences booked; a payout without open lines is matched, and its item closed.

    Locks: the payouts in id order. Refuses: NotFound; WrongState; Invalid (no reason). Again: by key. 11 statements.
    """
    payouts = list({one.payout for one in requests})
    sql.run(_LOCK, {"payouts": payouts})
    lines = {row[:2]: _Line(*row) for row in sql.run(_LINES, {"payouts": payouts})}
    left = {one.payout: set() for one in lines.values()}  # type: dict[UUID, set[int]]
    for one in lines.values():
        if one.state in ("differs", "unmatched"):
            left[one.payout].add(one.number)

    answers: list[Explained | Refused] = []
    decided: list[_Decided] = []
    for request in requests:
        found = lines.get((request.payout, request.line))
        if found is None:
            answers.append(NotFound(what="line of a payout", which=f"{request.payout} {request.line}"))
            continue
        state = found.state if found.number in left[found.payout] or found.state == "matched" else "explained"
        step = LINE.step(state, "explain")
        if isinstance(step, Refused):
            answers.append(step)
            continue
        if not request.reason:
            answers.append(Invalid(field="reason", expected="why it differs", found="nothing"))
            continue
        left[found.payout].discard(found.number)
        decided.append(_Decided(found, request, request.occurred_at or cause.at))
        answers.append(Explained(found.payout, ""))
    states = {payout: "open" if numbers else "matched" for payout, numbers in left.items()}
    if decided:
        _write(cause, decided, states)
    return [Explained(a.payout, states[a.payout]) if isinstance(a, Explained) else a for a in answers]


def _write(cause: Cause, decided: Sequence[_Decided], states: dict[UUID, str]) -> None:
    rows = [(one.line.payout, one.line.number, one.request.reason) for one in decided]
    sql.run(_EXPLAIN, sql.columns(("payouts", "numbers", "reasons"), rows))
    touched = {one.line.payout: one for one in decided}
    sql.run(_STORE, sql.columns(("payouts", "states"), [(payout, states[payout]) for payout in touched]))
    whole(post(cause, requests=[
        Posting(one.line.company, "payment.explained", "payout", one.line.payout, one.line.currency,
                (("difference", one.line.difference),), one.at)
        for one in decided
    ]))  # fmt: skip
    announce(cause, [
        Event("payout", one.line.payout, one.line.company, "open", states[one.line.payout], one.at,
              {"line": one.line.number, "difference_minor": one.line.difference}, one.request.reason)
        for one in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(one.line.company, "payout to explain", payout, "explained", one.request.reason, one.at)
        for payout, one in touched.items()
        if states[payout] == "matched"
    ])  # fmt: skip


_LOCK = "SELECT FROM settlement_payout WHERE id = ANY(%(payouts)s::uuid[]) ORDER BY id FOR UPDATE"

_LINES = """
SELECT l.payout_id, l.number, l.state, l.difference_minor, p.company_id::int, p.currency, l.known_id
FROM settlement_payoutline AS l JOIN settlement_payout AS p ON p.id = l.payout_id
WHERE l.payout_id = ANY(%(payouts)s::uuid[])
"""

_EXPLAIN = """
UPDATE settlement_payoutline AS l SET state = 'explained', reason = d.reason
FROM unnest(%(payouts)s::uuid[], %(numbers)s::int[], %(reasons)s::text[]) AS d(payout, number, reason)
WHERE l.payout_id = d.payout AND l.number = d.number
"""

_STORE = """
UPDATE settlement_payout AS p SET state = d.state
FROM unnest(%(payouts)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE p.id = d.id
"""
