"""The one function that moves units. Every command of this room that changes a quantity ends here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.commands.value import Value, value_moves
from entrepot.ledger.layers import Piece
from entrepot.ledger.rules import reason_of
from entrepot.stock import plating, rules
from entrepot.stock.commands.fences import use_fences
from entrepot.stock.commands.mark import MARK_CHANGED
from entrepot.stock.commands.reserved import Changes


class At(NamedTuple):
    """A bucket, by its key."""

    sku: UUID
    node: UUID
    bin: UUID | None
    owner: int
    status: str = "sellable"
    lot: str = ""
    serial: str = ""


SUPPLIER, CUSTOMER, ADJUSTMENT, SCRAP = "supplier", "customer", "adjustment", "scrap"


class Paid(NamedTuple):
    """What units cost in another currency than the company's: minor units, and the rate of one of it."""

    currency: str
    minor: int
    rate: Decimal


class Move(NamedTuple):
    """Units of a SKU from one place to another. A place is a bucket or the name of a place outside.

    `committed_source` / `committed_target`: units of the move that are committed to picks where they leave or arrive.
    `allocated`: units whose promise is fulfilled by the move. `cost_minor`: total cost, for what comes from outside.
    `event`: the ledger event that the move's value is posted under; '' where value does not change place.
    `plate`: the units stand on it and go with it, or come on it. `paid`: what they cost in another currency, and what
    that was worth; `cost_minor` is the same in the company's own. `why`: the reason that posting rules may go by,
    where that is another than what the move says.
    """

    company: int
    sku: UUID
    quantity: int
    source: At | str
    target: At | str
    reason: str
    document_kind: str
    document: UUID
    occurred_at: datetime
    event: str = ""
    line: UUID | None = None
    cost_minor: int | None = None
    committed_source: int = 0
    committed_target: int = 0
    allocated: int = 0
    expires_on: date | None = None
    corrects: int | None = None
    plate: UUID | None = None
    paid: Paid | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Displaced:
    """A promise that stock could not keep: the caller reopens the line for sourcing and opens a work item. `priority`
    is the promise's, since it may be gone by then."""

    allocation: UUID
    order: UUID
    line: UUID
    sku: UUID
    node: UUID
    quantity: int
    was_released: bool
    fulfillment: UUID | None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Moved:
    """The value in minor units of each move, in order, and the promises that could no longer be kept."""

    values: list[int]
    displaced: list[Displaced]


class Bucket(NamedTuple):
    id: UUID
    quantity: int
    committed: int
    plated: int


def lock_serials(skus: Iterable[UUID]) -> None:
    """Whoever finds a serial waits, with its positions and buckets locked, for whoever is about to find one of the same
    SKU, and looks then: a bucket that does not stand yet can't be locked. 1 statement, none for no SKUs."""
    if found := sorted(set(skus)):
        sql.run(_LOCK_SERIALS, {"skus": found})


def lock_buckets(keys: Iterable[At]) -> dict[At, Bucket]:
    """Buckets that exist, by key, locked in id order. One statement."""
    rows = sql.run(_LOCK_BUCKETS, sql.columns(At._fields, set(keys)))
    return {At(*row[4:]): Bucket(*row[:4]) for row in rows}


def move_units(cause: Cause, moves: Sequence[Move], buckets: dict[At, Bucket] | None = None) -> Moved:
    """Move units: buckets, positions, valuation and journal change together with the rows of the ledger.

    The caller has made sure that the units are there (the constraints of the tables refuse otherwise) and passes the
    buckets it has locked. Locks: positions in key order, then buckets in id order, then valuation.
    About 8 statements for any number of moves; fewer where value or positions do not change, 1 more where promises are
    displaced, and 2 where plates are touched.
    """
    if not moves:
        return Moved([], [])
    changes = _Changes(moves)
    displaced = _change_positions(cause, changes)
    _record_displaced(cause, moves, displaced)
    known = _buckets(changes, buckets or {})
    found: dict[int | None, UUID] = {number: bucket.id for number, bucket in enumerate(known)}
    ends = [(found.get(source), found.get(target)) for source, target in changes.ends]
    values = _values(cause, moves)
    _write_moves(cause, moves, ends, values)
    _follow_plates(cause, moves, changes, known, ends)
    _change_buckets(changes, found)
    _post(cause, moves, values)
    return Moved(values, displaced)


class _Change:
    """What a bucket gains, summed over a batch of moves; below zero where it loses."""

    __slots__ = ("committed", "company", "expires_on", "fulfilled", "plated", "units")

    def __init__(self, move: Move) -> None:
        self.company, self.expires_on = move.company, move.expires_on
        self.units = self.committed = self.fulfilled = self.plated = 0


class _Changes:
    """The changes of all buckets of a batch, by the number of each; `ends` has those of each move's buckets.

    Numbers, because the key of a bucket takes long to look up.
    """

    def __init__(self, moves: Sequence[Move]) -> None:
        self.numbers: dict[At, int] = {}
        self.changes: list[_Change] = []
        self.ends: list[tuple[int | None, int | None]] = []
        for move in moves:
            source = target = None
            if isinstance(move.source, At):
                source = self._number(move.source, move)
                change = self.changes[source]
                change.units -= move.quantity
                change.committed -= move.committed_source
                change.fulfilled += move.allocated
            if isinstance(move.target, At):
                target = self._number(move.target, move)
                change = self.changes[target]
                change.units += move.quantity
                change.committed += move.committed_target
                change.expires_on = move.expires_on
            self.ends.append((source, target))

    def _number(self, key: At, move: Move) -> int:
        number = self.numbers.setdefault(key, len(self.changes))
        if number == len(self.changes):
            self.changes.append(_Change(move))
        return number


# ---- positions


def _change_positions(cause: Cause, changes: _Changes) -> list[Displaced]:
    sellable: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    fulfilled: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    companies = {}
    for place, change in zip(changes.numbers, changes.changes, strict=True):
        key = (place.sku, place.node, place.owner)
        if place.status == "sellable":
            sellable[key] += change.units
            companies[key] = change.company
        fulfilled[key] += change.fulfilled
    changed = [(*key, companies[key], units, fulfilled[key]) for key, units in sellable.items() if units]
    if not changed:
        return []
    displaced = _displace(cause, [row for row in changed if row[4] + row[5] < 0])
    names = ("skus", "nodes", "owners", "companies", "sellable", "fulfilled")
    arrays = sql.columns(names, changed)
    rows = sql.run(_UPDATE_POSITIONS, arrays)
    if len(rows) < len(changed):
        found = set(rows)
        missing = [row for row in changed if row[:3] not in found]
        sql.run(_INSERT_POSITIONS, sql.columns(names, missing))
    return displaced


def _displace(cause: Cause, falling: Sequence[tuple[UUID, UUID, int, int, int, int]]) -> list[Displaced]:
    """Free promises where sellable units fall below what is promised."""
    if not falling:
        return []
    arrays = sql.columns(("skus", "nodes", "owners"), [row[:3] for row in falling])
    positions = {row[:3]: row[3:] for row in sql.run(_LOCK_POSITIONS, arrays)}
    shortages = {}
    for sku, node, owner, _company, units, fulfilled in falling:
        sellable, promised = positions.get((sku, node, owner), (0, 0))
        short = (promised - fulfilled) - (sellable + units)
        if short > 0:
            shortages[sku, node, owner] = short
    if shortages:
        _end_reservations(shortages)
    if not shortages:
        return []
    freed = []
    promises: dict[tuple[UUID, UUID, int], list[tuple[rules.Promise, tuple[Any, ...]]]] = defaultdict(list)
    arrays = sql.columns(("skus", "nodes", "owners"), list(shortages))
    for allocation, quantity, released, priority, promise_at, ordered_at, *rest in sql.run(_PROMISES, arrays):
        promise = rules.Promise(allocation, quantity, released > 0, priority, promise_at, ordered_at)
        promises[rest[2], rest[3], rest[4]].append((promise, tuple(rest)))
    for position, short in shortages.items():
        facts = {promise.allocation: rest for promise, rest in promises[position]}
        for promise, units in rules.displace([promise for promise, _ in promises[position]], short):
            order, line, sku, node, _owner, fulfillment = facts[promise.allocation]
            freed.append(Displaced(
                promise.allocation, order, line, sku, node, units, promise.released, fulfillment, promise.priority
            ))  # fmt: skip
    free_allocations([(one.allocation, one.quantity) for one in freed], lost=True)
    return freed


def _record_displaced(cause: Cause, moves: Sequence[Move], displaced: Sequence[Displaced]) -> None:
    """Each with the first move of the batch that took sellable units from its position."""
    if displaced:
        took = {
            (move.sku, move.source.node): move
            for move in reversed(moves)
            if isinstance(move.source, At) and _is_less_after(move)
        }
        record_displaced(cause, [(one, took[one.sku, one.node]) for one in displaced])


def _is_less_after(move: Move) -> bool:
    """Whether a position has fewer sellable units after the move."""
    source, target = move.source, move.target
    if not isinstance(source, At) or source.status != "sellable":
        return False
    return not isinstance(target, At) or (target.node, target.status) != (source.node, source.status)


def record_displaced(cause: Cause, rows: Sequence[tuple[Displaced, Move]]) -> None:
    """Keep who lost a promise, and to which move. 1 statement."""
    sql.write(
        "stock_displacement",
        _DISPLACEMENT_COLUMNS,
        [
            (
                move.company, one.order, one.line, one.sku, one.node, one.quantity, one.was_released, move.reason,
                move.document_kind, move.document, move.occurred_at, cause.at,
            )
            for one, move in rows
        ],
    )  # fmt: skip


def _end_reservations(shortages: dict[tuple[UUID, UUID, int], int]) -> None:
    """Carts lose their units before orders do, and those that no hold keeps from their stock lose them last: whole
    reservations, the latest to expire or to be placed first. Shortages shrink."""
    ended: list[UUID] = []
    given_back: dict[tuple[UUID, UUID, int], int] = defaultdict(int)
    changes = Changes()
    for reservation, sku, node, owner, channel, quantity, fenced in sql.run(
        _RESERVATIONS, sql.columns(("skus", "nodes", "owners"), list(shortages))
    ):
        if given_back[sku, node, owner] < shortages[sku, node, owner]:
            given_back[sku, node, owner] += quantity
            changes.add(sku, node, owner, channel, -quantity, -fenced)
            ended.append(reservation)
    if not ended:
        return
    sql.run("DELETE FROM stock_reservation WHERE id = ANY(%(ids)s::uuid[])", {"ids": ended})
    changes.write()
    for position, units in given_back.items():
        left = shortages.pop(position) - units
        if left > 0:
            shortages[position] = left


def free_allocations(freed: Sequence[tuple[UUID, int]], *, lost: bool = False) -> None:
    """Take units out of promises and give them back to positions and ring-fences, where they are free for others,
    unless they are `lost`. 2 statements; 3 with fences.

    Whether pick tasks stand behind released units is the caller's to know.
    """
    if not freed:
        return
    arrays = sql.columns(("ids", "units"), freed) | {"is_free": not lost}
    use_fences(
        {
            (sku, node, owner, channel): -fenced
            for sku, node, owner, channel, fenced in sql.run(_FREE_ALLOCATIONS, arrays)
            if fenced
        }
    )


# ---- buckets


def _buckets(changes: _Changes, known: dict[At, Bucket]) -> list[Bucket]:
    """The buckets in the order of their numbers, locked; those that don't exist yet are made."""
    wanted = changes.numbers
    unknown = [key for key in wanted if key not in known] if known else wanted
    if unknown:
        known = known | lock_buckets(unknown)
        missing = [key for key in unknown if key not in known]
        if missing:
            new = [(ids.uuid7(), changes.changes[wanted[key]], key) for key in missing]
            rows = [(bucket, change.company, change.expires_on, *key) for bucket, change, key in new]
            sql.run(_INSERT_BUCKETS, sql.columns(("ids", "companies", "expiries", *At._fields), rows))
            known |= lock_buckets(missing)
    return [known[key] for key in wanted]


def _follow_plates(
    cause: Cause,
    moves: Sequence[Move],
    changes: _Changes,
    known: Sequence[Bucket],
    ends: Sequence[tuple[UUID | None, UUID | None]],
) -> None:
    """Plates lose what is taken from their bin beyond what stands there loose; what goes with a plate goes on it.

    What was taken is told of the plate. 2 statements where a plate is touched; none where there is none.
    """
    touched = [bucket.id for bucket in known if bucket.plated]
    if not touched and all(move.plate is None for move in moves):
        return
    standing = [plating.Standing(*row) for row in sql.run(_STANDING, {"buckets": touched})]
    after = {
        bucket.id: bucket.quantity + change.units
        for bucket, change in zip(known, changes.changes, strict=True)
    }
    found = plating.follow(
        [
            plating.Change(move.quantity, source, target, move.plate, _is_same_place(move))
            for move, (source, target) in zip(moves, ends, strict=True)
        ],
        after,
        standing,
    )
    before = {(one.plate, one.bucket): one.units for one in standing}
    rows = [(*key, units) for key, units in found.units.items() if units != before.get(key, 0)]
    if not rows:
        return
    sql.change(_PUT_ON_PLATES, sql.columns(("plates", "buckets", "units"), sorted(rows)))
    for bucket, change in zip(known, changes.changes, strict=True):
        change.plated = found.plated.get(bucket.id, bucket.plated) - bucket.plated
    announce(
        cause,
        [
            Event(
                "plate", plate, moves[place].company, occurred_at=moves[place].occurred_at,
                payload={"units": units, "document": moves[place].document}, reason=moves[place].reason,
            )
            for place, plate, units in found.taken
        ],
    )  # fmt: skip


def _is_same_place(move: Move) -> bool:
    """Whether the units stay where they are, as something else."""
    source, target = move.source, move.target
    return isinstance(source, At) and isinstance(target, At) and source.bin == target.bin is not None


def _change_buckets(changes: _Changes, found: dict[int | None, UUID]) -> None:
    rows = [
        (found[number], change.units, change.committed, change.plated)
        for number, change in enumerate(changes.changes)
        if change.units or change.committed or change.plated
    ]
    if rows:
        sql.change(_UPDATE_BUCKETS, sql.columns(("ids", "units", "committed", "plated"), rows))


# ---- value and journal


def _values(cause: Cause, moves: Sequence[Move]) -> list[int]:
    """The value of each move: what comes in brings its cost, what leaves takes the average of where it stood, or the
    layers there; from node to node it stays the layers that it was."""
    leaving = [i for i, move in enumerate(moves) if move.event and isinstance(move.source, At)]
    values = [move.cost_minor or 0 for move in moves]
    pieces: dict[int, tuple[Piece, ...]] = {}
    if leaving:
        taken = value_moves(
            cause, [_value(moves[i], moves[i].source, -moves[i].quantity, None) for i in leaving]
        )
        for i, valued in zip(leaving, taken, strict=True):
            values[i], pieces[i] = valued
    arriving = [i for i, move in enumerate(moves) if move.event and isinstance(move.target, At)]
    if arriving:
        value_moves(
            cause,
            [
                _value(moves[i], moves[i].target, moves[i].quantity, values[i], pieces.get(i, ()))
                for i in arriving
            ],
        )
    return values


def _value(
    move: Move, place: At | str, quantity: int, cost_minor: int | None, pieces: tuple[Piece, ...] = ()
) -> Value:
    assert isinstance(place, At)
    pool = "transit" if place.status == "in_transit" else "stock"
    return Value(move.company, move.sku, place.node, pool, quantity, cost_minor, move.document, pieces)


def _post(cause: Cause, moves: Sequence[Move], values: Sequence[int]) -> None:
    entries: dict[tuple[int, str, str, UUID, datetime, str, Decimal | None, str], int] = defaultdict(int)
    for move, value in zip(moves, values, strict=True):
        paid = move.paid
        if move.event and (value or paid):
            of = (move.company, move.event, move.document_kind, move.document, move.occurred_at)
            reason = reason_of(move.event, move.why or move.reason)
            entries[(*of, paid.currency if paid else "", paid.rate if paid else None, reason)] += (
                paid.minor if paid else value
            )
    if entries:
        currencies = dict(sql.run("SELECT id, currency FROM parties_company"))
        # A move that can't be posted, say into a closed month, must not be made.
        postings = post(
            cause,
            requests=[
                Posting(
                    company,
                    event,
                    kind,
                    document,
                    currency or currencies[company],
                    [("cost", value)],
                    occurred_at,
                    rate=rate,
                    reason=reason,
                )
                for (
                    company,
                    event,
                    kind,
                    document,
                    occurred_at,
                    currency,
                    rate,
                    reason,
                ), value in entries.items()
            ],
        )
        whole(postings)


# ---- rows of the ledger


def _write_moves(
    cause: Cause,
    moves: Sequence[Move],
    ends: Sequence[tuple[UUID | None, UUID | None]],
    values: Sequence[int],
) -> None:
    """Rows of the ledger; `ends` are the buckets of each move, None for a place outside."""
    at, correlation = cause.at, cause.correlation
    rows = []
    for move, (from_bucket, to_bucket), value in zip(moves, ends, values, strict=True):
        from_place = "node" if from_bucket else move.source
        to_place = "node" if to_bucket else move.target
        rows.append(
            (
                move.company,
                move.sku,
                move.quantity,
                from_place,
                from_bucket,
                to_place,
                to_bucket,
                move.reason,
                move.document_kind,
                move.document,
                move.line,
                value,
                move.corrects,
                move.occurred_at,
                at,
                correlation,
            )
        )
    sql.write("stock_move", _MOVE_COLUMNS, rows)


_MOVE_COLUMNS = (
    "company_id", "sku_id", "quantity", "from_place", "from_bucket", "to_place", "to_bucket", "reason",
    "document_kind", "document_id", "line_id", "value_minor", "corrects", "occurred_at", "recorded_at", "correlation",
)  # fmt: skip

_DISPLACEMENT_COLUMNS = (
    "company_id", "order_id", "line_id", "sku_id", "node_id", "quantity", "was_released", "reason", "document_kind",
    "document_id", "occurred_at", "recorded_at",
)  # fmt: skip

_LOCK_BUCKETS = """
SELECT b.id, b.quantity, b.committed, b.plated, b.sku_id, b.node_id, b.bin_id, b.owner_id::int, b.status, b.lot,
       b.serial
FROM unnest(%(sku)s::uuid[], %(node)s::uuid[], %(bin)s::uuid[], %(owner)s::smallint[], %(status)s::text[],
            %(lot)s::text[], %(serial)s::text[]) AS k(sku, node, bin, owner, status, lot, serial)
JOIN stock_bucket AS b ON b.sku_id = k.sku AND b.node_id = k.node AND b.bin_id IS NOT DISTINCT FROM k.bin
 AND b.lot = k.lot AND b.serial = k.serial AND b.status = k.status AND b.owner_id = k.owner
ORDER BY b.id FOR UPDATE OF b
"""

# A lot expires on its day wherever it stands: a move that does not say the day takes it from where the lot is known.
_INSERT_BUCKETS = """
INSERT INTO stock_bucket (id, company_id, expires_on, sku_id, node_id, bin_id, owner_id, status, lot, serial,
                          quantity, committed)
SELECT d.id, d.company,
       CASE WHEN d.expires_on IS NULL AND d.lot <> '' THEN
           (SELECT b.expires_on FROM stock_bucket AS b
            WHERE b.sku_id = d.sku AND b.lot = d.lot AND b.owner_id = d.owner AND b.expires_on IS NOT NULL
            ORDER BY b.expires_on LIMIT 1)
       ELSE d.expires_on END,
       d.sku, d.node, d.bin, d.owner, d.status, d.lot, d.serial, 0, 0
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(expiries)s::date[], %(sku)s::uuid[], %(node)s::uuid[],
            %(bin)s::uuid[], %(owner)s::smallint[], %(status)s::text[], %(lot)s::text[], %(serial)s::text[])
     AS d(id, company, expires_on, sku, node, bin, owner, status, lot, serial)
ORDER BY d.sku, d.node, d.bin, d.owner, d.status, d.lot, d.serial
ON CONFLICT DO NOTHING
"""

_UPDATE_BUCKETS = """
UPDATE stock_bucket AS b
SET quantity = b.quantity + d.units, committed = b.committed + d.committed, plated = b.plated + d.plated
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(committed)s::int[], %(plated)s::int[])
     AS d(id, units, committed, plated) WHERE b.id = d.id
"""

# What nobody has scanned for longest loses units first. The buckets are locked: nobody else changes these rows.
_STANDING = """
SELECT u.plate_id, u.bucket_id, u.units FROM stock_plateunits AS u JOIN stock_plate AS p ON p.id = u.plate_id
WHERE u.bucket_id = ANY(%(buckets)s::uuid[]) ORDER BY p.seen_at, p.id, u.bucket_id
"""

_PUT_ON_PLATES = """
WITH d AS (SELECT * FROM unnest(%(plates)s::uuid[], %(buckets)s::uuid[], %(units)s::int[]) AS d(plate, bucket, units)),
gone AS (
    DELETE FROM stock_plateunits AS u USING d WHERE u.plate_id = d.plate AND u.bucket_id = d.bucket AND d.units = 0
)
INSERT INTO stock_plateunits (plate_id, bucket_id, units) SELECT plate, bucket, units FROM d WHERE units > 0
ON CONFLICT (plate_id, bucket_id) DO UPDATE SET units = excluded.units
"""

_LOCK_POSITIONS = """
SELECT p.sku_id, p.node_id, p.owner_id::int, p.sellable, p.reserved + p.allocated
FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[]) AS k(sku, node, owner)
JOIN stock_position AS p ON p.sku_id = k.sku AND p.node_id = k.node AND p.owner_id = k.owner
ORDER BY p.sku_id, p.node_id, p.owner_id FOR UPDATE OF p
"""

# Positions are locked in key order before any is changed, so that two batches never wait for each other in a circle.
# What leaves to those whom it was promised changes nothing that others may have.
_UPDATE_POSITIONS = f"""
WITH d AS MATERIALIZED (
    SELECT p.sku_id, p.node_id, p.owner_id, d.sellable, d.fulfilled
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(companies)s::smallint[],
                %(sellable)s::int[], %(fulfilled)s::int[]) AS d(sku, node, owner, company, sellable, fulfilled)
    JOIN stock_position AS p ON p.sku_id = d.sku AND p.node_id = d.node AND p.owner_id = d.owner
    ORDER BY p.sku_id, p.node_id, p.owner_id FOR UPDATE OF p
), moved AS (
    UPDATE stock_position AS p SET sellable = p.sellable + d.sellable, allocated = p.allocated - d.fulfilled
    FROM d WHERE p.sku_id = d.sku_id AND p.node_id = d.node_id AND p.owner_id = d.owner_id
    RETURNING p.sku_id, p.node_id, p.owner_id::int, d.sellable + d.fulfilled AS freed
), changed AS (SELECT sku_id, freed > 0 AS freed FROM moved WHERE freed <> 0), marked AS ({MARK_CHANGED})
SELECT sku_id, node_id, owner_id FROM moved
"""

_INSERT_POSITIONS = f"""
WITH changed AS (
    INSERT INTO stock_position (sku_id, node_id, owner_id, company_id, sellable, allocated, reserved, safety, fenced)
    SELECT sku, node, owner, company, sellable, 0, 0, 0, 0
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[], %(companies)s::smallint[],
                %(sellable)s::int[], %(fulfilled)s::int[]) AS d(sku, node, owner, company, sellable, fulfilled)
    ORDER BY sku, node, owner
    ON CONFLICT (sku_id, node_id, owner_id) DO UPDATE SET sellable = stock_position.sellable + excluded.sellable
    RETURNING sku_id, true AS freed
)
{MARK_CHANGED}
"""

# Locked in id order, as everybody locks them: `keep_for_orders` locks no position before.
_RESERVATIONS = """
WITH locked AS MATERIALIZED (
    SELECT r.*
    FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[]) AS k(sku, node, owner)
    JOIN stock_reservation AS r ON r.sku_id = k.sku AND r.node_id = k.node AND r.owner_id = k.owner
    ORDER BY r.id FOR UPDATE OF r
)
SELECT id, sku_id, node_id, owner_id::int, channel_id, quantity, fenced FROM locked
ORDER BY order_id IS NOT NULL, expires_at DESC, reserved_at DESC, id
"""

_PROMISES = """
SELECT a.id, a.quantity, a.released, a.priority::int, a.promise_at, a.ordered_at,
       a.order_id, a.line_id, a.sku_id, a.node_id, a.owner_id::int, a.fulfillment_id
FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[], %(owners)s::smallint[]) AS k(sku, node, owner)
JOIN stock_allocation AS a ON a.sku_id = k.sku AND a.node_id = k.node AND a.owner_id = k.owner
ORDER BY a.id FOR UPDATE OF a
"""

# Found one by one by their key and then by their place, as in `fulfill`: between two batches the table is empty, and a
# join that is planned for an empty table compares every promise with every row. The caller has locked the promises or
# their positions in an earlier statement, so the place found is the one that this statement sees. What is kept of each
# is looked up in a sorted array, not in rows, for the same reason.
_FREE_ALLOCATIONS = f"""
WITH d AS MATERIALIZED (
    SELECT a.place, a.id, a.sku_id, a.node_id, a.owner_id, a.channel_id, d.units, a.quantity - d.units AS rest,
           GREATEST(0, a.fenced - (a.quantity - d.units)) AS from_fence
    FROM (SELECT * FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS u(id, units) ORDER BY id) AS d
    CROSS JOIN LATERAL (
        SELECT ctid AS place, id, sku_id, node_id, owner_id, channel_id, quantity, fenced FROM stock_allocation
        WHERE id = d.id FOR UPDATE) AS a
),
gone AS (DELETE FROM stock_allocation WHERE ctid = ANY(ARRAY(SELECT place FROM d WHERE rest = 0))),
kept AS MATERIALIZED (
    SELECT array_agg(id ORDER BY id) AS ids, array_agg(rest ORDER BY id) AS rests, array_agg(place) AS places
    FROM d WHERE rest > 0
),
less AS (
    UPDATE stock_allocation AS a
    SET (quantity, released, fenced) = (
        SELECT rest, LEAST(a.released, rest), LEAST(a.fenced, rest)
        FROM (SELECT rests[width_bucket(a.id, ids)] AS rest FROM kept) AS one)
    WHERE ctid = ANY((SELECT places FROM kept)::tid[])
),
total AS MATERIALIZED (
    SELECT sku_id, node_id, owner_id, sum(units) AS units, sum(from_fence) AS from_fence FROM d GROUP BY 1, 2, 3
),
locked AS MATERIALIZED (
    SELECT p.sku_id, p.node_id, p.owner_id, total.units, total.from_fence
    FROM total JOIN stock_position AS p USING (sku_id, node_id, owner_id)
    ORDER BY p.sku_id, p.node_id, p.owner_id FOR UPDATE OF p
),
changed AS (
    UPDATE stock_position AS p SET allocated = p.allocated - locked.units, fenced = p.fenced + locked.from_fence
    FROM locked WHERE (p.sku_id, p.node_id, p.owner_id) = (locked.sku_id, locked.node_id, locked.owner_id)
    RETURNING p.sku_id, %(is_free)s::boolean AS freed
), marked AS ({MARK_CHANGED})
SELECT sku_id, node_id, owner_id::int, channel_id, sum(from_fence)::int
FROM d GROUP BY 1, 2, 3, 4
"""

_LOCK_SERIALS = """
SELECT count(pg_advisory_xact_lock(hashtextextended('stock.serials ' || sku, 0)))
FROM (SELECT sku FROM unnest(%(skus)s::uuid[]) AS k(sku) ORDER BY sku) AS locked
"""
