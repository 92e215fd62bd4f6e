"""Returns: the list, one return with its steps, and refunds that wait for another person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import pages, suggestions
from entrepot.kernel import policies
from entrepot.kernel import queries as kernel
from entrepot.network import queries as network
from entrepot.orders import queries as orders
from entrepot.orders.commands.approve_credits import ApproveCredit, approve_credits
from entrepot.payments import attempt_queries
from entrepot.returns import (
    approval_queries,
    asked_queries,
    exchange_queries,
    expiry_queries,
    fraud_queries,
    hold_queries,
    inspection_queries,
    label_queries,
    parcel_queries,
    queries,
    refusing,
    regrading,
    rules,
    second_grade_queries,
    states,
    verdict_queries,
)
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorized, authorize
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.review import Review, review
from entrepot.returns.commands.verdicts import AcceptUnits, RefuseUnits, accept_units, refuse_units
from entrepot.returns.keeping import Sum
from entrepot.web import advice_words, lists, papers
from entrepot.web import format as fmt
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    give,
    ids_in,
    int_in,
    kept,
    minor_in,
    misread,
    page,
    units_in,
    uuid_in,
)
from entrepot.web.listed import chosen, listed, order_of
from entrepot.web.timeline import steps
from entrepot.web.views import repairs, return_fraud
from entrepot.web.views.return_asking import request_of
from entrepot.web.words import MILESTONES
from entrepot.work import queries as work

PAGE = 50
REFUNDS = 20
"""Refunds of a page: each is told whole, so that it can be decided."""
SIDES = {"request": _("Asked by"), "receive": _("Received by"), "approve": _("Approved by")}
"""The three duties, as what somebody did."""
ARRIVALS = ("quarantine", "receiving")
"""Kinds of bins that returned goods are put into."""


@require_safe
@console
def returns_list(request: Request) -> HttpResponse:
    company, asked = request.reader.company.id, _asked(request)
    shown = listed(request, lists.RETURNS, partial(_returns, request, asked))
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context("returns"),
        **asked,
        "filtered": any(asked.values()),
        "to_answer": asked["state"] == "requested" and request.reader.actor.may("returns.review"),
    }
    if request.htmx and request.GET.get("after"):
        return page(request, "web/parts/return_rows.html", context, area="returns")
    if request.htmx:
        return page(request, "web/parts/return_table.html", context, area="returns")
    counts = queries.by_state(company)
    context["counts"] = [(one, counts[one]) for one in states.RETURN.states if one in counts]
    context["all"] = sum(counts.values())
    context["tasks"], context["waiting"] = pages.returns_waiting(company=company)
    return page(request, "web/returns.html", context, area="returns")


def _asked(request: Request) -> dict[str, Any]:
    """The filters that the address says."""
    return {
        "state": clean(request.GET.get("state")),
        "text": clean(request.GET.get("q")),
        "refund": "failed" if request.GET.get("refund") == "failed" else None,
    }


def _returns(
    request: Request, asked: dict[str, Any], after: UUID | None, limit: int
) -> list[queries.ReturnRow]:
    """Returns that filters let through."""
    by = order_of(request, lists.RETURNS)
    return queries.returns_page(request.reader.company.id, **asked, by=by, after=after, limit=limit)


@require_POST
@console
def review_many(request: Request) -> HttpResponse:
    """The chosen returns that wait for an answer, taken or declined for one reason."""
    accept, reason = request.POST.get("action") == "accept", clean(request.POST.get("reason"))
    which = chosen(request, "return", partial(_returns, request, _asked(request)))
    known = pages.names(which)
    wanted = [Review(one, accept, reason) for one in which]
    names = [known[one].text if one in known else str(one) for one in which]
    results = give(request, review, wanted, _answered, names=names)
    return back(request, reverse("returns"), results)


def _answered(n: int) -> str:
    return ngettext("The return is decided.", "%(n)s returns are decided.", n) % {"n": fmt.number(n)}


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    found = queries.whole(which)
    if found is None:
        raise Http404
    company, head = request.reader.company.id, found.head
    held, mended = hold_queries.of_return(which), repairs.of_return(company, which)
    parts = [
        which, *(refund.id for refund in found.refunds), *(one_.id for one_ in held), *label_queries.ids_of(which),
        *(one_.id for one_ in mended["repairs"]), *(one_.work_order for one_ in mended["repairs"] if one_.work_order),
    ]  # fmt: skip
    events = kernel.timeline(subjects=parts)
    journal = pages.journal(company=company, documents=parts)
    expected = any(line.to_come for line in found.lines)
    terms, label = asked_queries.terms_of(which), label_queries.of_return(which)
    context: dict[str, Any] = {
        "one": head,
        "whole": found,
        "lines": {line.id: line for line in found.lines},
        "stand": {line.id: _stand(line, found.dispositions) for line in found.lines},
        "mine": [side for side, person in found.duties if person == request.reader.name],
        "who": [
            (side, says, [person for taken, person in found.duties if taken == side])
            for side, says in SIDES.items()
        ],
        "terms": terms,
        "weighed": next((Sum(**one_.kept) for one_ in terms.values() if one_.kept), None),
        "exchanges": exchange_queries.of_return(which),
        "card_holds": held,
        "failed": attempt_queries.failed_of(
            [*(refund.id for refund in found.refunds), *(one_.id for one_ in held)]
        ),
        "may_exchange": _may_exchange(request, found),
        "trackings": parcel_queries.trackings(which),
        "label": label,
        **(_label_for(which, label) if expected else {}),
        "label_code": papers.scan_code(label.tracking) if label else "",
        "promised": label is not None or any(one_.label for one_ in terms.values()),
        "shown": inspection_queries.photos_of_customer(which),
        "expected": expected,
        "until": expiry_queries.until(which, company, fmt.reading().now) if expected else None,
        "given_up": expiry_queries.of_return(which),
        "ahead": sum(max(0, line.refunded - line.missing - line.received) for line in found.lines),
        "bins": _bins(request, head.node) if expected else [],
        "sold_as": _sold_as(found),
        "to_look_at": sum(line.received - line.disposed for line in found.lines),
        **_refundable(found, terms, _policy(company)),
        "not_closed": _not_closed(found),
        "alive": head.state not in states.FINAL,
        "review": fraud_queries.review(which),
        "suspected": return_fraud.RULES,
        "reasons": rules.REASONS,
        "grades": rules.GRADES,
        "verdicts": verdict_queries.verdicts(which),
        **mended,
        "refusals": refusing.REASONS,
        "steps": steps(events, which, pages.names(event.subject for event in events)),
        "entries": pages.entries(journal),
        "items": work.of_subject(which),
        "advice": _advice(request, [line.id for line in found.lines]),
        "correctable": [line for line in found.lines if not line.refunded and head.state not in states.FINAL],
    }
    return page(request, "web/return.html", context, area="returns")


def _advice(request: Request, lines: Sequence[UUID]) -> list[advice_words.Told]:
    """What is suggested about the lines of a return."""
    found = [one for of in suggestions.of_subjects(lines).values() for one in of]
    return advice_words.told(found, request.reader.actor, request.reader.company.currency)


def _label_for(which: UUID, label: label_queries.LabelRow | None) -> dict[str, Any]:
    """Returns that could come with one, and whether somebody has to look for a label before another one is made of it,
    or of them all."""
    mates = label_queries.mates(which)
    own = {which, *(key for _, key in label.returns)} if label else {which}
    doubted = label_queries.in_doubt([*own, *(mate.id for mate in mates)])
    return {"mates": mates, "in_doubt": bool(own & doubted), "any_in_doubt": bool(doubted)}


def _may_exchange(request: Request, found: queries.Whole) -> bool:
    """Whether the reader may agree on an exchange, and something is left to be exchanged."""
    open_ = found.head.state not in (*states.FINAL, "requested")
    left = any(line.quantity > line.cancelled + line.refunded for line in found.lines)
    return open_ and left and request.reader.actor.may("returns.exchange")


def _policy(company: int) -> rules.Policy:
    return policies.of_company(company, rules.Policy, fmt.reading().now)[1]


def _bins(request: Request, node: str) -> list[network.Bin]:
    """Where returned goods may be put at a node."""
    here = [one.id for one in network.nodes(company=request.reader.company.id) if one.code == node]
    return sorted(network.bins(nodes=here, kinds=ARRIVALS), key=lambda one: ARRIVALS.index(one.kind))


def _stand(line: queries.LineRow, done: Iterable[queries.DispositionRow]) -> list[tuple[str, str, int]]:
    """Where the units of a line stand: (tone, words, units)."""
    found = [
        ("quiet", "cancelled", line.cancelled),
        ("late", "never came", line.missing),
        ("going", "expected", line.to_come),
        ("held", "pending_inspection", line.received - line.inspected),
        ("held", "inspected", line.inspected - line.disposed),
    ]
    by_kind = Counter[str]()
    for one in done:
        if one.line == line.id:
            by_kind[one.disposition] += one.quantity
    return [each for each in found if each[2]] + [("good", kind, n) for kind, n in by_kind.items()]


def _sold_as(found: queries.Whole) -> dict[UUID, list[second_grade_queries.RegradedRow]]:
    """What units of second grade are sold as, by their disposition."""
    if not any(one.disposition == regrading.FROM for one in found.dispositions):
        return {}
    by_disposition: dict[UUID, list[second_grade_queries.RegradedRow]] = {}
    for row in second_grade_queries.regraded(found.head.id):
        by_disposition.setdefault(row.disposition, []).append(row)
    return by_disposition


def _refundable(
    found: queries.Whole, terms: Mapping[UUID, asked_queries.TermsRow], policy: rules.Policy
) -> dict[str, Any]:
    """Units that are due now by what was said of their lines, those that are not refunded yet at all, and from where
    the lines that wait are refunded."""
    refund_at = {
        line.id: (terms[line.id].refund_at if line.id in terms else "") or policy.refund_at
        for line in found.lines
    }
    waits_for_scan = "scanned" in refund_at.values()
    scanned = waits_for_scan and parcel_queries.is_scanned(found.head.id)
    waiting = {refund_at[line.id] for line in found.lines if line.units.unpaid} or {policy.refund_at}
    return {
        "due": sum(
            rules.due(line.units, rules.milestone_of(refund_at[line.id], scanned=scanned))
            for line in found.lines
        ),
        "unrefunded": sum(line.units.unpaid for line in found.lines),
        "milestone": " / ".join(str(MILESTONES[name]) for name in rules.MILESTONES if name in waiting),
        "milestones": MILESTONES,
        "limit": policy.approve_above_minor,
    }


def _not_closed(found: queries.Whole) -> str:
    """Why the return can't be closed yet, where that can be seen; '' otherwise."""
    if waiting := sum(line.received - line.disposed for line in found.lines):
        return ngettext(
            "%(n)s unit waits for inspection or disposition.",
            "%(n)s units wait for inspection or disposition.",
            waiting,
        ) % {"n": fmt.number(waiting)}
    unpaid = [refund.number for refund in found.refunds if refund.state not in ("paid", "rejected")]
    return gettext("Not paid yet: %(refunds)s.") % {"refunds": ", ".join(unpaid)} if unpaid else ""


@require_POST
@console
def ask(request: Request, which: UUID) -> HttpResponse:
    """A return of the units that the form names for each line of the order."""
    wanted = request_of(request, which)
    results = give(request, authorize, wanted, lambda _n: gettext("The return is written."))
    if results and isinstance(results[0], Authorized):
        return back(request, f"/returns/{results[0].return_id}/")
    return back(request, f"/orders/{which}/", results)


@require_POST
@console
def review_one(request: Request, which: UUID) -> HttpResponse:
    accept = request.POST.get("action") == "accept"
    wanted = Review(which, accept, clean(request.POST.get("reason")))
    results = give(request, review, [wanted], lambda _n: gettext("The return is decided."))
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def receive_one(request: Request, which: UUID) -> HttpResponse:
    said = {name: clean(str(text)) for name, text in request.POST.items()}
    wanted = [
        Receive(
            which, line, units, uuid_in(said.get("bin")), said.get("condition", ""),
            said.get(f"lot-{line}", ""), said.get(f"serial-{line}", ""), weight_g=int_in(said.get(f"weight-{line}")),
        )
        for line, units in units_in(request)
    ]  # fmt: skip
    results = give(
        request, receive, wanted,
        lambda n: ngettext("%(n)s line was received.", "%(n)s lines were received.", n) % {"n": n},
    )  # fmt: skip
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def refund_one(request: Request, which: UUID) -> HttpResponse:
    """What is due; or, where the form names them, units of lines and an adjustment."""
    wanted = _refund(request, which)
    results = give(request, refund, wanted, lambda _n: gettext("The refund is computed.")) if wanted else []
    return back(request, f"/returns/{which}/", results)


def _refund(request: Request, which: UUID) -> list[Refund]:
    """The refund that the form asks for; none, and a message, where its amount can't be read."""
    text, reason = clean(request.POST.get("amount")), clean(request.POST.get("adjustment_reason"))
    head = queries.return_(which)
    amount = minor_in(text, head.currency) if head and text else 0
    if amount is None or amount < 0:
        like = fmt.amount(1250, head.currency if head else "")
        misread(request, "amount", gettext("Write the amount like %(like)s.") % {"like": like})
        return []
    sign = -1 if request.POST.get("direction") == "less" else 1
    return [Refund(which, tuple(units_in(request)) or None, sign * amount, reason)]


@require_POST
@console
def close_one(request: Request, which: UUID) -> HttpResponse:
    without_refund, without_goods = (
        request.POST.get(f"without_{what}") == "1" for what in ("refund", "goods")
    )
    wanted = Close(which, clean(request.POST.get("reason")), without_refund, without_goods)
    results = give(request, close, [wanted], lambda _n: gettext("What has not come is given up."))
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def refuse_one(request: Request, which: UUID) -> HttpResponse:
    """Units of an inspection that are not taken back."""
    inspection = uuid_in(request.POST.get("inspection"))
    names = ("reason", "told", "goods", "note")
    wanted = [RefuseUnits(inspection, *(clean(request.POST.get(one)) for one in names))] if inspection else []
    results = give(
        request, refuse_units, wanted, lambda _n: gettext("They are refused, and the customer is told.")
    )
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def accept_one(request: Request, which: UUID) -> HttpResponse:
    """Units of an inspection that are taken back after all."""
    inspection, note = uuid_in(request.POST.get("inspection")), clean(request.POST.get("note"))
    wanted = [AcceptUnits(inspection, note)] if inspection else []
    results = give(request, accept_units, wanted, lambda _n: gettext("They are taken back."))
    return back(request, f"/returns/{which}/", results)


# ---- refunds that wait for another person


@require_safe
@console
def approvals(request: Request) -> HttpResponse:
    company = request.reader.company.id
    found = queries.approvals(company, after=uuid_in(request.GET.get("after")), limit=REFUNDS + 1)
    waiting = found[:REFUNDS]
    lines = defaultdict(list)
    for line in pages.returned_lines({one.refund.return_id for one in waiting}) if waiting else ():
        lines[line.return_id].append(line)
    credited = orders.credits(company, state="waiting", limit=PAGE + 1)
    before = kept(request)
    shown = inspection_queries.photos_of({one.refund.return_id for one in waiting})
    context: dict[str, Any] = {
        "photos": shown,
        "behind": approval_queries.behind([one.refund.id for one in waiting]),
        "waiting": [
            (one, lines[one.refund.return_id], _in_the_way(one, request.reader.name), _kept_of(before, one))
            for one in waiting
        ],
        "sums": queries.waiting_sums(company),
        "next": waiting[-1].refund.id if len(found) > REFUNDS else None,
        "credits": credited[:PAGE],
        "more_credits": len(credited) > PAGE,
        "grades": rules.GRADES,
        "reasons": rules.REASONS,
        "sides": SIDES,
    }
    return page(request, "web/refunds.html", context, area="returns")


def _in_the_way(one: queries.Approval, person: str) -> list[str]:
    """The duties that a person took on the return and that keep him from approving its refund."""
    return [side for side, taken_by in one.duties if taken_by == person and side != "approve"]


def _kept_of(before: dict[str, Any], one: queries.Approval) -> str:
    """The reason that was typed for this refund before it was refused."""
    fields = before.get("fields", {})
    return str(fields.get("reason", "")) if fields.get("refund") == str(one.refund.id) else ""


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    agree, reason = request.POST.get("action") == "approve", clean(request.POST.get("reason"))
    wanted = [Approve(which, agree, reason) for which in ids_in(request.POST.getlist("refund"))]
    results = give(request, approve, wanted, _decided if agree else _rejected)
    return back(request, "/returns/refunds/", results)


def _decided(n: int) -> str:
    return ngettext("The refund is approved.", "%(n)s refunds are approved.", n) % {"n": fmt.number(n)}


def _rejected(n: int) -> str:
    return ngettext("The refund is rejected.", "%(n)s refunds are rejected.", n) % {"n": fmt.number(n)}


@require_POST
@console
def decide_credit(request: Request) -> HttpResponse:
    which, agree = uuid_in(request.POST.get("credit")), request.POST.get("action") == "approve"
    wanted = [ApproveCredit(which, agree, clean(request.POST.get("reason")))] if which else []
    told = gettext("The credit is approved.") if agree else gettext("The credit is rejected.")
    give(request, approve_credits, wanted, lambda _n: told)
    return back(request, "/returns/refunds/")
