"""What of a delivery is taken, looked at, and given up."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid, Refused
from entrepot.purchasing.errors import Expired, SerialSeen, ShelfLife
from entrepot.purchasing.receiving import (
    Plan,
    Quality,
    Receiving,
    Verdict,
    judge,
    misfit_arrival,
    misfit_expiry,
    of_supplier,
    sample,
)
from entrepot.purchasing.rules import _twice

TODAY = date(2026, 11, 28)


def test_tolerances_are_percents_of_the_line_and_never_more():
    policy = Receiving(over_percent=10, under_percent=5)
    assert (policy.over(100), policy.over(19), policy.over(9)) == (10, 1, 0)
    assert [policy.given_up(100, received) for received in (94, 95, 99, 100, 103)] == [0, 5, 1, 0, 0]
    assert Receiving().given_up(100, 99) == Receiving().over(100) == 0


@given(st.integers(1, 10**6), st.integers(0, 100), st.integers(0, 10**6))
def test_a_line_is_given_up_only_by_its_whole_rest(quantity, percent, received):
    given_up = Receiving(under_percent=percent).given_up(quantity, received)
    assert given_up in (0, quantity - received)
    assert 0 <= given_up * 100 <= quantity * percent


@pytest.mark.parametrize("fields", [{"over_percent": 101}, {"under_percent": -1}, {"shelf_life_days": -1}])
def test_a_policy_that_makes_no_sense_is_none(fields):
    with pytest.raises(ValueError, match="expected"):
        Receiving(**fields)


def test_a_supplier_has_a_policy_of_its_own_or_the_one_for_all():
    own, for_all = Receiving(1), Receiving(2)
    assert of_supplier({"s1": own, "": for_all}, "s1") == own
    assert of_supplier({"s1": own, "": for_all}, "s2") == for_all
    assert of_supplier({}, "s1") == Receiving()


def test_what_has_expired_or_keeps_for_too_short_is_not_taken():
    def one(days: int, policy: Receiving = Receiving()) -> Refused | None:  # noqa: B008
        return misfit_expiry("CAKE", "L1", TODAY + timedelta(days), TODAY, policy)

    assert isinstance(one(-1), Expired)
    assert one(0) is None
    assert isinstance(one(29, Receiving(shelf_life_days=30)), ShelfLife)
    assert one(30, Receiving(shelf_life_days=30)) is None
    assert misfit_expiry("CAKE", "L1", None, TODAY, Receiving(shelf_life_days=30)) is None


def test_damage_is_told_and_serial_numbers_are_of_units():
    assert misfit_arrival("sellable", "", ("A", "B"), 2, 1) is None
    assert misfit_arrival("damaged", "crushed", (), 2, 1) is None
    for status, note, serials in (
        ("damaged", "", ()),
        ("lost", "", ()),
        ("sellable", "", ("A",)),
        ("sellable", "", ("", "B")),
    ):
        assert isinstance(misfit_arrival(status, note, serials, 2, 1), Invalid)
    assert _twice(["A", "B"]) is None
    assert _twice(["A", "B", "A"]) == SerialSeen(serial="A", where="in this delivery")


def test_the_plan_that_names_most_counts():
    for_all, supplier, category, sku = Plan(), Plan(supplier="s1"), Plan(category="food"), Plan(sku="CAKE")
    quality = Quality((sku, for_all, category, supplier))
    assert quality.plan_for("CAKE", "food", "s1") == sku
    assert quality.plan_for("PIE", "food", "s1") == category
    assert quality.plan_for("PIE", "", "s1") == supplier
    assert quality.plan_for("PIE", "", "s2") == for_all
    assert Quality((sku,)).plan_for("PIE", "", "") is None


def test_the_first_delivery_and_then_every_so_many_is_looked_at():
    plan = Plan(every=3, sample_percent=10, sample_min=2)
    assert [bool(sample(plan, nth, 100)) for nth in range(1, 8)] == [
        True,
        False,
        False,
        True,
        False,
        False,
        True,
    ]
    assert sample(plan, 1, 95).units == 10
    assert sample(plan, 1, 5).units == 2
    assert sample(plan, 1, 1).units == 1
    assert sample(None, 1, 5) is None
    assert sample(plan, 4, 5).why == "delivery 4: one in 3 is looked at, by the plan for all"
    assert sample(Plan(sku="CAKE"), 4, 5).why == "every delivery is looked at, by the plan for CAKE"


def test_too_many_bad_ones_in_a_sample_keep_the_rest_from_being_sold():
    assert judge(100, 10, 0, 0)[:3] == (100, 0, 0)
    assert judge(100, 10, 1, 1)[:3] == (99, 1, 0)
    assert judge(100, 10, 2, 1)[:3] == (0, 2, 98)
    assert judge(10, 10, 7, 0)[:3] == (3, 7, 0)  # all were looked at: the good ones are known
    assert isinstance(judge(100, 10, 11, 0), Invalid)


@given(st.integers(1, 1000), st.data())
def test_invariant_10_every_held_unit_becomes_something(quantity, data):
    looked_at = data.draw(st.integers(1, quantity))
    defects = data.draw(st.integers(0, looked_at))
    verdict = judge(quantity, looked_at, defects, data.draw(st.integers(0, 5)))
    assert isinstance(verdict, Verdict)
    assert verdict.passed + verdict.damaged + verdict.quarantined == quantity
    assert verdict.damaged == defects
    assert min(verdict[:3]) >= 0
