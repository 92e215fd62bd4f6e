"""Goods that a customer announced and that do not come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns.expiring import (
    ExpiryPolicy,
    GivenUp,
    Waiting,
    come_late,
    decide,
    due_at,
    give_up,
    takes_late,
)

DAY = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = ExpiryPolicy(days=30, days_after_scan=20, remind_days=7, late_days=90)


def day(n: float) -> datetime:
    return DAY + timedelta(days=n)


@pytest.mark.parametrize(
    ("facts", "now", "does"),
    [
        ({}, 22.9, "wait"),
        ({}, 23, "remind"),
        ({"reminded_at": day(23)}, 29.9, "wait"),
        ({"reminded_at": day(23)}, 30, "close"),
        ({"reminded_at": day(-1)}, 40, "remind"),  # that was before the last thing happened
        ({"reminded_at": day(50)}, 56.9, "wait"),  # reminded late: the time of the reminder is left
        ({"reminded_at": day(50)}, 57, "close"),
        ({"reminded_at": day(23), "scanned_at": day(25)}, 44, "wait"),
        ({"reminded_at": day(23), "scanned_at": day(25)}, 45, "close"),
        ({"reminded_at": day(23), "scanned_at": day(2)}, 30, "close"),  # no sooner than without a scan
        ({"reminded_at": day(23), "blocked": "an amount is held"}, 99, "wait"),
    ],
)
def test_a_customer_is_reminded_first_and_what_does_not_come_is_given_up(facts, now, does):
    assert decide(POLICY, Waiting(DAY, **facts), day(now)) == does


def test_a_policy_may_wait_for_ever_or_not_remind():
    assert decide(replace(POLICY, days=None), Waiting(DAY), day(9999)) == "wait"
    assert due_at(replace(POLICY, days=None), Waiting(DAY)) is None
    quiet = replace(POLICY, remind_days=0)
    assert [decide(quiet, Waiting(DAY), day(n)) for n in (29, 30)] == ["wait", "close"]


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9))
def test_every_unit_that_did_not_come_is_missing_or_may_be_asked_for_again(quantity, received, refunded):
    received, refunded = min(received, quantity), min(refunded, quantity)
    gone = give_up(quantity, received, refunded)
    assert received + gone.missing + gone.cancelled == quantity
    assert gone.missing == max(0, refunded - received)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_what_comes_late_was_given_up_before(units, missing, cancelled, left):
    found = come_late(units, missing, cancelled, left)
    assert sum(found) <= units
    assert found.missing == min(units, missing)
    assert found.cancelled <= min(cancelled, left)


def test_what_was_paid_for_comes_first_and_what_was_asked_for_again_does_not_come_twice():
    assert come_late(3, 1, 4, 1) == GivenUp(1, 1)


@pytest.mark.parametrize(
    ("late", "after", "takes"), [("reopen", 90, True), ("reopen", 91, False), ("stray", 1, False)]
)
def test_goods_that_come_late_belong_to_their_return_by_rule(late, after, takes):
    assert takes_late(replace(POLICY, late=late), DAY, day(after)) is takes
