"""A payout of a provider or marketplace as CSV: which column is what, and each line read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from entrepot.settlement.amounts import MINOR_MAX, minor_of
from entrepot.settlement.carrier_csv import FAULTS_MAX, Fault, rows_of
from entrepot.settlement.rules import SIGNS, PayoutLine

FIELDS = ("kind", "reference", "amount", "fee")
KNOWN = {
    "kind": ("kind", "type", "transaction type", "reporting category", "category"),
    "reference": ("reference", "transaction id", "source", "source id", "order id", "order", "id"),
    "amount": ("amount", "gross", "gross amount", "total"),
    "fee": ("fee", "fees", "commission", "fee amount"),
}
"""Names that providers give to columns."""
KINDS = {
    "charge": "charge", "payment": "charge", "order": "charge", "sale": "charge",
    "refund": "refund", "payment refund": "refund", "return": "refund",
    "refund reversal": "refund_reversal", "refund failure": "refund_reversal",
    "chargeback": "chargeback", "dispute": "chargeback",
    "chargeback reversal": "chargeback_reversal", "dispute reversal": "chargeback_reversal",
    "fee": "fee", "commission": "fee", "service fee": "fee", "subscription": "fee",
    "reserve held": "reserve_held", "reserve hold": "reserve_held",
    "reserve released": "reserve_released", "reserve release": "reserve_released",
}  # fmt: skip
"""Providers' words for kinds of lines, in ours."""
LINES_MAX = 10_000


class Sheet(NamedTuple):
    """What a file holds: its lines, or its faults (then no line counts)."""

    lines: tuple[PayoutLine, ...]
    faults: tuple[Fault, ...]


def read(text: str, currency: str) -> Sheet:
    """The lines of a file. What goes from us may stand below zero or not: its kind says the way. A line that is a fee
    alone has it as its fee, or below zero as its amount."""
    rows = rows_of(text)
    if isinstance(rows, Fault):
        return Sheet((), (rows,))
    names = [name.strip() for name in rows[0]] if rows else []
    places = {field: _place(field, names) for field in FIELDS}
    missing = [field for field in ("kind", "amount") if places[field] is None]
    if missing:
        has = ", ".join(names) or "none"
        return Sheet((), tuple(Fault(1, field, f"no such column; the file has {has}") for field in missing))
    if len(rows) - 1 > LINES_MAX:
        return Sheet((), (Fault(LINES_MAX + 2, "", f"more than {LINES_MAX} lines"),))
    lines: list[PayoutLine] = []
    faults: list[Fault] = []
    for number, row in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in row):
            one = _line(number, row, places, currency)
            (faults if isinstance(one, Fault) else lines).append(one)  # type: ignore[arg-type]
    if not lines and not faults:
        faults.append(Fault(2, "", "no line"))
    return Sheet(() if faults else tuple(lines), tuple(faults[:FAULTS_MAX]))


def _place(field: str, names: Sequence[str]) -> int | None:
    plain = [name.lower().replace("_", " ") for name in names]
    return next((plain.index(name) for name in KNOWN[field] if name in plain), None)


def _line(
    number: int, row: Sequence[str], places: Mapping[str, int | None], currency: str
) -> PayoutLine | Fault:
    cells = {
        field: row[place].strip() if place is not None and place < len(row) else ""
        for field, place in places.items()
    }
    kind = KINDS.get(cells["kind"].lower().replace("_", " ").replace("-", " "))
    if kind is None:
        expected = ", ".join(sorted(set(KINDS.values())))
        return Fault(number, "kind", f"expected one of {expected}, found {cells['kind'] or 'nothing'}")
    amount, fee = (minor_of(cells[field] or "0", currency, -MINOR_MAX) for field in ("amount", "fee"))
    for field, found in (("amount", amount), ("fee", fee)):
        if found is None:
            expected = f"an amount in {currency}, such as 7.42"
            return Fault(number, field, f"expected {expected}, found {cells[field]}")
    assert amount is not None and fee is not None
    if SIGNS[kind] == 0:  # a fee and nothing else: below zero is what was taken
        return PayoutLine(kind, cells["reference"], 0, fee or -amount)
    if amount * SIGNS[kind] < 0 and SIGNS[kind] > 0:
        return Fault(number, "amount", f"expected an amount from 0 for a {kind}, found {cells['amount']}")
    return PayoutLine(kind, cells["reference"], abs(amount), fee)
