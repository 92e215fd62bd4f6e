"""What goods of second grade are worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Said
from entrepot.returns.regrading import SecondGrade, Worth, value, worth

POLICY = SecondGrade({"B": 70, "C": 40}, sell_percent=10, sell_minor=50)


@pytest.mark.parametrize(
    ("grade", "own", "before", "minor"),
    [
        ("B", 1_000, 5_000, 800),  # its own price, less 10 % and 50 for each of two
        ("B", None, 1_000, 530),  # 70 % of the price before
        ("C", None, 1_000, 260),
        ("D", None, 1_000, None),  # no percentage
        ("B", None, None, None),  # no price
        ("B", 60, None, 0),  # selling costs more than it brings
    ],
)
def test_what_it_will_bring(grade: str, own: int | None, before: int | None, minor: int | None):
    assert worth(POLICY, grade, 2, own, before).minor == minor


def test_half_cents_go_away_from_zero():
    assert worth(SecondGrade({"B": 50}), "B", 1, None, 101).minor == 51


@given(cost=st.integers(0, 10**9), minor=st.none() | st.integers(0, 10**9))
def test_it_is_worth_what_it_cost_or_less(cost: int, minor: int | None):
    found = value(cost, Worth(minor, Said("so")))
    assert 0 <= found <= cost
    assert found in (cost, minor)


@given(
    units=st.integers(1, 1_000),
    price=st.integers(0, 10**7),
    sell=st.integers(0, 100),
    each=st.integers(0, 10**4),
)
def test_selling_never_makes_it_worth_more(units: int, price: int, sell: int, each: int):
    found = worth(SecondGrade(sell_percent=sell, sell_minor=each), "B", units, price, None).minor
    assert found is not None
    assert 0 <= found <= price


@pytest.mark.parametrize(
    "wrong", [{"percents": {"E": 10}}, {"percents": {"B": 101}}, {"percents": {"B": -1}}, {"sell_minor": -1}]
)
def test_a_policy_that_can_not_be(wrong: dict):
    with pytest.raises(ValueError):
        SecondGrade(**wrong)
