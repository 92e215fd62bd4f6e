"""What each KPI counts, as facts: one row for each order, shipment, line or item that it looks at.

Every statement gives the columns of FACT for a company, of what happened from `since` to before `until`. `good` is
what the KPI counts of `of`; where it measures time, `good` is hours and `of` is 1. `node` and `kind` are '' where there
is none, and `document` is NULL where there is none. `now` is the moment of asking.
"""

from __future__ import annotations

from entrepot.ledger.rules import REVENUE
from entrepot.settlement.carriers import WEIGHED_AGAIN
from entrepot.shipping.trouble import WORSE
from entrepot.warehouse.task_times import OBSERVED

FACT = "at, channel, node, kind, document, name, good, of"

_WINDOW = ">= %(since)s::timestamptz AND {at} < %(until)s::timestamptz"


def _within(at: str) -> str:
    """That a time is in the window."""
    return f"{at} {_WINDOW.format(at=at)}"


_HOURS = "EXTRACT(epoch FROM {until} - {since})::float8 / 3600"


def _hours(since: str, until: str) -> str:
    return _HOURS.format(since=since, until=until)


# Orders of which everything that left has arrived, with what became of them. An order counts when the last of it came.
# What is sent again at no charge was never ordered, and has no promise: its first order tells of it.
_ARRIVED = f"""
    SELECT o.id, o.number, o.channel_id, o.placed_at, o.promise_at, s.at, s.node_id, s.carrier
    FROM (
        SELECT order_id, max(delivered_at) AS at, (array_agg(node_id ORDER BY delivered_at DESC, id))[1] AS node_id,
               (array_agg(carrier ORDER BY delivered_at DESC, id))[1] AS carrier
        FROM shipping_shipment WHERE company_id = %(company)s::smallint
        GROUP BY order_id HAVING bool_and(state = 'delivered') AND {_within("max(delivered_at)")}
    ) AS s JOIN orders_order AS o ON o.id = s.order_id
    WHERE o.status IN ('delivered', 'closed')
      AND NOT EXISTS (SELECT FROM shipping_reshipment AS r WHERE r.order_id = o.id)
"""

_WORSE = f"({', '.join(repr(one) for one in WORSE)})"

# Of what does not arrive it is known when its carrier says so, or when nobody has heard of it for long.
_DECIDED = f"""
    SELECT o.id, o.number, o.channel_id, o.promise_at, s.at, s.node_id, s.came, s.shipments
    FROM (
        SELECT h.order_id, max(COALESCE(h.delivered_at, t.at)) AS at,
               (array_agg(h.node_id ORDER BY COALESCE(h.delivered_at, t.at) DESC, h.id))[1] AS node_id,
               bool_and(h.state = 'delivered') AS came, array_agg(h.id) AS shipments
        FROM shipping_shipment AS h LEFT JOIN LATERAL (
            SELECT min(e.occurred_at) AS at FROM shipping_carrierevent AS e
            WHERE h.state <> 'delivered' AND e.shipment_id = h.id AND e.kind IN {_WORSE}
        ) AS t ON true
        WHERE h.company_id = %(company)s::smallint
        GROUP BY h.order_id
        HAVING bool_and(COALESCE(h.delivered_at, t.at) IS NOT NULL) AND {_within("max(COALESCE(h.delivered_at, t.at))")}
    ) AS s JOIN orders_order AS o ON o.id = s.order_id
    WHERE (o.status IN ('delivered', 'closed') OR NOT s.came AND o.status = 'shipped')
      AND NOT EXISTS (SELECT FROM shipping_reshipment AS r WHERE r.order_id = o.id)
"""

# Of what was declined or called off nobody knows that it was so.
_BACK_FOR = """
    EXISTS (SELECT FROM returns_line AS r
            JOIN returns_return AS b ON b.id = r.return_id AND b.state NOT IN ('declined', 'cancelled')
            WHERE {row} AND r.quantity > r.cancelled AND r.reason IN {reasons})
"""
_DAMAGE = "('damaged_in_transit', 'poorly_packed')"
_MISTAKE = "('wrong_item', 'missing_parts')"

# What a carrier says, and what the house claims of it, hold for all of a shipment. The window is asked first: what
# became of shipments is looked up of its orders alone, and not of all there ever were.
_ANY_DAMAGED = """
    EXISTS (SELECT FROM unnest({shipments}) AS h (id)
            WHERE EXISTS (SELECT FROM shipping_carrierevent AS e WHERE e.shipment_id = h.id AND e.kind = 'damaged')
               OR EXISTS (SELECT FROM shipping_claim AS w
                          WHERE w.shipment_id = h.id AND w.kind = 'damaged' AND w.state <> 'dropped'))
"""

# What papers said and was not so: an invoice with another price than agreed, and a label with less than the parcel
# weighs, where that is why a charge was in question and somebody found the carrier right. What scales may differ puts
# none in question, and a voided label was on no parcel.
_OTHER_PRICE = _BACK_FOR.format(row="r.order_id = a.id", reasons="('price_corrected')")
_HEAVIER = f"""
    EXISTS (SELECT FROM shipping_label AS b
            JOIN settlement_carriercharge AS w ON w.unit_id = b.id AND w.state = 'accepted' AND w.difference_minor > 0
             AND starts_with(w.why, '{WEIGHED_AGAIN}')
            WHERE b.shipment_id = ANY(a.shipments) AND b.state <> 'voided')
"""

DOCUMENTS_CORRECT = f"""
WITH decided AS ({_DECIDED}), judged AS MATERIALIZED (
    SELECT a.*, {_OTHER_PRICE} AS priced_wrong, {_HEAVIER} AS heavier FROM decided AS a
)
SELECT j.at, c.code, COALESCE(n.code, ''),
       CASE WHEN priced_wrong THEN 'another price' WHEN heavier THEN 'heavier than labeled' ELSE 'right papers' END,
       j.id, j.number, (NOT priced_wrong AND NOT heavier)::int::float8, 1::float8
FROM judged AS j JOIN network_channel AS c ON c.id = j.channel_id LEFT JOIN network_node AS n ON n.id = j.node_id
"""

PERFECT_ORDER = f"""
WITH decided AS ({_DECIDED}), judged AS MATERIALIZED (
    SELECT a.*, a.promise_at IS NULL OR a.at <= a.promise_at AS on_time,
           NOT EXISTS (SELECT FROM orders_line AS l
                       WHERE l.order_id = a.id AND l.sku_id IS NOT NULL AND l.cancelled > 0) AS complete,
           NOT {_ANY_DAMAGED.format(shipments="a.shipments")}
           AND NOT {_BACK_FOR.format(row="r.order_id = a.id", reasons=_DAMAGE)} AS whole,
           NOT {_BACK_FOR.format(row="r.order_id = a.id", reasons=_MISTAKE)} AS correct,
           NOT {_OTHER_PRICE} AND NOT {_HEAVIER} AS documented,
           EXISTS (SELECT FROM shipping_reshipment AS r WHERE r.shipment_id = ANY(a.shipments)) AS again
    FROM decided AS a
)
SELECT j.at, c.code, COALESCE(n.code, ''),
       CASE WHEN NOT came THEN 'not arrived' WHEN NOT complete THEN 'incomplete' WHEN NOT on_time THEN 'late'
            WHEN NOT whole THEN 'damaged' WHEN NOT correct THEN 'wrong goods' WHEN again THEN 'sent again'
            WHEN NOT documented THEN 'wrong papers' ELSE 'perfect' END,
       j.id, j.number,
       (came AND complete AND on_time AND whole AND correct AND NOT again AND documented)::int::float8, 1::float8
FROM judged AS j JOIN network_channel AS c ON c.id = j.channel_id LEFT JOIN network_node AS n ON n.id = j.node_id
"""


def _of_arrived(good: str, also: str = "") -> str:
    return f"""
WITH arrived AS ({_ARRIVED})
SELECT a.at, c.code, COALESCE(n.code, ''), COALESCE(a.carrier, ''), a.id, a.number, {good}, 1::float8
FROM arrived AS a JOIN network_channel AS c ON c.id = a.channel_id LEFT JOIN network_node AS n ON n.id = a.node_id
{also}
"""


CYCLE_TIME = _of_arrived(_hours("a.placed_at", "a.at"))
DELIVERED_AS_PROMISED = _of_arrived("(a.at <= a.promise_at)::int::float8", "WHERE a.promise_at IS NOT NULL")

# Holds that wait for stock are the house's own time. What several held at once waited once. What is said to have come
# before it was placed, as where a day is named without its hour, has no time in which it was held.
NET_CYCLE_TIME = _of_arrived(
    f"{_hours('a.placed_at', 'a.at')} - COALESCE(w.hours, 0)",
    """
LEFT JOIN LATERAL (
    SELECT sum(EXTRACT(epoch FROM upper(one) - lower(one))::float8 / 3600) AS hours
    FROM (
        SELECT unnest(range_agg(tstzrange(h.opened_at, COALESCE(h.closed_at, a.at)) * tstzrange(a.placed_at, a.at)))
        FROM orders_hold AS h
        WHERE h.order_id = a.id AND h.type <> 'inventory hold' AND h.opened_at <= COALESCE(h.closed_at, a.at)
          AND a.placed_at <= a.at
    ) AS x (one)
) AS w ON true
""",
)

SHIPPED_COMPLETE = f"""
SELECT s.at, c.code, COALESCE(n.code, ''), s.carrier, o.id, o.number,
       (NOT EXISTS (SELECT FROM orders_line AS l
                    WHERE l.order_id = o.id AND l.sku_id IS NOT NULL AND l.cancelled > 0))::int::float8, 1::float8
FROM (
    SELECT order_id, max(shipped_at) AS at, (array_agg(node_id ORDER BY shipped_at DESC, id))[1] AS node_id,
           (array_agg(carrier ORDER BY shipped_at DESC, id))[1] AS carrier
    FROM shipping_shipment WHERE company_id = %(company)s::smallint
    GROUP BY order_id HAVING {_within("max(shipped_at)")}
) AS s JOIN orders_order AS o ON o.id = s.order_id AND o.status IN ('shipped', 'delivered', 'closed')
JOIN network_channel AS c ON c.id = o.channel_id LEFT JOIN network_node AS n ON n.id = s.node_id
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

# Lines that left, each once with all of its units, however many shipments that took: it counts when the last of it did.
_SHIPPED_LINES = f"""
    SELECT max(s.shipped_at) AS at, (array_agg(s.node_id ORDER BY s.shipped_at DESC, s.id))[1] AS node_id,
           (array_agg(s.carrier ORDER BY s.shipped_at DESC, s.id))[1] AS carrier, l.order_id, l.line_id,
           sum(l.quantity)::float8 AS units, sum(l.goods_minor - l.discount_minor)::float8 AS minor,
           (array_agg(s.id ORDER BY s.shipped_at DESC, s.id))[1] AS shipment_id, array_agg(s.id) AS shipments
    FROM (SELECT DISTINCT order_id FROM shipping_shipment
          WHERE company_id = %(company)s::smallint AND {_within("shipped_at")}) AS o
    JOIN shipping_shipment AS s ON s.order_id = o.order_id
    JOIN shipping_shipmentline AS l ON l.shipment_id = s.id
    GROUP BY l.order_id, l.line_id HAVING {_within("max(s.shipped_at)")}
"""


def _of_shipped_lines(kind: str, good: str, of: str = "1::float8", also: str = "") -> str:
    return f"""
SELECT x.at, c.code, COALESCE(n.code, ''), {kind}, x.order_id, o.number || ' · ' || k.sku_code, {good}, {of}
FROM ({_SHIPPED_LINES}) AS x JOIN orders_order AS o ON o.id = x.order_id JOIN orders_line AS k ON k.id = x.line_id
JOIN catalog_sku AS g ON g.id = k.sku_id
JOIN network_channel AS c ON c.id = o.channel_id LEFT JOIN network_node AS n ON n.id = x.node_id
{also}
"""


def _none_of(*found: str) -> str:
    return f"(NOT ({' OR '.join(found)}))::int::float8"


_BACK = "r.line_id = x.line_id"
PICK_ACCURACY = _of_shipped_lines("g.category", _none_of(_BACK_FOR.format(row=_BACK, reasons=_MISTAKE)))
DAMAGE_FREE = _of_shipped_lines(
    "COALESCE(x.carrier, '')",
    _none_of(_BACK_FOR.format(row=_BACK, reasons=_DAMAGE), _ANY_DAMAGED.format(shipments="x.shipments")),
)

_UNITS_BACK = "LEAST(x.units, COALESCE(r.units, 0))"
_RETURNED = """
LEFT JOIN LATERAL (
    SELECT sum(l.quantity - l.cancelled)::float8 AS units
    FROM returns_line AS l JOIN returns_return AS b ON b.id = l.return_id AND b.state NOT IN ('declined', 'cancelled')
    WHERE l.line_id = x.line_id
) AS r ON true
"""

RETURN_RATE = _of_shipped_lines("g.category", _UNITS_BACK, "x.units", _RETURNED)

# In the company's own currency, at the rate of the day on which the last of the line left.
VALUE_RETURNED = _of_shipped_lines(
    "g.category",
    f"{_UNITS_BACK} / x.units * x.minor * v.rate",
    "x.minor * v.rate",
    f"""{_RETURNED}
JOIN parties_company AS y ON y.id = o.company_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN o.currency = y.currency THEN 1 ELSE COALESCE((
        SELECT sum(e.functional_minor)::float8 / NULLIF(sum(e.amount_minor), 0) FROM ledger_line AS e
        WHERE e.document_id = x.shipment_id AND e.event = 'sale' AND e.account = 2100), 0) END AS rate
) AS v
WHERE x.minor * v.rate > 0
""",
)

# What stands of an order's goods, for orders that were placed in the window.
_PLACED = f"""
    SELECT o.id, o.number, o.channel_id, o.placed_at, sum(l.quantity)::float8 AS units,
           sum(l.cancelled)::float8 AS cancelled
    FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id AND l.sku_id IS NOT NULL
    WHERE o.company_id = %(company)s::smallint AND {_within("o.placed_at")} AND o.merged_into IS NULL
    GROUP BY 1, 2, 3, 4
"""

# Lines of orders placed, with the units that left stock with the first release. Of what is not released yet nobody
# knows how it is filled; where stock had none of it when its order was decided, it is known: none is.
_FILLED = f"""
    SELECT p.id, p.number, p.placed_at, p.channel_id, l.sku_code, l.quantity::float8 AS units,
           LEAST(COALESCE(f.units, 0), l.quantity) AS filled, f.node
    FROM orders_order AS p JOIN orders_line AS l ON l.order_id = p.id AND l.sku_id IS NOT NULL
    LEFT JOIN LATERAL (SELECT min(released_at) AS at FROM warehouse_fulfillment WHERE order_id = p.id) AS w ON true
    LEFT JOIN LATERAL (
        SELECT sum(m.quantity - m.short)::float8 AS units, min(n.code) AS node
        FROM warehouse_fulfillment AS x JOIN warehouse_fulfillmentline AS m ON m.fulfillment_id = x.id
        JOIN network_node AS n ON n.id = x.node_id
        WHERE x.order_id = p.id AND x.released_at = w.at AND m.line_id = l.id
    ) AS f ON true
    WHERE p.company_id = %(company)s::smallint AND {_within("p.placed_at")} AND p.merged_into IS NULL
      AND (w.at IS NOT NULL OR (SELECT outcome FROM sourcing_decision WHERE order_id = p.id ORDER BY id LIMIT 1)
                               IN ('backordered', 'cancelled'))
"""

LINES_FILLED = f"""
SELECT p.placed_at, c.code, COALESCE(p.node, ''), '', p.id, p.number || ' · ' || p.sku_code,
       (p.filled = p.units)::int::float8, 1::float8
FROM ({_FILLED}) AS p JOIN network_channel AS c ON c.id = p.channel_id
"""


def _orders_filled(good: str, of: str) -> str:
    return f"""
SELECT p.placed_at, c.code, COALESCE(min(p.node), ''), '', p.id, p.number, {good}, {of}
FROM ({_FILLED}) AS p JOIN network_channel AS c ON c.id = p.channel_id
GROUP BY p.id, p.number, p.placed_at, c.code
"""


FILL_RATE = _orders_filled("sum(p.filled)", "sum(p.units)")
ORDERS_FILLED = _orders_filled("bool_and(p.filled = p.units)::int::float8", "1::float8")

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


def _counted(good: str, of: str) -> str:
    return f"""
SELECT l.counted_at, '', n.code, COALESCE(NULLIF(l.abc, ''), 'no class'), l.task_id, t.number || ' · ' || k.code,
       {good}, {of}
FROM warehouse_countline AS l JOIN warehouse_counttask AS t ON t.id = l.task_id
JOIN network_node AS n ON n.id = t.node_id JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE l.company_id = %(company)s::smallint AND l.counted IS NOT NULL AND l.state <> 'withdrawn'
  AND {_within("l.counted_at")}
"""


RECORD_ACCURACY = _counted("(l.counted = l.expected)::int::float8", "1::float8")
UNITS_OFF = _counted("abs(l.counted - l.expected)::float8", "l.expected::float8")
UNITS_MORE = _counted("(l.counted - l.expected)::float8", "l.expected::float8")

LYING_DAYS = 90

# Units leave a bucket in the order in which they came: each put-away is told from the arrival of its last unit. Counted
# from what a bucket held 90 days before, so that it costs no more as history grows; what had come before is not told.
DOCK_TO_STOCK = f"""
WITH put AS (
    SELECT id, sku_id, from_bucket, occurred_at, document_id FROM stock_move
    WHERE company_id = %(company)s::smallint AND reason = 'put_away' AND from_place = 'node' AND to_place = 'node'
      AND {_within("occurred_at")}
), buckets AS MATERIALIZED (SELECT DISTINCT sku_id, from_bucket AS id FROM put), moves AS MATERIALIZED (
    SELECT b.id AS bucket, m.id, m.occurred_at, m.quantity, m.to_bucket = b.id AS comes
    FROM buckets AS b JOIN stock_move AS m ON m.sku_id = b.sku_id AND b.id IN (m.from_bucket, m.to_bucket)
     AND m.id > COALESCE((
         SELECT id FROM stock_move WHERE company_id = %(company)s::smallint AND reason = 'put_away'
            AND occurred_at < %(since)s::timestamptz - interval '{LYING_DAYS} days' ORDER BY occurred_at DESC LIMIT 1
     ), 0)
), held AS MATERIALIZED (
    SELECT k.id, k.quantity - sum(CASE WHEN m.comes THEN m.quantity ELSE -m.quantity END) AS units
    FROM moves AS m JOIN stock_bucket AS k ON k.id = m.bucket GROUP BY k.id, k.quantity
), numbered AS MATERIALIZED (
    SELECT m.bucket, m.id, m.occurred_at, m.comes, CASE WHEN m.comes THEN h.units ELSE 0 END
           + sum(m.quantity) OVER (PARTITION BY m.bucket, m.comes ORDER BY m.id) AS upto, h.units AS held
    FROM moves AS m JOIN held AS h ON h.id = m.bucket
)
SELECT p.occurred_at, '', n.code, k.category, p.document_id, k.code, {_hours("a.occurred_at", "p.occurred_at")},
       1::float8
FROM put AS p JOIN numbered AS w ON w.id = p.id AND NOT w.comes AND w.upto > w.held
JOIN stock_bucket AS b ON b.id = p.from_bucket
JOIN network_node AS n ON n.id = b.node_id JOIN catalog_sku AS k ON k.id = p.sku_id
CROSS JOIN LATERAL (
    SELECT c.occurred_at FROM numbered AS c
    WHERE c.bucket = p.from_bucket AND c.comes AND c.upto >= w.upto ORDER BY c.upto LIMIT 1
) AS a
"""


def _an_hour(steps: str, counted: str) -> str:
    """Of what people reported: what is counted, and the hours that all of the steps took."""
    return f"""
SELECT t.at, '', t.node, t.step, NULL::uuid, t.step, ({counted})::float8, {_hours("t.before", "t.at")}
FROM ({OBSERVED}) AS t (step, node, actor, before, at, lines, units, meters, pieces, documents)
WHERE t.step IN {steps} AND t.at > t.before
"""


LINES_RECEIVED = _an_hour("('receive', 'put_away')", "CASE t.step WHEN 'receive' THEN t.lines ELSE 0 END")
ORDERS_PACKED = _an_hour("('pick', 'pack')", "CASE t.step WHEN 'pack' THEN t.documents ELSE 0 END")

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

_ADVICE = """
SELECT s.{at}, '', '', s.kind, s.id, s.kind, ({good})::int::float8, 1::float8
FROM insight_suggestion AS s
WHERE s.company_id = %(company)s::smallint AND s.{at} IS NOT NULL AND {within}
"""
ADVICE_ACCEPTED = _ADVICE.format(at="decided_at", good="s.state = 'accepted'", within=_within("s.decided_at"))
ADVICE_RIGHT = _ADVICE.format(at="judged_at", good="s.outcome = 'right'", within=_within("s.judged_at"))


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

# An exchange is decided when it is settled. What was given back of a replacement that was cancelled is kept no more.
VALUE_KEPT = f"""
SELECT COALESCE(f.decided_at, e.settled_at), c.code, n.code, f.outcome, r.id, r.number,
       (f.applied_minor - b.minor) * x.rate, f.total_minor * x.rate
FROM returns_refund AS f JOIN returns_return AS r ON r.id = f.return_id
LEFT JOIN returns_exchange AS e ON e.refund_id = f.id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(g.total_minor), 0)::bigint AS minor FROM returns_refund AS g
    WHERE g.order_id = e.replacement_id AND g.outcome = 'replacement' AND g.state IN ('approved', 'paid')
) AS b
JOIN network_channel AS c ON c.id = r.channel_id JOIN network_node AS n ON n.id = r.node_id
CROSS JOIN LATERAL (
    SELECT COALESCE((SELECT functional_minor::float8 / amount_minor FROM ledger_line
                     WHERE document_id = f.id AND amount_minor <> 0 LIMIT 1), 1) AS rate
) AS x
WHERE f.company_id = %(company)s::smallint AND f.state IN ('approved', 'paid') AND f.total_minor > 0
  AND f.outcome <> 'replacement' AND {_within("COALESCE(f.decided_at, e.settled_at)")}
"""

# Of a disposition (`d`, of the return `r` and its line `l`): that its goods had cost anything, and are not their
# customer's.
_WITH_COST = """
JOIN LATERAL (
    SELECT sum(value_minor)::float8 / sum(quantity) AS cost FROM stock_move
    WHERE document_id = d.return_id AND line_id = l.line_id AND from_place = 'customer'
) AS u ON u.cost > 0
"""
_RECOVERABLE = "d.disposition <> 'send_back' AND (d.disposition <> 'repair' OR r.asked <> 'repair')"

# Goods that came back cost what they had cost when they left. What stands in stock again is worth that still, less what
# second grade was written down; what was decided about again counts as it was last. Of what left, vendors and buyers
# owe their part of the departure, or have given it; its tax is the state's. What is its customer's, in repair or sent
# back, is nothing that could be recovered.
RECOVERED = f"""
SELECT d.decided_at, c.code, n.code, d.disposition, r.id, r.number || ' · ' || k.code,
       CASE WHEN d.disposition IN ('restock', 'second_grade', 'refurbish', 'repair')
            THEN e.units * u.cost - e.written_down
            ELSE COALESCE(g.brought, 0) END, e.units * u.cost
FROM returns_disposition AS d
CROSS JOIN LATERAL (
    SELECT d.quantity - COALESCE((SELECT sum(n.quantity) FROM returns_disposition AS n WHERE n.earlier_id = d.id), 0)
           AS units,
           COALESCE((SELECT sum(w.cost_minor - w.value_minor) FROM returns_regrading AS w
                     WHERE w.disposition_id = d.id), 0)::float8 AS written_down
) AS e
JOIN returns_return AS r ON r.id = d.return_id
JOIN returns_line AS l ON l.id = d.return_line_id JOIN catalog_sku AS k ON k.id = l.sku_id
JOIN network_channel AS c ON c.id = r.channel_id JOIN network_node AS n ON n.id = r.node_id
{_WITH_COST}
LEFT JOIN LATERAL (
    SELECT sum((CASE w.state WHEN 'settled' THEN w.credited_minor ELSE w.owed_minor END
                - w.tax_minor + w.reduced_tax_minor)
               * i.value_minor::float8 / NULLIF(w.value_minor, 0)) AS brought
    FROM returns_departureitem AS i JOIN returns_departure AS w ON w.id = i.departure_id
    WHERE i.disposition_id = d.id
) AS g ON true
WHERE r.company_id = %(company)s::smallint AND {_within("d.decided_at")}
  AND {_RECOVERABLE}
"""

# Of that what the returns whose goods it tells of took themselves. Carriage of their labels as it was accrued, each
# return in a parcel an equal part, less what refunds kept once of the return for label and handling, without its tax,
# as far as that goes: told with the first of its goods. And the work that the policy reckons with for a unit, each time
# that it was decided about.
NET_RECOVERED = f"""{RECOVERED}
UNION ALL
SELECT x.at, c.code, n.code, 'return freight', r.id, r.number, GREATEST(LEAST(k.minor, b.minor), 0) - b.minor,
       0::float8
FROM (
    SELECT r.id, min(d.decided_at) AS at
    FROM returns_return AS r JOIN returns_disposition AS d ON d.return_id = r.id
    JOIN returns_line AS l ON l.id = d.return_line_id {_WITH_COST}
    WHERE r.company_id = %(company)s::smallint AND {_RECOVERABLE}
      AND r.id IN (SELECT d.return_id FROM returns_disposition AS d WHERE {_within("d.decided_at")})
    GROUP BY r.id HAVING {_within("min(d.decided_at)")}
) AS x
JOIN returns_return AS r ON r.id = x.id
JOIN network_channel AS c ON c.id = r.channel_id JOIN network_node AS n ON n.id = r.node_id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(e.functional_minor::float8 / w.returns), 0) AS minor
    FROM returns_labelreturn AS m
    CROSS JOIN LATERAL (SELECT count(*) AS returns FROM returns_labelreturn WHERE label_id = m.label_id) AS w
    JOIN ledger_line AS e ON e.document_id = m.label_id AND e.company_id = r.company_id
    JOIN ledger_account AS a ON a.company_id = e.company_id AND a.code = e.account AND a.type = 'expense'
    WHERE m.return_id = r.id
) AS b
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(f.flat_fee_minor * (1 - f.fee_tax_minor::float8 / f.fee_minor) * y.rate), 0) AS minor
    FROM returns_refund AS f CROSS JOIN LATERAL (
        SELECT COALESCE((SELECT functional_minor::float8 / amount_minor FROM ledger_line
                         WHERE document_id = f.id AND amount_minor <> 0 LIMIT 1), 1) AS rate
    ) AS y
    WHERE f.return_id = r.id AND f.state IN ('approved', 'paid') AND f.flat_fee_minor > 0
) AS k
WHERE b.minor <> 0
UNION ALL
SELECT d.decided_at, c.code, n.code, 'processing', r.id, r.number || ' · ' || k.code,
       -(d.quantity * w.minor)::float8, 0::float8
FROM returns_disposition AS d
JOIN returns_return AS r ON r.id = d.return_id
JOIN returns_line AS l ON l.id = d.return_line_id JOIN catalog_sku AS k ON k.id = l.sku_id
JOIN network_channel AS c ON c.id = r.channel_id JOIN network_node AS n ON n.id = r.node_id
{_WITH_COST}
JOIN LATERAL (
    SELECT COALESCE((p.body #>> ARRAY['ways', d.disposition, 'handling_minor'])::bigint, 0)
           + COALESCE((p.body #>> ARRAY['ways', d.disposition, 'refurbish_minor'])::bigint, 0) AS minor
    FROM kernel_policy AS p
    WHERE p.company_id = r.company_id AND p.kind = 'returns.recovery' AND p.scope = ''
      AND p.in_force_from <= d.decided_at
    ORDER BY p.in_force_from DESC, p.version DESC LIMIT 1
) AS w ON w.minor > 0
WHERE r.company_id = %(company)s::smallint AND {_within("d.decided_at")} AND {_RECOVERABLE}
"""

CLEARING_DAYS = 4


# In the company's own currency, whatever the line's; a line whose days are not over yet speaks neither way.
def _clearing(good: str, matched: str) -> str:
    return f"""
SELECT i.since_at, '', '', i.account || ' ' || a.name, l.document_id, l.event,
       {good} * abs(l.functional_minor) / abs(i.amount_minor), abs(l.functional_minor)::float8
FROM ledger_clearingitem AS i JOIN ledger_line AS l ON l.id = i.line_id
JOIN ledger_account AS a ON a.company_id = i.company_id AND a.code = i.account
LEFT JOIN LATERAL (
    SELECT sum(abs(p.amount_minor)) AS amount
    FROM ledger_matchpart AS p JOIN ledger_match AS m ON m.id = p.match_id AND m.undone_at IS NULL
    WHERE p.line_id = i.line_id AND m.matched_at <= {matched}
) AS m ON true
WHERE i.company_id = %(company)s::smallint AND {_within("i.since_at")}
  AND i.since_at < %(now)s::timestamptz - interval '{CLEARING_DAYS} days'
"""


CLEARED = _clearing("COALESCE(m.amount, 0)::float8", f"i.since_at + interval '{CLEARING_DAYS} days'")
LEFT_TO_CLEAR = _clearing("(abs(i.amount_minor) - COALESCE(m.amount, 0))::float8", "%(now)s::timestamptz")

_INVENTORY, _RECEIVABLE, _PAYABLE, _COST = "{1200,1210,1230}", "{1100,1150}", "{2000,2050}", "{5000}"
_REVENUE = f"{{{','.join(map(str, REVENUE))}}}"

# Of each month what stood at its end, times its days, by what went through it. A month that runs counts so far.
CASH_TO_CASH = f"""
WITH months AS (
    SELECT m::date AS month, LEAST(m + interval '1 month' - interval '1 second',
                                   %(now)s::timestamptz AT TIME ZONE 'UTC') AS until
    FROM generate_series(date_trunc('month', %(since)s::timestamptz AT TIME ZONE 'UTC'),
                         %(until)s::timestamptz AT TIME ZONE 'UTC', interval '1 month') AS m
), sums AS (
    SELECT m.month, m.until AT TIME ZONE 'UTC' AS at, EXTRACT(epoch FROM m.until - m.month)::float8 / 86400 AS days,
           k.kind, k.sign * COALESCE(sum(b.functional_minor) FILTER (WHERE b.account = ANY(k.stands)), 0) AS stands,
           k.side * sum(b.functional_minor) FILTER (WHERE a.role = ANY(k.flows) AND b.month = m.month) AS flow
    FROM months AS m
    CROSS JOIN (VALUES ('stock', 1, 1, '{_INVENTORY}'::int[], '{_COST}'::int[]),
                       ('receivable', 1, -1, '{_RECEIVABLE}'::int[], '{_REVENUE}'::int[]),
                       ('payable', -1, 1, '{_PAYABLE}'::int[], '{_COST}'::int[])
               ) AS k (kind, sign, side, stands, flows)
    JOIN ledger_balance AS b ON b.company_id = %(company)s::smallint AND b.month <= m.month
    LEFT JOIN ledger_account AS a ON a.company_id = b.company_id AND a.code = b.account
    GROUP BY 1, 2, 3, 4, k.sign, k.side
)
SELECT at, '', '', kind, NULL::uuid, to_char(month, 'YYYY-MM'), stands * days, flow::float8
FROM sums WHERE flow > 0 AND {_within("at")}
"""
