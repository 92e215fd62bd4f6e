"""Decisions about stock: what is free for a channel, who is displaced, what needs approval. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from typing import NamedTuple
from uuid import UUID

TRANSFER_DAYS = 3
"""Days in which a transfer is expected where nobody says when."""


def free_units(sellable: int, promised: int, safety: int, fenced_for_others: int, buffer: int = 0) -> int:
    """Units of one position that a channel may still promise; never negative.

    `promised` is reserved + allocated. Each position is cut off at zero before positions are summed: the shortage
    of one node must not hide what another can serve, nor be hidden by it.
    """
    return max(0, net_units(sellable, promised, safety, fenced_for_others, buffer))


def net_units(sellable: int, promised: int, safety: int, fenced_for_others: int, buffer: int = 0) -> int:
    """As `free_units`, but below zero where more is kept back than is there: what arrives fills that gap first."""
    return sellable - promised - safety - fenced_for_others - buffer


def whole_kits(components: Iterable[tuple[int, int]]) -> int:
    """Kits that components make, of each so many units and so many of them in one kit."""
    return min(units // per_kit for units, per_kit in components)


def shown_units(free: int, threshold: int, at_most: int) -> int:
    """What a channel is shown of its free units: none below its threshold, never more than its cap (0: no cap)."""
    if free < max(1, threshold):
        return 0
    return min(free, at_most) if at_most else free


def may_hold(
    parts: Iterable[tuple[int, int]], threshold: int, at_most: int, ahead: tuple[int, int] | None = None
) -> int:
    """Of what a cart asks for, the most that it may hold: what its channel is shown. `parts` are the free units and
    those in one of each component of a kit, or the free units and 1.

    `ahead`: of a SKU that ships later, (units sold already, its limit; 0: none). What stands on the shelf may be held
    for the day, within the limit.
    """
    most = shown_units(whole_kits(parts), threshold, at_most)
    if ahead is None or not ahead[1]:
        return most
    sold, limit = ahead
    return min(most, max(0, limit - sold))


def urgency(
    priority: int, promise_at: datetime | None, ordered_at: datetime, *ids: UUID
) -> tuple[int, datetime, datetime, *tuple[UUID, ...]]:
    """Who is served first where not all can be: higher priority, earlier promised date, earlier order, id."""
    return (-priority, promise_at or _NEVER, ordered_at, *ids)


_NEVER = datetime.max.replace(tzinfo=UTC)


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

    What is not released first, and of that the least urgent.
    """
    freed = []
    least_urgent = sorted(promises, key=_urgency, reverse=True)
    for promise in sorted(least_urgent, key=lambda promise: promise.released):
        if shortage <= 0:
            break
        units = min(shortage, promise.quantity)
        freed.append((promise, units))
        shortage -= units
    return freed


def _urgency(promise: Promise) -> tuple[object, ...]:
    return urgency(promise.priority, promise.promise_at, promise.ordered_at, promise.allocation)


def take_from_fence(quantity: int, own_remaining: int) -> int:
    """Units of a promise that come out of the channel's own ring-fence: its own share is used first."""
    return min(quantity, own_remaining)


@dataclass(slots=True)
class Position:
    """What a position still has to give, kept up to date while a batch is decided."""

    free: int  # sellable − promised − safety, before ring-fences
    fenced: int
    fences: dict[UUID, int]  # what is left of the ring-fence of each channel

    def free_for(self, channel: UUID) -> int:
        """Units that the channel may promise here."""
        others = self.fenced - self.fences.get(channel, 0) if self.fenced else 0
        return max(0, self.free - others)

    def take(self, channel: UUID, quantity: int) -> int:
        """Promise units to the channel; returns how many came out of its ring-fence."""
        fenced = take_from_fence(quantity, self.fences.get(channel, 0)) if self.fences else 0
        if fenced:
            self.fences[channel] -= fenced
            self.fenced -= fenced
        self.free -= quantity
        return fenced

    def give_back(self, channel: UUID, quantity: int, fenced: int) -> None:
        """Units that were promised to the channel are free again, those of its ring-fence in there."""
        self.free += quantity
        if fenced:
            self.fences[channel] = self.fences.get(channel, 0) + fenced
            self.fenced += fenced

    def take_back(self, channel: UUID, quantity: int, fenced: int) -> None:
        """What `give_back` made free is promised again just as it was: units that were not of a ring-fence take
        nothing of it now."""
        self.give_back(channel, -quantity, -fenced)


Positions = dict[tuple[UUID, UUID], Position]


def needs_approval(much: int, most: int | None) -> bool:
    """Whether an adjustment of this value, or of so many units, waits for another person. None: no limit."""
    return most is not None and abs(much) > most


class Stands(NamedTuple):
    """Units of goods in a bin: sellable ones or of another status, and those that are being looked for.

    `then` is when the bin was counted, `now` when the count is posted; picks have a claim on `claimed` of `now`.
    """

    then: int
    lost_then: int
    now: int
    lost_now: int
    claimed: int


class Correction(NamedTuple):
    """What makes the records right: units that turned up, that are found again, and that are gone; `left` can't be
    taken, because picks have a claim on them."""

    found: int = 0
    found_again: int = 0
    gone_lost: int = 0
    gone: int = 0
    left: int = 0

    @property
    def units(self) -> int:
        return self.found - self.gone_lost - self.gone


def correct(counted: int, stands: Stands) -> Correction:
    """The correction of now by what was counted then: what moved in between stays as it is.

    What is missing is taken from what is being looked for first. What is being looked for and was not missing is there.
    """
    difference = counted - stands.then - stands.lost_then
    missing = max(0, -difference)
    gone_lost = min(stands.lost_now, missing)
    gone = min(missing - gone_lost, stands.now - stands.claimed)
    again = max(0, min(stands.lost_then, stands.lost_now) - gone_lost)
    return Correction(max(0, difference), again, gone_lost, gone, missing - gone_lost - gone)


def sold_ahead(shown: Sequence[int], first: int, sold: int, limit: int) -> tuple[int, ...]:
    """What a channel is shown by day of a SKU that ships from the day `first` on: nothing before, and then no more than
    the limit leaves beside what was sold (0: no limit)."""
    left = max(0, limit - sold)
    return tuple(
        0 if day < first else min(units, left) if limit else units for day, units in enumerate(shown)
    )


def layers(units: int, receipts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is in stock by age: (days, units), from (days ago, units) of receipts. The last that came are there still;
    what no receipt tells is as old as the first one."""
    found: list[tuple[int, int]] = []
    left = units
    for days, came in sorted(receipts):
        if taken := min(left, came):
            found.append((days, taken))
            left -= taken
    if left:
        found.append((max((days for days, _ in receipts), default=0), left))
    return found


def by_age(found: Iterable[tuple[int, int]], edges: Sequence[int]) -> list[int]:
    """Units by span of age; each edge begins a span, and the first begins at no days."""
    units_of = [0] * (len(edges) + 1)
    for days, units in found:
        units_of[bisect_right(edges, days)] += units
    return units_of


def shares(value_minor: int, parts: Sequence[int]) -> list[int]:
    """A value shared by units so that the shares are the value again."""
    whole, sums = sum(parts) or 1, list(accumulate(parts, initial=0))
    cuts = [value_minor * one // whole for one in sums]
    return [after - before for before, after in pairwise(cuts)]


Dated = tuple[int, int]
"""A day, counted from today, and the units expected on it."""


def promise_by_day(
    nodes: Sequence[tuple[int, Sequence[Dated]]], demand: Sequence[Dated], days: int
) -> list[int]:
    """ATP by day over several nodes, each with its net units of today and what it expects to arrive: the least
    projected stock from that day on, so that no later promise is broken. Below zero it is a shortage to act on.

    A node below zero is filled by what arrives there before it counts, and hides nothing that another has. A supply
    that did not come on its day drops out: nobody knows when it will. Demand that is overdue is still owed, today.
    """
    projected = [0] * days
    for net, supply in nodes:
        arriving = _by_day(supply, days)
        for day, units in enumerate(list(accumulate(arriving, initial=net))[1:]):
            projected[day] += max(0, units)
    owed = _by_day([(max(0, day), units) for day, units in demand], days)
    left = [units - due for units, due in zip(projected, accumulate(owed), strict=True)]
    return list(accumulate(reversed(left), min))[::-1]


def _by_day(expected: Sequence[Dated], days: int) -> list[int]:
    units_of = [0] * days
    for day, units in expected:
        if 0 <= day < days:
            units_of[day] += units
    return units_of


def levels(nets: Mapping[date, int], since: date, until: date) -> list[tuple[date, int]]:
    """What there was at the end of each day, from what came less what went on each; all before counts to the first."""
    found, level = [], 0
    for i in range((until - since).days + 1):
        day = since + timedelta(days=i)
        level += nets.get(day, 0)
        found.append((day, level))
    return found


def classes(figures: Mapping[UUID, int], a_percent: int, b_percent: int) -> dict[UUID, str]:
    """A to C by what comes before a SKU in the order of the figures: the first is an A, one without a figure a C."""
    whole = sum(figures.values())
    found, before = {}, 0
    for sku, figure in sorted(figures.items(), key=lambda one: (-one[1], one[0])):
        if not figure:
            found[sku] = "C"
        elif before * 100 < a_percent * whole:
            found[sku] = "A"
        else:
            found[sku] = "B" if before * 100 < b_percent * whole else "C"
        before += figure
    return found
