"""Customers, where their orders are shown: the tier that they are of, and whether they take something else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.kernel import policies
from entrepot.orders import queries as orders
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.parties.rules import SAID_OF_SUBSTITUTES
from entrepot.returns.admission import Admission
from entrepot.sourcing.rules import Profile
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, give


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


@require_POST
@console
def keep(request: Request, which: UUID) -> HttpResponse:
    """The customer of an order, as the form says that they stand; what it does not say stays."""
    found = orders.order(which)
    if found is None or not found.customer:
        raise Http404
    tier, substitutes = (
        clean(request.POST[name]) if name in request.POST else None for name in ("tier", "substitutes")
    )
    wanted = [RegisterCustomer(found.company, found.customer, tier, substitutes=substitutes)]
    results = give(
        request, register_customers, wanted,
        lambda _: gettext("The customer is kept so. It counts for what is decided from now on."),
    )  # fmt: skip
    return back(request, reverse("order", args=[which]), results)
