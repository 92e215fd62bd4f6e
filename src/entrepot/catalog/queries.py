"""What is asked of the catalog."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class Sku:
    """A SKU as the catalog has it."""

    id: UUID
    code: str
    name: str
    category: str
    status: str
    weight_g: int
    length_mm: int
    width_mm: int
    height_mm: int
    lot_policy: str
    minimum_age: int
    hazardous: bool
    barcode: str
    list_price: Decimal | None
    standard_cost: Decimal | None
    serial_policy: str
    hs_code: str
    fragile: bool
    upright: bool


def skus(*, company: int, codes: Collection[str] | None = None) -> dict[str, Sku]:
    """SKUs of a company by code: those asked for, or all. Unknown codes are absent. One statement."""
    params = {"company": company, "codes": None if codes is None else list(codes)}
    return {row[1]: Sku(*row) for row in sql.run(_SKUS, params)}


def sku_by_id(sku: UUID) -> Sku | None:
    """A SKU, or None."""
    rows = sql.run(f"{_FIELDS} WHERE id = %(sku)s::uuid", {"sku": sku})
    return Sku(*rows[0]) if rows else None


def skus_by_id(skus: Collection[UUID]) -> dict[UUID, Sku]:
    """SKUs by id; those that do not exist are absent. One statement."""
    rows = sql.run(f"{_FIELDS} WHERE id = ANY(%(skus)s::uuid[])", {"skus": list(skus)})
    return {row[0]: Sku(*row) for row in rows}


def by_barcode(*, company: int, barcodes: Collection[str]) -> dict[str, list[Sku]]:
    """SKUs of a company by what a scanner reads: one barcode may stand on several. One statement."""
    found: dict[str, list[Sku]] = {}
    for row in sql.run(_BY_BARCODE, {"company": company, "barcodes": [one for one in barcodes if one]}):
        sku = Sku(*row)
        found.setdefault(sku.barcode, []).append(sku)
    return found


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"catalog_sku": sql.run("SELECT count(*) FROM catalog_sku")[0][0]}


def discrepancies() -> list[str]:
    """Sentences about SKUs whose facts contradict each other."""
    return [row[0] for row in sql.run(_CONTRADICTIONS)]


_FIELDS = """
SELECT id, code, name, category, status, weight_g, length_mm, width_mm, height_mm, lot_policy, minimum_age::int,
       hazardous, barcode, list_price, standard_cost, serial_policy, hs_code,
       fragile, upright
FROM catalog_sku
"""

_SKUS = _FIELDS + (
    " WHERE company_id = %(company)s::smallint"
    " AND (%(codes)s::text[] IS NULL OR code = ANY(%(codes)s::text[])) ORDER BY code"
)

_BY_BARCODE = _FIELDS + (
    " WHERE company_id = %(company)s::smallint AND barcode <> '' AND barcode = ANY(%(barcodes)s::text[]) ORDER BY code"
)

_CONTRADICTIONS = """
SELECT format('SKU %s has a category with blanks around it: %L', code, category) FROM catalog_sku
WHERE category <> btrim(category)
"""
