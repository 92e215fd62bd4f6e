"""Carriers' services: what each takes and costs, changed after it is compared with what stands, and how it stood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.carriage import comparing, queries
from entrepot.carriage.commands.register import register_services
from entrepot.carriage.rules import ANYWHERE, RegisterService, Zone
from entrepot.kernel import csv_rows, money
from entrepot.kernel.errors import Refused
from entrepot.web import lists_floor
from entrepot.web.as_csv import as_csv
from entrepot.web.edge import Request, back, clean, console, give, int_in, minor_in, misread, page
from entrepot.web.listed import listed_whole

FAULTS_SHOWN = 20
ZONE = "all"
EVERYWHERE = (Zone(ANYWHERE, ANYWHERE, ZONE),)
FILE_MAX = 1_000_000
INT_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """A service in the list."""

    id: UUID
    carrier: str
    code: str
    name: str
    active: bool
    transit_days: int
    max_weight_g: int
    rates: int
    live: str


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Every service of the company."""
    rows = [
        Row(one.id, s.carrier, s.code, s.name, s.active, s.transit_days, s.max_weight_g, len(s.rates), s.live)
        for one in queries.known(request.reader.company.id)
        for s in [one.stands]
    ]
    shown = listed_whole(request, lists_floor.SERVICES, rows)
    return shown.answer or page(request, "web/services.html", shown.context(), area="ship")


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """A service with its tables; beside a version where the address names one."""
    found = _known(request, which)
    if request.GET.get("format") in ("csv", "zones", "surcharges"):
        return _table(found.stands, request.GET["format"])
    kept = queries.versions(request.reader.company.id, which)
    number = int_in(request.GET.get("version"))
    version = next((one for one in kept if one.version == number), None)
    return _page(request, found, {"versions": kept, "version": version} | _beside(found, version))


@require_POST
@console
def add(request: Request) -> HttpResponse:
    """A service that nothing stands of yet, with one price to everywhere where the form says one; its tables come by
    file."""
    company, code = request.reader.company.id, clean(request.POST.get("code"))
    if any(one.stands.code == code for one in queries.known(company)):
        misread(request, "code", gettext("%(code)s is there already. Change it below.") % {"code": code})
        return back(request, reverse("services"), [])
    days, grams = (int_in(request.POST.get(name)) for name in ("transit_days", "max_weight_g"))
    currency, said = clean(request.POST.get("currency")).upper(), clean(request.POST.get("price"))
    price = minor_in(said, currency) if said else None
    if days is None or grams is None or (said and price is None):
        wrong = "transit_days" if days is None else "max_weight_g" if grams is None else "price"
        misread(request, wrong, gettext("Write whole days and grams, and the price as a number."))
        return back(request, reverse("services"), [])
    wanted = RegisterService(
        company, clean(request.POST.get("carrier")), code, clean(request.POST.get("name")), min(days, INT_MAX),
        min(grams, INT_MAX), currency, EVERYWHERE if said else (), ((ZONE, grams, price or 0),) if said else (),
    )  # fmt: skip
    done = gettext("The service is set up. Its rates and zones are brought on its page.")
    answers = give(request, register_services, [wanted], lambda _n: done)
    if isinstance(answers[0], Refused):
        return back(request, reverse("services"), answers)
    return redirect("service", which=answers[0].id)


@require_POST
@console
def compare(request: Request, which: UUID) -> HttpResponse:
    """What a file of rates, zones or surcharges would change; nothing is changed yet."""
    found, file = _known(request, which), request.FILES.get("file")
    text = ""
    if file is not None and file.size and file.size <= FILE_MAX:
        text = file.read().decode("utf-8-sig", "replace")
    table = request.POST.get("table", "")
    wanted = _with_file(request, found.stands, table, text)
    if wanted is None:
        return back(request, reverse("service", args=[which]))
    more = {
        "wanted": wanted,
        "text": text,
        "table": table,
        "differences": comparing.differences(found.stands, wanted),
    }
    kept = queries.versions(request.reader.company.id, which)
    return _page(request, found, {"versions": kept} | more)


@require_POST
@console
def set_rates(request: Request, which: UUID) -> HttpResponse:
    """The table of the file that was compared."""
    found, table = _known(request, which), request.POST.get("table", "")
    wanted = _with_file(request, found.stands, table, request.POST.get("rates", "")[:FILE_MAX])
    done = {"zones": gettext("The zones are changed."), "surcharges": gettext("The surcharges are changed.")}
    if wanted is not None:
        said = done.get(table, gettext("The rates are changed."))
        give(request, register_services, [wanted], lambda _n: said)
    return back(request, reverse("service", args=[which]))


@require_POST
@console
def change(request: Request, which: UUID) -> HttpResponse:
    """What a service is called, how long it takes and what it carries."""
    found, home = _known(request, which), reverse("service", args=[which])
    numbers = {
        name: int_in(request.POST.get(name))
        for name in ("transit_days", "max_weight_g", "divisor", "max_length_mm")
    }
    if wrong := [name for name, number in numbers.items() if number is None or number > INT_MAX]:
        misread(request, wrong[0], gettext("Write whole numbers."))
        return back(request, home)
    wanted: Any = replace(
        found.stands, name=clean(request.POST.get("name")) or found.stands.name,
        active=request.POST.get("active") == "on", **numbers,  # type: ignore[arg-type]
    )  # fmt: skip
    give(request, register_services, [wanted], lambda _n: gettext("The service is changed."))
    return back(request, home)


@require_POST
@console
def restore(request: Request, which: UUID) -> HttpResponse:
    """A service as it stood in a version, which becomes a new one."""
    _known(request, which)
    company, number = request.reader.company.id, int_in(request.POST.get("version"))
    version = next((one for one in queries.versions(company, which) if one.version == number), None)
    if version is None:
        raise Http404
    wanted = replace(version.stood, company=company)
    give(request, register_services, [wanted], lambda _n: gettext("The service stands as it did then."))
    return back(request, reverse("service", args=[which]))


def _page(request: Request, found: queries.Known, more: dict[str, Any]) -> HttpResponse:
    context = {
        "which": found.id,
        "one": found.stands,
        "may": request.reader.actor.may("carriage.register_services"),
    }
    return page(request, "web/service.html", context | more, area="ship")


def _beside(found: queries.Known, version: queries.Version | None) -> dict[str, Any]:
    return {"differences": comparing.differences(version.stood, found.stands)} if version else {}


def _known(request: Request, which: UUID) -> queries.Known:
    found = queries.known(request.reader.company.id, which)
    if not found:
        raise Http404
    return found[0]


def _table(stands: RegisterService, table: str) -> HttpResponse:
    """Rates, zones or surcharges as a file, as `compare` takes it."""
    currency = stands.currency or "EUR"
    if table == "zones":
        return as_csv("zones", comparing.ZONES, stands.zones)
    if table == "surcharges":
        added = [
            [
                one.kind,
                one.zone,
                one.above,
                one.postal_code,
                money.text(one.amount_minor, currency),
                one.per_10k,
            ]
            for one in stands.surcharges
        ]
        return as_csv("surcharges", comparing.ADDED, added)
    rates = [[zone, grams, money.text(price, currency)] for zone, grams, price in stands.rates]
    return as_csv("rates", comparing.HEADER, rates)


def _with_file(request: Request, stands: RegisterService, table: str, text: str) -> RegisterService | None:
    """The service with the rates, zones or surcharges of a file; None, and its faults said, where it can't be read."""
    digits, lines = money.exponent(stands.currency or "EUR"), text.splitlines()
    sheet: csv_rows.Sheet[Any]
    if table == "zones":
        sheet, name = comparing.read_zones(lines), "zones"
    elif table == "surcharges":
        sheet, name = comparing.read_surcharges(lines, digits), "surcharges"
    else:
        sheet, name = comparing.read(lines, digits), "rates"
    for fault in sheet.faults[:FAULTS_SHOWN]:
        messages.error(request, gettext("Row %(row)s: %(why)s") % {"row": fault.row, "why": fault.problem})
    if sheet.faults:
        messages.error(request, gettext("Nothing was done. Mend these rows, and bring the file again."))
        return None
    changes: Any = {name: tuple(sheet.rows)}
    return replace(stands, **changes)
