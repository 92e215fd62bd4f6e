"""Rates of exchange as files: one a row, or as the European Central Bank publishes them (CSV and XML). Read without
trust. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from xml.parsers import expat

from entrepot.kernel import csv_rows
from entrepot.kernel.csv_rows import Fault, Sheet
from entrepot.ledger.exchange import DECIMALS

HEADER = ("date", "currency", "rate")
MOST = 20_000
"""Rates of a file: those of two years, of all currencies that the bank tells."""
EURO = "EUR"
NOTHING = ("", "N/A", "-")
"""What stands where the bank has no rate of a day."""
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class FileRate(NamedTuple):
    """Units of the company's currency for one unit of another, from a day on."""

    on: date
    currency: str
    rate: Decimal


class _Day(NamedTuple):
    """What one euro is in other currencies on a day, and the row that says so."""

    row: int
    on: date
    told: Mapping[str, Decimal]


def read(text: str, home: str) -> Sheet[FileRate]:
    """The rates of a file in a company's currency: CSV with the columns date, currency and rate has them so; what one
    euro is in others (CSV with a column for each, or XML) is converted by the euro's rate of the same day."""
    text = text.lstrip("\ufeff \r\n\t")
    if text.startswith("<"):
        return _of_euro(*_xml(text), home)
    lines = text.splitlines()
    names = [name.strip() for name in next(csv.reader(lines[:1]), [])]
    if names and names[0].lower() == "date" and any(map(_is_currency, names[1:])):
        return _of_euro(*_table(lines, names), home)
    return csv_rows.read(
        lines, HEADER, HEADER, lambda row: _rate(row, home), lambda one: one[:2], MOST, "rate", "rates"
    )


def _rate(row: Mapping[str, str | None], home: str) -> FileRate | str:
    day, currency, said = ((row.get(name) or "").strip() for name in HEADER)
    on, rate = _day(day), _number(said)
    if on is None:
        return f"date: expected a day as 2026-11-30, found {day[:20] or 'nothing'}"
    if not _is_currency(currency) or currency == home:
        return f"currency: expected three capital letters, not {home}, found {currency[:20] or 'nothing'}"
    if rate is None or rate != round(rate, DECIMALS):
        return f"rate: expected a number above 0 with {DECIMALS} decimals at most, found {said[:20] or 'nothing'}"
    return FileRate(on, currency, rate)


def _is_currency(text: str) -> bool:
    return bool(re.fullmatch("[A-Z]{3}", text))


def _day(text: str) -> date | None:
    """As 2026-11-30, or as the bank's file of a day has it: 30 November 2026."""
    said = re.fullmatch(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4})", text)
    try:
        if said and said[2] in MONTHS:
            return date(int(said[3]), MONTHS.index(said[2]) + 1, int(said[1]))
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def _number(text: str) -> Decimal | None:
    found = Decimal(text) if re.fullmatch(r"\d{1,9}(\.\d{1,12})?", text, re.ASCII) else None
    return found or None  # 0 is no rate


# ---- what one euro is in other currencies


def _of_euro(days: Iterable[_Day], faults: list[Fault], home: str) -> Sheet[FileRate]:
    sheet: Sheet[FileRate] = Sheet(faults=faults)
    seen: set[date] = set()
    for one in days:
        own = Decimal(1) if home == EURO else one.told.get(home)
        if one.on in seen:
            faults.append(Fault(one.row, f"expected each day once, found {one.on} again"))
        elif own is None:
            faults.append(Fault(one.row, f"expected what a euro is in {home} on {one.on}, found nothing"))
        elif len(sheet.rows) + len(one.told) > MOST:
            faults.append(
                Fault(one.row, f"expected {MOST} rates at most, found more: take fewer days at a time")
            )
            break
        else:
            sheet.rows += _at_home(one, home, own)
        seen.add(one.on)
    if not (sheet.rows or faults):
        faults.append(Fault(1, "expected the rates of a day at least, found none"))
    return sheet


def _at_home(one: _Day, home: str, own: Decimal) -> Iterator[FileRate]:
    for currency, per_euro in sorted({**one.told, EURO: Decimal(1)}.items()):
        if currency != home and (rate := round(own / per_euro, DECIMALS)):
            yield FileRate(one.on, currency, rate)


def _table(lines: Sequence[str], names: Sequence[str]) -> tuple[list[_Day], list[Fault]]:
    """A row for each day, a column for each currency."""
    days: list[_Day] = []
    faults: list[Fault] = []
    try:
        for number, row in enumerate(csv.reader(lines[1:]), 2):
            cells = [cell.strip() for cell in row]
            if any(cells):
                _add(number, cells[0], dict(zip(names[1:], cells[1:], strict=False)), days, faults)
    except csv.Error as error:
        faults.append(Fault(1, f"expected rows of CSV, found one that can't be read: {error}"))
    return days, faults


def _xml(text: str) -> tuple[list[_Day], list[Fault]]:
    """Elements `Cube`: one for a day, with its `time`, and in it one for each `currency` with its `rate`."""
    days: list[_Day] = []
    faults: list[Fault] = []
    known: list[tuple[int, str, dict[str, str]]] = []
    parser = expat.ParserCreate(namespace_separator="}")

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition("}")[2] != "Cube":
            return
        if "time" in attributes:
            known.append((parser.CurrentLineNumber, attributes["time"], {}))
        elif "currency" in attributes and known:
            known[-1][2][attributes["currency"]] = attributes.get("rate", "")

    def doctype(*_of: object) -> None:
        raise expat.ExpatError("it declares a document type, which no rate needs")  # entities come by it

    parser.StartElementHandler, parser.StartDoctypeDeclHandler = start, doctype
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeError) as error:
        return [], [Fault(1, f"expected XML, found what is none: {error}")]
    for row, day, cells in known:
        _add(row, day, cells, days, faults)
    return days, faults


def _add(row: int, day: str, cells: Mapping[str, str], days: list[_Day], faults: list[Fault]) -> None:
    on = _day(day)
    told = {name: said for name, said in cells.items() if _is_currency(name) and said not in NOTHING}
    read_ = {name: _number(said) for name, said in told.items()}
    wrong = next((name for name, number in read_.items() if number is None), None)
    if on is None:
        faults.append(Fault(row, f"date: expected a day as 2026-11-30, found {day[:20] or 'nothing'}"))
    elif wrong:
        faults.append(Fault(row, f"{wrong}: expected a number above 0, found {told[wrong][:20]}"))
    else:
        days.append(_Day(row, on, {name: number for name, number in read_.items() if number}))
