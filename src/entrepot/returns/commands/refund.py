"""What a customer gets back for returned units, who has to agree, and the payment of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.payments.rules import bonus
from entrepot.returns import errors, refunding, rules
from entrepot.returns.commands.facts import Facts, Limit, units_of
from entrepot.returns.commands.lock import Line, Return, lock_returns, store
from entrepot.returns.commands.pay import Paid, Payable, count_refunded, pay
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class Refund:
    """Refund units of a return: all that are due by the milestones of their lines, or those named as (line, units).

    `adjustment_minor` is given above the frozen amounts, or below zero kept from them, for a reason. Where
    `total_minor` says what the customer was told, the difference from the frozen amounts is the adjustment. With
    `up_to` no more is refunded than there is left of what was captured; what a bank claims and has not decided about
    is not given up so. No lines at all, `()`, ask for the shipping
    that became due when the rest of an order was cancelled. It is given as `outcome` says (money, store_credit), or as
    was asked for.
    """

    return_id: UUID
    lines: tuple[tuple[UUID, int], ...] | None = None
    adjustment_minor: int = 0
    adjustment_reason: str = ""
    total_minor: int | None = None
    up_to: bool = False
    outcome: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    """The refund, and its state: paid, approved (asked of the provider), or waiting for another person's approval."""

    refund: UUID
    number: str
    state: str
    total_minor: int


class _Draft(NamedTuple):
    """A refund that will be written."""

    id: UUID
    number: str
    of: Return
    sum: refunding.Sum
    parts: tuple[tuple[Line, refunding.Part], ...]
    adjustment: int
    reason: str
    total: int
    limit: Limit
    version: int
    at: datetime
    outcome: str
    percents: tuple[tuple[int, int], ...]

    @property
    def steps(self) -> tuple[refunding.Step, ...]:
        """Line by line, what the total is made of."""
        if not self.adjustment:
            return self.sum.steps
        return (*self.sum.steps, refunding.Step("adjustment", self.adjustment, self.reason))

    @property
    def waits(self) -> bool:
        return self.limit.exceeded(self.total)


@command("returns.refund")
def refund(cause: Cause, /, *, requests: Sequence[Refund]) -> list[Refunded | Refused]:
    """Refunds from the frozen amounts. Up to the policy's limit for a return, all its refunds together, they are posted
    and paid at once; above it they wait.

    Locks: the orders, then their payments, in id order.
    Refuses: NotFound; WrongState; returns.nothing_to_refund; returns.not_that_much (units; money beyond what was
    captured); returns.under_dispute; returns.reason_needed; returns.no_customer (store credit); returns.under_review;
    returns.fraud_confirmed; returns.in_doubt; returns.repairs_open. Again: by key. 33 statements at most; 26 more for
    store credit.
    """
    found = lock_returns([one.return_id for one in requests])
    facts = Facts(cause, found)
    numbers = iter(ids.numbers("RF", len(requests)))

    answers: list[Refunded | Refused] = []
    drafts: list[_Draft] = []
    for request in requests:
        one = found.get(request.return_id)
        if one is None:
            answers.append(NotFound(what="return", which=str(request.return_id)))
            continue
        draft = _decide(cause, request, one, facts, numbers)
        if isinstance(draft, Refused):
            answers.append(draft)
            continue
        facts.take(one, draft.sum, draft.total, draft.total)
        for line, part in draft.parts:
            line.refunded += part.units
        drafts.append(draft)
        answers.append(Refunded(draft.id, draft.number, "waiting", draft.total))
    states = _write(cause, drafts, facts) if drafts else {}
    return [
        Refunded(a.refund, a.number, states[a.refund], a.total_minor) if isinstance(a, Refunded) else a
        for a in answers
    ]


# ---- decide


def _decide(
    cause: Cause, request: Refund, one: Return, facts: Facts, numbers: Iterable[str]
) -> _Draft | Refused:
    outcome = request.outcome or ("store_credit" if one.asked == "store_credit" else "money")
    if refused := _not_refundable(one, outcome):
        return refused
    version, policy = facts.policies[one.company]
    wanted = _wanted(request, one, policy)
    if isinstance(wanted, Refused):
        return wanted
    due = refunding.refund(facts.sold[one.order], units_of(wanted), facts.terms(one), facts.charged(one))
    if not due.parts:
        return errors.NothingToRefund(
            number=one.number, refunded=one.units.refunded, due=0, milestone="cancelled"
        )
    found = _total(request, one, due.total, facts)
    if isinstance(found, Refused):
        return found
    total, reason = found
    if not wanted:
        due = _on_its_line(one, due)
    by_line = {line.line: line for line in one.lines.values()}
    of = [line for line, _ in wanted] or [by_line[part.line] for part in due.parts]
    parts = tuple(zip(of, due.parts, strict=True))
    at = request.occurred_at or cause.at
    number = next(iter(numbers))
    return _Draft(
        ids.uuid7(), number, one, due, parts, total - due.total, reason, total,
        facts.limit(one), version, at, outcome,
        facts.percents(one, due) if outcome == "store_credit" else (),
    )  # fmt: skip


def _not_refundable(one: Return, outcome: str) -> Refused | None:
    """Why nothing of a return can be refunded in this way."""
    if one.state in ("requested", "declined", "cancelled"):
        expected = "authorized or further"
        return WrongState(subject="return", found=one.state, event="refund", expected=expected)
    if refused := one.held_back():
        return refused
    if outcome not in _OUTCOMES:
        return Invalid(field="outcome", expected=one_of(_OUTCOMES), found=outcome)
    if outcome == "store_credit" and one.customer is None:
        return errors.NoCustomer(order=str(one.order))
    return None


def _total(request: Refund, one: Return, due: int, facts: Facts) -> tuple[int, str] | Refused:
    """What is refunded, in minor units, and why it is another amount than what is due."""
    left = facts.left.get(one.order, 0)  # may be given back of the order
    total = due + request.adjustment_minor if request.total_minor is None else request.total_minor
    reason = request.adjustment_reason
    if total > left and (claimed := facts.claimed.get(one.order, 0)):
        # Whether the customer has it of his bank is not decided: it is neither given as well nor given up. What would
        # not be there without the dispute either is refused, or given up, as ever.
        without = left + claimed
        wanted = min(total, without) if request.up_to else total
        if max(0, left) < wanted <= without:
            asked, of, rest = (money.told(minor, one.currency) for minor in (total, claimed, max(0, left)))
            return errors.UnderDispute(number=one.number, wanted=asked, disputed=of, left=rest)
    if request.up_to and total > left:
        total, reason = max(0, left), _CAPPED
    if total != due and not reason:
        return errors.ReasonNeeded(step="an adjustment", why="it differs from what was paid")
    if not 0 <= total <= left:
        asked, rest = (money.told(minor, one.currency) for minor in (total, left))
        return errors.NotThatMuch(number=one.number, what="money", wanted=asked, left=rest)
    return total, reason if total != due else ""


def _on_its_line(one: Return, due: refunding.Sum) -> refunding.Sum:
    """Shipping that became due without units, on a line of the return that it is refunded with."""
    lines = [line.line for line in one.lines.values()]
    return due._replace(parts=tuple(p if p.line in lines else p._replace(line=lines[0]) for p in due.parts))


_OUTCOMES = ("money", "store_credit")
_CAPPED = "no more was left of what was captured"


def _wanted(request: Refund, one: Return, policy: rules.Policy) -> list[tuple[Line, int]] | Refused:
    """Lines with the units to refund now."""
    if request.lines is None:
        wanted = [
            (line, max(0, _due(one, line, policy) - line.doubts - line.repairing))
            for line in one.lines.values()
        ]
        if any(units for _, units in wanted):
            return [(line, units) for line, units in wanted if units]
        if one.doubts:
            return errors.InDoubt(number=one.number, units=one.doubts)
        if one.repairing:
            return errors.RepairsOpen(number=one.number, units=one.repairing)
        milestones = {line.refund_at or policy.refund_at for line in one.lines.values() if line.left}
        waits_for = [name for name in rules.MILESTONES if name in milestones] or [policy.refund_at]
        return errors.NothingToRefund(
            number=one.number, refunded=one.units.refunded, due=0, milestone=" or ".join(waits_for)
        )
    left = {line.id: line.left for line in one.lines.values()}
    for line_id, units in request.lines:
        if line_id not in left:
            return NotFound(what=Said("line in return {0}", one.number), which=str(line_id))
        if left[line_id] < units <= left[line_id] + one.lines[line_id].repairing:
            return errors.RepairsOpen(number=one.number, units=one.lines[line_id].repairing)
        if not 0 < units <= left[line_id]:
            return errors.NotThatMuch(number=one.number, what="units", wanted=units, left=left[line_id])
        left[line_id] -= units
    sums: dict[UUID, int] = defaultdict(int)
    for line_id, units in request.lines:
        sums[line_id] += units
    return [(one.lines[line_id], units) for line_id, units in sums.items()]


def _due(one: Return, line: Line, policy: rules.Policy) -> int:
    return rules.due(line.units, one.milestone(line, policy.refund_at))


# ---- write


def _write(cause: Cause, drafts: Sequence[_Draft], facts: Facts) -> dict[UUID, str]:
    """The refunds' states."""
    paid = {one.id: Paid("waiting", 0, _bonus(one)) for one in drafts}
    paid |= pay(cause, [_payable(one) for one in drafts if not one.waits], facts.refunds)
    states = {refund: one.state for refund, one in paid.items()}
    sql.write("returns_refund", REFUND, [_row(cause, one, paid[one.id]) for one in drafts])
    sql.write("returns_refundline", REFUND_LINE, [
        (one.id, line.id, part.units, part.goods, part.tax, part.shipping, part.fee)
        for one in drafts for line, part in one.parts
    ])  # fmt: skip
    count(one.sum for one in drafts)
    announce(cause, [
        Event("refund", one.id, one.of.company, "", states[one.id], one.at,
              {"return": one.of.id, "number": one.number, "total_minor": one.total})
        for one in drafts
    ])  # fmt: skip
    for one in drafts:
        one.of.open_refunds += states[one.id] != "paid"
    store(cause, {one.of.id: one.of for one in drafts}.values(), {one.of.id: one.at for one in drafts})
    items = [_item(one) for one in drafts if one.waits]
    if items:
        open_items(cause, requests=items)
    return states


def _payable(one: _Draft) -> Payable:
    return Payable(
        one.id, one.of.company, one.of.order, one.of.currency, one.sum.goods, one.sum.shipping, one.sum.tax,
        *one.sum.charged[:4], one.adjustment, one.total, one.at, one.outcome, one.of.customer, one.percents,
        abroad=one.of.currency != one.of.home,
    )  # fmt: skip


def _bonus(one: _Draft) -> int:
    """What store credit will be raised by, as it stands before anybody agreed."""
    return bonus(one.percents, one.total, one.total)


def _row(cause: Cause, one: _Draft, paid: Paid) -> tuple[Any, ...]:
    p = _payable(one)
    return (
        one.id, one.number, p.company, one.of.id, p.order, p.currency, paid.state, p.goods, p.shipping, p.tax, p.fee,
        p.fee_tax, one.sum.charged.flat, p.clawback, p.clawback_tax, p.adjustment, one.reason, one.total,
        one.limit.most, one.outcome, paid.applied, paid.bonus,
        wire.dump(one.sum.reasons), wire.dump([step._asdict() for step in one.steps]), one.version,
        cause.actor.name, one.at, "", None if one.waits else one.at,
    )  # fmt: skip


def count(sums_: Iterable[refunding.Sum]) -> None:
    """What is refunded of order lines, in units and amounts. 1 statement."""
    rows: dict[UUID, list[Any]] = {}
    for one in sums_:
        for part in one.parts:
            sums = rows.setdefault(part.line, [part.line, 0, 0, 0, 0])
            for place, amount in enumerate((part.units, part.goods, part.tax, part.shipping), 1):
                sums[place] += amount
    count_refunded(list(rows.values()))


def _item(one: _Draft) -> OpenItem:
    return OpenItem(
        company=one.of.company, type="refund to approve", subject_kind="refund", subject=one.id,
        reason=above(one.number, one.of, one.limit), role="controller", priority=60,
        facts={"return": one.of.id, "total_minor": one.total, "currency": one.of.currency}, occurred_at=one.at,
        value_minor=one.total,
    )  # fmt: skip


def above(number: str, of: Return, limit: Limit) -> Said:
    """Why a refund waits for another person."""
    if not limit.before:
        return Said("Refund {0} for return {1} is above the limit.", number, of.number)
    before, most = (money.told(minor or 0, of.currency) for minor in (limit.before, limit.most))
    return Said(
        "Refund {0} for return {1}: with the {2} refunded before, it is above {3}.",
        number,
        of.number,
        before,
        most,
    )


REFUND = (
    "id", "number", "company_id", "return_id", "order_id", "currency", "state", "goods_minor", "shipping_minor",
    "tax_minor", "fee_minor", "fee_tax_minor", "flat_fee_minor", "clawback_minor", "clawback_tax_minor",
    "adjustment_minor", "adjustment_reason", "total_minor", "approve_above_minor", "outcome", "applied_minor",
    "bonus_minor", "reasons", "steps", "policy_version",
    "requested_by", "requested_at", "decided_by", "decided_at",
)  # fmt: skip
REFUND_LINE = (
    "refund_id",
    "return_line_id",
    "units",
    "goods_minor",
    "tax_minor",
    "shipping_minor",
    "fee_minor",
)
