"""Goods go from one node to another: they belong to the destination while on their way, at the origin's cost, and are
expected there until they have come or are lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.stock import errors, rules
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.expect import Expect, expect
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
    """A transfer that leaves the origin now; expected after the usual days where nobody says when."""

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

    What it carries is expected at the destination, so that who waits there is promised a date.
    Locks: positions, then buckets. Refuses: NotPlaceable, Insufficient, NotThere. Again: by key. 20 statements.
    """
    positions = lock_positions((r.company, line.sku) for r in requests for line in r.lines)
    sources = {(r.company, r.from_node, line): _source(r, line) for r in requests for line in r.lines}
    buckets = lock_buckets(sources.values())
    left = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    free = {key: max(0, position.free - position.fenced) for key, position in positions.items()}

    answers: list[TransferShipped | Refused] = []
    sent: list[_Sent] = []
    numbers = iter(ids.numbers("TR", len(requests)))
    for r in requests:
        refusal = _refusal(r, left, free)
        if refusal:
            answers.append(refusal)
            continue
        for line in r.lines:
            left[_source(r, line)] -= line.quantity
            free[line.sku, r.from_node] -= line.quantity
        one = _sent(cause, r, next(numbers))
        sent.append(one)
        announce(
            cause, [Event("transfer", one.transfer, r.company, "", "in_transit", r.occurred_at or cause.at)]
        )
        answers.append(TransferShipped(one.transfer, one.number))
    sql.write("stock_transfer", _COLUMNS, [one.row for one in sent])
    sql.write("stock_transferline", _LINE_COLUMNS, [line for one in sent for line in one.lines])
    expect(cause, requests=[line for one in sent for line in one.coming])
    move_units(cause, [move for one in sent for move in one.moves], buckets)
    return answers


class _Sent(NamedTuple):
    """A transfer as it is written: its rows, what is expected of it, and its moves."""

    transfer: UUID
    number: str
    row: tuple[Any, ...]
    lines: list[tuple[Any, ...]]
    coming: list[Expect]
    moves: list[Move]


def _sent(cause: Cause, r: ShipTransfer, number: str) -> _Sent:
    transfer, at = ids.uuid7(), r.occurred_at or cause.at
    expected_at = r.expected_at or at + timedelta(days=rules.TRANSFER_DAYS)
    row = (
        transfer, number, r.company, r.from_node, r.to_node, "in_transit", cause.actor.name, at, expected_at,
    )  # fmt: skip
    sent = _Sent(transfer, number, row, [], [], [])
    for line in r.lines:
        line_id = ids.uuid7()
        sent.lines.append((line_id, transfer, line.sku, line.lot, line.quantity, 0, 0))
        sent.coming.append(Expect(
            r.company, line_id, line.sku, r.to_node, "transfer", transfer, line.quantity, expected_at.date(),
        ))  # fmt: skip
        sent.moves.append(Move(
            r.company, line.sku, line.quantity, _source(r, line),
            At(line.sku, r.to_node, None, r.company, "in_transit", line.lot),
            "transfer", "transfer", transfer, at, "stock.transfer_out", line_id,
        ))  # fmt: skip
    return sent


@dataclass(frozen=True, slots=True)
class ArrivedUnits:
    """What became of a transfer's units of one SKU: received, lost on the way, or come `damaged` and not for sale.
    Without a bin they go to where the node takes goods in."""

    sku: UUID
    bin: UUID | None
    received: int
    lost: int = 0
    lot: str = ""
    damaged: int = 0

    @property
    def units(self) -> int:
        return self.received + self.damaged + self.lost


@dataclass(frozen=True, slots=True)
class ReceiveTransfer:
    """Goods of a transfer that arrive, all or in part; `rest` is what became of all that the lines do not name:
    `received`, `lost`, or still on its way. What is lost or damaged has a `reason`."""

    transfer: UUID
    lines: tuple[ArrivedUnits, ...] = ()
    rest: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TransferReceived:
    """Units received, lost and come damaged now."""

    transfer: UUID
    state: str
    received: int
    lost: int
    damaged: int = 0


@command("stock.receive_transfer")
def receive_transfer(
    cause: Cause, /, *, requests: Sequence[ReceiveTransfer]
) -> list[TransferReceived | Refused]:
    """Take goods off a transfer; it is closed when nothing is left on its way. Losses are written off.

    What is left keeps its date.
    Locks: the transfers in id order, then as `move_units`. Refuses: NotFound, TransferClosed, NotPlaceable (no bin;
    no reason for what is lost or damaged).
    Again: by key. 18 statements, 1 more where some of a line is left, 1 where a bin is left open.
    """
    wanted = [request.transfer for request in requests]
    transfers = {row[0]: row[1:] for row in sql.run(_LOCK, {"ids": wanted})}
    under_way: dict[UUID, _UnderWay] = defaultdict(lambda: defaultdict(list))
    for line, transfer, sku, lot, units in sql.run(_UNDER_WAY, {"ids": wanted}):
        under_way[transfer][sku, lot].append((line, units))
    usual = _usual_bins(requests, transfers)

    answers: list[TransferReceived | Refused] = []
    moves: list[Move] = []
    arrived, closed = [], []
    to_come: dict[UUID, Expect] = {}
    for r in requests:
        if r.transfer not in transfers:
            answers.append(NotFound(what="transfer", which=str(r.transfer)))
            continue
        number, company, node, state = transfers[r.transfer]
        lines = _with_rest(r, under_way[r.transfer])
        refusal = _misfit(r, lines, number, under_way[r.transfer], usual.get(node))
        if refusal:
            answers.append(refusal)
            continue
        at = r.occurred_at or cause.at
        for line in lines:
            target = At(line.sku, node, line.bin or usual.get(node), company, "sellable", line.lot)
            moves += _off(r.transfer, line, target, at)
            open_ = under_way[r.transfer][line.sku, line.lot]
            arrived += _spread(open_, line.received + line.damaged, line.lost)
            for one, units in open_:
                to_come[one] = Expect(company, one, line.sku, node, "transfer", r.transfer, units, None)
        left = sum(units for open_ in under_way[r.transfer].values() for _, units in open_)
        new = state if left else "received"
        if not left:
            closed.append((r.transfer, at))
        announce(cause, [Event("transfer", r.transfer, company, state, new, at, reason=r.reason)])
        answers.append(_received(r.transfer, new, lines))
    if arrived:
        sql.run(_ARRIVE, sql.columns(("ids", "received", "lost"), arrived))
    if closed:
        sql.run(_CLOSE, sql.columns(("ids", "times"), closed))
    expect(cause, requests=list(to_come.values()))
    move_units(cause, moves)
    return answers


def _off(transfer: UUID, line: ArrivedUnits, target: At, at: datetime) -> Iterator[Move]:
    """What came of a line to its bin, and what is lost of it out of the house."""
    source = target._replace(bin=None, status="in_transit")
    for units, to, reason, event in (
        (line.received, target, "transfer", "stock.transfer_in"),
        (line.damaged, target._replace(status="damaged"), "damaged in transit", "stock.transfer_in"),
        (line.lost, ADJUSTMENT, "lost in transit", "stock.transfer_lost"),
    ):
        if units:
            yield Move(target.owner, line.sku, units, source, to, reason, "transfer", transfer, at, event)


_UnderWay = dict[tuple[UUID, str], list[tuple[UUID, int]]]
"""Lines of a transfer with the units that are still on their way, by SKU and lot."""


def _usual_bins(
    requests: Sequence[ReceiveTransfer], transfers: Mapping[UUID, tuple[Any, ...]]
) -> dict[UUID, UUID]:
    """Where nodes take goods in, as far as a request leaves it open. 1 statement where one does."""
    open_ = [r for r in requests if r.rest == "received" or any(line.bin is None for line in r.lines)]
    nodes = {transfers[r.transfer][2] for r in open_ if r.transfer in transfers}
    return dict(sql.run(_USUAL, {"nodes": list(nodes)})) if nodes else {}  # type: ignore[arg-type]


def _with_rest(r: ReceiveTransfer, under_way: _UnderWay) -> list[ArrivedUnits]:
    """The lines, and one for each SKU and lot of which some is left that they do not name."""
    if not r.rest:
        return list(r.lines)
    named: dict[tuple[UUID, str], int] = defaultdict(int)
    for line in r.lines:
        named[line.sku, line.lot] += line.units
    rest = {key: sum(units for _, units in lines) - named[key] for key, lines in under_way.items()}
    came = r.rest == "received"
    return [
        *r.lines,
        *(
            ArrivedUnits(sku, None, units if came else 0, 0 if came else units, lot)
            for (sku, lot), units in rest.items()
            if units > 0
        ),
    ]


def _misfit(
    r: ReceiveTransfer, lines: Sequence[ArrivedUnits], number: str, under_way: _UnderWay, usual: UUID | None
) -> Refused | None:
    """Why a receipt can't be one."""
    if r.rest not in ("", "received", "lost"):
        return errors.NotPlaceable(field="rest", expected="received, lost or nothing", found=r.rest)
    if not lines:
        return errors.NotPlaceable(
            field="lines", expected=Said("units that {0} has on their way", number), found="none"
        )
    if not r.reason and any(line.lost or line.damaged for line in lines):
        return errors.NotPlaceable(field="reason", expected="why units are lost or damaged", found="nothing")
    if usual is None and any(line.units > line.lost and line.bin is None for line in lines):
        return errors.NotPlaceable(
            field="bin", expected="a bin, or a node that has one for receipts", found="none"
        )
    return _too_many(lines, number, under_way)


def _received(transfer: UUID, state: str, lines: Sequence[ArrivedUnits]) -> TransferReceived:
    received, lost = sum(line.received for line in lines), sum(line.lost for line in lines)
    return TransferReceived(transfer, state, received, lost, sum(line.damaged for line in lines))


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
                wanted=units,
                sku=str(source.sku),
                where=Said("bin {0}", source.bin),
                found=left.get(source, 0),
            )
    return None


def _too_many(lines: Sequence[ArrivedUnits], number: str, under_way: _UnderWay) -> Refused | None:
    reported: dict[tuple[UUID, str], int] = defaultdict(int)
    for line in lines:
        if min(line.received, line.lost, line.damaged) < 0:
            return errors.NotPlaceable(field="units", expected="none below zero", found=str(line))
        reported[line.sku, line.lot] += line.units
    for key, units in reported.items():
        found = sum(left for _, left in under_way.get(key, ()))
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

# A node without a bin of its own for receipts takes them straight to where it picks.
_USUAL = """
SELECT DISTINCT ON (node_id) node_id, id FROM network_bin
WHERE node_id = ANY(%(nodes)s::uuid[]) AND kind IN ('receiving', 'pick', 'reserve')
ORDER BY node_id, array_position(ARRAY['receiving', 'pick', 'reserve'], kind), pick_sequence, code
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
