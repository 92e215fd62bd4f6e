"""The chart of accounts: which there are, and what the house calls, adds and closes."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.ledger import chart, manual_queries
from entrepot.ledger.commands.keep_accounts import KeepAccount, keep_accounts
from entrepot.web import lists_books
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread, page
from entrepot.web.listed import listed_whole

CLOSED = {"close": True, "open": False}
"""What buttons make of an account."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """All accounts by their numbers; the one that is chosen with a form to change it, else one to add another."""
    rows = manual_queries.chart(request.reader.company.id)
    shown = listed_whole(request, lists_books.CHART, rows)
    if shown.answer:
        return shown.answer
    number = int_in(request.GET.get("number"))
    context = {
        **shown.context(), "one": next((one for one in rows if one.code == number), None),
        "names": {one.code: one.name for one in rows}, "types": chart.TYPES,
        "roles": [one for one in rows if one.role == one.code and one.type in chart.RESULTS],
        "least": chart.OWN_MIN, "most": chart.OWN_MAX,
    }  # fmt: skip
    return page(request, "web/chart.html", context, area="month")


@require_POST
@console
def keep(request: Request) -> HttpResponse:
    """Add an account, or change one; close it or open it again."""
    number, action = int_in(request.POST.get("number")), clean(request.POST.get("action"))
    here = reverse("chart") + (f"?number={number}" if number and action != "add" else "")
    if number is None:
        misread(request, "number", gettext("Write the number of the account in digits."))
        return back(request, here, [])
    facts: dict[str, Any] = (
        {"closed": CLOSED[action]} if action in CLOSED else _told(request, new=action == "add")
    )
    wanted = KeepAccount(request.reader.company.id, number, **facts)
    results = give(request, keep_accounts, [wanted], lambda _n: gettext("The account is kept."))
    return back(request, here, results)


def _told(request: Request, *, new: bool) -> dict[str, Any]:
    """What the form says of an account: type and role of a new one alone."""
    said = {name: clean(request.POST.get(name)) for name in ("name", "external")}
    if not new:
        return dict(said)
    return said | {"type": clean(request.POST.get("type")), "role": int_in(request.POST.get("role"))}
