"""Where the aisles of a node are, and its bins among them: seen, drawn, and set."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import bins as shelf
from entrepot.network import queries as network
from entrepot.network.commands.register import (
    RegisterBin,
    RegisterLayout,
    register_bins,
    register_layouts,
)
from entrepot.web import layout_plan
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread, page

BINS_MAX = 20_000
"""Bins that are drawn at most."""
OUTSIDE_SHOWN = 10
"""Bins that no way leads to, as many as are named."""
LINES_MAX = 2_000
"""Bins that are placed at once."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """The aisles of a node, drawn with its bins, and a form to set them."""
    nodes = network.nodes(company=request.reader.company.id)
    node = next((one for one in nodes if one.code == request.GET.get("node")), nodes[0] if nodes else None)
    layout = network.layouts(nodes=[node.id]).get(node.id) if node else None
    found = _bins(request, node.id) if node else []
    standing = [layout_plan.Standing(one.code, one.x, one.y) for one in found]
    plan = layout_plan.Layout(layout.aisles, layout.cross_aisles, layout.depot) if layout else None
    drawing = layout_plan.drawn(plan, standing)
    outside = drawing.outside if drawing else ()
    context: dict[str, Any] = {
        "nodes": nodes, "node": node, "layout": layout, "drawing": drawing, "bins": len(found),
        "placed": len({(one.x, one.y) for one in found}), "outside": outside[:OUTSIDE_SHOWN],
        "more_outside": len(outside) - OUTSIDE_SHOWN,
    }  # fmt: skip
    return page(request, "web/layout.html", context, area="floor")


def _bins(request: Request, node: Any) -> list[shelf.BinRow]:
    found = shelf.bins(company=request.reader.company.id, node=node, limit=BINS_MAX)
    return [one for one in found if one.state != "retired"]


@require_POST
@console
def set_layout(request: Request) -> HttpResponse:
    """The aisles of a node as the form says them."""
    text = request.POST
    nodes = {one.code: one.id for one in network.nodes(company=request.reader.company.id)}
    node, home = clean(text.get("node")), _home(clean(text.get("node")))
    lists = {name: layout_plan.numbers_in(text.get(name, "")) for name in ("aisles", "cross_aisles")}
    points = {name: layout_plan.numbers_in(text.get(name, "") or "0") for name in ("depot_x", "depot_y")}
    wrong = [name for name, numbers in lists.items() if not numbers]
    wrong += [name for name, numbers in points.items() if not numbers or len(numbers) != 1]
    unit_mm = int_in(text.get("unit_mm"), most=10**6)
    if node not in nodes or wrong or not unit_mm:
        field = "node" if node not in nodes else wrong[0] if wrong else "unit_mm"
        misread(request, field, gettext("Write whole numbers, with commas between them."))
        return back(request, home)
    x, y = ((points[name] or (0,))[0] for name in ("depot_x", "depot_y"))
    wanted = RegisterLayout(nodes[node], lists["aisles"] or (), lists["cross_aisles"] or (), x, y, unit_mm)
    results = give(
        request,
        register_layouts,
        [wanted],
        lambda _: gettext("The layout is kept. Lists of later waves walk by it."),
    )
    return back(request, home, results)


@require_POST
@console
def place_bins(request: Request) -> HttpResponse:
    """Where bins stand, one a line: code, x, y. All else about them stays."""
    text = request.POST
    nodes = {one.code: one.id for one in network.nodes(company=request.reader.company.id)}
    node, home = clean(text.get("node")), _home(clean(text.get("node")))
    lines = [line for line in text.get("bins", "").replace("\x00", "").splitlines() if line.strip()]
    if node not in nodes or not lines or len(lines) > LINES_MAX:
        misread(request, "bins", gettext("Write one bin a line, 2,000 at most: code, x, y."))
        return back(request, home)
    known = {one.code: one for one in _bins(request, nodes[node])}
    wanted = []
    for line in lines:
        code, *rest = line.replace(",", " ").replace(";", " ").split()
        found = known.get(code)
        numbers = [int_in(one, most=10_000_000) for one in rest]
        if found is None or len(numbers) != 2 or None in numbers:
            said = {"line": line[:60]}
            misread(
                request,
                "bins",
                gettext("“%(line)s” is not a bin of this node with two whole numbers.") % said,
            )
            return back(request, home)
        x, y = numbers
        wanted.append(
            RegisterBin(
                request.reader.company.id,
                found.node,
                code,
                found.kind,
                found.zone,
                found.pick_sequence,
                x or 0,
                y or 0,
            )
        )
    return back(request, home, give(request, register_bins, wanted, _placed))


def _placed(n: int) -> str:
    return ngettext("%(n)s bin is placed.", "%(n)s bins are placed.", n) % {"n": n}


def _home(node: str) -> str:
    return f"{reverse('layout')}?node={node}" if node.isalnum() else reverse("layout")
