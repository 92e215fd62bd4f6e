-- Out of the house with the cheapest service: stock, value, journal, statuses and messages.
TRUNCATE chosen, new_shipment, leaving, new_entry;
INSERT INTO chosen SELECT n, id, order_id FROM known_fulfillment WHERE batch = %(batch)s;

SELECT count(*) FROM (
    SELECT FROM warehouse_fulfillment AS f JOIN orders_order AS o ON o.id = f.order_id
    WHERE f.id IN (SELECT id FROM chosen) AND f.state = 'packed' ORDER BY o.id, f.id FOR UPDATE OF o, f
) AS locked;

WITH parcel AS (
    SELECT c.n, f.id, f.order_id, f.node_id, f.staging_bin_id, n.country AS origin, n.time_zone, o.country AS destination, o.promise_at,
           o.currency, o.external_id, ch.code AS channel, sum(p.weight_g) AS weight_g, sum(carton.volume_cm3) AS volume_cm3
    FROM chosen AS c
    JOIN warehouse_fulfillment AS f ON f.id = c.id
    JOIN orders_order AS o ON o.id = f.order_id
    JOIN network_channel AS ch ON ch.id = o.channel_id
    JOIN network_node AS n ON n.id = f.node_id
    JOIN warehouse_package AS p ON p.fulfillment_id = f.id
    JOIN (VALUES ('XS', 1000), ('S', 4000), ('M', 12000), ('L', 32000), ('XL', 80000), ('PALLET', 1500000))
         AS carton(code, volume_cm3) ON carton.code = p.carton
    GROUP BY c.n, f.id, n.country, n.time_zone, o.country, o.promise_at, o.currency, o.external_id, ch.code
), offer AS (
    SELECT p.*, s.id AS service_id, carrier.code AS carrier, z.zone, r.price_minor, r.currency AS price_currency,
           row_number() OVER (PARTITION BY p.id ORDER BY r.price_minor, s.transit_days, s.code) AS place,
           jsonb_agg(jsonb_build_object(
               'service', s.code, 'carrier', carrier.code, 'days', s.transit_days, 'source', 'table', 'currency',
               r.currency, 'label_minor', r.price_minor, 'surcharges', '[]'::jsonb, 'late_per_10k', 0, 'seen', 0, 'late_minor', 0, 'total_minor',
               r.price_minor, 'late', false, 'note', '[]'::jsonb, 'timed_by', 'table',
               'compared_minor', r.price_minor, 'zone', z.zone, 'lane', jsonb_build_array(z.origin, z.destination)
           )) OVER (
               PARTITION BY p.id ORDER BY r.price_minor, s.transit_days, s.code
               ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS candidates
    FROM parcel AS p
    JOIN carriage_service AS s ON s.company_id = 1 AND s.active
    JOIN carriage_carrier AS carrier ON carrier.id = s.carrier_id
    JOIN carriage_zone AS z ON z.service_id = s.id AND z.origin = p.origin AND z.destination = p.destination
    CROSS JOIN LATERAL (
        SELECT price_minor, currency FROM carriage_rate AS r
        WHERE r.service_id = s.id AND r.zone = z.zone
          AND r.max_weight_g >= GREATEST(p.weight_g, ceil(p.volume_cm3 * 1000.0 / s.divisor))
        ORDER BY r.max_weight_g LIMIT 1
    ) AS r
)
INSERT INTO new_shipment
SELECT uuidv7(), 'SH-' || nextval('number_sh'), n, id, order_id, node_id, staging_bin_id, promise_at, currency, external_id,
       channel, carrier, service_id, zone, price_minor, price_currency,
       jsonb_build_object(
           'late', false, 'why', 'least', 'leaves_on', (%(at)s::timestamptz AT TIME ZONE time_zone)::date, 'barred', '[]'::jsonb,
           'candidates', candidates)
FROM offer WHERE place = 1;

SELECT count(*) FROM (
    SELECT FROM stock_position WHERE owner_id = 1 AND (sku_id, node_id) IN (
        SELECT sku_id, node_id FROM warehouse_picktask WHERE fulfillment_id IN (SELECT id FROM chosen))
    ORDER BY sku_id, node_id, owner_id FOR UPDATE
) AS locked;
SELECT count(*) FROM (
    SELECT FROM ledger_valuation WHERE company_id = 1 AND pool = 'stock' AND (sku_id, node_id) IN (
        SELECT sku_id, node_id FROM warehouse_picktask WHERE fulfillment_id IN (SELECT id FROM chosen))
    ORDER BY sku_id, node_id FOR UPDATE
) AS locked;

-- The i-th issue takes round(V * cum(i) / Q) - round(V * cum(i - 1) / Q), halves up.
WITH staged AS MATERIALIZED (
    SELECT s.id AS shipment_id, s.order_id, s.n, s.staging_bin_id, t.line_id, t.allocation_id, t.sku_id, t.node_id, t.lot,
           t.serial, t.sequence, t.picked AS quantity, l.number, l.gross_minor, l.discount_minor, l.shipping_minor,
           l.tax_minor, sum(t.picked) OVER (PARTITION BY t.sku_id, t.node_id ORDER BY s.n, l.number, t.sequence) AS upto
    FROM new_shipment AS s
    JOIN warehouse_picktask AS t ON t.fulfillment_id = s.fulfillment_id AND t.picked > 0
    JOIN orders_line AS l ON l.id = t.line_id
)
INSERT INTO leaving
SELECT s.shipment_id, s.order_id, s.line_id, s.allocation_id, s.sku_id, s.node_id, b.id, s.quantity, s.n, s.number, s.sequence,
       (2 * v.value_minor * s.upto + v.quantity) / (2 * v.quantity)
       - (2 * v.value_minor * (s.upto - s.quantity) + v.quantity) / (2 * v.quantity),
       s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor
FROM staged AS s
JOIN stock_bucket AS b ON b.sku_id = s.sku_id AND b.node_id = s.node_id AND b.bin_id = s.staging_bin_id AND b.lot = s.lot
 AND b.serial = s.serial AND b.status = 'sellable' AND b.owner_id = 1
JOIN ledger_valuation AS v ON v.company_id = 1 AND v.sku_id = s.sku_id AND v.node_id = s.node_id AND v.pool = 'stock';

SELECT count(*) FROM (
    SELECT FROM stock_bucket WHERE id IN (SELECT bucket_id FROM leaving) ORDER BY id FOR UPDATE
) AS locked;

INSERT INTO shipping_shipment (id, number, company_id, order_id, fulfillment_id, node_id, carrier, service_id, tracking, zone,
    cost_minor, currency, promised_at, shipped_at, state, reasons)
SELECT id, number, 1, order_id, fulfillment_id, node_id, carrier, service_id, number, zone, cost_minor, currency, promise_at,
       %(at)s, 'shipped', reasons
FROM new_shipment;

INSERT INTO shipping_shipmentline (shipment_id, line_id, order_id, sku_id, quantity, goods_minor, discount_minor,
    shipping_minor, tax_minor)
SELECT shipment_id, line_id, order_id, sku_id, sum(quantity), gross_minor, discount_minor, shipping_minor, tax_minor
FROM leaving GROUP BY shipment_id, line_id, order_id, sku_id, gross_minor, discount_minor, shipping_minor, tax_minor;

INSERT INTO stock_move (company_id, sku_id, quantity, from_place, from_bucket, to_place, to_bucket, reason, document_kind,
    document_id, line_id, value_minor, occurred_at, recorded_at, correlation)
SELECT 1, sku_id, quantity, 'node', bucket_id, 'customer', NULL, 'sale', 'shipment', shipment_id, line_id, value_minor,
       %(at)s, %(at)s, %(correlation)s
FROM leaving ORDER BY n, number, sequence;

UPDATE stock_position AS p SET sellable = p.sellable - d.units, allocated = p.allocated - d.units
FROM (SELECT sku_id, node_id, sum(quantity) AS units FROM leaving GROUP BY sku_id, node_id) AS d
WHERE p.sku_id = d.sku_id AND p.node_id = d.node_id AND p.owner_id = 1;

UPDATE stock_bucket AS b SET quantity = b.quantity - d.units, committed = b.committed - d.units
FROM (SELECT bucket_id, sum(quantity) AS units FROM leaving GROUP BY bucket_id) AS d WHERE b.id = d.bucket_id;

UPDATE ledger_valuation AS v SET quantity = v.quantity - d.units, value_minor = v.value_minor - d.value
FROM (SELECT sku_id, node_id, sum(quantity) AS units, sum(value_minor) AS value FROM leaving GROUP BY sku_id, node_id) AS d
WHERE v.company_id = 1 AND v.sku_id = d.sku_id AND v.node_id = d.node_id AND v.pool = 'stock';

DELETE FROM stock_allocation AS a USING (SELECT allocation_id, sum(quantity) AS units FROM leaving GROUP BY 1) AS d
WHERE a.id = d.allocation_id AND a.quantity = d.units;

INSERT INTO new_entry
SELECT uuidv7(), d.event, d.kind, s.id, d.currency, d.amount
FROM new_shipment AS s
JOIN (
    SELECT shipment_id, sum(value_minor) AS cost,
           sum(gross_minor) FILTER (WHERE is_first) AS goods
    FROM (SELECT *, row_number() OVER (PARTITION BY shipment_id, line_id ORDER BY sequence) = 1 AS is_first FROM leaving) AS l
    GROUP BY shipment_id
) AS l ON l.shipment_id = s.id
CROSS JOIN LATERAL (
    VALUES ('stock.issue.sale', 'cost', 'GBP', l.cost), ('sale', 'sale.goods', s.order_currency, l.goods),
           ('shipping.accrued', 'carriage', s.currency, s.cost_minor)
) AS d(event, kind, currency, amount)
WHERE d.amount <> 0;

INSERT INTO ledger_line (company_id, entry_id, number, account, amount_minor, functional_minor, currency, kind, event,
    document_kind, document_id, month, occurred_at, recorded_at, rule_version)
SELECT 1, e.id, side.number, side.account, side.amount, side.amount, e.currency, side.kind, e.event, 'shipment',
       e.shipment_id, date_trunc('month', %(at)s::timestamptz, 'UTC')::date, %(at)s, %(at)s, 1
FROM new_entry AS e
JOIN ledger_rule AS r ON r.company_id = 1 AND r.event = e.event AND r.kind = e.kind
CROSS JOIN LATERAL (
    VALUES (1, r.debit, CASE WHEN e.event = 'sale' THEN 'settlement' ELSE e.kind END, e.amount_minor),
           (2, r.credit, e.kind, -e.amount_minor)
) AS side(number, account, kind, amount)
ORDER BY e.id, side.number;

WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT 'invoice', shipment_id, 0, %(at)s FROM new_entry WHERE event = 'sale'
    ON CONFLICT (queue, subject) DO NOTHING RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken;

INSERT INTO ledger_balance (company_id, account, month, currency, slot, debit_minor, credit_minor, functional_minor)
SELECT 1, side.account, date_trunc('month', %(at)s::timestamptz, 'UTC')::date, e.currency, pg_backend_pid() %% 8,
       sum(GREATEST(side.amount, 0)), sum(GREATEST(-side.amount, 0)), sum(side.amount)
FROM new_entry AS e
JOIN ledger_rule AS r ON r.company_id = 1 AND r.event = e.event AND r.kind = e.kind
CROSS JOIN LATERAL (VALUES (r.debit, e.amount_minor), (r.credit, -e.amount_minor)) AS side(account, amount)
GROUP BY side.account, e.currency ORDER BY side.account, e.currency
ON CONFLICT (company_id, account, month, currency, slot) DO UPDATE
SET debit_minor = ledger_balance.debit_minor + excluded.debit_minor,
    credit_minor = ledger_balance.credit_minor + excluded.credit_minor,
    functional_minor = ledger_balance.functional_minor + excluded.functional_minor;

UPDATE orders_line AS l SET packed = l.packed - d.units, shipped = l.shipped + d.units
FROM (SELECT line_id, sum(quantity) AS units FROM leaving GROUP BY line_id) AS d WHERE l.id = d.line_id;

UPDATE orders_order SET status = 'shipped' WHERE id IN (SELECT order_id FROM chosen);
UPDATE warehouse_fulfillment SET state = 'shipped' WHERE id IN (SELECT id FROM chosen);
DELETE FROM kernel_ready WHERE queue = 'ship' AND subject IN (SELECT id FROM chosen);

INSERT INTO kernel_delivery (company_id, destination, topic, subject_id, body, created_at, state, attempts, next_try_at,
    last_error)
SELECT 1, 'channels:' || s.channel, 'order.shipped', s.order_id,
       jsonb_build_object(
           'order', s.external_id, 'shipment', s.number, 'carrier', s.carrier, 'tracking', s.number, 'numbers', jsonb_build_array(s.number),
           'shipped_at', to_char(%(at)s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'lines', l.lines),
       %(at)s, 'waiting', 0, %(at)s, ''
FROM new_shipment AS s
JOIN (
    SELECT shipment_id, jsonb_agg(jsonb_build_object('line', line_id, 'quantity', units) ORDER BY number) AS lines
    FROM (SELECT shipment_id, line_id, number, sum(quantity) AS units FROM leaving GROUP BY 1, 2, 3) AS l
    GROUP BY shipment_id
) AS l ON l.shipment_id = s.id;

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'shipping.ship', 1, d.kind, d.id, d.before, 'shipped', %(reason)s, d.payload,
       %(correlation)s
FROM new_shipment AS s CROSS JOIN LATERAL (
    VALUES ('order', s.order_id, 'packed', NULL), ('fulfillment', s.fulfillment_id, 'packed', NULL),
           ('shipment', s.id, '', jsonb_build_object('order', s.order_id, 'fulfillment', s.fulfillment_id))
) AS d(kind, id, before, payload)
