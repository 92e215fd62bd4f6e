"""Days on which far more or less of a SKU was asked for than usual. Pure.

A day is compared with the same weekdays of the weeks before. Where a day sells many, what is usual is their median and
how far days are from it (MAD); where it sells few, the chance of so many by a Poisson whose mean is itself known from
those weeks only. Of many SKUs some are far off by chance: the bound of Benjamini and Hochberg keeps those to a share of
what is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, log1p, pi, sqrt
from statistics import median
from typing import NamedTuple
from uuid import UUID

VERSION = "weekday medians 1"
MANY = 30
"""Units a day from which on a day is compared with the median of its weekdays."""
DEVIATIONS = 1.4826
"""A MAD in standard deviations of a normal."""
SPIKES = 2
"""Days of the history that may be spikes: they count as the next highest."""


class Series(NamedTuple):
    """Units of a SKU in a channel by day, the last day the one that is looked at; whole weeks before it."""

    sku: UUID
    channel: str
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A day that was far from what was expected. `by` is what it was compared by, `spread` one deviation of it,
    `chance`
    that it would be as far off by itself, and `doubt` the share of chance among all that are at least as far off."""

    sku: UUID
    channel: str
    seen: int
    expected: float
    spread: float
    by: str
    chance: float
    doubt: float

    @property
    def is_surge(self) -> bool:
        return self.seen > self.expected


def whole_weeks(units: Sequence[int]) -> bool:
    return len(units) > 7 and (len(units) - 1) % 7 == 0


def weekday_factors(all_: Iterable[Series]) -> list[float]:
    """How much of the usual day is sold on each day of the week, counted back from the day looked at (its own weekday
    first), over all SKUs; the day itself is left out."""
    sums = [0.0] * 7
    days = [0] * 7
    for one in all_:
        last = len(one.units) - 1
        for place, units in enumerate(one.units[:-1]):
            sums[(last - place) % 7] += units
            days[(last - place) % 7] += 1
    means = [total / many if many else 0.0 for total, many in zip(sums, days, strict=True)]
    usual = sum(means) / 7
    return [one / usual if usual else 1.0 for one in means]


def anomalies(
    all_: Sequence[Series], *, false_share_max: float = 0.05, deviation_min: float = 0.5
) -> list[Found]:
    """Anomalies of the last day, the surest first."""
    factors = weekday_factors(all_)
    looked = [_look(one, factors) for one in all_ if whole_weeks(one.units)]
    doubts = doubted([one.chance for one in looked])
    found = [
        Found(*_facts(one), doubt)
        for one, doubt in zip(looked, doubts, strict=True)
        if doubt <= false_share_max and abs(one.seen - one.expected) >= deviation_min * one.expected
    ]
    return sorted(found, key=lambda one: (one.doubt, one.chance, str(one.sku), one.channel))


def _facts(one: Found) -> tuple[UUID, str, int, float, float, str, float]:
    return one.sku, one.channel, one.seen, one.expected, one.spread, one.by, one.chance


def _look(one: Series, factors: Sequence[float]) -> Found:
    same = [one.units[place] for place in range((len(one.units) - 1) % 7, len(one.units) - 1, 7)]
    usual = median(same)
    if usual >= MANY:
        return _by_median(one, usual, len(same))
    return _by_few(one, factors)


def _by_median(one: Series, usual: float, weeks: int) -> Found:
    past = one.units[:-1]
    medians = [median(past[place::7]) for place in range(7)]
    # A weekday on which more is sold varies more: in deviations of a Poisson the days of a week can be compared.
    off = [
        abs(units - medians[place % 7]) / sqrt(max(1, medians[place % 7])) for place, units in enumerate(past)
    ]
    # The medians were fitted to the same days, so these are nearer to them than a new one is.
    own = DEVIATIONS * median(off) * sqrt(weeks / max(1, weeks - 1))
    spread = max(1.0, own) * sqrt(usual) * sqrt(1 + pi / 2 / weeks)
    by = abs(one.units[-1] - usual)
    chance = erfc(by / spread / sqrt(2))
    if by / sqrt(usual) <= max(off):
        chance = max(chance, 1 / len(off))  # it was as far off before
    return Found(one.sku, one.channel, one.units[-1], float(usual), spread, "median", min(1.0, chance), 0.0)


def _by_few(one: Series, factors: Sequence[float]) -> Found:
    last = len(one.units) - 1
    highest = sorted(one.units[:-1], reverse=True)[SPIKES]
    past = [min(units, max(1, highest)) for units in one.units[:-1]]
    total = sum(past)
    exposure = sum(factors[(last - place) % 7] for place in range(last))
    today = factors[0] or 1 / 7
    mean = total / exposure if exposure else 0.0
    expected = mean * today
    dispersion = _dispersion(past, [mean * factors[(last - place) % 7] for place in range(last)])
    shape, odds = (total + 0.5) / dispersion, today / max(exposure, 1.0)
    seen = one.units[-1]
    if seen > expected:
        tail = at_least(int(-(-seen // dispersion)), shape, odds)
    else:
        tail = at_most(int(seen // dispersion), shape, odds)
    return Found(
        one.sku, one.channel, seen, expected, sqrt(max(expected, 0.0) * dispersion), "Poisson",
        min(1.0, 2 * tail), 0.0,
    )  # fmt: skip


def _dispersion(past: Sequence[int], expected: Sequence[float]) -> float:
    """How many times a Poisson's variance the days have; 1 at least."""
    total = sum(expected)
    if not total:
        return 1.0
    squares = sum((units - one) ** 2 for units, one in zip(past, expected, strict=True))
    return max(1.0, squares / total)


def at_least(units: int, shape: float, odds: float) -> float:
    """The chance of so many units or more, where their mean is a gamma of this shape and scale `odds`."""
    if units <= 0:
        return 1.0
    term = _mass(units, shape, odds)
    total, place, ratio = 0.0, units, odds / (1 + odds)
    while term > total * 1e-12 and term > 0:
        total += term
        term *= (place + shape) / (place + 1) * ratio
        place += 1
    return min(1.0, total)


def at_most(units: int, shape: float, odds: float) -> float:
    """The chance of so many units or fewer."""
    return min(1.0, sum(_mass(one, shape, odds) for one in range(units + 1)))


def _mass(units: int, shape: float, odds: float) -> float:
    ways = lgamma(units + shape) - lgamma(shape) - lgamma(units + 1)
    return exp(ways + units * (log(odds) - log1p(odds)) - shape * log1p(odds))


def doubted(chances: Sequence[float]) -> list[float]:
    """For each chance the least share of false ones at which it is told among all (Benjamini and Hochberg)."""
    order = sorted(range(len(chances)), key=lambda place: chances[place], reverse=True)
    found, least = [1.0] * len(chances), 1.0
    for rank, place in enumerate(order):
        least = min(least, chances[place] * len(chances) / (len(chances) - rank))
        found[place] = least
    return found


def told_by_stock(found: Found, stocked_out: Mapping[tuple[UUID, str], bool]) -> bool:
    """Whether a silence has a plain cause: there was none to sell on that day."""
    return not found.is_surge and stocked_out.get((found.sku, found.channel), False)
