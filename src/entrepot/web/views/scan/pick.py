"""Picking with a scanner: a list of a wave by any method, or one order alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import Refused
from entrepot.warehouse import errors, floor_queries, passing, picking, queries
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.pick_lists import TakeList, take_lists
from entrepot.warehouse.commands.totes import UseTote, use_totes
from entrepot.warehouse.floor_queries import StopRow
from entrepot.web import format as fmt
from entrepot.web.edge import Request, clean, console
from entrepot.web.views.scan.screen import (
    EVERYWHERE,
    Choice,
    Goods,
    Outcome,
    Progress,
    Screen,
    Tap,
    finish,
    give_one,
    hear,
    node_of,
    over,
    show,
    today_of,
)
from entrepot.web.words import refusal
from entrepot.work import queries as work
from entrepot.work.scanning import ALL, FEWER, LOT, YES, Keep, Scan, astray, counted

COMMANDS = ("warehouse.pick", "warehouse.use_totes")
METHODS = {
    "discrete": gettext_lazy("one order"),
    "batch": gettext_lazy("several orders, mixed"),
    "cluster": gettext_lazy("several orders, each in its tote"),
    "zone": gettext_lazy("several orders, of one zone"),
    "pass": gettext_lazy("one order, its tote goes from zone to zone"),
}


STANDS_THERE = timedelta(minutes=15)
"""Whoever picked at a bin as short a while ago stands before it still."""


class Job(NamedTuple):
    """What a picker walks: its number, and its stops."""

    kind: str
    id: UUID
    number: str
    picker: str
    stops: list[StopRow]


@require_http_methods(["GET", "HEAD", "POST"])
@console
def jobs(request: Request) -> HttpResponse:
    """What can be picked now, the reader's own first; one is opened by a tap or by a scan of its number."""
    at = Progress("pick jobs", UUID(int=0), (), 0)
    if request.method == "POST":
        return hear(request, at, (), lambda: _jobs(request), lambda scan, _: _open(request, scan))
    tote = clean(request.GET.get("tote"))
    return show(request, (_tote(request, tote) if tote else None) or _jobs(request))


def _tote(request: Request, code: str) -> Screen | None:
    """Where a tote goes that somebody has in hand; None where it is none, or free."""
    node, company = node_of(request), request.reader.company.id
    found = passing.standing(company=company, node=node.id, tote=code) if node else None
    if node is None or found is None:
        return None
    onward = passing.taken_up(company=company, node=node.id, tote=code)
    if onward:
        return _onward(code, onward)
    told = {"tote": code, "number": found.number}
    if found.state == "cancelled":
        ask, what = gettext("%(number)s in tote %(tote)s is cancelled") % told, gettext("put it away")
    elif found.state == "picked":
        ask, what = gettext("Bring tote %(tote)s") % told, gettext("to packing")
    else:
        ask, what = gettext("Tote %(tote)s waits") % told, gettext("%(number)s is not picked yet") % told
    return Screen(code, ask, what, scans=gettext("List, order or tote"), back="scan-pick")


def _onward(code: str, onward: passing.Next) -> Screen:
    """The zone where a tote goes, and its place on the conveyor; whoever stands there takes it by a tap."""
    place = passing.place_for(onward, timezone.now())
    here = Choice(
        reverse("scan-walk", args=["list", onward.list]),
        gettext("Take it here"),
        gettext("list %(list)s") % {"list": onward.number},
    )
    return Screen(
        code, gettext("Tote %(tote)s goes to zone") % {"tote": code}, onward.zone or "–",
        note=gettext("Put it down at %(place)s.") % {"place": place} if place else "",
        choices=(here,), scans=gettext("List, order or tote"), back="scan-pick",
    )  # fmt: skip


def _jobs(request: Request) -> Screen:
    node = node_of(request)
    company, name = request.reader.company.id, request.reader.name
    found = floor_queries.pick_jobs(company=company, node=node.id, person=name) if node else []
    return Screen(
        gettext("Pick"),
        gettext("Tap a list, or scan its number") if found else gettext("Nothing waits to be picked"),
        choices=tuple(_choice(one, name) for one in found),
        scans=gettext("List, order or tote"),
        note="" if found else gettext("It appears here when orders are released."),
    )


def _choice(one: floor_queries.PickJob, name: str) -> Choice:
    stops = ngettext("%(n)s stop", "%(n)s stops", one.stops) % {"n": one.stops}
    zone = gettext("zone %(zone)s") % {"zone": one.zone} if one.zone else ""
    mine = gettext("yours") if one.picker == name else ""
    tote = gettext("tote %(tote)s") % {"tote": one.totes} if one.totes else ""
    note = " · ".join(filter(None, (stops, tote, str(METHODS[one.method]), zone, mine)))
    return Choice(reverse("scan-walk", args=[one.kind, one.id]), one.number, note)


def _open(request: Request, scan: Scan) -> Outcome:
    company, text = request.reader.company.id, scan.text.upper()
    lists = floor_queries.lists_named(company=company, number=text)
    if lists:
        return redirect("scan-walk", "list", lists[0])
    found = floor_queries.fulfillments_named(company=company, text=text)
    if found:
        return redirect("scan-walk", "order", found[0])
    node = node_of(request)
    if node and passing.standing(company=company, node=node.id, tote=text):
        return redirect(f"{reverse('scan-pick')}?{urlencode({'tote': text})}")
    return astray(scan, gettext("the number of a list or an order, or a tote that was passed on"), ("name",))


@require_http_methods(["GET", "HEAD", "POST"])
@console
def walk(request: Request, kind: str, which: UUID) -> HttpResponse:
    """The stop that comes next."""
    job = _job(request, kind, which)
    row, before = _next(job.stops)
    if row is None:
        return _finished(request, job)
    if refused := _is_not_his(request, job):
        return _turned_away(request, refused)
    at = _at(request, row, before)

    def screen() -> Screen:
        return _screen(job, row, at)

    if request.method == "POST":
        return hear(
            request, at, COMMANDS, screen, lambda scan, key: _decide(request, job, row, at, scan, key)
        )
    if refused := _take(request, job):
        return _turned_away(request, refused)
    return show(request, screen())


def _next(stops: Sequence[StopRow]) -> tuple[StopRow | None, StopRow | None]:
    """The first open stop, and the one before it."""
    before = None
    for one in stops:
        if one.state == "open":
            return one, before
        before = one
    return None, before


def _at(request: Request, row: StopRow, before: StopRow | None) -> Progress:
    """What the reader scanned of a stop. Whoever has just been at the same bin for the one before it need not scan that
    again."""
    found = work.scanned(request.reader.name, "pick")
    if found and found.subject == row.stop.task:
        return Progress("pick", row.stop.task, found.scans, found.version)
    stands_here = (
        found is not None and before is not None and before.state in ("done", "short")
        and found.subject == before.stop.task and before.stop.bin == row.stop.bin
        and timezone.now() - found.at < STANDS_THERE
    )  # fmt: skip
    return Progress("pick", row.stop.task, (picking.HERE,) if stands_here else (), 0)


def _job(request: Request, kind: str, which: UUID) -> Job:
    if kind == "list":
        one = queries.pick_list(which)
        if one is None:
            raise Http404
        return Job(kind, which, one.number, one.picker, floor_queries.stops(pick_list=which))
    found = queries.fulfillment(which)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    return Job(kind, which, found.number, found.picker, floor_queries.stops(fulfillment=which))


def _finished(request: Request, job: Job) -> HttpResponse:
    told = _passed_on(job) or gettext("%(number)s is picked. Bring it to the packing station.") % {
        "number": job.number
    }
    return over(request, "pick", job.id, COMMANDS, "scan-pick", told)


def _passed_on(job: Job) -> str:
    """Where the tote of a list goes from here; '' where it is full, or none passes from zone to zone."""
    onward = passing.next_of(job.id) if job.kind == "list" else None
    if onward is None:
        return ""
    told = {"number": job.number, "tote": onward.totes, "zone": onward.zone or "–"}
    if place := passing.place_for(onward, timezone.now()):
        says = gettext("%(number)s is picked. Pass tote %(tote)s to zone %(zone)s: put it down at %(place)s.")
        return says % {**told, "place": place}
    return gettext("%(number)s is picked. Pass tote %(tote)s to zone %(zone)s.") % told


def _is_not_his(request: Request, job: Job) -> Refused | None:
    """Why the reader does not walk a list: it is with somebody else, or was given away or back while he walked it."""
    if job.kind != "list" or job.picker == request.reader.name or not _may_take(request):
        return None
    if request.method != "POST":
        return errors.ListTaken(list=job.number, picker=job.picker) if job.picker else None
    if job.picker:
        return errors.ListGiven(list=job.number, picker=job.picker)
    return errors.ListFree(list=job.number)


def _may_take(request: Request) -> bool:
    return request.reader.actor.may("warehouse.take_lists")


def _turned_away(request: Request, refused: Refused) -> HttpResponse:
    """To the lists, and why. A scan that was taken before and is sent once more did count."""
    key = clean(request.POST.get("key"))
    if not key or not kernel.is_answered(key, [*EVERYWHERE, *COMMANDS]):
        messages.error(request, refusal(refused))
    return redirect("scan-pick")


def _take(request: Request, job: Job) -> Refused | None:
    """Whoever opens a list of nobody has it from now on; why not, where its tote has not come yet."""
    if job.kind == "list" and not job.picker and _may_take(request):
        answer = give_one(request, take_lists, TakeList(job.id))
        return answer if isinstance(answer, errors.ToteElsewhere) else None
    return None


def _screen(job: Job, row: StopRow, at: Progress) -> Screen:
    stop = row.stop
    step, units = picking.ask(stop, at.tokens)
    ask, what = {
        "bind": (gettext("Scan an empty tote for place"), str(stop.slot)),
        "bin": (gettext("Go to bin"), stop.bin.code),
        "item": (gettext("Take"), f"{stop.item.quantity} × {stop.item.code}"),
        "fewer": (gettext("Found, and no more"), f"{units} / {stop.item.quantity}"),
        "tote": (gettext("Put it into"), stop.tote),
    }[step]
    if step == "item" and counted(at.tokens).read:
        ask, what = gettext("Type or scan its lot"), stop.item.lot
    facts = [(gettext("Bin"), stop.bin.code), (gettext("Lot"), stop.item.lot)]
    facts += [(gettext("Serial"), stop.item.serial), (gettext("As"), fmt.pieces(row.pieces))]
    facts.append((gettext("For"), row.order_number))
    if stop.slot:
        facts.append((gettext("Place"), f"{stop.slot} {stop.tote}".strip()))
    done = sum(one.state != "open" for one in job.stops)
    return Screen(
        job.number, ask, what, row.name if step != "bind" else "",
        facts=tuple((label, value) for label, value in facts if value),
        units=(units, stop.item.quantity) if step in ("item", "tote") else None,
        steps=(done + 1, len(job.stops)), taps=_taps(step, units, stop, at), scans=_wanted(step), at=str(stop.task),
        can_undo=bool(at.tokens), back="scan-pick",
        goods=Goods(stop.bin.code, stop.item.code, (stop.item.sku,)) if step == "item" else None,
    )  # fmt: skip


def _taps(step: str, units: int, stop: picking.Stop, at: Progress) -> tuple[Tap, ...]:
    if step == "fewer":
        label = gettext("Report it: %(n)s are missing") % {"n": stop.item.quantity - units}
        return (Tap(YES, label, "bad"),)
    if step != "item":
        return ()
    taps, tally = [Tap(FEWER, gettext("Not enough here"), "quiet")], counted(at.tokens)
    if tally.read:  # A lot often stands on goods in words alone.
        taps.insert(0, Tap(LOT + stop.item.lot, gettext("It is lot %(lot)s") % {"lot": stop.item.lot}))
    left = stop.item.quantity - units
    if units and left > 1 and not tally.serials:
        taps.insert(0, Tap(ALL, gettext("All %(n)s are in my hand") % {"n": stop.item.quantity}, "main"))
    return tuple(taps)


def _wanted(step: str) -> str:
    return {
        "bind": gettext("Tote"), "bin": gettext("Bin"), "item": gettext("Item"), "fewer": "", "tote": gettext("Tote"),
    }[step]  # fmt: skip


def _decide(request: Request, job: Job, row: StopRow, at: Progress, scan: Scan, key: str) -> Outcome:
    stop = row.stop
    done = {one.stop.item.sku for one in job.stops if one.state != "open"} - {stop.item.sku}
    found = picking.scanned(stop, at.tokens, scan, today_of(node_of(request)), done)
    if isinstance(found, Keep | Refused):
        return found
    if isinstance(found, picking.Bound):
        on = job.id if job.kind == "list" else None
        answer = give_one(request, use_totes, UseTote(stop.fulfillment, found.tote, key, on, stop.task))
        said = gettext("%(tote)s stands in place %(slot)s.") % {"tote": found.tote, "slot": stop.slot}
        return answer if isinstance(answer, Refused) else said
    shorts = ((stop.task, found.units),) if found.units < stop.item.quantity else ()
    walked = job.id if job.kind == "list" and _may_take(request) else None
    wanted = PickFulfillment(
        stop.fulfillment, shorts, request.reader.name, key=key, tasks=(stop.task,), pick_list=walked
    )
    answer = finish(request, at, pick, wanted)
    if isinstance(answer, Refused):
        return answer
    if shorts:
        return _missing(stop.item.quantity - found.units, stop.bin.code, answer.tasks)
    return gettext("%(n)s × %(code)s picked.") % {"n": found.units, "code": stop.item.code}


def _missing(units: int, from_bin: str, tasks: Sequence[UUID]) -> str:
    """What becomes of missing units: another bin, or the same once more where its records say that more is there, by
    which list; the rest goes back to sourcing."""
    others = floor_queries.instead(tasks)
    said = [gettext("Noted: %(n)s missing. A supervisor is told.") % {"n": units}]
    for one in others:
        told = {"n": one.units, "bin": one.bin_code, "list": one.list_number}
        if one.bin_code == from_bin and one.list_number:
            says = gettext("%(n)s should be in %(bin)s all the same: look once more, by list %(list)s.")
        elif one.bin_code == from_bin:
            says = gettext(
                "%(n)s should be in %(bin)s all the same: look once more, it is a stop of this order now."
            )
        elif one.list_number:
            says = gettext("%(n)s come from %(bin)s instead, by list %(list)s.")
        else:
            says = gettext("%(n)s come from %(bin)s instead: it is a stop of this order now.")
        said.append(says % told)
    left = units - sum(one.units for one in others)
    if left:
        said.append(gettext("%(n)s are looked for at other nodes, or wait for supply.") % {"n": left})
    return " ".join(said)
