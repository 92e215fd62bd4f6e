"""Stock that is not as the records say: corrected with a reason, approved by another, or said to be damaged or good."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.insight import bins as shelf
from entrepot.kernel import policies
from entrepot.network import queries as network
from entrepot.stock import adjustments, queries
from entrepot.stock.commands.adjust import Adjust, Adjusted, AdjustmentPolicy, DecideAdjustment
from entrepot.stock.commands.change_status import ChangeStatus
from entrepot.warehouse import adjusting, shelf_queries
from entrepot.warehouse.commands.adjust import adjust, approve_adjustment, change_status
from entrepot.web import format as fmt
from entrepot.web import lists_floor
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread, page, uuid_in
from entrepot.web.listed import chosen, listed

UNITS_MAX = 1_000_000


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Corrections that wait for somebody's approval, or all."""
    shown = listed(request, lists_floor.ADJUSTMENTS, partial(_fetch, request))
    if shown.answer:
        return shown.answer
    company = request.reader.company
    context = {
        **shown.context(), "state": _state(request), "states": ("waiting", *adjustments.STATES[1:], "all"),
        "node": uuid_in(request.GET.get("node")), "nodes": network.nodes(company=company.id),
        "decides": _state(request) == "waiting" and request.reader.actor.may("warehouse.approve_adjustment"),
        "currency": company.currency,
    }  # fmt: skip
    return page(request, "web/adjustments.html", context, area="stock")


def _state(request: Request) -> str:
    """Those that wait are shown where nobody asks for others."""
    asked = clean(request.GET.get("state"))
    return asked if asked in (*adjustments.STATES, "all") else "waiting"


def _fetch(request: Request, after: UUID | None, limit: int) -> list[adjustments.AdjustmentRow]:
    state = _state(request)
    return adjustments.adjustments(
        company=request.reader.company.id, state="" if state == "all" else state,
        node=uuid_in(request.GET.get("node")), after=after, limit=limit,
    )  # fmt: skip


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """Approve or reject the chosen corrections."""
    text = request.POST
    approves, note = text.get("decision") == "approve", clean(text.get("note"))
    which = chosen(request, "adjustment", partial(_fetch, request))
    wanted = [DecideAdjustment(one, approves, note) for one in which]
    results = give(request, approve_adjustment, wanted, _decided if approves else _rejected)
    return back(request, reverse("adjustments"), results)


@require_safe
@console
def bin_(request: Request, which: UUID) -> HttpResponse:
    """What stands in a bin, and forms to correct it."""
    company = request.reader.company.id
    found = shelf.bins(company=company, limit=1, which=[which])
    if not found:
        raise Http404
    context = {
        "bin": found[0], "goods": queries.buckets_in(company=company, bin_=which),
        "adjustments": adjustments.adjustments(company=company, bin_=which, limit=20),
        "currency": request.reader.company.currency, **choices(request),
    }  # fmt: skip
    return page(request, "web/bin.html", context, area="stock")


def choices(request: Request) -> dict[str, Any]:
    """What the forms of a correction offer."""
    _, policy = policies.of_company(request.reader.company.id, AdjustmentPolicy, fmt.reading().now)
    return {
        "reasons": policy.reasons,
        "statuses_set": adjusting.STATUSES,
        "statuses_marked": adjusting.MARKED,
    }


@require_POST
@console
def correct(request: Request) -> HttpResponse:
    """Units found or gone: of goods that the records have in a bin, or of others that are named."""
    text, home = request.POST, _home(request)
    where = _named(request)
    units = int_in(text.get("units"), most=UNITS_MAX)
    if where is None or not units:
        if where is not None:
            misread(request, "units", gettext("Write a whole number of units, at least 1."))
        return back(request, home, [])
    wanted = Adjust(
        request.reader.company.id, *where[:3], -units if text.get("way") == "gone" else units,
        clean(text.get("reason")), *where[3:], clean(text.get("note")), coded=True,
    )  # fmt: skip
    results = give(request, adjust, [wanted], _corrected)
    if any(isinstance(one, Adjusted) and one.state == "waiting" for one in results):
        messages.info(
            request, gettext("It waits for the approval of somebody else: nothing has changed yet.")
        )
    return back(request, home, results)


@require_POST
@console
def mark(request: Request) -> HttpResponse:
    """Some of the goods in a bin turn out to be damaged, or may be sold again."""
    text, home = request.POST, _home(request)
    found = queries.bucket(company=request.reader.company.id, which=uuid_in(text.get("bucket")))
    units = int_in(text.get("units"), most=UNITS_MAX)
    if found is None or found.bin is None or not units:
        field = "bucket" if found is None else "units"
        misread(request, field, gettext("Choose the goods, and write a whole number of units, at least 1."))
        return back(request, home, [])
    wanted = ChangeStatus(
        request.reader.company.id, found.sku, found.node, found.bin, units, found.status,
        clean(text.get("to_status")), clean(text.get("reason")), None, found.lot, found.serial,
    )  # fmt: skip
    return back(request, home, give(request, change_status, [wanted], _marked))


def _home(request: Request) -> str:
    """Where the forms stand: on the page of the SKU or of the bin."""
    sku, bin_id = uuid_in(request.POST.get("sku")), uuid_in(request.POST.get("at"))
    if sku:
        return reverse("sku", args=[sku])
    return reverse("bin", args=[bin_id]) if bin_id else reverse("adjustments")


def _named(request: Request) -> tuple[UUID, UUID, UUID, str, str, str] | None:
    """SKU, node, bin, status, lot and serial that the form says; None where some of it is not there, which is told."""
    text, company = request.POST, request.reader.company.id
    if which := uuid_in(text.get("bucket")):
        found = queries.bucket(company=company, which=which)
        if found is None or found.bin is None:
            misread(
                request, "bucket", gettext("These goods do not stand there any more. Look at the page again.")
            )
            return None
        return found.sku, found.node, found.bin, found.status, found.lot, found.serial
    sku, code = uuid_in(text.get("sku")), clean(text.get("code"))
    if sku is None and (named := catalog.skus(company=company, codes=[code]).get(code)):
        sku = named.id
    place = shelf_queries.bin_by_id(at) if (at := uuid_in(text.get("at"))) else _bin_named(request)
    if sku is None or place is None:
        field, what = ("code", gettext("SKU")) if sku is None else ("bin", gettext("bin"))
        misread(request, field, gettext("There is no %(what)s with this code here.") % {"what": what})
        return None
    return (
        sku,
        place.node,
        place.id,
        clean(text.get("status")),
        clean(text.get("lot")),
        clean(text.get("serial")),
    )


def _bin_named(request: Request) -> shelf_queries.BinRow | None:
    node, code = uuid_in(request.POST.get("node")), clean(request.POST.get("bin"))
    known = {one.id for one in network.nodes(company=request.reader.company.id)}
    return shelf_queries.bin_named(node=node, code=code) if node in known and code else None


def _decided(n: int) -> str:
    return ngettext("%(n)s correction is posted.", "%(n)s corrections are posted.", n) % {"n": n}


def _rejected(n: int) -> str:
    return ngettext(
        "%(n)s correction is rejected. Stock stays as it is.",
        "%(n)s corrections are rejected. Stock stays as it is.", n,
    ) % {"n": n}  # fmt: skip


def _corrected(_: int) -> str:
    return gettext("The correction is kept.")


def _marked(_: int) -> str:
    return gettext("The goods have the new status.")
