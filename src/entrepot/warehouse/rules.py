"""Decisions of the warehouse: which bins to pick from, and which carton to pack in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from entrepot.catalog.rules import first_misfit, is_code, not_negative
from entrepot.kernel.errors import Refused
from entrepot.warehouse.cartons import OWN, Carton


class Shelf(Protocol):
    """Units in a bin that no pick has a claim on yet."""

    @property
    def bucket(self) -> UUID: ...
    @property
    def bin_kind(self) -> str: ...
    @property
    def pick_sequence(self) -> int: ...
    @property
    def lot(self) -> str: ...
    @property
    def expires_on(self) -> date | None: ...


S = TypeVar("S", bound=Shelf)
T = TypeVar("T")
K = TypeVar("K")
P = TypeVar("P")


def in_pick_order(shelves: Iterable[S], today: date) -> list[S]:
    """Shelves in the order in which they are emptied: first expired first out, the pick face before reserve, then
    along the way. What has expired is not picked."""
    return sorted((one for one in shelves if one.expires_on is None or one.expires_on >= today), key=_order)


def _order(shelf: Shelf) -> tuple[date, bool, int, str, UUID]:
    return (
        shelf.expires_on or date.max,
        shelf.bin_kind != "pick",
        shelf.pick_sequence,
        shelf.lot,
        shelf.bucket,
    )


def plan_picks(
    wanted: int, shelves: Sequence[S], left: Mapping[UUID, int], sizes: Collection[int] = ()
) -> tuple[list[tuple[S, int]], int]:
    """What to take from which shelf, and the units that are nowhere. `shelves` stand in pick order; `left` says what
    each still has, by bucket.

    `sizes` are the units of a case and of a pallet: whole ones come straight out of reserve, the larger first, and what
    is left over from the pick face, so that a picker handles as few pieces as can be. No lot is passed over for it:
    what expires first goes first.
    """
    there = {shelf.bucket: left[shelf.bucket] for shelf in shelves}
    taken: dict[UUID, int] = dict.fromkeys(there, 0)
    for _, group in groupby(shelves, key=lambda shelf: shelf.expires_on):
        same_day = list(group)
        reserve = [shelf for shelf in same_day if shelf.bin_kind == "reserve"]
        whole = [(shelf, size) for size in sorted(sizes, reverse=True) for shelf in reserve]
        for shelf, size in [*whole, *((shelf, 1) for shelf in same_day)]:
            units = min(wanted, there[shelf.bucket]) // size * size
            there[shelf.bucket] -= units
            taken[shelf.bucket] += units
            wanted -= units
    return [(shelf, taken[shelf.bucket]) for shelf in shelves if taken[shelf.bucket]], wanted


def pieces_handled(units: int, sizes: Collection[int]) -> int:
    """How often somebody reaches for units: once for each whole pallet and case of these sizes, and for each unit that
    is left over."""
    reached = 0
    for size in sorted(sizes, reverse=True):
        whole, units = divmod(units, size)
        reached += whole
    return reached + units


def whole_or_not(wanted: Mapping[K, Mapping[P, int]], left: Mapping[P, int]) -> dict[K, int]:
    """Which of those that want units, one after the other, find too little, and how much: one takes all that it wants
    or nothing. `left` says what there is of each thing wanted."""
    there = dict(left)
    missing = {}
    for key, units in wanted.items():
        lacks = sum(max(0, count - there[thing]) for thing, count in units.items())
        if lacks:
            missing[key] = lacks
        else:
            for thing, count in units.items():
                there[thing] -= count
    return missing


# ---- withdrawing


def take_off(units: int, tasks: Iterable[tuple[T, int]]) -> list[tuple[T, int]]:
    """Which tasks give up how many units, given as (task, units that it can give): the first first.

    They have as many: an order line says so of its fulfillments.
    """
    taken = []
    for task, there in tasks:
        if not units:
            break
        one = min(units, there)
        if one:
            taken.append((task, one))
            units -= one
    assert not units, f"{units} units of an order line stand in no task"
    return taken


def after_withdrawal(state: str, to_pick: int, picked: int) -> str | None:
    """What happens to a fulfillment when units of it are withdrawn, by what it has left; None: it goes on."""
    if not to_pick and not picked:
        return "withdraw"
    if state == "packed":
        return "unpack"
    return "finish" if state == "picking" and not to_pick else None


# ---- packing


@dataclass(frozen=True, slots=True)
class RegisterCarton:
    """A carton as it shall stand: inner measures in mm, the grams that it may hold, what it weighs and costs itself, in
    minor units of the company's currency. One that is not `active` is not packed in any more. The outer measures are
    what carriers are told; without them, the inner ones."""

    company: int
    code: str
    length_mm: int
    width_mm: int
    height_mm: int
    max_weight_g: int
    tare_g: int = 0
    cost_minor: int = 0
    active: bool = True
    key: str | None = None
    outer_length_mm: int = 0
    outer_width_mm: int = 0
    outer_height_mm: int = 0


def misfit(carton: RegisterCarton) -> Refused | None:
    """Why a carton can't stand so; None where it can."""
    sides = ("length_mm", "width_mm", "height_mm")
    is_measured = any(getattr(carton, f"outer_{side}") for side in sides)
    return first_misfit(
        is_code(carton.code),
        ("code", carton.code != OWN, f"another code: {OWN} is what goes in its own packaging", carton.code),
        *(
            (side, 0 < getattr(carton, side) <= SIDE_MAX, f"mm from 1 to {SIDE_MAX}", getattr(carton, side))
            for side in sides
        ),
        *(
            (
                f"outer_{side}",
                not is_measured or getattr(carton, side) <= getattr(carton, f"outer_{side}") <= SIDE_MAX,
                f"mm from {getattr(carton, side)}, its inside, to {SIDE_MAX}; or no outer measure at all",
                getattr(carton, f"outer_{side}"),
            )
            for side in sides
        ),
        ("max_weight_g", 0 < carton.max_weight_g < 2**31, "grams from 1", carton.max_weight_g),
        not_negative("tare_g", carton.tare_g),
        not_negative("cost_minor", carton.cost_minor),
    )


SERIAL_MAX = 100
"""Characters of a serial number."""
SIDE_MAX = 5_000

CARTONS = (
    Carton("XS", 200, 100, 50, 5_000, 40),
    Carton("S", 250, 200, 80, 10_000, 90),
    Carton("M", 400, 300, 100, 20_000, 220),
    Carton("L", 400, 400, 200, 30_000, 450),
    Carton("XL", 500, 400, 400, 30_000, 900),
    Carton("PALLET", 1_200, 1_000, 1_250, 1_000_000, 22_000),
)
"""Standard ones for a retailer who has registered none, the smallest first."""


class WeightCheck(NamedTuple):
    """What a package should weigh, and by how much it may differ."""

    expected_g: int
    tolerance_g: int

    def holds(self, weighed_g: int) -> bool:
        return abs(weighed_g - self.expected_g) <= self.tolerance_g


def expected_weight(
    units: Iterable[tuple[int, int]], tare_g: int, percent: int, grams: int
) -> WeightCheck | None:
    """What (units, grams of each) weigh together with their carton, with the greater of two tolerances; None where
    something has never been weighed."""
    weights = list(units)
    if not all(weight for _, weight in weights):
        return None
    expected = tare_g + sum(count * weight for count, weight in weights)
    return WeightCheck(expected, max(grams, expected * percent // 100))
