"""Reports by mail: subscribed to on a report's page, ended on the board."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST

from entrepot.access import mailing
from entrepot.access.commands.subscribe import (
    EndSubscription,
    SubscribeReport,
    end_subscriptions,
    subscribe_reports,
)
from entrepot.insight import kpis
from entrepot.web import report_mail
from entrepot.web.edge import Request, back, clean, console, give, int_in


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


@require_POST
@console
def end(request: Request, which: UUID) -> HttpResponse:
    """No such mail any more."""
    results = give(
        request, end_subscriptions, [EndSubscription(which)], lambda _: gettext("That mail has ended.")
    )
    return back(request, reverse("reports"), results)
