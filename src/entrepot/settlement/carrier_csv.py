"""A carrier's invoice as CSV: which column is what, and each line read. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from entrepot.kernel import money
from entrepot.settlement.carriers import FREIGHT, LINES_MAX, TOTAL, Billed

FIELDS = ("tracking", "amount", "charge", "weight")
KNOWN = {
    "tracking": (
        "tracking",
        "tracking number",
        "tracking no",
        "trackingnumber",
        "consignment",
        "barcode",
        "awb",
    ),
    "amount": ("amount", "net amount", "net charge", "charge amount", "price", "total"),
    "charge": ("charge", "charge type", "charge description", "service charge", "type", "description"),
    "weight": ("weight", "billed weight", "billed weight g", "weight g", "rated weight"),
}
"""Names that carriers give to columns, for whoever names none."""
CHARGES = {
    "freight": FREIGHT, "transportation": FREIGHT, "base": FREIGHT, "base rate": FREIGHT, "total": TOTAL,
    "fuel": "fuel", "fuel surcharge": "fuel", "residential": "residential", "residential surcharge": "residential",
    "remote": "remote", "remote area": "remote", "extended area": "remote", "oversize": "oversize",
    "large package": "oversize", "additional handling": "oversize", "overweight": "overweight",
}  # fmt: skip
"""Carriers' words for charges, in ours; any other is kept as it is."""
FAULTS_MAX = 50
MINOR_MAX = 10**12


class Fault(NamedTuple):
    """What is wrong with a line of the file; 1 is the line with the names of the columns."""

    line: int
    column: str
    message: str


class Sheet(NamedTuple):
    """What a file holds: its charges, or its faults (then no charge counts)."""

    lines: tuple[Billed, ...]
    faults: tuple[Fault, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)


def read(text: str, currency: str, columns: Mapping[str, str] | None = None) -> Sheet:
    """The charges of a file. `columns` names the column of each of FIELDS; without, those that carriers use."""
    rows = rows_of(text)
    if isinstance(rows, Fault):
        return Sheet((), (rows,))
    names = [name.strip() for name in rows[0]] if rows else []
    found = {field: _place(field, names, columns or {}) for field in FIELDS}
    missing = [
        Fault(
            1, (columns or {}).get(field, field), f"no such column; the file has {', '.join(names) or 'none'}"
        )
        for field in FIELDS
        if found[field] is None and (field in ("tracking", "amount") or field in (columns or {}))
    ]
    if missing:
        return Sheet((), tuple(missing))
    if len(rows) - 1 > LINES_MAX:
        return Sheet((), (Fault(LINES_MAX + 2, "", f"more than {LINES_MAX} lines; send it in parts"),))
    lines: list[Billed] = []
    faults: list[Fault] = []
    for number, row in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in row):
            one = _line(number, row, names, found, currency)
            (faults if isinstance(one, Fault) else lines).append(one)  # type: ignore[arg-type]
    if not lines and not faults:
        faults.append(Fault(2, "", "no line with a charge"))
    return Sheet(() if faults else tuple(lines), tuple(faults[:FAULTS_MAX]))


def rows_of(text: str) -> list[list[str]] | Fault:
    """The cells of a file by line, with commas, semicolons or tabs between: what its first line has most of."""
    plain = text.lstrip("\ufeff").replace("\x00", "")
    delimiter = max(",;\t", key=plain.partition("\n")[0].count)
    try:
        return list(csv.reader(io.StringIO(plain), delimiter=delimiter))
    except csv.Error as error:
        return Fault(1, "", f"this is no CSV: {error}")


def _place(field: str, names: Sequence[str], columns: Mapping[str, str]) -> int | None:
    plain = [name.lower().replace("_", " ") for name in names]
    wanted = [columns[field].lower().replace("_", " ")] if columns.get(field) else KNOWN[field]
    return next((plain.index(name) for name in wanted if name in plain), None)


def _line(
    number: int, row: Sequence[str], names: Sequence[str], found: Mapping[str, int | None], currency: str
) -> Billed | Fault:
    def cell(field: str) -> str:
        place = found[field]
        return row[place].strip() if place is not None and place < len(row) else ""

    def fault(field: str, expected: str, told: str = "") -> Fault:
        told = told or cell(field) or "nothing"
        return Fault(number, names[found[field] or 0], f"expected {expected}, found {told}")

    if not cell("tracking"):
        return fault("tracking", "a tracking number")
    amount = minor_of(as_programs_write(cell("amount"), currency), currency, -MINOR_MAX)
    if amount is None:
        told = what_was_found(cell("amount"), currency)
        return fault("amount", f"an amount in {currency}, such as 7.42, or -7.42 for a credit", told)
    weight = cell("weight")
    if (weight and not weight.isascii()) or (weight and not weight.isdigit()):
        return fault("weight", "whole grams")
    charge = cell("charge")
    return Billed(
        cell("tracking"), amount, CHARGES.get(charge.lower(), charge.lower()) or TOTAL, int(weight or 0)
    )


def as_programs_write(text: str, currency: str) -> str:
    """An amount as banks, carriers and suppliers write it in their countries, as programs write it: `1.250,00`,
    `1,250.00` and `-7,30`. What groups digits is another sign than the one before the decimals, and no group begins
    with 0. '' of what `is_either`."""
    text = _plain(text)
    if is_either(text, currency):
        return ""
    if found := re.fullmatch(r"([-+]?)0+[.,](\d+)", text):
        return f"{found[1]}0.{found[2]}"
    digits = money.exponent(currency)
    decimals = rf"(?:(?P<point>[.,])(?P<part>\d{{1,{digits}}}))?" if digits else "(?P<point>)(?P<part>)"
    found = re.fullmatch(
        rf"([-+]?)(\d+|[1-9]\d{{0,2}}(?:(?P<by>[.,' ])\d{{3}})(?:(?P=by)\d{{3}})*){decimals}", text
    )
    if not found:
        return text
    if found["by"] and (found["point"] == found["by"] or (digits and not found["point"])):
        return ""
    whole = found[1] + re.sub(r"\D", "", found[2])
    return f"{whole}.{found['part']}" if found["part"] else whole


def is_either(text: str, currency: str) -> bool:
    """Whether three digits behind one sign could be a group of thousands or decimals: `1,250` and `1.250`. Of a
    currency without decimals a comma groups; of one with three, a point stands before them, as programs write it."""
    signs = {0: ".", 3: ","}.get(money.exponent(currency), ".,")
    return bool(re.fullmatch(rf"[-+]?[1-9]\d{{0,2}}[{signs}]\d{{3}}", _plain(text)))


def what_was_found(text: str, currency: str) -> str:
    """An amount that is not read, as a refusal tells it."""
    if not is_either(text, currency):
        return text or "nothing"
    whole, part = re.split("[.,]", _plain(text))
    return f"{text}, which could be {whole}{part} or {whole} and a part: write it with decimals or without groups"


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u2212", "-").replace("\u2019", "'")


def minor_of(text: str, currency: str, least: int = 0) -> int | None:
    """An amount in minor units, exactly; None where it is none, finer than the currency, or below the `least`."""
    try:
        exact = Decimal(text).scaleb(money.exponent(currency))
    except InvalidOperation:
        return None
    if not exact.is_finite() or exact != exact.to_integral_value() or not least <= exact <= MINOR_MAX:
        return None
    return int(exact)
