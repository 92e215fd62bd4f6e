"""Give money back, never more than was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.payments import errors, rules
from entrepot.payments.commands import take


@dataclass(frozen=True, slots=True)
class Refund:
    """An amount of an order to be given back over its payments: those of the providers named `first`, in that order,
    then the others, the latest first. `document` is what it is for. What is `unused` was paid for goods that will not
    leave: nothing of it pays for others."""

    order: UUID
    amount_minor: int
    occurred_at: datetime | None = None
    document: UUID | None = None
    first: tuple[str, ...] = ()
    unused: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Refunded:
    refunded_minor: int


@command("payments.refund")
def refund(cause: Cause, /, *, requests: Sequence[Refund]) -> list[Refunded | Refused]:
    """Give money back. A local provider settles and posts at once; a remote one is asked after the commit.

    Locks: the orders' payments in id order: so refunds at the same time see each other.
    Refuses: NotAPayment; ExceedsCaptured; UnderDispute (there would be enough, but a bank disputes it). Again: by key.
    8 statements at most.
    """
    payments = take.lock_of_orders({request.order for request in requests})
    answers: list[Refunded | Refused] = []
    attempts: list[take.Attempt] = []
    for r in requests:
        own = payments.get(r.order, [])
        left = sum(payment.refundable for payment in own)
        if r.amount_minor <= 0:
            answers.append(
                errors.NotAPayment(field="amount", expected="above 0", found=_told(r.amount_minor, own))
            )
            continue
        if r.amount_minor > left:
            answers.append(too_much(r.order, own, r.amount_minor))
            continue
        turns = rules.tender_order([one.provider for one in own], r.first)
        made, _ = take.spread(
            cause, "refund", [own[turn] for turn in turns], r.amount_minor, r.occurred_at, r.document
        )
        for one in made if r.unused else ():
            one.payment.prepaid -= min(one.payment.prepaid, one.amount)
        attempts += made
        answers.append(Refunded(r.amount_minor))
    take.make(cause, attempts)
    return answers


def too_much(order: UUID, payments: Sequence[take.Payment], wanted: int) -> Refused:
    """Why so much can't be given back: there never was as much, or a bank takes it."""
    left = sum(payment.refundable for payment in payments)
    disputed = sum(payment.disputed for payment in payments)
    if rules.blocked(
        sum(one.captured for one in payments), sum(one.given_back for one in payments), disputed, wanted
    ):
        return errors.UnderDispute(
            order=str(order), wanted=_told(wanted, payments), disputed=_told(disputed, payments),
            left=_told(left, payments),
        )  # fmt: skip
    return errors.ExceedsCaptured(
        order=str(order), wanted=_told(wanted, payments), left=_told(left, payments)
    )


def _told(minor: int, payments: Sequence[take.Payment]) -> str:
    """An amount in the currency of an order's payments; an order that has none has no currency here either."""
    return money.told(minor, payments[0].currency) if payments else money.text(minor, "")
