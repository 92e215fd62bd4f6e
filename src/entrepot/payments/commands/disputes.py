"""Chargebacks: a customer's bank takes money back, and decides whether it stays there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments import errors
from entrepot.payments.commands import take
from entrepot.payments.states import DISPUTE
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """A chargeback of a payment, under the provider's own name for it, once for ever."""

    payment: UUID
    external_id: str
    amount_minor: int
    reason: str = ""
    evidence_due_at: datetime | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """The dispute; `fresh` is False where it was known."""

    dispute: UUID
    fresh: bool


class _Draft(NamedTuple):
    id: UUID
    payment: take.Payment
    request: OpenDispute
    at: datetime
    beyond: int


@command("payments.open_disputes")
def open_disputes(cause: Cause, /, *, requests: Sequence[OpenDispute]) -> list[DisputeOpened | Refused]:
    """Chargebacks booked, each with a work item for the controller; what they take can't be refunded as well.

    The bank is not refused: where it takes what was refunded already, the item says so and is urgent.
    Locks: the provider's names, then the payments in id order. Refuses: NotFound; NotAPayment (more than was captured
    and is not disputed); KnownOtherwise (the name stands for another payment or amount).
    Again: by key, and by the provider's own name. 11 statements.
    """
    names = [one.external_id for one in requests]
    sql.run(_LOCK_NAMES, {"names": names})
    payments = take.lock([one.payment for one in requests])
    known = _known(names)
    answers: list[DisputeOpened | Refused] = []
    drafts: list[_Draft] = []
    for request in requests:
        payment = payments.get(request.payment)
        if payment is None:
            answers.append(NotFound(what="payment", which=str(request.payment)))
            continue
        name = (payment.company, payment.provider, request.external_id)
        if name in known:
            answers.append(_again(known[name], request))
            continue
        left = payment.captured - payment.disputed
        if not 0 < request.amount_minor <= left:
            refused = errors.NotAPayment(field="amount", expected=f"1 to {left}", found=request.amount_minor)
            answers.append(refused)
            continue
        beyond = max(0, request.amount_minor - payment.refundable)
        payment.disputed += request.amount_minor
        draft = _Draft(ids.uuid7(), payment, request, request.occurred_at or cause.at, beyond)
        known[name] = _Known(draft.id, payment.id, request.amount_minor)
        drafts.append(draft)
        answers.append(DisputeOpened(draft.id, fresh=True))
    if drafts:
        _write(cause, drafts)
    return answers


class _Known(NamedTuple):
    id: UUID
    payment: UUID
    amount: int


def _known(names: Sequence[str]) -> dict[tuple[int, str, str], _Known]:
    return {row[:3]: _Known(*row[3:]) for row in sql.run(_KNOWN, {"names": names})}  # type: ignore[misc]


def _again(known: _Known, request: OpenDispute) -> DisputeOpened | Refused:
    """A report that repeats itself changes nothing; one that contradicts itself is a mistake, of whoever sends it."""
    facts = (("payment", known.payment, request.payment), ("amount", known.amount, request.amount_minor))
    for field, expected, found in facts:
        if expected != found:
            wrong = {"field": field, "expected": str(expected), "found": str(found)}
            return errors.KnownOtherwise(external_id=request.external_id, **wrong)
    return DisputeOpened(known.id, fresh=False)


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    sql.write("payments_dispute", _DISPUTE, [
        (
            one.id, one.payment.company, one.payment.id, one.payment.provider, one.request.external_id,
            one.request.amount_minor, "open", one.request.reason, one.at,
        )
        for one in drafts
    ])  # fmt: skip
    _store({one.payment.id: one.payment for one in drafts})
    whole(post(cause, requests=[_posting(one.payment, "payment.disputed", one.request.amount_minor, one.at)
                                for one in drafts]))  # fmt: skip
    announce(cause, [
        Event("payment", one.payment.id, one.payment.company, "", one.payment.state, one.at,
              {"dispute": one.id, "minor": -one.request.amount_minor}, one.request.reason)
        for one in drafts
    ])  # fmt: skip
    open_items(cause, requests=[_item(one) for one in drafts])


def _item(one: _Draft) -> OpenItem:
    told = partial(money.told, currency=one.payment.currency)
    reason = f"The bank disputes {told(one.request.amount_minor)}: {one.request.reason or 'no reason given'}."
    if one.beyond:
        reason += f" {told(one.beyond)} of them were refunded already: answer with the proof of the refund."
    due = one.request.evidence_due_at
    # The item counts its hours from when the bank disputed, and must be done before the bank stops to listen.
    hours = max(0, int((due - one.at).total_seconds() // 3600)) if due else None
    return OpenItem(
        company=one.payment.company, type="disputed after refund" if one.beyond else "dispute", subject_kind="dispute",
        subject=one.id, reason=reason, role="controller", priority=95 if one.beyond else 80,
        due_in_hours=hours, occurred_at=one.at,
        facts={"payment": one.payment.id, "order": one.payment.order, "amount_minor": one.request.amount_minor},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CloseDispute:
    """The bank has decided: won is money that comes back, lost is money that is gone."""

    dispute: UUID
    won: bool
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeClosed:
    dispute: UUID
    state: str


class _Found(NamedTuple):
    id: UUID
    payment: UUID
    amount: int
    state: str


@command("payments.close_disputes")
def close_disputes(cause: Cause, /, *, requests: Sequence[CloseDispute]) -> list[DisputeClosed | Refused]:
    """Disputes won or lost, booked, and their work items closed.

    Locks: the payments, then the disputes, in id order. Refuses: NotFound; WrongState (decided otherwise).
    Again: by key, and by the same decision. 12 statements.
    """
    wanted = {"disputes": [one.dispute for one in requests]}
    payments = take.lock([row[0] for row in sql.run(_PAYMENTS_OF, wanted)])
    found = {row[0]: _Found(*row) for row in sql.run(_LOCK, wanted)}
    answers: list[DisputeClosed | Refused] = []
    closed: dict[UUID, tuple[_Found, str, datetime]] = {}
    for request in requests:
        one = found.get(request.dispute)
        if one is None:
            answers.append(NotFound(what="dispute", which=str(request.dispute)))
            continue
        state = closed[one.id][1] if one.id in closed else one.state
        if state == ("won" if request.won else "lost"):
            answers.append(DisputeClosed(one.id, state))
            continue
        after = DISPUTE.step(state, "win" if request.won else "lose")
        if isinstance(after, Refused):
            answers.append(after)
            continue
        closed[one.id] = (one, after, request.occurred_at or cause.at)
        if after == "won":
            payments[one.payment].disputed -= one.amount
        answers.append(DisputeClosed(one.id, after))
    if closed:
        _write_closed(cause, closed, payments)
    return answers


def _write_closed(
    cause: Cause,
    closed: Mapping[UUID, tuple[_Found, str, datetime]],
    payments: Mapping[UUID, take.Payment],
) -> None:
    rows = [(one.id, after, at) for one, after, at in closed.values()]
    sql.run(_CLOSE, sql.columns(("ids", "states", "times"), rows))
    _store(payments)
    whole(post(cause, requests=[
        _posting(payments[one.payment], f"payment.dispute_{after}", one.amount, at)
        for one, after, at in closed.values()
    ]))  # fmt: skip
    announce(cause, [
        Event("payment", one.payment, payments[one.payment].company, "", payments[one.payment].state, at,
              {"dispute": one.id, "outcome": after})
        for one, after, at in closed.values()
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(payments[one.payment].company, kind, one.id, after, occurred_at=at)
        for one, after, at in closed.values()
        for kind in ("dispute", "disputed after refund")
    ])  # fmt: skip


def _posting(payment: take.Payment, event: str, amount: int, at: datetime) -> Posting:
    settled = (("settlement", amount),)
    return Posting(payment.company, event, "payment", payment.id, payment.currency, settled, at)


def _store(payments: Mapping[UUID, take.Payment]) -> None:
    rows = [(one.id, one.disputed) for one in payments.values()]
    sql.run(_STORE, sql.columns(("ids", "disputed"), rows))


_DISPUTE = (
    "id", "company_id", "payment_id", "provider", "external_id", "amount_minor", "state", "reason", "opened_at",
)  # fmt: skip

# The payments are no lock for a name that comes twice at once with different ones.
_LOCK_NAMES = """
SELECT pg_advisory_xact_lock(hashtextextended('payments.dispute ' || name, 0))
FROM (SELECT DISTINCT name FROM unnest(%(names)s::text[]) AS d(name) ORDER BY name) AS names
"""

_KNOWN = """
SELECT company_id::int, provider, external_id, id, payment_id, amount_minor FROM payments_dispute
WHERE external_id = ANY(%(names)s::text[])
"""

_STORE = """
UPDATE payments_payment AS p SET disputed_minor = d.disputed
FROM unnest(%(ids)s::uuid[], %(disputed)s::bigint[]) AS d(id, disputed) WHERE p.id = d.id
"""

_PAYMENTS_OF = "SELECT DISTINCT payment_id FROM payments_dispute WHERE id = ANY(%(disputes)s::uuid[])"

_LOCK = """
SELECT id, payment_id, amount_minor, state FROM payments_dispute WHERE id = ANY(%(disputes)s::uuid[])
ORDER BY id FOR UPDATE
"""

_CLOSE = """
UPDATE payments_dispute AS x SET state = d.state, closed_at = d.at
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(times)s::timestamptz[]) AS d(id, state, at) WHERE x.id = d.id
"""
