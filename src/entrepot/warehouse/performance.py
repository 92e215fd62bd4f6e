"""How each person gets on today, against the time that their work should take. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from entrepot.network.rules import local_day
from entrepot.warehouse.labor import STEPS, Standard


class Worked(NamedTuple):
    """What somebody did of a step, timed from the report before each task; `last_at` is when they reported it last."""

    person: str
    step: str
    tasks: int
    lines: int
    units: int
    pieces: int
    meters: int
    seconds: float
    last_at: datetime


class AtHand(NamedTuple):
    """What somebody has taken and not finished: lists, and the stops that are open on them."""

    lists: int
    stops: int


@dataclass(frozen=True, slots=True)
class Performance:
    """What a person did of a step today. `norm_s` is how long it should have taken; None where nobody knows.
    `reported_at` is when they last reported anything at all, None: not today."""

    person: str
    step: str
    tasks: int
    lines: int
    units: int
    seconds: int
    norm_s: int | None
    lists: int
    stops: int
    reported_at: datetime | None

    @property
    def tasks_an_hour(self) -> float:
        return self.tasks * 3600 / self.seconds if self.seconds else 0.0

    @property
    def lines_an_hour(self) -> float:
        return self.lines * 3600 / self.seconds if self.seconds else 0.0

    @property
    def units_an_hour(self) -> float:
        return self.units * 3600 / self.seconds if self.seconds else 0.0

    @property
    def norm_percent(self) -> float | None:
        """The time that it should have taken, in percent of what it took: above 100 is quicker than the norm."""
        return self.norm_s * 100 / self.seconds if self.norm_s is not None and self.seconds else None


def day_began(at: datetime, time_zone: str) -> datetime:
    """When the day began that it is somewhere at a moment."""
    return datetime.combine(local_day(at, time_zone), time(), ZoneInfo(time_zone))


def performances(
    worked: Iterable[Worked],
    norms: Mapping[str, Standard],
    at_hand: Mapping[str, AtHand],
    reported: Mapping[str, datetime],
) -> list[Performance]:
    """By person and step, in the order of names and steps; whoever has something at hand and did nothing yet has one
    row with no step."""
    rows = sorted(worked, key=lambda one: (one.person, STEPS.index(one.step)))
    found = [_performance(one, norms, at_hand, reported) for one in rows]
    idle = sorted(at_hand.keys() - {one.person for one in rows})
    found += [
        Performance(person, "", 0, 0, 0, 0, None, *at_hand[person], reported.get(person)) for person in idle
    ]
    return sorted(found, key=lambda one: one.person)


def _performance(
    one: Worked,
    norms: Mapping[str, Standard],
    at_hand: Mapping[str, AtHand],
    reported: Mapping[str, datetime],
) -> Performance:
    norm = norms.get(one.step)
    norm_s = round(norm.seconds(one.tasks, one.lines, one.pieces, one.meters)) if norm else None
    lists, stops = at_hand.get(one.person, AtHand(0, 0))
    last = max(one.last_at, reported.get(one.person, one.last_at))
    return Performance(
        one.person, one.step, one.tasks, one.lines, one.units, round(one.seconds), norm_s, lists, stops, last
    )
