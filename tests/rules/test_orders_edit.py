"""What of a placed order may still be changed, and what comes later costs"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders import rules
from entrepot.orders.rules import EDITS, Frozen, Totals, freeze_more, why_no_edit

totals = st.builds(Totals, *[st.integers(0, 3)] * len(Totals._fields))


@pytest.mark.parametrize(
    ("edit", "goods", "why"),
    [
        ("address", Totals(open=1), ""),
        ("address", Totals(allocated=1, released=2), "2 of its units are released"),
        ("address", Totals(open=1, with_supplier=1), "1 of its units is with supplier"),
        ("service", Totals(picked=1), ""),
        ("service", Totals(open=1, packed=1), "1 of its units is packed"),
        ("lines", Totals(packed=1), ""),
        ("lines", Totals(shipped=1), "nothing of it is still to leave"),
        ("priority", Totals(cancelled=1), "nothing of it is still to leave"),
    ],
)
def test_what_may_still_be_changed(edit, goods, why):
    assert why_no_edit(edit, "confirmed", goods) == why
    assert why_no_edit(edit, "cancelled", goods) == "it is cancelled"


@given(st.sampled_from(sorted(EDITS)), totals)
def test_an_edit_is_allowed_exactly_where_something_is_to_leave_and_nothing_is_too_far(edit, goods):
    fine = sum(goods[:-3]) > 0 and not any(getattr(goods, place) for place in EDITS[edit])
    assert (why_no_edit(edit, "placed", goods) == "") == fine


@given(st.sampled_from(sorted(EDITS)), totals, st.sampled_from(rules.PLACES[:-1]))
def test_what_is_refused_stays_refused_as_units_move_on(edit, goods, place):
    late = place in EDITS[edit]
    if late and getattr(goods, place):
        assert why_no_edit(edit, "confirmed", goods)


def test_units_that_come_later_bear_tax_at_the_rate_of_what_they_are_like():
    like = [Frozen(20_00, 0, 3_00, 4_00)]
    assert freeze_more(like, "GBP", 1, Decimal("10.00"), 0, None) == Frozen(10_00, 0, 0, 2_00)
    assert freeze_more(like, "GBP", 1, Decimal("10.00"), 5_00, None) == Frozen(10_00, 5_00, 0, 1_00)
    assert freeze_more(like, "GBP", 1, Decimal("10.00"), 0, 7) == Frozen(10_00, 0, 0, 7)
    assert freeze_more([Frozen(0, 0, 0, 0)], "GBP", 1, Decimal(1), 0, None) == Frozen(1_00, 0, 0, 0)


@given(st.integers(1, 50), st.integers(1, 10_000), st.integers(0, 30))
def test_as_many_units_as_before_at_the_same_price_bear_the_same_tax(quantity, cents, percent):
    gross = quantity * cents
    tax = gross * percent // 100
    more = freeze_more([Frozen(gross, 0, 0, tax)], "GBP", quantity, Decimal(cents) / 100, 0, None)
    assert (more.gross, more.tax) == (gross, tax)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_never_more_is_given_back_than_was_taken_or_than_the_units_bore(
    captured, stands, cancelled, given_back
):
    more = rules.give_back(captured, stands, cancelled, given_back)
    assert 0 <= more <= max(0, min(captured, cancelled) - given_back)
    assert rules.give_back(captured, stands, cancelled, given_back + more) == 0


def test_why_nothing_can_be_split_off():
    two = Totals(open=1, shipped=1)
    assert rules.why_no_split(two, 1, 0, 500) == ""
    assert rules.why_no_split(Totals(open=1, cancelled=4), 1, 0, 500) == "it has only one unit"
    assert rules.why_no_split(two, 0, 0, 500).startswith("no unit is free to go")
    assert rules.why_no_split(two, 1, 499, 500) == ""
    assert rules.why_no_split(two, 1, 500, 500) == "its payment was captured"
