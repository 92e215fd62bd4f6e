"""Many bins at once: of a pattern, or of a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.csv_rows import Fault
from entrepot.kernel.errors import Invalid
from entrepot.network import bin_lists
from entrepot.network.bin_lists import Line


@pytest.mark.parametrize(
    ("pattern", "codes"),
    [
        ("DOCK", ["DOCK"]), ("A-{1..3}", ["A-1", "A-2", "A-3"]), ("A-{09..11}", ["A-09", "A-10", "A-11"]),
        ("{A..B}-{1..2}", ["A-1", "A-2", "B-1", "B-2"]), (" R{01..02}X ", ["R01X", "R02X"]),
    ],
)  # fmt: skip
def test_a_pattern_stands_for_codes_in_the_order_of_a_walk(pattern: str, codes: list[str]) -> None:
    assert bin_lists.codes_of(pattern) == codes


@pytest.mark.parametrize(
    "pattern",
    ["", " ", "A-{", "A-}", "A-{}", "A-{3..1}", "A-{1..x}", "A-{a..c}", "{0..9999}{0..9}", "A-{{1..2}}"],
)
def test_what_makes_no_sense_or_too_many_is_refused(pattern: str) -> None:
    assert isinstance(bin_lists.codes_of(pattern), Invalid)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 4))
def test_a_span_has_every_number_once_and_as_wide_as_its_first(first: int, last: int, width: int) -> None:
    found = bin_lists.codes_of(f"{{{first:0{width}}..{last}}}")
    if first > last:
        assert isinstance(found, Invalid)
    else:
        assert found == [f"{one:0{len(f'{first:0{width}}')}}" for one in range(first, last + 1)]


def test_a_file_is_read_by_its_header_and_each_fault_told_by_its_row() -> None:
    sheet = bin_lists.read(
        [
            "kind,code,zone,x",
            "pick,A-1,Z,3",
            "reserve,A-2,,",
            "sofa,A-3,,",
            "pick,,,",
            "pick,A-1,,",
            "pick,A-4,,-1",
        ]
    )
    assert sheet.rows == [Line("A-1", "pick", "Z", 0, 3, 0), Line("A-2", "reserve", "", 0, 0, 0)]
    assert [one.row for one in sheet.faults] == [4, 5, 6, 7]
    assert "found sofa" in sheet.faults[0].problem and "found A-1 again" in sheet.faults[2].problem
    assert bin_lists.read(["name,kind"]).faults == [
        Fault(1, "expected the columns code, kind, zone, pick_sequence, x, y, found no code")
    ]
    assert bin_lists.read([]).faults


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5))))
def test_whatever_a_file_says_each_row_is_a_bin_or_a_fault(rows: list[tuple[str, str]]) -> None:
    clean = [tuple("".join(c for c in cell if c.isalnum()) for cell in row) for row in rows]
    lines = ["code,kind", *(f"{code},{kind}" for code, kind in clean if code or kind)]
    sheet = bin_lists.read(lines)
    assert len(sheet.rows) + len(sheet.faults) == len(lines) - 1


def test_a_cell_that_is_too_long_for_csv_is_a_fault_of_its_row_alone() -> None:
    sheet = bin_lists.read(["code,kind", "A-1,pick", f"{'x' * 200_000},pick", "A-2,pick"])
    assert [one.code for one in sheet.rows] == ["A-1", "A-2"]
    assert [one.row for one in sheet.faults] == [3] and "can't be read" in sheet.faults[0].problem
    (fault,) = bin_lists.read([f"code,kind,{'x' * 200_000}", "A-1,pick"]).faults
    assert fault.row == 1
