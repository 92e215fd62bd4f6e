"""What the ledgers tell of a window, read for a replay. Nothing is locked, nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.carriage import queries as carriage
from entrepot.kernel import policies, sql
from entrepot.network import queries as network
from entrepot.simulation.comparison import Recorded
from entrepot.simulation.replay import (
    Asked,
    Change,
    House,
    Preorder,
    Promised,
    Record,
    Rejection,
    Week,
)
from entrepot.simulation.under_way import (
    CHANGES,
    WAITS,
    Decided,
    Earlier,
    Lines,
    OrderLine,
    asked_of,
    free_then,
    wanted_of,
)
from entrepot.sourcing.explain import explain
from entrepot.sourcing.facts import read_for_sale, read_skus, sizes_of
from entrepot.sourcing.goods import Goods, codes_to_send
from entrepot.sourcing.rules import Node, Profile
from entrepot.sourcing.substitutes import Substitutes


class Window(NamedTuple):
    """What a replay needs: the record, and what really happened to each order first, with the version that decided."""

    record: Record
    recorded: Mapping[UUID, Recorded]
    unknown: Mapping[str, int]
    """What the record does not tell, and of how many orders."""


class Needs(NamedTuple):
    """What profiles ask about beside nodes and stock: goods at all, what may be sent instead, what is paid for them,
    and customers."""

    goods: bool
    others: bool
    margins: bool
    customers: bool

    @classmethod
    def of(cls, profiles: Iterable[Profile]) -> Needs:
        some = list(profiles)
        others = any(one.substitutes != "never" for one in some)
        margins = any(one.margin_from_percent is not None for one in some)
        limits = any(one.shipments_of for one in some)
        return cls(
            others or margins or limits, others, margins, others or any(one.tier_priority for one in some)
        )


def first_and_last(company: int) -> tuple[datetime, datetime] | None:
    """The first and the last moment that an order was decided for the first time; None without any. 1 statement."""
    ((first, last),) = sql.run(_SPAN, {"company": company})
    return (first, last) if first else None


def read(
    company: int, since: datetime, until: datetime, versions: Mapping[str, int], needs: Needs
) -> Window | None:
    """The window of a company; None where no order was to be decided in it.

    `versions` are those of the profile in force, by scope. About 25 statements, whatever the window holds.
    """
    params = {"company": company, "since": since, "until": until}
    asked = [_Asked(Decided(*row[:5]), row[5], row[6:]) for row in sql.run(_DECIDED, params)]
    if not asked:
        return None
    earlier = Earlier(sql.run(_EARLIER, {**params, "waits": list(WAITS)}))
    known = {"orders": [*(one.decided.order for one in asked), *earlier.decisions]}
    lines = _lines(known)
    house = _house(company, {one.head[1] for one in asked} | earlier.channels)
    codes = {node.code: node.id for nodes in house.nodes.values() for node in nodes}
    wanted = [(one.at, _sought(one, lines.ordered[one.decided.order])) for one in asked]
    waiting = [
        order for order in (earlier.waiting(which, lines.ordered) for which in earlier.waits) if order.lines
    ]
    skus = {line.sku for order in (*(order for _, order in wanted), *waiting) for line in order.lines}
    goods = _goods(params, skus, needs)
    skus |= {sku for _, one in goods for sku in one.skus}
    stock = params | {"skus": list(skus)}
    rejections = [Rejection(*row) for row in sql.run(_REJECTIONS, known)]
    before = [Promised(*row) for row in sql.run(_UNDER_WAY, params)]
    earlier.rejections = [one for one in rejections if one.order in earlier.decisions and one.at < since]
    held = earlier.promised(lines, codes)
    free, fences = free_then(stock, earlier, held, before)
    house = replace(_with_sizes(house, wanted, waiting, skus), company=company, goods=goods,
                    paid=lines.paid() if needs.margins else {})  # fmt: skip
    record = Record(
        since, until, house, free, fences, before, waiting, wanted,
        [Change(*row) for row in sql.run(CHANGES, stock)],
        dict(sql.run(_CANCELLED, params | known)),  # type: ignore[arg-type]
        [one for one in held if one.sku in skus], _gone(known), rejections, _preorders(stock),
        dict(sql.run(_LET_GO, known)),  # type: ignore[arg-type]
    )  # fmt: skip
    recorded = {one.decided.order: _recorded(one, house, versions) for one in asked}
    return Window(record, recorded, _unknown(known, needs))


# ---- orders


class _Asked(NamedTuple):
    """An order with its first decision; without an outcome where a limit of selling ahead still held it."""

    decided: Decided
    at: datetime
    head: tuple[Any, ...]


def _lines(known: Mapping[str, Any]) -> Lines:
    found = Lines(defaultdict(list), defaultdict(list))
    for order, *row in sql.run(_LINES, known):
        line = OrderLine(*row)
        (found.instead if line.instead_of else found.ordered)[order].append(line)
    return found


def _sought(one: _Asked, lines: Iterable[OrderLine]) -> Asked:
    """The order with the units that its first decision was about."""
    wanted = wanted_of(one.decided, lines)
    sought = tuple(line.wanted(wanted[line]) for line in lines if wanted.get(line))
    return asked_of(one.decided.order, one.head, sought)


def _recorded(one: _Asked, house: House, versions: Mapping[str, int]) -> Recorded:
    if not one.decided.outcome:
        return Recorded((), by_another=False)
    chosen = {found.node for found in explain(one.decided.reasons).candidates if found.verdict == "chosen"}
    scope = house.channels[one.head[1]]
    return Recorded(
        tuple(sorted(chosen)),
        by_another=one.decided.version != versions.get(scope if scope in versions else "", 0),
    )


def _gone(known: Mapping[str, Any]) -> dict[UUID, list[tuple[datetime, UUID]]]:
    found: dict[UUID, list[tuple[datetime, UUID]]] = defaultdict(list)
    for order, at, node in sql.run(_GONE, known):
        found[order].append((at, node))
    return found


# ---- goods


def _goods(params: Mapping[str, Any], skus: Collection[UUID], needs: Needs) -> list[tuple[datetime, Goods]]:
    """What is known of SKUs, as often as other sets of substitutes came into force in the window."""
    if not needs.goods:
        return []
    known, since = read_skus(skus), params["since"]
    if not needs.others:
        return [(since, Goods(known))]
    versions = policies.versions(params["company"], policies.kind_of(Substitutes))
    moments = {one.in_force_from for one in versions if since < one.in_force_from < params["until"]}
    by_moment = {
        at: {params["company"]: policies.in_force(params["company"], Substitutes, at)}
        for at in sorted({since, *moments})
    }
    to_send = read_for_sale({code for sets in by_moment.values() for code in codes_to_send(sets, known)})
    return [(at, Goods(known, to_send, sets)) for at, sets in by_moment.items()]


def _preorders(params: Mapping[str, Any]) -> list[Preorder]:
    return [
        Preorder(at, sku, code, date.fromisoformat(day) if day else None, units_max)
        for at, sku, code, day, units_max in sql.run(_PREORDERS, params)
    ]


def _unknown(params: Mapping[str, Any], needs: Needs) -> dict[str, int]:
    """What of these orders no ledger keeps, by a name, and how many orders it may matter to."""
    ((carts, changed, customers, windows, kits),) = sql.run(_UNKNOWN, params)
    asked = {
        "carts": carts,
        "changes": changed,
        "customers": customers if needs.customers else 0,
        "catalog": len(params["orders"]) if needs.goods else 0,
        "windows": windows,
        "half_kits": kits,
    }
    return {name: orders for name, orders in asked.items() if orders}


# ---- the house


def _house(company: int, channels: Collection[UUID]) -> House:
    codes: dict[UUID, str] = {}
    nodes: dict[UUID, list[Node]] = defaultdict(list)
    for channel, code, *node, latitude, longitude, zone, postal_code in sql.run(
        _NODES, {"channels": list(channels)}
    ):
        codes[channel] = code
        if node[0] is not None:
            place = None if latitude is None else (latitude, longitude)
            nodes[channel].append(Node._make((*node, place, zone, postal_code)))
    all_ = {node.id for some in nodes.values() for node in some}
    calendars, carriers = network.calendars(nodes=all_), carriage.cut_offs(nodes=all_)
    weeks = {node: Week(calendars[node], carriers[node]) for node in all_}
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
       o.service, o.total_minor, o.currency::text, COALESCE(c.tier, ''),
       COALESCE(NULLIF(o.substitutes, ''), c.substitutes, ''), o.cancel_after, o.min_fill_percent::int,
       COALESCE((SELECT sum(w.quantity) FROM orders_line AS w
                 WHERE w.order_id = o.id AND w.kind = 'goods' AND w.instead_of IS NULL), 0)::int"""

_ORDER = "orders_order AS o LEFT JOIN parties_customer AS c ON c.id = o.customer_id"

_SPAN = """
SELECT min(at), max(at) FROM (SELECT min(decided_at) AS at FROM sourcing_decision
                              WHERE company_id = %(company)s::smallint GROUP BY order_id) AS first
"""

# The first decision of an order is the one with the least id: a history is recorded long after it happened. An order
# that a limit of selling ahead held was to be decided when it did so.
_DECIDED = f"""
WITH held AS (
    SELECT order_id, min(opened_at) AS at, bool_and(closed_at < %(since)s::timestamptz) IS TRUE AS is_over
    FROM orders_hold
    WHERE company_id = %(company)s::smallint AND facts ? 'sold_ahead' AND opened_at < %(until)s::timestamptz
    GROUP BY 1
),
first AS (
    SELECT DISTINCT ON (order_id) * FROM sourcing_decision
    WHERE company_id = %(company)s::smallint ORDER BY order_id, id
)
SELECT d.order_id, d.decided_at, d.outcome, d.profile_version, d.reasons,
       CASE WHEN h.at < d.decided_at THEN greatest(h.at, %(since)s::timestamptz) ELSE d.decided_at END, {_HEAD}
FROM first AS d JOIN {_ORDER} ON o.id = d.order_id LEFT JOIN held AS h ON h.order_id = d.order_id
WHERE d.decided_at >= %(since)s::timestamptz AND d.decided_at < %(until)s::timestamptz
UNION ALL
SELECT h.order_id, h.at, '', 0, '{{}}'::jsonb, greatest(h.at, %(since)s::timestamptz), {_HEAD}
FROM held AS h JOIN {_ORDER} ON o.id = h.order_id
WHERE NOT h.is_over
  AND NOT EXISTS (SELECT FROM first AS d WHERE d.order_id = h.order_id AND d.decided_at < %(until)s::timestamptz)
ORDER BY 6, 1
"""

_LINES = """
SELECT order_id, id, number::int, sku_id, sku_code, quantity, kit_number, greatest(kit_units, 1), gross_minor,
       discount_minor, instead_of
FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[]) AND sku_id IS NOT NULL ORDER BY order_id, number
"""

_REJECTIONS = """
SELECT r.rejected_at, r.order_id, COALESCE(l.instead_of, l.id), l.sku_id, r.node_id, r.quantity, r.cleared_at
FROM sourcing_rejection AS r JOIN orders_line AS l ON l.id = r.line_id
WHERE r.order_id = ANY(%(orders)s::uuid[]) ORDER BY r.rejected_at, r.id
"""

# Each setting is kept as an event; the row itself has the last one alone.
_PREORDERS = """
SELECT e.occurred_at, s.id, s.code, e.payload ->> 'ships_on', (e.payload ->> 'units_max')::int
FROM kernel_event AS e JOIN catalog_sku AS s ON s.id = e.subject_id
WHERE e.subject_id = ANY(%(skus)s::uuid[]) AND e.command = 'stock.set_preorder'
  AND e.occurred_at < %(until)s::timestamptz
ORDER BY e.occurred_at, e.seq
"""

_LET_GO = """
SELECT order_id, min(closed_at) FROM orders_hold
WHERE order_id = ANY(%(orders)s::uuid[]) AND state = 'released' AND facts ? 'sold_ahead' GROUP BY 1
"""

_UNKNOWN = """
SELECT count(*) FILTER (WHERE o.reservation <> '')::int,
       count(*) FILTER (WHERE o.origin_id IS NOT NULL OR o.merged_into IS NOT NULL OR (
           o.commercial <> 'cancelled' AND o.policy <> 'partial_cancel' AND EXISTS (
               SELECT FROM orders_line AS l
               WHERE l.order_id = o.id AND l.instead_of IS NULL AND l.cancelled > 0 AND l.cancelled > (
                   SELECT COALESCE(sum(s.quantity), 0) FROM orders_line AS s
                   WHERE s.order_id = o.id AND s.instead_of = l.id))))::int,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM kernel_event AS e WHERE e.subject_id = o.customer_id AND e.occurred_at >= o.placed_at))::int,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM kernel_event AS e
           WHERE e.subject_id = o.id AND e.command = 'orders.edit' AND e.payload -> 'changed' ? 'window'
             AND e.occurred_at > (SELECT min(decided_at) FROM sourcing_decision AS d WHERE d.order_id = o.id)))::int,
       count(*) FILTER (WHERE o.min_fill_percent > 0 AND EXISTS (
           SELECT FROM orders_line AS l WHERE l.order_id = o.id AND l.kit_number > 0))::int
FROM orders_order AS o WHERE o.id = ANY(%(orders)s::uuid[])
"""

_CANCELLED = """
SELECT e.subject_id, min(e.occurred_at) FROM kernel_event AS e JOIN orders_order AS o ON o.id = e.subject_id
WHERE e.subject_id = ANY(%(orders)s::uuid[]) AND e.state_after = 'cancelled' AND o.commercial = 'cancelled'
GROUP BY 1 HAVING min(e.occurred_at) >= %(since)s::timestamptz AND min(e.occurred_at) < %(until)s::timestamptz
"""

_EARLIER = f"""
WITH before AS (
    SELECT * FROM sourcing_decision
    WHERE company_id = %(company)s::smallint AND decided_at < %(since)s::timestamptz AND NOT reasons ? 'replanned'
),
last AS (SELECT DISTINCT ON (order_id) order_id, outcome FROM before ORDER BY order_id, id DESC),
ended AS (
    SELECT e.subject_id AS order_id, min(e.occurred_at) AS at
    FROM kernel_event AS e JOIN orders_order AS c ON c.id = e.subject_id AND c.commercial = 'cancelled'
    WHERE e.company_id = %(company)s::smallint AND e.subject_kind = 'order' AND e.state_after = 'cancelled'
    GROUP BY 1
)
SELECT d.order_id, d.decided_at, d.outcome, d.profile_version, d.reasons, {_HEAD}
FROM last AS l JOIN before AS d ON d.order_id = l.order_id JOIN {_ORDER} ON o.id = l.order_id
LEFT JOIN ended AS e ON e.order_id = l.order_id
WHERE (l.outcome = ANY(%(waits)s::text[])
       AND (o.policy <> 'partial_cancel' OR o.min_fill_percent > 0 OR o.cancel_after IS NOT NULL)
       AND (e.at IS NULL OR e.at >= %(since)s::timestamptz))
   OR (e.at >= %(since)s::timestamptz AND e.at < %(until)s::timestamptz)
ORDER BY d.order_id, d.id
"""

_GONE = """
SELECT order_id, shipped_at, node_id FROM shipping_shipment
WHERE order_id = ANY(%(orders)s::uuid[]) AND shipped_at IS NOT NULL ORDER BY shipped_at
"""

_UNDER_WAY = """
WITH before AS (
    SELECT order_id FROM sourcing_decision WHERE company_id = %(company)s::smallint
    GROUP BY order_id HAVING (array_agg(decided_at ORDER BY id))[1] < %(since)s::timestamptz
)
SELECT order_id, sku_id, node_id, sum(units)::int, left_at FROM (
    SELECT l.order_id, m.sku_id, b.node_id, m.quantity AS units, m.occurred_at AS left_at
    FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.from_bucket
    JOIN orders_line AS l ON l.id = m.line_id JOIN before USING (order_id)
    WHERE m.company_id = %(company)s::smallint AND m.to_place = 'customer' AND m.document_kind <> 'return'
      AND m.occurred_at >= %(since)s::timestamptz
    UNION ALL
    SELECT a.order_id, a.sku_id, a.node_id, a.quantity, NULL FROM stock_allocation AS a JOIN before USING (order_id)
) AS promised GROUP BY 1, 2, 3, 5
"""

_NODES = """
SELECT c.id, c.code, n.id, n.code, n.country, (n.priority + cn.priority)::int, n.kind,
       n.latitude, n.longitude, n.time_zone, n.postal_code
FROM network_channel AS c
LEFT JOIN network_channelnode AS cn ON cn.channel_id = c.id
LEFT JOIN network_node AS n ON n.id = cn.node_id AND n.active
WHERE c.id = ANY(%(channels)s::uuid[]) ORDER BY c.id, n.code
"""
