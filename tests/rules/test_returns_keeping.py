"""Whether goods are worth their way back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns.keeping import Keeping, Units, weigh
from entrepot.returns.recovery import Recovery, Way
from entrepot.returns.rules import Policy

POLICY = Policy()
COSTS = Keeping(receiving_minor=40, inspection_minor=60, restock_minor=20, fraud_percent=2)
SELLS = Recovery(("B", "C"), {"second_grade": Way({"B": 60, "C": 10}), "dispose": Way({"C": 0})})


def units(**changed: Any) -> Units:
    known = {
        "quantity": 1, "condition": "opened", "category": "", "price_minor": 1_000, "cost_minor": 400,
        "paid_minor": 1_000, "age_days": 5,
    }  # fmt: skip
    return Units(**(known | changed))


def test_what_it_brings_stands_against_all_that_its_way_back_costs():
    found = weigh(COSTS, SELLS, POLICY, [units()], 450)
    assert found == (600, 450, 40, 60, 20, 20)
    assert (found.costs_minor, found.keeps) == (590, False)
    dearer = weigh(COSTS, SELLS, POLICY, [units()], 461)
    assert dearer
    assert (dearer.costs_minor, dearer.keeps) == (601, True)


def test_of_equal_sums_it_comes_back():
    even = weigh(Keeping(), SELLS, POLICY, [units()], 600)
    assert even
    assert not even.keeps


def test_one_label_brings_all_of_it_and_every_unit_is_worked_on():
    found = weigh(COSTS, SELLS, POLICY, [units(quantity=2), units(condition="used")], 450)
    assert found == (2 * 600 + 100, 450, 120, 180, 60, 60)


@pytest.mark.parametrize(
    ("condition", "brings"), [("unopened", 400), ("opened", 600), ("used", 100), ("damaged", 0), ("", 600)]
)
def test_it_is_expected_to_be_found_as_its_customer_says(condition: str, brings: int):
    found = weigh(COSTS, SELLS, POLICY, [units(condition=condition)], 1)
    assert found
    assert found.recovery_minor == brings


def test_where_nobody_knows_a_label_or_a_worth_nothing_is_kept():
    assert weigh(COSTS, SELLS, POLICY, [units()], None) is None
    flat = weigh(Keeping(label_minor=300), SELLS, POLICY, [units()], None)
    assert flat
    assert flat.label_minor == 300
    assert weigh(COSTS, Recovery(), POLICY, [units()], 450) is None, (
        "second grade sells for nobody knows what"
    )
    assert weigh(COSTS, Recovery(), POLICY, [], 450) is None


@given(
    st.lists(
        st.builds(units, quantity=st.integers(1, 9), condition=st.sampled_from(["", "unopened", "used", "damaged"]),
                  price_minor=st.integers(0, 99_999), cost_minor=st.integers(0, 99_999)),
        min_size=1, max_size=4,
    ), st.integers(0, 9_999), st.integers(0, 9_999),
)  # fmt: skip
def test_a_dearer_label_never_brings_goods_back(goods: list[Units], label: int, more: int):
    one, other = (weigh(COSTS, SELLS, POLICY, goods, minor) for minor in (label, label + more))
    assert one
    assert other
    assert one.recovery_minor == other.recovery_minor >= 0
    assert other.keeps or not one.keeps
