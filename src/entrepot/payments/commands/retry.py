"""Ask a provider again for what it refused: a refund that failed must be able to be paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.payments import errors
from entrepot.payments.commands import take
from entrepot.payments.commands.refund import too_much
from entrepot.payments.states import ATTEMPT
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt that failed, to be asked for again because what stood in its way is gone."""

    attempt: UUID
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Retried:
    """The new attempt; it serves the same document."""

    attempt: UUID


class _Failed(NamedTuple):
    payment: UUID
    kind: str
    amount: int
    state: str
    document: UUID | None


@command("payments.retry")
def retry(cause: Cause, /, *, requests: Sequence[Retry]) -> list[Retried | Refused]:
    """Ask again for attempts that failed, of the same payments; their work items are closed with the last of an order.

    Locks: the attempts, then their payments, in id order.
    Refuses: NotFound; WrongState (it did not fail, or was asked for again); NotAPayment (a hold); ExceedsCaptured,
    UnderDispute or ExceedsAuthorized, where the amount has gone elsewhere meanwhile. Again: by key. 11 statements.
    """
    found = {row[0]: _Failed(*row[1:]) for row in sql.run(_LOCK, {"ids": [one.attempt for one in requests]})}
    payments = take.lock({one.payment for one in found.values()})
    answers: list[Retried | Refused] = []
    attempts: list[take.Attempt] = []
    for request in requests:
        one = found.get(request.attempt)
        if one is None:
            answers.append(NotFound(what="payment attempt", which=str(request.attempt)))
            continue
        state = ATTEMPT.step(one.state, "retry")
        if isinstance(state, Refused):
            answers.append(state)
            continue
        payment = payments[one.payment]
        refused = _no_room(payment, one) or _no_hold(one)
        if refused:
            answers.append(refused)
            continue
        found[request.attempt] = one._replace(state=state)
        again = take.Attempt(
            payment, one.kind, one.amount, request.occurred_at or cause.at, one.document, request.attempt
        )
        if one.kind != "void":  # what is voided was given up when it was asked for
            payment.count(one.kind, one.amount)
        attempts.append(again)
        answers.append(Retried(again.id))
    if attempts:
        _write(cause, attempts)
    return answers


def _no_room(payment: take.Payment, failed: _Failed) -> Refused | None:
    """What failed was free again, so it may have been refunded or captured otherwise."""
    if failed.kind == "refund" and failed.amount > payment.refundable:
        return too_much(payment.order, [payment], failed.amount)
    if failed.kind == "capture" and failed.amount > payment.capturable:
        return errors.ExceedsAuthorized(
            payment=str(payment.id), wanted=money.told(failed.amount, payment.currency),
            left=money.told(payment.capturable, payment.currency),
        )  # fmt: skip
    return None


def _no_hold(failed: _Failed) -> Refused | None:
    """What could not be held was given otherwise since, or not at all."""
    if failed.kind != "hold":
        return None
    return errors.NotAPayment(field="attempt", expected="a capture, refund or void", found="a hold")


def _write(cause: Cause, attempts: Sequence[take.Attempt]) -> None:
    sql.run(_RETRIED, {"ids": [one.retry_of for one in attempts]})
    take.make(cause, attempts)
    announce(cause, [
        Event("payment", one.payment.id, one.payment.company, "", one.payment.state, one.occurred_at,
              {"retry": one.retry_of, "attempt": one.id, "kind": one.kind, "minor": one.amount})
        for one in attempts
    ])  # fmt: skip
    offer("refund", [(one.payment.order, 0, cause.at) for one in attempts if one.kind == "refund"])
    touched = {(one.payment.order, one.kind): one.payment.company for one in attempts}
    # An order's items of a type close together, so they stay while another attempt of it still waits for a person.
    waiting = set(sql.run(_STILL_FAILED, {"orders": [order for order, _ in touched]}))
    resolve_subjects(cause, requests=[
        ResolveSubject(company, f"payment {kind} failed", order, "asked again")
        for (order, kind), company in touched.items()
        if (order, kind) not in waiting
    ])  # fmt: skip


_LOCK = """
SELECT id, payment_id, kind, amount_minor, state, document_id FROM payments_attempt
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_RETRIED = "UPDATE payments_attempt SET state = 'retried' WHERE id = ANY(%(ids)s::uuid[])"

_STILL_FAILED = """
SELECT DISTINCT p.order_id, a.kind FROM payments_payment AS p JOIN payments_attempt AS a ON a.payment_id = p.id
WHERE p.order_id = ANY(%(orders)s::uuid[]) AND a.state = 'failed'
"""
