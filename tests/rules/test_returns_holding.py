"""When something is given before goods are back, and what becomes of the amount that secures it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns import holding, rules
from entrepot.returns.exchanging import reached
from entrepot.returns.holding import Customer, InstantPolicy, Line, Move, Standing, decide, objection, passes

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = InstantPolicy(refunds=True, most_minor={"GBP": 5000})
KNOWN = Customer(True, "gold", 3, 0)


def standing(*lines: Line, **facts: Any) -> Standing:
    found: dict[str, Any] = {
        "state": "placed", "given": sum(line.minor for line in lines), "settled": True, "gone": False, "taken": 0,
        "returned": 0, "due_at": NOW + timedelta(days=10), "expires_at": NOW + timedelta(days=6),
    } | facts  # fmt: skip
    return Standing(lines=lines, **found)


@pytest.mark.parametrize(
    ("policy", "kind", "customer", "total", "why"),
    [
        (POLICY, "refund", KNOWN, 5000, ""),
        (POLICY, "exchange", KNOWN, 5000, "gives no exchange"),
        (InstantPolicy(), "refund", KNOWN, 5000, "gives no refund"),
        (POLICY, "refund", KNOWN, 5001, "50.01 GBP are above"),
        (POLICY, "refund", KNOWN, 0, "worth nothing"),
        (POLICY, "refund", KNOWN._replace(earlier=0), 100, "0 earlier orders"),
        (POLICY, "refund", KNOWN._replace(taken=1), 100, "had to be taken"),
        (InstantPolicy(refunds=True, tiers=("vip",)), "refund", KNOWN, 100, "tier gold is not one of vip"),
    ],
)
def test_for_whom(policy: InstantPolicy, kind: str, customer: Customer, total: int, why: str):
    found = objection(policy, kind, customer, total, "GBP")
    assert bool(found) == bool(why)
    assert why in found


def test_a_currency_without_a_limit_has_none_to_give():
    assert "are above" in objection(POLICY, "refund", KNOWN, 100, "EUR")


WAITS = Line(2, 1001, expected=2)
BACK = Line(2, 1001, expected=2, received=2, passed=2)
HALF = Line(2, 1001, expected=2, received=2, passed=1, failed=1)
LATE = {"due_at": NOW}


@pytest.mark.parametrize(
    ("one", "what", "minor"),
    [
        (standing(WAITS), "wait", 0),
        (standing(BACK), "release", 0),
        (standing(HALF), "take", 500),
        (standing(BACK, WAITS), "wait", 0),
        (standing(BACK, WAITS, **LATE), "take", 1001),
        (standing(WAITS._replace(received=1), **LATE), "wait", 0),
        (standing(WAITS, gone=True), "release", 0),
        (standing(WAITS, settled=False, **LATE), "wait", 0),
        (standing(WAITS, given=700, **LATE), "take", 700),
        (standing(WAITS, state="renewing", **LATE), "wait", 0),
        (standing(WAITS, expires_at=NOW + timedelta(hours=24)), "renew", 0),
        (standing(WAITS, expires_at=NOW + timedelta(hours=24), renewable=False), "release", 0),
        (standing(WAITS, expires_at=NOW), "lapse", 0),
        (standing(BACK, state="taken", taken=1001), "give_back", 1001),
        (standing(HALF, state="taken", taken=1001, returned=501), "wait", 0),
    ],
)
def test_what_becomes_of_it(one: Standing, what: str, minor: int):
    found = decide(one, POLICY, NOW)
    assert (found.what, found.minor) == (what, minor)


def test_a_hold_that_ends_is_taken_or_let_go_by_rule():
    soon = standing(WAITS, expires_at=NOW + timedelta(hours=1))
    take, release = (InstantPolicy(before_expiry=one) for one in ("take", "release"))  # type: ignore[arg-type]
    assert decide(soon, take, NOW)[:2] == ("take", 1001)
    assert decide(soon, release, NOW).what == "release"
    assert decide(soon._replace(settled=False), take, NOW).what == "release"
    unlucky = InstantPolicy(not_renewed="take")
    assert decide(soon._replace(renewable=False), unlucky, NOW)[:2] == ("take", 1001)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    units = draw(st.integers(1, 5))
    expected = units + draw(st.integers(0, 3))
    received = draw(st.integers(0, expected))
    passed = draw(st.integers(0, received))
    return Line(
        units, draw(st.integers(0, 9999)), expected, received, passed, draw(st.integers(0, received - passed))
    )


@given(st.lists(lines(), min_size=1, max_size=3), st.integers(0, 20_000), st.booleans())
def test_never_is_more_taken_than_was_given_and_is_owed(found: list[Line], given_: int, late: bool):
    one = standing(*found, given=given_, due_at=NOW if late else NOW + timedelta(1))
    move = decide(one, POLICY, NOW)
    assert 0 <= move.minor <= min(given_, sum(line.minor for line in found))
    if move.what == "release":
        assert one.owed == 0
    if move.what == "take":
        # Whatever passes later lowers what is owed, until nothing is.
        better = [line._replace(received=line.expected, passed=line.expected, failed=0) for line in found]
        after = decide(one._replace(state="taken", taken=move.minor, lines=better), POLICY, NOW)
        assert after == Move("give_back", move.minor, after.why)
        assert decide(one._replace(state="taken", taken=move.minor), POLICY, NOW).what == "wait"


@given(st.integers(1, 20), st.integers(0, 9999))
def test_what_is_owed_falls_with_each_unit_to_nothing(units: int, minor: int):
    owed = [Line(units, minor, units, units, passed).owed for passed in range(units + 1)]
    assert owed == sorted(owed, reverse=True)
    assert (owed[0], owed[-1]) == (minor, 0)


@given(st.integers(0, 9999), st.tuples(*[st.integers(0, 999)] * 3))
def test_what_is_taken_is_posted_whole(minor: int, weights: tuple[int, int, int]):
    assert sum(holding.split(minor, weights)) == minor


def test_milestones_of_refunds_and_replacements():
    units = rules.Units(3, 0, 2, 1, 0, 0)
    assert [rules.due(units, rules.milestone_of("scanned", scanned=one)) for one in (True, False)] == [3, 2]
    assert rules.due(units, rules.milestone_of("inspected", scanned=True)) == 1
    assert [reached(units, one) for one in rules.SEND_AT] == [3, 2, 2, 1, 0]


@pytest.mark.parametrize(
    ("grade", "verdict", "told"),
    [
        ("A", "", True), ("D", "", False), ("A", "open", None), ("D", "open", None), ("D", "accepted", True),
        ("A", "refused", False),
    ],
)  # fmt: skip
def test_what_somebody_decided_stands_above_the_grade(grade: str, verdict: str, told: bool | None):
    assert passes(grade, verdict, POLICY.passing_grades) is told
