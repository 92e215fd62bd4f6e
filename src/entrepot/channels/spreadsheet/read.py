"""From the bytes of a file to its header and rows of text: CSV of the usual kinds, and XLSX."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import openpyxl

from entrepot.channels.spreadsheet import contract
from entrepot.kernel.errors import Invalid, Said


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` are numbered as a person sees them: the header is row 1."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read(data: bytes) -> Sheet:
    """The first sheet of a workbook, or a CSV file. Raises Invalid for what is neither, or too large."""
    if len(data) > contract.BYTES_MAX:
        raise Invalid(field="file", expected=Said("at most {0} bytes", contract.BYTES_MAX), found=len(data))
    return _sheet(_workbook(data) if data.startswith(b"PK\x03\x04") else _csv(data))


def _sheet(rows: Iterable[Sequence[str]]) -> Sheet:
    header: tuple[str, ...] | None = None
    found: list[tuple[int, tuple[str, ...]]] = []
    for number, row in enumerate(rows, 1):
        cells = tuple(cell.strip() for cell in row)
        if not any(cells):
            continue
        if header is None:
            if len(cells) > contract.COLUMNS_MAX:
                raise Invalid(
                    field="file", expected=Said("at most {0} columns", contract.COLUMNS_MAX), found=len(cells)
                )
            header = cells
        elif len(found) == contract.ROWS_MAX:
            raise Invalid(field="file", expected=Said("at most {0} rows", contract.ROWS_MAX), found="more")
        else:
            found.append((number, cells))
    if header is None or not found:
        raise Invalid(field="file", expected="a header and at least one row", found="nothing")
    return Sheet(header, tuple(found))


def _csv(data: bytes) -> Iterator[Sequence[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise Invalid(field="file", expected="CSV or XLSX", found="bytes of another kind")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(contract.DELIMITERS, key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise Invalid(field="file", expected="CSV", found=str(error)) from error


def _workbook(data: bytes) -> Iterator[Sequence[str]]:
    """Formulas come as the values that were last computed; macros and links are not read, entities not expanded."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
        if unpacked > contract.UNPACKED_MAX:
            raise Invalid(
                field="file",
                expected=Said("at most {0} bytes unpacked", contract.UNPACKED_MAX),
                found=unpacked,
            )
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise Invalid(
            field="file", expected="a workbook (XLSX)", found=str(error) or "another file"
        ) from error
    try:
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield [_text(cell) for cell in row]
    finally:
        book.close()


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell)
