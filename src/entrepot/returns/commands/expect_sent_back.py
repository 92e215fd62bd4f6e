"""Carriers bring back what could not be delivered: it is a return that nobody has to send."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.returns.comeback_queries import IN_PART
from entrepot.returns.commands.announce import expect, tracking_of
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.close import Close, Closed, close
from entrepot.returns.commands.take_comebacks import BOTH, PART, in_part
from entrepot.returns.errors import DuplicateReturn
from entrepot.work.commands.open_items import OpenItem, open_items

REASON = "undeliverable"


@dataclass(frozen=True, slots=True)
class ExpectSentBack:
    """A shipment that its carrier brings back."""

    shipment: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SentBackExpected:
    """The return that is expected, with its number; none where all that was sent is returned already, or sent again."""

    shipment: UUID
    return_id: UUID | None = None
    number: str = ""


@command("returns.expect_sent_back")
def expect_sent_back(
    cause: Cause, /, *, requests: Sequence[ExpectSentBack]
) -> list[SentBackExpected | Refused]:
    """A return of what is left of each shipment, as undeliverable, at the node that sent it: whoever scans the number
    of the parcel at the dock finds it, and it is refunded as any other return. What is sent again is not: the return
    that was expected ends, and where it pays already, customer service agrees with the customer. Of what is sent again
    in part a person says what comes back.

    Locks: as `returns.authorize`. Refuses: NotFound; what `returns.authorize` refuses.
    Again: a shipment is expected once. 3 statements, and those of `returns.authorize`, 1 more where something is; 17
    more where something is sent again that was expected.
    """
    ids = {"ids": [one.shipment for one in requests]}
    found = {row[0]: row[1:] for row in sql.run(_SHIPMENTS, ids)}
    again = [_Again(*row) for row in sql.run(_SENT_AGAIN, ids)]
    _end(cause, [one for one in again if one.return_id and not one.in_part])
    if parts := [one for one in again if one.in_part and one.comes]:
        open_items(cause, requests=[
            OpenItem(
                one.company, PART, "shipment", one.shipment, in_part(one.number, one.order), "customer service",
                {"order": one.order, "return": one.return_id}, one.priority, due_in_hours=8,
            )
            for one in parts
        ])  # fmt: skip
    kept = {one.shipment for one in again}
    items: dict[UUID, list[Item]] = defaultdict(list)
    for shipment, line, units in sql.run(_LINES, ids):
        if shipment not in kept:
            items[shipment].append(Item(line, units, REASON))
    due = {one: items[one] for one in found if items[one]}
    wanted = [
        Authorize(
            found[one][1], tuple(some), node=found[one][3], insist="its carrier brings it back",
            external_id=f"{found[one][2]} sent back",
        )
        for one, some in due.items()
    ]  # fmt: skip
    made = dict(zip(due, authorize(cause, requests=wanted), strict=True)) if wanted else {}
    parcels = [
        (found[one][0], answer.return_id, tracking_of(number), found[one][4])
        for one, answer in made.items()
        if isinstance(answer, Authorized)
        for number in found[one][5]
        if tracking_of(number)
    ]
    if parcels:
        expect(cause, parcels)
    return [_answer(request.shipment, found, made) for request in requests]


class _Again(NamedTuple):
    """A shipment that is sent again, and the return in which it was expected, if in any. `comes`: its carrier told that
    something of it comes back, or it was expected."""

    shipment: UUID
    number: str
    company: int
    order: str
    return_id: UUID | None
    return_number: str
    pays: bool
    priority: int
    in_part: bool
    comes: bool


def _end(cause: Cause, again: Sequence[_Again]) -> None:
    """What is sent again is not paid back as well: where it is already, or may be soon, a person agrees which of both
    it is."""
    wanted = [
        Close(one.return_id, Said("sent again with order {0}", one.order))
        for one in again
        if one.return_id and not one.pays
    ]
    ended = close(cause, requests=wanted) if wanted else []
    gone = {one.return_id for one in ended if isinstance(one, Closed)}
    items = [
        OpenItem(
            one.company, BOTH, "shipment", one.shipment, Said(
                "{0} is sent again with order {1}, and return {2} pays it back: agree with the customer which of both"
                " it is.",
                one.number, one.order, one.return_number,
            ),
            "customer service", {"order": one.order, "return": one.return_id}, one.priority, due_in_hours=8,
        )
        for one in again
        if one.return_id not in gone
    ]  # fmt: skip
    if items:
        open_items(cause, requests=items)


def _answer(
    shipment: UUID, found: dict[UUID, tuple[object, ...]], made: dict[UUID, Authorized | Refused]
) -> SentBackExpected | Refused:
    if shipment not in found:
        return NotFound(what="shipment", which=str(shipment))
    one = made.get(shipment)
    if isinstance(one, DuplicateReturn):  # somebody told of it at the same time
        return SentBackExpected(shipment)
    if isinstance(one, Refused):
        return one
    return SentBackExpected(shipment, one.return_id, one.number) if one else SentBackExpected(shipment)


# What suppliers sent comes back to them.
_SHIPMENTS = """
SELECT h.id, h.company_id::int, h.order_id, h.number, h.node_id, h.carrier,
       ARRAY(SELECT h.tracking UNION
             SELECT l.tracking FROM shipping_label AS l WHERE l.shipment_id = h.id AND l.state <> 'voided')
FROM shipping_shipment AS h WHERE h.id = ANY(%(ids)s::uuid[]) AND h.node_id IS NOT NULL
"""

# Not where the second order is cancelled. A return pays as soon as anything of it is here or was refunded.
_SENT_AGAIN = f"""
SELECT h.id, h.number, h.company_id::int, x.number, b.id, COALESCE(b.number, ''),
       b.state <> 'authorized' OR EXISTS (SELECT FROM returns_refund WHERE return_id = b.id AND state <> 'rejected'),
       x.priority::int, {IN_PART},
       b.id IS NOT NULL OR EXISTS (SELECT FROM shipping_carrierevent
                                   WHERE shipment_id = h.id AND kind = 'returned to sender')
FROM shipping_shipment AS h
JOIN shipping_reshipment AS r ON r.shipment_id = h.id
JOIN orders_order AS x ON x.id = r.order_id AND x.status <> 'cancelled'
LEFT JOIN returns_return AS b ON b.order_id = h.order_id AND b.external_id = h.number || ' sent back'
 AND b.state NOT IN ('declined', 'cancelled') AND NOT b.without_refund
WHERE h.id = ANY(%(ids)s::uuid[]) ORDER BY h.id
"""

# What came back by itself while it was sent again is not to come.
_LINES = """
SELECT l.shipment_id, l.line_id, n.units::int
FROM shipping_shipmentline AS l
JOIN orders_line AS o ON o.id = l.line_id
LEFT JOIN returns_sold AS s ON s.line_id = l.line_id
LEFT JOIN LATERAL (SELECT sum(quantity) AS units FROM returns_comeback
                   WHERE shipment_id = l.shipment_id AND line_id = l.line_id) AS c ON TRUE
CROSS JOIN LATERAL (
    SELECT least(l.quantity - COALESCE(c.units, 0), o.shipped + o.delivered - COALESCE(s.authorized, 0)) AS units) AS n
WHERE l.shipment_id = ANY(%(ids)s::uuid[]) AND n.units > 0
ORDER BY l.shipment_id, o.number
"""
