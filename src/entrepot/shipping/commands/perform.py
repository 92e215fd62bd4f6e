"""Perform what is sold and not shipped: charges, allowances, services.

Their revenue is due when the first goods of the order leave, or at once where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, whole
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.ledger.commands.post import Posting, post
from entrepot.orders import queries as orders
from entrepot.orders.commands.progress import Progress, progress
from entrepot.payments.commands.capture import Capture, Captured, capture
from entrepot.shipping import errors, rules
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class PerformServices:
    """The lines of an order that are no goods."""

    order: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ServicesPerformed:
    order: UUID
    amount_minor: int


class _Order(NamedTuple):
    id: UUID
    number: str
    held_by: str


@command("shipping.perform")
def perform(cause: Cause, /, *, requests: Sequence[PerformServices]) -> list[ServicesPerformed | Refused]:
    """The services of orders without goods to send, delivered: their revenue posted by kind, their payment captured.

    Locks: the orders in id order, the payments, the balances.
    Refuses: NotFound; shipping.on_hold; shipping.nothing_to_perform; shipping.goods_first.
    Again: by key; without one nothing is left to perform. About 14 statements.
    """
    wanted = [one.order for one in requests]
    found = {row[0]: _Order(*row) for row in sql.run(_LOCK, {"ids": wanted})}
    held = [one.id for one in found.values() if one.held_by]
    blocked = orders.blocked(held, "ship") if held else set()
    goods = {order: (units, gone) for order, units, gone in sql.run(_GOODS, {"ids": wanted})}
    waiting = orders.services(wanted)

    answers: list[ServicesPerformed | Refused] = []
    due: dict[UUID, datetime] = {}
    for request in requests:
        order = found.get(request.order)
        units, gone = goods.get(request.order, (0, 0))
        if order is None:
            answers.append(NotFound(what="order", which=str(request.order)))
        elif order.id in blocked:
            answers.append(errors.OnHold(order=order.number, hold=order.held_by))
        elif order.id not in waiting or order.id in due:
            answers.append(errors.NothingToPerform(order=order.number))
        elif not rules.may_perform(units, gone):
            answers.append(errors.GoodsFirst(order=order.number, units=units))
        else:
            due[order.id] = request.occurred_at or cause.at
            answers.append(ServicesPerformed(order.id, 0))

    services = performed({order: waiting[order] for order in due}, due)
    if due:
        whole(post(cause, requests=services.postings))
        capture_all(cause, services.owed, services.currencies, due)
        progress(cause, requests=services.steps, times=due)
        ready.drop("perform", list(due))
    return [
        answer
        if isinstance(answer, Refused)
        else ServicesPerformed(answer.order, services.owed[answer.order])
        for answer in answers
    ]


@dataclass(slots=True)
class Performed:
    """What performing services posts, moves on, and makes due by order."""

    postings: list[Posting] = field(default_factory=list)
    steps: list[Progress] = field(default_factory=list)
    owed: dict[UUID, int] = field(default_factory=dict)
    currencies: dict[UUID, str] = field(default_factory=dict)  # of what is owed


def performed(
    services: Mapping[UUID, Sequence[orders.LineMoney]], times: Mapping[UUID, datetime]
) -> Performed:
    """The effects of performing all services of these orders. They are delivered at once: nothing is on its way."""
    effects = Performed()
    for order, lines in services.items():
        parts = []
        for line in lines:
            units = line.quantity - line.gone - line.cancelled
            parts.append((line.kind, line.of_next(units)))
            effects.steps.append(Progress(line.line, order, "open", "delivered", units))
        effects.owed[order] = sum(frozen.total for _, frozen in parts)
        first, amounts = lines[0], rules.amounts_of_sale(parts)
        effects.currencies[order] = first.currency
        if amounts:
            effects.postings.append(
                Posting(first.company, "sale", "order", order, first.currency, amounts, times[order])
            )
    return effects


def capture_all(
    cause: Cause, owed: Mapping[UUID, int], currencies: Mapping[UUID, str], times: Mapping[UUID, datetime]
) -> None:
    """Take what is owed from the orders' payments in their currency; what no authorization covers is a work item. The
    goods have left, so nothing is refused."""
    requests = [
        Capture(order, amount, times[order], currencies[order])
        for order, amount in owed.items()
        if amount > 0
    ]
    if not requests:
        return
    missing = {
        request.order: answer.missing_minor
        for request, answer in zip(requests, capture(cause, requests=requests), strict=True)
        if isinstance(answer, Captured) and answer.missing_minor
    }
    if not missing:
        return
    unpaid = sql.run(_UNPAID, {"ids": list(missing)})
    if unpaid:
        open_items(
            cause,
            requests=[
                OpenItem(
                    company, "not paid", "order", order,
                    Said(
                        "{0} shipped on {1} are covered by no authorization",
                        money.told(missing[order], currency), number,
                    ),
                    "controller", {"amount_minor": missing[order]}, priority, due_in_hours=24, occurred_at=times[order],
                )
                for order, company, number, currency, priority in unpaid
            ],
        )  # fmt: skip


_LOCK = "SELECT id, number, held_by FROM orders_order WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE"

_GOODS = """
SELECT order_id, sum(quantity - cancelled)::int, sum(shipped + delivered)::int FROM orders_line
WHERE order_id = ANY(%(ids)s::uuid[]) AND kind = 'goods' GROUP BY order_id
"""

# Orders that no payment was given for are on account: what they owe stands in the contract liability.
_UNPAID = """
SELECT o.id, o.company_id::int, o.number, o.currency, o.priority::int FROM orders_order AS o
WHERE o.id = ANY(%(ids)s::uuid[]) AND EXISTS (SELECT FROM payments_payment AS p WHERE p.order_id = o.id)
"""
