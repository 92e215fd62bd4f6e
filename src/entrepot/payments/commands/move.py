"""Authorizations that go with what they pay for to another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.events import Event
from entrepot.payments.commands import take


class MovePayment(NamedTuple):
    """So much of what is authorized and not taken in a currency goes to another order; without an amount, all of it in
    every currency."""

    order: UUID
    to_order: UUID
    minor: int | None = None
    currency: str = ""


def move(cause: Cause, requests: Sequence[MovePayment], payments: dict[UUID, list[take.Payment]]) -> None:
    """Authorizations under another order, inside a command that has locked the payments (`take.lock_of_orders`).

    A tender that goes in part becomes two with one reference: the provider is asked to take parts of it, as it is for
    an order that ships in parts, and each remembers what was taken and given back of it. The latest goes first, since
    the oldest is captured first. 2 statements for parts, 1 for whole ones.
    """
    whole, fresh, less = [], [], []
    for one in requests:
        left = one.minor
        for payment in reversed(payments.get(one.order, [])):
            if one.currency not in ("", payment.currency):
                continue
            units = payment.capturable if left is None else min(left, payment.capturable)
            if not units:
                continue
            left = None if left is None else left - units
            if units == payment.authorized and payment.state != "captured":  # not one that was all passed on
                whole.append((payment.id, one.to_order))
                announce(cause, [_event(payment.id, payment, one, units)])
                continue
            payment.authorized -= units
            part = ids.uuid7()
            less.append(payment)
            fresh.append((part, payment.id, one.to_order, units))
            announce(cause, [_event(payment.id, payment, one, units), _event(part, payment, one, units)])
    take.store(less)
    if fresh:
        sql.run(_PART, sql.columns(("ids", "payments", "orders", "minors"), fresh))
    if whole:
        sql.run(_WHOLE, sql.columns(("payments", "orders"), whole))


def _event(which: UUID, payment: take.Payment, one: MovePayment, minor: int) -> Event:
    state = payment.state if which == payment.id else "authorized"
    payload = {"from_order": one.order, "to_order": one.to_order, "minor": minor}
    return Event("payment", which, payment.company, "", state, None, payload)


_PART = """
INSERT INTO payments_payment (id, company_id, order_id, provider, reference, currency, authorized_minor, state,
                              authorized_at, expires_at)
SELECT d.id, p.company_id, d.order_id, p.provider, p.reference, p.currency, d.minor, 'authorized', p.authorized_at,
       p.expires_at
FROM unnest(%(ids)s::uuid[], %(payments)s::uuid[], %(orders)s::uuid[], %(minors)s::bigint[])
     AS d(id, payment, order_id, minor)
JOIN payments_payment AS p ON p.id = d.payment
"""

_WHOLE = """
UPDATE payments_payment AS p SET order_id = d.order_id
FROM unnest(%(payments)s::uuid[], %(orders)s::uuid[]) AS d(id, order_id) WHERE p.id = d.id
"""
