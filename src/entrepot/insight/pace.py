"""How fast orders go through each status: what came in and went out lately, how long what stands there will take, and
where most is waited for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from entrepot.insight import order_filters
from entrepot.kernel import sql

ORDERS_MIN = 3
"""Orders from which a status can be the bottleneck: of one or two nobody knows yet how fast they go."""
STOOD_MIN = timedelta(hours=1)
"""For how long half of them stand there at least: what has just come does not pile up."""
LEAVERS_MIN = 0.5
"""What is taken to have left a status that nothing left: so much is as likely as not where none was seen to leave. It
makes a long wait, and not an endless one that would stand before every other."""


class Passed(NamedTuple):
    """How many orders came into a status and went out of it, within a time."""

    status: str
    came: int
    went: int


class Pace(NamedTuple):
    """`hours` is how long the orders that stand there take to leave at the pace at which others left. By Little's law
    it is what an order waits there."""

    came: int
    went: int
    hours: float


class Standing(NamedTuple):
    """Orders that stand in a status, and for how long half of them have stood there at least."""

    orders: int
    stood: timedelta


STILL = Pace(0, 0, 0.0)


def passed(
    *, company: int, since: datetime, until: datetime, nodes: Collection[str] = (), channel: str = ""
) -> list[Passed]:
    """What was recorded of orders that changed their status; of those of some nodes or a channel, by their codes.
    1 statement."""
    narrowed = order_filters.narrowed(nodes, channel)
    params = {"company": company, "since": since, "until": until, "nodes": list(nodes), "channel": channel}
    # What is narrowed is looked up in the orders; what is not never touches them.
    within = f"AND subject_id IN (SELECT o.id FROM orders_order AS o WHERE {narrowed})" if narrowed else ""
    return [Passed(*row) for row in sql.run(_PASSED.format(within=within), params)]


def paces(standing: Mapping[str, int], moved: Iterable[Passed], hours: float) -> dict[str, Pace]:
    """The pace of each status that orders stand in or passed within so many `hours`."""
    known = {one.status: one for one in moved}
    return {
        status: Pace(one.came, one.went, standing.get(status, 0) * hours / max(one.went, LEAVERS_MIN))
        for status in {*standing, *known}
        for one in [known.get(status, Passed(status, 0, 0))]
    }


def bottleneck(
    standing: Mapping[str, Standing], found: Mapping[str, Pace], among: Iterable[str]
) -> str | None:
    """Of the statuses in which enough orders have stood for long enough, the one in which they will wait longest all
    together: their number times the hours until they are gone. None where no status has enough."""
    enough = [
        one
        for one in among
        if (there := standing.get(one)) and there.orders >= ORDERS_MIN and there.stood >= STOOD_MIN
    ]
    return max(enough, key=lambda one: standing[one].orders * found.get(one, STILL).hours, default=None)


# An order that came back to a status within the time came and went twice.
_PASSED = """
WITH moved AS (
    SELECT state_before, state_after FROM kernel_event
    WHERE recorded_at >= %(since)s::timestamptz AND recorded_at <= %(until)s::timestamptz
      AND company_id = %(company)s::smallint AND subject_kind = 'order' AND state_before <> state_after {within}
)
SELECT status, sum(came)::int, sum(went)::int
FROM (SELECT state_after AS status, 1 AS came, 0 AS went FROM moved
      UNION ALL SELECT state_before, 0, 1 FROM moved) AS m
WHERE status <> '' GROUP BY status ORDER BY status
"""
