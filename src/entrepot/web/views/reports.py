"""Key figures: all of them at a glance, and each with its plot, its table, its definition and the rows behind it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from entrepot.access import mailing
from entrepot.access import queries as access
from entrepot.insight import kpis, questions
from entrepot.insight.kpis import Asked, Figure, Kpi, Row
from entrepot.network import queries as network
from entrepot.web import format as fmt
from entrepot.web import plots, report_mail, report_tables
from entrepot.web.as_file import KINDS as FILES
from entrepot.web.as_file import table_as_file
from entrepot.web.edge import Request, console, day_in, page
from entrepot.web.kpi_words import KINDS, WORDS

DAYS = 30
DAYS_MAX = 1100
ROWS = 200


class Change(NamedTuple):
    """A figure against the one of as many days before, and whether that is to the good."""

    before: Figure
    difference: float | None
    is_better: bool | None

    @property
    def size(self) -> float | None:
        return None if self.difference is None else abs(self.difference)


@require_safe
@console
def reports(request: Request) -> HttpResponse:
    """All key figures; `show` names those of a board of one's own, and the address keeps the choice."""
    wanted = [name for name in request.GET.getlist("show") if name in kpis.KPIS]
    shown = wanted or list(kpis.KPIS)
    context = {
        **days_asked(request),
        "shown": [(name, kpis.slug(name), WORDS[name]) for name in shown],
        "all": [(name, WORDS[name], name in shown) for name in kpis.KPIS],
        "channels": network.channels(company=request.reader.company.id).values(),
        "chosen": bool(wanted),
        "mails": [
            (one, kpis.slug(one.report), WORDS[one.report])
            for one in access.subscriptions(request.reader.company.id, request.reader.name)
            if one.report in WORDS
        ],
    }
    return page(request, "web/reports.html", context, area="home")


@require_safe
@console
def tile(request: Request, which: str) -> HttpResponse:
    """One figure for the board: now, before, and its way over time. Each is loaded by itself, so that none waits."""
    kpi = _kpi(which)
    window, company = days_asked(request), request.reader.company.id
    asked = report_tables.asked_of(window["since"], window["until"], request.GET)
    at = fmt.reading().now
    now = questions.kpi_total(company, at, kpi.name, asked)
    context = {
        "kpi": kpi, "words": WORDS[kpi.name], "slug": which, "now": now, **window,
        "change": _change(kpi, company, asked, now),
        "line": _line(kpi, questions.kpi_over_time(company, at, kpi.name, asked, window["period"])),
    }  # fmt: skip
    return render(request, "web/parts/kpi_tile.html", context)


@require_safe
@console
def report(request: Request, which: str) -> HttpResponse:
    """One figure whole. With `format` the table as a file (csv, xlsx), with `rows` the facts behind it."""
    kpi = _kpi(which)
    window, company = days_asked(request), request.reader.company.id
    asked = report_tables.asked_of(window["since"], window["until"], request.GET)
    side = request.GET.get("by", "")
    side = side if side in kpi.sides else "time"
    period, at = window["period"], fmt.reading().now
    if (kind := request.GET.get("format")) in FILES:
        found = report_tables.figures(kpi, company, at, asked, side, period)
        return table_as_file(request, kind, which, report_tables.FIGURES, found)
    if (kind := request.GET.get("rows")) in FILES:
        rows = report_tables.cells(kpis.every_row(kpi, company, at, asked))
        return table_as_file(request, kind, f"{which}-rows", report_tables.ROWS, rows)
    figures = (
        questions.kpi_over_time(company, at, kpi.name, asked, period) if side == "time"
        else questions.kpi_by(company, at, kpi.name, asked, side)
    )  # fmt: skip
    facts = questions.kpi_rows(company, at, kpi.name, asked, ROWS + 1)
    now = questions.kpi_total(company, at, kpi.name, asked)
    context: dict[str, Any] = {
        "kpi": kpi, "words": WORDS[kpi.name], "slug": which, **window, "side": side,
        "whole": (window["since"], window["until"]),
        "sides": [(one, KINDS[kpi.kind] if one == "kind" else None) for one in kpi.sides],
        "now": now, "change": _change(kpi, company, asked, now),
        "figures": [(one, _days(one.name, window) if side == "time" else None) for one in figures],
        "line": _line(kpi, figures) if side == "time" else None,
        "bars": plots.single("figures", WORDS[kpi.name].title, [(one.name, one.value or 0.0) for one in figures]),
        "rows": [(one, _behind(kpi, one)) for one in facts[:ROWS]], "more": len(facts) > ROWS, "asked": asked,
        "channels": network.channels(company=company).values(), "nodes": network.nodes(company=company),
        "filters": report_mail.kept(request.GET), "can_mail": access.sends_mail(), "rhythms": mailing.RHYTHMS,
        "kinds": mailing.FILES, "hours": range(24), "zone": fmt.reading().zone,
    }  # fmt: skip
    return page(request, "web/report.html", context, area="home")


def _kpi(which: str) -> Kpi:
    if which not in kpis.BY_SLUG:
        raise Http404
    return kpis.BY_SLUG[which]


def days_asked(request: Request, usual: int = DAYS) -> dict[str, Any]:
    """The days that are told of, both included, in the reader's zone: the last `usual` where none are named."""
    today = fmt.reading().now.astimezone(fmt.reading().zone).date()
    until = min(day_in(request.GET.get("until")) or today, today)
    since = day_in(request.GET.get("since")) or until - timedelta(days=usual - 1)
    since = max(min(since, until), until - timedelta(days=DAYS_MAX))
    days = (until - since).days + 1
    period = request.GET.get("period", "")
    if period not in kpis.PERIODS:
        period = "day" if days <= 45 else "week" if days <= 200 else "month"
    return {"since": since, "until": until, "days": days, "period": period, "periods": kpis.PERIODS}


def _behind(kpi: Kpi, row: Row) -> str:
    """Where a fact is told of: its document; else the balances of its month, or what was done at its node."""
    if row.document:
        return reverse("document", args=[row.document])
    if kpi.unit == "days":
        return f"{reverse('books')}?{urlencode({'month': row.name, 'up_to': 1})}"
    return f"{reverse('labor')}?{urlencode({'node': row.node})}" if kpi.unit == "rate" else ""


def _days(name: str, window: dict[str, Any]) -> tuple[date, date]:
    """The days of a figure over time, as far as they are asked for."""
    since, until = kpis.days_of(window["period"], date.fromisoformat(name))
    return max(since, window["since"]), min(until, window["until"])


def _change(kpi: Kpi, company: int, asked: Asked, now: Figure) -> Change:
    """Against as many days before."""
    before = questions.kpi_total(company, fmt.reading().now, kpi.name, asked.earlier)
    if now.value is None or before.value is None:
        return Change(before, None, None)
    difference = now.value - before.value
    better = None if difference == 0 else kpi.is_better(now.value, before.value)
    return Change(before, difference, better)


def _line(kpi: Kpi, figures: list[Figure]) -> plots.Line | None:
    points = [(one.name, one.value) for one in figures if one.value is not None]
    return plots.line(points, kpi.target) if len(points) > 1 else None
