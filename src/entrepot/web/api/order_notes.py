"""What people write to orders and which files they keep with them, for programs."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.kernel import pictures
from entrepot.kernel.errors import NotFound
from entrepot.orders import note_queries, noting
from entrepot.orders.commands.attach import AttachFile, WithdrawFile, attach_files, withdraw_files
from entrepot.orders.commands.notes import (
    CorrectNote,
    WithdrawNote,
    WriteNote,
    correct_notes,
    withdraw_notes,
    write_notes,
)
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import NO_NUL, Each, FileContent, Out, Own, Reason, Strict

router = Router()

Said = Annotated[str, Field(min_length=1, max_length=noting.TEXT_MAX, pattern=NO_NUL)]


class NoteIn(Strict):
    """Something to be known of an order."""

    order: UUID
    text: Said
    key: Own = None


class CorrectNoteIn(Strict):
    """What a note should have said, and why it is corrected."""

    note: UUID
    text: Said
    reason: Reason
    key: Own = None


class WithdrawNoteIn(Strict):
    """A note that counts no more."""

    note: UUID
    reason: Reason
    key: Own = None


class NoteNowOut(Out):
    """`note` is the new one where one was corrected."""

    order: UUID
    note: UUID
    state: str


class NoteOut(Out):
    """A note: `standing`, or what it said before it was `corrected` or `withdrawn`. What it says is masked where its
    person was erased."""

    id: UUID
    text: str
    corrects: UUID | None
    written_by: str
    written_at: datetime
    state: str
    ended_at: datetime | None
    ended_by: str
    ended_because: str


class NotesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[NoteOut]
    next: UUID | None


class FileIn(Strict):
    """A PDF, JPEG, PNG or WebP in base64, told by its bytes, and what its sender calls it."""

    order: UUID
    content: FileContent
    name: Annotated[str, Field(max_length=noting.NAME_MAX, pattern=NO_NUL)] = ""
    key: Own = None


class FileAttachedOut(Out):
    """`attachment` is the file with its order; `digest` is the SHA-256 of its bytes."""

    order: UUID
    attachment: UUID
    digest: str


class WithdrawFileIn(Strict):
    """A file that counts no more."""

    attachment: UUID
    reason: Reason
    key: Own = None


class FileWithdrawnOut(Out):
    order: UUID
    attachment: UUID


class FileOut(Out):
    """A file of an order; `is_here` is false where its bytes were erased with a person."""

    id: UUID
    name: str
    kind: str
    digest: str
    size: int
    is_here: bool
    added_by: str
    added_at: datetime
    ended_at: datetime | None
    ended_by: str
    ended_because: str


class FilesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[FileOut]
    next: UUID | None


class ContentOut(Out):
    """A file's bytes in base64, with its media type."""

    type: str
    content: str


@router.get("/orders/{order_id}/notes", response={200: NotesOut, **READ})
def list_order_notes(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    order_id: UUID,
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What was written to an order, the latest first, also what was corrected or withdrawn."""
    parse.own_order(order_id, company)
    return paged(note_queries.notes(order_id, after=after, limit=limit + 1), limit)


@router.get("/orders/{order_id}/files", response={200: FilesOut, **READ})
def list_attachments(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    order_id: UUID,
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Files that are kept with an order, or were, the latest first."""
    parse.own_order(order_id, company)
    return paged(note_queries.files(order_id, after=after, limit=limit + 1), limit)


@router.get("/order-attachments/{attachment}/content", response={200: ContentOut, **READ})
def get_attachment(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    attachment: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """What is in a file of an order."""
    parse.own("file", attachment, company)
    found = note_queries.file(parse.company_of(company), attachment)
    if found is None:
        raise NotFound(what="file", which=str(attachment))
    kind, content = found
    return {"type": pictures.PAPER_TYPES[kind], "content": b64encode(content).decode()}


@router.post("/order-notes", response={201: NoteNowOut, 200: NoteNowOut | list[Each[NoteNowOut]], **REFUSED})
def write_order_notes(
    request: HttpRequest,
    payload: NoteIn | Annotated[list[NoteIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Write to orders what is to be known of them."""

    def make(one: NoteIn, key: str) -> WriteNote:
        return WriteNote(one.order, one.text, key)

    return give(request, write_notes, payload, idempotency_key, make, 201)


@router.post("/order-notes/correct", response={200: NoteNowOut | list[Each[NoteNowOut]], **REFUSED})
def correct_order_notes(
    request: HttpRequest,
    payload: CorrectNoteIn | Annotated[list[CorrectNoteIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Put notes in the place of others. What those said stays to be read."""

    def make(one: CorrectNoteIn, key: str) -> CorrectNote:
        return CorrectNote(one.note, one.text, one.reason, key)

    return give(request, correct_notes, payload, idempotency_key, make)


@router.post("/order-notes/withdraw", response={200: NoteNowOut | list[Each[NoteNowOut]], **REFUSED})
def withdraw_order_notes(
    request: HttpRequest,
    payload: WithdrawNoteIn | Annotated[list[WithdrawNoteIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take notes back. What they said stays to be read."""

    def make(one: WithdrawNoteIn, key: str) -> WithdrawNote:
        return WithdrawNote(one.note, one.reason, key)

    return give(request, withdraw_notes, payload, idempotency_key, make)


@router.post(
    "/order-attachments",
    response={201: FileAttachedOut, 200: FileAttachedOut | list[Each[FileAttachedOut]], **REFUSED},
)
def attach_order_files(
    request: HttpRequest,
    payload: FileIn | Annotated[list[FileIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Keep files with orders. Equal bytes are kept once."""

    def make(one: FileIn, key: str) -> AttachFile:
        return AttachFile(one.order, parse.bytes_of(one.content), one.name, key)

    return give(request, attach_files, payload, idempotency_key, make, 201)


@router.post(
    "/order-attachments/withdraw", response={200: FileWithdrawnOut | list[Each[FileWithdrawnOut]], **REFUSED}
)
def withdraw_order_files(
    request: HttpRequest,
    payload: WithdrawFileIn | Annotated[list[WithdrawFileIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take files back. They stay to be seen."""

    def make(one: WithdrawFileIn, key: str) -> WithdrawFile:
        return WithdrawFile(one.attachment, one.reason, key)

    return give(request, withdraw_files, payload, idempotency_key, make)
