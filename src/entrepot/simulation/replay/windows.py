"""How much of an order must have its goods before any leaves, and by when, as a replay has them. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from uuid import UUID

from entrepot.orders.kits import Stands
from entrepot.orders.window import Fill, is_over
from entrepot.simulation.replay.record import Asked, Fate


def fill_of(fate: Fate) -> Fill | None:
    """What must have its goods, beside what has them; None where any part may go."""
    order = fate.order
    if not order.min_fill_percent:
        return None
    ordered = order.ordered - fate.cancelled
    return Fill(order.min_fill_percent, ordered, ordered - sum(fate.waits.values()))


def past_of(order: Asked, at: datetime) -> date | None:
    """The last day on which an order might have left, where that is over everywhere."""
    last = order.cancel_after
    return last if last and is_over(last, at) else None


def parts_of(fate: Fate, at: datetime) -> list[Stands]:
    """Where the components of its kits stand, of an order with a least part; of the units that are sought."""
    if not fate.order.min_fill_percent:
        return []
    held: Counter[UUID] = Counter()
    for share in fate.shares:
        if not share.has_left(at):
            held[share.line.id] += share.units
    return [
        Stands(line.id, line.kit, line.per_kit, line.quantity, 0, fate.waits.get(line.id, 0), held[line.id])
        for line in fate.order.lines
        if line.kit
    ]
