-- Orders with their lines out of what was loaded, ready for allocation.
TRUNCATE new_order;

INSERT INTO new_order
SELECT i.n, uuidv7(), 'SO-' || nextval('number_so'), i.key, c.id, c.priority, i.external_id, u.id, i.currency, i.country,
       i.postal_code, t.goods_minor, t.line_count
FROM input_order AS i
JOIN (SELECT n, sum(round(unit_price * quantity * 100))::bigint AS goods_minor, count(*)::int AS line_count
      FROM input_line GROUP BY n) AS t USING (n)
JOIN network_channel AS c ON c.company_id = 1 AND c.code = i.channel AND c.active
JOIN parties_customer AS u ON u.company_id = 1 AND u.code = i.customer;

INSERT INTO orders_order (id, company_id, number, channel_id, external_id, customer_id, currency, country, postal_code,
    placed_at, priority, policy, service, status, held_by, commercial, goods_minor, discount_minor,
    shipping_minor, tax_minor, total_minor, line_count, policy_version)
SELECT id, 1, number, channel_id, external_id, customer_id, currency, country, postal_code, %(at)s, priority,
       'partial_backorder', '', 'ready', '', 'confirmed', goods_minor, 0, 0, 0, goods_minor, line_count, 0
FROM new_order ON CONFLICT (company_id, channel_id, external_id) DO NOTHING;

INSERT INTO orders_line (id, order_id, company_id, number, kind, sku_id, sku_code, description, quantity, unit_price,
    gross_minor, discount_minor, shipping_minor, tax_minor, open)
SELECT uuidv7(), o.id, 1, l.number, 'goods', s.id, l.sku, '', l.quantity, l.unit_price,
       round(l.unit_price * l.quantity * 100), 0, 0, 0, l.quantity
FROM input_line AS l JOIN new_order AS o USING (n) LEFT JOIN catalog_sku AS s ON s.company_id = 1 AND s.code = l.sku;

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'orders.place', 1, 'order', id, '', 'ready', %(reason)s,
       jsonb_build_object('number', number, 'total_minor', goods_minor, 'lines', line_count), %(correlation)s
FROM new_order;

WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT 'allocate', id, priority, %(at)s FROM new_order ON CONFLICT (queue, subject) DO NOTHING RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken;

INSERT INTO kernel_request (command, key, fingerprint, answer, at)
SELECT 'orders.place', key, decode(md5(o::text), 'hex'),
       jsonb_build_object('order', id, 'number', number, 'status', 'ready', 'holds', '[]'::jsonb, 'warnings', '[]'::jsonb,
           'store_credit_minor', 0, 'reasons', '[]'::jsonb), %(at)s
FROM new_order AS o;

INSERT INTO known_order SELECT %(batch)s, n, id FROM new_order
