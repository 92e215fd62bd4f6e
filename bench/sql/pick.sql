-- All open tasks are done in full; their units go to the staging bin of the node.
TRUNCATE chosen, picking;
INSERT INTO chosen SELECT n, id, order_id FROM known_fulfillment WHERE batch = %(batch)s;

SELECT count(*) FROM (
    SELECT FROM warehouse_fulfillment AS f JOIN orders_order AS o ON o.id = f.order_id
    WHERE f.id IN (SELECT id FROM chosen) AND f.state = 'released' ORDER BY o.id, f.id FOR UPDATE OF o, f
) AS locked;

INSERT INTO stock_bucket (id, company_id, sku_id, node_id, bin_id, owner_id, status, lot, serial, quantity, committed)
SELECT uuidv7(), 1, t.sku_id, t.node_id, s.id, 1, 'sellable', t.lot, t.serial, 0, 0
FROM (SELECT DISTINCT sku_id, node_id, lot, serial FROM warehouse_picktask
      WHERE fulfillment_id IN (SELECT id FROM chosen) AND state = 'open') AS t
JOIN network_bin AS s ON s.node_id = t.node_id AND s.kind = 'staging'
WHERE NOT EXISTS (
    SELECT FROM stock_bucket AS b WHERE b.sku_id = t.sku_id AND b.node_id = t.node_id AND b.bin_id = s.id
    AND b.lot = t.lot AND b.serial = t.serial AND b.status = 'sellable' AND b.owner_id = 1)
ON CONFLICT DO NOTHING;

WITH task AS MATERIALIZED (
    SELECT c.n, l.number, t.*
    FROM chosen AS c
    JOIN warehouse_picktask AS t ON t.fulfillment_id = c.id AND t.state = 'open'
    JOIN orders_line AS l ON l.id = t.line_id
), target AS MATERIALIZED (
    SELECT b.* FROM stock_bucket AS b JOIN network_bin AS s ON s.id = b.bin_id AND s.kind = 'staging'
    WHERE b.status = 'sellable' AND b.owner_id = 1
)
INSERT INTO picking
SELECT t.n, t.number, t.sequence, t.fulfillment_id, t.order_id, t.line_id, t.sku_id, t.bucket_id, b.id, t.quantity
FROM task AS t
JOIN target AS b ON b.sku_id = t.sku_id AND b.node_id = t.node_id AND b.lot = t.lot AND b.serial = t.serial;

SELECT count(*) FROM (
    SELECT FROM stock_bucket WHERE id IN (SELECT bucket_id FROM picking UNION SELECT target_id FROM picking)
    ORDER BY id FOR UPDATE
) AS locked;

UPDATE warehouse_picktask SET state = 'done', picked = quantity
WHERE fulfillment_id IN (SELECT id FROM chosen) AND state = 'open';
UPDATE warehouse_fulfillmentline SET picked = quantity - short WHERE fulfillment_id IN (SELECT id FROM chosen);

INSERT INTO stock_move (company_id, sku_id, quantity, from_place, from_bucket, to_place, to_bucket, reason, document_kind,
    document_id, line_id, value_minor, occurred_at, recorded_at, correlation)
SELECT 1, sku_id, quantity, 'node', bucket_id, 'node', target_id, 'pick', 'fulfillment', fulfillment_id, line_id, 0, %(at)s,
       %(at)s, %(correlation)s
FROM picking ORDER BY n, sequence;

UPDATE stock_bucket AS b SET quantity = b.quantity + d.units, committed = b.committed + d.units
FROM (
    SELECT id, sum(units) AS units
    FROM (SELECT bucket_id AS id, -quantity AS units FROM picking UNION ALL SELECT target_id, quantity FROM picking) AS d
    GROUP BY id
) AS d
WHERE b.id = d.id;

UPDATE orders_line AS l SET released = l.released - d.units, picked = l.picked + d.units
FROM (SELECT line_id, sum(quantity) AS units FROM picking GROUP BY line_id) AS d WHERE l.id = d.line_id;

UPDATE orders_order SET status = 'picked' WHERE id IN (SELECT order_id FROM chosen);

UPDATE warehouse_fulfillment AS f SET state = 'picked', picker = %(actor)s, staging_bin_id = s.id
FROM chosen AS c, network_bin AS s WHERE f.id = c.id AND s.node_id = f.node_id AND s.kind = 'staging';

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'warehouse.pick', 1, d.kind, d.id, d.before, 'picked', %(reason)s, NULL, %(correlation)s
FROM chosen AS c CROSS JOIN LATERAL (
    VALUES ('order', c.order_id, 'warehouse release'), ('fulfillment', c.id, 'released')
) AS d(kind, id, before);

DELETE FROM kernel_ready WHERE queue = 'pick' AND subject IN (SELECT id FROM chosen);
WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT 'pack', c.id, o.priority, COALESCE(o.promise_at, o.placed_at)
    FROM chosen AS c JOIN orders_order AS o ON o.id = c.order_id
    ON CONFLICT (queue, subject) DO NOTHING RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken
