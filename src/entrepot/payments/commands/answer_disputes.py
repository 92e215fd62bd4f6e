"""What the house says to a dispute: evidence, or that it is accepted; and what its provider makes of that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import delivery, ids, money, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.payments import errors, providers, rules
from entrepot.payments.commands import take
from entrepot.payments.commands.follow_disputes import Known, lock, write
from entrepot.payments.models import DUTY
from entrepot.payments.states import ANSWER, DISPUTE
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

policies.shape("payments.disputes")(rules.DisputePolicy)

PROPOSED, FAILED = "dispute to accept", "dispute answer failed"
"""Work items: for the second person, and for what a provider did not take."""


@dataclass(slots=True)
class Answer:
    """An answer that is not done with; it changes as a batch is decided."""

    id: UUID
    dispute: UUID
    kind: str
    state: str
    needs_another: bool
    made_by: str
    approved_by: str = ""
    note: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    error: str = ""


class _OfDispute(Protocol):
    @property
    def dispute(self) -> UUID: ...


R = TypeVar("R", bound=_OfDispute)


class _Batch:
    """Disputes under lock with the answers that are under way. 4 statements."""

    def __init__(self, disputes: Iterable[UUID]) -> None:
        self.payments, self.found = lock(list(disputes))
        rows = sql.run(_UNDER_WAY, {"disputes": list(self.found)})
        self.open: dict[UUID, Answer] = {row[1]: Answer(*row) for row in rows}
        self.names = dict(sql.run(_NAMES, {"disputes": list(self.found)}))
        self.made: list[Answer] = []
        self.changed: dict[UUID, Answer] = {}

    def payment(self, one: Known) -> take.Payment:
        return self.payments[one.payment]

    def can(self, request: R, event: str) -> Known | Refused:
        """The dispute, where nothing is under way and the event is one of its life."""
        one = self.found.get(request.dispute)
        if one is None:
            return NotFound(what="dispute", which=str(request.dispute))
        waits = self.open.get(one.id)
        if waits:
            return errors.AnsweredBefore(external_id=self.names[one.id], found=waits.state)
        step = DISPUTE.step(one.state, event)
        return step if isinstance(step, Refused) else one

    def write(self, cause: Cause) -> None:
        """Answers, their events, and what goes to providers; local ones take every answer at once."""
        sql.write("payments_disputeanswer", _ANSWER, [
            (
                one.id, self.payment(self.found[one.dispute]).company, one.dispute, one.kind, one.state,
                wire.dump(one.fields), one.note, one.needs_another, one.made_by, cause.at,
            )
            for one in self.made
        ])  # fmt: skip
        if self.changed:
            rows = [(one.id, one.state, one.approved_by) for one in self.changed.values()]
            sql.run(_STORE, sql.columns(("ids", "states", "people"), rows))
        touched = [*self.made, *self.changed.values()]
        announce(cause, [
            Event("dispute", one.dispute, self.payment(self.found[one.dispute]).company, self.found[one.dispute].state,
                  self.found[one.dispute].state, None, {"answer": one.kind, "is": one.state}, one.note)
            for one in touched
        ])  # fmt: skip
        self._send(cause, [one for one in touched if one.state == "waiting"])

    def _send(self, cause: Cause, answers: Sequence[Answer]) -> None:
        local, messages = [], []
        for one in answers:
            payment = self.payment(self.found[one.dispute])
            if payment.provider in providers.LOCAL:
                local.append(SettleAnswer(one.id, ok=True))
                continue
            asked = Asked(one.id, one.kind, self.names[one.dispute])
            to, topic = f"disputes.{payment.provider}", f"dispute.{one.kind}"
            messages.append(delivery.Message(to, topic, one.dispute, payment.company, asked))
        delivery.send(cause, messages)
        if local:
            whole(settle_answers(cause, requests=local))


@dataclass(frozen=True, slots=True)
class Asked:
    """What goes to the relay; the rest is read when it is sent."""

    answer: UUID
    kind: str
    external_id: str


# ---- evidence


@dataclass(frozen=True, slots=True)
class SubmitEvidence:
    """Evidence against a dispute, by the names that providers use for it; no names of people and no addresses, which
    are added when it is sent."""

    dispute: UUID
    fields: tuple[tuple[str, str], ...]
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer and how far it is: `proposed` to a second person, `waiting` for the provider, or `done`."""

    dispute: UUID
    answer: UUID
    state: str


@command("payments.submit_evidence")
def submit_evidence(cause: Cause, /, *, requests: Sequence[SubmitEvidence]) -> list[Answered | Refused]:
    """Evidence, frozen, and on its way to the providers of the disputes. Whoever submits it does not accept the loss.

    Locks: the payments, then the disputes, in id order. Refuses: NotFound; WrongState (decided, or under review);
    AnsweredBefore; Invalid (no evidence); access.duties_apart. Again: by key. 20 statements at most.
    """
    batch = _Batch(one.dispute for one in requests)
    found = [batch.can(one, "respond") for one in requests]
    apart = _duties(cause, batch, "answer", [one for one in found if not isinstance(one, Refused)])
    answers: list[Answered | Refused] = []
    for request, one in zip(requests, found, strict=True):
        if isinstance(one, Refused):
            answers.append(one)
        elif not request.fields:
            answers.append(Invalid(field="fields", expected="some evidence", found="none"))
        elif one.id in apart or one.id in batch.open:
            answers.append(apart.get(one.id) or _twice(batch, one))
        else:
            made = Answer(
                ids.uuid7(), one.id, "submit", "waiting", False, cause.actor.name, "", request.note.strip(),
                dict(request.fields),
            )  # fmt: skip
            answers.append(_made(batch, made))
    batch.write(cause)
    return _told(batch, answers)


def _made(batch: _Batch, made: Answer) -> Answered:
    batch.made.append(made)
    batch.open[made.dispute] = made
    return Answered(made.dispute, made.id, made.state)


def _twice(batch: _Batch, one: Known) -> Refused:
    return errors.AnsweredBefore(external_id=batch.names[one.id], found=batch.open[one.id].state)


def _told(batch: _Batch, answers: Sequence[Answered | Refused]) -> list[Answered | Refused]:
    """Answers as they stand once local providers have taken theirs."""
    local = {one.id for one in batch.found.values() if batch.payment(one).provider in providers.LOCAL}
    return [
        Answered(one.dispute, one.answer, "done")
        if isinstance(one, Answered) and one.state == "waiting" and one.dispute in local
        else one
        for one in answers
    ]


def _duties(cause: Cause, batch: _Batch, side: str, disputes: Sequence[Known]) -> dict[UUID, Refused]:
    """Disputes that somebody else has to act on."""
    if not disputes:
        return {}
    duties = [Duty(one.id, DUTY, side, cause.actor.name, batch.names[one.id]) for one in disputes]
    told = take_duty(cause, requests=duties)
    return {one.id: answer for one, answer in zip(disputes, told, strict=True) if isinstance(answer, Refused)}


# ---- acceptance


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
    or under review); AnsweredBefore; access.duties_apart. Again: by key. 32 statements at most.
    """
    batch = _Batch(one.dispute for one in requests)
    limits = policies.of_companies(
        {one.company for one in batch.payments.values()}, rules.DisputePolicy, cause.at
    )
    proposed = {dispute: one for dispute, one in batch.open.items() if one.state == "proposed"}
    for dispute in proposed:
        del batch.open[dispute]
    found = [_acceptable(batch, one) for one in requests]
    large = {
        one.id: one
        for one in found
        if not isinstance(one, Refused)
        and one.amount > limits[batch.payment(one).company][1].accept_alone_up_to_minor
    }
    second = [one for one in large.values() if one.id in proposed]
    apart = _duties(cause, batch, "accept", second)
    apart |= _duties(cause, batch, "answer", [one for one in large.values() if one.id not in proposed])
    answers: list[Answered | Refused] = []
    for request, one in zip(requests, found, strict=True):
        if isinstance(one, Refused):
            answers.append(one)
        elif one.id in apart or one.id in batch.open:
            answers.append(apart.get(one.id) or _twice(batch, one))
        elif before := proposed.get(one.id):
            answers.append(_approve(batch, before, cause.actor.name))
        else:
            state = "proposed" if one.id in large else "waiting"
            made = Answer(
                ids.uuid7(),
                one.id,
                "accept",
                state,
                one.id in large,
                cause.actor.name,
                "",
                request.reason.strip(),
            )
            answers.append(_made(batch, made))
    batch.write(cause)
    _ask_a_second(cause, batch)
    return _told(batch, answers)


def _acceptable(batch: _Batch, request: AcceptDispute) -> Known | Refused:
    if not request.reason.strip():
        return Invalid(field="reason", expected="why it is not contested", found="nothing")
    return batch.can(request, "accept")


def _approve(batch: _Batch, one: Answer, person: str) -> Answered:
    """A second person accepts what was proposed; where the limit was raised since, the first may as well."""
    one.state = _step(one.state, "approve")
    one.approved_by = person if one.needs_another else ""
    batch.changed[one.id] = batch.open[one.dispute] = one
    return Answered(one.dispute, one.id, one.state)


def _step(state: str, event: str) -> str:
    after = ANSWER.step(state, event)
    assert not isinstance(after, Refused), after
    return after


def _ask_a_second(cause: Cause, batch: _Batch) -> None:
    """An item for the second person, closed when he has accepted."""
    items = []
    for one in batch.made:
        if one.state == "proposed":
            dispute = batch.found[one.dispute]
            payment = batch.payment(dispute)
            told = money.told(dispute.amount, payment.currency)
            items.append(OpenItem(
                payment.company, PROPOSED, "dispute", dispute.id,
                f"{one.made_by} proposes to accept dispute {batch.names[dispute.id]} over {told}: {one.note}",
                "controller", {"payment": payment.id, "order": payment.order}, priority=85, due_in_hours=24,
            ))  # fmt: skip
    open_items(cause, requests=items)
    _close(cause, batch, batch.changed.values(), "accepted")


def _close(cause: Cause, batch: _Batch, answers: Iterable[Answer], why: str) -> None:
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
    batch = _Batch(one.dispute for one in requests)
    answers: list[Answered | Refused] = []
    for request in requests:
        one = batch.open.get(request.dispute)
        if request.dispute not in batch.found:
            answers.append(NotFound(what="dispute", which=str(request.dispute)))
        elif one is None or one.state != "proposed":
            answers.append(errors.NothingProposed(external_id=batch.names[request.dispute]))
        else:
            one.state = _step(one.state, "withdraw")
            batch.changed[one.id] = one
            answers.append(Answered(one.dispute, one.id, one.state))
    batch.write(cause)
    _close(cause, batch, batch.changed.values(), "withdrawn")
    return answers


# ---- what providers say


@dataclass(frozen=True, slots=True)
class SettleAnswer:
    """What a provider made of an answer."""

    answer: UUID
    ok: bool
    error: str = ""
    key: str | None = None


@command("payments.settle_answers")
def settle_answers(cause: Cause, /, *, requests: Sequence[SettleAnswer]) -> list[Answered | Refused]:
    """Answers taken or refused by their providers: evidence is under review, what was accepted is lost and booked.
    What was refused is a work item; the dispute stays as it was.

    Locks: the payments, the disputes, then the answers, in id order. Refuses: NotFound. Again: the first outcome.
    20 statements at most.
    """
    wanted = {"answers": [one.answer for one in requests]}
    batch = _Batch({dispute for (dispute,) in sql.run(_DISPUTES_OF, wanted)})
    found = {row[0]: Answer(*row) for row in sql.run(_LOCK_ANSWERS, wanted)}
    answers: list[Answered | Refused] = []
    changed: dict[UUID, tuple[Known, datetime, dict[str, Any]]] = {}
    settled: dict[UUID, Answer] = {}
    for request in requests:
        one = found.get(request.answer)
        if one is None:
            answers.append(NotFound(what="answer to a dispute", which=str(request.answer)))
            continue
        if one.state == "waiting":
            one.state, one.error = (
                _step(one.state, "confirm" if request.ok else "refuse"),
                request.error[:300],
            )
            settled[one.id] = one
            dispute = batch.found[one.dispute]
            if request.ok and _ACTS[one.kind](dispute, batch.payment(dispute), cause.at):
                changed[dispute.id] = (dispute, cause.at, {"answer": one.id})
        answers.append(Answered(one.dispute, one.id, one.state))
    if settled:
        rows = [(one.id, one.state, one.error, cause.at) for one in settled.values()]
        sql.run(_SETTLE, sql.columns(("ids", "states", "errors", "times"), rows))
        open_items(cause, requests=[_failed(batch, one) for one in settled.values() if one.state == "failed"])
    if changed:
        write(cause, changed, batch.payments)
    return answers


def _under_review(one: Known, _payment: take.Payment, _at: datetime) -> bool:
    """What the bank decided meanwhile stays decided."""
    return one.step("respond") is None


def _accepted(one: Known, payment: take.Payment, at: datetime) -> bool:
    if one.step("accept") is not None:
        return False
    one.lose(payment, at)
    return True


_ACTS: Mapping[str, Callable[[Known, take.Payment, datetime], bool]] = {
    "submit": _under_review,
    "accept": _accepted,
}
Kind = Literal["submit", "accept"]


def _failed(batch: _Batch, one: Answer) -> OpenItem:
    payment = batch.payment(batch.found[one.dispute])
    what = "the evidence" if one.kind == "submit" else "the acceptance"
    return OpenItem(
        payment.company, FAILED, "dispute", one.dispute,
        f"{payment.provider} did not take {what}: {one.error or 'no reason given'}",
        "controller", {"payment": payment.id}, priority=90, due_in_hours=8, dedupe=str(one.id),
    )  # fmt: skip


_ANSWER = (
    "id", "company_id", "dispute_id", "kind", "state", "fields", "note", "needs_another", "made_by", "made_at",
)  # fmt: skip

_FIELDS = """
SELECT a.id, a.dispute_id, a.kind, a.state, a.needs_another, a.made_by, a.approved_by, a.note
FROM payments_disputeanswer AS a
"""

_UNDER_WAY = f"""
{_FIELDS} WHERE a.dispute_id = ANY(%(disputes)s::uuid[]) AND a.state IN ('proposed', 'waiting') ORDER BY a.id FOR UPDATE
"""

_LOCK_ANSWERS = f"{_FIELDS} WHERE a.id = ANY(%(answers)s::uuid[]) ORDER BY a.id FOR UPDATE"

_DISPUTES_OF = "SELECT DISTINCT dispute_id FROM payments_disputeanswer WHERE id = ANY(%(answers)s::uuid[])"

_NAMES = "SELECT id, external_id FROM payments_dispute WHERE id = ANY(%(disputes)s::uuid[])"

_STORE = """
UPDATE payments_disputeanswer AS a SET state = d.state, approved_by = d.person
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(people)s::text[]) AS d(id, state, person) WHERE a.id = d.id
"""

_SETTLE = """
UPDATE payments_disputeanswer AS a SET state = d.state, error = d.error, settled_at = d.at
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(errors)s::text[], %(times)s::timestamptz[])
     AS d(id, state, error, at)
WHERE a.id = d.id
"""
