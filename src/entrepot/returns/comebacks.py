"""What was sent again and comes back after all: which units it is, and what they are in stock. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

CONDITIONS: dict[str, str] = {"as new": "sellable", "damaged": "damaged", "unclear": "quarantined"}
"""What whoever opens the parcel says of a unit → the status that it stands in from then on."""


class Left(NamedTuple):
    """Units of a shipment's line that are not back, under the lot and serial number that they left with."""

    line: UUID
    sku: UUID
    code: str
    lot: str
    serial: str
    units: int


class Returned(NamedTuple):
    """Units of a shipment's line that came with a return of it, under the lot and serial number that somebody read."""

    line: UUID
    lot: str
    serial: str
    units: int


class Came(NamedTuple):
    """Units alike that came; without a lot or serial number where nobody read one."""

    sku: UUID | None
    units: int
    lot: str
    serial: str


class Part(NamedTuple):
    """Units of what came (by its place) that are some of what left."""

    place: int
    of: Left
    units: int


class Misfit(NamedTuple):
    """Why what came (by its place) can't be what left: `other` goods, `more` than are out, another lot or serial number
    (`named`), or one that has to be read (`which`); `there` is what is out."""

    place: int
    why: str
    there: tuple[Left, ...]


def sort_in(left: Sequence[Left], came: Sequence[Came]) -> list[Part] | Misfit:
    """What came against what left, all of it or nothing: no unit comes back that is not out.

    A lot or serial number that was read has to be one that left. Where none was read, it is known from what left if
    only one is out, or if all that is out has come.
    """
    out = [one.units for one in left]
    parts: list[Part] = []
    for place, one in enumerate(came):
        alike = [i for i, unit in enumerate(left) if unit.sku == one.sku]
        meant = [
            i for i in alike if out[i] and one.lot in ("", left[i].lot) and one.serial in ("", left[i].serial)
        ]
        there = tuple(left[i]._replace(units=out[i]) for i in alike if out[i])
        known = sum(out[i] for i in meant)
        if not alike:
            return Misfit(place, "other", tuple(left))
        if known < one.units:
            named = (one.lot or one.serial) and sum(unit.units for unit in there) >= one.units
            return Misfit(place, "named" if named else "more", there)
        marks = {(left[i].lot, left[i].serial) for i in meant}
        if len(marks) > 1 and known > one.units:
            return Misfit(place, "which", there)
        units = one.units
        for i in meant:
            taken = min(units, out[i])
            if taken:
                parts.append(Part(place, left[i], taken))
                out[i] -= taken
                units -= taken
    return parts


def still_out(left: Sequence[Left], returned: Sequence[Returned]) -> list[Left]:
    """What left, without what came with a return: first the units whose lot and serial number were read, then the rest
    of it from what is left of its line."""
    out = [one.units for one in left]
    rest = [one.units for one in returned]
    for exact in (True, False):
        for place, one in enumerate(returned):
            for i, unit in enumerate(left):
                alike = (unit.lot, unit.serial) == (one.lot, one.serial)
                if unit.line == one.line and (alike or not exact):
                    taken = min(rest[place], out[i])
                    out[i] -= taken
                    rest[place] -= taken
    return [one._replace(units=units) for one, units in zip(left, out, strict=True) if units]


class Given(NamedTuple):
    """What a customer was given for a shipment that was sent again: whether its first parcel arrived, units that it
    had and that are back of them, units of the second that left, and units that were paid back without having come."""

    arrived: bool
    sent: int
    back: int
    again: int
    paid_back: int


def twice(one: Given) -> str:
    """What the customer has twice: the `goods`, or the goods and their `money`; '' where nothing is."""
    if not one.again:
        return ""
    if one.arrived and one.back < one.sent:
        return "goods"
    return "money" if one.paid_back else ""
