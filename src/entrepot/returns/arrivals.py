"""What of a parcel was expected, and what of it nobody knows anything about. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

OUTCOMES = ("matched", "sent_back", "kept")
"""How the question about strays ends: they belong to a return, went back to whom they came from, or stay here."""
TO_TAKE_IN = "goods to take in"
"""The work item for strays that belong to a return and lie in a bin."""


class Expected(NamedTuple):
    """Units of a return's line that have not come yet."""

    return_id: UUID
    line: UUID
    sku: UUID
    units: int


class Came(NamedTuple):
    """Units alike that were in a parcel; without a SKU nobody could tell what they are. `line` is the one that somebody
    said them to be of."""

    sku: UUID | None
    units: int
    line: UUID | None = None


class Part(NamedTuple):
    """Units of what came, by its place, that belong to an expected line."""

    place: int
    of: Expected
    units: int


class Sorted(NamedTuple):
    """What belongs where; `strays` are (place, units, why); `missing` are lines with the units that did not come."""

    parts: tuple[Part, ...]
    strays: tuple[tuple[int, int, str], ...]
    missing: tuple[Expected, ...]


def sort_out(expected: Sequence[Expected], came: Sequence[Came]) -> Sorted:
    """What came against what was announced: first to the lines that it was said to be of, then line by line in their
    order. No line gets more than it expects.

    Why something is a stray: `unknown` where nobody can tell what it is, `unannounced` where nothing was expected
    (told as `late` where its return was closed without it),
    `more` where the SKU was, `other` where another was.
    """
    left, rest = [one.units for one in expected], [one.units for one in came]
    parts = []
    for said in (True, False):
        for place, one in enumerate(came):
            for i, line in enumerate(expected):
                fits = line.sku == one.sku and (line.line == one.line or not said)
                if taken := min(rest[place], left[i]) if fits else 0:
                    parts.append(Part(place, line, taken))
                    left[i] -= taken
                    rest[place] -= taken
    parts.sort(key=lambda part: part.place)
    strays = [(place, units, _why(expected, came[place])) for place, units in enumerate(rest) if units]
    missing = (one._replace(units=n) for one, n in zip(expected, left, strict=True) if n)
    return Sorted(tuple(parts), tuple(strays), tuple(missing))


def _why(expected: Sequence[Expected], one: Came) -> str:
    if one.sku is None:
        return "unknown"
    if not expected:
        return "unannounced"
    return "more" if any(line.sku == one.sku for line in expected) else "other"
