"""What becomes of a transfer's lines, and of the plates that they stand on, when some of it has come. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID


class Coming(NamedTuple):
    """Units of a transfer line that are still on their way; on a `plate`, or loose."""

    line: UUID
    sku: UUID
    lot: str
    serial: str
    plate: UUID | None
    units: int
    days: int | None = None
    """For how many days after today its lot keeps; None: for ever."""


@dataclass(frozen=True, slots=True)
class ArrivedUnits:
    """What became of a transfer's units of one SKU: received, lost on the way, or come `damaged` and not for sale.
    Without a bin they go to where the node takes goods in. Those of a `plate` stay on it; without one they are loose,
    and what of them was sent on a plate is taken off it."""

    sku: UUID
    bin: UUID | None
    received: int
    lost: int = 0
    lot: str = ""
    damaged: int = 0
    serial: str = ""
    plate: UUID | None = None

    @property
    def units(self) -> int:
        return self.received + self.damaged + self.lost


@dataclass(slots=True)
class Unloaded:
    """What was told, line by line of the transfer. `off`: plates that have lost some of what stood on them, or stand in
    the node now while some of theirs is still on its way: what is no longer on them, by (plate, SKU, lot, serial)."""

    told: list[ArrivedUnits]
    left: dict[UUID, int]
    arrived: dict[UUID, int] = field(default_factory=dict)
    lost: dict[UUID, int] = field(default_factory=dict)
    off: dict[tuple[UUID, UUID, str, str], int] = field(default_factory=dict)
    loosened: list[UUID] = field(default_factory=list)
    """Lines of which the rest is not on its plate any more."""

    @property
    def touched(self) -> set[UUID]:
        return self.arrived.keys() | self.lost.keys()


class TooMany(NamedTuple):
    """More was told of goods than is still on its way of them."""

    sku: UUID
    told: int
    left: int


def with_rest(
    coming: Sequence[Coming], lines: Sequence[ArrivedUnits], plates: Sequence[UUID], rest: str
) -> list[ArrivedUnits]:
    """The lines; what stands on `plates`, which came whole; and all that neither names, where `rest` says that it was
    received or lost. What was sent on a plate comes on it."""
    told = [*lines, *(_whole(one) for one in coming if one.units and one.plate in plates)]
    found = unload(coming, told) if rest else None
    if not isinstance(found, Unloaded):
        return told
    of_rest = [one._replace(units=found.left[one.line]) for one in coming if found.left[one.line]]
    off = set(found.loosened)
    return told + [
        _whole(one._replace(plate=None) if one.line in off else one, is_lost=rest == "lost")
        for one in of_rest
    ]


def _whole(one: Coming, *, is_lost: bool = False) -> ArrivedUnits:
    came, lost = (0, one.units) if is_lost else (one.units, 0)
    return ArrivedUnits(one.sku, None, came, lost, one.lot, serial=one.serial, plate=one.plate)


def unload(coming: Sequence[Coming], told: Sequence[ArrivedUnits]) -> Unloaded | TooMany:
    """Book what was told on the lines of a transfer: of loose goods on those that were sent loose first. A plate of
    which only a part has come stands in the node with that; what is missing comes loose, if it comes."""
    found = Unloaded(list(told), {one.line: one.units for one in coming})
    for one in told:
        beyond = _book(found, coming, one)
        if beyond:
            return TooMany(one.sku, one.units, one.units - beyond)
    standing = {one.plate for one in told if one.plate and one.received + one.damaged}
    for line in coming:
        if line.plate in standing and found.left[line.line]:
            _take_off(found, line, found.left[line.line])
            found.loosened.append(line.line)
    return found


def _book(found: Unloaded, coming: Sequence[Coming], one: ArrivedUnits) -> int:
    """Book units on the lines that they may be of; how many are left over."""
    arrived, lost = one.received + one.damaged, one.lost
    fitting = [line for line in coming if (line.sku, line.lot, line.serial) == (one.sku, one.lot, one.serial)]
    if one.plate:
        fitting = [line for line in fitting if line.plate == one.plate]
    for line in sorted(fitting, key=lambda line: line.plate is not None):
        some = min(arrived, found.left[line.line])
        gone = min(lost, found.left[line.line] - some)
        if not some + gone:
            continue
        found.left[line.line] -= some + gone
        found.arrived[line.line] = found.arrived.get(line.line, 0) + some
        found.lost[line.line] = found.lost.get(line.line, 0) + gone
        arrived, lost = arrived - some, lost - gone
        if line.plate and not one.plate:
            _take_off(found, line, some + gone)
    return arrived + lost


def _take_off(found: Unloaded, line: Coming, units: int) -> None:
    assert line.plate is not None
    key = (line.plate, line.sku, line.lot, line.serial)
    found.off[key] = found.off.get(key, 0) + units
