"""In which cases and on which pallets a SKU comes, as its page asks for it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register_packagings import RegisterPackaging, register_packagings
from entrepot.catalog.packagings import KINDS
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread


@require_POST
@console
def set_packagings(request: Request, which: UUID) -> HttpResponse:
    """Units and barcode of a case and of a pallet; without units there is none."""
    found = catalog.sku_by_id(which)
    if found is None:
        raise Http404
    wanted = []
    for kind in KINDS:
        text = clean(request.POST.get(f"{kind}-units"))
        units = int_in(text) if text else 0
        if units is None:
            text = gettext("Units are whole numbers; left empty, there is no such packaging.")
            misread(request, f"{kind}-units", text)
            return back(request, f"/stock/{which}/", [])
        barcode = clean(request.POST.get(f"{kind}-barcode"))
        wanted.append(RegisterPackaging(request.reader.company.id, found.code, kind, units, barcode))
    # Which of the two comes first depends on what stands: a pallet is of whole cases at each step.
    before = {one.kind: one.units for one in catalog.packagings([which]).get(which, ())}
    wanted.sort(key=lambda one: one.units != 0 and one.units == before.get(one.kind, 0))
    give(request, register_packagings, wanted, lambda _: gettext("The packagings are set."))
    return back(request, f"/stock/{which}/")
