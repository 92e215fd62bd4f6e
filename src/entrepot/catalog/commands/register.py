"""Put SKUs into the catalog, or change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class RegisterSku:
    """A SKU by its code; a SKU that is there already gets these facts. Measures in grams and millimetres."""

    company: int
    code: str
    name: str
    category: str = ""
    status: str = "active"
    weight_g: int = 0
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    lot_policy: str = "none"
    serial_policy: str = "none"
    minimum_age: int = 0
    hazardous: bool = False
    barcode: str = ""
    hs_code: str = ""
    list_price: Decimal | None = None
    standard_cost: Decimal | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SkuRegistered:
    id: UUID
    code: str


@command("catalog.register_skus")
def register_skus(cause: Cause, /, *, requests: Sequence[RegisterSku]) -> list[SkuRegistered | Refused]:
    """SKUs with their ids. Refuses: Invalid (no code). Again: registers the same. 1 statement."""
    good = [r for r in requests if r.code.strip()]
    rows = [
        (
            ids.uuid7(), r.company, r.code, r.name, r.category, r.status, r.weight_g, r.length_mm, r.width_mm,
            r.height_mm, r.lot_policy, r.serial_policy, r.minimum_age, r.hazardous, r.barcode, r.hs_code, r.list_price,
            r.standard_cost,
        )  # fmt: skip
        for r in good
    ]
    found = {(company, code): sku for sku, company, code in sql.upsert("catalog_sku", ("company_id", "code"), _NAMES, rows)}
    announce(cause, [Event("sku", sku, company, payload={"code": code}) for (company, code), sku in found.items()])
    return [
        SkuRegistered(found[r.company, r.code], r.code)
        if (r.company, r.code) in found
        else Invalid(field="code", expected="a code of at least one character", found=repr(r.code))
        for r in requests
    ]


_NAMES = (
    "id", "company_id", "code", "name", "category", "status", "weight_g", "length_mm", "width_mm", "height_mm",
    "lot_policy", "serial_policy", "minimum_age", "hazardous", "barcode", "hs_code", "list_price", "standard_cost",
)  # fmt: skip
