"""Orders that are served line by line, all at once in the database: running sums of demand against those of supply.

What comes out is what `rules.plan` makes of one order after the other (`rules.BY_LINE`), but no line is a row in
Python. It serves what is plain; whatever asks for more than running sums goes order by order as all others do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.orders.commands import progress
from entrepot.sourcing import rules
from entrepot.sourcing.facts import Facts, Order, Version
from entrepot.stock.commands import allocate as stock


class Served(NamedTuple):
    """An order that was served: a plan without its shares, the units wanted, and those that nobody has; whether all of
    them waited already."""

    order: Order
    plan: rules.Plan
    wanted: int
    short: int
    nodes: rules.SortedOut
    version: Version
    has_waited: bool
    turns: str
    """What its lines found in their turns, as the inside of a JSON list of `turns.Left`."""
    others: str
    """Who would have had all of a line but for a rule, as the inside of a JSON list of `turns.Other`."""


class _Wants(NamedTuple):
    """Units of an order that wait, and how many of them have waited before."""

    units: int
    waited: int


NOTHING = stock.Given({}, "")


class Done(NamedTuple):
    """All that was served, and what else is to be told of it."""

    orders: dict[UUID, Served]
    waited_for: set[UUID]  # SKUs whose backorders came or went
    settled: dict[UUID, int]  # orders of which a line waits no more, with their companies


def serve(
    cause: Cause,
    orders: Mapping[UUID, Order],
    facts: Facts,
    times: Mapping[UUID, datetime],
    urgency: Sequence[Order],
) -> Done | None:
    """Promise to locked orders, in their `urgency`, what there is, and write it; None where they are not all plain.

    Locks: the positions of their SKUs in key order. 9 statements at most, those of `progress` among them.
    """
    served_as = _plain(urgency, facts)
    if served_as is None:
        return None
    waiting = _wanted(urgency)
    if waiting is None:
        return None
    wanted, owned = waiting
    mine = [order for order in urgency if order.id in wanted]
    if not stock.lock_unfenced(owned):
        return None

    params = _params(mine, owned, served_as, facts)
    others = dict(sql.run(_OTHERS, params)) if params["refused"] else {}
    keys = ids.block()
    given = stock.write_promises_of(_SHARES, params, keys)
    cancels = {order.id: order.policy == "partial_cancel" for order in mine}
    progress.promised(cause, keys=keys, cancels=cancels, times=times)
    waited_for, settled = _wait(cause, mine, facts)
    found = {
        order.id: _served(
            order,
            given.get(order.id, NOTHING),
            wanted[order.id],
            facts,
            others.get(order.id, ""),
        )
        for order in mine
    }
    return Done(found, waited_for, settled)


def _plain(orders: Sequence[Order], facts: Facts) -> list[rules.Node] | None:
    """The nodes that all orders ask, in the one order that all of them prefer, where nothing else is to be decided."""
    if not orders or not facts.is_plain:
        return None
    asked: set[tuple[tuple[rules.Node, ...], ...]] = set()
    for order in orders:
        if (
            order.reservation
            or order.was_rejected
            or order.fill
            or facts.past(order)
            or order.policy not in ("partial_backorder", "partial_cancel")
        ):
            return None
        nodes, profile = facts.nodes(order), facts.version(order).profile
        if profile.choose_by != "line" or profile.drop_ship or nodes.after or nodes.keeps:
            return None
        asked.add((nodes.first, nodes.refused))
    return list(asked.pop()[0]) if len(asked) == 1 else None


def _wanted(orders: Sequence[Order]) -> tuple[dict[UUID, _Wants], set[tuple[int, UUID]]] | None:
    """What waits, by order, and the SKUs wanted with their companies. None where some is of kits or sold ahead up to a
    limit, or would be cancelled though it has waited."""
    wanted, skus = {}, set()
    cancels = {order.id for order in orders if order.policy == "partial_cancel"}
    for order, company, sku, units, waited, goes_apart in sql.run(
        _WANTED, {"orders": [order.id for order in orders]}
    ):
        if goes_apart or (waited and order in cancels):
            return None
        if order is None:
            skus.add((company, sku))
        else:
            wanted[order] = _Wants(units, waited)
    return wanted, skus


def _params(
    orders: Sequence[Order], owned: Collection[tuple[int, UUID]], nodes: Sequence[rules.Node], facts: Facts
) -> dict[str, Any]:
    turns = [
        (order.id, order.company, order.channel, order.priority, order.promise_at, order.placed_at)
        for order in orders
    ]
    names = ("orders", "companies", "channels", "priorities", "promises", "times")
    return sql.columns(names, turns) | {
        "skus": [sku for _, sku in owned],
        "nodes": [node.id for node in nodes],
        # One order's stand for all: where they differ, what they ask does.
        "refused": [node.id for node in facts.nodes(orders[0]).refused],
    }


def _wait(cause: Cause, orders: Sequence[Order], facts: Facts) -> tuple[set[UUID], dict[UUID, int]]:
    """Write what waits now, delete what waits no more: the SKUs of both, orders and companies of the latter."""
    rows = [
        (order.id, order.priority, order.placed_at, _by_default(cause, facts.version(order)))
        for order in orders
    ]
    waits = sql.run(_WAIT_ALL, sql.columns(("orders", "priorities", "times", "defaults"), rows))
    gone = sql.run(_SETTLE, {"orders": [order.id for order in orders]})
    return {sku for (sku,) in waits} | {sku for *_, sku in gone}, {
        order: company for order, company, _ in gone
    }


def _by_default(cause: Cause, version: Version) -> object:
    return (cause.at + timedelta(days=version.profile.default_lead_days)).date()


def _served(order: Order, given: stock.Given, wants: _Wants, facts: Facts, others: str) -> Served:
    nodes = facts.nodes(order)
    short = wants.units - sum(given.by_node.values())
    outcome, why, by_node = rules.told_by_line(nodes.first, given.by_node, is_short=short > 0)
    plan = rules.Plan((), (), outcome, why, by_node, tuple(code for code, _ in by_node))
    has_waited = wants.waited == wants.units
    return Served(
        order, plan, wants.units, short, nodes, facts.version(order), has_waited, given.told, others
    )


_WAITS = "l.sku_id IS NOT NULL AND l.open + l.backordered > 0"

# By order, and by SKU: the lines are read once.
_WANTED = f"""
SELECT l.order_id, l.company_id::int, l.sku_id, sum(l.open + l.backordered)::int, sum(l.backordered)::int,
       bool_or(l.kit_number > 0) OR l.sku_id IS NOT NULL AND EXISTS (
           SELECT FROM stock_preorder AS y WHERE y.sku_id = l.sku_id AND y.units_max > 0)
FROM orders_line AS l WHERE l.order_id = ANY(%(orders)s::uuid[]) AND {_WAITS}
GROUP BY GROUPING SETS ((l.order_id), (l.company_id, l.sku_id))
"""

# Of each SKU the units wanted stand in a row, by the turns of their orders, and so do those that are there, by the
# preference of their nodes: who stands opposite whom is served by it.
_DEMANDED = f"""(
    SELECT o.company_id, o.order_id, o.channel_id, o.priority, o.promise_at, o.ordered_at, l.id AS line_id, l.number,
           l.sku_id, l.open + l.backordered AS units,
           sum(l.open + l.backordered) OVER (
               PARTITION BY l.sku_id ORDER BY o.turn, l.number ROWS UNBOUNDED PRECEDING) AS until
    FROM unnest(%(orders)s::uuid[], %(companies)s::smallint[], %(channels)s::uuid[], %(priorities)s::smallint[],
                %(promises)s::timestamptz[], %(times)s::timestamptz[])
         WITH ORDINALITY AS o(order_id, company_id, channel_id, priority, promise_at, ordered_at, turn)
    JOIN orders_line AS l ON l.order_id = o.order_id AND {_WAITS}
)"""

_SUPPLIED = """(
    SELECT p.sku_id, p.owner_id, p.node_id, n.place - 1 AS place, p.free AS units,
           sum(p.free) OVER (PARTITION BY p.sku_id, p.owner_id ORDER BY n.place ROWS UNBOUNDED PRECEDING) AS until
    FROM (SELECT sku_id, node_id, owner_id, sellable - reserved - allocated - safety AS free FROM stock_position
          WHERE sku_id = ANY(%(skus)s::uuid[])) AS p
    JOIN unnest(%({nodes})s::uuid[]) WITH ORDINALITY AS n(id, place) ON n.id = p.node_id
    WHERE p.free > 0
)"""

_SHARES = f"""
SELECT d.company_id, d.order_id, d.line_id, d.sku_id, s.node_id, d.channel_id,
       (least(d.until, s.until) - greatest(d.until - d.units, s.until - s.units))::int AS quantity,
       d.priority, d.promise_at, d.ordered_at,
       '[' || d.number || ',' || d.units || ',' || s.place || ','
           || s.until - greatest(d.until - d.units, s.until - s.units) || ']'
           || CASE WHEN s.until < d.until OR s.next_place IS NULL THEN ''
                   ELSE ',[' || d.number || ',' || d.units || ',' || s.next_place || ',' || s.next_units || ']'
              END AS told
FROM {_DEMANDED} AS d
JOIN (
    SELECT *, lead(place) OVER turn AS next_place, lead(units) OVER turn AS next_units
    FROM {_SUPPLIED.format(nodes="nodes")} AS supplied WINDOW turn AS (PARTITION BY sku_id, owner_id ORDER BY place)
) AS s ON s.sku_id = d.sku_id AND s.owner_id = d.company_id
 AND d.until > s.until - s.units AND s.until > d.until - d.units
"""

_OTHERS = f"""
SELECT d.order_id, string_agg('[' || d.number || ',' || s.place || ']', ',')
FROM {_DEMANDED} AS d
JOIN {_SUPPLIED.format(nodes="refused")} AS s
  ON s.sku_id = d.sku_id AND s.owner_id = d.company_id AND s.units >= d.units
GROUP BY 1
"""

_WAIT_ALL = """
WITH waits AS (
    INSERT INTO sourcing_backorder (line_id, company_id, order_id, sku_id, quantity, priority, ordered_at, promised_on)
    SELECT l.id, l.company_id, l.order_id, l.sku_id, l.backordered, o.priority, o.ordered_at,
           COALESCE((SELECT min(s.expected_on) FROM stock_supply AS s WHERE s.sku_id = l.sku_id), o.by_default)
    FROM unnest(%(orders)s::uuid[], %(priorities)s::smallint[], %(times)s::timestamptz[], %(defaults)s::date[])
         AS o(id, priority, ordered_at, by_default)
    JOIN orders_line AS l ON l.order_id = o.id AND l.backordered > 0
    ON CONFLICT (line_id) DO UPDATE SET quantity = excluded.quantity, priority = excluded.priority
    RETURNING sku_id
)
SELECT DISTINCT sku_id FROM waits
"""

_SETTLE = """
DELETE FROM sourcing_backorder AS b USING orders_line AS l
WHERE b.order_id = ANY(%(orders)s::uuid[]) AND l.id = b.line_id AND l.backordered = 0
RETURNING b.order_id, b.company_id::int, b.sku_id
"""
