"""Refunds that are decided: posted, and asked of the payments of their orders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments import queries as payments
from entrepot.payments.commands import take
from entrepot.payments.commands.refund import Refund, refund
from entrepot.returns import rules
from entrepot.returns.refunding import RefundPolicy


class Payable(NamedTuple):
    """A decided refund with its parts; `fee` and `clawback` are kept, each with the tax in it."""

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


def refundable(orders: Collection[UUID]) -> dict[UUID, int]:
    """What may still be refunded of orders: captured, less refunds paid, asked for and waiting for approval.

    The payments are locked, so that it stays true. 2 statements.
    """
    found = {
        order: sum(payment.refundable for payment in own)
        for order, own in take.lock_of_orders(orders).items()
    }
    for order, waiting in sql.run(_WAITING, {"orders": list(orders)}):
        found[order] = found.get(order, 0) - waiting
    return found


def pay(
    cause: Cause, refunds: Sequence[Payable], policies: Mapping[int, tuple[int, RefundPolicy]]
) -> dict[UUID, str]:
    """Post refunds and ask their payments for the money, in the order of tenders that each company's policy says; the
    state of each afterwards.

    The caller has locked the orders and seen that the money is there. 17 statements at most.
    """
    if not refunds:
        return {}
    whole(post(cause, requests=[
        Posting(one.company, "return", "refund", one.id, one.currency, _amounts(one), one.at) for one in refunds
    ]))  # fmt: skip
    asked = [one for one in refunds if one.total]
    whole(refund(cause, requests=[
        Refund(one.order, one.total, one.at, one.id, policies[one.company][1].tender_order) for one in asked
    ]))  # fmt: skip
    states = payments.refund_states([one.id for one in asked])
    return {
        one.id: rules.paid_state(one.total, *states[one.id][:2]) if one.total else "paid" for one in refunds
    }


def _amounts(one: Payable) -> list[tuple[str, int]]:
    amounts = (
        ("return.goods", one.goods), ("return.shipping", one.shipping), ("return.tax", one.tax),
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
WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'waiting' GROUP BY order_id
"""

_COUNT = """
UPDATE returns_sold AS s SET refunded = s.refunded + d.units, goods_minor = s.goods_minor + d.goods,
       tax_minor = s.tax_minor + d.tax, shipping_minor = s.shipping_minor + d.shipping
FROM unnest(%(lines)s::uuid[], %(units)s::int[], %(goods)s::bigint[], %(tax)s::bigint[], %(shipping)s::bigint[])
     AS d(line, units, goods, tax, shipping)
WHERE s.line_id = d.line
"""
