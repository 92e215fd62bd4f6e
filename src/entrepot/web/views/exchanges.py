"""What is sent for what comes back, and store credit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.payments import credit_queries
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.withdraw_exchanges import WithdrawExchange, withdraw_exchanges
from entrepot.web import format as fmt
from entrepot.web import lists_returns
from entrepot.web.edge import Request, back, clean, console, decimal_in, give, int_in, misread, page, uuid_in
from entrepot.web.listed import listed


@require_POST
@console
def agree(request: Request, which: UUID) -> HttpResponse:
    """Units of a line of the return are exchanged for a SKU."""
    wanted = _exchange(request, which)
    told = gettext("The replacement is agreed. It is sent when what it is for has come.")
    results = give(request, exchange, wanted, lambda _n: told) if wanted else []
    return back(request, f"/returns/{which}/", results)


def _exchange(request: Request, which: UUID) -> list[Exchange]:
    """What the form asks for; none, and a message, where its price can't be read."""
    line, text = uuid_in(request.POST.get("line")), clean(request.POST.get("price"))
    price = decimal_in(text) if text else None
    if line is None or (text and price is None):
        told = gettext("Write the price of one unit like %(example)s, or leave it empty.")
        misread(request, "price", told % {"example": fmt.example(request.reader.company.currency)})
        return []
    units, sku = int_in(request.POST.get("units")) or 0, clean(request.POST.get("sku"))
    return [Exchange(which, line, units, sku, price, clean(request.POST.get("reason")))]


@require_POST
@console
def give_up(request: Request, which: UUID) -> HttpResponse:
    """An exchange of the return that will not be."""
    refund = uuid_in(request.POST.get("refund"))
    wanted = [WithdrawExchange(refund, clean(request.POST.get("reason")))] if refund else []
    told = gettext("The exchange is given up and its replacement cancelled.")
    results = give(request, withdraw_exchanges, wanted, lambda _n: told)
    return back(request, f"/returns/{which}/", results)


@require_safe
@console
def store_credits(request: Request) -> HttpResponse:
    """What customers have with the house."""
    company, text = request.reader.company.id, clean(request.GET.get("q"))

    def fetch(after: UUID | None, limit: int) -> list[credit_queries.CreditRow]:
        return credit_queries.accounts(company, text=text, after=after, limit=limit)

    shown = listed(request, lists_returns.STORE_CREDITS, fetch)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "text": text,
    }
    return page(request, "web/store_credits.html", context, area="returns")


@require_safe
@console
def store_credit(request: Request, which: UUID) -> HttpResponse:
    """One account: what is good until when, and its ledger."""
    one = credit_queries.account(request.reader.company.id, which)
    if one is None:
        raise Http404
    context = {"one": one, "grants": credit_queries.grants(which), "moves": credit_queries.moves(which)}
    return page(request, "web/store_credit.html", context, area="returns")
