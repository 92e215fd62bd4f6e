"""Filling pick faces with a scanner: from reserve to the face, both checked."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods

from entrepot.kernel.errors import Refused
from entrepot.warehouse import carrying, shelf_queries
from entrepot.warehouse.carrying import Carried, Load
from entrepot.warehouse.commands.replenish import Replenish, replenish
from entrepot.warehouse.shelf_queries import ReplenishmentRow
from entrepot.web import format as fmt
from entrepot.web.edge import Request, console
from entrepot.web.views.scan.carry import moved, screen_of
from entrepot.web.views.scan.screen import (
    Choice,
    Outcome,
    Progress,
    Screen,
    Tap,
    brought_of_late,
    finish,
    hear,
    is_warned,
    node_of,
    over,
    progress,
    show,
    today_of,
    warn,
)
from entrepot.work import errors
from entrepot.work import queries as work
from entrepot.work.scanning import FEWER, Item, Named, Scan, astray, counted

AT_IT = timedelta(minutes=15)
"""Whoever scanned something of a replenishment as short a while ago is at it."""
WHY = {"demand": gettext_lazy("orders wait for it"), "minimum": gettext_lazy("the pick face runs low")}


@require_http_methods(["GET", "HEAD", "POST"])
@console
def waiting(request: Request) -> HttpResponse:
    """What is to be brought, the most urgent first; a scan of the reserve bin or of the item opens it."""
    node = node_of(request)
    rows = (
        shelf_queries.replenishments(company=request.reader.company.id, node=node.id, limit=30)
        if node
        else []
    )

    others = _others(request, [one.id for one in rows])
    rows.sort(key=lambda one: one.id in others)

    def screen() -> Screen:
        return Screen(
            gettext("Replenish"),
            gettext("Tap one, or scan its bin") if rows else gettext("Every pick face has what it needs"),
            choices=tuple(_choice(one, others.get(one.id, "")) for one in rows),
            scans=gettext("Bin or item"),
        )

    def decide(scan: Scan, _: str) -> Outcome:
        named = {item.id for item in scan.items} | {
            one.sku for one in (scan.plate.goods if scan.plate else ())
        }
        for one in rows:
            if one.sku in named or (scan.bin and one.from_bin == scan.bin.id):
                return redirect("scan-replenish-one", one.id)
        done = brought_of_late(node, "replenish", scan)
        return astray(scan, gettext("a bin or an item of this list"), ("bin", "item"), done)

    if request.method == "POST":
        return hear(request, Progress("replenish jobs", UUID(int=0), (), 0), (), screen, decide)
    return show(request, screen())


def _others(request: Request, which: list[UUID]) -> dict[UUID, str]:
    """Who is at replenishments, but for the reader."""
    since = timezone.now() - AT_IT
    return work.at_it(flow="replenish", subjects=which, since=since, but=request.reader.name)


def _choice(one: ReplenishmentRow, other: str) -> Choice:
    lot = gettext("lot %(lot)s") % {"lot": one.lot} if one.lot else ""
    told = gettext("%(person)s is at it") % {"person": other} if other else str(WHY[one.why])
    note = " · ".join(filter(None, (f"{one.from_code} → {one.to_code}", lot, one.serial, told)))
    return Choice(reverse("scan-replenish-one", args=[one.id]), f"{one.quantity} × {one.sku_code}", note)


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """From which bin, what, how many, and into which."""
    row = shelf_queries.replenishment(which)
    if row is None or row.company != request.reader.company.id:
        raise Http404
    if row.state != "open":
        return over(request, "replenish", which, ("warehouse.replenish",), "scan-replenish")
    item = Item(row.sku, row.sku_code, row.quantity, row.lot, row.serial, row.expires_on, row.mixed)
    load = Load(Named(row.from_bin, row.from_code), item, Named(row.to_bin, row.to_code), asks_rest=True)
    at = progress(request, "replenish", which)

    def screen() -> Screen:
        facts = (
            (gettext("From"), row.from_code), (gettext("To"), row.to_code), (gettext("Lot"), row.lot),
            (gettext("As"), fmt.pieces(row.pieces)),
        )  # fmt: skip
        empty = "bin" in at.tokens and not counted(at.tokens).units
        taps = (Tap(FEWER, gettext("None of it is here"), "quiet"),) if empty else ()
        return screen_of(row.number, load, row.name, facts, at, "scan-replenish", taps)

    def decide(scan: Scan, key: str) -> Outcome:
        return _decide(request, row, load, at, scan, key)

    if request.method == "POST":
        return hear(request, at, ("warehouse.replenish",), screen, decide)
    # Whoever never got the answer to the first scan of the bin is told here.
    other = _others(request, [which]).get(which) if is_warned(at) else None
    return show(request, screen(), errors.ScanTaken(person=other, scanned=row.from_code) if other else None)


def _decide(
    request: Request, row: ReplenishmentRow, load: Load, at: Progress, scan: Scan, key: str
) -> Outcome:
    if scan.text == FEWER and "bin" in at.tokens and not counted(at.tokens).units:
        answer = finish(request, at, replenish, Replenish(row.id, 0, key=key))
        if isinstance(answer, Refused):
            return answer
        messages.success(request, gettext("Noted: none there. A supervisor is told."))
        return redirect("scan-replenish")
    other = _others(request, [row.id]).get(row.id)
    if other and not at.tokens and scan.bin and scan.bin.id == row.from_bin:
        return warn(request, at, other, row.from_code, key)
    found = carrying.scanned(load, at.tokens, scan, today_of(node_of(request)))
    if not isinstance(found, Carried):
        return found
    wanted = Replenish(row.id, found.units, key=key, plate=found.plate, rest_later=found.later)
    answer = finish(request, at, replenish, wanted)
    return answer if isinstance(answer, Refused) else moved(request, found, row.sku_code, "scan-replenish")
