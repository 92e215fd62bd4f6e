"""What people write to an order and keep with it: notes and files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.kernel import pictures
from entrepot.kernel.errors import Refused
from entrepot.orders import note_queries, noting
from entrepot.orders import queries as orders
from entrepot.orders.commands.attach import AttachFile, WithdrawFile, attach_files, withdraw_files
from entrepot.orders.commands.notes import (
    CorrectNote,
    WithdrawNote,
    WriteNote,
    correct_notes,
    withdraw_notes,
    write_notes,
)
from entrepot.web.edge import Request, back, clean, console, file_of, give, is_too_many, uuid_in

SHOWN_MAX = 100
"""Notes and files of an order that its page shows; the API reads on."""
AT_ONCE_MAX = 12


def noted(which: UUID) -> dict[str, Any]:
    """What the page of an order shows of its notes and files: those that count, and those of the past."""
    written, kept = note_queries.notes(which, limit=SHOWN_MAX), note_queries.files(which, limit=SHOWN_MAX)
    return {
        "notes": [one for one in written if one.state == noting.STANDING],
        "past_notes": [one for one in written if one.state != noting.STANDING],
        "files": [one for one in kept if one.ended_at is None],
        "past_files": [one for one in kept if one.ended_at is not None],
        "file_types": ",".join(pictures.PAPER_TYPES.values()),
        "text_max": noting.TEXT_MAX,
    }


@require_POST
@console
def write(request: Request, which: UUID) -> HttpResponse:
    """A note, and files, or only one of both. The note is written once the files are kept: a form that comes back with
    its text is sent again."""
    if orders.order(which) is None:
        raise Http404
    here, text, sent = reverse("order", args=[which]), _text(request), request.FILES.getlist("files")
    if is_too_many(request, "files", len(sent), AT_ONCE_MAX):
        return back(request, here, [])
    results: list[Any] = []
    if sent:
        # One byte more than allowed is enough for the refusal.
        wanted = [AttachFile(which, one.read(pictures.BYTES_MAX + 1), one.name or "") for one in sent]
        results += give(
            request, attach_files, wanted,
            lambda n: ngettext("%(n)s file is kept.", "%(n)s files are kept.", n) % {"n": n},
        )  # fmt: skip
    if (text or not sent) and not any(isinstance(one, Refused) for one in results):
        results += give(
            request, write_notes, [WriteNote(which, text)],
            lambda _: gettext("The note is kept with the order."),
        )  # fmt: skip
    return back(request, here, results)


@require_POST
@console
def change(request: Request, which: UUID) -> HttpResponse:
    """A note of the order corrected or withdrawn, or one of its files withdrawn."""
    reason = clean(request.POST.get("reason"))
    note, file = uuid_in(request.POST.get("note")), uuid_in(request.POST.get("file"))
    if note is not None and request.POST.get("do") == "correct":
        results = give(
            request, correct_notes, [CorrectNote(note, _text(request), reason)],
            lambda _: gettext("The note is corrected. What it said stays to be read."),
        )  # fmt: skip
    elif note is not None:
        results = give(
            request, withdraw_notes, [WithdrawNote(note, reason)],
            lambda _: gettext("The note counts no more. It stays to be read."),
        )  # fmt: skip
    elif file is not None:
        results = give(
            request, withdraw_files, [WithdrawFile(file, reason)],
            lambda _: gettext("The file counts no more. It stays to be seen."),
        )  # fmt: skip
    else:
        raise Http404
    return back(request, reverse("order", args=[which]), results)


@require_safe
@console
def file(request: Request, which: UUID) -> HttpResponse:
    """A file as it was sent: a picture to look at, a PDF to keep, and nothing that the browser would execute."""
    found = note_queries.file(request.reader.company.id, which)
    if found is None:
        raise Http404
    kind, content = found
    return file_of(content, pictures.PAPER_TYPES[kind], f"{str(which)[-12:]}.{kind}", shown=kind != "pdf")


def _text(request: Request) -> str:
    """As it was typed, in lines; more than a note may say is refused and not cut off."""
    said = request.POST.get("text", "").encode("utf-8", "ignore").decode()
    return said.replace("\r\n", "\n").replace("\x00", "").strip()
