"""Units in returns staging by age and due time, and how long returns take, stage by stage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import questions, return_times
from entrepot.insight.return_times import Asked, Times, Way
from entrepot.network import queries as network
from entrepot.returns import rules, staging_queries
from entrepot.web import format as fmt
from entrepot.web import lists_returns, plots
from entrepot.web.as_csv import as_csv
from entrepot.web.edge import Request, clean, console, page
from entrepot.web.listed import at_most, listed_whole
from entrepot.web.views.reports import days_asked

DAYS = 90
SHOWN = 200
STAGED_SHOWN = 50
"""Rows of staging: what is due first is worked on first, and in a house of 200,000 orders 200 rows are 163 kB."""
STAGED_SIDES = {"node": _("Node"), "reason": _("Reason"), "category": _("Category")}
SIDES = {"node": _("Node"), "channel": _("Channel"), "reason": _("Reason")}
STAGES = {
    "asked to authorized": _("asked to authorized"),
    "authorized to received": _("authorized to received"),
    "received to inspected": _("received to inspected"),
    "inspected to disposed": _("inspected to put where it goes"),
    "received to refunded": _("received to refunded"),
    "refunded to paid": _("refunded to paid"),
    "authorized to closed": _("authorized to financial closure"),
}


@require_safe
@console
def staging(request: Request) -> HttpResponse:
    """Units that wait for inspection or disposition, what is due first at the top; with `format=csv` as a file."""
    company, now = request.reader.company.id, fmt.reading().now
    node, overdue = clean(request.GET.get("node")), request.GET.get("overdue") == "1"
    side = next(
        (one for one in staging_queries.SIDES if one == request.GET.get("by")), staging_queries.SIDES[0]
    )
    most = at_most(request, STAGED_SHOWN)
    rows = staging_queries.staged(company, at=now, node=node, overdue=overdue, limit=most)
    shown = listed_whole(request, lists_returns.STAGING, rows, size=STAGED_SHOWN)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "shown": STAGED_SHOWN,
        "ages": staging_queries.ages(company, at=now, by=side),
        "side": side,
        "sides": STAGED_SIDES,
        "nodes": network.nodes(company=company),
        "node": node,
        "overdue": overdue,
        "now": now,
        "reasons": rules.REASONS,
    }
    return page(request, "web/return_staging.html", context, area="returns")


@require_safe
@console
def times(request: Request) -> HttpResponse:
    """Hours of each stage. With `format=csv` the table, with `rows=csv` when each return came how far."""
    company = request.reader.company.id
    window = days_asked(request, DAYS)
    asked = Asked(
        fmt.start_of(window["since"]), fmt.start_of(window["until"] + timedelta(days=1)),
        *(clean(request.GET.get(name)) for name in ("node", "channel", "reason")),
    )  # fmt: skip
    side = next((one for one in return_times.SIDES if one == request.GET.get("by")), None)
    if request.GET.get("rows") == "csv":
        return as_csv("return-times-rows", Way._fields, return_times.every_way(company, asked))
    if request.GET.get("format") == "csv":
        return as_csv("return-times", Times._fields, return_times.times(company, asked, side))
    now = fmt.reading().now
    rows = questions.return_times_by(company, now, asked, side)
    stage = next((one for one in STAGES if one == request.GET.get("stage")), return_times.STAGES[-1])
    weeks = questions.return_weeks(company, now, asked, stage)
    ways = questions.return_ways(company, now, asked, SHOWN + 1)
    context: dict[str, Any] = {
        "since": window["since"], "until": window["until"], "asked": asked, "side": side, "sides": SIDES, "rows": rows,
        "plot": _plot(questions.return_times_by(company, now, asked, None) if side else rows),
        "stages": STAGES, "stage": stage, "weeks": weeks, "line": _line(weeks),
        "ways": ways[:SHOWN], "more": len(ways) > SHOWN, "shown": SHOWN, "reasons": rules.REASONS,
        "channels": network.channels(company=company).values(), "nodes": network.nodes(company=company),
    }  # fmt: skip
    return page(request, "web/return_times.html", context, area="returns")


def _plot(rows: list[Times]) -> plots.Plot:
    """Half of the returns, and nine of ten, by stage."""
    return plots.paired("stages", _("Hours by stage"), "", [(one.stage, one.median, one.p90) for one in rows])


def _line(weeks: list[Times]) -> plots.Line | None:
    points = [(one.group, one.median) for one in weeks]
    return plots.line(points, None) if len(points) > 1 else None
