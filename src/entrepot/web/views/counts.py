"""Counting: what is to be counted, the desk where a count is entered, what differs, and how right the records are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access import queries as access
from entrepot.access.rules import Duty
from entrepot.catalog import queries as catalog
from entrepot.kernel import policies
from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import Refused
from entrepot.network import queries as network
from entrepot.warehouse import counted
from entrepot.warehouse.commands.decide_counts import DecideCount, decide_counts
from entrepot.warehouse.commands.enter_counts import Counted, EnterCount, enter_counts
from entrepot.warehouse.commands.plan_counts import (
    AskCount,
    CountsPlanned,
    PlanCounts,
    ask_counts,
    plan_counts,
)
from entrepot.warehouse.commands.start_counts import PAIR, StartCount, start_counts
from entrepot.warehouse.commands.withdraw_counts import WithdrawCount, withdraw_counts
from entrepot.warehouse.counting import Accuracy, Counting
from entrepot.web import format as fmt
from entrepot.web import lists_floor, plots
from entrepot.web.as_file import KINDS, table_as_file
from entrepot.web.buying import serials_in
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    day_in,
    give,
    ids_in,
    int_in,
    page,
    uuid_in,
)
from entrepot.web.listed import chosen, listed
from entrepot.web.listing import plain
from entrepot.web.timeline import steps
from entrepot.work import queries as work

PAGE = 50
EXTRA = range(1, 4)
"""Rows of the desk for goods that nobody expected."""
DAYS = (30, 90, 365)
PLOTTED = 31
BINS_MAX = 1_000
"""Bins that are asked for at once."""
NAMED = 10
"""Bins that were planned, as many as are named."""
WORST = 20
"""Bins that are told of, the least right first."""
STATES = ("sellable", "damaged", "quarantined", "pending_inspection")
"""What goods that nobody expected may be."""


@require_safe
@console
def counts(request: Request) -> HttpResponse:
    """What is to be counted and what waits for a decision."""
    company, node = request.reader.company.id, uuid_in(request.GET.get("node"))
    done, zone = request.GET.get("done") == "1", clean(request.GET.get("zone"))
    shown = listed(request, lists_floor.COUNTS, partial(_counts, request))
    if shown.answer:
        return shown.answer
    first = not request.GET.get("after") and not done
    behind = uuid_in(request.GET.get("behind"))
    waiting = counted.differences(company=company, node=node, after=behind, limit=PAGE + 1) if first else []
    context: dict[str, Any] = {
        **shown.context("counts"),
        "done": done,
        "node": node,
        "zone": zone,
        "decides": request.reader.actor.may("warehouse.decide_counts"),
        "withdraws": not done and request.reader.actor.may("warehouse.withdraw_counts"),
        "goods": counted.to_count([one.id for one in shown.rows]),
        "differences": waiting[:PAGE],
        "behind": waiting[PAGE - 1].id if len(waiting) > PAGE else None,
        "causes": _causes(request),
        "nodes": network.nodes(company=company),
        "currency": request.reader.company.currency,
    }
    return page(request, "web/counts.html", context, area="stock")


def _counts(request: Request, after: UUID | None, limit: int) -> list[counted.CountRow]:
    """Those that the filter in the address lets through."""
    asked = request.GET
    return counted.counts(
        company=request.reader.company.id, node=uuid_in(asked.get("node")), zone=clean(asked.get("zone")),
        done=asked.get("done") == "1", after=after, limit=limit,
    )  # fmt: skip


def _withdrawable(request: Request, after: UUID | None, limit: int) -> list[counted.CountRow]:
    return [one for one in _counts(request, after, limit) if one.may_withdraw]


def _causes(request: Request) -> list[str]:
    """The root causes of all policies in force: each node may have its own."""
    found = policies.in_force(request.reader.company.id, Counting, fmt.reading().now)
    bodies = [body for _, body in found.values()] or [Counting()]
    return list(dict.fromkeys(cause for body in bodies for cause in body.causes))


@require_POST
@console
def plan(request: Request) -> HttpResponse:
    """Plan now what the night would."""
    results = give(request, plan_counts, [PlanCounts(request.reader.company.id)], _planned)
    for one in results:
        if isinstance(one, CountsPlanned):
            messages.info(request, _which(one))
    return back(request, "/floor/counts/", results)


def _which(one: CountsPlanned) -> str:
    """The bins that were planned, the most urgent of them by name."""
    if not one.tasks:
        return gettext("Nothing more is due by the plans, or the night has all that it takes.")
    few = ", ".join(one.bins[:NAMED]) + (" …" if len(one.bins) > NAMED else "")
    told = ngettext(
        "%(n)s bin will be counted: %(bins)s.", "%(n)s bins will be counted: %(bins)s.", one.tasks
    )
    return told % {"n": one.tasks, "bins": few}


@require_POST
@console
def ask(request: Request) -> HttpResponse:
    """Have bins counted: one by its code, or without it all of a zone, or all in which a SKU should stand."""
    company, text = request.reader.company.id, request.POST
    node, zone = uuid_in(text.get("node")), clean(text.get("zone"))
    code, sku = clean(text.get("bin")), clean(text.get("sku"))
    skus = _skus(company, [sku])
    if node is None or not (code or zone or sku) or (sku and sku not in skus):
        return _not_there(request, sku, "node" if node is None else "sku" if sku else "bin")
    if code:
        bins = [one.id for one in network.bins(nodes=[node]) if one.code == code]
    else:
        bins = counted.bins_to_ask(node=node, zone=zone, sku=skus.get(sku), limit=BINS_MAX + 1)
    if not bins:
        return _not_there(request, code or zone or sku, "bin" if code else "zone" if zone else "sku")
    if len(bins) > BINS_MAX:
        told = gettext("These are more than %(n)s bins: ask for them zone by zone.") % {"n": BINS_MAX}
        messages.error(request, told)
        return back(request, "/floor/counts/", [])
    results = give(request, ask_counts, [AskCount(bin_, skus.get(sku)) for bin_ in bins], _asked)
    return back(request, "/floor/counts/", results)


def _not_there(request: Request, what: str, field: str) -> HttpResponse:
    """A person asks to have counted what is not in the node."""
    told = gettext("There is no %(what)s here.") % {"what": what or gettext("such bin")}
    messages.error(request, told)
    return back(request, "/floor/counts/", [], field=field)


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """Approve, reject or have counted again the differences that were chosen."""
    text = request.POST
    decision = clean(text.get("decision"))
    wanted = [
        DecideCount(line, decision, clean(text.get("cause")), clean(text.get("note")))  # type: ignore[arg-type]
        for line in ids_in(text.getlist("line"))
    ]
    results = give(request, decide_counts, wanted, _decided)
    return back(request, "/floor/counts/", results)


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """The desk of a count: begun by the reader, a form without figures; after it, what came of it, and what waits for a
    decision."""
    found = counted.one_count(which)
    if found is None:
        raise Http404
    goods = counted.to_count([which]).get(which, [])
    apart, lines = _apart(request, found), counted.lines_of(which)
    waits = not apart and any(line.state == "waiting" for line in lines)
    context = {
        "count": found,
        "apart": apart,
        "decides": waits and request.reader.actor.may("warehouse.decide_counts"),
        "causes": _causes(request) if waits else [],
        "goods": [(_field(each), each) for each in goods],
        "mine": found.state == "counting" and found.counter == request.reader.name,
        "lines": lines,
        "may_withdraw": found.may_withdraw,
        "items": work.of_subject(which),
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
        "extra": EXTRA,
        "states": STATES,
        "currency": request.reader.company.currency,
    }
    return page(request, "web/count.html", context, area="stock")


def _apart(request: Request, found: counted.CountRow) -> Refused | None:
    """Why the reader does not do what comes next: who has counted neither counts again nor decides."""
    again = found.state == "recount" or (found.state == "counting" and found.round > 1)
    side = "recount" if again else "approve" if found.state == "waiting" else ""
    duties = [Duty(found.id, PAIR, side, request.reader.name, found.number)] if side else []
    return next(iter(access.apart(duties)), None)


@require_POST
@console
def start(request: Request, which: UUID) -> HttpResponse:
    give(request, start_counts, [StartCount(which)], _started)
    return back(request, f"/floor/counts/{which}/")


@require_POST
@console
def enter(request: Request, which: UUID) -> HttpResponse:
    """What was counted, of goods that were to be counted and of others."""
    goods = counted.to_count([which]).get(which, [])
    said, unknown = _said(request.reader.company.id, goods, request.POST)
    results = give(request, enter_counts, [EnterCount(which, tuple(said), tuple(unknown))], _entered)
    if results and not isinstance(results[0], Refused):
        return redirect("counts")
    return back(request, f"/floor/counts/{which}/", results)


@require_POST
@console
def withdraw(request: Request) -> HttpResponse:
    """The chosen counts are not done, and why."""
    reason = clean(request.POST.get("reason"))
    wanted = [WithdrawCount(one, reason) for one in chosen(request, "count", partial(_withdrawable, request))]
    results = give(request, withdraw_counts, wanted, _withdrawn)
    return back(request, "/floor/counts/", results)


@require_safe
@console
def accuracy(request: Request) -> HttpResponse:
    """How right the records were of what was counted in the last days."""
    company, reading = request.reader.company, fmt.reading()
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[0]
    since, until = reading.now - timedelta(days=days), reading.now
    node = uuid_in(request.GET.get("node"))

    def told(by: counted.By) -> list[Accuracy]:
        found = counted.accuracy(company=company.id, since=since, until=until, by=by, node=node)
        return [one for one in found if one.share < 1][:WORST] if by == "bin" else found

    if (kind := request.GET.get("format")) in KINDS:
        return table_as_file(
            request, kind, "count-accuracy", ACCURACY, _accuracy_cells(company.id, since, until, node)
        )
    by_day = counted.accuracy_by_day(
        company=company.id, since=since, until=until, zone=str(reading.zone), node=node
    )
    tables = {by: (what, told(by)) for by, what in TABLES}
    whole, zones = tables["node"][1], tables["zone"][1]
    rows = [
        plots.paired(
            "days", gettext("By day"), gettext("Goods in bins that were counted, and how many were right"),
            [(one.name, one.records, one.right) for one in by_day[-PLOTTED:]],
        ),
        plots.paired(
            "zones", gettext("By zone"), gettext("The zones that are least right first"),
            [(one.name, one.records, one.right) for one in zones[:12]],
        ),
    ]  # fmt: skip
    context = {
        "days": days,
        "choices": DAYS,
        "plots": rows if by_day else [],
        "tables": tables.values(),
        "node": node,
        "nodes": network.nodes(company=company.id),
        "records": sum(one.records for one in whole),
        "right": sum(one.right for one in whole),
        "share": sum(one.right for one in whole) / (sum(one.records for one in whole) or 1),
        "currency": company.currency,
    }
    return page(request, "web/count_accuracy.html", context, area="stock")


ACCURACY = ("by", *(one.name for one in fields(Accuracy)), "right of all")


def _accuracy_cells(
    company: int, since: datetime, until: datetime, node: UUID | None
) -> Iterator[list[object]]:
    """All tables of the page with each row that they have, one below the other."""
    for by, _ in TABLES:
        for one in counted.accuracy(company=company, since=since, until=until, by=by, node=node):
            yield [by, *(plain(getattr(one, field.name)) for field in fields(Accuracy)), round(one.share, 5)]


TABLES: tuple[tuple[counted.By, Any], ...] = (
    ("node", gettext_lazy("By node")), ("zone", gettext_lazy("By zone")),
    ("bin", gettext_lazy("By bin, those that were wrong")), ("class", gettext_lazy("By class")),
    ("why", gettext_lazy("By reason of the count")), ("cause", gettext_lazy("By root cause")),
)  # fmt: skip


def _field(one: counted.ToCount) -> str:
    """The name of a field of the desk's form: what stands in it is of these goods, whatever was counted meanwhile."""
    return f"{one.sku}/{one.status}/{one.lot}/{one.serial}"


def _said(
    company: int, goods: Iterable[counted.ToCount], text: QueryDict
) -> tuple[list[Counted], list[tuple[str, int]]]:
    """What a form says of goods, and of those that no code tells. A field left empty says nothing."""
    said = []
    for each in goods:
        units = int_in(text.get(f"units:{_field(each)}"))
        serials = serials_in(text.get(f"serials:{_field(each)}"))
        said += [Counted(each.sku, 1, each.lot, serial, each.status) for serial in serials[:1000]]
        if units is not None:
            said.append(Counted(each.sku, units, each.lot, each.serial, each.status))
    codes = {n: clean(text.get(f"code-{n}")) for n in EXTRA}
    skus = _skus(company, [code for code in codes.values() if code])
    unknown = []
    for n, code in codes.items():
        units = int_in(text.get(f"units-{n}"))
        if not code or not units:
            continue
        if code not in skus:
            unknown.append((code, units))
            continue
        lot, serial = clean(text.get(f"lot-{n}")), clean(text.get(f"serial-{n}"))
        status = clean(text.get(f"status-{n}")) or STATES[0]
        said.append(Counted(skus[code], units, lot, serial, status, day_in(text.get(f"expires-{n}"))))
    return said, unknown


def _skus(company: int, codes: list[str]) -> dict[str, UUID]:
    """SKUs by code, or by barcode where one SKU alone has it."""
    found = {code: sku.id for code, sku in catalog.skus(company=company, codes=codes).items()}
    for barcode, skus in catalog.by_barcode(company=company, barcodes=codes).items():
        if len(skus) == 1:
            found.setdefault(barcode, skus[0].id)
    return found


def _planned(_: int) -> str:
    return gettext("What is due is planned.")


def _asked(n: int) -> str:
    return ngettext("The bin will be counted.", "%(n)s bins will be counted.", n) % {"n": n}


def _started(_: int) -> str:
    return gettext("Count what stands there now. What is picked or put away after you send it is told apart.")


def _entered(_: int) -> str:
    return gettext("Thank you. It is counted.")


def _withdrawn(n: int) -> str:
    return ngettext(
        "%(n)s count is withdrawn. Stock stays as it is.", "%(n)s counts are withdrawn. Stock stays as it is.", n
    ) % {"n": n}  # fmt: skip


def _decided(count: int) -> str:
    return gettext("Decided: %(n)s.") % {"n": count}
