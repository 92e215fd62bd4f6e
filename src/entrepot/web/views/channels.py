"""Channels and nodes: set up and changed, what each channel is shown of stock, from where, and which are open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.network import queries as network
from entrepot.network.commands.register import (
    RegisterChannel,
    RegisterNode,
    ServeChannel,
    register_channels,
    register_nodes,
    serve_channels,
)
from entrepot.network.rules import CHANNEL_KINDS, NODE_KINDS, time_zones
from entrepot.web import format as fmt
from entrepot.web.edge import (
    Request,
    Undo,
    back,
    clean,
    console,
    decimal_in,
    give,
    ids_in,
    int_in,
    misread,
    page,
)

UNITS_MAX, RANK_MAX = 1_000_000, 99
LIMITS = {"priority": RANK_MAX, "buffer": UNITS_MAX, "threshold": UNITS_MAX, "shown_at_most": UNITS_MAX}
OF_CHANNEL = ("name", "kind")
OF_NODE = ("name", "kind", "country", "postal_code", "time_zone")


@require_safe
@console
def told(request: Request) -> HttpResponse:
    company = request.reader.company.id
    served, nodes = network.served(company=company), network.nodes(company=company)
    links = network.links(channels=[one.id for one, _ in served])
    context = {
        "channels": [(one, codes, links[one.id]) for one, codes in served],
        "nodes": nodes,
        "channel_kinds": CHANNEL_KINDS,
        "node_kinds": NODE_KINDS,
        "zones": time_zones(),
        "units_max": UNITS_MAX,
        "rank_max": RANK_MAX,
    }
    return page(request, "web/channels.html", context, area="stock")


@require_POST
@console
def add_channel(request: Request) -> HttpResponse:
    """A channel that nothing stands of yet; an existing one is changed on its own form."""
    company, code = request.reader.company.id, clean(request.POST.get("code"))
    if code in network.channels(company=company):
        return _is_there(request, code)
    name, kind, currency = (clean(request.POST.get(each)) for each in (*OF_CHANNEL, "currency"))
    wanted = RegisterChannel(company, code, name, currency.upper(), kind, priority=_rank(request, 5))
    done = gettext("The channel is set up. Say below which nodes serve it.")
    return back(request, reverse("channels"), give(request, register_channels, [wanted], lambda _: done))


@require_POST
@console
def add_node(request: Request) -> HttpResponse:
    """A node that nothing stands of yet; an existing one is changed on its own form."""
    company, code = request.reader.company.id, clean(request.POST.get("code"))
    if any(one.code == code for one in network.nodes(company=company)):
        return _is_there(request, code)
    place = _place(request)
    if place is None:
        return back(request, reverse("channels"), [])
    said: dict[str, Any] = dict.fromkeys(OF_NODE, "") | _node_texts(request)
    wanted = RegisterNode(company, code, priority=_rank(request, 1), **said, **place)
    done = gettext("The node is set up. Its bins are set up next, and who is served from it.")
    return back(request, reverse("channels"), give(request, register_nodes, [wanted], lambda _: done))


@require_POST
@console
def set_channel(request: Request, which: UUID) -> HttpResponse:
    """What a channel is called and shown of stock, how it goes before others, and whether it is open."""
    found, company = _channel(request, which), request.reader.company.id
    numbers = _numbers(request, LIMITS)
    if numbers is None:
        return back(request, reverse("channels"))
    said = _texts(request, OF_CHANNEL) | numbers | _open(request)
    wanted = RegisterChannel(**_standing(RegisterChannel, found, company) | said)
    undo = _as_it_was("network.register_channels", reverse("channel-set", args=[which]), found, said)
    give(request, register_channels, [wanted], lambda _: gettext("The channel is changed."), undo=undo)
    return back(request, reverse("channels"))


@require_POST
@console
def set_nodes(request: Request, which: UUID) -> HttpResponse:
    """Nodes that were ticked, or no longer, since the form was shown: what somebody else changed meanwhile stands."""
    found, before = _channel(request, which), network.links(channels=[which])[which]
    shown, ticked = (set(ids_in(request.POST.getlist(each))) for each in ("shown", "node"))
    known = {one.id for one in network.nodes(company=request.reader.company.id)}
    added, ended = sorted((ticked - shown - set(before)) & known), sorted((shown - ticked) & set(before))
    wanted = [ServeChannel(which, one, int_in(request.POST.get(f"rank-{one}")) or 0) for one in added]
    wanted += [ServeChannel(which, one, serves=False) for one in ended]
    done = gettext("%(channel)s is served by other nodes from now on.") % {"channel": found.name}
    fields = [("shown", str(one)) for one in added] + [("node", str(one)) for one in ended]
    fields += [(f"rank-{one}", str(before[one])) for one in ended]
    these = Undo("network.serve_channels", reverse("channel-nodes", args=[which]), fields)
    give(request, serve_channels, wanted, lambda _: done, undo=lambda _told: these)
    return back(request, reverse("channels"))


@require_POST
@console
def set_node(request: Request, which: UUID) -> HttpResponse:
    """What a node is called and where it is, how it goes before others, and whether it is open."""
    company = request.reader.company.id
    found = next((one for one in network.nodes(company=company) if one.id == which), None)
    if found is None:
        raise Http404
    numbers, place = _numbers(request, {"priority": RANK_MAX}), _place(request)
    if numbers is None or place is None:
        return back(request, reverse("channels"))
    said = _node_texts(request) | place | numbers | _open(request)
    wanted = RegisterNode(**_standing(RegisterNode, found, company) | said)
    undo = _as_it_was("network.register_nodes", reverse("node-set", args=[which]), found, said)
    give(request, register_nodes, [wanted], lambda _: gettext("The node is changed."), undo=undo)
    return back(request, reverse("channels"))


def _channel(request: Request, which: UUID) -> network.Channel:
    known = network.channels(company=request.reader.company.id).values()
    found = next((one for one in known if one.id == which), None)
    if found is None:
        raise Http404
    return found


def _is_there(request: Request, code: str) -> HttpResponse:
    misread(request, "code", gettext("%(code)s is there already. Change it below.") % {"code": code})
    return back(request, reverse("channels"), [])


def _standing(kind: Any, found: object, company: int) -> dict[str, Any]:
    """What a request says of a thing as it stands."""
    names = [one.name for one in fields(kind) if one.name not in ("company", "key")]
    return {"company": company} | {name: getattr(found, name) for name in names}


def _as_it_was(
    needs: str, address: str, found: object, said: dict[str, Any]
) -> Callable[[list[Any]], Undo | None]:
    """What sets all that a form said to what stood before."""
    stood = {name: getattr(found, name) for name in said}
    fields = [(name, _typed(value)) for name, value in stood.items() if value is not False]
    undo = Undo(needs, address, fields)
    return lambda _told: undo


def _typed(value: object) -> str:
    """A value as a form of the reader says it."""
    if value is True:
        return "on"
    if isinstance(value, float):
        return fmt.degrees(value)
    return "" if value is None else str(value)


def _texts(request: Request, names: tuple[str, ...]) -> dict[str, Any]:
    """What a form says of these, and nothing of what it does not ask."""
    return {name: clean(request.POST.get(name)) for name in names if name in request.POST}


def _node_texts(request: Request) -> dict[str, Any]:
    said = _texts(request, OF_NODE)
    return said | ({"country": said["country"].upper()} if "country" in said else {})


def _open(request: Request) -> dict[str, Any]:
    return {"active": request.POST.get("active") == "on"}


def _rank(request: Request, otherwise: int) -> int:
    found = int_in(request.POST.get("priority"))
    return otherwise if found is None else min(found, RANK_MAX)


def _place(request: Request) -> dict[str, Any] | None:
    """Latitude and longitude where the form asks for them; None, and said so, where they are no numbers."""
    said = _texts(request, ("latitude", "longitude"))
    found: dict[str, Decimal | None] = {
        name: decimal_in(text) if text else None for name, text in said.items()
    }
    if wrong := [name for name, text in said.items() if text and found[name] is None]:
        misread(request, wrong[0], gettext("Write latitude and longitude in degrees, or neither."))
        return None
    return {name: None if number is None else float(number) for name, number in found.items()}


def _numbers(request: Request, limits: dict[str, int]) -> dict[str, int] | None:
    """The numbers of a form; None, and said so, where one is none or too large."""
    found = {name: int_in(request.POST.get(name)) for name in limits}
    if wrong := [name for name, number in found.items() if number is None or number > limits[name]]:
        text = gettext("Write whole numbers: a priority up to 99, units up to 1,000,000.")
        misread(request, wrong[0], text)
        return None
    return found  # type: ignore[return-value]
