"""Work items about what does not go on at the floor: opened where orders are about to miss their cut-off or are late
there, closed where what they told of is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from entrepot.carriage.rules import longest_days
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.network.destinations import LONGEST
from entrepot.warehouse import waves
from entrepot.warehouse.commands.leaving import Leaving, Place
from entrepot.warehouse.commands.pace import ITEM as STANDS_STILL
from entrepot.warehouse.going import MAY_GO
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "orders wait for a wave"
LATE = "orders late on the floor"
UNPROMISED = timedelta(days=1)
"""Within what time an order should leave for which nothing was promised."""
CLOSED_AT_MOST = timedelta(days=14)
"""So long a node ships nothing at most, as far as a look ahead goes."""


@dataclass(frozen=True, slots=True)
class WatchFloor:
    """The nodes of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FloorWatched:
    """Nodes where orders are about to miss their cut-off, or are late on the floor, and items that were closed."""

    company: int
    waiting: int
    late: int
    closed: int


class _Node(NamedTuple):
    id: UUID
    company: int
    code: str
    country: str
    time_zone: str
    postal_code: str


@command("warehouse.watch_floor")
def watch_floor(cause: Cause, /, *, requests: Sequence[WatchFloor]) -> list[FloorWatched | Refused]:
    """An item for each node at which orders that have to leave within an hour for what was promised, or should have
    left, wait for a wave, and for each at which orders on the floor are late. Closed are those of nodes at which none
    is any more, of nodes that stood still and are not paced any more, of orders that waited for goods to be put away
    and are on the floor, and of short picks whose bin was counted since.

    Locks: the items. Refuses: nothing. Again: nothing changes. 10 statements; 1 more with items, 2 to close some.
    """
    companies = sorted({one.company for one in requests})
    in_force = policies.InForce(companies, [waves.Waves], cause.at)
    nodes = {row[0]: _Node(*row) for row in sql.run(_NODES, {"companies": companies})}
    modes = {key: in_force.of(node.company, waves.Waves, node.code)[1].mode for key, node in nodes.items()}
    waiting = _waiting(cause.at, [node for node in nodes.values() if modes[node.id] != "stream"])
    late = {row[0]: row[1:] for row in sql.run(_LATE, {"nodes": list(nodes), "at": cause.at})}
    items = [_waits(nodes[key], *told) for key, told in waiting.items()]
    open_items(cause, requests=[*items, *(_is_late(nodes[key], *told) for key, told in late.items())])
    paced = [key for key, mode in modes.items() if mode == "paced"]
    params = {"companies": companies, "paced": paced, "waiting": list(waiting), "late": list(late)}
    over = sql.run(_OVER, params)
    ended = [ResolveSubject(company, kind, subject, why, "seen") for company, kind, subject, why in over]
    if ended:
        resolve_subjects(cause, requests=ended)
    found = [[nodes[key].company for key in keys] for keys in (waiting, late)]
    closed = [row[0] for row in over]
    return [
        FloorWatched(one.company, *(each.count(one.company) for each in (*found, closed))) for one in requests
    ]


def _waiting(at: datetime, nodes: Sequence[_Node]) -> dict[UUID, tuple[int, datetime]]:
    """Of nodes that gather waves, how many orders should be on the floor by now and are not, and the next cut-off."""
    places = {node.id: Place(*node[:2], *node[3:]) for node in nodes}
    leaving = Leaving(places, at)
    longest = [longest_days(one) for of_company in leaving.services.values() for one in of_company]
    ahead = timedelta(days=max(longest, default=0)) + CLOSED_AT_MOST
    params = {"nodes": list(places), "until": at + waves.URGENT_BEFORE + ahead, "at": at,
              "letters": max([LONGEST, *map(leaving.letters, leaving.services)])}  # fmt: skip
    found: Counter[UUID] = Counter()
    for node, service, country, postal_code, promise_at, placed_at, ship_by, orders in sql.run(
        _WAITING, params
    ):
        due = leaving.leave_by(node, service, country, postal_code, promise_at, ship_by)
        if (due or leaving.before(node, placed_at + UNPROMISED)) <= at + waves.URGENT_BEFORE:
            found[node] += orders
    return {node: (orders, leaving.cut_offs(node)[0]) for node, orders in sorted(found.items())}


def _waits(node: _Node, orders: int, cutoff: datetime) -> OpenItem:
    until = cutoff.astimezone(ZoneInfo(node.time_zone))
    what = "1 order that should leave is" if orders == 1 else Said("{0} orders that should leave are", orders)
    reason = Said("{0}: {1} not on the floor; the next cut-off is at {2}", node.code, what, f"{until:%H:%M}")
    return _item(node, ITEM, reason, {"orders": orders, "cutoff_at": cutoff})


def _is_late(node: _Node, orders: int, oldest: str, at: str) -> OpenItem:
    what = "1 order on the floor is" if orders == 1 else Said("{0} orders on the floor are", orders)
    reason = Said("{0}: {1} late, the latest is {2}, which is to be {3}", node.code, what, oldest, at)
    return _item(node, LATE, reason, {"orders": orders, "fulfillment": oldest})


def _item(node: _Node, kind: str, reason: str, facts: dict[str, object]) -> OpenItem:
    return OpenItem(
        node.company, kind, "node", node.id, reason, "warehouse supervisor", facts, 80, due_in_hours=1
    )


_NODES = """
SELECT id, company_id::int, code, country, time_zone, postal_code FROM network_node
WHERE company_id = ANY(%(companies)s::smallint[]) AND active ORDER BY id
"""

# What a wave would take, and may have to leave soon. Of a postal code as much as the time zone and the zones of
# its address hang on.
_WAITING = f"""
SELECT a.node_id, o.service, o.country,
       left(upper(regexp_replace(o.postal_code, '[ -]', '', 'g')), %(letters)s::int), o.promise_at,
       CASE WHEN o.promise_at IS NULL THEN date_trunc('minute', o.placed_at) END, o.ship_by,
       count(DISTINCT o.id)::int
FROM kernel_ready AS r
JOIN stock_allocation AS a ON a.order_id = r.subject AND a.node_id = ANY(%(nodes)s::uuid[]) AND a.quantity > a.released
JOIN orders_order AS o ON o.id = a.order_id
JOIN network_node AS n ON n.id = a.node_id
WHERE r.queue = 'wave'
  AND least(COALESCE(o.promise_at, o.placed_at), o.ship_by::timestamptz) < %(until)s::timestamptz
  AND {MAY_GO}
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""

# Without a promise an order should leave within a day of its release.
_LATE = """
SELECT node_id, count(*)::int, (array_agg(number ORDER BY due, id))[1],
       (array_agg(CASE queue WHEN 'pick' THEN 'picked' WHEN 'pack' THEN 'packed' ELSE 'shipped' END
                  ORDER BY due, id))[1]
FROM (SELECT f.*, r.queue, COALESCE(f.leave_by, f.due_at, f.released_at + interval '1 day') AS due
      FROM kernel_ready AS r JOIN warehouse_fulfillment AS f ON f.id = r.subject
      WHERE r.queue IN ('pick', 'pack', 'ship') AND f.node_id = ANY(%(nodes)s::uuid[])) AS f
WHERE due < %(at)s::timestamptz
GROUP BY 1 ORDER BY 1
"""

_OVER = f"""
SELECT company_id::int, type, subject_id,
       CASE type WHEN 'short pick' THEN 'counted' WHEN 'not pickable' THEN 'put away' ELSE 'goes on' END
FROM work_item AS w
WHERE company_id = ANY(%(companies)s::smallint[]) AND state <> 'done'
  AND (type = '{STANDS_STILL}' AND subject_id <> ALL(%(paced)s::uuid[])
       OR type = '{ITEM}' AND subject_id <> ALL(%(waiting)s::uuid[])
       OR type = '{LATE}' AND subject_id <> ALL(%(late)s::uuid[])
       OR type = 'short pick' AND EXISTS (
           SELECT FROM warehouse_picktask AS t
           JOIN warehouse_counttask AS c ON c.bin_id = t.bin_id AND c.state = 'done'
           JOIN warehouse_countline AS l ON l.task_id = c.id AND l.sku_id = t.sku_id
           WHERE t.id = w.subject_id AND l.counted_at >= w.opened_at)
       OR type = 'not pickable' AND NOT EXISTS (
           SELECT FROM stock_allocation AS a WHERE a.order_id = w.subject_id AND a.quantity > a.released))
ORDER BY 1, 2, 3
"""
