"""Bins: what there is, many set up at once, another kind, blocked, opened, retired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import bins as shelf
from entrepot.kernel.errors import Refused
from entrepot.network import bin_lists, queries
from entrepot.network.commands.register import (
    RegisterBin,
    Registered,
    RegisterZone,
    register_bins,
    register_zones,
)
from entrepot.network.rules import BIN_KINDS, OUT_KINDS
from entrepot.warehouse.commands.retire_bins import RetireBin, retire_bins
from entrepot.warehouse.commands.switch_bins import BinSwitched, SwitchBin, switch_bins
from entrepot.web import lists_floor, words
from entrepot.web.edge import (
    Request,
    Undo,
    back,
    cause_of,
    clean,
    console,
    give,
    int_in,
    page,
    uuid_in,
)
from entrepot.web.listed import chosen, listed

STATES = ("in use", *OUT_KINDS)
FAULTS_SHOWN = 20
ORDERS_SHOWN = 10
FILE_MAX = 2_000_000


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Bins by node and code, with what stands in them; and what a pattern would make of them."""
    shown = listed(request, lists_floor.BINS, partial(_fetch, request))
    if shown.answer:
        return shown.answer
    pattern = clean(request.GET.get("pattern"))
    codes = bin_lists.codes_of(pattern) if pattern else []
    context = {
        **shown.context(), "nodes": queries.nodes(company=request.reader.company.id), "kinds": BIN_KINDS,
        "states": STATES, "asked": request.GET, "pattern": pattern,
        "wrong": words.refusal(codes) if isinstance(codes, Refused) else "",
        "codes": [] if isinstance(codes, Refused) else codes,
        "may": request.reader.actor.may,
    }  # fmt: skip
    return page(request, "web/bins.html", context, area="stock")


@require_POST
@console
def add(request: Request) -> HttpResponse:
    """Bins of a pattern, with pick sequences that ascend."""
    node, home = uuid_in(request.POST.get("node")), reverse("bins")
    codes = bin_lists.codes_of(clean(request.POST.get("pattern")))
    if isinstance(codes, Refused) or node is None:
        said = words.refusal(codes) if isinstance(codes, Refused) else gettext("Choose the node.")
        messages.error(request, said)
        return back(request, home, [])
    first = int_in(request.POST.get("first")) or 0
    kind = request.POST.get("kind", "")
    lines = [bin_lists.Line(code, kind, "", first + place, 0, 0) for place, code in enumerate(codes)]
    return back(request, home, _register(request, node, lines))


@require_POST
@console
def upload(request: Request) -> HttpResponse:
    """Bins of a file. Where a row of it is wrong, nothing is done, and the rows are told."""
    node, file, home = uuid_in(request.POST.get("node")), request.FILES.get("file"), reverse("bins")
    if node is None or file is None or not file.size or file.size > FILE_MAX:
        messages.error(request, gettext("Choose the node and a CSV file of 2 MB at most."))
        return back(request, home, [])
    try:
        sheet = bin_lists.read(file.read().decode("utf-8-sig").splitlines())
    except UnicodeDecodeError:
        messages.error(request, gettext("The file is no text in UTF-8. Save it as CSV (UTF-8)."))
        return back(request, home, [])
    for fault in sheet.faults[:FAULTS_SHOWN]:
        messages.error(request, gettext("Row %(row)s: %(why)s") % {"row": fault.row, "why": fault.problem})
    if sheet.faults:
        messages.error(request, gettext("Nothing was done. Mend these rows, and bring the file again."))
        return back(request, home, [])
    return back(request, home, _register(request, node, sheet.rows))


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """Bins that were selected, or all that match: blocked, opened, retired, or of another kind."""
    company, do, why = request.reader.company.id, request.POST.get("do", ""), clean(request.POST.get("why"))
    which = chosen(request, "bin", partial(_fetch, request))
    if do == "kind":
        return back(request, reverse("bins"), _change_kind(request, which))
    asked: dict[str, tuple[Callable[..., list[Any]], list[Any]]] = {
        "retire": (retire_bins, [RetireBin(company, one, why) for one in which]),
        "open": (switch_bins, [SwitchBin(company, one, "open", why) for one in which]),
    }
    command, wanted = asked.get(do, (switch_bins, [SwitchBin(company, one, "block", why) for one in which]))
    undo = partial(_back_again, do, _retired(request, which)) if do in ("block", "open") else None
    for one in give(request, command, wanted, _done, reason=why, undo=undo)[:FAULTS_SHOWN]:
        if isinstance(one, BinSwitched) and (one.units or one.picked):
            messages.info(request, _touched(request.reader.company.id, one))
    return back(request, reverse("bins"))


def _retired(request: Request, which: list[UUID]) -> set[UUID]:
    company = request.reader.company.id
    return {one.id for one in shelf.bins(company=company, state="retired", limit=len(which), which=which)}


def _back_again(step: str, retired: set[UUID], told: list[Any]) -> Undo | None:
    """What switches bins back; None where orders are sourced anew by now, or bins were retired, which that would not
    undo."""
    if any(answer.promised or asked.bin in retired for asked, answer in told):
        return None
    which = [("bin", str(asked.bin)) for asked, _ in told]
    return Undo(
        "warehouse.switch_bins",
        reverse("bins-act"),
        [*which, ("do", "open" if step == "block" else "block"), ("why", gettext("Undone at once."))],
    )


def _touched(company: int, one: BinSwitched) -> str:
    """What was switched with a bin: the units that it holds, and the orders that had counted on them."""
    (found,) = shelf.bins(company=company, limit=1, which=[one.bin])
    if one.state == "in use":
        n = one.units
        return ngettext("%(bin)s: %(n)s unit is sold again.", "%(bin)s: %(n)s units are sold again.", n) % {
            "bin": found.code, "n": n,
        }  # fmt: skip
    said = [
        ngettext(
            "%(bin)s: %(n)s unit is not sold until the bin is opened or it is moved.",
            "%(bin)s: %(n)s units are not sold until the bin is opened or they are moved.", one.units,
        )
        % {"bin": found.code, "n": one.units}
    ]  # fmt: skip
    if one.orders:
        few = ", ".join(one.orders[:ORDERS_SHOWN]) + (" …" if len(one.orders) > ORDERS_SHOWN else "")
        said.append(
            gettext("%(n)s of them were promised and are sourced anew: %(orders)s.")
            % {"n": one.promised, "orders": few}
        )
    if one.picked:
        said.append(gettext("%(n)s are being picked, and go on.") % {"n": one.picked})
    return " ".join(said)


def _change_kind(request: Request, which: list[UUID]) -> list[Any]:
    """Bins with another kind; all else about them stands."""
    company, kind = request.reader.company.id, request.POST.get("kind", "")
    wanted = [
        RegisterBin(company, one.node, one.code, kind, one.zone, one.pick_sequence, one.x, one.y)
        for one in shelf.bins(company=company, limit=len(which), which=which)
    ]
    return give(request, register_bins, wanted, _done)


def _register(request: Request, node: UUID, lines: Sequence[bin_lists.Line]) -> list[Any]:
    """Bins of a node, with the zones that they name."""
    zones: dict[str, UUID] = {}
    names = sorted({line.zone for line in lines if line.zone})
    if names:
        made = register_zones(cause_of(request), requests=[RegisterZone(node, name) for name in names])
        zones = {one.code: one.id for one in made if isinstance(one, Registered)}
        if len(zones) < len(names):
            refused = next(one for one in made if isinstance(one, Refused))
            messages.error(request, words.refusal(refused))
            return [refused]
    company = request.reader.company.id
    wanted = [
        RegisterBin(company, node, one.code, one.kind, zones.get(one.zone), one.pick_sequence, one.x, one.y)
        for one in lines
    ]
    return give(request, register_bins, wanted, _done)


def _fetch(request: Request, after: UUID | None, limit: int) -> Sequence[shelf.BinRow]:
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "")
    return shelf.bins(
        company=request.reader.company.id, node=uuid_in(request.GET.get("node")),
        kind=kind if kind in BIN_KINDS else "", state=state if state in STATES else "",
        text=clean(request.GET.get("q")), after=after, limit=limit,
    )  # fmt: skip


def _done(n: int) -> str:
    return ngettext("%(n)s bin is changed.", "%(n)s bins are changed.", n) % {"n": n}
