"""Put goods away: from where they were received to where they are picked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.network.queries import bins_named
from entrepot.network.rules import bin_out
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.move import At, Move, lock_buckets, move_units
from entrepot.stock.errors import NotThere
from entrepot.warehouse.errors import WrongBin


@dataclass(frozen=True, slots=True)
class PutAway:
    """Units of a SKU from one bin of a node to another: to store them, to move them, or to fill a pick face.

    `scanned` is what was read at the bin they were put into. `plate`: they stand on it and go with it.
    """

    company: int
    sku: UUID
    from_bin: UUID
    to_bin: UUID
    quantity: int
    status: str = "sellable"
    lot: str = ""
    serial: str = ""
    scanned: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    why: Literal["put_away", "move", "replenish"] = "put_away"
    plate: UUID | None = None


@dataclass(frozen=True, slots=True)
class UnitsPutAway:
    """The document that the move names."""

    document: UUID
    quantity: int


@command("warehouse.put_away")
def put_away(cause: Cause, /, *, requests: Sequence[PutAway]) -> list[UnitsPutAway | Refused]:
    """The units stand in the other bin; orders that waited for them there are ready for release again.

    Promises are not touched; units that a pick has a claim on stay. What leaves a blocked bin may be sold again.
    Locks: the bins, the positions of what leaves a blocked one, then the buckets of both bins, in id order.
    Refuses: NotFound (bin, also one scanned); warehouse.wrong_bin
    (another one was scanned); network.bin_out; Invalid; stock.not_there.
    Again: by key. 8 statements; 1 more where another bin was scanned, 1 where a bin is blocked.
    """
    rows = sql.run(_BINS, {"ids": list({place for one in requests for place in (one.from_bin, one.to_bin)})})
    bins = {bin_id: node for bin_id, node, _, _ in rows}
    misread = _misread(requests, bins, {bin_id: code for bin_id, _, code, _ in rows})
    out = {bin_id: full for bin_id, _, code, kind in rows if (full := bin_out(code, kind))}
    sources = [_at(one, one.from_bin, bins.get(one.from_bin)) for one in requests]
    targets = [_at(one, one.to_bin, bins.get(one.to_bin)) for one in requests]
    blocked = {bin_id for bin_id, _, _, kind in rows if kind == "blocked"}
    freed = [one and _freed(one, blocked) for one in sources]
    if any(freed):
        lock_positions((at.owner, at.sku) for at in freed if at)
    buckets = lock_buckets(end for end in (*sources, *targets, *freed) if end)
    left = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    sources = [
        other if other and left.get(other, 0) >= one.quantity else source
        for one, source, other in zip(requests, sources, freed, strict=True)
    ]

    answers: list[UnitsPutAway | Refused] = []
    moves = []
    for i, (one, source, target) in enumerate(zip(requests, sources, targets, strict=True)):
        if source is None or target is None:
            answers.append(NotFound(what="bin", which=str(one.from_bin if source is None else one.to_bin)))
        elif i in misread or one.to_bin in out:
            answers.append(misread.get(i) or out[one.to_bin])
        elif one.quantity < 1 or source.node != target.node or source == target:
            found = f"{one.quantity} units from {one.from_bin} to {one.to_bin}"
            answers.append(
                Invalid(field="put away", expected="units between two bins of a node", found=found)
            )
        elif left.get(source, 0) < one.quantity:
            where, there = f"bin {one.from_bin}", left.get(source, 0)
            answers.append(NotThere(wanted=one.quantity, sku=str(one.sku), where=where, found=there))
        else:
            left[source] -= one.quantity
            document, at = ids.uuid7(), one.occurred_at or cause.at
            moves.append(
                Move(
                    one.company,
                    one.sku,
                    one.quantity,
                    source,
                    target,
                    one.why,
                    "put_away",
                    document,
                    at,
                    plate=one.plate,
                )
            )
            told = {"sku": one.sku, "units": one.quantity}
            why = "" if one.why == "put_away" else one.why
            announce(cause, [Event("put_away", document, one.company, "", "done", at, told, why)])
            answers.append(UnitsPutAway(document, one.quantity))
    move_units(cause, moves, buckets)
    _wake(moves)
    return answers


def _misread(
    requests: Sequence[PutAway], bins: dict[UUID, UUID], codes: dict[UUID, str]
) -> dict[int, Refused]:
    """By place, why what was scanned is not the bin that the goods go to: another one, or none at all."""
    others = {
        i: one
        for i, one in enumerate(requests)
        if one.scanned and one.to_bin in codes and one.scanned.strip() != codes[one.to_bin]
    }
    if not others:
        return {}
    asked = {(bins[one.to_bin], one.scanned.strip()) for one in others.values()}
    known = bins_named(asked)
    return {
        i: WrongBin(found=one.scanned.strip(), expected=codes[one.to_bin])
        if (bins[one.to_bin], one.scanned.strip()) in known
        else NotFound(what="bin of this node", which=one.scanned.strip())
        for i, one in others.items()
    }


def _at(one: PutAway, bin_id: UUID, node: UUID | None) -> At | None:
    status = "sellable" if one.status == "blocked" else one.status
    return None if node is None else At(one.sku, node, bin_id, one.company, status, one.lot, one.serial)


def _freed(source: At, blocked: Collection[UUID]) -> At | None:
    """What stands in a blocked bin, and may be sold again where it is put."""
    return (
        source._replace(status="blocked") if source.bin in blocked and source.status == "sellable" else None
    )


def _wake(moves: Sequence[Move]) -> None:
    """Offer the orders with promises on these SKUs and nodes that are not on the floor yet."""
    pairs: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for move in moves:
        assert isinstance(move.target, At)
        if move.target.status == "sellable":
            pairs[move.sku, move.target.node] += move.quantity
    if pairs:
        offer("release", sql.run(_WAITING, sql.columns(("skus", "nodes"), list(pairs))))  # type: ignore[arg-type]


# Shared: nobody retires a bin while something is put into it.
_BINS = """
SELECT id, node_id, code, kind FROM network_bin WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR SHARE
"""

_WAITING = """
SELECT a.order_id, max(a.priority)::int, min(COALESCE(a.promise_at, a.ordered_at))
FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[]) AS k(sku, node)
JOIN stock_allocation AS a ON a.sku_id = k.sku AND a.node_id = k.node AND a.quantity > a.released
GROUP BY a.order_id
"""
