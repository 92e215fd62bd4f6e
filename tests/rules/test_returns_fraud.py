"""Rules about fraud with returns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns import fraud
from entrepot.returns.fraud import (
    RULES,
    STAGES,
    Earlier,
    Facts,
    FraudPolicy,
    Shared,
    Swapped,
    Weighed,
    Worn,
    judge,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ON = FraudPolicy(**dict.fromkeys(RULES, "enforce"))


def days_ago(*days: int, worth: int = 0) -> tuple[Earlier, ...]:
    return tuple(Earlier(NOW - timedelta(days=n), worth) for n in days)


def told(stage: Any, policy: FraudPolicy = ON, **facts: Any) -> dict[str, str]:
    """Rule → reason."""
    return {one.rule: one.reason for one in judge(Facts(NOW, "EUR", **facts), policy, stage)}


def test_nothing_is_asked_unless_a_policy_says_so():
    every = Facts(
        NOW, earlier=days_ago(*range(1, 20), worth=10**6), bought_minor=1, bought_orders=9, confirmed=3,
        weighed=(Weighed("A", 1, 0, 900, 900),), swapped=(Swapped("A", "1", ("2",)),),
    )  # fmt: skip
    assert [judge(every, FraudPolicy(), stage) for stage in STAGES] == [(), (), ()]


def test_velocity_counts_the_returns_of_the_days_with_this_one():
    assert told("authorized", earlier=days_ago(1, 2, 29)) == {}
    assert told("authorized", earlier=days_ago(1, 2, 29, 29)) == {
        "velocity": "5 returns of one customer within 30 days."
    }
    assert told("authorized", earlier=days_ago(1, 2, 29, 30)) == {}, "what is older does not count"


def test_value_is_the_share_of_what_was_bought_and_minds_neither_small_sums_nor_newcomers():
    bought: dict[str, Any] = {"bought_minor": 50_000, "bought_orders": 3}
    assert told("authorized", value_minor=10_000, earlier=days_ago(5, worth=20_000), **bought) == {
        "value": "60 % of what the customer bought in 90 days comes back."
    }
    assert told("authorized", value_minor=9_999, earlier=days_ago(5, worth=20_000), **bought) == {}
    assert told("authorized", value_minor=19_999, bought_minor=20_000, bought_orders=5) == {}
    assert told("authorized", value_minor=50_000, bought_minor=50_000, bought_orders=2) == {}
    assert told("authorized", value_minor=50_000, bought_minor=0, bought_orders=3) == {}


@pytest.mark.parametrize(("rate", "hits"), [(None, True), (Decimal("0.005"), False), (Decimal("1.5"), True)])
def test_what_is_nobodys_habit_is_so_by_what_it_is_worth_at_home(rate: Decimal | None, hits: bool):
    """¥20,000 are £100.00, which is less than £200.00; where nobody knows, the figure is compared as it is."""
    facts = Facts(NOW, "JPY", 20_000, bought_minor=20_000, bought_orders=3, home="GBP", rate=rate)
    assert bool(judge(facts, ON, "authorized")) is hits


def test_a_cluster_is_of_customers_and_not_of_returns():
    assert told("authorized", shared=(Shared("address", 2, 9), Shared("email", 1, 9))) == {}
    assert told("authorized", shared=(Shared("address", 3, 3), Shared("email", 4, 4))) == {
        "cluster": "Of those who returned in 90 days, 3 customers share an address and 4 customers share a mailbox."
    }


def test_what_was_confirmed_is_remembered():
    assert told("authorized", confirmed_shared=1)["repeat"].startswith(
        "A return of somebody with the same address"
    )
    assert (
        told("authorized", confirmed=1)["repeat"]
        == "A return of the customer was confirmed as fraud in 365 days."
    )


def test_a_box_is_empty_against_the_lesser_of_what_was_packed_and_what_the_catalog_says():
    assert told("received", weighed=(Weighed("MUG", 2, 600, 900, 800),)) == {}, "a quarter may be packaging"
    assert told("received", weighed=(Weighed("MUG", 2, 500, 900, 800),)) == {
        "empty_box": "Too light: 2 of MUG weigh 500 g and were sent with 800 g."
    }
    assert told("received", weighed=(Weighed("PIN", 1, 0, 99, 99),)) == {}, (
        "scales say nothing about so little"
    )
    assert told("received", weighed=(Weighed("MUG", 1, 0, 0, 0),)) == {}, "nobody knows what it weighs"
    assert set(told("inspected", weighed=(Weighed("MUG", 1, 0, 0, 400),))) == {"empty_box"}


def test_a_serial_number_is_swapped_where_others_left_with_the_order():
    assert told("inspected", swapped=(Swapped("CAM", "S1", ("S1", "S2")), Swapped("CAM", "S9", ()))) == {}
    assert told("inspected", swapped=(Swapped("CAM", "S3", ("S1", "S2")),)) == {
        "serial_swap": "Not what was sent: serial number S3 came for CAM."
    }


@pytest.mark.parametrize(
    ("worn", "before", "reason"),
    [
        (
            Worn("DRESS", "C", "changed_mind", 2),
            0,
            "Used goods, asked for 2 days before the end of the window.",
        ),
        (Worn("DRESS", "B", "not_given", 20), 2, "Used goods, the customer's 3. return of used goods."),
        (Worn("DRESS", "C", "changed_mind", 20), 1, ""),
        (Worn("DRESS", "A", "changed_mind", 0), 5, ""),  # as new
        (Worn("DRESS", "C", "defective", 0), 5, ""),  # we answer for it
        (Worn("DRESS", "C", "changed_mind", -1), 0, ""),  # after the window: authorized by a person
    ],
)
def test_wardrobing_is_used_goods_late_or_often(worn: Worn, before: int, reason: str):
    assert told("inspected", worn=(worn,), worn_before=before).get("wardrobing", "") == reason


def test_who_was_cleared_of_a_habit_is_only_noted_and_what_is_in_the_box_is_not_a_habit():
    facts = Facts(
        NOW, earlier=days_ago(1, 2, 3, 4), confirmed=1, cleared=frozenset({"velocity", "repeat", "empty_box"}),
        weighed=(Weighed("MUG", 1, 0, 400, 400),),
    )  # fmt: skip
    modes = {one.rule: one.mode for stage in ("authorized", "received") for one in judge(facts, ON, stage)}
    assert modes == {"velocity": "warn", "repeat": "enforce", "empty_box": "enforce"}
    noted = judge(facts, ON, "authorized")[0]
    assert noted.reason.endswith("within 30 days. Cleared by a person within 180 days: only noted.")


def test_a_rule_that_is_wrong_too_often_only_warns():
    policy = replace(ON, hit_rate_min_percent=25)
    for decided, confirmed, mode in ((20, 4, "warn"), (20, 5, "enforce"), (19, 0, "enforce")):
        facts = Facts(NOW, earlier=days_ago(1, 2, 3, 4), hits={"velocity": (confirmed, decided)})
        assert [one.mode for one in judge(facts, policy, "authorized")] == [mode]


@given(
    mode=st.sampled_from(["enforce", "warn"]), days=st.lists(st.integers(0, 60), max_size=12),
    most=st.integers(0, 12),
)  # fmt: skip
def test_a_mode_changes_what_follows_and_never_what_is_found(mode: Any, days: list[int], most: int):
    facts = Facts(NOW, earlier=days_ago(*days))
    found = judge(facts, FraudPolicy(velocity=mode, velocity_max=most), "authorized")
    assert bool(found) == (1 + sum(day < 30 for day in days) > most)
    assert {one.mode for one in found} <= {mode}
    assert all(one.facts["returns"] > one.facts["returns_max"] for one in found)


@given(weight=st.integers(0, 5_000), packed=st.integers(0, 5_000), catalog=st.integers(0, 5_000))
def test_heavier_is_never_more_suspicious(weight: int, packed: int, catalog: int):
    def light(grams: int) -> bool:
        return bool(fraud.empty_box(Facts(NOW, weighed=(Weighed("A", 1, grams, packed, catalog),)), ON))

    assert light(weight) >= light(weight + 1)
    assert not light(max(packed, catalog))
