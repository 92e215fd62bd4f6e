-- returns
SELECT o.external_id, r.asked, r.state, r.reasons, r.policy_version, r.requested_by, r.requested_at, r.changed_at, r.closed_at,
       n.code AS node
FROM returns_return AS r JOIN orders_order AS o ON o.id = r.order_id JOIN network_node AS n ON n.id = r.node_id;
-- lines of returns
SELECT o.external_id, s.code, l.quantity, l.cancelled, l.received, l.inspected, l.disposed, l.refunded, l.reason
FROM returns_line AS l JOIN orders_order AS o ON o.id = l.order_id JOIN catalog_sku AS s ON s.id = l.sku_id;
-- what came back of order lines
SELECT o.external_id, l.number, s.shipped, s.authorized, s.received, s.refunded, s.goods_minor, s.tax_minor, s.shipping_minor
FROM returns_sold AS s JOIN orders_line AS l ON l.id = s.line_id JOIN orders_order AS o ON o.id = s.order_id;
-- receipts
SELECT o.external_id, s.code, b.code AS bin, r.quantity, r.inspected, r.cost_minor, r.received_by
FROM returns_receipt AS r JOIN returns_return AS x ON x.id = r.return_id JOIN orders_order AS o ON o.id = x.order_id
JOIN catalog_sku AS s ON s.id = r.sku_id JOIN network_bin AS b ON b.id = r.bin_id;
-- imprints
SELECT source, count(*) FROM kernel_imprint WHERE source <> 'returns_terms' GROUP BY source;
-- inspections
SELECT o.external_id, i.quantity, i.disposed, i.grade, i.proposed, i.why, i.inspected_by
FROM returns_inspection AS i JOIN returns_return AS x ON x.id = i.return_id JOIN orders_order AS o ON o.id = x.order_id;
-- dispositions
SELECT o.external_id, d.quantity, d.disposition, b.code AS bin, d.decided_by
FROM returns_disposition AS d JOIN returns_return AS x ON x.id = d.return_id JOIN orders_order AS o ON o.id = x.order_id
JOIN network_bin AS b ON b.id = d.bin_id;
-- refunds
SELECT o.external_id, f.state, f.goods_minor, f.shipping_minor, f.tax_minor, f.fee_minor, f.total_minor, f.reasons,
       f.requested_by, f.decided_by
FROM returns_refund AS f JOIN orders_order AS o ON o.id = f.order_id;
-- lines of refunds
SELECT o.external_id, p.units, p.goods_minor, p.tax_minor, p.shipping_minor
FROM returns_refundline AS p JOIN returns_refund AS f ON f.id = p.refund_id JOIN orders_order AS o ON o.id = f.order_id;
-- payments
SELECT o.external_id, p.captured_minor, p.refunded_minor, p.state FROM payments_payment AS p JOIN orders_order AS o ON o.id = p.order_id;
-- attempts
SELECT o.external_id, a.kind, a.amount_minor, a.state
FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id JOIN orders_order AS o ON o.id = p.order_id;
-- positions
SELECT s.code AS sku, n.code AS node, p.sellable, p.reserved, p.allocated
FROM stock_position AS p JOIN catalog_sku AS s ON s.id = p.sku_id JOIN network_node AS n ON n.id = p.node_id;
-- buckets
SELECT s.code AS sku, n.code AS node, b.status, sum(b.quantity), sum(b.committed)
FROM stock_bucket AS b JOIN catalog_sku AS s ON s.id = b.sku_id JOIN network_node AS n ON n.id = b.node_id
GROUP BY 1, 2, 3;
-- moves
SELECT s.code AS sku, m.quantity, m.from_place, m.to_place, m.reason, m.document_kind, m.value_minor, o.external_id
FROM stock_move AS m JOIN catalog_sku AS s ON s.id = m.sku_id LEFT JOIN orders_line AS l ON l.id = m.line_id
LEFT JOIN orders_order AS o ON o.id = l.order_id;
-- valuation
SELECT s.code AS sku, n.code AS node, v.pool, v.quantity, v.value_minor
FROM ledger_valuation AS v JOIN catalog_sku AS s ON s.id = v.sku_id JOIN network_node AS n ON n.id = v.node_id;
-- journal
SELECT j.number, j.account, j.amount_minor, j.kind, j.event, j.document_kind, j.month FROM ledger_line AS j;
-- balances
SELECT account, month, currency, sum(debit_minor) AS debit, sum(credit_minor) AS credit, sum(functional_minor) AS functional
FROM ledger_balance GROUP BY account, month, currency;
-- duties
SELECT d.pair, d.side, d.person, o.external_id
FROM access_duty AS d JOIN returns_return AS r ON r.id = d.document JOIN orders_order AS o ON o.id = r.order_id;
-- events
SELECT e.actor, e.command, e.subject_kind, e.state_before, e.state_after, e.reason,
       e.payload - 'number' - 'order' - 'receipt' - 'inspection' - 'return' AS payload,
       ARRAY(SELECT jsonb_object_keys(e.payload)) AS keys
FROM kernel_event AS e WHERE e.reason = 'a benchmark';
-- ready
SELECT r.queue, r.priority, o.external_id FROM kernel_ready AS r JOIN returns_return AS x ON x.id = r.subject
JOIN orders_order AS o ON o.id = x.order_id
