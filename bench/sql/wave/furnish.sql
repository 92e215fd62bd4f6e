INSERT INTO catalog_sku (id, company_id, code, name, weight_g, length_mm, width_mm, height_mm)
SELECT uuidv7(), %(company)s, 'WAVE-' || n, 'Thing ' || n, 100, 100, 80, 40 FROM generate_series(0, %(skus)s - 1) AS n;

-- Forty aisles with a pick bin and a reserve bin for each SKU.
INSERT INTO network_bin (id, company_id, node_id, code, kind, pick_sequence, x, y)
SELECT uuidv7(), %(company)s, %(node)s, kind || '-' || n, kind, n + CASE kind WHEN 'pick' THEN 0 ELSE %(skus)s END,
       3 * (n %% 40), 1 + n / 40
FROM generate_series(0, %(skus)s - 1) AS n, unnest(ARRAY['pick', 'reserve']) AS kind;

INSERT INTO orders_order (id, company_id, number, channel_id, external_id, currency, country, postal_code, placed_at,
    priority, policy, service, demand, campaign, status, held_by, commercial, goods_minor, discount_minor,
    shipping_minor, tax_minor, total_minor, line_count, policy_version)
SELECT uuidv7(), %(company)s, 'WAVE-' || n, %(channel)s, 'WAVE-' || n, 'GBP', 'GB', '',
       %(at)s::timestamptz - make_interval(secs => abs(hashint4(n::int)) %% 3600), (abs(hashint4(n::int + 7)) %% 3)::int,
       'partial_backorder', '', 'sale', 'wave', 'warehouse release', '', 'confirmed', 100 * (1 + n %% 4), 0, 0, 0,
       100 * (1 + n %% 4), 1 + n %% 4, 0
FROM generate_series(0, %(orders)s - 1) AS n;

-- Orders of one to four lines; over all orders each SKU is wanted fifty times.
INSERT INTO orders_line (id, order_id, company_id, number, kind, sku_id, sku_code, quantity, unit_price, gross_minor,
    discount_minor, shipping_minor, tax_minor, open, allocated, description)
SELECT uuidv7(), w.order_id, %(company)s, w.number, 'goods', s.id, s.code, w.units, 1, 100, 0, 0, 0, 0, w.units, ''
FROM (
    SELECT o.id AS order_id, l AS number, 1 + abs(hashint4(n::int * 4 + l::int)) %% 2 AS units,
           (7 * (n / 4 * 10 + (ARRAY[0, 1, 3, 6])[n %% 4 + 1] + l)) %% %(skus)s AS sku
    FROM (SELECT id, substr(number, 6)::bigint AS n FROM orders_order WHERE campaign = 'wave') AS o,
         generate_series(1, 1 + n %% 4) AS l
) AS w JOIN catalog_sku AS s ON s.code = 'WAVE-' || w.sku
ORDER BY w.order_id, w.number;

INSERT INTO stock_allocation (id, company_id, order_id, line_id, sku_id, node_id, owner_id, channel_id, quantity, priority,
    ordered_at)
SELECT uuidv7(), o.company_id, o.id, l.id, l.sku_id, %(node)s, o.company_id, o.channel_id, l.quantity, o.priority, o.placed_at
FROM orders_order AS o JOIN orders_line AS l ON l.order_id = o.id WHERE o.campaign = 'wave' ORDER BY l.id;

-- Half of what is wanted stands in the pick bin, by two lots that expire one after the other; the rest, and some more, in
-- reserve. Every third SKU has a lot that has expired.
INSERT INTO stock_bucket (id, company_id, sku_id, node_id, bin_id, lot, status, owner_id, expires_on, quantity)
SELECT uuidv7(), %(company)s, w.sku_id, %(node)s, b.id, d.lot, 'sellable', %(company)s, d.expires_on, d.units
FROM (SELECT sku_id, sku_code, sum(quantity) AS wanted FROM orders_line WHERE sku_code LIKE 'WAVE-%%' GROUP BY 1, 2) AS w
CROSS JOIN LATERAL (
    VALUES ('pick', 'A', '2027-01-01'::date, (w.wanted / 4)::int), ('pick', 'B', '2027-02-01', (w.wanted / 4)::int),
           ('reserve', 'C', NULL, (w.wanted - w.wanted / 4)::int),
           ('reserve', 'OLD', '2026-01-01', CASE substr(w.sku_code, 6)::int %% 3 WHEN 0 THEN 10 END)
) AS d(kind, lot, expires_on, units)
JOIN network_bin AS b ON b.node_id = %(node)s AND b.code = d.kind || '-' || substr(w.sku_code, 6) WHERE d.units > 0;

INSERT INTO stock_position (sku_id, node_id, owner_id, company_id, sellable, allocated)
SELECT b.sku_id, b.node_id, %(company)s, %(company)s, sum(b.quantity),
       (SELECT sum(a.quantity) FROM stock_allocation AS a WHERE a.sku_id = b.sku_id AND a.node_id = b.node_id)
FROM stock_bucket AS b JOIN catalog_sku AS s ON s.id = b.sku_id AND s.code LIKE 'WAVE-%%' GROUP BY 1, 2;

INSERT INTO kernel_ready (queue, subject, priority, due_at)
SELECT 'wave', id, priority, placed_at FROM orders_order WHERE campaign = 'wave';

INSERT INTO warehouse_wave (id, number, company_id, node_id, state, method, policy_version, cutoff_at, proposed_at,
    proposed_by, decided_by, orders, lines, units, lists, seconds, figures)
VALUES (%(wave)s, 'WV-1', %(company)s, %(node)s, 'proposed', 'batch', 0, %(at)s, %(at)s, 'system:bench', '', %(orders)s, 0, 0,
        0, 0, '{}');
INSERT INTO warehouse_waveorder (wave_id, order_id, node_id, place, state, why)
SELECT %(wave)s, id, %(node)s, row_number() OVER (ORDER BY priority DESC, placed_at, id), 'proposed', 'priority ' || priority
FROM orders_order WHERE campaign = 'wave'
