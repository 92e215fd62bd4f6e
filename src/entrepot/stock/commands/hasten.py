"""The urgency of promises, where an order becomes more or less urgent after they were made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql


class Hasten(NamedTuple):
    """An order's promises are more urgent by so much, and promised for another moment where one is given."""

    order: UUID
    by: int
    promise_at: datetime | None


def hasten(requests: Sequence[Hasten]) -> None:
    """Give the promises of orders another place among those that give way, inside a command that has locked the orders
    and the positions of their promises. What a profile added to their priority stays.

    Locks: the promises in id order. 1 statement, none for nothing.
    """
    if requests:
        sql.run(_HASTEN, sql.columns(("orders", "more", "promises"), requests))


_HASTEN = """
WITH asked AS (
    SELECT a.id, a.priority + d.more AS priority,
           COALESCE(d.promise_at, a.promise_at) AS promise_at
    FROM unnest(%(orders)s::uuid[], %(more)s::int[], %(promises)s::timestamptz[]) AS d(order_id, more, promise_at)
    JOIN stock_allocation AS a ON a.order_id = d.order_id ORDER BY a.id FOR UPDATE OF a
)
UPDATE stock_allocation AS a SET priority = d.priority, promise_at = d.promise_at FROM asked AS d WHERE a.id = d.id
"""
