INSERT INTO catalog_sku (id, company_id, code, name)
SELECT uuidv7(), %(company)s, 'LINE-' || n, 'Thing ' || n FROM generate_series(0, %(skus)s - 1) AS n;

INSERT INTO stock_position (sku_id, node_id, owner_id, company_id, sellable)
SELECT s.id, d.node, %(company)s, %(company)s, abs(hashtext(s.code || d.place)) %% 34
FROM catalog_sku AS s, unnest(%(nodes)s::uuid[]) WITH ORDINALITY AS d(node, place)
WHERE s.code LIKE 'LINE-%%';

INSERT INTO orders_order (id, company_id, number, channel_id, external_id, currency, country, postal_code, placed_at,
    priority, policy, service, demand, campaign, status, held_by, commercial, goods_minor, discount_minor,
    shipping_minor, tax_minor, total_minor, line_count, policy_version)
SELECT uuidv7(), %(company)s, 'LINES-' || n, %(channel)s, 'LINES-' || n, 'GBP', 'GB', '',
       %(at)s::timestamptz + make_interval(secs => abs(hashint4(n::int)) %% 3600), (abs(hashint4(n::int + 7)) %% 3)::int, 'partial_backorder', '',
       'sale', 'department ' || n %% %(departments)s, 'ready', '', 'confirmed', 100 * %(per_order)s, 0, 0, 0,
       100 * %(per_order)s, %(per_order)s, 0
FROM generate_series(0, %(orders)s - 1) AS n;

-- Each order wants fifty SKUs of its department, and over all orders each SKU is wanted fifty times.
INSERT INTO orders_line (id, order_id, company_id, number, kind, sku_id, sku_code, quantity, unit_price, gross_minor,
    discount_minor, shipping_minor, tax_minor, open, description)
SELECT uuidv7(), w.order_id, %(company)s, w.number, 'goods', s.id, s.code, w.units, 1, 100, 0, 0, 0, w.units, ''
FROM (
    SELECT o.id AS order_id, l AS number, 1 + abs(hashint4(n::int * 64 + l::int)) %% 5 AS units,
           (n + %(departments)s * 197 * l) %% %(skus)s AS sku
    FROM (SELECT id, substr(number, 7)::bigint AS n FROM orders_order WHERE campaign LIKE 'department %%') AS o,
         generate_series(1, %(per_order)s) AS l
) AS w JOIN catalog_sku AS s ON s.code = 'LINE-' || w.sku
ORDER BY w.order_id, w.number;

INSERT INTO kernel_ready (queue, subject, priority, due_at)
SELECT 'allocate', id, priority, placed_at FROM orders_order WHERE campaign LIKE 'department %%'
