"""A service as it stood and as it shall stand, side by side; and rates as a file has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from entrepot.carriage.rules import RegisterService
from entrepot.kernel import csv_rows

FIELDS = (
    "carrier", "name", "transit_days", "max_weight_g", "currency", "divisor", "active", "max_length_mm", "live",
)  # fmt: skip
HEADER = ("zone", "max_weight_g", "price")
MOST = 5_000
"""Rows of a file."""


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
    yield "zones", {(origin, to): zone for origin, to, zone in one.zones}
    yield "rates", {(zone, weight_g): price for zone, weight_g, price in one.rates}
    yield (
        "surcharges",
        {(x.kind, x.zone, x.above, x.postal_code): (x.amount_minor, x.per_10k) for x in one.surcharges},
    )


class Fault(NamedTuple):
    row: int
    problem: str


@dataclass(slots=True)
class Sheet:
    """The rates of a file, and what could not be read."""

    rates: list[tuple[str, int, int]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read(lines: Iterable[str], digits: int) -> Sheet:
    """CSV with the columns zone, max_weight_g and price, the price in the currency's own unit with a point, of `digits`
    decimals at most. A zone and weight that stand twice are a fault."""
    sheet = Sheet()
    seen: set[tuple[str, int]] = set()
    for number, row in csv_rows.rows(lines, HEADER, HEADER):
        found = row if isinstance(row, str) else _rate(row, digits)
        if isinstance(found, str):
            sheet.faults.append(Fault(number, found))
        elif found[:2] in seen:
            sheet.faults.append(
                Fault(number, f"expected each zone and weight once, found {found[0]} · {found[1]}")
            )
        elif len(seen) >= MOST:
            sheet.faults.append(Fault(number, f"expected {MOST} rates at most, found more"))
            break
        else:
            seen.add(found[:2])
            sheet.rates.append(found)
    if not sheet.rates and not sheet.faults:
        sheet.faults.append(Fault(2, "expected a rate at least, found none"))
    return sheet


def _rate(row: Mapping[str, str | None], digits: int) -> tuple[str, int, int] | str:
    zone, weight, price = ((row.get(name) or "").strip() for name in HEADER)
    if not zone or len(zone) > 100:
        return f"zone: expected 1 to 100 letters, found {zone[:20] or 'nothing'}"
    if not re.fullmatch(r"[1-9]\d{0,8}", weight):
        return f"max_weight_g: expected grams from 1, found {weight[:20] or 'nothing'}"
    try:
        minor = (
            Decimal(price).scaleb(digits) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", price) else Decimal("NaN")
        )
    except InvalidOperation:
        minor = Decimal("NaN")
    if minor.is_nan() or minor != minor.to_integral_value():
        return f"price: expected an amount such as 4.50, found {price[:20] or 'nothing'}"
    return zone, int(weight), int(minor)
