"""Packing: what waits, the carton that is proposed with its picture, and the slip that goes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.carriage import queries as carriage
from entrepot.carriage.rules import Parcel, Service, charged_weight_g
from entrepot.catalog import queries as catalog
from entrepot.orders import queries as orders
from entrepot.parties import queries as parties
from entrepot.shipping import customs, parcels
from entrepot.shipping import queries as shipping
from entrepot.shipping.choosing import Choosing
from entrepot.shipping.commands.quote import AskRates, ask_rates
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.shipping.commands.ship_drop_ships import DropShipShipped
from entrepot.shipping.commands.ship_labeled import ShipOnPaper, ship_on_paper
from entrepot.shipping.trouble import CLAIMED, WORSE, apart
from entrepot.warehouse import packing, proof, queries
from entrepot.warehouse.cartons import OWN
from entrepot.warehouse.commands.pack import (
    PackedPart,
    PackFulfillment,
    PackUnproved,
    pack,
    pack_unproved,
)
from entrepot.warehouse.commands.unpack import UnpackFulfillment, unpack
from entrepot.web import drawing, letters, lists_floor, papers, words
from entrepot.web import format as fmt
from entrepot.web.edge import Request, Undo, back, clean, console, give, int_in, misread, page
from entrepot.web.listed import listed_queue, listed_whole
from entrepot.web.views.scan import reading

PAGE = 100
SCANS_MAX = 5_000
ASKED_S, BOUGHT_S = 5, 30
"""Every how many seconds the page of a fulfillment looks for what became of its labels: while they are asked for, and
when a carrier has answered."""


@require_safe
@console
def waiting(request: Request) -> HttpResponse:
    """Fulfillments that wait to be packed, and that were packed and no carrier has; a scan of its number, or of its
    order's, opens one."""
    company = request.reader.company.id
    packed = queries.waiting("ship", company=company, limit=PAGE + 1)
    begun = shipping.consignments(company, limit=PAGE + 1)
    packed_ids = [one.id for one in packed]
    waits = {
        one.fulfillment for one in shipping.consignments(company, limit=PAGE + 1, fulfillments=packed_ids)
    }
    text = clean(request.GET.get("q"))
    # Also behind the first hundred.
    found = queries.scanned(text, company=company, limit=PAGE) if text else []
    if len(found) == 1:
        return redirect("packing", which=found[0].id)

    def fetch(after: UUID | None, limit: int) -> Sequence[queries.FulfillmentRow]:
        return queries.waiting("pack", company=company, after=after, limit=limit)

    if found:
        shown = listed_whole(request, lists_floor.PACKING, found)
    else:
        shown = listed_queue(request, lists_floor.PACKING, fetch, size=PAGE)
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(),
        "now": fmt.reading().now,
        "packed": [one for one in packed[:PAGE] if one.id not in waits],
        "begun": begun[:PAGE],
        "begun_full": len(begun) > PAGE,
        "packed_full": len(packed) > PAGE,
        "text": text,
        "missing": bool(text and not found),
    }
    return page(request, "web/packing.html", context, area="ship")


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    found = _found(request, which)
    inside = packing.contents([which]).get(which, [])
    known = packing.cartons([found.company])[found.company]
    policy = packing.policy_of(found.company, found.node_code, fmt.reading().now)
    boxes = packing.boxes(inside, known, policy) if found.state == "picked" else []
    shipments = [gone for gone in shipping.of_order(found.order) if gone.fulfillment == which]
    begun = shipping.consignments(found.company, fulfillments=[which]) if found.state == "packed" else []
    made_for = [gone.id for gone in shipments] + [waits.id for waits in begun]
    labels = [label for which_ in made_for for label in shipping.labels(shipment=which_)]
    in_force = {label.state for label in labels} - {"voided"}
    packages = [
        made for made in queries.packages(found.order) if made.fulfillment == which and not made.voided_at
    ]
    labeled = {label.package_number for label in labels if label.state != "voided"}
    services = carriage.services(companies=[found.company])[found.company]
    rates = _rates(found)
    gift = orders.gift_message(found.order) if request.reader.actor.may("warehouse.pack") else ""
    context: dict[str, Any] = {
        "one": found,
        "inside": inside,
        "skus": catalog.skus(company=found.company, codes={one.item.kind for one in inside}),
        "boxes": [_shown(box, inside, policy) for box in boxes],
        "unmeasured": sorted({one.item.kind for one in inside if min(one.item[:3]) <= 0}),
        "registered": bool(known.registered),
        "verify": policy.verify,
        "weighs": bool(boxes) and _weighs(which, policy),
        "cartons": [*known.usable],
        "own": OWN,
        "charged": _charged(found.company, boxes, inside, policy),
        "packages": packages,
        "bare": [made for made in packages if made.number not in labeled],
        "shipments": shipments,
        "begun": next(iter(begun), None),
        "unsettled": [] if begun else shipping.unsettled(which),
        "labels": labels,
        "told": [event for gone in shipments for event in shipping.carrier_events(gone.id)],
        "in_force": sum(label.state != "voided" for label in labels),
        "rates": rates,
        "claimed": CLAIMED,
        "parcels": _parcels(which, [gone.id for gone in shipments]),
        "gift": gift,
        "by_hand": letters.missing(gift),
        "abroad": customs.of_fulfillment(which, fmt.reading().now) is not None,
        "to_settle": any(label.may_settle for label in labels),
        "live": any(service.live for service in services),
        "sells": begun[0].source if begun else _sells(rates, services),
        "services": services,
        "may_relabel": in_force == {"printed"} and all(gone.state == "shipped" for gone in shipments),
    }  # fmt: skip
    if any(label.purchase for label in labels):
        # Also once they are bought: a page that looks for itself must find itself again.
        context["renewed_s"] = ASKED_S if any(waits.asked for waits in begun) else BOUGHT_S
    return page(request, "web/packing_one.html", context, area="ship")


def _weighs(fulfillment: UUID, policy: packing.Packing) -> bool:
    """Whether its packages go only with what the scale says."""
    value = packing.values([fulfillment]).get(fulfillment, 0) if policy.weigh == "above_value" else 0
    return proof.is_weighed(policy.weigh, policy.weigh_from_minor, value)


def _parcels(fulfillment: UUID, shipments: list[UUID]) -> list[dict[str, Any]]:
    """The parcels of what has left with what is in each and how it fares; none where there is but one."""
    inside: dict[UUID, list[queries.PackageLineRow]] = {}
    for line in queries.package_lines(fulfillment) if shipments else ():
        inside.setdefault(line.package, []).append(line)
    found = [one for some in parcels.of(shipments).values() for one in some if one.package]
    again = {one.number for one in apart(found, WORSE).missing} if any(one.kinds for one in found) else ()
    return [
        {
            "number": one.number,
            "came": one.came,
            "kinds": sorted(one.kinds),
            "inside": inside.get(one.package, ()),
            "again": one.number in again or None,
        }
        for one in found
        if one.package and len(found) > 1
    ]


@require_POST
@console
def do(request: Request, which: UUID) -> HttpResponse:
    """Pack one fulfillment as the form says: as proposed, each package with its weight, or in a carton named."""
    found = _found(request, which)
    note = clean(request.POST.get("note"))
    inside = packing.contents([which]).get(which, [])
    serials = tuple(
        (one.line, serial.strip())
        for one in inside
        for serial in request.POST.get(f"serials-{one.line}", "").replace("\x00", "").splitlines()
        if serial.strip()
    )
    # Of very many lines the rest can't be of one fulfillment either.
    texts = [clean(line) for line in request.POST.get("scanned", "").splitlines()[:SCANS_MAX] if line.strip()]
    units, unread = reading.counted(found.company, texts, fmt.reading().now.date())
    if unread:
        told = gettext("%(scan)s is the barcode of no SKU, or of several: scan it again, or take it out.")
        misread(request, "scanned", told % {"scan": unread[0]})
        return back(request, reverse("packing", args=[which]), [])
    scanned, reason = tuple(units.items()), clean(request.POST.get("reason"))
    if request.POST.get("as") == "proposed":
        policy = packing.policy_of(found.company, found.node_code, fmt.reading().now)
        boxes = packing.boxes(inside, packing.cartons([found.company])[found.company], policy)
        parts = tuple(
            PackedPart(
                box.carton.code, tuple(box.units.items()), _grams(request.POST.get(f"weight-{number}", ""))
            )
            for number, box in enumerate(boxes, 1)
        )
        wanted = PackFulfillment(which, parts=parts, weight_note=note, serials=serials, scanned=scanned)
    else:
        code = clean(request.POST.get("carton"))
        wanted = PackFulfillment(
            which,
            code or None,
            _grams(request.POST.get("weight", "")),
            weight_note=note,
            serials=serials,
            scanned=scanned,
        )
    command: Any = pack
    if reason:
        said = {one.name: getattr(wanted, one.name) for one in fields(wanted)}
        command, wanted = pack_unproved, PackUnproved(**said, reason=reason)
    results = give(
        request,
        command,
        [wanted],
        lambda _: gettext("%(number)s is packed.") % {"number": found.number},
        undo=_undo,
    )
    return back(request, reverse("packing", args=[which]), results)


def _undo(told: list[Any]) -> Undo:
    (asked, _), *_more = told
    said = [("reason", gettext("taken back at once"))]
    return Undo("warehouse.unpack", reverse("packing-unpack", args=[asked.fulfillment]), said)


@require_POST
@console
def open_again(request: Request, which: UUID) -> HttpResponse:
    """Open the packages of what was packed wrongly and has not left: it is packed again."""
    found = _found(request, which)
    wanted = UnpackFulfillment(which, clean(request.POST.get("reason")))
    results = give(
        request, unpack, [wanted],
        lambda _: gettext("The packages of %(number)s are open: pack it again.") % {"number": found.number},
    )  # fmt: skip
    return back(request, reverse("packing", args=[which]), results)


@require_POST
@console
def hand_over(request: Request, which: UUID) -> HttpResponse:
    """The carrier takes it, under the number that was scanned from its label."""
    found = _found(request, which)
    wanted = ShipFulfillment(
        which, clean(request.POST.get("tracking")), service=clean(request.POST.get("service")),
        reason=clean(request.POST.get("reason")),
    )  # fmt: skip
    results = give(
        request, ship, [wanted], lambda _: gettext("%(number)s has left.") % {"number": found.number},
        known=lambda told: _asked(found.number, told),
    )  # fmt: skip
    tell_doubt(request, results)
    return back(request, reverse("packing", args=[which]), results)


def _asked(number: str, one: FulfillmentShipped) -> str:
    if one.unasked:
        why = {"number": number, "why": words.told(one.unasked)}
        return gettext("%(number)s waits for its labels, which could not be asked for: %(why)s") % why
    told = gettext("The labels of %(number)s are asked for. It leaves by itself when they are bought.")
    return told % {"number": number}


@require_POST
@console
def on_paper(request: Request, which: UUID) -> HttpResponse:
    """It leaves without a label that was bought, since somebody says why."""
    found = _found(request, which)
    wanted = ShipOnPaper(which, clean(request.POST.get("reason")), clean(request.POST.get("service")))
    results = give(
        request, ship_on_paper, [wanted], lambda _: gettext("%(number)s has left.") % {"number": found.number}
    )
    return back(request, reverse("packing", args=[which]), results)


def tell_doubt(request: Request, results: Sequence[object]) -> None:
    """What is odd about the tracking number of what was sent."""
    for one in results:
        if isinstance(one, FulfillmentShipped | DropShipShipped) and one.doubt:
            messages.info(
                request, gettext("About its tracking number: %(doubt)s.") % {"doubt": words.told(one.doubt)}
            )


@require_POST
@console
def ask_for_rates(request: Request, which: UUID) -> HttpResponse:
    """Adapters of carriers are asked what they would take now."""
    found = _found(request, which)
    results = give(
        request, ask_rates, [AskRates(found.id)],
        lambda _: gettext("The carriers are asked. Their answers stand here when they come."),
    )  # fmt: skip
    return back(request, reverse("packing", args=[which]), results)


@require_safe
@console
def slip(request: Request, which: UUID) -> HttpResponse:
    """The packing slip, for whoever may see the address."""
    found = _found(request, which)
    order = orders.order(found.order)
    assert order is not None, "a fulfillment has its order"
    may = any(map(request.reader.actor.may, ("warehouse.pack", "shipping.ship")))
    packed = groupby(queries.package_lines(which), key=lambda line: (line.number, line.carton))
    told = papers.Slip(
        request.reader.company.name, order.number, order.external_id, found.number,
        parties.address(order.address_id) if order.address_id and may else None,
        [
            (number, carton, [papers.SlipLine(line.sku_code, line.sku_name, line.units) for line in lines])
            for (number, carton), lines in packed
        ],
        orders.gift_message(found.order) if may else "",
    )  # fmt: skip
    return papers.to_print(papers.packing_slip(told), f"{found.number}.pdf")


@require_safe
@console
def commercial_invoice(request: Request, which: UUID) -> HttpResponse:
    """What customs are told of a parcel that leaves the country, for whoever may see the address."""
    found = _found(request, which)
    told = customs.of_fulfillment(found.id, fmt.reading().now)
    if told is None:
        raise Http404
    may = any(map(request.reader.actor.may, ("warehouse.pack", "shipping.ship")))
    address = parties.address(told.address) if told.address and may else None
    paper = papers.commercial_invoice(
        told, request.reader.company.name, papers.postal_lines(address), f"{fmt.reading().now:%Y-%m-%d}"
    )
    return papers.to_print(paper, f"{found.number}-customs.pdf")


def _found(request: Request, which: UUID) -> queries.FulfillmentRow:
    found = queries.fulfillment(which)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    return found


def _rates(found: queries.FulfillmentRow) -> dict[str, Any]:
    """Which service would take what is packed, if it left now, and why."""
    if found.state != "packed":
        return {}
    now = fmt.reading().now
    return Choosing([found.id], now).choose(found.id, now).reasons()


def _sells(rates: dict[str, Any], services: Sequence[Service]) -> str:
    """Who sells the labels of the service that would take it; '' where it goes with our own."""
    first = next(iter(rates.get("candidates", ())), None)
    live = next((one.live for one in services if first and one.code == first["service"]), "")
    return live.partition(":")[0]


def _grams(text: str) -> int | None:
    """What the scale said; what is no number is no weight that anything can have."""
    return (int_in(text.strip()) or 0) if text.strip() else None


def _shown(box: packing.Box, inside: Sequence[packing.Contents], policy: packing.Packing) -> dict[str, Any]:
    """A box with its picture and the order in which its units go in."""
    kinds = [one.item.kind for one in inside for _ in range(one.units)]
    steps: list[dict[str, Any]] = []
    for number, place in enumerate(box.packed.places if box.packed else (), 1):
        if steps and steps[-1]["sku"] == kinds[place.item] and steps[-1]["height"] == place.height:
            steps[-1]["last"] = number
        else:
            steps.append({"first": number, "last": number, "sku": kinds[place.item], "height": place.height})
    return {
        "carton": box.carton,
        "units": sum(box.units.values()),
        "weight_g": packing.weight(box, inside, policy),
        "dunnage": packing.filling(box, inside, policy),
        "steps": steps,
        "picture": drawing.carton(box.packed, kinds) if box.packed else "",
        "proposed": box.proposed,
    }


def _charged(
    company: int,
    boxes: Sequence[packing.Box],
    inside: Sequence[packing.Contents],
    policy: packing.Packing,
) -> list[tuple[str, int, bool]]:
    """By service, the grams that the packages are charged for, and whether it is their size that decides."""
    parcels = [Parcel(packing.weight(box, inside, policy), box.carton.carried_cm3, "", "") for box in boxes]
    weight = sum(parcel.weight_g for parcel in parcels)
    found = []
    for service in carriage.services(companies=[company])[company] if boxes else ():
        grams = sum(charged_weight_g(parcel, service.divisor) for parcel in parcels)
        found.append((service.code, grams, grams > weight))
    return found
