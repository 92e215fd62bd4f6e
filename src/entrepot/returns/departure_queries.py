"""Departures, what waits to be gathered for one, and their papers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.returns.repairing import ENDED, HIS


@dataclass(frozen=True, slots=True)
class DepartureRow:
    id: UUID
    number: str
    kind: str
    state: str
    node: str
    receiver: str
    supplier: UUID | None
    currency: str
    units: int
    expected_minor: int | None
    value_minor: int
    owed_minor: int
    credited_minor: int
    due_on: date | None
    reference: str
    reason: str
    opened_by: str
    opened_at: datetime
    left_by: str
    left_at: datetime | None
    settled_at: datetime | None
    buyer: UUID | None = None  # in the vault
    buyer_country: str = ""
    tax_minor: int = 0
    tax_reason: str = ""
    reduced_minor: int = 0
    reduced_tax_minor: int = 0

    @property
    def left_minor(self) -> int:
        """What is owed still."""
        return self.owed_minor - self.credited_minor if self.state == "gone" else 0

    @property
    def written_off_minor(self) -> int:
        """What is lost at the end: below 0 where more came than was owed."""
        return self.owed_minor - self.reduced_minor - self.credited_minor if self.state == "settled" else 0

    @property
    def price_minor(self) -> int:
        """What a lot was sold at, without the tax."""
        return self.owed_minor - self.tax_minor


@dataclass(frozen=True, slots=True)
class ItemRow:
    disposition: UUID
    return_id: UUID
    return_number: str
    sku_code: str
    name: str
    bin: str
    lot: str
    serial: str
    quantity: int
    value_minor: int
    grade: str
    note: str


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """Units of a disposition that nothing follows yet; `supplier` is whom they were last bought from, else who offers
    them for the least, where they go back to a vendor."""

    disposition: UUID
    kind: str
    return_id: UUID
    return_number: str
    sku: UUID
    sku_code: str
    name: str
    node: UUID
    node_code: str
    bin: str
    lot: str
    serial: str
    units: int
    grade: str
    note: str
    since: datetime
    supplier: UUID | None
    supplier_name: str


@dataclass(frozen=True, slots=True)
class PaperRow:
    id: UUID
    kind: str
    digest: str
    size: int
    added_by: str
    added_at: datetime


def departures(
    company: int, *, kind: str = "", state: str = "", after: UUID | None = None, limit: int = 50
) -> list[DepartureRow]:
    """Departures, the latest first."""
    params = {"company": company, "kind": kind, "state": state, "after": after, "limit": limit}
    return [DepartureRow(*row) for row in sql.run(_DEPARTURES + _PAGE, params)]


def departure(company: int, which: UUID) -> DepartureRow | None:
    rows = sql.run(_DEPARTURES + _ONE, {"company": company, "id": which})
    return DepartureRow(*rows[0]) if rows else None


def items(which: UUID) -> list[ItemRow]:
    """What is in a departure."""
    return [ItemRow(*row) for row in sql.run(_ITEMS, {"id": which})]


def waiting(company: int, disposition: str = "", *, limit: int = 500) -> list[WaitingRow]:
    """Units whose disposition something must follow and nothing does, what waits longest first."""
    params = {"company": company, "disposition": disposition, "limit": limit}
    return [WaitingRow(*row) for row in sql.run(_WAITING, params)]


def waiting_count(company: int) -> int:
    """How many dispositions something must follow and nothing does."""
    ((count,),) = sql.run(_WAITING_COUNT, {"company": company})
    return int(count)


def papers(which: UUID) -> list[PaperRow]:
    """The files of a departure, without their content."""
    return [PaperRow(*row) for row in sql.run(_PAPERS, {"id": which})]


def paper(company: int, which: UUID) -> tuple[str, bytes] | None:
    """The kind and content of a file of a company."""
    rows = sql.run(_PAPER, {"company": company, "id": which})
    return (rows[0][0], bytes(rows[0][1])) if rows else None


_DEPARTURES = """
SELECT p.id, p.number, p.kind, p.state, n.code, COALESCE(c.code, p.receiver), p.supplier_id, p.currency::text,
       (SELECT COALESCE(sum(i.quantity), 0)::int FROM returns_departureitem AS i WHERE i.departure_id = p.id),
       p.expected_minor, p.value_minor, p.owed_minor, p.credited_minor, p.due_on, p.reference, p.reason, p.opened_by,
       p.opened_at, p.left_by, p.left_at, p.settled_at, p.buyer_id, p.buyer_country, p.tax_minor, p.tax_reason,
       p.reduced_minor, p.reduced_tax_minor
FROM returns_departure AS p JOIN network_node AS n ON n.id = p.node_id
LEFT JOIN parties_customer AS c ON c.id = p.customer_id
"""

_PAGE = """
WHERE p.company_id = %(company)s::smallint AND %(kind)s::text IN ('', p.kind) AND %(state)s::text IN ('', p.state)
  AND (%(after)s::uuid IS NULL OR p.id < %(after)s::uuid)
ORDER BY p.id DESC LIMIT %(limit)s::int
"""

_ONE = "WHERE p.company_id = %(company)s::smallint AND p.id = %(id)s::uuid"

_ITEMS = """
SELECT i.disposition_id, r.id, r.number, s.code, s.name, b.code, i.lot, i.serial, i.quantity, i.value_minor, x.grade,
       x.note
FROM returns_departureitem AS i JOIN returns_disposition AS d ON d.id = i.disposition_id
JOIN returns_return AS r ON r.id = d.return_id
JOIN returns_inspection AS x ON x.id = d.inspection_id
JOIN catalog_sku AS s ON s.id = i.sku_id
JOIN network_bin AS b ON b.id = i.bin_id
WHERE i.departure_id = %(id)s::uuid ORDER BY s.code, r.number, i.disposition_id
"""

_FOLLOWED = "('return_to_vendor', 'liquidate', 'donate', 'dispose', 'refurbish', 'second_grade', 'repair')"

# What was to be repaired for its customer is the house's once he got something else for it.
_WAY = f"""
CASE WHEN d.disposition = 'repair' AND (r.asked <> 'repair' OR l.refunded > l.missing AND NOT {HIS}) THEN 'refurbish'
     ELSE d.disposition END"""

_WAITING_COUNT = f"""
SELECT count(*) FROM returns_disposition AS d JOIN returns_return AS r ON r.id = d.return_id
LEFT JOIN returns_gathered AS g ON g.disposition_id = d.id
WHERE r.company_id = %(company)s::smallint AND d.quantity > COALESCE(g.units, 0) AND d.disposition IN {_FOLLOWED}
"""

_WAITING = f"""
SELECT d.id, {_WAY},
       r.id, r.number, s.id, s.code, s.name, n.id, n.code, b.code, c.lot, c.serial,
       d.quantity - COALESCE(g.units, 0), x.grade, x.note, d.decided_at, v.id, COALESCE(v.name, '')
FROM returns_disposition AS d
JOIN returns_return AS r ON r.id = d.return_id
JOIN returns_line AS l ON l.id = d.return_line_id
JOIN returns_inspection AS x ON x.id = d.inspection_id
JOIN returns_receipt AS c ON c.id = x.receipt_id
JOIN catalog_sku AS s ON s.id = c.sku_id
JOIN network_node AS n ON n.id = c.node_id
JOIN network_bin AS b ON b.id = d.bin_id
LEFT JOIN returns_gathered AS g ON g.disposition_id = d.id
LEFT JOIN LATERAL (
    SELECT u.id, u.name FROM parties_supplier AS u
    WHERE d.disposition = 'return_to_vendor' AND u.company_id = r.company_id AND u.id = COALESCE(
        (SELECT p.supplier_id FROM purchasing_orderline AS l JOIN purchasing_order AS p ON p.id = l.order_id
         WHERE l.sku_id = s.id AND p.company_id = r.company_id ORDER BY l.id DESC LIMIT 1),
        (SELECT o.supplier_id FROM parties_offer AS o JOIN parties_supplier AS w ON w.id = o.supplier_id
         WHERE o.sku_id = s.id AND w.company_id = r.company_id ORDER BY o.cost, o.id LIMIT 1))) AS v ON TRUE
WHERE r.company_id = %(company)s::smallint AND d.quantity > COALESCE(g.units, 0)
  AND d.disposition IN {_FOLLOWED}
  AND %(disposition)s::text IN ('', {_WAY})
ORDER BY d.id LIMIT %(limit)s::int
"""

_PAPERS = """
SELECT id, kind, digest::text, length(content), added_by, added_at FROM returns_paper
WHERE departure_id = %(id)s::uuid ORDER BY id
"""

_PAPER = (
    "SELECT kind, content FROM returns_paper WHERE id = %(id)s::uuid AND company_id = %(company)s::smallint"
)

# invariant 13: no unit of a disposition is in two documents, sold as another SKU, or decided about again beside
_GATHERED = f"""
SELECT format('disposition %s counts %s units gathered, what followed it says %s', id, units, told)
FROM (SELECT id, sum(units)::bigint AS units, sum(told)::bigint AS told FROM (
        SELECT disposition_id AS id, units, 0 AS told FROM returns_gathered
        UNION ALL
        SELECT i.disposition_id, 0, i.quantity FROM returns_departureitem AS i
        JOIN returns_departure AS p ON p.id = i.departure_id WHERE p.state <> 'withdrawn'
        UNION ALL
        SELECT disposition_id, 0, quantity FROM returns_workorder AS w WHERE state <> 'withdrawn'
          AND NOT EXISTS (SELECT FROM returns_repair WHERE work_order_id = w.id)
        UNION ALL
        SELECT disposition_id, 0, quantity FROM returns_repair WHERE state NOT IN {ENDED}
        UNION ALL
        SELECT disposition_id, 0, quantity FROM returns_regrading
        UNION ALL
        SELECT earlier_id, 0, quantity FROM returns_disposition WHERE earlier_id IS NOT NULL) AS stacked
      GROUP BY id) AS off
WHERE units <> told
"""

# invariant 14: what vendors and liquidators owe in the books is what their departures say
_OWED = """
SELECT format('company %s: account %s holds %s, departures that are not settled say %s', company_id, account, balance,
              owed)
FROM (SELECT company_id, account, sum(balance)::bigint AS balance, sum(owed)::bigint AS owed FROM (
        SELECT company_id, account, debit_minor - credit_minor AS balance, 0 AS owed FROM ledger_balance
        WHERE account IN (1195, 1196)
        UNION ALL
        SELECT company_id, CASE kind WHEN 'vendor_return' THEN 1195 ELSE 1196 END, 0, owed_minor - credited_minor
        FROM returns_departure WHERE state = 'gone' AND kind IN ('vendor_return', 'liquidation')) AS stacked
      GROUP BY company_id, account) AS off
WHERE balance <> owed
"""

# invariant 15: a departure is worth what its units were, and they left stock at that
_WORTH = """
SELECT format('departure %s is worth %s, its units say %s in %s, stock moved %s at %s', p.number, p.value_minor,
              i.value, i.units, m.units, m.value)
FROM returns_departure AS p
CROSS JOIN LATERAL (SELECT sum(quantity) AS units, sum(value_minor) AS value FROM returns_departureitem
                    WHERE departure_id = p.id) AS i
CROSS JOIN LATERAL (SELECT COALESCE(sum(quantity), 0) AS units, COALESCE(sum(value_minor), 0) AS value FROM stock_move
                    WHERE document_kind = 'departure' AND document_id = p.id) AS m
WHERE (p.state IN ('gone', 'settled')
       AND (p.value_minor <> i.value
            OR (p.kind IN ('vendor_return', 'liquidation') AND (m.units, m.value) <> (i.units, i.value))))
   OR (p.state IN ('open', 'withdrawn') AND m.units <> 0)
"""

# invariant 16: numbers of departures and work orders leave no gap
_GAPS = """
SELECT format('company %s: %s %s of %s have been made, the last number is %s and the series stands at %s', s.company_id,
              d.made, s.kind, s.year, d.last, s.last)
FROM returns_onwardseries AS s
CROSS JOIN LATERAL (
    SELECT count(*) AS made, COALESCE(max(sequence), 0) AS last FROM (
        SELECT sequence FROM returns_departure
        WHERE company_id = s.company_id AND kind = s.kind AND year = s.year
        UNION ALL
        SELECT sequence FROM returns_workorder
        WHERE s.kind = 'work_order' AND company_id = s.company_id AND year = s.year
        UNION ALL
        SELECT sequence FROM returns_repair
        WHERE s.kind = 'repair' AND company_id = s.company_id AND year = s.year) AS one) AS d
WHERE (d.made, d.last) <> (s.last, s.last)
"""

# invariant 28: what a lot was sold at, and costs less by agreement, is what its items bear
_PRICED = """
SELECT format('lot %s is sold at %s with tax of %s and costs %s less with %s of tax, its items say %s, %s, %s and %s',
              p.number, p.owed_minor, p.tax_minor, p.reduced_minor, p.reduced_tax_minor, i.owed, i.tax, i.reduced,
              i.less_tax)
FROM returns_departure AS p
CROSS JOIN LATERAL (
    SELECT sum(price_minor + tax_minor) AS owed, sum(tax_minor) AS tax,
           sum(reduced_minor + reduced_tax_minor) AS reduced, sum(reduced_tax_minor) AS less_tax
    FROM returns_departureitem WHERE departure_id = p.id) AS i
WHERE p.buyer_id IS NOT NULL
  AND (p.owed_minor, p.tax_minor, p.reduced_minor, p.reduced_tax_minor) <> (i.owed, i.tax, i.reduced, i.less_tax)
"""

CHECKS = (_GATHERED, _OWED, _WORTH, _GAPS, _PRICED)
