"""Units go from a supplier straight to a customer: the house never holds them. Called inside shipping's command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.stock.commands.move import CUSTOMER, SUPPLIER, Move, move_units


class PassedThrough(NamedTuple):
    """Units of an order line that a supplier has sent; `cost_minor` is what he gets for all of them."""

    company: int
    sku: UUID
    quantity: int
    cost_minor: int
    shipment: UUID
    line: UUID
    occurred_at: datetime


def pass_through(cause: Cause, units: Sequence[PassedThrough]) -> None:
    """One move for each: sold at what they cost, which is owed to the supplier as goods not yet invoiced.

    No position and no bucket changes. Statements as `move_units`, fewer.
    """
    moves = [
        Move(
            u.company, u.sku, u.quantity, SUPPLIER, CUSTOMER, "drop_ship", "shipment", u.shipment, u.occurred_at,
            "stock.drop_ship", u.line, u.cost_minor,
        )
        for u in units
    ]  # fmt: skip
    move_units(cause, moves)
