"""How many people a step will need in a shift to come, by what it took in the same shifts before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from entrepot.warehouse.labor import Shift, shift_of

VERSION = "weekday medians 1"
AHEAD = 7
"""Days that are told ahead."""
WEEKS_MIN = 3
"""The same weekdays that a forecast needs."""
WITHIN = 0.8
"""The share of past errors that the interval holds."""


class Spent(NamedTuple):
    """Seconds that a step took at a node in a quarter of an hour of its clock."""

    node: str
    step: str
    day: date
    clock: time
    seconds: float


class Crew(NamedTuple):
    """A step of a shift at a node."""

    node: str
    step: str
    shift: str


def by_crew(
    found: Sequence[Spent], shifts: Mapping[str, Mapping[str, Shift]]
) -> dict[Crew, dict[date, float]]:
    """Seconds by crew and the day on which its shift began; what was done in no shift is left out."""
    sums: dict[Crew, dict[date, float]] = {}
    for one in found:
        name = shift_of(one.clock, shifts[one.node])
        if not name:
            continue
        shift = shifts[one.node][name]
        is_after_midnight = shift.begins >= shift.ends and one.clock < shift.ends
        day = one.day - timedelta(days=1) if is_after_midnight else one.day
        of = sums.setdefault(Crew(one.node, one.step, name), {})
        of[day] = of.get(day, 0.0) + one.seconds
    return sums


def seconds_of(shift: Shift) -> int:
    """How long a shift is by the clock; one that begins when it ends is a day."""
    begins, ends = (one.hour * 3600 + one.minute * 60 + one.second for one in (shift.begins, shift.ends))
    return ends - begins if begins < ends else ends - begins + 86_400


def over_until(at: datetime, shift: Shift, zone: ZoneInfo) -> date:
    """The first day of which the shift is not told yet: today, and yesterday too while one through midnight goes on."""
    today = at.astimezone(zone).date()
    goes_on = shift.begins >= shift.ends and at < datetime.combine(today, shift.ends, zone)
    return today - timedelta(days=1) if goes_on else today


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a crew will need on a day: seconds, and people with the interval that past errors leave.

    `days` are what the same weekdays took, the latest first; `error` is the share of the work that past forecasts were
    off by (WAPE), over `tried` days.
    """

    crew: Crew
    day: date
    seconds: float
    people: int
    low: int
    high: int
    days: tuple[int, ...]
    error: float
    tried: int

    @property
    def confidence(self) -> float:
        return max(0.0, min(1.0, 1 - self.error))


def expected(days: Mapping[date, float], day: date, before: date, weeks: int) -> tuple[float, ...]:
    """What the same weekdays before a day took, the latest first; a day of the history without work took nothing."""
    first = min(days)
    same = (day - timedelta(days=7 * n) for n in range(1, weeks + 2))
    return tuple(days.get(one, 0.0) for one in same if first <= one < before)[:weeks]


def errors(days: Mapping[date, float], until: date, weeks: int) -> list[tuple[float, float]]:
    """What forecasts of the last two weeks would have said, each by what was known a week before, and what came."""
    found = []
    for n in range(1, 15):
        day = until - timedelta(days=n)
        known = expected(days, day, day - timedelta(days=AHEAD - 1), weeks) if day >= min(days) else ()
        if len(known) >= WEEKS_MIN:
            found.append((median(known), days.get(day, 0.0)))
    return found


def wape(tried: Sequence[tuple[float, float]]) -> float | None:
    """By how much of all that came forecasts were off; None where nothing came."""
    came = sum(one for _, one in tried)
    return sum(abs(said - one) for said, one in tried) / came if came else None


def forecasts(
    crew: Crew, days: Mapping[date, float], today: date, weeks: int, shift: Shift, until: date
) -> list[Forecast]:
    """The days ahead on which a crew will have work, as far as history tells; of days from `until` on it does not."""
    if not days:
        return []
    tried = errors(days, until, weeks)
    off = wape(tried)
    if off is None:
        return []
    within = _within(sorted(abs(said - came) for said, came in tried))
    whole = seconds_of(shift)
    found = []
    for n in range(1, AHEAD + 1):
        day = today + timedelta(days=n)
        known = expected(days, day, until, weeks)
        seconds = median(known) if len(known) >= WEEKS_MIN else 0.0
        if seconds:
            low, high = ceil(max(0.0, seconds - within) / whole), ceil((seconds + within) / whole)
            people = ceil(seconds / whole)
            told = tuple(round(one) for one in known)
            found.append(Forecast(crew, day, seconds, people, low, high, told, off, len(tried)))
    return found


def _within(off: Sequence[float]) -> float:
    return off[min(len(off) - 1, ceil(WITHIN * len(off)) - 1)]
