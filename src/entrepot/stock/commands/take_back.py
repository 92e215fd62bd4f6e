"""Units come back from customers, and what is done with them. Called inside the commands of `returns`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.move import CUSTOMER, SCRAP, At, Bucket, Move, lock_buckets, move_units

PENDING = "pending_inspection"


class TakenBack(NamedTuple):
    """Units of an order line that came back into a bin and a status, with a document (its kind and id: a return, or the
    shipment that was sent again); `cost_minor` is what they had left with."""

    company: int
    sku: UUID
    node: UUID
    bin: UUID
    status: str
    lot: str
    serial: str
    quantity: int
    cost_minor: int
    kind: str
    document: UUID
    line: UUID
    occurred_at: datetime


def take_back(cause: Cause, units: Sequence[TakenBack]) -> None:
    """Put units into stock again at the cost they left with: the sale's cost is taken back.

    Locks and statements as `move_units`.
    """
    moves = [
        Move(
            u.company, u.sku, u.quantity, CUSTOMER, At(u.sku, u.node, u.bin, u.company, u.status, u.lot, u.serial),
            "return", u.kind, u.document, u.occurred_at, "stock.return", u.line, u.cost_minor,
        )
        for u in units
    ]  # fmt: skip
    move_units(cause, moves)


def pending(company: int, sku: UUID, node: UUID, bin_id: UUID, lot: str, serial: str) -> At:
    """The bucket that units stand in from their receipt to their disposition."""
    return At(sku, node, bin_id, company, PENDING, lot, serial)


class SetDown(NamedTuple):
    """Inspected units that get another status, in another bin perhaps; with `event` they leave the house under it."""

    company: int
    sku: UUID
    node: UUID
    bin: UUID
    lot: str
    serial: str
    quantity: int
    reason: str
    to_status: str | None
    to_bin: UUID
    event: str
    document: UUID
    line: UUID
    occurred_at: datetime
    place: str = SCRAP  # where they go that leave
    why: str = ""  # as their customer said it, for posting rules that go by it


def lock_pending(keys: Collection[At]) -> dict[At, Bucket]:
    """Buckets of units pending inspection, and of where they go, locked, after the positions of their SKUs. 2
    statements."""
    lock_positions((key.owner, key.sku) for key in keys)
    return lock_buckets(keys)


def set_down(cause: Cause, units: Sequence[SetDown], buckets: dict[At, Bucket]) -> list[int]:
    """Move units that were pending inspection to where their disposition sends them: the value that left with each.

    The caller has locked their buckets and seen that they are there. Locks and statements as `move_units`.
    """
    moves = []
    for u in units:
        source = pending(u.company, u.sku, u.node, u.bin, u.lot, u.serial)
        target = (
            At(u.sku, u.node, u.to_bin, u.company, u.to_status, u.lot, u.serial) if u.to_status else u.place
        )
        moves.append(
            Move(
                u.company, u.sku, u.quantity, source, target, u.reason, "return", u.document, u.occurred_at, u.event,
                u.line, why=u.why,
            )
        )  # fmt: skip
    return move_units(cause, moves, buckets).values
