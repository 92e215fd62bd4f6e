"""Take money that was authorized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.payments import errors, rules
from entrepot.payments.commands import take


@dataclass(frozen=True, slots=True)
class Capture:
    """An amount of an order to be taken from its payments, the oldest first, but those last whose authorization is
    over; with a `currency`, from those in it."""

    order: UUID
    amount_minor: int
    occurred_at: datetime | None = None
    currency: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """What was taken or asked for, and what no authorization covers."""

    captured_minor: int
    missing_minor: int


@command("payments.capture")
def capture(cause: Cause, /, *, requests: Sequence[Capture]) -> list[Captured | Refused]:
    """Take authorized money. A local provider settles and posts at once; a remote one is asked after the commit.

    What was captured ahead of the goods, as the money of an exchange, is used up first.
    Locks: the orders' payments in id order. Refuses: NotAPayment. Again: by key. 13 statements at most.
    """
    payments = take.lock_of_orders({request.order for request in requests})
    answers: list[Captured | Refused] = []
    attempts: list[take.Attempt] = []
    used: list[take.Payment] = []
    for r in requests:
        if r.amount_minor < 0:
            answers.append(
                errors.NotAPayment(
                    field="amount", expected="0 or more", found=money.told(r.amount_minor, r.currency)
                )
            )
            continue
        own = [one for one in payments.get(r.order, ()) if r.currency in ("", one.currency)]
        own.sort(key=lambda one: one.is_over(r.occurred_at or cause.at))
        due = _use_prepaid(own, r.amount_minor)
        if due != r.amount_minor:
            used += own
        made, left = take.spread(cause, "capture", own, due, r.occurred_at)
        attempts += made
        answers.append(Captured(r.amount_minor - left, left))
    take.make(cause, attempts)
    take.store(used)
    return answers


def _use_prepaid(payments: Sequence[take.Payment], amount: int) -> int:
    """What of an amount is still to be taken once all that was captured ahead is used up."""
    parts, rest = rules.over([one.prepaid for one in payments], amount)
    for one, part in zip(payments, parts, strict=True):
        one.prepaid -= part
    return rest


@dataclass(frozen=True, slots=True)
class Void:
    """What is authorized on an order and not captured is given up; with a `payment`, of that alone."""

    order: UUID
    payment: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Voided:
    released_minor: int


@command("payments.void")
def void(cause: Cause, /, *, requests: Sequence[Void]) -> list[Voided | Refused]:
    """Give up what is not captured. Locks: the orders' payments in id order. Again: releases nothing more.
    4 statements at most."""
    payments = take.lock_of_orders({request.order for request in requests})
    answers: list[Voided | Refused] = []
    attempts = []
    for r in requests:
        released = 0
        for payment in payments.get(r.order, ()):
            amount = payment.capturable
            if not amount or r.payment not in (None, payment.id):
                continue
            released += amount
            payment.authorized -= amount
            if not payment.captured and not payment.capturing:
                payment.state = "voided"
            attempts.append(take.Attempt(payment, "void", amount, cause.at))
            announce(
                cause,
                [Event("payment", payment.id, payment.company, "", payment.state, None, {"voided": amount})],
            )
        answers.append(Voided(released))
    take.make(cause, attempts)
    return answers
