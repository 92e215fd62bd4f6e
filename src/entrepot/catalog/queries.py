"""What is asked of the catalog."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.catalog.barcodes import Scan
from entrepot.catalog.packagings import Packaging
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
    is_kit: bool
    scanned_units: int = 1
    """Units that the barcode stands on by which the SKU was found: several on a case or a pallet."""


def skus(*, company: int, codes: Collection[str] | None = None) -> dict[str, Sku]:
    """SKUs of a company by code: those asked for, or all. Unknown codes are absent. One statement."""
    params = {"company": company, "codes": None if codes is None else list(codes)}
    return {row[1]: Sku(*row) for row in sql.run(_SKUS, params)}


def skus_behind(*, company: int, after: str = "", limit: int = 50) -> list[Sku]:
    """SKUs of a company by code, those behind one. One statement."""
    params = {"company": company, "after": after, "limit": limit}
    return [Sku(*row) for row in sql.run(_SKUS_BEHIND, params)]


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


def by_scan(*, company: int, scans: Sequence[Scan]) -> list[list[Sku]]:
    """For each scan the SKUs that bear one of its numbers as barcode, on a unit, a case or a pallet, own or further, or
    that have it as their code. One statement."""
    wanted = list(dict.fromkeys(number for scan in scans for number in scan.barcodes))
    found: dict[str, list[Sku]] = {}
    for barcode, *row in sql.run(_BY_SCAN, {"company": company, "numbers": wanted}) if wanted else ():
        sku = Sku(*row)
        for number in {barcode} if barcode else {sku.barcode, sku.code}:
            found.setdefault(number, []).append(sku)
    return [
        list({sku.id: sku for number in scan.barcodes for sku in found.get(number, ())}.values())
        for scan in scans
    ]


def packagings(skus: Collection[UUID]) -> dict[UUID, tuple[Packaging, ...]]:
    """The cases and pallets of SKUs, the smaller first; a SKU without any is absent. One statement."""
    found: dict[UUID, tuple[Packaging, ...]] = {}
    for sku, *packaging in sql.run(_PACKAGINGS, {"skus": list(set(skus))}):
        found[sku] = (*found.get(sku, ()), Packaging(*packaging))
    return found


@dataclass(frozen=True, slots=True)
class Alias:
    """A further barcode of a SKU, who gave it and when."""

    barcode: str
    added_by: str
    added_at: datetime


def aliases(*, sku: UUID) -> list[Alias]:
    """The further barcodes of a SKU, as they came. One statement."""
    return [Alias(*row) for row in sql.run(_ALIASES, {"sku": sku})]


def photos_of(*, item: UUID) -> list[str]:
    """The digests of the pictures with a report of a barcode. One statement."""
    return [digest for (digest,) in sql.run(_PHOTOS, {"item": item})]


def photo(*, item: UUID, digest: str) -> tuple[str, bytes] | None:
    """The kind of a picture and its bytes; None where there is none. One statement."""
    found = sql.run(_PHOTO, {"item": item, "digest": digest})
    return (found[0][0], bytes(found[0][1])) if found else None


@dataclass(frozen=True, slots=True)
class Part:
    """Of a kit a component with its units in one kit; of a component a kit that is made of it."""

    sku: UUID
    code: str
    name: str
    units: int
    list_price: Decimal | None


def components(*, kit: UUID) -> list[Part]:
    """What a kit is made of; [] of what is none."""
    return [Part(*row) for row in sql.run(_COMPONENTS, {"kit": kit})]


def components_of(kits: Collection[UUID]) -> dict[UUID, tuple[tuple[UUID, int], ...]]:
    """The components of kits, each with its units in one. One statement."""
    found: dict[UUID, tuple[tuple[UUID, int], ...]] = {}
    for kit, sku, units in sql.run(_COMPONENTS_OF, {"kits": list(kits)}):
        found[kit] = (*found.get(kit, ()), (sku, units))
    return found


def kits_among(skus: Collection[UUID]) -> dict[UUID, str]:
    """Of SKUs those that are kits, with their codes: they have no stock of their own. One statement."""
    return dict(sql.run(_KITS_AMONG, {"skus": list(set(skus))}))  # type: ignore[arg-type]


def kits_with(*, sku: UUID) -> list[Part]:
    """The kits that a SKU is sold as part of, with its units in each."""
    return [Part(*row) for row in sql.run(_KITS_WITH, {"sku": sku})]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("catalog_sku", "catalog_component", "catalog_packaging", "catalog_alias")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about SKUs and kits whose facts contradict each other."""
    return [row[0] for row in sql.run(_CONTRADICTIONS)]


_COLUMNS = """id, code, name, category, status, weight_g, length_mm, width_mm, height_mm, lot_policy, minimum_age::int,
       hazardous, barcode, list_price, standard_cost, serial_policy, hs_code,
       fragile, upright,
       EXISTS (SELECT FROM catalog_component AS m WHERE m.kit_id = catalog_sku.id)"""

_FIELDS = f"SELECT {_COLUMNS} FROM catalog_sku"

_SKUS = _FIELDS + (
    " WHERE company_id = %(company)s::smallint"
    " AND (%(codes)s::text[] IS NULL OR code = ANY(%(codes)s::text[])) ORDER BY code"
)

_SKUS_BEHIND = _FIELDS + (
    " WHERE company_id = %(company)s::smallint AND code > %(after)s::text ORDER BY code LIMIT %(limit)s::int"
)

_BY_BARCODE = _FIELDS + (
    " WHERE company_id = %(company)s::smallint AND barcode <> '' AND barcode = ANY(%(barcodes)s::text[]) ORDER BY code"
)

_BY_SCAN = f"""
SELECT found.number, {_COLUMNS}, found.units
FROM (SELECT id AS sku_id, '' AS number, 1 AS units FROM catalog_sku
      WHERE company_id = %(company)s::smallint AND (barcode <> '' AND barcode = ANY(%(numbers)s::text[])
                                                    OR code = ANY(%(numbers)s::text[]))
      UNION ALL
      SELECT sku_id, barcode, units FROM catalog_packaging
      WHERE company_id = %(company)s::smallint AND barcode <> '' AND barcode = ANY(%(numbers)s::text[])
      UNION ALL
      SELECT sku_id, barcode, 1 FROM catalog_alias
      WHERE company_id = %(company)s::smallint AND barcode = ANY(%(numbers)s::text[])) AS found
JOIN catalog_sku ON catalog_sku.id = found.sku_id ORDER BY code, found.units DESC
"""

_PACKAGINGS = """
SELECT sku_id, kind, units, barcode FROM catalog_packaging WHERE sku_id = ANY(%(skus)s::uuid[]) ORDER BY sku_id, units
"""

_ALIASES = """
SELECT barcode, added_by, added_at FROM catalog_alias WHERE sku_id = %(sku)s::uuid ORDER BY added_at, barcode
"""

_PHOTOS = "SELECT digest FROM catalog_barcodephoto WHERE item_id = %(item)s::uuid ORDER BY added_at, digest"

_PHOTO = "SELECT kind, content FROM catalog_barcodephoto WHERE item_id = %(item)s::uuid AND digest = %(digest)s::text"

_COMPONENTS = """
SELECT s.id, s.code, s.name, m.units, s.list_price FROM catalog_component AS m JOIN catalog_sku AS s ON s.id = m.sku_id
WHERE m.kit_id = %(kit)s::uuid ORDER BY m.number
"""

_COMPONENTS_OF = """
SELECT kit_id, sku_id, units::int FROM catalog_component WHERE kit_id = ANY(%(kits)s::uuid[]) ORDER BY kit_id, sku_id
"""

_KITS_AMONG = """
SELECT id, code FROM catalog_sku
WHERE id = ANY(%(skus)s::uuid[]) AND EXISTS (SELECT FROM catalog_component AS m WHERE m.kit_id = catalog_sku.id)
"""

_KITS_WITH = """
SELECT s.id, s.code, s.name, m.units, s.list_price FROM catalog_component AS m JOIN catalog_sku AS s ON s.id = m.kit_id
WHERE m.sku_id = %(sku)s::uuid ORDER BY s.code
"""

# The number of an article, in one of its spellings, as `barcodes.spellings` knows them.
_NUMBER = "CASE WHEN {0} ~ '^([0-9]{{8}}|[0-9]{{12,14}})$' THEN lpad({0}, 14, '0') ELSE {0} END"
_ALIAS = f"""(SELECT a.company_id, a.barcode, a.sku_id, s.code, {_NUMBER.format("a.barcode")} AS number
    FROM catalog_alias AS a JOIN catalog_sku AS s ON s.id = a.sku_id)"""

_CONTRADICTIONS = f"""
SELECT format('alias %s of SKU %s is the barcode of SKU %s', a.barcode, a.code, o.code)
FROM {_ALIAS} AS a JOIN catalog_sku AS o ON o.company_id = a.company_id AND o.id <> a.sku_id AND o.barcode <> ''
  AND {_NUMBER.format("o.barcode")} = a.number
UNION ALL
SELECT format('alias %s of SKU %s is the code of SKU %s', a.barcode, a.code, o.code)
FROM {_ALIAS} AS a JOIN catalog_sku AS o ON o.company_id = a.company_id AND o.id <> a.sku_id
  AND {_NUMBER.format("o.code")} = a.number
UNION ALL
SELECT format('alias %s of SKU %s stands on a %s', a.barcode, a.code, p.kind)
FROM {_ALIAS} AS a JOIN catalog_packaging AS p ON p.company_id = a.company_id AND p.barcode <> ''
  AND {_NUMBER.format("p.barcode")} = a.number
UNION ALL
SELECT format('alias %s of SKU %s is alias %s of SKU %s', a.barcode, a.code, o.barcode, o.code)
FROM {_ALIAS} AS a JOIN {_ALIAS} AS o ON o.company_id = a.company_id AND o.number = a.number AND o.sku_id > a.sku_id
UNION ALL
SELECT format('SKU %s has a category with blanks around it: %L', code, category) FROM catalog_sku
WHERE category <> btrim(category)
UNION ALL
SELECT format('kit %s has a component that is a kit: %s', k.code, s.code)
FROM catalog_component AS m JOIN catalog_sku AS k ON k.id = m.kit_id JOIN catalog_sku AS s ON s.id = m.sku_id
WHERE EXISTS (SELECT FROM catalog_component AS of_kit WHERE of_kit.kit_id = m.sku_id)
UNION ALL
SELECT format('kit %s is made of a SKU of another company: %s', k.code, s.code)
FROM catalog_component AS m JOIN catalog_sku AS k ON k.id = m.kit_id JOIN catalog_sku AS s ON s.id = m.sku_id
WHERE k.company_id <> s.company_id
UNION ALL
SELECT format('a pallet of %s has no whole cases', s.code)
FROM catalog_packaging AS p JOIN catalog_packaging AS c ON c.sku_id = p.sku_id AND c.kind = 'case'
JOIN catalog_sku AS s ON s.id = p.sku_id WHERE p.kind = 'pallet' AND (mod(p.units, c.units) <> 0 OR p.units = c.units)
UNION ALL
SELECT format('a %s is of a SKU that is not of its company', p.kind) FROM catalog_packaging AS p
WHERE NOT EXISTS (SELECT FROM catalog_sku AS s WHERE s.id = p.sku_id AND s.company_id = p.company_id)
"""
