"""Record what a provider answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments.commands import take
from entrepot.payments.providers import HOLD_DAYS
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class Settle:
    """The provider's answer to an attempt, by webhook or by the relay: the first one counts, but for a refund that was
    done and has `bounced` since. A hold stands until `ends_at`, or as card schemes have it where the provider does not
    say."""

    attempt: UUID
    ok: bool
    provider_reference: str = ""
    error: str = ""
    ends_at: datetime | None = None
    bounced: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    attempt: UUID
    state: str


@command("payments.settle")
def settle(cause: Cause, /, *, requests: Sequence[Settle]) -> list[Settled | Refused]:
    """Settle attempts: what succeeded is posted, what failed opens a work item, but for a hold: whoever asked for
    it goes on without. Settled ones keep their first outcome; a refund that bounced is undone in the books, failed, and
    can be asked for again.

    Locks: attempts, then their payments, in id order. Refuses: NotFound. Again: the first outcome. 10 statements at
    most.
    """
    rows = sql.run(_LOCK, {"ids": [request.attempt for request in requests]})
    found = {row[0]: _Attempt(*row[1:]) for row in rows}
    payments = take.lock({one.payment for one in found.values()})
    answers: list[Settled | Refused] = []
    outcomes, posted, items, held, bounced = [], [], [], [], []
    for r in requests:
        one = found.get(r.attempt)
        if one is None:
            answers.append(NotFound(what="payment attempt", which=str(r.attempt)))
            continue
        payment = payments[one.payment]
        if r.bounced and not r.ok and (one.kind, one.state) == ("refund", "done"):
            one = found[r.attempt] = one._replace(state="failed")
            bounced.append((r.attempt, _bounce(cause, payment, one.amount, r)))
            items.append(_item(payment, one.kind, one.amount, r))
        elif one.state == "waiting":
            one = found[r.attempt] = one._replace(state="done" if r.ok else "failed")
            _apply(payment, one.kind, one.amount, ok=r.ok)
            outcomes.append((r.attempt, one.state, r.provider_reference, r.error, cause.at))
            if one.kind == "hold":
                held.append(_held(cause, payment, r))
            if r.ok:
                posted.append(take.Attempt(payment, one.kind, one.amount, one.at))
            elif one.kind != "hold":  # whoever asked for one goes on without it
                items.append(_item(payment, one.kind, one.amount, r))
            _tell(cause, payment, {one.kind: one.amount, "ok": r.ok})
        answers.append(Settled(r.attempt, "failed" if one.state == "retried" else one.state))
    if bounced:
        sql.run(_BOUNCED, {"ids": [which for which, _ in bounced], "at": cause.at})
        whole(post(cause, requests=[posting for _, posting in bounced]))
        take.store(list(payments.values()))
    if outcomes:
        sql.run(_SETTLE, sql.columns(("ids", "states", "references", "errors", "times"), outcomes))
        take.store(list(payments.values()))
        take.post_settled(cause, posted)
    if held:
        sql.run(_HELD, sql.columns(("ids", "references", "times", "ends"), held))
    if items:
        open_items(cause, requests=items)
    return answers


class _Attempt(NamedTuple):
    """What a provider was asked for."""

    payment: UUID
    kind: str
    amount: int
    state: str
    at: datetime


def _tell(cause: Cause, payment: take.Payment, facts: dict[str, Any], reason: str = "") -> None:
    """What is captured can be refunded, and whoever asked for a refund wants to know what became of it."""
    announce(cause, [Event("payment", payment.id, payment.company, "", payment.state, None, facts, reason)])
    offer("refund", [(payment.order, 0, cause.at)])


def _held(cause: Cause, payment: take.Payment, r: Settle) -> tuple[UUID, str, datetime, datetime]:
    """A hold as it is kept from now on: its reference, since when, and until when."""
    payment.reference = r.provider_reference or payment.reference
    ends = r.ends_at or cause.at + timedelta(days=HOLD_DAYS)
    return payment.id, payment.reference, cause.at, ends


def _bounce(cause: Cause, payment: take.Payment, amount: int, r: Settle) -> Posting:
    """A refund that came back: the customer does not have it, and it is owed again."""
    payment.refunded -= amount
    payment.settle_state()
    _tell(cause, payment, {"bounced": amount, "attempt": r.attempt}, r.error)
    amounts = (("settlement", amount),)
    return Posting(
        payment.company, "payment.refund_bounced", "payment", payment.id, payment.currency, amounts, cause.at
    )


def _apply(payment: take.Payment, kind: str, amount: int, *, ok: bool) -> None:
    if kind == "capture":
        payment.capturing -= amount
        payment.captured += amount if ok else 0
    elif kind == "refund":
        payment.refunding -= amount
        payment.refunded += amount if ok else 0
    elif kind == "hold":
        payment.state = "authorized" if ok else "failed"
    payment.settle_state()


def _item(payment: take.Payment, kind: str, amount: int, request: Settle) -> OpenItem:
    what = "{0} took back the {1}: {2}" if request.bounced else "{0} refused the {1}: {2}"
    return OpenItem(
        company=payment.company, type=f"payment {kind} failed",
        subject_kind="card_hold" if payment.is_hold else "order", subject=payment.order,
        reason=Said(what, payment.provider, kind, request.error or "no reason given"), role="controller",
        facts={"payment": payment.id, "amount_minor": amount}, priority=80, due_in_hours=8, dedupe=str(request.attempt),
    )  # fmt: skip


_LOCK = """
SELECT id, payment_id, kind, amount_minor, state, occurred_at FROM payments_attempt WHERE id = ANY(%(ids)s::uuid[])
ORDER BY id FOR UPDATE
"""

_HELD = """
UPDATE payments_payment AS p SET reference = d.reference, authorized_at = d.at, expires_at = d.ends
FROM unnest(%(ids)s::uuid[], %(references)s::text[], %(times)s::timestamptz[], %(ends)s::timestamptz[])
     AS d(id, reference, at, ends)
WHERE p.id = d.id
"""

_BOUNCED = """
UPDATE payments_attempt SET state = 'failed', bounced_at = %(at)s::timestamptz WHERE id = ANY(%(ids)s::uuid[])
"""

_SETTLE = """
UPDATE payments_attempt AS a SET state = d.state, provider_reference = d.reference, error = d.error, settled_at = d.at
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(references)s::text[], %(errors)s::text[], %(times)s::timestamptz[])
     AS d(id, state, reference, error, at)
WHERE a.id = d.id
"""
