"""What the rules say belongs together on clearing accounts, by the documents that lines are of."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel import sql
from entrepot.ledger.clearing import Group

GROUPS_MAX = 1_000
"""Of one run; what is left is found by the next."""


def groups(companies: Sequence[int]) -> list[tuple[int, Group, dict[int, int]]]:
    """By company, lines that belong together and lie on both sides, and what is open of each; the oldest first, and
    what is only of one customer behind the others. 1 statement."""
    return [
        (company, Group(why, str(document), list(zip(lines, wanted, strict=True))),
         dict(zip(lines, open_, strict=True)))
        for company, why, document, lines, wanted, open_ in sql.run(
            _GROUPS, {"companies": list(companies), "most": GROUPS_MAX}
        )
    ]  # fmt: skip


# What is of an order: paid and sent (2100), credited and paid back (2300). A hold on a card is an order of its own.
_OF_ORDERS = """
SELECT o.*, 'one order' AS why,
       CASE o.document_kind
           WHEN 'order' THEN o.document_id WHEN 'card_hold' THEN o.document_id
           WHEN 'payment' THEN (SELECT order_id FROM payments_payment WHERE id = o.document_id)
           WHEN 'shipment' THEN (SELECT order_id FROM shipping_shipment WHERE id = o.document_id)
           WHEN 'refund' THEN CASE WHEN o.event = 'payment.passed_on' AND o.account = 2100
               THEN (SELECT replacement_id FROM returns_exchange WHERE refund_id = o.document_id)
               ELSE (SELECT order_id FROM returns_refund WHERE id = o.document_id) END
       END AS document, o.open_minor AS wanted
FROM open AS o WHERE o.account IN (2100, 2300)
"""

# What a customer was credited without a known sale, and what was paid back of their orders before anything was credited
# (2300): after all that is of one order.
_OF_CUSTOMERS = """
SELECT o.*, 'one customer', c.customer_id, o.open_minor
FROM open AS o JOIN orders_credit AS c ON c.id = o.document_id
WHERE o.account = 2300 AND o.document_kind = 'credit'
UNION ALL
SELECT o.*, 'one customer', b.customer_id, o.open_minor
FROM open AS o JOIN payments_payment AS p ON p.id = o.document_id JOIN orders_order AS b ON b.id = p.order_id
WHERE o.account = 2300 AND o.document_kind = 'payment' AND o.open_minor > 0
"""

# What a bank took and what became of it (1160): two disputes of a payment are told apart by what they are over.
_OF_DISPUTES = """
SELECT o.*, 'one dispute', (SELECT min(d.id::text)::uuid FROM payments_dispute AS d
                            WHERE d.payment_id = o.document_id AND d.amount_minor = abs(o.amount_minor)), o.open_minor
FROM open AS o WHERE o.account = 1160 AND o.document_kind = 'payment'
"""

# What came and what was billed of one purchase order or work order (2050, 2160): of an invoice, its lines for it.
_OF_PURCHASES = """
SELECT o.*, 'one order to a supplier', r.order_id, o.open_minor
FROM open AS o JOIN purchasing_receipt AS r ON r.id = o.document_id
WHERE o.account = 2050 AND o.document_kind = 'purchase_receipt'
UNION ALL
SELECT o.*, 'one work order', o.document_id, o.open_minor
FROM open AS o WHERE o.account = 2160 AND o.document_kind = 'work order'
UNION ALL
SELECT o.*, CASE o.account WHEN 2050 THEN 'one order to a supplier' ELSE 'one work order' END, b.order_id,
       b.expected - COALESCE((
           SELECT sum(p.amount_minor) FROM ledger_matchpart AS p
           JOIN ledger_match AS m ON m.id = p.match_id AND m.undone_at IS NULL AND m.document_id = b.order_id
           WHERE p.line_id = o.line_id), 0)
FROM open AS o
JOIN (SELECT invoice_id, order_id, sum(expected_minor) AS expected FROM settlement_supplierline
      WHERE order_id IS NOT NULL GROUP BY 1, 2) AS b ON b.invoice_id = o.document_id
WHERE o.account IN (2050, 2160) AND o.document_kind = 'supplier_invoice'
  AND (o.account = 2160) = EXISTS (SELECT FROM returns_workorder AS w WHERE w.id = b.order_id)
"""

# What a carrier's invoice releases of the accruals of shipments and return labels (2150): of each, just that much. A
# label that was bought for less or voided has lines on both sides; of one that was voided after it was billed, the
# invoice bears what is to come back.
_RELEASED = """
SELECT c.invoice_id, c.shipment_id, c.released
FROM (SELECT invoice_id, shipment_id, sum(expected_minor) AS released FROM settlement_carriercharge
      WHERE shipment_id IS NOT NULL AND expected_minor > 0
        AND invoice_id IN (SELECT document_id FROM open WHERE account = 2150 AND document_kind = 'carrier_invoice')
      GROUP BY 1, 2) AS c
WHERE NOT EXISTS (
    SELECT FROM ledger_match AS m JOIN ledger_matchpart AS p ON p.match_id = m.id
    JOIN ledger_line AS l ON l.id = p.line_id AND l.document_id = c.shipment_id
    WHERE m.document_id = c.invoice_id)
"""
_OF_CARRIERS = """
SELECT o.*, 'one invoice of a carrier', r.invoice_id, -r.released
FROM released AS r JOIN open AS o ON o.document_id = r.shipment_id
WHERE o.account = 2150 AND o.document_kind IN ('shipment', 'return_label')
UNION ALL
SELECT o.*, 'one invoice of a carrier', r.invoice_id, r.released
FROM (SELECT invoice_id, sum(released) AS released FROM released GROUP BY 1) AS r
JOIN open AS o ON o.document_id = r.invoice_id
WHERE o.account = 2150 AND o.document_kind = 'carrier_invoice' AND o.open_minor > 0
UNION ALL
SELECT o.*, 'one invoice of a carrier', o.document_id, o.open_minor
FROM open AS o WHERE o.account = 2150 AND o.document_kind = 'carrier_invoice' AND o.open_minor < 0
UNION ALL
SELECT o.*, 'one invoice of a carrier', c.invoice_id, -c.expected_minor
FROM open AS o
JOIN settlement_carriercharge AS c ON c.shipment_id = o.document_id AND c.expected_minor < 0
WHERE o.account = 2150 AND o.document_kind IN ('shipment', 'return_label') AND o.open_minor > 0
UNION ALL
SELECT o.*, 'one document', o.document_id, o.open_minor
FROM open AS o WHERE o.account = 2150 AND o.document_kind IN ('shipment', 'return_label')
"""

# What a payout brings of charges, refunds, disputes and their fees, and its own lines (1100). Of equal lines, any will
# do.
_OF_PAYOUTS = """
SELECT o.*, 'one payout', o.document_id, o.open_minor FROM open AS o
WHERE o.account = 1100 AND o.document_kind = 'payout'
UNION ALL
SELECT o.line_id, o.company_id, o.account, o.currency, o.open_minor, o.event, o.document_kind, o.document_id,
       o.amount_minor, 'one payout', k.payout_id, o.open_minor
FROM (SELECT o.*, row_number() OVER (PARTITION BY document_id, event, abs(open_minor) ORDER BY line_id) AS place
      FROM open AS o WHERE o.account = 1100 AND o.document_kind = 'payment') AS o
JOIN (
    SELECT k.payout_id, k.payment_id, k.event, k.amount,
           row_number() OVER (PARTITION BY payment_id, event, amount ORDER BY payout_id) AS place
    FROM (
        SELECT l.payout_id, a.payment_id, a.amount_minor AS amount,
               CASE l.kind WHEN 'charge' THEN 'payment.captured' WHEN 'refund_reversal' THEN 'payment.refund_bounced'
                           ELSE 'payment.refunded' END AS event
        FROM settlement_payoutline AS l JOIN payments_attempt AS a ON a.id = l.known_id
        WHERE l.payout_id IN (SELECT document_id FROM open WHERE account = 1100 AND document_kind = 'payout')
        UNION ALL
        SELECT l.payout_id, d.payment_id, a.amount,
               CASE l.kind WHEN 'chargeback' THEN 'payment.disputed' ELSE 'payment.dispute_won' END
        FROM settlement_payoutline AS l JOIN payments_dispute AS d ON d.id = l.known_id
        CROSS JOIN LATERAL (VALUES
            (d.amount_minor), (CASE l.kind WHEN 'chargeback' THEN d.fee_minor ELSE d.fee_returned_minor END)
        ) AS a(amount)
        WHERE a.amount > 0
          AND l.payout_id IN (SELECT document_id FROM open WHERE account = 1100 AND document_kind = 'payout')
    ) AS k
) AS k ON k.payment_id = o.document_id AND k.event = o.event AND k.amount = abs(o.open_minor) AND k.place = o.place
"""

# What a customer paid by the bank of an order on account, and what was captured and refunded of it (1100).
_OF_ACCOUNTS = """
SELECT o.*, 'one order on account', o.document_id, o.open_minor FROM open AS o
WHERE o.account = 1100 AND o.document_kind = 'order'
UNION ALL
SELECT o.*, 'one order on account', COALESCE(p.origin_id, p.order_id), o.open_minor
FROM open AS o JOIN payments_payment AS p ON p.id = o.document_id AND p.provider = 'account'
WHERE o.account = 1100 AND o.document_kind = 'payment'
"""

# What is settled on the document itself: a claim, a departure, a charge in question, work on goods.
_OF_DOCUMENTS = """
SELECT o.*, 'one document', o.document_id, o.open_minor FROM open AS o
WHERE o.account NOT IN (1100, 2050, 2100, 2150, 2160, 2300) AND (o.account <> 1160 OR o.document_kind <> 'payment')
"""

_GROUPS = f"""
WITH open AS MATERIALIZED (
    SELECT i.line_id, i.company_id, i.account, i.currency, i.open_minor, l.event, l.document_kind, l.document_id,
           i.amount_minor
    FROM ledger_clearingitem AS i JOIN ledger_line AS l ON l.id = i.line_id
    WHERE i.company_id = ANY(%(companies)s::smallint[]) AND i.open_minor <> 0
), released AS ({_RELEASED}), told AS (
    {_OF_ORDERS} UNION ALL {_OF_PURCHASES} UNION ALL {_OF_CARRIERS} UNION ALL {_OF_PAYOUTS} UNION ALL {_OF_DISPUTES}
    UNION ALL {_OF_DOCUMENTS} UNION ALL {_OF_CUSTOMERS} UNION ALL {_OF_ACCOUNTS}
)
SELECT company_id::int, why, document, array_agg(line_id ORDER BY line_id), array_agg(wanted::bigint ORDER BY line_id),
       array_agg(open_minor ORDER BY line_id)
FROM told AS t
WHERE document IS NOT NULL AND wanted <> 0 AND NOT EXISTS (  -- what a person took apart stays apart
    SELECT FROM ledger_matchpart AS p JOIN ledger_match AS m ON m.id = p.match_id
    WHERE p.line_id = t.line_id AND m.document_id = t.document AND m.undone_at IS NOT NULL)
GROUP BY company_id, account, currency, why, document
HAVING min(sign(wanted)) < 0 AND max(sign(wanted)) > 0
ORDER BY why = 'one customer', min(line_id) LIMIT %(most)s::int
"""
