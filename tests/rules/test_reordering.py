"""What should be ordered, how much, and the sum that it comes from."""

from __future__ import annotations

from decimal import Decimal
from math import isclose, sqrt

from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.ids import uuid7
from entrepot.purchasing.reordering import (
    Lead,
    Level,
    Offer,
    Reordering,
    Standing,
    demand_of,
    in_packs,
    lead_of,
    level_of,
    propose,
    safety_stock,
)

OFFER = Offer(uuid7(), "s1", Decimal("2.50"), 1, 1)
POLICY = Reordering(service_percent=97.725, review_days=7)
LEVEL = level_of(POLICY, "MUG", "")


def test_the_textbook_sum():
    """d 20 a day with σ 5, lead time 9 days with σ 2, z 2: safety 2·√(9·25 + 400·4) = 85.44."""
    found = propose(20, 5, Lead(9, 2, 12), Standing(100, 50, 0), OFFER, POLICY, LEVEL)
    assert isclose(found.z, 2, abs_tol=0.001)
    assert isclose(found.safety, 2 * sqrt(9 * 25 + 400 * 4), abs_tol=0.05)
    assert isclose(found.reorder_point, 180 + found.safety)
    assert isclose(found.up_to, found.reorder_point + 140)
    assert found.lacks == 256  # 405.4 − 150, rounded up
    assert found.terms(Standing(100, 50, 0), OFFER, POLICY)["safety"] == round(found.safety, 2)


def test_nothing_is_ordered_above_the_reorder_point_or_where_nobody_asks():
    assert propose(20, 5, Lead(9, 2, 12), Standing(200, 66, 0), OFFER, POLICY, LEVEL) is None
    assert propose(0, 0, Lead(9, 2, 12), Standing(0, 0, 0), OFFER, POLICY, LEVEL) is None
    assert propose(0, 0, Lead(9, 2, 12), Standing(5, 0, 5), OFFER, POLICY, LEVEL) is None
    assert propose(0, 0, Lead(9, 2, 12), Standing(0, 0, 3), OFFER, POLICY, LEVEL).quantity == 3


def test_minimum_and_packs_are_kept():
    assert in_packs(1, OFFER._replace(minimum=10)) == 10
    assert in_packs(13, OFFER._replace(minimum=10, pack=6)) == 18
    assert in_packs(1, OFFER._replace(minimum=10, pack=6)) == 12


def test_days_without_a_sale_count():
    mean, deviation = demand_of(14, 14 * 14, 7)
    assert mean == 2
    assert isclose(deviation, sqrt((196 - 28) / 6))
    assert demand_of(0, 0, 56) == (0, 0)


def test_without_deliveries_what_the_supplier_says_counts():
    assert lead_of([], 7) == Lead(7, 0, 0)
    assert lead_of([9], 7) == Lead(9, 0, 1)
    assert lead_of([8, 10], 7) == Lead(9, sqrt(2), 2)


@given(
    st.floats(0.01, 1000), st.floats(0, 500), st.floats(0, 90), st.floats(0, 30), st.integers(-100, 10_000),
    st.integers(1, 500), st.integers(1, 100),
)  # fmt: skip
def test_invariant_15_what_is_ordered_brings_the_position_up_to_its_level_in_whole_packs(
    demand, deviation, days, lead_deviation, free, minimum, pack
):
    offer, lead, standing = (
        OFFER._replace(minimum=minimum, pack=pack),
        Lead(days, lead_deviation, 3),
        Standing(free, 0, 0),
    )
    found = propose(demand, deviation, lead, standing, offer, POLICY, LEVEL)
    if found is None:
        assert free > demand * days + safety_stock(2, demand, deviation, lead) - 1
        return
    assert free + found.quantity >= found.up_to
    assert found.quantity % pack == 0
    assert found.quantity >= minimum
    assert found.quantity - pack < max(found.lacks, minimum)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 90), st.floats(0, 30))
def test_more_uncertainty_never_needs_less_safety(demand, deviation, days, lead_deviation):
    one = safety_stock(1.645, demand, deviation, Lead(days, lead_deviation, 3))
    assert one >= 0
    assert safety_stock(1.645, demand, deviation + 1, Lead(days, lead_deviation, 3)) >= one
    assert safety_stock(1.645, demand, deviation, Lead(days, lead_deviation + 1, 3)) >= one


def test_what_is_said_of_a_sku_counts_before_its_class_and_that_before_all():
    policy = Reordering(service_percent=95, service_by_class={"A": 98, "C": 90}, service_of={"MUG": 99.5})
    assert level_of(policy, "MUG", "A") == Level(99.5, "sku", "A")
    assert level_of(policy, "LAMP", "A") == Level(98, "class", "A")
    assert level_of(policy, "LAMP", "B") == Level(95, "all", "B")
    assert level_of(policy, "LAMP", "") == Level(95, "all", "")


@given(st.floats(50, 99.9), st.floats(50, 99.9))
def test_a_better_service_asks_for_no_less(one, other):
    def reorder_point(percent: float) -> float:
        found = propose(20, 5, Lead(9, 2, 12), Standing(0, 0, 0), OFFER, POLICY, Level(percent, "class", "A"))
        assert found.terms(Standing(0, 0, 0), OFFER, POLICY)["service_percent"] == percent
        return found.reorder_point

    lower, higher = sorted((one, other))
    assert reorder_point(lower) <= reorder_point(higher)
