"""A carrier's invoice as CSV: which column is what, and each line read. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from entrepot.settlement.amounts import MINOR_MAX, as_programs_write, minor_of, what_was_found
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
