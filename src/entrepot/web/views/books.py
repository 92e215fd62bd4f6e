"""The books: trial balance, the lines of an account, one entry."""

from __future__ import annotations

from datetime import UTC, date
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import pages, questions
from entrepot.kernel.errors import Refused
from entrepot.ledger import queries as ledger
from entrepot.ledger import version_queries, versions
from entrepot.ledger.rules import REASON_MAX, REASONED, reason_of
from entrepot.settlement import fit_queries
from entrepot.settlement import queries as settlement
from entrepot.settlement.commands.explain import Explain, explain
from entrepot.web import format as fmt
from entrepot.web import lists, lists_books, rehearsing, words
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    give,
    int_in,
    minor_in,
    misread,
    month_in,
    page,
    uuid_in,
)
from entrepot.web.listed import listed, listed_whole
from entrepot.web.views.rules import reasons

PAGE = 100
FITS_SHOWN_MAX = 3
ACCOUNT_MAX = 2**31 - 1
TYPES = ("asset", "liability", "equity", "income", "expense")


@require_safe
@console
def trial(request: Request) -> HttpResponse:
    """Of a month, up to and with a month, or ever."""
    company = request.reader.company.id
    month, whole = month_in(request.GET.get("month")), request.GET.get("up_to") == "1"
    chosen: dict[str, date | None] = {"up_to": month} if whole else {"month": month}
    lines = ledger.trial_balance(company=company, **chosen)
    shown = listed_whole(request, lists_books.TRIAL_BALANCE, lines)
    if shown.answer:
        return shown.answer
    context = {
        **shown.context("lines"),
        "months": ledger.months(company=company),
        "month": month,
        "up_to": whole,
        "groups": [(kind, [one for one in lines if one.type == kind]) for kind in TYPES],
        "debit": sum(one.debit_minor for one in lines),
        "credit": sum(one.credit_minor for one in lines),
        "balance": sum(one.balance_minor for one in lines),
        "income": -sum(one.balance_minor for one in lines if one.type == "income"),
        "expense": sum(one.balance_minor for one in lines if one.type == "expense"),
        "clearing": [one for one in lines if one.clearing and one.balance_minor],
    }
    template = "web/parts/trial_table.html" if request.htmx else "web/books.html"
    return page(request, template, context, area="books")


@require_safe
@console
def payouts(request: Request) -> HttpResponse:
    """What providers paid out, what of it nobody can explain yet, and what they still have."""
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[settlement.PayoutRow]:
        return settlement.payouts(company, after=after, limit=limit)

    shown = listed(request, lists_books.PAYOUTS, fetch, size=PAGE)
    if shown.answer:
        return shown.answer
    lines = settlement.open_lines([one.id for one in shown.rows if one.open_lines], limit=PAGE)
    by_id = {one.id: one for one in shown.rows}
    unknown = [(one.payout, one.number) for one in lines if one.state == "unmatched"]
    fits = fit_queries.fits(company, unknown, limit=FITS_SHOWN_MAX)
    context = {
        **shown.context("payouts"),
        "lines": [(by_id[line.payout], line, fits[line.payout, line.number]) for line in lines],
        "more_lines": sum(one.open_lines for one in shown.rows) - len(lines),
        "clearing": questions.open_clearing(company, fmt.reading().now),
        "reserves": settlement.reserves(company),
    }
    return page(request, "web/payouts.html", context, area="books")


@require_POST
@console
def explain_line(request: Request) -> HttpResponse:
    payout, line = uuid_in(request.POST.get("payout")), int_in(request.POST.get("line"))
    wanted = [Explain(payout, line, clean(request.POST.get("reason")))] if payout and line else []
    give(request, explain, wanted, lambda _n: gettext("The difference is booked."))
    return back(request, "/books/payouts/")


@require_safe
@console
def account(request: Request, code: int) -> HttpResponse:
    company = request.reader.company.id
    found = pages.account(company=company, code=code) if code <= ACCOUNT_MAX else None
    if found is None:
        raise Http404
    month, whole = month_in(request.GET.get("month")), request.GET.get("up_to") == "1"
    only, last = (None, month) if whole else (month, None)

    def fetch(before: int | None, limit: int) -> list[pages.JournalLine]:
        return pages.journal_lines(company, account=code, month=only, up_to=last, before=before, limit=limit)

    shown = listed(request, lists.JOURNAL, fetch, read=int_in, size=PAGE, name="before")
    if shown.answer:
        return shown.answer
    sums = [
        one for one in ledger.trial_balance(company=company, month=only, up_to=last) if one.account == code
    ]
    context = {
        **shown.context("lines"),
        "account": found,
        "month": month,
        "up_to": whole,
        "months": ledger.months(company=company),
        "names": pages.names(one.document for one in shown.rows),
        "sums": sums[0] if sums else None,
    }
    template = (
        "web/parts/account_rows.html" if request.htmx and request.GET.get("before") else "web/account.html"
    )
    return page(request, template, context, area="books")


@require_safe
@console
def entry(request: Request, which: UUID) -> HttpResponse:
    lines = pages.entry(company=request.reader.company.id, which=which)
    if not lines:
        raise Http404
    first = lines[0]
    context = {
        "lines": lines,
        "first": first,
        "name": pages.names([first.document]).get(first.document),
        "debit": sum(one.amount_minor for one in lines if one.amount_minor > 0),
        "credit": -sum(one.amount_minor for one in lines if one.amount_minor < 0),
        "siblings": sorted(
            {
                one.entry
                for one in pages.journal(company=request.reader.company.id, documents=[first.document])
                if one.entry != which
            }
        ),
    }
    return page(request, "web/entry.html", context, area="books")


@require_safe
@console
def preview(request: Request) -> HttpResponse:
    """What an event would post: the rules of it, and the entry for the amounts entered. Nothing is written."""
    company = request.reader.company
    today = fmt.reading().now.astimezone(UTC).date()
    kept = version_queries.of_company(company.id)
    numbers = [one.number for one in kept if one.state != "withdrawn"] + [versions.FIRST]
    in_force = version_queries.on_day(company.id, today)
    asked = int_in(request.GET.get("version"))
    version = asked if asked in numbers else in_force
    found = version_queries.rules_of(company.id, version)
    events = sorted({one.event for one in found})
    event = clean(request.GET.get("event"))
    reason = clean(request.GET.get("reason"))
    chosen = _by_reason([one for one in found if one.event == event], reason_of(event, reason))
    said = [(one, clean(request.GET.get(f"amount_{one.kind}"))) for one in chosen]
    read = [(one.kind, text, minor_in(text, company.currency)) for one, text in said if text]
    wrong = [text for _, text, amount in read if amount is None]
    amounts = [(kind, amount) for kind, _, amount in read if amount is not None]
    told = (
        version_queries.preview(company.id, version, event, amounts, reason) if amounts and not wrong else []
    )
    lines, refused = ([], words.refusal(told)) if isinstance(told, Refused) else (told, "")
    context = {
        "events": events, "event": event, "rules": said, "wrong": wrong, "lines": lines,
        "sum": sum(max(0, one.amount_minor) for one in lines), "example": fmt.example(company.currency),
        "steps": rehearsing.STEPS, "refused": refused, "versions": numbers, "version": version, "in_force": in_force,
        "reason": reason, "has_reason": event in REASONED, "reasons": reasons(company.id), "reason_max": REASON_MAX,
    }  # fmt: skip
    return page(request, "web/preview.html", context, area="books")


def _by_reason(found: list[version_queries.RuleRow], reason: str) -> list[version_queries.RuleRow]:
    """Of each kind the rule for just this reason, or else the one for any."""
    exact = {one.kind for one in found if reason and one.reason == reason}
    return [one for one in found if one.reason == (reason if one.kind in exact else "")]


@require_POST
@console
def preview_step(request: Request) -> HttpResponse:
    """What a step of a document would post: it is taken and undone."""
    step, number = clean(request.POST.get("step")), clean(request.POST.get("number")).upper()
    if step not in rehearsing.STEPS or not number:
        misread(request, "number", gettext("Choose a step, and say the number of its document."))
        return back(request, "/books/preview/", [])
    found = rehearsing.would_post(request.reader.company.id, step, number, request.reader.actor)
    lines, refused = ([], words.refusal(found)) if isinstance(found, Refused) else (found, "")
    context = {"step": step, "number": number, "lines": lines, "refused": refused}
    return page(request, "web/preview_step.html", context, area="books")
