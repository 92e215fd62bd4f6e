"""What a scanned text names at a node: SKUs by barcode or code, a bin, a plate, and what a GS1 barcode says beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from entrepot.catalog import barcodes
from entrepot.catalog import queries as catalog
from entrepot.kernel.errors import Refused
from entrepot.stock import plate_queries
from entrepot.warehouse import shelf_queries
from entrepot.work.scanning import Alike, Named, Plate, Scan


def read(company: int, node: UUID | None, text: str, today: date) -> Scan | Refused:
    """A scan with what it names; a button's word names nothing. Refused where it is a barcode that can't be read."""
    if text.startswith("="):
        return Scan(text)
    found = shelf_queries.bin_named(node=node, code=text) if node else None
    at = Named(found.id, found.code) if found else None
    said = barcodes.read(text, today)
    if isinstance(said, Refused):
        return Scan(text, bin=at) if at else said
    (skus,) = catalog.by_scan(company=company, scans=[barcodes.looked_up(text, said)])
    items = tuple(Named(one.id, one.code) for one in skus)
    plate = _plate(company, said.sscc) if said.sscc else None
    return Scan(text, items, at, said.lot, said.expires_on, said.serial, _units(said.quantity, skus), plate)


def counted(company: int, texts: Sequence[str], today: date) -> tuple[dict[str, int], list[str]]:
    """Units of what was scanned one after the other, by the codes of their SKUs; and the texts that name no SKU, or
    several. 1 statement."""
    scans = [barcodes.looked_up(text, barcodes.read(text, today)) for text in texts]
    units: Counter[str] = Counter()
    unread = []
    for text, skus in zip(texts, catalog.by_scan(company=company, scans=scans), strict=True):
        if len(skus) == 1:
            units[skus[0].code] += skus[0].scanned_units
        else:
            unread.append(text)
    return dict(units), unread


def _plate(company: int, sscc: str) -> Plate | None:
    """The plate of stock that bears a number, with what stands on it; None where none does. 3 statements."""
    found = plate_queries.plate_named(company=company, text=sscc)
    if found is None:
        return None
    goods = tuple(
        Alike(one.sku, one.sku_code, one.units, one.lot, one.serial, one.status)
        for one in plate_queries.goods_on([found.id])[found.id]
    )
    kin = (found.on_plate,) if found.on_plate else tuple(which for which, _, _ in plate_queries.kin(found.id))
    return Plate(found.id, found.number, Named(found.bin, found.bin_code) if found.bin else None, goods, kin)


def _units(count: int | None, skus: list[catalog.Sku]) -> int | None:
    """How many units a barcode says: of a case or a pallet all that stand in it, so many times."""
    of_one = skus[0].scanned_units if len(skus) == 1 else 1
    return count if of_one == 1 else of_one * (count or 1)
