"""The statements behind profit: the journal's lines of income and expense, shared out to order lines."""

from __future__ import annotations

from entrepot.insight.margins import OWN_EXPENSE, OWN_INCOME
from entrepot.returns.cohort_queries import LOST, RATE, TAKEN_BACK
from entrepot.warehouse.shelf_queries import pieces_in

SIDES = {
    "month": "to_char({row}.month, 'YYYY-MM')",
    "sku": "COALESCE(k.code, '')",
    "channel": "COALESCE(c.code, '')",
    "reason": "COALESCE({row}.reason, '')",
    "line": "COALESCE({row}.line_id::text, '')",
}
"""By what rows may be told, and the name of their group; '' for what belongs to no unit."""

# What each amount of the journal is shared by: order lines with their weights. An amount that no part names belongs to
# no unit. An account counts as the standard one that it stands for; an own one that stands for none is other income or
# other expenses. What is calculated stands beside it as if it were a line without an account. Who picks handles pieces,
# a case or pallet from reserve as one, as labor counts them; of what nobody picked here each unit is one.
JOURNAL = f"""
journal AS MATERIALIZED (
    SELECT l.id, l.month, COALESCE(a.role, CASE a.type WHEN 'income' THEN {OWN_INCOME} ELSE {OWN_EXPENSE} END)
               AS account, l.event, l.kind, l.document_id, l.document_kind, -l.functional_minor AS amount
    FROM ledger_line AS l JOIN ledger_account AS a ON a.company_id = l.company_id AND a.code = l.account
    WHERE l.company_id = %(company)s::smallint AND a.type IN ('income', 'expense')
      AND l.month >= %(since)s::date AND l.month < %(until)s::date
      AND l.occurred_at >= %(since)s::timestamp AT TIME ZONE 'UTC'
      AND l.occurred_at < %(until)s::timestamp AT TIME ZONE 'UTC'
    UNION ALL
    SELECT -2 * row_number() OVER (), date_trunc('month', h.shipped_at, 'UTC')::date, 0, 'calculated', x.kind, h.id,
           'shipment', -x.amount
    FROM shipping_shipment AS h
    CROSS JOIN LATERAL (SELECT count(*) AS lines, sum(quantity) AS units FROM shipping_shipmentline
                        WHERE shipment_id = h.id) AS n
    LEFT JOIN unnest(%(nodes)s::uuid[], %(fixed)s::float8[], %(per_line)s::float8[], %(per_piece)s::float8[],
                     %(per_unit)s::float8[]) AS t(node, fixed, per_line, per_piece, per_unit) ON t.node = h.node_id
    CROSS JOIN LATERAL (
        SELECT 'labor' AS kind, round((%(hour_minor)s::bigint / 3600.0
                   * (t.fixed + t.per_line * n.lines + t.per_unit * n.units + t.per_piece * COALESCE((
                       SELECT NULLIF(sum(handled.pieces), 0)
                       FROM warehouse_picktask AS k JOIN network_bin AS b ON b.id = k.bin_id
                       {pieces_in("k.picked", "k.sku_id", "b.kind = 'reserve'")}
                       WHERE k.fulfillment_id = h.fulfillment_id), n.units)))::numeric)::bigint AS amount
        WHERE %(hour_minor)s::bigint > 0
        UNION ALL
        SELECT 'cartons', sum(k.cost_minor)::bigint
        FROM warehouse_package AS p JOIN warehouse_carton AS k ON k.company_id = p.company_id AND k.code = p.carton
        WHERE p.fulfillment_id = h.fulfillment_id AND p.voided_at IS NULL
    ) AS x
    WHERE h.company_id = %(company)s::smallint AND x.amount <> 0
      AND h.shipped_at >= %(since)s::timestamp AT TIME ZONE 'UTC'
      AND h.shipped_at < %(until)s::timestamp AT TIME ZONE 'UTC'
)
"""

PARTS = """
sent AS MATERIALIZED (
    SELECT s.shipment_id, s.line_id, s.sku_id, s.goods_minor, s.discount_minor, s.shipping_minor,
           s.quantity * GREATEST(k.weight_g, 1)::numeric AS weight,
           s.quantity * GREATEST(k.weight_g, 1) / sum(s.quantity * GREATEST(k.weight_g, 1)::numeric)
               OVER (PARTITION BY s.shipment_id) AS share
    FROM shipping_shipmentline AS s JOIN catalog_sku AS k ON k.id = s.sku_id
    WHERE s.shipment_id IN (SELECT document_id FROM journal WHERE document_kind = 'shipment'
        UNION ALL SELECT w.shipment_id FROM shipping_claim AS w JOIN journal AS j ON j.document_id = w.id
        UNION ALL SELECT w.shipment_id FROM settlement_carriercharge AS w
            JOIN journal AS j ON j.document_id = w.invoice_id)
), paid AS MATERIALIZED (
    SELECT j.id, 0 AS number, p.order_id, 1::numeric AS weight FROM journal AS j
    JOIN payments_payment AS p ON p.id = j.document_id WHERE j.document_kind = 'payment'
    UNION ALL
    SELECT j.id, 0, j.document_id, 1 FROM journal AS j WHERE j.document_kind = 'order'
    UNION ALL
    SELECT j.id, l.number, p.order_id, CASE WHEN j.kind IN ('fee', 'marketplace_fee') THEN l.fee_minor
           - CASE l.kind WHEN 'chargeback' THEN COALESCE(d.fee_minor, 0)
                         WHEN 'chargeback_reversal' THEN -COALESCE(d.fee_returned_minor, 0) ELSE 0 END
           ELSE l.difference_minor END
    FROM journal AS j JOIN settlement_payoutline AS l ON l.payout_id = j.document_id
    LEFT JOIN payments_attempt AS a ON a.id = l.known_id
    LEFT JOIN payments_dispute AS d ON d.id = l.known_id
    LEFT JOIN payments_payment AS p ON p.id = COALESCE(a.payment_id, d.payment_id)
    WHERE j.document_kind = 'payout'
), ordered AS (
    SELECT l.order_id, l.id AS line_id, l.sku_id, CASE WHEN w.whole = 0 THEN 1.0 / w.lines
                ELSE (l.gross_minor - l.discount_minor) / w.whole END AS share
    FROM orders_line AS l
    JOIN (SELECT order_id, sum(gross_minor - discount_minor)::numeric AS whole, count(*) AS lines FROM orders_line
          WHERE kind = 'goods' AND order_id IN (SELECT order_id FROM paid) GROUP BY 1) AS w ON w.order_id = l.order_id
    WHERE l.kind = 'goods'
), parts AS (
    SELECT j.id, s.line_id, s.sku_id, NULL::text AS reason, NULL::uuid AS channel_id,
           CASE j.kind WHEN 'sale.goods' THEN s.goods_minor WHEN 'sale.discount' THEN s.discount_minor
                       WHEN 'sale.shipping' THEN s.shipping_minor ELSE s.weight END AS weight
    FROM journal AS j JOIN sent AS s ON s.shipment_id = j.document_id
    WHERE j.document_kind = 'shipment' AND j.event NOT LIKE 'stock.%%'
    UNION ALL
    SELECT j.id, m.line_id, m.sku_id, (SELECT r.reason FROM returns_line AS r
               WHERE j.document_kind = 'return' AND r.return_id = m.document_id AND r.line_id = m.line_id LIMIT 1),
           NULL, m.value_minor
    FROM journal AS j JOIN stock_move AS m ON m.document_id = j.document_id AND m.company_id = %(company)s::smallint
    WHERE j.kind = 'cost' AND m.value_minor <> 0 AND CASE j.event
        WHEN 'stock.return' THEN m.from_place = 'customer' WHEN 'stock.issue.sale' THEN m.to_place = 'customer'
        WHEN 'stock.sent_back' THEN m.reason = 'send_back'
        WHEN 'stock.disposed' THEN m.reason = 'dispose' WHEN 'stock.donated' THEN m.reason = 'donate'
        ELSE TRUE END
    UNION ALL
    SELECT j.id, r.line_id, r.sku_id, r.reason, NULL,
           CASE j.kind WHEN 'return.shipping' THEN f.shipping_minor WHEN 'return.fee' THEN f.fee_minor
                       ELSE f.goods_minor END
    FROM journal AS j JOIN returns_refundline AS f ON f.refund_id = j.document_id
    JOIN returns_line AS r ON r.id = f.return_line_id WHERE j.document_kind = 'refund'
    UNION ALL
    SELECT j.id, r.line_id, r.sku_id, r.reason, NULL, r.quantity
    FROM journal AS j JOIN returns_labelreturn AS b ON b.label_id = j.document_id
    JOIN returns_line AS r ON r.return_id = b.return_id WHERE j.document_kind = 'return_label'
    UNION ALL
    SELECT j.id, s.line_id, s.sku_id, NULL, NULL, s.weight
    FROM journal AS j JOIN shipping_claim AS w ON w.id = j.document_id
    JOIN sent AS s ON s.shipment_id = w.shipment_id WHERE j.document_kind = 'claim'
    UNION ALL
    SELECT j.id, r.line_id, r.sku_id, r.reason, NULL, r.quantity
    FROM journal AS j JOIN shipping_claim AS w ON w.id = j.document_id AND w.shipment_id IS NULL
    JOIN returns_claimed AS b ON b.claim_id = w.id
    JOIN returns_line AS r ON r.return_id = b.return_id WHERE j.document_kind = 'claim'
    UNION ALL
    SELECT j.id, s.line_id, s.sku_id, NULL, NULL, w.difference_minor * COALESCE(s.share, 1)
    FROM journal AS j JOIN settlement_carriercharge AS w ON w.invoice_id = j.document_id
     AND w.difference_minor <> 0 AND w.state = CASE j.kind WHEN 'variance' THEN 'matched' ELSE 'accepted' END
    LEFT JOIN sent AS s ON s.shipment_id = w.shipment_id WHERE j.document_kind = 'carrier_invoice'
    UNION ALL
    SELECT j.id, NULL, l.sku_id, NULL, c.channel_id, l.amount_minor
    FROM journal AS j JOIN orders_credit AS c ON c.id = j.document_id
    JOIN orders_creditline AS l ON l.credit_id = c.id AND j.kind = 'credit.' || l.kind
    WHERE j.document_kind = 'credit'
    UNION ALL
    SELECT p.id, o.line_id, o.sku_id, NULL, NULL, p.weight * COALESCE(o.share, 1)
    FROM paid AS p LEFT JOIN ordered AS o ON o.order_id = p.order_id
)
"""

# Running sums, rounded: what one row gets too much the next gets less, and the last brings the whole.
FACTS = f"""
WITH {JOURNAL}, {PARTS}, running AS (
    SELECT *, sum(weight) OVER whole AS whole, count(*) OVER whole AS rows,
           sum(weight) OVER upto AS upto, row_number() OVER upto AS place
    FROM parts WINDOW whole AS (PARTITION BY id),
         upto AS (PARTITION BY id ORDER BY line_id, sku_id ROWS UNBOUNDED PRECEDING)
), facts AS (
    SELECT j.month, j.account, j.event, j.kind, r.line_id, r.sku_id, r.reason, r.channel_id,
           CASE WHEN COALESCE(r.rows, 1) = 1 THEN j.amount
                WHEN r.whole = 0 THEN (round(j.amount * r.place::numeric / r.rows)
                                       - round(j.amount * (r.place - 1)::numeric / r.rows))::bigint
                ELSE (round(j.amount * r.upto / r.whole) - round(j.amount * (r.upto - r.weight) / r.whole))::bigint
           END AS amount
    FROM journal AS j LEFT JOIN running AS r ON r.id = j.id
)
"""

SUMS = """
SELECT {name}, f.account, f.event, f.kind, sum(f.amount)::bigint
FROM facts AS f
LEFT JOIN orders_line AS l ON l.id = f.line_id LEFT JOIN orders_order AS o ON o.id = l.order_id
LEFT JOIN network_channel AS c ON c.id = COALESCE(o.channel_id, f.channel_id)
LEFT JOIN catalog_sku AS k ON k.id = f.sku_id
WHERE {asked} GROUP BY 1, 2, 3, 4
"""

# Units that left and that came back, and what those that may still come back were sold for and cost.
UNITS = f"""
WITH u AS (
    SELECT date_trunc('month', h.shipped_at, 'UTC')::date AS month, s.line_id, s.sku_id, s.order_id,
           NULL::text AS reason, s.quantity AS units, 0 AS returned,
           CASE WHEN b.open > 0 THEN b.open * (s.goods_minor - s.discount_minor) * {RATE} ELSE 0 END AS sold,
           b.open * COALESCE(m.cost, 0) AS cost
    FROM shipping_shipment AS h JOIN shipping_shipmentline AS s ON s.shipment_id = h.id
    JOIN orders_order AS o ON o.id = h.order_id JOIN parties_company AS c ON c.id = h.company_id
    LEFT JOIN returns_sold AS r ON r.line_id = s.line_id
    CROSS JOIN LATERAL (SELECT CASE WHEN h.shipped_at > %(open_since)s::timestamptz
        THEN GREATEST(0, 1 - COALESCE(r.refunded::numeric / NULLIF(r.shipped, 0), 0)) ELSE 0 END AS open) AS b
    LEFT JOIN LATERAL (SELECT sum(value_minor) AS cost FROM stock_move
                       WHERE b.open > 0 AND document_id = h.id AND line_id = s.line_id AND to_place = 'customer'
    ) AS m ON TRUE
    WHERE h.company_id = %(company)s::smallint AND h.shipped_at >= %(since)s::timestamp AT TIME ZONE 'UTC'
      AND h.shipped_at < %(until)s::timestamp AT TIME ZONE 'UTC'
    UNION ALL
    SELECT date_trunc('month', r.received_at, 'UTC')::date, x.line_id, x.sku_id, x.order_id, x.reason, 0,
           r.quantity, 0, 0
    FROM returns_receipt AS r JOIN returns_line AS x ON x.id = r.return_line_id
    WHERE r.company_id = %(company)s::smallint AND r.received_at >= %(since)s::timestamp AT TIME ZONE 'UTC'
      AND r.received_at < %(until)s::timestamp AT TIME ZONE 'UTC'
)
SELECT {{name}}, k.id, sum(u.units)::bigint, sum(u.returned)::bigint,
       round(sum(u.sold))::bigint, round(sum(u.cost))::bigint
FROM u JOIN orders_order AS o ON o.id = u.order_id
JOIN network_channel AS c ON c.id = o.channel_id JOIN catalog_sku AS k ON k.id = u.sku_id
WHERE {{asked}} GROUP BY 1, 2
"""

RATES = """
SELECT s.sku_id, sum(s.quantity)::bigint, COALESCE(max(b.units), 0)::bigint
FROM shipping_shipment AS h JOIN shipping_shipmentline AS s ON s.shipment_id = h.id
LEFT JOIN (SELECT r.sku_id, sum(r.quantity) AS units FROM returns_receipt AS r
           WHERE r.company_id = %(company)s::smallint AND r.received_at >= %(rates_since)s::timestamptz
           GROUP BY 1) AS b ON b.sku_id = s.sku_id
WHERE h.company_id = %(company)s::smallint AND h.shipped_at >= %(rates_since)s::timestamptz
GROUP BY 1
"""

# By the BRIN index of the journal on `occurred_at`: the lines of these months are read, and no others.
RECOVERED = f"""
SELECT COALESCE(-sum(l.functional_minor) FILTER (WHERE {TAKEN_BACK}), 0)::bigint,
       COALESCE(sum(l.functional_minor) FILTER (WHERE {LOST}), 0)::bigint
FROM ledger_line AS l WHERE l.company_id = %(company)s::smallint AND l.occurred_at >= %(rates_since)s::timestamptz
  AND ({TAKEN_BACK} OR {LOST})
"""

BOOKS = """
SELECT b.month, -sum(b.functional_minor)::bigint
FROM ledger_balance AS b JOIN ledger_account AS a ON a.company_id = b.company_id AND a.code = b.account
WHERE b.company_id = %(company)s::smallint AND a.type IN ('income', 'expense')
  AND b.month >= %(since)s::date AND b.month < %(until)s::date
GROUP BY 1 ORDER BY 1
"""

LINES = """
SELECT l.id, o.id, o.number, k.code, c.code, min(h.shipped_at), sum(s.quantity)::int
FROM unnest(%(lines)s::uuid[]) AS d(id)
JOIN orders_line AS l ON l.id = d.id JOIN orders_order AS o ON o.id = l.order_id
JOIN network_channel AS c ON c.id = o.channel_id JOIN catalog_sku AS k ON k.id = l.sku_id
LEFT JOIN shipping_shipmentline AS s ON s.line_id = l.id LEFT JOIN shipping_shipment AS h ON h.id = s.shipment_id
GROUP BY l.id, o.id, o.number, k.code, c.code
"""
