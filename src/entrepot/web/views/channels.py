"""Channels and nodes: what each channel is shown of stock, from where, and which are open."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.network import queries as network
from entrepot.network.commands.register import (
    RegisterChannel,
    RegisterNode,
    register_channels,
    register_nodes,
)
from entrepot.web.edge import Request, back, console, give, int_in, page

UNITS_MAX, RANK_MAX = 1_000_000, 99
LIMITS = {"priority": RANK_MAX, "buffer": UNITS_MAX, "threshold": UNITS_MAX, "shown_at_most": UNITS_MAX}


@require_safe
@console
def told(request: Request) -> HttpResponse:
    company = request.reader.company.id
    context = {
        "channels": network.served(company=company),
        "nodes": network.nodes(company=company),
        "units_max": UNITS_MAX,
        "rank_max": RANK_MAX,
    }
    return page(request, "web/channels.html", context, area="stock")


@require_POST
@console
def set_channel(request: Request, which: UUID) -> HttpResponse:
    """What a channel is shown of stock, how it goes before others, and whether it is open."""
    company = request.reader.company.id
    found = next((one for one in network.channels(company=company).values() if one.id == which), None)
    if found is None:
        raise Http404
    numbers = _numbers(request, LIMITS)
    if numbers is None:
        return back(request, "/stock/channels/")
    wanted = RegisterChannel(**_standing(RegisterChannel, found, company) | numbers | _open(request))
    give(request, register_channels, [wanted], lambda _: gettext("The channel is changed."))
    return back(request, "/stock/channels/")


@require_POST
@console
def set_node(request: Request, which: UUID) -> HttpResponse:
    """How a node goes before others, and whether it is open."""
    company = request.reader.company.id
    found = next((one for one in network.nodes(company=company) if one.id == which), None)
    if found is None:
        raise Http404
    numbers = _numbers(request, {"priority": RANK_MAX})
    if numbers is None:
        return back(request, "/stock/channels/")
    wanted = RegisterNode(**_standing(RegisterNode, found, company) | numbers | _open(request))
    give(request, register_nodes, [wanted], lambda _: gettext("The node is changed."))
    return back(request, "/stock/channels/")


def _standing(kind: Any, found: object, company: int) -> dict[str, Any]:
    """What a request says of a thing as it stands."""
    names = [one.name for one in fields(kind) if one.name not in ("company", "key")]
    return {"company": company} | {name: getattr(found, name) for name in names}


def _open(request: Request) -> dict[str, Any]:
    return {"active": request.POST.get("active") == "on"}


def _numbers(request: Request, limits: dict[str, int]) -> dict[str, int] | None:
    """The numbers of a form; None, and said so, where one is none or too large."""
    found = {name: int_in(request.POST.get(name)) for name in limits}
    if any(number is None or number > limits[name] for name, number in found.items()):
        messages.error(request, gettext("Write whole numbers: a priority up to 99, units up to 1,000,000."))
        return None
    return found  # type: ignore[return-value]
