-- Journal lines of October as carriers' invoices make them: what shipments were expected to cost, then what they cost.
-- Six lines a shipment in two entries that are recorded together, a thousand shipments after each other.
INSERT INTO ledger_line (company_id, entry_id, number, account, amount_minor, functional_minor, currency, kind, event,
                         document_kind, document_id, month, occurred_at, recorded_at)
SELECT %(company)s, md5(event || n)::uuid, number, account, amount, amount, 'GBP', kind, event, 'shipment',
       md5('shipment' || n)::uuid, '2026-10-01', at, at
FROM generate_series(1, %(lines)s / 6) AS n
CROSS JOIN LATERAL (SELECT 300 + n %% 400 AS cost, n %% 50 AS more,
                           timestamptz '2026-10-01 00:00Z' + n / 1000 * interval '4 minutes' AS at) AS of_one
CROSS JOIN LATERAL (VALUES
    ('shipping.accrued', 1, 5500, 'carriage', cost), ('shipping.accrued', 2, 2150, 'carriage', -cost),
    ('carrier.invoiced', 1, 2150, 'accrual', cost), ('carrier.invoiced', 2, 2000, 'accrual', -cost),
    ('carrier.invoiced', 3, 5510, 'variance', more), ('carrier.invoiced', 4, 2000, 'variance', -more)
) AS line(event, number, account, kind, amount);

INSERT INTO ledger_balance (company_id, account, month, currency, slot, debit_minor, credit_minor, functional_minor,
                            functional_debit_minor)
SELECT company_id, account, month, currency, 0, COALESCE(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0),
       COALESCE(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0), sum(functional_minor),
       COALESCE(sum(functional_minor) FILTER (WHERE functional_minor > 0), 0)
FROM ledger_line WHERE event IN ('shipping.accrued', 'carrier.invoiced') AND month = '2026-10-01'
GROUP BY company_id, account, month, currency
