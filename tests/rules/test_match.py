"""Which sales a credit belongs to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.money import of_units
from entrepot.returns.rules import Match, Sale, after, match


def day(n: int) -> datetime:
    return datetime(2026, 1, n, tzinfo=UTC)


def sale(n: int, price: str, on: int, left: int = 2) -> Sale:
    return Sale(UUID(int=100 + n), UUID(int=n), Decimal(price), day(on), left)


def said(found: list[Match]) -> list[tuple[int, int, str]]:
    return [(one.sale.line.int, one.units, one.found_by) for one in found]


SALES = [sale(1, "5", 1), sale(2, "5", 2), sale(3, "6", 3), sale(4, "7", 4), sale(5, "5", 9)]


def test_units_belong_to_the_latest_sales_at_their_price_then_to_the_latest_others():
    assert said(match(1, Decimal(5), day(8), SALES)) == [(2, 1, "exact")]
    assert said(match(6, Decimal(5), day(8), SALES)) == [(2, 2, "exact"), (1, 2, "exact"), (4, 2, "latest")]
    assert said(match(3, Decimal("5.000"), day(9), SALES)) == [(5, 2, "exact"), (2, 1, "exact")]
    assert said(match(3, Decimal(8), day(8), SALES)) == [(4, 2, "latest"), (3, 1, "latest")]


def test_a_sale_at_the_moment_of_the_credit_is_early_enough_and_a_later_one_is_not():
    assert said(match(9, Decimal(5), day(1), SALES)) == [(1, 2, "exact")]
    assert match(9, Decimal(5), datetime(2025, 12, 31, tzinfo=UTC), SALES) == []


def test_what_belongs_to_no_sale_is_not_matched():
    assert match(1, Decimal(5), day(8), []) == []
    assert match(1, Decimal(5), day(8), [sale(1, "5", 1, left=0)]) == []
    assert sum(one.units for one in match(99, Decimal(5), day(8), SALES)) == 8


def test_what_was_matched_before_is_not_matched_again():
    first = match(5, Decimal(5), day(8), SALES)
    rest = after(SALES, first)
    assert [(one.line.int, one.left) for one in rest] == [(3, 2), (4, 1), (5, 2)]
    assert said(match(5, Decimal(5), day(8), rest)) == [(4, 1, "latest"), (3, 2, "latest")]


HISTORIES = st.lists(
    st.tuples(st.sampled_from("567"), st.integers(1, 28), st.integers(0, 5)), max_size=12
).map(lambda facts: [sale(n, *one) for n, one in enumerate(facts, 1)])
CREDITS = st.lists(st.tuples(st.integers(1, 9), st.sampled_from("5678"), st.integers(1, 28)), max_size=8)


@given(HISTORIES, CREDITS)
def test_no_unit_is_matched_twice_or_before_it_was_sold(
    sales: list[Sale], credited: list[tuple[int, str, int]]
):
    sold = {one.line: one.left for one in sales}
    left = sales
    for quantity, price, on in credited:
        found = match(quantity, Decimal(price), day(on), left)
        possible = sum(one.left for one in left if one.sold_at <= day(on))

        matched = sum(one.units for one in found)
        assert matched == min(quantity, possible), "parts and what is unmatched are the whole"
        assert all(0 < one.units <= one.sale.left and one.sale.sold_at <= day(on) for one in found)
        assert all((one.sale.price == Decimal(price)) == (one.found_by == "exact") for one in found)
        assert len({one.sale.line for one in found}) == len(found)

        left = after(left, found)
        for one in found:
            sold[one.sale.line] -= one.units
        if any(one.found_by == "latest" for one in found):
            assert not any(one.price == Decimal(price) and one.sold_at <= day(on) for one in left), (
                "no other price while one at the same is left"
            )
    assert sold == {one.line: 0 for one in sales} | {one.line: one.left for one in left}


@given(HISTORIES, st.integers(1, 9), st.sampled_from("5678"), st.integers(1, 28))
def test_within_a_price_the_latest_come_first_whatever_the_order_they_are_given_in(
    sales: list[Sale], quantity: int, price: str, on: int
):
    found = match(quantity, Decimal(price), day(on), sales)
    ranks = [(one.found_by == "exact", one.sale.sold_at, one.sale.line) for one in found]
    assert ranks == sorted(ranks, reverse=True)
    assert match(quantity, Decimal(price), day(on), sales[::-1]) == found


@given(HISTORIES, st.integers(1, 9), st.integers(-9_999, 9_999))
def test_the_value_of_a_credit_is_the_sum_of_its_parts_and_its_rest(
    sales: list[Sale], quantity: int, value: int
):
    amounts, done = [], 0
    for one in match(quantity, Decimal(5), day(28), sales):
        amounts.append(of_units(value, quantity, done, one.units))
        done += one.units
    assert sum(amounts) + of_units(value, quantity, done, quantity - done) == value
