"""What is still expected to come back, by month of sale."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns import expecting
from entrepot.returns.expecting import WHOLE, Basis, Cohort, measure, observed, sums

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def test_ifrs_15_example_22():
    # A hundred at 100 that cost 60 each; three are expected back.
    (measured,) = measure([Cohort(MAY, 10_000, 6_000, 0, 0)], Basis(Decimal(3)))
    assert (measured.liability, measured.asset) == (300, 180)
    # What recovering them is expected to take is no asset: here a sixth of their cost.
    (less,) = measure([Cohort(MAY, 10_000, 6_000, 0, 0)], Basis(Decimal(3), Decimal("83.3333")))
    assert (less.liability, less.asset) == (300, 150)


def test_each_month_less_what_came_of_it():
    months = [Cohort(MAY, 10_000, 4_000, 300, 100), Cohort(JUNE, 1_000, 500, 900, 400)]
    # Of the second more came than was expected; that says nothing about the first.
    assert sums(measure(months, Basis(Decimal(5)))) == (200, 100)
    assert sums(measure(months, Basis(Decimal(0)))) == (0, 0)
    assert sums(measure([], Basis(Decimal(5)))) == (0, 0)


def test_what_is_observed():
    assert observed([(10_000, 400), (30_000, 800)], 1_000, 250) == Basis(Decimal(3), Decimal(75), 2)
    assert observed([(10_000, 400)], 0, 0) == Basis(Decimal(4), WHOLE, 1)
    assert observed([(100, 900)], 100, 900) == Basis(WHOLE, Decimal(0), 1), (
        "no more than all, no less than nothing"
    )
    assert observed([], 0, 0) is None
    assert observed([(0, 0)], 0, 0) is None


MONEY = st.integers(0, 10**9)
PERCENT = st.decimals(0, 100, places=2, allow_nan=False)


@given(
    st.lists(
        st.builds(Cohort, st.just(MAY), MONEY, MONEY, MONEY, MONEY, asked=MONEY, asked_cost=MONEY), max_size=5
    ),
    PERCENT,
    PERCENT,
)
def test_expected_is_never_below_zero_and_never_above_what_was_sold(months, percent, recovered):
    liability, asset = sums(measure(months, Basis(percent, recovered)))
    assert sum(one.asked for one in months) <= liability <= sum(one.sold + one.asked for one in months)
    assert 0 <= asset <= sum(one.cost + one.asked_cost for one in months)
    unreturned = [one._replace(returned=0, returned_cost=0) for one in months]
    assert sums(measure(unreturned, Basis(percent, recovered))) >= (liability, 0)
    assert asset <= sums(measure(months, Basis(percent)))[1]


@given(st.lists(st.tuples(MONEY, MONEY), max_size=5), MONEY, MONEY)
def test_what_is_observed_is_a_share(over, taken_back, lost):
    basis = observed(over, taken_back, lost)
    if basis is not None:
        assert 0 <= basis.percent <= 100
        assert 0 <= basis.recovered <= 100
        assert basis.cohorts == len(over)
    assert (
        expecting.observed(over, taken_back, 0) is None
        or expecting.observed(over, taken_back, 0).recovered == 100
    )
