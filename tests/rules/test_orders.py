"""Status, frozen money and cancellation of orders. Numbers name the invariants of the room's README."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise, product
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entrepot.kernel.errors import WrongState
from entrepot.orders import errors, rules, states
from entrepot.orders.rules import Cancellable, Frozen, Totals

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


# ---- status


@pytest.mark.parametrize(
    ("status", "units"),
    [
        ("ready", Totals(open=2)),
        ("ready", Totals(open=1, backordered=1)),
        ("ready", Totals(allocated=2)),
        ("ready", Totals(backordered=1, allocated=1)),
        ("inventory hold", Totals(backordered=2)),
        ("inventory hold", Totals(backordered=2, cancelled=1)),
        ("with supplier", Totals(with_supplier=2)),
        ("with supplier", Totals(backordered=1, with_supplier=1)),
        ("ready", Totals(allocated=1, with_supplier=1)),
        ("packed", Totals(with_supplier=1, packed=1)),
        ("partly shipped", Totals(with_supplier=1, shipped=1)),
        ("warehouse release", Totals(released=2)),
        ("warehouse release", Totals(backordered=1, released=2)),
        ("picking", Totals(released=1, picked=1)),
        ("picking", Totals(released=1, packed=1)),
        ("picked", Totals(picked=2)),
        ("picked", Totals(picked=1, packed=1)),
        ("packed", Totals(packed=2)),
        ("packed", Totals(packed=2, cancelled=3)),
        ("partly shipped", Totals(packed=1, shipped=1)),
        ("partly shipped", Totals(backordered=1, shipped=1)),
        ("partly shipped", Totals(open=1, delivered=1)),
        ("shipped", Totals(shipped=2)),
        ("shipped", Totals(shipped=1, delivered=1)),
        ("shipped", Totals(shipped=1, cancelled=1)),
        ("delivered", Totals(delivered=2)),
        ("delivered", Totals(delivered=2, cancelled=1)),
        ("cancelled", Totals(cancelled=2)),
    ],
)
def test_status_is_where_the_units_stand(status, units):
    assert rules.derive_status("confirmed", "", units) == status
    assert rules.derive_status("confirmed", "", Totals(), units) == status  # services alone go the same way


@pytest.mark.parametrize("present", list(product([0, 1], repeat=len(Totals._fields))))
def test_every_state_of_affairs_has_exactly_one_known_status(present):
    units = Totals(*present)
    status = rules.derive_status("confirmed", "", units)
    assert status in rules.STATUSES
    assert (status == "cancelled") == (not any(units[:-1]))
    assert (status == "delivered") == (units.delivered > 0 and not any(units[:-2]))
    assert status not in ("closed", "exception")
    left = units.shipped + units.delivered > 0
    assert (status in ("partly shipped", "shipped", "delivered")) == left
    assert (
        rules.derive_status("confirmed", "", Totals(*(3 * n for n in present))) == status
    )  # not how many, but where


@pytest.mark.parametrize("held_by", list(rules.HOLDS))
@pytest.mark.parametrize("units", [Totals(open=1), Totals(allocated=1), Totals(packed=1), Totals(shipped=1)])
def test_a_hold_shows_while_anything_is_left_of_the_order(held_by, units):
    assert rules.derive_status("placed", held_by, units) == held_by
    assert rules.derive_status("placed", held_by, Totals(cancelled=1)) == "cancelled"


@pytest.mark.parametrize("commercial", ["cancelled", "closed"])
def test_what_is_over_stays_over(commercial):
    assert rules.derive_status(commercial, "fraud review", Totals(open=1)) == commercial


def test_goods_decide_before_services_and_services_when_no_goods_are_left():
    assert rules.derive_status("confirmed", "", Totals(shipped=1), Totals(open=1)) == "shipped"
    assert rules.derive_status("confirmed", "", Totals(cancelled=1), Totals(open=1)) == "ready"


def test_of_several_holds_the_first_of_the_table_shows():
    assert rules.first_hold(["tax hold", "payment hold", "exception"]) == "payment hold"
    assert rules.first_hold([]) == ""


@pytest.mark.parametrize(
    ("before", "held_by", "is_cancelled", "after"),
    [
        ("placed", "", False, "confirmed"),
        ("confirmed", "tax hold", False, "placed"),
        ("placed", "tax hold", True, "cancelled"),
        ("cancelled", "", False, "cancelled"),
        ("closed", "", False, "closed"),
    ],
)
def test_commercial_state_follows_holds_and_cancellation(before, held_by, is_cancelled, after):
    assert rules.derive_commercial(before, held_by, is_cancelled=is_cancelled) == after


@pytest.mark.parametrize("machine", [states.COMMERCIAL, states.RETURNS, states.HOLD, states.CREDIT])
def test_every_state_and_event_is_a_transition_or_a_named_refusal(machine):
    for state, event in product(machine.states, machine.events):
        after = machine.step(state, event)
        assert isinstance(after, WrongState) or after in machine.states


@pytest.mark.parametrize(
    ("payment", "tenders"),
    [
        ("unpaid", []),
        ("unpaid", [("voided", 0, 0, 0)]),
        ("authorized", [("failed", 10, 0, 0), ("authorized", 10, 0, 0)]),
        ("failed", [("failed", 10, 0, 0)]),
        ("captured", [("authorized", 10, 0, 0), ("captured", 5, 5, 0)]),
        ("part refunded", [("refunded", 5, 5, 5), ("captured", 5, 5, 0)]),
        ("refunded", [("refunded", 5, 5, 5)]),
    ],
)
def test_payment_is_what_the_tenders_say(payment, tenders):
    assert rules.derive_payment(tenders) == payment
    assert payment in rules.PAYMENTS


# ---- money frozen per line

kinds = st.sampled_from(rules.KINDS)
prices = st.decimals(min_value=0, max_value=1000, places=3)
a_line = st.tuples(kinds, st.integers(1, 40), prices, st.just(0))
some_lines = st.lists(a_line, min_size=1, max_size=12)
amounts = st.integers(0, 50_000)


@given(some_lines, amounts, amounts, amounts)
def test_invariant_3_shares_of_the_lines_sum_to_the_amounts_of_the_order(lines, discount, shipping, tax):
    frozen = rules.freeze(lines, "GBP", discount, shipping, tax)
    assert [one.gross for one in frozen] == [
        int((quantity * price * 100).quantize(Decimal(1), "ROUND_HALF_UP")) for _, quantity, price, _ in lines
    ]
    assert [sum(column) for column in list(zip(*frozen, strict=True))[1:]] == [discount, shipping, tax]


@given(some_lines, amounts)
def test_a_discount_within_what_goods_cost_never_exceeds_a_line(lines, discount):
    gross = [one.gross for one in rules.freeze(lines, "GBP", 0, 0, 0)]
    has_goods = any(line[0] == "goods" for line in lines)
    bearing = [
        amount for amount, line in zip(gross, lines, strict=True) if not has_goods or line[0] == "goods"
    ]
    assume(discount <= sum(bearing))
    assert all(one.discount <= one.gross for one in rules.freeze(lines, "GBP", discount, 0, 0))


def test_goods_bear_the_amounts_of_the_order_and_services_do_not():
    lines = [("goods", 1, Decimal(30), 0), ("shipping", 1, Decimal(5), 0), ("goods", 1, Decimal(10), 0)]
    frozen = rules.freeze(lines, "GBP", 4_00, 1_00, 8_01)
    assert frozen == [Frozen(30_00, 3_00, 75, 6_01), Frozen(5_00, 0, 0, 0), Frozen(10_00, 1_00, 25, 2_00)]


def test_own_discounts_lessen_what_a_line_bears():
    lines = [("goods", 1, Decimal(10), 5_00), ("goods", 1, Decimal(5), 0)]
    assert rules.freeze(lines, "GBP", 0, 0, 1_00) == [Frozen(10_00, 5_00, 0, 50), Frozen(5_00, 0, 0, 50)]


def test_extended_prices_round_half_away_from_zero():
    lines = [
        ("goods", 1, Decimal("0.125"), 0),
        ("manual", 1, Decimal("-0.125"), 0),
        ("goods", 3, Decimal("0.335"), 0),
    ]
    assert [one.gross for one in rules.freeze(lines, "GBP", 0, 0, 0)] == [13, -13, 101]


@st.composite
def a_line_taken_apart(draw):
    """Frozen amounts, and a line's units in parts, in whatever order, from either end: shipped or cancelled."""
    quantity = draw(st.integers(1, 60))
    cuts = draw(st.lists(st.integers(1, quantity), unique=True, max_size=8))
    edges = sorted({0, quantity, *cuts})
    parts = [end - start for start, end in pairwise(edges)]
    frozen = Frozen(*draw(st.tuples(*[st.integers(-10_000, 100_000)] * 4)))
    return (
        quantity,
        frozen,
        draw(st.permutations(parts)),
        draw(st.lists(st.booleans(), min_size=9, max_size=9)),
    )


@given(a_line_taken_apart())
def test_invariant_4_every_permutation_of_partial_quantities_ends_at_the_same_cents(taken_apart):
    quantity, frozen, parts, ends = taken_apart
    gone = cancelled = 0
    taken = []
    for part, ships in zip(parts, ends, strict=False):
        if ships:
            taken.append(frozen.of_units(quantity, gone, part))
            gone += part
        else:
            cancelled += part
            taken.append(frozen.of_units(quantity, quantity - cancelled, part))
    assert gone + cancelled == quantity
    assert Frozen(*(sum(column) for column in zip(*taken, strict=True))) == frozen
    assert sum(one.total for one in taken) == frozen.total


class Asked(NamedTuple):
    kind: str = "goods"
    quantity: int = 1
    unit_price: Decimal = Decimal(1)
    discount_minor: int = 0


@pytest.mark.parametrize(
    ("lines", "policy", "field"),
    [
        ([], "ship_complete", "lines"),
        ([Asked()], "whatever", "policy"),
        ([Asked(kind="gift")], "ship_complete", "kind"),
        ([Asked(), Asked(quantity=0)], "ship_complete", "quantity"),
        ([Asked(unit_price=Decimal(-1))], "ship_complete", "unit_price"),
        ([Asked(discount_minor=-1)], "ship_complete", "discount_minor"),
    ],
)
def test_what_can_not_be_an_order(lines, policy, field):
    assert rules.misfit(lines, policy).field == field


def test_charges_may_be_negative():
    assert rules.misfit([Asked(kind="manual", unit_price=Decimal(-5))], "ship_complete") is None


# ---- cancelling


def test_a_whole_order_is_cancelled_from_wherever_its_units_stand():
    lines = {"a": Cancellable(1, 2, 3, 0), "b": Cancellable(0, 0, 4, 0)}
    assert rules.decide_cancel("o", lines, None) == [
        ("a", "backordered", 2), ("a", "open", 1), ("a", "allocated", 3), ("b", "allocated", 4),
    ]  # fmt: skip


def test_units_that_nobody_promised_are_cancelled_first():
    lines = {"a": Cancellable(1, 1, 3, 0)}
    assert rules.decide_cancel("o", lines, [("a", 3)]) == [
        ("a", "backordered", 1),
        ("a", "open", 1),
        ("a", "allocated", 1),
    ]


def test_a_line_named_twice_gives_no_more_than_it_has():
    lines = {"a": Cancellable(2, 0, 0, 0)}
    assert rules.decide_cancel("o", lines, [("a", 1), ("a", 1)]) == [("a", "open", 1), ("a", "open", 1)]
    assert isinstance(rules.decide_cancel("o", lines, [("a", 1), ("a", 2)]), errors.MoreThanThereIs)


def test_what_is_released_is_too_late():
    lines = {"a": Cancellable(0, 0, 1, 2)}
    assert rules.decide_cancel("o", lines, None) == errors.TooLate(order="o", late=2)
    assert rules.decide_cancel("o", lines, [("a", 2)]) == errors.TooLate(order="o", late=1)
    assert rules.decide_cancel("o", lines, [("a", 1)]) == [("a", "allocated", 1)]
    assert isinstance(rules.decide_cancel("o", lines, [("a", 4)]), errors.MoreThanThereIs)
    assert isinstance(rules.decide_cancel("o", lines, [("z", 1)]), errors.MoreThanThereIs)


def test_services_go_with_the_last_of_the_goods_unless_some_have_left():
    service = Cancellable(1, 0, 0, 0, is_goods=False)
    last = {"a": Cancellable(1, 0, 0, 0), "s": service}
    assert rules.decide_cancel("o", last, [("a", 1)]) == [("a", "open", 1), ("s", "open", 1)]
    shipped = {"a": Cancellable(1, 0, 0, 1), "s": service}
    assert rules.decide_cancel("o", shipped, [("a", 1)]) == [("a", "open", 1)]
    assert rules.decide_cancel("o", {"s": service}, [("s", 1)]) == [("s", "open", 1)]
