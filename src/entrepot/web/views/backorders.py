"""Who waits for stock, until when and for which supply; and what each SKU holds up."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import backorders
from entrepot.network import queries as network
from entrepot.web import lists_insight
from entrepot.web.edge import Request, clean, console, page
from entrepot.web.listed import in_pages, part_of

SHOWN = 200
"""Rows of a page."""
VIEWS = {
    "": _("All that waits"),
    "late": _("Expected after the promise"),
    "uncovered": _("No supply for all of it"),
    "ahead": _("Sold ahead"),
}


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Lines in the order in which they are served, or the SKUs that they wait for."""
    company = request.reader.company.id
    view = clean(request.GET.get("view"))
    asked = {
        "view": view if view in VIEWS else "", "channel": clean(request.GET.get("channel")),
        "sku": clean(request.GET.get("sku")),
    }  # fmt: skip
    listing = part_of(request, lists_insight.BACKORDERS, lists_insight.HELD_UP)
    found = backorders.waiting(company, view=asked["view"], channel=asked["channel"], sku=asked["sku"])
    if listing.part:
        held_up = backorders.held_up(found.lines)
        shown = in_pages(request, listing, held_up, size=SHOWN, key=lambda one: one.sku)
    else:
        shown = in_pages(request, listing, found.lines, size=SHOWN, key=lambda one: one.line)
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(), **asked, "views": VIEWS, "cut_off": found.cut_off,
        "most": backorders.LIMIT, "channels": network.channels(company=company).values(),
        "parts": {"": _("By order"), "skus": _("By SKU")},
    }  # fmt: skip
    return page(request, "web/backorders.html", context, area="orders")
