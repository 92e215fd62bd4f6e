-- Where units go: the shelf of their SKU, another status where they stand, or out of the house.
TRUNCATE new_disposition, new_entry;

SELECT count(*) FROM (
    SELECT FROM orders_order WHERE id IN (SELECT order_id FROM new_return) ORDER BY id FOR UPDATE
) AS locked;
SELECT count(*) FROM (
    SELECT FROM stock_position WHERE owner_id = 1 AND sku_id IN (SELECT sku_id FROM new_inspection)
    ORDER BY sku_id, node_id, owner_id FOR UPDATE
) AS locked;

INSERT INTO new_disposition
SELECT i.n, i.number, uuidv7(), i.line, i.id, i.return_id, i.order_line, i.sku_id, i.node_id, b.id,
       CASE i.proposed WHEN 'restock' THEN shelf.bin_id ELSE i.bin_id END, NULL, i.units, i.proposed,
       CASE i.proposed WHEN 'restock' THEN 'sellable' WHEN 'dispose' THEN NULL ELSE i.proposed END
FROM new_inspection AS i
JOIN stock_bucket AS b ON b.sku_id = i.sku_id AND b.node_id = i.node_id AND b.bin_id = i.bin_id
 AND b.status = 'pending_inspection' AND b.owner_id = 1 AND b.lot = '' AND b.serial = ''
LEFT JOIN (
    SELECT DISTINCT ON (s.sku_id, s.node_id) s.sku_id, s.node_id, s.bin_id
    FROM stock_bucket AS s JOIN network_bin AS n ON n.id = s.bin_id AND n.kind = 'pick'
    WHERE s.status = 'sellable' AND s.sku_id IN (SELECT sku_id FROM new_inspection)
    ORDER BY s.sku_id, s.node_id, s.quantity DESC, s.id
) AS shelf ON shelf.sku_id = i.sku_id AND shelf.node_id = i.node_id
ORDER BY i.n, i.number;

INSERT INTO stock_bucket (id, company_id, sku_id, node_id, bin_id, owner_id, status, lot, serial, quantity, committed)
SELECT uuidv7(), 1, sku_id, node_id, to_bin, 1, status, '', '', 0, 0
FROM (SELECT DISTINCT sku_id, node_id, to_bin, status FROM new_disposition WHERE status IS NOT NULL) AS d
ON CONFLICT DO NOTHING;
UPDATE new_disposition AS d SET target = b.id FROM stock_bucket AS b
WHERE b.sku_id = d.sku_id AND b.node_id = d.node_id AND b.bin_id = d.to_bin AND b.status = d.status AND b.owner_id = 1
  AND b.lot = '' AND b.serial = '';
SELECT count(*) FROM (
    SELECT FROM stock_bucket WHERE id IN (SELECT source FROM new_disposition UNION SELECT target FROM new_disposition)
    ORDER BY id FOR UPDATE
) AS locked;
SELECT count(*) FROM (
    SELECT FROM ledger_valuation WHERE company_id = 1 AND pool = 'stock' AND (sku_id, node_id) IN (
        SELECT sku_id, node_id FROM new_disposition WHERE status IS NULL) ORDER BY sku_id, node_id FOR UPDATE
) AS locked;

INSERT INTO returns_disposition (id, return_id, return_line_id, inspection_id, quantity, disposition, bin_id, reason,
    decided_by, decided_at)
SELECT id, return_id, line, inspection, units, proposed, to_bin, '', %(actor)s, %(at)s FROM new_disposition;

UPDATE returns_inspection AS i SET disposed = i.disposed + d.units FROM new_disposition AS d WHERE i.id = d.inspection;

-- The i-th issue takes round(V * cum(i) / Q) - round(V * cum(i - 1) / Q), halves up.
WITH moved AS (
    SELECT d.*, CASE WHEN d.status IS NULL THEN
        (2 * v.value_minor * d.upto + v.quantity) / (2 * v.quantity)
        - (2 * v.value_minor * (d.upto - d.units) + v.quantity) / (2 * v.quantity) ELSE 0 END AS value
    FROM (SELECT *, sum(units) OVER (PARTITION BY sku_id, node_id, status IS NULL ORDER BY n, number) AS upto
          FROM new_disposition) AS d
    JOIN ledger_valuation AS v ON v.company_id = 1 AND v.sku_id = d.sku_id AND v.node_id = d.node_id AND v.pool = 'stock'
)
INSERT INTO stock_move (company_id, sku_id, quantity, from_place, from_bucket, to_place, to_bucket, reason, document_kind,
    document_id, line_id, value_minor, occurred_at, recorded_at, correlation)
SELECT 1, sku_id, units, 'node', source, CASE WHEN status IS NULL THEN 'scrap' ELSE 'node' END, target, proposed, 'return',
       return_id, order_line, value, %(at)s, %(at)s, %(correlation)s
FROM moved ORDER BY n, number;

INSERT INTO new_entry
SELECT uuidv7(), 'stock.disposed', 'cost', 'return', document_id, sum(value_minor)
FROM stock_move WHERE document_id IN (SELECT return_id FROM new_disposition) AND to_place = 'scrap' GROUP BY document_id;

-- {entries}

UPDATE ledger_valuation AS v SET quantity = v.quantity - d.units, value_minor = v.value_minor - d.value
FROM (
    SELECT m.sku_id, b.node_id, sum(m.quantity) AS units, sum(m.value_minor) AS value
    FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.from_bucket
    WHERE m.document_id IN (SELECT return_id FROM new_disposition) AND m.to_place = 'scrap' GROUP BY 1, 2
) AS d
WHERE v.company_id = 1 AND v.pool = 'stock' AND v.sku_id = d.sku_id AND v.node_id = d.node_id;
UPDATE stock_position AS p SET sellable = p.sellable + d.units
FROM (SELECT sku_id, node_id, sum(units) AS units FROM new_disposition WHERE status = 'sellable' GROUP BY 1, 2) AS d
WHERE p.sku_id = d.sku_id AND p.node_id = d.node_id AND p.owner_id = 1;
INSERT INTO stock_unpublished (sku_id, freed) SELECT DISTINCT sku_id, true FROM new_disposition WHERE status = 'sellable';
UPDATE stock_bucket AS b SET quantity = b.quantity + d.units
FROM (SELECT id, sum(units) AS units FROM (
          SELECT source AS id, -units AS units FROM new_disposition
          UNION ALL SELECT target, units FROM new_disposition WHERE target IS NOT NULL) AS both_ends GROUP BY id) AS d
WHERE b.id = d.id;

UPDATE returns_line AS l SET disposed = l.disposed + d.units FROM new_disposition AS d WHERE l.id = d.line;
UPDATE returns_return SET state = 'disposed', changed_at = %(at)s WHERE id IN (SELECT id FROM new_return);

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'returns.dispose', 1, 'return', d.id, d.before, d.after, %(reason)s, d.payload,
       %(correlation)s
FROM (
    SELECT return_id, '', '', jsonb_build_object('disposition', proposed, 'units', units) FROM new_disposition
    UNION ALL SELECT id, 'inspected', 'disposed', NULL FROM new_return
) AS d(id, before, after, payload);

WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT 'decide_refund', id, 0, %(at)s FROM new_return ON CONFLICT (queue, subject) DO NOTHING RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken
