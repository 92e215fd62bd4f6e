"""Amounts that are held on customers' cards: the list with due dates, and what a person decides about one."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.returns import hold_queries, states
from entrepot.returns.commands.decide_holds import DecideHold, decide_holds
from entrepot.web import format as fmt
from entrepot.web import lists_returns
from entrepot.web.edge import Request, back, clean, console, give, minor_in, misread, page, uuid_in
from entrepot.web.listed import listed


@require_safe
@console
def holds(request: Request) -> HttpResponse:
    """Holds that are open, or in a state."""
    company, state = request.reader.company.id, clean(request.GET.get("state")) or "open"

    def fetch(after: UUID | None, limit: int) -> list[hold_queries.HoldRow]:
        return hold_queries.holds(company, state=state, after=after, limit=limit)

    shown = listed(request, lists_returns.CARD_HOLDS, fetch)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "state": state,
        "states": ("open", *states.HOLD.states),
        "sums": hold_queries.sums(company),
        "now": fmt.reading().now,
    }
    return page(request, "web/card_holds.html", context, area="returns")


@require_POST
@console
def decide(request: Request, which: UUID) -> HttpResponse:
    """Let a hold of the return go, or take what is owed of it."""
    hold, wanted = uuid_in(request.POST.get("hold")), []
    what: Literal["release", "take"] = "take" if request.POST.get("action") == "take" else "release"
    text, currency = clean(request.POST.get("amount")), clean(request.POST.get("currency"))
    minor = minor_in(text, currency) if text and what == "take" else None
    if text and what == "take" and minor is None:
        said = gettext("Write the amount like %(like)s.") % {"like": fmt.amount(1250, currency)}
        misread(request, "amount", said)
    elif hold:
        wanted = [DecideHold(hold, what, clean(request.POST.get("reason")), minor)]
    told = gettext("It is taken.") if what == "take" else gettext("It is let go.")
    results = give(request, decide_holds, wanted, lambda _n: told) if wanted else []
    return back(request, f"/returns/{which}/", results)
