"""Record that shipments arrived."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.orders.commands.progress import Progress, progress
from entrepot.shipping.rules import EXCEPTIONS
from entrepot.shipping.shopping import SLIPS
from entrepot.shipping.states import SHIPMENT

BY_HAND = "by hand"
"""The source of what a person says of a parcel."""

TROUBLE = "trouble"
"""The queue of shipments whose trouble the policy has something to say about."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A shipment that the customer has; `occurred_at` is when it arrived. `proof`: what a person knows it by, where no
    carrier tells: who took it, or where it was put."""

    shipment: UUID
    occurred_at: datetime | None = None
    key: str | None = None
    proof: str = ""


@dataclass(frozen=True, slots=True)
class ShipmentDelivered:
    shipment: UUID
    late: bool


@command("shipping.deliver")
def deliver(cause: Cause, /, *, requests: Sequence[Delivered]) -> list[ShipmentDelivered | Refused]:
    """Shipments with the customer, and whether they came after the day promised; their services' history knows them.
    What had trouble on its way is looked at again.

    Locks: the orders with their shipments, in the orders' id order; the counts of their lanes, in key order.
    Refuses: NotFound; WrongState; Invalid (a person's moment before it left, or to come). Again: by key. 7 statements;
    1 more where a person says it.
    """
    params = {"ids": [one.shipment for one in requests], "trouble": list(EXCEPTIONS)}
    found = {row[0]: row[1:] for row in sql.run(_LOCK, params)}

    answers: list[ShipmentDelivered | Refused] = []
    arrived: dict[UUID, tuple[UUID, datetime]] = {}
    by_hand: list[tuple[object, ...]] = []
    for request in requests:
        if request.shipment not in found:
            answers.append(NotFound(what="shipment", which=str(request.shipment)))
            continue
        company, order, state, promised_at, priority, troubled, number, left_at = found[request.shipment]
        after = SHIPMENT.step("delivered" if request.shipment in arrived else state, "deliver")
        if isinstance(after, Refused):
            answers.append(after)
            continue
        at = request.occurred_at or cause.at
        proof = request.proof.strip()
        if proof and not left_at <= at <= cause.at:
            expected = Said("a moment from {0} to now", left_at.isoformat(timespec="minutes"))
            answers.append(Invalid(field="occurred_at", expected=expected, found=at.isoformat()))
            continue
        if proof:
            which = ids.uuid7()
            by_hand.append((which, company, request.shipment, BY_HAND, str(which), number, "delivered", proof, "", at,
                            cause.at))  # fmt: skip
        arrived[request.shipment] = (order, at)
        # What was done about its trouble may be over now.
        offer(TROUBLE, [(request.shipment, priority, cause.at)] if troubled else [])
        announce(cause, [Event("shipment", request.shipment, company, state, after, at)])
        answers.append(ShipmentDelivered(request.shipment, promised_at is not None and at > promised_at))

    if arrived:
        rows = [(shipment, at) for shipment, (_, at) in arrived.items()]
        sql.run(_DELIVERED, sql.columns(("ids", "times"), rows))
        if by_hand:
            sql.write("shipping_carrierevent", _EVENT, by_hand)
        lines = sql.run(_LINES, {"ids": list(arrived)})
        steps = [Progress(line, order, "shipped", "delivered", units) for line, order, units in lines]
        progress(cause, requests=steps, times=dict(arrived.values()))
        sql.run(_COUNT, {"ids": list(arrived), "least": SLIPS[0], "most": SLIPS[1]})
    return answers


def forget_proofs(orders: Collection[UUID]) -> None:
    """What was said of how parcels of orders arrived, since it names whoever took them; that they did stands. 1
    statement."""
    sql.run(_BLANK, {"orders": sorted(orders)})


_EVENT = (
    "id", "company_id", "shipment_id", "source", "name", "tracking", "kind", "message", "place", "occurred_at",
    "recorded_at",
)  # fmt: skip

_LOCK = """
SELECT s.id, s.company_id::int, s.order_id, s.state, s.promised_at, o.priority::int,
       EXISTS (SELECT FROM shipping_carrierevent AS e WHERE e.shipment_id = s.id AND e.kind = ANY(%(trouble)s::text[])),
       s.tracking, s.shipped_at
FROM shipping_shipment AS s JOIN orders_order AS o ON o.id = s.order_id
WHERE s.id = ANY(%(ids)s::uuid[]) ORDER BY o.id, s.id FOR UPDATE OF o, s
"""

_DELIVERED = """
UPDATE shipping_shipment AS s SET state = 'delivered', delivered_at = d.at
FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) AS d(id, at) WHERE s.id = d.id
"""

_BLANK = """
UPDATE shipping_carrierevent AS e SET message = '' FROM shipping_shipment AS h
WHERE h.id = e.shipment_id AND h.order_id = ANY(%(orders)s::uuid[]) AND e.kind = 'delivered' AND e.message <> ''
"""

_LINES = """
SELECT line_id, order_id, sum(quantity)::int FROM shipping_shipmentline WHERE shipment_id = ANY(%(ids)s::uuid[])
GROUP BY line_id, order_id
"""

# By the time that was counted on when it left, and under who told it, a carrier or the table; of what nobody chose, by
# the service's of today. In whole days of UTC, as they were promised, from the day on which it left with its carrier:
# what is handed over on Friday evening goes on Monday.
_COUNT = """
INSERT INTO shipping_transit (company_id, service_id, node_id, zone, timed_by, slip, shipments)
SELECT h.company_id, h.service_id, h.node_id, h.zone,
       COALESCE(h.reasons #>> '{candidates,0,timed_by}', 'table') AS timed_by,
       least(greatest((h.delivered_at AT TIME ZONE 'UTC')::date
                      - COALESCE((h.reasons ->> 'leaves_on')::date, (h.shipped_at AT TIME ZONE 'UTC')::date)
                      - COALESCE((h.reasons #>> '{candidates,0,days}')::int, v.transit_days), %(least)s::int),
             %(most)s::int) AS slip, count(*)
FROM shipping_shipment AS h JOIN carriage_service AS v ON v.id = h.service_id
WHERE h.id = ANY(%(ids)s::uuid[])
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (company_id, service_id, node_id, zone, timed_by, slip)
DO UPDATE SET shipments = shipping_transit.shipments + excluded.shipments
"""
