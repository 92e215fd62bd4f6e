"""SKUs as the catalog has them: set up, and changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from babel.numbers import format_decimal
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.catalog.rules import LOT_POLICIES, SERIAL_POLICIES, SIDE_MAX, STATUSES, WEIGHT_MAX
from entrepot.kernel.errors import Refused
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, decimal_in, give, int_in, kept, page

TEXTS = ("name", "category", "barcode", "hs_code", "lot_policy", "serial_policy", "status")
NUMBERS = ("weight_g", "length_mm", "width_mm", "height_mm", "minimum_age")
PRICES = ("list_price", "standard_cost")
CHECKS = ("hazardous", "fragile", "upright")


@require_safe
@console
def new(request: Request) -> HttpResponse:
    """The form of a SKU that is not there yet."""
    return _form(request, None, asdict(RegisterSku(0, "", "")))


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """The form of a SKU as it stands."""
    found = _known(which)
    return _form(request, found, {name: getattr(found, name) for name in ("code", *_FIELDS)})


@require_POST
@console
def add(request: Request) -> HttpResponse:
    """A SKU that nothing stands of yet; an existing one is changed on its own form."""
    company, code = request.reader.company.id, clean(request.POST.get("code"))
    if code in catalog.skus(company=company, codes=[code]):
        messages.error(request, gettext("%(code)s is there already. Change it on its page.") % {"code": code})
        return back(request, reverse("sku-new"), [])
    return _keep(request, code, reverse("sku-new"), gettext("The SKU is set up."))


@require_POST
@console
def change(request: Request, which: UUID) -> HttpResponse:
    found = _known(which)
    return _keep(request, found.code, reverse("sku-catalog", args=[which]), gettext("The SKU is changed."))


_FIELDS = (*TEXTS, *NUMBERS, *PRICES, *CHECKS)


def _known(which: UUID) -> catalog.Sku:
    found = catalog.sku_by_id(which)
    if found is None:
        raise Http404
    return found


def _form(request: Request, found: catalog.Sku | None, stands: dict[str, Any]) -> HttpResponse:
    said = kept(request)
    if said:
        fields = said["fields"]
        stands |= {name: fields.get(name, stands[name]) for name in (*TEXTS, *NUMBERS, *PRICES)}
        stands |= {name: name in fields for name in CHECKS} | {"code": fields.get("code", stands["code"])}
    prices = {
        name: format_decimal(value, format="0.00####", locale=fmt.reading().locale)
        for name in PRICES
        if (value := stands[name]) is not None and not isinstance(value, str)
    }
    context = {
        "sku": found, "one": stands | prices, "statuses": STATUSES, "lot_policies": LOT_POLICIES,
        "serial_policies": SERIAL_POLICIES, "side_max": SIDE_MAX, "weight_max": WEIGHT_MAX,
        "may": request.reader.actor.may("catalog.register_skus"),
    }  # fmt: skip
    return page(request, "web/sku_form.html", context, area="stock")


def _keep(request: Request, code: str, form: str, done: str) -> HttpResponse:
    """The SKU as the form says it; where a number is none, it is told and stays typed."""
    said = {name: clean(request.POST.get(name)) for name in (*TEXTS, *NUMBERS, *PRICES)}
    numbers = {name: int_in(said[name] or "0") for name in NUMBERS}
    prices = {name: decimal_in(said[name]) if said[name] else None for name in PRICES}
    misread = [name for name, number in {**numbers, **prices}.items() if said[name] and number is None]
    if misread:
        messages.error(request, gettext("Write measures as whole numbers, and prices as numbers."))
        return back(request, form, [], field=misread[0])
    checks = {name: request.POST.get(name) == "on" for name in CHECKS}
    texts = {name: said[name] for name in TEXTS}
    wanted = RegisterSku(request.reader.company.id, code, **texts, **numbers, **prices, **checks)  # type: ignore[arg-type]
    answers = give(request, register_skus, [wanted], lambda _n: done)
    if isinstance(answers[0], Refused):
        return back(request, form, answers)
    return redirect("sku", which=answers[0].id)
