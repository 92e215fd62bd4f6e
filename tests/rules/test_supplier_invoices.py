"""What a line of a supplier's invoice settles."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.settlement import errors, supplier_csv
from entrepot.settlement.supplier_invoices import Goods, Invoiced, SupplierTolerance, judge, match, misfit

LINE, ORDER = UUID(int=1), UUID(int=2)
EXACT = SupplierTolerance(0, 0)


def goods(received: int, value: int, billed: int = 0, released: int = 0) -> Goods:
    return Goods(LINE, ORDER, received, value, billed, released)


def billed(quantity: int, amount: int, order: str = "PO-1", line: int = 1) -> Invoiced:
    return Invoiced(order, line, quantity, amount)


def told(line: Invoiced, stand: Goods | None, tolerance: SupplierTolerance = EXACT) -> tuple:
    found = judge(line, stand, "GBP", tolerance)
    return found.state, found.units, found.expected, found.difference


@pytest.mark.parametrize(
    ("line", "stand", "tolerance", "answer"),
    [
        (billed(10, 1_000), goods(10, 1_000), EXACT, ("matched", 10, 1_000, 0)),
        (billed(4, 400), goods(10, 1_000), EXACT, ("matched", 4, 400, 0)),
        (billed(10, 1_001), goods(10, 1_000), EXACT, ("differs", 10, 1_000, 1)),
        (billed(10, 990), goods(10, 1_000), EXACT, ("differs", 10, 1_000, -10)),
        (billed(10, 1_001), goods(10, 1_000), SupplierTolerance(1, 0), ("matched", 10, 1_000, 1)),
        (billed(10, 1_010), goods(10, 1_000), SupplierTolerance(0, 100), ("matched", 10, 1_000, 10)),
        (billed(10, 1_011), goods(10, 1_000), SupplierTolerance(0, 100), ("differs", 10, 1_000, 11)),
        (billed(10, 1_000), goods(6, 600), EXACT, ("differs", 6, 600, 400)),
        (billed(10, 1_000), goods(0, 0), EXACT, ("differs", 0, 0, 1_000)),
        (billed(10, 1_000), goods(10, 1_000, 10, 1_000), EXACT, ("differs", 0, 0, 1_000)),
        (billed(10, 1_000), None, EXACT, ("unmatched", 0, 0, 1_000)),
        (billed(1, 34), goods(3, 100, 1, 33), EXACT, ("matched", 1, 34, 0)),
    ],
)
def test_a_line_against_what_came(line, stand, tolerance, answer):
    assert told(line, stand, tolerance) == answer


def test_lines_of_one_invoice_share_what_came():
    first, second, other = match(
        [billed(6, 600), billed(6, 600), billed(1, 5, line=2)], {("PO-1", 1): goods(10, 1_000)}, "GBP", EXACT
    )
    assert [(one.state, one.units) for one in (first, second, other)] == [
        ("matched", 6),
        ("differs", 4),
        ("unmatched", 0),
    ]
    assert second.why == "6 billed, 4 of them came and were not billed before"


@given(st.integers(1, 500), st.integers(0, 10**6), st.data())
def test_in_whatever_parts_goods_are_billed_all_of_their_value_is_released(units, value, data):
    stand, left = goods(units, value), units
    while left:
        part = data.draw(st.integers(1, left))
        released = stand.release(part)
        assert released >= 0
        stand, left = stand.after(part), left - part
        assert stand.released <= value
    assert (stand.billed, stand.released) == (units, value)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 5_000)), min_size=1, max_size=8),
    st.integers(0, 60),
    st.integers(0, 9_000),
)
def test_every_minor_unit_is_of_goods_that_came_or_a_difference(lines, received, value):
    found = match([billed(*one) for one in lines], {("PO-1", 1): goods(received, value)}, "GBP", EXACT)
    assert all(one.expected + one.difference == one.line.amount_minor for one in found)
    assert sum(one.units for one in found) == min(received, sum(quantity for quantity, _ in lines))
    assert sum(one.expected for one in found) <= value
    if received and sum(one.units for one in found) == received:
        assert sum(one.expected for one in found) == value


def test_goods_that_come_later_settle_what_was_billed_before():
    line = billed(10, 1_000)
    first = judge(line, goods(6, 600), "GBP", EXACT)
    later = judge(line, goods(10, 1_000, 6, 600), "GBP", EXACT, before=first.units, released=first.expected)
    assert (later.state, later.units, later.expected, later.difference) == ("matched", 4, 1_000, 0)


@pytest.mark.parametrize(
    ("lines", "tax", "total", "refusal"),
    [
        ((), 0, 0, errors.NotASupplierLine),
        ((billed(0, 5),), 0, 5, errors.NotASupplierLine),
        ((billed(1, -5),), 0, -5, errors.NotASupplierLine),
        ((billed(1, 5, order=" "),), 0, 5, errors.NotASupplierLine),
        ((billed(1, 5),), 1, 5, errors.SupplierInvoiceDoesNotAddUp),
        ((billed(1, 5),), -1, 4, errors.SupplierInvoiceDoesNotAddUp),
        ((billed(1, 5),), 1, 6, type(None)),
    ],
)
def test_what_is_no_invoice(lines, tax, total, refusal):
    assert isinstance(misfit("F-1", lines, tax, total, "GBP"), refusal)


def test_lines_are_read_with_or_without_a_head():
    rows = (Invoiced("PO-1", 2, 20, 7_600), Invoiced("PO-2", 1, 1, 5))
    assert (
        supplier_csv.read("order,line,units,amount\nPO-1,2,20,76.00\n\nPO-2, 1, 1, 0.05\n", "GBP").lines
        == rows
    )
    assert supplier_csv.read("PO-1;2;20;76,00\nPO-2;1;1;0,05", "GBP").lines == rows
    assert supplier_csv.read("PO-1\t2\t20\t76", "GBP").lines == rows[:1]
    assert supplier_csv.read("PO-1;2;20;1.076,00", "EUR").lines == (Invoiced("PO-1", 2, 20, 107_600),)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", ""), ("PO-1,1,5", ""), (",1,5,2.00", "order"), ("PO-1,0,5,2.00", "line"), ("PO-1,x,5,2.00", "line"),
        ("PO-1,1,-5,2.00", "units"), ("PO-1,1,5,2.001", "amount"), ("PO-1,1,5,NaN", "amount"), ("PO-1,1,5,", "amount"),
        ("PO-1,1,99999999999,1", "units"), ("PO-1;1;5;1,250", "amount"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_by_line_and_column(text, column):
    found = supplier_csv.read(text, "GBP")
    assert found.lines == ()
    assert found.faults[0].column == column
