"""What the warehouse does with promised units: commit them to picks, pick, find them missing, ship.

Rows travel as plain tuples: these functions are called inside the warehouse's and shipping's commands with thousands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.stock.commands.move import (
    CUSTOMER,
    At,
    Displaced,
    Move,
    Moved,
    free_allocations,
    lock_buckets,
    move_units,
    record_displaced,
)


class Pickable(NamedTuple):
    """A bucket in a pick or reserve bin with units that no pick has a claim on."""

    bucket: UUID
    sku: UUID
    node: UUID
    bin: UUID
    bin_kind: str
    pick_sequence: int
    lot: str
    serial: str
    expires_on: date | None
    free: int


def lock_pickable(pairs: Iterable[tuple[UUID, UUID]]) -> list[Pickable]:
    """Sellable buckets of (sku, node) pairs that picks may be planned from, locked in id order. One statement."""
    return [Pickable(*row) for row in sql.run(_PICKABLE, sql.columns(("skus", "nodes"), list(pairs)))]


def look_at_pickable(pairs: Iterable[tuple[UUID, UUID]]) -> list[Pickable]:
    """As `lock_pickable`, without locks: for a plan that nobody is held to. One statement."""
    return [Pickable(*row) for row in sql.run(_LOOK_AT, sql.columns(("skus", "nodes"), list(pairs)))]


def commit_picks(cause: Cause, picks: Sequence[tuple[UUID, UUID, int, UUID]]) -> None:
    """Commit units of buckets to picks: (allocation, bucket, quantity, fulfillment). 2 statements.

    The allocations become released and belong to the fulfillment.
    """
    of_bucket: dict[UUID, int] = defaultdict(int)
    of_allocation: dict[UUID, int] = defaultdict(int)
    belongs = {}
    for allocation, bucket, quantity, fulfillment in picks:
        of_bucket[bucket] += quantity
        of_allocation[allocation] += quantity
        belongs[allocation] = fulfillment
    rows = [(allocation, units, belongs[allocation]) for allocation, units in of_allocation.items()]
    sql.change(_RELEASE, sql.columns(("ids", "units", "fulfillments"), rows))
    sql.change(_COMMIT, sql.columns(("ids", "units"), list(of_bucket.items())))


def commit_picks_of(picks: str, params: Mapping[str, Any]) -> None:
    """As `commit_picks`, of the picks that a query finds, with the same columns: none of them leaves the database.
    1 statement."""
    sql.change(_COMMIT_PICKS.replace("{picks}", picks), params)


class Pick(NamedTuple):
    """Committed units that go from their bin to the node's staging bin."""

    company: int
    sku: UUID
    node: UUID
    bin: UUID
    lot: str
    serial: str
    staging_bin: UUID
    quantity: int
    fulfillment: UUID
    line: UUID
    occurred_at: datetime


def pick_units(cause: Cause, picks: Sequence[Pick]) -> Moved:
    """Move picked units to staging, where they stay sellable, allocated and committed until they ship."""
    moves = [
        Move(
            p.company,
            p.sku,
            p.quantity,
            At(p.sku, p.node, p.bin, p.company, "sellable", p.lot, p.serial),
            At(p.sku, p.node, p.staging_bin, p.company, "sellable", p.lot, p.serial),
            "pick",
            "fulfillment",
            p.fulfillment,
            p.occurred_at,
            "",
            p.line,
            None,
            p.quantity,
            p.quantity,
        )
        for p in picks
    ]
    return move_units(cause, moves)


class Short(NamedTuple):
    """Committed units that the picker did not find in their bin."""

    company: int
    sku: UUID
    node: UUID
    bin: UUID
    lot: str
    serial: str
    quantity: int
    fulfillment: UUID
    allocation: UUID
    order: UUID
    line: UUID
    occurred_at: datetime


def short_units(cause: Cause, shorts: Sequence[Short], mislaid: Sequence[Short] = ()) -> list[Displaced]:
    """Take units that were not found out of sellable stock: they are being looked for.

    The promise of `shorts` is freed; that of `mislaid` is kept, because other bins will serve it: the caller commits
    units there with `recommit`. Returns what was displaced, the promises of the shorts themselves first.
    """
    lock = {(s.sku, s.node, s.company) for s in (*shorts, *mislaid)}
    sql.run(_LOCK_POSITIONS, sql.columns(("skus", "nodes", "owners"), list(lock)))
    freed: dict[UUID, int] = defaultdict(int)
    for short in shorts:
        freed[short.allocation] += short.quantity
    free_allocations(list(freed.items()), lost=True)
    moves = [
        Move(
            s.company,
            s.sku,
            s.quantity,
            At(s.sku, s.node, s.bin, s.company, "sellable", s.lot, s.serial),
            At(s.sku, s.node, s.bin, s.company, "researching", s.lot, s.serial),
            "short_pick",
            "fulfillment",
            s.fulfillment,
            s.occurred_at,
            "",
            s.line,
            None,
            s.quantity,
        )
        for s in (*shorts, *mislaid)
    ]
    moved = move_units(cause, moves)
    own = [
        Displaced(s.allocation, s.order, s.line, s.sku, s.node, s.quantity, True, s.fulfillment)
        for s in shorts
    ]
    record_displaced(cause, list(zip(own, moves[: len(own)], strict=True)))
    return own + moved.displaced


def hold_back(cause: Cause, places: Sequence[Short]) -> dict[tuple[UUID, UUID], int]:
    """Take what the records still say is free in buckets out of sellable stock: it is being looked for until the bin
    is counted. Units that somebody was promised stay. Returns how many, by (SKU, node); the caller has locked the
    positions. About 8 statements for any number; none for no places.
    """
    if not places:
        return {}
    owned = {(s.sku, s.node, s.company) for s in places}
    rows = sql.run(_UNPROMISED, sql.columns(("skus", "nodes", "owners"), list(owned)))
    left = {(sku, node): units for sku, node, units in rows}
    of_key = {At(s.sku, s.node, s.bin, s.company, "sellable", s.lot, s.serial): s for s in places}
    held: dict[tuple[UUID, UUID], int] = defaultdict(int)
    moves = []
    buckets = lock_buckets([*of_key, *map(_looked_for, of_key)])
    for key, s in of_key.items():
        if (bucket := buckets.get(key)) is None:
            continue
        units = min(bucket.quantity - bucket.committed, left[key.sku, key.node])
        if units > 0:
            left[key.sku, key.node] -= units
            held[key.sku, key.node] += units
            moves.append(
                Move(
                    s.company, s.sku, units, key, _looked_for(key), "short_pick", "fulfillment",
                    s.fulfillment, s.occurred_at, line=s.line,
                )
            )  # fmt: skip
    move_units(cause, moves, buckets)
    return held


def _looked_for(key: At) -> At:
    return key._replace(status="researching")


def recommit(picks: Sequence[tuple[UUID, int]]) -> None:
    """Commit units of other buckets, as (bucket, quantity), to picks whose first bin lacked them. One statement.

    A quantity below zero lets units go: their pick was taken back.
    """
    units: dict[UUID, int] = defaultdict(int)
    for bucket, quantity in picks:
        units[bucket] += quantity
    if units:
        sql.run(_COMMIT, sql.columns(("ids", "units"), list(units.items())))


def unrelease(released: Sequence[tuple[UUID, int]]) -> None:
    """Allocations, as (allocation, quantity), are promised but no longer released. One statement.

    The caller lets go of the buckets with `recommit`.
    """
    if released:
        sql.run(_UNRELEASE, sql.columns(("ids", "units"), released))


class Shipped(NamedTuple):
    """Staged units that leave for the customer; `noted`: the serial number that was read when it was packed, where the
    bins don't tell units apart."""

    company: int
    sku: UUID
    node: UUID
    staging_bin: UUID
    lot: str
    serial: str
    allocation: UUID
    quantity: int
    shipment: UUID
    line: UUID
    occurred_at: datetime
    noted: str = ""


def ship_units(cause: Cause, shipped: Sequence[Shipped]) -> list[int]:
    """Staged units leave; stock, promise and value go down together and their cost is posted.

    Returns the cost of each row in minor units. About 11 statements for any number.
    """
    moves = []
    for s in shipped:
        source = At(s.sku, s.node, s.staging_bin, s.company, "sellable", s.lot, s.serial)
        if s.noted:  # It leaves under its number, as what is received with one does.
            told = source._replace(serial=s.noted)
            moves.append(
                Move(
                    s.company, s.sku, s.quantity, source, told, "serial", "shipment", s.shipment, s.occurred_at, "",
                    s.line, None, s.quantity, s.quantity,
                )
            )  # fmt: skip
            source = told
        moves.append(
            Move(
                s.company, s.sku, s.quantity, source, CUSTOMER, "sale", "shipment", s.shipment, s.occurred_at,
                "stock.issue.sale", s.line, None, s.quantity, 0, s.quantity,
            )
        )  # fmt: skip
    moved = move_units(cause, moves).values
    values = [value for move, value in zip(moves, moved, strict=True) if move.target == CUSTOMER]
    fulfilled: dict[UUID, int] = defaultdict(int)
    for s in shipped:
        fulfilled[s.allocation] += s.quantity
    sql.change(_FULFILL, sql.columns(("ids", "units"), sorted(fulfilled.items())))
    return values


_LOOK_AT = """
SELECT b.id, b.sku_id, b.node_id, b.bin_id, bin.kind, bin.pick_sequence, b.lot, b.serial, b.expires_on,
       b.quantity - b.committed
FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[]) AS k(sku, node)
JOIN stock_bucket AS b ON b.sku_id = k.sku AND b.node_id = k.node
JOIN network_bin AS bin ON bin.id = b.bin_id AND bin.kind IN ('pick', 'reserve')
WHERE b.status = 'sellable' AND b.quantity > b.committed
ORDER BY b.id
"""
_PICKABLE = _LOOK_AT + "FOR UPDATE OF b"

_RELEASE = """
UPDATE stock_allocation AS a SET released = a.released + d.units, fulfillment_id = d.fulfillment
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(fulfillments)s::uuid[]) AS d(id, units, fulfillment)
WHERE a.id = d.id
"""

# In the order of their keys, as they were written: neighbours stand on one page.
_COMMIT_PICKS = """
WITH picks(allocation, bucket, units, fulfillment) AS MATERIALIZED ({picks}), released AS (
    UPDATE stock_allocation AS a SET released = a.released + d.units, fulfillment_id = d.fulfillment
    FROM (SELECT allocation, fulfillment, sum(units)::int AS units FROM picks GROUP BY 1, 2 ORDER BY 1) AS d
    WHERE a.id = d.allocation
)
UPDATE stock_bucket AS b SET committed = b.committed + d.units
FROM (SELECT bucket, sum(units)::int AS units FROM picks GROUP BY 1 ORDER BY 1) AS d WHERE b.id = d.bucket
"""

_UNRELEASE = """
UPDATE stock_allocation AS a SET released = a.released - d.units,
    fulfillment_id = CASE WHEN a.released > d.units THEN a.fulfillment_id END
FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units) WHERE a.id = d.id
"""

_COMMIT = """
UPDATE stock_bucket AS b SET committed = b.committed + d.units
FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units) WHERE b.id = d.id
"""

_UNPROMISED = """
SELECT p.sku_id, p.node_id, p.sellable - p.reserved - p.allocated
FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[]) AS k(sku, node, owner)
JOIN stock_position AS p ON p.sku_id = k.sku AND p.node_id = k.node AND p.owner_id = k.owner
"""

_LOCK_POSITIONS = """
SELECT FROM stock_position AS p
JOIN unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[]) AS k(sku, node, owner)
  ON p.sku_id = k.sku AND p.node_id = k.node AND p.owner_id = k.owner
ORDER BY p.sku_id, p.node_id, p.owner_id FOR UPDATE OF p
"""

# Found one by one by their key and then by their place: between two batches the table is empty, and a join that is
# planned for an empty table compares every promise with every row of the batch.
_FULFILL = """
WITH d AS MATERIALIZED (
    SELECT a.place, a.id, a.quantity - d.units AS rest
    FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units)
    CROSS JOIN LATERAL (
        SELECT ctid AS place, id, quantity FROM stock_allocation WHERE id = d.id FOR UPDATE) AS a
),
gone AS (DELETE FROM stock_allocation WHERE ctid = ANY(ARRAY(SELECT place FROM d WHERE rest = 0)))
UPDATE stock_allocation AS a
SET quantity = (SELECT rest FROM d WHERE d.id = a.id),
    released = LEAST(a.released, (SELECT rest FROM d WHERE d.id = a.id)),
    fenced = LEAST(a.fenced, (SELECT rest FROM d WHERE d.id = a.id))
WHERE ctid = ANY(ARRAY(SELECT place FROM d WHERE rest > 0))
"""
