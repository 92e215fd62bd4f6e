"""How holds are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders import holding, rules
from entrepot.orders.holding import Holding, Wanted
from entrepot.orders.lapsing import Tender

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_without_a_policy_a_type_keeps_its_defaults():
    assert holding.terms("payment hold", NOW, {}) == (
        "customer service", None, "payment", None, "escalate", "", 0,
    )  # fmt: skip
    assert holding.terms("fraud review", NOW, {}).waits_for == "nothing"


def test_whoever_is_asked_about_a_hold_may_release_it():
    assert {kind.role for kind in rules.HOLDS.values()} | {rules.ESCALATED_TO} <= set(holding.DECIDERS)


def test_the_policy_of_a_type_goes_before_that_of_all():
    in_force = {
        "": (3, Holding(due_hours=8)),
        "tax hold": (
            5,
            Holding(role="operations lead", expires_hours=2, at_expiry="cancel", next="exception"),
        ),
    }
    assert holding.terms("tax hold", NOW, in_force) == (
        "operations lead", None, "nothing", NOW + 2 * HOUR, "cancel", "exception", 5,
    )  # fmt: skip
    assert holding.terms("address hold", NOW, in_force)[:2] == ("customer service", 8)
    assert holding.terms("address hold", NOW, in_force).version == 3


@pytest.mark.parametrize("hours", [-1, 10_001])
def test_hours_have_bounds(hours):
    for name in ("due_hours", "expires_hours"):
        with pytest.raises(ValueError, match=f"{name}: expected 0 to 10000, found {hours}"):
            Holding(**{name: hours})


def test_who_opens_a_hold_may_say_what_it_waits_for():
    in_force = {"payment hold": (1, Holding(waits_for="stock"))}
    assert holding.terms("payment hold", NOW, in_force).waits_for == "stock"
    assert holding.terms("payment hold", NOW, in_force, "nothing").waits_for == "nothing"


@given(st.dictionaries(st.sampled_from(list(rules.HOLDS)), st.sampled_from(["", *rules.HOLDS])))
def test_every_chain_ends(nexts):
    for start in rules.HOLDS:
        chain = [start]
        while kind := holding.follows(chain[-1], nexts.get(chain[-1], ""), chain[:-1]):
            chain.append(kind)
        assert len(set(chain)) == len(chain) <= len(rules.HOLDS)


@pytest.mark.parametrize(
    ("tenders", "is_paid"),
    [
        ([], False),
        ([Tender(99, False)], False),
        ([Tender(60, False), Tender(40, True)], True),
        # it covered the order when it was held: something else was doubted, and only later payments tell
        ([Tender(100, False)], False),
        ([Tender(100, False), Tender(100, True)], True),
        ([Tender(100, False), Tender(99, True)], False),
        # what has expired covers nothing, but what was captured of it
        ([Tender(100, True, NOW)], False),
        ([Tender(100, True, NOW, captured=100)], True),
        ([Tender(100, False, NOW - HOUR), Tender(100, True, NOW + HOUR)], True),
    ],
)
def test_an_order_is_paid_when_what_is_good_now_covers_it(tenders, is_paid):
    assert holding.is_paid(100, tenders, NOW) == is_paid


@pytest.mark.parametrize(
    ("total", "then", "is_paid"),
    [(100, 150, True), (101, 150, False), (100, 100, False), (100, None, False), (99, 100, False)],
)
def test_an_order_that_costs_less_by_now_is_paid_by_what_did_not_suffice(total, then, is_paid):
    assert holding.is_paid(total, [Tender(100, False)], NOW, then) == is_paid


tenders = st.lists(
    st.builds(
        Tender,
        st.integers(0, 100),
        st.booleans(),
        st.none() | st.sampled_from([NOW - HOUR, NOW, NOW + HOUR]),
        st.integers(0, 100),
    ),
    max_size=4,
)


@given(tenders)
def test_a_later_payment_of_all_pays_whatever_came_before(earlier):
    assert holding.is_paid(100, [*earlier, Tender(100, True)], NOW)


@given(tenders)
def test_what_is_paid_is_covered(given_):
    if holding.is_paid(100, given_, NOW):
        assert sum(one.good_for(NOW) for one in given_) >= 100


@pytest.mark.parametrize(
    ("goods", "is_stocked"),
    [
        ([], False),
        ([Wanted(for_sale=True, in_stock=False)], False),
        ([Wanted(for_sale=True, in_stock=True), Wanted(for_sale=True, in_stock=False)], True),
        ([Wanted(for_sale=True, in_stock=True), Wanted(for_sale=False, in_stock=False)], False),
    ],
)
def test_there_is_something_to_send_where_all_is_sold_and_some_is_there(goods, is_stocked):
    assert holding.is_stocked(goods) == is_stocked


LACKED, THERE = Wanted(True, True, was_short=True, is_enough=False), Wanted(True, True, was_short=True)


@pytest.mark.parametrize(
    ("goods", "short", "expected"),
    [
        ([LACKED], "any", False),
        ([LACKED, Wanted(True, True)], "any", False),
        ([THERE, Wanted(True, False)], "any", True),
        ([THERE, LACKED], "any", False),
        ([THERE, LACKED], "all", True),
        ([LACKED, LACKED], "all", False),
        ([Wanted(True, False, was_short=True)], "any", True),  # it is to come
        ([THERE._replace(for_sale=False)], "all", False),
    ],
)
def test_what_lacked_units_waits_for_as_many(goods, short, expected):
    assert holding.is_stocked(goods, short) == expected
