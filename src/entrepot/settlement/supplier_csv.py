"""The lines of a supplier's invoice as CSV: order, line, units, amount. Pure."""

from __future__ import annotations

from typing import NamedTuple

from entrepot.settlement.amounts import as_programs_write, minor_of, what_was_found
from entrepot.settlement.carrier_csv import FAULTS_MAX, Fault, rows_of
from entrepot.settlement.supplier_invoices import LINES_MAX, Invoiced

COLUMNS = ("order", "line", "units", "amount")


class Sheet(NamedTuple):
    """What a file holds: its lines, or its faults (then no line counts)."""

    lines: tuple[Invoiced, ...]
    faults: tuple[Fault, ...]


def read(text: str, currency: str) -> Sheet:
    """Lines of four columns with commas, semicolons or tabs between; a head with the names of COLUMNS may be first."""
    rows = rows_of(text.lstrip("\ufeff").replace("\x00", "").strip())
    if isinstance(rows, Fault):
        return Sheet((), (rows,))
    if len(rows) > LINES_MAX:
        return Sheet((), (Fault(LINES_MAX + 1, "", f"more than {LINES_MAX} lines; send it in parts"),))
    lines: list[Invoiced] = []
    faults: list[Fault] = []
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and [cell.casefold() for cell in cells] == list(COLUMNS)):
            continue
        one = _line(number, cells, currency)
        (faults if isinstance(one, Fault) else lines).append(one)  # type: ignore[arg-type]
    if not lines and not faults:
        faults.append(Fault(1, "", "no line: write the order, its line, units and the amount"))
    return Sheet(() if faults else tuple(lines), tuple(faults[:FAULTS_MAX]))


def _line(number: int, cells: list[str], currency: str) -> Invoiced | Fault:
    if len(cells) != len(COLUMNS):
        return Fault(number, "", f"expected {', '.join(COLUMNS)}; found {len(cells)} columns")
    order, line, units, amount = cells
    if not order:
        return Fault(number, "order", "expected the number of an order of ours")
    for column, text in (("line", line), ("units", units)):
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
            return Fault(number, column, f"expected a whole number from 1, found {text or 'nothing'}")
    minor = minor_of(as_programs_write(amount, currency), currency)
    if minor is None:
        return Fault(
            number, "amount", f"expected an amount such as 12.50, found {what_was_found(amount, currency)}"
        )
    return Invoiced(order, int(line), int(units), minor)
