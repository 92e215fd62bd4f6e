"""Interchanges of suppliers by their files: taken in, and what became of each ship notice."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from entrepot.channels import queries
from entrepot.channels.commands.take_documents import DocumentTaken, TakeDocument, take_documents
from entrepot.channels.x12.contract import CONTENT_MAX, SOURCE
from entrepot.channels.x12.envelope import text_of
from entrepot.web import lists_insight, words
from entrepot.web.edge import Request, cause_of, console, page
from entrepot.web.listed import at_most, listed_whole

SHOWN = 50
BYTES_MAX = 4 * CONTENT_MAX


@require_http_methods(["GET", "HEAD", "POST"])
@console
def take(request: Request) -> HttpResponse:
    """The form and the interchanges that came last; after its file, what became of it."""
    context: dict[str, Any] = _taken(request) if request.method == "POST" else {}
    rows = queries.interchanges(request.reader.company.id, SOURCE, limit=at_most(request, SHOWN))
    shown = listed_whole(request, lists_insight.INTERCHANGES, rows, size=SHOWN)
    context |= shown.context()
    return shown.answer or page(request, "web/edi_documents.html", context, area="integration")


def _taken(request: Request) -> dict[str, Any]:
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > BYTES_MAX:
        return {"refused": gettext("Choose a file of at most 4 MB.")}
    wanted = TakeDocument(request.reader.company.id, text_of(file.read()))
    (answer,) = take_documents(cause_of(request, f"file {file.name}"), requests=[wanted])
    if isinstance(answer, DocumentTaken):
        return {"taken": answer}
    return {"refused": words.refusal(answer)}
