-- orders
SELECT o.external_id, o.company_id, c.code, u.code AS customer, o.currency, o.country, o.postal_code, o.placed_at,
       o.priority, o.promise_at, o.policy, o.service, o.status, o.held_by, o.commercial, o.returns, o.goods_minor,
       o.discount_minor, o.shipping_minor, o.tax_minor, o.total_minor, o.line_count, o.policy_version
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id LEFT JOIN parties_customer AS u ON u.id = o.customer_id;
-- order lines
SELECT o.external_id, s.code, l.number, l.kind, l.sku_code, l.quantity, l.unit_price, l.gross_minor, l.discount_minor,
       l.shipping_minor, l.tax_minor, l.open, l.backordered, l.allocated, l.released, l.picked, l.packed, l.shipped,
       l.delivered, l.cancelled
FROM orders_line AS l JOIN orders_order AS o ON o.id = l.order_id LEFT JOIN catalog_sku AS s ON s.id = l.sku_id;
-- allocations
SELECT o.external_id, l.number, s.code AS sku, n.code AS node, a.owner_id, a.quantity, a.released, a.fenced, a.priority,
       a.promise_at, a.ordered_at, a.fulfillment_id IS NULL
FROM stock_allocation AS a JOIN orders_order AS o ON o.id = a.order_id JOIN orders_line AS l ON l.id = a.line_id
JOIN catalog_sku AS s ON s.id = a.sku_id JOIN network_node AS n ON n.id = a.node_id;
-- positions
SELECT s.code AS sku, n.code AS node, p.sellable, p.reserved, p.allocated, p.safety, p.fenced
FROM stock_position AS p JOIN catalog_sku AS s ON s.id = p.sku_id JOIN network_node AS n ON n.id = p.node_id;
-- buckets
SELECT s.code AS sku, n.code AS node, bin.code AS bin, b.status, b.lot, b.serial, b.quantity, b.committed
FROM stock_bucket AS b JOIN catalog_sku AS s ON s.id = b.sku_id JOIN network_node AS n ON n.id = b.node_id
JOIN network_bin AS bin ON bin.id = b.bin_id;
-- moves
SELECT o.external_id, s.code AS sku, m.quantity, m.from_place, f.code AS source, m.to_place, t.code AS target, m.reason,
       m.document_kind, m.value_minor, m.occurred_at, m.recorded_at
FROM stock_move AS m JOIN catalog_sku AS s ON s.id = m.sku_id LEFT JOIN orders_line AS l ON l.id = m.line_id
LEFT JOIN orders_order AS o ON o.id = l.order_id
LEFT JOIN stock_bucket AS fb ON fb.id = m.from_bucket LEFT JOIN network_bin AS f ON f.id = fb.bin_id
LEFT JOIN stock_bucket AS tb ON tb.id = m.to_bucket LEFT JOIN network_bin AS t ON t.id = tb.bin_id;
-- valuation
SELECT s.code AS sku, n.code AS node, v.pool, v.quantity, v.value_minor
FROM ledger_valuation AS v JOIN catalog_sku AS s ON s.id = v.sku_id JOIN network_node AS n ON n.id = v.node_id;
-- journal
SELECT o.external_id, j.number, j.account, j.amount_minor, j.functional_minor, j.currency, j.kind, j.event, j.document_kind,
       j.month, j.occurred_at
FROM ledger_line AS j LEFT JOIN shipping_shipment AS h ON h.id = j.document_id LEFT JOIN orders_order AS o ON o.id = h.order_id;
-- balances
SELECT account, month, currency, sum(debit_minor) AS debit, sum(credit_minor) AS credit, sum(functional_minor) AS functional
FROM ledger_balance GROUP BY account, month, currency;
-- decisions
SELECT o.external_id, d.profile_version, d.outcome, d.reasons, d.decided_at
FROM sourcing_decision AS d JOIN orders_order AS o ON o.id = d.order_id;
-- fulfillments
SELECT o.external_id, n.code AS node, f.state, f.service, f.due_at, f.released_at, f.picker, b.code AS bin
FROM warehouse_fulfillment AS f JOIN orders_order AS o ON o.id = f.order_id JOIN network_node AS n ON n.id = f.node_id
LEFT JOIN network_bin AS b ON b.id = f.staging_bin_id;
-- fulfillment lines
SELECT o.external_id, l.number, s.code AS sku, f.quantity, f.picked, f.short
FROM warehouse_fulfillmentline AS f JOIN orders_order AS o ON o.id = f.order_id JOIN orders_line AS l ON l.id = f.line_id
JOIN catalog_sku AS s ON s.id = f.sku_id;
-- pick tasks
SELECT o.external_id, l.number, s.code AS sku, b.code AS bin, t.lot, t.serial, t.quantity, t.picked, t.state, t.sequence
FROM warehouse_picktask AS t JOIN orders_order AS o ON o.id = t.order_id JOIN orders_line AS l ON l.id = t.line_id
JOIN catalog_sku AS s ON s.id = t.sku_id JOIN network_bin AS b ON b.id = t.bin_id;
-- packages
SELECT o.external_id, p.weight_g, p.carton, p.packed_at, x.quantity, s.code AS sku
FROM warehouse_package AS p JOIN warehouse_fulfillment AS f ON f.id = p.fulfillment_id
JOIN orders_order AS o ON o.id = f.order_id JOIN warehouse_packageline AS x ON x.package_id = p.id
JOIN catalog_sku AS s ON s.id = x.sku_id;
-- shipments
SELECT o.external_id, h.carrier, v.code AS service, h.zone, h.cost_minor, h.currency, h.promised_at, h.shipped_at,
       h.delivered_at, h.state, h.reasons
FROM shipping_shipment AS h JOIN orders_order AS o ON o.id = h.order_id JOIN carriage_service AS v ON v.id = h.service_id;
-- shipment lines
SELECT o.external_id, l.number, s.code AS sku, x.quantity, x.goods_minor, x.discount_minor, x.shipping_minor, x.tax_minor
FROM shipping_shipmentline AS x JOIN orders_order AS o ON o.id = x.order_id JOIN orders_line AS l ON l.id = x.line_id
JOIN catalog_sku AS s ON s.id = x.sku_id;
-- events
SELECT e.occurred_at, e.recorded_at, e.actor, e.command, e.subject_kind, e.state_before, e.state_after, e.reason,
       e.payload - 'number' - 'order' - 'node' - 'package' - 'fulfillment' AS payload,
       ARRAY(SELECT jsonb_object_keys(e.payload)) AS keys, o.external_id
FROM kernel_event AS e LEFT JOIN orders_order AS o ON o.id = e.subject_id WHERE e.actor = 'system:bench'
AND e.reason = 'a benchmark';
-- ready
SELECT r.queue, r.priority, r.due_at, o.external_id FROM kernel_ready AS r LEFT JOIN orders_order AS o ON o.id = r.subject;
-- requests
SELECT command, key, length(fingerprint), answer - 'order' - 'number' AS answer, at FROM kernel_request;
-- messages
SELECT destination, topic, o.external_id, body - 'shipment' - 'tracking' - 'numbers' - 'lines' AS body,
       jsonb_array_length(body -> 'lines'), jsonb_array_length(body -> 'numbers') AS numbers, state, attempts, next_try_at
FROM kernel_delivery AS d JOIN orders_order AS o ON o.id = d.subject_id
