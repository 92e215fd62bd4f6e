"""The floor: waves that a supervisor proposes and releases, and the lists that pickers walk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime, parse_time
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access import queries as access
from entrepot.carriage import queries as carriage
from entrepot.carriage.commands.set_cut_offs import SetCarrierCutOff, set_cut_offs
from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import Refused
from entrepot.network import queries as network
from entrepot.warehouse import queries, short_queries
from entrepot.warehouse.commands.pick_lists import PickList, TakeList, pick_lists, take_lists
from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
from entrepot.warehouse.commands.split_lists import SplitList, split_lists
from entrepot.warehouse.commands.waves import DropWave, ReleaseWave, WaveReleased, drop_wave, release_wave
from entrepot.warehouse.states import WAVE
from entrepot.warehouse.waves import METHODS
from entrepot.web import format as fmt
from entrepot.web import lists_floor
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    give,
    ids_in,
    int_in,
    is_many,
    minor_in,
    misread,
    page,
    uuid_in,
)
from entrepot.web.listed import listed
from entrepot.web.timeline import steps
from entrepot.work import queries as work

PAGE = 50
AHEAD_MAX = 10_080
"""Minutes, a week."""
LISTS_SHOWN = 200
"""Lists of a wave that are shown at once."""
LISTS_MAX = 1_000
"""Open lists that are counted; the first of them are shown."""
TROUBLES = ("node stands still", "orders wait for a wave", "orders late on the floor")
"""Types of work items about a node, which are told one by one."""
COUNTED = ("not pickable", "short pick")
"""Types of those about an order or a stop, of which there may be many: told by their number."""


@require_safe
@console
def floor(request: Request) -> HttpResponse:
    company, of_node = request.reader.company.id, uuid_in(request.GET.get("node"))
    state = clean(request.GET.get("state"))
    state = state if state in WAVE.states else ""

    def fetch(after: UUID | None, limit: int) -> list[queries.WaveRow]:
        return queries.waves(company=company, node=of_node, state=state, before=after, limit=limit)

    shown = listed(request, lists_floor.WAVES, fetch)
    if shown.answer:
        return shown.answer
    waiting = queries.waiting_for_waves(company=company)
    nodes = network.nodes(company=company)
    services = carriage.services(companies=[company])[company]
    weeks = carriage.cut_offs(nodes=[node.id for node in nodes])
    lists = queries.open_lists(company=company, node=of_node, limit=LISTS_MAX)
    seen = [node for node in nodes if of_node in (None, node.id)]
    context = {
        **shown.context("waves"),
        "nodes": [(node, waiting.get(node.id, 0)) for node in nodes],
        "of_node": of_node,
        "state": state,
        "states": WAVE.states,
        "waiting": sum(waiting.get(node.id, 0) for node in seen),
        "first": max(seen, key=lambda node: waiting.get(node.id, 0)).id if seen else None,
        "services": sorted({one.code for one in services}),
        "carriers": sorted({one.carrier for one in services}),
        "cut_offs": [
            (node.code, carrier, fmt.week(week)) for node in nodes for carrier, week in weeks[node.id].items()
        ],
        "days": list(enumerate(fmt.weekdays())),
        "methods": METHODS,
        "lists": lists[:PAGE],
        "pickers": _pickers(request) if lists else [],
        "open_lists": len(lists),
        "open_stops": sum(one.open_stops for one in lists),
        "untaken": sum(not one.picker for one in lists),
        "more_lists": max(0, len(lists) - PAGE),
        "troubles": work.of_types(company, TROUBLES),
        "counted": [one for one in work.open_by_type(company, timezone.now()) if one.type in COUNTED],
        "currency": request.reader.company.currency,
    }
    return page(request, "web/floor.html", context, area="floor")


@require_POST
@console
def propose(request: Request) -> HttpResponse:
    """Propose a wave by what the form asks, and show it."""
    text = request.POST
    node = uuid_in(text.get("node"))
    wanted = [
        ProposeWave(
            node,
            _moment(text.get("due_before")),
            tuple(filter(None, text.getlist("service"))),
            tuple(clean(text.get("zones")).split()),
            int_in(text.get("priority")),
            minor_in(text.get("value"), request.reader.company.currency) or 0,
            int_in(text.get("lines")),
            clean(text.get("method")),
            carriers=tuple(filter(None, text.getlist("carrier"))),
            ahead_minutes=int_in(text.get("ahead"), most=AHEAD_MAX) or 0,
        )
    ] if node else []  # fmt: skip
    results = give(request, propose_wave, wanted, _proposed)
    if results and not isinstance(results[0], Refused):
        return redirect("wave", which=results[0].wave)
    return back(request, "/floor/", results)


@require_POST
@console
def cut_offs(request: Request) -> HttpResponse:
    """Until when a carrier takes what a node has ready, on the days that are ticked; an empty time: not on them."""
    node, carrier = uuid_in(request.POST.get("node")), clean(request.POST.get("carrier"))
    days = [day for day in map(int_in, request.POST.getlist("day")) if day is not None]
    text = clean(request.POST.get("at"))
    try:
        at = parse_time(text)
    except ValueError:
        at = None
    if node is None or not days or (text and at is None):
        wrong = "node" if node is None else "day" if not days else "at"
        misread(request, wrong, gettext("Choose a node, a carrier, the days and a time such as 16:30."))
        return back(request, "/floor/", [])
    company = request.reader.company.id
    wanted = [SetCarrierCutOff(company, carrier, node, day, at) for day in days]
    return back(request, "/floor/", give(request, set_cut_offs, wanted, _cut_offs_set))


@require_safe
@console
def wave(request: Request, which: UUID) -> HttpResponse:
    found = queries.wave(which)
    if found is None:
        raise Http404
    after = int_in(request.GET.get("after")) or 0
    orders = queries.wave_orders(which, after=after, limit=PAGE + 1)
    behind = uuid_in(request.GET.get("lists"))
    lists = queries.pick_lists(wave=which, behind=behind, limit=LISTS_SHOWN + 1)
    context = {
        "wave": found,
        "asked": _asked(found, request.reader.company.currency),
        "minutes": -(-found.seconds // 60),
        "done": found.stops - found.open_stops,
        "orders": orders[:PAGE],
        "next": orders[PAGE - 1].place if len(orders) > PAGE else None,
        "lists": lists[:LISTS_SHOWN],
        "lists_behind": lists[LISTS_SHOWN - 1].id if len(lists) > LISTS_SHOWN else None,
        "pickers": _pickers(request) if found.open_stops else [],
        "shorts": short_queries.shorts_of(which, limit=PAGE),
    }
    return page(request, "web/wave.html", context, area="floor")


def _asked(found: queries.WaveRow, currency: str) -> list[tuple[str, str]]:
    """What a wave was asked for, as the form calls it and the reader writes it."""
    asked = found.figures.get("asked", {})
    due = asked.get("due_before")
    told = (
        (gettext("To leave before"), fmt.moment(datetime.fromisoformat(due)) if due else ""),
        (gettext("Service"), ", ".join(asked.get("services", ()))),
        (gettext("Carrier"), ", ".join(asked.get("carriers", ()))),
        (gettext("Only zones, by code"), ", ".join(asked.get("zones", ()))),
        (gettext("Priority at least"), str(asked.get("priority_min", ""))),
        (gettext("Value at least"), fmt.money(asked.get("value_min_minor"), currency)),
        (gettext("Lines at most"), str(asked.get("lines_max", ""))),
    )
    return [(name, value) for name, value in told if value]


@require_POST
@console
def decide(request: Request, which: UUID) -> HttpResponse:
    """Release a wave, or drop it."""
    match request.POST.get("action"):
        case "release":
            found = queries.wave(which)
            is_long = found is not None and is_many(found.orders)
            results = give(request, release_wave, [ReleaseWave(which)], _released, long=is_long)
            _say_left_out(request, results)
        case "drop":
            give(request, drop_wave, [DropWave(which)], _dropped)
    return back(request, f"/floor/waves/{which}/")


@require_safe
@console
def pick_list(request: Request, which: UUID) -> HttpResponse:
    found = queries.pick_list(which)
    if found is None:
        raise Http404
    stops = queries.list_stops(which)
    context = {
        "list": found,
        "stops": stops,
        "meters": found.length_mm and round(found.length_mm / 1000),
        "minutes": -(-found.seconds // 60),
        "pickers": _pickers(request) if found.open_stops else [],
        "goes_apart": _goes_apart(request, which),
        "is_anothers": found.picker not in ("", request.reader.name),
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
    }
    return page(request, "web/pick_list.html", context, area="floor")


@require_POST
@console
def take(request: Request, which: UUID) -> HttpResponse:
    """Take a list, or give it back."""
    wanted = TakeList(which, "" if request.POST.get("action") == "back" else None)
    give(request, take_lists, [wanted], _taken)
    return back(request, f"/floor/lists/{which}/")


@require_POST
@console
def give_lists(request: Request) -> HttpResponse:
    """The chosen lists are another's from now on, or nobody's."""
    text = request.POST
    picker = "" if text.get("action") == "back" else clean(text.get("picker"))
    if text.get("action") != "back" and picker not in access.able("warehouse.pick_lists"):
        misread(request, "picker", gettext("Choose who walks them."))
        return back(request, "/floor/", [])
    wanted = [TakeList(one, picker) for one in ids_in(text.getlist("list"))]
    results = give(request, take_lists, wanted, partial(_given, picker))
    return back(request, "/floor/", results)


@require_POST
@console
def split_list(request: Request, which: UUID) -> HttpResponse:
    """A part of the list goes on a cart of its own: the orders that are ticked, or the later half of the way."""
    text = request.POST
    picker = clean(text.get("picker"))
    if picker and picker not in access.able("warehouse.pick_lists"):
        misread(request, "picker", gettext("Choose who walks it, or nobody yet."))
        return back(request, f"/floor/lists/{which}/", [])
    wanted = SplitList(which, tuple(ids_in(text.getlist("fulfillment"))), picker)
    (answer,) = give(request, split_lists, [wanted], _split)
    if isinstance(answer, Refused):
        return back(request, f"/floor/lists/{which}/")
    return redirect("pick-list", which=answer.new_list)


def _goes_apart(request: Request, which: UUID) -> list[queries.OrderOnList]:
    """Orders of a list that the reader may put on another cart."""
    return queries.can_go_apart(which) if request.reader.actor.may("warehouse.split_lists") else []


def _pickers(request: Request) -> list[str]:
    """To whom the reader may give lists."""
    may_give = request.reader.actor.may("warehouse.release_wave") and request.reader.actor.may(
        "warehouse.take_lists"
    )
    return access.able("warehouse.pick_lists") if may_give else []


@require_POST
@console
def pick(request: Request, which: UUID) -> HttpResponse:
    """All stops of a list are done, but for those with fewer units."""
    shorts = []
    for stop in queries.list_stops(which):
        found = int_in(request.POST.get(f"found-{stop.task}"))
        if stop.state == "open" and found is not None and found != stop.quantity:
            shorts.append((stop.task, found))
    seen = ids_in(name.removeprefix("found-") for name in request.POST if name.startswith("found-"))
    results = give(request, pick_lists, [PickList(which, tuple(shorts), stops=tuple(seen))], _picked)
    return back(request, f"/floor/lists/{which}/", results)


def _moment(text: str | None) -> datetime | None:
    """A time as the reader's clock tells it."""
    try:
        found = parse_datetime(clean(text))
    except ValueError:
        return None
    return timezone.make_aware(found) if found and timezone.is_naive(found) else found


def _say_left_out(request: Request, results: Sequence[Any]) -> None:
    left = sum(one.left_out for one in results if isinstance(one, WaveReleased))
    if left:
        text = ngettext(
            "%(n)s order could not go any more. It says why below.",
            "%(n)s orders could not go any more. They say why below.",
            left,
        )
        messages.warning(request, text % {"n": left})


def _cut_offs_set(_: int) -> str:
    return gettext("The cut-offs are set. Waves and paced work go by them from now on.")


def _proposed(_: int) -> str:
    return gettext("This is what would go to the floor. Nothing has gone yet.")


def _released(_: int) -> str:
    return gettext("The wave is released. Its lists are ready to be walked.")


def _dropped(_: int) -> str:
    return gettext("The wave is dropped. Its orders wait for another.")


def _split(_: int) -> str:
    return gettext("This is the new list. What is not on it stays where it was.")


def _given(picker: str, n: int) -> str:
    if not picker:
        told = ngettext("The list is free for anybody.", "%(n)s lists are free for anybody.", n)
    else:
        told = ngettext("The list is with %(picker)s now.", "%(n)s lists are with %(picker)s now.", n)
    return told % {"n": n, "picker": picker}


def _taken(_: int) -> str:
    return gettext("Done.")


def _picked(_: int) -> str:
    return gettext("The list is picked. What is complete waits at the packing station.")
