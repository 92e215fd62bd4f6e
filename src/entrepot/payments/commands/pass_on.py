"""Captured money that pays for another order from now on: that of what is exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments import rules
from entrepot.payments.commands import take


class PassOn(NamedTuple):
    """So much of what was captured for an order pays for another one. It is taken from the tenders that would be
    refunded last, those of the providers named `first` being refunded first: so it does not matter whether goods are
    exchanged before or after others are refunded."""

    order: UUID
    to_order: UUID
    amount: int
    at: datetime
    document: UUID
    first: tuple[str, ...] = ()


def pass_on(cause: Cause, wanted: Sequence[PassOn]) -> None:
    """Captured money under another order, posted, inside a command that has seen that so much may be refunded.

    A tender that goes in part becomes two with one reference, each with what was taken and given back of it: so what is
    refunded of the other order goes to where it came from, and never is more than was captured in all. No provider is
    asked. Locks: the orders' payments in id order. 8 statements.
    """
    payments = take.lock_of_orders({one.order for one in wanted})
    changed: dict[UUID, take.Payment] = {}
    attempts, fresh, postings = [], [], []
    for one in wanted:
        own = payments.get(one.order, [])
        refunded = rules.tender_order([payment.provider for payment in own], one.first)
        turns = [own[turn] for turn in reversed(refunded)]
        parts, rest = rules.over([payment.refundable for payment in turns], one.amount)
        assert not rest, f"{rest} more passed on than was captured"
        for payment, part in zip(turns, parts, strict=True):
            if not part:
                continue
            payment.captured -= part
            payment.authorized -= part
            payment.prepaid = min(payment.prepaid, payment.captured)
            payment.settle_state()
            changed[payment.id] = payment
            key = ids.uuid7()
            fresh.append((key, payment.id, one.to_order, part))
            for which, amount in ((payment.id, -part), (key, part)):
                attempts.append(_attempt(cause, payment, which, amount, one))
            payload = {"from_order": one.order, "to_order": one.to_order, "minor": part}
            announce(cause, [
                Event("payment", payment.id, payment.company, "", payment.state, one.at, payload),
                Event("payment", key, payment.company, "", "captured", one.at, payload),
            ])  # fmt: skip
            settled = (("settlement", part),)
            postings.append(Posting(
                payment.company, "payment.passed_on", "refund", one.document, payment.currency, settled, one.at,
            ))  # fmt: skip
    take.store(list(changed.values()))
    if fresh:
        sql.run(_PART, sql.columns(("ids", "payments", "orders", "minors"), fresh))
        sql.write("payments_attempt", _ATTEMPT, attempts)
        whole(post(cause, requests=postings))


def _attempt(
    cause: Cause, payment: take.Payment, which: UUID, amount: int, one: PassOn
) -> tuple[object, ...]:
    return (
        ids.uuid7(), payment.company, which, "moved", amount, "done", one.at, cause.at, cause.at, one.document,
    )  # fmt: skip


_ATTEMPT = (
    "id", "company_id", "payment_id", "kind", "amount_minor", "state", "occurred_at", "asked_at", "settled_at",
    "document_id",
)  # fmt: skip

_PART = """
INSERT INTO payments_payment (id, company_id, order_id, origin_id, provider, reference, currency, authorized_minor,
                              captured_minor, prepaid_minor, state, authorized_at, expires_at)
SELECT d.id, p.company_id, d.order_id, COALESCE(p.origin_id, p.order_id), p.provider, p.reference, p.currency, d.minor,
       d.minor, d.minor, 'captured', p.authorized_at, p.expires_at
FROM unnest(%(ids)s::uuid[], %(payments)s::uuid[], %(orders)s::uuid[], %(minors)s::bigint[])
     AS d(id, payment, order_id, minor)
JOIN payments_payment AS p ON p.id = d.payment
"""
