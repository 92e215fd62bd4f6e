"""Repairs for customers: the list of them, and the forms on the page of their return."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.returns import claim_queries, queries, repair_queries, repairing
from entrepot.returns.commands.claims import ClaimParcel, claim_parcels
from entrepot.returns.commands.finish_work import FinishWork, finish_work
from entrepot.returns.commands.note_arrivals import NoteArrival, note_arrivals
from entrepot.returns.commands.repairs import (
    AnswerRepair,
    OfferRepair,
    SettleRepair,
    answer_repairs,
    offer_repairs,
    settle_repairs,
)
from entrepot.returns.commands.send_back import SendBack, send_back
from entrepot.shipping.trouble import CLAIMED
from entrepot.web import format as fmt
from entrepot.web import lists_returns
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    give,
    ids_in,
    int_in,
    minor_in,
    misread,
    page,
    uuid_in,
)
from entrepot.web.listed import listed

YEAR = timedelta(days=365)


@require_safe
@console
def repairs(request: Request) -> HttpResponse:
    """What waits to be offered, how long repairs took, and the repairs, the latest first."""
    company = request.reader.company.id

    def fetch(after: UUID | None, limit: int) -> list[repair_queries.RepairRow]:
        return repair_queries.repairs(company, after=after, limit=limit)

    shown = listed(request, lists_returns.REPAIRS, fetch)
    if shown.answer:
        return shown.answer
    now = fmt.reading().now
    context: dict[str, Any] = {
        **shown.context(),
        "waiting": repair_queries.waiting(company),
        "times": repair_queries.cycle_times(company, now - YEAR, now),
    }
    return page(request, "web/repairs.html", context, area="returns")


def of_return(company: int, which: UUID) -> dict[str, Any]:
    """What the page of a return says of its repairs, of what went back to its customer, and what is claimed of
    carriers. 7 statements."""
    return {
        "repairs": repair_queries.repairs(company, return_id=which),
        "to_repair": repair_queries.waiting(company, which),
        "to_send": repair_queries.to_send(which),
        "sent_back": repair_queries.sent_back(which),
        "payers": repairing.PAYERS,
        "insteads": repairing.INSTEAD,
        "claims": claim_queries.of_return(company, which),
        "claimable": claim_queries.claimable(which),
        "claimed": CLAIMED,
    }


@require_POST
@console
def claim_one(request: Request, which: UUID) -> HttpResponse:
    """A claim to the carrier of a parcel of the return, of all that is in it where no amount is said."""
    head, text = queries.return_(which), clean(request.POST.get("amount"))
    amount = minor_in(text, head.currency) if head and text else None
    if text and amount is None:
        like = fmt.amount(1250, head.currency if head else "")
        misread(request, "amount", gettext("Write the amount like %(like)s.") % {"like": like})
        return back(request, f"/returns/{which}/", [])
    tracking, kind = clean(request.POST.get("tracking")), clean(request.POST.get("kind"))
    wanted = [ClaimParcel(which, tracking, kind, amount)]
    results = give(
        request, claim_parcels, wanted, lambda _n: gettext("The claim is open. File it with the carrier.")
    )
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def offer_one(request: Request, which: UUID) -> HttpResponse:
    """What is to be done with units, and who pays for it."""
    head, disposition = queries.return_(which), uuid_in(request.POST.get("disposition"))
    text = clean(request.POST.get("price"))
    price = minor_in(text, head.currency) if head and text else 0
    if price is None:
        like = fmt.amount(1250, head.currency if head else "")
        misread(request, "price", gettext("Write the amount like %(like)s.") % {"like": like})
        return back(request, f"/returns/{which}/", [])
    names = ("plan", "payer", "told")
    plan, payer, told = (clean(request.POST.get(one)) for one in names)
    units = int_in(request.POST.get("units")) or 0
    company = request.reader.company.id
    wanted = [OfferRepair(company, disposition, units, plan, payer, price, told)] if disposition else []
    results = give(request, offer_repairs, wanted, lambda _n: gettext("The repair is written down."))
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def answer_one(request: Request, which: UUID) -> HttpResponse:
    """What the customer said to the price."""
    repair = uuid_in(request.POST.get("repair"))
    wanted = [AnswerRepair(repair, request.POST.get("agrees") == "1")] if repair else []
    results = give(request, answer_repairs, wanted, lambda _n: gettext("The answer is written down."))
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def settle_one(request: Request, which: UUID) -> HttpResponse:
    """What was agreed on instead of a repair; of none, instead of all that were not offered yet."""
    repair = uuid_in(request.POST.get("repair"))
    instead, reason = clean(request.POST.get("instead")), clean(request.POST.get("reason"))
    wanted = [SettleRepair(repair, instead, reason, return_id=None if repair else which)]
    results = give(request, settle_repairs, wanted, lambda _n: gettext("It is agreed on."))
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def end_one(request: Request, which: UUID) -> HttpResponse:
    """What the workshop says of a work order of a repair."""
    work_order, units = uuid_in(request.POST.get("work_order")), int_in(request.POST.get("units")) or 0
    works = request.POST.get("became") == "repaired"
    text = clean(request.POST.get("parts"))
    found = minor_in(text, request.reader.company.currency) if text else 0
    wanted = [
        FinishWork(
            work_order, parts_minor=-1 if found is None else found,
            labor_minutes=min(int_in(request.POST.get("minutes")) or 0, 1_000_000),
            repaired=units if works else 0, failed=0 if works else units, told=clean(request.POST.get("told")),
        )
    ] if work_order else []  # fmt: skip
    results = give(request, finish_work, wanted, lambda _n: gettext("The work is done."))
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def send_one(request: Request, which: UUID) -> HttpResponse:
    """The parcel by which units go back to their customer."""
    unrepaired = tuple(ids_in(request.POST.getlist("unrepaired")))
    carrier, tracking = clean(request.POST.get("carrier")), clean(request.POST.get("tracking"))
    wanted = [SendBack(which, carrier, tracking, unrepaired)]
    results = give(
        request, send_back, wanted, lambda _n: gettext("They are on their way, and the customer is told.")
    )
    return back(request, f"/returns/{which}/", results)


@require_POST
@console
def arrived_one(request: Request, which: UUID) -> HttpResponse:
    """A parcel arrived, or was lost."""
    lost = request.POST.get("became") == "lost"
    wanted = [NoteArrival(request.reader.company.id, clean(request.POST.get("tracking")), lost)]
    results = give(request, note_arrivals, wanted, lambda _n: gettext("It is written down."))
    return back(request, f"/returns/{which}/", results)
