"""What is asked about plates: what stands on them, where they stand, and what happened to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.stock.plating import number_of


@dataclass(frozen=True, slots=True)
class PlateRow:
    """A plate with what stands on it in sum; without a node it holds nothing any more, and without a bin alone it is on
    its way to its node."""

    id: UUID
    number: str
    node: UUID | None
    node_code: str
    bin: UUID | None
    bin_code: str
    bin_kind: str
    units: int
    goods: int
    skus: list[str]
    made_by: str
    made_at: datetime
    seen_at: datetime
    on_plate: UUID | None
    on_number: str
    cartons: int
    """Plates with something on them that stand on this one; their units are counted."""


@dataclass(frozen=True, slots=True)
class PlateGoods:
    """Units alike on a plate; of a pallet also those of its cartons, with the number of the carton."""

    plate: UUID
    bucket: UUID
    sku: UUID
    sku_code: str
    sku_name: str
    lot: str
    serial: str
    status: str
    expires_on: date | None
    units: int
    carton: str = ""


@dataclass(frozen=True, slots=True)
class PlateEvent:
    """Something that happened to a plate; `units` of it, and the bins that it came from and went to."""

    seq: int
    occurred_at: datetime
    actor: str
    command: str
    reason: str
    units: int | None
    from_code: str
    to_code: str


def plates(
    *,
    company: int,
    node: UUID | None = None,
    text: str = "",
    kind: str = "",
    empty: bool = False,
    alone: bool = False,
    after: UUID | None = None,
    limit: int = 50,
) -> list[PlateRow]:
    """Plates that hold something, or all with `empty`, the latest made first: of a node, with a number or SKU that
    begins with a text, in bins of a kind; `alone`: without those that stand on another. 1 statement."""
    params = {
        "company": company, "node": node, "begins": f"{number_of(text)}%" if text else "", "sku": text.upper(),
        "kind": kind, "alone": alone, "which": None, "numbers": None, "after": after, "limit": limit,
    }  # fmt: skip
    return [PlateRow(*row) for row in sql.run(_ALL_PLATES if empty else _HELD_PLATES, params)]


def plates_at_the_dock(
    *, company: int, node: UUID, ready: bool = False, limit: int = 50
) -> tuple[list[PlateRow], int]:
    """Plates that stand where a node takes goods in, on no other, the first made first; and how many there are in all.
    `ready`: without those of which something waits for a quality check. 1 statement."""
    params = {
        "company": company, "node": node, "begins": "", "sku": "", "kind": "receiving", "alone": True, "which": None,
        "numbers": None, "after": None, "limit": limit, "ready": ready,
    }  # fmt: skip
    rows = sql.run(_AT_THE_DOCK, params)
    return [PlateRow(*row[:-1]) for row in rows], rows[0][-1] if rows else 0


def plate(*, company: int, which: UUID) -> PlateRow | None:
    """One plate of a company. 1 statement."""
    return next(iter(_some(company, which=which)), None)


def plate_named(*, company: int, text: str) -> PlateRow | None:
    """The plate with a number, as it is scanned or typed. 1 statement."""
    return next(iter(_some(company, numbers=[number_of(text)])), None)


def plates_named(*, company: int, numbers: Collection[str]) -> dict[str, PlateRow]:
    """Plates by their numbers; those that do not exist are absent. 1 statement."""
    return {one.number: one for one in _some(company, numbers=list(numbers))}


def _some(company: int, which: UUID | None = None, numbers: list[str] | None = None) -> list[PlateRow]:
    params: dict[str, Any] = {
        "company": company, "node": None, "begins": "", "sku": "", "kind": "", "alone": False, "which": which,
        "numbers": numbers, "after": None, "limit": len(numbers or ()) or 1,
    }  # fmt: skip
    return [PlateRow(*row) for row in sql.run(_ALL_PLATES, params)]


def goods_on(plates: Collection[UUID]) -> dict[UUID, list[PlateGoods]]:
    """What stands on plates, by SKU and lot. 1 statement."""
    found: dict[UUID, list[PlateGoods]] = defaultdict(list)
    for row in sql.run(_GOODS, {"plates": list(plates)}):
        found[row[0]].append(PlateGoods(*row))
    return found


def kin(which: UUID) -> list[tuple[UUID, str, int]]:
    """The cartons on a pallet that hold something: id, number, units. 1 statement."""
    return [tuple(row) for row in sql.run(_KIN, {"plate": which})]  # type: ignore[misc]


def history(which: UUID, *, limit: int = 200) -> list[PlateEvent]:
    """What happened to a plate, the latest first. 1 statement."""
    return [PlateEvent(*row) for row in sql.run(_HISTORY, {"plate": which, "limit": limit})]


_PLATES = """
SELECT p.id, p.number, n.id, COALESCE(n.code, ''), bin.id, COALESCE(bin.code, ''), COALESCE(bin.kind, ''),
       COALESCE(on_it.units, 0)::int, COALESCE(on_it.goods, 0)::int, COALESCE(on_it.skus, '{}'), p.made_by, p.made_at,
       p.seen_at, p.on_plate_id, COALESCE(pallet.number, ''), COALESCE(on_it.cartons, 0)::int
FROM {which}
LEFT JOIN stock_plate AS pallet ON pallet.id = p.on_plate_id
LEFT JOIN LATERAL (
    SELECT sum(u.units) AS units, count(*) AS goods, (array_agg(DISTINCT s.code))[:4] AS skus,
           (array_agg(b.bin_id))[1] AS bin_id, (array_agg(b.node_id))[1] AS node_id,
           count(DISTINCT u.plate_id) FILTER (WHERE u.plate_id <> p.id) AS cartons
    FROM (SELECT p.id UNION ALL SELECT c.id FROM stock_plate AS c WHERE c.on_plate_id = p.id) AS own(id)
    JOIN stock_plateunits AS u ON u.plate_id = own.id
    JOIN stock_bucket AS b ON b.id = u.bucket_id JOIN catalog_sku AS s ON s.id = b.sku_id
    HAVING count(*) > 0) AS on_it ON true
LEFT JOIN network_bin AS bin ON bin.id = on_it.bin_id LEFT JOIN network_node AS n ON n.id = on_it.node_id
WHERE p.company_id = %(company)s::smallint
  AND (%(which)s::uuid IS NULL OR p.id = %(which)s::uuid)
  AND (%(numbers)s::text[] IS NULL OR p.number = ANY(%(numbers)s::text[]))
  AND (%(node)s::uuid IS NULL OR on_it.node_id = %(node)s::uuid)
  AND %(kind)s::text IN ('', bin.kind) AND (NOT %(alone)s::bool OR p.on_plate_id IS NULL)
  AND (%(begins)s::text = '' OR p.number LIKE %(begins)s::text OR p.id IN (
      SELECT u.plate_id FROM catalog_sku AS s JOIN stock_bucket AS b ON b.sku_id = s.id
      JOIN stock_plateunits AS u ON u.bucket_id = b.id
      WHERE s.company_id = %(company)s::smallint AND s.code = %(sku)s::text))
  AND (%(after)s::uuid IS NULL OR p.id < %(after)s::uuid)
ORDER BY p.id DESC LIMIT %(limit)s::int
"""

_ALL_PLATES = _PLATES.replace("{which}", "stock_plate AS p")

# Of all plates ever made few hold something: what stands on plates now says which.
_HELD_PLATES = """
WITH standing AS MATERIALIZED (
    SELECT DISTINCT u.plate_id
    FROM stock_bucket AS b JOIN stock_plateunits AS u ON u.bucket_id = b.id
    LEFT JOIN network_bin AS stands ON stands.id = b.bin_id
    WHERE b.plated > 0 AND (%(node)s::uuid IS NULL OR b.node_id = %(node)s::uuid)
      AND %(kind)s::text IN ('', stands.kind)
), held AS (
    SELECT plate_id FROM standing
    UNION SELECT c.on_plate_id FROM standing JOIN stock_plate AS c ON c.id = standing.plate_id
    WHERE c.on_plate_id IS NOT NULL
)""" + _PLATES.replace("{which}", "held JOIN stock_plate AS p ON p.id = held.plate_id")

_AT_THE_DOCK = _HELD_PLATES.replace("\nFROM held JOIN", ", count(*) OVER ()::int\nFROM held JOIN").replace(
    "ORDER BY p.id DESC",
    """AND (NOT %(ready)s::bool OR NOT EXISTS (
      SELECT FROM (SELECT p.id UNION ALL SELECT c.id FROM stock_plate AS c WHERE c.on_plate_id = p.id) AS own(id)
      JOIN stock_plateunits AS u ON u.plate_id = own.id JOIN stock_bucket AS b ON b.id = u.bucket_id
      WHERE b.status = 'pending_inspection'))
ORDER BY p.id""",
)

_GOODS = """
SELECT COALESCE(on_it.id, p.id), u.bucket_id, b.sku_id, s.code, s.name, b.lot, b.serial, b.status, b.expires_on,
       u.units, CASE WHEN on_it.id IS NULL THEN '' ELSE p.number END
FROM stock_plate AS p
LEFT JOIN LATERAL (SELECT p.on_plate_id AS id WHERE p.on_plate_id = ANY(%(plates)s::uuid[])
                   AND p.id <> ALL(%(plates)s::uuid[])) AS on_it ON true
JOIN stock_plateunits AS u ON u.plate_id = p.id
JOIN stock_bucket AS b ON b.id = u.bucket_id JOIN catalog_sku AS s ON s.id = b.sku_id
WHERE p.id = ANY(%(plates)s::uuid[]) OR p.on_plate_id = ANY(%(plates)s::uuid[])
ORDER BY 1, 11, s.code, b.lot, b.serial, b.status
"""

_KIN = """
SELECT c.id, c.number, sum(u.units)::int FROM stock_plate AS c JOIN stock_plateunits AS u ON u.plate_id = c.id
WHERE c.on_plate_id = %(plate)s::uuid GROUP BY c.id ORDER BY c.number
"""

_HISTORY = """
SELECT e.seq, e.occurred_at, e.actor, e.command, e.reason, (e.payload ->> 'units')::int, COALESCE(f.code, ''),
       COALESCE(t.code, '')
FROM kernel_event AS e
LEFT JOIN network_bin AS f ON f.id = (e.payload ->> 'from')::uuid
LEFT JOIN network_bin AS t ON t.id = (e.payload ->> 'to')::uuid
WHERE e.subject_id = %(plate)s::uuid ORDER BY e.seq DESC LIMIT %(limit)s::int
"""
