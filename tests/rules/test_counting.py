"""What is counted when, and what becomes of a difference."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.stock.rules import Correction, Stands, classes, correct
from entrepot.warehouse.counting import (
    Accuracy,
    Candidate,
    Counting,
    Plan,
    Seen,
    choose,
    choose_empty,
    is_within,
    outcome,
    plan_of,
    state_of,
)

SKUS = [UUID(int=i) for i in range(1, 9)]
STRICT = Counting(tolerance_units=0)
units = st.integers(0, 40)


# ---- what is counted


def test_the_classes_are_cut_where_the_figures_add_up():
    figures = dict(zip(SKUS, (500, 300, 100, 60, 40, 0), strict=False))
    assert list(classes(figures, 80, 95).values()) == ["A", "A", "B", "B", "C", "C"]


def test_one_that_is_all_of_it_is_an_a():
    assert classes({SKUS[0]: 7}, 80, 95) == {SKUS[0]: "A"}


@given(st.dictionaries(st.sampled_from(SKUS), st.integers(0, 1000)), st.integers(0, 100), st.integers(0, 100))
def test_no_sku_has_a_better_class_than_one_with_a_greater_figure(figures, a, b):
    found = classes(figures, a, max(a, b))
    assert found.keys() == figures.keys()
    ranked = sorted(figures, key=lambda sku: -figures[sku])
    for one, other in pairwise(ranked):
        assert found[one] <= found[other] or figures[one] == figures[other]


def candidate(place: int = 1, abc: str = "A", age: int | None = None, zone: str = "") -> Candidate:
    return Candidate(UUID(int=place), SKUS[0], "", "sellable", zone, abc, age)


def test_a_plan_wants_its_classes_and_zones_when_they_are_due():
    plans = {"quick": Plan(10, ("A",)), "cold": Plan(5, zones=("COLD",))}
    assert plan_of(candidate(age=9), plans) is None
    assert plan_of(candidate(age=10), plans) == (1, "quick")
    assert plan_of(candidate(age=10, zone="COLD"), plans) == (2, "cold")
    assert plan_of(candidate(abc="B", age=400), plans) is None
    assert plan_of(candidate(), plans) == (float("inf"), "quick")


def test_the_first_are_those_of_the_plan_with_priority_then_the_better_class_then_the_most_overdue():
    policy = Counting(plans={"all": Plan(10), "cold": Plan(10, zones=("COLD",), priority=60)})
    found = [
        candidate(1, "B", 30), candidate(2, "A", 10), candidate(3, "A", 20), candidate(4, "C", 10, "COLD"),
    ]  # fmt: skip
    assert [one.bin.int for one in choose(found, policy, 10)] == [4, 3, 2, 1]
    assert [one.bin.int for one in choose(found, policy, 2)] == [4, 3]
    assert choose(found, policy, -1) == []


def test_a_bin_is_one_task_with_all_that_is_due_in_it():
    found = [candidate(1, "A", 40), Candidate(UUID(int=1), SKUS[1], "L1", "sellable", "", "B", 100)]
    (due,) = choose(found, Counting(), 5)
    assert (due.plan, len(due.goods)) == ("class A", 2)


# ---- what becomes of a difference


def test_within_tolerance_is_within_all_three():
    policy = Counting(tolerance_units=2, tolerance_percent=10, tolerance_minor=500)
    assert is_within(Seen(100, 98, 500), policy)
    assert not is_within(Seen(100, 97, 10), policy), "units"
    assert not is_within(Seen(10, 8, 10), policy), "percent"
    assert not is_within(Seen(100, 99, 501), policy), "value"


def test_the_way_of_a_difference():
    assert outcome(Seen(5, 5, 0), STRICT, again=False) == "agreed"
    assert outcome(Seen(100, 99, 100), Counting(), again=False) == "posted"
    assert outcome(Seen(100, 90, 1000), Counting(), again=False) == "recount"
    assert outcome(Seen(100, 90, 1000), Counting(), again=True) == "waiting"
    assert outcome(Seen(100, 90, 1000), Counting(approve_above_minor=1000), again=True) == "posted"


def test_what_a_picker_may_hold_is_never_posted_at_once():
    assert outcome(Seen(100, 99, 100, claimed=1), Counting(), again=False) == "recount"
    assert outcome(Seen(100, 99, 100, claimed=1), Counting(), again=True) == "waiting"
    assert outcome(Seen(100, 90, 100, claimed=1), Counting(approve_above_minor=1000), again=True) == "waiting"
    assert outcome(Seen(100, 101, 100, claimed=1), Counting(), again=False) == "posted"


def test_what_a_person_must_look_at_waits():
    assert outcome(Seen(0, 1, 100, unsure=True), Counting(), again=False) == "waiting"


def test_nothing_is_posted_for_its_value_where_that_is_not_known():
    assert outcome(Seen(100, 90, 0), Counting(approve_above_minor=1000), again=True) == "waiting"


@given(units, units, st.integers(0, 5000), units, st.booleans(), st.booleans())
def test_nothing_beyond_tolerance_is_posted_by_one_person_alone(
    expected, counted, value, claimed, again, unsure
):
    policy = Counting()
    seen = Seen(expected, counted, value, claimed, unsure)
    if outcome(seen, policy, again) == "posted":
        assert is_within(seen, policy)
        assert counted != expected
        assert not unsure


def test_a_task_is_what_is_left_to_do_of_it():
    assert state_of(["agreed", "posted"]) == "done"
    assert state_of([]) == "done"
    assert state_of(["agreed", "waiting"]) == "waiting"
    assert state_of(["waiting", "recount"]) == "recount"


# ---- how stock is corrected


def test_what_is_missing_is_first_what_is_being_looked_for():
    assert correct(3, Stands(3, 2, 3, 2, 0)) == Correction(gone_lost=2)
    assert correct(2, Stands(3, 2, 3, 2, 0)) == Correction(gone_lost=2, gone=1)
    assert correct(4, Stands(3, 2, 3, 2, 0)) == Correction(gone_lost=1, found_again=1)


def test_what_is_there_of_what_was_looked_for_is_found_again():
    assert correct(5, Stands(3, 2, 3, 2, 0)) == Correction(found_again=2)
    assert correct(6, Stands(3, 2, 3, 2, 0)) == Correction(found=1, found_again=2)


def test_what_a_picker_misses_after_the_count_is_the_same_loss():
    assert correct(3, Stands(5, 0, 3, 2, 0)) == Correction(gone_lost=2)


def test_what_picks_claim_is_left_to_them():
    assert correct(3, Stands(10, 0, 10, 0, 8)) == Correction(gone=2, left=5)


@given(units, units, units, units, units, units)
def test_a_correction_is_the_difference_and_takes_no_more_than_there_is(
    counted, then, lost_then, now, lost_now, claim
):
    stands = Stands(then, lost_then, now, lost_now, min(claim, now))
    found = correct(counted, stands)

    assert found.units - found.left == counted - then - lost_then
    assert min(found) >= 0
    assert found.gone <= now - stands.claimed
    assert found.gone_lost + found.found_again <= lost_now
    assert not (found.found and (found.gone or found.gone_lost))


# ---- accuracy


def test_a_find_makes_up_for_a_loss_in_the_sum_only():
    one = Accuracy("A", records=4, right=2, expected=100, short=3, over=3, value_minor=600)
    assert (one.share, one.signed, one.absolute) == (0.5, 0.0, 0.94)


def test_nothing_counted_is_not_wrong():
    assert Accuracy("A", 0, 0, 0, 0, 0, 0).share == 1.0
    assert Accuracy("A", 1, 0, 0, 0, 2, 0).absolute == 0.0


@given(units, units, units)
def test_the_signed_error_is_never_more_than_the_absolute_one(expected, short, over):
    one = Accuracy("A", 1, 0, expected, min(short, expected), over, 0)
    if expected and over + one.short <= expected:
        assert abs(one.signed) <= 1 - one.absolute + 1e-9


@given(
    st.lists(
        st.tuples(st.uuids(), st.one_of(st.none(), st.integers(0, 400))),
        max_size=20,
        unique_by=lambda one: one[0],
    ),
    st.integers(0, 365),
    st.integers(-2, 25),
)
def test_empty_bins_that_were_never_looked_at_come_first(ages, days, room):
    found = choose_empty(ages, Counting(empty_days=days), room)
    known = dict(ages)
    assert len(found) <= max(0, room)
    assert all(days and (known[one] is None or known[one] >= days) for one in found)
    ranks = [float("inf") if known[one] is None else known[one] for one in found]
    assert ranks == sorted(ranks, reverse=True)
    if days and room >= len(ages):
        assert set(found) == {one for one, age in ages if age is None or age >= days}
