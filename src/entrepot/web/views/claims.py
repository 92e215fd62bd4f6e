"""Claims to carriers: opened for a shipment, and taken on step by step; goods sent again."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.shipping import queries
from entrepot.shipping.commands.claim import AdvanceClaim, OpenClaim, advance_claims, open_claims
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.web import format as fmt
from entrepot.web import lists_floor
from entrepot.web.edge import Request, back, clean, console, give, minor_in, misread, page
from entrepot.web.listed import listed


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """What carriers shall pay for, and what they did."""

    def fetch(after: UUID | None, limit: int) -> list[queries.ClaimRow]:
        return queries.claims(request.reader.company.id, after=after, limit=limit)

    shown = listed(request, lists_floor.CLAIMS, fetch)
    if shown.answer:
        return shown.answer
    return page(request, "web/claims.html", shown.context(), area="ship")


@require_POST
@console
def make(request: Request, which: UUID) -> HttpResponse:
    """A claim for a shipment, of all it was worth where no amount is said."""
    text = clean(request.POST.get("amount"))
    currency = queries.currency_of_shipment(request.reader.company.id, which)
    if currency is None:
        raise Http404
    amount = minor_in(text, currency) if text else None
    if text and amount is None:
        misread(
            request,
            "amount",
            gettext("Write the amount like %(like)s.") % {"like": fmt.amount(1250, currency)},
        )
        return back(request, reverse("claims"))
    wanted = OpenClaim(which, clean(request.POST.get("kind")), amount)
    results = give(
        request, open_claims, [wanted], lambda _: gettext("The claim is open. File it with the carrier.")
    )
    return back(request, reverse("claims"), results)


@require_POST
@console
def send_again(request: Request, which: UUID) -> HttpResponse:
    """The goods of a shipment, at no charge."""
    parcels = tuple(clean(one) for one in request.POST.getlist("parcels"))
    wanted = Reship(which, clean(request.POST.get("reason")), parcels)
    results = give(
        request, reship, [wanted], lambda _: gettext("An order at no charge sends the goods again.")
    )
    return back(request, reverse("claims"), results)


@require_POST
@console
def advance(request: Request, which: UUID) -> HttpResponse:
    """A step of a claim, with what the carrier agrees to or credited."""
    text = clean(request.POST.get("amount"))
    currency = queries.currency_of_claim(request.reader.company.id, which)
    if currency is None:
        raise Http404
    amount = minor_in(text, currency) if text else None
    wanted = AdvanceClaim(
        which,
        clean(request.POST.get("step")),
        (amount or 0) if text else None,
        clean(request.POST.get("reason")),
        clean(request.POST.get("reference")),
    )
    results = give(request, advance_claims, [wanted], lambda _: gettext("The claim is a step on."))
    return back(request, reverse("claims"), results)
