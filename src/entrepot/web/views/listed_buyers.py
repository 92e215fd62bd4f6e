"""Whom the house blocks and trusts: the list, and blocking, trusting and taking back by hand or from an order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.kernel import policies
from entrepot.network import queries as network
from entrepot.orders import listing, listing_queries
from entrepot.orders import queries as orders
from entrepot.orders.commands.list_buyers import ListBuyer, UnlistBuyer, list_buyers, unlist_buyers
from entrepot.orders.facts import default
from entrepot.orders.validation import Validation
from entrepot.parties import fingerprints
from entrepot.web import format as fmt
from entrepot.web import lists
from entrepot.web.edge import Request, Undo, back, clean, console, give, ids_in, page
from entrepot.web.listed import listed


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Who is blocked and trusted now, or was; and on which channels nobody asks."""
    company = request.reader.company.id
    side, text = clean(request.GET.get("side")), clean(request.GET.get("q"))
    ended = request.GET.get("ended") == "1"

    def fetch(after: UUID | None, limit: int) -> list[listing_queries.ListingRow]:
        return listing_queries.listings(
            company,
            side=side if side in listing.SIDES else "",
            text=text,
            ended=ended,
            after=after,
            limit=limit,
        )

    shown = listed(request, lists.LISTED_BUYERS, fetch)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "side": side,
        "sides": listing.SIDES,
        "text": text,
        "ended": ended,
        "kinds": listing.KINDS,
        "lenient": _lenient(company),
    }
    return page(request, "web/listed_buyers.html", context, area="orders")


def _lenient(company: int) -> list[tuple[str, str]]:
    """Channels whose policy holds nobody for being blocked, by name and what it does instead."""
    in_force = policies.in_force(company, Validation, fmt.reading().now)
    modes = [
        (one.name, policies.of_scope(in_force, one.code, default(one.kind)[1]).blocked)
        for one in network.channels(company=company).values()
    ]
    return [(name, mode) for name, mode in modes if mode != "enforce"]


@require_POST
@console
def add(request: Request) -> HttpResponse:
    """One by hand: a customer's code, a mail address, a card's token, or a fingerprint."""
    entry = _entry(clean(request.POST.get("kind")), clean(request.POST.get("value")))
    results = _list(request, [entry], None)
    return back(request, reverse("listed-buyers"), results)


def _entry(kind: str, value: str) -> str:
    """What was typed, as it stands on the list: what is personal becomes a fingerprint, and is written nowhere."""
    if not value or value.startswith(f"{kind}:"):
        return value
    if kind == "email":
        return fingerprints.of_email(value) if "@" in value else f"{kind}:{value}"
    return fingerprints.of_card(value) if kind == "card" else f"{kind}:{value}"


@require_POST
@console
def of_order(request: Request, which: UUID) -> HttpResponse:
    """What was chosen of an order's customer, card, addresses and mail addresses."""
    if orders.order(which) is None:
        raise Http404
    chosen = request.POST.getlist("entry")
    results = _list(request, [clean(one) for one in chosen], which)
    return back(request, reverse("order", args=[which]), results)


def _list(request: Request, entries: list[str], order: UUID | None) -> list[Any]:
    side, reason = clean(request.POST.get("side")), clean(request.POST.get("reason"))
    wanted = [ListBuyer(request.reader.company.id, side, one, reason, order) for one in entries]

    def done(n: int) -> str:
        if side == listing.BLOCKED:
            return ngettext("%(n)s entry is blocked.", "%(n)s entries are blocked.", n) % {"n": n}
        return ngettext("%(n)s entry is trusted.", "%(n)s entries are trusted.", n) % {"n": n}

    return give(request, list_buyers, wanted, done, undo=_taken_back)


def _taken_back(done: list[Any]) -> Undo:
    """What takes the listings back."""
    which = [("listing", str(answer.listing)) for _, answer in done]
    return Undo(
        "orders.unlist_buyers", reverse("listed-buyers-end"), [*which, ("reason", gettext("Undone at once."))]
    )


@require_POST
@console
def take_back(request: Request) -> HttpResponse:
    reason = clean(request.POST.get("reason"))
    wanted = [UnlistBuyer(one, reason) for one in ids_in(request.POST.getlist("listing"))]
    results = give(
        request, unlist_buyers, wanted,
        lambda n: ngettext("%(n)s entry is taken back.", "%(n)s entries are taken back.", n) % {"n": n},
    )  # fmt: skip
    return back(request, reverse("listed-buyers"), results)
