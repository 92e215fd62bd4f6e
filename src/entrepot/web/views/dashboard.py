"""Boards of key figures: looked at, arranged, kept under a name, shared with a role or by their address."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from entrepot.access import queries as access
from entrepot.insight import kpis
from entrepot.network import queries as network
from entrepot.web import boards, homes
from entrepot.web.boards import Tile
from entrepot.web.edge import Reader, Request, clean, console, page
from entrepot.web.kpi_words import WORDS
from entrepot.web.views.reports import days_asked

KNOWN = {which: one.name for which, one in kpis.BY_SLUG.items()}
"""Every key figure by its name in addresses."""
BOARD = "boards"
"""What boards are kept as: views of a list of this name."""


@require_safe
@console
def dashboard(request: Request) -> HttpResponse:
    """A board as the address says it; where it says none, the reader's own, or their roles'. `do` arranges it."""
    tiles = boards.read(request.GET.getlist("tile"), KNOWN)
    name = clean(request.GET.get("name"))
    if not tiles and "name" not in request.GET:
        name, tiles = own(request.reader)
    act, _, figure = clean(request.GET.get("do")).partition(" ")
    if act == "with":
        figure = clean(request.GET.get("figure"))
    tiles = boards.arranged(tiles, act, figure, KNOWN) if act else tiles
    asked = [(key, one) for key in ("since", "until", "channel") if (one := clean(request.GET.get(key)))]
    query = urlencode([("name", name), *(("tile", one.said) for one in tiles), *asked])
    on_it = {one.figure for one in tiles}
    context: dict[str, Any] = {
        **days_asked(request),
        "tiles": shown(tiles),
        "name": name,
        "query": query,
        "arranging": bool(act) or request.GET.get("arrange") == "1",
        "others": [(one, WORDS[full]) for one, full in KNOWN.items() if one not in on_it],
        "widths": boards.WIDTHS,
        "boards": access.views(request.reader.company.id, BOARD, request.reader.name, request.reader.roles),
        "channels": network.channels(company=request.reader.company.id).values(),
        "for_tiles": f"?{urlencode(asked)}",
    }
    template = "web/parts/dashboard.html" if request.htmx else "web/dashboard.html"
    response = page(request, template, context, area="home")
    if request.htmx:
        response["HX-Push-Url"] = f"{reverse('dashboard')}?{query}&arrange=1"
    return response


def own(reader: Reader) -> tuple[str, list[Tile]]:
    """The first of the reader's boards by name, or else the figures of their roles."""
    views = access.views(reader.company.id, BOARD, reader.name, reader.roles)
    for view in sorted(views, key=lambda one: (one.person != reader.name, one.name)):
        said = parse_qs(view.query)
        if tiles := boards.read(said.get("tile", []), KNOWN):
            return view.name, tiles
    home = homes.home_of(reader.roles, everything=reader.actor.everything)
    return "", [Tile(kpis.slug(name)) for name in home.figures]


def shown(tiles: list[Tile]) -> list[tuple[Tile, Any]]:
    """Tiles with what their figures are called."""
    return [(one, WORDS[KNOWN[one.figure]]) for one in tiles]
