"""What Stripe sends by itself: chargebacks, and what became of refunds that took their time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import inbox, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, tried
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.payments import errors
from entrepot.payments.commands.settle import Settle, settle
from entrepot.payments.commands.tell_disputes import TellDispute, tell_disputes
from entrepot.payments.providers.stripe import parse
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """A message as it came, its signature proven by whoever took it."""

    company: int
    payload: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MessageTaken:
    """What was done: `opened`, `followed`, `closed`, `settled`, `nothing`; `known` where it came before."""

    done: str


@command("payments.take_messages")
def take_messages(cause: Cause, /, *, requests: Sequence[TakeMessage]) -> list[MessageTaken | Refused]:
    """Disputes opened and decided, and attempts settled, as Stripe says.

    A message is kept by its own id, and done once. One about a payment that is not ours changes nothing. What the books
    refuse is set aside with a work item at once, and can be replayed.
    Locks: as telling disputes and settling do, in that order. Refuses: NotAMessage (of Stripe); what telling
    disputes refuses; what the ledger refuses (a closed month). Again: by key, and by the message's id. 57 statements at
    most; where the books refuse, for each.
    """
    read = [_read(one) for one in requests]
    told = {at: one for at, one in enumerate(read) if isinstance(one, parse.Message)}
    fresh = inbox.receive(
        cause,
        [
            inbox.Incoming(requests[at].company, parse.SOURCE, one.id, one.kind, requests[at].payload)
            for at, one in {(requests[at].company, one.id): (at, one) for at, one in told.items()}.values()
        ],
        "done",
    )
    kept = dict(fresh)
    answers: dict[int, MessageTaken | Refused] = {}
    new: dict[int, parse.Message] = {}
    for at, one in enumerate(read):
        if isinstance(one, Refused):
            answers[at] = one
        elif one.id in fresh:
            del fresh[one.id]
            new[at] = one
        else:
            answers[at] = MessageTaken("known")
    _act(cause, requests, new, answers)
    inbox.mark_each(
        {
            kept[one.id]: answer.message
            for at, one in new.items()
            if isinstance(answer := answers.get(at), Refused)
        },
        "set_aside",
    )
    return [answers.get(at, MessageTaken("nothing")) for at in range(len(requests))]


@dataclass(frozen=True, slots=True)
class RetakeMessage:
    """A message of Stripe that waits in the inbox to be taken again."""

    message: UUID
    key: str | None = None


@command("payments.retake_messages")
def retake_messages(cause: Cause, /, *, requests: Sequence[RetakeMessage]) -> list[MessageTaken | Refused]:
    """Messages of Stripe from the inbox, taken as if they had come now: `unread` where one can't be read, and it is
    dead again; what is refused is set aside again.

    Locks: the messages in id order, then as taking does. Refuses: NotFound (nothing of Stripe that waits); as taking.
    Again: NotFound; by key. 60 statements at most; where the books refuse, for each.
    """
    kept = inbox.lock([one.message for one in requests], [parse.SOURCE])
    waiting = list(kept.values())
    asked = [TakeMessage(one.company, one.payload) for one in waiting]
    read = [_read(one) for one in asked]
    new = {at: one for at, one in enumerate(read) if isinstance(one, parse.Message)}
    answers: dict[int, MessageTaken | Refused] = {}
    _act(cause, asked, new, answers)

    unread = {waiting[at].id: one.message for at, one in enumerate(read) if isinstance(one, Refused)}
    refused = {waiting[at].id: one.message for at, one in answers.items() if isinstance(one, Refused)}
    inbox.mark([one for one in kept if one not in unread and one not in refused], "done")
    inbox.mark_each(unread, "dead")
    inbox.mark_each(refused, "set_aside")
    told = {one.id: answers.get(at, MessageTaken("nothing")) for at, one in enumerate(waiting)}
    told |= dict.fromkeys(unread, MessageTaken("unread"))
    return [told.get(one.message, NotFound(what="waiting message", which=one.message)) for one in requests]


def _act(cause: Cause, requests: Sequence[TakeMessage], new: New, answers: Answers) -> None:
    """What new messages tell, done."""
    _tell(cause, requests, new, answers)
    _settle(cause, requests, new, answers)


def _read(one: TakeMessage) -> parse.Message | Refused:
    try:
        return parse.message(one.payload)
    except parse.UnreadableError as error:
        return errors.NotAMessage(field="message", expected="an event of Stripe", found=str(error))


Answers = dict[int, MessageTaken | Refused]
New = dict[int, parse.Message]


def _tell(cause: Cause, requests: Sequence[TakeMessage], new: New, answers: Answers) -> None:
    told = {
        at: TellDispute(one.dispute, one.at, requests[at].company) for at, one in new.items() if one.dispute
    }
    if told:
        for at, answer in zip(told, tell_disputes(cause, requests=list(told.values())), strict=True):
            answers[at] = answer if isinstance(answer, Refused) else MessageTaken(answer.done)


def _settle(cause: Cause, requests: Sequence[TakeMessage], new: New, answers: Answers) -> None:
    told = {at: one for at, one in new.items() if one.attempt and one.outcome}
    if not told:
        return
    attempts = [one.attempt for one in told.values()]
    orders = {row[:2]: row[2] for row in sql.run(_ATTEMPTS, {"ids": attempts, "provider": parse.SOURCE})}
    wanted = {
        at: Settle(one.attempt, *one.outcome[:3], bounced=not one.outcome.ok)
        for at, one in told.items()
        if one.attempt and one.outcome and (requests[at].company, one.attempt) in orders
    }
    settled = _settled(cause, wanted)
    answers.update(settled)
    _show(cause, {
        at: (requests[at].company, orders[requests[at].company, one.attempt], one, settled[at])
        for at, one in wanted.items()
    })  # fmt: skip


def _settled(cause: Cause, wanted: Mapping[int, Settle]) -> Answers:
    """All at once; where the books refuse them together, each by itself."""
    if not wanted:
        return {}

    def step() -> None:
        settle(cause, requests=list(wanted.values()))

    refused = tried(step)
    if not refused:
        return dict.fromkeys(wanted, MessageTaken("settled"))
    if len(wanted) == 1:
        return dict.fromkeys(wanted, refused[0])
    return {at: answer for at, one in wanted.items() for answer in _settled(cause, {at: one}).values()}


def _show(cause: Cause, settled: Mapping[int, tuple[int, UUID, Settle, MessageTaken | Refused]]) -> None:
    """An item for each refund that the books can't follow; those of the others are over."""
    taken = {
        (company, order) for company, order, _, answer in settled.values() if not isinstance(answer, Refused)
    }
    if taken:
        resolve_subjects(cause, requests=[
            ResolveSubject(company, NOT_SETTLED, order, "taken since") for company, order in taken
        ])  # fmt: skip
    open_items(cause, requests=[
        OpenItem(
            company, NOT_SETTLED, "order", order,
            Said(
                "Stripe says that refund {0} was {1}, which the books can't follow: {2} Then replay its message.",
                one.provider_reference, "done" if one.ok else "not done", answer.message,
            ),
            "controller", priority=90, due_in_hours=8, dedupe=str(one.attempt),
        )
        for company, order, one, answer in settled.values() if isinstance(answer, Refused)
    ])  # fmt: skip


NOT_SETTLED = "refund not settled"
"""The work item for what Stripe says of a refund and the books can't follow."""

_ATTEMPTS = """
SELECT a.company_id::int, a.id, p.order_id FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id
WHERE a.id = ANY(%(ids)s::uuid[]) AND p.provider = %(provider)s::text
"""
