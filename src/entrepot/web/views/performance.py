"""How the people of a node get on today, by name, and what waits before the packing stations."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from entrepot.network import queries as network
from entrepot.warehouse import performance_queries
from entrepot.warehouse.commands.show_performance import note_look
from entrepot.warehouse.performance import Performance, day_began
from entrepot.web import lists_insight
from entrepot.web.edge import Request, cause_of, clean, console, page
from entrepot.web.listed import listed_whole


@require_safe
@console
def people(request: Request) -> HttpResponse:
    """The people of a node, for whoever may see them; that they looked is noted, once a day."""
    company, now = request.reader.company.id, timezone.now()
    nodes = [one for one in network.nodes(company=company) if one.active]
    asked = clean(request.GET.get("node"))
    node = next((one for one in nodes if one.code == asked), nodes[0] if nodes else None)
    if node is None or not request.reader.actor.may("warehouse.show_performance"):
        return page(request, "web/performance.html", {"nodes": nodes, "refused": bool(nodes)}, area="floor")
    note_look(cause_of(request), company, node)
    rows = performance_queries.people_of(company=company, node=node, at=now)
    shown = listed_whole(request, lists_insight.PERFORMANCE, rows)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(), "nodes": nodes, "node": node, "now": now, "since": day_began(now, node.time_zone),
        "before": performance_queries.before_packing(company=company, node=node, at=now), "packers": packers(rows),
    }  # fmt: skip
    return page(request, "web/performance.html", context, area="floor")


def packers(rows: list[Performance]) -> list[Performance]:
    """Who packs: each at a station."""
    return [one for one in rows if one.step == "pack"]
