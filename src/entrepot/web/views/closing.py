"""The end of a month: what is open, and closing it."""

from __future__ import annotations

from datetime import UTC

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import questions
from entrepot.ledger import queries as ledger
from entrepot.settlement import closing_queries
from entrepot.settlement.commands.close_books import CloseBooks, close_books
from entrepot.web.edge import Request, back, console, give, month_in, page

WHERE = {
    "bank lines": "bank", "payout lines": "payouts", "documents": "invoices", "refunds": "refunds", "credits": "work",
    "carrier charges": "carriers",
}  # fmt: skip
"""The page where things of a kind are settled."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Of the oldest month that is not closed, or of another."""
    company, now = request.reader.company.id, timezone.now()
    month = month_in(request.GET.get("month")) or closing_queries.to_close(company)
    checked = questions.closing_checklist(company, now, month) if month else []
    today = now.astimezone(UTC).date()
    context = {
        "month": month,
        "months": ledger.months(company=company),
        "checked": [(one, WHERE.get(one.open.kind, ""), one.open.about.partition(" ")[0]) for one in checked],
        "blocked": any(one.refuses for one in checked),
        "ended": month is not None and month < today.replace(day=1),
    }
    return page(request, "web/closing.html", context, area="books")


@require_POST
@console
def close(request: Request) -> HttpResponse:
    """Close a month for good."""
    month = month_in(request.POST.get("month"))
    if month is None:
        messages.error(request, gettext("Choose a month."))
        return back(request, "/books/closing/", [])
    wanted = [CloseBooks(request.reader.company.id, month)]
    results = give(request, close_books, wanted, lambda _: gettext("The month is closed."))
    return back(request, "/books/closing/", results)
