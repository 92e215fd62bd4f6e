"""What the ledgers tell of a window, read for a replay. Nothing is locked, nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.carriage import queries as carriage
from entrepot.kernel import sql
from entrepot.network import queries as network
from entrepot.simulation.comparison import Recorded
from entrepot.simulation.replay import Asked, Change, Held, House, Record, Week
from entrepot.sourcing.explain import explain
from entrepot.sourcing.facts import sizes_of
from entrepot.sourcing.rules import Line, Node

Units = dict[tuple[UUID, UUID], int]
"""Units by (sku, node)."""


class Window(NamedTuple):
    """What a replay needs: the record, and what really happened to each order first, with the version that decided."""

    record: Record
    recorded: Mapping[UUID, Recorded]


class Decided(NamedTuple):
    """A recorded decision with what it decided on."""

    order: UUID
    at: datetime
    outcome: str
    version: int
    reasons: Mapping[str, Any]


class _Line(NamedTuple):
    id: UUID
    number: int
    sku: UUID
    quantity: int
    kit: int
    per_kit: int

    def wanted(self, units: int) -> Line:
        return Line(self.id, self.sku, units, self.kit, self.per_kit)


def first_and_last(company: int) -> tuple[datetime, datetime] | None:
    """The first and the last moment that an order was decided for the first time; None without any. 1 statement."""
    ((first, last),) = sql.run(_SPAN, {"company": company})
    return (first, last) if first else None


def read(company: int, since: datetime, until: datetime, versions: Mapping[str, int]) -> Window | None:
    """The window of a company; None where no order was decided in it.

    `versions` are those of the profile in force, by scope. About 20 statements, whatever the window holds.
    """
    params = {"company": company, "since": since, "until": until}
    asked: list[tuple[Decided, tuple[Any, ...]]] = [
        (Decided(*row[:5]), row[5:]) for row in sql.run(_DECIDED, params)
    ]
    if not asked:
        return None
    earlier = _Earlier(sql.run(_EARLIER, {**params, "waits": list(_WAITS)}))
    orders = {one.order for one, _ in asked}
    lines = _lines(orders | earlier.decisions.keys())
    house = _house(company, {head[1] for _, head in asked} | earlier.channels)
    codes = {node.code: node.id for nodes in house.nodes.values() for node in nodes}
    wanted = [(one.at, _asked(one, head, lines[one.order])) for one, head in asked]
    waiting = [order for order in (earlier.waiting(which, lines) for which in earlier.waits) if order.lines]
    skus = {line.sku for _, order in wanted for line in order.lines}
    skus |= {line.sku for order in waiting for line in order.lines}
    stock = params | {"skus": list(skus)}
    free, fences = _free(stock, earlier, lines, codes)
    open_orders, left = _at_nodes(params)
    record = Record(
        since, until, _with_sizes(house, wanted, waiting, skus), free, fences, open_orders, left, waiting, wanted,
        [Change(*row) for row in sql.run(_CHANGES, stock)],
        _cancelled([*orders, *earlier.decisions], params), earlier.held(lines, codes, skus),
        dict(sql.run(_GONE, {"orders": [*orders, *earlier.decisions]})),  # type: ignore[arg-type]
    )  # fmt: skip
    return Window(record, {one.order: _recorded(one, head, house, versions) for one, head in asked})


# ---- orders


def _lines(orders: Collection[UUID]) -> dict[UUID, list[_Line]]:
    found: dict[UUID, list[_Line]] = defaultdict(list)
    for order, *line in sql.run(_LINES, {"orders": list(orders)}):
        found[order].append(_Line(*line))
    return found


def _asked(decided: Decided, head: tuple[Any, ...], lines: Iterable[_Line]) -> Asked:
    """The order with the units that its first decision was about."""
    wanted = _wanted(decided, lines)
    sought = tuple(line.wanted(wanted[line]) for line in lines if wanted.get(line))
    return Asked._make((decided.order, *head, sought))


def _wanted(decided: Decided, lines: Iterable[_Line]) -> dict[_Line, int]:
    """Units of each line that a decision was about: as it recorded them, or all of them."""
    told = {number: units for number, units, _ in decided.reasons.get("lines", ())}
    return {line: told.get(line.number, 0) if told else line.quantity for line in lines}


def _recorded(decided: Decided, head: tuple[Any, ...], house: House, versions: Mapping[str, int]) -> Recorded:
    chosen = {one.node for one in explain(decided.reasons).candidates if one.verdict == "chosen"}
    scope = house.channels[head[1]]
    return Recorded(
        tuple(sorted(chosen)),
        by_another=decided.version != versions.get(scope if scope in versions else "", 0),
    )


def _cancelled(orders: Sequence[UUID], params: Mapping[str, Any]) -> dict[UUID, datetime]:
    return dict(sql.run(_CANCELLED, {**params, "orders": list(orders)}))  # type: ignore[arg-type]


# ---- what was under way when the window began


class _Earlier:
    """Orders decided before the window that still waited for stock then, or whose customer cancelled in it."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.decisions: dict[UUID, list[Decided]] = defaultdict(list)
        self.heads: dict[UUID, tuple[Any, ...]] = {}
        for row in rows:
            self.decisions[row[0]].append(Decided(*row[:5]))
            self.heads[row[0]] = row[5:]
        self.waits = [which for which, some in self.decisions.items() if some[-1].outcome in _WAITS]
        self.channels = {head[1] for head in self.heads.values()}

    def waiting(self, which: UUID, lines: Mapping[UUID, Sequence[_Line]]) -> Asked:
        """The order with the units that its last decision left waiting."""
        last = self.decisions[which][-1]
        wanted, served = _wanted(last, lines[which]), _served(last)
        rest = {line: units - served[line.number] for line, units in wanted.items()}
        sought = tuple(line.wanted(rest[line]) for line in lines[which] if rest[line] > 0)
        return Asked._make((which, *self.heads[which], sought))

    def promised(
        self, lines: Mapping[UUID, Sequence[_Line]], codes: Mapping[str, UUID]
    ) -> Iterable[tuple[UUID, UUID, UUID, int]]:
        """What these orders had been promised, as (order, sku, node, units)."""
        for which, decisions in self.decisions.items():
            for decided in decisions:
                yield from _promises(decided, lines[which], codes)

    def held(
        self, lines: Mapping[UUID, Sequence[_Line]], codes: Mapping[str, UUID], skus: Collection[UUID]
    ) -> list[Held]:
        """What customers gave back by cancelling in the window."""
        return [Held(*row) for row in self.promised(lines, codes) if row[1] in skus]


_WAITS = ("backordered", "part backordered")


def _served(decided: Decided) -> dict[int, int]:
    served: dict[int, int] = defaultdict(int)
    for number, _, units in decided.reasons.get("served", ()):
        served[number] += units
    return served


def _promises(
    decided: Decided, lines: Iterable[_Line], codes: Mapping[str, UUID]
) -> Iterable[tuple[UUID, UUID, UUID, int]]:
    """What a decision promised: as it recorded it by line, or all of it at the node that it chose."""
    by_number = {line.number: line for line in lines}
    if "served" in decided.reasons:
        rows = [(number, code, units) for number, code, units in decided.reasons["served"]]
    elif decided.outcome in _WAITS:
        rows = []
    else:
        chosen = [one.node for one in explain(decided.reasons).candidates if one.verdict == "chosen"]
        wanted = _wanted(decided, by_number.values())
        rows = [(line.number, code, units) for code in chosen[:1] for line, units in wanted.items()]
    for number, code, units in rows:
        if number in by_number and code in codes and units:
            yield decided.order, by_number[number].sku, codes[code], units


# ---- stock


def _free(
    params: Mapping[str, Any],
    earlier: _Earlier,
    lines: Mapping[UUID, Sequence[_Line]],
    codes: Mapping[str, UUID],
) -> tuple[Units, dict[tuple[UUID, UUID], dict[UUID, int]]]:
    """What could be promised when the window began, and what ring-fences have left today.

    There: the moves until then. Promised: what left later, or stands promised today, of orders decided before; of
    those that waited or were cancelled in the window, what their decisions say.
    """
    free: Units = defaultdict(int)
    told = {**params, "by_decision": list(earlier.decisions)}
    for sku, node, units in sql.run(_SELLABLE, params):
        free[sku, node] += units
    for sku, node, units in sql.run(_PROMISED, told):
        free[sku, node] -= units
    wanted = set(params["skus"])
    for _, sku, node, units in earlier.promised(lines, codes):
        if sku in wanted:
            free[sku, node] -= units
    for sku, node, units in sql.run(_SENT_BEFORE, told):
        free[sku, node] += units
    fences: dict[tuple[UUID, UUID], dict[UUID, int]] = defaultdict(dict)
    for sku, node, safety in sql.run(_SAFETY, params):
        free[sku, node] -= safety
    for sku, node, channel, left in sql.run(_FENCES, params):
        fences[sku, node][channel] = left
        free[sku, node] += 0
    return dict(free), dict(fences)


def _at_nodes(params: Mapping[str, Any]) -> tuple[dict[UUID, int], list[tuple[datetime, UUID]]]:
    """Orders that waited at each node when the window began, and when they left."""
    waiting: dict[UUID, int] = defaultdict(int)
    left = []
    for node, gone_at in sql.run(_AT_NODES, params):
        waiting[node] += 1
        if gone_at is not None:
            left.append((gone_at, node))
    return dict(waiting), left


# ---- the house


def _house(company: int, channels: Collection[UUID]) -> House:
    codes: dict[UUID, str] = {}
    nodes: dict[UUID, list[Node]] = defaultdict(list)
    zones: dict[UUID, str] = {}
    for channel, code, zone, *node, latitude, longitude in sql.run(_NODES, {"channels": list(channels)}):
        codes[channel] = code
        if node[0] is not None:
            place = None if latitude is None else (latitude, longitude)
            nodes[channel].append(Node._make((*node, place)))
            zones[node[0]] = zone
    cut_offs = network.cut_offs(nodes=list(zones))
    weeks = {node: Week(zone, cut_offs[node]) for node, zone in zones.items()}
    services = carriage.services(companies=[company])[company]
    return House(codes, {one: tuple(some) for one, some in nodes.items()}, {}, weeks, services, {})


def _with_sizes(
    house: House,
    orders: Iterable[tuple[datetime, Asked]],
    waiting: Iterable[Asked],
    skus: Collection[UUID],
) -> House:
    """The house with what these orders need: where they go, what their SKUs weigh."""
    addresses = {(order.country, order.postal_code) for order in (*(order for _, order in orders), *waiting)}
    far = any(sum(bool(node.place) for node in nodes) > 1 for nodes in house.nodes.values())
    places = network.whereabouts(addresses) if far else {}
    return House(house.channels, house.nodes, places, house.weeks, house.services, sizes_of(skus))


_HEAD = """o.number, o.channel_id, o.country, o.postal_code, o.policy, o.priority::int, o.promise_at, o.placed_at,
       o.service, o.total_minor"""

_SPAN = """
SELECT min(at), max(at) FROM (SELECT min(decided_at) AS at FROM sourcing_decision
                              WHERE company_id = %(company)s::smallint GROUP BY order_id) AS first
"""

# The first decision of an order is the one with the least id: a history is recorded long after it happened.
_DECIDED = f"""
SELECT d.order_id, d.decided_at, d.outcome, d.profile_version, d.reasons, {_HEAD}
FROM (SELECT DISTINCT ON (order_id) * FROM sourcing_decision
      WHERE company_id = %(company)s::smallint ORDER BY order_id, id) AS d
JOIN orders_order AS o ON o.id = d.order_id
WHERE d.decided_at >= %(since)s::timestamptz AND d.decided_at < %(until)s::timestamptz
ORDER BY d.decided_at, d.id
"""

_LINES = """
SELECT order_id, id, number::int, sku_id, quantity, kit_number, greatest(kit_units, 1) FROM orders_line
WHERE order_id = ANY(%(orders)s::uuid[]) AND sku_id IS NOT NULL AND instead_of IS NULL ORDER BY order_id, number
"""

_CANCELLED = """
SELECT e.subject_id, min(e.occurred_at) FROM kernel_event AS e JOIN orders_order AS o ON o.id = e.subject_id
WHERE e.subject_id = ANY(%(orders)s::uuid[]) AND e.state_after = 'cancelled' AND o.commercial = 'cancelled'
GROUP BY 1 HAVING min(e.occurred_at) >= %(since)s::timestamptz AND min(e.occurred_at) < %(until)s::timestamptz
"""

_EARLIER = f"""
WITH before AS (
    SELECT * FROM sourcing_decision WHERE company_id = %(company)s::smallint AND decided_at < %(since)s::timestamptz
),
last AS (SELECT DISTINCT ON (order_id) order_id, outcome FROM before ORDER BY order_id, id DESC),
ended AS (
    SELECT e.subject_id AS order_id, min(e.occurred_at) AS at
    FROM kernel_event AS e JOIN orders_order AS c ON c.id = e.subject_id AND c.commercial = 'cancelled'
    WHERE e.company_id = %(company)s::smallint AND e.subject_kind = 'order' AND e.state_after = 'cancelled'
    GROUP BY 1
)
SELECT d.order_id, d.decided_at, d.outcome, d.profile_version, d.reasons, {_HEAD}
FROM last AS l JOIN before AS d ON d.order_id = l.order_id JOIN orders_order AS o ON o.id = l.order_id
LEFT JOIN ended AS e ON e.order_id = l.order_id
WHERE (l.outcome = ANY(%(waits)s::text[]) AND o.policy <> 'partial_cancel'
       AND (e.at IS NULL OR e.at >= %(since)s::timestamptz))
   OR (e.at >= %(since)s::timestamptz AND e.at < %(until)s::timestamptz)
ORDER BY d.order_id, d.id
"""

_GONE = """
SELECT order_id, max(shipped_at) FROM shipping_shipment WHERE order_id = ANY(%(orders)s::uuid[]) GROUP BY 1
"""

# What customers took is told by the replay itself; all other moves that change what can be sold are told by these.
_MOVED = """
SELECT m.at, b.sku_id, b.node_id, m.units
FROM (SELECT occurred_at AS at, to_bucket AS bucket, to_place, quantity AS units FROM stock_move
      WHERE company_id = %(company)s::smallint AND sku_id = ANY(%(skus)s::uuid[]) AND to_bucket IS NOT NULL
      UNION ALL
      SELECT occurred_at, from_bucket, to_place, -quantity FROM stock_move
      WHERE company_id = %(company)s::smallint AND sku_id = ANY(%(skus)s::uuid[]) AND from_bucket IS NOT NULL) AS m
JOIN stock_bucket AS b ON b.id = m.bucket AND b.status = 'sellable' AND b.owner_id = %(company)s::smallint
"""

_SELLABLE = f"""
SELECT sku_id, node_id, sum(units)::int FROM ({_MOVED} WHERE m.at < %(since)s::timestamptz) AS moved GROUP BY 1, 2
"""

_CHANGES = f"""
SELECT at, sku_id, node_id, sum(units)::int
FROM ({_MOVED} WHERE m.at >= %(since)s::timestamptz AND m.at < %(until)s::timestamptz
                 AND m.to_place <> 'customer') AS moved
GROUP BY 1, 2, 3 HAVING sum(units) <> 0 ORDER BY 1, 2, 3
"""

_PROMISED = """
WITH before AS (
    SELECT order_id FROM sourcing_decision WHERE company_id = %(company)s::smallint
    GROUP BY order_id HAVING (array_agg(decided_at ORDER BY id))[1] < %(since)s::timestamptz
                         AND NOT order_id = ANY(%(by_decision)s::uuid[])
)
SELECT sku_id, node_id, sum(units)::int FROM (
    SELECT m.sku_id, b.node_id, m.quantity AS units
    FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.from_bucket
    JOIN orders_line AS l ON l.id = m.line_id JOIN before USING (order_id)
    WHERE m.company_id = %(company)s::smallint AND m.sku_id = ANY(%(skus)s::uuid[])
      AND m.to_place = 'customer' AND m.occurred_at >= %(since)s::timestamptz
    UNION ALL
    SELECT a.sku_id, a.node_id, a.quantity FROM stock_allocation AS a JOIN before USING (order_id)
    WHERE a.sku_id = ANY(%(skus)s::uuid[])
) AS promised GROUP BY 1, 2
"""

_SENT_BEFORE = """
SELECT m.sku_id, b.node_id, sum(m.quantity)::int
FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.from_bucket JOIN orders_line AS l ON l.id = m.line_id
WHERE m.company_id = %(company)s::smallint AND m.sku_id = ANY(%(skus)s::uuid[]) AND m.to_place = 'customer'
  AND m.occurred_at < %(since)s::timestamptz AND l.order_id = ANY(%(by_decision)s::uuid[])
GROUP BY 1, 2
"""

_SAFETY = """
SELECT sku_id, node_id, safety FROM stock_position
WHERE owner_id = %(company)s::smallint AND sku_id = ANY(%(skus)s::uuid[]) AND safety > 0
"""

_FENCES = """
SELECT sku_id, node_id, channel_id, quantity - used FROM stock_ringfence
WHERE owner_id = %(company)s::smallint AND sku_id = ANY(%(skus)s::uuid[]) AND quantity > used
"""

_AT_NODES = """
WITH before AS (
    SELECT order_id FROM sourcing_decision WHERE company_id = %(company)s::smallint
    GROUP BY order_id HAVING (array_agg(decided_at ORDER BY id))[1] < %(since)s::timestamptz
)
SELECT node_id, max(gone_at) FROM (
    SELECT order_id, node_id, shipped_at AS gone_at FROM shipping_shipment JOIN before USING (order_id)
    WHERE shipped_at >= %(since)s::timestamptz AND node_id IS NOT NULL
    UNION ALL
    SELECT order_id, node_id, NULL FROM stock_allocation JOIN before USING (order_id)
) AS at_nodes GROUP BY order_id, node_id
"""

_NODES = """
SELECT c.id, c.code, n.time_zone, n.id, n.code, n.country, (n.priority + cn.priority)::int, n.kind,
       n.latitude, n.longitude
FROM network_channel AS c
LEFT JOIN network_channelnode AS cn ON cn.channel_id = c.id
LEFT JOIN network_node AS n ON n.id = cn.node_id AND n.active
WHERE c.id = ANY(%(channels)s::uuid[]) ORDER BY c.id, n.code
"""
