"""Send the goods of a shipment again: an order of its own, at no charge."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, one_of
from entrepot.kernel.events import Event
from entrepot.orders.commands.place import AddressGiven, OrderLine, Placed, PlaceOrder, place
from entrepot.orders.rules import EXCHANGE
from entrepot.parties import queries as parties
from entrepot.shipping import errors, parcels
from entrepot.shipping.trouble import WORSE, Apart, Parcel, apart

SENT_BACK = "sent_back"
"""The queue of shipments that carriers bring back: returns expect their goods, but not of those that are sent again."""


@dataclass(frozen=True, slots=True)
class Reship:
    """A shipment that is to be sent again, and why. `parcels` are the numbers of those whose goods are sent; without,
    those in trouble."""

    shipment: UUID
    reason: str
    parcels: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reshipped:
    """The order by which the goods are sent again; `holds` are what it waits for, if anything."""

    shipment: UUID
    order: UUID
    number: str
    holds: tuple[str, ...]


class _Shipment(NamedTuple):
    id: UUID
    number: str
    company: int
    channel: str
    external_id: str
    currency: str
    customer: str | None
    country: str
    postal_code: str
    demand: str
    again: str | None
    address: UUID | None


@command("shipping.reship")
def reship(cause: Cause, /, *, requests: Sequence[Reship]) -> list[Reshipped | Refused]:
    """Orders for the units of shipments, at no price, to where they went. They are validated, sourced and sent as any
    other; their goods are a cost, and nobody is charged a second time. Where only some parcels of a shipment are named,
    or are in trouble, what was packed into these is sent.

    Locks: the shipments in id order; as `orders.place`. Refuses: NotFound; Invalid (no reason; a number of no parcel);
    shipping.sent_again; shipping.in_part (some parcels of a supplier's, of which nobody knows what is in which);
    shipping.which_parcels (none is named nor in trouble, and some came); what `orders.place` refuses.
    Again: by key; a shipment is sent again once. 5 statements, and those of `orders.place`.
    """
    found = {row[0]: _Shipment(*row) for row in sql.run(_LOCK, {"ids": [one.shipment for one in requests]})}
    homes = parties.addresses([one.address for one in found.values() if one.address])
    known = parcels.of(found)
    answers: list[Reshipped | Refused | None] = []
    accepted: dict[UUID, _Shipment] = {}
    stay: list[UUID] = []
    for request in requests:
        one = found.get(request.shipment)
        refused = _misfit(request, one, known.get(request.shipment, ()))
        if one is None or refused:
            answers.append(refused or NotFound(what="shipment", which=str(request.shipment)))
            continue
        accepted[one.id] = one
        found[one.id] = one._replace(again=f"of {one.number}")
        well = _apart(known.get(one.id, ()), request.parcels).well
        stay += [parcel.package for parcel in well if parcel.package]
        answers.append(None)
    lines: dict[UUID, list[OrderLine]] = {}
    for shipment, code, units in sql.run(_LINES, {"ids": list(accepted), "stay": stay}):
        lines.setdefault(shipment, []).append(OrderLine(code, units, Decimal(0)))
    wanted = {
        one.id: PlaceOrder(
            one.company, one.channel, f"{one.external_id}/{one.number}", tuple(lines.get(one.id, ())), one.currency,
            customer=one.customer, country=one.country, postal_code=one.postal_code,
            demand="sale" if one.demand == EXCHANGE else one.demand,
            address=AddressGiven.of(homes.get(one.address)) if one.address else None,
        )
        for one in accepted.values()
    }  # fmt: skip
    placed = dict(zip(wanted, place(cause, requests=list(wanted.values())), strict=True)) if wanted else {}
    _write(cause, found, placed, {one.shipment: one.reason.strip() for one in requests})
    return [
        _answer(request.shipment, placed[request.shipment]) if answer is None else answer
        for request, answer in zip(requests, answers, strict=True)
    ]


def _apart(some: Sequence[Parcel], named: Collection[str]) -> Apart:
    """The parcels that are sent again, and those that are not."""
    if not named:
        return apart(some, WORSE)
    stay = tuple(one for one in some if one.number not in named)
    return Apart(tuple(one for one in some if one.number in named), stay)


def _misfit(request: Reship, one: _Shipment | None, some: Sequence[Parcel]) -> Refused | None:
    if not request.reason.strip():
        return Invalid(field="reason", expected="why it is sent again", found="nothing")
    if one is None:
        return None
    if one.again:
        return errors.SentAgain(shipment=one.number, order=one.again)
    numbers = [parcel.number for parcel in some]
    for number in request.parcels:
        if number not in numbers:
            expected = one_of(numbers) if numbers else "no number: it has one parcel"
            return Invalid(field="parcels", expected=expected, found=number)
    fared = _apart(some, request.parcels)
    if any(parcel.package is None for parcel in fared.well):
        return errors.InPart(shipment=one.number, **fared.numbers())
    untold = not request.parcels and not any(parcel.kinds for parcel in some)
    if untold and len(some) > 1 and any(parcel.came and parcel.package for parcel in some):
        return errors.WhichParcels(shipment=one.number, parcels=", ".join(numbers))
    return None


def _answer(shipment: UUID, one: Placed | Refused) -> Reshipped | Refused:
    return one if isinstance(one, Refused) else Reshipped(shipment, one.order, one.number, one.holds)


def _write(
    cause: Cause, found: dict[UUID, _Shipment], placed: dict[UUID, Placed | Refused], reasons: dict[UUID, str]
) -> None:
    done = {shipment: one for shipment, one in placed.items() if isinstance(one, Placed)}
    if not done:
        return
    sql.write("shipping_reshipment", ("shipment_id", "company_id", "order_id", "reason", "placed_at"), [
        (shipment, found[shipment].company, one.order, reasons[shipment], cause.at) for shipment, one in done.items()
    ])  # fmt: skip
    # What was expected to come back, and to be refunded, is not any more.
    offer(SENT_BACK, [(shipment, 5, cause.at) for shipment in done])
    announce(cause, [
        Event("shipment", shipment, found[shipment].company, "", "sent again", cause.at, {"order": one.order},
              reasons[shipment])
        for shipment, one in done.items()
    ])  # fmt: skip


_LOCK = """
SELECT h.id, h.number, h.company_id::int, c.code, o.external_id, o.currency::text, k.code, o.country, o.postal_code,
       o.demand, x.number, o.address_id
FROM shipping_shipment AS h
JOIN orders_order AS o ON o.id = h.order_id
JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN parties_customer AS k ON k.id = o.customer_id
LEFT JOIN shipping_reshipment AS r ON r.shipment_id = h.id
LEFT JOIN orders_order AS x ON x.id = r.order_id
WHERE h.id = ANY(%(ids)s::uuid[]) ORDER BY h.id FOR UPDATE OF h
"""

# Without what was packed into parcels that are not sent again.
_LINES = """
SELECT l.shipment_id, s.code, sum(l.quantity - COALESCE(w.units, 0))::int
FROM shipping_shipmentline AS l
JOIN shipping_shipment AS h ON h.id = l.shipment_id
JOIN catalog_sku AS s ON s.id = l.sku_id
LEFT JOIN LATERAL (
    SELECT sum(p.quantity) AS units FROM warehouse_packageline AS p
    WHERE p.package_id = ANY(%(stay)s::uuid[]) AND p.line_id = l.line_id
      AND p.package_id IN (SELECT id FROM warehouse_package WHERE fulfillment_id = h.fulfillment_id)) AS w ON TRUE
WHERE l.shipment_id = ANY(%(ids)s::uuid[]) GROUP BY 1, 2
HAVING sum(l.quantity - COALESCE(w.units, 0)) > 0 ORDER BY 1, 2
"""
