"""The inspector's station: what was found of goods, its pictures, and what is done with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import pages
from entrepot.network import queries as network
from entrepot.returns import inspection_queries, photos, queries, regrading, rules, second_grade_queries
from entrepot.returns.commands.add_photos import AddPhoto, add_photos
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.override import OverrideDisposition, override_dispositions
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, file_of, give, int_in, kept, page, uuid_in

LOOKED_THROUGH = 500
"""Tasks among which a scan looks for its own."""
STATION = "/returns/station/"


@require_safe
@console
def station(request: Request) -> HttpResponse:
    """One task at a time: the one that was scanned, or what waits longest first."""
    company, node = request.reader.company.id, clean(request.GET.get("node"))
    text, later = clean(request.GET.get("q")), int_in(request.GET.get("later")) or 0
    tasks = queries.tasks(company, node=node, limit=LOOKED_THROUGH)
    scanned = [task for task in tasks if _is_scanned(task, text)] if text else tasks
    task = scanned[later % len(scanned)] if scanned else None
    before = kept(request)
    if before.get("form") == "station-override":  # the other button of the same form
        before["form"] = "station-dispose"
    fields = before.get("fields", {})
    same = task and {fields.get("receipt"), fields.get("inspection")} & {str(task.inspection or task.receipt)}
    asks = task is not None and task.inspection is None
    now = fmt.reading().now
    context: dict[str, Any] = {
        "task": task,
        "left": pages.returns_waiting(company=company, node=node).tasks,
        "next": later + 1 if len(scanned) > 1 else None,
        "text": text,
        "node": node,
        "nodes": sorted(one.code for one in network.nodes(company=company)),
        "grades": rules.GRADES,
        "dispositions": rules.DISPOSITIONS,
        "second_grade": task is not None and task.proposed == regrading.FROM,
        "sold_as": _sold_as(company, task),
        "reasons": rules.REASONS,
        "questions": inspection_queries.questions(company, task.category, now) if asks and task else (),
        "said": fields if same else {},
        "equal": _equal(task, tasks) if task else [],
        "types": ",".join(photos.TYPES.values()),
        "kept": before if same else {},
    }
    return page(request, "web/station.html", context, area="returns")


def _sold_as(company: int, task: queries.Task | None) -> str:
    """The code that goods of the grade are sold as; '' where nobody named one."""
    if task is None or task.proposed != regrading.FROM:
        return ""
    named = second_grade_queries.sold_as(company, [task.sku_code])
    return named.get((task.sku_code, task.grade), "")


def _is_scanned(task: queries.Task, text: str) -> bool:
    names = (task.number, task.order_number, task.sku_code, task.serial)
    return text.casefold() in (name.casefold() for name in names if name)


def _equal(task: queries.Task, tasks: Iterable[queries.Task]) -> list[queries.Task]:
    """Other tasks of the same SKU in the same bin, told apart by no serial number: such as wait for an inspection, or
    were found alike and have the same proposal."""
    if task.serial:
        return []
    return [one for one in tasks if one != task and _mark(one) == _mark(task)]


def _mark(one: queries.Task) -> tuple[object, ...]:
    asks = one.inspection is None
    return (asks, one.node, one.bin, one.sku_code, one.lot, one.serial, one.grade, one.proposed)


@require_POST
@console
def inspect_units(request: Request) -> HttpResponse:
    """What the form says of a receipt; and the same of all equal receipts that it names."""
    receipt, units = uuid_in(request.POST.get("receipt")), int_in(request.POST.get("units")) or 0
    codes = tuple(clean(request.POST.get("codes")).lower().replace(",", " ").split())
    facts: dict[str, Any] = {
        "grade": clean(request.POST.get("grade")), "codes": codes, "note": clean(request.POST.get("note")),
        "lot": clean(request.POST.get("lot")),
        "answers": {
            name.removeprefix("answer-"): clean(str(text))
            for name, text in request.POST.items()
            if name.startswith("answer-") and clean(str(text))
        },
    }  # fmt: skip
    weight, serial = int_in(request.POST.get("weight_g")), clean(request.POST.get("serial"))
    wanted = [Inspect(receipt, units, weight_g=weight, serial=serial, **facts)] if receipt else []
    wanted += [
        Inspect(one, n, **facts)
        for one, n in _named(request.POST.getlist("equal"))
        if request.POST.get("all") == "1"
    ]
    results = give(
        request, inspect, wanted,
        lambda n: ngettext(
            "Noted. Now decide what is done with it.", "Noted of %(n)s returns. Now decide what is done with them.", n
        ) % {"n": n},
    )  # fmt: skip
    return back(request, STATION, results)


def _named(texts: Iterable[str]) -> list[tuple[UUID, int]]:
    """Receipts or inspections with their units, as `id/units`."""
    parts = (text.partition("/") for text in texts)
    pairs = ((uuid_in(one), int_in(n) or 0) for one, _, n in parts)
    return [(one, n) for one, n in pairs if one]


@require_POST
@console
def dispose_units(request: Request) -> HttpResponse:
    inspection, units = uuid_in(request.POST.get("inspection")), int_in(request.POST.get("units")) or 0
    disposition, reason = clean(request.POST.get("disposition")), clean(request.POST.get("reason"))
    wanted = [Dispose(inspection, units, disposition, reason=reason)] if inspection else []
    wanted += [
        Dispose(one, n, disposition, reason=reason)
        for one, n in _named(request.POST.getlist("equal"))
        if request.POST.get("all") == "1"
    ]
    results = give(
        request, dispose, wanted,
        lambda n: ngettext("Done. Put it there.", "Done with %(n)s returns. Put all of it there.", n) % {"n": n},
    )  # fmt: skip
    return back(request, STATION, results)


@require_POST
@console
def override(request: Request) -> HttpResponse:
    """Another proposal than that of the rules; somebody else carries it out."""
    inspection = uuid_in(request.POST.get("inspection"))
    instead, reason = clean(request.POST.get("disposition")), clean(request.POST.get("reason"))
    wanted = [OverrideDisposition(inspection, instead, reason)] if inspection else []
    results = give(request, override_dispositions, wanted, lambda _n: gettext("It is proposed instead."))
    return back(request, STATION, results)


@require_POST
@console
def photograph(request: Request) -> HttpResponse:
    """Pictures of an inspection; what they are is told by their bytes."""
    inspection = uuid_in(request.POST.get("inspection"))
    files = request.FILES.getlist("photos")[: photos.PHOTOS_MAX + 1]
    # One byte more than allowed is enough for the refusal.
    wanted = [AddPhoto(inspection, file.read(photos.BYTES_MAX + 1)) for file in files] if inspection else []
    results = give(
        request, add_photos, wanted,
        lambda n: ngettext("%(n)s photo is kept.", "%(n)s photos are kept.", n) % {"n": n},
    )  # fmt: skip
    return back(request, STATION, results)


@require_safe
@console
def photo(request: Request, which: UUID) -> HttpResponse:
    """A picture as it was sent, which the browser may show and do nothing else with."""
    found = inspection_queries.photo(which, company=request.reader.company.id)
    if found is None:
        raise Http404
    response = file_of(found.content, found.type, found.digest[:16])
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
