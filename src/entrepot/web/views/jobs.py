"""Jobs: what forms asked of more rows, or of more of the house, than anybody waits for: how far it is, what came of
it, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import pages
from entrepot.kernel import files, jobs
from entrepot.kernel.cause import Cause
from entrepot.kernel.exports import as_oneself
from entrepot.web import format as fmt
from entrepot.web import lists_insight, words
from entrepot.web.as_csv import sent_kept
from entrepot.web.edge import Request, console, give, ids_in, page, uuid_in
from entrepot.web.listed import listed_queue
from entrepot.web.refusals import named

SHOWN = 50


@require_safe
@console
def jobs_list(request: Request) -> HttpResponse:
    """The jobs of a company, the newest first."""

    def fetch(after: UUID | None, limit: int) -> list[jobs.JobRow]:
        return jobs.jobs_of(request.reader.company.id, after=after, limit=limit)

    shown = listed_queue(request, lists_insight.JOBS, fetch, size=SHOWN)
    return shown.answer or page(request, "web/jobs.html", shown.context("jobs"), area="work")


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """How far a job is, then what became of it, as long as its address is known."""
    found = _of_reader(request, which)
    answer = found.answer if isinstance(found.answer, dict) else {}
    about = ids_in(str(answer.get(name, "")) for name in DOCUMENTS)
    names = pages.names([*ids_in(one.name for one in found.denied), *about])
    context = {
        "job": found,
        "may_withdraw": _may_withdraw(request, found),
        "denied": _told(request.reader.company.id, found.denied, names),
        "more": found.refused - len(found.denied),
        "figures": _figures(answer),
        "about": [(one, names[one]) for one in about if one in names],
        "made": _made(request, found, answer),
        "is_file": found.command == files.MAKE,
        "is_own": found.asked_by == request.reader.name,
    }
    return page(request, "web/job.html", context, area="work")


@require_POST
@console
def withdraw(request: Request, which: UUID) -> HttpResponse:
    """The rest of a job is not wanted any more; what was done of it stays. For whoever asked for it, and whoever may
    give its command."""
    found = _of_reader(request, which)
    if not _may_withdraw(request, found):
        raise Http404
    give(
        request,
        _withdrawn,
        [jobs.WithdrawJob(found.id)],
        lambda _n: (
            gettext("It is withdrawn. Nothing of it stays.")
            if found.is_one
            else gettext("The rest is withdrawn. What was done stays done.")
        ),
    )
    return redirect("job", which=which)


@require_safe
@console
def file(request: Request, which: UUID) -> HttpResponse:
    """A file that the worker made, for whoever asked for it alone."""
    found = _file(request, which)
    if found is None:
        raise Http404
    return sent_kept(found)


def _made(request: Request, found: jobs.JobRow, answer: dict[str, Any]) -> files.KeptFile | None:
    """What came of a job that made a file, as long as it can be taken, for whoever asked for it."""
    which = uuid_in(str(answer.get("file", ""))) if found.command == files.MAKE else None
    return _file(request, which) if which else None


def _file(request: Request, which: UUID) -> files.KeptFile | None:
    reader = request.reader
    return files.kept(reader.company.id, which, by=reader.name, now=fmt.reading().now)


DOCUMENTS = ("wave",)
"""Facts of answers that are documents with a page."""
FIGURES = {
    "matches": _("Matches"), "lines": _("Lines"), "liability_minor": _("Refund liability"),
    "asset_minor": _("Right to goods"), "changed_minor": _("Change"), "realized_minor": _("By settling"),
    "unrealized_minor": _("By the rate"), "balances": _("Balances"), "standards": _("Standard times"),
    "tasks": _("Tasks"), "orders": _("Orders"), "left_out": _("Left out"),
    "rows": _("Rows"),
}  # fmt: skip
"""Facts of answers that are numbers, as people read them."""


def _figures(answer: dict[str, Any]) -> list[tuple[object, int, bool]]:
    """What came out of a job of one request: each with whether it is an amount."""
    return [
        (title, answer[name], name.endswith("_minor"))
        for name, title in FIGURES.items()
        if isinstance(answer.get(name), int)
    ]


def _withdrawn(cause: Cause, *, requests: list[jobs.WithdrawJob]) -> list[object]:
    return list(jobs.withdraw_jobs(as_oneself(cause), requests=requests))


def _of_reader(request: Request, which: UUID) -> jobs.JobRow:
    found = jobs.job(which)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    return found


def _may_withdraw(request: Request, found: jobs.JobRow) -> bool:
    return request.reader.name == found.asked_by or request.reader.actor.may(found.command)


def _told(
    company: int, denied: Sequence[jobs.Denied], names: dict[UUID, pages.Name]
) -> list[tuple[str, pages.Name | str, str]]:
    """What each refusal is about, as a link where it has a page, and why, as a form says it."""
    told = []
    for one, refused in zip(denied, named(company, [one.refusal for one in denied]), strict=True):
        found = ids_in([one.name])
        which = str(found[0]) if found else ""
        name = names.get(found[0], "") if found else one.name
        told.append((which, name, words.refusal(refused)))
    return told
