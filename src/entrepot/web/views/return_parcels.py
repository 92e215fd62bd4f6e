"""Parcels of returned goods: opened at the door, and the questions that what was in them raises."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.network import queries as network
from entrepot.returns import comeback_queries, comebacks, parcel_queries
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels, tracking_of
from entrepot.returns.commands.decide_strays import DecideStray, decide_strays
from entrepot.returns.commands.receive_parcels import (
    WHY,
    Content,
    ParcelReceived,
    ReceiveParcel,
    receive_parcels,
)
from entrepot.returns.commands.take_comebacks import (
    ComebackTaken,
    ComebackUnits,
    TakeComeback,
    take_comebacks,
)
from entrepot.returns.rules import REASONS
from entrepot.web import lists_floor
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread, page, uuid_in
from entrepot.web.format import number
from entrepot.web.listed import listed
from entrepot.web.words import word

SPEAKS = {
    "number": gettext_noop("the number on it"),
    "serial": gettext_noop("the serial number left with that order"),
    "sku": gettext_noop("the same goods are to come"),
}
"""What speaks for a return that goods may belong to."""

OTHERS = (1, 2, 3)
"""Rows for goods that nobody announced."""


@require_safe
@console
def parcels(request: Request) -> HttpResponse:
    """The parcel that was scanned, with what is expected in it, and goods that nobody knows."""
    company, tracking = request.reader.company.id, clean(request.GET.get("tracking"))
    expected = parcel_queries.expected(company, tracking) if tracking else []
    again = _sent_again(company, tracking) if tracking and not expected else None
    context: dict[str, Any] = {
        "tracking": tracking,
        "opened": "tracking" in request.GET,
        "pallet": uuid_in(request.GET.get("pallet")),
        "expected": expected,
        "meant": parcel_queries.meant(company, tracking) if tracking and not expected else [],
        "again": again,
        "out": comeback_queries.out([again.shipment])[again.shipment] if again else [],
        "conditions": comebacks.CONDITIONS,
        "others": OTHERS,
        "nodes": network.nodes(company=company),
        "reasons": REASONS,
        "strays": (strays := parcel_queries.strays(company)),
        "candidates": parcel_queries.candidates(company, [one.id for one in strays]),
        "speaks": SPEAKS,
        "why": WHY,
    }
    return page(request, "web/return_parcels.html", context, area="returns")


@require_POST
@console
def received(request: Request) -> HttpResponse:
    """All that was in a parcel."""
    company, tracking = request.reader.company.id, clean(request.POST.get("tracking"))
    condition, node = clean(request.POST.get("condition")), uuid_in(request.POST.get("node"))
    content = [
        Content(one.sku_code, units, clean(request.POST.get(f"lot-{one.line}")),
                clean(request.POST.get(f"serial-{one.line}")), condition,
                int_in(request.POST.get(f"weight-{one.line}")), one.line)
        for one in parcel_queries.expected(company, tracking)
        if (units := int_in(request.POST.get(f"units-{one.line}")))
    ]  # fmt: skip
    content += [
        Content(said, int_in(request.POST.get(f"other-units-{i}")) or 1, "", "", condition)
        for i in OTHERS
        if (said := clean(request.POST.get(f"other-{i}")))
    ]
    wanted = (
        [ReceiveParcel(company, node, tuple(content), tracking, pallet=uuid_in(request.POST.get("pallet")))]
        if node
        else []
    )
    results = give(request, receive_parcels, wanted, lambda _n: gettext("The parcel is received."))
    done = next((one for one in results if isinstance(one, ParcelReceived)), None)
    if done and (told := _asked_about(done)):
        messages.warning(request, told)
    address = reverse("return-parcels")
    return back(request, address if done else f"{address}?tracking={tracking}", results)


def _sent_again(company: int, tracking: str) -> comeback_queries.SentAgain | None:
    """The shipment that a number names, where it was sent again."""
    key = (company, tracking_of(tracking))
    return comeback_queries.sent_again([key]).get(key)


@require_POST
@console
def came_back(request: Request) -> HttpResponse:
    """A parcel that was sent again, by what each of its units looks like."""
    company, tracking = request.reader.company.id, clean(request.POST.get("tracking"))
    node = uuid_in(request.POST.get("node"))
    content = tuple(
        ComebackUnits(clean(request.POST.get(f"sku-{i}")), units, condition, clean(request.POST.get(f"lot-{i}")),
                      clean(request.POST.get(f"serial-{i}")))
        for i in range(1, (int_in(request.POST.get("rows")) or 0) + 1)
        for place, condition in enumerate(comebacks.CONDITIONS, 1)
        if (units := int_in(request.POST.get(f"units-{i}-{place}")))
    )  # fmt: skip
    wanted = [TakeComeback(company, node, tracking, content)] if node else []
    results = give(
        request, take_comebacks, wanted, lambda _n: gettext("It is in stock again, and nobody is paid back.")
    )
    done = [one for one in results if isinstance(one, ComebackTaken)]
    for one in done:
        messages.info(request, _told(one))
    address = reverse("return-parcels")
    return back(request, address if done else f"{address}?tracking={tracking}", results)


TWICE = {
    "": gettext_noop("Its customer has nothing twice."),
    "goods": gettext_noop("Its customer has the goods of both parcels."),
    "money": gettext_noop("Its customer has the goods, and was paid back: customer service is asked."),
}


def _told(one: ComebackTaken) -> str:
    """What is to be known of a parcel that was put back: how much is still out, and who has what."""
    return gettext("%(number)s: %(n)s back, %(out)s still out. Sent again with %(order)s (%(state)s). %(twice)s") % {
        "number": one.number, "n": number(one.units), "out": number(one.out), "order": one.again,
        "state": word(one.again_state), "twice": gettext(TWICE[one.twice]),
    }  # fmt: skip


@require_safe
@console
def sent_again(request: Request) -> HttpResponse:
    """What was sent again, what came back of it, and who was given twice."""
    company, twice = request.reader.company.id, request.GET.get("show") == "twice"

    def fetch(after: UUID | None, limit: int) -> list[comeback_queries.SentAgain]:
        return comeback_queries.page(company, twice=twice, after=after, limit=limit)

    shown = listed(request, lists_floor.SENT_AGAIN, fetch, key=lambda one: one.again)
    if shown.answer:
        return shown.answer
    return page(request, "web/sent_again.html", {**shown.context(), "twice": twice}, area="ship")


def _asked_about(done: ParcelReceived) -> str:
    """What customer service is asked about a parcel, for whoever opened it; '' where all was as announced."""
    told = []
    if strays := len(done.strays):
        told.append(ngettext(
            "%(n)s kind of goods nobody announced is set aside.",
            "%(n)s kinds of goods nobody announced are set aside.", strays,
        ) % {"n": number(strays)})  # fmt: skip
    if done.missing:
        told.append(ngettext(
            "%(n)s unit that was announced is missing.", "%(n)s units that were announced are missing.", done.missing
        ) % {"n": number(done.missing)})  # fmt: skip
    return " ".join([*told, gettext("Customer service is asked.")]) if told else ""


@require_POST
@console
def decided(request: Request, which: UUID) -> HttpResponse:
    """What a stray turned out to be."""
    suggested = clean(request.POST.get("candidate"))
    outcome = "matched" if suggested else clean(request.POST.get("outcome"))
    named = suggested or clean(request.POST.get("return"))
    found = parcel_queries.return_of_number(request.reader.company.id, named) if named else None
    if outcome == "matched" and found is None:
        text = gettext("Say which return they belong to; %(found)s is none.") % {"found": named or "–"}
        misread(request, "return", text)
        return back(request, reverse("return-parcels"), [])
    wanted = DecideStray(which, outcome, found, clean(request.POST.get("reason")))
    told = (
        gettext("They belong to %(number)s. The inspectors are asked to take them in there.")
        % {"number": named.upper()}
        if found and outcome == "matched"
        else gettext("The question is answered.")
    )
    results = give(request, decide_strays, [wanted], lambda _n: told)
    return back(request, reverse("return-parcels"), results)


@require_POST
@console
def announced(request: Request, which: UUID) -> HttpResponse:
    """The parcel that a return comes in."""
    wanted = AnnounceParcel(which, clean(request.POST.get("tracking")), clean(request.POST.get("carrier")))
    results = give(
        request, announce_parcels, [wanted],
        lambda n: ngettext("%(n)s parcel is expected.", "%(n)s parcels are expected.", n) % {"n": number(n)},
    )  # fmt: skip
    return back(request, reverse("return", args=[which]), results)
