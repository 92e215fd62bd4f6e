"""Disputes as their banks go on with them: money withdrawn, an answer under review, a decision."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.kernel.money import told
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments import errors, rules
from entrepot.payments.commands import take
from entrepot.payments.commands.disputes import FAILED, ITEMS, PROPOSED, not_within, posting, store_disputed
from entrepot.payments.states import DISPUTE, DISPUTES_LOST, DISPUTES_OPEN
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

Payments = Mapping[UUID, take.Payment]


@dataclass(slots=True)
class Known:
    """A locked dispute; it changes as a batch is decided."""

    id: UUID
    payment: UUID
    amount: int
    state: str
    is_inquiry: bool
    withdrawn_at: datetime | None
    fee: int
    fee_returned: int
    due_at: datetime | None
    closed_at: datetime | None
    parts: dict[UUID, int] = field(default_factory=dict)  # what is claimed of each payment
    before: str = ""
    postings: list[tuple[str, int, int]] = field(default_factory=list)

    def step(self, event: str) -> Refused | None:
        after = DISPUTE.step(self.state, event)
        if isinstance(after, Refused):
            return after
        self.before, self.state = self.before or self.state, after
        return None

    def withdraw(self, payments: Payments, fee: int, at: datetime) -> None:
        """The bank takes the amount; what was only asked about is a dispute from now on."""
        if self.is_inquiry:
            self.is_inquiry = False
            self.parts = _allotted(self, payments)
            for which, part in self.parts.items():
                payments[which].disputed += part
        self.withdrawn_at, self.fee = at, fee
        self.postings.append(("payment.disputed", self.amount, fee))

    def win(self, payments: Payments, fee_returned: int, *, reversed_: bool) -> None:
        """What was lost before comes back by the way that it went."""
        if reversed_:
            self.postings.append(("payment.dispute_lost", -self.amount, 0))
        for which, part in self.parts.items() if not self.is_inquiry else ():
            payments[which].disputed -= part
        if self.withdrawn_at:
            self.fee_returned = fee_returned
            self.postings.append(("payment.dispute_won", self.amount, fee_returned))

    def lose(self, payments: Payments, at: datetime) -> None:
        if not self.withdrawn_at:
            self.withdraw(payments, 0, at)
        self.postings.append(("payment.dispute_lost", self.amount, 0))


def _allotted(one: Known, payments: Payments) -> dict[UUID, int]:
    """By payment, what it bears of an inquiry by now: an inquiry kept nothing of it from others."""
    bearing = [payments[which] for which in one.parts]
    free = [of.captured - of.disputed for of in bearing]
    parts = rules.borne(free, [of.refundable for of in bearing], one.amount)
    return dict(zip(one.parts, parts, strict=True))


def lock(disputes: Collection[UUID]) -> tuple[dict[UUID, take.Payment], dict[UUID, Known]]:
    """Payments, then their disputes, locked in id order. 3 statements."""
    wanted = {"disputes": list(disputes)}
    payments = take.lock([row[0] for row in sql.run(_PAYMENTS_OF, wanted)])
    found = {row[0]: Known(*row[:10], _parts(*row)) for row in sql.run(_LOCK, wanted)}  # type: ignore[call-arg]
    return payments, found


def _parts(_id: UUID, payment: UUID, amount: int, *rest: Any) -> dict[UUID, int]:
    """By payment, what of a dispute it bears: the one that it names, what the others leave."""
    others = {UUID(which): part for which, part in zip(rest[-2], rest[-1], strict=True)}
    return {payment: amount - sum(others.values())} | others


def write(
    cause: Cause,
    changed: Mapping[UUID, tuple[Known, datetime, dict[str, Any]]],
    payments: Mapping[UUID, take.Payment],
) -> None:
    """Disputes that went on, with their entries and their events. Where nobody can answer any more, proposals to accept
    them are none, and their work items are done."""
    rows = [
        (
            one.id, one.state, one.is_inquiry, one.withdrawn_at, one.fee, one.fee_returned, one.due_at,
            None if one.state in DISPUTES_OPEN else one.closed_at or at,
        )
        for one, at, _ in changed.values()
    ]  # fmt: skip
    sql.run(_WRITE, sql.columns(
        ("ids", "states", "inquiries", "withdrawn", "fees", "returned", "dues", "closed"), rows
    ))  # fmt: skip
    parts = [
        (one.id, which, part) for one, _, _ in changed.values() for which, part in one.parts.items()
        if which != one.payment
    ]  # fmt: skip
    if parts:
        sql.run(_ALLOT, sql.columns(("disputes", "payments", "amounts"), parts))
    store_disputed(payments.values())
    postings = list(_postings(changed, payments))
    if postings:
        whole(post(cause, requests=postings))
    announce(cause, [
        Event("dispute", one.id, payments[one.payment].company, one.before or one.state, one.state, at, facts)
        for one, at, facts in changed.values()
    ])  # fmt: skip
    announce(cause, [
        Event("payment", one.payment, payments[one.payment].company, "", payments[one.payment].state, at,
              {"dispute": one.id, "outcome": one.state})
        for one, at, _ in changed.values()
    ])  # fmt: skip
    over = {one.id: at for one, at, _ in changed.values() if one.before and one.state not in WAITING}
    if not over:
        return
    withdrawn = [which for (which,) in sql.run(_WITHDRAW, {"disputes": list(over), "at": cause.at})]
    announce(cause, [
        Event("dispute", which, payments[one.payment].company, one.state, one.state, over[which],
              {"answer": "accept", "is": "withdrawn"}, "nobody can answer it any more")
        for which in withdrawn
        for one, _, _ in [changed[which]]
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(payments[one.payment].company, kind, which, one.state, occurred_at=at)
        for which, at in over.items()
        for one, _, _ in [changed[which]]
        for kind in (*ITEMS, PROPOSED, FAILED)
    ])  # fmt: skip


def _postings(
    changed: Mapping[UUID, tuple[Known, datetime, dict[str, Any]]], payments: Mapping[UUID, take.Payment]
) -> Iterable[Posting]:
    for one, at, _ in changed.values():
        for event, amount, fee in one.postings:
            yield posting(payments[one.payment], event, amount, fee, at)


@dataclass(frozen=True, slots=True)
class FollowDispute:
    """What the provider says of a dispute that is not decided: under `review` or waiting for an answer, whether the
    money is `withdrawn`, with which fee, and until when the bank listens."""

    dispute: UUID
    review: bool = False
    withdrawn: bool = False
    fee_minor: int = 0
    evidence_due_at: datetime | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeFollowed:
    """Its state; `changed` is False where what was said was known, or is older than what is known."""

    dispute: UUID
    state: str
    changed: bool


@command("payments.follow_disputes")
def follow_disputes(cause: Cause, /, *, requests: Sequence[FollowDispute]) -> list[DisputeFollowed | Refused]:
    """Disputes brought to where their banks say they are, never back: messages come in any order.

    Money that is withdrawn is booked with its fee, once. An answer that was given at the provider's own page counts.
    Locks: the payments, then the disputes, in id order. Refuses: NotFound; NotAPayment (a fee below 0, or more is
    disputed than was captured). Again: changes nothing. 14 statements at most.
    """
    payments, found = lock([one.dispute for one in requests])
    answers: list[DisputeFollowed | Refused] = []
    changed: dict[UUID, tuple[Known, datetime, dict[str, Any]]] = {}
    for request in requests:
        one = found.get(request.dispute)
        if one is None:
            answers.append(NotFound(what="dispute", which=str(request.dispute)))
            continue
        takes = request.withdrawn and not one.withdrawn_at and one.state in DISPUTES_OPEN
        refused = _misfit(one, request, payments) if takes else None
        if refused:
            answers.append(refused)
            continue
        at, before = request.occurred_at or cause.at, (one.state, one.due_at)
        if takes:
            one.withdraw(payments, request.fee_minor, at)
        if request.review and one.state in WAITING:
            one.step("respond")
        if request.evidence_due_at and one.state == "needs_response":
            one.due_at = request.evidence_due_at
        is_new = takes or before != (one.state, one.due_at)
        if is_new:
            changed[one.id] = (one, at, {"withdrawn": bool(one.withdrawn_at)})
        answers.append(DisputeFollowed(one.id, one.state, is_new))
    if changed:
        write(cause, changed, payments)
    return answers


def _misfit(one: Known, request: FollowDispute, payments: Payments) -> Refused | None:
    if request.fee_minor < 0:
        return errors.NotAPayment(
            field="fee", expected="0 or more", found=told(request.fee_minor, payments[one.payment].currency)
        )
    return _beyond(one, payments)


def _beyond(one: Known, payments: Payments) -> Refused | None:
    """What was only asked about is disputed as far as something is left to dispute."""
    left = sum(payments[which].captured - payments[which].disputed for which in one.parts)
    if one.is_inquiry and one.amount > left:
        return not_within(left, one.amount, payments[one.payment].currency)
    return None


@dataclass(frozen=True, slots=True)
class CloseDispute:
    """The bank has decided: won is money that comes back, or was never taken; lost is money that is gone. Of the fee
    so much is given back as well, as far as it was booked: the rest comes with the payout."""

    dispute: UUID
    won: bool
    occurred_at: datetime | None = None
    fee_returned_minor: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeClosed:
    dispute: UUID
    state: str


@command("payments.close_disputes")
def close_disputes(cause: Cause, /, *, requests: Sequence[CloseDispute]) -> list[DisputeClosed | Refused]:
    """Disputes won or lost, booked, and their work items closed. One that we accepted is lost already; a loss that the
    bank reverses later is won.

    Locks: the payments, then the disputes, in id order. Refuses: NotFound; WrongState (won before); NotAPayment (a fee
    below 0; an inquiry lost of which nothing is left to dispute). Again: by key, by the same decision, and by one that
    is older than the last. 14 statements at most.
    """
    payments, found = lock([one.dispute for one in requests])
    answers: list[DisputeClosed | Refused] = []
    changed: dict[UUID, tuple[Known, datetime, dict[str, Any]]] = {}
    for request in requests:
        one = found.get(request.dispute)
        if one is None:
            answers.append(NotFound(what="dispute", which=str(request.dispute)))
            continue
        if one.state == "won" if request.won else one.state in DISPUTES_LOST:
            answers.append(DisputeClosed(one.id, one.state))
            continue
        at = request.occurred_at or cause.at
        if one.closed_at and at < one.closed_at:
            answers.append(DisputeClosed(one.id, one.state))
            continue
        was_lost = one.state in DISPUTES_LOST
        refused = _undecidable(one, request, payments) or one.step("win" if request.won else "lose")
        if refused:
            answers.append(refused)
            continue
        one.closed_at = at
        if request.won:
            one.win(payments, min(request.fee_returned_minor, one.fee), reversed_=was_lost)
        else:
            one.lose(payments, at)
        changed[one.id] = (one, at, {"minor": one.amount})
        answers.append(DisputeClosed(one.id, one.state))
    if changed:
        write(cause, changed, payments)
    return answers


def _undecidable(one: Known, request: CloseDispute, payments: Payments) -> Refused | None:
    if request.fee_returned_minor < 0:
        return errors.NotAPayment(
            field="fee",
            expected="0 or more",
            found=told(request.fee_returned_minor, payments[one.payment].currency),
        )
    return None if request.won or one.state not in DISPUTES_OPEN else _beyond(one, payments)


@dataclass(frozen=True, slots=True)
class ExpireDisputes:
    """What nobody answered in time, of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DisputesExpired:
    company: int
    expired: int


@command("payments.expire_disputes")
def expire_disputes(
    cause: Cause, /, *, requests: Sequence[ExpireDisputes]
) -> list[DisputesExpired | Refused]:
    """Disputes whose time to answer is over: the bank decides without us. What is on its way to the provider stays as
    it is; what is only proposed was not said.

    Locks: the payments, then the disputes, in id order. Again: changes nothing. 11 statements.
    """
    due = sql.run(_DUE, {"companies": [one.company for one in requests], "at": cause.at})
    payments, found = lock([one for (one,) in due]) if due else ({}, {})
    changed: dict[UUID, tuple[Known, datetime, dict[str, Any]]] = {}
    for one in found.values():
        if rules.is_past(one.state, one.due_at, cause.at) and one.step("expire") is None:
            changed[one.id] = (one, cause.at, {})
    if changed:
        write(cause, changed, payments)
    companies = [payments[one.payment].company for one, _, _ in changed.values()]
    return [DisputesExpired(one.company, companies.count(one.company)) for one in requests]


WAITING = ("needs_response", "expired")
"""States in which a person still has to do something, or to see that nobody did."""

_PAYMENTS_OF = """
SELECT payment_id FROM payments_dispute WHERE id = ANY(%(disputes)s::uuid[])
UNION SELECT payment_id FROM payments_disputepart WHERE dispute_id = ANY(%(disputes)s::uuid[])
"""

_LOCK = """
SELECT id, payment_id, amount_minor, state, is_inquiry, withdrawn_at, fee_minor, fee_returned_minor, due_at, closed_at,
       ARRAY(SELECT s.payment_id::text FROM payments_disputepart AS s WHERE s.dispute_id = d.id ORDER BY s.payment_id),
       ARRAY(SELECT s.amount_minor FROM payments_disputepart AS s WHERE s.dispute_id = d.id ORDER BY s.payment_id)
FROM payments_dispute AS d WHERE id = ANY(%(disputes)s::uuid[]) ORDER BY id FOR UPDATE
"""

_WRITE = """
UPDATE payments_dispute AS x SET state = d.state, is_inquiry = d.inquiry, withdrawn_at = d.withdrawn, fee_minor = d.fee,
       fee_returned_minor = d.returned, due_at = d.due, closed_at = d.closed
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(inquiries)s::boolean[], %(withdrawn)s::timestamptz[],
            %(fees)s::bigint[], %(returned)s::bigint[], %(dues)s::timestamptz[], %(closed)s::timestamptz[])
     AS d(id, state, inquiry, withdrawn, fee, returned, due, closed)
WHERE x.id = d.id
"""

_ALLOT = """
UPDATE payments_disputepart AS x SET amount_minor = d.amount
FROM unnest(%(disputes)s::uuid[], %(payments)s::uuid[], %(amounts)s::bigint[]) AS d(dispute, payment, amount)
WHERE x.dispute_id = d.dispute AND x.payment_id = d.payment AND x.amount_minor <> d.amount
"""

_DUE = """
SELECT d.id FROM payments_dispute AS d
WHERE d.company_id = ANY(%(companies)s::smallint[]) AND d.state = 'needs_response' AND d.due_at <= %(at)s::timestamptz
  AND NOT EXISTS (SELECT FROM payments_disputeanswer AS a
                  WHERE a.dispute_id = d.id AND a.state = 'waiting')
ORDER BY d.id
"""

_WITHDRAW = """
UPDATE payments_disputeanswer SET state = 'withdrawn', settled_at = %(at)s::timestamptz
WHERE dispute_id = ANY(%(disputes)s::uuid[]) AND state = 'proposed' RETURNING dispute_id
"""
