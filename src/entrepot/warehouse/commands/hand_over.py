"""Packed fulfillments leave the house: what the room above calls when it ships them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.events import Event
from entrepot.warehouse.commands.lock import Fulfillment


def hand_over(cause: Cause, left: Mapping[UUID, tuple[Fulfillment, datetime]]) -> None:
    """Mark fulfillments as shipped, by id with the time. The caller has locked them, and they may. 2 statements."""
    if not left:
        return
    sql.change(_SHIPPED, {"ids": list(left)})
    ready.drop("ship", list(left))
    announce(
        cause,
        [Event("fulfillment", one.id, one.company, one.state, "shipped", at) for one, at in left.values()],
    )


_SHIPPED = "UPDATE warehouse_fulfillment SET state = 'shipped' WHERE id = ANY(%(ids)s::uuid[])"
