-- A fulfillment for each order; running sums of promises against running sums of shelves are the pick tasks.
CREATE TEMP TABLE chosen ON COMMIT DROP AS
SELECT w.order_id, w.node_id, w.place, uuidv7() AS id, 'FF-' || nextval('number_ff') AS number, o.company_id, o.status,
       o.service, o.priority, o.promise_at, o.placed_at
FROM warehouse_waveorder AS w
JOIN (SELECT * FROM orders_order WHERE campaign = 'wave' ORDER BY id FOR UPDATE) AS o ON o.id = w.order_id
WHERE w.wave_id = %(wave)s AND w.state = 'proposed';
ANALYZE chosen;

CREATE TEMP TABLE new_line ON COMMIT DROP AS
SELECT uuidv7() AS id, c.id AS fulfillment_id, c.place, a.order_id, a.line_id, a.id AS allocation_id, a.sku_id, a.node_id,
       a.quantity - a.released AS quantity
FROM (SELECT * FROM stock_allocation WHERE order_id IN (SELECT order_id FROM chosen) AND quantity > released
      ORDER BY id FOR UPDATE) AS a
JOIN chosen AS c ON c.order_id = a.order_id AND c.node_id = a.node_id;
ANALYZE new_line;

CREATE TEMP TABLE new_task ON COMMIT DROP AS
SELECT uuidv7() AS id, d.fulfillment_id, d.id AS line, d.order_id, d.line_id, d.allocation_id, d.sku_id, d.node_id,
       s.id AS bucket_id, s.bin_id, s.lot, s.serial,
       least(d.until, s.until) - greatest(d.until - d.quantity, s.until - s.free) AS quantity,
       row_number() OVER (PARTITION BY d.fulfillment_id ORDER BY s.pick_sequence, d.allocation_id, s.until) AS sequence
FROM (
    SELECT l.*, sum(quantity) OVER (PARTITION BY sku_id, node_id ORDER BY place, allocation_id) AS until FROM new_line AS l
) AS d
JOIN (
    SELECT b.id, b.sku_id, b.node_id, b.bin_id, b.lot, b.serial, bin.pick_sequence, b.quantity - b.committed AS free,
           sum(b.quantity - b.committed) OVER (
               PARTITION BY b.sku_id, b.node_id
               ORDER BY b.expires_on, bin.kind <> 'pick', bin.pick_sequence, b.lot, b.id) AS until
    FROM (SELECT * FROM stock_bucket
          WHERE (sku_id, node_id) IN (SELECT sku_id, node_id FROM new_line) AND status = 'sellable' AND quantity > committed
          ORDER BY id FOR UPDATE) AS b
    JOIN network_bin AS bin ON bin.id = b.bin_id AND bin.kind IN ('pick', 'reserve')
    WHERE b.expires_on IS NULL OR b.expires_on >= %(at)s::date
) AS s ON s.sku_id = d.sku_id AND s.node_id = d.node_id AND s.until - s.free < d.until AND d.until - d.quantity < s.until;

INSERT INTO warehouse_fulfillment (id, number, company_id, order_id, node_id, state, service, due_at, released_at)
SELECT id, number, company_id, order_id, node_id, 'released', service, promise_at, %(at)s FROM chosen;

INSERT INTO warehouse_fulfillmentline (id, fulfillment_id, order_id, line_id, allocation_id, sku_id, quantity)
SELECT id, fulfillment_id, order_id, line_id, allocation_id, sku_id, quantity FROM new_line;

INSERT INTO warehouse_picktask (id, company_id, fulfillment_id, fulfillmentline_id, order_id, line_id, allocation_id, sku_id,
    node_id, bucket_id, bin_id, lot, serial, quantity, sequence)
SELECT id, 1, fulfillment_id, line, order_id, line_id, allocation_id, sku_id, node_id, bucket_id, bin_id, lot, serial,
       quantity, sequence
FROM new_task;

UPDATE stock_allocation AS a SET released = a.released + d.quantity, fulfillment_id = d.fulfillment_id
FROM new_line AS d WHERE a.id = d.allocation_id;

UPDATE stock_bucket AS b SET committed = b.committed + d.units
FROM (SELECT bucket_id, sum(quantity) AS units FROM new_task GROUP BY bucket_id) AS d WHERE b.id = d.bucket_id;

UPDATE orders_line AS l SET allocated = l.allocated - d.quantity, released = l.released + d.quantity
FROM new_line AS d WHERE l.id = d.line_id;

UPDATE warehouse_waveorder AS w SET state = 'released', fulfillment_id = c.id
FROM chosen AS c WHERE w.wave_id = %(wave)s AND w.order_id = c.order_id;
UPDATE warehouse_wave SET state = 'released', orders = (SELECT count(*) FROM chosen), decided_at = %(at)s,
    decided_by = 'system:bench' WHERE id = %(wave)s;

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, 'system:bench', 'warehouse.release_wave', 1, 'fulfillment', id, '', 'released', 'a benchmark',
       jsonb_build_object('order', order_id, 'node', node_id), %(correlation)s::uuid
FROM chosen
UNION ALL
SELECT %(at)s, %(at)s, 'system:bench', 'warehouse.release_wave', 1, 'wave', %(wave)s, 'proposed', 'released', 'a benchmark',
       NULL, %(correlation)s;

DELETE FROM kernel_ready WHERE queue = 'wave' AND subject IN (SELECT order_id FROM chosen);
WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT 'pick', id, priority, COALESCE(promise_at, placed_at) FROM chosen
    ON CONFLICT (queue, subject) DO NOTHING RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken
