"""Somebody decides whether inspected units are taken back: they are refused for a reason, or accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.access.rules import apart
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, Refused, Said, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.returns import errors, refusing
from entrepot.returns.commands.dispose import OVERRIDES
from entrepot.returns.commands.lock import Line, Return, lock_inspected, nothing_to_decide, store
from entrepot.returns.refusing import ACCEPTED, OPEN, REFUSED, SEND_BACK, Refusals
from entrepot.returns.states import FINAL


@dataclass(frozen=True, slots=True)
class RefuseUnits:
    """All units of an inspection are not taken back, for a `reason` of `refusing.REASONS`; the customer is `told` so.

    `goods` go `back` to him, or the house keeps them (`keep`); '' is what the policy says. `note` is for the house.
    """

    inspection: UUID
    reason: str
    told: str
    goods: str = ""
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptUnits:
    """All units of an inspection are taken back after all, and why."""

    inspection: UUID
    note: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class UnitsDecided:
    """`goods` is what becomes of those that are refused."""

    inspection: UUID
    outcome: str
    goods: str = ""


class _Inspected(NamedTuple):
    """An inspection, by whom it was refused last, and whether goods of it were sent back."""

    return_id: UUID
    line: UUID
    quantity: int
    disposed: int
    proposed: str
    verdict: str
    before: str
    refused_by: str
    sent: bool
    withdraws: bool
    conforms: bool
    agreed: int  # units of its line that are to be exchanged still


class _Decided(NamedTuple):
    of: Return
    inspection: UUID
    was: _Inspected
    outcome: str
    reason: str
    goods: str
    told: str
    note: str
    proposed: str


class _Known:
    """Inspections with their returns under lock. 6 statements."""

    def __init__(self, wanted: Sequence[UUID]) -> None:
        self.returns = lock_inspected(wanted)
        self.inspections = {
            row[0]: _Inspected(*row[1:]) for row in sql.run(_INSPECTIONS, {"inspections": list(wanted)})
        }

    def of(self, inspection: UUID) -> tuple[_Inspected, Return, Line] | NotFound:
        one = self.inspections.get(inspection)
        if one is None:
            return NotFound(what="inspection", which=str(inspection))
        found = self.returns[one.return_id]
        return one, found, found.lines[one.line]


@command("returns.refuse_units")
def refuse_units(cause: Cause, /, *, requests: Sequence[RefuseUnits]) -> list[UnitsDecided | Refused]:
    """Units of inspections refused: nothing of them is refunded, and their goods go back or are kept.

    Locks: the orders in id order. Refuses: NotFound; Invalid (reason, goods); WrongState (the return ended, it is
    refused already, the goods are gone); returns.reason_needed (what the customer is told); returns.not_that_much (they
    were refunded or exchanged); returns.repairs_open; returns.exchange_agreed (an exchange is to be given up first);
    returns.less_worth (who withdraws by law bears what they have lost of their worth, and no more);
    returns.must_conform (no answer to a claim that they do not conform); NotPermitted (goods kept without money).
    Again: by key. 20 statements at most.
    """
    known = _Known([one.inspection for one in requests])
    rules = policies.of_companies({one.company for one in known.returns.values()}, Refusals, cause.at)
    answers: list[UnitsDecided | Refused] = []
    decided: list[_Decided] = []
    for request in requests:
        found = known.of(request.inspection)
        if isinstance(found, Refused):
            answers.append(found)
            continue
        one, of, line = found
        goods = request.goods or rules[of.company][1].goods_for(request.reason)
        refused = _misfit(request, goods, one, of, line) or _unlawful(cause, request, goods, one, of)
        if refused:
            answers.append(refused)
            continue
        line.refused += one.quantity
        line.doubts -= one.quantity * (one.verdict == OPEN)
        proposed = SEND_BACK if goods == "back" else one.proposed
        decided.append(_Decided(
            of, request.inspection, one, REFUSED, request.reason, goods, request.told.strip(), request.note.strip(),
            proposed,
        ))  # fmt: skip
        known.inspections[request.inspection] = one._replace(
            verdict=REFUSED, proposed=proposed, before=one.proposed, refused_by=cause.actor.name
        )
        answers.append(UnitsDecided(request.inspection, REFUSED, goods))
    _write(cause, decided)
    return answers


def _misfit(request: RefuseUnits, goods: str, one: _Inspected, of: Return, line: Line) -> Refused | None:
    if request.reason not in refusing.REASONS:
        return Invalid(field="reason", expected=one_of(refusing.REASONS), found=request.reason)
    if goods not in refusing.GOODS:
        return Invalid(field="goods", expected=one_of(refusing.GOODS), found=goods)
    if of.state in FINAL:
        return WrongState(subject="return", found=of.state, event="refuse", expected="open")
    if one.verdict == REFUSED:
        return WrongState(subject="inspection", found=REFUSED, event="refuse", expected="not refused")
    if not request.told.strip():
        return errors.ReasonNeeded(step="refusing units", why="their customer is told")
    if goods == "back" and one.disposed:
        expected = "waiting for its disposition; let the house keep the units"
        return WrongState(subject="inspection", found="disposed", event="send back", expected=expected)
    left = line.undecided
    if left < one.quantity <= left + line.repairing:
        return errors.RepairsOpen(number=of.number, units=line.repairing)
    if left < one.quantity <= left + one.agreed:
        return errors.ExchangeAgreed(number=of.number, units=one.agreed)
    if one.quantity > left:
        return errors.NotThatMuch(number=of.number, what="units", wanted=one.quantity, left=left)
    return None


def _unlawful(cause: Cause, request: RefuseUnits, goods: str, one: _Inspected, of: Return) -> Refused | None:
    """Who withdraws loses what his use took of the worth, and not all of it; who claims that goods do not conform
    is answered about that; and nobody loses goods and money."""
    if refused := _against_rights(request.reason, one, of):
        return refused
    if goods != "keep" or request.reason in refusing.NOTHING_CAME:
        return None
    if not request.note.strip():
        return errors.ReasonNeeded(
            step="keeping goods without paying for them", why="they are the customer's"
        )
    return None if cause.actor.may(OVERRIDES) else NotPermitted(actor=cause.actor.name, command=OVERRIDES)


def _against_rights(reason: str, one: _Inspected, of: Return) -> Refused | None:
    if one.withdraws and reason in refusing.LESS_WORTH:
        return errors.LessWorth(number=of.number, reason=Said(refusing.REASONS[reason]))
    if one.conforms and reason in refusing.NO_ANSWER:
        return errors.MustConform(number=of.number, reason=Said(refusing.REASONS[reason]))
    return None


@command("returns.accept_units")
def accept_units(cause: Cause, /, *, requests: Sequence[AcceptUnits]) -> list[UnitsDecided | Refused]:
    """Units of inspections taken back: what waited for that is refunded. A refusal is taken back by another person than
    who refused, who may give `returns.override_dispositions`.

    Whoever asked for the return or received it does not accept what came: money follows.
    Locks: the orders in id order. Refuses: NotFound; WrongState (nobody has to decide, the goods were sent back);
    NotPermitted; returns.reason_needed; access.duties_apart. Again: by key. 20 statements at most.
    """
    known = _Known([one.inspection for one in requests])
    answers: list[UnitsDecided | Refused] = []
    decided: list[_Decided] = []
    for request in requests:
        found = known.of(request.inspection)
        if isinstance(found, Refused):
            answers.append(found)
            continue
        one, of, line = found
        refused = _unacceptable(cause, request, one, of, line)
        if refused:
            answers.append(refused)
            continue
        line.refused -= one.quantity * (one.verdict == REFUSED)
        of.without_refund = False
        line.doubts -= one.quantity * (one.verdict == OPEN)
        proposed = one.before if one.proposed == SEND_BACK else one.proposed
        decided.append(
            _Decided(of, request.inspection, one, ACCEPTED, "", "", "", request.note.strip(), proposed)
        )
        known.inspections[request.inspection] = one._replace(verdict=ACCEPTED, proposed=proposed)
        answers.append(UnitsDecided(request.inspection, ACCEPTED))
    _write(cause, decided)
    return answers


def _unacceptable(
    cause: Cause, request: AcceptUnits, one: _Inspected, of: Return, line: Line
) -> Refused | None:
    if one.verdict not in (OPEN, REFUSED):
        expected = "open or refused"
        return WrongState(
            subject="inspection", found=one.verdict or "accepted", event="accept", expected=expected
        )
    if one.sent:
        return WrongState(subject="inspection", found="sent back", event="accept", expected="here")
    if of.without_refund and of.units.unpaid > one.quantity * (one.verdict == OPEN):
        # Of others of its units somebody has said that nothing is paid for them.
        expected = "without other units that nothing was paid for; refund those first"
        return WrongState(
            subject="return", found="closed without a refund", event="accept", expected=expected
        )
    if not request.note.strip():
        return errors.ReasonNeeded(step="taking units back", why="a finding spoke against it")
    if refused := of.apart("approve", cause.actor.name):
        return refused
    if one.verdict == REFUSED:
        if not cause.actor.may(OVERRIDES):
            return NotPermitted(actor=cause.actor.name, command=OVERRIDES)
        if one.refused_by == cause.actor.name:
            return apart(of.duty("take back a refusal", cause.actor.name))
    return None


def _write(cause: Cause, decided: Sequence[_Decided]) -> None:
    if not decided:
        return
    who = cause.actor.name
    sql.write("returns_verdict", _VERDICT, [
        (
            ids.uuid7(), one.of.company, one.of.id, one.inspection, one.outcome, one.reason, one.goods, one.told,
            one.note, one.was.proposed, who, cause.at,
        )
        for one in decided
    ])  # fmt: skip
    last = {one.inspection: (one.inspection, one.outcome, one.proposed) for one in decided}
    sql.run(_STORE, sql.columns(("ids", "verdicts", "proposed"), list(last.values())))
    announce(cause, [
        Event("return", one.of.id, one.of.company, "", "", None, {
            "inspection": one.inspection, "verdict": one.outcome, "before": one.was.verdict, "reason": one.reason,
            "units": one.was.quantity, "goods": one.goods,
        }, one.note)
        for one in decided
    ])  # fmt: skip
    changed = {one.of.id: one.of for one in decided}
    store(cause, changed.values(), {})
    nothing_to_decide(cause, [one for one in changed.values() if not one.doubts], {}, "decided")
    going = [one for one in changed.values() if one.state not in (*FINAL, "requested")]
    asked = ("refund", "store_credit")
    offer("decide_refund", [(one.id, 0, cause.at) for one in going if one.asked in asked])
    offer("exchange", [(one.id, 0, cause.at) for one in going if one.exchanges])


_VERDICT = (
    "id", "company_id", "return_id", "inspection_id", "outcome", "reason", "goods", "told", "note", "proposed",
    "decided_by", "decided_at",
)  # fmt: skip

_INSPECTIONS = """
SELECT i.id, i.return_id, i.return_line_id, i.quantity, i.disposed, i.proposed, i.verdict,
       COALESCE(v.proposed, i.proposed), COALESCE(v.decided_by, ''),
       EXISTS (SELECT FROM returns_disposition AS d WHERE d.inspection_id = i.id AND d.disposition = 'send_back'),
       COALESCE(t.withdraws OR t.by_law AND NOT t.conforms, FALSE), COALESCE(t.conforms, FALSE),
       (SELECT COALESCE(sum(x.quantity), 0)::int FROM returns_exchange AS x
        WHERE x.return_id = i.return_id AND x.return_line_id = i.return_line_id AND x.state = 'agreed')
FROM returns_inspection AS i LEFT JOIN returns_terms AS t ON t.return_line_id = i.return_line_id
LEFT JOIN LATERAL (
    SELECT v.proposed, v.decided_by FROM returns_verdict AS v
    WHERE v.inspection_id = i.id AND v.outcome = 'refused' ORDER BY v.id DESC LIMIT 1) AS v ON i.verdict = 'refused'
WHERE i.id = ANY(%(inspections)s::uuid[])
"""

_STORE = """
UPDATE returns_inspection AS i SET verdict = d.verdict, proposed = d.proposed
FROM unnest(%(ids)s::uuid[], %(verdicts)s::text[], %(proposed)s::text[]) AS d(id, verdict, proposed) WHERE i.id = d.id
"""
