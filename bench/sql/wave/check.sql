-- Of each SKU exactly what was wanted is to be picked and committed, and of what expires first all before the next.
SELECT ARRAY(
    SELECT s.code
    FROM catalog_sku AS s
    JOIN (SELECT sku_id, sum(quantity) AS wanted, sum(released) AS released FROM orders_line GROUP BY 1) AS l ON l.sku_id = s.id
    LEFT JOIN (SELECT sku_id, sum(quantity) AS picks FROM warehouse_picktask GROUP BY 1) AS t ON t.sku_id = s.id
    LEFT JOIN (SELECT sku_id, sum(quantity) AS asked FROM warehouse_fulfillmentline GROUP BY 1) AS f ON f.sku_id = s.id
    LEFT JOIN (SELECT sku_id, sum(released) AS promised FROM stock_allocation WHERE fulfillment_id IS NOT NULL GROUP BY 1) AS a
           ON a.sku_id = s.id
    LEFT JOIN (SELECT sku_id, sum(committed) AS units,
                      bool_or(committed < quantity AND lot = 'A') AND bool_or(committed > 0 AND lot <> 'A')
                      OR bool_or(committed < quantity AND lot = 'B') AND bool_or(committed > 0 AND lot = 'C')
                      OR bool_or(committed > 0 AND lot = 'OLD') AS is_out_of_turn
               FROM stock_bucket GROUP BY 1) AS b ON b.sku_id = s.id
    WHERE s.code LIKE 'WAVE-%' AND (
        (l.released, t.picks, f.asked, a.promised, b.units) IS DISTINCT FROM (l.wanted, l.wanted, l.wanted, l.wanted, l.wanted)
        OR b.is_out_of_turn)
    LIMIT 5
), md5(concat_ws(' ',
    (SELECT string_agg(concat_ws(' ', t.line_id, t.bucket_id, t.quantity, t.sequence), ',' ORDER BY t.line_id, t.bucket_id)
     FROM warehouse_picktask AS t),
    (SELECT string_agg(concat_ws(' ', id, committed), ',' ORDER BY id) FROM stock_bucket),
    (SELECT string_agg(concat_ws(' ', id, released, fulfillment_id IS NULL), ',' ORDER BY id) FROM stock_allocation),
    (SELECT string_agg(concat_ws(' ', id, allocated, released), ',' ORDER BY id) FROM orders_line),
    (SELECT string_agg(concat_ws(' ', id, status), ',' ORDER BY id) FROM orders_order),
    (SELECT string_agg(concat_ws(' ', order_id, state), ',' ORDER BY order_id) FROM warehouse_waveorder),
    (SELECT string_agg(concat_ws(' ', subject_kind, events), ',' ORDER BY subject_kind)
     FROM (SELECT subject_kind, count(*) AS events FROM kernel_event WHERE command LIKE 'warehouse.release%' GROUP BY 1) AS e),
    (SELECT string_agg(concat_ws(' ', queue, subjects), ',' ORDER BY queue)
     FROM (SELECT queue, count(*) AS subjects FROM kernel_ready GROUP BY 1) AS r)))
