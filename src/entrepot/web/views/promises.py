"""What was promised against what came."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from io import StringIO

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.channels.spreadsheet.write import inert
from entrepot.insight import promises
from entrepot.network import queries as network
from entrepot.web.edge import Request, clean, console, month_in, page

BY = {
    "month": _("Month"),
    "channel": _("Channel"),
    "region": _("Country and region"),
    "service": _("Service"),
}
COLUMNS = ("orders", "on_time", "rate", "on_day", "rate_by_day", "days", "days_late")


@require_safe
@console
def kept(request: Request) -> HttpResponse:
    """Delivered orders by month, channel, region or service; as CSV with `format=csv`."""
    asked = {name: clean(request.GET.get(name)) for name in ("channel", "country", "region")}
    since, until = month_in(request.GET.get("since")), month_in(request.GET.get("until"))
    by = request.GET.get("by", "")
    by = by if by in BY else "month"
    company = request.reader.company
    rows = promises.kept(
        company.id, by, promises.Asked(_start(since), _start(until and _next(until)), **asked)
    )
    if request.GET.get("format") == "csv":
        return _as_csv(by, rows)
    context = {
        **asked, "by": by, "title": BY[by], "choices": BY.items(), "since": since, "until": until,
        "channels": network.channels(company=company.id).values(), "rows": rows, "groups": (rows[-1:], rows[:-1]),
    }  # fmt: skip
    return page(request, "web/promises.html", context, area="orders")


def _start(month: date | None) -> datetime | None:
    return datetime(month.year, month.month, 1, tzinfo=UTC) if month else None


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _as_csv(by: str, rows: list[promises.Kept]) -> HttpResponse:
    """The whole is the row without a name."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((by, *COLUMNS))
    for row in rows:
        figures = (getattr(row, column) for column in COLUMNS)
        writer.writerow(
            (inert(row.name), *(round(one, 5) if isinstance(one, float) else one for one in figures))
        )
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="promises.csv"'
    return response
