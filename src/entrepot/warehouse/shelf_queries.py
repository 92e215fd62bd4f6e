"""What people with a scanner ask of shelves: what stands in a bin, which faces run low."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from entrepot.catalog.packagings import KINDS, Pieces, pieces_of
from entrepot.kernel import ids, sql


@dataclass(frozen=True, slots=True)
class Here:
    """Units of one bucket; `free` ones no pick has a claim on. `mixed`: other lots of the SKU stand in the same bin."""

    bucket: UUID
    company: int
    node: UUID
    bin: UUID
    bin_code: str
    bin_kind: str
    sku: UUID
    sku_code: str
    name: str
    lot: str
    serial: str
    status: str
    expires_on: date | None
    quantity: int
    free: int
    mixed: bool


def in_bin(bin_id: UUID) -> list[Here]:
    """What stands in a bin and may be moved. 1 statement."""
    return [Here(*row) for row in sql.run(_HERE.format(which="b.bin_id = %(id)s::uuid"), {"id": bin_id})]


def in_bucket(bucket: UUID) -> Here | None:
    """One bucket; None where nothing of it may be moved. 1 statement."""
    rows = sql.run(_HERE.format(which="b.id = %(id)s::uuid"), {"id": bucket})
    return Here(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class BinRow:
    id: UUID
    node: UUID
    code: str
    kind: str


@dataclass(frozen=True, slots=True)
class BinUse:
    """A bin, where it stands, what was picked from it for some days, and what stands in it now."""

    code: str
    kind: str
    x: int
    y: int
    picks: int
    picked: int
    units: int
    skus: int


def bins_used(*, company: int, node: UUID, since: datetime) -> list[BinUse]:
    """The bins of a node in the order of the walk, with the picks that were asked for since a moment. 1 statement."""
    return [
        BinUse(*row)
        for row in sql.run(_BINS_USED, {"company": company, "node": node, "first": ids.since(since)})
    ]


def bin_named(*, node: UUID, code: str) -> BinRow | None:
    """A bin of a node by its code, in whatever case. 1 statement."""
    rows = sql.run(_BIN_NAMED, {"node": node, "code": code})
    return BinRow(*rows[0]) if rows else None


def bin_by_id(bin_id: UUID) -> BinRow | None:
    """A bin. 1 statement."""
    rows = sql.run(_BIN, {"id": bin_id})
    return BinRow(*rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class FaceRow:
    """A pick face with what stands in it, what is coming, and what is promised of its SKU at the node."""

    id: UUID
    node_code: str
    bin_code: str
    sku: UUID
    sku_code: str
    name: str
    minimum: int
    maximum: int
    case_units: int
    there: int
    coming: int
    demand: int


def pick_faces(*, company: int, after: UUID | None = None, limit: int = 100) -> list[FaceRow]:
    """The pick faces of a company, `after` one of them. 1 statement."""
    params = {"company": company, "after": after, "limit": limit}
    return [FaceRow(*row) for row in sql.run(_FACES, params)]


@dataclass(frozen=True, slots=True)
class ReplenishmentRow:
    """Units to be brought from reserve to a pick face. `mixed`: other lots of the SKU stand in the bin in reserve."""

    id: UUID
    number: str
    company: int
    node: UUID
    node_code: str
    sku: UUID
    sku_code: str
    name: str
    bucket: UUID
    from_bin: UUID
    from_code: str
    to_bin: UUID
    to_code: str
    lot: str
    serial: str
    expires_on: date | None
    quantity: int
    state: str
    why: str
    mixed: bool
    case_units: int
    pallet_units: int

    @property
    def pieces(self) -> list[Pieces]:
        """The units as they are taken: in whole pallets and cases."""
        return pieces_of(self.quantity, self.case_units, self.pallet_units)


def replenishments(*, company: int, node: UUID | None = None, limit: int = 100) -> list[ReplenishmentRow]:
    """What is to be brought to pick faces, the most urgent first. 1 statement."""
    which = """r.company_id = %(company)s::smallint AND (%(node)s::uuid IS NULL OR r.node_id = %(node)s::uuid)
      AND r.state = 'open'"""
    params = {"company": company, "node": node, "limit": limit}
    statement = _REPLENISHMENTS.format(which=which) + " LIMIT %(limit)s::int"
    return [ReplenishmentRow(*row) for row in sql.run(statement, params)]


def brought_of_late(
    *,
    node: UUID,
    reason: str,
    since: datetime,
    skus: Sequence[UUID] = (),
    bin_id: UUID | None = None,
    serial: str = "",
) -> set[str]:
    """Codes of what was brought elsewhere at a node since a moment, of SKUs, from or into a bin, or with a serial
    number: of the SKUs, of the bins, and serial numbers. `reason` is that of the move. 1 statement."""
    params = {
        "node": node,
        "reason": reason,
        "since": since,
        "skus": list(skus),
        "bin": bin_id,
        "serial": serial,
    }
    return {code for codes in sql.run(_BROUGHT, params) for code in codes if code}


def replenishment(which: UUID) -> ReplenishmentRow | None:
    """One replenishment; None where there is none of that id. 1 statement."""
    rows = sql.run(_REPLENISHMENTS.format(which="r.id = %(id)s::uuid"), {"id": which})
    return ReplenishmentRow(*rows[0]) if rows else None


def sizes_in(bin_alias: str, goods: str) -> str:
    """Columns of a statement: the units of a case and of a pallet of goods where they stand in reserve, else 0."""
    return ", ".join(
        f"""COALESCE((SELECT p.units FROM catalog_packaging AS p
                WHERE p.sku_id = {goods}.sku_id AND p.kind = '{kind}' AND {bin_alias}.kind = 'reserve'), 0)"""
        for kind in KINDS
    )


def pieces_in(units: str, sku: str, in_reserve: str, name: str = "handled") -> str:
    """A join of a statement: `name.pieces` that units of a SKU are handled in, whole pallets and cases as one each
    where they stand in reserve, as `catalog.packagings.pieces` counts them."""
    return f"""CROSS JOIN LATERAL (
    SELECT (CASE WHEN sizes.pallet IS NULL THEN 0 ELSE {units} / sizes.pallet END
            + CASE WHEN sizes.box IS NULL THEN 0 ELSE {units} %% COALESCE(sizes.pallet, {units} + 1) / sizes.box END
            + {units} %% COALESCE(sizes.pallet, {units} + 1) %% COALESCE(sizes.box, {units} + 1))::int AS pieces
    FROM (SELECT max(units) FILTER (WHERE kind = 'pallet') AS pallet, max(units) FILTER (WHERE kind = 'case') AS box
          FROM catalog_packaging WHERE sku_id = {sku} AND {in_reserve}) AS sizes) AS {name}"""


def mixed_in(lot: str, sku: str, bin_id: str) -> str:
    """A column of a statement: whether other lots of a SKU stand in the same bin, so that the lot has to be read."""
    return f"""{lot} <> '' AND EXISTS (SELECT FROM stock_bucket AS x WHERE x.bin_id = {bin_id} AND x.sku_id = {sku}
                               AND x.lot <> {lot} AND x.quantity > 0)"""


_HERE = f"""
SELECT b.id, b.company_id::int, b.node_id, b.bin_id, n.code, n.kind, b.sku_id, s.code, s.name, b.lot, b.serial,
       b.status, b.expires_on, b.quantity, b.quantity - b.committed, {mixed_in("b.lot", "b.sku_id", "b.bin_id")}
FROM stock_bucket AS b JOIN network_bin AS n ON n.id = b.bin_id JOIN catalog_sku AS s ON s.id = b.sku_id
WHERE b.quantity > b.committed AND {{which}} ORDER BY b.expires_on, n.pick_sequence, s.code, b.lot, b.serial, b.id
"""

_BIN_NAMED = """
SELECT id, node_id, code, kind FROM network_bin
WHERE node_id = %(node)s::uuid AND code IN (%(code)s::text, upper(%(code)s::text)) ORDER BY code = %(code)s::text DESC
LIMIT 1
"""

_BIN = "SELECT id, node_id, code, kind FROM network_bin WHERE id = %(id)s::uuid"

_FACES = """
SELECT f.id, w.code, n.code, f.sku_id, s.code, s.name, f.minimum, f.maximum, f.case_units, COALESCE(b.there, 0)::int,
       COALESCE(r.coming, 0)::int, COALESCE(a.demand, 0)::int
FROM warehouse_pickface AS f JOIN network_bin AS n ON n.id = f.bin_id JOIN network_node AS w ON w.id = f.node_id
JOIN catalog_sku AS s ON s.id = f.sku_id
LEFT JOIN LATERAL (SELECT sum(quantity) AS there FROM stock_bucket
    WHERE sku_id = f.sku_id AND node_id = f.node_id AND bin_id = f.bin_id AND status = 'sellable') AS b ON true
LEFT JOIN LATERAL (SELECT sum(quantity) AS coming FROM warehouse_replenishment
    WHERE node_id = f.node_id AND to_bin_id = f.bin_id AND sku_id = f.sku_id AND state = 'open') AS r ON true
LEFT JOIN LATERAL (SELECT sum(quantity - released) AS demand FROM stock_allocation
    WHERE sku_id = f.sku_id AND node_id = f.node_id) AS a ON true
WHERE f.company_id = %(company)s::smallint AND f.maximum > 0 AND (%(after)s::uuid IS NULL OR f.id > %(after)s::uuid)
ORDER BY f.id LIMIT %(limit)s::int
"""

_BROUGHT = """
SELECT DISTINCT s.code, n.code, b.serial
FROM stock_bucket AS b JOIN catalog_sku AS s ON s.id = b.sku_id JOIN network_bin AS n ON n.id = b.bin_id
WHERE b.node_id = %(node)s::uuid
  AND (b.sku_id = ANY(%(skus)s::uuid[]) OR b.bin_id = %(bin)s::uuid
       OR (%(serial)s::text <> '' AND b.serial = %(serial)s::text))
  AND EXISTS (SELECT FROM stock_move AS m WHERE m.sku_id = b.sku_id AND b.id IN (m.from_bucket, m.to_bucket)
                AND m.reason = %(reason)s::text AND m.occurred_at > %(since)s::timestamptz)
"""

_SIZES = sizes_in("a", "r")

_REPLENISHMENTS = f"""
SELECT r.id, r.number, r.company_id::int, r.node_id, w.code, r.sku_id, s.code, s.name, r.from_bucket_id, r.from_bin_id,
       a.code, r.to_bin_id, z.code, r.lot, r.serial, b.expires_on, r.quantity, r.state, r.why,
       {mixed_in("r.lot", "r.sku_id", "r.from_bin_id")}, {_SIZES}
FROM warehouse_replenishment AS r JOIN network_node AS w ON w.id = r.node_id
JOIN catalog_sku AS s ON s.id = r.sku_id JOIN network_bin AS a ON a.id = r.from_bin_id
JOIN network_bin AS z ON z.id = r.to_bin_id JOIN stock_bucket AS b ON b.id = r.from_bucket_id
WHERE {{which}} ORDER BY r.priority DESC, r.made_at, r.id
"""

# The tasks of some days are found by their keys, which sort by the time that they were made.
_BINS_USED = """
SELECT n.code, n.kind, n.x, n.y, COALESCE(t.picks, 0)::int, COALESCE(t.picked, 0)::int, COALESCE(b.units, 0)::int,
       COALESCE(b.skus, 0)::int
FROM network_bin AS n
LEFT JOIN (
    SELECT bin_id, count(*) FILTER (WHERE picked > 0) AS picks, sum(picked) AS picked FROM warehouse_picktask
    WHERE id >= %(first)s::uuid AND node_id = %(node)s::uuid AND company_id = %(company)s::smallint GROUP BY bin_id
) AS t ON t.bin_id = n.id
LEFT JOIN (
    SELECT bin_id, sum(quantity) AS units, count(DISTINCT sku_id) AS skus FROM stock_bucket
    WHERE quantity > 0 AND node_id = %(node)s::uuid AND company_id = %(company)s::smallint GROUP BY bin_id
) AS b ON b.bin_id = n.id
WHERE n.node_id = %(node)s::uuid ORDER BY n.pick_sequence, n.code
"""
