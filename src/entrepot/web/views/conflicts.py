"""Who lost what was promised, and who waits while somebody less urgent was served."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import conflicts, pages
from entrepot.kernel.errors import Refused
from entrepot.network import queries as network
from entrepot.sourcing.commands.replan import LeaveNode, NodeLeft, leave_node
from entrepot.web import format as fmt
from entrepot.web import lists_insight, words
from entrepot.web.edge import Request, back, clean, console, give, int_in, page, uuid_in
from entrepot.web.listed import listed_whole, order_of, part_of
from entrepot.web.listing import in_order

DAYS = (7, 30, 90)
SHOWN = 200
"""Rows that the page has of a list; the file has all."""
WHY = {
    "held": _("The order is on hold."),
    "node": _("The node does not serve its channel, has rejected it, or the profile excludes it."),
    "rule": _("A rule of its profile keeps that node from it:"),
    "ring-fence": _("The units are ring-fenced for the other channel."),
    "came before": _("The other was promised them before this order was placed."),
    "takes all or none": _(
        "It takes no part of a line or order, or of a kit, and there was not enough for the whole."
    ),
    "not explained": _("Nothing explains it: allocate the order again."),
}


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Displacements of the last days, or orders passed over now."""
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[1]
    company, now = request.reader.company.id, fmt.reading().now
    listing = part_of(request, lists_insight.DISPLACED, lists_insight.PASSED_OVER)
    context: dict[str, Any] = {
        "days": days, "choices": DAYS, "why": WHY,
        "parts": {"": _("Who lost units"), "passed_over": _("Passed over")},
    }  # fmt: skip
    rows: list[Any]
    if listing.part:
        rows = conflicts.passed_over(company, at=now)
    else:
        rows = conflicts.displaced(company, since=now - timedelta(days=days))
        context["causes"] = conflicts.by_cause(rows)
    shown = listed_whole(request, listing, in_order(rows, order_of(request, listing)), size=SHOWN)
    if shown.answer:
        return shown.answer
    context |= shown.context()
    if request.reader.actor.may("sourcing.leave_node"):
        context["nodes"] = [one for one in network.nodes(company=company) if one.code]
    if not listing.part:
        context["names"] = pages.names(one.document for one in shown.rows)
    return page(request, "web/conflicts.html", context, area="orders")


@require_POST
@console
def leave(request: Request) -> HttpResponse:
    """Move what a node has promised and not released elsewhere; how many orders stay there, and why, is told."""
    node = uuid_in(request.POST.get("node"))
    if node is None:
        raise Http404
    wanted = LeaveNode(request.reader.company.id, node, clean(request.POST.get("reason")))
    results = give(
        request, leave_node, [wanted], lambda _: gettext("The node is left as far as others can serve."),
        known=lambda _: gettext("Nothing moves."),
    )  # fmt: skip
    for one in results:
        if not isinstance(one, Refused):
            _tell(request, one)
    return back(request, "/orders/conflicts/", results)


def _tell(request: Request, one: NodeLeft) -> None:
    moved = ngettext(
        "%(n)s order comes from elsewhere now.", "%(n)s orders come from elsewhere now.", one.orders
    )
    messages.info(request, moved % {"n": fmt.number(one.orders)})
    for why, orders in sorted(one.stay.items()):
        told = ngettext("%(n)s order stays:", "%(n)s orders stay:", orders) % {"n": fmt.number(orders)}
        messages.info(request, f"{told} {words.STAYS[why]}")
    if one.left:
        left = ngettext(
            "%(n)s order was not looked at: say it again.",
            "%(n)s orders were not looked at: say it again.",
            one.left,
        )
        messages.info(request, left % {"n": fmt.number(one.left)})
