"""Who lost what was promised, and who waits while somebody less urgent was served."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import conflicts, pages
from entrepot.web import format as fmt
from entrepot.web import lists_insight
from entrepot.web.edge import Request, console, int_in, page
from entrepot.web.listed import listed_whole, order_of, part_of
from entrepot.web.listing import in_order

DAYS = (7, 30, 90)
SHOWN = 200
"""Rows that the page has of a list; the file has all."""
WHY = {
    "held": _("The order is on hold."),
    "node": _("The node does not serve its channel, has rejected it, or the profile excludes it."),
    "rule": _("A rule of its profile keeps that node from it:"),
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
    """Displacements of the last days, or orders passed over now."""
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[1]
    company, now = request.reader.company.id, fmt.reading().now
    listing = part_of(request, lists_insight.DISPLACED, lists_insight.PASSED_OVER)
    context: dict[str, Any] = {
        "days": days, "choices": DAYS, "why": WHY,
        "parts": {"": _("Who lost units"), "passed_over": _("Passed over")},
    }  # fmt: skip
    rows: list[Any]
    if listing.part:
        rows = conflicts.passed_over(company, at=now)
    else:
        rows = conflicts.displaced(company, since=now - timedelta(days=days))
        context["causes"] = conflicts.by_cause(rows)
    shown = listed_whole(request, listing, in_order(rows, order_of(request, listing)), size=SHOWN)
    if shown.answer:
        return shown.answer
    context |= shown.context()
    if not listing.part:
        context["names"] = pages.names(one.document for one in shown.rows)
    return page(request, "web/conflicts.html", context, area="orders")
