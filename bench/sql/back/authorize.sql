-- Returns of what was sent, within the window.
TRUNCATE new_return, new_line;

SELECT count(*) FROM (
    SELECT FROM orders_order WHERE id IN (SELECT order_id FROM input_return) ORDER BY id FOR UPDATE
) AS locked;

INSERT INTO new_return
SELECT %(batch)s, i.n, uuidv7(), 'RMA-' || nextval('number_rma'), i.order_id, h.node_id, b.id
FROM (SELECT DISTINCT n, order_id FROM input_return) AS i
CROSS JOIN LATERAL (SELECT node_id FROM shipping_shipment AS h WHERE h.order_id = i.order_id ORDER BY id DESC LIMIT 1) AS h
JOIN network_bin AS b ON b.node_id = h.node_id AND b.kind = 'quarantine'
ORDER BY i.n;

INSERT INTO new_line
SELECT %(batch)s, i.n, i.number, uuidv7(), r.id, i.order_id, i.line_id, l.sku_id, r.node_id, r.bin_id, i.units, i.reason,
       i.grade
FROM input_return AS i JOIN new_return AS r USING (n) JOIN orders_line AS l ON l.id = i.line_id
ORDER BY i.n, i.number;

INSERT INTO access_duty (document, pair, side, person, taken_at)
SELECT id, 'request×receive×approve', 'request', %(actor)s, %(at)s FROM new_return;

INSERT INTO returns_return (id, number, company_id, order_id, channel_id, customer_id, external_id, currency, node_id, asked,
    state, without_refund, reasons, policy_version, requested_by, requested_at, changed_at)
SELECT r.id, r.number, 1, r.order_id, o.channel_id, o.customer_id, '', o.currency, r.node_id, 'refund', 'authorized', false,
       '["0 of 30 days"]', 1, %(actor)s, %(at)s, %(at)s
FROM new_return AS r JOIN orders_order AS o ON o.id = r.order_id;

INSERT INTO returns_line (id, return_id, order_id, line_id, sku_id, quantity, reason, note, found_by)
SELECT id, return_id, order_id, line_id, sku_id, units, reason, '', '' FROM new_line;

INSERT INTO returns_sold AS s (line_id, order_id, company_id, shipped, authorized)
SELECT n.line_id, n.order_id, 1, l.shipped + l.delivered, n.units FROM new_line AS n JOIN orders_line AS l ON l.id = n.line_id
ON CONFLICT (line_id) DO UPDATE SET authorized = s.authorized + excluded.authorized, shipped = excluded.shipped;

UPDATE orders_order SET returns = 'requested' WHERE id IN (SELECT order_id FROM new_return);

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'returns.authorize', 1, d.kind, d.id, '', d.after, %(reason)s, d.payload, %(correlation)s
FROM new_return AS r
JOIN (SELECT n, sum(units) AS units FROM new_line GROUP BY n) AS u USING (n)
CROSS JOIN LATERAL (
    VALUES ('return', r.id, 'authorized', jsonb_build_object('order', r.order_id, 'number', r.number, 'units', u.units)),
           ('order', r.order_id, '', '{"returns": ["none", "requested"]}'::jsonb)
) AS d(kind, id, after, payload)
