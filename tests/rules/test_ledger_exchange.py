"""What balances in other currencies are worth, and what stock is worth that brings less than it cost."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from entrepot.ledger import exchange, layers
from entrepot.ledger.exchange import Flow, Held

NOTHING = Held(0, 0)


def test_what_is_settled_at_another_rate():
    # A hundred at 0.85, then forty at 0.87 and the rest at 0.90.
    held, realized = exchange.settle(NOTHING, [Flow(10_000, 8_500), Flow(-4_000, -3_480)])
    assert (held, realized) == (Held(6_000, 5_100), 80)
    held, realized = exchange.settle(held, [Flow(-6_000, -5_400)])
    assert (held, realized) == (NOTHING, 300)
    # What is owed costs more: a loss.
    assert exchange.settle(NOTHING, [Flow(-1_000, -800), Flow(1_000, 900)]) == (NOTHING, -100)


def test_a_balance_that_goes_through_zero_begins_anew():
    held, realized = exchange.settle(Held(1_000, 800), [Flow(-3_000, -2_700)])
    assert (held, realized) == (Held(-2_000, -1_800), 100)


def test_what_is_open_at_a_rate():
    assert exchange.at_rate(Held(10_001, 0), Decimal("0.85"), 0) == Held(10_001, 8_501)
    assert exchange.at_rate(Held(-500, 0), Decimal("0.0054"), 2) == Held(-500, -270), "yen in pence"


FLOWS = st.lists(st.builds(Flow, st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6)), max_size=20)


@given(FLOWS)
def test_nothing_is_lost_between_what_was_posted_and_what_is_carried(flows):
    held, realized = exchange.settle(NOTHING, flows)
    assert held.amount == sum(one.amount for one in flows)
    assert held.worth == sum(one.worth for one in flows) + realized


@given(FLOWS, st.integers(0, 20))
def test_it_does_not_matter_how_often_it_is_looked_at(flows, cut):
    whole = exchange.settle(NOTHING, flows)
    held, first = exchange.settle(NOTHING, flows[:cut])
    held, rest = exchange.settle(held, flows[cut:])
    assert (held, first + rest) == whole


@given(st.lists(st.tuples(st.integers(1, 10**6), st.decimals("0.01", 10, places=4)), min_size=1, max_size=8))
def test_one_rate_brings_no_difference_but_of_rounding(flows):
    rate = flows[0][1]
    one = [Flow(amount, exchange.at_rate(Held(amount, 0), rate, 0).worth) for amount, _ in flows]
    back = [Flow(-flow.amount, -flow.worth) for flow in one]
    held, realized = exchange.settle(NOTHING, one + back)
    assert (held, realized) == (NOTHING, 0) or abs(realized) <= len(flows)


# ---- stock below cost


def test_the_lower_of_cost_and_what_it_brings():
    assert layers.at_most(10, 1_000, 0, Decimal(60)) == (600, 400)
    assert layers.at_most(10, 600, 400, Decimal(80)) == (800, 200)
    assert layers.at_most(10, 600, 400, Decimal(500)) == (1_000, 0)
    assert layers.at_most(3, 100, 0, Decimal("33.5")) == (100, 0)


@given(st.integers(1, 10**4), st.integers(0, 10**8), st.integers(0, 10**8), st.decimals(0, 10**6, places=3))
def test_it_is_never_above_cost_and_never_below_nothing(quantity, value, written, unit):
    after, below = layers.at_most(quantity, value, written, unit)
    assert after + below == value + written
    assert min(after, below) >= 0
    assert layers.at_most(quantity, after, below, unit) == (after, below)


@given(st.integers(0, 100), st.integers(0, 10**6), st.lists(st.integers(-20, 20).filter(bool), max_size=15))
def test_what_leaves_takes_its_part_and_what_comes_bears_none(quantity, written, wanted):
    moves, there = [], quantity
    for units in wanted:
        if there + units >= 0:
            moves.append(units)
            there += units
    left = layers.left_below_cost(quantity, written if quantity else 0, moves)
    assert 0 <= left <= written
    if there == 0:
        assert left == 0
    if all(units > 0 for units in moves) and quantity:
        assert left == written
