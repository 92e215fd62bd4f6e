"""Days on which far more or less of a SKU was asked for than usual. Pure.

A day is compared with the same weekdays of the weeks before. Where a day sells many, what is usual is their median and
how far days are from it (MAD); where it sells few, the chance of so many by a Poisson whose mean is itself known from
those weeks only. What days of the house are as unlikely more often than that says, is as likely as they are often. Of
many SKUs some are far off by chance: the bound of Benjamini and Hochberg keeps those to a share of what is told.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    `chance` that it would be as far off by itself, and `doubt` the share of chance among all that are at least as far
    off."""

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
    usual = [(one, _usual(one, factors)) for one in all_ if whole_weeks(one.units)]
    chances = as_often_before(
        [how.chance(one.units[-1], 0) for one, how in usual],
        sorted(chance for one, how in usual for chance in _before(one, how)),
    )
    found = [
        Found(one.sku, one.channel, one.units[-1], how.expected, how.spread, how.by, chance, doubt)
        for (one, how), chance, doubt in zip(usual, chances, doubted(chances), strict=True)
        if doubt <= false_share_max and abs(one.units[-1] - how.expected) >= deviation_min * how.expected
    ]
    return sorted(found, key=lambda one: (one.doubt, one.chance, str(one.sku), one.channel))


def as_often_before(chances: Sequence[float], before: Sequence[float]) -> list[float]:
    """Chances as often as they came before, where that is more often than was reckoned: of all days of all SKUs (in
    order) the share that was as unlikely. What sells in fits and starts is no anomaly every day."""
    return [max(one, (1 + bisect_right(before, one)) / (1 + len(before))) for one in chances]


class _Usual(NamedTuple):
    """What is usual for a series: what is expected of the day looked at, how far days are from it, by which reckoning,
    and how likely so many units are on a weekday (0 is that of the day looked at, 1 the one before)."""

    expected: float
    spread: float
    by: str
    chance: Callable[[int, int], float]


def _before(one: Series, how: _Usual) -> Iterable[float]:
    """How likely each day before was, by what is usual."""
    last = len(one.units) - 1
    days = Counter((units, (last - place) % 7) for place, units in enumerate(one.units[:-1]))
    for (units, weekday), many in days.items():
        yield from [how.chance(units, weekday)] * many


def _usual(one: Series, factors: Sequence[float]) -> _Usual:
    last = len(one.units) - 1
    medians = [median(one.units[(last - weekday) % 7 : last : 7]) for weekday in range(7)]
    if medians[0] >= MANY:
        return _by_median(one, medians, last // 7)
    return _by_few(one, factors)


def _by_median(one: Series, medians: Sequence[float], weeks: int) -> _Usual:
    last = len(one.units) - 1
    # A weekday on which more is sold varies more: in deviations of a Poisson the days of a week can be compared.
    off = [
        abs(units - medians[(last - place) % 7]) / sqrt(max(1, medians[(last - place) % 7]))
        for place, units in enumerate(one.units[:-1])
    ]
    # The medians were fitted to the same days, so these are nearer to them than a new one is.
    own = DEVIATIONS * median(off) * sqrt(weeks / max(1, weeks - 1))
    wide = max(1.0, own) * sqrt(1 + pi / 2 / weeks)

    def chance(units: int, weekday: int) -> float:
        usual = medians[weekday]
        return erfc(abs(units - usual) / (wide * sqrt(max(1, usual))) / sqrt(2))

    return _Usual(float(medians[0]), wide * sqrt(medians[0]), "median", chance)


def _by_few(one: Series, factors: Sequence[float]) -> _Usual:
    last = len(one.units) - 1
    highest = sorted(one.units[:-1], reverse=True)[SPIKES]
    past = [min(units, max(1, highest)) for units in one.units[:-1]]
    total = sum(past)
    exposure = sum(factors[(last - place) % 7] for place in range(last))
    mean = total / exposure if exposure else 0.0
    dispersion = _dispersion(past, [mean * factors[(last - place) % 7] for place in range(last)])
    shape = (total + 0.5) / dispersion

    def chance(units: int, weekday: int) -> float:
        share = factors[weekday] or 1 / 7
        odds = share / max(exposure, 1.0)
        if units > mean * share:
            return min(1.0, 2 * at_least(int(-(-units // dispersion)), shape, odds))
        return min(1.0, 2 * at_most(int(units // dispersion), shape, odds))

    expected = mean * (factors[0] or 1 / 7)
    return _Usual(expected, sqrt(expected * dispersion), "Poisson", chance)


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
