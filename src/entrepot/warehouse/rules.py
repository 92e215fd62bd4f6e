"""Decisions of the warehouse: which bins to pick from, and which carton to pack in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID


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
    wanted: int, shelves: Sequence[S], left: Mapping[UUID, int]
) -> tuple[list[tuple[S, int]], int]:
    """What to take from which shelf, and the units that are nowhere.

    `shelves` stand in pick order; `left` says what each still has, by bucket.
    """
    picks = []
    for shelf in shelves:
        if not wanted:
            break
        units = min(wanted, left[shelf.bucket])
        if units:
            picks.append((shelf, units))
            wanted -= units
    return picks, wanted


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


class Carton(NamedTuple):
    """A standard carton: what it holds in cm³ with room for padding, and what it weighs itself."""

    code: str
    volume_cm3: int
    tare_g: int


CARTONS = (
    Carton("XS", 1_000, 40),
    Carton("S", 4_000, 90),
    Carton("M", 12_000, 220),
    Carton("L", 32_000, 450),
    Carton("XL", 80_000, 900),
    Carton("PALLET", 1_500_000, 22_000),
)
"""Smallest first."""

BY_CODE = {carton.code: carton for carton in CARTONS}


def choose_carton(volume_cm3: int) -> Carton:
    """The smallest standard carton that holds the volume; the largest where none does."""
    return next((carton for carton in CARTONS if carton.volume_cm3 >= volume_cm3), CARTONS[-1])
