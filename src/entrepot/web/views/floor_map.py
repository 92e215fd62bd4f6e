"""The floor seen from above: where is picked, and where stock stands."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import questions
from entrepot.network import queries as network
from entrepot.web import format as fmt
from entrepot.web import heat, lists_floor
from entrepot.web.edge import Request, console, int_in, page
from entrepot.web.listed import listed_whole, order_of
from entrepot.web.listing import in_order

DAYS = (1, 7, 28)
SHOWN = 40
"""Bins that the page names beneath the map, the busiest first; the file has all."""
FIGURES = {"picked": _("Units picked"), "picks": _("Picks"), "units": _("Units in stock"), "skus": _("SKUs")}
"""What the map can show, by the name of the figure."""


@require_safe
@console
def floor_map(request: Request) -> HttpResponse:
    """A node's bins where they stand, as hot as they are picked from or full; the same as a list."""
    nodes = network.nodes(company=request.reader.company.id)
    node = next((one for one in nodes if one.code == request.GET.get("node")), nodes[0] if nodes else None)
    asked, figure = int_in(request.GET.get("days")), request.GET.get("of", "")
    days, figure = (asked if asked in DAYS else DAYS[1]), (figure if figure in FIGURES else "picked")
    company, now = request.reader.company.id, fmt.reading().now
    bins = questions.bins_used(company, now, str(node.id), days) if node else []
    order = order_of(request, lists_floor.MAP) or f"-{figure}"
    shown = listed_whole(request, lists_floor.MAP, in_order(bins, order), size=SHOWN)
    spots = [heat.Spot(one.code, one.x, one.y, getattr(one, figure)) for one in bins]
    context: dict[str, Any] = {
        "nodes": nodes, "node": node, "choices": DAYS, "days": days, "figures": FIGURES, "figure": figure,
        "map": heat.drawn(spots), "degrees": range(heat.STEPS + 1),
        "most": max((one.figure for one in spots), default=0),
    }  # fmt: skip
    return shown.answer or page(request, "web/floor_map.html", context | shown.context("bins"), area="floor")
