"""Disputes as a provider tells them, by messages or when it is asked: opened, followed, decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, tried
from entrepot.kernel.errors import Refused, Said
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import (
    CloseDispute,
    FollowDispute,
    close_disputes,
    follow_disputes,
)
from entrepot.payments.providers.stripe import parse
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

NOT_TAKEN = "dispute not taken"
"""The work item for what a provider says of a dispute and the books can't follow."""


@dataclass(frozen=True, slots=True)
class TellDispute:
    """A dispute as Stripe sees it; without a company it is of whichever has the payment."""

    dispute: parse.Dispute
    at: datetime
    company: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeTold:
    """What was done: `opened`, `followed`, `closed`, or `nothing`, where it is not ours or was known."""

    done: str


Answers = dict[int, DisputeTold | Refused]


@command("payments.tell_disputes")
def tell_disputes(cause: Cause, /, *, requests: Sequence[TellDispute]) -> list[DisputeTold | Refused]:
    """Disputes brought to where Stripe says they are, also those decided already: what it says comes in any order.

    What is refused is a work item, until what the provider says can be taken; where the books refuse all of it
    together, each is told by itself.
    Locks: as opening, following and closing disputes do, in that order. Refuses: what these refuse.
    Again: changes nothing. 46 statements at most; where the books refuse, for each.
    """
    known = _payments(requests)
    answers: Answers = {}
    refused = tried(partial(_bring, cause, requests, known, answers))
    if refused and len(requests) > 1:
        return [answer for one in requests for answer in tell_disputes(cause, requests=[one])]
    if refused:
        answers = {0: refused[0]}
        _show(cause, requests, known, _ours(requests, known), answers)
    return [answers.get(at, DisputeTold("nothing")) for at in range(len(requests))]


def _bring(cause: Cause, requests: Sequence[TellDispute], known: Payments, answers: Answers) -> None:
    _open(cause, requests, known, answers)
    ours = {
        at: dispute
        for at, dispute in _ours(requests, known).items()
        if not isinstance(answers.get(at), Refused)
    }
    _follow(cause, requests, ours, answers)
    _close(cause, requests, ours, answers)
    _show(cause, requests, known, ours, answers)


class _Payment(NamedTuple):
    """`left` of it can be disputed, and so much of that was not given back."""

    company: int
    id: UUID
    left: int
    refundable: int


Payments = Mapping[tuple[int | None, str], Sequence[_Payment]]


def _payments(requests: Sequence[TellDispute]) -> Payments:
    """The payments of each reference, the oldest first, by company and of all."""
    references = [one.dispute.reference for one in requests if one.dispute.reference]
    found: dict[tuple[int | None, str], list[_Payment]] = defaultdict(list)
    params = {"references": references, "provider": parse.SOURCE}
    for company, reference, *payment in sql.run(_PAYMENTS, params) if references else ():
        one = _Payment(company, *payment)
        found[company, reference].append(one)
        found[None, reference].append(one)
    return dict(found)


def _company(one: TellDispute, known: Payments) -> int | None:
    own = known.get((None, one.dispute.reference))
    return one.company or (own[0].company if own else None)


def _open(cause: Cause, requests: Sequence[TellDispute], known: Payments, answers: Answers) -> None:
    on = {name: payment for name, (_, payment) in _disputes(requests).items()}
    left = {one.id: one.left for payments in known.values() for one in payments}
    wanted: dict[int, OpenDispute] = {}
    for at, one in enumerate(requests):
        told, payments = one.dispute, known.get((one.company, one.dispute.reference))
        if told.amount_minor <= 0 or not payments:
            continue
        name = (_company(one, known), told.external_id)
        if name not in on:
            on[name] = _chosen(payments, told.amount_minor, left)
            left[on[name]] -= 0 if told.inquiry else min(told.amount_minor, left[on[name]])
        wanted[at] = OpenDispute(
            on[name], told.external_id, told.amount_minor, told.reason, told.due_at, one.at, told.inquiry,
            told.withdrawn, told.fee_minor, _others(payments, on[name]),
        )  # fmt: skip
    if wanted:
        given = open_disputes(cause, requests=list(wanted.values()))
        for at, answer in zip(wanted, given, strict=True):
            if isinstance(answer, Refused):
                answers[at] = answer
            elif answer.fresh:
                answers[at] = DisputeTold("opened")


def _others(payments: Sequence[_Payment], chosen: UUID) -> tuple[UUID, ...]:
    """The other parts of an intent, of the same company."""
    of = {one.id: one.company for one in payments}
    return tuple(one for one, company in of.items() if one != chosen and company == of.get(chosen))


def _chosen(payments: Sequence[_Payment], amount: int, left: Mapping[UUID, int]) -> UUID:
    """Several payments are parts of one intent once orders were split or goods exchanged: a chargeback is booked on the
    oldest that has so much left, else on the one that has the most, and claimed of the others with it. What was given
    back already comes last."""

    def able(one: _Payment) -> tuple[int, int]:
        most = min(amount, left[one.id])
        return min(most, one.refundable), most

    return max(payments, key=able).id


def _ours(requests: Sequence[TellDispute], known: Payments) -> dict[int, UUID]:
    """The disputes that we have."""
    found = _disputes(requests)
    return {
        at: ours[0]
        for at, one in enumerate(requests)
        if (ours := found.get((_company(one, known), one.dispute.external_id)))
    }


def _disputes(requests: Sequence[TellDispute]) -> dict[tuple[int | None, str], tuple[UUID, UUID]]:
    """Those that are booked, each with its payment."""
    names = [one.dispute.external_id for one in requests]
    rows = sql.run(_DISPUTES, {"names": names, "provider": parse.SOURCE}) if names else []
    return {(company, name): (dispute, payment) for company, name, dispute, payment in rows}


def _follow(
    cause: Cause, requests: Sequence[TellDispute], ours: Mapping[int, UUID], answers: Answers
) -> None:
    wanted = {
        at: FollowDispute(
            dispute,
            told.state == "under_review",
            told.withdrawn,
            told.fee_minor,
            told.due_at,
            requests[at].at,
        )
        for at, dispute in ours.items()
        if (told := requests[at].dispute)
    }
    if wanted:
        given = follow_disputes(cause, requests=list(wanted.values()))
        for at, answer in zip(wanted, given, strict=True):
            if isinstance(answer, Refused):
                answers[at] = answer
            elif answer.changed:
                answers.setdefault(at, DisputeTold("followed"))


def _close(cause: Cause, requests: Sequence[TellDispute], ours: Mapping[int, UUID], answers: Answers) -> None:
    wanted = {
        at: CloseDispute(dispute, told.state == "won", requests[at].at, told.fee_returned_minor)
        for at, dispute in ours.items()
        if (told := requests[at].dispute).state in ("won", "lost")
        and not isinstance(answers.get(at), Refused)
    }
    if wanted:
        for at, answer in zip(wanted, close_disputes(cause, requests=list(wanted.values())), strict=True):
            answers[at] = answer if isinstance(answer, Refused) else DisputeTold("closed")


def _show(
    cause: Cause, requests: Sequence[TellDispute], known: Payments, ours: Mapping[int, UUID], answers: Answers
) -> None:
    """An item for each that is refused; those of the others are over."""
    refused = {at: answer for at, answer in answers.items() if isinstance(answer, Refused)}
    taken = [one.dispute.external_id for at, one in enumerate(requests) if at in ours and at not in refused]
    over = sql.run(_SHOWN, {"type": NOT_TAKEN, "names": taken}) if taken else []
    if over:
        resolve_subjects(cause, requests=[
            ResolveSubject(company, NOT_TAKEN, subject, "taken since") for company, subject in over
        ])  # fmt: skip
    items = []
    for at, answer in refused.items():
        told = requests[at].dispute
        company = _company(requests[at], known)
        assert company is not None, "only what is ours is refused"
        kind, subject = (
            ("dispute", ours[at])
            if at in ours
            else ("payment", known[requests[at].company, told.reference][0].id)
        )
        items.append(OpenItem(
            company, NOT_TAKEN, kind, subject,
            Said(
                "Stripe says that dispute {0} is {1}, which the books can't follow: {2}",
                told.external_id, told.state.replace("_", " "), answer.message,
            ),
            "controller", {"amount_minor": told.amount_minor}, priority=90, due_in_hours=8, dedupe=told.external_id,
        ))  # fmt: skip
    open_items(cause, requests=items)


# Where Stripe names no intent, it names the charge, which our capture knows.
_PAYMENTS = """
SELECT p.company_id::int, found.reference, p.id, p.captured_minor - p.disputed_minor,
       GREATEST(0, p.captured_minor - p.disputed_minor - p.refunded_minor - p.refunding_minor - p.credited_minor)
FROM (
    SELECT reference, id FROM payments_payment
    WHERE reference = ANY(%(references)s::text[])
    UNION
    SELECT provider_reference, payment_id FROM payments_attempt
    WHERE provider_reference = ANY(%(references)s::text[]) AND provider_reference <> '') AS found
JOIN payments_payment AS p ON p.id = found.id AND p.provider = %(provider)s::text
ORDER BY p.id
"""

_SHOWN = """
SELECT DISTINCT company_id::int, subject_id FROM work_item
WHERE type = %(type)s::text AND dedupe = ANY(%(names)s::text[]) AND state <> 'done'
"""

_DISPUTES = """
SELECT company_id::int, external_id, id, payment_id FROM payments_dispute
WHERE external_id = ANY(%(names)s::text[]) AND provider = %(provider)s::text
"""
