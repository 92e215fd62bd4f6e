"""What is asked of suppliers' invoices: their lines in question, and what came and was never billed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from entrepot.kernel import sql

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SupplierInvoiceRow:
    """An invoice with what of it is goods that came, variance, and in question."""

    id: UUID
    number: str
    supplier: str
    supplier_name: str
    external_id: str
    currency: str
    tax_minor: int
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
class SupplierLineRow:
    """A line of an invoice: what of it came, what that was taken in at, and what it bills beyond."""

    invoice: UUID
    number: int
    order: UUID | None
    order_number: str
    order_line: int
    sku: str
    quantity: int
    units: int
    amount_minor: int
    expected_minor: int
    difference_minor: int
    credited_minor: int
    state: str
    why: str
    reason: str
    decided_by: str
    invoice_number: str
    supplier_name: str
    currency: str

    @property
    def id(self) -> str:
        """By which the page behind it is asked for."""
        return f"{self.invoice}.{self.number}"


@dataclass(frozen=True, slots=True)
class Unbilled:
    """A line of an order of which more came than was billed: why account 2050 is not zero."""

    order: UUID
    order_number: str
    line: int
    supplier: str
    sku: str
    currency: str
    received: int
    billed: int
    first_received_at: datetime
    amount_minor: int

    @property
    def id(self) -> str:
        """By which the page behind it is asked for: microseconds, for the zone of a moment has signs of addresses."""
        return (
            f"{(self.first_received_at - EPOCH) // timedelta(microseconds=1)}.{self.order_number}.{self.line}"
        )


def invoices(company: int, *, after: UUID | None = None, limit: int = 50) -> list[SupplierInvoiceRow]:
    """Suppliers' invoices, the latest first, behind the invoice `after`."""
    params = {"company": company, "after": after, "limit": limit}
    return [SupplierInvoiceRow(*row) for row in sql.run(_INVOICES, params)]


def lines(
    company: int,
    invoice: UUID | None = None,
    *,
    in_question: bool = False,
    after: tuple[UUID, int] | None = None,
    limit: int = 200,
) -> list[SupplierLineRow]:
    """Lines of an invoice or of all, only those in question where asked so, in the order of the invoices, behind an
    invoice and number. 1 statement."""
    behind, number = after or (None, None)
    params = {
        "company": company, "invoice": invoice, "only": in_question, "behind": behind, "number": number, "limit": limit,
    }  # fmt: skip
    return [SupplierLineRow(*row) for row in sql.run(_LINES, params)]


def unbilled(company: int, *, after: tuple[int, str, int] | None = None, limit: int = 200) -> list[Unbilled]:
    """What came and nobody has billed yet, what came first standing first: what account 2050 holds for orders; behind a
    moment (microseconds), order and line. 1 statement."""
    since, order, line = after or (None, "", 0)
    params = {
        "company": company, "since": since if since is None else EPOCH + timedelta(microseconds=since), "order": order,
        "line": line, "limit": limit,
    }  # fmt: skip
    return [Unbilled(*row) for row in sql.run(_UNBILLED, params)]


def waiting_for_goods() -> list[UUID]:
    """Invoices with lines that were billed before their goods came. 1 statement."""
    return [invoice for (invoice,) in sql.run(_WAITING)]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("settlement_supplierinvoice", "settlement_supplierline")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about invoices that don't add up, and about accounts that their lines don't explain."""
    return [row[0] for statement in (_SUMS, _QUESTION, _RELEASED, _WORK) for row in sql.run(statement)]


_IN_QUESTION = "state IN ('differs', 'unmatched', 'disputed')"

_INVOICES = f"""
SELECT i.id, i.number, s.code, s.name, i.external_id, i.currency::text, i.tax_minor, i.total_minor, i.state,
       i.invoiced_at, i.taken_by, l.lines, l.expected, l.variance, l.in_question, l.question
FROM settlement_supplierinvoice AS i JOIN parties_supplier AS s ON s.id = i.supplier_id
CROSS JOIN LATERAL (
    SELECT count(*)::int AS lines, COALESCE(sum(expected_minor), 0)::bigint AS expected,
           COALESCE(sum(difference_minor - credited_minor) FILTER (WHERE NOT {_IN_QUESTION}), 0)::bigint AS variance,
           count(*) FILTER (WHERE {_IN_QUESTION})::int AS in_question,
           COALESCE(sum(difference_minor) FILTER (WHERE {_IN_QUESTION}), 0)::bigint AS question
    FROM settlement_supplierline WHERE invoice_id = i.id) AS l
WHERE i.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR i.id < %(after)s::uuid)
ORDER BY i.id DESC LIMIT %(limit)s::int
"""

_LINES = f"""
SELECT l.invoice_id, l.number, l.order_id, l.order_number, l.order_line, COALESCE(k.code, ''), l.quantity, l.units,
       l.amount_minor, l.expected_minor, l.difference_minor, l.credited_minor, l.state, l.why, l.reason, l.decided_by,
       i.number, s.name, i.currency::text
FROM settlement_supplierline AS l JOIN settlement_supplierinvoice AS i ON i.id = l.invoice_id
JOIN parties_supplier AS s ON s.id = i.supplier_id
LEFT JOIN purchasing_orderline AS o ON o.id = l.line_id LEFT JOIN catalog_sku AS k ON k.id = o.sku_id
WHERE i.company_id = %(company)s::smallint AND (%(invoice)s::uuid IS NULL OR i.id = %(invoice)s::uuid)
  AND (NOT %(only)s::boolean OR l.{_IN_QUESTION})
  AND (%(behind)s::uuid IS NULL OR l.invoice_id < %(behind)s::uuid
       OR l.invoice_id = %(behind)s::uuid AND l.number > %(number)s::int)
ORDER BY l.invoice_id DESC, l.number LIMIT %(limit)s::int
"""

_UNBILLED = """
SELECT o.id, o.number, l.number, s.code, k.code, o.currency::text, r.units, COALESCE(b.units, 0), r.since,
       (r.value - COALESCE(b.value, 0))::bigint
FROM (
    SELECT line_id, sum(quantity)::int AS units, sum(value_minor)::bigint AS value, min(g.received_at) AS since
    FROM purchasing_receiptline AS x JOIN purchasing_receipt AS g ON g.id = x.receipt_id
    WHERE x.company_id = %(company)s::smallint GROUP BY line_id
) AS r
LEFT JOIN (
    SELECT line_id, sum(units)::int AS units, sum(expected_minor)::bigint AS value FROM settlement_supplierline
    WHERE line_id IS NOT NULL GROUP BY line_id
) AS b ON b.line_id = r.line_id
JOIN purchasing_orderline AS l ON l.id = r.line_id JOIN purchasing_order AS o ON o.id = l.order_id
JOIN parties_supplier AS s ON s.id = o.supplier_id JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE r.units > COALESCE(b.units, 0)
  AND (%(since)s::timestamptz IS NULL
       OR (r.since, o.number, l.number) > (%(since)s::timestamptz, %(order)s::text, %(line)s::int))
ORDER BY r.since, o.number, l.number LIMIT %(limit)s::int
"""

_WAITING = """
SELECT DISTINCT invoice_id FROM settlement_supplierline
WHERE state IN ('differs', 'disputed') AND line_id IS NOT NULL AND units < quantity
"""

# invariant 20: an invoice is the sum of its lines and its tax, and as open as they are
_SUMS = """
SELECT format('supplier invoice %s is %s over %s, its lines and tax make %s and are %s', i.number, i.state,
              i.total_minor, l.amount + i.tax_minor, COALESCE(l.state, 'absent'))
FROM settlement_supplierinvoice AS i
LEFT JOIN (SELECT invoice_id, sum(amount_minor) AS amount,
                  CASE WHEN bool_or(state IN ('differs', 'unmatched')) THEN 'open'
                       WHEN bool_or(state = 'disputed') THEN 'disputed' ELSE 'settled' END AS state
           FROM settlement_supplierline GROUP BY 1) AS l ON l.invoice_id = i.id
WHERE (i.total_minor, i.state) IS DISTINCT FROM (l.amount + i.tax_minor, l.state)
"""

# invariant 21: account 1175 holds what is in question
_QUESTION = f"""
SELECT format('company %s: account 1175 holds %s %s, lines in question make %s', company_id, COALESCE(b.balance, 0),
              currency, COALESCE(q.amount, 0))
FROM (SELECT company_id, currency::text, sum(debit_minor - credit_minor)::bigint AS balance FROM ledger_balance
      WHERE account = 1175 GROUP BY 1, 2) AS b
FULL JOIN (SELECT i.company_id, i.currency::text, sum(l.difference_minor)::bigint AS amount
           FROM settlement_supplierline AS l JOIN settlement_supplierinvoice AS i ON i.id = l.invoice_id
           WHERE l.{_IN_QUESTION} GROUP BY 1, 2) AS q USING (company_id, currency)
WHERE COALESCE(b.balance, 0) <> COALESCE(q.amount, 0)
"""

# invariant 22: no unit is billed that did not come, none twice; with the last one all of its value is released
_RELEASED = """
SELECT format('line %s of order %s: %s units came at %s, invoices settle %s at %s', l.number, o.number,
              COALESCE(r.units, 0), COALESCE(r.value, 0), b.units, b.value)
FROM (SELECT line_id, sum(units) AS units, sum(expected_minor) AS value FROM settlement_supplierline
      WHERE line_id IS NOT NULL GROUP BY line_id) AS b
JOIN purchasing_orderline AS l ON l.id = b.line_id JOIN purchasing_order AS o ON o.id = l.order_id
LEFT JOIN (SELECT line_id, sum(quantity) AS units, sum(value_minor) AS value
           FROM purchasing_receiptline GROUP BY 1) AS r ON r.line_id = b.line_id
WHERE b.units > COALESCE(r.units, 0) OR b.value > COALESCE(r.value, 0)
   OR (b.units = r.units AND b.value <> r.value)
"""

# invariant 22, of work: no more of a work order is billed as expected than was reported
_WORK = """
SELECT format('work order %s: %s units cost %s, invoices settle %s at %s', w.number, w.quantity, COALESCE(l.value, 0),
              b.units, b.value)
FROM (SELECT line_id, sum(units) AS units, sum(expected_minor) AS value FROM settlement_supplierline
      WHERE line_id IS NOT NULL GROUP BY line_id) AS b
JOIN returns_workorder AS w ON w.id = b.line_id
LEFT JOIN (SELECT document_id, -sum(amount_minor) AS value FROM ledger_line
           WHERE account = 2160 AND document_kind = 'work order' GROUP BY 1) AS l ON l.document_id = w.id
WHERE b.units > w.quantity OR b.value > COALESCE(l.value, 0)
"""
