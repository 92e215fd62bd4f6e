"""Other currencies: their rates, what balances in them are worth, and the differences that measuring posts."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal, InvalidOperation

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import answers
from entrepot.ledger import currency_queries, exchange, queries
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.commands.revalue import Revalue, revalue
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, day_in, give, page


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Balances as they would be measured as of a day, with the entry; and the rates."""
    company, now = request.reader.company, fmt.reading().now
    day = min(day_in(request.GET.get("day")) or now.astimezone(UTC).date(), now.astimezone(UTC).date())
    found = currency_queries.measure({company.id: day}, now)[company.id]
    parts = [part for some in currency_queries.amounts(found.measured).values() for part in some]
    rules = queries.posting_rules(company=company.id, event=exchange.REVALUED)
    context = {
        "day": day,
        "found": found,
        "names": {one.debit: one.debit_name for one in rules},
        "rates": queries.rates(company=company.id),
        "lines": queries.preview(company=company.id, event=exchange.REVALUED, amounts=parts),
        "currency": company.currency,
    }
    return page(request, "web/currencies.html", context, area="month")


@require_POST
@console
def measure(request: Request) -> HttpResponse:
    """Post the differences as of a day."""
    day = day_in(request.POST.get("day")) or fmt.reading().now.astimezone(UTC).date()
    results = give(
        request,
        revalue,
        [Revalue(request.reader.company.id, day)],
        lambda _: gettext("The balances are measured."),
        long=answers.is_large(),
    )
    return back(request, f"{reverse('currencies')}?day={day}", results)


@require_POST
@console
def rate(request: Request) -> HttpResponse:
    """Another currency's rate from a day on."""
    day = day_in(request.POST.get("day")) or fmt.reading().now.astimezone(UTC).date()
    try:
        value = Decimal(clean(request.POST.get("rate")).replace(",", "."))
    except InvalidOperation:
        value = Decimal(0)
    currency = clean(request.POST.get("currency")).upper()
    wanted = [RecordRate(request.reader.company.id, currency, day, value)]
    results = give(request, record_rates, wanted, lambda _: gettext("The rate is in force from that day on."))
    return back(request, reverse("currencies"), results)
