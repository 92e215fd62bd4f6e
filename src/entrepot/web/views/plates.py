"""Plates of stock: pallets and cartons with a number of their own, what stands on them, and what became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.network import queries as network
from entrepot.stock import plate_queries, transfer_queries
from entrepot.stock.commands.transfer import ShipTransfer, ship_transfer
from entrepot.warehouse import shelf_queries
from entrepot.warehouse.commands.build_plates import BuildPlate, PlateBuilt, PlateLine, build_plates
from entrepot.warehouse.commands.move_plates import MovePlate, move_plates
from entrepot.warehouse.commands.open_plates import OpenPlate, open_plates
from entrepot.warehouse.commands.stack_plates import StackPlates, stack_plates
from entrepot.web import lists_floor, papers
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread, page, uuid_in
from entrepot.web.listed import listed

KINDS = ("pdf", "zpl")


@require_safe
@console
def plates(request: Request) -> HttpResponse:
    """Plates that hold something, the latest first; all of them with `all`."""
    company = request.reader.company.id
    text, node, empty = clean(request.GET.get("q")), uuid_in(request.GET.get("node")), "all" in request.GET

    def fetch(after: UUID | None, limit: int) -> list[plate_queries.PlateRow]:
        return plate_queries.plates(
            company=company, node=node, text=text, empty=empty, after=after, limit=limit
        )

    shown = listed(request, lists_floor.PLATES, fetch)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "text": text,
        "node": node,
        "all": empty,
        "filtered": bool(text or node),
        "nodes": network.nodes(company=company),
    }
    return page(request, "web/plates.html", context, area="stock")


def _plate(request: Request, which: UUID) -> plate_queries.PlateRow:
    found = plate_queries.plate(company=request.reader.company.id, which=which)
    if found is None:
        raise Http404
    return found


@require_safe
@console
def plate(request: Request, which: UUID) -> HttpResponse:
    """What stands on a plate, where it stands, and what happened to it."""
    found = _plate(request, which)
    coming = bool(found.node and not found.bin)
    context = {
        "one": found,
        "transfer": transfer_queries.transfer_of_plate(which) if coming else None,
        "nodes": [one for one in network.nodes(company=request.reader.company.id) if one.id != found.node],
        "goods": plate_queries.goods_on([which])[which],
        "cartons": plate_queries.kin(which) if found.cartons else [],
        "history": plate_queries.history(which),
    }
    return page(request, "web/plate.html", context, area="stock")


@require_safe
@console
def label(request: Request, which: UUID, kind: str) -> HttpResponse:
    """The label of a plate, to print."""
    found = _plate(request, which)
    if kind not in KINDS:
        raise Http404
    told = papers.plate_label(found, plate_queries.goods_on([which])[which])
    content = papers.plate_zpl(told) if kind == "zpl" else papers.plate_pdf(told)
    return papers.to_print(content, f"plate-{found.number}.{kind}")


@require_POST
@console
def build(request: Request) -> HttpResponse:
    """A plate of one SKU's units that stand loose in a bin; more goods are put on it by its number."""
    company, text = request.reader.company.id, request.POST
    node, units = uuid_in(text.get("node")), int_in(text.get("units"))
    where = shelf_queries.bin_named(node=node, code=clean(text.get("bin"))) if node else None
    code = clean(text.get("sku"))
    sku = catalog.skus(company=company, codes=[code]).get(code)
    if where is None or sku is None:
        field, missing = ("bin", gettext("bin")) if where is None else ("sku", gettext("SKU"))
        misread(request, field, gettext("There is no %(what)s with this code here.") % {"what": missing})
        return back(request, reverse("plates"), [])
    line = PlateLine(sku.id, units or 0, clean(text.get("lot")))
    wanted = BuildPlate(company, where.id, (line,), clean(text.get("number")))
    results = give(request, build_plates, [wanted], lambda _: gettext("The plate is built."))
    made = next((one for one in results if isinstance(one, PlateBuilt)), None)
    return back(request, reverse("plate", args=[made.plate]) if made else reverse("plates"), results)


@require_POST
@console
def move(request: Request, which: UUID) -> HttpResponse:
    """The plate stands in the bin whose code was typed or scanned."""
    found = _plate(request, which)
    code = clean(request.POST.get("bin"))
    target = shelf_queries.bin_named(node=found.node, code=code) if found.node else None
    if target is None:
        text = gettext("There is no %(what)s with this code here.") % {"what": gettext("bin")}
        misread(request, "bin", text)
        return back(request, reverse("plate", args=[which]), [])
    wanted = MovePlate(which, target.id, why="put_away" if found.bin_kind == "receiving" else "move")
    results = give(request, move_plates, [wanted], lambda _: gettext("The plate stands there now."))
    return back(request, reverse("plate", args=[which]), results)


@require_POST
@console
def stack(request: Request, which: UUID) -> HttpResponse:
    """The plate stands on a pallet from now on: that with the number, or a new one."""
    _plate(request, which)
    wanted = StackPlates(request.reader.company.id, (which,), clean(request.POST.get("number")))
    results = give(
        request, stack_plates, [wanted], lambda _: gettext("It stands on the pallet, and goes with it.")
    )
    return back(request, reverse("plate", args=[which]), results)


@require_POST
@console
def send(request: Request, which: UUID) -> HttpResponse:
    """The plate leaves for another node, with all that stands on it."""
    found, target = _plate(request, which), uuid_in(request.POST.get("to"))
    company = request.reader.company.id
    wanted = [ShipTransfer(company, found.node, target, plates=(which,))] if found.node and target else []
    results = give(request, ship_transfer, wanted, lambda _: gettext("The plate is on its way."))
    return back(request, reverse("plate", args=[which]), results)


@require_POST
@console
def take_apart(request: Request, which: UUID) -> HttpResponse:
    """The plate holds nothing any more."""
    _plate(request, which)
    results = give(
        request, open_plates, [OpenPlate(which)],
        lambda n: ngettext("The plate is open: its goods stand loose.", "The plates are open.", n),
    )  # fmt: skip
    return back(request, reverse("plate", args=[which]), results)
