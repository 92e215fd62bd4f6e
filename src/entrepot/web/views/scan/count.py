"""Counting a bin with a scanner, blind: no figure is shown but what was scanned."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.catalog import queries as catalog
from entrepot.kernel.errors import Refused
from entrepot.network import queries as network
from entrepot.warehouse import counted, tallying
from entrepot.warehouse.commands.enter_counts import Counted, EnterCount, enter_counts
from entrepot.warehouse.commands.start_counts import StartCount, start_counts
from entrepot.warehouse.states import COUNT_OVER
from entrepot.web.edge import Request, console
from entrepot.web.views.scan.screen import (
    Choice,
    Goods,
    Outcome,
    Progress,
    Screen,
    Tap,
    finish,
    hear,
    is_warned,
    node_of,
    over,
    progress,
    show,
    warn,
)
from entrepot.web.words import word
from entrepot.work import errors
from entrepot.work.scanning import LOT, YES, Keep, Named, Scan, astray, check_bin

SHOWN = 30
NAMED = 3
"""SKUs of a count that are named in the list; of more it says how many."""
COMMANDS = ("warehouse.start_counts", "warehouse.enter_counts")


@require_http_methods(["GET", "HEAD", "POST"])
@console
def waiting(request: Request) -> HttpResponse:
    """What is to be counted, in the order of the way; a scan of its bin opens it."""
    node = node_of(request)
    rows = _counts(request, node)

    def screen() -> Screen:
        goods = counted.to_count([one.id for one in rows])
        return Screen(
            gettext("Count"),
            gettext("Scan a bin, or tap it") if rows else gettext("Nothing is to be counted"),
            choices=tuple(_choice(one, goods.get(one.id, []), request.reader.name) for one in rows),
            scans=gettext("Bin"),
            note=""
            if rows
            else gettext("Counts are planned every night, and asked for where a pick was short."),
        )

    def decide(scan: Scan, _: str) -> Outcome:
        found = next((one for one in rows if scan.bin and one.bin == scan.bin.id), None)
        if found:
            return redirect("scan-count-one", found.id)
        return astray(scan, gettext("a bin of this list"), ("bin",), _counted_of_late(request, node))

    if request.method == "POST":
        return hear(request, Progress("count jobs", UUID(int=0), (), 0), (), screen, decide)
    return show(request, screen())


def _counted_of_late(request: Request, node: network.Node | None) -> set[str]:
    """Bins that were counted, and wait for others or for nobody."""
    if node is None:
        return set()
    company = request.reader.company.id
    both = (counted.counts(company=company, node=node.id, done=done, limit=SHOWN) for done in (True, False))
    return {one.bin_code for rows in both for one in rows if one.state not in ("open", "counting")}


def _counts(request: Request, node: network.Node | None) -> list[counted.CountRow]:
    """Those of the reader, and those that are nobody's."""
    if node is None:
        return []
    rows = counted.counts(company=request.reader.company.id, node=node.id, limit=SHOWN)
    mine = request.reader.name
    return [
        one
        for one in rows
        if one.state == "open"
        or ((one.state == "recount") == (one.counter != mine) and one.state != "waiting")
    ]


def _choice(one: counted.CountRow, goods: Sequence[counted.ToCount], name: str) -> Choice:
    codes = list(dict.fromkeys(row.sku_code for row in goods))
    told = ", ".join(codes)
    if one.whole:
        told = gettext("all that is there")
    elif len(codes) > NAMED:
        told = ngettext("%(n)s SKU", "%(n)s SKUs", one.goods) % {"n": one.goods}
    mine = gettext("yours") if one.state == "counting" and one.counter == name else ""
    again = gettext("again") if one.state == "recount" else ""
    note = " · ".join(filter(None, (told, again, mine)))
    return Choice(reverse("scan-count-one", args=[one.id]), one.bin_code, note)


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """The bin is scanned, then what stands in it, then all of it is reported."""
    row = counted.one_count(which)
    if row is None:
        raise Http404
    kept = progress(request, "count", which)
    at = kept._replace(tokens=tallying.bare(kept.tokens))
    is_begun = row.state == "counting" and row.counter == request.reader.name
    if row.state in ("waiting", *COUNT_OVER) or (
        row.state == "recount" and row.counter == request.reader.name
    ):
        return over(request, "count", which, COMMANDS, "scan-count")
    goods = counted.to_count([which]).get(which, [])

    def screen() -> Screen:
        return _screen(row, goods, at) if is_begun else _begin(row)

    def decide(scan: Scan, key: str) -> Outcome:
        if not is_begun:
            return _start(request, at, row, scan, key)
        here = Named(row.bin, row.bin_code)
        found = tallying.scanned(goods, row.whole, at.tokens, scan, here, _by_lot(goods, scan))
        if isinstance(found, Keep):
            return Keep(tallying.marked(found.token, timezone.now()))
        return _enter(request, kept, row, found, key) if isinstance(found, tallying.Reported) else found

    if request.method == "POST":
        return hear(request, kept, COMMANDS, screen, decide)
    # Whoever never got the answer to the first scan of the bin is told here.
    is_anothers = not is_begun and row.state == "counting" and is_warned(at)
    taken = errors.ScanTaken(person=row.counter, scanned=row.bin_code)
    return show(request, screen(), taken if is_anothers else None)


def _by_lot(goods: Sequence[counted.ToCount], scan: Scan) -> set[UUID]:
    """Of goods that were scanned and nobody expected, those whose lot has to be said."""
    new = {one.id for one in scan.items} - {one.sku for one in goods}
    return {key for key, sku in catalog.skus_by_id(new).items() if sku.lot_policy != "none"} if new else set()


def _begin(row: counted.CountRow) -> Screen:
    return Screen(
        row.number,
        gettext("Go to bin"),
        row.bin_code,
        scans=gettext("Bin"),
        at=str(row.id),
        back="scan-count",
    )


def _start(request: Request, at: Progress, row: counted.CountRow, scan: Scan, key: str) -> Outcome:
    """Nothing of a beginning before this one counts. Whose count it is keeps it, until somebody says twice that he
    takes it over: his screen may be older than the other's beginning."""
    wrong = check_bin(Named(row.bin, row.bin_code), scan)
    if wrong:
        return wrong
    if row.state == "counting" and not is_warned(at):
        return warn(request, at, row.counter, row.bin_code, key)
    answer = finish(request, at, start_counts, StartCount(row.id, key=key))
    return answer if isinstance(answer, Refused) else redirect(request.path)


def _screen(row: counted.CountRow, goods: list[counted.ToCount], at: Progress) -> Screen:
    found = tallying.piles(at.tokens)
    if tallying.FINISHED in at.tokens:
        facts = tuple((f"{units} ×", _named(pile)) for pile, units in found.items())
        missing = {one.sku_code for one in goods} - {pile.code for pile in found}
        facts += tuple(("0 ×", code) for code in sorted(missing))
        return Screen(
            row.number, gettext("This stands in"), row.bin_code, facts=facts or ((gettext("Nothing"), ""),),
            taps=(Tap(YES, gettext("Yes, report it"), "main"),), at=str(row.id), can_undo=True, back="scan-count",
        )  # fmt: skip
    if read := tallying.read_last(at.tokens):
        return _ask_lot(row, tallying.lots_of(goods, read.sku), read.code)
    last = tallying.last_pile(at.tokens)
    left = sorted({one.sku_code for one in goods} - {pile.code for pile in found})
    facts = ((gettext("Bin"), row.bin_code), (gettext("Not yet"), ", ".join(left)))
    ask = gettext("Scan everything in the bin") if row.whole else gettext("Scan every unit of these")
    return Screen(
        row.number, gettext("Counted") if last else ask, f"{found[last]} × {last.code}" if last else row.bin_code,
        _named(last) if last else "", note=gettext("Scan more, or type how many there are.") if last else "",
        facts=tuple(fact for fact in facts if fact[1]),
        taps=(Tap(f"={tallying.FINISHED}", gettext("No more is here"), "quiet"),),
        scans=gettext("Item, plate or number"), at=str(row.id), can_undo=bool(at.tokens), back="scan-count",
        goods=Goods(row.bin_code),
    )  # fmt: skip


LOTS_TAPPED = 6
"""Lots that have a button; others are typed."""


def _ask_lot(row: counted.CountRow, lots: Sequence[str], code: str) -> Screen:
    """A barcode without its lot was read: the lot is typed, scanned or tapped."""
    taps = tuple(
        Tap(
            LOT + lot if lot else tallying.NO_LOT,
            gettext("It is lot %(lot)s") % {"lot": lot} if lot else gettext("It has no lot"),
        )
        for lot in lots[:LOTS_TAPPED]
    )
    return Screen(
        row.number, gettext("Type or scan its lot"), code, facts=((gettext("Bin"), row.bin_code),), taps=taps,
        scans=gettext("Lot"), at=str(row.id), can_undo=True, back="scan-count",
    )  # fmt: skip


def _named(pile: tallying.Pile) -> str:
    lot = gettext("lot %(lot)s") % {"lot": pile.lot} if pile.lot else ""
    status = "" if pile.status == "sellable" else word(pile.status)
    return " · ".join(filter(None, (pile.code, lot, pile.serial, status)))


def _enter(
    request: Request, at: Progress, row: counted.CountRow, found: tallying.Reported, key: str
) -> Outcome:
    moments = tallying.moments(at.tokens)
    said = tuple(
        Counted(pile.sku, units, pile.lot, pile.serial, pile.status, pile.expires_on, moments.get(pile))
        for pile, units in found.units
    )
    answer = finish(request, at, enter_counts, EnterCount(row.id, said, key=key, plates=found.plates))
    if isinstance(answer, Refused):
        return answer
    told = {
        "done": gettext("%(bin)s is counted."),
        "recount": gettext("%(bin)s is counted. Somebody else counts it again."),
        "waiting": gettext("%(bin)s is counted. It waits for approval."),
    }[answer.state]
    messages.success(request, told % {"bin": row.bin_code})
    return redirect("scan-count")
