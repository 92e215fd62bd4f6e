"""Decisions about stock: what is free for a channel, who is displaced, what needs approval. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


def free_units(sellable: int, promised: int, safety: int, fenced_for_others: int, buffer: int = 0) -> int:
    """Units of one position that a channel may still promise; never negative.

    `promised` is reserved + allocated. Each position is cut off at zero before positions are summed: the shortage
    of one node must not hide what another can serve, nor be hidden by it.
    """
    return max(0, sellable - promised - safety - fenced_for_others - buffer)


@dataclass(frozen=True, slots=True)
class Promise:
    """A live allocation, as the choice of who loses it sees it."""

    allocation: UUID
    quantity: int
    released: bool
    priority: int
    promise_at: datetime | None
    ordered_at: datetime


def displace(promises: Iterable[Promise], shortage: int) -> list[tuple[Promise, int]]:
    """Which promises are freed, and by how many units, when `shortage` units are no longer there.

    The least urgent first: what is not released, then lower priority, later (or no) promised date, later order, id.
    """
    freed = []
    for promise in sorted(promises, key=_urgency):
        if shortage <= 0:
            break
        units = min(shortage, promise.quantity)
        freed.append((promise, units))
        shortage -= units
    return freed


def _urgency(promise: Promise) -> tuple[object, ...]:
    promised = promise.promise_at
    return (
        promise.released, promise.priority, promised is not None, -promised.timestamp() if promised else 0.0,
        -promise.ordered_at.timestamp(), -promise.allocation.int,
    )  # fmt: skip


def take_from_fence(quantity: int, own_remaining: int) -> int:
    """Units of a promise that come out of the channel's own ring-fence: its own share is used first."""
    return min(quantity, own_remaining)


def needs_approval(value_minor: int, approve_above_minor: int | None) -> bool:
    """Whether an adjustment of this value waits for another person. None: no threshold."""
    return approve_above_minor is not None and abs(value_minor) > approve_above_minor


def available_to_promise(on_hand: int, changes: Sequence[int]) -> list[int]:
    """ATP by period: the least projected stock from that period on, so that no later promise is broken.

    `changes[d]` is supply less demand of period d. Not cut off at zero: a negative answer is a shortage to act on.
    """
    projected, running = [], on_hand
    for change in changes:
        running += change
        projected.append(running)
    promise: list[int] = []
    for quantity in reversed(projected):
        promise.append(min(quantity, promise[-1]) if promise else quantity)
    return promise[::-1]
