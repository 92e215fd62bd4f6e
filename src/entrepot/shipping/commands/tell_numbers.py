"""Tell channels the numbers that parcels bear by now. Inside a command."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel import delivery, sql
from entrepot.kernel.cause import Cause
from entrepot.shipping.queries import is_ours

TOPIC = "shipment.tracking_changed"


def tell_numbers(cause: Cause, shipments: Sequence[UUID]) -> None:
    """A message to the channel of each shipment with its carrier and the carrier's numbers on its labels in force: what
    was told when it left holds no more. Those of a history that was imported have nobody to tell. 2 statements; none
    for nothing."""
    if not shipments:
        return
    delivery.send(cause, [
        delivery.Message(f"channels:{channel}", TOPIC, order, company, {
            "order": external, "shipment": number, "carrier": carrier, "tracking": tracking, "numbers": numbers,
        })
        for order, company, channel, external, number, carrier, tracking, numbers
        in sql.run(_NUMBERS, {"ids": list(dict.fromkeys(shipments))})
    ])  # fmt: skip


_NUMBERS = f"""
SELECT o.id, o.company_id::int, c.code, o.external_id, h.number, h.carrier, h.tracking,
       ARRAY(SELECT l.tracking FROM shipping_label AS l
             WHERE l.shipment_id = h.id AND l.state <> 'voided' AND NOT {is_ours("l.tracking")} ORDER BY l.id)
FROM shipping_shipment AS h
JOIN orders_order AS o ON o.id = h.order_id
JOIN network_channel AS c ON c.id = o.channel_id
WHERE h.id = ANY(%(ids)s::uuid[]) AND c.kind <> 'import' ORDER BY h.id
"""
