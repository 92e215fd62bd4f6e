"""Customers: their own page; and where their orders are shown the tier that they are of, and whether they take
something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import sees_addresses
from entrepot.insight import customers as insight
from entrepot.kernel import policies
from entrepot.orders import listing
from entrepot.orders import queries as orders
from entrepot.orders.commands.list_buyers import ListBuyer, UnlistBuyer, list_buyers, unlist_buyers
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.parties.rules import SAID_OF_SUBSTITUTES
from entrepot.returns.admission import Admission
from entrepot.sourcing.rules import Profile
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, give, page

ADDRESSES_MAX = 8
"""The latest addresses of a customer that their page shows."""


def customer_of(request: Request, order: orders.OrderView) -> dict[str, Any]:
    """Who ordered, as they stand, and for whoever may change that the tiers that a policy in force names."""
    found = parties.customer(company=order.company, code=order.customer) if order.customer else None
    may = found is not None and request.reader.actor.may("parties.register_customers")
    return {
        "customer": found,
        "may_keep_customer": may,
        "tiers": _named(order.company) if may else [],
        "said_of_substitutes": [one for one in SAID_OF_SUBSTITUTES if one],
    }


def _named(company: int) -> list[str]:
    now = fmt.reading().now
    profiles = [body for _, body in policies.in_force(company, Profile, now).values()]
    admissions = [body for _, body in policies.in_force(company, Admission, now).values()]
    tiers = {tier for one in profiles for tier in one.tier_priority}
    tiers |= {tier for one in admissions for tier in one.business_tiers}
    return sorted(tiers | {tier for one in admissions for rule in one.rules for tier in rule.tiers})


@require_safe
@console
def customer(request: Request, which: UUID) -> HttpResponse:
    """A customer: what they ordered and sent back, what they are owed, what is open, and how they are served."""
    company, actor = request.reader.company.id, request.reader.actor
    found = insight.known(company, which)
    if found is None:
        raise Http404
    latest = insight.latest(company, which)
    sees = sees_addresses(actor.may)
    wanted = list(dict.fromkeys(one.address_id for one in latest if one.address_id))[:ADDRESSES_MAX]
    may = actor.may("parties.register_customers")
    context = {
        "customer": found,
        "years": insight.years(company, which),
        "orders_max": insight.ORDERS_MAX,
        "latest": latest,
        "returns": insight.returned(company, which),
        "credits": insight.credits_of(company, which),
        "items": insight.open_work(company, which),
        "addresses": _apart(parties.addresses(wanted), wanted) if sees and wanted else [],
        "address_hidden": bool(wanted) and not sees,
        "may_keep_customer": may,
        "tiers": _named(company) if may else [],
        "said_of_substitutes": [one for one in SAID_OF_SUBSTITUTES if one],
    }
    return page(request, "web/customer.html", context, area="orders")


def _apart(found: Mapping[UUID, parties.Address], wanted: Sequence[UUID]) -> list[parties.Address]:
    """Addresses that say something different, in the order in which they are wanted."""
    told: dict[tuple[str, ...], parties.Address] = {}
    for one in (found[key] for key in wanted if key in found):
        told.setdefault(
            (one.name, one.line1, one.line2, one.city, one.postal_code, one.country, one.email), one
        )
    return list(told.values())


@require_POST
@console
def serve(request: Request, which: UUID) -> HttpResponse:
    """How a customer is served from now on, or blocked, trusted, or taken off that list."""
    company, here = request.reader.company.id, reverse("customer", args=[which])
    found = insight.known(company, which)
    if found is None:
        raise Http404
    reason, side = clean(request.POST.get("reason")), clean(request.POST.get("side"))
    if side == "unlist":
        if found.listing is None:
            raise Http404
        results: list[Any] = give(
            request, unlist_buyers, [UnlistBuyer(found.listing, reason)],
            lambda _: gettext("The customer is on no list any more."),
        )  # fmt: skip
    elif side:
        wanted = ListBuyer(company, side, listing.of_customer(found.code), reason)
        results = give(
            request, list_buyers, [wanted],
            lambda _: gettext("It counts for orders that come from now on."),
        )  # fmt: skip
    else:
        results = _keep(request, company, found.code)
    return back(request, here, results)


@require_POST
@console
def keep(request: Request, which: UUID) -> HttpResponse:
    """The customer of an order, as the form says that they stand; what it does not say stays."""
    found = orders.order(which)
    if found is None or not found.customer:
        raise Http404
    results = _keep(request, found.company, found.customer)
    return back(request, reverse("order", args=[which]), results)


def _keep(request: Request, company: int, code: str) -> list[Any]:
    tier, substitutes = (
        clean(request.POST[name]) if name in request.POST else None for name in ("tier", "substitutes")
    )
    wanted = [RegisterCustomer(company, code, tier, substitutes=substitutes)]
    return give(
        request, register_customers, wanted,
        lambda _: gettext("The customer is kept so. It counts for what is decided from now on."),
    )  # fmt: skip
