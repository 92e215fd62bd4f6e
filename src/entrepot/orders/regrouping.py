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
    shipping_window: str = ""  # its days, and the part of which less is not sent


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
        return Said("nobody knows whose it is")
    if one.late == 1:
        return Said("1 of its units is with the warehouse or gone")
    if one.late:
        return Said("{0} of its units are with the warehouse or gone", one.late)
    if one.taken:
        return Said("its payment was captured")
    return ""


class Beside(NamedTuple):
    """An order of a customer who has others, as far as it hangs on that whether they become one."""

    is_held: bool
    may: Mergeable
    alike: Alike


def why_not_now(one: Beside) -> str:
    """Why an order can't become one with any other now; '' where it can."""
    return Said("something holds it") if one.is_held else why_no_merge(one.may)


def why_apart(one: Beside, into: Beside) -> str:
    """Why an order can't become part of another now; '' where it can."""
    what = difference(one.alike, into.alike)
    return why_not_now(one) or (APART[what.replace(" ", "_")] if what else "")


APART = {
    "company": Said("it is another company's"),
    "channel": Said("it came by another channel"),
    "customer": Said("it is another customer's"),
    "currency": Said("it is in another currency"),
    "country": Said("it goes to another country"),
    "postal_code": Said("it goes to another postal code"),
    "address": Said("it goes to another address"),
    "service": Said("another shipping service was chosen for it"),
    "demand": Said("it is demand of another kind"),
    "policy": Said("what happens where stock is short was chosen otherwise"),
    "campaign": Said("it came by another campaign"),
    "substitutes": Said("its customer said otherwise about substitutes"),
    "billing": Said("its invoice goes to another address"),
    "shipping_window": Said("it leaves on other days"),
}
"""What to say of an order that differs from another in each of these."""
