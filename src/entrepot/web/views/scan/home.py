"""Where a person with a scanner begins: what their roles may do, and how much of it waits."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import pages
from entrepot.network import queries as network
from entrepot.returns import pallet_queries
from entrepot.warehouse import floor_queries
from entrepot.web.edge import Request, console, page, uuid_in
from entrepot.web.views.scan.screen import NODE, node_of


@require_safe
@console
def home(request: Request) -> HttpResponse:
    node = node_of(request)
    context = {
        "flows": _flows(request, node) if node else [],
        "node": node,
        "nodes": network.nodes(company=request.reader.company.id),
    }
    return page(request, "web/scan/home.html", context, area="scan")


def _flows(request: Request, node: network.Node) -> list[tuple[str, str, int | None]]:
    """(address, name, how much waits) of what the reader may do; None where nothing can wait."""
    company, may = request.reader.company.id, request.reader.actor.may
    waits = floor_queries.waiting(company=company, node=node.id)
    flows = [
        ("scan-receive", gettext("Receive"), pages.arrivals_expected(node=node.id), "purchasing.receive"),
        ("scan-pick", gettext("Pick"), waits.lists + waits.picks, "warehouse.pick"),
        ("scan-sort", gettext("Sort"), waits.sorts, "warehouse.sort_stops"),
        ("scan-pack", gettext("Pack"), waits.packs, "warehouse.pack"),
        ("scan-put-away", gettext("Put away"), waits.put_aways, "warehouse.put_away"),
        ("scan-replenish", gettext("Replenish"), waits.replenishments, "warehouse.replenish"),
        ("scan-count", gettext("Count"), waits.counts, "warehouse.enter_counts"),
        ("scan-move", gettext("Move"), None, "warehouse.put_away"),
    ]
    found = [(reverse(name), label, count) for name, label, count, right in flows if may(right)]
    if may("returns.count_packages"):
        here = pallet_queries.pallets(company, timezone.now(), state="open", node=node.id)
        found.append((reverse("scan-pallets"), gettext("Returns pallets"), len(here)))
    if may("returns.inspect"):
        tasks = pages.returns_waiting(company=company, node=node.code).tasks
        found.append((reverse("scan-inspect"), gettext("Inspect returns"), tasks))
    return found


@require_POST
@console
def work_at(request: Request) -> HttpResponse:
    """The node where the reader works from now on."""
    chosen: UUID | None = uuid_in(request.POST.get("node"))
    known = {one.id for one in network.nodes(company=request.reader.company.id)}
    if chosen in known:
        request.session[NODE] = str(chosen)
    return redirect("scan")
