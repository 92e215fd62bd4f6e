"""Other currencies: their rates, what balances in them are worth, and the differences that measuring posts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import answers
from entrepot.kernel.errors import Refused
from entrepot.ledger import currency_queries, exchange, queries, version_queries
from entrepot.ledger.commands.correct_rates import CorrectRate, correct_rates
from entrepot.ledger.commands.record_rate_files import RateFile, record_rate_files
from entrepot.ledger.commands.record_rates import RateRecorded, RecordRate, record_rates
from entrepot.ledger.commands.revalue import Revalue, revalue
from entrepot.settlement import closing_queries
from entrepot.web import format as fmt
from entrepot.web import words
from entrepot.web.edge import Request, back, cause_of, clean, console, day_in, give, page

FILE_MAX = 2_000_000
"""Bytes of a file of rates."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Balances as they would be measured as of a day, with the entry; and the rates."""
    return page(request, "web/currencies.html", _context(request), area="month")


def _context(request: Request) -> dict[str, object]:
    company, now = request.reader.company, fmt.reading().now
    day = min(day_in(request.GET.get("day")) or _to_measure(company.id, now), now.astimezone(UTC).date())
    found = currency_queries.measure({company.id: day}, now)[company.id]
    parts = [part for some in currency_queries.amounts(found.measured).values() for part in some]
    version = version_queries.on_day(company.id, day)
    rules = version_queries.rules_of(company.id, version, event=exchange.REVALUED)
    return {
        "day": day,
        "found": found,
        "names": {one.debit: one.debit_name for one in rules},
        "rates": queries.rates(company=company.id),
        "corrections": queries.rate_corrections(company=company.id),
        "lines": version_queries.preview(company.id, version, exchange.REVALUED, parts),
        "currency": company.currency,
    }


def _to_measure(company: int, now: datetime) -> date:
    """The last day of the oldest month that is not closed, where it has ended; else today."""
    today, month = now.astimezone(UTC).date(), closing_queries.to_close(company)
    return min(today, fmt.months_later(month) - timedelta(days=1)) if month else today


def _known(found: RateRecorded) -> str:
    return gettext(
        "Nothing was recorded: %(currency)s has the rate %(rate)s from %(day)s on."
        " To put another in its place, say why."
    ) % {
        "currency": found.currency, "rate": fmt.exchange_rate(found.rate), "day": fmt.day(found.on_date),
    }  # fmt: skip


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
    """Another currency's rate from a day on; with a reason, in place of one that was wrong."""
    day = day_in(request.POST.get("day")) or fmt.reading().now.astimezone(UTC).date()
    try:
        value = Decimal(clean(request.POST.get("rate")).replace(",", "."))
    except InvalidOperation:
        value = Decimal(0)
    company, currency = request.reader.company.id, clean(request.POST.get("currency")).upper()
    reason = clean(request.POST.get("reason"))
    results = (
        give(
            request, correct_rates, [CorrectRate(company, currency, day, value, reason)],
            lambda _: gettext("The rate is corrected. What was posted stays; measure the balances again."),
            reason=reason,
        )
        if reason
        else give(
            request, record_rates, [RecordRate(company, currency, day, value)],
            lambda _: gettext("The rate is in force from that day on."), known=_known,
        )
    )  # fmt: skip
    return back(request, reverse("currencies"), results)


@require_POST
@console
def look(request: Request) -> HttpResponse:
    """What the rates of a file would change; nothing is recorded yet."""
    file = request.FILES.get("file")
    if file is None or not 0 < (file.size or 0) <= FILE_MAX:
        messages.error(request, gettext("Choose a file of at most 2 MB."))
        return back(request, reverse("currencies"), [])
    text = file.read().decode("utf-8-sig", "replace").replace("\0", "")
    wanted = RateFile(request.reader.company.id, text, dry_run=True)
    (answer,) = record_rate_files(cause_of(request), requests=[wanted])
    if isinstance(answer, Refused):
        messages.error(request, words.refusal(answer))
        return back(request, reverse("currencies"), [])
    context = _context(request) | {"looked": answer, "text": text}
    return page(request, "web/currencies.html", context, area="month")


@require_POST
@console
def record(request: Request) -> HttpResponse:
    """Record the rates of the file that was looked at."""
    wanted = RateFile(request.reader.company.id, request.POST.get("text", "")[:FILE_MAX])
    results = give(
        request, record_rate_files, [wanted], lambda _: gettext("The rates of the file are recorded.")
    )
    return back(request, reverse("currencies"), results)
