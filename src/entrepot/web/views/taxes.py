"""Rates of tax, and customers who pay none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.tax import queries, rules
from entrepot.tax.commands.exempt import RegisterExemption, register_exemptions
from entrepot.tax.commands.register import RegisterRate, register_rates
from entrepot.web import format as fmt
from entrepot.web import lists_books
from entrepot.web.edge import Request, back, clean, console, day_in, decimal_in, give, page
from entrepot.web.listed import listed

PERCENT = Decimal(100)


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Every rate with whether it is in force, and exemptions, the latest first."""
    company, today = request.reader.company.id, fmt.reading().now.date()
    text = clean(request.GET.get("q"))

    def fetch(after: UUID | None, limit: int) -> list[queries.ExemptionRow]:
        return queries.exemptions(company=company, customer=text, after=after, limit=limit)

    shown = listed(request, lists_books.EXEMPTIONS, fetch)
    if shown.answer:
        return shown.answer
    rates = queries.rates(company=company)
    latest = {(one.country, one.region, one.category): one for one in rates if one.valid_from <= today}
    context = {
        **shown.context(),
        "rates": [
            (one, one.rate * PERCENT, _state(one, latest.get((one.country, one.region, one.category)), today))
            for one in rates
        ],
        "exemptions": [(one, one.valid_until is not None and one.valid_until < today) for one in shown.rows],
        "text": text,
        "today": today,
    }
    return page(request, "web/taxes.html", context, area="books")


def _state(one: rules.Rate, current: rules.Rate | None, today: date) -> str:
    if one.valid_from > today:
        return "coming"
    return "in force" if one == current else "over"


@require_POST
@console
def set_rate(request: Request) -> HttpResponse:
    """A rate in per cent, from a day on."""
    rate, since = decimal_in(request.POST.get("percent")), day_in(request.POST.get("valid_from"))
    if rate is None or since is None:
        messages.error(request, gettext("Write the rate as a number of per cent, and choose its first day."))
        return back(request, "/books/taxes/", [], field="percent" if rate is None else "valid_from")
    wanted = RegisterRate(
        request.reader.company.id, clean(request.POST.get("country")).upper(), rate / PERCENT, since,
        clean(request.POST.get("region")), clean(request.POST.get("category")),
    )  # fmt: skip
    results = give(request, register_rates, [wanted], lambda _: gettext("The rate is set."))
    return back(request, "/books/taxes/", results)


@require_POST
@console
def set_exemption(request: Request) -> HttpResponse:
    """Who pays no tax, by which certificate; with a last day it ends."""
    since, until = day_in(request.POST.get("valid_from")), day_in(request.POST.get("valid_until"))
    if since is None or (until is None and clean(request.POST.get("valid_until"))):
        messages.error(request, gettext("Choose the days from the calendar, or write them as 2026-03-09."))
        return back(request, "/books/taxes/", [], field="valid_from" if since is None else "valid_until")
    wanted = RegisterExemption(
        request.reader.company.id, clean(request.POST.get("customer")), clean(request.POST.get("certificate")), since,
        clean(request.POST.get("country")).upper(), until,
    )  # fmt: skip
    results = give(request, register_exemptions, [wanted], lambda _: gettext("The exemption is kept."))
    return back(request, "/books/taxes/", results)
