"""What of a SKU is kept back at each node, as its page sets it: safety stock for nobody, ring-fences for a channel."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.network import queries as network
from entrepot.stock.commands.reserve import GiveBack, give_back
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread

UNITS_MAX = 1_000_000


@require_POST
@console
def safety(request: Request, which: UUID) -> HttpResponse:
    """Set the safety stock of a SKU at the nodes that the form has a number for."""
    company = request.reader.company.id
    nodes = {one.code: one.id for one in network.nodes(company=company)}
    told = {code: text for code in nodes if (text := clean(request.POST.get(f"units-{code}")))}
    said = {code: units for code, text in told.items() if (units := int_in(text, most=UNITS_MAX)) is not None}
    if wrong := [code for code in told if code not in said]:
        misread(request, f"units-{wrong[0]}", gettext("Write whole numbers of units, up to 1,000,000."))
        return back(request, f"/stock/{which}/")
    wanted = [SetSafety(company, which, nodes[code], units) for code, units in said.items()]
    give(request, set_safety, wanted, lambda _: gettext("The safety stock is set."))
    return back(request, f"/stock/{which}/")


@require_POST
@console
def fence(request: Request, which: UUID) -> HttpResponse:
    """Fence units of a SKU at a node for a channel; none ends it."""
    company = request.reader.company.id
    nodes = {one.code: one.id for one in network.nodes(company=company)}
    node = nodes.get(clean(request.POST.get("node")))
    channel = network.channels(company=company).get(clean(request.POST.get("channel")))
    units = int_in(request.POST.get("units"), most=UNITS_MAX)
    if node is None or channel is None or units is None:
        wrong = "node" if node is None else "channel" if channel is None else "units"
        misread(request, wrong, gettext("Choose a node and a channel, and write a whole number of units."))
        return back(request, f"/stock/{which}/")
    wanted = SetRingFence(company, which, node, channel.id, units)
    give(request, set_ring_fence, [wanted], lambda _: gettext("The units are fenced."))
    return back(request, f"/stock/{which}/")


@require_POST
@console
def give_cart_back(request: Request, which: UUID) -> HttpResponse:
    """End all that a cart or checkout holds before its time; what is kept for its order, where the form says so."""
    holder = clean(request.POST.get("holder"))
    if not holder:
        misread(request, "holder", gettext("Choose whose units are given back."))
        return back(request, f"/stock/{which}/")
    wanted = GiveBack(holder, None, request.reader.company.id, request.POST.get("ordered") == "on")
    give(request, give_back, [wanted], lambda _: gettext("The units are free again."))
    return back(request, f"/stock/{which}/")
