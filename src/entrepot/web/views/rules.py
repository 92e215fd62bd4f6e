"""Versions of the posting rules: what each changes, what it would have moved, and what becomes of a draft."""

from __future__ import annotations

from datetime import UTC

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.kernel import policies
from entrepot.ledger import queries, versions
from entrepot.ledger import version_queries as asked
from entrepot.ledger.chart import RESULTS, Account
from entrepot.ledger.commands.keep_rules import (
    ActivateRules,
    DraftRules,
    WithdrawRules,
    activate_rules,
    draft_rules,
    withdraw_rules,
)
from entrepot.ledger.rules import REASON_MAX, REASONED
from entrepot.returns.rules import REASONS
from entrepot.stock.commands.adjust import AdjustmentPolicy
from entrepot.web import format as fmt
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    day_in,
    give,
    int_in,
    misread,
    month_in,
    page,
    uuid_in,
)

ROWS = 8
"""Changes that the form has room for; a program sends more."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """The versions; of the one that is chosen what it says anew, beside another one, and on a month's postings."""
    company = request.reader.company.id
    kept = asked.of_company(company)
    today = fmt.reading().now.astimezone(UTC).date()
    in_force = asked.on_day(company, today)
    numbers = [one.number for one in kept] + [versions.FIRST]
    number = _one_of(request.GET.get("version"), numbers, numbers[0])
    before = _one_of(request.GET.get("against"), numbers, _before(kept, number))
    months = queries.months(company=company)
    month = month_in(request.GET.get("month")) or (months[0] if months else None)
    chart = asked.charts([company]).get(company, {})
    changeable = _changeable(company, kept, chart)
    accounts = sorted({code for one in changeable for code in _instead(one, chart)})
    moved = asked.would_move(company, number, month) if month and number > versions.FIRST else []
    context = {
        "versions": kept, "numbers": numbers, "number": number, "before": before, "in_force": in_force, "today": today,
        "one": next((one for one in kept if one.number == number), None),
        "differences": asked.compare(company, before, number), "names": {code: one.name for code, one in chart.items()},
        "months": months, "month": month, "moved": moved,
        "rows": range(1, ROWS + 1), "currency": request.reader.company.currency,
        "rules": changeable, "accounts": [(code, chart[code].name) for code in accounts],
        "reasons": reasons(company), "reason_max": REASON_MAX, "reasoned": REASONED,
    }  # fmt: skip
    return page(request, "web/rules.html", context, area="month")


def _one_of(said: str | None, numbers: list[int], otherwise: int) -> int:
    found = int_in(said)
    return found if found in numbers else otherwise


def _before(kept: list[asked.VersionRow], number: int) -> int:
    """The version that another one is drafted over."""
    active = [one.number for one in kept if one.state == "active" and one.number < number]
    return max(active, default=versions.FIRST)


def reasons(company: int) -> list[str]:
    """Reasons that a rule may go by, as the policies name them: of corrections, and why customers send goods back."""
    _, corrections = policies.of_company(company, AdjustmentPolicy, fmt.reading().now)
    return sorted({*corrections.reasons, *REASONS})


def _changeable(company: int, kept: list[asked.VersionRow], chart: dict[int, Account]) -> list[asked.RuleRow]:
    """Rules for any reason, by the last version, of which a side may name another account."""
    last = max((one.number for one in kept if one.state == "active"), default=versions.FIRST)
    found = asked.rules_of(company, last)
    return [one for one in found if not one.reason and _instead(one, chart)]


def _instead(rule: asked.RuleRow, chart: dict[int, Account]) -> list[int]:
    """Accounts that a rule may name in place of the one of income or expense; none where it has none."""
    results = [code for code in (rule.debit, rule.credit) if chart[code].type in RESULTS]
    return versions.instead_of(rule.event, results[0], chart) if results else []


@require_POST
@console
def draft(request: Request) -> HttpResponse:
    """A version of what the form says."""
    company = request.reader.company.id
    chart = asked.charts([company]).get(company, {})
    changeable = _changeable(company, asked.of_company(company), chart)
    rules = {f"{one.event} {one.kind}": one for one in changeable}
    changes = []
    for number in range(1, ROWS + 1):
        which, account = (
            clean(request.POST.get(f"rule-{number}")),
            int_in(request.POST.get(f"account-{number}")),
        )
        if not which and account is None:
            continue
        rule = rules.get(which)
        if rule is None or account is None:
            misread(request, f"rule-{number}", gettext("Choose a rule and the account that it is to name."))
            return back(request, reverse("rules"), [])
        is_debit = chart[rule.debit].type in RESULTS
        debit, credit = (account, rule.credit) if is_debit else (rule.debit, account)
        reason = clean(request.POST.get(f"why-{number}"))
        changes.append(versions.Change(rule.event, rule.kind, debit, credit, reason))
    wanted = [DraftRules(company, tuple(changes), clean(request.POST.get("reason")))]
    results = give(request, draft_rules, wanted, lambda _n: gettext("The version is drafted."))
    return back(request, reverse("rules"), results)


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """Put a version in force from a day on, or withdraw it."""
    which, number = uuid_in(request.POST.get("which")), int_in(request.POST.get("version"))
    here = reverse("rules") + (f"?version={number}" if number else "")
    if which is None:
        return back(request, here, [])
    if request.POST.get("action") == "withdraw":
        withdrawn = [WithdrawRules(which, clean(request.POST.get("reason")))]
        results = give(request, withdraw_rules, withdrawn, lambda _n: gettext("The version is withdrawn."))
        return back(request, here, results)
    since = day_in(request.POST.get("since"))
    if since is None:
        misread(request, "since", gettext("Write the day as 2026-11-30."))
        return back(request, here, [])
    results = give(
        request, activate_rules, [ActivateRules(which, since)],
        lambda _n: gettext("The version is in force from that day on. What was posted stays."),
    )  # fmt: skip
    return back(request, here, results)
