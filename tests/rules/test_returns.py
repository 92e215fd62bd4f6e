"""What may come back, where a return stands, what a unit cost, and what is refunded, to the cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import policies
from entrepot.kernel.errors import Invalid
from entrepot.kernel.states import Machine
from entrepot.returns import errors, rules
from entrepot.returns.rules import Policy, Units, Wanted
from entrepot.returns.states import FINAL, REFUND, RETURN

A, B, C = (UUID(int=n) for n in (1, 2, 3))


# ---- authorization


def wanted(quantity: int = 1, left: int = 3, line: UUID = A, reason: str = "changed_mind") -> Wanted:
    return Wanted(line, quantity, reason, left)


@pytest.mark.parametrize(
    ("items", "refusal"),
    [
        ([], Invalid(field="items", expected="at least one line", found="none")),
        ([wanted(0)], Invalid(field="quantity", expected="1 or more", found=0)),
        ([wanted(-1)], Invalid(field="quantity", expected="1 or more", found=-1)),
        ([wanted(4)], errors.MoreThanSold(line=str(A), wanted=4, left=3)),
        ([wanted(2), wanted(1, line=B), wanted(2)], errors.MoreThanSold(line=str(A), wanted=2, left=1)),
    ],
)
def test_a_request_that_can_not_be(items: list[Wanted], refusal: object):
    assert rules.misfit_wanted(items) == refusal


def test_a_reason_must_be_one_that_is_known():
    refused = rules.misfit_wanted([wanted(reason="just because")])
    assert refused is not None
    assert (refused.code, refused.facts["field"]) == ("kernel.invalid", "reason")


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(1, 4)), min_size=1), st.integers(0, 9))
def test_never_more_is_authorized_than_is_left(items: list[tuple[UUID, int]], left: int):
    refused = rules.misfit_wanted([wanted(units, left, line) for line, units in items])
    most = max(sum(units for line, units in items if line == one) for one in (A, B))
    assert (refused is None) == (most <= left)


# ---- where a return stands


@pytest.mark.parametrize(
    ("units", "state"),
    [
        (Units(3, 0, 0, 0, 0, 0), "authorized"),
        (Units(3, 0, 0, 0, 0, 3), "authorized"),  # refunded before it comes
        (Units(3, 0, 1, 0, 0, 0), "received"),
        (Units(3, 0, 2, 1, 1, 0), "received"),  # what waits first, says
        (Units(3, 0, 2, 2, 1, 0), "inspected"),
        (Units(3, 0, 2, 2, 2, 0), "disposed"),  # nothing here waits, one has not come
        (Units(3, 0, 3, 3, 3, 2), "disposed"),
        (Units(3, 0, 3, 3, 3, 3), "closed"),
        (Units(3, 1, 2, 2, 2, 2), "closed"),
        (Units(3, 3, 0, 0, 0, 0), "cancelled"),
    ],
)
def test_the_units_say_where_a_return_stands(units: Units, state: str):
    assert rules.derive_state("authorized", units, 0) == state


def test_where_the_customer_keeps_the_goods_a_return_waits_for_the_money_alone():
    assert rules.derive_state("authorized", Units(2, 0, 0, 0, 0, 0), 0, keeps=True) == "authorized"
    assert rules.derive_state("authorized", Units(2, 0, 0, 0, 0, 2), 1, keeps=True) == "authorized"
    assert rules.derive_state("authorized", Units(2, 0, 0, 0, 0, 2), 0, keeps=True) == "closed"


def test_a_return_is_not_closed_before_its_refunds_are_paid_or_given_up():
    back = Units(2, 0, 2, 2, 2, 2)
    assert rules.derive_state("disposed", back, 1) == "disposed"
    assert rules.derive_state("disposed", back._replace(refunded=0), 0, without_refund=True) == "closed"


def test_what_was_given_up_is_not_waited_for_where_its_refund_bounces():
    missing = Units(2, 0, 0, 0, 0, 2, 2)
    assert rules.derive_state("closed", missing, 0) == "closed"
    assert rules.derive_state("closed", missing, 1) == "disposed"
    assert rules.derive_state("closed", missing._replace(missing=1), 1) == "authorized", "one comes after all"


@st.composite
def counts(draw: st.DrawFn) -> Units:
    quantity = draw(st.integers(1, 6))
    cancelled = draw(st.integers(0, quantity))
    steps = sorted((draw(st.integers(0, quantity - cancelled)) for _ in range(3)), reverse=True)
    return Units(quantity, cancelled, *steps, draw(st.integers(0, quantity - cancelled)))


@given(st.lists(counts(), min_size=1, max_size=4), st.integers(0, 2), st.booleans())
def test_every_count_has_a_state_that_the_table_knows(lines: list[Units], refunds: int, without: bool):
    units = rules.total(lines)
    state = rules.derive_state("authorized", units, refunds, without_refund=without)
    assert state in RETURN.states
    assert state not in ("requested", "declined")
    if state == "closed":
        assert units.disposed == units.received == units.quantity - units.cancelled
        assert not refunds
        assert without or units.refunded == units.disposed


@given(st.lists(counts(), min_size=1, max_size=4), st.integers(0, 2))
def test_what_a_person_decides_is_not_derived(lines: list[Units], refunds: int):
    for state in ("requested", "declined"):
        assert rules.derive_state(state, rules.total(lines), refunds) == state


def test_total_sums_place_by_place():
    assert rules.total([Units(1, 0, 1, 1, 0, 0), Units(5, 1, 3, 2, 2, 1)]) == (6, 1, 4, 3, 2, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([], "none"),
        (["declined", "cancelled"], "none"),
        (["requested"], "requested"),
        (["requested", "authorized", "declined"], "requested"),
        (["authorized", "received"], "in return"),
        (["closed", "authorized"], "in return"),
        (["closed", "cancelled"], "returned"),
    ],
)
def test_what_an_order_shows_of_its_returns(states: list[str], shown: str):
    assert rules.axis(states) == shown


@pytest.mark.parametrize("table", [RETURN, REFUND])
def test_every_state_of_a_table_can_be_reached(table: Machine):
    reached = {table.initial} | {t.target for t in table.transitions}
    assert reached == set(table.states)


def test_final_states_are_left_by_nothing():
    left = [t.event for t in RETURN.transitions if not FINAL.isdisjoint(t.sources)]
    assert left == ["owe_again", "reopen"], (
        "where a refund bounces, or goods come after all, and by nothing else"
    )


# ---- cost


def test_units_come_back_at_the_cost_they_left_with_the_first_first():
    left = [(2, 300), (3, 100)]
    assert [rules.cost_of_units(left, n, 1) for n in range(5)] == [150, 150, 33, 34, 33]
    assert rules.cost_of_units(left, 0, 5) == 400
    assert rules.cost_of_units(left, 1, 2) == 183
    assert rules.cost_of_units([], 0, 1) == 0


moves = st.lists(st.tuples(st.integers(1, 7), st.integers(0, 10_000)), min_size=1, max_size=5)


@given(moves, st.data())
def test_however_units_come_back_they_bring_all_of_the_cost(left: list[tuple[int, int]], data: st.DataObject):
    units = sum(count for count, _ in left)
    cuts = data.draw(st.lists(st.integers(0, units)))
    parts = [rules.cost_of_units(left, a, b - a) for a, b in pairwise(sorted([0, *cuts, units]))]
    assert sum(parts) == sum(worth for _, worth in left)
    assert all(part >= 0 for part in parts)


# ---- disposition


def test_a_unit_is_either_in_a_bucket_or_leaves_under_an_event():
    for disposition, status in rules.DISPOSITIONS.items():
        assert (status is None) == (disposition in rules.LEAVES)


# ---- refund


@pytest.mark.parametrize(("milestone", "due"), [("authorized", 5), ("received", 3), ("disposed", 0)])
def test_units_are_due_once_they_are_that_far(milestone: str, due: int):
    assert rules.due(Units(8, 1, 5, 4, 2, 2), milestone) == due


@given(counts(), st.sampled_from(rules.MILESTONES), st.booleans())
def test_never_more_is_due_than_is_left(units: Units, refund_at: str, scanned: bool):
    due = rules.due(units, rules.milestone_of(refund_at, scanned=scanned))
    assert 0 <= due <= units.quantity - units.cancelled - units.refunded
    assert due <= rules.due(units, "authorized")


def test_above_the_limit_another_person_agrees():
    assert [rules.needs_approval(total, 100) for total in (99, 100, 101)] == [False, False, True]
    assert not rules.needs_approval(10**9, None)
    assert rules.needs_approval(1, 0)


@pytest.mark.parametrize(
    ("waiting", "done", "state"),
    [(0, 100, "paid"), (100, 0, "approved"), (40, 60, "approved"), (40, 0, "failed"), (0, 0, "failed")],
)
def test_where_a_refund_stands_that_was_asked_for(waiting: int, done: int, state: str):
    assert rules.paid_state(100, waiting, done) == state


# ---- policy


def test_a_policy_that_fits():
    assert policies.misfit("returns", Policy()) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("late", "perhaps"),
        ("refund_at", "perhaps"),
        ("fee_percent", 101),
        ("fee_percent", -1),
        ("expected_percent", Decimal("100.5")),
        ("expected_recovery_percent", Decimal(-1)),
        ("dispositions A", {"A": "burn"}),
        ("dispositions", {"E": "restock"}),
    ],
)
def test_a_policy_that_can_not_be(field: str, value: object):
    refused = policies.misfit("returns", replace(Policy(), **{field.split(maxsplit=1)[0]: value}))
    assert refused is not None
    assert (refused.code, refused.facts["field"]) == ("kernel.invalid", field)


def test_codes_fit_the_tables():
    assert all(reason.group and reason.says for reason in rules.REASONS.values())
    assert {reason.group for reason in rules.REASONS.values()} > rules.OURS
    assert set(get_args(rules.Disposition)) == set(rules.DISPOSITIONS)
    assert set(get_args(rules.Grade)) == set(rules.GRADES)
    assert rules.DUTY == "request×receive×approve"
