"""What the house says to a dispute, and what its provider makes of that: evidence, and what all answers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import delivery, ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.payments import errors, providers
from entrepot.payments.commands import take
from entrepot.payments.commands.disputes import FAILED
from entrepot.payments.commands.follow_disputes import WAITING, Known, Payments, lock, write
from entrepot.payments.models import DUTY
from entrepot.payments.states import ANSWER, DISPUTE
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


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


class Batch:
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
        if self.made:  # what was said anew stands for what its provider did not take before
            resolve_subjects(cause, requests=[
                ResolveSubject(self.payment(self.found[one.dispute]).company, FAILED, one.dispute, "said again")
                for one in self.made
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
    AnsweredBefore; Invalid (no evidence); access.duties_apart. Again: by key. 24 statements at most.
    """
    batch = Batch(one.dispute for one in requests)
    found = [
        batch.can(one, "respond")
        if one.fields
        else Invalid(field="fields", expected="some evidence", found="none")
        for one in requests
    ]
    apart = duties(cause, batch, "answer", [one for one in found if not isinstance(one, Refused)])
    answers: list[Answered | Refused] = []
    for request, one in zip(requests, found, strict=True):
        if isinstance(one, Refused):
            answers.append(one)
        elif one.id in apart or one.id in batch.open:
            answers.append(apart.get(one.id) or twice(batch, one))
        else:
            new = Answer(
                ids.uuid7(), one.id, "submit", "waiting", False, cause.actor.name, "", request.note.strip(),
                dict(request.fields),
            )  # fmt: skip
            answers.append(made(batch, new))
    batch.write(cause)
    return told_of(batch, answers)


def made(batch: Batch, new: Answer) -> Answered:
    batch.made.append(new)
    batch.open[new.dispute] = new
    return Answered(new.dispute, new.id, new.state)


def twice(batch: Batch, one: Known) -> Refused:
    return errors.AnsweredBefore(external_id=batch.names[one.id], found=batch.open[one.id].state)


def told_of(batch: Batch, answers: Sequence[Answered | Refused]) -> list[Answered | Refused]:
    """Answers as they stand once local providers have taken theirs."""
    local = {one.id for one in batch.found.values() if batch.payment(one).provider in providers.LOCAL}
    return [
        Answered(one.dispute, one.answer, "done")
        if isinstance(one, Answered) and one.state == "waiting" and one.dispute in local
        else one
        for one in answers
    ]


def duties(cause: Cause, batch: Batch, side: str, disputes: Sequence[Known]) -> dict[UUID, Refused]:
    """Disputes that somebody else has to act on."""
    if not disputes:
        return {}
    duties = [Duty(one.id, DUTY, side, cause.actor.name, batch.names[one.id]) for one in disputes]
    told = take_duty(cause, requests=duties)
    return {one.id: answer for one, answer in zip(disputes, told, strict=True) if isinstance(answer, Refused)}


# ---- what providers say


def step(state: str, event: str) -> str:
    after = ANSWER.step(state, event)
    assert not isinstance(after, Refused), after
    return after


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
    What was refused is a work item while somebody can still answer; the dispute stays as it was.

    Locks: the payments, the disputes, then the answers, in id order. Refuses: NotFound. Again: the first outcome.
    22 statements at most.
    """
    wanted = {"answers": [one.answer for one in requests]}
    batch = Batch({dispute for (dispute,) in sql.run(_DISPUTES_OF, wanted)})
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
                step(one.state, "confirm" if request.ok else "refuse"),
                request.error[:300],
            )
            settled[one.id] = one
            dispute = batch.found[one.dispute]
            if request.ok and _ACTS[one.kind](dispute, batch.payments, cause.at):
                changed[dispute.id] = (dispute, cause.at, {"answer": one.id})
        answers.append(Answered(one.dispute, one.id, one.state))
    if settled:
        rows = [(one.id, one.state, one.error, cause.at) for one in settled.values()]
        sql.run(_SETTLE, sql.columns(("ids", "states", "errors", "times"), rows))
        open_items(cause, requests=[
            _failed(batch, one)
            for one in settled.values()
            if one.state == "failed" and batch.found[one.dispute].state in WAITING
        ])  # fmt: skip
    if changed:
        write(cause, changed, batch.payments)
    return answers


def _under_review(one: Known, _payments: Payments, _at: datetime) -> bool:
    """What the bank decided meanwhile stays decided."""
    return one.step("respond") is None


def _accepted(one: Known, payments: Payments, at: datetime) -> bool:
    if one.step("accept") is not None:
        return False
    one.lose(payments, at)
    return True


_ACTS: Mapping[str, Callable[[Known, Payments, datetime], bool]] = {
    "submit": _under_review,
    "accept": _accepted,
}
Kind = Literal["submit", "accept"]


def _failed(batch: Batch, one: Answer) -> OpenItem:
    payment = batch.payment(batch.found[one.dispute])
    what = "the evidence" if one.kind == "submit" else "the acceptance"
    return OpenItem(
        payment.company, FAILED, "dispute", one.dispute,
        Said("{0} did not take {1}: {2}", payment.provider, what, one.error or 'no reason given'),
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
