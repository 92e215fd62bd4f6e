"""What an order must say, and what receipts take of it. Invariants 1 and 4 of the room."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.ids import uuid7
from entrepot.kernel.money import extend
from entrepot.purchasing import rules
from entrepot.purchasing.errors import ExceedsOrdered, LotNeeded
from entrepot.purchasing.receiving import Receiving
from entrepot.purchasing.rules import Line, OrderedLine, ReceivedLine, at_home

SKU = uuid7()
costs = st.decimals(min_value=0, max_value=10_000, places=6)


def a_line(quantity: int = 10, cost: str | Decimal = "0.5625", received: int = 0, **changes) -> Line:
    return Line(uuid7(), changes.pop("number", 1), SKU, quantity, received, Decimal(cost), **changes)


def by_id(*lines: Line) -> dict:
    return {line.id: line for line in lines}


@given(costs, st.lists(st.integers(1, 500), min_size=1, max_size=8), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_the_parts_of_a_line_sum_to_its_value_in_whatever_portions_it_comes(cost, portions, currency):
    line = a_line(sum(portions), cost)
    values = [rules.take(line, ReceivedLine(line.id, portion), currency).value_minor for portion in portions]
    assert sum(values) == extend(line.quantity, cost, currency)
    assert all(value >= 0 for value in values)
    assert line.received == line.quantity


@given(st.integers(1, 50), st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_a_line_never_receives_more_than_was_ordered(ordered, portions):
    line = a_line(ordered)
    for portion in portions:
        before = line.received
        plan = rules.plan_receipt(by_id(line), [ReceivedLine(line.id, portion)], "GBP")
        assert isinstance(plan, list) == (before + portion <= ordered)
        assert line.received == (before + portion if isinstance(plan, list) else before)


def test_an_unknown_line_is_refused_and_nothing_is_received():
    line = a_line(10)
    refusal = rules.plan_receipt(by_id(line), [ReceivedLine(line.id, 5), ReceivedLine(uuid7(), 1)], "GBP")
    assert isinstance(refusal, NotFound)
    assert line.received == 0


def test_two_counts_of_one_line_are_added_up_before_anything_is_received():
    line = a_line(10, received=3)
    refusal = rules.plan_receipt(by_id(line), [ReceivedLine(line.id, 5), ReceivedLine(line.id, 3)], "GBP")
    assert refusal == ExceedsOrdered(line=1, left=2, tolerance=0, wanted=3)
    assert line.received == 3


def test_without_a_count_all_that_is_still_to_come_is_received_in_order_of_the_lines():
    second, first = a_line(4, number=2), a_line(10, received=4, number=1)
    plan = rules.plan_receipt(by_id(second, first), None, "GBP")
    assert [(part.line, part.quantity) for part in plan] == [(first.id, 6), (second.id, 4)]
    assert rules.progress([first, second]) == "receive_rest"


@pytest.mark.parametrize("counted", [(), [ReceivedLine]])
def test_nothing_received_is_refused(counted):
    line = a_line()
    counted = [ReceivedLine(line.id, 0) for _ in counted]
    assert isinstance(rules.plan_receipt(by_id(line), counted, "GBP"), Invalid)


@pytest.mark.parametrize(
    ("policy", "lot", "expires_on", "taken"),
    [("none", "", None, True), ("lot", "", None, False), ("lot", "L1", None, True), ("lot_expiry", "L1", None, False),
     ("lot_expiry", "L1", date(2027, 1, 1), True)],
)  # fmt: skip
def test_a_sku_kept_by_lot_needs_its_lot(policy, lot, expires_on, taken):
    line = a_line(lot_policy=policy)
    plan = rules.plan_receipt(by_id(line), [ReceivedLine(line.id, 1, lot, expires_on)], "GBP")
    assert isinstance(plan, list) if taken else isinstance(plan, LotNeeded)


def test_progress_tells_part_from_rest():
    assert rules.progress([a_line(10, received=10), a_line(5)]) == "receive_part"
    assert rules.progress([a_line(10, received=10)]) == "receive_rest"


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        ([], Invalid),
        ([OrderedLine(uuid7(), 1, Decimal(1))], NotFound),
        ([OrderedLine(SKU, 0, Decimal(1))], Invalid),
        ([OrderedLine(SKU, 2**31, Decimal(1))], Invalid),
        ([OrderedLine(SKU, 1, Decimal("-0.01"))], Invalid),
        ([OrderedLine(SKU, 1, Decimal("NaN"))], Invalid),
        ([OrderedLine(SKU, 1, Decimal(0))], type(None)),
    ],
)
def test_an_order_must_make_sense(lines, refusal):
    assert isinstance(rules.misfit(lines, {SKU: "A"}), refusal)


# ---- what was given up


@given(st.integers(1, 60), st.data())
def test_what_a_person_gave_up_stays_given_up_whatever_comes(ordered, data):
    received = data.draw(st.integers(0, ordered))
    given_up = data.draw(st.integers(0, ordered - received))
    policy = Receiving(
        over_percent=data.draw(st.integers(0, 100)), under_percent=data.draw(st.integers(0, 20))
    )
    line = a_line(ordered, received=received, short=given_up, given_up_by="ann")
    for_good = rules.given_up_for_good(line)
    for portion in data.draw(st.lists(st.integers(1, 20), max_size=8)):
        before = line.to_come
        plan = rules.plan_receipt(by_id(line), [ReceivedLine(line.id, portion)], "GBP", policy)
        assert line.to_come <= before, "nothing that is not expected is expected again"
        assert line.short >= for_good
        assert line.received <= ordered - for_good + policy.over(ordered)
        assert line.over == (
            max(0, line.received + line.short - ordered) if isinstance(plan, list) else line.over
        )
        assert line.received <= ordered - line.short + line.over


def test_what_the_policy_gave_up_is_taken_when_it_comes_after_all():
    policy = Receiving(under_percent=5)
    line = a_line(100, received=90)
    rules.plan_receipt(by_id(line), [ReceivedLine(line.id, 6)], "GBP", policy)
    assert (line.short, line.to_come) == (4, 0)
    assert isinstance(rules.plan_receipt(by_id(line), [ReceivedLine(line.id, 4)], "GBP", policy), list)
    assert (line.received, line.short, line.over) == (100, 0, 0)


def test_whoever_gave_up_is_who_did_whatever_the_policy_says_today():
    by_hand, by_policy = (a_line(100, received=96, short=4, given_up_by=who) for who in ("ann", ""))
    today = Receiving(under_percent=4)
    counted = [ReceivedLine(by_hand.id, 1)]
    refused = rules.plan_receipt(by_id(by_hand), counted, "GBP", today)
    assert refused == ExceedsOrdered(line=1, left=0, tolerance=0, wanted=1)
    counted = [ReceivedLine(by_policy.id, 4)]
    assert isinstance(rules.plan_receipt(by_id(by_policy), counted, "GBP", Receiving(under_percent=1)), list)
    assert (by_policy.received, by_policy.short, by_policy.over) == (100, 0, 0)


@given(st.integers(1, 60), st.data())
def test_nothing_of_an_order_that_is_over_is_expected_again_whatever_the_policy_says_since(ordered, data):
    received = data.draw(st.integers(0, ordered - 1))
    line = a_line(ordered, received=received, short=ordered - received)
    for portion in data.draw(st.lists(st.integers(1, 20), max_size=8)):
        policy = Receiving(
            over_percent=data.draw(st.integers(0, 100)), under_percent=data.draw(st.integers(0, 100))
        )
        rules.plan_receipt(by_id(line), [ReceivedLine(line.id, portion)], "GBP", policy, is_over=True)
        assert (line.to_come, line.expected) == (0, 0)
        assert line.short == max(0, ordered - line.received)
        assert line.over == max(0, line.received - ordered)


def test_what_comes_late_is_all_of_lines_that_the_policy_gave_up():
    let_go, over = a_line(100, received=96, short=4), a_line(10, received=10)
    lines = {**by_id(let_go), **by_id(over)}
    assert rules.come_late(lines, [ReceivedLine(let_go.id, 1)])
    assert not rules.come_late(lines, [ReceivedLine(let_go.id, 1), ReceivedLine(over.id, 1)])
    assert not rules.come_late(lines, None) and not rules.come_late(lines, [])


def test_what_a_person_gave_up_comes_beyond_the_order_within_the_tolerance():
    policy = Receiving(over_percent=5, under_percent=5)
    line = a_line(100, received=50, short=50, given_up_by="ann")
    refused = rules.plan_receipt(by_id(line), [ReceivedLine(line.id, 6)], "GBP", policy)
    assert refused == ExceedsOrdered(line=1, left=0, tolerance=5, wanted=6)
    assert isinstance(rules.plan_receipt(by_id(line), [ReceivedLine(line.id, 5)], "GBP", policy), list)
    assert (line.received, line.short, line.over, line.to_come, line.expected) == (55, 50, 5, 0, 0)
    again = rules.plan_receipt(by_id(line), [ReceivedLine(line.id, 1)], "GBP", policy)
    assert again == ExceedsOrdered(line=1, left=0, tolerance=0, wanted=1), "the tolerance counts once"


@given(st.lists(st.integers(0, 10**6), max_size=12), st.decimals("0.0001", "500", places=6))
def test_parts_at_home_are_worth_together_what_their_sum_is(values, rate):
    found = at_home(values, rate, "EUR", "GBP")
    assert sum(found) == money.at_rate(sum(values), rate, "EUR", "GBP")
    assert all(one >= 0 for one in found)
    assert at_home(values, Decimal(1), "EUR", "EUR") == values
