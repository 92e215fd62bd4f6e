"""Orders that were promised anew, or ask for another service, while the floor has them: their work is due anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.warehouse.commands.leaving import Leaving, places


@dataclass(frozen=True, slots=True)
class RedateOrder:
    order: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderRedated:
    """`fulfillments` of it have not left, and are due anew."""

    order: UUID
    fulfillments: int


class _Row(NamedTuple):
    id: UUID
    order: UUID
    node: UUID
    service: str
    country: str
    postal_code: str
    promise_at: datetime | None
    ship_by: date | None


@command("warehouse.redate")
def redate(cause: Cause, /, *, requests: Sequence[RedateOrder]) -> list[OrderRedated | Refused]:
    """Fulfillments that have not left are due as their orders say now: by promise, service and the cut-offs of node and
    carriers.

    Locks: orders with their fulfillments in id order. Refuses: nothing. Again: nothing changes. 9 statements.
    """
    rows = [_Row(*row) for row in sql.run(_LOCK, {"orders": [one.order for one in requests]})]
    leaving = Leaving(places({one.node for one in rows}), cause.at)
    dated = [
        (one.id, one.service, one.promise_at,
         leaving.leave_by(one.node, one.service, one.country, one.postal_code, one.promise_at, one.ship_by))
        for one in rows
    ]  # fmt: skip
    sql.change(_DATE, sql.columns(("ids", "services", "promised", "leave_by"), dated))
    found = [one.order for one in rows]
    return [OrderRedated(one.order, found.count(one.order)) for one in requests]


_LOCK = """
SELECT f.id, o.id, f.node_id, o.service, o.country, o.postal_code, o.promise_at, o.ship_by
FROM orders_order AS o JOIN warehouse_fulfillment AS f ON f.order_id = o.id
WHERE o.id = ANY(%(orders)s::uuid[]) AND f.state IN ('released', 'picking', 'picked', 'packed')
ORDER BY o.id, f.id FOR UPDATE OF o, f
"""

_DATE = """
UPDATE warehouse_fulfillment AS f SET service = d.service, due_at = d.promised, leave_by = d.leave_by
FROM unnest(%(ids)s::uuid[], %(services)s::text[], %(promised)s::timestamptz[], %(leave_by)s::timestamptz[])
     AS d(id, service, promised, leave_by)
WHERE f.id = d.id
"""
