"""A line of a payout that waits: what it may be, looked for by name, amount or order, and chosen; or its parts."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.settlement import fit_queries, rules
from entrepot.settlement.commands.explain import Explain, explain
from entrepot.settlement.commands.split_payout_lines import SplitPayoutLine, split_payout_lines
from entrepot.web.edge import Request, amounts_in, back, clean, console, give, int_in, minor_in, page, uuid_in

SHOWN_MAX = 50


@require_safe
@console
def told(request: Request, which: UUID, number: int) -> HttpResponse:
    """What a line may be, of its very amount or by what is looked for."""
    company = request.reader.company.id
    line = fit_queries.line(company, which, number)
    if line is None:
        raise Http404
    looked_for = clean(request.GET.get("q"))
    amount = minor_in(looked_for, line.currency)
    found = fit_queries.fits(
        company, [(which, number)], said=[looked_for] if looked_for else [],
        amounts=[abs(amount)] if amount else [], limit=SHOWN_MAX,
    )[which, number]  # fmt: skip
    context = {
        "line": line,
        "looked_for": looked_for,
        "fits": found,
        "is_full": len(found) == SHOWN_MAX,
        "is_open": line.state in ("differs", "unmatched"),
        "several": line.kind in rules.SEVERAL,
    }
    return page(request, "web/payout_line.html", context, area="books")


@require_POST
@console
def match(request: Request) -> HttpResponse:
    """A line matched with what it is; a reason beside it books at once what it differs by."""
    payout, line = uuid_in(request.POST.get("payout")), int_in(request.POST.get("line"))
    known, reason = uuid_in(request.POST.get("known")), clean(request.POST.get("reason"))
    wanted = [Explain(payout, line, reason, known)] if payout and line and known else []
    results = give(request, explain, wanted, lambda _n: gettext("The line is matched."))
    return back(request, reverse("payouts"), results)


@require_POST
@console
def split(request: Request) -> HttpResponse:
    """A line in parts: an amount on each line of a text, in the currency of the payout."""
    company, where = request.reader.company.id, reverse("payouts")
    payout, number = uuid_in(request.POST.get("payout")), int_in(request.POST.get("line"))
    line = fit_queries.line(company, payout, number) if payout and number else None
    currency = line.currency if line else request.reader.company.currency
    parts = amounts_in(request, "amounts", currency)
    if parts is None:
        return back(request, where, [], field="amounts")
    wanted = [SplitPayoutLine(payout, number, parts)] if payout and number else []
    results = give(
        request, split_payout_lines, wanted, lambda _: gettext("The line is split; its parts wait.")
    )
    return back(request, where, results)
