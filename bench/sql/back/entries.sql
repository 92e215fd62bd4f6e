INSERT INTO ledger_line (company_id, entry_id, number, account, amount_minor, functional_minor, currency, kind, event,
    document_kind, document_id, month, occurred_at, recorded_at, rule_version)
SELECT 1, e.id, side.number, side.account, side.amount, side.amount, 'GBP', side.kind, e.event, e.document_kind, e.document,
       date_trunc('month', %(at)s::timestamptz, 'UTC')::date, %(at)s, %(at)s, 1
FROM new_entry AS e
JOIN ledger_rule AS r ON r.company_id = 1 AND r.event = e.event AND r.kind = e.kind
CROSS JOIN LATERAL (
    VALUES (1, r.debit, e.kind, e.amount),
           (2, r.credit, CASE WHEN e.event = 'return' THEN 'settlement' ELSE e.kind END, -e.amount)
) AS side(number, account, kind, amount)
WHERE e.amount <> 0
ORDER BY e.id, side.number;

INSERT INTO ledger_balance (company_id, account, month, currency, slot, debit_minor, credit_minor, functional_minor)
SELECT 1, side.account, date_trunc('month', %(at)s::timestamptz, 'UTC')::date, 'GBP', pg_backend_pid() %% 8,
       sum(GREATEST(side.amount, 0)), sum(GREATEST(-side.amount, 0)), sum(side.amount)
FROM new_entry AS e
JOIN ledger_rule AS r ON r.company_id = 1 AND r.event = e.event AND r.kind = e.kind
CROSS JOIN LATERAL (VALUES (r.debit, e.amount), (r.credit, -e.amount)) AS side(account, amount)
GROUP BY side.account ORDER BY side.account
ON CONFLICT (company_id, account, month, currency, slot) DO UPDATE
SET debit_minor = ledger_balance.debit_minor + excluded.debit_minor,
    credit_minor = ledger_balance.credit_minor + excluded.credit_minor,
    functional_minor = ledger_balance.functional_minor + excluded.functional_minor
