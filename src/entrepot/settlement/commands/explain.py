"""A person finds what a line of a payout belongs to, or says why it belongs to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.settlement import errors, rules
from entrepot.settlement.commands.take_payouts import LOCK
from entrepot.settlement.queries import KNOWN
from entrepot.settlement.states import LINE
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class Explain:
    """What a line is: `known` is the attempt or dispute that it settles, `reason` why it differs or belongs to nothing.

    With a reason, what it differs by becomes bank charges (of a marketplace its fees), or reduces them; without, it
    goes on waiting.
    """

    payout: UUID
    line: int
    reason: str = ""
    known: UUID | None = None
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
    known: UUID | None
    kind: str
    amount: int
    reason: str
    payout_number: str
    company: int
    provider: str
    currency: str
    of_marketplace: bool

    @property
    def is_open(self) -> bool:
        return self.state in ("differs", "unmatched")


class _Known(NamedTuple):
    """What a line may belong to, as a payout would name it; and the line that has settled it."""

    id: UUID
    kind: str
    company: int
    provider: str
    currency: str
    amount: int
    fee: int
    settled_by: tuple[str, int] | None


class _Decided(NamedTuple):
    line: _Line
    request: Explain
    at: datetime
    booked: int
    fee: int  # of what it was matched with, which its payout booked a second time


@command("settlement.explain")
def explain(cause: Cause, /, *, requests: Sequence[Explain]) -> list[Explained | Refused]:
    """Lines matched by hand, or explained and their differences booked; a payout without open lines is matched, and its
    item closed.

    Locks: the accounts with the providers, in the order of their names.
    Refuses: NotFound; WrongState; Invalid (neither a reason nor what it belongs to); DoesNotFit; PaidOutBefore.
    Again: by key. 12 statements at most.
    """
    payouts = list({one.payout for one in requests})
    sql.run(LOCK_PAYOUTS, {"payouts": payouts})
    lines = _lines(requests)
    found = _found([one.known for one in requests if one.known])
    answers: list[Explained | Refused] = []
    decided: list[_Decided] = []
    for request in requests:
        line = lines.get((request.payout, request.line))
        if line is None:
            answers.append(NotFound(what="line of a payout", which=f"{request.payout} {request.line}"))
            continue
        after = _decide(line, request, found)
        if isinstance(after, Refused):
            answers.append(after)
            continue
        lines[request.payout, request.line] = after
        fee = 0
        if after.known and after.known != line.known:
            settled = (line.payout_number, line.number)
            fee = found[after.known, line.kind].fee
            found[after.known, line.kind] = found[after.known, line.kind]._replace(settled_by=settled)
        booked = after.difference if after.state == "explained" else 0
        decided.append(_Decided(after, request, request.occurred_at or cause.at, booked, fee))
        answers.append(Explained(request.payout, ""))
    waiting = {one.payout for one in lines.values() if one.is_open}
    states = {payout: "open" if payout in waiting else "matched" for payout in payouts}
    if decided:
        _write(cause, decided, states)
    return [Explained(a.payout, states[a.payout]) if isinstance(a, Explained) else a for a in answers]


def _decide(line: _Line, request: Explain, found: dict[tuple[UUID, str], _Known]) -> _Line | Refused:
    """The line as the person sees it."""
    state = LINE.step(line.state, "match" if request.known else "explain")
    if isinstance(state, Refused):
        return state
    if request.known is None:
        if not request.reason:
            return Invalid(field="reason", expected="why it differs, or what it belongs to", found="nothing")
        return line._replace(state=state, reason=request.reason)
    one = _fitting(line, request.known, found)
    if isinstance(one, Refused):
        return one
    off, reason = rules.difference(line.kind, one.amount, line.amount), request.reason
    if off:
        parted = LINE.step(line.state, "match_in_part")
        assert not isinstance(parted, Refused)  # the table has both or neither
        state = "explained" if reason else parted
        reason = reason or rules.differs(one.amount, line.amount, line.currency)
    return line._replace(state=state, known=one.id, difference=off, reason=reason or "matched by hand")


def _fitting(line: _Line, known: UUID, found: dict[tuple[UUID, str], _Known]) -> _Known | Refused:
    """What the person says that a line belongs to, if it can."""
    one = found.get((known, line.kind)) or next((one for one in found.values() if one.id == known), None)
    if one is None:
        return NotFound(what="attempt or dispute that is done", which=str(known))
    if (one.kind, one.company, one.provider, one.currency) != (
        line.kind, line.company, line.provider, line.currency,
    ):  # fmt: skip
        return errors.DoesNotFit(
            line=line.number, payout=line.payout_number, known=str(known),
            expected=Said("{0} of {1} in {2}", line.kind, line.provider, line.currency),
            found=Said("a {0} of {1} in {2}", one.kind, one.provider, one.currency),
        )  # fmt: skip
    if one.settled_by:
        payout, number = one.settled_by
        return errors.PaidOutBefore(known=str(known), payout=payout, line=number)
    return one


def _lines(requests: Sequence[Explain]) -> dict[tuple[UUID, int], _Line]:
    """The lines asked for, and those of the same payouts that wait. 1 statement."""
    rows = sql.columns(("payouts", "numbers"), [(one.payout, one.line) for one in requests])
    return {row[:2]: _Line(*row) for row in sql.run(_LINES, rows)}  # type: ignore[misc]


def _found(known: Sequence[UUID]) -> dict[tuple[UUID, str], _Known]:
    """Attempts and disputes by id and kind of line. 1 statement."""
    rows = sql.run(_SETTLED, {"ids": list(known)})
    return {
        row[:2]: _Known(*row[:7], settled_by=(row[7], row[8]) if row[7] else None)  # type: ignore[misc]
        for row in rows
    }


def _write(cause: Cause, decided: Sequence[_Decided], states: dict[UUID, str]) -> None:
    # A line may be matched and then explained in one batch: what it became last is what it is.
    last = {(one.line.payout, one.line.number): one for one in decided}
    rows = [
        (*which, one.line.state, one.line.known, one.line.difference, one.line.reason)
        for which, one in last.items()
    ]
    sql.run(_EXPLAIN, sql.columns(("payouts", "numbers", "states", "known", "differences", "reasons"), rows))
    touched = {one.line.payout: one for one in decided}
    sql.run(_STORE, sql.columns(("payouts", "states"), [(payout, states[payout]) for payout in touched]))
    booked = [one for one in decided if one.booked or one.fee]
    if booked:
        whole(post(cause, requests=[
            Posting(one.line.company, "payment.explained", "payout", one.line.payout, one.line.currency,
                    _amounts(one), one.at)
            for one in booked
        ]))  # fmt: skip
    announce(cause, [
        Event("payout", one.line.payout, one.line.company, "open", states[one.line.payout], one.at,
              {"line": one.line.number, "state": one.line.state, "known": one.line.known,
               "difference_minor": one.line.difference}, one.request.reason)
        for one in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(one.line.company, "payout to explain", payout, "explained", one.request.reason, one.at)
        for payout, one in touched.items()
        if states[payout] == "matched"
    ])  # fmt: skip


def _amounts(one: _Decided) -> list[tuple[str, int]]:
    amounts = (("difference", one.booked), ("fee", -one.fee))
    return [
        (rules.cost(kind, of_marketplace=one.line.of_marketplace), minor) for kind, minor in amounts if minor
    ]


LOCK_PAYOUTS = LOCK.format(
    accounts="SELECT company_id, provider FROM settlement_payout WHERE id = ANY(%(payouts)s::uuid[])"
)

_LINES = """
SELECT l.payout_id, l.number, l.state, l.difference_minor, l.known_id, l.kind, l.amount_minor, l.reason,
       p.number, p.company_id::int, p.provider, p.currency::text, p.of_marketplace
FROM settlement_payoutline AS l JOIN settlement_payout AS p ON p.id = l.payout_id
WHERE l.payout_id = ANY(%(payouts)s::uuid[])
  AND (l.state IN ('differs', 'unmatched')
       OR (l.payout_id, l.number) IN (SELECT * FROM unnest(%(payouts)s::uuid[], %(numbers)s::int[])))
"""

_SETTLED = f"""
SELECT k.id, k.kind, k.company, k.provider, k.currency, k.amount, k.fee, p.number, l.number
FROM ({KNOWN}) AS k
LEFT JOIN settlement_payoutline AS l ON l.known_id = k.id AND l.kind = k.kind
LEFT JOIN settlement_payout AS p ON p.id = l.payout_id
WHERE k.id = ANY(%(ids)s::uuid[])
"""

_EXPLAIN = """
UPDATE settlement_payoutline AS l SET state = d.state, known_id = d.known, difference_minor = d.difference,
       reason = d.reason
FROM unnest(%(payouts)s::uuid[], %(numbers)s::int[], %(states)s::text[], %(known)s::uuid[], %(differences)s::bigint[],
            %(reasons)s::text[]) AS d(payout, number, state, known, difference, reason)
WHERE l.payout_id = d.payout AND l.number = d.number
"""

_STORE = """
UPDATE settlement_payout AS p SET state = d.state
FROM unnest(%(payouts)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE p.id = d.id
"""
