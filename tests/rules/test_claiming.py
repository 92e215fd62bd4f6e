"""What carriers shall pay for on the ways of a return."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns.claiming import Claims, Content, part, worth
from entrepot.returns.rules import GRADES, REASONS
from entrepot.shipping.trouble import CLAIMED


def test_damage_on_the_way_out_is_confirmed_by_its_grade():
    policy = Claims()
    assert policy.way_of_damage("damaged_in_transit", "C", ()) == "out"
    assert policy.way_of_damage("damaged_in_transit", "B", ()) == ""
    assert policy.way_of_damage("changed_mind", "D", ()) == ""
    assert policy.way_of_damage("changed_mind", "B", ("damaged_in_transit",)) == "back"
    assert Claims(reasons=("carrier",)).way_of_damage("damaged_in_transit", "D", ()) == "out", "by root cause"
    assert (
        Claims(reasons=(), defects=()).way_of_damage("damaged_in_transit", "D", ("damaged_in_transit",)) == ""
    )


def test_what_arrived_was_not_lost():
    policy = Claims()
    assert policy.kinds_of(["damaged", "lost", "exception"]) == ["lost", "damaged"]
    assert policy.kinds_of(["damaged", "lost"], arrived=True) == ["damaged"]
    assert policy.kinds_of([], given_up=True) == ["lost"]
    assert policy.kinds_of([], given_up=True, arrived=True) == []
    assert Claims(events=()).kinds_of(["lost"], given_up=True) == []


def test_goods_count_at_what_was_paid_or_at_their_cost():
    contents = [Content(999, 400), Content(500, None)]
    assert worth(contents, Claims()) == 1_499
    assert worth(contents, Claims(worth="cost")) == 900, (
        "what nobody knows the cost of counts at what was paid"
    )
    assert Claims(within_days=30).due_on(date(2026, 1, 31)) == date(2026, 3, 2)


@pytest.mark.parametrize("wrong", [{"reasons": ("sad",)}, {"events": ("late",)}, {"defects": ("two words",)}])
def test_a_policy_names_what_there_is(wrong):
    with pytest.raises(ValueError, match="expected"):
        Claims(**wrong)


@given(
    st.sampled_from(sorted(REASONS)), st.sampled_from(sorted(GRADES)), st.lists(st.sampled_from(["a", "b"]))
)
def test_units_are_claimed_of_one_carrier_at_most(reason, grade, codes):
    nothing = Claims(reasons=(), defects=())
    assert nothing.way_of_damage(reason, grade, codes) == ""
    assert Claims().way_of_damage(reason, grade, codes) in ("", "out")


@given(st.lists(st.sampled_from((*CLAIMED, "exception"))), st.booleans(), st.booleans())
def test_no_kind_is_claimed_that_the_policy_does_not_name(told, given_up, arrived):
    kinds = Claims().kinds_of(told, given_up=given_up, arrived=arrived)
    assert set(kinds) <= {"lost", "damaged"}
    assert len(set(kinds)) == len(kinds)


@given(st.integers(0, 10**9), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_parts_of_an_amount_are_never_more_than_a_unit_off(amount, units):
    whole = sum(units)
    parts = [part(amount, one, whole) for one in units]
    assert abs(sum(parts) - amount) <= len(units)
    assert part(amount, whole, whole) == amount
