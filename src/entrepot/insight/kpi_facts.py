"""What each KPI counts, as facts: one row for each order, shipment, line or item that it looks at.

Every statement gives the columns of FACT for a company, of what happened from `since` to before `until`. `good` is
what the KPI counts of `of`; where it measures time, `good` is hours and `of` is 1. `node` and `kind` are '' where there
is none.
"""

from __future__ import annotations

FACT = "at, channel, node, kind, document, name, good, of"

_WINDOW = ">= %(since)s::timestamptz AND {at} < %(until)s::timestamptz"


def _within(at: str) -> str:
    """That a time is in the window."""
    return f"{at} {_WINDOW.format(at=at)}"


_HOURS = "EXTRACT(epoch FROM {until} - {since})::float8 / 3600"


def _hours(since: str, until: str) -> str:
    return _HOURS.format(since=since, until=until)


# Orders of which everything that left has arrived, with what became of them. An order counts when the last of it came.
_ARRIVED = f"""
    SELECT o.id, o.number, o.channel_id, o.placed_at, o.promise_at, s.at, s.node_id, s.carrier
    FROM (
        SELECT order_id, max(delivered_at) AS at, (array_agg(node_id ORDER BY delivered_at DESC, id))[1] AS node_id,
               (array_agg(carrier ORDER BY delivered_at DESC, id))[1] AS carrier
        FROM shipping_shipment WHERE company_id = %(company)s::smallint
        GROUP BY order_id HAVING bool_and(state = 'delivered') AND {_within("max(delivered_at)")}
    ) AS s JOIN orders_order AS o ON o.id = s.order_id
    WHERE o.status IN ('delivered', 'closed')
"""

_BACK_FOR = """
    EXISTS (SELECT FROM returns_line AS r
            WHERE r.order_id = {order} AND r.quantity > r.cancelled AND r.reason IN {reasons})
"""
_DAMAGE = "('damaged_in_transit', 'poorly_packed')"
_MISTAKE = "('wrong_item', 'missing_parts')"

PERFECT_ORDER = f"""
WITH arrived AS ({_ARRIVED}), judged AS (
    SELECT a.*, a.promise_at IS NULL OR a.at <= a.promise_at AS on_time,
           NOT EXISTS (SELECT FROM orders_line AS l
                       WHERE l.order_id = a.id AND l.sku_id IS NOT NULL AND l.cancelled > 0) AS complete,
           NOT {_BACK_FOR.format(order="a.id", reasons=_DAMAGE)} AS whole,
           NOT {_BACK_FOR.format(order="a.id", reasons=_MISTAKE)} AS correct
    FROM arrived AS a
)
SELECT j.at, c.code, COALESCE(n.code, ''),
       CASE WHEN NOT complete THEN 'incomplete' WHEN NOT on_time THEN 'late' WHEN NOT whole THEN 'damaged'
            WHEN NOT correct THEN 'wrong goods' ELSE 'perfect' END,
       j.id, j.number, (complete AND on_time AND whole AND correct)::int::float8, 1::float8
FROM judged AS j JOIN network_channel AS c ON c.id = j.channel_id LEFT JOIN network_node AS n ON n.id = j.node_id
"""

CYCLE_TIME = f"""
WITH arrived AS ({_ARRIVED})
SELECT a.at, c.code, COALESCE(n.code, ''), COALESCE(a.carrier, ''), a.id, a.number,
       {_hours("a.placed_at", "a.at")}, 1::float8
FROM arrived AS a JOIN network_channel AS c ON c.id = a.channel_id LEFT JOIN network_node AS n ON n.id = a.node_id
"""

ON_TIME_DELIVERY = f"""
SELECT s.delivered_at, c.code, COALESCE(n.code, ''), s.carrier, s.id, s.number,
       (s.delivered_at <= s.promised_at)::int::float8, 1::float8
FROM shipping_shipment AS s JOIN orders_order AS o ON o.id = s.order_id
JOIN network_channel AS c ON c.id = o.channel_id LEFT JOIN network_node AS n ON n.id = s.node_id
WHERE s.company_id = %(company)s::smallint AND s.state = 'delivered' AND s.promised_at IS NOT NULL
  AND {_within("s.delivered_at")}
"""

ON_TIME_SHIPPING = f"""
SELECT s.shipped_at, c.code, n.code, s.carrier, s.id, s.number, (s.shipped_at <= f.due_at)::int::float8, 1::float8
FROM shipping_shipment AS s JOIN warehouse_fulfillment AS f ON f.id = s.fulfillment_id AND f.due_at IS NOT NULL
JOIN orders_order AS o ON o.id = s.order_id
JOIN network_channel AS c ON c.id = o.channel_id JOIN network_node AS n ON n.id = f.node_id
WHERE s.company_id = %(company)s::smallint AND {_within("s.shipped_at")}
"""

# Lines that left, each with its units that came back because of a mistake of the house.
_SHIPPED_LINES = f"""
    SELECT s.shipped_at AS at, s.node_id, s.carrier, l.order_id, l.line_id, sum(l.quantity)::float8 AS units
    FROM shipping_shipment AS s JOIN shipping_shipmentline AS l ON l.shipment_id = s.id
    WHERE s.company_id = %(company)s::smallint AND {_within("s.shipped_at")}
    GROUP BY 1, 2, 3, 4, 5
"""


def _lines_without(reasons: str) -> str:
    return f"""
SELECT x.at, c.code, COALESCE(n.code, ''), {{kind}}, x.order_id, o.number || ' · ' || k.sku_code,
       (NOT EXISTS (SELECT FROM returns_line AS r
                    WHERE r.line_id = x.line_id AND r.quantity > r.cancelled AND r.reason IN {reasons}))::int::float8,
       1::float8
FROM ({_SHIPPED_LINES}) AS x JOIN orders_order AS o ON o.id = x.order_id JOIN orders_line AS k ON k.id = x.line_id
JOIN network_channel AS c ON c.id = o.channel_id LEFT JOIN network_node AS n ON n.id = x.node_id
JOIN catalog_sku AS g ON g.id = k.sku_id
"""


PICK_ACCURACY = _lines_without(_MISTAKE).format(kind="g.category")
DAMAGE_FREE = _lines_without(_DAMAGE).format(kind="COALESCE(x.carrier, '')")

RETURN_RATE = f"""
SELECT x.at, c.code, COALESCE(n.code, ''), g.category, x.order_id, o.number || ' · ' || k.sku_code,
       LEAST(x.units, COALESCE(r.units, 0)), x.units
FROM ({_SHIPPED_LINES}) AS x JOIN orders_order AS o ON o.id = x.order_id JOIN orders_line AS k ON k.id = x.line_id
JOIN catalog_sku AS g ON g.id = k.sku_id
JOIN network_channel AS c ON c.id = o.channel_id LEFT JOIN network_node AS n ON n.id = x.node_id
LEFT JOIN LATERAL (
    SELECT sum(l.quantity - l.cancelled)::float8 AS units
    FROM returns_line AS l JOIN returns_return AS b ON b.id = l.return_id AND b.state NOT IN ('declined', 'cancelled')
    WHERE l.line_id = x.line_id
) AS r ON true
"""

# What stands of an order's goods, for orders that were placed in the window.
_PLACED = f"""
    SELECT o.id, o.number, o.channel_id, o.placed_at, sum(l.quantity)::float8 AS units,
           sum(l.cancelled)::float8 AS cancelled
    FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id AND l.sku_id IS NOT NULL
    WHERE o.company_id = %(company)s::smallint AND {_within("o.placed_at")} AND o.merged_into IS NULL
    GROUP BY 1, 2, 3, 4
"""

FILL_RATE = f"""
SELECT p.placed_at, c.code, COALESCE(f.node, ''), '', p.id, p.number, LEAST(f.units, p.units), p.units
FROM ({_PLACED}) AS p JOIN network_channel AS c ON c.id = p.channel_id
JOIN LATERAL (
    SELECT sum(l.quantity - l.short)::float8 AS units, min(n.code) AS node
    FROM warehouse_fulfillment AS w JOIN warehouse_fulfillmentline AS l ON l.fulfillment_id = w.id
    JOIN network_node AS n ON n.id = w.node_id
    WHERE w.order_id = p.id
      AND w.released_at = (SELECT min(released_at) FROM warehouse_fulfillment WHERE order_id = p.id)
) AS f ON f.units IS NOT NULL
"""

SPLIT_RATE = f"""
SELECT p.placed_at, c.code, '', '', p.id, p.number, s.shipments - 1, 1::float8
FROM ({_PLACED}) AS p JOIN network_channel AS c ON c.id = p.channel_id
JOIN LATERAL (
    SELECT count(*)::float8 AS shipments FROM shipping_shipment WHERE order_id = p.id
) AS s ON s.shipments > 0
"""

CANCELLED = f"""
SELECT p.placed_at, c.code, '', '', p.id, p.number, p.cancelled, p.units
FROM ({_PLACED}) AS p JOIN network_channel AS c ON c.id = p.channel_id
"""

OVERSOLD = f"""
SELECT o.placed_at, c.code, COALESCE(d.node, ''), COALESCE(d.reason, 'kept'), o.id, o.number || ' · ' || l.sku_code,
       (d.reason IS NOT NULL)::int::float8, 1::float8
FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id AND l.sku_id IS NOT NULL
JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN LATERAL (
    SELECT n.code AS node, x.reason FROM stock_displacement AS x JOIN network_node AS n ON n.id = x.node_id
    WHERE x.line_id = l.id ORDER BY x.recorded_at LIMIT 1
) AS d ON true
WHERE o.company_id = %(company)s::smallint AND {_within("o.placed_at")} AND o.commercial <> 'draft'
"""

HELD = f"""
SELECT o.placed_at, c.code, '', COALESCE(h.type, 'not held'), o.id, o.number,
       (h.type IS NOT NULL)::int::float8, 1::float8
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
LEFT JOIN LATERAL (
    SELECT type FROM orders_hold WHERE order_id = o.id ORDER BY opened_at, id LIMIT 1
) AS h ON true
WHERE o.company_id = %(company)s::smallint AND {_within("o.placed_at")} AND o.commercial <> 'draft'
"""

RECORD_ACCURACY = f"""
SELECT l.counted_at, '', n.code, COALESCE(NULLIF(l.abc, ''), 'no class'), l.task_id, t.number || ' · ' || k.code,
       (l.counted = l.expected)::int::float8, 1::float8
FROM warehouse_countline AS l JOIN warehouse_counttask AS t ON t.id = l.task_id
JOIN network_node AS n ON n.id = t.node_id JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE l.company_id = %(company)s::smallint AND l.counted IS NOT NULL AND {_within("l.counted_at")}
"""

ITEM_HOURS = f"""
SELECT i.closed_at, '', '', i.type, i.id, i.type, {_hours("i.opened_at", "i.closed_at")}, 1::float8
FROM work_item AS i
WHERE i.company_id = %(company)s::smallint AND i.state = 'done' AND {_within("i.closed_at")}
"""

ITEMS_IN_TIME = f"""
SELECT i.closed_at, '', '', i.type, i.id, i.type, (i.closed_at <= i.due_at)::int::float8, 1::float8
FROM work_item AS i
WHERE i.company_id = %(company)s::smallint AND i.state = 'done' AND i.due_at IS NOT NULL AND {_within("i.closed_at")}
"""


def _stage(name: str, tables: str, since: str, until: str) -> str:
    return f"""
SELECT {until} AS at, c.code AS channel, n.code AS node, '{name}' AS kind, r.id AS document, r.number AS name,
       {_hours(since, until)} AS good, 1::float8 AS of
FROM {tables} JOIN network_channel AS c ON c.id = r.channel_id JOIN network_node AS n ON n.id = r.node_id
WHERE r.company_id = %(company)s::smallint AND {_within(until)}
"""


RETURN_STAGES = "UNION ALL".join((
    _stage(
        "asked to received", "returns_return AS r JOIN returns_receipt AS x ON x.return_id = r.id",
        "r.requested_at", "x.received_at",
    ),
    _stage(
        "received to inspected",
        "returns_return AS r JOIN returns_inspection AS i ON i.return_id = r.id "
        "JOIN returns_receipt AS x ON x.id = i.receipt_id",
        "x.received_at", "i.inspected_at",
    ),
    _stage(
        "inspected to disposed",
        "returns_return AS r JOIN returns_disposition AS d ON d.return_id = r.id "
        "JOIN returns_inspection AS i ON i.id = d.inspection_id",
        "i.inspected_at", "d.decided_at",
    ),
    _stage(
        "asked to refunded",
        "returns_return AS r JOIN returns_refund AS f ON f.return_id = r.id AND f.state IN ('approved', 'paid')",
        "r.requested_at", "f.decided_at",
    ),
))  # fmt: skip
