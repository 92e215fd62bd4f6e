"""Tax by jurisdiction: the report, its file, and the entries behind a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from entrepot.insight import pages, questions, tax_report
from entrepot.insight.tax_report import TaxRow
from entrepot.kernel import money
from entrepot.ledger import queries as ledger
from entrepot.web import format as fmt
from entrepot.web.as_csv import as_csv
from entrepot.web.as_file import as_xlsx, note
from entrepot.web.edge import Request, clean, console, month_in, page

MAKERS: dict[str, Callable[..., HttpResponse]] = {"csv": as_csv, "xlsx": as_xlsx}
AMOUNTS = ("sold", "collected", "returned", "refunded", "base", "net")


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Of a span of months; without one, the last that has postings."""
    company = request.reader.company
    months = ledger.months(company=company.id)
    until = month_in(request.GET.get("until")) or (
        months[0] if months else fmt.reading().now.date().replace(day=1)
    )
    since = month_in(request.GET.get("since")) or until
    first = min(since, until)
    if request.GET.get("format") in MAKERS:
        return _file(request, tax_report.report(company.id, first, until).rows)
    found = questions.tax(company.id, fmt.reading().now, first, until)
    row = _row(request)
    context = {
        "months": months, "since": since, "until": until, "report": found,
        "sums": {name: sum(getattr(one, f"{name}_minor") for one in found.rows) for name in AMOUNTS},
    }  # fmt: skip
    if row:
        month, country, region, rate = row
        entries = questions.tax_entries(company.id, fmt.reading().now, month, country, rate, region)
        context |= {"row": row, "entries": entries, "names": pages.names(one.document for one in entries)}
    return page(request, "web/tax_report.html", context, area="month")


def _row(request: Request) -> tuple[date, str, str, Decimal | None] | None:
    """The row whose entries are asked for."""
    month, country = month_in(request.GET.get("month")), clean(request.GET.get("country")).upper()
    if month is None or not country:
        return None
    text = clean(request.GET.get("rate"))
    try:
        rate = Decimal(text) if text else None
    except InvalidOperation:
        return None
    if rate is not None and not (rate.is_finite() and 0 <= rate < 1):
        return None
    return month, country, clean(request.GET.get("region")), rate


def _file(request: Request, rows: list[TaxRow]) -> HttpResponse:
    """What is true now, not what is kept for the page."""
    kind = request.GET["format"]
    note(request, "tax report", kind, len(rows))
    currency = request.reader.company.currency
    cells: list[list[Any]] = [
        [
            f"{one.month:%Y-%m}", one.country, one.region, "" if one.rate is None else one.rate,
            *(Decimal(getattr(one, f"{name}_minor")).scaleb(-money.exponent(currency)) for name in AMOUNTS), currency,
        ]
        for one in rows
    ]  # fmt: skip
    columns = ("month", "country", "region", "rate", *AMOUNTS, "currency")
    return MAKERS[kind](f"tax-{fmt.reading().now:%Y-%m-%d}", columns, iter(cells))
