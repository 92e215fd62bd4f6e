"""First in, first out: what came stands as layers, and leaves in their order. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money

METHODS = ("average", "fifo")
NEW = 2**63


class Piece(NamedTuple):
    """Units with their value, since when we have them, and the document that brought them: a layer or a part of one."""

    acquired_at: datetime
    document: UUID
    quantity: int
    value: int


@dataclass(slots=True)
class Layer:
    """What is left of units that came together. `id` is `NEW` for one that this batch begins."""

    id: int
    acquired_at: datetime
    document: UUID
    quantity: int
    value: int
    written: int = 0
    """By how much it is below its cost."""

    def __lt__(self, other: Layer) -> bool:
        return (self.acquired_at, self.id) < (other.acquired_at, other.id)

    def take(self, units: int) -> Piece:
        """Units out of the layer at its cost, halves up; the last one takes what is left."""
        assert 0 < units <= self.quantity
        worth = (2 * self.value * units + self.quantity) // (2 * self.quantity)
        self.written -= money.nearest(self.written * units, self.quantity)
        self.quantity, self.value = self.quantity - units, self.value - worth
        return Piece(self.acquired_at, self.document, units, worth)


class Incoming(NamedTuple):
    """Units that leave (below zero), or come as pieces."""

    quantity: int
    pieces: Sequence[Piece] = ()


def run(layers: list[Layer], moves: Iterable[Incoming]) -> list[tuple[Piece, ...]]:
    """The pieces that each move takes or brings. `layers`, in their order, change with them; used up ones stay there,
    empty."""
    return [_leave(layers, -one.quantity) if one.quantity < 0 else _come(layers, one.pieces) for one in moves]


def _come(layers: list[Layer], pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    for piece in pieces:
        if piece.quantity:
            insort(layers, Layer(NEW, *piece))
    return tuple(pieces)


def _leave(layers: list[Layer], units: int) -> tuple[Piece, ...]:
    pieces = []
    for layer in layers:
        if not units:
            break
        if layer.quantity:
            piece = layer.take(min(units, layer.quantity))
            units -= piece.quantity
            pieces.append(piece)
    assert not units, f"{units} units issued beyond what stands in layers"
    return tuple(pieces)


def worth(pieces: Iterable[Piece]) -> int:
    return sum(piece.value for piece in pieces)


def part_on_hand(amount: int, units: int, on_hand: int) -> int:
    """Of a cost of units the part that those bear which are still there; the rest belongs to those that are gone."""
    return money.share(amount, (on_hand, units - on_hand))[0]


def add(amount: int, standing: Sequence[tuple[int, int]]) -> list[int]:
    """A cost spread over what stands there, as (units, value), by units and to the last minor unit. A credit takes no
    more from any than it is worth."""
    shares = money.share(amount, [units for units, _ in standing])
    return [max(share, -value) for share, (_, value) in zip(shares, standing, strict=True)]


def at_most(quantity: int, value: int, written: int, unit: Decimal) -> tuple[int, int]:
    """Value and what it is below cost, at the lower of cost and what so many units bring."""
    brings = money.round_half_away(unit * quantity)
    after = min(value + written, brings)
    return after, value + written - after


def left_below_cost(quantity: int, written: int, moves: Iterable[int]) -> int:
    """What is left of a write-down after a run of moves (units in, or −out): what leaves takes its part along, and what
    comes bears none of it."""
    for units in moves:
        if units < 0:
            written -= money.nearest(written * -units, quantity)
        quantity += units
    return written
