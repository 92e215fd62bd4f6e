"""Goods go from one node to another: they belong to the destination while on their way, at the origin's cost, and are
expected there until they have come or are lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.catalog import queries as catalog
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.network.queries import bins_out
from entrepot.stock import errors, rules
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.expect import Expect, expect
from entrepot.stock.commands.move import ADJUSTMENT, At, Move, lock_buckets, move_units
from entrepot.stock.commands.plates import (
    OnPlate,
    Plate,
    content_of,
    hold_plates,
    lock_content,
    see_plates,
    set_content,
    set_pallets,
)
from entrepot.stock.expiry import Expiry
from entrepot.stock.unloading import ArrivedUnits, Coming, TooMany, Unloaded, unload, with_rest


@dataclass(frozen=True, slots=True)
class TransferUnits:
    """Units of one SKU that leave a bin."""

    sku: UUID
    bin: UUID
    quantity: int
    lot: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class ShipTransfer:
    """A transfer that leaves the origin now, with units of bins and whole `plates`; expected after the usual days where
    nobody says when. The cartons on a pallet go with it."""

    company: int
    from_node: UUID
    to_node: UUID
    lines: tuple[TransferUnits, ...] = ()
    expected_at: datetime | None = None
    occurred_at: datetime | None = None
    key: str | None = None
    plates: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class TransferShipped:
    transfer: UUID
    number: str


class _Leaving(NamedTuple):
    """Units that leave a bucket; on a plate where they stand on one."""

    source: At
    quantity: int
    plate: UUID | None = None


@command("stock.ship_transfer")
def ship_transfer(cause: Cause, /, *, requests: Sequence[ShipTransfer]) -> list[TransferShipped | Refused]:
    """Send goods to another node; only units that nobody was promised and no pick has a claim on. Plates go whole, and
    are received whole.

    What it carries is expected at the destination, so that who waits there is promised a date.
    Locks: the numbers of plates in their order, positions, then buckets. Refuses: NotPlaceable, Insufficient, NotThere;
    stock.plate_not_here; stock.plate_not_sellable. Again: by key. 20 statements; 10 more where plates are sent, 1 where
    a carton leaves its pallet.
    """
    plates, content = _lock_plates(requests)
    positions = lock_positions(
        [(r.company, line.sku) for r in requests for line in r.lines]
        + [(one.at.owner, one.at.sku) for parts in content.values() for one in parts]
    )
    if plates:
        content = lock_content(plates)
    leaving = [_leaving(r, content) for r in requests]
    buckets = lock_buckets(one.source for lines in leaving for one in lines)
    left = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    free = {key: max(0, position.free - position.fenced) for key, position in positions.items()}

    answers: list[TransferShipped | Refused] = []
    sent: list[_Sent] = []
    gone: set[UUID] = set()
    alone: dict[UUID, UUID | None] = {}
    numbers = iter(ids.numbers("TR", len(requests)))
    for r, lines in zip(requests, leaving, strict=True):
        refusal = _misfit_plates(r, plates, content, gone) or _refusal(r, lines, left, free)
        if refusal:
            answers.append(refusal)
            continue
        gone.update(r.plates, (part.plate for plate in r.plates for part in content[plate]))
        alone |= {plate: None for plate in r.plates if plates[plate].on_plate not in {None, *r.plates}}
        for one in lines:
            left[one.source] -= one.quantity
            free[one.source.sku, r.from_node] -= one.quantity
        shipped = _sent(cause, r, lines, next(numbers))
        sent.append(shipped)
        _announce(cause, r, shipped, content)
        answers.append(TransferShipped(shipped.transfer, shipped.number))
    sql.write("stock_transfer", _COLUMNS, [one.row for one in sent])
    sql.write("stock_transferline", _LINE_COLUMNS, [line for one in sent for line in one.lines])
    expect(cause, requests=[line for one in sent for line in one.coming])
    move_units(cause, [move for one in sent for move in one.moves], buckets)
    see_plates(gone, cause.at)
    set_pallets(alone)
    return answers


def _lock_plates(
    requests: Sequence[ShipTransfer],
) -> tuple[dict[UUID, Plate], dict[UUID, list[OnPlate]]]:
    """The plates that are sent, their numbers locked, with what stands on them; its buckets are locked after the
    positions. 4 statements; none for none."""
    wanted = {plate for r in requests for plate in r.plates}
    if not wanted:
        return {}, {}
    return hold_plates(wanted), content_of(wanted)


def _leaving(r: ShipTransfer, content: Mapping[UUID, Sequence[OnPlate]]) -> list[_Leaving]:
    """What a transfer takes from which bucket: what stands on plates, and then what is loose."""
    whole = {
        (part.plate, part.bucket): _Leaving(part.at, part.units, part.plate)
        for plate in r.plates
        for part in content.get(plate, ())
    }
    return [*whole.values(), *(_Leaving(_source(r, line), line.quantity) for line in r.lines)]


def _misfit_plates(
    r: ShipTransfer,
    plates: Mapping[UUID, Plate],
    content: Mapping[UUID, Sequence[OnPlate]],
    gone: Collection[UUID],
) -> Refused | None:
    """Why plates can't be sent: they hold nothing, stand elsewhere, or something on them is not for sale."""
    for which in r.plates:
        plate = plates.get(which)
        if plate is None or plate.company != r.company:
            return NotFound(what="plate", which=str(which))
        if plate.node != r.from_node or plate.bin is None or which in gone:
            where = plate.bin_code or (
                "on its way" if plate.node or which in gone else "nowhere: it holds nothing"
            )
            return errors.PlateNotHere(plate=plate.number, where=where)
        parts = content.get(which, ())  # somebody may have taken the last unit since the plate was read
        if not parts or any(part.plate in gone for part in parts):
            where = "on its way" if parts else "nowhere: it holds nothing"
            return errors.PlateNotHere(plate=plate.number, where=where)
        for part in parts:
            if part.at.status != "sellable":
                return errors.PlateNotSellable(plate=plate.number, units=part.units, status=part.at.status)
    return None


class _Sent(NamedTuple):
    """A transfer as it is written: its rows, what is expected of it, and its moves."""

    transfer: UUID
    number: str
    row: tuple[Any, ...]
    lines: list[tuple[Any, ...]]
    coming: list[Expect]
    moves: list[Move]


def _sent(cause: Cause, r: ShipTransfer, lines: Sequence[_Leaving], number: str) -> _Sent:
    transfer, at = ids.uuid7(), r.occurred_at or cause.at
    expected_at = r.expected_at or at + timedelta(days=rules.TRANSFER_DAYS)
    row = (
        transfer, number, r.company, r.from_node, r.to_node, "in_transit", cause.actor.name, at, expected_at,
    )  # fmt: skip
    sent = _Sent(transfer, number, row, [], [], [])
    for source, quantity, plate in lines:
        line_id = ids.uuid7()
        sent.lines.append((line_id, transfer, source.sku, source.lot, source.serial, plate, quantity, 0, 0))
        sent.coming.append(Expect(
            r.company, line_id, source.sku, r.to_node, "transfer", transfer, quantity, expected_at.date(),
        ))  # fmt: skip
        sent.moves.append(Move(
            r.company, source.sku, quantity, source, _on_its_way(source, r.to_node, r.company), "transfer", "transfer",
            transfer, at, "stock.transfer_out", line_id, plate=plate,
        ))  # fmt: skip
    return sent


def _announce(cause: Cause, r: ShipTransfer, sent: _Sent, content: Mapping[UUID, Sequence[OnPlate]]) -> None:
    """The transfer has left, and so have its plates and the cartons on them."""
    at = r.occurred_at or cause.at
    # A carton may be named beside its pallet, and its units are told of it once.
    on_it = {
        (one, part.plate, part.bucket): part
        for plate in r.plates
        for part in content[plate]
        for one in (plate, part.plate)
    }
    units: dict[UUID, int] = defaultdict(int)
    bins: dict[UUID, UUID | None] = {}
    for (one, _, _), part in on_it.items():
        units[one] += part.units
        bins[one] = part.at.bin
    plates = [
        Event(
            "plate", plate, r.company, occurred_at=at, reason="transfer",
            payload={"units": units[plate], "from": bins[plate], "document": sent.transfer},
        )
        for plate in units
    ]  # fmt: skip
    announce(cause, [Event("transfer", sent.transfer, r.company, "", "in_transit", at), *plates])


def _on_its_way(one: At, to_node: UUID, company: int) -> At:
    return At(one.sku, to_node, None, company, "in_transit", one.lot, one.serial)


@dataclass(frozen=True, slots=True)
class ReceiveTransfer:
    """Goods of a transfer that arrive, all or in part; `plates` have come whole, with all that was sent on them. `rest`
    is what became of all that neither names: `received`, `lost`, or still on its way. What is lost or damaged has a
    `reason`."""

    transfer: UUID
    lines: tuple[ArrivedUnits, ...] = ()
    rest: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    reason: str = ""
    plates: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class TransferReceived:
    """Units received, lost and come damaged now. `expired` of those received may not be sold any more."""

    transfer: UUID
    state: str
    received: int
    lost: int
    damaged: int = 0
    expired: int = 0


class _Transfer(NamedTuple):
    number: str
    company: int
    node: UUID
    state: str


class _Arrival(NamedTuple):
    """A receipt as it is written."""

    request: ReceiveTransfer
    transfer: _Transfer
    becomes: Mapping[tuple[UUID, str], str]
    """What units of each lot are when they have come: for sale, unless its day came before them."""
    coming: Sequence[Coming]
    unloaded: Unloaded
    pallets: Mapping[UUID, UUID | None]
    """The pallet of each plate of the transfer; None where it stands by itself."""
    apart: Collection[UUID]
    """Cartons that do not come with all that was sent on their pallet, and stand by themselves now."""

    @property
    def after(self) -> str:
        """The state that the transfer is in from then on."""
        return self.transfer.state if any(self.unloaded.left.values()) else "received"


@command("stock.receive_transfer")
def receive_transfer(
    cause: Cause, /, *, requests: Sequence[ReceiveTransfer]
) -> list[TransferReceived | Refused]:
    """Take goods off a transfer; it is closed when nothing is left on its way. Losses are written off. What was sent on
    a plate comes on it, unless it is named without; a plate of which a part is missing stands there with the rest.
    Lots whose day came on the way, by the policy `warehouse.expiry`, are not for sale there.

    What is left keeps its date.
    Locks: the transfers in id order, the numbers of plates in their order, then as `move_units`.
    Refuses: NotFound, TransferClosed, NotPlaceable (no bin; no reason for what is lost or damaged; a plate into two
    bins); network.bin_out; stock.plate_not_coming. Again: by key. 19 statements, 1 more where some of a line is left, 1
    where bins are named, 1 where one is left open, 7 where plates come, 1 where a carton leaves its pallet, 4 where
    something is taken off plates, 1 where too much is told.
    """
    wanted = [request.transfer for request in requests]
    transfers = {row[0]: _Transfer(*row[1:]) for row in sql.run(_LOCK, {"ids": wanted})}
    out = bins_out({line.bin for r in requests for line in r.lines if line.bin})
    coming, pallets = _coming(cause.at, wanted)
    usual = _usual_bins(requests, transfers)
    rules_of = policies.of_companies({one.company for one in transfers.values()}, Expiry, cause.at)

    answers: list[TransferReceived | Refused] = []
    arrivals: list[_Arrival] = []
    for r in requests:
        full = next((out[line.bin] for line in r.lines if line.bin in out), None)
        found = full or _unloaded(r, transfers, rules_of, coming, pallets, usual)
        if isinstance(found, Refused):
            answers.append(found)
            continue
        # The next receipt of the batch sees what is left by this one.
        loosened = set(found.unloaded.loosened)
        coming[r.transfer] = [
            one._replace(
                units=found.unloaded.left[one.line], plate=None if one.line in loosened else one.plate
            )
            for one in found.coming
        ]
        pallets |= dict.fromkeys(found.apart)
        arrivals.append(found)
        answers.append(_received(found))
    _write_arrivals(cause, arrivals, usual)
    return answers


def _coming(
    at: datetime, transfers: Sequence[UUID]
) -> tuple[dict[UUID, list[Coming]], dict[UUID, UUID | None]]:
    """What is on its way of locked transfers, and the pallet of each of its plates; their numbers are locked. 1
    statement; 4 more where there are plates."""
    coming: dict[UUID, list[Coming]] = defaultdict(list)
    for transfer, *line in sql.run(_UNDER_WAY, {"ids": transfers, "at": at}):
        coming[transfer].append(Coming(*line))
    plates = {one.plate for lines in coming.values() for one in lines if one.plate}
    held = hold_plates(plates) if plates else {}
    return coming, {plate: one.on_plate for plate, one in held.items()}


def _unloaded(
    r: ReceiveTransfer,
    transfers: Mapping[UUID, _Transfer],
    rules_of: Mapping[int, tuple[int, Expiry]],
    coming: Mapping[UUID, Sequence[Coming]],
    pallets: Mapping[UUID, UUID | None],
    usual: Mapping[UUID, UUID],
) -> _Arrival | Refused:
    """What a receipt does to its transfer, or why it can't be one."""
    if r.transfer not in transfers:
        return NotFound(what="transfer", which=str(r.transfer))
    transfer, on_the_way = transfers[r.transfer], coming.get(r.transfer, ())
    held = {line.plate for line in on_the_way if line.plate and line.units}
    if any(one not in held and one not in {pallets[plate] for plate in held} for one in r.plates):
        return errors.PlateNotComing(number=transfer.number)
    whole = [plate for plate in held if plate in r.plates or pallets[plate] in r.plates]
    if any(min(one.received, one.lost, one.damaged) < 0 for one in r.lines):
        return errors.NotPlaceable(field="units", expected="none below zero", found=str(r.lines))
    lines = with_rest(on_the_way, r.lines, whole, r.rest)
    refusal = _misfit(r, lines, transfer.number, usual.get(transfer.node))
    if refusal:
        return refusal
    found = unload(on_the_way, lines)
    if isinstance(found, TooMany):
        sku = catalog.skus_by_id([found.sku]).get(found.sku)
        code = sku.code if sku else str(found.sku)
        return errors.TransferClosed(number=transfer.number, sku=code, wanted=found.told, found=found.left)
    rule = rules_of[transfer.company][1]
    becomes = {(line.sku, line.lot): rule.status_of(line.days) for line in on_the_way}
    return _Arrival(r, transfer, becomes, on_the_way, found, pallets, _apart(on_the_way, found, pallets))


def _apart(coming: Sequence[Coming], found: Unloaded, pallets: Mapping[UUID, UUID | None]) -> list[UUID]:
    """Cartons of pallets of which some comes now and some does not, or into another bin."""
    bins: dict[UUID, set[UUID | None]] = defaultdict(set)
    for told in found.told:
        if told.plate and told.units > told.lost:
            bins[pallets[told.plate] or told.plate].add(told.bin)
    left = {
        pallets[line.plate] or line.plate
        for line in coming
        if line.plate and found.left[line.line] and line.line not in found.loosened
    }
    torn = {pallet for pallet, places in bins.items() if len(places) > 1 or pallet in left}
    return [plate for plate, pallet in pallets.items() if pallet in torn]


def _write_arrivals(cause: Cause, arrivals: Sequence[_Arrival], usual: Mapping[UUID, UUID]) -> None:
    moves: list[Move] = []
    arrived: list[tuple[UUID, int, int]] = []
    to_come: dict[UUID, Expect] = {}
    closed: dict[UUID, datetime] = {}
    seen: set[UUID] = set()
    alone: dict[UUID, UUID | None] = {}
    for one in arrivals:
        r, (_, company, node, state), found = one.request, one.transfer, one.unloaded
        at = r.occurred_at or cause.at
        arrived += [(line, found.arrived.get(line, 0), found.lost.get(line, 0)) for line in found.touched]
        to_come |= {
            line.line: Expect(
                company, line.line, line.sku, node, "transfer", r.transfer, found.left[line.line], None
            )
            for line in one.coming
            if line.line in found.touched
        }
        for line in found.told:
            bin_ = line.bin or usual.get(node)
            target = At(
                line.sku,
                node,
                bin_,
                company,
                one.becomes.get((line.sku, line.lot), "sellable"),
                line.lot,
                line.serial,
            )
            moves += _off(r.transfer, line, target, at)
        if one.after == "received":
            closed[r.transfer] = at
        came = _plates_came(one, at, usual)
        seen.update(event.subject for event in came)
        alone |= dict.fromkeys(one.apart)
        announce(
            cause, [Event("transfer", r.transfer, company, state, one.after, at, reason=r.reason), *came]
        )
    _take_off_plates(arrivals)
    if arrived:
        sql.run(_ARRIVE, sql.columns(("ids", "received", "lost"), arrived))
    if closed:
        sql.run(_CLOSE, sql.columns(("ids", "times"), list(closed.items())))
    expect(cause, requests=list(to_come.values()))
    move_units(cause, moves)
    see_plates(seen, cause.at)
    set_pallets(alone)


def _plates_came(one: _Arrival, at: datetime, usual: Mapping[UUID, UUID]) -> list[Event]:
    """What came on each plate, and where it stands."""
    units: dict[UUID, int] = defaultdict(int)
    bins: dict[UUID, UUID | None] = {}
    for line in one.unloaded.told:
        if line.plate and line.units > line.lost:
            pallet = None if line.plate in one.apart else one.pallets[line.plate]
            for plate in (line.plate, pallet) if pallet else (line.plate,):
                units[plate] += line.units - line.lost
                bins[plate] = line.bin or usual.get(one.transfer.node)
    return [
        Event(
            "plate", plate, one.transfer.company, occurred_at=at, reason="transfer",
            payload={"units": number, "to": bins[plate], "document": one.request.transfer},
        )
        for plate, number in units.items()
    ]  # fmt: skip


def _take_off_plates(arrivals: Sequence[_Arrival]) -> None:
    """What came loose, or is still on its way while its plate has come, is on no plate any more. 5 statements; none for
    none."""
    less: dict[tuple[UUID, At], int] = defaultdict(int)
    loosened: list[UUID] = []
    for one in arrivals:
        loosened += one.unloaded.loosened
        for (plate, sku, lot, serial), units in one.unloaded.off.items():
            at = At(sku, one.transfer.node, None, one.transfer.company, "in_transit", lot, serial)
            less[plate, at] -= units
    if not less:
        return
    lock_positions({(at.owner, at.sku) for _, at in less})
    buckets = lock_buckets({at for _, at in less})
    set_content({(plate, buckets[at].id): units for (plate, at), units in less.items()})
    if loosened:
        sql.run(_LOOSEN, {"ids": loosened})


def _off(transfer: UUID, line: ArrivedUnits, target: At, at: datetime) -> Iterator[Move]:
    """What came of a line to its bin, and what is lost of it out of the house."""
    source = target._replace(bin=None, status="in_transit")
    for units, to, reason, event in (
        (
            line.received,
            target,
            "transfer" if target.status == "sellable" else "expired",
            "stock.transfer_in",
        ),
        (line.damaged, target._replace(status="damaged"), "damaged in transit", "stock.transfer_in"),
        (line.lost, ADJUSTMENT, "lost in transit", "stock.transfer_lost"),
    ):
        if units:
            yield Move(
                target.owner, line.sku, units, source, to, reason, "transfer", transfer, at, event, plate=line.plate
            )  # fmt: skip


def _usual_bins(requests: Sequence[ReceiveTransfer], transfers: Mapping[UUID, _Transfer]) -> dict[UUID, UUID]:
    """Where nodes take goods in, as far as a request leaves it open. 1 statement where one does."""
    open_ = [
        r for r in requests if r.rest == "received" or r.plates or any(line.bin is None for line in r.lines)
    ]
    nodes = {transfers[r.transfer].node for r in open_ if r.transfer in transfers}
    return dict(sql.run(_USUAL, {"nodes": list(nodes)})) if nodes else {}  # type: ignore[arg-type]


def _misfit(
    r: ReceiveTransfer, lines: Sequence[ArrivedUnits], number: str, usual: UUID | None
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
    bins: dict[UUID, UUID | None] = {}
    for line in lines:
        where = line.bin or usual
        if line.plate and line.units > line.lost and bins.setdefault(line.plate, where) != where:
            return errors.NotPlaceable(field="bin", expected="one for all of a plate", found="several")
    return None


def _received(one: _Arrival) -> TransferReceived:
    lines = one.unloaded.told
    return TransferReceived(
        one.request.transfer, one.after, sum(line.received for line in lines), sum(line.lost for line in lines),
        sum(line.damaged for line in lines),
        sum(line.received for line in lines if one.becomes.get((line.sku, line.lot), "sellable") != "sellable"),
    )  # fmt: skip


def _source(request: ShipTransfer, line: TransferUnits) -> At:
    return At(line.sku, request.from_node, line.bin, request.company, "sellable", line.lot, line.serial)


def _refusal(
    r: ShipTransfer, lines: Sequence[_Leaving], left: dict[At, int], free: dict[tuple[UUID, UUID], int]
) -> Refused | None:
    if r.from_node == r.to_node or not lines or any(one.quantity < 1 for one in lines):
        expected, found = "units between two different nodes", f"{len(lines)} lines from {r.from_node}"
        return errors.NotPlaceable(field="transfer", expected=expected, found=found)
    wanted: dict[UUID, int] = defaultdict(int)
    from_bin: dict[At, int] = defaultdict(int)
    for source, quantity, _ in lines:
        wanted[source.sku] += quantity
        from_bin[source] += quantity
    for sku, units in wanted.items():
        there = free.get((sku, r.from_node), 0)
        if there < units:
            return errors.Insufficient(
                sku=str(sku), node=Said("node {0}", r.from_node), wanted=units, free=there
            )
    for source, units in from_bin.items():
        if left.get(source, 0) < units:
            return errors.NotThere(
                wanted=units,
                sku=str(source.sku),
                where=Said("bin {0}", source.bin),
                found=left.get(source, 0),
            )
    return None


_COLUMNS = (
    "id", "number", "company_id", "from_node_id", "to_node_id", "state", "shipped_by", "shipped_at", "expected_at",
)  # fmt: skip
_LINE_COLUMNS = ("id", "transfer_id", "sku_id", "lot", "serial", "plate_id", "quantity", "received", "lost")

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

# A day ends when it ends at the node.
_UNDER_WAY = """
SELECT l.transfer_id, l.id, l.sku_id, l.lot, l.serial, l.plate_id, l.quantity - l.received - l.lost,
       b.expires_on - (%(at)s::timestamptz AT TIME ZONE n.time_zone)::date
FROM stock_transferline AS l JOIN stock_transfer AS t ON t.id = l.transfer_id
JOIN network_node AS n ON n.id = t.to_node_id
LEFT JOIN stock_bucket AS b ON b.sku_id = l.sku_id AND b.node_id = t.to_node_id AND b.bin_id IS NULL AND b.lot = l.lot
 AND b.serial = l.serial AND b.status = 'in_transit' AND b.owner_id = t.company_id
WHERE l.transfer_id = ANY(%(ids)s::uuid[]) ORDER BY l.id
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

_LOOSEN = "UPDATE stock_transferline SET plate_id = NULL WHERE id = ANY(%(ids)s::uuid[])"
