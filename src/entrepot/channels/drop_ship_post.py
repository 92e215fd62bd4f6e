"""What a supplier is to send to a customer as an X12 document (850), written when it is posted: the customer's address
stands in it and is kept nowhere."""

from __future__ import annotations

from uuid import UUID

from entrepot.channels.x12.contract import CANCELLED, NEW, REPLACED
from entrepot.channels.x12.purchase_order import (
    DIRECT,
    Partner,
    ShipTo,
    WantedLine,
    WantedOrder,
    purchase_order,
    survives,
)
from entrepot.kernel import policies
from entrepot.orders import queries as orders
from entrepot.parties import queries as parties
from entrepot.parties.queries import Address
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.drop_ship import ASKED, CALLED_OFF
from entrepot.purchasing.drop_ship_queries import Paper, SendingRow

NOT_WRITTEN = "the customer's address has letters that X12 does not: send it by mail, or tell him yourself"
NO_ADDRESS = "the order has no address of its customer, or it was erased"


class Unwritten(Exception):  # noqa: N818  it is said to people
    """Why a document can't be made, now or later."""


def content(one: SendingRow, told: Paper) -> str:
    """The document of a sending. The same sending makes the same document, under one control number. 5 statements."""
    in_force = policies.in_force(told.company, Partner, one.asked_at)
    partner = policies.of_scope(in_force, told.supplier_code, Partner())
    if not partner.own_id:
        raise Unwritten("the policy channels.x12 had no numbers for the envelope when it was asked for")
    purpose = CANCELLED if one.purpose == CALLED_OFF else REPLACED if queries.has_gone(one) else NEW
    control = one.number.rpartition("-")[2][-9:]
    return purchase_order(_wanted(told, one), partner, control, one.asked_at, purpose)


def _wanted(told: Paper, one: SendingRow) -> WantedOrder:
    is_asked = one.purpose == ASKED
    lines = tuple(
        WantedLine(line.number, line.code, line.barcode, line.name, line.units, line.unit_cost, told.due_on)
        for line in told.lines
    )
    return WantedOrder(
        told.number, told.order_number, told.ordered_at.date(), told.currency, told.company_name, told.supplier_name,
        told.supplier_code, "", "", "", "", lines, DIRECT, _to(told.address) if is_asked else None, told.service,
        (orders.gift_message(told.order),) if is_asked else (),
    )  # fmt: skip


def _to(key: UUID | None) -> ShipTo:
    """Whom it goes to; a cancellation names nobody."""
    found = parties.address(key) if key else None
    if found is None:
        raise Unwritten(NO_ADDRESS)
    to = ShipTo(
        found.name, found.line1, found.line2, found.city, found.region, found.postal_code, found.country, found.phone
    )  # fmt: skip
    if not all(map(survives, _parts(found))):
        raise Unwritten(NOT_WRITTEN)
    return to


def _parts(one: Address) -> tuple[str, ...]:
    return (one.name, one.line1, one.line2, one.city, one.region, one.postal_code)
