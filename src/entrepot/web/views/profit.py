"""Profit to the shipped unit, and what returns take of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from entrepot.insight import margins, profit, questions
from entrepot.insight.profit import Asked
from entrepot.network import queries as network
from entrepot.returns import rules as returns
from entrepot.web import format as fmt
from entrepot.web import plots
from entrepot.web.as_file import KINDS, table_as_file
from entrepot.web.edge import Request, clean, console, month_in, page

MONTHS = 3
MONTHS_MAX = 36
SHOWN = 100
"""Groups that the page names; the file has all."""
LINES = 50
COLUMNS = ("name", "units", "returned", *margins.COMPONENTS, "booked", "profit", "at_risk")


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Profit of months by SKU, channel, reason or month. `format`: the table as a file; `lines`: order lines."""
    company, now = request.reader.company, fmt.reading().now
    side = request.GET.get("by", "")
    side = side if side in profit.SIDES and side != "line" else "sku"
    asked = asked_of(request, now.date())
    if (kind := request.GET.get("lines")) in KINDS:
        rows = (
            (one.number, one.sku_code, one.channel, *_row(one.profit)[1:])
            for one in profit.lines(company.id, asked, now, None)
        )
        return table_as_file(request, kind, "profit-lines", ("order", "sku", "channel", *COLUMNS[1:]), rows)
    if (kind := request.GET.get("format")) in KINDS:
        groups = profit.profit(company.id, asked, side, now).groups()
        return table_as_file(request, kind, f"profit-{side}", COLUMNS, map(_row, groups))
    narrowed = bool(asked.sku or asked.channel or asked.reason)
    lines: list[profit.OfLine] = []
    ties: list[profit.Tied] = []
    if narrowed:
        found, lines = questions.profit_narrowed(company.id, now, asked, side, LINES)
    else:
        found, ties = questions.profit_told(company.id, now, asked, side)
    groups = found.groups()
    whole = margins.total(groups)
    context = {
        "side": side, "sides": [one for one in profit.SIDES if one != "line"], "asked": asked, "whole": whole,
        "last": fmt.months_later(asked.until, -1), "groups": groups[:SHOWN], "more": max(0, len(groups) - SHOWN),
        "statement": [(name, whole.amounts[name]) for name in margins.COMPONENTS if whole.amounts.get(name)],
        "calculated": margins.CALCULATED, "narrowed": narrowed,
        "ties": ties, "lines": lines,
        "plot": _plot(found), "currency": company.currency,
        "channels": network.channels(company=company.id).values(), "reasons": list(returns.REASONS),
    }  # fmt: skip
    return page(request, "web/profit.html", context, area="books")


def asked_of(request: Request, today: date) -> Asked:
    """What was asked for; without a month, the last three."""
    last = month_in(request.GET.get("until")) or today.replace(day=1)
    since = min(month_in(request.GET.get("since")) or fmt.months_later(last, 1 - MONTHS), last)
    since = max(since, fmt.months_later(last, 1 - MONTHS_MAX))
    said = (clean(request.GET.get(name)) for name in ("sku", "channel", "reason"))
    return Asked(since, fmt.months_later(last), *said)


def _plot(found: profit.Told) -> plots.Stacked:
    """What returns took, by month."""
    return plots.stacked("erosion", gettext("What returns took of the margin"), [
        (one.month, one.taken, gettext("%(percent)s %%") % {"percent": f"{one.percent:.1f}"})
        for one in found.erosion(plots.SERIES)
    ])  # fmt: skip


def _row(one: margins.Profit) -> list[Any]:
    amounts = (one.amounts.get(name, 0) for name in margins.COMPONENTS)
    return [
        one.name,
        one.units,
        one.returned,
        *amounts,
        one.booked_minor,
        one.profit_minor,
        one.at_risk_minor,
    ]
