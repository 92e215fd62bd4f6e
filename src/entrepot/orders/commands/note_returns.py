"""What an order shows of its returns: the room above says, because it knows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.events import Event


def note_returns(cause: Cause, returns: Mapping[UUID, str], times: Mapping[UUID, datetime]) -> None:
    """Set the returns axis of orders that the caller has locked; only changes are written and announced.

    Called inside a command. 1 statement.
    """
    params = sql.columns(("orders", "returns"), list(returns.items()))
    announce(
        cause,
        [
            Event("order", order, company, "", "", times.get(order), {"returns": [before, after]})
            for order, company, before, after in sql.run(_NOTE, params)
        ],
    )


_NOTE = """
WITH was AS (
    SELECT o.id, o.returns AS before, d.after
    FROM unnest(%(orders)s::uuid[], %(returns)s::text[]) AS d(id, after)
    JOIN orders_order AS o ON o.id = d.id
    WHERE o.id = ANY(%(orders)s::uuid[]) AND o.returns <> d.after
)
UPDATE orders_order AS o SET returns = was.after FROM was WHERE o.id = was.id
RETURNING o.id, o.company_id::int, was.before, was.after
"""
