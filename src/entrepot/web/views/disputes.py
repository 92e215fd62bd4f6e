"""Disputes: the queue by the day on which the bank stops to listen, and one of them with what can be proven."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import sees_buyers
from entrepot.insight import pages
from entrepot.kernel import policies
from entrepot.kernel import queries as kernel
from entrepot.ledger.currency_queries import limits_in
from entrepot.payments import dispute_queries, states
from entrepot.payments.commands.accept_disputes import (
    AcceptDispute,
    Answered,
    WithdrawAcceptance,
    accept_disputes,
    withdraw_acceptances,
)
from entrepot.payments.dispute_queries import DisputeRow
from entrepot.payments.rules import DisputePolicy
from entrepot.settlement import evidence, evidence_queries
from entrepot.settlement.commands.contest_disputes import ContestDispute, contest_disputes
from entrepot.web import dispute_paper, lists_books
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, file_of, give, page
from entrepot.web.listed import listed, listed_queue, place_in, place_of
from entrepot.web.timeline import steps
from entrepot.work import queries as work

SHOWN = 200


@require_safe
@console
def disputes(request: Request) -> HttpResponse:
    """Those that wait, the most urgent first, or those in a state."""
    company, state = request.reader.company.id, clean(request.GET.get("state")) or "open"

    def fetch(after: UUID | None, limit: int) -> list[DisputeRow]:
        return dispute_queries.listed(company, state=state, after=after, limit=limit)

    def open_ones(after: Any, limit: int) -> list[DisputeRow]:
        return dispute_queries.waiting(company, after=after and _read_place(after), limit=limit)

    if state == "open":  # in the order of their last days, which no index has
        shown = listed_queue(
            request, lists_books.DISPUTES, open_ones, size=SHOWN, key=_place, read=lambda told: told or None
        )
    else:
        shown = listed(request, lists_books.DISPUTES, fetch)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "state": state,
        "states": ("open", *states.DISPUTE.states),
        "sums": [one for one in dispute_queries.sums(company) if one[0] in states.DISPUTES_OPEN],
        "names": pages.names([row.order for row in shown.rows]),
        "now": fmt.reading().now,
    }
    return page(request, "web/disputes.html", context, area="books")


def _place(one: DisputeRow) -> str:
    """Where an open one stands in the order of its last days: it moves on once it was answered."""
    return place_of(int(one.state == "under_review"), one.due_at and one.due_at.isoformat(), one.id)


def _read_place(told: str) -> tuple[bool, datetime | None, UUID] | None:
    found = place_in(told, int, datetime.fromisoformat, UUID)
    return (bool(found[0]), found[1], found[2]) if found and found[2] else None


@require_safe
@console
def dispute(request: Request, which: UUID) -> HttpResponse:
    """One dispute: what the bank says, what can be proven, what was answered, and what comes next."""
    row, now = _row(request, which), timezone.now()
    known = evidence_queries.known([which], now).get(which)
    journal = pages.journal(company=_company(request), documents=[row.payment])
    answers = dispute_queries.answers(which)
    company = _company(request)
    alone = policies.of_companies({company}, DisputePolicy, now)[company][1].accept_alone_up_to_minor
    limit = limits_in({(company, row.currency): alone}, now.date())[company, row.currency]
    context: dict[str, Any] = {
        "one": row,
        "bundle": evidence.compose(known.facts) if known else None,
        "answers": answers,
        "proposed": next((one for one in answers if one.state == "proposed"), None),
        "on_its_way": any(one.state == "waiting" for one in answers),
        "can_answer": row.state in ("needs_response", "expired"),
        "takes_two": row.amount_minor > limit,
        "names": pages.names([row.order, row.payment]),
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
        "entries": pages.entries(journal),
        "todo": work.of_subject(which),
        "sees": sees_buyers(request.reader.actor.may),
        "now": fmt.reading().now,
    }
    return page(request, "web/dispute.html", context, area="books")


def _company(request: Request) -> int:
    return request.reader.company.id


def _row(request: Request, which: UUID) -> DisputeRow:
    found = dispute_queries.dispute(_company(request), which)
    if found is None:
        raise Http404
    return found


@require_safe
@console
def as_pdf(request: Request, which: UUID) -> HttpResponse:
    """The evidence as it would be sent now, or as it was; with its customer for those who may see the vault."""
    row = _row(request, which)
    sent = next((one for one in dispute_queries.answers(which) if one.kind == "submit"), None)
    at = sent.made_at if sent else timezone.now()
    known = evidence_queries.known([which], at).get(which)
    if known is None or not sees_buyers(request.reader.actor.may):
        raise Http404
    fields = sent.fields if sent else evidence.compose(known.facts).fields
    content = dispute_paper.pdf(dispute_paper.of(known, fields, at))
    return file_of(content, "application/pdf", f"evidence-{row.external_id}.pdf")


@require_POST
@console
def contest(request: Request, which: UUID) -> HttpResponse:
    """Send the evidence."""
    wanted = ContestDispute(which, clean(request.POST.get("note")))
    results = give(request, contest_disputes, [wanted], lambda _n: gettext("The evidence is on its way."))
    return back(request, reverse("dispute", args=[which]), results)


@require_POST
@console
def accept(request: Request, which: UUID) -> HttpResponse:
    """Accept that the money is the customer's, or propose it to a second person."""
    wanted = AcceptDispute(which, clean(request.POST.get("reason")))
    results = give(request, accept_disputes, [wanted], lambda _n: "")
    for one in results:
        if isinstance(one, Answered):
            messages.success(
                request,
                gettext("It is proposed: somebody else accepts it.")
                if one.state == "proposed"
                else gettext("It is accepted."),
            )
    return back(request, reverse("dispute", args=[which]), results)


@require_POST
@console
def withdraw(request: Request, which: UUID) -> HttpResponse:
    """Turn a proposal to accept it down."""
    done = gettext("It is not accepted.")
    results = give(request, withdraw_acceptances, [WithdrawAcceptance(which)], lambda _n: done)
    return back(request, reverse("dispute", args=[which]), results)
