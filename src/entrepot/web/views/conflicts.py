"""Who lost what was promised, and who waits while somebody less urgent was served."""

from __future__ import annotations

from dataclasses import astuple, fields
from datetime import timedelta

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import conflicts, pages
from entrepot.web import format as fmt
from entrepot.web.as_csv import as_csv
from entrepot.web.edge import Request, console, int_in, page

DAYS = (7, 30, 90)
SHOWN = 200
"""Rows that the page has of each list; the file has all."""
WHY = {
    "held": _("The order is on hold."),
    "node": _("The node does not serve its channel, has rejected it, or the profile excludes it."),
    "ring-fence": _("The units are ring-fenced for the other channel."),
    "came before": _("The other was promised them before this order was placed."),
    "takes all or none": _(
        "It takes no part of a line or order, or of a kit, and there was not enough for the whole."
    ),
    "not explained": _("Nothing explains it: allocate the order again."),
}


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Displacements of the last days and orders passed over now; either as CSV with `format=csv`."""
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[1]
    company, now = request.reader.company.id, fmt.reading().now
    csv = request.GET.get("list") if request.GET.get("format") == "csv" else None
    if csv == "passed_over":
        found = conflicts.passed_over(company, at=now)
        return as_csv("passed-over", [one.name for one in fields(conflicts.PassedOver)], map(astuple, found))
    displaced = conflicts.displaced(company, since=now - timedelta(days=days))
    if csv:
        return as_csv("displaced", [one.name for one in fields(conflicts.Displaced)], map(astuple, displaced))
    over = conflicts.passed_over(company, at=now)
    context = {
        "days": days, "choices": DAYS, "causes": conflicts.by_cause(displaced), "displaced": displaced[:SHOWN],
        "over": over[:SHOWN], "shown": SHOWN, "why": WHY, "more_displaced": len(displaced) > SHOWN,
        "more_over": len(over) > SHOWN, "names": pages.names(one.document for one in displaced[:SHOWN]),
    }  # fmt: skip
    return page(request, "web/conflicts.html", context, area="orders")
