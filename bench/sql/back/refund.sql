-- What was paid for the units, back to the account that it was taken from.
TRUNCATE new_refund, new_entry;

SELECT count(*) FROM (
    SELECT FROM orders_order WHERE id IN (SELECT order_id FROM new_return) ORDER BY id FOR UPDATE
) AS locked;
SELECT count(*) FROM (
    SELECT FROM payments_payment WHERE order_id IN (SELECT order_id FROM new_return) ORDER BY id FOR UPDATE
) AS locked;

INSERT INTO new_refund
SELECT r.n, uuidv7(), 'RF-' || nextval('number_rf'), r.id, r.order_id, p.id, l.total
FROM new_return AS r
JOIN payments_payment AS p ON p.order_id = r.order_id
JOIN (SELECT n.return_id, sum(o.gross_minor - o.discount_minor + o.tax_minor)::bigint AS total
      FROM new_line AS n JOIN orders_line AS o ON o.id = n.line_id GROUP BY 1) AS l ON l.return_id = r.id
WHERE p.captured_minor - p.refunded_minor - p.refunding_minor >= l.total
ORDER BY r.n;

INSERT INTO new_entry
SELECT uuidv7(), d.event, d.kind, d.document_kind, d.document, f.total FROM new_refund AS f
CROSS JOIN LATERAL (VALUES ('return', 'return.goods', 'refund', f.id), ('payment.refunded', 'settlement', 'payment', f.payment_id))
    AS d(event, kind, document_kind, document);

-- {entries}

UPDATE payments_payment AS p SET refunded_minor = p.refunded_minor + f.total,
       state = CASE WHEN p.refunded_minor + f.total = p.captured_minor THEN 'refunded' ELSE 'part_refunded' END
FROM new_refund AS f WHERE p.id = f.payment_id;

INSERT INTO payments_attempt (id, company_id, payment_id, kind, amount_minor, state, provider_reference, error, occurred_at,
    asked_at, settled_at, document_id)
SELECT uuidv7(), 1, payment_id, 'refund', total, 'done', '', '', %(at)s, %(at)s, %(at)s, id FROM new_refund;

INSERT INTO returns_refund (id, number, company_id, return_id, order_id, currency, state, goods_minor, shipping_minor,
    tax_minor, fee_minor, adjustment_minor, adjustment_reason, total_minor, reasons, policy_version, requested_by,
    requested_at, decided_by, decided_at)
SELECT id, number, 1, return_id, order_id, 'GBP', 'paid', total, 0, 0, 0, 0, '', total,
       '["all of the order came back, so all of its shipping"]', 1, %(actor)s, %(at)s, '', %(at)s
FROM new_refund;

INSERT INTO returns_refundline (refund_id, return_line_id, units, goods_minor, tax_minor, shipping_minor, fee_minor)
SELECT f.id, l.id, l.units, o.gross_minor - o.discount_minor, 0, 0, 0
FROM new_refund AS f JOIN new_line AS l USING (return_id) JOIN orders_line AS o ON o.id = l.line_id;

UPDATE returns_sold AS s SET refunded = s.refunded + l.units, goods_minor = s.goods_minor + o.gross_minor - o.discount_minor
FROM new_line AS l JOIN orders_line AS o ON o.id = l.line_id WHERE s.line_id = l.line_id;
UPDATE returns_line AS l SET refunded = l.refunded + n.units FROM new_line AS n WHERE l.id = n.id;
UPDATE returns_return SET state = 'closed', closed_at = %(at)s, changed_at = %(at)s WHERE id IN (SELECT id FROM new_return);
UPDATE orders_order SET returns = 'returned' WHERE id IN (SELECT order_id FROM new_return);

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, d.command, 1, d.kind, d.id, d.before, d.after, %(reason)s, d.payload, %(correlation)s
FROM new_refund AS f JOIN payments_payment AS p ON p.id = f.payment_id
CROSS JOIN LATERAL (
    VALUES ('payments.refund', 'payment', f.payment_id, '', p.state, jsonb_build_object('minor', -f.total)),
           ('returns.refund', 'refund', f.id, '', 'paid',
            jsonb_build_object('return', f.return_id, 'number', f.number, 'total_minor', f.total)),
           ('returns.refund', 'return', f.return_id, 'disposed', 'closed', NULL),
           ('returns.refund', 'order', f.order_id, '', '', '{"returns": ["in return", "returned"]}'::jsonb)
) AS d(command, kind, id, before, after, payload)
