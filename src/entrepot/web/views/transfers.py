"""Transfers between nodes: proposed, to be sent, and on their way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.insight import pages
from entrepot.kernel import ids
from entrepot.kernel import queries as kernel
from entrepot.network import queries as network
from entrepot.sourcing import queries as sourcing
from entrepot.sourcing.commands.ask_transfers import AskTransfer, ask_transfers
from entrepot.sourcing.commands.rebalance import ReviewStock, review_stock
from entrepot.sourcing.commands.transfers import (
    AcceptTransfer,
    RejectTransfer,
    SendTransfer,
    TransferSent,
    accept_transfers,
    reject_transfers,
    send_transfers,
)
from entrepot.stock import plate_queries, transfer_queries
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferReceived,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)
from entrepot.web import lists_floor
from entrepot.web.buying import PASTED_MAX, pasted
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    give,
    ids_in,
    int_in,
    misread,
    page,
    uuid_in,
)
from entrepot.web.listed import chosen, listed
from entrepot.web.timeline import steps
from entrepot.work import queries as work

PAGE = 100


@require_safe
@console
def transfers_list(request: Request) -> HttpResponse:
    company = request.reader.company.id
    shown = listed(request, lists_floor.TRANSFERS, partial(_proposals, request))
    if shown.answer:
        return shown.answer
    to_send, coming = (uuid_in(request.GET.get(name)) for name in ("to_send", "coming"))
    accepted = sourcing.proposals(company=company, state="accepted", after=to_send, limit=PAGE + 1)
    under_way = transfer_queries.transfers_under_way(company=company, after=coming, limit=PAGE + 1)
    context = {
        **shown.context("proposed"),
        "accepted": accepted[:PAGE],
        "more_to_send": accepted[PAGE - 1].id if len(accepted) > PAGE else None,
        "totals": sourcing.proposal_totals(company=company),
        "under_way": under_way[:PAGE],
        "more_coming": under_way[PAGE - 1].id if len(under_way) > PAGE else None,
        "currency": request.reader.company.currency,
        "nodes": network.nodes(company=company),
        "fresh": ids.uuid7(),
    }
    return page(request, "web/transfers.html", context, area="stock")


def _proposals(request: Request, after: UUID | None, limit: int) -> list[sourcing.ProposalRow]:
    return sourcing.proposals(company=request.reader.company.id, after=after, limit=limit)


@require_safe
@console
def finished(request: Request) -> HttpResponse:
    """Transfers of which all has come or is lost; only those with losses, where that is asked for."""
    company, lost = request.reader.company.id, request.GET.get("lost") == "on"

    def fetch(after: UUID | None, limit: int) -> list[transfer_queries.FinishedTransfer]:
        return transfer_queries.transfers_finished(company=company, after=after, limit=limit, lost=lost)

    shown = listed(request, lists_floor.FINISHED_TRANSFERS, fetch)
    if shown.answer:
        return shown.answer
    return page(request, "web/transfers_finished.html", {**shown.context(), "lost": lost}, area="stock")


@require_POST
@console
def review(request: Request) -> HttpResponse:
    """Have all SKUs looked at now."""
    give(request, review_stock, [ReviewStock(request.reader.company.id)], _reviewed)
    return back(request, "/stock/transfers/")


@require_POST
@console
def ask(request: Request) -> HttpResponse:
    """Units of a SKU shall go from one node to another: work for the node that sends."""
    text, company = request.POST, request.reader.company.id
    source, target, units = uuid_in(text.get("from")), uuid_in(text.get("to")), int_in(text.get("units"))
    code = clean(text.get("sku"))
    sku = catalog.skus(company=company, codes=[code]).get(code)
    if sku is None:
        told = gettext("There is no %(what)s with this code here.") % {"what": gettext("SKU")}
        misread(request, "sku", told)
    elif units is None:
        misread(request, "units", gettext("Write whole numbers of units."))
    elif source and target:
        reason, key = clean(text.get("reason")), uuid_in(text.get("key"))
        wanted = AskTransfer(
            company, sku.id, source, target, units, reason, key=f"console:{key}" if key else None
        )
        done = gettext("It is asked for, and work for the node that sends.")
        give(request, ask_transfers, [wanted], lambda _n: done)
    else:
        misread(request, "to" if source else "from", gettext("Choose a node of the list."))
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
            _send_accepted(request, which)
    return back(request, "/stock/transfers/")


def _send_accepted(request: Request, which: Sequence[UUID]) -> None:
    """Accepted proposals have left: all that is free of them, or the units that the form says where those are fewer."""
    wanted = []
    for one in which:
        said = clean(request.POST.get(f"units-{one}"))
        units = int_in(said) if said else None
        if said and units is None:
            misread(request, f"units-{one}", gettext("Write whole numbers of units."))
            return
        wanted.append(SendTransfer(one, quantity=units))
    sent = [one for one in give(request, send_transfers, wanted, _sent) if isinstance(one, TransferSent)]
    if left := sum(one.left for one in sent):
        told = ngettext("%(n)s unit stays to be sent.", "%(n)s units stay to be sent.", left)
        messages.info(request, told % {"n": left})
    if missing := sum(one.missing for one in sent):
        told = ngettext(
            "%(n)s unit was not free. It is proposed anew where it is still needed.",
            "%(n)s units were not free. They are proposed anew where they are still needed.",
            missing,
        )
        messages.warning(request, told % {"n": missing})


@require_POST
@console
def receive(request: Request) -> HttpResponse:
    """What is left of the chosen transfers has come, or is lost."""
    which = ids_in(request.POST.getlist("transfer"))
    match request.POST.get("action"):
        case "receive":
            wanted = [ReceiveTransfer(one, rest="received") for one in which]
            for answer in give(request, receive_transfer, wanted, _received):
                if isinstance(answer, TransferReceived):
                    _say_what_came(request, answer)
        case "plate":
            _receive_plate(request)
        case "lose":
            reason = clean(request.POST.get("reason"))
            wanted = [ReceiveTransfer(one, rest="lost", reason=reason) for one in which]
            give(request, receive_transfer, wanted, _lost)
    return back(request, "/stock/transfers/")


@require_safe
@console
def transfer(request: Request, which: UUID) -> HttpResponse:
    """One transfer: what was sent on which plates, what came of it and how, and what is still on its way."""
    found = _transfer(request, which)
    goods, arrivals = transfer_queries.transfer_goods(which), transfer_queries.transfer_arrivals(which)
    context = {
        "one": found,
        "goods": goods,
        "open": [(_field(one), one) for one in goods if one.to_come],
        "plates": {one.plate_id: one.plate for one in goods if one.plate and one.to_come},
        "arrivals": arrivals,
        "sent": sum(one.quantity for one in goods),
        "came": sum(one.received for one in goods),
        "damaged": sum(one.units for one in arrivals if one.status == "damaged"),
        "lost": sum(one.lost for one in goods),
        "to_come": sum(one.to_come for one in goods),
        "is_late": found.state == "in_transit" and found.expected_at < timezone.now(),
        "entries": pages.entries(pages.journal(company=found.company, documents=[which])),
        "items": work.of_subject(which),
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
    }
    return page(request, "web/transfer.html", context, area="stock")


def _transfer(request: Request, which: UUID) -> transfer_queries.Transfer:
    found = transfer_queries.transfer(which)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    return found


@require_POST
@console
def take_in(request: Request, which: UUID) -> HttpResponse:
    """What came of each line of a transfer, what of it is damaged, and what is lost; the rest is still on its way."""
    found, text = _transfer(request, which), request.POST
    told = {name for name in text if name.startswith(TOLD) and text[name]}
    lines = []
    for one in transfer_queries.transfer_goods(which):
        names = [prefix + _field(one) for prefix in TOLD]
        units = [int_in(text.get(name) or "0") for name in names]
        if None in units:
            wrong = gettext("%(sku)s: write whole numbers of units.") % {"sku": one.sku_code}
            misread(request, names[units.index(None)], wrong)
            return back(request, reverse("transfer", args=[which]), [])
        told -= set(names)
        came, damaged, lost = (number or 0 for number in units)
        if came or damaged or lost:
            lines.append(ArrivedUnits(one.sku, None, came, lost, one.lot, damaged, one.serial, one.plate_id))
    if told:
        messages.error(
            request, gettext("Meanwhile somebody else took some of it in. Look at what is still to come.")
        )
        return back(request, reverse("transfer", args=[which]), [])
    reason = clean(text.get("reason"))
    match text.get("action"):
        case "rest":
            wanted = ReceiveTransfer(found.id, tuple(lines), rest="received", reason=reason)
        case "lose":
            wanted = ReceiveTransfer(found.id, tuple(lines), rest="lost", reason=reason)
        case _:
            wanted = ReceiveTransfer(found.id, tuple(lines), reason=reason)
    results = give(request, receive_transfer, [wanted], lambda _: gettext("Noted."))
    for answer in results:
        if isinstance(answer, TransferReceived):
            _say_what_came(request, answer)
    return back(request, reverse("transfer", args=[which]), results)


TOLD = ("came:", "damaged:", "lost:")


def _field(one: transfer_queries.TransferGoods) -> str:
    """What the fields of the form are named after: what stands in them is of these goods, whatever came meanwhile."""
    return f"{one.sku}/{one.lot}/{one.serial}/{one.plate_id or ''}"


def _say_what_came(request: Request, answer: TransferReceived) -> None:
    """What a person should know beside that it is noted."""
    if answer.expired:
        told = ngettext(
            "%(n)s unit has expired on the way and is not for sale.",
            "%(n)s units have expired on the way and are not for sale.",
            answer.expired,
        )
        messages.warning(request, told % {"n": answer.expired})


def _receive_plate(request: Request) -> None:
    """A plate of one transfer has come, with all that was sent on it."""
    company, number = request.reader.company.id, clean(request.POST.get("plate"))
    transfer = uuid_in(request.POST.get("one"))
    found = plate_queries.plate_named(company=company, text=number) if number else None
    if transfer is None or found is None:
        field = "one" if transfer is None else "plate"
        text = gettext("Choose a transfer, and say which plate: the 18 digits of its SSCC.")
        misread(request, field, text)
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
            misread(request, "plate", gettext("There is no %(what)s with this code here.") % what)
            return back(request, "/stock/transfers/", [])
        whole = [ShipTransfer(request.reader.company.id, origin, target, plates=(plate.id,))]
        results = give(request, ship_transfer, whole, lambda _: gettext("It is on its way."))
        return back(request, "/stock/transfers/", results)
    lines = _lines(request, origin) if origin and target else []
    if not (origin and target and lines):
        return back(request, "/stock/transfers/", [])
    wanted = [ShipTransfer(request.reader.company.id, origin, target, tuple(lines))]
    results = give(request, ship_transfer, wanted, lambda _: gettext("It is on its way."))
    return back(request, "/stock/transfers/", results)


def _lines(request: Request, origin: UUID) -> list[TransferUnits]:
    """What leaves, by the fields of the form and by its pasted lines; none where one of them can't be understood, which
    is said."""
    text = request.POST
    rows = [[clean(text.get(name)) for name in ("bin", "sku", "units", "lot")]]
    rows = [*filter(any, rows), *pasted(text.get("pasted", ""), 4)]
    if not rows or len(rows) > PASTED_MAX:
        told = gettext("Say from which bin of which node, to which node, which SKU, and how many units.")
        most = gettext("These are more than %(n)s lines: send them in parts.") % {"n": PASTED_MAX}
        messages.error(request, most if rows else told)
        return []
    skus = catalog.skus(company=request.reader.company.id, codes=[row[1] for row in rows])
    bins = network.bins_named({(origin, code) for row in rows for code in (row[0], row[0].upper())})
    lines = []
    for code, sku, said, lot in rows:
        units, found = int_in(said), bins.get((origin, code)) or bins.get((origin, code.upper()))
        if found is None or sku not in skus or not units:
            told = gettext("%(line)s: say a bin of the node, a SKU of the catalog, and how many units.")
            messages.error(request, told % {"line": " ".join(filter(None, (code, sku, said, lot)))})
            return []
        lines.append(TransferUnits(skus[sku].id, found, units, lot))
    return lines


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
