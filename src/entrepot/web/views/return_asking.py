"""Asking for a return: what the policies would answer before it is written, and why things come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import questions
from entrepot.kernel.errors import Refused
from entrepot.network import queries as network
from entrepot.returns import asked_queries, queries, rules
from entrepot.returns.commands.authorize import Authorize, Item, consider
from entrepot.web import format as fmt
from entrepot.web import lists_returns, refusals, standing, words
from entrepot.web.edge import Request, back, cause_of, clean, console, int_in, page, units_in
from entrepot.web.listed import listed_whole
from entrepot.web.words import word

DAYS = (30, 90, 365)


def request_of(request: Request, order: UUID) -> list[Authorize]:
    """The return that the form of an order's page asks for; none where it names no unit."""
    said = {name: clean(request.POST.get(name)) for name in ("note", "condition", "lot", "serial")}
    reason = clean(request.POST.get("reason")) or "not_given"
    items = tuple(Item(line, units, reason, **said) for line, units in units_in(request))
    asked, insist = clean(request.POST.get("asked")) or "refund", clean(request.POST.get("insist"))
    return [Authorize(order, items, asked, insist=insist)] if items else []


def answers_of(request: Request, order: UUID, left: Sequence[queries.Returnable]) -> list[standing.Answer]:
    """What the policies would answer for all that may come back of each line of an order, when no reason is given."""
    wanted = [Authorize(order, (Item(one.line, one.left),)) for one in left]
    answers = consider(cause_of(request), wanted) if wanted else []
    refused = [one for one in answers if isinstance(one, Refused)]
    why = iter(refusals.named(request.reader.company.id, refused))
    found = []
    for line, answer in zip(left, answers, strict=True):
        if isinstance(answer, Refused):
            found.append(standing.Answer(line.left, no=words.refusal(next(why))))
        else:
            asks = (
                "" if answer.state == "authorized" else "; ".join(words.told(one) for one in answer.reasons)
            )
            found.append(standing.Answer(line.left, answer.terms[0].until, asks))
    return found


@require_POST
@console
def considered(request: Request, which: UUID) -> HttpResponse:
    """What the policies would answer; as a part of the page where it asks for one."""
    wanted = request_of(request, which)
    answer = consider(cause_of(request, ""), wanted)[0] if wanted else None
    context: dict[str, Any] = {"refused": None, "answer": None}
    if answer is None:
        context["refused"] = gettext("Nothing was selected, so nothing was done.")
    elif isinstance(answer, Refused):
        context["refused"] = words.refusal(refusals.named(request.reader.company.id, [answer])[0])
    else:
        codes = {line.line: line.sku_code for line in queries.returnable(which)}
        here = {one.id: one.code for one in network.nodes(company=request.reader.company.id)}
        lines = [codes[item.line] for item in wanted[0].items]
        context |= {
            "answer": answer,
            "lines": list(zip(lines, answer.terms, strict=True)),
            "node": here[answer.node],
            "milestones": words.MILESTONES,
        }
    if request.htmx:
        return render(request, "web/parts/considered.html", context)
    told = context["refused"] or "; ".join((word(answer.state), *answer.reasons))  # type: ignore[union-attr]
    messages.info(request, told)
    return back(request, f"/orders/{which}/")


@require_safe
@console
def reasons(request: Request) -> HttpResponse:
    """Units that came back in the last days, by root cause and by reason."""
    asked = int_in(request.GET.get("days"))
    days = asked if asked in DAYS else DAYS[0]
    company, now = request.reader.company, fmt.reading().now
    since = now - timedelta(days=days)
    rows = asked_queries.by_reason(company.id, since, now)
    shown = listed_whole(request, lists_returns.REASONS, rows)
    if shown.answer:
        return shown.answer
    groups: Counter[str] = Counter()
    for row in rows:
        groups[row.group] += row.units
    context = {
        **shown.context(),
        "days": days,
        "choices": DAYS,
        "groups": groups.most_common(),
        "units": sum(row.units for row in rows),
        "sent": questions.sent_since(company.id, now, days),
        "ours": rules.OURS,
        "currency": company.currency,
    }
    return page(request, "web/return_reasons.html", context, area="returns")
