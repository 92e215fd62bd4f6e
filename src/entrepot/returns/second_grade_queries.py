"""What goods of second grade are sold as, and the units that became it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.ledger.chart import plays


@dataclass(frozen=True, slots=True)
class NamedRow:
    """Goods of `sku` in a grade are sold as `into`; `list_price` is that of `into`, in the company's currency."""

    sku: UUID
    sku_code: str
    grade: str
    into: UUID
    into_code: str
    into_name: str
    list_price: Decimal | None
    named_by: str
    named_at: datetime


@dataclass(frozen=True, slots=True)
class RegradedRow:
    """Units of a disposition that became another SKU: what they had cost, and what they are worth as that."""

    disposition: UUID
    sku_code: str
    into_code: str
    grade: str
    quantity: int
    cost_minor: int
    value_minor: int
    why: str
    decided_by: str
    decided_at: datetime


def named(company: int, *, sku: str = "", after: str = "", limit: int = 100) -> list[NamedRow]:
    """What SKUs are sold as, by code and grade: of one, or of all behind a code."""
    params = {"company": company, "sku": sku, "after": after, "limit": limit}
    return [NamedRow(*row) for row in sql.run(_NAMED, params)]


def sold_as(company: int, skus: Collection[str]) -> dict[tuple[str, str], str]:
    """The code that goods are sold as, by (code, grade)."""
    return {
        (code, grade): into
        for code, grade, into in sql.run(_SOLD_AS, {"company": company, "codes": list(set(skus))})
    }


def regraded(return_id: UUID) -> list[RegradedRow]:
    """Units of a return that became another SKU."""
    return [RegradedRow(*row) for row in sql.run(_REGRADED, {"id": return_id})]


_NAMED = """
SELECT g.sku_id, s.code, g.grade, g.into_id, i.code, i.name, i.list_price, g.named_by, g.named_at
FROM returns_secondgrade AS g JOIN catalog_sku AS s ON s.id = g.sku_id JOIN catalog_sku AS i ON i.id = g.into_id
WHERE g.company_id = %(company)s::smallint AND %(sku)s::text IN ('', s.code) AND s.code > %(after)s::text
ORDER BY s.code, g.grade LIMIT %(limit)s::int
"""

_SOLD_AS = """
SELECT s.code, g.grade, i.code
FROM returns_secondgrade AS g JOIN catalog_sku AS s ON s.id = g.sku_id JOIN catalog_sku AS i ON i.id = g.into_id
WHERE g.company_id = %(company)s::smallint AND s.code = ANY(%(codes)s::text[])
"""

_REGRADED = """
SELECT g.disposition_id, s.code, i.code, g.grade, g.quantity, g.cost_minor, g.value_minor, g.why, g.decided_by,
       g.decided_at
FROM returns_regrading AS g JOIN returns_disposition AS d ON d.id = g.disposition_id
JOIN catalog_sku AS s ON s.id = g.sku_id JOIN catalog_sku AS i ON i.id = g.into_id
WHERE d.return_id = %(id)s::uuid ORDER BY g.id
"""

# invariant 31: what became another SKU left stock at its cost and came in at its value, and the books hold the rest
_MOVED = f"""
SELECT format('regrading %s: %s units at %s became worth %s; stock says %s at %s, and %s at %s; written down %s', g.id,
              g.quantity, g.cost_minor, g.value_minor, COALESCE(m.gone, 0), COALESCE(m.cost, 0), COALESCE(m.came, 0),
              COALESCE(m.value, 0), COALESCE(w.amount, 0))
FROM returns_regrading AS g
LEFT JOIN (
    SELECT document_id, sum(quantity) FILTER (WHERE from_place = 'node') AS gone,
           sum(value_minor) FILTER (WHERE from_place = 'node') AS cost,
           sum(quantity) FILTER (WHERE from_place = 'adjustment') AS came,
           sum(value_minor) FILTER (WHERE from_place = 'adjustment') AS value
    FROM stock_move WHERE document_kind = 'second grade' GROUP BY 1
) AS m ON m.document_id = g.id
LEFT JOIN (
    SELECT document_id, sum(amount_minor) AS amount FROM ledger_line AS b
    WHERE event = 'second_grade.written_down' AND {plays("b", 5330)} GROUP BY 1
) AS w ON w.document_id = g.id
WHERE (g.quantity, g.cost_minor, g.quantity, g.value_minor, g.cost_minor - g.value_minor)
   <> (COALESCE(m.gone, 0), COALESCE(m.cost, 0), COALESCE(m.came, 0), COALESCE(m.value, 0), COALESCE(w.amount, 0))
"""

CHECKS = (_MOVED,)
