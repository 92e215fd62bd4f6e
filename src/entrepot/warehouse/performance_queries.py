"""What is asked of the people of a node today: what each did, has at hand, and what waits before packing."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from entrepot.kernel import policies, sql
from entrepot.network.queries import Node
from entrepot.warehouse import task_times
from entrepot.warehouse.floor_queries import OPEN_LISTS
from entrepot.warehouse.labor import Labor, Standard
from entrepot.warehouse.performance import AtHand, Performance, Worked, day_began, performances
from entrepot.warehouse.waves import Waves

BY_POLICY = ("pick", "pack")
"""Steps of which the policy of waves says how long they take, where nothing was fitted."""


class Before(NamedTuple):
    """What waits before the packing stations of a node: orders and their lines, the first of them to leave, and how
    many stations there are by the policy."""

    orders: int
    lines: int
    leaves_at: datetime | None
    stations: int

    @property
    def for_each(self) -> float:
        return self.orders / self.stations if self.stations else float(self.orders)


def people_of(*, company: int, node: Node, at: datetime) -> list[Performance]:
    """How the people of a node get on since its day began. 6 statements."""
    since = day_began(at, node.time_zone)
    idle_max_s = policies.of_scope(policies.in_force(company, Labor, at), "", Labor()).idle_max_s
    params = {
        "company": company, "since": since, "until": at, "limit": None, "idle": idle_max_s, "of": node.id,
    }  # fmt: skip
    worked = [Worked(*row) for row in sql.run(_WORKED, params)]
    at_hand = {person: AtHand(lists, stops) for person, lists, stops in sql.run(_AT_HAND, params)}
    names = sorted({one.person for one in worked} | at_hand.keys())
    reported: dict[str, datetime] = dict(sql.run(_REPORTED, {**params, "people": names}))  # type: ignore[arg-type]
    return performances(worked, _norms(company, node, at), at_hand, reported)


def before_packing(*, company: int, node: Node, at: datetime) -> Before:
    """What waits to be packed at a node now. 2 statements."""
    policy = policies.of_scope(policies.in_force(company, Waves, at), node.code, Waves())
    orders, lines, leaves_at = sql.run(_BEFORE, {"company": company, "of": node.id})[0]
    return Before(orders, lines, leaves_at, policy.packing_stations)


def _norms(company: int, node: Node, at: datetime) -> dict[str, Standard]:
    policy = policies.of_scope(policies.in_force(company, Waves, at), node.code, Waves())
    norms = {step: task_times.by_policy(step, policy) for step in BY_POLICY}
    fitted = task_times.standards(company=company)
    return norms | {one.step: one.standard for one in fitted if one.node == node.id}


_WORKED = f"""
SELECT actor, step, count(*)::int, sum(lines)::int, sum(units)::int, sum(pieces)::int, sum(meters)::int,
       extract(epoch FROM sum(at - before))::float8, max(at)
FROM ({task_times.OBSERVED_AT_NODE}) AS t (step, node, actor, before, at, lines, units, meters, pieces, documents)
GROUP BY 1, 2
"""

_AT_HAND = f"""
SELECT l.picker, count(*)::int, sum(o.open)::int
FROM ({OPEN_LISTS.format(node="%(of)s::uuid")}) AS o JOIN warehouse_picklist AS l ON l.id = o.id
WHERE l.picker <> '' GROUP BY 1
"""

_REPORTED = """
SELECT actor, max(occurred_at) FROM kernel_event
WHERE recorded_at >= %(since)s::timestamptz AND recorded_at < %(until)s::timestamptz
  AND company_id = %(company)s::smallint AND actor = ANY(%(people)s::text[])
GROUP BY 1
"""

_BEFORE = """
SELECT count(*)::int, COALESCE(sum(l.lines), 0)::int, min(COALESCE(f.leave_by, f.due_at))
FROM kernel_ready AS r JOIN warehouse_fulfillment AS f ON f.id = r.subject
  AND f.company_id = %(company)s::smallint AND f.node_id = %(of)s::uuid
CROSS JOIN LATERAL (SELECT count(*) AS lines FROM warehouse_fulfillmentline WHERE fulfillment_id = f.id) AS l
WHERE r.queue = 'pack'
"""
