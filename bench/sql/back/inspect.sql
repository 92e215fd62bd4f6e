-- What was found, and the disposition that the grade asks for.
TRUNCATE new_inspection;

SELECT count(*) FROM (
    SELECT FROM orders_order WHERE id IN (SELECT order_id FROM new_return) ORDER BY id FOR UPDATE
) AS locked;

INSERT INTO new_inspection
SELECT r.batch, r.n, r.number, uuidv7(), r.line, r.return_id, r.order_line, r.sku_id, r.node_id, r.bin_id, r.units, r.grade,
       CASE r.grade WHEN 'A' THEN 'restock' WHEN 'B' THEN 'second_grade' WHEN 'C' THEN 'refurbish' ELSE 'dispose' END
FROM new_receipt AS r ORDER BY r.n, r.number;

INSERT INTO returns_inspection (id, return_id, return_line_id, receipt_id, quantity, disposed, grade, codes, note, proposed,
    why, inspected_by, inspected_at)
SELECT i.id, i.return_id, i.line, r.id, i.units, 0, i.grade, '', '', i.proposed,
       format('grade %%s (%%s): %%s', i.grade, CASE i.grade
           WHEN 'A' THEN 'as new, in its packaging' WHEN 'B' THEN 'opened, complete and clean'
           WHEN 'C' THEN 'worn or damaged, can be mended' ELSE 'beyond use' END, replace(i.proposed, '_', ' ')), %(actor)s, %(at)s
FROM new_inspection AS i JOIN new_receipt AS r ON r.line = i.line;

UPDATE returns_receipt AS r SET inspected = r.inspected + d.units FROM new_receipt AS d WHERE r.id = d.id;
UPDATE returns_line AS l SET inspected = l.inspected + d.units FROM new_inspection AS d WHERE l.id = d.line;
UPDATE returns_return SET state = 'inspected', changed_at = %(at)s WHERE id IN (SELECT id FROM new_return);

INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind, subject_id, state_before,
    state_after, reason, payload, correlation)
SELECT %(at)s, %(at)s, %(actor)s, 'returns.inspect', 1, 'return', d.id, d.before, d.after, %(reason)s, d.payload,
       %(correlation)s
FROM (
    SELECT return_id, '', '', jsonb_build_object('inspection', id, 'grade', grade, 'units', units) FROM new_inspection
    UNION ALL SELECT id, 'received', 'inspected', NULL FROM new_return
) AS d(id, before, after, payload)
