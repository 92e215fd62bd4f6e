"""Refunds that are decided: posted, and asked of the payments of their orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments import queries as payments
from entrepot.payments.commands import take
from entrepot.payments.commands.pass_on import PassOn, pass_on
from entrepot.payments.commands.refund import Refund, refund
from entrepot.payments.commands.store_credit import GiveCredit, give_credit
from entrepot.returns import rules
from entrepot.returns.refunding import RefundPolicy


class Payable(NamedTuple):
    """A decided refund with its parts; `fee` and `clawback` are kept, each with the tax in it.

    As store credit it is the `customer`'s, raised by `percents` (worth, percent). For an exchange so much of it as the
    `replacement` still `costs` is passed on to that. As a `replacement` it is what paid for one of which units were
    cancelled, with the order of that.
    """

    id: UUID
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
    at: datetime
    outcome: str = "money"
    customer: UUID | None = None
    percents: tuple[tuple[int, int], ...] = ()
    replacement: UUID | None = None
    costs: int = 0
    even: bool = False
    abroad: bool = False
    """In another currency than the company's own."""


class Paid(NamedTuple):
    """What became of a refund: its state, how much of it is no money, and the bonus on top."""

    state: str
    applied: int = 0
    bonus: int = 0


def refundable(orders: Collection[UUID]) -> dict[UUID, int]:
    """What may still be refunded of orders: captured, less refunds paid, asked for and waiting for approval.

    The payments are locked, so that it stays true. What waits for an exchange is counted as spent. 2 statements.
    """
    found = {
        order: sum(payment.refundable for payment in own)
        for order, own in take.lock_of_orders(orders).items()
    }
    for order, waiting in sql.run(_WAITING, {"orders": list(orders)}):
        found[order] = found.get(order, 0) - waiting
    return found


def rates_as_sold(orders: Collection[UUID]) -> dict[UUID, Decimal]:
    """By order, what it was sold at: minor units of the company's currency for one of its own. 1 statement, where there
    are orders."""
    return dict(sql.run(_AS_SOLD, {"orders": list(orders)})) if orders else {}  # type: ignore[arg-type]


def pay(
    cause: Cause, refunds: Sequence[Payable], policies: Mapping[int, tuple[int, RefundPolicy]]
) -> dict[UUID, Paid]:
    """Post refunds, and give them as what they are: money of their payments, in the order of tenders that each
    company's policy says, store credit, or the payment of a replacement; what became of each. Goods, tax and fees are
    taken back at the rate at which they were sold, and what is paid is worth what it is today.

    The caller has locked the orders and seen that the money is there. 17 statements at most for money; 26 more
    for store credit, 8 for exchanges, 1 where some are in another currency.
    """
    if not refunds:
        return {}
    sold = rates_as_sold([one.order for one in refunds if one.abroad])
    whole(post(cause, requests=[
        Posting(one.company, *_event(one), one.at, as_sold=sold.get(one.order)) for one in refunds
    ]))  # fmt: skip
    first = {company: policy.tender_order for company, (_, policy) in policies.items()}
    applied = _as_credit(cause, refunds, first) | _as_replacements(cause, refunds, first)
    asked = [
        (one, minor)
        for one in refunds
        if one.outcome != "store_credit" and (minor := one.total - applied.get(one.id, (0, 0))[0])
    ]
    whole(refund(cause, requests=[
        Refund(one.order, minor, one.at, one.id, first[one.company], unused=one.outcome == "replacement")
        for one, minor in asked
    ]))  # fmt: skip
    states = payments.refund_states([one.id for one, _ in asked])
    found = {one.id: rules.paid_state(minor, *states[one.id][:2]) for one, minor in asked}
    return {one.id: Paid(found.get(one.id, "paid"), *applied.get(one.id, (0, 0))) for one in refunds}


def _as_credit(
    cause: Cause, refunds: Sequence[Payable], first: Mapping[int, tuple[str, ...]]
) -> dict[UUID, tuple[int, int]]:
    """Give what is store credit; by refund, what was given anew and the bonus."""
    wanted = [
        GiveCredit(
            one.company,
            one.order,
            one.customer,
            one.currency,
            one.total,
            one.percents,
            one.id,
            one.at,
            first[one.company],
        )
        for one in refunds
        if one.outcome == "store_credit" and one.total and one.customer
    ]
    given = give_credit(cause, wanted) if wanted else []
    return {one.document: (of.credited, of.bonus) for one, of in zip(wanted, given, strict=True)}


def _as_replacements(
    cause: Cause, refunds: Sequence[Payable], first: Mapping[int, tuple[str, ...]]
) -> dict[UUID, tuple[int, int]]:
    """Pay for replacements; by refund, with how much."""
    wanted = [
        PassOn(one.order, one.replacement, min(one.total, one.costs), one.at, one.id, first[one.company])
        for one in refunds
        if one.replacement and min(one.total, one.costs)
    ]
    if wanted:
        pass_on(cause, wanted)
    return {one.document: (one.amount, 0) for one in wanted}


def _event(one: Payable) -> tuple[str, str, UUID, str, list[tuple[str, int]]]:
    """What is posted of a refund. That of a cancelled replacement was posted as a return when it was paid for."""
    if one.outcome == "replacement":
        return "prepayment.returned", "refund", one.id, one.currency, [("settlement", one.total)]
    return "return", "refund", one.id, one.currency, _amounts(one)


def _amounts(one: Payable) -> list[tuple[str, int]]:
    amounts = (
        ("return.exchanged" if one.even else "return.goods", one.goods), ("return.shipping", one.shipping),
        ("return.tax", one.tax),
        ("return.fee", one.fee_tax - one.fee), ("return.fee_tax", -one.fee_tax),
        ("return.clawback", one.clawback_tax - one.clawback), ("return.clawback_tax", -one.clawback_tax),
        ("return.adjustment", one.adjustment),
    )  # fmt: skip
    return [(kind, amount) for kind, amount in amounts if amount]


def count_refunded(rows: Sequence[Sequence[Any]]) -> None:
    """Count (order line, units, goods, tax, shipping) as refunded; below zero where a refund was rejected.
    1 statement."""
    sql.run(_COUNT, sql.columns(("lines", "units", "goods", "tax", "shipping"), rows))


_WAITING = """
SELECT order_id, sum(total_minor)::bigint FROM returns_refund
WHERE order_id = ANY(%(orders)s::uuid[]) AND state IN ('waiting', 'agreed') GROUP BY order_id
"""

# By the entries of all that left of an order.
_AS_SOLD = """
SELECT s.order_id, sum(l.functional_minor)::numeric / sum(l.amount_minor)
FROM shipping_shipment AS s JOIN ledger_line AS l ON l.document_id = s.id AND l.event = 'sale' AND l.account = 2100
WHERE s.order_id = ANY(%(orders)s::uuid[]) GROUP BY s.order_id HAVING sum(l.amount_minor) <> 0
"""

_COUNT = """
UPDATE returns_sold AS s SET refunded = s.refunded + d.units, goods_minor = s.goods_minor + d.goods,
       tax_minor = s.tax_minor + d.tax, shipping_minor = s.shipping_minor + d.shipping
FROM unnest(%(lines)s::uuid[], %(units)s::int[], %(goods)s::bigint[], %(tax)s::bigint[], %(shipping)s::bigint[])
     AS d(line, units, goods, tax, shipping)
WHERE s.line_id = d.line
"""
