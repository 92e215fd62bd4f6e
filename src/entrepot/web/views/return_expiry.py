"""Goods that are to come back, until when they are waited for, and what was given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.kernel import policies
from entrepot.returns import expiry_queries, rules
from entrepot.returns.commands.reopen import Reopen, reopen
from entrepot.returns.expiring import ExpiryPolicy
from entrepot.web import format as fmt
from entrepot.web import lists_returns
from entrepot.web.edge import Request, back, clean, console, give, page
from entrepot.web.listed import at_most, listed_whole, part_of

SHOWN = 200
DAYS = 365


@require_safe
@console
def to_come(request: Request) -> HttpResponse:
    """What is to come, what expires first at the top; or what was given up."""
    company, now = request.reader.company.id, fmt.reading().now
    listing = part_of(request, lists_returns.TO_COME, lists_returns.GIVEN_UP)
    rows: list[Any]
    if listing.part:
        rows = expiry_queries.given_up(company, limit=at_most(request, SHOWN))
    else:
        rows = expiry_queries.to_come(company, now, limit=at_most(request, SHOWN))
    shown = listed_whole(request, listing, rows, size=SHOWN)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "parts": {"": _("What is given up first"), "given-up": _("Given up")},
        "sums": expiry_queries.sums(company, now - timedelta(days=DAYS)),
        "policy": policies.of_company(company, ExpiryPolicy, now)[1],
        "now": now,
        "reasons": rules.REASONS,
    }
    return page(request, "web/return_expiry.html", context, area="returns")


@require_POST
@console
def open_again(request: Request, which: UUID) -> HttpResponse:
    """What was given up is waited for again."""
    wanted = [Reopen(which, clean(request.POST.get("reason")))]
    results = give(request, reopen, wanted, lambda _n: gettext("What was given up is waited for again."))
    return back(request, f"/returns/{which}/", results)
