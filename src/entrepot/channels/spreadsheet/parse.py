"""From rows of text to orders, with everything that is wrong and where. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from entrepot.channels.spreadsheet import contract
from entrepot.channels.spreadsheet.contract import FIELDS
from entrepot.kernel import money
from entrepot.kernel.errors import Said, one_of
from entrepot.orders.rules import GOODS, KINDS

MINOR_MAX = 10**15
NOTHING: Mapping[tuple[int, int], str] = {}


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
    repeated: Sequence[int] = ()
    """Rows that say the same as an earlier one of their order."""


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


def lost(mapping: Mapping[str, str], remembered: Mapping[str, str], header: Sequence[str]) -> dict[str, str]:
    """Fields that a column is remembered for which the file does not have, and that no other column holds."""
    there = {*header, ""}
    return {
        name: remembered[name]
        for name in FIELDS
        if name not in mapping and remembered.get(name, "") not in there
    }


def misfit_given(given: Mapping[str, str], header: Sequence[str] | None = None) -> Wrong | None:
    """Why a field can't be read from the column that is given for it; None where all can. Without a header, only fields
    are looked at."""
    for name, column in given.items():
        if name not in FIELDS:
            return Wrong(1, name, one_of(FIELDS), name)
        if header is not None and column not in header:
            return Wrong(
                1, column, Said("a column of the file: {0}", ", ".join(header)), Said("no such column")
            )
    return None


def misfit_mapping(mapping: Mapping[str, str], header: Sequence[str] | None = None) -> Wrong | None:
    """Why a mapping can't be one; None where it can. Without a header, only its fields are looked at."""
    wrong = misfit_given(mapping, header)
    if wrong is not None:
        return wrong
    twice = [column for column in mapping.values() if list(mapping.values()).count(column) > 1]
    if twice:
        return Wrong(1, twice[0], Said("each column for one field"), Said("two fields"))
    missing = [name for name in contract.REQUIRED if name not in mapping]
    if missing:
        found = Said("the columns {0}", ", ".join(header)[:200]) if header else Said("none")
        return Wrong(1, missing[0], Said("a column for {0}", ", ".join(missing)), found)
    return None


def parse(
    header: Sequence[str],
    rows: Sequence[tuple[int, Sequence[str]]],
    mapping: Mapping[str, str],
    currency: str,
    merged: Mapping[tuple[int, int], str] = NOTHING,
    padded: Mapping[tuple[int, int], str] = NOTHING,
) -> Parsed:
    """Orders of the rows, grouped by the order's name. `currency` is that of orders that name none; what is `merged`
    with a cell above says the same of its order. Of the fields that name nothing which came before, what is `padded` is
    read with its zeros.
    """
    wrong: list[Wrong] = []
    misfit = misfit_mapping(mapping, header)
    if misfit is not None:
        return Parsed([], [misfit])
    places = {name: list(header).index(column) for name, column in mapping.items()}
    comma = _writes_comma(rows, [places[name] for name in places if FIELDS[name].kind in ("price", "amount")])
    dates = {
        name: contract.MONTH_FIRST if _writes_month_first(rows, place) else contract.DAY_FIRST
        for name, place in places.items()
        if FIELDS[name].kind in ("moment", "day")
    }
    orders: dict[str, Grouped] = {}
    faulty: set[str] = set()
    said: set[tuple[str, ...]] = set()
    repeated: list[int] = []
    for number, cells in rows:
        values: dict[str, Any] = {}
        texts = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
        for name, place in places.items() if merged else ():
            if not texts[name] and not FIELDS[name].of_line:
                texts[name] = merged.get((number, place), "")
        for name in contract.PADDED & places.keys() if padded else ():
            texts[name] = padded.get((number, places[name]), texts[name])
        order = texts["order"]
        is_charge = is_charge_of(texts.get("kind", ""))
        for name, text in texts.items():
            if is_charge and name == "sku" and not text:
                continue
            fault = _take(values, name, text, comma=comma, dates=dates.get(name, ()), is_charge=is_charge)
            if fault:
                wrong.append(Wrong(number, mapping[name], fault, text[:80] or Said("nothing"), order))
                faulty.add(order)
        if (row := tuple(texts.values())) in said:
            repeated.append(number)
        said.add(row)
        group = orders.setdefault(order, Grouped(order))
        group.rows.append(Row(number, values))
    for name, group in orders.items():
        faults = _agree(group, mapping) + _amounts(group, mapping, currency)
        wrong += faults
        if faults:
            faulty.add(name)
    wrong.sort(key=lambda one: one.row)
    return Parsed([one for name, one in orders.items() if name not in faulty], wrong, len(orders), repeated)


def is_charge_of(kind: str) -> bool:
    """Whether a row is a charge or an allowance: it needs no SKU, and may be below nothing."""
    return kind.casefold() in KINDS and kind.casefold() != GOODS


def _take(
    values: dict[str, Any],
    name: str,
    text: str,
    *,
    comma: bool,
    dates: Sequence[str],
    is_charge: bool = False,
) -> str:
    """Put the value of a cell under its name; what was expected where it is none, else ''. `dates` are the ways in
    which its column writes days with slashes."""
    one = FIELDS[name]
    if not text:
        return Said("a value") if one.required else ""
    if len(text) > contract.CELL_MAX or "\0" in text:
        return Said("at most {0} characters of text", contract.CELL_MAX)
    if text in contract.FORMULA_ERRORS:
        return Said("a value; its formula gave none")
    if name in contract.NAMES and _SHORTENED.fullmatch(text):
        return Said("all of its digits; a spreadsheet has shortened the number")
    value: Any = text
    if one.kind == "whole":
        value = _whole(text, least=0 if name == "priority" else 1)
        if value is None:
            return _PRIORITY if name == "priority" else Said("a whole number from 1 to 1000000")
        if name == "priority" and value > 99:
            return _PRIORITY
    elif one.kind in ("price", "amount"):
        value = decimal(text, comma=comma)
        if value is None:
            return Said("an amount such as {0}", "1.234,50" if comma else "1,234.50")
        if value < 0 and not (is_charge and name == "unit_price"):
            return Said("an amount of 0 or more")
    elif one.kind in ("moment", "day", "percent", "flag") or name in _CODED:
        value, expected = _read(name, text, dates)
        if expected:
            return expected
    values[name] = value
    return ""


_CODED = ("kind", "country", "currency", "bill_country")


def _read(name: str, text: str, dates: Sequence[str]) -> tuple[Any, str]:
    """A moment, a day, a part in percent or a code as it is kept, and what was expected where it is none."""
    kind = FIELDS[name].kind
    if kind == "moment":
        at = _until(text, dates) if name == "promise_at" else moment(text, dates)
        return at, "" if at else Said("a date such as 2026-03-31 or 31.03.2026 14:30")
    if kind == "day":
        at = moment(text, dates)
        return at and at.date(), "" if at else Said("a day such as 2026-03-31 or 31.03.2026")
    if kind == "percent":
        part = _whole(text.removesuffix("%").strip(), least=0)
        return part, "" if part is not None and part <= 100 else Said("a whole number from 0 to 100")
    if kind == "flag":
        return _FLAGS.get(text.casefold()), "" if text.casefold() in _FLAGS else Said("yes or no")
    return _coded(name, text)


def _coded(name: str, text: str) -> tuple[str, str]:
    """A code as it is kept, and what was expected where it is none."""
    if name == "kind":
        return text.casefold(), "" if text.casefold() in KINDS else one_of(KINDS)
    letters = 3 if name == "currency" else 2
    fits = re.fullmatch(f"[A-Z]{{{letters}}}", text.upper())
    return text.upper(), "" if fits else Said("a code of {0} letters", letters)


_FLAGS = {
    **dict.fromkeys(("yes", "y", "true", "1", "x", "ja", "wahr"), True),
    **dict.fromkeys(("no", "n", "false", "0", "nein", "falsch"), False),
}
_PRIORITY = Said("a whole number from 0 to 99")
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?e\+[0-9]{1,3}", re.IGNORECASE)
"""A long number as a spreadsheet shows it where its column is narrow: other numbers look the same."""


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


_WITH_SLASHES = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/[0-9]{4}( .*)?")


def _writes_month_first(rows: Sequence[tuple[int, Sequence[str]]], place: int) -> bool:
    """Whether a column writes months before days: some of its dates can be read so alone, and none the other way."""
    found = [_WITH_SLASHES.fullmatch(cells[place]) for _, cells in rows if place < len(cells)]
    pairs = [(int(one[1]), int(one[2])) for one in found if one]
    return any(second > 12 for _, second in pairs) and all(first <= 12 for first, _ in pairs)


_ZONED = re.compile(r":[0-9]{2}.*(Z|[+-][0-9]{2}:?[0-9]{2})$")
"""A time with its zone."""
_DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
_NUMBERED = re.compile(r"[3-7][0-9]{4}(\.[0-9]+)?")
"""A day as spreadsheets keep it, by its number: from 1982 to 2119."""


def moment(text: str, dates: Sequence[str] = contract.DAY_FIRST) -> datetime | None:
    """A day or a time; without a zone it is UTC."""
    found: datetime | None = None
    try:
        if _NUMBERED.fullmatch(text):
            found = _DAY_ZERO + timedelta(seconds=round(float(text) * 86_400))
        else:
            found = datetime.fromisoformat(text)
    except ValueError:
        for pattern in (*contract.DATE_FORMATS, *dates):
            try:
                found = datetime.strptime(text, pattern).replace(tzinfo=UTC)
                break
            except ValueError:
                continue
    if found is None or not 2000 <= found.year < 2100:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _until(text: str, dates: Sequence[str]) -> date | None:
    """A moment until which something may come; a day without a time is one, whose end hangs on where that is.
    Workbooks keep a day as midnight."""
    found = moment(text, dates)
    if found and found.time() == time(0) and not _ZONED.search(text):
        return found.date()
    return found


def _agree(group: Grouped, mapping: Mapping[str, str]) -> list[Wrong]:
    """Fill the head of an order; where rows say different things of it, that is wrong."""
    faults = []
    for row in group.rows:
        for name, value in row.values.items():
            if FIELDS[name].of_line:
                continue
            if group.head.setdefault(name, value) != value:
                expected = Said("the same in every row of the order: {0}", group.head[name])
                faults.append(Wrong(row.number, mapping[name], expected, str(value), group.name))
    if len(group.rows) > contract.LINES_MAX:
        expected = Said("at most {0} rows for an order", contract.LINES_MAX)
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
    for parts in (contract.ADDRESS, contract.BILLING):
        given = [name for name in parts if name in group.head]
        if given and len(given) < len(parts):
            missing = next(name for name in parts if name not in group.head)
            lacks = Said("nothing") if missing in mapping else Said("no column of the file that holds it")
            column = mapping.get(missing, missing)
            faults.append(Wrong(first, column, Said("a value, as the address has others"), lacks, group.name))
    if "provider" in group.head and "paid" not in group.head:
        faults.append(
            Wrong(
                first, mapping.get("paid", "paid"), Said("what was authorized"), Said("nothing"), group.name
            )
        )
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
            expected = Said("an amount of {0} with at most {1} decimals", currency, digits)
            faults.append(Wrong(row, mapping[name], expected, str(value), order))
        else:
            values[name] = int(minor)
    return faults
