"""Chargebacks: a customer's bank takes money back, and decides whether it stays there. Inquiries: it only asks yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments import errors, providers, rules
from entrepot.payments.commands import take
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """A chargeback of a payment, under the provider's own name for it, once for ever.

    An `inquiry` asks without taking anything. Whether the money is `withdrawn` yet may be told later; `fee_minor` is
    what the provider keeps for its trouble, of the amount's currency. What the payment alone can't bear is claimed of
    the `others` of its intent, in this order: first of what could still be refunded, then of what was given back.
    """

    payment: UUID
    external_id: str
    amount_minor: int
    reason: str = ""
    evidence_due_at: datetime | None = None
    occurred_at: datetime | None = None
    inquiry: bool = False
    withdrawn: bool = True
    fee_minor: int = 0
    others: tuple[UUID, ...] = ()
    key: str | None = None

    @property
    def takes(self) -> bool:
        return self.withdrawn and not self.inquiry


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """The dispute; `fresh` is False where it was known."""

    dispute: UUID
    fresh: bool


class _Draft(NamedTuple):
    """`amount` is what the books have of what is disputed, `parts` what of it is claimed of each payment."""

    id: UUID
    payment: take.Payment
    request: OpenDispute
    amount: int
    parts: Sequence[tuple[take.Payment, int]]
    at: datetime
    beyond: int


@command("payments.open_disputes")
def open_disputes(cause: Cause, /, *, requests: Sequence[OpenDispute]) -> list[DisputeOpened | Refused]:
    """Chargebacks booked, each with a work item for the controller; what they claim can't be refunded as well, but for
    an inquiry, which a refund may well end.

    The bank is not refused: where it takes what was refunded already, the item says so and is urgent.
    Locks: the provider's names, then the payments in id order. Refuses: NotFound; NotAPayment (more than was captured
    and is not disputed, or a fee below 0); KnownOtherwise (the name stands for another payment or amount).
    Again: by key, and by the provider's own name. 11 statements; 1 more where a provider takes a currency in steps.
    """
    names = [one.external_id for one in requests]
    sql.run(_LOCK_NAMES, {"names": names})
    payments = take.lock({which for one in requests for which in (one.payment, *one.others)})
    rounded = take.rounded_up(payments.values())
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
            step = providers.step_of(payment.provider, payment.currency)
            within = max(step - 1, rounded.get(payment.id, 0))
            answers.append(_again(known[name], request, payment.currency, within))
            continue
        bearing = [payment, *(payments[one] for one in request.others)]
        free = [one.captured - one.disputed for one in bearing]
        left = sum(free)
        amount = rules.in_books(request.amount_minor, left, rounded.get(payment.id, 0))
        refused = _misfit(request, amount, left, payment.currency)
        if refused:
            answers.append(refused)
            continue
        borne = rules.borne(free, [one.refundable for one in bearing], amount)
        parts = [(one, part) for one, part in zip(bearing, borne, strict=True) if part]
        beyond = sum(max(0, part - one.refundable) for one, part in parts)
        for one, part in () if request.inquiry else parts:
            one.disputed += part
        draft = _Draft(ids.uuid7(), payment, request, amount, parts, request.occurred_at or cause.at, beyond)
        known[name] = _Known(draft.id, payment.id, request.amount_minor)
        drafts.append(draft)
        answers.append(DisputeOpened(draft.id, fresh=True))
    if drafts:
        _write(cause, drafts)
    return answers


def _misfit(request: OpenDispute, amount: int, left: int, currency: str) -> Refused | None:
    if not 0 < amount <= left:
        return not_within(left, request.amount_minor, currency)
    if request.fee_minor < 0 or (request.fee_minor and not request.takes):
        expected = "0 or more" if request.takes else "0 while nothing is withdrawn"
        return errors.NotAPayment(
            field="fee", expected=expected, found=money.told(request.fee_minor, currency)
        )
    return None


def not_within(left: int, found: int, currency: str) -> Refused:
    """Of the money of a payment as much can be disputed as is not disputed yet."""
    expected = Said("above 0, at most {0}", money.told(left, currency))
    return errors.NotAPayment(field="amount", expected=expected, found=money.told(found, currency))


class _Known(NamedTuple):
    """`amount` is what its provider told; or what the books have, of before that was kept beside it: `is_told` not."""

    id: UUID
    payment: UUID
    amount: int
    is_told: bool = True

    def is_over(self, amount: int, within: int) -> bool:
        """Whether its provider told this amount, which the books may have rounded within so much."""
        return abs(amount - self.amount) <= (0 if self.is_told else within)


def _known(names: Sequence[str]) -> dict[tuple[int, str, str], _Known]:
    return {row[:3]: _Known(*row[3:]) for row in sql.run(_KNOWN, {"names": names})}  # type: ignore[misc]


def _again(known: _Known, request: OpenDispute, currency: str, within: int) -> DisputeOpened | Refused:
    """A report that repeats itself changes nothing; one that contradicts itself is a mistake, of whoever sends it."""
    if known.payment != request.payment:
        field, expected, found = "payment", str(known.payment), str(request.payment)
    elif not known.is_over(request.amount_minor, within):
        field = "amount"
        expected, found = (money.told(minor, currency) for minor in (known.amount, request.amount_minor))
    else:
        return DisputeOpened(known.id, fresh=False)
    return errors.KnownOtherwise(external_id=request.external_id, field=field, expected=expected, found=found)


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    sql.write("payments_dispute", _DISPUTE, [
        (
            one.id, one.payment.company, one.payment.id, one.payment.provider, one.request.external_id,
            one.amount, "needs_response", one.request.reason, one.at, one.request.inquiry,
            one.at if one.request.takes else None, one.request.fee_minor, one.request.evidence_due_at,
            one.request.amount_minor,
        )
        for one in drafts
    ])  # fmt: skip
    sql.write("payments_disputepart", _PART, [
        (one.id, of.id, part) for one in drafts for of, part in one.parts if of.id != one.payment.id
    ])  # fmt: skip
    store_disputed({of.id: of for one in drafts for of, _ in one.parts}.values())
    whole(post(cause, requests=[
        posting(one.payment, "payment.disputed", one.amount, one.request.fee_minor, one.at)
        for one in drafts if one.request.takes
    ]))  # fmt: skip
    announce(cause, [
        Event("payment", one.payment.id, one.payment.company, "", one.payment.state, one.at,
              {"dispute": one.id, "minor": -one.amount * one.request.takes}, one.request.reason)
        for one in drafts
    ])  # fmt: skip
    announce(cause, [
        Event("dispute", one.id, one.payment.company, "", "needs_response", one.at,
              {"payment": one.payment.id, "inquiry": one.request.inquiry}, one.request.reason)
        for one in drafts
    ])  # fmt: skip
    open_items(cause, requests=[_item(one) for one in drafts])


def _item(one: _Draft) -> OpenItem:
    told = partial(money.told, currency=one.payment.currency)
    what = "asks about" if one.request.inquiry else "disputes"
    facts = (what, told(one.amount), one.request.reason or "no reason given")
    reason = Said("The bank {0} {1}: {2}.", *facts)
    if one.beyond:
        reason = Said(
            "The bank {0} {1}: {2}. {3} of them were refunded already: answer with the proof of the refund.",
            *facts,
            told(one.beyond),
        )
    due = one.request.evidence_due_at
    # The item counts its hours from when the bank disputed, and must be done before the bank stops to listen.
    hours = hours_until(due, one.at) if due else None
    return OpenItem(
        company=one.payment.company, type=ITEMS[bool(one.beyond)], subject_kind="dispute",
        subject=one.id, reason=reason, role="controller", priority=95 if one.beyond else 80,
        due_in_hours=hours, occurred_at=one.at,
        facts={"payment": one.payment.id, "order": one.payment.order, "amount_minor": one.amount},
    )  # fmt: skip


def hours_until(due: datetime, at: datetime) -> int:
    return max(0, int((due - at).total_seconds() // 3600))


def posting(payment: take.Payment, event: str, amount: int, fee: int, at: datetime) -> Posting:
    """What a bank takes or gives back, with the provider's fee for it."""
    amounts = (("settlement", amount), *((("fee", fee),) if fee else ()))
    return Posting(payment.company, event, "payment", payment.id, payment.currency, amounts, at)


def store_disputed(payments: Iterable[take.Payment]) -> None:
    """Write what is disputed of locked payments. One statement."""
    rows = [(one.id, one.disputed) for one in payments]
    sql.run(_STORE, sql.columns(("ids", "disputed"), rows))


FAILED = "dispute answer failed"
"""The work item for what a provider did not take."""
PROPOSED = "dispute to accept"
"""The work item for the second person."""
ITEMS = ("dispute", "disputed after refund")
"""Types of the work item for a dispute, the latter where the money was given back before."""

_DISPUTE = (
    "id", "company_id", "payment_id", "provider", "external_id", "amount_minor", "state", "reason", "opened_at",
    "is_inquiry", "withdrawn_at", "fee_minor", "due_at", "asked_minor",
)  # fmt: skip

_PART = ("dispute_id", "payment_id", "amount_minor")

# The payments are no lock for a name that comes twice at once with different ones.
_LOCK_NAMES = """
SELECT pg_advisory_xact_lock(hashtextextended('payments.dispute ' || name, 0))
FROM (SELECT DISTINCT name FROM unnest(%(names)s::text[]) AS d(name) ORDER BY name) AS names
"""

_KNOWN = """
SELECT company_id::int, provider, external_id, id, payment_id, COALESCE(asked_minor, amount_minor),
       asked_minor IS NOT NULL
FROM payments_dispute WHERE external_id = ANY(%(names)s::text[])
"""

_STORE = """
UPDATE payments_payment AS p SET disputed_minor = d.disputed
FROM unnest(%(ids)s::uuid[], %(disputed)s::bigint[]) AS d(id, disputed) WHERE p.id = d.id
"""
