"""What campaigns and promotions brought."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import questions
from entrepot.web import format as fmt
from entrepot.web import lists_insight
from entrepot.web.edge import Request, console, int_in, page
from entrepot.web.listed import listed_whole, part_of

DAYS = (30, 90, 365)


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Sales, margin and returns of the orders placed in the last days, by campaign and by promotion."""
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[0]
    company, now = request.reader.company, fmt.reading().now
    listing = part_of(request, lists_insight.CAMPAIGNS, lists_insight.PROMOTIONS)
    shown = listed_whole(request, listing, questions.campaigned(company.id, now, listing.part, days))
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(), "days": days, "choices": DAYS, "currency": company.currency,
        "parts": {"": _("Campaigns"), "promotions": _("Promotions")},
    }  # fmt: skip
    return page(request, "web/campaigns.html", context, area="orders")
