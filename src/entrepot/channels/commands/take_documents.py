"""Interchanges of suppliers, taken in as they come or again from the inbox: their ship notices become notices of what
is on its way, and their answers confirm orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.channels import errors
from entrepot.channels.commands import noticing
from entrepot.channels.commands.noticing import Document, DocumentTaken, NoticeOfDocument
from entrepot.channels.x12.contract import NOTICE, SOURCE
from entrepot.kernel import inbox
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.messages import EMPTIED, Erased

__all__ = [
    "DocumentTaken",
    "NoticeOfDocument",
    "RetakeDocument",
    "TakeDocument",
    "retake_documents",
    "take_documents",
]


@dataclass(frozen=True, slots=True)
class TakeDocument:
    """An interchange of X12 as it came."""

    company: int
    content: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RetakeDocument:
    """An interchange by the message of the inbox that keeps it, and waits to be taken again as it stands there."""

    message: UUID
    key: str | None = None


@command("channels.take_documents")
def take_documents(cause: Cause, /, *, requests: Sequence[TakeDocument]) -> list[DocumentTaken | Refused]:
    """Interchanges of ship notices and answers to orders, each kept raw in the inbox once. Each notice is taken,
    replaced or cancelled, and each answer confirms its order, whole or not at all; while one is refused its interchange
    is set aside, with work, and the same one brought again takes the rest.

    Locks: the messages, new ones by their names and then all by id; then as taking and closing notices and confirming.
    Refuses: Invalid (longer than a document may be); channels.x12_unreadable (nothing is kept of it);
    channels.control_number_used; channels.interchange_dropped. Again: by key, and by sender and control number: the
    notices that were taken. 11 statements at most, and those of taking and closing notices and of confirming.
    """
    found = [noticing.read(one.company, one.content) for one in requests]
    documents = [one for one in found if isinstance(one, Document)]
    refused = _keep(cause, documents)
    first: dict[UUID, Document] = {}
    for one in documents:
        if id(one) not in refused:
            first.setdefault(one.message, one)
    if first:
        noticing.take(cause, list(first.values()))
    return [
        one
        if isinstance(one, Refused)
        else refused.get(id(one)) or noticing.answer(cause, first[one.message])
        for one in found
    ]


@command("channels.retake_documents")
def retake_documents(cause: Cause, /, *, requests: Sequence[RetakeDocument]) -> list[DocumentTaken | Refused]:
    """Interchanges from the inbox, as they came or as a person mended them: what was not taken of them is taken now.
    One that can't be read, or is another one now, is set aside again, with work.

    Locks: the messages in id order, then as taking and closing notices does. Refuses: NotFound (nothing that waits);
    kernel.message_erased; channels.x12_unreadable; Invalid (another sender or control number).
    Again: NotFound; by key. 11 statements at most, and those of taking and closing notices.
    """
    kept = inbox.lock([one.message for one in requests], [SOURCE])
    answers: dict[UUID, Document | Refused] = {which: _reread(one) for which, one in kept.items()}
    noticing.set_aside(
        cause,
        [
            (kept[which].company, which, one.message)
            for which, one in answers.items()
            if isinstance(one, Refused)
        ],
    )
    documents = [one for one in answers.values() if isinstance(one, Document)]
    if documents:
        noticing.take(cause, documents)
    return [
        noticing.answer(cause, told) if isinstance(told := answers.get(one.message), Document)
        else told or NotFound(what="waiting message", which=str(one.message))
        for one in requests
    ]  # fmt: skip


def _keep(cause: Cause, documents: Sequence[Document]) -> dict[int, Refused]:
    """Documents in the inbox, as they came first, and why some stay as they are. 2 statements."""
    if not documents:
        return {}
    coming = {
        (one.company, one.name): inbox.Incoming(one.company, SOURCE, one.name, NOTICE, one.content)
        for one in reversed(documents)
    }
    names = sorted(coming)
    new = set(inbox.receive(cause, [coming[name] for name in names], state="set_aside").values())
    kept = inbox.lock_named(SOURCE, names)
    refused: dict[int, Refused] = {}
    for one in documents:
        found, facts = (
            kept[one.company, one.name],
            {"control": one.read.control, "sender": one.read.sender[1].strip()},
        )
        if found.payload not in (one.content, EMPTIED):
            refused[id(one)] = errors.ControlNumberUsed(**facts)
        elif found.state == "dropped":
            refused[id(one)] = errors.InterchangeDropped(**facts)
        _stand(one, found, is_fresh=found.id in new)
    return refused


def _reread(kept: inbox.Kept) -> Document | Refused:
    if kept.payload == EMPTIED:
        return Erased()
    found = noticing.read(kept.company, kept.payload)
    if isinstance(found, Document):
        if found.name != kept.external_id:
            return Invalid(field="sender and control number", expected=kept.external_id, found=found.name)
        _stand(found, kept, is_fresh=False)
    return found


def _stand(one: Document, kept: inbox.Kept, *, is_fresh: bool) -> None:
    one.message, one.received_at, one.is_done = kept.id, kept.received_at, kept.state == "done"
    one.is_fresh = is_fresh
