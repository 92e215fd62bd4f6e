"""Goods that are to come back, until when they are waited for, and what was given up."""

from __future__ import annotations

from dataclasses import astuple, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.kernel import policies
from entrepot.returns import expiry_queries, rules
from entrepot.returns.commands.reopen import Reopen, reopen
from entrepot.returns.expiring import ExpiryPolicy
from entrepot.web import format as fmt
from entrepot.web.as_csv import as_csv
from entrepot.web.edge import Request, back, clean, console, give, page

SHOWN = 200
DAYS = 365


@require_safe
@console
def to_come(request: Request) -> HttpResponse:
    """What is to come, what expires first at the top, and what was given up; each with `format=csv` as a file."""
    company, now = request.reader.company.id, fmt.reading().now
    if request.GET.get("format") == "csv":
        rows = expiry_queries.to_come(company, now, limit=None)
        return as_csv(
            "returns-to-come", [one.name for one in fields(expiry_queries.ToCome)], map(astuple, rows)
        )
    if request.GET.get("given_up") == "csv":
        gone = expiry_queries.given_up(company, limit=None)
        names = [one.name for one in fields(expiry_queries.GivenUpRow)]
        return as_csv("returns-given-up", names, map(astuple, gone))
    rows = expiry_queries.to_come(company, now, limit=SHOWN + 1)
    context: dict[str, Any] = {
        "rows": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "shown": SHOWN,
        "given_up": expiry_queries.given_up(company),
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
