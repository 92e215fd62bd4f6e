"""Returns: the list, one return with its steps, the inspector's station, and refunds that wait for another person."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import pages
from entrepot.kernel import queries as kernel
from entrepot.network import queries as network
from entrepot.orders import queries as orders
from entrepot.orders.commands.approve_credits import ApproveCredit, approve_credits
from entrepot.returns import queries, rules, states
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.review import Review, review
from entrepot.web.edge import Request, back, clean, console, give, int_in, page, uuid_in
from entrepot.web.timeline import steps
from entrepot.work import queries as work

PAGE = 50
SIDES = {"request": _("Asked by"), "receive": _("Received by"), "approve": _("Approved by")}
"""The three duties, as what somebody did."""


@require_safe
@console
def returns_list(request: Request) -> HttpResponse:
    company = request.reader.company.id
    state, text = clean(request.GET.get("state")), clean(request.GET.get("q"))
    after = uuid_in(request.GET.get("after"))
    rows = queries.returns_page(company, state=state, text=text, after=after, limit=PAGE + 1)
    context: dict[str, Any] = {
        "returns": rows[:PAGE],
        "next": rows[PAGE - 1].id if len(rows) > PAGE else None,
        "state": state,
        "text": text,
        "filtered": bool(state or text),
    }
    if request.htmx and after:
        return page(request, "web/parts/return_rows.html", context, area="returns")
    if request.htmx:
        return page(request, "web/parts/return_table.html", context, area="returns")
    counts = queries.by_state(company)
    context["counts"] = [(one, counts[one]) for one in states.RETURN.states if one in counts]
    context["all"] = sum(counts.values())
    context["waiting"] = len(queries.approvals(company))
    context["tasks"] = len(queries.tasks(company))
    return page(request, "web/returns.html", context, area="returns")


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    found = queries.whole(which)
    if found is None:
        raise Http404
    company, head = request.reader.company.id, found.head
    parts = [which, *(refund.id for refund in found.refunds)]
    events = kernel.timeline(subjects=parts)
    journal = pages.journal(company=company, documents=parts)
    mine = [side for side, person in found.duties if person == request.reader.name]
    context: dict[str, Any] = {
        "one": head,
        "whole": found,
        "mine": mine,
        "expected": any(line.quantity > line.received + line.cancelled for line in found.lines),
        "to_look_at": any(line.received > line.disposed for line in found.lines),
        "refundable": sum(max(0, line.disposed - line.refunded) for line in found.lines),
        "alive": head.state not in states.FINAL,
        "reasons": rules.REASONS,
        "grades": rules.GRADES,
        "sides": SIDES,
        "steps": steps(events, which, pages.names(event.subject for event in events)),
        "entries": [(entry, list(lines)) for entry, lines in groupby(journal, key=lambda line: line.entry)],
        "items": work.of_subject(which),
    }
    return page(request, "web/return.html", context, area="returns")


@require_POST
@console
def ask(request: Request, which: UUID) -> HttpResponse:
    """A return of the units that the form names for each line of the order."""
    reason, note = clean(request.POST.get("reason")), clean(request.POST.get("note"))
    items = tuple(Item(line, units, reason, note) for line, units in _units(request))
    wanted = [Authorize(which, items, clean(request.POST.get("asked")) or "refund")] if items else []
    results = give(request, authorize, wanted, lambda _n: gettext("The return is written."))
    if results and isinstance(results[0], Authorized):
        return back(request, f"/returns/{results[0].return_id}/")
    return back(request, f"/orders/{which}/")


@require_POST
@console
def review_one(request: Request, which: UUID) -> HttpResponse:
    accept = request.POST.get("action") == "accept"
    wanted = Review(which, accept, clean(request.POST.get("reason")))
    give(request, review, [wanted], lambda _n: gettext("The return is decided."))
    return back(request, f"/returns/{which}/")


@require_POST
@console
def receive_one(request: Request, which: UUID) -> HttpResponse:
    condition = clean(request.POST.get("condition"))
    wanted = [Receive(which, line, units, condition=condition) for line, units in _units(request)]
    give(
        request, receive, wanted,
        lambda n: ngettext("%(n)s line was received.", "%(n)s lines were received.", n) % {"n": n},
    )  # fmt: skip
    return back(request, f"/returns/{which}/")


@require_POST
@console
def refund_one(request: Request, which: UUID) -> HttpResponse:
    give(request, refund, [Refund(which)], lambda _n: gettext("The refund is computed."))
    return back(request, f"/returns/{which}/")


@require_POST
@console
def close_one(request: Request, which: UUID) -> HttpResponse:
    without = request.POST.get("without_refund") == "1"
    wanted = Close(which, clean(request.POST.get("reason")), without)
    give(request, close, [wanted], lambda _n: gettext("What has not come is given up."))
    return back(request, f"/returns/{which}/")


# ---- the inspector's station


@require_safe
@console
def station(request: Request) -> HttpResponse:
    """One task at a time, what waits longest first."""
    company, node = request.reader.company.id, clean(request.GET.get("node"))
    tasks = queries.tasks(company, node=node)
    context: dict[str, Any] = {
        "task": tasks[0] if tasks else None,
        "left": len(tasks),
        "node": node,
        "nodes": sorted(one.code for one in network.nodes(company=company)),
        "grades": rules.GRADES,
        "sides": SIDES,
        "dispositions": rules.DISPOSITIONS,
        "reasons": rules.REASONS,
    }
    return page(request, "web/station.html", context, area="returns")


@require_POST
@console
def inspect_units(request: Request) -> HttpResponse:
    receipt, units = uuid_in(request.POST.get("receipt")), int_in(request.POST.get("units")) or 0
    codes = tuple(clean(request.POST.get("codes")).lower().replace(",", " ").split())
    grade, note = clean(request.POST.get("grade")), clean(request.POST.get("note"))
    wanted = [Inspect(receipt, units, grade, codes, note)] if receipt else []
    give(request, inspect, wanted, lambda _n: gettext("Noted. Now decide what is done with it."))
    return back(request, "/returns/station/")


@require_POST
@console
def dispose_units(request: Request) -> HttpResponse:
    inspection, units = uuid_in(request.POST.get("inspection")), int_in(request.POST.get("units")) or 0
    disposition, reason = clean(request.POST.get("disposition")), clean(request.POST.get("reason"))
    wanted = [Dispose(inspection, units, disposition, reason=reason)] if inspection else []
    give(request, dispose, wanted, lambda _n: gettext("Done. Put it there."))
    return back(request, "/returns/station/")


# ---- refunds that wait for another person


@require_safe
@console
def approvals(request: Request) -> HttpResponse:
    waiting = queries.approvals(request.reader.company.id)
    context: dict[str, Any] = {
        "waiting": [
            (one, [side for side, person in one.duties if person == request.reader.name]) for one in waiting
        ],
        "sum": sum(one.refund.total_minor for one in waiting),
        "credits": orders.credits(request.reader.company.id, state="waiting", limit=PAGE),
        "currency": waiting[0].refund.currency if waiting else request.reader.company.currency,
        "grades": rules.GRADES,
        "sides": SIDES,
    }
    return page(request, "web/refunds.html", context, area="returns")


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    which, agree = uuid_in(request.POST.get("refund")), request.POST.get("action") == "approve"
    wanted = [Approve(which, agree, clean(request.POST.get("reason")))] if which else []
    told = gettext("The refund is approved.") if agree else gettext("The refund is rejected.")
    give(request, approve, wanted, lambda _n: told)
    return back(request, "/returns/refunds/")


@require_POST
@console
def decide_credit(request: Request) -> HttpResponse:
    which, agree = uuid_in(request.POST.get("credit")), request.POST.get("action") == "approve"
    wanted = [ApproveCredit(which, agree, clean(request.POST.get("reason")))] if which else []
    told = gettext("The credit is approved.") if agree else gettext("The credit is rejected.")
    give(request, approve_credits, wanted, lambda _n: told)
    return back(request, "/returns/refunds/")


def _units(request: Request) -> list[tuple[UUID, int]]:
    """Units by line, as the fields `units-<line>` say; 0 and nothing leave a line out."""
    found = []
    for name, text in request.POST.items():
        line = uuid_in(name.removeprefix("units-")) if name.startswith("units-") else None
        units = int_in(str(text))
        if line and units:
            found.append((line, units))
    return found
