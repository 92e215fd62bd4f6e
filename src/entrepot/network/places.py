"""Read a file of postal codes: where the addresses of a country lie. Pure."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from entrepot.network.rules import RegisterPlace, misfit_place, postal_key

GEONAMES = (0, 1, 9, 10)
"""Columns of country, postal code, latitude and longitude in the tab-separated postal files of GeoNames."""
HEADER = ("country", "postal_code", "latitude", "longitude")
AREA = 2
"""Characters that name an area in most countries: where a code is missing, the middle of its area stands for it."""


class Fault(NamedTuple):
    """A row that can't be read, and why."""

    row: int
    problem: str


@dataclass(slots=True)
class Sheet:
    """The places of a file, and what could not be read."""

    places: list[RegisterPlace]
    faults: list[Fault] = field(default_factory=list)


def read(lines: Iterable[str]) -> Sheet:
    """CSV with the columns country, postal_code, latitude, longitude, or a postal file of GeoNames.

    A code that occurs several times lies in the middle of its places, so do areas and the country as a whole.
    """
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    faults = []
    for place in _places(lines):
        if isinstance(place, Fault):
            faults.append(place)
            continue
        for start in {place.postal_start, place.postal_start[:AREA], ""}:
            total = sums[place.country, start]
            for i, value in enumerate((place.latitude, place.longitude, 1)):
                total[i] += value
    places = [
        RegisterPlace(country, start, round(latitude / n, 5), round(longitude / n, 5))
        for (country, start), (latitude, longitude, n) in sorted(sums.items())
    ]
    return Sheet(places, faults)


def _places(lines: Iterable[str]) -> Iterator[RegisterPlace | Fault]:
    columns: tuple[int, ...] | None = None
    for number, line in enumerate(lines, 1):
        tabbed = "\t" in line
        (cells,) = csv.reader([line], delimiter="\t" if tabbed else ",", quoting=_QUOTES[tabbed])
        if columns is None:
            columns = GEONAMES if tabbed else _named(cells)
            if columns is None:
                yield Fault(
                    number,
                    f"expected a header with {', '.join(HEADER)}, or tabs; found {line.strip()[:80]!r}",
                )
                return
            if not tabbed:
                continue
        if cells:
            yield _place(number, [cells[i] if i < len(cells) else "" for i in columns])


_QUOTES: dict[bool, Literal[0, 3]] = {True: csv.QUOTE_NONE, False: csv.QUOTE_MINIMAL}


def _named(header: list[str]) -> tuple[int, ...] | None:
    names = [name.strip().lower() for name in header]
    return tuple(map(names.index, HEADER)) if set(HEADER) <= set(names) else None


def _place(number: int, cells: list[str]) -> RegisterPlace | Fault:
    country, code, *degrees = (cell.strip() for cell in cells)
    try:
        latitude, longitude = map(float, degrees)
    except ValueError:
        return Fault(
            number, f"expected latitude and longitude in degrees, found {' and '.join(map(repr, degrees))}"
        )
    place = RegisterPlace(country.upper(), postal_key(code), latitude, longitude)
    refusal = misfit_place(place)
    return place if refusal is None else Fault(number, refusal.message)
