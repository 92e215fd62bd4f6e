"""What was promised against what came."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import promises, questions
from entrepot.network import queries as network
from entrepot.web import format as fmt
from entrepot.web.as_file import KINDS, table_as_file
from entrepot.web.edge import Request, clean, console, month_in, page

BY = {
    "month": _("Month"),
    "channel": _("Channel"),
    "region": _("Country and region"),
    "carrier": _("Carrier"),
    "service": _("Service"),
    "lane": _("Lane"),
}
COLUMNS = ("orders", "on_time", "rate", "on_day", "rate_by_day", "days", "days_late")


@require_safe
@console
def kept(request: Request) -> HttpResponse:
    """Delivered orders by month, channel, region or service; as a file with `format`."""
    asked = {name: clean(request.GET.get(name)) for name in ("channel", "country", "region")}
    since, until = month_in(request.GET.get("since")), month_in(request.GET.get("until"))
    by = request.GET.get("by", "")
    by = by if by in BY else "month"
    company = request.reader.company
    wanted = promises.Asked(_start(since), _start(until and fmt.months_later(until)), **asked)
    if (kind := request.GET.get("format")) in KINDS:
        # The whole is the row without a name.
        found = map(_figures, promises.kept(company.id, by, wanted))
        return table_as_file(request, kind, "promises", (by, *COLUMNS), found)
    rows = questions.promises_kept(company.id, fmt.reading().now, by, wanted)
    context = {
        **asked, "by": by, "title": BY[by], "choices": BY.items(), "since": since, "until": until,
        "channels": network.channels(company=company.id).values(), "rows": rows, "groups": (rows[-1:], rows[:-1]),
    }  # fmt: skip
    return page(request, "web/promises.html", context, area="orders")


def _start(month: date | None) -> datetime | None:
    return datetime(month.year, month.month, 1, tzinfo=UTC) if month else None


def _figures(row: promises.Kept) -> list[object]:
    figures = (getattr(row, column) for column in COLUMNS)
    return [row.name, *(round(one, 5) if isinstance(one, float) else one for one in figures)]
