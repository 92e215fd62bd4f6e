"""How long stock has been lying, and what of it expires soon."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.stock import ageing
from entrepot.web import format as fmt
from entrepot.web import lists_insight, plots
from entrepot.web.edge import Request, console, int_in, page
from entrepot.web.listed import at_most, listed_whole, order_of, part_of
from entrepot.web.listing import in_order

DAYS = (7, 30, 90)
SHOWN = 60
"""SKUs that the page names, the longest lying first; the file has all."""


@require_safe
@console
def stock_age(request: Request) -> HttpResponse:
    """Units and value by span of age with the oldest SKUs, or lots that expire in the next days."""
    company, reading = request.reader.company, fmt.reading()
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[1]
    today = reading.now.astimezone(reading.zone).date()
    context: dict[str, Any] = {
        "parts": {"": _("The longest lying"), "lots": _("Lots that expire")},
        "today": today, "days": days, "choices": DAYS, "currency": company.currency,
    }  # fmt: skip
    listing = part_of(request, lists_insight.AGED, lists_insight.EXPIRING)
    if listing.part:
        until = today + timedelta(days=days)
        lots = ageing.expiring(company=company.id, until=until, limit=at_most(request, SHOWN))
        shown = listed_whole(request, listing, lots, size=SHOWN)
    else:
        rows = ageing.aged(company=company.id, at=reading.now)
        shown = listed_whole(request, listing, in_order(rows, order_of(request, listing)), size=SHOWN)
        named = [(one, span_name(one)) for one in ageing.spans(rows)]
        context["plots"] = [
            plots.single("units", gettext("Units by age"), [(name, one.units) for one, name in named]),
            plots.single("value", gettext("Value by age"), [(name, one.value_minor) for one, name in named], "money"),
        ]  # fmt: skip
        context["spread"] = {"spans": [name for _span, name in named]}
    return shown.answer or page(request, "web/ageing.html", context | shown.context(), area="stock")


def span_name(one: ageing.Span) -> str:
    if one.to_days is None:
        return gettext("%(from)s days and more") % {"from": one.from_days}
    return gettext("%(from)s to %(to)s days") % {"from": one.from_days, "to": one.to_days - 1}
