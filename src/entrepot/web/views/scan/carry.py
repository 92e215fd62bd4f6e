"""Putting away and moving with a scanner: what, how many, and where to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from entrepot.kernel.errors import Refused
from entrepot.warehouse import carrying, shelf_queries, storing
from entrepot.warehouse.carrying import LATER, Load
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.shelf_queries import Here
from entrepot.warehouse.storing import Waiting
from entrepot.web import words
from entrepot.web.edge import Request, console
from entrepot.web.views.scan import plate
from entrepot.web.views.scan.screen import (
    Choice,
    Goods,
    Outcome,
    Progress,
    Screen,
    Tap,
    brought_of_late,
    finish,
    hear,
    keep,
    kind_of,
    node_of,
    over,
    progress,
    show,
    today_of,
)
from entrepot.web.words import word
from entrepot.work import errors
from entrepot.work.scanning import ALL, LOT, YES, Item, Keep, Named, Scan, astray, check_item, counted

_REASONS = {"put-away": "put_away", "move": "move"}
"""Of what a flow moves, as the moves say it."""
ANYWHERE = ("pick", "reserve", "receiving", "packing", "quarantine")
NOWHERE = UUID(int=0)
SHOWN = 30
"""Plates at the dock that the list names."""


@require_http_methods(["GET", "HEAD", "POST"])
@console
def received(request: Request) -> HttpResponse:
    """What waits to be put away: an item is scanned, or tapped."""
    node = node_of(request)
    rows = storing.to_put_away(node=node.id) if node else []

    def screen() -> Screen:
        plates = plate.at_the_dock(request.reader.company.id, node, SHOWN) if rows else ()
        return Screen(
            gettext("Put away"),
            gettext("Scan what you put away") if rows else gettext("Nothing waits to be put away"),
            choices=(*plates, *(_choice(one, "put-away") for one in rows)),
            scans=gettext("Item or plate"),
            note="" if rows else gettext("It appears here when goods are received."),
        )

    if request.method == "POST":
        at = Progress("put-away", NOWHERE, (), 0)

        def decide(scan: Scan, key: str) -> Outcome:
            return plate.opens(scan, node) or _choose(request, "put-away", rows, scan, key)

        return hear(request, at, (), screen, decide)
    return show(request, screen())


@require_http_methods(["GET", "HEAD", "POST"])
@console
def move_from(request: Request) -> HttpResponse:
    """The bin that something is moved out of."""

    def screen() -> Screen:
        return Screen(
            gettext("Move"), gettext("Scan the bin to take from, or a plate"), scans=gettext("Bin or plate")
        )

    def decide(scan: Scan, _: str) -> Outcome:
        if opened := plate.opens(scan, node_of(request)):
            return opened
        if scan.bin:
            return redirect("scan-move-in", scan.bin.id)
        told = errors.ScanOutOfTurn if scan.items else errors.ScanUnknown
        return told(scanned=scan.shown, wanted=gettext("the bin to take from"))

    if request.method == "POST":
        return hear(request, Progress("move", NOWHERE, (), 0), (), screen, decide)
    return show(request, screen())


@require_http_methods(["GET", "HEAD", "POST"])
@console
def move_in(request: Request, which: UUID) -> HttpResponse:
    """What stands in the bin: an item is scanned, or tapped."""
    found = shelf_queries.bin_by_id(which)
    node = node_of(request)
    if found is None or node is None or found.node != node.id:
        raise Http404
    rows = shelf_queries.in_bin(which)

    def screen() -> Screen:
        return Screen(
            gettext("Move"),
            gettext("Scan what you take from") if rows else gettext("Nothing can be moved from"),
            found.code,
            choices=tuple(_choice(one, "move") for one in rows),
            scans=gettext("Item") if rows else gettext("Another bin"),
            back="scan-move",
            goods=Goods(found.code, skus=tuple({one.sku for one in rows})),
        )

    def decide(scan: Scan, key: str) -> Outcome:
        if scan.bin and not rows:
            return redirect("scan-move-in", scan.bin.id)
        return _choose(request, "move", rows, scan, key)

    if request.method == "POST":
        return hear(request, Progress("move", which, (), 0), (), screen, decide)
    return show(request, screen())


def _choice(one: Here | Waiting, flow: str) -> Choice:
    status = "" if one.status == "sellable" else word(one.status)
    lot = _lot_told(one.lot) if one.lot else ""
    goes = f"→ {one.choices[0].code}" if isinstance(one, Waiting) and one.choices else ""
    note = " · ".join(filter(None, (one.bin_code, lot, one.serial, status, goes)))
    return Choice(reverse(f"scan-{flow}-one", args=[one.bucket]), f"{one.free} × {one.sku_code}", note)


def _choose(request: Request, flow: str, rows: Sequence[Here | Waiting], scan: Scan, key: str) -> Outcome:
    """The first bucket that the scan fits, with one scan made of it; else why it fits none."""
    refused: Refused = errors.ScanUnknown(scanned=scan.shown, wanted="")
    named, today = {item.id for item in scan.items}, today_of(node_of(request))
    for one in sorted(rows, key=lambda row: (bool(scan.lot) and row.lot != scan.lot, row.bucket)):
        if one.sku not in named and one.serial != scan.text:
            continue
        found = check_item(_item(one), counted(()), scan, _expiring(one, today))
        if isinstance(found, Keep):
            if len(kinds := _kinds(rows, scan)) > 1:
                return errors.ScanAmbiguous(scanned=scan.shown, wanted=", ".join(kinds))
            before = progress(request, flow, one.bucket)
            # The same scan once more goes on with what was in the hands; another begins anew with what it says.
            tokens = before.tokens if found.token in before.tokens else (found.token,)
            return keep(request, before, tokens, key) or redirect(f"scan-{flow}-one", one.bucket)
        refused = found
    if not isinstance(refused, errors.ScanUnknown):
        return refused
    wanted = gettext("what you take") if scan.bin else gettext("an item that waits here")
    return astray(scan, wanted, ("item",), brought_of_late(node_of(request), _REASONS[flow], scan))


def _kinds(rows: Sequence[Here | Waiting], scan: Scan) -> list[str]:
    """As what the goods that were scanned stand there, where the barcode leaves it open: by lot, condition and bin."""
    named = {item.id for item in scan.items}
    fit = [one for one in rows if one.sku in named and not one.serial and scan.lot in ("", one.lot)]
    apart = [
        len({one.lot for one in fit}) > 1, len({one.status for one in fit}) > 1,
        len({one.bin for one in fit}) > 1,
    ]  # fmt: skip
    told = ((_lot_told(one.lot), word(one.status), one.bin_code) for one in fit)
    return sorted(
        {" · ".join(name for name, differs in zip(names, apart, strict=True) if differs) for names in told}
    )


def _lot_told(lot: str) -> str:
    return gettext("lot %(lot)s") % {"lot": lot} if lot else gettext("without a lot")


def _item(one: Here | Waiting) -> Item:
    mixed = isinstance(one, Here) and one.mixed
    return Item(one.sku, one.sku_code, one.free, one.lot, one.serial, None, mixed)


def _expiring(one: Here | Waiting, today: date) -> date:
    """The day up to which nothing may have expired. What is not for sale may: it is brought aside."""
    return today if one.status == "sellable" else date.min


@require_http_methods(["GET", "HEAD", "POST"])
@console
def put_away_one(request: Request, which: UUID) -> HttpResponse:
    return _carry(request, "put-away", which)


@require_http_methods(["GET", "HEAD", "POST"])
@console
def move_one(request: Request, which: UUID) -> HttpResponse:
    return _carry(request, "move", which)


def _carry(request: Request, flow: str, which: UUID) -> HttpResponse:
    one = shelf_queries.in_bucket(which)
    if one is None:
        return over(request, flow, which, ("warehouse.put_away",), f"scan-{flow}")
    if one.company != request.reader.company.id:
        raise Http404
    shelves = carrying.SHELVES if one.status in carrying.FOR_SALE else carrying.ASIDE
    kinds = ANYWHERE if flow == "move" else shelves
    load = Load(Named(one.bin, one.bin_code), _item(one), kinds=kinds, is_checked=True)
    at = progress(request, flow, which)
    title = gettext("Put away") if flow == "put-away" else gettext("Move")

    def screen() -> Screen:
        return carry_screen(title, load, one, at, f"scan-{flow}")

    def decide(scan: Scan, key: str) -> Outcome:
        found = carrying.scanned(
            load, at.tokens, scan, _expiring(one, today_of(node_of(request))), kind_of(scan)
        )
        if not isinstance(found, carrying.Carried):
            return found
        wanted = PutAway(
            one.company, one.sku, one.bin, found.bin.id, found.units, one.status, one.lot, one.serial, key=key,
            why="move" if flow == "move" else "put_away",
        )  # fmt: skip
        answer = finish(request, at, put_away, wanted)
        if isinstance(answer, Refused):
            return answer
        return moved(request, found, one.sku_code, f"scan-{flow}")

    if request.method == "POST":
        return hear(request, at, ("warehouse.put_away",), screen, decide)
    return show(request, screen())


def moved(request: Request, found: carrying.Carried, code: str, then: str) -> HttpResponse:
    """Say what stands where now, and go on."""
    told = {"n": found.units, "code": code, "bin": found.bin.code}
    messages.success(request, gettext("%(n)s × %(code)s stand in %(bin)s.") % told)
    return redirect(then)


def carry_screen(title: str, load: Load, one: Here, at: Progress, back: str) -> Screen:
    """The step of a load that may go to any bin: with the bins that the rules of put-away suggest, and why."""
    units = counted(at.tokens).units
    found = storing.suggested(bucket=one.bucket, units=units) if units else ()
    others = [choice.code for choice in found]
    also = ", ".join([*others[1:4], gettext("any other bin")]) if others else ""
    facts = (
        (gettext("What"), f"{units} × {one.sku_code}" if units else ""), (gettext("From"), one.bin_code),
        (gettext("Lot"), one.lot), (gettext("Serial"), one.serial),
        (gettext("Why there"), words.told(found[0].why) if found else ""), (gettext("Or into"), also),
    )  # fmt: skip
    return screen_of(title, load, one.name, facts, at, back, suggested=others[0] if others else "")


def screen_of(
    title: str, load: Load, name: str, facts: tuple[tuple[str, str], ...], at: Progress, back: str,
    taps: tuple[Tap, ...] = (), suggested: str = "",
) -> Screen:  # fmt: skip
    """The step of a load: the bin, the item, or where to put it: where it must go, or where more of it stands."""
    step, units = carrying.ask(load, at.tokens)
    most = load.item.quantity
    ask, what = {
        "bin": (gettext("Go to bin"), load.source.code),
        "item": (gettext("Take"), f"{most} × {load.item.code}"),
        "lot": (gettext("Type or scan its lot"), load.item.lot),
        "rest": (gettext("Fewer than was asked for"), f"{units} / {most}"),
        "target": (
            gettext("Take more, or put it into"),
            load.target.code if load.target else suggested or gettext("any bin"),
        ),
    }[step]
    if step == "target" and units == most:
        ask = gettext("Put it into")
    is_more = step == "target" and units < most and not counted(at.tokens).serials
    if is_more:
        taps = (Tap(ALL, gettext("All %(n)s") % {"n": most}, "main"), *taps)
    if step == "lot":  # A lot often stands on goods in words alone.
        taps = (Tap(LOT + load.item.lot, gettext("It is lot %(lot)s") % {"lot": load.item.lot}),)
    if step == "rest":
        taps = (
            Tap(LATER, gettext("%(n)s more come later") % {"n": most - units}, "main"),
            Tap(YES, gettext("No more is in %(bin)s: report it") % {"bin": load.source.code}, "bad"),
        )
    scans = {
        "bin": gettext("Bin"),
        "item": gettext("Item"),
        "lot": gettext("Lot"),
        "target": gettext("Bin or item"),
        "rest": "",
    }
    return Screen(
        title, ask, what, name, facts=tuple((label, value) for label, value in facts if value),
        units=(units, most) if step != "bin" else None, taps=taps,
        scans=scans[step], note=gettext("Scan more, or type how many there are.") if is_more else "",
        at=str(at.subject), can_undo=bool(at.tokens), back=back,
        goods=Goods(load.source.code, load.item.code, (load.item.sku,)) if step == "item" else None,
    )  # fmt: skip
