"""What stock is worth: the method, the layers of a SKU, and what was added to its cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.insight import pages
from entrepot.ledger import queries
from entrepot.ledger.commands.choose_costing import ChooseCosting, choose_costing
from entrepot.ledger.commands.write_down import WriteDown, write_down
from entrepot.network import queries as network
from entrepot.purchasing import landing, landing_queries
from entrepot.purchasing.commands.land_costs import LandCost, land_costs
from entrepot.web import lists_books
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    day_in,
    give,
    minor_in,
    misread,
    page,
    uuid_in,
)
from entrepot.web.listed import listed

PAGE = 25


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """The method in force, the layers of the SKU asked for, and landed costs, the latest first."""
    company = request.reader.company.id
    text = clean(request.GET.get("sku"))
    sku = catalog.skus(company=company, codes=[text]).get(text) if text else None

    def fetch(after: UUID | None, limit: int) -> list[landing_queries.LandedCost]:
        return landing_queries.costs(company, after=after, limit=limit)

    shown = listed(request, lists_books.LANDED, fetch)
    if shown.answer:
        return shown.answer
    methods = queries.costings(company=company)
    layers = queries.layers(company=company, sku=sku.id) if sku else []
    written = queries.write_downs(company=company, limit=PAGE)
    below = queries.below_cost(company=company, limit=PAGE)
    stood = [*((one.sku, one.node) for one in written), *((one.sku, one.node) for one in below)]
    context = {
        "written": written,
        "below": below,
        "nodes": network.nodes(company=company),
        "skus": {which: one.code for which, one in catalog.skus_by_id({sku for sku, _ in stood}).items()},
        "method": methods[0].method if methods else "average",
        "methods": methods,
        "text": text,
        "sku": sku,
        "layers": layers,
        "names": pages.names(
            [
                *(which for one in layers for which in (one.document, one.node)),
                *(node for _, node in stood),
            ]
        ),
        **shown.context("costs"),
        "kinds": landing.KINDS,
        "bases": landing.BASES,
    }
    return page(request, "web/valuation.html", context, area="books")


@require_POST
@console
def choose(request: Request) -> HttpResponse:
    """Another method from now on."""
    wanted = ChooseCosting(
        request.reader.company.id, clean(request.POST.get("method")), clean(request.POST.get("reason")),
        request.POST.get("revalue") == "1",
    )  # fmt: skip
    results = give(request, choose_costing, [wanted], lambda _: gettext("Stock is valued so from now on."))
    return back(request, reverse("valuation"), results)


@require_POST
@console
def write(request: Request) -> HttpResponse:
    """Stock of a SKU at a node valued at what a unit still brings."""
    company = request.reader.company
    code = clean(request.POST.get("sku"))
    sku = catalog.skus(company=company.id, codes=[code]).get(code)
    node, unit = uuid_in(request.POST.get("node")), minor_in(request.POST.get("unit", ""), company.currency)
    if sku is None or node is None or unit is None:
        wrong = "sku" if sku is None else "node" if node is None else "unit"
        misread(request, wrong, gettext("Say the SKU, the node, and what a unit brings."))
        return back(request, reverse("valuation"), [])
    told = clean(request.POST.get("on"))
    if told and day_in(told) is None:
        misread(request, "on", gettext("Write the day as 2026-11-30, or leave it empty for now."))
        return back(request, reverse("valuation"), [])
    wanted = WriteDown(
        company.id, sku.id, node, Decimal(unit), clean(request.POST.get("reason")), day_in(told)
    )
    results = give(request, write_down, [wanted], lambda _: gettext("The stock is worth what it brings."))
    return back(request, reverse("valuation"), results)


@require_POST
@console
def land(request: Request) -> HttpResponse:
    """A bill spread over the receipts named by their numbers."""
    company = request.reader.company
    numbers = clean(request.POST.get("receipts")).replace(",", " ").split()
    found = landing_queries.receipts_named(company.id, numbers)
    unknown = [number for number in numbers if number not in found]
    amount = minor_in(request.POST.get("amount", ""), company.currency)
    if unknown or not numbers or amount is None:
        misread(
            request,
            "receipts" if unknown or not numbers else "amount",
            gettext("There is no receipt %(numbers)s here.") % {"numbers": ", ".join(unknown)}
            if unknown
            else gettext("Say the amount, and the numbers of the receipts that the bill is for."),
        )
        return back(request, reverse("valuation"), [])
    kind, payee, external = (clean(request.POST.get(name)) for name in ("kind", "payee", "external_id"))
    wanted: list[Any] = [
        LandCost(
            company.id,
            kind,
            payee,
            external,
            amount,
            clean(request.POST.get("basis")),
            tuple(found[one] for one in numbers),
        )
    ]
    results = give(request, land_costs, wanted, lambda _: gettext("The bill is spread over its goods."))
    return back(request, reverse("valuation"), results)
