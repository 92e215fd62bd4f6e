"""Goods go from one node to another: they belong to the destination while on their way, at the origin's cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.stock import errors
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.move import ADJUSTMENT, At, Move, lock_buckets, move_units


@dataclass(frozen=True, slots=True)
class TransferUnits:
    """Units of one SKU that leave a bin."""

    sku: UUID
    bin: UUID
    quantity: int
    lot: str = ""


@dataclass(frozen=True, slots=True)
class ShipTransfer:
    """A transfer that leaves the origin now."""

    company: int
    from_node: UUID
    to_node: UUID
    lines: tuple[TransferUnits, ...]
    expected_at: datetime | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TransferShipped:
    transfer: UUID
    number: str


@command("stock.ship_transfer")
def ship_transfer(cause: Cause, /, *, requests: Sequence[ShipTransfer]) -> list[TransferShipped | Refused]:
    """Send goods to another node; only units that nobody was promised and no pick has a claim on.

    Locks: positions, then buckets. Refuses: NotPlaceable, Insufficient, NotThere. Again: by key. About 14 statements.
    """
    positions = lock_positions((r.company, line.sku) for r in requests for line in r.lines)
    sources = {(r.company, r.from_node, line): _source(r, line) for r in requests for line in r.lines}
    buckets = lock_buckets(sources.values())
    left = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    free = {key: max(0, position.free - position.fenced) for key, position in positions.items()}

    answers: list[TransferShipped | Refused] = []
    rows, line_rows, moves = [], [], []
    numbers = iter(ids.numbers("TR", len(requests)))
    for r in requests:
        refusal = _refusal(r, left, free)
        if refusal:
            answers.append(refusal)
            continue
        transfer, number, at = ids.uuid7(), next(numbers), r.occurred_at or cause.at
        rows.append(
            (
                transfer,
                number,
                r.company,
                r.from_node,
                r.to_node,
                "in_transit",
                cause.actor.name,
                at,
                r.expected_at,
            )
        )
        for line in r.lines:
            source = _source(r, line)
            target = At(line.sku, r.to_node, None, r.company, "in_transit", line.lot)
            left[source] -= line.quantity
            free[line.sku, r.from_node] -= line.quantity
            line_id = ids.uuid7()
            line_rows.append((line_id, transfer, line.sku, line.lot, line.quantity, 0, 0))
            moves.append(
                Move(
                    r.company,
                    line.sku,
                    line.quantity,
                    source,
                    target,
                    "transfer",
                    "transfer",
                    transfer,
                    at,
                    "stock.transfer_out",
                    line_id,
                )
            )
        announce(cause, [Event("transfer", transfer, r.company, "", "in_transit", at)])
        answers.append(TransferShipped(transfer, number))
    sql.write("stock_transfer", _COLUMNS, rows)
    sql.write("stock_transferline", _LINE_COLUMNS, line_rows)
    move_units(cause, moves, buckets)
    return answers


@dataclass(frozen=True, slots=True)
class ArrivedUnits:
    """What became of a transfer's units of one SKU: received into a bin, or lost on the way."""

    sku: UUID
    bin: UUID
    received: int
    lost: int = 0
    lot: str = ""


@dataclass(frozen=True, slots=True)
class ReceiveTransfer:
    """Goods of a transfer that arrive, all or in part."""

    transfer: UUID
    lines: tuple[ArrivedUnits, ...]
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TransferReceived:
    transfer: UUID
    state: str
    received: int
    lost: int


@command("stock.receive_transfer")
def receive_transfer(
    cause: Cause, /, *, requests: Sequence[ReceiveTransfer]
) -> list[TransferReceived | Refused]:
    """Take goods off a transfer; it is closed when nothing is left on its way. Losses are written off.

    Locks: the transfers in id order, then as `move_units`. Refuses: NotFound, TransferClosed. Again: by key.
    About 12 statements.
    """
    wanted = [request.transfer for request in requests]
    transfers = {row[0]: row[1:] for row in sql.run(_LOCK, {"ids": wanted})}
    under_way: dict[UUID, dict[tuple[UUID, str], list[tuple[UUID, int]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for line, transfer, sku, lot, units in sql.run(_UNDER_WAY, {"ids": wanted}):
        under_way[transfer][sku, lot].append((line, units))

    answers: list[TransferReceived | Refused] = []
    moves, arrived, closed = [], [], []
    for r in requests:
        if r.transfer not in transfers:
            answers.append(NotFound(what="transfer", which=str(r.transfer)))
            continue
        number, company, node, state = transfers[r.transfer]
        refusal = _too_many(r, number, under_way[r.transfer])
        if refusal:
            answers.append(refusal)
            continue
        at = r.occurred_at or cause.at
        for line in r.lines:
            source = At(line.sku, node, None, company, "in_transit", line.lot)
            target = At(line.sku, node, line.bin, company, "sellable", line.lot)
            if line.received:
                moves.append(
                    Move(
                        company,
                        line.sku,
                        line.received,
                        source,
                        target,
                        "transfer",
                        "transfer",
                        r.transfer,
                        at,
                        "stock.transfer_in",
                    )
                )
            if line.lost:
                moves.append(
                    Move(
                        company,
                        line.sku,
                        line.lost,
                        source,
                        ADJUSTMENT,
                        "lost in transit",
                        "transfer",
                        r.transfer,
                        at,
                        "stock.transfer_lost",
                    )
                )
            arrived += _spread(under_way[r.transfer][line.sku, line.lot], line.received, line.lost)
        left = sum(units for lines in under_way[r.transfer].values() for _, units in lines)
        new = state if left else "received"
        if not left:
            closed.append((r.transfer, at))
        announce(cause, [Event("transfer", r.transfer, company, state, new, at)])
        received, lost = sum(line.received for line in r.lines), sum(line.lost for line in r.lines)
        answers.append(TransferReceived(r.transfer, new, received, lost))
    if arrived:
        sql.run(_ARRIVE, sql.columns(("ids", "received", "lost"), arrived))
    if closed:
        sql.run(_CLOSE, sql.columns(("ids", "times"), closed))
    move_units(cause, moves)
    return answers


def _source(request: ShipTransfer, line: TransferUnits) -> At:
    return At(line.sku, request.from_node, line.bin, request.company, "sellable", line.lot)


def _refusal(r: ShipTransfer, left: dict[At, int], free: dict[tuple[UUID, UUID], int]) -> Refused | None:
    if r.from_node == r.to_node or not r.lines or any(line.quantity < 1 for line in r.lines):
        expected, found = "units between two different nodes", f"{len(r.lines)} lines from {r.from_node}"
        return errors.NotPlaceable(field="transfer", expected=expected, found=found)
    wanted: dict[UUID, int] = defaultdict(int)
    from_bin: dict[At, int] = defaultdict(int)
    for line in r.lines:
        wanted[line.sku] += line.quantity
        from_bin[_source(r, line)] += line.quantity
    for sku, units in wanted.items():
        there = free.get((sku, r.from_node), 0)
        if there < units:
            return errors.Insufficient(sku=str(sku), node=str(r.from_node), wanted=units, free=there)
    for source, units in from_bin.items():
        if left.get(source, 0) < units:
            return errors.NotThere(
                wanted=units, sku=str(source.sku), where=f"bin {source.bin}", found=left.get(source, 0)
            )
    return None


def _too_many(
    r: ReceiveTransfer, number: str, under_way: dict[tuple[UUID, str], list[tuple[UUID, int]]]
) -> Refused | None:
    reported: dict[tuple[UUID, str], int] = defaultdict(int)
    for line in r.lines:
        if line.received < 0 or line.lost < 0:
            return errors.NotPlaceable(field="units", expected="none below zero", found=str(line))
        reported[line.sku, line.lot] += line.received + line.lost
    for key, units in reported.items():
        found = sum(left for _, left in under_way[key])
        if units > found:
            return errors.TransferClosed(number=number, sku=str(key[0]), wanted=units, found=found)
    return None


def _spread(lines: list[tuple[UUID, int]], received: int, lost: int) -> list[tuple[UUID, int, int]]:
    """Book arrivals on the transfer's lines in turn; what is left of each stays in the list."""
    booked = []
    for i, (line, left) in enumerate(lines):
        units_in = min(left, received)
        units_lost = min(left - units_in, lost)
        received, lost = received - units_in, lost - units_lost
        lines[i] = (line, left - units_in - units_lost)
        booked.append((line, units_in, units_lost))
    return [row for row in booked if row[1] or row[2]]


_COLUMNS = (
    "id", "number", "company_id", "from_node_id", "to_node_id", "state", "shipped_by", "shipped_at", "expected_at",
)  # fmt: skip
_LINE_COLUMNS = ("id", "transfer_id", "sku_id", "lot", "quantity", "received", "lost")

_LOCK = """
SELECT id, number, company_id::int, to_node_id, state FROM stock_transfer WHERE id = ANY(%(ids)s::uuid[])
ORDER BY id FOR UPDATE
"""

_UNDER_WAY = """
SELECT id, transfer_id, sku_id, lot, quantity - received - lost FROM stock_transferline
WHERE transfer_id = ANY(%(ids)s::uuid[]) ORDER BY id
"""

_ARRIVE = """
UPDATE stock_transferline AS l SET received = l.received + d.received, lost = l.lost + d.lost
FROM (SELECT id, sum(received)::int AS received, sum(lost)::int AS lost
      FROM unnest(%(ids)s::uuid[], %(received)s::int[], %(lost)s::int[]) AS d(id, received, lost) GROUP BY id) AS d
WHERE l.id = d.id
"""

_CLOSE = """
UPDATE stock_transfer AS t SET state = 'received', closed_at = d.at
FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) AS d(id, at) WHERE t.id = d.id
"""
