"""What waits to be put away, and where it would best be: read for the page and for programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.warehouse.carrying import FOR_SALE
from entrepot.warehouse.putaway import Choice, Goods, Shelf, suggest, suggest_whole, total

PAGE = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """Units of a SKU and lot that stand where a node takes goods in, since when, and the bins they should go to.

    `left` units fit nowhere.
    """

    bucket: UUID
    sku: UUID
    sku_code: str
    sku_name: str
    lot: str
    serial: str
    status: str
    bin: UUID
    bin_code: str
    quantity: int
    since: datetime | None
    velocity: str
    choices: tuple[Choice, ...]
    left: int

    @property
    def free(self) -> int:
        """Units that may be taken."""
        return self.quantity


@dataclass(frozen=True, slots=True)
class Slot:
    """What a bin is kept for."""

    bin: UUID
    bin_code: str
    sku: UUID | None
    sku_code: str
    velocity: str
    volume_ml: int


def slots(*, node: UUID) -> list[Slot]:
    """What the bins of a node are kept for. 1 statement."""
    return [Slot(*row) for row in sql.run(_SLOTS, {"node": node})]


def to_put_away(
    *,
    node: UUID,
    limit: int = PAGE,
    loose: bool = False,
    after: tuple[datetime | None, str, str, UUID] | None = None,
    of: Collection[UUID] | None = None,
    bare: bool = False,
) -> list[Waiting]:
    """What waits at a node, the longest first, each with its suggestion; one of them does not take the room of another.
    `loose`: without what stands on plates, which go whole; `after`: behind one by since when it waits, its SKU's code,
    its lot and bucket; `of`: of these buckets alone; `bare`: without suggestions.

    Goods under a quality check wait for their verdict first; what can't be sold goes to bins for quarantine. 3
    statements, 1 without suggestions.
    """
    since, code, lot, behind = after or (None, None, None, None)
    params = {
        "node": node, "limit": limit, "loose": loose, "since": since, "code": code, "lot": lot, "behind": behind,
        "buckets": None if of is None else list(of),
    }  # fmt: skip
    rows = sql.run(_WAITING, params)
    if bare:
        return [_suggested(row, []) for row in rows]
    if not rows:
        return []
    shelves, aside = _shelves(node)
    return [_suggested(row, shelves if row[_STATUS] == "sellable" else _mixed(aside)) for row in rows]


def suggested(*, bucket: UUID, units: int, whole: bool = False) -> tuple[Choice, ...]:
    """Bins for units of a bucket, wherever it stands, but not its own bin; `whole`: a bin of reserve for all of them
    together, as a plate needs it, comes first. 3 statements."""
    rows = sql.run(_BUCKETS, {"buckets": [bucket], "units": [units]})
    if not rows:
        return ()
    *_, node, _ = rows[0]
    return _choices(rows[0], _shelves(node), units if whole else 0)


def suggested_whole(*, node: UUID, plates: Sequence[tuple[UUID, int]]) -> list[Choice | None]:
    """Of plates at a node, each by the bucket of most of its units and how many there are in all, the bin that takes
    all of it; one does not take the room of another. 3 statements."""
    found: list[Choice | None] = [None] * len(plates)
    rows = sql.run(_BUCKETS, sql.columns(("buckets", "units"), plates)) if plates else []
    shelves = _shelves(node) if rows else ([], [])
    for row in rows:
        found[row[-1] - 1] = suggest_whole(_goods(row[:-2]), _others(row, shelves))
    return found


def _choices(row: Sequence[Any], shelves: tuple[list[Shelf], list[Shelf]], pallet: int) -> tuple[Choice, ...]:
    """Bins for units of a bucket elsewhere; `pallet` units go together."""
    return _suggested((*row[:-3], pallet or row[-3]), _others(row, shelves)).choices


def _others(row: Sequence[Any], shelves: tuple[list[Shelf], list[Shelf]]) -> list[Shelf]:
    """The bins that goods may go to from where they stand."""
    others = shelves[0] if row[_STATUS] in FOR_SALE else _mixed(shelves[1])
    return [shelf for shelf in others if shelf.bin != row[_BIN]]


_STATUS, _BIN, _UNITS = 6, 7, 9


def _goods(row: Sequence[Any]) -> Goods:
    *said, unit_ml, velocity, pallet = row
    return Goods(said[1], said[4], said[_UNITS], float(unit_ml), velocity, pallet)


def _suggested(row: Sequence[Any], shelves: list[Shelf]) -> Waiting:
    *said, _, velocity, _ = row
    bucket, sku, code, name, lot, serial, status, bin_id, bin_code, quantity, since = said
    goods = _goods(row)
    choices = tuple(suggest(goods, shelves))
    return Waiting(
        bucket, sku, code, name, lot, serial, status, bin_id, bin_code, quantity, since, velocity,
        choices, goods.quantity - total(choices),
    )  # fmt: skip


def _mixed(shelves: list[Shelf]) -> list[Shelf]:
    """Bins in which different goods stand together: what one holds keeps nothing out."""
    for shelf in shelves:
        shelf.holds = frozenset()
    return shelves


def _shelves(node: UUID) -> tuple[list[Shelf], list[Shelf]]:
    """The bins of a node that goods may be put into, with what they hold, from the dock on; and those for goods that
    can't be sold, where different ones stand together."""
    holds: dict[UUID, set[tuple[UUID, str]]] = defaultdict(set)
    taken: dict[UUID, float] = defaultdict(float)
    for bin_id, sku, lot, volume in sql.run(_CONTENTS, {"node": node}):
        holds[bin_id].add((sku, lot))
        taken[bin_id] += float(volume)
    shelves: list[Shelf] = []
    aside: list[Shelf] = []
    for bin_id, kind, code, far, sku, velocity, volume in sql.run(_BINS, {"node": node}):
        if kind == "quarantine":
            aside.append(Shelf(bin_id, code, far, volume_ml=volume, taken_ml=taken[bin_id]))
        else:
            held = frozenset(holds[bin_id])
            shelves.append(Shelf(bin_id, code, far, sku, velocity, volume, taken[bin_id], held, kind))
    return shelves, aside


_BUCKETS = """
SELECT b.id, b.sku_id, s.code, s.name, b.lot, b.serial, b.status, b.bin_id, bin.code, d.units,
       NULL::timestamptz, s.length_mm::float8 * s.width_mm * s.height_mm / 1000, COALESCE(v.velocity, ''),
       COALESCE(p.units, 0), b.node_id, d.place
FROM unnest(%(buckets)s::uuid[], %(units)s::int[]) WITH ORDINALITY AS d(bucket, units, place)
JOIN stock_bucket AS b ON b.id = d.bucket
JOIN network_bin AS bin ON bin.id = b.bin_id JOIN catalog_sku AS s ON s.id = b.sku_id
LEFT JOIN warehouse_velocity AS v ON v.sku_id = b.sku_id AND v.node_id = b.node_id
LEFT JOIN catalog_packaging AS p ON p.sku_id = b.sku_id AND p.kind = 'pallet'
ORDER BY d.place
"""

_WAITING = """
SELECT b.id, b.sku_id, s.code, s.name, b.lot, b.serial, b.status, b.bin_id, bin.code, free.units, came.at,
       s.length_mm::float8 * s.width_mm * s.height_mm / 1000, COALESCE(v.velocity, ''), COALESCE(p.units, 0)
FROM network_bin AS bin JOIN stock_bucket AS b ON b.bin_id = bin.id AND b.node_id = bin.node_id
JOIN catalog_sku AS s ON s.id = b.sku_id
LEFT JOIN warehouse_velocity AS v ON v.sku_id = b.sku_id AND v.node_id = b.node_id
LEFT JOIN catalog_packaging AS p ON p.sku_id = b.sku_id AND p.kind = 'pallet'
LEFT JOIN LATERAL (SELECT max(m.occurred_at) AS at FROM stock_move AS m
                   WHERE m.sku_id = b.sku_id AND m.to_bucket = b.id) AS came ON true
CROSS JOIN LATERAL (SELECT b.quantity - GREATEST(b.committed, CASE WHEN %(loose)s::bool THEN b.plated ELSE 0 END)
                    AS units) AS free
WHERE bin.node_id = %(node)s::uuid AND bin.kind = 'receiving' AND free.units > 0
  AND b.status NOT IN ('pending_inspection', 'in_transit', 'researching')
  AND (%(buckets)s::uuid[] IS NULL OR b.id = ANY(%(buckets)s::uuid[]))
  AND (%(behind)s::uuid IS NULL OR (COALESCE(came.at, '-infinity'), s.code, b.lot, b.id)
       > (COALESCE(%(since)s::timestamptz, '-infinity'), %(code)s::text, %(lot)s::text, %(behind)s::uuid))
ORDER BY came.at NULLS FIRST, s.code, b.lot, b.id LIMIT %(limit)s::int
"""

_CONTENTS = """
SELECT b.bin_id, b.sku_id, b.lot, sum(b.quantity) * s.length_mm::float8 * s.width_mm * s.height_mm / 1000
FROM network_bin AS bin JOIN stock_bucket AS b ON b.bin_id = bin.id AND b.node_id = bin.node_id AND b.quantity > 0
JOIN catalog_sku AS s ON s.id = b.sku_id
WHERE bin.node_id = %(node)s::uuid AND bin.kind IN ('pick', 'reserve', 'quarantine')
GROUP BY b.bin_id, b.sku_id, b.lot, s.id
"""

# From the dock, in the plan's units; a node without a plan goes by the order in which its bins are picked.
_BINS = """
SELECT bin.id, bin.kind, bin.code,
       CASE WHEN dock.x IS NULL OR (bin.x = 0 AND bin.y = 0) THEN bin.pick_sequence
            ELSE abs(bin.x - dock.x) + abs(bin.y - dock.y) END::float8,
       slot.sku_id, COALESCE(slot.velocity, ''), COALESCE(slot.volume_ml, 0)
FROM network_bin AS bin LEFT JOIN warehouse_slot AS slot ON slot.bin_id = bin.id
LEFT JOIN (SELECT node_id, depot_x AS x, depot_y AS y FROM network_layout) AS dock ON dock.node_id = bin.node_id
WHERE bin.node_id = %(node)s::uuid AND bin.kind IN ('pick', 'reserve', 'quarantine')
ORDER BY bin.id
"""

_SLOTS = """
SELECT bin.id, bin.code, slot.sku_id, COALESCE(s.code, ''), slot.velocity, slot.volume_ml
FROM warehouse_slot AS slot JOIN network_bin AS bin ON bin.id = slot.bin_id
LEFT JOIN catalog_sku AS s ON s.id = slot.sku_id
WHERE slot.node_id = %(node)s::uuid ORDER BY bin.code
"""
