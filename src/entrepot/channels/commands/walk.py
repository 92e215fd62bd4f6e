"""An order's whole way in one go, for what has happened already: sourced, picked, packed, shipped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release


def walk(cause: Cause, times: Mapping[UUID, datetime], sent: Mapping[UUID, datetime] | None = None) -> int:
    """Send what can be sent of orders, each at its time, or the time that it is `sent` at; the rest waits for stock.
    Returns the fulfillments shipped.

    Called inside a command. Raises AllOrNothing where picked goods can't leave: the caller's batch is undone.
    """
    sourced = allocate(cause, requests=[AllocateOrder(order, at) for order, at in times.items()])
    promised = [one.order for one in sourced if isinstance(one, OrderAllocated) and one.allocated]
    released = release(cause, requests=[ReleaseOrder(order, times[order]) for order in promised])
    work = [
        (fulfillment, (sent or times)[one.order])
        for one in released
        if isinstance(one, OrderReleased)
        for fulfillment in one.fulfillments
    ]
    if work:
        whole(pick(cause, requests=[PickFulfillment(one, occurred_at=at) for one, at in work]))
        whole(pack(cause, requests=[PackFulfillment(one, occurred_at=at, gone=True) for one, at in work]))
        whole(ship(cause, requests=[ShipFulfillment(one, occurred_at=at, on_paper=True) for one, at in work]))
    return len(work)
