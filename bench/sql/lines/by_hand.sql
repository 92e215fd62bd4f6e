-- Each line takes of what is left at the nodes in their order: running sums of demand against running sums of supply.
CREATE TEMP TABLE promised ON COMMIT DROP AS
WITH turn AS (
    SELECT id, row_number() OVER (ORDER BY priority DESC, COALESCE(promise_at, 'infinity'), placed_at, id) AS turn
    FROM (SELECT * FROM orders_order WHERE id = ANY(%(orders)s::uuid[]) ORDER BY id FOR UPDATE) AS locked
), demand AS (
    SELECT l.id AS line_id, l.order_id, l.sku_id, t.turn, l.open AS units,
           sum(l.open) OVER (PARTITION BY l.sku_id ORDER BY t.turn, l.number) AS until
    FROM turn AS t JOIN orders_line AS l ON l.order_id = t.id WHERE l.open > 0
), supply AS (
    SELECT p.sku_id, p.node_id, p.free AS units,
           sum(p.free) OVER (PARTITION BY p.sku_id ORDER BY n.priority + c.priority, n.code) AS until
    FROM (SELECT sku_id, node_id, sellable - reserved - allocated - safety AS free FROM stock_position
          WHERE owner_id = 1 AND sku_id IN (SELECT sku_id FROM demand)
          ORDER BY sku_id, node_id, owner_id FOR UPDATE) AS p
    JOIN network_node AS n ON n.id = p.node_id
    JOIN network_channelnode AS c ON c.node_id = n.id
     AND c.channel_id = (SELECT channel_id FROM orders_order WHERE id = (%(orders)s::uuid[])[1])
    WHERE p.free > 0
)
SELECT d.order_id, d.line_id, d.sku_id, s.node_id,
       (least(d.until, s.until) - greatest(d.until - d.units, s.until - s.units))::int AS quantity
FROM demand AS d JOIN supply AS s ON s.sku_id = d.sku_id
 AND d.until > s.until - s.units AND s.until > d.until - d.units;
ANALYZE promised;

INSERT INTO stock_allocation (id, company_id, order_id, line_id, sku_id, node_id, owner_id, channel_id, quantity, fenced,
    priority, promise_at, ordered_at)
SELECT uuidv7(), 1, d.order_id, d.line_id, d.sku_id, d.node_id, 1, o.channel_id, d.quantity, 0, o.priority, o.promise_at,
       o.placed_at
FROM promised AS d JOIN orders_order AS o ON o.id = d.order_id;

UPDATE stock_position AS p SET allocated = p.allocated + d.units
FROM (SELECT sku_id, node_id, sum(quantity) AS units FROM promised GROUP BY sku_id, node_id) AS d
WHERE p.sku_id = d.sku_id AND p.node_id = d.node_id AND p.owner_id = 1;
INSERT INTO stock_unpublished (sku_id) SELECT DISTINCT sku_id FROM promised;

UPDATE orders_line AS l SET allocated = l.allocated + d.units, backordered = l.open - d.units, open = 0
FROM (
    SELECT w.id, COALESCE(p.units, 0) AS units
    FROM orders_line AS w LEFT JOIN (SELECT line_id, sum(quantity) AS units FROM promised GROUP BY 1) AS p ON p.line_id = w.id
    WHERE w.order_id = ANY(%(orders)s::uuid[]) AND w.open > 0
) AS d WHERE l.id = d.id;

INSERT INTO sourcing_backorder (line_id, company_id, order_id, sku_id, quantity, priority, ordered_at, promised_on)
SELECT l.id, 1, l.order_id, l.sku_id, l.backordered, o.priority, o.placed_at, (%(at)s::timestamptz + interval '7 days')::date
FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id
WHERE o.id = ANY(%(orders)s::uuid[]) AND l.backordered > 0;

CREATE TEMP TABLE done ON COMMIT DROP AS
SELECT order_id, sum(quantity - backordered) AS promised, sum(backordered) AS short
FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[]) GROUP BY 1;

UPDATE orders_order AS o SET status = CASE WHEN d.promised > 0 THEN 'warehouse release' ELSE 'inventory hold' END
FROM done AS d WHERE o.id = d.order_id;
INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, correlation)
SELECT %(at)s, %(at)s, 'system:bench', 'sourcing.allocate', 1, 'order', o.id, 'ready', o.status, 'a benchmark',
       %(correlation)s
FROM done AS d JOIN orders_order AS o ON o.id = d.order_id;
INSERT INTO sourcing_decision (company_id, order_id, profile_version, outcome, reasons, decided_at)
SELECT 1, d.order_id, 1, CASE WHEN d.short > 0 THEN 'part backordered' ELSE 'split' END,
       jsonb_build_object('why', 'each line from the first nodes that have some', 'policy', 'partial_backorder',
                          'candidates', g.given), %(at)s
FROM done AS d JOIN (
    SELECT order_id, jsonb_agg(jsonb_build_array(code, units)) AS given
    FROM (SELECT order_id, n.code, sum(quantity) AS units FROM promised AS p JOIN network_node AS n ON n.id = p.node_id
          GROUP BY 1, 2) AS by_node GROUP BY 1
) AS g ON g.order_id = d.order_id;
INSERT INTO work_item (id, company_id, type, subject_kind, subject_id, reason, facts, role, owner, priority, state,
    dedupe, opened_at, due_at, root_cause, kind, points, terms, ranked_at)
SELECT uuidv7(), 1, 'backorder', 'order', order_id, short || ' units wait for stock', jsonb_build_object('units', short),
       'inventory manager', '', 50, 'open', order_id::text, %(at)s, %(at)s::timestamptz + interval '2 days', '',
       'exception', 0, '{}', %(at)s
FROM done WHERE short > 0;
DELETE FROM kernel_ready WHERE queue = 'allocate' AND subject = ANY(%(orders)s::uuid[]);
INSERT INTO kernel_ready (queue, subject, priority, due_at)
SELECT 'release', o.id, o.priority, o.placed_at FROM done AS d JOIN orders_order AS o ON o.id = d.order_id
WHERE d.promised > 0;
INSERT INTO kernel_ready (queue, subject, priority, due_at)
SELECT DISTINCT 'peg', sku_id, 5, %(at)s::timestamptz FROM orders_line
WHERE order_id = ANY(%(orders)s::uuid[]) AND backordered > 0
ON CONFLICT DO NOTHING
