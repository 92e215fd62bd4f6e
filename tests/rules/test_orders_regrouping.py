"""Which units may go to another order and what they bear; which orders may become one"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid, NotFound
from entrepot.orders import errors, regrouping
from entrepot.orders.regrouping import Alike, Beside, Divisible, Mergeable, decide_split
from entrepot.orders.rules import Frozen

amounts = st.integers(0, 10**6)


@st.composite
def divisible(draw) -> Divisible:
    opened, backordered, allocated, beyond, cancelled = (draw(st.integers(0, 6)) for _ in range(5))
    quantity = opened + backordered + allocated + beyond + cancelled
    frozen = Frozen(*(draw(amounts) for _ in range(4)))
    return Divisible("goods", quantity, cancelled, opened, backordered, allocated, frozen)


def borne(frozen: Frozen, quantity: int) -> list[Frozen]:
    return [frozen.of_units(quantity, unit, 1) for unit in range(quantity)]


@given(divisible(), st.data())
def test_every_unit_bears_what_it_bore_before_wherever_it_goes(line, data):
    """orders 3, 4, 15"""
    units = data.draw(st.integers(0, line.movable))
    goes = regrouping.cut(line, units)
    stays = regrouping.less(line.frozen, goes)

    before = borne(line.frozen, line.quantity)
    end = line.quantity - line.cancelled
    assert borne(goes, units) == before[end - units : end]
    assert borne(stays, line.quantity - units) == before[: end - units] + before[end:]


@given(divisible(), st.data())
def test_units_nobody_has_promised_go_first_and_none_that_the_warehouse_has(line, data):
    units = data.draw(st.integers(1, 40))
    found = decide_split(
        "SO-1", {1: line, 2: Divisible("goods", 1, 0, 1, 0, 0, Frozen(1, 0, 0, 0))}, [(1, units)]
    )
    if units > line.movable:
        assert found == errors.NotToSplit(order="SO-1", expected=units, found=line.movable)
        return
    (part,) = found
    assert sum(part.places.values()) == units
    assert part.places.get("backordered", 0) == min(units, line.backordered)
    assert part.places.get("allocated", 0) == max(0, units - line.backordered - line.open)


def test_what_can_not_be_split():
    line = Divisible("goods", 3, 1, 1, 0, 1, Frozen(300, 0, 0, 0))
    fee = Divisible("shipping", 1, 0, 1, 0, 0, Frozen(5, 0, 0, 0))
    lines = {1: line, 2: fee}
    assert decide_split("SO-1", lines, [(1, 2)]) == errors.NothingStays(order="SO-1")
    assert isinstance(decide_split("SO-1", lines, []), Invalid)
    assert isinstance(decide_split("SO-1", lines, [(3, 1)]), NotFound)
    assert isinstance(decide_split("SO-1", lines, [(2, 1)]), Invalid)
    assert isinstance(decide_split("SO-1", lines, [(1, 0)]), Invalid)
    assert isinstance(
        decide_split("SO-1", {**lines, 3: line._replace(part_of="kit HH-TEA")}, [(3, 1)]), Invalid
    )
    assert isinstance(decide_split("SO-1", lines, [(1, 1), (1, 1)]), Invalid)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5), st.integers(0, 500), st.data())
def test_promotions_stay_parts_of_their_discount_on_both_sides(given_for, more, data):
    """orders 10"""
    discount = sum(given_for) + more
    goes = data.draw(st.integers(0, discount))
    shares = regrouping.share_promotions(given_for, discount, goes)
    assert all(0 <= share <= whole for share, whole in zip(shares, given_for, strict=True))
    assert sum(shares) <= goes
    assert sum(given_for) - sum(shares) <= discount - goes


@given(*[st.integers(0, 1000)] * 4)
def test_the_old_order_keeps_what_it_still_has_to_take(borne_by, stays, taken, capturable):
    found = regrouping.money_that_goes(borne_by, stays, taken, capturable)
    if taken > stays:
        assert found is None
        return
    assert 0 <= found <= min(borne_by, capturable)
    kept = taken + capturable - found
    assert kept >= min(stays, taken + capturable)
    assert found == borne_by or kept <= max(stays, taken)


LIKE = Alike(1, "c", "u", "GBP", "GB", "N1", "", "", "sale", "ship_complete", "")


@pytest.mark.parametrize("name", Alike._fields)
def test_orders_that_differ_in_anything_that_matters_are_not_alike(name):
    other = LIKE._replace(**{name: "another"})
    assert regrouping.difference(LIKE, other) == name.replace("_", " ")
    assert regrouping.difference(LIKE, LIKE) == ""
    one, into = (Beside(False, Mergeable(True, 0, 0), alike) for alike in (other, LIKE))
    assert regrouping.why_apart(one, into) == regrouping.APART[name]
    assert regrouping.why_apart(into, into) == ""


def test_what_holds_an_order_or_has_come_too_far_is_said_before_what_differs():
    into = Beside(False, Mergeable(True, 0, 0), LIKE)
    other = LIKE._replace(service="fast")
    assert regrouping.why_apart(Beside(True, Mergeable(True, 2, 0), other), into) == "something holds it"
    late = "2 of its units are with the warehouse or gone"
    assert regrouping.why_apart(Beside(False, Mergeable(True, 2, 0), other), into) == late
    assert regrouping.why_not_now(into) == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Mergeable(True, 0, 0), ""),
        (Mergeable(False, 0, 0), "nobody knows whose it is"),
        (Mergeable(True, 1, 0), "1 of its units is with the warehouse or gone"),
        (Mergeable(True, 2, 0), "2 of its units are with the warehouse or gone"),
        (Mergeable(True, 0, 1), "its payment was captured"),
    ],
)
def test_which_orders_may_become_part_of_another(found, why):
    assert regrouping.why_no_merge(found) == why
