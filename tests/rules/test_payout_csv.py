"""Reports of payouts as files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.settlement import payout_csv
from entrepot.settlement.rules import SIGNS, PayoutLine


def test_columns_and_kinds_are_known_by_the_names_that_providers_use():
    text = "Transaction-Type;x\n"
    assert payout_csv.read(text, "EUR").faults, "a column that nobody knows"
    head = "\ufeffreporting_category;source_id;gross;fee\n"
    rows = "charge;ch_1;12.34;0.40\nRefund;re_1;-2.00;\nReserve-hold;;-3;\n\n"
    sheet = payout_csv.read(head + rows, "EUR")
    assert sheet == (
        (
            PayoutLine("charge", "ch_1", 1234, 40),
            PayoutLine("refund", "re_1", 200),
            PayoutLine("reserve_held", "", 300),
        ),
        (),
    )


def test_a_fee_alone_is_what_was_taken_and_above_zero_what_came_back():
    sheet = payout_csv.read("kind,amount,fee\ncommission,-1.25,\ncommission,0.25,\nfee,,2.00\n", "GBP")
    assert [one.fee_minor for one in sheet.lines] == [125, -25, 200]
    assert all(one.amount_minor == 0 for one in sheet.lines)


def test_amounts_have_the_digits_of_their_currency():
    assert payout_csv.read("kind,amount\norder,1200\n", "JPY").lines[0].amount_minor == 1200
    assert payout_csv.read("kind,amount\norder,1.205\n", "KWD").lines[0].amount_minor == 1205
    (fault,) = payout_csv.read("kind,amount\norder,1.205\n", "GBP").faults
    assert (fault.line, fault.column) == (2, "amount") and "GBP" in fault.message


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", "kind"), ("kind\ncharge\n", "amount"), ("kind,amount\n", ""), ("kind,amount\ngift,1\n", "kind"),
        ("kind,amount\ncharge,NaN\n", "amount"), ("kind,amount\ncharge,-1\n", "amount"),
        ("kind,amount,fee\ncharge,1,x\n", "fee"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_column_and_nothing_counts(text: str, column: str):
    sheet = payout_csv.read(text, "GBP")
    assert sheet.lines == () and sheet.faults[0].column == column


def test_of_a_file_with_one_bad_line_nothing_counts():
    assert payout_csv.read("kind,amount\ncharge,1\ncharge,x\n", "GBP").lines == ()


LINES = st.lists(
    st.tuples(
        st.sampled_from(sorted(set(SIGNS) - {"fee"})), st.integers(0, 10**9), st.integers(-(10**6), 10**6)
    ),
    min_size=1,
)


@given(LINES)
def test_what_is_written_is_read_to_the_minor_unit(lines: list[tuple[str, int, int]]):
    text = "kind,reference,amount,fee\n" + "".join(
        f"{kind.replace('_', ' ')},r{i},{SIGNS[kind] * amount / 100:.2f},{fee / 100:.2f}\n"
        for i, (kind, amount, fee) in enumerate(lines)
    )
    assert payout_csv.read(text, "GBP") == (
        tuple(PayoutLine(kind, f"r{i}", amount, fee) for i, (kind, amount, fee) in enumerate(lines)),
        (),
    )


@given(st.text())
def test_no_text_brings_it_down(text: str):
    sheet = payout_csv.read(text, "GBP")
    assert bool(sheet.lines) != bool(sheet.faults)
