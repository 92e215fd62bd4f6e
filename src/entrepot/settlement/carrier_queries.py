"""What is asked of carriers' invoices: their charges in question, and what was accrued and never billed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class CarrierInvoiceRow:
    """An invoice with how many of its charges are in question, and over how much."""

    id: UUID
    number: str
    carrier: str
    external_id: str
    currency: str
    total_minor: int
    state: str
    invoiced_at: datetime
    taken_by: str
    lines: int
    expected_minor: int
    variance_minor: int
    in_question: int
    question_minor: int


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """A charge of an invoice: what it is for, what was accrued for it, and what it bills beyond."""

    invoice: UUID
    number: int
    tracking: str
    charge: str
    amount_minor: int
    weight_g: int
    shipment: UUID | None
    shipment_number: str
    order: UUID | None
    expected_minor: int
    difference_minor: int
    credited_minor: int
    state: str
    why: str
    reason: str
    decided_by: str
    invoice_number: str
    carrier: str
    currency: str

    @property
    def id(self) -> str:
        """By which the page behind it is asked for."""
        return f"{self.invoice}.{self.number}"


@dataclass(frozen=True, slots=True)
class Unbilled:
    """What a carrier's shipments were accrued at and no invoice has released yet."""

    carrier: str
    currency: str
    shipments: int
    oldest: datetime
    amount_minor: int


def invoices(company: int, *, after: UUID | None = None, limit: int = 50) -> list[CarrierInvoiceRow]:
    """Carriers' invoices, the latest first, behind the invoice `after`."""
    params = {"company": company, "after": after, "limit": limit}
    return [CarrierInvoiceRow(*row) for row in sql.run(_INVOICES, params)]


def charges(
    company: int,
    invoice: UUID | None = None,
    *,
    in_question: bool = False,
    after: tuple[UUID, int] | None = None,
    limit: int = 200,
) -> list[ChargeRow]:
    """Charges of an invoice or of all, only those in question where asked so, in the order of the invoices, behind an
    invoice and number. 1 statement."""
    behind, number = after or (None, None)
    params = {
        "company": company, "invoice": invoice, "only": in_question, "behind": behind, "number": number, "limit": limit,
    }  # fmt: skip
    return [ChargeRow(*row) for row in sql.run(_CHARGES, params)]


def unbilled(company: int) -> list[Unbilled]:
    """What account 2150 holds for shipments and labels of returns, by carrier. It reads those of the company."""
    return [Unbilled(*row) for row in sql.run(_UNBILLED, {"company": company})]


def voided_and_billed() -> list[UUID]:
    """Labels of returns, and shipments with labels, that were voided while their carrier billed them. 1 statement."""
    return [label for (label,) in sql.run(_VOIDED)]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("settlement_carrierinvoice", "settlement_carriercharge")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about invoices that don't add up, and about accounts that their charges don't explain."""
    return [row[0] for statement in (_SUMS, _QUESTION, _RELEASED) for row in sql.run(statement)]


_INVOICES = """
SELECT i.id, i.number, i.carrier, i.external_id, i.currency::text, i.total_minor, i.state, i.invoiced_at, i.taken_by,
       c.lines, c.expected, c.variance, c.in_question, c.question
FROM settlement_carrierinvoice AS i
CROSS JOIN LATERAL (
    SELECT count(*)::int AS lines, COALESCE(sum(expected_minor), 0)::bigint AS expected,
           COALESCE(sum(difference_minor - credited_minor)
                    FILTER (WHERE state IN ('matched', 'accepted', 'credited')), 0)::bigint AS variance,
           count(*) FILTER (WHERE state IN ('differs', 'unmatched', 'disputed'))::int AS in_question,
           COALESCE(sum(difference_minor)
                    FILTER (WHERE state IN ('differs', 'unmatched', 'disputed')), 0)::bigint AS question
    FROM settlement_carriercharge WHERE invoice_id = i.id) AS c
WHERE i.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR i.id < %(after)s::uuid)
ORDER BY i.id DESC LIMIT %(limit)s::int
"""

_CHARGES = """
SELECT c.invoice_id, c.number, c.tracking, c.charge, c.amount_minor, c.weight_g, c.shipment_id,
       COALESCE(h.number, b.tracking, ''), COALESCE(h.order_id, r.order_id), c.expected_minor, c.difference_minor,
       c.credited_minor, c.state, c.why, c.reason, c.decided_by, i.number, i.carrier, i.currency::text
FROM settlement_carriercharge AS c JOIN settlement_carrierinvoice AS i ON i.id = c.invoice_id
LEFT JOIN shipping_shipment AS h ON h.id = c.shipment_id
LEFT JOIN returns_label AS b ON b.id = c.shipment_id
LEFT JOIN returns_return AS r ON r.id = b.return_id
WHERE i.company_id = %(company)s::smallint AND (%(invoice)s::uuid IS NULL OR i.id = %(invoice)s::uuid)
  AND (NOT %(only)s::boolean OR c.state IN ('differs', 'unmatched', 'disputed'))
  AND (%(behind)s::uuid IS NULL OR c.invoice_id < %(behind)s::uuid
       OR c.invoice_id = %(behind)s::uuid AND c.number > %(number)s::int)
ORDER BY c.invoice_id DESC, c.number LIMIT %(limit)s::int
"""

_UNBILLED = """
SELECT h.carrier, h.currency::text, count(*)::int, min(h.shipped_at),
       sum(h.cost_minor - COALESCE(c.released, 0))::bigint
FROM (SELECT id, company_id, carrier, currency, cost_minor, shipped_at FROM shipping_shipment
      UNION ALL
      SELECT id, company_id, carrier, currency, cost_minor, made_at FROM returns_label WHERE state = 'made') AS h
LEFT JOIN (SELECT shipment_id, sum(expected_minor) AS released FROM settlement_carriercharge
           WHERE shipment_id IS NOT NULL GROUP BY 1) AS c ON c.shipment_id = h.id
WHERE h.company_id = %(company)s::smallint AND h.cost_minor > COALESCE(c.released, 0)
GROUP BY 1, 2 ORDER BY 1, 2
"""

_VOIDED = """
SELECT DISTINCT l.document
FROM (SELECT id, id AS document FROM returns_label WHERE state = 'voided'
      UNION ALL
      SELECT id, shipment_id FROM shipping_label WHERE state = 'voided') AS l
JOIN settlement_carriercharge AS c ON c.unit_id = l.id
GROUP BY l.id, l.document HAVING sum(c.expected_minor) > 0 ORDER BY 1
"""

# invariant 8: an invoice is the sum of its charges, and as open as they are
_SUMS = """
SELECT format('carrier invoice %s is %s over %s, its charges make %s and are %s', i.number, i.state, i.total_minor,
              COALESCE(c.amount, 0), COALESCE(c.state, 'absent'))
FROM settlement_carrierinvoice AS i
LEFT JOIN (SELECT invoice_id, sum(amount_minor) AS amount,
                  CASE WHEN bool_or(state IN ('differs', 'unmatched')) THEN 'open'
                       WHEN bool_or(state = 'disputed') THEN 'disputed' ELSE 'settled' END AS state
           FROM settlement_carriercharge GROUP BY 1) AS c ON c.invoice_id = i.id
WHERE (i.total_minor, i.state) IS DISTINCT FROM (c.amount, c.state)
"""

# invariant 9: account 1170 holds what is in question
_QUESTION = """
SELECT format('company %s: account 1170 holds %s %s, charges in question make %s', company_id, COALESCE(b.balance, 0),
              currency, COALESCE(q.amount, 0))
FROM (SELECT company_id, currency::text, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_balance
      WHERE account = 1170 GROUP BY 1, 2) AS b
FULL JOIN (SELECT i.company_id, i.currency::text, sum(c.difference_minor)::bigint AS amount
           FROM settlement_carriercharge AS c JOIN settlement_carrierinvoice AS i ON i.id = c.invoice_id
           WHERE c.state IN ('differs', 'unmatched', 'disputed') GROUP BY 1, 2) AS q USING (company_id, currency)
WHERE COALESCE(b.balance, 0) <> COALESCE(q.amount, 0)
"""

# invariant 10: a shipment's accrual is released once, and no more of it than there was
_RELEASED = """
SELECT format('shipment %s was accrued at %s, carriers'' invoices release %s', h.number, h.cost_minor, c.released)
FROM (SELECT shipment_id, sum(expected_minor) AS released FROM settlement_carriercharge
      WHERE shipment_id IS NOT NULL GROUP BY 1) AS c
JOIN (SELECT id, number, cost_minor FROM shipping_shipment
      UNION ALL SELECT id, tracking, cost_minor FROM returns_label) AS h ON h.id = c.shipment_id
WHERE c.released > h.cost_minor
"""
