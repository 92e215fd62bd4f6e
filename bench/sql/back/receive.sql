-- Units in quarantine, at the cost that they left with.
TRUNCATE new_receipt, new_entry;

SELECT count(*) FROM (
    SELECT FROM orders_order WHERE id IN (SELECT order_id FROM new_return) ORDER BY id FOR UPDATE
) AS locked;

INSERT INTO new_receipt
SELECT l.batch, l.n, l.number, uuidv7(), l.id, l.return_id, l.line_id, l.sku_id, l.node_id, l.bin_id, NULL, l.units, c.cost,
       l.grade
FROM new_line AS l
JOIN (
    SELECT m.line_id, sum(m.value_minor) AS cost
    FROM new_return AS r JOIN shipping_shipment AS h ON h.order_id = r.order_id
    JOIN stock_move AS m ON m.document_id = h.id AND m.to_place = 'customer' GROUP BY m.line_id
) AS c ON c.line_id = l.line_id
ORDER BY l.n, l.number;

INSERT INTO access_duty (document, pair, side, person, taken_at)
SELECT id, 'request×receive×approve', 'receive', %(actor)s, %(at)s FROM new_return;

INSERT INTO returns_receipt (id, return_id, return_line_id, company_id, sku_id, node_id, bin_id, lot, serial, quantity,
    inspected, condition, cost_minor, received_by, received_at)
SELECT id, return_id, line, 1, sku_id, node_id, bin_id, '', '', units, 0, '', cost_minor, %(actor)s, %(at)s FROM new_receipt;

UPDATE returns_sold AS s SET received = s.received + d.units FROM new_receipt AS d WHERE s.line_id = d.order_line;

INSERT INTO stock_bucket (id, company_id, sku_id, node_id, bin_id, owner_id, status, lot, serial, quantity, committed)
SELECT uuidv7(), 1, sku_id, node_id, bin_id, 1, 'pending_inspection', '', '', 0, 0
FROM (SELECT DISTINCT sku_id, node_id, bin_id FROM new_receipt) AS d ON CONFLICT DO NOTHING;
UPDATE new_receipt AS r SET bucket_id = b.id FROM stock_bucket AS b
WHERE b.sku_id = r.sku_id AND b.node_id = r.node_id AND b.bin_id = r.bin_id AND b.status = 'pending_inspection'
  AND b.owner_id = 1 AND b.lot = '' AND b.serial = '';
SELECT count(*) FROM (
    SELECT FROM stock_bucket WHERE id IN (SELECT bucket_id FROM new_receipt) ORDER BY id FOR UPDATE
) AS locked;
SELECT count(*) FROM (
    SELECT FROM ledger_valuation WHERE company_id = 1 AND pool = 'stock'
      AND (sku_id, node_id) IN (SELECT sku_id, node_id FROM new_receipt) ORDER BY sku_id, node_id FOR UPDATE
) AS locked;

UPDATE stock_bucket AS b SET quantity = b.quantity + d.units
FROM (SELECT bucket_id, sum(units) AS units FROM new_receipt GROUP BY 1) AS d WHERE b.id = d.bucket_id;
UPDATE ledger_valuation AS v SET quantity = v.quantity + d.units, value_minor = v.value_minor + d.cost
FROM (SELECT sku_id, node_id, sum(units) AS units, sum(cost_minor) AS cost FROM new_receipt GROUP BY 1, 2) AS d
WHERE v.company_id = 1 AND v.pool = 'stock' AND v.sku_id = d.sku_id AND v.node_id = d.node_id;

INSERT INTO stock_move (company_id, sku_id, quantity, from_place, from_bucket, to_place, to_bucket, reason, document_kind,
    document_id, line_id, value_minor, occurred_at, recorded_at, correlation)
SELECT 1, sku_id, units, 'customer', NULL, 'node', bucket_id, 'return', 'return', return_id, order_line, cost_minor,
       %(at)s, %(at)s, %(correlation)s
FROM new_receipt ORDER BY n, number;

INSERT INTO new_entry
SELECT uuidv7(), 'stock.return', 'cost', 'return', return_id, sum(cost_minor) FROM new_receipt GROUP BY return_id;

-- {entries}

UPDATE returns_line AS l SET received = l.received + d.units FROM new_receipt AS d WHERE l.id = d.line;
UPDATE returns_return SET state = 'received', changed_at = %(at)s WHERE id IN (SELECT id FROM new_return);
UPDATE orders_order SET returns = 'in return' WHERE id IN (SELECT order_id FROM new_return);

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'returns.receive', 1, d.kind, d.id, d.before, d.after, %(reason)s, d.payload,
       %(correlation)s
FROM (
    SELECT 'return', return_id, '', '', jsonb_build_object('receipt', id, 'units', units) FROM new_receipt
    UNION ALL SELECT 'return', id, 'authorized', 'received', NULL FROM new_return
    UNION ALL SELECT 'order', order_id, '', '', '{"returns": ["requested", "in return"]}'::jsonb FROM new_return
) AS d(kind, id, before, after, payload)
