"""The work queue: what the rules could not decide, and who takes it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import ROLES
from entrepot.insight import pages
from entrepot.kernel import queries as kernel
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, give, ids_in, page, uuid_in
from entrepot.web.timeline import steps
from entrepot.work import queries as work
from entrepot.work.commands.claim import ClaimItem, PutBackItem, claim, put_back
from entrepot.work.commands.resolve import ResolveItem, resolve

PAGE = 50
ROOT_CAUSES = {
    "customer": _("The customer's data or wish"),
    "channel": _("What the channel sent"),
    "catalog": _("The catalog"),
    "stock record": _("Stock record was wrong"),
    "damage": _("Damage or loss"),
    "supplier": _("The supplier"),
    "carrier": _("The carrier"),
    "payment provider": _("The payment provider"),
    "policy": _("A rule is set too tight or too loose"),
    "our mistake": _("A slip of ours"),
    "no fault": _("Nothing was wrong"),
}
"""Why an exception arose, as people choose it."""


@require_safe
@console
def work_list(request: Request) -> HttpResponse:
    company, now = request.reader.company.id, fmt.reading().now
    kind, role = clean(request.GET.get("type")), clean(request.GET.get("role"))
    mine = request.GET.get("mine") == "1"
    after = uuid_in(request.GET.get("after"))
    items = work.items(
        company, kind=kind, role=role, owner=request.reader.name if mine else "", after=after, limit=PAGE + 1
    )
    shown = items[:PAGE]
    types = work.by_type(company, now)
    context: dict[str, Any] = {
        "items": shown,
        "next": shown[-1].id if len(items) > PAGE else None,
        "after": after,
        "type": kind,
        "role": role,
        "mine": mine,
        "filtered": bool(kind or role or mine),
        "names": pages.names(item.subject for item in shown),
        "causes": ROOT_CAUSES,
        "open": sum(one.open for one in types),
        "overdue": sum(one.overdue for one in types),
    }
    if request.htmx and after:
        return page(request, "web/parts/work_rows.html", context, area="work")
    if request.htmx:
        return page(request, "web/parts/work_table.html", context, area="work")
    context |= {"types": types, "roles": sorted(ROLES)}
    return page(request, "web/work.html", context, area="work")


@require_safe
@console
def item(request: Request, which: UUID) -> HttpResponse:
    found = work.item(which)
    if found is None:
        raise Http404
    context: dict[str, Any] = {
        "item": found,
        "facts": {name: fact for name, fact in found.facts.items() if name != "hold"},  # the subject shows it
        "name": pages.names([found.subject]).get(found.subject),
        "causes": ROOT_CAUSES,
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
        "others": [one for one in work.of_subject(found.subject) if one.id != which],
    }
    return page(request, "web/item.html", context, area="work")


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """Claim, put back or resolve the chosen items with one command."""
    chosen = ids_in(request.POST.getlist("item"))
    note = clean(request.POST.get("note"))
    match request.POST.get("action"):
        case "claim":
            give(request, claim, [ClaimItem(one) for one in chosen], _claimed)
        case "put_back":
            give(request, put_back, [PutBackItem(one, note) for one in chosen], _put_back)
        case "resolve":
            cause = clean(request.POST.get("root_cause"))
            give(request, resolve, [ResolveItem(one, cause, note) for one in chosen], _resolved)
    return back(request, "/work/")


def _claimed(n: int) -> str:
    return ngettext("%(n)s item is yours.", "%(n)s items are yours.", n) % {"n": n}


def _put_back(n: int) -> str:
    return ngettext("%(n)s item is back in the queue.", "%(n)s items are back in the queue.", n) % {"n": n}


def _resolved(n: int) -> str:
    return ngettext("%(n)s item is resolved.", "%(n)s items are resolved.", n) % {"n": n}
