"""What was agreed to be exchanged has come back: its money goes to the replacement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.kernel.policies import of_companies
from entrepot.orders.commands.place import Placed
from entrepot.orders.commands.satisfy import ReleaseSatisfied, release_satisfied
from entrepot.orders.rules import Frozen
from entrepot.returns import errors, exchanging
from entrepot.returns.commands.facts import Limit, given_alone
from entrepot.returns.commands.lock import Line, Return, in_force, lock_returns, store
from entrepot.returns.commands.pay import Paid, Payable, pay, refundable
from entrepot.returns.commands.refund import above
from entrepot.returns.commands.replace import Wanted, replace_goods
from entrepot.returns.exchanging import Replacement
from entrepot.returns.refunding import RefundPolicy
from entrepot.returns.states import EXCHANGE
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

TO_DECIDE = "exchange to decide"


@dataclass(frozen=True, slots=True)
class SettleExchange:
    """What an exchange is for may have come, by the refund that pays for it."""

    refund: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ExchangeSettled:
    """The refund's state; the order that replaces the goods, what of the refund pays for it, and what is given back in
    money. Where the replacement was cancelled, that is all."""

    refund: UUID
    state: str
    order: UUID
    applied_minor: int
    back_minor: int


class OpenExchange(NamedTuple):
    """An exchange with the refund that pays for it; so many units of its line `waiting` are exchanged and not
    settled."""

    refund: UUID
    return_id: UUID
    line: UUID
    number: str
    state: str
    quantity: int
    goods: Replacement
    send_at: str
    order: UUID | None
    total: int
    waiting: int
    amounts: tuple[int, ...]

    @property
    def agreed_back(self) -> int:
        """What the replacement cost less when it was agreed."""
        return max(0, self.total - self.goods.total)


class _Settling(NamedTuple):
    """An exchange that will be settled, with what its order still costs."""

    of: OpenExchange
    on: Return
    order: UUID
    at: datetime
    costs: int
    limit: Limit

    @property
    def applied(self) -> int:
        return min(self.of.total, self.costs)

    @property
    def back(self) -> int:
        return self.of.total - self.applied

    @property
    def is_refund(self) -> bool:
        """Nothing is left to be sent: it is a refund in money, and no exchange."""
        return not self.costs and self.of.total > 0

    @property
    def waits(self) -> bool:
        return self.is_refund and self.limit.exceeded(self.of.total)

    @property
    def is_more(self) -> bool:
        """Part of the replacement was cancelled since: more is given back than was agreed."""
        return not self.is_refund and self.back > self.of.agreed_back

    @property
    def is_too_much(self) -> bool:
        """What it leaves is more than one person may give back."""
        return self.is_more and self.limit.exceeded(self.back)


@command("returns.settle_exchanges")
def settle_exchanges(
    cause: Cause, /, *, requests: Sequence[SettleExchange]
) -> list[ExchangeSettled | Refused]:
    """Exchanges whose goods have come as far as their terms say: the refund is posted, its money is the replacement's,
    which is placed where it was not, and sent. What the replacement costs less is given back.

    Locks: the orders, then their payments, in id order.
    Refuses: NotFound; WrongState; returns.under_review; returns.fraud_confirmed; returns.not_due_yet;
    returns.not_that_much (money that went elsewhere; a work item says so); returns.too_much_back (above the limit, of
    a replacement that was cancelled in part; a work item says so); what `orders.place` refuses. Again: by
    key. 79 statements at most.
    """
    known = Known([one.refund for one in requests])
    left = refundable([one.order for one in known.returns.values()])
    answers: list[ExchangeSettled | Refused] = []
    due: dict[UUID, tuple[OpenExchange, Return, datetime]] = {}
    for request in requests:
        one = known.open.get(request.refund)
        refused = _refuse(one, known, request.refund in due, left)
        if refused or one is None:
            answers.append(refused or NotFound(what="exchange", which=str(request.refund)))
            continue
        known.settled[one.line] += one.quantity
        due[one.refund] = (one, known.returns[one.return_id], request.occurred_at or cause.at)
        answers.append(ExchangeSettled(one.refund, "", one.refund, 0, 0))
    settled = _settle(cause, due, known) if due else {}
    stuck = [one for one in answers if isinstance(one, errors.NotThatMuch)]
    if stuck:
        asked = [known.open[r.refund] for r, a in zip(requests, answers, strict=True) if a in stuck]
        _ask(cause, {one: _gone(one) for one in asked}, known)
    return [settled[one.refund] if isinstance(one, ExchangeSettled) else one for one in answers]


class Known:
    """Exchanges, and their returns and replacements under lock: nobody cancels what is paid for meanwhile. 6
    statements."""

    def __init__(self, refunds: Sequence[UUID]) -> None:
        params = {"refunds": list(refunds)}
        of = sql.run(_RETURNS_OF, params)
        self.returns = lock_returns({row[0] for row in of}, [row[1] for row in of if row[1]])
        self.open: dict[UUID, OpenExchange] = {}
        self.settled: dict[UUID, int] = defaultdict(int)  # units by line, as the batch is decided
        rows = sql.run(_OPEN, params)
        for (
            *head,
            sku,
            even,
            price,
            discount,
            shipping,
            tax,
            costs,
            send_at,
            order,
            total,
            waiting,
            amounts,
        ) in rows:
            goods = Replacement(sku, even, price, discount, shipping, tax, costs)
            self.open[head[0]] = OpenExchange(*head, goods, send_at, order, total, waiting, tuple(amounts))  # type: ignore[call-arg]

    def line(self, one: OpenExchange) -> Line:
        return self.returns[one.return_id].lines[one.line]


def _refuse(one: OpenExchange | None, known: Known, again: bool, left: Mapping[UUID, int]) -> Refused | None:  # noqa: FBT001
    if one is None:
        return None
    step = EXCHANGE.step("settled" if again else one.state, "settle")
    if isinstance(step, Refused):
        return step
    line, on = known.line(one), known.returns[one.return_id]
    if refused := on.held_back():
        return refused
    # What came was for the units first that something was given for already.
    units = line.refunded - one.waiting + known.settled[one.line] + one.quantity
    reached = exchanging.reached(line.units, one.send_at) - line.doubts - line.refused - line.repaired
    if reached < units:
        return errors.NotDueYet(number=one.number, units=units, milestone=one.send_at, reached=reached)
    if left.get(on.order, 0) < 0:
        # What is agreed is counted as spent: below zero, money that it counted on has gone elsewhere since.
        rest = money.told(max(0, one.total + left[on.order]), on.currency)
        return errors.NotThatMuch(
            number=on.number, what="money", wanted=money.told(one.total, on.currency), left=rest
        )
    return None


# ---- settle


def _settle(
    cause: Cause, due: Mapping[UUID, tuple[OpenExchange, Return, datetime]], known: Known
) -> dict[UUID, ExchangeSettled | Refused]:
    placed = replace_goods(cause, [
        Wanted(one.refund, one.number, on.order, one.quantity, one.goods, at)
        for one, on, at in due.values() if one.order is None
    ])  # fmt: skip
    refused = {key: answer for key, answer in placed.items() if isinstance(answer, Refused)}
    orders = {key: one.order for key, (one, _, _) in due.items() if one.order}
    orders |= {key: answer.order for key, answer in placed.items() if isinstance(answer, Placed)}
    costs = _costs(list(orders.values()))
    policies = in_force(cause, {on.company for _, on, _ in due.values()})
    alone = given_alone([on.id for _, on, _ in due.values()])
    settling: list[_Settling] = []
    stuck: dict[OpenExchange, Said] = {}
    for key, (one, on, at) in due.items():
        if key in orders:
            most = on.in_its(policies[on.company][1].approve_above_minor)
            # Exchanges that are decided later count with what they were agreed to give back.
            before = alone.get(on.id, 0) - one.agreed_back
            now = _Settling(one, on, orders[key], at, costs[orders[key]], Limit(most, before))
            if now.is_too_much:
                back = money.told(now.back, on.currency)
                refused[key] = errors.TooMuchBack(number=one.number, back=back)
                stuck[one] = _too_much(one, back)
                alone[on.id] = before + one.agreed_back
                continue
            settling.append(now)
            alone[on.id] = before + (0 if now.waits else now.back)
    _ask(cause, stuck, known)
    return refused | _write(cause, settling, known)


def _costs(orders: Sequence[UUID]) -> dict[UUID, int]:
    """What of orders nobody has paid for yet: of what is not cancelled, less their tenders. 2 statements."""
    found = dict.fromkeys(orders, 0)
    for order, quantity, gone, *amounts in sql.run(_LINES, {"orders": list(orders)}):
        found[order] += Frozen(*amounts).of_units(quantity, 0, quantity - gone).total
    for order, paid in sql.run(_PAID, {"orders": list(orders)}):
        found[order] = max(0, found[order] - paid)
    return found


def _write(
    cause: Cause, settling: Sequence[_Settling], known: Known
) -> dict[UUID, ExchangeSettled | Refused]:
    if not settling:
        return {}
    companies = {one.on.company for one in settling}
    refunds = of_companies(companies, RefundPolicy, cause.at)
    paid = {one.of.refund: Paid("waiting") for one in settling}
    paid |= pay(cause, [_payable(one) for one in settling if not one.waits], refunds)
    rows = [
        (
            one.of.refund,
            paid[one.of.refund].state,
            paid[one.of.refund].applied,
            one.is_refund,
            one.is_refund or one.is_more,
            one.limit.most,
            one.order,
            one.at,
        )
        for one in settling
    ]
    columns = ("ids", "states", "applied", "money", "more", "limits", "orders", "times")
    sql.run(_SETTLE, sql.columns(columns, rows))
    announce(cause, [
        Event("refund", one.of.refund, one.on.company, "agreed", paid[one.of.refund].state, one.at,
              {"order": one.order, "applied_minor": one.applied if not one.is_refund else 0, "back_minor": one.back})
        for one in settling
    ])  # fmt: skip
    for one in settling:
        one.on.open_refunds -= paid[one.of.refund].state == "paid"
        if one.is_refund:
            known.line(one.of).exchanged -= one.of.quantity
    store(cause, {one.on.id: one.on for one in settling}.values(), {one.on.id: one.at for one in settling})
    decided(cause, known, [(one.of, "it was settled") for one in settling])
    items = [_item(one) for one in settling if one.waits]
    if items:
        open_items(cause, requests=items)
    # Where nothing is left of the old order, the rest of its shipping may be due.
    offer("refund", [(one.on.order, 0, one.at) for one in settling])
    release_satisfied(cause, requests=[ReleaseSatisfied(one.order) for one in settling if not one.is_refund])
    return {
        one.of.refund: ExchangeSettled(
            one.of.refund, paid[one.of.refund].state, one.order, one.applied, one.back
        )
        for one in settling
    }


def _payable(one: _Settling) -> Payable:
    goods, shipping, tax, fee, fee_tax, clawback, clawback_tax, adjustment = one.of.amounts
    return Payable(
        one.of.refund, one.on.company, one.on.order, one.on.currency, goods, shipping, tax, fee, fee_tax, clawback,
        clawback_tax, adjustment, one.of.total, one.at, "money" if one.is_refund else "exchange",
        replacement=None if one.is_refund else one.order, costs=one.costs,
        even=one.of.goods.even and not one.is_refund, abroad=one.on.currency != one.on.home,
    )  # fmt: skip


def _item(one: _Settling) -> OpenItem:
    return OpenItem(
        company=one.on.company, type="refund to approve", subject_kind="refund", subject=one.of.refund,
        reason=above(one.of.number, one.on, one.limit) if one.limit.before else Said(
            "Refund {0} for return {1} is above the limit: its replacement was cancelled.",
            one.of.number, one.on.number,
        ),
        role="controller", priority=60, occurred_at=one.at, value_minor=one.of.total,
        facts={"return": one.on.id, "total_minor": one.of.total, "currency": one.on.currency},
    )  # fmt: skip


def _gone(one: OpenExchange) -> Said:
    return Said("Exchange {0}: what paid for the goods was given back elsewhere since.", one.number)


def _too_much(one: OpenExchange, back: str) -> Said:
    return Said(
        "Exchange {0}: part of its replacement was cancelled, and {1} would go back, which is above the limit."
        " Give it up, and refund the goods.",
        one.number,
        back,
    )


def _ask(cause: Cause, stuck: Mapping[OpenExchange, Said], known: Known) -> None:
    """Somebody has to look: the goods are back, and the money for their replacement is gone, or too much of it is left.
    No statement where nothing is stuck."""
    if not stuck:
        return
    open_items(cause, requests=[
        OpenItem(
            company=known.returns[one.return_id].company, type=TO_DECIDE, subject_kind="return",
            subject=one.return_id, role="controller",
            reason=reason,
            priority=70, facts={"refund": one.refund, "order": one.order}, dedupe=str(one.refund),
        )
        for one, reason in stuck.items()
    ])  # fmt: skip


def decided(cause: Cause, known: Known, ended: Iterable[tuple[OpenExchange, str]]) -> None:
    """Nobody has to look at exchanges any more that ended so. 3 statements at most."""
    asked: dict[tuple[UUID, str], set[str]] = defaultdict(set)
    for one, how in ended:
        asked[one.return_id, how].add(str(one.refund))
    resolve_subjects(cause, requests=[
        ResolveSubject(known.returns[which].company, TO_DECIDE, which, how, dedupes=refunds)
        for (which, how), refunds in asked.items()
    ])  # fmt: skip


_RETURNS_OF = (
    "SELECT return_id, replacement_id FROM returns_exchange WHERE refund_id = ANY(%(refunds)s::uuid[])"
)

_OPEN = """
SELECT x.refund_id, x.return_id, x.return_line_id, f.number, x.state, x.quantity, x.sku_code, x.even, x.unit_price,
       x.discount_minor, x.shipping_minor, x.tax_minor, x.total_minor, x.send_at, x.replacement_id, f.total_minor,
       (SELECT sum(w.quantity)::int FROM returns_exchange AS w
        WHERE w.return_line_id = x.return_line_id AND w.state = 'agreed'),
       ARRAY[f.goods_minor, f.shipping_minor, f.tax_minor, f.fee_minor, f.fee_tax_minor, f.clawback_minor,
             f.clawback_tax_minor, f.adjustment_minor]
FROM returns_exchange AS x JOIN returns_refund AS f ON f.id = x.refund_id
WHERE x.refund_id = ANY(%(refunds)s::uuid[])
"""

_LINES = """
SELECT order_id, quantity, cancelled, gross_minor, discount_minor, shipping_minor, tax_minor
FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[])
"""

_PAID = """
SELECT order_id, sum(authorized_minor - refunded_minor)::bigint FROM payments_payment
WHERE order_id = ANY(%(orders)s::uuid[]) AND state NOT IN ('voided', 'failed') GROUP BY order_id
"""

# Both at once: what they give back is held to the limit of their returns by triggers, which see no half of it.
_SETTLE = """
WITH d AS (SELECT * FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(applied)s::bigint[], %(money)s::bool[],
                                %(more)s::bool[], %(limits)s::bigint[], %(orders)s::uuid[], %(times)s::timestamptz[])
           AS d(id, state, applied, money, more, most, replacement, at)),
settled AS (
    UPDATE returns_exchange AS x SET state = 'settled', replacement_id = d.replacement, settled_at = d.at
    FROM d WHERE x.refund_id = d.id
)
UPDATE returns_refund AS f SET state = d.state, applied_minor = d.applied,
       outcome = CASE WHEN d.money THEN 'money' ELSE f.outcome END,
       approve_above_minor = CASE WHEN d.more THEN d.most ELSE f.approve_above_minor END
FROM d WHERE f.id = d.id
"""
