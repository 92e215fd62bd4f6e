"""What is expected to come back: by month of sale, measured by the policy or tried at another rate."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import answers, questions
from entrepot.ledger import version_queries as ledger
from entrepot.returns import cohort_queries, expecting
from entrepot.returns.commands.estimate import Estimate, estimate
from entrepot.web import format as fmt
from entrepot.web import plots
from entrepot.web.as_file import KINDS, table_as_file
from entrepot.web.edge import Request, back, clean, console, give, month_in, page
from entrepot.web.listing import plain

FIELDS = (
    "measured", "month", "sold_minor", "cost_minor", "returned_minor", "returned_cost_minor", "percent", "recovered",
    "liability_minor", "asset_minor", "stands", "asked_minor", "asked_cost_minor",
)  # fmt: skip
MONTHS_BACK = 3
"""Months whose end may be measured, the latest first."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Cohorts as they would be measured now or at the end of a month, with the entry; and what was measured before."""
    company = request.reader.company
    measures = cohort_queries.measures(company.id)
    if (kind := request.GET.get("format")) in KINDS:
        cells = ([plain(getattr(one, name)) for name in FIELDS] for one in measures)
        return table_as_file(request, kind, "expected-returns", FIELDS, cells)
    now = fmt.reading().now
    month = month_in(request.GET.get("month"))
    text = clean(request.GET.get("percent"))
    percent = _percent(text)
    found = questions.expected_returns(company.id, now, end_of(month, now) if month else None, percent)
    liability, asset = expecting.sums(found.measured)
    amounts = [
        ("estimate.revenue", liability - found.liability_minor), ("estimate.cost", asset - found.asset_minor),
    ]  # fmt: skip
    context = {
        "found": found, "liability": liability, "asset": asset, "measures": measures, "text": text,
        "wrong": bool(text) and percent is None, "month": month, "months": _months(now),
        "trial": percent is not None, "currency": company.currency, "plots": _plots(measures),
        "lines": ledger.preview(company.id, ledger.on_day(company.id, now.date()), "return.expected", amounts),
    }  # fmt: skip
    return page(request, "web/cohorts.html", context, area="month")


@require_POST
@console
def measure(request: Request) -> HttpResponse:
    """Post what is expected by the policy, now or at the end of a month."""
    month = month_in(request.POST.get("month"))
    at = end_of(month, fmt.reading().now) if month else None
    wanted = [Estimate(request.reader.company.id, at)]
    results = give(
        request, estimate, wanted, lambda _: gettext("What is expected to come back is measured."),
        long=answers.is_large(),
    )  # fmt: skip
    return back(request, reverse("cohorts"), results)


def end_of(month: date | None, now: datetime) -> datetime:
    """The last moment of a month in which something may be posted, or now."""
    if month is None:
        return now
    behind = datetime.combine(fmt.months_later(month), time.min, UTC)
    return min(now, behind - timedelta(microseconds=1))


def _months(now: datetime) -> list[date]:
    today = now.astimezone(UTC).date()
    return [fmt.months_later(today, -n) for n in range(1, MONTHS_BACK + 1)]


def _percent(text: str) -> Decimal | None:
    try:
        found = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 <= found <= expecting.WHOLE else None


def _plots(measures: list[cohort_queries.CohortRow]) -> list[plots.Stacked]:
    """What stood at the end of each month, by month of sale."""
    found = []
    for name, title, field in (
        ("liability", gettext("Refund liability by month of sale"), "liability_minor"),
        ("asset", gettext("Right to returned goods by month of sale"), "asset_minor"),
    ):
        rows: dict[str, dict[str, float]] = {}
        for one in sorted(measures, key=lambda one: (one.measured, one.month)):
            amount = getattr(one, field)
            rows.setdefault(f"{one.measured:%Y-%m}", {}).update(
                {f"{one.month:%Y-%m}": amount} if amount else {}
            )
        found.append(
            plots.stacked(name, title, [(month, parts, "") for month, parts in rows.items()], by_name=True)
        )
    return [one for one in found if one.series]
