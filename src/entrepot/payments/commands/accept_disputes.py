"""Disputes that the house does not contest, above a limit by two people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from entrepot.kernel import ids, money, policies
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.ledger.currency_queries import limits_in
from entrepot.payments import errors, rules
from entrepot.payments.commands.answer_disputes import (
    Answer,
    Answered,
    Batch,
    duties,
    made,
    step,
    told_of,
    twice,
)
from entrepot.payments.commands.disputes import PROPOSED
from entrepot.payments.commands.follow_disputes import Known
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class AcceptDispute:
    """The house does not contest a dispute: the money is the customer's."""

    dispute: UUID
    reason: str
    key: str | None = None


@command("payments.accept_disputes")
def accept_disputes(cause: Cause, /, *, requests: Sequence[AcceptDispute]) -> list[Answered | Refused]:
    """Disputes accepted, as lost. Above `payments.disputes` it is proposed first, and a second person accepts it, who
    neither proposed it nor submitted evidence.

    Locks: the payments, then the disputes, in id order. Refuses: NotFound; Invalid (no reason); WrongState (decided,
    or under review); AnsweredBefore; access.duties_apart. Again: by key. 33 statements at most.
    """
    batch = Batch(one.dispute for one in requests)
    limits = _limits(cause, batch)
    proposed = {dispute: one for dispute, one in batch.open.items() if one.state == "proposed"}
    for dispute in proposed:
        del batch.open[dispute]
    found = [_acceptable(batch, one) for one in requests]
    large = {
        one.id: one
        for one in found
        if not isinstance(one, Refused)
        and one.amount > limits[batch.payment(one).company, batch.payment(one).currency]
    }
    second = [one for one in large.values() if one.id in proposed]
    apart = duties(cause, batch, "accept", second)
    apart |= duties(cause, batch, "answer", [one for one in large.values() if one.id not in proposed])
    answers: list[Answered | Refused] = []
    for request, one in zip(requests, found, strict=True):
        if isinstance(one, Refused):
            answers.append(one)
        elif one.id in apart or one.id in batch.open:
            answers.append(apart.get(one.id) or twice(batch, one))
        elif before := proposed.get(one.id):
            answers.append(_approve(batch, before, cause.actor.name))
        else:
            state = "proposed" if one.id in large else "waiting"
            new = Answer(
                ids.uuid7(),
                one.id,
                "accept",
                state,
                one.id in large,
                cause.actor.name,
                "",
                request.reason.strip(),
            )
            answers.append(made(batch, new))
    batch.write(cause)
    _ask_a_second(cause, batch)
    return told_of(batch, answers)


def _limits(cause: Cause, batch: Batch) -> dict[tuple[int, str], int]:
    """What one person accepts alone, by company and currency. 2 statements."""
    keys = {(one.company, one.currency) for one in batch.payments.values()}
    own = policies.of_companies({company for company, _ in keys}, rules.DisputePolicy, cause.at)
    wanted = {key: own[key[0]][1].accept_alone_up_to_minor for key in keys}
    return limits_in(wanted, cause.at.astimezone(UTC).date())


def _acceptable(batch: Batch, request: AcceptDispute) -> Known | Refused:
    if not request.reason.strip():
        return Invalid(field="reason", expected="why it is not contested", found="nothing")
    found = batch.can(request, "accept")
    if isinstance(found, Known) and found.is_inquiry:
        # Nothing was taken yet: to give the money back is a refund, and no loss.
        return Invalid(field="dispute", expected="one whose money the bank has taken", found="an inquiry")
    return found


def _approve(batch: Batch, one: Answer, person: str) -> Answered:
    """A second person accepts what was proposed; where the limit was raised since, the first may as well."""
    one.state = step(one.state, "approve")
    one.approved_by = person if one.needs_another else ""
    batch.changed[one.id] = batch.open[one.dispute] = one
    return Answered(one.dispute, one.id, one.state)


def _ask_a_second(cause: Cause, batch: Batch) -> None:
    """An item for the second person, closed when he has accepted."""
    items = []
    for one in batch.made:
        if one.state == "proposed":
            dispute = batch.found[one.dispute]
            payment = batch.payment(dispute)
            told = money.told(dispute.amount, payment.currency)
            items.append(OpenItem(
                payment.company, PROPOSED, "dispute", dispute.id,
                Said(
                    "{0} proposes to accept dispute {1} over {2}: {3}",
                    one.made_by, batch.names[dispute.id], told, one.note,
                ),
                "controller", {"payment": payment.id, "order": payment.order}, priority=85, due_in_hours=24,
            ))  # fmt: skip
    open_items(cause, requests=items)
    _close(cause, batch, batch.changed.values(), "accepted")


def _close(cause: Cause, batch: Batch, answers: Iterable[Answer], why: str) -> None:
    done = [
        ResolveSubject(batch.payment(batch.found[one.dispute]).company, PROPOSED, one.dispute, why)
        for one in answers
    ]
    if done:
        resolve_subjects(cause, requests=done)


@dataclass(frozen=True, slots=True)
class WithdrawAcceptance:
    """A proposal to accept a dispute, taken back or turned down: it can be contested again."""

    dispute: UUID
    key: str | None = None


@command("payments.withdraw_acceptances")
def withdraw_acceptances(
    cause: Cause, /, *, requests: Sequence[WithdrawAcceptance]
) -> list[Answered | Refused]:
    """Proposals that are none any more.

    Locks: the payments, then the disputes, in id order. Refuses: NotFound; NothingProposed. Again: by key.
    9 statements.
    """
    batch = Batch(one.dispute for one in requests)
    answers: list[Answered | Refused] = []
    for request in requests:
        one = batch.open.get(request.dispute)
        if request.dispute not in batch.found:
            answers.append(NotFound(what="dispute", which=str(request.dispute)))
        elif one is None or one.state != "proposed":
            answers.append(errors.NothingProposed(external_id=batch.names[request.dispute]))
        else:
            one.state = step(one.state, "withdraw")
            batch.changed[one.id] = one
            answers.append(Answered(one.dispute, one.id, one.state))
    batch.write(cause)
    _close(cause, batch, batch.changed.values(), "withdrawn")
    return answers
