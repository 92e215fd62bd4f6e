"""Transfers between nodes: proposed, to be sent, and on their way."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.network import queries as network
from entrepot.sourcing import queries as sourcing
from entrepot.sourcing.commands.rebalance import ReviewStock, review_stock
from entrepot.sourcing.commands.transfers import (
    AcceptTransfer,
    RejectTransfer,
    SendTransfer,
    accept_transfers,
    reject_transfers,
    send_transfers,
)
from entrepot.stock import plate_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)
from entrepot.warehouse import shelf_queries
from entrepot.web import lists_floor
from entrepot.web.edge import Request, back, clean, console, give, ids_in, int_in, kept, page, uuid_in
from entrepot.web.listed import chosen, listed

PAGE = 100


@require_safe
@console
def transfers_list(request: Request) -> HttpResponse:
    company = request.reader.company.id
    shown = listed(request, lists_floor.TRANSFERS, partial(_proposals, request))
    if shown.answer:
        return shown.answer
    context = {
        **shown.context("proposed"),
        "accepted": sourcing.proposals(company=company, state="accepted", limit=PAGE),
        "totals": sourcing.proposal_totals(company=company),
        "under_way": stock.transfers_under_way(company=company, limit=PAGE),
        "currency": request.reader.company.currency,
        "nodes": network.nodes(company=company),
        "kept": kept(request),
    }
    return page(request, "web/transfers.html", context, area="stock")


def _proposals(request: Request, after: UUID | None, limit: int) -> list[sourcing.ProposalRow]:
    return sourcing.proposals(company=request.reader.company.id, after=after, limit=limit)


@require_POST
@console
def review(request: Request) -> HttpResponse:
    """Have all SKUs looked at now."""
    give(request, review_stock, [ReviewStock(request.reader.company.id)], _reviewed)
    return back(request, "/stock/transfers/")


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """Accept, reject or send the chosen proposals with one command."""
    which = chosen(request, "proposal", partial(_proposals, request))
    reason = clean(request.POST.get("reason"))
    match request.POST.get("action"):
        case "accept":
            give(request, accept_transfers, [AcceptTransfer(one) for one in which], _accepted)
        case "reject":
            give(request, reject_transfers, [RejectTransfer(one, reason) for one in which], _rejected)
        case "send":
            give(request, send_transfers, [SendTransfer(one) for one in which], _sent)
    return back(request, "/stock/transfers/")


@require_POST
@console
def receive(request: Request) -> HttpResponse:
    """What is left of the chosen transfers has come, or is lost."""
    which = ids_in(request.POST.getlist("transfer"))
    match request.POST.get("action"):
        case "receive":
            wanted = [ReceiveTransfer(one, rest="received") for one in which]
            give(request, receive_transfer, wanted, _received)
        case "part":
            _receive_part(request)
        case "plate":
            _receive_plate(request)
        case "lose":
            reason = clean(request.POST.get("reason"))
            wanted = [ReceiveTransfer(one, rest="lost", reason=reason) for one in which]
            give(request, receive_transfer, wanted, _lost)
    return back(request, "/stock/transfers/")


def _receive_part(request: Request) -> None:
    """Units of one SKU of one transfer have come, some damaged, and others are lost; the rest is still on its way."""
    text, transfer = request.POST, uuid_in(request.POST.get("one"))
    sku = _sku(request)
    came, lost, damaged = (int_in(text.get(name) or "0") for name in ("came", "lost", "damaged"))
    if sku is None or transfer is None or came is None or lost is None or damaged is None:
        messages.error(request, gettext("Choose a transfer, and say which SKU and how many units."))
        return
    line = ArrivedUnits(sku, None, came, lost, clean(text.get("lot")), damaged)
    wanted = [ReceiveTransfer(transfer, (line,), reason=clean(text.get("reason")))]
    give(request, receive_transfer, wanted, lambda _: gettext("Noted. The rest is still on its way."))


def _receive_plate(request: Request) -> None:
    """A plate of one transfer has come, with all that was sent on it."""
    company, number = request.reader.company.id, clean(request.POST.get("plate"))
    transfer = uuid_in(request.POST.get("one"))
    found = plate_queries.plate_named(company=company, text=number) if number else None
    if transfer is None or found is None:
        messages.error(request, gettext("Choose a transfer, and say which plate: the 18 digits of its SSCC."))
        return
    wanted = [ReceiveTransfer(transfer, plates=(found.id,))]
    give(
        request,
        receive_transfer,
        wanted,
        lambda _: gettext("The plate has come, with all that was sent on it."),
    )


@require_POST
@console
def send(request: Request) -> HttpResponse:
    """Units of a SKU leave a bin for another node, or a plate does, without anybody having proposed it."""
    text = request.POST
    origin, target = uuid_in(text.get("from")), uuid_in(text.get("to"))
    if number := clean(text.get("plate")):
        plate = plate_queries.plate_named(company=request.reader.company.id, text=number)
        if plate is None or target is None or origin is None:
            what = {"what": gettext("plate")}
            messages.error(request, gettext("There is no %(what)s with this code here.") % what)
            return back(request, "/stock/transfers/", [None])
        whole = [ShipTransfer(request.reader.company.id, origin, target, plates=(plate.id,))]
        results = give(request, ship_transfer, whole, lambda _: gettext("It is on its way."))
        return back(request, "/stock/transfers/", results)
    sku, units = _sku(request), int_in(text.get("units"))
    found = shelf_queries.bin_named(node=origin, code=clean(text.get("bin"))) if origin else None
    if not (sku and units and found and origin and target):
        messages.error(
            request,
            gettext("Say from which bin of which node, to which node, which SKU, and how many units."),
        )
        return back(request, "/stock/transfers/", [])
    line = TransferUnits(sku, found.id, units, clean(text.get("lot")))
    wanted = [ShipTransfer(request.reader.company.id, origin, target, (line,))]
    results = give(request, ship_transfer, wanted, lambda _: gettext("It is on its way."))
    return back(request, "/stock/transfers/", results)


def _sku(request: Request) -> UUID | None:
    code = clean(request.POST.get("sku"))
    found = catalog.skus(company=request.reader.company.id, codes=[code]).get(code)
    return found.id if found else None


def _reviewed(_: int) -> str:
    return gettext("All SKUs are being looked at. Proposals appear here in a moment.")


def _accepted(n: int) -> str:
    return ngettext("%(n)s proposal is accepted.", "%(n)s proposals are accepted.", n) % {"n": n}


def _rejected(n: int) -> str:
    return ngettext("%(n)s proposal is rejected.", "%(n)s proposals are rejected.", n) % {"n": n}


def _sent(n: int) -> str:
    return ngettext("%(n)s proposal is on its way.", "%(n)s proposals are on their way.", n) % {"n": n}


def _received(n: int) -> str:
    return ngettext("%(n)s transfer has come.", "%(n)s transfers have come.", n) % {"n": n}


def _lost(n: int) -> str:
    return ngettext("%(n)s transfer is written off.", "%(n)s transfers are written off.", n) % {"n": n}
