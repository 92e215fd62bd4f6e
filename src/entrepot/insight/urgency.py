"""What waiting with a work item is expected to cost: what is at stake, times the chance that it misses its time.
Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple
from uuid import UUID

VERSION = "value times chance 1"
POINTS_MAX = 100
"""The highest priority that is suggested."""
SUGGESTED_MAX = 50


class Waiting(NamedTuple):
    """An unfinished item in its queue. `value_minor` is None where nobody knows what is at stake; `place` is its place
    in the whole queue, where only a part of it is looked at."""

    id: UUID
    type: str
    opened_at: datetime
    due_at: datetime
    ranked_at: datetime
    points: int
    value_minor: int | None
    place: int = 0


class Closed(NamedTuple):
    """An item that was finished: after how many hours, and how many it had."""

    type: str
    hours: float
    allowed: float
    value_minor: int | None

    @property
    def is_late(self) -> bool:
        return self.hours > self.allowed


@dataclass(frozen=True, slots=True)
class Cost:
    """The sum: of `of` items of the type that were open as long, `late` were open longer than this one has in all."""

    item: Waiting
    value_minor: int
    is_known: bool
    age_hours: float
    late: int
    of: int
    chance: float

    @property
    def cost_minor(self) -> int:
        return round(self.value_minor * self.chance)


def chance(durations: Sequence[float], age: float, allowed: float) -> tuple[int, int, float]:
    """Of finished items of a type, in order of how long they took: how many took longer than is allowed, of how many
    that took longer than this one has; and the chance that comes of it, with one more of each kind. What is late has
    missed its time."""
    left = len(durations) - bisect_right(durations, age)
    if age >= allowed:
        return left, left, 1.0
    late = len(durations) - bisect_right(durations, allowed)
    return late, left, (late + 1) / (left + 2)


def durations_of(closed: Sequence[Closed]) -> dict[str, list[float]]:
    """How long items of each type took, in order."""
    found: dict[str, list[float]] = {}
    for one in sorted(closed, key=lambda each: each.hours):
        found.setdefault(one.type, []).append(one.hours)
    return found


def costs(
    waiting: Sequence[Waiting], durations: Mapping[str, Sequence[float]], at: datetime, unknown_minor: int
) -> list[Cost]:
    """The expected cost of each, the dearest first; of equals what is due first."""
    return sorted((cost_of(one, durations, at, unknown_minor) for one in waiting), key=order_of)


def cost_of(one: Waiting, durations: Mapping[str, Sequence[float]], at: datetime, unknown_minor: int) -> Cost:
    """The expected cost of one."""
    age, allowed = _hours(at - one.opened_at), _hours(one.due_at - one.opened_at)
    late, of, share = chance(durations.get(one.type, ()), age, allowed)
    value = unknown_minor if one.value_minor is None else one.value_minor
    return Cost(one, value, one.value_minor is not None, age, late, of, share)


def order_of(one: Cost) -> tuple[int, datetime, str]:
    """Where it stands among others."""
    return (-one.cost_minor, one.item.due_at, str(one.item.id))


def behind(found: Sequence[Cost], last: Cost | None) -> list[Cost]:
    """Those that come after one, whether or not it stands among them still."""
    return [one for one in found if last is None or order_of(one) > order_of(last)]


def _hours(span: timedelta) -> float:
    return span.total_seconds() / 3600


class Raise(NamedTuple):
    """An item that should be looked at earlier than its place in the queue says."""

    cost: Cost
    priority: int
    place: int
    place_now: int


def raises(dearest: Sequence[Cost]) -> list[Raise]:
    """Items of the dearest third that stand behind the first third of the queue, with the priority that takes them
    there; none where no priority does."""
    queue = sorted((one.item for one in dearest), key=lambda one: (one.ranked_at, one.due_at, str(one.id)))
    third = len(queue) // 3
    if not third:
        return []
    now = {one.id: place for place, one in enumerate(queue, 1)}
    edge = queue[third - 1].ranked_at
    found = []
    for place, one in enumerate(dearest[:third], 1):
        needed = min(POINTS_MAX, ceil(_hours(one.item.opened_at - edge)))
        if now[one.item.id] > third and needed > one.item.points:
            found.append(Raise(one, needed, place, max(now[one.item.id], one.item.place)))
    return found[:SUGGESTED_MAX]


class Tried(NamedTuple):
    """How often what was late later stood in the dearest third when it was opened; by chance it is a third."""

    late: int
    caught: int

    @property
    def share(self) -> float | None:
        return self.caught / self.late if self.late else None


def backtest(closed: Sequence[Closed], unknown_minor: int) -> Tried:
    """The later half of finished items (in the order in which they come) ranked by what the earlier half tells."""
    half = len(closed) // 2
    durations = durations_of(closed[:half])

    def cost(one: Closed) -> float:
        value = unknown_minor if one.value_minor is None else one.value_minor
        return value * chance(durations.get(one.type, ()), 0.0, one.allowed)[2]

    later = sorted(closed[half:], key=cost, reverse=True)
    third = -(-len(later) // 3)
    return Tried(sum(one.is_late for one in later), sum(one.is_late for one in later[:third]))
