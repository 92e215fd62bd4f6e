"""Send promised orders to the floor as their nodes want it: at once, or when a wave takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import Refused
from entrepot.orders.queries import SERVED_WITH
from entrepot.warehouse import waves
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release


@dataclass(frozen=True, slots=True)
class WaitsForWave:
    """Nothing of the order was released now: all of it is for nodes that gather waves."""

    order: UUID


class _Part(NamedTuple):
    """What one node is to send of an order."""

    order: UUID
    node: UUID
    node_code: str
    company: int
    priority: int
    due: datetime


@command("warehouse.stream")
def stream(
    cause: Cause, /, *, requests: Sequence[ReleaseOrder]
) -> list[OrderReleased | WaitsForWave | Refused]:
    """What streams is released; what is for a node that gathers waves, or paces its work, waits in the queue `wave`.

    Locks and refuses as `warehouse.release`. Again: by key. 2 statements more than `warehouse.release`.
    """
    parts = [_Part(*row) for row in sql.run(_PARTS, {"orders": [one.order for one in requests]})]
    in_force = policies.InForce([part.company for part in parts], [waves.Waves], cause.at)
    waiting = [
        part for part in parts if in_force.of(part.company, waves.Waves, part.node_code)[1].mode != "stream"
    ]
    if not waiting:
        return list(release(cause, requests=requests))

    streamed: dict[UUID, list[UUID]] = {part.order: [] for part in waiting}
    gathered = {(part.order, part.node) for part in waiting}
    for part in parts:
        if part.order in streamed and (part.order, part.node) not in gathered:
            streamed[part.order].append(part.node)
    offer("wave", list({part.order: (part.order, part.priority, part.due) for part in waiting}.values()))
    wanted = [
        ReleaseOrder(one.order, one.occurred_at, node=node)
        for one in requests
        for node in streamed.get(one.order, [None])
    ]
    first: dict[UUID, OrderReleased | Refused] = {}
    for one, answer in zip(wanted, release(cause, requests=wanted), strict=True):
        first.setdefault(one.order, answer)
    return [first.get(one.order) or WaitsForWave(one.order) for one in requests]


_PARTS = f"""
SELECT a.order_id, a.node_id, n.code, o.company_id::int, {SERVED_WITH}, COALESCE(o.promise_at, o.placed_at)
FROM stock_allocation AS a JOIN orders_order AS o ON o.id = a.order_id JOIN network_node AS n ON n.id = a.node_id
WHERE a.order_id = ANY(%(orders)s::uuid[]) AND a.quantity > a.released
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2
"""
