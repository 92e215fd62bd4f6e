"""A workbook written as its rows come: however many there are, no more than one of them stands in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from itertools import islice
from tempfile import TemporaryDirectory
from typing import IO, Any

from xlsxwriter import Workbook

ROWS_MAX = 1_048_576
"""Rows of a sheet with its head: the format has no more."""
TEXT_MAX = 32_767
"""Characters of a cell."""
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML can't hold."""
MOMENT, DAY = "yyyy\\-mm\\-dd\\ hh:mm:ss", "yyyy\\-mm\\-dd"


def write(
    out: IO[bytes],
    name: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    zone: tzinfo,
    more: str,
) -> None:
    """A workbook of one sheet: rows under a head that stays in sight. Text stays text, and times are those of `zone`.
    Where there are more rows than the format has, the last says so (`more`)."""
    # What was written of a book that ends in the middle goes with the folder.
    with TemporaryDirectory() as folder, Workbook(out, {"constant_memory": True, "tmpdir": folder}) as book:
        sheet, bold = book.add_worksheet(_sheet_name(name)), book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for place, one in enumerate(columns):
            sheet.set_column(place, place, min(60, max(12, len(one) + 3)))
            sheet.write_string(0, place, _text(one), bold)
        put = _writer(book, sheet, zone)
        for number, row in enumerate(_told(rows, more), 1):
            for place, value in enumerate(row):
                put(number, place, value)


def told_of(count: int) -> int:
    """How many of so many rows a workbook has."""
    return count if count < ROWS_MAX else ROWS_MAX - 2


def _told(rows: Iterable[Sequence[Any]], more: str) -> Iterator[Sequence[Any]]:
    """The rows of the sheet; instead of the last that the format has, that there are more, where there are."""
    coming = iter(rows)
    yield from islice(coming, ROWS_MAX - 2)
    left = list(islice(coming, 2))
    yield from left if len(left) < 2 else [[more]]


def _writer(book: Any, sheet: Any, zone: tzinfo) -> Callable[[int, int, Any], None]:
    """What puts a value into a cell, by its row and column."""
    moment, day = (book.add_format({"num_format": one}) for one in (MOMENT, DAY))

    def put(row: int, column: int, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value)
        elif isinstance(value, int | float | Decimal):
            sheet.write_number(row, column, value)
        elif isinstance(value, datetime):
            local = value.astimezone(zone).replace(tzinfo=None, microsecond=0)
            sheet.write_datetime(row, column, local, moment)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, day)
        else:
            sheet.write_string(row, column, _text(str(value)))

    return put


def _text(value: str) -> str:
    """As a cell may have it: a spreadsheet knows one sign for the end of a line."""
    return ILLEGAL.sub("", value[:TEXT_MAX]).replace("\r\n", "\n").replace("\r", "\n")


def _sheet_name(name: str) -> str:
    return re.sub(r"[\[\]:*?/\\]", " ", ILLEGAL.sub("", name))[:31] or "1"
