"""The audit trail: who did what, when, why, before and after; and the heads of its chains."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from entrepot.insight import audit, pages, trail
from entrepot.insight.audit import Asked
from entrepot.kernel import money, seal
from entrepot.web import format as fmt
from entrepot.web import lists_books
from entrepot.web.as_csv import as_csv
from entrepot.web.as_file import note
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
        request.reader.company.id, **given, since=since, until=until + timedelta(days=1) if until else None,
        of_house=request.reader.actor.companies is None,
    )  # fmt: skip

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
        "refund": trail.refund_named(request.reader.company.id, given["subject"])
        if given["subject"]
        else None,
    }
    return page(request, "web/audit.html", context, area="books")


def _beginning(text: str | None) -> datetime | None:
    day = day_in(text)
    return datetime.combine(day, time.min, fmt.reading().zone) if day else None


@require_safe
@console
def refund(request: Request, which: UUID) -> HttpResponse:
    """One refund from its request to its posting; with `format=csv` as a file."""
    found = trail.of_refund(request.reader.company.id, which)
    if found is None:
        raise Http404
    if request.GET.get("format") == "csv":
        rows = list(_rows(found))
        note(request, "trail of a refund", "csv", len(rows), which)
        return as_csv(f"trail-{found.number}", TRAIL, rows)
    context = {
        "trail": found,
        "names": pages.names(one.subject for one in found.steps),
        "entries": pages.entries(found.journal),
    }
    return page(request, "web/refund_trail.html", context, area="month")


TRAIL = (
    "part", "occurred_at", "recorded_at", "who", "what", "document", "before", "after", "why", "rules", "version",
    "amount", "currency", "sealed",
)  # fmt: skip


def _rows(found: trail.Trail) -> Iterator[tuple[object, ...]]:
    """Steps, decisions and lines of the journal, one below the other."""
    for step in found.steps:
        yield (
            "step", step.occurred_at, step.recorded_at, step.actor, step.command, step.subject, step.before, step.after,
            step.reason, "", "", "", "", "yes" if step.is_sealed else "no",
        )  # fmt: skip
    for one in found.decided:
        yield (
            "decision", one.in_force_from or "", "", one.author, one.about, found.refund, "", one.answer, one.because,
            one.policy, one.version, "", "", "",
        )  # fmt: skip
    for line in found.journal:
        amount = Decimal(line.amount_minor).scaleb(-money.exponent(line.currency))
        yield (
            "posting", line.occurred_at, line.recorded_at, "", f"{line.account} {line.account_name}", line.document, "",
            "", line.event, line.kind, "", amount, line.currency, "",
        )  # fmt: skip


@require_safe
@console
def heads(request: Request) -> HttpResponse:  # noqa: ARG001  every page takes it
    """The heads of the chains as a file, to be kept where nobody who has the database can reach it."""
    out = io.StringIO()
    audit.write_heads(out)
    answer = HttpResponse(out.getvalue(), content_type="application/jsonl")
    answer["Content-Disposition"] = 'attachment; filename="heads.jsonl"'
    return answer
