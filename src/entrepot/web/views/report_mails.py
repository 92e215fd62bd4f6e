"""Reports by mail: subscribed to on a report's page, ended on the board; those that were not sent, of everybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import get_language, gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access import mailing
from entrepot.access import queries as access
from entrepot.access.commands.subscribe import (
    EndSubscription,
    RetryMailing,
    SubscribeReport,
    end_subscriptions,
    retry_mailings,
    subscribe_reports,
)
from entrepot.insight import kpis
from entrepot.web import format as fmt
from entrepot.web import lists_insight, report_mail
from entrepot.web.edge import Request, back, clean, console, give, ids_in, int_in, page
from entrepot.web.kpi_words import WORDS
from entrepot.web.listed import listed_whole


@require_POST
@console
def subscribe(request: Request, which: str) -> HttpResponse:
    """The report with its filters, at an hour of the reader's zone, with its tables as a file."""
    kpi = kpis.BY_SLUG.get(which)
    if kpi is None:
        raise Http404
    hour = int_in(request.POST.get("hour"))
    wanted = SubscribeReport(
        request.reader.company.id, kpi.name, clean(request.POST.get("rhythm")), -1 if hour is None else min(hour, 24),
        request.COOKIES.get("zone") or "UTC", report_mail.kept(QueryDict(request.POST.get("query", "")[:500])),
        get_language() or "en", clean(request.POST.get("file")) or mailing.FILES[0],
    )  # fmt: skip
    results = give(
        request, subscribe_reports, [wanted], lambda _: gettext("The report comes by mail from now on.")
    )
    return back(request, reverse("report", args=[which]), results)


@dataclass(frozen=True, slots=True)
class Row:
    """A mail that was not sent, with what its report is called."""

    id: UUID
    title: str
    slug: str
    query: str
    person: str
    period: str
    state: str
    attempts: int
    taken_at: datetime
    error: str


@require_safe
@console
def unsent(request: Request) -> HttpResponse:
    """Mails of reports that did not go out, whoever's they are, and why; the next one of a subscription that goes out
    takes its place."""
    rows = [
        Row(
            one.id, str(WORDS[one.report].title), kpis.slug(one.report), one.query, one.person, one.period, one.state,
            one.attempts, one.taken_at, one.error,
        )
        for one in access.unsent(request.reader.company.id, fmt.reading().now)
        if one.report in WORDS
    ]  # fmt: skip
    shown = listed_whole(request, lists_insight.MAILS, rows)
    context = {
        **shown.context(), "can_mail": access.sends_mail(),
        "may": access.sends_mail() and request.reader.actor.may("access.retry_mailings"),
    }  # fmt: skip
    return shown.answer or page(request, "web/report_mails.html", context, area="integration")


@require_POST
@console
def retry(request: Request) -> HttpResponse:
    """Mails that did not go out, tried anew."""
    company = request.reader.company.id
    wanted = [RetryMailing(company, one) for one in ids_in(request.POST.getlist("mail"))]
    give(request, retry_mailings, wanted, _again)
    return back(request, reverse("report-mails"))


def _again(n: int) -> str:
    told = ngettext(
        "%(n)s mail is tried again within a minute.", "%(n)s mails are tried again within a minute.", n
    )
    return told % {"n": n}


@require_POST
@console
def end(request: Request, which: UUID) -> HttpResponse:
    """No such mail any more."""
    results = give(
        request, end_subscriptions, [EndSubscription(which)], lambda _: gettext("That mail has ended.")
    )
    return back(request, reverse("reports"), results)
