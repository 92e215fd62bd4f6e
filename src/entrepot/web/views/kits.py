"""What a kit is made of, as its SKU's page asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.web.edge import Request, back, console, give


@require_POST
@console
def set_kit(request: Request, which: UUID) -> HttpResponse:
    """Say what a SKU is sold as, a component a line; without any it is sold as itself."""
    found = catalog.sku_by_id(which)
    if found is None:
        raise Http404
    components = tuple(_component(line) for line in _lines(request.POST.get("components", "")))
    wanted = RegisterKit(request.reader.company.id, found.code, components)
    give(request, register_kits, [wanted], lambda _: gettext("The components are set."))
    return back(request, f"/stock/{which}/")


def _lines(text: str) -> Iterable[str]:
    return filter(None, map(str.strip, text.replace("\x00", "").splitlines()))


def _component(line: str) -> Component:
    """Units and a code, as `4 × MUG` or `4 MUG`; a code alone is one unit."""
    units, _, code = line.replace("×", " ").partition(" ")
    if code and units.isascii() and units.isdigit():
        return Component(code.strip(), int(units[:9]))
    return Component(line)
