"""Further barcodes of SKUs: given and taken on the page of a SKU, or where a code that was reported is looked up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.keep_aliases import AddAlias, DropAlias, add_aliases, drop_aliases
from entrepot.catalog.commands.report_barcodes import (
    ABOUT,
    WRONG,
    AttachBarcode,
    attach_barcodes,
    scan_of,
)
from entrepot.kernel import pictures
from entrepot.web.edge import Request, back, clean, console, file_of, give
from entrepot.work import queries as work


def of_item(request: Request, found: work.Item) -> dict[str, Any]:
    """What the page of a work item about a barcode shows of it; nothing for any other."""
    if found.type not in ABOUT:
        return {}
    code = str(found.facts.get("barcode", ""))
    whose = _bearers(found.company, code) if found.type == WRONG else []
    may_attach = found.state != "done" and request.reader.actor.may("catalog.attach_barcodes")
    return {"asked_barcode": code, "may_attach": may_attach and not whose, "barcode_of": whose,
            "barcode_photos": catalog.photos_of(item=found.id)}  # fmt: skip


def _bearers(company: int, code: str) -> list[catalog.Sku]:
    """Whose barcode a code is now: it can't be another SKU's beside."""
    (found,) = catalog.by_scan(company=company, scans=[scan_of(code, timezone.now().date())])
    return found


@require_safe
@console
def photo(request: Request, which: UUID, digest: str) -> HttpResponse:
    """A picture as it was sent, which the browser may show and do nothing else with."""
    item = work.item(which)
    found = (
        catalog.photo(item=which, digest=digest)
        if item and item.company == request.reader.company.id
        else None
    )
    if found is None:
        raise Http404
    kind, content = found
    response = file_of(content, pictures.TYPES[kind], digest[:16])
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@require_POST
@console
def attach(request: Request, which: UUID) -> HttpResponse:
    """The code that an item is about is one of a SKU from now on, and the item is resolved."""
    wanted = AttachBarcode(which, clean(request.POST.get("sku")), clean(request.POST.get("note")))
    results = give(
        request,
        attach_barcodes,
        [wanted],
        lambda _: gettext("The barcode is attached, and the item resolved."),
    )
    return back(request, f"/work/{which}/", results)


@require_POST
@console
def add(request: Request, which: UUID) -> HttpResponse:
    """One more barcode of a SKU."""
    found = catalog.sku_by_id(which)
    if found is None:
        raise Http404
    wanted = AddAlias(request.reader.company.id, found.code, clean(request.POST.get("alias")))
    results = give(
        request, add_aliases, [wanted], lambda _: gettext("Scanners know it by this barcode, too.")
    )
    return back(request, f"/stock/{which}/", results)


@require_POST
@console
def drop(request: Request, which: UUID) -> HttpResponse:
    """A barcode that is none of the SKU any more."""
    found = catalog.sku_by_id(which)
    if found is None:
        raise Http404
    wanted = DropAlias(request.reader.company.id, clean(request.POST.get("alias")), sku=found.code)
    results = give(
        request, drop_aliases, [wanted], lambda _: gettext("Scanners don't know it by this barcode any more.")
    )
    return back(request, f"/stock/{which}/", results)
