"""What of a SKU is kept back at each node, as its page sets it: safety stock for nobody, ring-fences for a channel."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.network import queries as network
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.web.edge import Request, back, clean, console, give, int_in

UNITS_MAX = 1_000_000


@require_POST
@console
def safety(request: Request, which: UUID) -> HttpResponse:
    """Set the safety stock of a SKU at the nodes that the form has a number for."""
    company = request.reader.company.id
    nodes = {one.code: one.id for one in network.nodes(company=company)}
    said = {code: units for code in nodes if (units := int_in(request.POST.get(f"units-{code}"))) is not None}
    if any(units > UNITS_MAX for units in said.values()):
        messages.error(request, gettext("Write whole numbers of units, up to 1,000,000."))
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
    units = int_in(request.POST.get("units"))
    if node is None or channel is None or units is None or units > UNITS_MAX:
        messages.error(request, gettext("Choose a node and a channel, and write a whole number of units."))
        return back(request, f"/stock/{which}/")
    wanted = SetRingFence(company, which, node, channel.id, units)
    give(request, set_ring_fence, [wanted], lambda _: gettext("The units are fenced."))
    return back(request, f"/stock/{which}/")
