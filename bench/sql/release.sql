-- A fulfillment for each order and node; running sums of promises against running sums of shelves are the pick tasks.
TRUNCATE chosen, new_fulfillment, new_line, new_task;
INSERT INTO chosen SELECT n, id, id FROM known_order WHERE batch = %(batch)s;

SELECT count(*) FROM (SELECT FROM orders_order WHERE id IN (SELECT id FROM chosen) ORDER BY id FOR UPDATE) AS locked;
SELECT count(*) FROM (
    SELECT FROM stock_allocation WHERE order_id IN (SELECT id FROM chosen) AND quantity > released ORDER BY id FOR UPDATE
) AS locked;

INSERT INTO new_fulfillment
SELECT n, uuidv7(), 'FF-' || nextval('number_ff'), order_id, node_id, service, priority, promise_at, placed_at
FROM (
    SELECT DISTINCT c.n, o.id AS order_id, a.node_id, o.service, o.priority, o.promise_at, o.placed_at
    FROM chosen AS c JOIN orders_order AS o ON o.id = c.id
    JOIN stock_allocation AS a ON a.order_id = o.id AND a.quantity > a.released
) AS one;

INSERT INTO new_line
SELECT uuidv7(), f.n, l.number, f.id, f.order_id, a.line_id, a.id, a.sku_id, a.node_id, a.quantity - a.released
FROM new_fulfillment AS f
JOIN stock_allocation AS a ON a.order_id = f.order_id AND a.node_id = f.node_id AND a.quantity > a.released
JOIN orders_line AS l ON l.id = a.line_id;

SELECT count(*) FROM (
    SELECT FROM stock_bucket WHERE (sku_id, node_id) IN (SELECT sku_id, node_id FROM new_line)
    AND status = 'sellable' AND quantity > committed ORDER BY id FOR UPDATE
) AS locked;

INSERT INTO new_task
SELECT uuidv7(), d.fulfillment_id, d.id, d.order_id, d.line_id, d.allocation_id, d.sku_id, d.node_id, s.id, s.bin_id, s.lot,
       s.serial, LEAST(d.upto, s.upto) - GREATEST(d.upto - d.quantity, s.upto - s.free),
       row_number() OVER (PARTITION BY d.fulfillment_id ORDER BY s.pick_sequence, d.number, s.upto)
FROM (
    SELECT l.*, sum(quantity) OVER (PARTITION BY sku_id, node_id ORDER BY n, number) AS upto FROM new_line AS l
) AS d
JOIN (
    SELECT b.id, b.sku_id, b.node_id, b.bin_id, b.lot, b.serial, bin.pick_sequence, b.quantity - b.committed AS free,
           sum(b.quantity - b.committed) OVER (
               PARTITION BY b.sku_id, b.node_id
               ORDER BY b.expires_on, bin.kind <> 'pick', bin.pick_sequence, b.lot, b.id) AS upto
    FROM stock_bucket AS b JOIN network_bin AS bin ON bin.id = b.bin_id AND bin.kind IN ('pick', 'reserve')
    WHERE (b.sku_id, b.node_id) IN (SELECT sku_id, node_id FROM new_line)
      AND b.status = 'sellable' AND b.quantity > b.committed
) AS s ON s.sku_id = d.sku_id AND s.node_id = d.node_id AND s.upto - s.free < d.upto AND d.upto - d.quantity < s.upto;

INSERT INTO warehouse_fulfillment (id, number, company_id, order_id, node_id, state, service, due_at, released_at)
SELECT id, number, 1, order_id, node_id, 'released', service, promise_at, %(at)s FROM new_fulfillment;

INSERT INTO warehouse_fulfillmentline (id, fulfillment_id, order_id, line_id, allocation_id, sku_id, quantity)
SELECT id, fulfillment_id, order_id, line_id, allocation_id, sku_id, quantity FROM new_line;

INSERT INTO warehouse_picktask (id, company_id, fulfillment_id, fulfillmentline_id, order_id, line_id, allocation_id, sku_id,
    node_id, bucket_id, bin_id, lot, serial, quantity, sequence)
SELECT id, 1, fulfillment_id, fulfillmentline_id, order_id, line_id, allocation_id, sku_id, node_id, bucket_id, bin_id, lot,
       serial, quantity, sequence
FROM new_task;

UPDATE stock_allocation AS a SET released = a.released + d.quantity, fulfillment_id = d.fulfillment_id
FROM new_line AS d WHERE a.id = d.allocation_id;

UPDATE stock_bucket AS b SET committed = b.committed + d.units
FROM (SELECT bucket_id, sum(quantity) AS units FROM new_task GROUP BY bucket_id) AS d WHERE b.id = d.bucket_id;

UPDATE orders_line AS l SET allocated = l.allocated - d.quantity, released = l.released + d.quantity
FROM new_line AS d WHERE l.id = d.line_id;

UPDATE orders_order SET status = 'warehouse release' WHERE id IN (SELECT order_id FROM new_fulfillment);

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'warehouse.release', 1, d.kind, d.id, d.before, d.after, %(reason)s, d.payload,
       %(correlation)s
FROM new_fulfillment AS f CROSS JOIN LATERAL (
    VALUES ('order', f.order_id, 'ready', 'warehouse release', NULL),
           ('fulfillment', f.id, '', 'released', jsonb_build_object('order', f.order_id, 'node', f.node_id))
) AS d(kind, id, before, after, payload);

DELETE FROM kernel_ready WHERE queue = 'release' AND subject IN (SELECT id FROM chosen);
WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT 'pick', id, priority, COALESCE(promise_at, placed_at) FROM new_fulfillment
    ON CONFLICT (queue, subject) DO NOTHING RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken;

INSERT INTO known_fulfillment SELECT %(batch)s, n, id, order_id FROM new_fulfillment
