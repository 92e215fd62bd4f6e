"""A spreadsheet (Office Open XML) written as its rows come: it never stands in memory whole, and begins at once."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, cast
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.datetime import to_excel

from entrepot.web import format as fmt

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAME_MAX = 31
BOLD, MOMENT, DAY = 1, 2, 3
"""Of cellXfs in STYLES: heads, moments, days."""

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
TYPES = f"""{_XML}<Types xmlns="{_PACKAGE}/content-types"
><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"
/><Default Extension="xml" ContentType="application/xml"
/><Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"
/><Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"
/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/></Types>"""
ROOT = f"""{_XML}<Relationships xmlns="{_PACKAGE}/relationships"
><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"""
BOOK = f"""{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"
><sheets><sheet name="{{name}}" sheetId="1" r:id="rId1"/></sheets></workbook>"""
OF_BOOK = f"""{_XML}<Relationships xmlns="{_PACKAGE}/relationships"
><Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"
/><Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>"""
STYLES = f"""{_XML}<styleSheet xmlns="{_MAIN}"
><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy-mm-dd hh:mm:ss"/></numFmts
><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font
><font><b/><sz val="11"/><name val="Calibri"/></font></fonts
><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills
><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders
><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs
><cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"
/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"
/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"
/><xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs
><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""
BEGIN = f"""{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"
><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>"""
END = "</sheetData></worksheet>"


class _Out:
    """What the archive writes, until it is taken on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        whole, self._parts = b"".join(self._parts), []
        return whole


def written(
    name: str, columns: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]]
) -> Generator[bytes]:
    """Rows under a head that stays in sight, a piece for each batch; text stays text, and times are those of the
    reader's zone."""
    out = _Out()
    with ZipFile(cast("IO[bytes]", out), "w", ZIP_DEFLATED, compresslevel=3) as book:
        sheet_name = escape(name[:NAME_MAX], {'"': "&quot;"})
        for path, text in (
            ("[Content_Types].xml", TYPES), ("_rels/.rels", ROOT), ("xl/workbook.xml", BOOK.format(name=sheet_name)),
            ("xl/_rels/workbook.xml.rels", OF_BOOK), ("xl/styles.xml", STYLES),
        ):  # fmt: skip
            book.writestr(path, text)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            head = "".join(_text(one, BOLD) for one in columns)
            sheet.write(f"{BEGIN}<row>{head}</row>".encode())
            for batch in batches:
                sheet.write("".join(map(_row, batch)).encode())
                yield out.taken()
            sheet.write(END.encode())
    yield out.taken()


def _row(cells: Sequence[Any]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, (int, float, Decimal)):
        return f"<c><v>{value}</v></c>"
    if isinstance(value, datetime):
        there = value.astimezone(fmt.reading().zone).replace(tzinfo=None)
        return f'<c s="{MOMENT}"><v>{to_excel(there)}</v></c>'
    if isinstance(value, date):
        return f'<c s="{DAY}"><v>{to_excel(value)}</v></c>'
    return _text(str(value))


def _text(value: str, style: int = 0) -> str:
    """Never a formula, whatever it begins with; without what no XML can hold."""
    kept = escape(ILLEGAL_CHARACTERS_RE.sub("", value).encode("utf-8", "ignore").decode())
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{kept}</t></is></c>'
