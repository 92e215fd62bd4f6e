"""Where goods that came are put, and why there. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from uuid import UUID

from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.shapes import shape

CLASSES = ("A", "B", "C")
K = TypeVar("K", bound=Hashable)


@shape("warehouse.put_away")
@dataclass(frozen=True, slots=True)
class PutAwayPolicy:
    """How SKUs are told apart by how often they are picked: A at the best bins, then B, then C."""

    days: int = 28
    """Days of picks that are looked at."""
    a_percent: int = 80
    """The SKUs that are picked most, together this percent of all picks, are A."""
    b_percent: int = 15
    """The next, together this percent of all picks, are B; the rest is C."""

    def __post_init__(self) -> None:
        if self.days < 1 or min(self.a_percent, self.b_percent) < 0 or self.a_percent + self.b_percent > 100:
            raise ValueError(
                "days: expected 1 or more; a_percent and b_percent: 0 or more, together 100 at most"
            )


def classes(picks: Mapping[K, int], policy: PutAwayPolicy) -> dict[K, str]:
    """The velocity class of each: what is picked most often first, until each class has its share of all picks.

    Equally often picked ones have one class.
    """
    total = sum(picks.values())
    bounds = (policy.a_percent * total, (policy.a_percent + policy.b_percent) * total)
    found: dict[K, str] = {}
    before, last, last_class = 0, -1, "C"
    for key, count in sorted(picks.items(), key=lambda one: -one[1]):
        if count != last:
            reached = before * 100
            last_class = "A" if reached < bounds[0] else "B" if reached < bounds[1] else "C"
            last = count
        found[key] = last_class
        before += count
    return found


class Goods(NamedTuple):
    """Units of one SKU and lot that wait to be put away; a volume of 0: nobody has measured."""

    sku: UUID
    lot: str
    quantity: int
    unit_ml: float = 0
    velocity: str = ""
    pallet_units: int = 0
    """Units of a whole pallet; 0: it comes on none."""


@dataclass(slots=True)
class Shelf:
    """A bin as it stands, kept up to date while suggestions are made: how far it is, for whom it is kept, what it holds
    by (SKU, lot), and how much of its volume is taken. A volume of 0 has no limit."""

    bin: UUID
    code: str
    far: float
    fixed_for: UUID | None = None
    velocity: str = ""
    volume_ml: int = 0
    taken_ml: float = 0
    holds: frozenset[tuple[UUID, str]] = frozenset()
    kind: str = ""

    def room(self, goods: Goods) -> int:
        """Units that fit."""
        if not self.volume_ml or not goods.unit_ml:
            return goods.quantity
        return max(0, int((self.volume_ml - self.taken_ml) // goods.unit_ml))


class Choice(NamedTuple):
    """Units for a bin, and why it is this one."""

    bin: UUID
    code: str
    quantity: int
    rule: str
    why: str


WHOLE = "whole pallet"
RULES = ("fixed", "same lot", "same SKU", "velocity", "nearest")
"""Why a bin is chosen, the better reason first."""


def suggest(goods: Goods, shelves: Sequence[Shelf]) -> list[Choice]:
    """Bins for all units that fit somewhere, the best first: the SKU's own bin, where the same lot or SKU stands, then
    free ones, nearest first, of the SKU's velocity class before others. Whole pallets go before the rest, each into one
    bin of reserve.

    Two lots of a SKU stand in one bin only where it is the SKU's own. What is chosen is taken off the shelves.
    """
    pallets = goods.quantity // goods.pallet_units * goods.pallet_units if goods.pallet_units else 0
    reserve = [shelf for shelf in shelves if shelf.kind == "reserve"]
    chosen = _filled(goods, reserve, pallets, goods.pallet_units) if pallets else []
    return [*chosen, *_filled(goods, shelves, goods.quantity - total(chosen), 1)]


def suggest_whole(goods: Goods, shelves: Sequence[Shelf]) -> Choice | None:
    """The best bin that takes all the units together, one of reserve before others; None where none does, and then
    nothing is taken off the shelves."""
    fits = [shelf for shelf in shelves if shelf.room(goods) >= goods.quantity]
    reserve = [shelf for shelf in fits if shelf.kind == "reserve"]
    chosen = _filled(goods, reserve, goods.quantity, goods.quantity)
    return next(iter(chosen or _filled(goods, fits, goods.quantity, 1)), None)


def _filled(goods: Goods, shelves: Sequence[Shelf], left: int, size: int) -> list[Choice]:
    """The best bins for units that go in pieces of one size, as far as they fit."""
    ranked = sorted(
        (rank, shelf.far, shelf.code, i)
        for i, shelf in enumerate(shelves)
        if (rank := _rank(goods, shelf)) is not None
    )
    chosen: list[Choice] = []
    for (rule, _), far, _, i in ranked:
        shelf = shelves[i]
        units = min(left, shelf.room(goods)) // size * size
        if units < 1:
            continue
        why = _why(RULES[rule], goods, shelf, far)
        if size > 1:
            why = Said("whole pallets of {0}; {1}", size, why)
        chosen.append(Choice(shelf.bin, shelf.code, units, WHOLE if size > 1 else RULES[rule], why))
        shelf.taken_ml += units * goods.unit_ml
        shelf.holds |= {(goods.sku, goods.lot)}
        left -= units
        if not left:
            break
    return chosen


def _rank(goods: Goods, shelf: Shelf) -> tuple[int, int] | None:
    """The place of a bin's reason among RULES, and how far its class is from the SKU's; None where it can't be used."""
    if shelf.fixed_for is not None:
        return (RULES.index("fixed"), 0) if shelf.fixed_for == goods.sku else None
    if shelf.holds:
        if any(sku != goods.sku for sku, _ in shelf.holds):
            return None
        if shelf.holds == {(goods.sku, goods.lot)}:
            return RULES.index("same lot" if goods.lot else "same SKU"), 0
        return None
    if goods.velocity and shelf.velocity == goods.velocity:
        return RULES.index("velocity"), 0
    return RULES.index("nearest"), _apart(goods.velocity, shelf.velocity)


def _apart(one: str, other: str) -> int:
    """How many classes lie between; a bin or SKU without a class is as near as the next one."""
    return abs(CLASSES.index(one) - CLASSES.index(other)) if one and other else 1


def _why(rule: str, goods: Goods, shelf: Shelf, far: float) -> Said:
    told = {
        "fixed": Said("kept for this SKU"),
        "same lot": Said("holds lot {0}", goods.lot),
        "same SKU": Said("holds this SKU"),
        "velocity": Said("free, for class {0}, {1} away", goods.velocity, f"{far:.0f}"),
        "nearest": Said("the nearest free one, {0} away", f"{far:.0f}"),
    }
    if not shelf.volume_ml or not goods.unit_ml:
        return told[rule]
    return Said("{0}, room for {1}", told[rule], shelf.room(goods))


def misfit_slot(velocity: str, volume_ml: int) -> Refused | None:
    """Why a bin can't be kept so."""
    if velocity not in ("", *CLASSES):
        return Invalid(
            field="velocity", expected=Said("one of {0}, or none", ", ".join(CLASSES)), found=velocity
        )
    if not 0 <= volume_ml < 2**31:
        return Invalid(field="volume_ml", expected="milliliters, 0 for no limit", found=volume_ml)
    return None


def total(choices: Iterable[Choice]) -> int:
    return sum(one.quantity for one in choices)
