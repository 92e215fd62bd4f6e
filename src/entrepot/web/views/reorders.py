"""What should be ordered again, and how suppliers keep their word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import kpis, questions
from entrepot.parties import queries as parties
from entrepot.purchasing import performance, queries
from entrepot.purchasing.commands.proposals import (
    AcceptProposal,
    RejectProposal,
    accept_proposals,
    reject_proposals,
)
from entrepot.purchasing.commands.reorder import ReviewReorders, review_reorders
from entrepot.web import format as fmt
from entrepot.web import lists_floor
from entrepot.web.edge import Request, back, clean, console, day_in, give, int_in, misread, page
from entrepot.web.listed import chosen, listed, listed_whole

LOOKED_BACK = timedelta(days=90)


@require_safe
@console
def proposed(request: Request) -> HttpResponse:
    shown = listed(request, lists_floor.REORDERS, partial(_proposals, request))
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(),
        "worth": sum(one.value_minor for one in shown.rows),
        "currency": request.reader.company.currency,
    }
    return page(request, "web/reorders.html", context, area="inbound")


def _proposals(request: Request, after: UUID | None, limit: int) -> list[queries.Proposal]:
    return queries.proposals(request.reader.company.id, after=after, limit=limit)


@require_POST
@console
def review(request: Request) -> HttpResponse:
    """Have all SKUs looked at now."""
    give(request, review_reorders, [ReviewReorders(request.reader.company.id)], _reviewed)
    return back(request, reverse("reorders"))


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """Order or reject the chosen proposals."""
    which = chosen(request, "proposal", partial(_proposals, request))
    match request.POST.get("action"):
        case "order":
            _order(request, which)
        case "reject":
            reason = clean(request.POST.get("reason"))
            give(request, reject_proposals, [RejectProposal(one, reason) for one in which], _rejected)
    return back(request, reverse("reorders"))


def _order(request: Request, which: Sequence[UUID]) -> None:
    """Order what is proposed, or the units that the form says."""
    wanted = []
    for one in which:
        said = clean(request.POST.get(f"units-{one}"))
        units = int_in(said) if said else None
        if said and units is None:
            misread(request, f"units-{one}", gettext("Write whole numbers of units."))
            return
        wanted.append(AcceptProposal(one, units))
    give(request, accept_proposals, wanted, _ordered)


@require_safe
@console
def suppliers(request: Request) -> HttpResponse:
    """On time, in full, in order; and how long goods stand at the dock."""
    company, today = request.reader.company.id, timezone.now().date()
    since = day_in(request.GET.get("since")) or today - LOOKED_BACK
    until = day_in(request.GET.get("until")) or today
    # The form names the last day that counts, the query the first one that does not.
    span = {"since": since, "until": until + timedelta(days=1)}
    shown = listed_whole(
        request, lists_floor.SUPPLIERS, performance.of_suppliers(company, **span, today=today)
    )
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(),
        "all": parties.suppliers(company=company).values(),
        "docks": questions.kpi_by(company, fmt.reading().now, "dock to stock", _asked(**span), "node"),
        "since": since,
        "until": until,
    }
    return page(request, "web/suppliers.html", context, area="inbound")


def _asked(since: date, until: date) -> kpis.Asked:
    return kpis.Asked(fmt.start_of(since), fmt.start_of(until))


def _reviewed(_: int) -> str:
    return gettext("All SKUs are being looked at. Proposals appear here in a moment.")


def _ordered(n: int) -> str:
    return ngettext("%(n)s proposal is ordered.", "%(n)s proposals are ordered.", n) % {"n": n}


def _rejected(n: int) -> str:
    return ngettext("%(n)s proposal is rejected.", "%(n)s proposals are rejected.", n) % {"n": n}
