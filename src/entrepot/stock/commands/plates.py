"""Plates of stock: made, found, filled and emptied. Parts of the commands of the rooms above, and of `receive`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.stock.commands.move import At


class Plate(NamedTuple):
    """A plate as it was found. `bin`: where it stands; None where it holds nothing, or is on its way to its `node`."""

    id: UUID
    company: int
    number: str
    bin: UUID | None
    bin_code: str
    node: UUID | None
    node_code: str
    on_plate: UUID | None
    """The pallet that it stands on, and goes with."""

    @property
    def is_on_its_way(self) -> bool:
        return self.node is not None and self.bin is None


class OnPlate(NamedTuple):
    """Units of a bucket on a plate, of what stands on a pallet on the carton itself; `free` of the bucket's units no
    pick has a claim on."""

    plate: UUID
    bucket: UUID
    at: At
    units: int
    free: int


Number = tuple[int, str]
"""A plate by its company and number."""


def hold_plates(plates: Collection[UUID]) -> dict[UUID, Plate]:
    """Plates by id, where they stand now that their numbers are locked, and those of the cartons on them. 4 statements;
    2 more where a carton was put on one meanwhile."""
    which = {"ids": sorted(set(plates))}
    locked: set[Number] = set()
    while more := {(company, number) for company, number in sql.run(_WITH_CARTONS, which)} - locked:
        lock_numbers(more)
        locked |= more
    return {row[0]: Plate(*row) for row in sql.run(_BY_ID, which)}


def lock_numbers(numbers: Collection[Number]) -> None:
    """Nobody else fills, moves or opens plates of these numbers until the end of the transaction. 1 statement."""
    sql.run(_LOCK, sql.columns(("companies", "numbers"), sorted(numbers)))


def set_pallets(rows: Mapping[UUID, UUID | None]) -> None:
    """Put cartons on a pallet, or take them off where it is none. The caller has locked their numbers. 1 statement;
    none for none."""
    if rows:
        sql.run(
            _SET_PALLETS, sql.columns(("plates", "pallets"), sorted(rows.items(), key=lambda row: row[0]))
        )


def cartons_on(plates: Collection[UUID]) -> dict[UUID, UUID]:
    """The cartons that stand on pallets, each with its pallet. 1 statement."""
    found: dict[UUID, UUID] = dict(sql.run(_CARTONS, {"ids": sorted(set(plates))}))  # type: ignore[arg-type]
    return found


def lock_plates(numbers: Iterable[Number]) -> dict[Number, Plate]:
    """Plates that exist, by company and number. Until the end of the transaction nobody else fills, moves or opens
    them, nor makes those that do not exist. What is picked or counted leaves a plate all the same. 2 statements."""
    asked = sorted(set(numbers))
    lock_numbers(asked)
    found = sql.run(_BY_NUMBER, sql.columns(("companies", "numbers"), asked))
    return {(row[1], row[2]): Plate(*row) for row in found}


def lock_content(
    plates: Collection[UUID], *, into: Iterable[tuple[UUID, UUID]] = (), also: Collection[At] = ()
) -> dict[UUID, list[OnPlate]]:
    """What stands on locked plates and on the cartons on them, its buckets locked in id order: together with those in
    the bins that plates go `into`, as (plate, bin), and `also` others that the caller is about to change. 2
    statements."""
    going = sql.columns(("going", "bins"), sorted(set(into)))
    sql.run(_LOCK_BUCKETS, {"plates": sorted(set(plates))} | going | sql.columns(At._fields, set(also)))
    return content_of(plates)


def content_of(plates: Collection[UUID]) -> dict[UUID, list[OnPlate]]:
    """What stands on plates, and on the cartons on them. 1 statement."""
    found: dict[UUID, list[OnPlate]] = {}
    for asked, plate, bucket, *at, units, free in sql.run(_CONTENT, {"plates": sorted(set(plates))}):
        found.setdefault(asked, []).append(OnPlate(plate, bucket, At(*at), units, free))
    return found


def make_plates(cause: Cause, numbers: Collection[Number]) -> dict[Number, UUID]:
    """Plates with these numbers, those that exist and new ones: somebody has them at hand now. The caller has locked
    them. 1 statement."""
    rows = [(ids.uuid7(), company, number) for company, number in sorted(set(numbers))]
    made = sql.run(
        _MAKE,
        {
            **sql.columns(("ids", "companies", "numbers"), rows),
            "person": cause.actor.name,
            "at": cause.at,
        },
    )
    return {(company, number): plate for plate, company, number in made}


def see_plates(plates: Collection[UUID], at: datetime) -> None:
    """Somebody has scanned these, and the cartons on them: what was not seen for longer loses units first. 1 statement;
    none for none."""
    if plates:
        sql.run(_SEE, {"plates": sorted(set(plates)), "at": at})


def set_content(rows: Mapping[tuple[UUID, UUID], int]) -> None:
    """Put units of buckets on plates or take them off: units more, or less where below zero, by (plate, bucket). The
    caller has locked both. 1 statement; none for none."""
    if rows:
        columns = sql.columns(("plates", "buckets", "units"), sorted((*key, n) for key, n in rows.items()))
        sql.run(_SET_CONTENT, columns)


def plates_to_fill(
    cause: Cause, wanted: Sequence[tuple[int, str, UUID]]
) -> dict[tuple[int, str, UUID], UUID]:
    """The plates on which units come into a bin, by (company, number, bin): made where they are new. One that stands in
    another bin, is on its way, or goes into two, is not among them there: what comes stays loose. 3 statements; none
    for none."""
    if not wanted:
        return {}
    bins: dict[Number, UUID] = {}
    for company, number, bin_id in wanted:
        bins.setdefault((company, number), bin_id)
    standing = lock_plates(bins)
    here = {
        name: bin_id
        for name, bin_id in bins.items()
        if name not in standing or (standing[name].bin in (None, bin_id) and not standing[name].is_on_its_way)
    }
    return {(*name, here[name]): plate for name, plate in make_plates(cause, here).items()}


def stack_new(rows: Mapping[UUID, UUID]) -> set[UUID]:
    """Put cartons that hold nothing yet on the pallets that they came on, as plates to fill: returns those that stand
    on theirs now. What stands on another plate itself is no pallet, and what others stand on no carton. 1 statement;
    none for none."""
    if not rows:
        return set()
    columns = sql.columns(("plates", "pallets"), sorted(rows.items()))
    return {plate for (plate,) in sql.run(_STACK_NEW, columns)}


_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('plate/' || company || '/' || number, 0))
FROM (SELECT * FROM unnest(%(companies)s::smallint[], %(numbers)s::text[]) AS d(company, number)
      ORDER BY company, number) AS d
"""

_PLATE = """
SELECT p.id, p.company_id::int, p.number, stands.bin_id, COALESCE(bin.code, ''), stands.node_id,
       COALESCE(node.code, ''), p.on_plate_id
FROM {which}
LEFT JOIN LATERAL (SELECT b.bin_id, b.node_id FROM stock_plateunits AS u JOIN stock_bucket AS b ON b.id = u.bucket_id
                   WHERE u.plate_id IN (SELECT p.id UNION ALL SELECT c.id FROM stock_plate AS c
                                        WHERE c.on_plate_id = p.id) LIMIT 1) AS stands ON true
LEFT JOIN network_bin AS bin ON bin.id = stands.bin_id LEFT JOIN network_node AS node ON node.id = stands.node_id
"""

_BY_ID = _PLATE.format(which="stock_plate AS p") + "WHERE p.id = ANY(%(ids)s::uuid[])"

_BY_NUMBER = _PLATE.format(
    which="""unnest(%(companies)s::smallint[], %(numbers)s::text[]) AS d(company, number)
JOIN stock_plate AS p ON p.company_id = d.company AND p.number = d.number"""
)

_LOCK_BUCKETS = """
SELECT 1 FROM stock_bucket WHERE id IN (
    SELECT bucket_id FROM stock_plateunits WHERE plate_id IN (
        SELECT id FROM stock_plate WHERE id = ANY(%(plates)s::uuid[]) OR on_plate_id = ANY(%(plates)s::uuid[]))
    UNION ALL
    SELECT b.id
    FROM unnest(%(going)s::uuid[], %(bins)s::uuid[]) AS d(plate, bin)
    JOIN stock_plate AS p ON p.id = d.plate OR p.on_plate_id = d.plate
    JOIN stock_plateunits AS u ON u.plate_id = p.id JOIN stock_bucket AS s ON s.id = u.bucket_id
    JOIN stock_bucket AS b ON b.sku_id = s.sku_id AND b.node_id = s.node_id AND b.bin_id = d.bin AND b.lot = s.lot
     AND b.serial = s.serial AND b.status = s.status AND b.owner_id = s.owner_id
    UNION ALL
    SELECT b.id
    FROM unnest(%(sku)s::uuid[], %(node)s::uuid[], %(bin)s::uuid[], %(owner)s::smallint[], %(status)s::text[],
                %(lot)s::text[], %(serial)s::text[]) AS k(sku, node, bin, owner, status, lot, serial)
    JOIN stock_bucket AS b ON b.sku_id = k.sku AND b.node_id = k.node AND b.bin_id IS NOT DISTINCT FROM k.bin
     AND b.lot = k.lot AND b.serial = k.serial AND b.status = k.status AND b.owner_id = k.owner)
ORDER BY id FOR UPDATE
"""

_CONTENT = """
SELECT asked.id, u.plate_id, u.bucket_id, b.sku_id, b.node_id, b.bin_id, b.owner_id::int, b.status, b.lot, b.serial,
       u.units, b.quantity - b.committed
FROM unnest(%(plates)s::uuid[]) AS asked(id)
CROSS JOIN LATERAL (SELECT asked.id UNION ALL SELECT c.id FROM stock_plate AS c WHERE c.on_plate_id = asked.id) AS p(id)
JOIN stock_plateunits AS u ON u.plate_id = p.id JOIN stock_bucket AS b ON b.id = u.bucket_id
ORDER BY asked.id, u.plate_id, u.bucket_id
"""

_MAKE = """
INSERT INTO stock_plate (id, company_id, number, made_by, made_at, seen_at)
SELECT id, company, number, %(person)s::text, %(at)s::timestamptz, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(numbers)s::text[]) AS d(id, company, number)
ON CONFLICT (company_id, number) DO UPDATE
SET seen_at = GREATEST(stock_plate.seen_at, excluded.seen_at),
    -- A number that is used again begins by itself.
    on_plate_id = CASE WHEN EXISTS (SELECT FROM stock_plateunits AS u WHERE u.plate_id = stock_plate.id)
                  THEN stock_plate.on_plate_id END
RETURNING id, company_id::int, number
"""

_SEE = """
UPDATE stock_plate SET seen_at = %(at)s::timestamptz
WHERE id IN (SELECT id FROM stock_plate WHERE id = ANY(%(plates)s::uuid[]) OR on_plate_id = ANY(%(plates)s::uuid[])
             ORDER BY id FOR UPDATE)
"""

_WITH_CARTONS = """
SELECT company_id::int, number FROM stock_plate WHERE id = ANY(%(ids)s::uuid[]) OR on_plate_id = ANY(%(ids)s::uuid[])
"""

_CARTONS = "SELECT id, on_plate_id FROM stock_plate WHERE on_plate_id = ANY(%(ids)s::uuid[])"

_SET_PALLETS = """
UPDATE stock_plate AS p SET on_plate_id = d.pallet
FROM unnest(%(plates)s::uuid[], %(pallets)s::uuid[]) AS d(plate, pallet) WHERE p.id = d.plate
"""

_STACK_NEW = """
UPDATE stock_plate AS p SET on_plate_id = d.pallet
FROM unnest(%(plates)s::uuid[], %(pallets)s::uuid[]) AS d(plate, pallet)
JOIN stock_plate AS pallet ON pallet.id = d.pallet AND pallet.on_plate_id IS NULL
WHERE p.id = d.plate AND p.id <> d.pallet AND NOT EXISTS (SELECT FROM stock_plateunits AS u WHERE u.plate_id = p.id)
  AND NOT EXISTS (SELECT FROM stock_plate AS c WHERE c.on_plate_id = p.id)
RETURNING p.id
"""

_SET_CONTENT = """
WITH d AS MATERIALIZED (
    SELECT d.plate, d.bucket, d.units, d.units + COALESCE(u.units, 0) AS after
    FROM unnest(%(plates)s::uuid[], %(buckets)s::uuid[], %(units)s::int[]) AS d(plate, bucket, units)
    LEFT JOIN stock_plateunits AS u ON u.plate_id = d.plate AND u.bucket_id = d.bucket
),
gone AS (DELETE FROM stock_plateunits AS u USING d WHERE u.plate_id = d.plate AND u.bucket_id = d.bucket AND after = 0),
put AS (
    INSERT INTO stock_plateunits (plate_id, bucket_id, units) SELECT plate, bucket, after FROM d WHERE after > 0
    ON CONFLICT (plate_id, bucket_id) DO UPDATE SET units = excluded.units
)
UPDATE stock_bucket AS b SET plated = b.plated + d.units
FROM (SELECT bucket, sum(units)::int AS units FROM d GROUP BY 1) AS d WHERE b.id = d.bucket
"""
