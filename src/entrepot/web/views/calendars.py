"""Calendars: until when nodes ship on each weekday, on which days they are closed, and when targets of work run."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_time
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.kernel import policies
from entrepot.network import queries as network
from entrepot.network.commands.register import SetCutOff, SetHoliday, set_cut_offs, set_holidays
from entrepot.network.queries import Node
from entrepot.network.rules import Calendar, ShipDate, local_day, next_ship_date
from entrepot.web import format as fmt
from entrepot.web.edge import Request, Undo, back, clean, console, day_in, give, int_in, misread, page
from entrepot.work import rules as work
from entrepot.work.commands.steering import CALENDAR


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Every node with its week, its next holiday and when what is ready now leaves it; and the calendars of targets."""
    company, now = request.reader.company.id, fmt.reading().now
    nodes = network.nodes(company=company)
    which = [node.id for node in nodes]
    calendars = network.calendars(nodes=which)
    coming: dict[UUID, tuple[date, str]] = {}
    for node, day, name in network.holidays(nodes=which, since=local_day(now, "UTC")):
        coming.setdefault(node, (day, name))
    context = {
        "nodes": [(node, fmt.week(calendars[node.id].week), coming.get(node.id), _leaves(node, calendars[node.id]))
                  for node in nodes],
        "targets": sorted(policies.in_force(company, work.Calendar, now).items()),
        "kind": CALENDAR,
    }  # fmt: skip
    return page(request, "web/calendars.html", context, area="policies")


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """The calendar of a node."""
    node = _known(request, which)
    calendar = network.calendars(nodes=[which])[which]
    today = local_day(fmt.reading().now, node.time_zone)
    context = {
        "node": node, "today": today, "years": (today.year, today.year + 1),
        "days": [(n, WEEKDAYS[n], calendar.week.get(n)) for n in range(7)],
        "holidays": [(day, name) for _, day, name in network.holidays(nodes=[which])],
        "leaves": _leaves(node, calendar), "parts": work.parts_of(node.country),
        "public": node.country in work.countries(),
    }  # fmt: skip
    return page(request, "web/calendar.html", context, area="policies")


@require_POST
@console
def set_week(request: Request, which: UUID) -> HttpResponse:
    """Until when a node ships on each weekday; an empty time: not on that day."""
    _known(request, which)
    wanted = []
    for day in range(7):
        text = clean(request.POST.get(f"day-{day}"))
        at = _time_in(text)
        if text and at is None:
            misread(request, f"day-{day}", gettext("Write times such as 16:30."))
            return back(request, reverse("calendar", args=[which]), [])
        wanted.append(SetCutOff(which, day, at))
    results = give(request, set_cut_offs, wanted, lambda _n: gettext("The week is set."))
    return back(request, reverse("calendar", args=[which]), results)


@require_POST
@console
def close(request: Request, which: UUID) -> HttpResponse:
    """One day on which the node is closed."""
    _known(request, which)
    day = day_in(request.POST.get("day"))
    if day is None:
        misread(request, "day", gettext("Choose the day from the calendar, or write it as 2026-12-25."))
        return back(request, reverse("calendar", args=[which]), [])
    stood = {day for _, day, _name in network.holidays(nodes=[which])}
    wanted = [SetHoliday(which, day, clean(request.POST.get("name")))]
    results = give(request, set_holidays, wanted, _closed, undo=None if day in stood else _open_these)
    return back(request, reverse("calendar", args=[which]), results)


@require_POST
@console
def close_public(request: Request, which: UUID) -> HttpResponse:
    """The public holidays of a year where the node is; a day that has a name already keeps it."""
    node, part, year = (
        _known(request, which),
        clean(request.POST.get("part")),
        int_in(request.POST.get("year")),
    )
    today = local_day(fmt.reading().now, node.time_zone)
    if year not in (today.year, today.year + 1) or (part and part not in work.parts_of(node.country)):
        messages.error(request, gettext("Choose the year and the part of the country from the lists."))
        return back(request, reverse("calendar", args=[which]), [])
    named = {day for _, day, _name in network.holidays(nodes=[which])}
    wanted = [
        SetHoliday(which, day, name)
        for day, name in sorted(work.public_holidays(node.country, part, year).items())
        if day not in named
    ]
    results = give(request, set_holidays, wanted, _closed, undo=_open_these)
    return back(request, reverse("calendar", args=[which]), results)


@require_POST
@console
def open_again(request: Request, which: UUID) -> HttpResponse:
    """Days on which the node works after all."""
    _known(request, which)
    wanted = [SetHoliday(which, day, None) for text in request.POST.getlist("day") if (day := day_in(text))]
    names = {day: name for _, day, name in network.holidays(nodes=[which])}

    def undo(told: list[Any]) -> Undo | None:
        day = told[0][0].day
        if len(told) > 1 or day not in names:
            return None
        fields = [("day", day.isoformat()), ("name", names[day])]
        return Undo("network.set_holidays", reverse("calendar-close", args=[which]), fields)

    give(request, set_holidays, wanted, _opened, undo=undo)
    return back(request, reverse("calendar", args=[which]))


def _open_these(told: list[Any]) -> Undo:
    """What opens days again that were just closed."""
    fields = [("day", asked.day.isoformat()) for asked, _ in told]
    return Undo("network.set_holidays", reverse("calendar-open", args=[told[0][0].node]), fields)


def _known(request: Request, which: UUID) -> Node:
    found = next((one for one in network.nodes(company=request.reader.company.id) if one.id == which), None)
    if found is None:
        raise Http404
    return found


def _leaves(node: Node, calendar: Calendar) -> ShipDate | None:
    """When what is ready now leaves a node."""
    return next_ship_date(fmt.reading().now, node.time_zone, calendar)


def _time_in(text: str) -> time | None:
    try:
        found = parse_time(text)
    except ValueError:
        return None
    return found if found is None or found.tzinfo is None else None


def _closed(n: int) -> Any:
    return ngettext("%(n)s day is closed.", "%(n)s days are closed.", n) % {"n": n}


def _opened(n: int) -> Any:
    return ngettext("%(n)s day is open again.", "%(n)s days are open again.", n) % {"n": n}
