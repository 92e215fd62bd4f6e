"""Another person agrees to a refund above the limit, or does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.access.rules import apart
from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.kernel.policies import of_companies
from entrepot.returns import errors
from entrepot.returns.commands.lock import Return, lock_returns, store
from entrepot.returns.commands.pay import Paid, Payable, count_refunded, pay, refundable
from entrepot.returns.refunding import RefundPolicy
from entrepot.returns.states import REFUND
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

SOLD = "sell×credit"


@dataclass(frozen=True, slots=True)
class Approve:
    """Agree to a refund that waits, or reject it; to reject needs a reason."""

    refund: UUID
    agree: bool = True
    reason: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The refund's state: paid, approved (asked of the provider) or rejected."""

    refund: UUID
    state: str


class _Refund(NamedTuple):
    """A refund as it was found."""

    id: UUID
    return_id: UUID
    number: str
    state: str
    company: int
    order: UUID
    currency: str
    goods: int
    shipping: int
    tax: int
    fee: int
    fee_tax: int
    clawback: int
    clawback_tax: int
    adjustment: int
    total: int
    computed_by: str
    outcome: str
    bonus: int


class _Decision(NamedTuple):
    refund: _Refund
    of: Return
    request: Approve
    at: datetime


@command("returns.approve_refunds")
def approve(cause: Cause, /, *, requests: Sequence[Approve]) -> list[Decided | Refused]:
    """Refunds approved, posted and paid, or rejected: then their units may be refunded anew.

    Whoever approves has neither asked for the return nor received it, nor placed or changed its order, nor cancelled
    the replacement that it is of: the database holds them to it.
    Locks: the orders, then their payments, in id order.
    Refuses: NotFound; WrongState; returns.reason_needed; returns.not_that_much; returns.under_review;
    returns.fraud_confirmed; access.duties_apart. Again: by key. 34 statements at most; 26 more for store credit.
    """
    wanted = [one.refund for one in requests]
    of = sql.run(_RETURNS_OF, {"refunds": wanted})
    found = lock_returns({row[0] for row in of}, {row[1] for row in of})
    refunds = {row[0]: _Refund(*row) for row in sql.run(_REFUNDS, {"refunds": wanted})}
    orders = {one.order for one in found.values()} | {one.order for one in refunds.values()}
    left = refundable(orders)
    sold = access.first_by(cause.actor.name, SOLD, orders)
    states = {one.id: one.state for one in refunds.values()}

    answers: list[Decided | Refused] = []
    decisions: list[_Decision] = []
    for request in requests:
        one = refunds.get(request.refund)
        if one is None:
            answers.append(NotFound(what="refund", which=str(request.refund)))
            continue
        refused = _refuse(cause, request, one, found[one.return_id], states, left)
        if refused is None and request.agree and {one.order, found[one.return_id].order} & sold:
            refused = apart(Duty(one.order, SOLD, "credit", cause.actor.name, one.number))
        if refused:
            answers.append(refused)
            continue
        states[one.id] = "approved" if request.agree else "rejected"
        decisions.append(_Decision(one, found[one.return_id], request, request.occurred_at or cause.at))
        answers.append(Decided(one.id, states[one.id]))
    if not decisions:
        return answers
    states |= _write(cause, decisions)
    return [Decided(one.refund, states[one.refund]) if isinstance(one, Decided) else one for one in answers]


def _refuse(
    cause: Cause,
    request: Approve,
    one: _Refund,
    of: Return,
    states: Mapping[UUID, str],
    left: dict[UUID, int],
) -> Refused | None:
    step = REFUND.step(
        states[one.id], "approve" if request.agree else "reject"
    )  # what is agreed waits for nobody
    if isinstance(step, Refused):
        return step
    if not request.agree:
        return None if request.reason else errors.ReasonNeeded(step="rejecting", why="somebody asked for it")
    if refused := of.held_back():
        return refused
    if left.get(one.order, 0) < 0:
        # What waits is counted as spent: below zero, money that it counted on has gone elsewhere since.
        wanted, rest = one.total, max(0, one.total + left[one.order])
        return errors.NotThatMuch(
            number=of.number, what="money",
            wanted=money.told(wanted, one.currency), left=money.told(rest, one.currency),
        )  # fmt: skip
    if one.computed_by == cause.actor.name:
        return apart(of.duty("approve", cause.actor.name))  # else one person could adjust it and agree to it
    return of.apart("approve", cause.actor.name)


def _write(cause: Cause, decisions: Sequence[_Decision]) -> dict[UUID, str]:
    agreed = [one for one in decisions if one.request.agree]
    who = cause.actor.name
    whole(take_duty(cause, requests=[one.of.duty("approve", who) for one in agreed]))
    states = {one.refund.id: "rejected" for one in decisions}
    policies = of_companies((one.of.company for one in agreed), RefundPolicy, cause.at)
    paid = pay(cause, [_payable(one) for one in agreed], policies)
    states |= {refund: one.state for refund, one in paid.items()}
    rows = [
        (one.refund.id, states[one.refund.id], who, one.at, one.request.reason, *_given(one, paid))
        for one in decisions
    ]
    sql.run(_STORE, sql.columns(("ids", "states", "persons", "times", "notes", "applied", "bonuses"), rows))
    _give_back([one for one in decisions if not one.request.agree])
    announce(cause, [
        Event("refund", one.refund.id, one.of.company, "waiting", states[one.refund.id], one.at,
              reason=one.request.reason)
        for one in decisions
    ])  # fmt: skip
    for one in decisions:
        one.of.open_refunds -= states[one.refund.id] in ("paid", "rejected")
    store(cause, {d.of.id: d.of for d in decisions}.values(), {d.of.id: d.at for d in decisions})
    resolve_subjects(cause, requests=[
        ResolveSubject(one.of.company, "refund to approve", one.refund.id, states[one.refund.id], one.request.reason,
                       one.at)
        for one in decisions
    ])  # fmt: skip
    return states


def _payable(one: _Decision) -> Payable:
    refund = one.refund
    # The bonus that was told, as one part of it.
    percents = ((refund.bonus * 100, 1),) if refund.bonus else ()
    return Payable(
        refund.id, *refund[4:16], one.at, refund.outcome, one.of.customer, percents,
        abroad=one.of.currency != one.of.home,
    )  # fmt: skip


def _given(one: _Decision, paid: Mapping[UUID, Paid]) -> tuple[int, int]:
    found = paid.get(one.refund.id)
    return (found.applied, found.bonus) if found else (0, 0)


def _give_back(rejected: Sequence[_Decision]) -> None:
    """Units and amounts of rejected refunds may be refunded again. 2 statements, none where none was rejected."""
    if not rejected:
        return
    returns = {line.id: line for one in rejected for line in one.of.lines.values()}
    refunds = {one.refund.id: one.refund for one in rejected}
    rows: dict[UUID, list[Any]] = {}
    for _refund, line_id, units, goods, tax, shipping in sql.run(_LINES, {"refunds": list(refunds)}):
        line = returns[line_id]
        line.refunded -= units
        sums = rows.setdefault(line.line, [line.line, 0, 0, 0, 0])
        for place, amount in enumerate((units, goods, tax, shipping), 1):
            sums[place] -= amount
    count_refunded(list(rows.values()))


_RETURNS_OF = "SELECT return_id, order_id FROM returns_refund WHERE id = ANY(%(refunds)s::uuid[])"

_REFUNDS = """
SELECT id, return_id, number, state, company_id::int, order_id, currency, goods_minor, shipping_minor, tax_minor,
       fee_minor, fee_tax_minor, clawback_minor, clawback_tax_minor, adjustment_minor, total_minor, requested_by,
       outcome, bonus_minor
FROM returns_refund WHERE id = ANY(%(refunds)s::uuid[])
"""

_STORE = """
UPDATE returns_refund AS f SET state = d.state, decided_by = d.person, decided_at = d.at, note = d.note,
       applied_minor = d.applied, bonus_minor = d.bonus
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(persons)s::text[], %(times)s::timestamptz[], %(notes)s::text[],
            %(applied)s::bigint[], %(bonuses)s::bigint[])
     AS d(id, state, person, at, note, applied, bonus)
WHERE f.id = d.id
"""

_LINES = """
SELECT refund_id, return_line_id, units, goods_minor, tax_minor, shipping_minor FROM returns_refundline
WHERE refund_id = ANY(%(refunds)s::uuid[])
"""
