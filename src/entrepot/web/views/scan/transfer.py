"""Receiving a transfer with a scanner: each plate whole at one scan, other goods kind by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.insight import finding
from entrepot.kernel.errors import Refused
from entrepot.purchasing import docking
from entrepot.stock import transfer_queries
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    TransferReceived,
    receive_transfer,
)
from entrepot.stock.errors import PlateOnItsWay
from entrepot.web.edge import Request, console
from entrepot.web.views.scan.screen import (
    Choice,
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
from entrepot.work import errors
from entrepot.work.scanning import ALL, YES, Keep, Scan

COMMANDS = ("stock.receive_transfer",)
NAMED = 6
REST = "rest"
"""What is remembered where the rest of the transfer is lost."""


class Dock(NamedTuple):
    """A transfer with what is still to come of it, and what is in the hands."""

    transfer: transfer_queries.Transfer
    goods: Sequence[transfer_queries.TransferGoods]
    at: Progress
    load: docking.Load | None

    @property
    def of_load(self) -> list[transfer_queries.TransferGoods]:
        """What is to come of the goods in the hands; of their lot, where it is known."""
        load = self.load
        if load is None:
            return []
        return [one for one in self.goods if one.sku == load.sku and one.lot == (load.lot or one.lot)]

    @property
    def lots(self) -> set[str]:
        return {one.lot for one in self.of_load}

    @property
    def lot_policy(self) -> str:
        """A lot is asked for only where several are on their way."""
        return "lot" if len(self.lots) > 1 else "none"

    @property
    def to_come(self) -> int:
        return sum(one.to_come for one in self.of_load)


def waiting(company: int, node: UUID, most: int) -> list[transfer_queries.UnderWay]:
    """Transfers that are on their way to a node."""
    return transfer_queries.transfers_under_way(company=company, node=node, limit=most)


def numbered(company: int, node: UUID, number: str) -> transfer_queries.Transfer | None:
    """The transfer of a number, where something of it is to come to the node."""
    for found in finding.find(company=company, text=number):
        if found.kind == "transfer" and found.name.casefold() == number.casefold():
            sent = transfer_queries.transfer(found.id)
            return sent if sent and sent.to_node == node and sent.state != "received" else None
    return None


def choice(one: transfer_queries.UnderWay) -> Choice:
    units = ngettext("%(n)s unit to come", "%(n)s units to come", one.units) % {"n": one.units}
    return Choice(reverse("scan-receive-transfer", args=[one.id]), one.number, f"{one.from_code} · {units}")


def whole_plate(request: Request, node: UUID, scan: Scan, key: str) -> Outcome | None:
    """Take in a plate that is on its way, with all that was sent on it; None where the scan is of none."""
    sent = transfer_queries.transfer_of_plate(scan.plate.id) if scan.plate else None
    if scan.plate is None or sent is None:
        return None
    if sent.to_node != node:
        return PlateOnItsWay(plate=scan.plate.number, node=sent.to_code)
    wanted = ReceiveTransfer(sent.id, plates=(scan.plate.id,), key=key)
    answer = give_one(request, receive_transfer, wanted)
    if isinstance(answer, Refused):
        return answer
    told = ngettext(
        "Plate %(plate)s of %(number)s has come, with %(n)s unit.",
        "Plate %(plate)s of %(number)s has come, with %(n)s units.",
        answer.received,
    )
    messages.success(
        request, told % {"plate": scan.plate.number, "number": sent.number, "n": answer.received}
    )
    return redirect(request.path)


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """What came of one transfer."""
    transfer = transfer_queries.transfer(which)
    if transfer is None or transfer.company != request.reader.company.id:
        raise Http404
    if transfer.state == "received":
        return over(request, "receive", which, COMMANDS, "scan-receive")
    at = progress(request, "receive", which)
    goods = [one for one in transfer_queries.transfer_goods(which) if one.to_come]
    dock = Dock(transfer, goods, at, docking.load(at.tokens))

    def screen() -> Screen:
        if at.tokens[:1] == (REST,):
            return _rest_screen(dock)
        return _load_screen(dock) if dock.load else _transfer_screen(dock)

    def decide(scan: Scan, key: str) -> Outcome:
        return whole_plate(request, transfer.to_node, scan, key) or _decide(request, dock, scan, key)

    if request.method == "POST":
        return hear(request, at, COMMANDS, screen, decide)
    return show(request, screen())


def _named(goods: Sequence[transfer_queries.TransferGoods]) -> str:
    told = [f"{one.to_come} × {one.sku_code}" + (f" ({one.lot})" if one.lot else "") for one in goods[:NAMED]]
    return ", ".join(told) + (" …" if len(goods) > NAMED else "")


def _transfer_screen(dock: Dock) -> Screen:
    plates: Counter[str] = Counter()
    for one in dock.goods:
        if one.plate:
            plates[one.plate] += one.to_come
    on_plates = ", ".join(f"…{number[-6:]} ({units})" for number, units in list(plates.items())[:NAMED])
    facts = (
        (gettext("From"), dock.transfer.from_code),
        (gettext("Plates"), on_plates + (" …" if len(plates) > NAMED else "")),
        (gettext("Loose"), _named([one for one in dock.goods if not one.plate])),
    )
    return Screen(
        dock.transfer.number, gettext("Scan everything that came"), dock.transfer.number,
        facts=tuple(fact for fact in facts if fact[1]), scans=gettext("Plate or item"), at=str(dock.at.subject),
        taps=(Tap(docking.LOST, gettext("All the rest is lost"), "quiet"),), back="scan-receive",
    )  # fmt: skip


def _rest_screen(dock: Dock) -> Screen:
    """Why the rest does not come, and then whether that is so."""
    note = _note(dock.at.tokens)
    units = sum(one.to_come for one in dock.goods)
    lost = ngettext("%(n)s unit is lost", "%(n)s units are lost", units) % {"n": units}
    return Screen(
        dock.transfer.number, gettext("Is this right?") if note else gettext("Type why they do not come"), lost,
        note=_named(dock.goods), facts=((gettext("Why"), note),) if note else (),
        taps=(Tap(YES, gettext("Write them off"), "bad"),) if note else (), scans="" if note else gettext("Why"),
        at=str(dock.at.subject), can_undo=True, back="scan-receive",
    )  # fmt: skip


def _note(tokens: Sequence[str]) -> str:
    return next((token.partition("|")[2] for token in tokens if token.startswith("note|")), "")


def _load_screen(dock: Dock) -> Screen:
    """The goods in the hands: what is still to be said of them, or how they are taken in."""
    load = dock.load
    assert load is not None
    step = docking.ask(load, dock.lot_policy)
    came = gettext("Lost") if load.lost else gettext("Came")
    why = gettext("Type why they do not come") if load.lost else gettext("Type what is damaged")
    ask, scans = {
        "lot": (gettext("Type or scan its lot"), gettext("Lot")),
        "note": (why, gettext("Why") if load.lost else gettext("Damage")),
        "sure": (came, gettext("Item or number")),
    }[step]
    facts = (
        (gettext("From"), dock.transfer.from_code),
        (gettext("Lot"), load.lot or "".join(dock.lots)),
        (gettext("Serial numbers"), ", ".join(load.serials[-5:])),
        (gettext("Lost") if load.lost else gettext("Damaged"), load.note),
        (gettext("To come"), str(dock.to_come)),
    )
    note = gettext("Scan more of it, type how many there are, or go on with the next.")
    return Screen(
        dock.transfer.number, ask, f"{load.units} × {load.code}", note=note if step == "sure" else "",
        facts=tuple(fact for fact in facts if fact[1]), taps=_taps(dock, load) if step == "sure" else (), scans=scans,
        at=str(dock.at.subject), can_undo=True, back="scan-receive",
    )  # fmt: skip


def _taps(dock: Dock, load: docking.Load) -> tuple[Tap, ...]:
    told = gettext("Write off %(n)s") if load.lost else gettext("Receive %(n)s")
    taps = [Tap(YES, told % {"n": load.units}, "bad" if load.lost else "main")]
    if not load.serials and dock.to_come > load.units:
        taps.append(Tap(ALL, gettext("All %(n)s") % {"n": dock.to_come}, "quiet"))
    if not load.damaged:
        taps.append(Tap(docking.DAMAGED, gettext("These came damaged"), "quiet"))
    if not load.lost:
        taps.append(Tap(docking.LOST, gettext("These are lost"), "quiet"))
    return tuple(taps)


def _decide(request: Request, dock: Dock, scan: Scan, key: str) -> Outcome:
    if dock.at.tokens[:1] == (REST,):
        return _lose_rest(request, dock, scan, key)
    if dock.load is None and scan.text == docking.LOST:
        return Keep(REST)
    if wrong := _astray(dock, scan):
        return wrong
    # The day of a lot is known: the transfer took it along.
    said = scan._replace(expires_on=None)
    found = docking.scanned(
        dock.at.tokens, dock.lot_policy, dock.to_come, said, today_of(node_of(request)), may_be_lost=True
    )
    if not isinstance(found, docking.TakeIn):
        return found
    wanted = ReceiveTransfer(dock.transfer.id, _lines(dock, found.load), key=key, reason=found.load.note)
    answer = finish(request, dock.at, receive_transfer, wanted, (found.then,) if found.then else ())
    return _told(request, dock, answer, found.load.code)


def _astray(dock: Dock, scan: Scan) -> Refused | None:
    """Why a scan can't be of this transfer: a plate that is not on its way, or goods that nobody sent."""
    wanted = gettext("what is on its way of %(number)s") % {"number": dock.transfer.number}
    if scan.plate:
        return errors.ScanDone(scanned=scan.plate.number, wanted=wanted)
    if not scan.items or any(one.sku == scan.items[0].id for one in dock.goods):
        return None
    sent = {one.sku for one in transfer_queries.transfer_goods(dock.transfer.id)}
    told = errors.ScanDone if scan.items[0].id in sent else errors.ScanWrongItem
    return told(scanned=scan.items[0].code, wanted=wanted)


def _lines(dock: Dock, load: docking.Load) -> tuple[ArrivedUnits, ...]:
    """What the load is of the transfer: pieces that were sent by serial number are named by it, others counted."""
    lot = load.lot or "".join(dock.lots)
    sent = {one.serial for one in dock.of_load}
    named = [serial for serial in load.serials if serial in sent]
    rest = load.units - len(named)
    return tuple(
        ArrivedUnits(
            load.sku, None, 0 if load.damaged or load.lost else units, units if load.lost else 0, lot,
            units if load.damaged else 0, serial,
        )
        for serial, units in (*((serial, 1) for serial in named), ("", rest))
        if units
    )  # fmt: skip


def _lose_rest(request: Request, dock: Dock, scan: Scan, key: str) -> Outcome:
    note = _note(dock.at.tokens)
    if not note:
        if scan.items or scan.bin or scan.plate or scan.text.startswith("="):
            return errors.ScanOutOfTurn(scanned=scan.shown, wanted=gettext("why they do not come"))
        return Keep(f"note|{scan.text}")
    if scan.text != YES:
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted=gettext("whether that is right"))
    wanted = ReceiveTransfer(dock.transfer.id, rest="lost", key=key, reason=note)
    return _told(request, dock, finish(request, dock.at, receive_transfer, wanted), "")


def _told(request: Request, dock: Dock, answer: TransferReceived | Refused, code: str) -> Outcome:
    if isinstance(answer, Refused):
        return answer
    parts = (
        (answer.received, gettext("%(n)s × %(sku)s have come")),
        (answer.expired, gettext("%(n)s of them have expired and are not for sale")),
        (answer.damaged, gettext("%(n)s × %(sku)s came damaged")),
        (
            answer.lost,
            gettext("%(n)s × %(sku)s are written off") if code else gettext("%(n)s units are written off"),
        ),
    )
    said = ", ".join(text % {"n": units, "sku": code} for units, text in parts if units)
    over = gettext("Nothing is on its way any more.") if answer.state == "received" else ""
    messages.success(request, f"{dock.transfer.number}: {said}. {over}".strip())
    return redirect(request.path)
