"""When a carrier collects what is labeled for it, and what it left behind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from entrepot.kernel.shapes import shape
from entrepot.network.rules import Calendar, last_cut_off


@shape("shipping.collecting", missed_after_minutes=(0, 1_440))
@dataclass(frozen=True, slots=True)
class Collecting:
    """`missed_after_minutes`: how long after its cut-off a carrier may come before what waits for it counts as left
    behind."""

    missed_after_minutes: int = 120


def passed(
    now: datetime,
    time_zone: str,
    calendar: Calendar,
    own: Mapping[int, time] | None,
    policy: Collecting,
) -> datetime | None:
    """The cut-off of the last collection of a carrier at a node that is over: what was labeled by then and waits still,
    was left behind. `own` are the carrier's cut-offs there; without, those of the node count."""
    over = now - timedelta(minutes=policy.missed_after_minutes)
    return last_cut_off(over, time_zone, calendar.of(own) if own else calendar)
