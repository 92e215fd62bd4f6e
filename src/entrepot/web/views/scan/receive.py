"""Receiving with a scanner: one kind of goods after the other, each taken in at one tap or by the next scan."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.catalog import queries as catalog
from entrepot.kernel.errors import Refused
from entrepot.purchasing import docking, queries
from entrepot.purchasing.commands.receive_scans import ReceiveScan, receive_scans
from entrepot.stock import transfer_queries
from entrepot.web.edge import Request, console
from entrepot.web.views.inbound import told
from entrepot.web.views.scan import transfer
from entrepot.web.views.scan.screen import (
    Choice,
    Goods,
    Outcome,
    Progress,
    Screen,
    Tap,
    finish,
    give_one,
    hear,
    node_of,
    over,
    progress,
    show,
    today_of,
)
from entrepot.work.scanning import ALL, YES, Scan, typed

SHOWN = 30
OPEN = ("open", "part_received")
COMMANDS = ("purchasing.receive_scans", *transfer.COMMANDS)


class Dock(NamedTuple):
    """Where goods come in, of which order (None: whichever expects them first), and what is in the hands."""

    node: UUID
    order: queries.Order | None
    at: Progress
    load: docking.Load | None
    lot_policy: str
    to_come: int

    @property
    def step(self) -> str:
        return docking.ask(self.load, self.lot_policy)


def _dock(request: Request, node: UUID, order: queries.Order | None) -> Dock:
    at = progress(request, "receive", order.id if order else node)
    load = docking.load(at.tokens)
    if load is None:
        return Dock(node, order, at, None, "none", 0)
    sku = catalog.skus_by_id([load.sku])[load.sku]
    lines = queries.lines(order.id) if order else []
    to_come = sum(one.to_come for one in lines if one.sku == load.sku)
    return Dock(node, order, at, load, sku.lot_policy, to_come)


def _named(company: int, node: UUID, scan: Scan) -> HttpResponse | None:
    """The page of the order or transfer whose number was scanned, shown in the list or not; None for anything else."""
    orders = queries.coming(company, node, name=scan.text, limit=1)
    if orders:
        return redirect("scan-receive-one", orders[0].id)
    if scan.items or scan.plate or scan.bin:
        return None
    sent = transfer.numbered(company, node, scan.text)
    return redirect("scan-receive-transfer", sent.id) if sent else None


@require_http_methods(["GET", "HEAD", "POST"])
@console
def waiting(request: Request) -> HttpResponse:
    """Orders and transfers that something is to come of: a scan of the number on the delivery note opens one; a
    package, a plate, or goods without their order, are scanned here."""
    node = node_of(request)
    if node is None:
        return show(request, Screen(gettext("Receive"), gettext("Nothing is expected here")))
    dock = _dock(request, node.id, None)
    company = request.reader.company.id

    def screen() -> Screen:
        if dock.load:
            return _load_screen(dock)
        coming = transfer.waiting(company, node.id, SHOWN)
        return _list_screen(queries.coming(company, node.id, limit=SHOWN), coming)

    def decide(scan: Scan, key: str) -> Outcome:
        if not dock.load and (named := _named(company, node.id, scan)):
            return named
        return transfer.whole_plate(request, node.id, scan, key) or _decide(request, dock, scan, key)

    if request.method == "POST":
        return hear(request, dock.at, COMMANDS, screen, decide)
    return show(request, screen())


def _list_screen(rows: list[queries.Order], coming: list[transfer_queries.UnderWay]) -> Screen:
    expected = bool(rows or coming)
    return Screen(
        gettext("Receive"),
        gettext("Scan the order's or transfer's number, a package, a plate or what came")
        if expected
        else gettext("Nothing is expected here"),
        note="" if expected else gettext("Purchase orders and transfers appear here when they are written."),
        choices=(*map(transfer.choice, coming), *map(_choice, rows)),
        scans=gettext("Order, plate or item"),
        goods=Goods(),
    )


def _choice(one: queries.Order) -> Choice:
    units = ngettext("%(n)s unit to come", "%(n)s units to come", one.to_come) % {"n": one.to_come}
    note = " · ".join(filter(None, (one.supplier_name, one.external_ref, units)))
    return Choice(reverse("scan-receive-one", args=[one.id]), one.number, note)


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """What came of one order."""
    order = queries.order(which)
    if order is None or order.company != request.reader.company.id:
        raise Http404
    if order.state not in OPEN:
        return over(request, "receive", which, COMMANDS, "scan-receive")
    dock = _dock(request, order.node, order)

    def screen() -> Screen:
        return _load_screen(dock) if dock.load else _order_screen(dock, order)

    if request.method == "POST":
        return hear(request, dock.at, COMMANDS, screen, lambda scan, key: _decide(request, dock, scan, key))
    return show(request, screen())


def _order_screen(dock: Dock, order: queries.Order) -> Screen:
    left = [one for one in queries.lines(order.id) if one.to_come]
    named = ", ".join(f"{one.to_come} × {one.sku_code}" for one in left[:6])
    facts = (
        (gettext("From"), order.supplier_name),
        (gettext("To come"), named + (" …" if len(left) > 6 else "")),
    )
    units = (order.received, order.received + order.to_come)
    return Screen(
        order.number, gettext("Scan everything that came"), order.number, facts=facts, units=units,
        scans=gettext("Item or package"), at=str(dock.at.subject),
        back="scan-receive", goods=Goods(order.number),
    )  # fmt: skip


def _load_screen(dock: Dock) -> Screen:
    """The goods in the hands: what is still to be said of them, or how they are taken in."""
    load = dock.load
    assert load is not None
    ask, scans = {
        "lot": (gettext("Type or scan its lot"), gettext("Lot")),
        "expiry": (gettext("When does it expire? As 2027-06-30"), gettext("Day")),
        "note": (gettext("Type what is damaged"), gettext("Damage")),
        "sure": (gettext("Came"), gettext("Item or number")),
    }[dock.step]
    facts = (
        (gettext("Lot"), load.lot),
        (gettext("Expires"), load.expires_on.isoformat() if load.expires_on else ""),
        (gettext("Serial numbers"), ", ".join(load.serials[-5:])),
        (gettext("Damaged"), load.note),
        (gettext("To come"), str(dock.to_come) if dock.order else ""),
    )
    note = gettext("Scan more of it, type how many there are, or go on with the next.")
    return Screen(
        dock.order.number if dock.order else gettext("Receive"), ask, f"{load.units} × {load.code}",
        note=note if dock.step == "sure" else "", facts=tuple(fact for fact in facts if fact[1]),
        taps=_taps(dock, load) if dock.step == "sure" else (), scans=scans, at=str(dock.at.subject), can_undo=True,
        back="scan-receive", goods=Goods(dock.order.number if dock.order else ""),
    )  # fmt: skip


def _taps(dock: Dock, load: docking.Load) -> tuple[Tap, ...]:
    taps = [Tap(YES, gettext("Receive %(n)s") % {"n": load.units}, "main")]
    if not load.serials and dock.to_come > load.units:
        taps.append(Tap(ALL, gettext("All %(n)s are here") % {"n": dock.to_come}, "quiet"))
    if not load.damaged:
        taps.append(Tap(docking.DAMAGED, gettext("These came damaged"), "quiet"))
    return tuple(taps)


def _decide(request: Request, dock: Dock, scan: Scan, key: str) -> Outcome:
    company, order = request.reader.company.id, dock.order.id if dock.order else None
    if dock.step in ("item", "sure") and _is_for_the_command(scan):
        return _receive(request, dock, ReceiveScan(company, dock.node, scan.text, order, key=key))
    if not dock.load and order and scan.items and _is_not_of_it(dock, scan):
        return _receive(request, dock, ReceiveScan(company, dock.node, scan.text, order, key=key))
    found = docking.scanned(dock.at.tokens, dock.lot_policy, dock.to_come, scan, today_of(node_of(request)))
    if not isinstance(found, docking.TakeIn):
        return found
    one = found.load
    wanted = ReceiveScan(
        company, dock.node, one.code, order, one.units, one.lot, one.expires_on, damaged=one.damaged, note=one.note,
        key=key, serials=one.serials,
    )  # fmt: skip
    return _receive(request, dock, wanted, found.then)


def _is_for_the_command(scan: Scan) -> bool:
    """A package, a barcode that nobody knows, or one of several SKUs: the command knows what to do."""
    is_said = scan.text.startswith("=") or typed(scan) is not None
    return not scan.bin and not is_said and len(scan.items) != 1


def _is_not_of_it(dock: Dock, scan: Scan) -> bool:
    """Whether goods are not of the order that is open: the command says so, and tells a buyer."""
    return all(one.sku != scan.items[0].id for one in queries.lines(dock.at.subject))


def _receive(request: Request, dock: Dock, wanted: ReceiveScan, then: str = "") -> Outcome:
    is_load = dock.load is not None and wanted.text == dock.load.code
    if is_load or then:
        answer = finish(request, dock.at, receive_scans, wanted, (then,) if then else ())
    else:
        answer = give_one(request, receive_scans, wanted)
    if isinstance(answer, Refused):
        return answer
    messages.success(request, f"{answer.number}: {told(answer)}")
    return redirect(request.path)
