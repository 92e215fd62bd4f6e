"""The cartons that a retailer packs in: which there are, set up, changed, and out of use."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.warehouse import carton_queries, packing
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.web import format as fmt
from entrepot.web import lists_floor
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    give,
    ids_in,
    int_in,
    minor_in,
    misread,
    page,
)
from entrepot.web.listed import listed_whole

DAYS = 30
"""Days of packing that tell how often a carton is taken."""
OUTSIDE = ("outer_length_mm", "outer_width_mm", "outer_height_mm")
NUMBERS = ("length_mm", "width_mm", "height_mm", "max_weight_g", "tare_g", *OUTSIDE)
MAY_BE_LEFT_OUT = ("tare_g", *OUTSIDE)


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """The cartons that are registered, and a form to register one or to change it."""
    rows = _rows(request)
    shown = listed_whole(request, lists_floor.CARTONS, rows)
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(), "days": DAYS, "currency": request.reader.company.currency,
        "may": request.reader.actor.may("warehouse.register_cartons"),
        "standard": [] if any(one.active for one in rows) else _standard(request),
    }  # fmt: skip
    return page(request, "web/cartons.html", context, area="floor")


def _rows(request: Request) -> list[carton_queries.CartonRow]:
    since = fmt.reading().now - timedelta(days=DAYS)
    return carton_queries.registered(company=request.reader.company.id, since=since)


def _standard(request: Request) -> list[str]:
    """The cartons that are packed in where none is registered."""
    company = request.reader.company.id
    return [one.code for one in packing.cartons([company])[company].usable]


@require_POST
@console
def keep(request: Request) -> HttpResponse:
    """A carton as the form says it: a new one, or another of the same code changed."""
    text, company, home = request.POST, request.reader.company, reverse("cartons")
    numbers = {name: int_in(text.get(name) or ("0" if name in MAY_BE_LEFT_OUT else "")) for name in NUMBERS}
    cost = minor_in(text.get("cost") or "0", company.currency)
    wrong = [name for name, number in numbers.items() if number is None]
    if wrong or cost is None:
        misread(
            request,
            wrong[0] if wrong else "cost",
            gettext("Write whole millimeters and grams, and the cost as money."),
        )
        return back(request, home)
    whole: dict[str, Any] = {name: number or 0 for name, number in numbers.items()}
    wanted = RegisterCarton(company.id, clean(text.get("code")), **whole, cost_minor=cost)
    results = give(request, register_cartons, [wanted], lambda _: gettext("The carton is kept."))
    return back(request, home, results)


@require_POST
@console
def switch(request: Request) -> HttpResponse:
    """The chosen cartons are not packed in any more, or are again."""
    which, active = set(ids_in(request.POST.getlist("carton"))), request.POST.get("do") == "use"
    wanted = [
        replace(_as_it_stands(request.reader.company.id, one), active=active)
        for one in _rows(request)
        if one.id in which
    ]
    return back(request, reverse("cartons"), give(request, register_cartons, wanted, _switched))


def _as_it_stands(company: int, one: carton_queries.CartonRow) -> RegisterCarton:
    numbers = {name: getattr(one, name) for name in NUMBERS}
    return RegisterCarton(company, one.code, **numbers, cost_minor=one.cost_minor)


def _switched(n: int) -> str:
    return ngettext("%(n)s carton is changed.", "%(n)s cartons are changed.", n) % {"n": n}
