"""Labor: which cut-offs the backlog will miss, how much is done, and how long it takes."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import questions
from entrepot.warehouse import task_times
from entrepot.warehouse.commands.fit_standards import FitStandards, fit_standards
from entrepot.web import format as fmt
from entrepot.web import plots
from entrepot.web.edge import Request, back, console, give, int_in, page

DAYS = (1, 7, 28)


@require_safe
@console
def work_times(request: Request) -> HttpResponse:
    """The outlook of each node, throughput of the last days, and the standard times in force."""
    company, now = request.reader.company.id, fmt.reading().now
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[1]
    outlooks = [
        replace(one, steps=steps)
        for one in task_times.outlooks(company=company, at=now)
        if (steps := tuple(step for step in one.steps if step.orders))
    ]
    context = {
        "outlooks": outlooks,
        "plots": [_plot(one) for one in outlooks],
        "late": [(one, step) for one in outlooks for step in one.steps if step.late_s],
        "throughput": questions.throughput(company, now, days),
        "standards": task_times.standards(company=company),
        "days": days,
        "choices": DAYS,
    }
    return page(request, "web/labor.html", context, area="floor")


def _plot(one: task_times.NodeOutlook) -> plots.Plot:
    """Hours that are needed up to each cut-off beside those that there are."""
    rows = [
        (f"{gettext(step.step)} {fmt.moment(step.cutoff_at)}", step.needed_s / 3600, step.capacity_s / 3600)
        for step in one.steps
    ]
    return plots.paired(one.node_code, one.node_code, "", rows)


@require_POST
@console
def fit(request: Request) -> HttpResponse:
    """Fit the standard times now, as every night does."""
    results = give(request, fit_standards, [FitStandards(request.reader.company.id)], _fitted)
    return back(request, "/floor/labor/", results)


def _fitted(_: int) -> str:
    return gettext("The standard times are fitted to the days before now.")
