"""Sorting a cart of several orders with a scanner: item, then the tote or place of its order."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.kernel.errors import Refused
from entrepot.warehouse import floor_queries, queries, sorting
from entrepot.warehouse.commands.totes import SortStop, sort_stops
from entrepot.web.edge import Request, console
from entrepot.web.views.scan.pick import METHODS
from entrepot.web.views.scan.screen import (
    Choice,
    Outcome,
    Progress,
    Screen,
    finish,
    hear,
    node_of,
    over,
    progress,
    show,
)
from entrepot.work.scanning import Scan, astray


@require_http_methods(["GET", "HEAD", "POST"])
@console
def jobs(request: Request) -> HttpResponse:
    """Carts that are picked and wait to be sorted."""

    def screen() -> Screen:
        node = node_of(request)
        found = floor_queries.sort_jobs(company=request.reader.company.id, node=node.id) if node else []
        return Screen(
            gettext("Sort"),
            gettext("Tap a list, or scan its number") if found else gettext("Nothing waits to be sorted"),
            note="" if found else gettext("Carts appear here when a batch or a zone is picked."),
            choices=tuple(_choice(one) for one in found),
            scans=gettext("List"),
        )

    if request.method == "POST":
        return hear(
            request,
            Progress("sort jobs", UUID(int=0), (), 0),
            (),
            screen,
            lambda scan, _: _open(request, scan),
        )
    return show(request, screen())


def _choice(one: floor_queries.PickJob) -> Choice:
    stops = ngettext("%(n)s stop", "%(n)s stops", one.stops) % {"n": one.stops}
    zone = gettext("zone %(zone)s") % {"zone": one.zone} if one.zone else ""
    note = " · ".join(filter(None, (stops, str(METHODS[one.method]), zone)))
    return Choice(reverse("scan-sort-one", args=[one.id]), one.number, note)


def _open(request: Request, scan: Scan) -> Outcome:
    found = floor_queries.lists_named(company=request.reader.company.id, number=scan.text.upper())
    if found:
        return redirect("scan-sort-one", found[0])
    return astray(scan, gettext("the number of a list"), ("name",))


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """One thing of the cart at a time."""
    found = queries.pick_list(which)
    if found is None:
        raise Http404
    rows = floor_queries.to_sort(which)
    if not rows:
        told = gettext("%(number)s is sorted.") % {"number": found.number}
        return over(request, "sort", which, ("warehouse.sort_stops",), "scan-sort", told)
    at = progress(request, "sort", which)

    def screen() -> Screen:
        return _screen(found.number, found.stops, rows, at)

    def decide(scan: Scan, key: str) -> Outcome:
        answer = sorting.scanned(rows, at.tokens, scan)
        if not isinstance(answer, sorting.Sorted):
            return answer
        done = finish(request, at, sort_stops, SortStop(answer.task, answer.tote, key=key))
        if isinstance(done, Refused):
            return done
        return gettext("It stands in %(tote)s.") % {"tote": answer.tote}

    if request.method == "POST":
        return hear(request, at, ("warehouse.sort_stops",), screen, decide)
    return show(request, screen())


def _screen(number: str, stops: int, rows: list[floor_queries.ToSort], at: Progress) -> Screen:
    chosen = sorting.chosen(rows, at.tokens)
    steps = (stops - len(rows) + 1, stops)
    if chosen is None:
        return Screen(
            number, gettext("Take anything off the cart, and scan it"), scans=gettext("Item"), steps=steps,
            note=ngettext("%(n)s stop is left", "%(n)s stops are left", len(rows)) % {"n": len(rows)}, back="scan-sort",
        )  # fmt: skip
    return Screen(
        number, gettext("Put it into") if chosen.tote else gettext("Put it into an empty place, and scan that"),
        chosen.tote or gettext("any free one"), f"{chosen.units} × {chosen.sku_code} · {chosen.name}",
        facts=((gettext("For"), chosen.fulfillment_number),), steps=steps, scans=gettext("Tote or place"),
        at=str(at.subject), can_undo=True, back="scan-sort",
    )  # fmt: skip
