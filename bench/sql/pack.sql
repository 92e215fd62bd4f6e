-- Everything that was picked into the smallest carton that holds it.
TRUNCATE chosen, new_package;
INSERT INTO chosen SELECT n, id, order_id FROM known_fulfillment WHERE batch = %(batch)s;

SELECT count(*) FROM (
    SELECT FROM warehouse_fulfillment AS f JOIN orders_order AS o ON o.id = f.order_id
    WHERE f.id IN (SELECT id FROM chosen) AND f.state = 'picked' ORDER BY o.id, f.id FOR UPDATE OF o, f
) AS locked;

INSERT INTO new_package
SELECT uuidv7(), 'PK-' || nextval('number_pk'), w.id, w.order_id, w.weight_g + carton.tare_g, carton.code, o.priority,
       COALESCE(o.promise_at, o.placed_at)
FROM (
    SELECT c.id, c.order_id, sum(l.picked * s.weight_g)::bigint AS weight_g,
           ceil(sum(l.picked::bigint * s.length_mm * s.width_mm * s.height_mm) / 1000.0) AS volume_cm3
    FROM chosen AS c
    JOIN warehouse_fulfillmentline AS l ON l.fulfillment_id = c.id AND l.picked > 0
    JOIN catalog_sku AS s ON s.id = l.sku_id
    GROUP BY c.id, c.order_id
) AS w
JOIN orders_order AS o ON o.id = w.order_id
CROSS JOIN LATERAL (
    SELECT * FROM (VALUES ('XS', 1000, 40), ('S', 4000, 90), ('M', 12000, 220), ('L', 32000, 450), ('XL', 80000, 900),
                          ('PALLET', 1500000, 22000)) AS standard(code, volume_cm3, tare_g)
    WHERE standard.volume_cm3 >= w.volume_cm3 ORDER BY standard.volume_cm3 LIMIT 1
) AS carton;

INSERT INTO warehouse_package (id, number, company_id, fulfillment_id, weight_g, carton, packed_at)
SELECT id, number, 1, fulfillment_id, weight_g, carton, %(at)s FROM new_package;

INSERT INTO warehouse_packageline (package_id, line_id, sku_id, quantity)
SELECT p.id, l.line_id, l.sku_id, sum(l.picked)
FROM new_package AS p JOIN warehouse_fulfillmentline AS l ON l.fulfillment_id = p.fulfillment_id AND l.picked > 0
GROUP BY p.id, l.line_id, l.sku_id;

UPDATE warehouse_fulfillment SET state = 'packed' WHERE id IN (SELECT id FROM chosen);

UPDATE orders_line AS l SET picked = l.picked - d.units, packed = l.packed + d.units
FROM (SELECT line_id, sum(picked) AS units FROM warehouse_fulfillmentline
      WHERE fulfillment_id IN (SELECT id FROM chosen) AND picked > 0 GROUP BY line_id) AS d
WHERE l.id = d.line_id;

UPDATE orders_order SET status = 'packed' WHERE id IN (SELECT order_id FROM chosen);

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'warehouse.pack', 1, d.kind, d.id, 'picked', 'packed', %(reason)s, d.payload,
       %(correlation)s
FROM new_package AS p CROSS JOIN LATERAL (
    VALUES ('order', p.order_id, NULL), ('fulfillment', p.fulfillment_id, jsonb_build_object('package', p.id))
) AS d(kind, id, payload);

DELETE FROM kernel_ready WHERE queue = 'pack' AND subject IN (SELECT id FROM chosen);
WITH put AS (
    INSERT INTO kernel_ready (queue, subject, priority, due_at)
    SELECT 'ship', fulfillment_id, priority, due_at FROM new_package
    ON CONFLICT (queue, subject) DO NOTHING RETURNING queue
)
SELECT pg_notify('ready', queue) FROM (SELECT DISTINCT queue FROM put) AS woken
