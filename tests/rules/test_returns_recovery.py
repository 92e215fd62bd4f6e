"""What each way to go on with a unit brings, and which is the best."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns import recovery
from entrepot.returns.recovery import Goods, Recovery, Sum, Way
from entrepot.returns.rules import GRADES

OPEN_BOX = Way(
    {"B": 70, "C": 40}, age_percent=5, handling_minor=150, holding_minor_per_day=2, days=20, fee_percent=10
)
MENDED = Way({"C": 90}, success_percent=80, refurbish_minor=1_200, handling_minor=300)
VENDOR = Way({"B": 100, "C": 100}, of="cost", handling_minor=400, window_days=60, not_for=("books",))
POLICY = Recovery(("B", "C"), {"second_grade": OPEN_BOX, "refurbish": MENDED, "return_to_vendor": VENDOR})


def goods(grade: str = "C", **changed: Any) -> Goods:
    return Goods(grade, "toys", 10_000, 4_000, 65)._replace(**changed)


def test_the_sums_of_each_way_the_best_first():
    assert recovery.sums(POLICY, goods()) == (
        Sum("refurbish", 7_200, 0, 1_500, 0, 5_700),
        Sum("second_grade", 3_600, 360, 150, 40, 3_050),
    )  # the vendor takes nothing any more after 65 days
    assert [one.disposition for one in recovery.sums(POLICY, goods("B", age_days=60))] == [
        "second_grade", "return_to_vendor",
    ]  # fmt: skip
    assert [one.disposition for one in recovery.sums(POLICY, goods("B", age_days=60, category="books"))] == [
        "second_grade"
    ]


def test_of_grades_that_it_is_not_for_the_sum_does_not_decide():
    assert recovery.sums(POLICY, goods("A")) == ()
    assert recovery.sums(Recovery(), goods()) == ()


def test_why_in_words():
    found = recovery.sums(POLICY, goods())
    assert recovery.told(found, "grade C") == (
        "grade C: refurbish is expected to bring the most, before second grade"
    )  # fmt: skip
    assert recovery.told(found[:1], "grade C") == "grade C: refurbish is the one way that is open"


ways = st.builds(
    Way,
    percents=st.dictionaries(st.sampled_from(sorted(GRADES)), st.integers(0, 100)),
    of=st.sampled_from(["price", "cost"]),
    age_percent=st.integers(0, 100),
    success_percent=st.integers(0, 100),
    refurbish_minor=st.integers(0, 5_000),
    fee_percent=st.integers(0, 100),
    window_days=st.none() | st.integers(0, 90),
)
policies = st.builds(
    Recovery,
    grades=st.just(tuple(GRADES)),
    ways=st.dictionaries(st.sampled_from(["restock", "second_grade", "liquidate", "dispose"]), ways),
)
things = st.builds(
    Goods, st.sampled_from(sorted(GRADES)), st.just("toys"), st.integers(0, 10**6), st.integers(0, 10**6),
    st.integers(0, 400),
)  # fmt: skip


@given(policies, things)
def test_no_way_that_is_open_brings_more_than_the_first(policy: Recovery, one: Goods):
    found = recovery.sums(policy, one)
    assert all(found[0].total_minor >= other.total_minor for other in found)
    for each in found:
        way = policy.ways[each.disposition]
        assert one.grade in way.percents
        assert each.total_minor == each.gross_minor - each.fee_minor - each.work_minor - each.holding_minor
        assert 0 <= each.fee_minor <= each.gross_minor <= max(one.price_minor, one.cost_minor)


@given(ways, things)
def test_what_gets_older_never_brings_more(way: Way, one: Goods):
    policy = Recovery(tuple(GRADES), {"second_grade": way})
    now, later = (recovery.sums(policy, one._replace(age_days=one.age_days + days)) for days in (0, 45))
    assert not later or later[0].total_minor <= now[0].total_minor


@pytest.mark.parametrize(
    "wrong", [{"percents": {"Z": 1}}, {"percents": {"A": 101}}, {"percents": {}, "days": -1}]
)
def test_a_way_that_can_not_be(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="expected"):
        Way(**wrong)
    with pytest.raises(ValueError, match="expected"):
        Recovery(ways={"burn": MENDED})
