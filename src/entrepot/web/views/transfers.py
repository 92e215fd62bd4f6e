"""Transfers between nodes: proposed, to be sent, and on their way."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

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
from entrepot.stock import queries as stock
from entrepot.stock.commands.transfer import ReceiveTransfer, receive_transfer
from entrepot.web import lists_floor
from entrepot.web.edge import Request, back, clean, console, give, ids_in, page
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
    chosen = ids_in(request.POST.getlist("transfer"))
    match request.POST.get("action"):
        case "receive":
            wanted = [ReceiveTransfer(one, rest="received") for one in chosen]
            give(request, receive_transfer, wanted, _received)
        case "lose":
            reason = clean(request.POST.get("reason"))
            wanted = [ReceiveTransfer(one, rest="lost", reason=reason) for one in chosen]
            give(request, receive_transfer, wanted, _lost)
    return back(request, "/stock/transfers/")


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
