"""What is passed to suppliers, handed to whoever orders it from them. Called inside the commands of `purchasing`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause


class PassedOn(NamedTuple):
    """Units of an order line that a supplier is to send, `lead_days` after he is asked."""

    order: UUID
    supplier: UUID
    line: UUID
    sku: UUID
    quantity: int
    lead_days: int


def take_passed(cause: Cause, orders: Sequence[UUID]) -> list[PassedOn]:
    """What waits to be ordered from suppliers for orders, which are locked. It waits no more. 1 statement."""
    return [PassedOn(*row) for row in sql.run(_TAKE, {"orders": list(orders), "at": cause.at})]


_TAKE = """
WITH taken AS (
    UPDATE sourcing_dropship SET taken_at = %(at)s::timestamptz
    WHERE order_id = ANY(%(orders)s::uuid[]) AND taken_at IS NULL
    RETURNING order_id, supplier_id, line_id, sku_id, quantity, lead_days
)
SELECT t.order_id, t.supplier_id, t.line_id, t.sku_id, sum(t.quantity)::int, max(t.lead_days)
FROM taken AS t JOIN orders_line AS l ON l.id = t.line_id GROUP BY 1, 2, 3, 4, l.number ORDER BY 1, 2, l.number
"""
