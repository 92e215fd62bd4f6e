"""Drop-ship orders under lock, with the sales orders that they are for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.purchasing.drop_ship import Line


@dataclass(slots=True)
class DropShip:
    """A drop-ship order as it was found, with its lines by number, and of its sales order what the rooms above ask."""

    id: UUID
    number: str
    company: int
    supplier: UUID
    supplier_code: str
    order: UUID
    state: str
    ordered_by: str
    due_on: date
    cost_currency: str
    order_number: str
    external_id: str
    channel_code: str
    channel_kind: str
    currency: str
    priority: int
    promise_at: datetime | None
    lines: dict[int, Line] = field(default_factory=dict)


def lock_drop_ships(wanted: Collection[UUID]) -> dict[UUID, DropShip]:
    """Drop-ship orders by id, locked with their sales orders in these orders' id order. 2 statements."""
    found = {row[0]: DropShip(*row) for row in sql.run(_LOCK, {"ids": list(wanted)})}
    for drop_ship, *line in sql.run(_LINES, {"ids": list(found)}):
        found[drop_ship].lines[line[1]] = Line(*line)
    return found


_LOCK = """
SELECT d.id, d.number, d.company_id::int, d.supplier_id, s.code, d.order_id, d.state, d.ordered_by, d.due_on,
       d.currency, o.number, o.external_id, c.code, c.kind, o.currency, o.priority::int, o.promise_at
FROM purchasing_dropship AS d
JOIN orders_order AS o ON o.id = d.order_id
JOIN network_channel AS c ON c.id = o.channel_id
JOIN parties_supplier AS s ON s.id = d.supplier_id
WHERE d.id = ANY(%(ids)s::uuid[]) ORDER BY o.id, d.id FOR UPDATE OF o, d
"""

_LINES = """
SELECT drop_ship_id, id, number, line_id, sku_id, quantity, shipped, refused, called_off, unit_cost
FROM purchasing_dropshipline WHERE drop_ship_id = ANY(%(ids)s::uuid[]) ORDER BY drop_ship_id, number
"""
