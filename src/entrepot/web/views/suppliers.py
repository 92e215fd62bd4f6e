"""Suppliers: who they are, what they offer, and what of theirs was due; and an order that a person writes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.network import queries as network
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import (
    Registered,
    RegisterOffer,
    RegisterSupplier,
    register_offers,
    register_suppliers,
)
from entrepot.purchasing import performance
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from entrepot.web.buying import ROWS, lines_in, price_in
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    day_in,
    give,
    int_in,
    misread,
    page,
    uuid_in,
)

LOOKED_BACK = timedelta(days=365)
OFFERS_SHOWN = 60
LINES_SHOWN = 60


@require_safe
@console
def supplier(request: Request, which: UUID) -> HttpResponse:
    """One supplier, with what it offers and the lines behind its figures of the last year."""
    found = _supplier(request, which)
    company, today = request.reader.company.id, timezone.now().date()
    since, until = today - LOOKED_BACK, today + timedelta(days=1)
    figures, due = performance.of_supplier(
        company, which, since=since, until=until, today=today, limit=LINES_SHOWN
    )
    context = {
        "one": found,
        "offers": parties.offers_of(company=company, supplier=which, limit=OFFERS_SHOWN),
        "figures": figures,
        "due": due,
    }
    return page(request, "web/supplier.html", context, area="inbound")


def _supplier(request: Request, which: UUID) -> parties.Supplier:
    known = parties.suppliers(company=request.reader.company.id).values()
    found = next((one for one in known if one.id == which), None)
    if found is None:
        raise Http404
    return found


@require_POST
@console
def save(request: Request) -> HttpResponse:
    """A supplier, new or changed to stand as the form says."""
    text = request.POST
    days = int_in(text.get("lead_days") or "7")
    if days is None:
        messages.error(request, gettext("Write the lead time as a whole number of days."))
        return back(request, reverse("suppliers"), [], field="lead_days")
    wanted = RegisterSupplier(
        request.reader.company.id, clean(text.get("code")), clean(text.get("name")),
        clean(text.get("currency")).upper(), days,
    )  # fmt: skip
    results = give(request, register_suppliers, [wanted], lambda _: gettext("The supplier is kept."))
    made = next((one for one in results if isinstance(one, Registered)), None)
    return back(request, reverse("supplier", args=[made.id]) if made else reverse("suppliers"), results)


@require_POST
@console
def offer(request: Request, which: UUID) -> HttpResponse:
    """What a supplier asks for a SKU from now on."""
    _supplier(request, which)
    text, code = request.POST, clean(request.POST.get("sku"))
    sku = catalog.skus(company=request.reader.company.id, codes=[code]).get(code)
    names = {"minimum": "1", "lead_days": "7", "pack": "1"}
    numbers = [int_in(text.get(name) or usual) for name, usual in names.items()]
    if sku is None or None in numbers:
        wrong = "sku" if sku is None else list(names)[numbers.index(None)]
        said = gettext("Say which SKU, and whole numbers for the least units, the pack and the days.")
        misread(request, wrong, said)
        return back(request, reverse("supplier", args=[which]), [])
    minimum, days, pack = (one or 0 for one in numbers)
    wanted = RegisterOffer(which, sku.id, price_in(text.get("cost")), minimum, days, pack_quantity=pack)
    results = give(request, register_offers, [wanted], lambda _: gettext("The offer is kept."))
    return back(request, reverse("supplier", args=[which]), results)


@require_safe
@console
def write_order(request: Request) -> HttpResponse:
    """The form of a purchase order."""
    company = request.reader.company.id
    context = {
        "suppliers": parties.suppliers(company=company).values(),
        "supplier": clean(request.GET.get("supplier")),
        "nodes": network.nodes(company=company),
        "rows": [str(row) for row in ROWS],
        "today": timezone.now().date(),
    }
    return page(request, "web/purchase_order_new.html", context, area="inbound")


@require_POST
@console
def place_order(request: Request) -> HttpResponse:
    """Order what the lines say, at the supplier's offer where no cost is said."""
    text, company = request.POST, request.reader.company.id
    which, node = uuid_in(text.get("supplier")), uuid_in(text.get("node"))
    lines = lines_in(request, which) if which and node else None
    here = reverse("purchase-order-new")
    if which is None or node is None:
        field = "supplier" if which is None else "node"
        misread(request, field, gettext("Choose a supplier and a node."))
    elif lines == []:
        messages.error(request, gettext("Say at least one SKU, and how many units of it."))
    if not lines or which is None or node is None:
        return back(request, here, [])
    wanted = OrderGoods(
        company, which, node, clean(text.get("reference")), tuple(lines), wanted_on=day_in(text.get("wanted"))
    )
    results = give(
        request, order, [wanted], lambda _: gettext("The order is written. Somebody else receives it.")
    )
    made = next((one for one in results if isinstance(one, GoodsOrdered)), None)
    if made and made.state == "waiting":
        messages.info(request, gettext("It waits until another person has approved it."))
    return back(request, reverse("purchase-order", args=[made.order]) if made else here, results)
