"""Numbers of policies are within their bounds, however they are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import bounds, policies
from entrepot.kernel.bounds import Bounds
from entrepot.orders.validation import Validation
from entrepot.purchasing.receiving import Plan, Quality
from entrepot.returns.recovery import Recovery, Way
from entrepot.sourcing.rules import DropShip, Profile
from entrepot.stock.commands.adjust import AdjustmentPolicy
from entrepot.warehouse.waves import Waves
from entrepot.web.policy_form import form


@pytest.mark.parametrize(
    ("body", "field", "expected", "found"),
    [
        (Profile(default_lead_days=-1), "default_lead_days", "0 to 3660", "-1"),
        (Profile(split_minor=10**16), "split_minor", "0 to 1000000000000000", "10000000000000000"),
        (Profile(nodes_per_order_max=0), "nodes_per_order_max", "1 to 1000", "0"),
        (Profile(km_minor=-0.5), "km_minor", "0 to 1000000000000000", "-0.5"),
        (Profile(orders_per_day={"LDN": 9, "MAN": -3}), "orders_per_day", "0 to 1000000000", "MAN = -3"),
        (Profile(tier_priority={"gold": 100}), "tier_priority", "-99 to 99", "gold = 100"),
        (AdjustmentPolicy(-1), "approve_above_minor", "0 to 1000000000000000", "-1"),
        (Waves(pickers=10_001), "pickers", "0 to 10000", "10001"),
        (Validation(velocity_card_max=10**10), "velocity_card_max", "0 to 1000000000", "10000000000"),
        (
            Profile(drop_ship=(DropShip("A"), DropShip("B", lead_days=-1))),
            "drop_ship 2: lead_days",
            "0 to 3660",
            "-1",
        ),
        (
            Quality((Plan(), Plan(defects_max=10**10))),
            "plans 2: defects_max",
            "0 to 1000000000",
            "10000000000",
        ),
        (Recovery(ways={"donate": Way({}, days=3661)}), "ways donate: days", "0 to 3660", "3661"),
    ],
)
def test_a_number_out_of_its_bounds_is_refused_by_name(body, field, expected, found):
    refused = policies.misfit(policies.kind_of(type(body)), body)
    assert refused is not None
    assert refused.facts == {"field": field, "expected": expected, "found": found}


@pytest.mark.parametrize("kind", sorted(policies.bodies))
def test_defaults_are_within_their_bounds_and_every_number_shows_its_own(kind):
    body = policies.bodies[kind]()
    assert policies.misfit(kind, body) is None
    assert set(policies.own_bounds[type(body)]) <= {one.name for one in form(body)}
    for one in form(body):
        if one.widget in ("number", "decimal"):
            assert one.bounds is not None
            assert one.bounds.least <= one.bounds.most


def test_a_form_says_what_may_stand_in_a_field():
    shown = {one.name: one.bounds for one in form(Profile())}
    assert shown["default_lead_days"] == Bounds(0, 3660)
    assert shown["rejections_max"] == Bounds(1, 1000)
    assert shown["orders_per_day"] == bounds.COUNT
    assert shown["excluded_nodes"] is None
    assert shown["same_country_first"] is None


@given(st.integers(-(10**17), 10**17))
def test_a_number_fits_exactly_within_its_bounds(number):
    fits = bounds.misfit(AdjustmentPolicy(number), {}) is None
    assert fits == (0 <= number <= 10**15)
