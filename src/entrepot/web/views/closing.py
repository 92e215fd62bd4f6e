"""The end of a month: what is open, and closing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import answers, questions
from entrepot.kernel import money
from entrepot.ledger import queries as ledger
from entrepot.settlement import closing as rules
from entrepot.settlement import closing_queries, errors
from entrepot.settlement.closing import Checked
from entrepot.settlement.commands.close_books import CloseBooks, close_books
from entrepot.settlement.commands.tick_tasks import TickTask, tick_tasks
from entrepot.web import format as fmt
from entrepot.web.as_csv import as_csv
from entrepot.web.as_file import as_xlsx, note
from entrepot.web.edge import Request, back, clean, console, give, misread, month_in, page

WHERE = {
    "bank lines": "bank", "payout lines": "payouts", "documents": "invoices", "refunds": "refunds", "credits": "work",
    "carrier charges": "carriers", "supplier lines": "supplier-invoices", "write-offs": "clearing",
    "journal entries": "entries",
    "exchange differences": "currencies", "expected returns": "cohorts", "earlier months": "closing",
}  # fmt: skip
"""The page where things of a kind are settled."""
CLOSED_SHOWN_MAX = 120


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Of the oldest month that is not closed, or of another."""
    company, now = request.reader.company.id, timezone.now()
    month = month_in(request.GET.get("month")) or closing_queries.to_close(company)
    checked = questions.closing_checklist(company, now, month) if month else []
    why, today = rules.reasons(checked), now.astimezone(UTC).date()
    context = {
        "month": month,
        "last": fmt.months_later(month) - timedelta(days=1) if month else None,
        "months": ledger.months(company=company),
        "closed": closing_queries.closed_months(company, limit=CLOSED_SHOWN_MAX),
        "checked": _with_places(checked),
        "blocked": errors.NotReadyToClose(month=f"{month:%Y-%m}", found=why).message if month and why else "",
        "tasks": closing_queries.tasks(company, month, now) if month else [],
        "is_closed": bool(month and closing_queries.closed_of([(company, month)])),
        "ended": month is not None and month < today.replace(day=1),
    }
    return page(request, "web/closing.html", context, area="books")


def _with_places(checked: Sequence[Checked]) -> list[tuple[Checked, str, str, str]]:
    """Each with the page where it is settled, the account that it is about, where it is one, and its state."""
    return [(one, WHERE.get(one.open.kind, ""), _account(one), rules.state(one)) for one in checked]


def _account(one: Checked) -> str:
    return "" if one.open.kind == rules.OWN_TASKS else one.open.about.partition(" ")[0]


@require_safe
@console
def report(request: Request) -> HttpResponse:
    """The report of a month: what was looked at, and the accounts; as a page to print, or as a workbook."""
    company, now = request.reader.company, timezone.now()
    month = month_in(request.GET.get("month")) or closing_queries.to_close(company.id)
    if month is None:
        raise Http404
    if request.GET.get("format") in ("csv", "xlsx"):
        return _file(request, closing_queries.month_report(company.id, month, now))
    found = questions.month_report(company.id, now, month)
    taxes = questions.tax(company.id, now, month, month)
    context = {
        "report": found, "checked": _with_places(found.checked), "taxes": taxes,
        "debit": sum(one.debit_minor for one in found.accounts),
        "credit": sum(one.credit_minor for one in found.accounts),
        "statements": rules.statements(found.accounts),
    }  # fmt: skip
    return page(request, "web/closing_report.html", context, area="month")


def _file(request: Request, found: closing_queries.MonthReport) -> HttpResponse:
    """One row for each thing that was looked at, and for each account."""
    home = request.reader.company.currency

    def major(minor: int, currency: str = "") -> Decimal:
        return Decimal(minor).scaleb(-money.exponent(currency or home))

    rows: list[list[Any]] = [
        ["looked at", one.open.about or one.open.kind, one.open.kind, one.open.count,
         "yes" if one.refuses else "no", "", "", major(one.open.amount_minor, one.open.currency),
         one.open.currency or home]
        for one in found.checked
    ]  # fmt: skip
    rows += [
        ["account", f"{one.account} {one.name}", one.type, "", "", major(one.debit_minor), major(one.credit_minor),
         major(one.end_minor), home]
        for one in found.accounts
    ]  # fmt: skip
    columns = ("part", "what", "kind", "count", "stands in the way", "debit", "credit", "amount", "currency")
    kind, name = request.GET["format"], f"month-{found.month:%Y-%m}"
    note(request, "month report", kind, len(rows))
    return as_csv(name, columns, rows) if kind == "csv" else as_xlsx(name, columns, iter(rows))


@require_POST
@console
def close(request: Request) -> HttpResponse:
    """Close a month for good."""
    month = month_in(request.POST.get("month"))
    if month is None:
        misread(request, "month", gettext("Choose a month."))
        return back(request, "/books/closing/", [])
    wanted = [CloseBooks(request.reader.company.id, month)]
    results = give(
        request, close_books, wanted, lambda _: gettext("The month is closed."), long=answers.is_large()
    )
    return back(request, "/books/closing/", results)


@require_POST
@console
def tick(request: Request) -> HttpResponse:
    """A task of the end of a month that is done, with a note; or is not after all."""
    month = month_in(request.POST.get("month"))
    if month is None:
        misread(request, "month", gettext("Choose a month."))
        return back(request, "/books/closing/", [])
    task, note_of_it = clean(request.POST.get("task")), clean(request.POST.get("note"))
    wanted = [
        TickTask(request.reader.company.id, month, task, note_of_it, request.POST.get("do") != "untick")
    ]
    results = give(request, tick_tasks, wanted, lambda _: gettext("The task is noted."))
    return back(request, "/books/closing/", results)
