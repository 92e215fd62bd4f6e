"""What a scanned text names at a node: SKUs by barcode or code, and a bin."""

from __future__ import annotations

from uuid import UUID

from entrepot.catalog import queries as catalog
from entrepot.warehouse import floor_queries
from entrepot.work.scanning import Named, Scan


def read(company: int, node: UUID | None, text: str) -> Scan:
    """A scan with what it names; a button's word names nothing."""
    if text.startswith("="):
        return Scan(text)
    skus = catalog.by_barcode(company=company, barcodes=[text]).get(text, [])
    by_code = catalog.skus(company=company, codes=[text, text.upper()])
    found = floor_queries.bin_named(node=node, code=text) if node else None
    items = tuple({one.id: Named(one.id, one.code) for one in (*skus, *by_code.values())}.values())
    return Scan(text, items, Named(found.id, found.code) if found else None)
