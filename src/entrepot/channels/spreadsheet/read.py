"""From the bytes of a file to its header and rows of text: CSV of the usual kinds, and XLSX."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import IO, Any, NamedTuple
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils import column_index_from_string

from entrepot.channels.spreadsheet import contract, parse
from entrepot.kernel.errors import Invalid, Said, one_of


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` are numbered as a person sees them, the first of the file is row 1."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    merged: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """By row and place in it, what stands in the first of the cells that this one is merged with."""
    padded: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """By row and place in it, a number with the zeros that its format shows before it."""
    name: str = ""
    """Of the sheet, in a workbook."""
    others: tuple[str, ...] = ()
    """Sheets of the workbook that hold rows as well, and are not read."""


class _Marks(NamedTuple):
    """What the rows of a workbook do not tell: ranges of merged cells as (first row, last row, column), and the cells
    whose formula nobody has computed."""

    merged: Sequence[tuple[int, int, int]] = ()
    uncomputed: frozenset[tuple[int, int]] = frozenset()


NO_MARKS = _Marks()

_Padded = dict[tuple[int, int], str]


Watch = Callable[[int], None]
"""Is told now and then how many rows were read; what it raises ends the reading."""


def _unwatched(_: int) -> None:
    """Nobody wants to know."""


def is_long(data: bytes, rows: int) -> bool:
    """Whether a file may have as many rows as that, told without reading it."""
    if data.startswith(_ZIP):
        return len(data) >= rows * _PACKED_ROW
    return data.count(b"\n") >= rows or data.count(b"\r") >= rows


def read(data: bytes, watch: Watch = _unwatched, *, wanted: str = "", usual: str = "") -> Sheet:
    """A CSV file, or of a workbook the `wanted` sheet; without one the `usual` sheet, where it is there; else the first
    that can hold orders. Raises Invalid for another file, for too much, and where the wanted sheet is not there."""
    if len(data) > contract.BYTES_MAX:
        raise Invalid(field="file", expected=Said("at most {0} bytes", contract.BYTES_MAX), found=len(data))
    if not data.startswith(_ZIP):
        if wanted:
            raise Invalid(field="sheet", expected="none, as only workbooks have sheets", found=wanted)
        return _sheet(_csv(data), watch)
    try:
        return _workbook(data, watch, wanted, usual)
    except _BROKEN as error:
        raise Invalid(
            field="file", expected="a workbook (XLSX)", found="another file, or a broken one"
        ) from error


_BROKEN = (
    zipfile.BadZipFile, zlib.error, ParseError, KeyError, IndexError, ValueError, OSError, EOFError
)  # fmt: skip
"""What a file that is no workbook, or only a part of one, makes of the libraries that read it."""


_ZIP = b"PK\x03\x04"
_PACKED_ROW = 30
"""Bytes that a row of a workbook takes at least, packed."""
WATCH_EVERY = 1_000


def _sheet(
    rows: Iterator[Sequence[str]], watch: Watch, marks: _Marks = NO_MARKS, padded: _Padded | None = None
) -> Sheet:
    filled = ((number, cells) for number, row in enumerate(rows, 1) if any(cells := _stripped(row)))
    top = list(islice(filled, contract.HEADER_WITHIN))
    header_at = next(
        (i for i, (_, cells) in enumerate(top) if sum(map(bool, cells)) >= len(contract.REQUIRED)), 0
    )
    found = top[header_at + 1 :]
    for row in filled:
        if len(found) == contract.ROWS_MAX:
            raise Invalid(field="file", expected=Said("at most {0} rows", contract.ROWS_MAX), found="more")
        found.append(row)
        if len(found) % WATCH_EVERY == 0:
            watch(len(found))
    if not top or not found:
        raise Invalid(field="file", expected="a header and at least one row", found="nothing")
    header = top[header_at][1]
    if len(header) > contract.COLUMNS_MAX:
        raise Invalid(
            field="file", expected=Said("at most {0} columns", contract.COLUMNS_MAX), found=len(header)
        )
    merged = _merged(found, marks.merged) if marks.merged else {}
    if merged and padded:
        shown = [
            (row, [padded.get((row, place), cell) for place, cell in enumerate(cells)])
            for row, cells in found
        ]
        padded |= {at: text for at, text in _merged(shown, marks.merged).items() if text != merged[at]}
    return Sheet(header, tuple(found), merged, padded or {})


def _stripped(row: Sequence[str]) -> tuple[str, ...]:
    """Without blanks around its cells, and without the empty ones at its end: a format may reach further than words."""
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _merged(
    rows: Sequence[tuple[int, Sequence[str]]], ranges: Sequence[tuple[int, int, int]]
) -> dict[tuple[int, int], str]:
    """Of rows that are there alone, however far a range says that it reaches; none twice, however ranges overlap."""
    known = dict(rows)
    numbers, found = sorted(known), {}
    done: dict[int, int] = {}
    for first, last, column in ranges:
        cells = known.get(first, ())
        if column < len(cells):
            begin, end = bisect_right(numbers, max(first, done.get(column, 0))), bisect_right(numbers, last)
            found.update({(row, column): cells[column] for row in numbers[begin:end]})
            done[column] = max(last, done.get(column, 0))
    return found


def _csv(data: bytes) -> Iterator[Sequence[str]]:
    try:
        is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))  # "Unicode text" of Excel
        text = data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise Invalid(field="file", expected="CSV or XLSX", found="bytes of another kind")
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    except csv.Error as error:
        raise Invalid(field="file", expected="CSV", found=str(error)) from error


def _delimiter(text: str) -> str:
    """What parts the first line that can be the header, with a row like it below: titles above it may hold any sign.
    Where there is none, what stands most often in the first line."""
    lines = list(islice(filter(str.strip, io.StringIO(text, newline="")), contract.HEADER_WITHIN + 1))
    cells = {
        sign: [_filled(row) for row in csv.reader(lines, delimiter=sign)] for sign in contract.DELIMITERS
    }
    for place in range(len(lines)):
        most = {sign: rows[place] for sign, rows in cells.items() if _like_header(rows[place : place + 2])}
        if most:
            return max(most, key=lambda sign: most[sign])
    return max(contract.DELIMITERS, key="".join(lines[:1]).count)


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _like_header(rows: Sequence[int]) -> bool:
    return len(rows) == 2 and min(rows) >= len(contract.REQUIRED)


def _workbook(data: bytes, watch: Watch, wanted: str, usual: str) -> Sheet:
    """Formulas come as the values that were last computed; macros and links are not read, entities not expanded."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(one.file_size for one in archive.infolist())
    if unpacked > contract.UNPACKED_MAX:
        expected = Said("at most {0} bytes unpacked", contract.UNPACKED_MAX)
        raise Invalid(field="file", expected=expected, found=unpacked)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        shown = [one for one in book.worksheets if one.sheet_state == "visible"] or book.worksheets
        named = _named(shown, wanted, usual)
        tops = []
        for one in dict.fromkeys([*named, *shown[:_SHEETS]]):
            one.reset_dimensions()  # a format may reach to the last column of the sheet
            watch(0)
            tops.append((one, _top(one)))
        readable = [(one, top) for one, top in tops if top is not None]
        able = [(one, top) for one, top in readable if top]
        known = [(one, top) for one, top in able if parse.propose(top[0]).keys() >= set(contract.REQUIRED)]
        asked = [pair for pair in (tops if wanted else able) if pair[0] in named]
        sheet, top = (asked or known or able or readable or tops)[0]
        with sheet._get_source() as source:
            marks = _marks(source)
        padded: _Padded | None = {} if any(map(_zeros, book._number_formats)) else None
        found = _sheet(_rows(sheet, _width(top), marks.uncomputed, padded), watch, marks, padded)
        return replace(
            found, name=sheet.title, others=tuple(one.title for one, _ in able if one is not sheet)
        )
    finally:
        book.close()


def _named(sheets: Sequence[Any], wanted: str, usual: str) -> list[Any]:
    """The sheet that is asked for, if any."""
    found = [one for one in sheets if _is_called(one.title, wanted or usual)]
    if wanted and not found:
        raise Invalid(field="sheet", expected=one_of(one.title for one in sheets[:_SHEETS]), found=wanted)
    return found[:1]


def _is_called(sheet: str, name: str) -> bool:
    """Whether a sheet has a name, however it writes its capitals: spreadsheets don't tell them apart."""
    return sheet.strip().casefold() == name.strip().casefold()


def lost_sheet(sheet: str, usual: str) -> str:
    """The usual sheet, where another one was read of a workbook instead; else ''."""
    return "" if not sheet or _is_called(sheet, usual) else usual


def _top(sheet: Any) -> list[tuple[str, ...]] | None:
    """The row of a sheet that can be the header, with those below it among which it is looked for; None where the sheet
    can't be read: another may hold the orders."""
    try:
        rows = [
            _stripped([_text(cell) for cell in row])
            for row in islice(sheet.iter_rows(max_col=_WIDEST, values_only=True), _TOP)
        ]
    except _BROKEN:
        return None
    filled = list(filter(None, rows))[: contract.HEADER_WITHIN + 1]
    able = (i for i, cells in enumerate(filled[:-1]) if sum(map(bool, cells)) >= len(contract.REQUIRED))
    return filled[next(able, len(filled)) :]


def _width(top: Sequence[Sequence[str]] | None) -> int:
    """How far the rows of a sheet are read: what stands behind its header is in no column."""
    return len(top[0]) if top else _WIDEST


_SHEETS, _TOP = 20, 200
"""Sheets that are looked at, and rows of each among which its header is looked for, empty ones too."""
_WIDEST = contract.COLUMNS_MAX + 1
"""So that one too many is noticed. A single cell in the last column makes its row 16,384 cells long."""
_NO_DIGITS = re.compile(r"\[[^\]]*\]|_.|;.*", re.DOTALL)
"""Of a number's format: colors, countries, blanks as wide as a sign, formats of negative and other values."""


@lru_cache
def _zeros(shown_as: str) -> int:
    """How many digits a format fills a number up to with zeros (01067 is kept as 1067); 0 for one that does not."""
    digits = _NO_DIGITS.sub("", shown_as)
    return len(digits) if len(digits) > 1 and not digits.strip("0") else 0


def _rows(
    sheet: Any, width: int, uncomputed: frozenset[tuple[int, int]], padded: _Padded | None
) -> Iterator[Sequence[str]]:
    """What is kept. Numbers that are shown with zeros before them go to `padded` as well, unless that is None."""
    for number, row in enumerate(sheet.iter_rows(max_col=width, values_only=padded is None), 1):
        if padded is None:
            cells = [_text(cell) for cell in row]
        else:
            cells = [_text(cell.value) for cell in row]
            padded.update(
                ((number, place), cells[place].zfill(_zeros(cell.number_format)))
                for place, cell in enumerate(row)
                if isinstance(cell.value, int | float)
                and cells[place].isdecimal()
                and _zeros(cell.number_format)
            )
        for place in range(len(cells)) if uncomputed else ():
            if (number, place) in uncomputed:
                cells[place] = contract.UNCOMPUTED
        yield cells


_CHUNK, _OVERLAP = 1 << 20, 1 << 14
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="([A-Z]{1,3})([0-9]{1,15}):[A-Z]{1,3}([0-9]{1,15})"')
_FORMULA = re.compile(
    rb'<(?:\w{1,20}:)?c (?![^<>]{0,300}\bt="str")[^<>]{0,300}?\br="([A-Z]{1,3})([0-9]{1,7})"[^<>]{0,300}>\s*'
    rb"<(?:\w{1,20}:)?f\b(?:[^<>]{0,300}/>|[^<>]{0,300}>[^<]*</(?:\w{1,20}:)?f>)\s*"
    rb"(?:(?:<(?:\w{1,20}:)?v\s*/>|<(?:\w{1,20}:)?v>\s*</(?:\w{1,20}:)?v>)\s*)?</(?:\w{1,20}:)?c>"
)
"""A cell with a formula and no value; one whose formula gave an empty text (`str`) has a value.

No part of it may reach over the next tag, or match the same blanks in two ways: a file may be made to take hours."""


def _marks(source: IO[bytes]) -> _Marks:
    """Read in pieces, beside the rows."""
    merged: set[tuple[int, int, int]] = set()
    uncomputed: set[tuple[int, int]] = set()
    tail = b""
    while chunk := source.read(_CHUNK):
        text = tail + chunk
        merged.update((int(first), int(last), _place(at)) for at, first, last in _MERGED.findall(text))
        uncomputed.update((int(row), _place(at)) for at, row in _FORMULA.findall(text))
        tail = text[-_OVERLAP:]
    return _Marks(sorted(merged), frozenset(uncomputed))


def _place(letters: bytes) -> int:
    """The place of a column in its row: A is 0."""
    return column_index_from_string(letters.decode()) - 1


def _text(cell: Any) -> str:
    """A number with the 15 digits that a spreadsheet shows: what a formula gave has more, and they are not true."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    return str(cell)
