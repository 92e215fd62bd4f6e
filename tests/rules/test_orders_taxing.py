"""The tax of an order that stands, line by line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders.rules import Frozen
from entrepot.orders.taxing import Bears, By, by_line, due
from entrepot.tax.rules import Exemption, Rate

DAY = date(2026, 3, 2)
RATES = [
    Rate("US", "NY", "", date(2020, 1, 1), Decimal("0.0875")),
    Rate("US", "NY", "books", date(2020, 1, 1), Decimal(0)),
    Rate("US", "CA", "", date(2020, 1, 1), Decimal("0.1")),
]
HERE = By(RATES, "US", "NY", DAY)

lines = st.lists(
    st.builds(
        Bears, st.sampled_from(["goods", "shipping", "discount", "donation"]), st.sampled_from(["", "books"]),
        st.builds(Frozen, st.integers(0, 500_00), st.integers(0, 5_00), st.integers(0, 9_99), st.integers(0, 99)),
    ),
    max_size=8,
)  # fmt: skip


def test_a_line_bears_by_its_category_and_what_rounding_leaves_by_the_one_with_the_most():
    goods = [Bears("goods", "", Frozen(3_33, 0, 0, 0)), Bears("goods", "books", Frozen(9_00, 0, 0, 0))]
    assert by_line(goods, HERE) == [29, 0]
    small = [Bears("goods", "", Frozen(6, 0, 0, 0))] * 3
    assert (by_line(small, HERE), due(small, HERE).tax_minor) == ([0, 1, 1], 2)


def test_who_is_exempt_or_owes_it_themselves_bears_none():
    goods = [Bears("goods", "", Frozen(100_00, 0, 0, 8_75))]
    exempt = By(RATES, "US", "NY", DAY, (Exemption("", "EX-1", date(2026, 1, 1), None),))
    assert by_line(goods, exempt) == by_line(goods, By(RATES, "US", "NY", DAY, is_shifted=True)) == [0]
    assert not due(goods, By(RATES, "FR", "", DAY)).is_known


@given(lines)
def test_lines_bear_together_what_is_due(bears):
    assert sum(by_line(bears, HERE)) == (due(bears, HERE).tax_minor if bears else 0)


@given(lines)
def test_no_line_is_off_by_more_than_rounding(bears):
    apart = [
        abs(tax - due([one], HERE).tax_minor) for tax, one in zip(by_line(bears, HERE), bears, strict=True)
    ]
    assert sum(apart) <= len(bears)
