"""Work orders of refurbishing, and what became of their units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class ResultRow:
    work_order: UUID
    quantity: int
    grade: str
    status: str
    sku_code: str
    bin: str
    value_minor: int


@dataclass(frozen=True, slots=True)
class PartRow:
    """Units out of stock that a work order used up."""

    work_order: UUID
    quantity: int
    sku_code: str
    bin: str
    lot: str
    serial: str
    value_minor: int


@dataclass(frozen=True, slots=True)
class WorkOrderRow:
    id: UUID
    number: str
    state: str
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
    currency: str
    quantity: int
    plan: str
    grade: str
    parts_minor: int
    used_minor: int
    labor_minutes: int
    labor_minor: int
    capitalized_minor: int
    value_minor: int
    note: str
    opened_by: str
    opened_at: datetime
    started_by: str
    started_at: datetime | None
    ended_by: str
    ended_at: datetime | None
    repair: str  # the number of the one that it is for, whose units are their customer's

    @property
    def cost_minor(self) -> int:
        return self.parts_minor + self.used_minor + self.labor_minor


def work_orders(
    company: int, *, state: str = "", after: UUID | None = None, limit: int = 50
) -> list[WorkOrderRow]:
    """Work orders, the latest first."""
    params = {"company": company, "state": state, "after": after, "limit": limit}
    return [WorkOrderRow(*row) for row in sql.run(_WORK_ORDERS + _PAGE, params)]


def work_order(company: int, which: UUID) -> WorkOrderRow | None:
    rows = sql.run(_WORK_ORDERS + _ONE, {"company": company, "id": which})
    return WorkOrderRow(*rows[0]) if rows else None


def results(which: list[UUID]) -> list[ResultRow]:
    """What became of the units of work orders, in order."""
    return [ResultRow(*row) for row in sql.run(_RESULTS, {"ids": which})]


def parts(which: list[UUID]) -> list[PartRow]:
    """What work orders used up of stock, in order."""
    return [PartRow(*row) for row in sql.run(_PARTS, {"ids": which})]


_WORK_ORDERS = """
SELECT w.id, w.number, w.state, r.id, r.number, w.sku_id, s.code, s.name, w.node_id, n.code, b.code, w.lot, w.serial,
       w.currency::text, w.quantity, w.plan, x.grade, w.parts_minor, w.used_minor, w.labor_minutes,
       w.labor_minor, w.capitalized_minor, w.value_minor, w.note, w.opened_by, w.opened_at, w.started_by, w.started_at,
       w.ended_by, w.ended_at,
       COALESCE((SELECT p.number FROM returns_repair AS p WHERE p.work_order_id = w.id), '')
FROM returns_workorder AS w JOIN returns_disposition AS d ON d.id = w.disposition_id
JOIN returns_return AS r ON r.id = d.return_id
JOIN returns_inspection AS x ON x.id = d.inspection_id
JOIN catalog_sku AS s ON s.id = w.sku_id
JOIN network_node AS n ON n.id = w.node_id
JOIN network_bin AS b ON b.id = w.bin_id
"""

_PAGE = """
WHERE w.company_id = %(company)s::smallint AND %(state)s::text IN ('', w.state)
  AND (%(after)s::uuid IS NULL OR w.id < %(after)s::uuid)
ORDER BY w.id DESC LIMIT %(limit)s::int
"""

_ONE = "WHERE w.company_id = %(company)s::smallint AND w.id = %(id)s::uuid"

_RESULTS = """
SELECT t.work_order_id, t.quantity, t.grade, t.status, s.code, b.code, t.value_minor
FROM returns_workresult AS t JOIN catalog_sku AS s ON s.id = t.sku_id JOIN network_bin AS b ON b.id = t.bin_id
WHERE t.work_order_id = ANY(%(ids)s::uuid[]) ORDER BY t.work_order_id, t.place
"""

_PARTS = """
SELECT p.work_order_id, p.quantity, s.code, b.code, p.lot, p.serial, p.value_minor
FROM returns_workpart AS p JOIN catalog_sku AS s ON s.id = p.sku_id JOIN network_bin AS b ON b.id = p.bin_id
WHERE p.work_order_id = ANY(%(ids)s::uuid[]) ORDER BY p.work_order_id, p.place
"""

# invariant 27: what a work order used up is what left stock for it
_USED = """
SELECT format('work order %s: %s of parts out of stock, its parts say %s', w.number, w.used_minor,
              COALESCE(p.value, 0))
FROM returns_workorder AS w
LEFT JOIN (SELECT work_order_id, sum(value_minor) AS value FROM returns_workpart GROUP BY 1) AS p
  ON p.work_order_id = w.id
WHERE w.used_minor <> COALESCE(p.value, 0)
UNION ALL
SELECT format('work order %s: %s units of parts left stock, its parts say %s', w.number, COALESCE(m.units, 0), p.units)
FROM (SELECT work_order_id, sum(quantity) AS units FROM returns_workpart GROUP BY 1) AS p
JOIN returns_workorder AS w ON w.id = p.work_order_id
LEFT JOIN LATERAL (SELECT sum(quantity) AS units FROM stock_move
                   WHERE document_id = w.id AND document_kind = 'work order' AND reason = 'used as a part') AS m ON TRUE
WHERE COALESCE(m.units, 0) <> p.units
"""

# invariant 17: every unit of a finished work order became something, and all value is there: that of the units before,
# and the work that was added to it
_MADE = """
SELECT format('work order %s: %s units worth %s with %s of work, its results say %s worth %s', w.number, w.quantity,
              w.value_minor, w.capitalized_minor, t.units, t.value)
FROM returns_workorder AS w
CROSS JOIN LATERAL (SELECT COALESCE(sum(quantity), 0) AS units, COALESCE(sum(value_minor), 0) AS value
                    FROM returns_workresult WHERE work_order_id = w.id) AS t
WHERE CASE w.state WHEN 'finished' THEN (t.units, t.value) <> (w.quantity, w.value_minor + w.capitalized_minor)
                   ELSE t.units <> 0 END
"""

# invariant 18: nothing stays in refurbishment in the books
_CLEARED = """
SELECT format('company %s: account 1230 holds %s, though all work posts whole', company_id,
              sum(debit_minor - credit_minor))
FROM ledger_balance WHERE account = 1230 GROUP BY company_id HAVING sum(debit_minor - credit_minor) <> 0
"""

CHECKS = (_MADE, _CLEARED, _USED)
