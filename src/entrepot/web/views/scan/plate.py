"""A whole plate with a scanner: one scan of its number, one of the bin that it is put into."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.catalog.barcodes import is_sscc
from entrepot.kernel.errors import Refused
from entrepot.network import queries as network
from entrepot.stock import plate_queries, plating, transfer_queries
from entrepot.stock.errors import PlateOnItsWay
from entrepot.stock.plate_queries import PlateGoods, PlateRow
from entrepot.warehouse import carrying, storing
from entrepot.warehouse.commands.move_plates import MovePlate, move_plates
from entrepot.warehouse.commands.open_plates import OpenPlate, open_plates
from entrepot.warehouse.commands.stack_plates import StackPlates, stack_plates
from entrepot.web import words
from entrepot.web.edge import Request, console
from entrepot.web.views.scan.screen import (
    Choice,
    Outcome,
    Progress,
    Screen,
    Tap,
    give_one,
    hear,
    kind_of,
    node_of,
    over,
    show,
)
from entrepot.web.words import word
from entrepot.work.scanning import Alike, Named, Plate, Scan

OPEN = "=open"
COMMANDS = ("warehouse.move_plates", "warehouse.open_plates", "warehouse.stack_plates")
ANYWHERE = ("pick", "reserve", "receiving", "packing", "quarantine")
NAMED = 6


def opens(scan: Scan, node: network.Node | None) -> HttpResponse | Refused | None:
    """The screen of a plate of the node that was scanned; refused where it is still on its way."""
    if scan.plate is None or node is None:
        return None
    if scan.plate.bin is None:
        sent = transfer_queries.transfer_of_plate(scan.plate.id)
        return PlateOnItsWay(plate=scan.plate.number, node=sent.to_code) if sent else None
    return redirect("scan-plate", scan.plate.id)


def at_the_dock(company: int, node: network.Node | None, shown: int) -> tuple[Choice, ...]:
    """Plates that wait to be put away, the first made first."""
    if node is None:
        return ()
    rows, _ = plate_queries.plates_at_the_dock(company=company, node=node.id, limit=shown)
    return tuple(
        Choice(
            reverse("scan-plate", args=[one.id]),
            gettext("Plate …%(number)s") % {"number": one.number[-6:]},
            " · ".join((one.bin_code, str(one.units), ", ".join(one.skus))),
        )
        for one in rows
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """What stands on a plate and where it should go: a scan of the bin puts it there."""
    company = request.reader.company.id
    row, node = plate_queries.plate(company=company, which=which), node_of(request)
    if row is None:
        raise Http404
    if row.bin is None or node is None or row.node != node.id:
        return over(request, "plate", which, COMMANDS, "scan-put-away")
    goods = plate_queries.goods_on([which])[which]

    def screen() -> Screen:
        return _screen(row, goods)

    if request.method == "POST":
        return hear(
            request, Progress("plate", which, (), 0), COMMANDS, screen,
            lambda scan, key: _decide(request, row, goods, scan, key),
        )  # fmt: skip
    return show(request, screen())


def _stack(request: Request, row: PlateRow, number: str, key: str) -> Outcome:
    """The plate stands on the pallet whose number was scanned, which may be a new one."""
    wanted = StackPlates(request.reader.company.id, (row.id,), number, key=key)
    stacked = give_one(request, stack_plates, wanted)
    if isinstance(stacked, Refused):
        return stacked
    told = ngettext(
        "It stands on pallet %(number)s, with %(n)s unit.",
        "It stands on pallet %(number)s, with %(n)s units.",
        stacked.units,
    )
    messages.success(request, told % {"number": stacked.number, "n": stacked.units})
    return redirect("scan-put-away" if _is_put_away(row) else "scan-move")


def _is_put_away(row: PlateRow) -> bool:
    return row.bin_kind == "receiving"


def _screen(row: PlateRow, goods: Sequence[PlateGoods]) -> Screen:
    most = max(goods, key=lambda one: one.units)
    choices = storing.suggested(bucket=most.bucket, units=row.units, whole=True)
    best = next((one for one in choices if one.quantity >= row.units), None)
    facts = (
        (
            gettext("On it"),
            ", ".join(_told(one) for one in goods[:NAMED]) + (" …" if len(goods) > NAMED else ""),
        ),
        (gettext("Cartons"), str(row.cartons) if row.cartons else ""),
        (gettext("On pallet"), row.on_number),
        (gettext("From"), row.bin_code),
        (gettext("Why there"), words.told(best.why) if best else ""),
    )
    back = "scan-put-away" if _is_put_away(row) else "scan-move"
    return Screen(
        gettext("Put away") if _is_put_away(row) else gettext("Move"), gettext("Put the plate into"),
        best.code if best else gettext("any bin"), f"(00) {row.number}",
        facts=tuple(fact for fact in facts if fact[1]), scans=gettext("Bin, or its pallet"), at=str(row.id), back=back,
        taps=(Tap(OPEN, gettext("Open it: its goods stand loose"), "quiet"),),
    )  # fmt: skip


def _told(one: PlateGoods) -> str:
    lot = gettext("lot %(lot)s") % {"lot": one.lot} if one.lot else ""
    status = "" if one.status == "sellable" else word(one.status)
    return " ".join(filter(None, (f"{one.units} × {one.sku_code}", lot, status)))


def _kinds(row: PlateRow, goods: Sequence[PlateGoods]) -> tuple[str, ...]:
    """The bins that a plate may go to: from the dock to shelves, and what can't be sold aside."""
    statuses = {one.status == "sellable" for one in goods}
    if not _is_put_away(row) or len(statuses) > 1:
        return ANYWHERE
    return carrying.SHELVES if True in statuses else carrying.ASIDE


def _decide(request: Request, row: PlateRow, goods: Sequence[PlateGoods], scan: Scan, key: str) -> Outcome:
    if scan.text == OPEN:
        opened = give_one(request, open_plates, OpenPlate(row.id, key=key))
        if isinstance(opened, Refused):
            return opened
        told = ngettext(
            "%(n)s unit stands loose in %(bin)s.", "%(n)s units stand loose in %(bin)s.", opened.units
        )
        messages.success(request, told % {"n": opened.units, "bin": row.bin_code})
        return redirect("scan-put-away" if _is_put_away(row) else "scan-move")
    number = plating.number_of(scan.text)
    if not scan.bin and not scan.items and is_sscc(number):
        return _stack(request, row, number, key)
    assert row.bin is not None
    alike = tuple(Alike(one.sku, one.sku_code, one.units, one.lot, one.serial, one.status) for one in goods)
    plate = Plate(row.id, row.number, Named(row.bin, row.bin_code), alike)
    target = carrying.plate_target(plate, _kinds(row, goods), scan, kind_of(scan))
    if isinstance(target, Refused):
        return target
    wanted = MovePlate(row.id, target.id, why="put_away" if _is_put_away(row) else "move", key=key)
    moved = give_one(request, move_plates, wanted)
    if isinstance(moved, Refused):
        return moved
    told = ngettext(
        "The plate stands in %(bin)s, with %(n)s unit.",
        "The plate stands in %(bin)s, with %(n)s units.",
        moved.units,
    )
    messages.success(request, told % {"n": moved.units, "bin": target.code})
    return redirect("scan-put-away" if _is_put_away(row) else "scan-move")
