"""A workbook written as its rows come: however many there are, no more of them than a step stand in memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from itertools import islice
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

ROWS_MAX = 1_048_576
"""Rows of a sheet with its head: the format has no more."""
TEXT_MAX = 32_767
"""Characters of a cell."""
STEP = 500
"""Rows that are packed at once."""
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML can't hold."""
BOLD, MOMENT, DAY = 1, 2, 3
"""The formats of cells, as styles.xml lists them."""
EPOCH = date(1899, 12, 30)
"""Days are counted from here."""


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
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=3) as book:
        for path, content in AROUND.items():
            book.writestr(path, content)
        book.writestr("xl/workbook.xml", WORKBOOK % escape(_sheet_name(name), {'"': "&quot;"}))
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write((BEGIN % _widths(columns)).encode())
            written = _written(columns, rows, zone, more)
            while some := list(islice(written, STEP)):
                sheet.write("".join(some).encode())
            sheet.write(b"</sheetData></worksheet>")


def told_of(count: int) -> int:
    """How many of so many rows a workbook has."""
    return count if count < ROWS_MAX else ROWS_MAX - 2


def _written(columns: Sequence[str], rows: Iterable[Sequence[Any]], zone: tzinfo, more: str) -> Iterator[str]:
    """The rows of the sheet: of the last two the second says that there are more, where there are."""
    letters = [_letters(place) for place in range(max(1, len(columns)))]
    yield _row(1, [_text(one, f"{at}1", BOLD) for one, at in zip(columns, letters, strict=False)])
    coming, number = iter(rows), 1
    for row in islice(coming, ROWS_MAX - 2):
        number += 1
        yield _row(number, _cells(row, letters, number, zone))
    left = list(islice(coming, 2))
    for row in left if len(left) < 2 else [[more]]:
        yield _row(ROWS_MAX, _cells(row, letters, ROWS_MAX, zone))


def _cells(row: Sequence[Any], letters: Sequence[str], number: int, zone: tzinfo) -> list[str]:
    return [_cell(value, f"{at}{number}", zone) for value, at in zip(row, letters, strict=False)]


def _row(number: int, cells: Iterable[str]) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(value: Any, at: str, zone: tzinfo) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return _text(value, at)
    if isinstance(value, bool):
        return f'<c r="{at}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, int | float | Decimal):
        return f'<c r="{at}"><v>{value}</v></c>'
    if isinstance(value, datetime):
        local = value.astimezone(zone)
        seconds = local.hour * 3_600 + local.minute * 60 + local.second
        return f'<c r="{at}" s="{MOMENT}"><v>{(local.date() - EPOCH).days + seconds / 86_400:.9f}</v></c>'
    if isinstance(value, date):
        return f'<c r="{at}" s="{DAY}"><v>{(value - EPOCH).days}</v></c>'
    return _text(str(value), at)


def _text(value: str, at: str, style: int = 0) -> str:
    told = escape(ILLEGAL.sub("", value[:TEXT_MAX]))
    return f'<c r="{at}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{told}</t></is></c>'


def _letters(place: int) -> str:
    """The name of a column: A to Z, then AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


def _sheet_name(name: str) -> str:
    return re.sub(r"[\[\]:*?/\\]", " ", ILLEGAL.sub("", name))[:31] or "1"


def _widths(columns: Sequence[str]) -> str:
    """Of each column such that its head can be read."""
    cols = "".join(
        f'<col min="{n}" max="{n}" width="{min(60, max(12, len(str(one)) + 3))}" customWidth="1"/>'
        for n, one in enumerate(columns, 1)
    )
    return f"<cols>{cols}</cols>" if cols else ""


# ---- what stands around the rows

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEETML = "application/vnd.openxmlformats-officedocument.spreadsheetml"

WORKBOOK = (
    f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets><sheet name="%s" sheetId="1" r:id="rId1"/></sheets>'
    "</workbook>"
)
BEGIN = (
    f'{XML}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>%s<sheetData>'
)
AROUND = {
    "[Content_Types].xml": (
        f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{SHEETML}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{SHEETML}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{SHEETML}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{LINKS}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'{XML}<styleSheet xmlns="{MAIN}"><numFmts count="2">'
        '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>'
        '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd"/>'
        '</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="4"><xf xfId="0"/><xf fontId="1" applyFont="1" xfId="0"/>'
        '<xf numFmtId="164" applyNumberFormat="1" xfId="0"/><xf numFmtId="165" applyNumberFormat="1" xfId="0"/>'
        '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}  # fmt: skip
"""The parts of a workbook that say what the others are, and how cells look."""
