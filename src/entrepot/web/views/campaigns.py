"""What campaigns and promotions brought."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import campaigns
from entrepot.web import format as fmt
from entrepot.web.edge import Request, console, int_in, page

DAYS = (30, 90, 365)


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Sales, margin and returns of the orders placed in the last days, by campaign and by promotion."""
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[0]
    company, now = request.reader.company, fmt.reading().now
    since = now - timedelta(days=days)
    context = {
        "days": days,
        "choices": DAYS,
        "groups": [
            (_("Campaigns"), campaigns.campaigns(company.id, since=since, until=now)),
            (_("Promotions"), campaigns.promotions(company.id, since=since, until=now)),
        ],
        "currency": company.currency,
    }
    return page(request, "web/campaigns.html", context, area="orders")
