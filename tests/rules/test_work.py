"""When items are due and who may take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.work import rules
from entrepot.work.errors import ClaimedByAnother

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ITEM = uuid7()


@pytest.mark.parametrize(
    ("priority", "hours"), [(100, 4), (80, 4), (79, 24), (50, 24), (49, 72), (0, 72), (-5, 72)]
)
def test_target_follows_from_priority(priority, hours):
    assert rules.due_at(NOW, priority, None) == NOW + timedelta(hours=hours)


def test_hours_asked_for_go_before_the_target():
    assert rules.due_at(NOW, 100, 1) == NOW + timedelta(hours=1)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_more_urgent_is_never_due_later(one, other):
    low, high = sorted((one, other))
    assert rules.due_at(NOW, high, None) <= rules.due_at(NOW, low, None)


@given(st.lists(st.integers(0, 5)))
def test_first_of_each_is_the_first_place(names):
    assert rules.first_of_each(names) == {name: names.index(name) for name in names}


def test_claim():
    assert rules.decide_claim(ITEM, "open", "", "ada") == "claimed"
    assert rules.decide_claim(ITEM, "claimed", "ada", "ada") == "claimed"
    assert rules.decide_claim(ITEM, "claimed", "ada", "ben") == ClaimedByAnother(item=ITEM, owner="ada")
    assert isinstance(rules.decide_claim(ITEM, "done", "", "ben"), WrongState)
    assert isinstance(rules.decide_claim(ITEM, None, "", "ben"), NotFound)


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [("open", "resolve", "done"), ("claimed", "resolve", "done"), ("claimed", "put_back", "open")],
)
def test_steps_of_its_life(state, event, after):
    assert rules.decide_step(ITEM, state, event) == after


@pytest.mark.parametrize(
    ("state", "event"), [("done", "resolve"), ("open", "put_back"), ("done", "put_back")]
)
def test_other_steps_are_refused(state, event):
    assert isinstance(rules.decide_step(ITEM, state, event), WrongState)
