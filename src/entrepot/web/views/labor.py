"""Labor: which cut-offs the backlog will miss, how much is done, and how long it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import answers, questions
from entrepot.network import queries as network
from entrepot.warehouse import labor, task_times
from entrepot.warehouse.commands.fit_standards import FitStandards, fit_standards
from entrepot.web import format as fmt
from entrepot.web import lists_insight, plots, words
from entrepot.web.edge import Request, back, clean, console, give, int_in, page
from entrepot.web.listed import listed_whole, part_of

DAYS = (1, 7, 28)


@require_safe
@console
def work_times(request: Request) -> HttpResponse:
    """The outlook of each node, and throughput of the last days or the standard times in force."""
    company, now = request.reader.company.id, fmt.reading().now
    nodes = [one.code for one in network.nodes(company=company)]
    node = next((one for one in nodes if one == clean(request.GET.get("node"))), "")
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[1]
    listing = part_of(request, lists_insight.THROUGHPUT, lists_insight.STANDARDS)
    rows: list[Any]
    if listing.part:
        rows = [one for one in task_times.standards(company=company) if node in ("", one.node_code)]
    else:
        rows = [one for one in questions.throughput(company, now, days) if node in ("", one.node)]
    shown = listed_whole(request, listing, rows)
    if shown.answer:
        return shown.answer
    all_ = [one for one in task_times.outlooks(company=company, at=now) if node in ("", one.node_code)]
    outlooks = [
        replace(one, steps=steps)
        for one in all_
        if (steps := tuple(step for step in one.steps if step.orders))
    ]
    context = {
        **shown.context(),
        "outlooks": outlooks,
        "plots": [_plot(one) for one in outlooks],
        "inbound": [(one, day) for one in all_ for day in one.inbound],
        "other": [(one, waits) for one in all_ for waits in one.other],
        "late": [(one, step) for one in outlooks for step in one.steps if step.late_s],
        "parts": {"": _("What was done"), "standards": _("Standard times, in seconds")},
        "in_all": [] if listing.part else labor.by_step(rows),
        "node": node,
        "nodes": nodes,
        "days": days,
        "choices": DAYS,
    }
    return page(request, "web/labor.html", context, area="floor")


def _plot(one: task_times.NodeOutlook) -> plots.Plot:
    """Hours that are needed up to each cut-off beside those that there are."""
    rows = [
        (
            f"{words.word(step.step)} {fmt.moment(step.cutoff_at)}",
            step.needed_s / 3600,
            step.capacity_s / 3600,
        )
        for step in one.steps
    ]
    return plots.paired(one.node_code, one.node_code, "", rows)


@require_POST
@console
def fit(request: Request) -> HttpResponse:
    """Fit the standard times now, as every night does."""
    wanted = [FitStandards(request.reader.company.id)]
    results = give(request, fit_standards, wanted, _fitted, long=answers.is_large())
    return back(request, "/floor/labor/", results)


def _fitted(_n: int) -> str:
    return gettext("The standard times are fitted to the days before now.")
