"""Take payments for orders that were placed without enough of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.orders import errors
from entrepot.orders.commands import progress
from entrepot.orders.commands.place import PaymentGiven, authorization
from entrepot.orders.commands.satisfy import ReleaseSatisfied, Satisfied, release_satisfied
from entrepot.orders.commands.watch_authorizations import end_told
from entrepot.payments.commands.authorize import Authorize, authorize


@dataclass(frozen=True, slots=True)
class TakePayment:
    """An authorization for a placed order, in the order's currency."""

    order: UUID
    payment: PaymentGiven
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentTaken:
    """The payment, the holds that it released, and the order's status now."""

    order: UUID
    payment: UUID
    released: tuple[UUID, ...]
    status: str


@command("orders.take_payment")
def take_payment(cause: Cause, /, *, requests: Sequence[TakePayment]) -> list[PaymentTaken | Refused]:
    """Payments beside those that came with the orders; holds that waited for them go, and work about authorizations
    that end.

    Locks: the orders in id order.
    Refuses: NotFound; WrongState (cancelled, closed); PaymentKnown; and as `payments.authorize`.
    Again: by key; and by the provider's reference. 3 statements; where payments are taken 2 for them, 7 more where
    somebody was told that an authorization ends, and those of `orders.release_satisfied`.
    """
    orders = {"orders": [one.order for one in requests]}
    progress.lock(orders["orders"])
    found = {row[0]: _Order(*row) for row in sql.run(_ORDERS, orders)}
    known = set(sql.run(_KNOWN, orders))

    answers: list[PaymentTaken | Refused] = []
    fine: list[tuple[int, Authorize]] = []  # with the place of the request
    for place, one in enumerate(requests):
        order = found.get(one.order)
        if order is None:
            answers.append(NotFound(what="order", which=str(one.order)))
            continue
        refusal = _refusal(one, order, known)
        if refusal is not None:
            answers.append(refusal)
            continue
        known.add((one.order, one.payment.provider, one.payment.reference))
        fine.append((place, authorization(order.company, order.id, order.currency, one.payment)))
        answers.append(PaymentTaken(one.order, order.id, (), order.status))

    asked = [request for _, request in fine]
    taken: dict[UUID, list[int]] = {}
    for (place, request), answer in zip(fine, authorize(cause, requests=asked), strict=True):
        if isinstance(answer, Refused):
            answers[place] = answer
            continue
        taken.setdefault(request.order, []).append(place)
        answers[place] = PaymentTaken(request.order, answer.payment, (), found[request.order].status)
        announce(cause, [_event(request, answer.payment)])

    if taken:
        end_told(cause, list(taken))
    again = [ReleaseSatisfied(order) for order in taken]
    for satisfied in release_satisfied(cause, requests=again) if again else ():
        assert isinstance(satisfied, Satisfied), satisfied
        if satisfied.holds:
            for place in taken[satisfied.order]:
                paid = answers[place]
                assert isinstance(paid, PaymentTaken)
                answers[place] = replace(paid, released=satisfied.holds, status=satisfied.status)
    return answers


class _Order(NamedTuple):
    id: UUID
    company: int
    currency: str
    commercial: str
    status: str


def _refusal(one: TakePayment, order: _Order, known: set[tuple[object, ...]]) -> Refused | None:
    if order.commercial in ("cancelled", "closed"):
        return WrongState(
            subject="order", found=order.commercial, event="take_payment", expected="placed or confirmed"
        )
    given = one.payment
    if (order.id, given.provider, given.reference) in known:
        return errors.PaymentKnown(reference=given.reference, provider=given.provider, order=str(one.order))
    return None


def _event(one: Authorize, payment: UUID) -> Event:
    payload = {"order": one.order, "minor": one.amount_minor}
    return Event("payment", payment, one.company, "", "authorized", one.authorized_at, payload)


_ORDERS = """
SELECT id, company_id::int, currency, commercial, status FROM orders_order WHERE id = ANY(%(orders)s::uuid[])
"""

_KNOWN = "SELECT order_id, provider, reference FROM payments_payment WHERE order_id = ANY(%(orders)s::uuid[])"
