"""Which units may go to another order, what they bear, and which orders may become one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.orders import errors
from entrepot.orders.rules import CANCELLED_FROM, GOODS, Frozen

MOVABLE = CANCELLED_FROM
"""Places from which units go to another order, in this order: those that nobody has promised first."""


class Divisible(NamedTuple):
    """A line as it was found."""

    kind: str
    quantity: int
    cancelled: int
    open: int
    backordered: int
    allocated: int
    frozen: Frozen
    part_of: str = ""  # what it can't be taken from: a kit, or the line that it is sent instead of

    @property
    def movable(self) -> int:
        return self.open + self.backordered + self.allocated

    @property
    def stands(self) -> Frozen:
        """What the units that are not cancelled bear."""
        return self.frozen.of_units(self.quantity, 0, self.quantity - self.cancelled)


class Part(NamedTuple):
    """Units of a line that go, by the places they stand in, and what they take with them."""

    line: Any
    units: int
    places: dict[str, int]
    goes: Frozen
    is_whole: bool


def cut(line: Divisible, units: int) -> Frozen:
    """What the last units of a line that are not cancelled bear.

    Amounts are split evenly with the larger parts first (`money.of_units`), so the units that stay bear what they bore
    before, one by one, whatever has left or was cancelled of them already.
    """
    return line.frozen.of_units(line.quantity, line.quantity - line.cancelled - units, units)


def less(whole: Frozen, part: Frozen) -> Frozen:
    return Frozen(*(a - b for a, b in zip(whole, part, strict=True)))


def decide_split(
    order: str, lines: Mapping[Any, Divisible], wanted: Sequence[tuple[Any, int]]
) -> list[Part] | Refused:
    """The parts that go to a new order; some goods stay with the old one."""
    if not wanted:
        return Invalid(field="lines", expected="units that go", found="nothing")
    parts: dict[Any, Part] = {}
    for key, units in wanted:
        line = lines.get(key)
        if line is None:
            return NotFound(what="line of the order", which=str(key))
        if line.kind != GOODS:
            return Invalid(field="line", expected="goods: what is a charge stays", found=line.kind)
        if line.part_of:
            return Invalid(
                field="line", expected="goods that stand alone", found=Said("part of {0}", line.part_of)
            )
        if key in parts or units < 1:
            return Invalid(
                field="lines", expected="each line once, at least 1 unit", found=Said("{0} units", units)
            )
        if units > line.movable:
            return errors.NotToSplit(order=order, expected=units, found=line.movable)
        parts[key] = Part(key, units, _places(line, units), cut(line, units), units == line.quantity)
    standing = sum(one.quantity - one.cancelled for one in lines.values() if one.kind == GOODS)
    if standing == sum(part.units for part in parts.values()):
        return errors.NothingStays(order=order)
    return list(parts.values())


def _places(line: Divisible, units: int) -> dict[str, int]:
    taken = {}
    for place in MOVABLE:
        here = min(units, getattr(line, place))
        if here:
            taken[place] = here
            units -= here
    return taken


def share_promotions(amounts: Sequence[int], discount: int, goes: int) -> list[int]:
    """What goes of each promotion with `goes` of a discount: neither side's promotions exceed its discount."""
    whole = sum(amounts)
    if not whole or not discount:
        return [0] * len(amounts)
    return money.share((2 * whole * goes + discount) // (2 * discount), amounts)


def money_that_goes(borne: int, stays: int, taken: int, capturable: int) -> int | None:
    """How much of an authorization goes with units that bear `borne`; None where what was taken is beyond what `stays`.

    The old order keeps what it still has to take; what is missing is missing at the new one.
    """
    if taken > stays:
        return None
    return max(0, min(borne, capturable - (stays - taken)))


class Alike(NamedTuple):
    """What orders must have in common to become one: the same words mean the same everywhere they are read."""

    company: Any
    channel: Any
    customer: Any
    currency: str
    country: str
    postal_code: str
    address: str  # a digest of the vault's row, so that nobody's street is read
    service: str
    demand: str
    policy: str
    campaign: str
    substitutes: str = ""
    billing: str = ""  # a digest, as of the address


def difference(one: Alike, other: Alike) -> str:
    """The first thing in which two orders differ, or ''."""
    return next((name for name, a, b in zip(Alike._fields, one, other, strict=True) if a != b), "").replace(
        "_", " "
    )


class Mergeable(NamedTuple):
    """What may keep an order that nothing holds from becoming part of another."""

    has_customer: bool
    late: int  # units that are released to the warehouse or beyond
    taken: int  # captured, or being captured


def why_no_merge(one: Mergeable) -> str:
    """Why an order can't be merged; '' where it can."""
    if not one.has_customer:
        return "nobody knows whose it is"
    if one.late:
        return f"{one.late} of its units {'is' if one.late == 1 else 'are'} with the warehouse or gone"
    if one.taken:
        return "its payment was captured"
    return ""
