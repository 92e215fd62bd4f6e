"""The audit trail: who did what, when, why, before and after; and the heads of its chains."""

from __future__ import annotations

import io
from datetime import datetime, time, timedelta

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from entrepot.insight import audit, pages
from entrepot.insight.audit import Asked
from entrepot.kernel import seal
from entrepot.web import format as fmt
from entrepot.web import lists_books
from entrepot.web.edge import Request, clean, console, day_in, int_in, page
from entrepot.web.listed import listed

PAGE = 100


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Events by subject, actor, command, kind and days, the latest first."""
    given = {name: clean(request.GET.get(name)) for name in ("subject", "actor", "command", "kind")}
    since, until = _beginning(request.GET.get("since")), _beginning(request.GET.get("until"))
    asked = Asked(
        request.reader.company.id, **given, since=since, until=until + timedelta(days=1) if until else None
    )

    def fetch(before: int | None, limit: int) -> list[audit.Entry]:
        return audit.entries(asked, before=before, limit=limit)

    shown = listed(
        request, lists_books.AUDIT, fetch, key=lambda one: one.seq, read=int_in, size=PAGE, name="before"
    )
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(),
        "names": pages.names(one.subject for one in shown.rows),
        "given": given | {name: request.GET.get(name, "") for name in ("since", "until")},
        "heads": seal.heads(),
        "lengths": seal.lengths(),
    }
    return page(request, "web/audit.html", context, area="books")


def _beginning(text: str | None) -> datetime | None:
    day = day_in(text)
    return datetime.combine(day, time.min, fmt.reading().zone) if day else None


@require_safe
@console
def heads(request: Request) -> HttpResponse:  # noqa: ARG001  every page takes it
    """The heads of the chains as a file, to be kept where nobody who has the database can reach it."""
    out = io.StringIO()
    audit.write_heads(out)
    answer = HttpResponse(out.getvalue(), content_type="application/jsonl")
    answer["Content-Disposition"] = 'attachment; filename="heads.jsonl"'
    return answer
