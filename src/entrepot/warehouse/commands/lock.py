"""Fulfillments under lock, with their orders: the work of one order is changed by one command at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.errors import Refused
from entrepot.network.rules import local_day
from entrepot.orders.queries import SERVED_WITH
from entrepot.warehouse import errors


class Fulfillment(NamedTuple):
    """A fulfillment as it was found, and of its order what the rooms from here on ask."""

    id: UUID
    number: str
    company: int
    order: UUID
    node: UUID
    state: str
    service: str
    staging_bin: UUID | None
    priority: int
    promise_at: datetime | None
    placed_at: datetime
    order_number: str
    external_id: str
    channel: UUID
    channel_code: str
    channel_kind: str
    currency: str
    country: str
    held_by: str
    leave_by: datetime | None
    cancel_after: date | None
    time_zone: str
    node_code: str

    @property
    def due(self) -> datetime:
        """The moment that ranks it among equals: by when it has to leave; without a promise, when it was placed."""
        return self.leave_by or self.promise_at or self.placed_at

    def past_cancel_after(self, at: datetime) -> Refused | None:
        """Why it does not leave: the last day on which its order might is over where its goods are."""
        if self.cancel_after is None or local_day(at, self.time_zone) <= self.cancel_after:
            return None
        return errors.PastCancelAfter(order=self.order_number, on=str(self.cancel_after))


def lock_fulfillments(fulfillments: Collection[UUID]) -> dict[UUID, Fulfillment]:
    """Fulfillments by id, locked with their orders in the orders' id order. One statement."""
    return {row[0]: Fulfillment(*row) for row in sql.run(_LOCK, {"ids": list(fulfillments)})}


_LOCK = f"""
SELECT f.id, f.number, f.company_id::int, f.order_id, f.node_id, f.state, f.service, f.staging_bin_id,
       {SERVED_WITH}, o.promise_at, o.placed_at, o.number, o.external_id, o.channel_id, c.code, c.kind, o.currency,
       o.country, o.held_by, f.leave_by, o.cancel_after, n.time_zone, n.code
FROM warehouse_fulfillment AS f
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_channel AS c ON c.id = o.channel_id
JOIN network_node AS n ON n.id = f.node_id
WHERE f.id = ANY(%(ids)s::uuid[]) ORDER BY o.id, f.id FOR UPDATE OF o, f
"""
