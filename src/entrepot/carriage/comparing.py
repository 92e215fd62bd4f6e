"""A service as it stood and as it shall stand, side by side; and its tables as files have them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

from entrepot.carriage.rules import (
    ANYWHERE,
    BEGINNING,
    SURCHARGES,
    RegisterService,
    Surcharge,
    Zone,
    is_beginning,
)
from entrepot.kernel import csv_rows

FIELDS = (
    "carrier", "name", "transit_days", "max_weight_g", "currency", "divisor", "active", "max_length_mm", "live",
)  # fmt: skip
HEADER = ("zone", "max_weight_g", "price")
ZONES = ("origin", "destination", "zone", "origin_postal_code", "destination_postal_code", "transit_days")
ZONES_NEEDED = ZONES[:3]
ADDED = ("kind", "zone", "above", "postal_code", "amount", "per_10k")
MOST = 5_000
"""Rows of a file."""
Row = TypeVar("Row")


class Difference(NamedTuple):
    """What differs: a field, or a row of a table by its name; None where there was or is none. Rates and surcharges
    are amounts in minor units."""

    table: str
    which: str
    before: object
    after: object

    @property
    def percent(self) -> float | None:
        """How much an amount went up."""
        before, after = self.before, self.after
        is_price = self.table == "rates" and isinstance(before, int) and isinstance(after, int)
        return (after - before) / before * 100 if is_price and before else None  # type: ignore[operator]


def differences(before: RegisterService | None, after: RegisterService) -> list[Difference]:
    """What is otherwise, fields first, then the tables in the order of their rows."""
    found = [
        Difference("fields", name, getattr(before, name, None), getattr(after, name))
        for name in FIELDS
        if getattr(before, name, None) != getattr(after, name)
    ]
    was, now = (dict(_tables(one)) if one else {} for one in (before, after))
    for table in ("zones", "rates", "surcharges"):
        found += _between(table, was.get(table, {}), now.get(table, {}))
    return found


def _between(
    table: str, was: Mapping[tuple[object, ...], object], now: Mapping[tuple[object, ...], object]
) -> Iterator[Difference]:
    for key in sorted({*was, *now}, key=lambda one: tuple(map(_ordered, one))):
        if was.get(key) != now.get(key):
            yield Difference(table, " · ".join(map(str, key)), was.get(key), now.get(key))


def _ordered(part: object) -> tuple[int, object]:
    return (0, part) if isinstance(part, int) else (1, str(part))


def _tables(one: RegisterService) -> Iterator[tuple[str, dict[tuple[object, ...], object]]]:
    yield "zones", {_places(row): _goes(row) for row in one.zones}
    yield "rates", {(zone, weight_g): price for zone, weight_g, price in one.rates}
    yield (
        "surcharges",
        {(x.kind, x.zone, x.above, x.postal_code): (x.amount_minor, x.per_10k) for x in one.surcharges},
    )


def _places(row: Zone) -> tuple[str, str]:
    return tuple(  # type: ignore[return-value]
        " ".join(filter(None, place))
        for place in ((row.origin, row.origin_postal_code), (row.destination, row.destination_postal_code))
    )


def _goes(row: Zone) -> str:
    """A zone, and its days where it has its own."""
    return row.zone if row.transit_days is None else f"{row.zone} · {row.transit_days}"


def read(lines: Iterable[str], digits: int) -> csv_rows.Sheet[tuple[str, int, int]]:
    """CSV with the columns zone, max_weight_g and price, the price in the currency's own unit with a point, of `digits`
    decimals at most. A zone and weight that stand twice are a fault."""
    return _read(lines, HEADER, HEADER, lambda row: _rate(row, digits), lambda one: one[:2], "rate")


def read_zones(lines: Iterable[str]) -> csv_rows.Sheet[Zone]:
    """CSV with the columns origin, destination and zone, and as it needs them how the postal codes of both begin, and
    the days that it takes there; '*' is any country. A way that stands twice is a fault."""
    return _read(lines, ZONES, ZONES_NEEDED, _zone, lambda one: one.lane, "zone")


def read_surcharges(lines: Iterable[str], digits: int) -> csv_rows.Sheet[Surcharge]:
    """CSV with the columns of `ADDED`: the amount in the currency's own unit, `per_10k` hundredths of a percent; empty
    is 0, or any. The header alone is no surcharge. One that stands twice is a fault."""
    return _read(
        lines, ADDED, ADDED, lambda row: _surcharge(row, digits),
        lambda one: (one.kind, one.zone, one.above, one.postal_code), "",
    )  # fmt: skip


def _read(
    lines: Iterable[str], header: Sequence[str], needed: Sequence[str],
    parse: Callable[[Mapping[str, str | None]], Row | str],
    name: Callable[[Row], tuple[object, ...]], least: str,
) -> csv_rows.Sheet[Row]:  # fmt: skip
    """`name` is what a row is known by, `least` of what a file has one at least."""
    sheet = csv_rows.read(lines, header, needed, parse, name, MOST)
    if least and not sheet.rows and not sheet.faults:
        sheet.faults.append(csv_rows.Fault(2, f"expected a {least} at least, found none"))
    return sheet


def _rate(row: Mapping[str, str | None], digits: int) -> tuple[str, int, int] | str:
    zone, weight, price = _cells(row, HEADER)
    minor = _minor(price, digits)
    if not zone or len(zone) > 100:
        return f"zone: expected 1 to 100 letters, found {zone[:20] or 'nothing'}"
    if not re.fullmatch(r"[1-9]\d{0,8}", weight):
        return f"max_weight_g: expected grams from 1, found {weight[:20] or 'nothing'}"
    if minor is None:
        return f"price: expected an amount such as 4.50, found {price[:20] or 'nothing'}"
    return zone, int(weight), minor


def _zone(row: Mapping[str, str | None]) -> Zone | str:
    origin, destination, zone, *codes, days = _cells(row, ZONES)
    for name, country in (("origin", origin), ("destination", destination)):
        if not re.fullmatch(r"\*|[A-Z]{2}", country):
            return f"{name}: expected a country such as GB, or * for any, found {country[:20] or 'nothing'}"
    if not zone or len(zone) > 100:
        return f"zone: expected 1 to 100 letters, found {zone[:20] or 'nothing'}"
    codes = [code.replace(" ", "").upper() for code in codes]
    for name, country, code in zip(ZONES[3:5], (origin, destination), codes, strict=True):
        if not is_beginning(code):
            return f"{name}: expected {BEGINNING}, found {code[:20]}"
        if code and country == ANYWHERE:
            return f"{name}: expected the country of postal codes, found {country} {code}"
    if not re.fullmatch(r"\d{0,3}", days) or int(days or 0) > 365:
        return f"transit_days: expected days from 0 to 365, or nothing, found {days[:20]}"
    return Zone(origin, destination, zone, codes[0], codes[1], int(days) if days else None)


def _surcharge(row: Mapping[str, str | None], digits: int) -> Surcharge | str:
    kind, zone, above, postal_code, amount, share = _cells(row, ADDED)
    minor = _minor(amount or "0", digits)
    if kind not in SURCHARGES:
        return f"kind: expected one of {', '.join(SURCHARGES)}, found {kind[:20] or 'nothing'}"
    if len(zone) > 100 or len(postal_code) > 20:
        return (
            f"zone, postal_code: expected 100 and 20 letters at most, found {zone[:20]}, {postal_code[:20]}"
        )
    for name, number in (("above", above), ("per_10k", share)):
        if not re.fullmatch(r"\d{0,9}", number):
            return f"{name}: expected a whole number from 0, found {number[:20]}"
    if minor is None:
        return f"amount: expected an amount such as 4.50, found {amount[:20]}"
    return Surcharge(kind, minor, int(share or 0), int(above or 0), postal_code, zone or "*")


def _cells(row: Mapping[str, str | None], names: Sequence[str]) -> list[str]:
    return [(row.get(name) or "").strip() for name in names]


def _minor(text: str, digits: int) -> int | None:
    """An amount in minor units; None where it is none."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        return None
    minor = Decimal(text).scaleb(digits)
    return int(minor) if minor == minor.to_integral_value() else None
