"""From rows of text to orders, with everything that is wrong and where. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from entrepot.channels.spreadsheet import contract
from entrepot.channels.spreadsheet.contract import FIELDS
from entrepot.kernel import money

MINOR_MAX = 10**15


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong: in which row and column of the file, what was expected there and what was found."""

    row: int
    column: str
    expected: str
    found: str
    order: str = ""


@dataclass(slots=True)
class Row:
    """The values of a row by field; what is empty is left out."""

    number: int
    values: dict[str, Any]


@dataclass(slots=True)
class Grouped:
    """The rows of one order. `head` holds what they agree on."""

    name: str
    rows: list[Row] = field(default_factory=list)
    head: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Parsed:
    """Orders without fault, in the order of the file, and all faults. An order with a fault is in no part an order."""

    orders: list[Grouped]
    wrong: list[Wrong]
    found: int = 0


def plain(header: str) -> str:
    """A header in small letters and digits alone."""
    text = unicodedata.normalize("NFKD", header.casefold())
    return "".join(char for char in text if char.isascii() and char.isalnum())


def propose(header: Sequence[str], remembered: Mapping[str, str] | None = None) -> dict[str, str]:
    """Field → header: as it was remembered where the file has that header, else by the names that fields go by."""
    there = set(header)
    mapping = {name: column for name, column in (remembered or {}).items() if column in there}
    taken = set(mapping.values())
    by_name = {plain(column): column for column in reversed(header) if column and column not in taken}
    for name, one in FIELDS.items():
        if name in mapping:
            continue
        for known in (plain(name), *one.names):
            if known in by_name:
                mapping[name] = by_name.pop(known)
                break
    if "recipient" not in mapping and "line1" in mapping and plain(mapping.get("description", "")) == "name":
        mapping["recipient"] = mapping.pop("description")  # beside a street, a name is that of a person
    return {name: mapping[name] for name in FIELDS if name in mapping}


def misfit_mapping(mapping: Mapping[str, str], header: Sequence[str] | None = None) -> Wrong | None:
    """Why a mapping can't be one; None where it can. Without a header, only its fields are looked at."""
    for name, column in mapping.items():
        if name not in FIELDS:
            return Wrong(1, name, f"one of {', '.join(FIELDS)}", name)
        if header is not None and column not in header:
            return Wrong(1, column, f"a column of the file: {', '.join(header)}", "no such column")
    twice = [column for column in mapping.values() if list(mapping.values()).count(column) > 1]
    if twice:
        return Wrong(1, twice[0], "each column for one field", "two fields")
    missing = [name for name in contract.REQUIRED if name not in mapping]
    if missing:
        found = f"the columns {', '.join(header)[:200]}" if header else "none"
        return Wrong(1, missing[0], f"a column for {', '.join(missing)}", found)
    return None


def parse(
    header: Sequence[str],
    rows: Sequence[tuple[int, Sequence[str]]],
    mapping: Mapping[str, str],
    currency: str,
) -> Parsed:
    """Orders of the rows, grouped by the order's name. `currency` is that of orders that name none."""
    wrong: list[Wrong] = []
    misfit = misfit_mapping(mapping, header)
    if misfit is not None:
        return Parsed([], [misfit])
    places = {name: list(header).index(column) for name, column in mapping.items()}
    comma = _writes_comma(rows, [places[name] for name in places if FIELDS[name].kind in ("price", "amount")])
    orders: dict[str, Grouped] = {}
    faulty: set[str] = set()
    for number, cells in rows:
        values: dict[str, Any] = {}
        texts = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
        order = texts["order"]
        for name, text in texts.items():
            fault = _take(values, name, text, comma=comma)
            if fault:
                wrong.append(Wrong(number, mapping[name], fault, text[:80] or "nothing", order))
                faulty.add(order)
        group = orders.setdefault(order, Grouped(order))
        group.rows.append(Row(number, values))
    for name, group in orders.items():
        faults = _agree(group, mapping) + _amounts(group, mapping, currency)
        wrong += faults
        if faults:
            faulty.add(name)
    wrong.sort(key=lambda one: one.row)
    return Parsed([one for name, one in orders.items() if name not in faulty], wrong, len(orders))


def _take(values: dict[str, Any], name: str, text: str, *, comma: bool) -> str:
    """Put the value of a cell under its name; what was expected where it is none, else ''."""
    one = FIELDS[name]
    if not text:
        return "a value" if one.required else ""
    if len(text) > contract.CELL_MAX or "\0" in text:
        return f"at most {contract.CELL_MAX} characters of text"
    value: Any = text
    if one.kind == "whole":
        value = _whole(text, least=0 if name == "priority" else 1)
        if value is None:
            return "a whole number from 0 to 99" if name == "priority" else "a whole number from 1 to 1000000"
        if name == "priority" and value > 99:
            return "a whole number from 0 to 99"
    elif one.kind in ("price", "amount"):
        value = decimal(text, comma=comma)
        if value is None:
            return f"an amount such as {'1.234,50' if comma else '1,234.50'}"
        if value < 0:
            return "an amount of 0 or more"
    elif one.kind == "moment":
        value = moment(text)
        if value is None:
            return "a date such as 2026-03-31 or 31.03.2026 14:30"
    elif name in ("country", "currency"):
        value = text.upper()
        letters = 2 if name == "country" else 3
        if not re.fullmatch(f"[A-Z]{{{letters}}}", value):
            return f"a code of {letters} letters"
    values[name] = value
    return ""


def _whole(text: str, least: int) -> int | None:
    if not re.fullmatch(r"[0-9]{1,7}(\.0+)?", text):
        return None
    value = int(text.partition(".")[0])
    return value if least <= value <= 1_000_000 else None


_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


def decimal(text: str, *, comma: bool) -> Decimal | None:
    """A number as it is written with a decimal comma or point; marks of thousands, spaces and currency are let be."""
    bare = re.sub(r"[\s\u00a0\u202f'€$£]", "", text)
    thousands, point = (".", ",") if comma else (",", ".")
    whole, mark, part = bare.partition(point)
    if thousands in part:
        return None
    if thousands in whole:
        if not re.fullmatch(rf"-?[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+", whole):
            return None
        whole = whole.replace(thousands, "")
    bare = f"{whole}.{part}" if mark else whole
    return Decimal(bare) if _NUMBER.fullmatch(bare) else None


def _writes_comma(rows: Sequence[tuple[int, Sequence[str]]], places: Sequence[int]) -> bool:
    """Whether amounts are written with a decimal comma: the first cell that can be read in one way alone decides."""
    for _, cells in rows:
        for place in places:
            text = cells[place] if place < len(cells) else ""
            if re.search(r",[0-9]{1,2}$|,[0-9]{4,6}$|\.[0-9]{3},", text):
                return True
            if re.search(r"\.[0-9]{1,2}$|\.[0-9]{4,6}$|,[0-9]{3}\.", text):
                return False
    return False


def moment(text: str) -> datetime | None:
    """A day or a time; without a zone it is UTC."""
    found: datetime | None = None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        for pattern in contract.DATE_FORMATS:
            try:
                found = datetime.strptime(text, pattern).replace(tzinfo=UTC)
                break
            except ValueError:
                continue
    if found is None or not 2000 <= found.year < 2100:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _agree(group: Grouped, mapping: Mapping[str, str]) -> list[Wrong]:
    """Fill the head of an order; where rows say different things of it, that is wrong."""
    faults = []
    for row in group.rows:
        for name, value in row.values.items():
            if FIELDS[name].of_line:
                continue
            if group.head.setdefault(name, value) != value:
                expected = f"the same in every row of the order: {group.head[name]}"
                faults.append(Wrong(row.number, mapping[name], expected, str(value), group.name))
    if len(group.rows) > contract.LINES_MAX:
        expected = f"at most {contract.LINES_MAX} rows for an order"
        faults.append(
            Wrong(group.rows[0].number, mapping["order"], expected, str(len(group.rows)), group.name)
        )
    return faults


def _amounts(group: Grouped, mapping: Mapping[str, str], currency: str) -> list[Wrong]:
    """Amounts become minor units of the order's currency; one with too many digits for it is wrong."""
    currency = group.head.setdefault("currency", currency)
    faults: list[Wrong] = []
    first = group.rows[0].number
    faults += _to_minor(group.head, first, mapping, currency, group.name)
    for row in group.rows:
        faults += _to_minor(row.values, row.number, mapping, currency, group.name, of_line=True)
    parts = ("recipient", "line1", "city")
    given = [name for name in parts if name in group.head]
    if given and len(given) < len(parts):
        missing = next(name for name in parts if name not in group.head)
        lacks = "nothing" if missing in mapping else "no column of the file that holds it"
        column = mapping.get(missing, missing)
        faults.append(Wrong(first, column, "a value, as the address has others", lacks, group.name))
    if "provider" in group.head and "paid" not in group.head:
        faults.append(Wrong(first, mapping.get("paid", "paid"), "what was authorized", "nothing", group.name))
    return faults


def _to_minor(
    values: dict[str, Any],
    row: int,
    mapping: Mapping[str, str],
    currency: str,
    order: str,
    *,
    of_line: bool = False,
) -> list[Wrong]:
    faults = []
    for name, value in values.items():
        if FIELDS[name].kind != "amount" or FIELDS[name].of_line != of_line:
            continue
        digits = money.exponent(currency)
        minor = value.scaleb(digits)
        if minor != minor.to_integral_value() or minor > MINOR_MAX:
            expected = f"an amount of {currency} with at most {digits} decimals"
            faults.append(Wrong(row, mapping[name], expected, str(value), order))
        else:
            values[name] = int(minor)
    return faults
