"""How long stock has been lying, and what of it expires soon."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from entrepot.stock import ageing
from entrepot.web import format as fmt
from entrepot.web import plots
from entrepot.web.as_csv import as_csv
from entrepot.web.edge import Request, console, int_in, page

DAYS = (7, 30, 90)
SHOWN = 60
"""SKUs that the page names, the longest lying first; the file has all."""


@require_safe
@console
def stock_age(request: Request) -> HttpResponse:
    """Units and value by span of age, the oldest SKUs, and lots that expire in the next days."""
    company, reading = request.reader.company, fmt.reading()
    rows = ageing.aged(company=company.id, at=reading.now)
    if request.GET.get("format") == "csv":
        names = (
            "sku_code",
            "sku_name",
            "units",
            "value_minor",
            "days",
            *(f"from_{edge}_days" for edge in (0, *ageing.EDGES)),
        )
        told = (
            (one.sku_code, one.sku_name, one.units, one.value_minor, one.days, *one.spans) for one in rows
        )
        return as_csv("ageing", names, told)
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[1]
    today = reading.now.astimezone(reading.zone).date()
    spans = ageing.spans(rows)
    named = [(one, span_name(one)) for one in spans]
    context = {
        "spans": named,
        "plots": [
            plots.single("units", gettext("Units by age"), [(name, one.units) for one, name in named]),
            plots.single("value", gettext("Value by age"), [(name, one.value_minor) for one, name in named], "money"),
        ],
        "oldest": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "shown": SHOWN,
        "lots": ageing.expiring(company=company.id, until=today + timedelta(days=days), limit=SHOWN),
        "today": today,
        "days": days,
        "choices": DAYS,
        "currency": company.currency,
    }  # fmt: skip
    return page(request, "web/ageing.html", context, area="stock")


def span_name(one: ageing.Span) -> str:
    if one.to_days is None:
        return gettext("%(from)s days and more") % {"from": one.from_days}
    return gettext("%(from)s to %(to)s days") % {"from": one.from_days, "to": one.to_days - 1}
