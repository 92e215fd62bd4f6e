-- Every line at the preferred node of its order: running sums of demand against what is free.
TRUNCATE chosen, preference, promised;
INSERT INTO chosen SELECT n, id, id FROM known_order WHERE batch = %(batch)s;

SELECT count(*) FROM (SELECT FROM orders_order WHERE id IN (SELECT id FROM chosen) ORDER BY id FOR UPDATE) AS locked;
SELECT count(*) FROM (
    SELECT FROM stock_position
    WHERE owner_id = 1 AND sku_id IN (SELECT sku_id FROM orders_line WHERE order_id IN (SELECT id FROM chosen))
    ORDER BY sku_id, node_id, owner_id FOR UPDATE
) AS locked;

INSERT INTO preference
SELECT channel_id, country, (array_agg(node_id ORDER BY rank))[1], array_agg(code ORDER BY rank)
FROM (
    SELECT k.channel_id, k.country, n.id AS node_id, n.code,
           row_number() OVER (PARTITION BY k.channel_id, k.country
                              ORDER BY n.country <> k.country, n.priority + cn.priority, n.code) AS rank
    FROM (SELECT DISTINCT channel_id, country FROM orders_order WHERE id IN (SELECT id FROM chosen)) AS k
    JOIN network_channelnode AS cn ON cn.channel_id = k.channel_id
    JOIN network_node AS n ON n.id = cn.node_id AND n.active
) AS ranked
GROUP BY channel_id, country;

INSERT INTO promised
SELECT uuidv7(), w.order_id, w.line_id, w.sku_id, w.node_id, w.channel_id, w.quantity, w.priority, w.promise_at,
       w.placed_at, w.policy, w.codes
FROM (
    SELECT o.id AS order_id, l.id AS line_id, l.sku_id, f.node_id, f.codes, o.channel_id, l.open AS quantity,
           o.priority, o.promise_at, o.placed_at, o.policy,
           sum(l.open) OVER (PARTITION BY l.sku_id, f.node_id
                             ORDER BY o.priority DESC, o.promise_at, o.placed_at, o.id, l.number) AS running
    FROM chosen JOIN orders_order AS o ON o.id = chosen.id
    JOIN orders_line AS l ON l.order_id = o.id AND l.open > 0
    JOIN preference AS f ON f.channel_id = o.channel_id AND f.country = o.country
) AS w
JOIN stock_position AS p ON p.sku_id = w.sku_id AND p.node_id = w.node_id AND p.owner_id = 1
WHERE w.running <= p.sellable - p.reserved - p.allocated - p.safety - p.fenced;

INSERT INTO stock_allocation (id, company_id, order_id, line_id, sku_id, node_id, owner_id, channel_id, quantity, fenced,
    priority, promise_at, ordered_at)
SELECT id, 1, order_id, line_id, sku_id, node_id, 1, channel_id, quantity, 0, priority, promise_at, placed_at FROM promised;

UPDATE stock_position AS p SET allocated = p.allocated + d.units
FROM (SELECT sku_id, node_id, sum(quantity) AS units FROM promised GROUP BY sku_id, node_id) AS d
WHERE p.sku_id = d.sku_id AND p.node_id = d.node_id AND p.owner_id = 1;

INSERT INTO stock_unpublished (sku_id) SELECT DISTINCT sku_id FROM promised;

UPDATE orders_line AS l SET open = l.open - d.quantity, allocated = l.allocated + d.quantity
FROM promised AS d WHERE l.id = d.line_id;

INSERT INTO sourcing_decision (company_id, order_id, profile_version, outcome, reasons, decided_at)
SELECT 1, order_id, 0, 'allocated',
       jsonb_build_object(
           'why', codes[1] || ' is the preferred node that has all of it', 'policy', policy,
           'candidates', jsonb_build_array(jsonb_build_array(codes[1], units), jsonb_build_array(codes[2], units))),
       %(at)s
FROM (SELECT order_id, policy, codes, sum(quantity) AS units FROM promised GROUP BY order_id, policy, codes) AS d;

DELETE FROM kernel_ready WHERE queue = 'allocate' AND subject IN (SELECT id FROM chosen);
WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT DISTINCT 'release', order_id, priority, COALESCE(promise_at, placed_at) FROM promised
    ON CONFLICT (queue, subject) DO NOTHING RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken
