"""Workbooks: what a spreadsheet reads in them is what was written."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from entrepot.web import xlsx

BERLIN = ZoneInfo("Europe/Berlin")


def read(columns, rows, name: str = "orders"):
    out = io.BytesIO()
    xlsx.write(out, name, columns, rows, zone=BERLIN, more="more")
    (sheet,) = openpyxl.load_workbook(out).worksheets
    return sheet


def test_each_kind_of_cell_is_read_as_it_was_written():
    at = datetime(2026, 11, 29, 9, 30, 15, tzinfo=UTC)
    row = ["=1+1", 7, Decimal("12.50"), at, date(2026, 3, 2), None, True, "a < b & \x01c", "end"]
    sheet = read([f"column {n}" for n in range(9)], [row])
    assert sheet.freeze_panes == "A2"
    assert [cell.font.b for cell in sheet[1]] == [True] * 9
    assert [cell.value for cell in sheet[2]] == [
        "=1+1", 7, 12.5, datetime(2026, 11, 29, 10, 30, 15), datetime(2026, 3, 2), None, True, "a < b & c", "end",  # noqa: DTZ001  a cell has no zone
    ]  # fmt: skip
    assert (sheet["A2"].data_type, sheet["D2"].number_format) == ("s", "yyyy\\-mm\\-dd\\ hh:mm:ss")


def test_a_sheet_is_named_as_spreadsheets_allow():
    assert read(["a"], [], "orders/2026: [all] and so on and on").title == "orders 2026   all  and so on an"
    assert read([], []).max_row == 1


def test_columns_past_z_have_two_letters():
    heads = [f"c{n}" for n in range(60)]
    assert [cell.value for cell in read(heads, [range(60)])[2]] == list(range(60))


@given(st.lists(st.tuples(st.text(max_size=20), st.integers(-(10**12), 10**12)), max_size=6))
def test_text_stays_what_it_was_but_for_what_no_file_can_hold(rows):
    sheet = read(["text", "number"], rows)
    found = [(one[0] or "", one[1]) for one in sheet.iter_rows(min_row=2, values_only=True)]
    told = [(xlsx.ILLEGAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n"), n) for text, n in rows]
    assert found == told


@given(st.integers(0, 20), st.integers(3, 12))
def test_the_last_row_says_that_there_are_more_where_there_are(count, most):
    before, xlsx.ROWS_MAX = xlsx.ROWS_MAX, most
    try:
        values = [
            one for (one,) in read(["n"], ([n] for n in range(count))).iter_rows(min_row=2, values_only=True)
        ]
        assert values[: xlsx.told_of(count)] == list(range(xlsx.told_of(count)))
        assert values[xlsx.told_of(count) :] == ([] if count < most else ["more"])
        assert len(values) < most
    finally:
        xlsx.ROWS_MAX = before
