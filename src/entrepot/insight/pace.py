"""How fast orders go through each status: what came in and went out lately, how long what stands there will take, and
where they pile up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from entrepot.kernel import sql


class Passed(NamedTuple):
    """How many orders came into a status and went out of it, within a time."""

    status: str
    came: int
    went: int


class Pace(NamedTuple):
    """`hours` is how long the orders that stand there take to leave at the pace at which others left; None where none
    did. By Little's law it is what an order waits there."""

    came: int
    went: int
    hours: float | None

    @property
    def piled(self) -> int:
        return self.came - self.went


STILL = Pace(0, 0, None)


def passed(*, company: int, since: datetime, until: datetime) -> list[Passed]:
    """What was recorded of orders that changed their status. 1 statement."""
    return [Passed(*row) for row in sql.run(_PASSED, {"company": company, "since": since, "until": until})]


def paces(standing: Mapping[str, int], moved: Iterable[Passed], hours: float) -> dict[str, Pace]:
    """The pace of each status that orders stand in or passed within so many `hours`."""
    known = {one.status: one for one in moved}
    return {
        status: Pace(one.came, one.went, standing.get(status, 0) * hours / one.went if one.went else None)
        for status in {*standing, *known}
        for one in [known.get(status, Passed(status, 0, 0))]
    }


def bottleneck(standing: Mapping[str, int], found: Mapping[str, Pace], among: Iterable[str]) -> str | None:
    """Of the statuses in which orders stand and more came than went, the one that takes them longest to leave; where
    two take alike, the one with more that piled up. None where nothing piles up."""
    piling = [one for one in among if standing.get(one) and found.get(one, STILL).piled > 0]
    return max(piling, key=lambda one: (_wait(found[one]), found[one].piled), default=None)


def _wait(one: Pace) -> float:
    return float("inf") if one.hours is None else one.hours


# An order that came back to a status within the time came and went twice.
_PASSED = """
WITH moved AS (
    SELECT state_before, state_after FROM kernel_event
    WHERE recorded_at >= %(since)s::timestamptz AND recorded_at <= %(until)s::timestamptz
      AND company_id = %(company)s::smallint AND subject_kind = 'order' AND state_before <> state_after
)
SELECT status, sum(came)::int, sum(went)::int
FROM (SELECT state_after AS status, 1 AS came, 0 AS went FROM moved
      UNION ALL SELECT state_before, 0, 1 FROM moved) AS m
WHERE status <> '' GROUP BY status ORDER BY status
"""
