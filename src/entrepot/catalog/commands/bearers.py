"""What bears a barcode: a SKU itself, as its own or a further one, or a case or a pallet of it. Part of the commands
that register them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from entrepot.catalog.barcodes import spellings
from entrepot.kernel import sql

Barcode = tuple[int, str]
"""A barcode of a company."""
Bearer = tuple[UUID, str]
"""A SKU by its id, and the kind of its packaging; '' is the SKU itself, `ALIAS` that by a further barcode."""
ALIAS = "alias"


def spelled(company: int, barcode: str) -> list[Barcode]:
    """A barcode in all its spellings: they are one number to a scanner."""
    return [(company, name) for name in spellings(barcode)] if barcode else []


def lock_bearers(barcodes: Iterable[Barcode]) -> dict[Barcode, set[Bearer]]:
    """Who bears each of these now. Until the end of the transaction nobody else registers barcodes of their companies.
    2 statements; none for none."""
    found: dict[Barcode, set[Bearer]] = defaultdict(set)
    asked = sql.columns(("companies", "barcodes"), sorted({one for one in barcodes if one[1]}))
    if asked["barcodes"]:
        sql.run(_LOCK, {"companies": asked["companies"]})
        for company, barcode, sku, kind in sql.run(_BEARERS, asked):
            found[company, barcode].add((sku, kind))
    return found


_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('barcodes/' || company, 0))
FROM (SELECT DISTINCT company FROM unnest(%(companies)s::smallint[]) AS d(company) ORDER BY 1) AS d
"""

_BEARERS = """
SELECT d.company::int, d.barcode, b.sku, b.kind
FROM unnest(%(companies)s::smallint[], %(barcodes)s::text[]) AS d(company, barcode)
CROSS JOIN LATERAL (
    SELECT id AS sku, '' AS kind FROM catalog_sku
    WHERE company_id = d.company AND barcode <> '' AND barcode = d.barcode
    UNION ALL
    SELECT sku_id, kind FROM catalog_packaging
    WHERE company_id = d.company AND barcode <> '' AND barcode = d.barcode
    UNION ALL
    SELECT sku_id, 'alias' FROM catalog_alias WHERE company_id = d.company AND barcode = d.barcode
) AS b
"""
