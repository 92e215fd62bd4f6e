"""purchasing.change"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.access.errors import DutiesApart
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.purchasing import queries
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.change import ChangeOrder, OrderChanged, change
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.confirm import ConfirmOrder, confirm
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.purchasing.rules import ChangedLine, Line, OrderedLine, ask_otherwise, misfit_change
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
DUE = NOW.date() + timedelta(days=7)


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=4)


def ordered(house: Retailer, count: int = 1) -> list[UUID]:
    lines = tuple((sku, 10, Decimal("1.25")) for sku in house.skus[:2])
    asked = [OrderGoods(house.company, house.supplier, house.node, "", lines)] * count
    return [one.order for one in order(BUYER, requests=asked)]  # type: ignore[union-attr]


def told(which: UUID) -> list[tuple[int, int, int, int | None]]:
    """Number, units, what came and what was asked for at first, of each line."""
    return [(one.number, one.quantity, one.received, one.first_quantity) for one in queries.lines(which)]


def expected(house: Retailer) -> dict[int, tuple[int, object]]:
    rows = sql.run("SELECT sku_id, quantity, expected_on FROM stock_supply ORDER BY sku_id")
    return {house.skus.index(sku): (units, on) for sku, units, on in rows}


def test_units_change_and_lines_are_added_and_what_is_expected_follows(house: Retailer) -> None:
    (which,) = ordered(house)
    first, _ = queries.lines(which)
    wanted = ChangeOrder(
        which, ((first.id, 25),), ((house.skus[2], 4, Decimal("2.5")),), "more mugs", DUE + timedelta(days=3)
    )

    assert change(BUYER, requests=[wanted]) == [OrderChanged(which, 1, 1, "open")]

    assert told(which) == [(1, 25, 0, 10), (2, 10, 0, None), (3, 4, 0, 0)]
    assert expected(house) == {0: (25, DUE), 1: (10, DUE), 2: (4, DUE + timedelta(days=3))}
    (event,) = sql.run("SELECT payload, reason FROM kernel_event WHERE command = 'purchasing.change'")
    assert event == ({"changed": {"1": 25}, "added": {"3": 4}}, "more mugs")
    receive(CLERK, requests=[ReceiveOrder(which)])
    assert queries.order(which).state == "received"


def test_what_came_stays_and_an_order_of_which_nothing_is_left_is_received(house: Retailer) -> None:
    (which,) = ordered(house)
    first, second = queries.lines(which)
    receive(CLERK, requests=[ReceiveOrder(which, ((first.id, 6), (second.id, 10)))])

    less, down = change(
        BUYER, requests=[ChangeOrder(which, ((first.id, 5),)), ChangeOrder(which, ((first.id, 6),))]
    )

    assert isinstance(less, Invalid) and less.facts["expected"].startswith("6 or more")
    assert down == OrderChanged(which, 1, 0, "received")
    assert (queries.order(which).state, expected(house)) == ("received", {})


def test_a_line_that_was_given_up_comes_again(house: Retailer) -> None:
    (which,) = ordered(house)
    first, second = queries.lines(which)
    receive(CLERK, requests=[ReceiveOrder(which, ((second.id, 1),))])
    close_rest(BUYER, requests=[CloseRest(which, "out of stock", (first.id,))])
    assert 0 not in expected(house)

    assert change(BUYER, requests=[ChangeOrder(which, ((first.id, 10),))]) == [
        OrderChanged(which, 1, 0, "part_received")
    ]
    assert expected(house)[0] == (10, DUE)


def test_what_the_supplier_confirmed_of_a_changed_line_counts_no_more(house: Retailer) -> None:
    (which,) = ordered(house)
    first, second = queries.lines(which)
    later = DUE + timedelta(days=9)
    confirm(BUYER, requests=[ConfirmOrder(which, ((first.id, 4, later), (second.id, 10, DUE)))])

    change(BUYER, requests=[ChangeOrder(which, ((first.id, 12), (second.id, 10)))])

    assert [one.confirmed for one in queries.lines(which)] == [None, 10], "the second asks for what it did"
    assert expected(house) == {0: (12, later), 1: (10, DUE)}, "the day that was said last stands"


def test_the_cost_and_the_day_of_a_line_change_and_its_units_stay(house: Retailer) -> None:
    (which,) = ordered(house)
    first, second = queries.lines(which)
    later = DUE + timedelta(days=9)
    confirm(BUYER, requests=[ConfirmOrder(which, ((first.id, 10, DUE), (second.id, 10, DUE)))])

    dearer = ChangedLine(first.id, unit_cost=Decimal("1.50"), wanted_on=later)
    as_it_is = ChangedLine(second.id, unit_cost=Decimal("1.25"), wanted_on=second.wanted_on)
    assert change(BUYER, requests=[ChangeOrder(which, (dearer, as_it_is))]) == [
        OrderChanged(which, 1, 0, "open")
    ]

    assert told(which) == [(1, 10, 0, None), (2, 10, 0, None)]
    now, other = queries.lines(which)
    assert (now.unit_cost, now.wanted_on, now.confirmed, other.confirmed) == (
        Decimal("1.50"),
        later,
        None,
        10,
    )
    assert expected(house) == {0: (10, later), 1: (10, DUE)}
    (came,) = receive(CLERK, requests=[ReceiveOrder(which, ((first.id, 10),))])
    assert came.value_minor == 1500  # type: ignore[union-attr]


def test_the_cost_of_what_came_stays_and_another_day_asks_for_nothing_that_was_given_up(
    house: Retailer,
) -> None:
    (which,) = ordered(house)
    first, second = queries.lines(which)
    receive(CLERK, requests=[ReceiveOrder(which, ((first.id, 4),))])
    close_rest(BUYER, requests=[CloseRest(which, "out of stock", (first.id,))])
    dear, nothing, none, later = change(
        BUYER,
        requests=[
            ChangeOrder(which, (ChangedLine(first.id, unit_cost=Decimal(9)),)),
            ChangeOrder(which, (ChangedLine(first.id),)),
            ChangeOrder(which, (ChangedLine(second.id, unit_cost=Decimal(-1)),)),
            ChangeOrder(which, (ChangedLine(first.id, wanted_on=DUE + timedelta(days=1)),)),
        ],
    )
    assert [type(one) for one in (dear, nothing, none)] == [Invalid] * 3
    assert later == OrderChanged(which, 1, 0, "part_received")
    assert (queries.lines(which)[0].short, queries.lines(which)[0].to_come) == (6, 0)
    assert expected(house) == {1: (10, DUE)}


def test_whoever_changes_does_not_receive_and_the_other_way_round(house: Retailer) -> None:
    (which,) = ordered(house)
    first, _ = queries.lines(which)
    other = Cause(Actor("cal", everything=True), NOW)
    change(other, requests=[ChangeOrder(which, ((first.id, 11),))])
    (refused,) = receive(other, requests=[ReceiveOrder(which, ((first.id, 1),))])
    assert isinstance(refused, DutiesApart)
    receive(CLERK, requests=[ReceiveOrder(which, ((first.id, 1),))])
    (refused,) = change(CLERK, requests=[ChangeOrder(which, ((first.id, 12),))])
    assert isinstance(refused, DutiesApart)
    assert told(which)[0] == (1, 11, 1, 10)


def test_refusals_change_nothing(house: Retailer) -> None:
    which, gone = ordered(house, 2)
    cancel(BUYER, requests=[CancelOrder(gone, "never mind")])
    (kit,) = register_skus(BUYER, requests=[RegisterSku(house.company, "KIT", "Kit")])
    code = sql.run("SELECT code FROM catalog_sku WHERE id = %(id)s", {"id": house.skus[0]})[0][0]
    register_kits(BUYER, requests=[RegisterKit(house.company, "KIT", (Component(code, 2),))])
    line = queries.lines(which)[0].id
    before = told(which)
    cases = [
        (ChangeOrder(uuid7(), ((line, 1),)), NotFound), (ChangeOrder(gone, ((line, 1),)), WrongState),
        (ChangeOrder(which), Invalid), (ChangeOrder(which, ((uuid7(), 1),)), NotFound),
        (ChangeOrder(which, ((line, 1), (line, 2))), Invalid), (ChangeOrder(which, ((line, 0),)), Invalid),
        (ChangeOrder(which, (), ((uuid7(), 1, Decimal(1)),)), NotFound),
        (ChangeOrder(which, (), ((house.skus[2], 0, Decimal(1)),)), Invalid),
        (ChangeOrder(which, (), ((kit.id, 1, Decimal(1)),)), Invalid),  # type: ignore[union-attr]
    ]  # fmt: skip
    answers = change(BUYER, requests=[one for one, _ in cases])
    assert [type(answer) for answer in answers] == [refusal for _, refusal in cases]
    (refused,) = change(Cause(Actor("auditor"), NOW), requests=[ChangeOrder(which, ((line, 3),))])
    assert isinstance(refused, NotPermitted)
    assert told(which) == before


def test_a_key_gets_its_answer_again(house: Retailer) -> None:
    (which,) = ordered(house)
    wanted = ChangeOrder(which, (), ((house.skus[2], 4, Decimal(2)),), key="k")
    assert change(BUYER, requests=[wanted]) == change(BUYER, requests=[wanted])
    assert len(queries.lines(which)) == 3
    (reused,) = change(BUYER, requests=[replace(wanted, reason="other")])
    assert isinstance(reused, RequestReused)


def test_the_same_order_may_be_changed_twice_in_a_batch(house: Retailer) -> None:
    (which,) = ordered(house)
    first, _ = queries.lines(which)
    more = ((house.skus[2], 4, Decimal(2)),)
    change(
        BUYER,
        requests=[ChangeOrder(which, ((first.id, 12),), more), ChangeOrder(which, ((first.id, 14),), more)],
    )
    assert told(which) == [(1, 14, 0, 10), (2, 10, 0, None), (3, 4, 0, 0), (4, 4, 0, 0)]


@pytest.mark.counts("purchasing.change")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, house: Retailer, count: int) -> None:
    asked = [
        ChangeOrder(which, ((queries.lines(which)[0].id, 12),), ((house.skus[2], 4, Decimal(2)),))
        for which in ordered(house, count)
    ]
    with statements() as ran:
        change(BUYER, requests=asked)
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 14, ran


# ---- the rule


LINES = st.builds(
    Line, st.just(UUID(int=1)), st.just(1), st.just(UUID(int=7)), st.integers(1, 9), st.integers(0, 9),
    st.just(Decimal(1)), over=st.integers(0, 3), short=st.integers(0, 3), confirmed=st.none() | st.integers(0, 9),
)  # fmt: skip


@given(LINES, st.integers(-2, 12))
def test_a_change_never_asks_for_less_than_came(line: Line, quantity: int) -> None:
    refusal = misfit_change([ChangedLine(line.id, quantity)], [], {line.id: line}, {})
    assert (refusal is None) == (quantity >= max(1, line.received))
    if refusal is None:
        ask_otherwise(line, ChangedLine(line.id, quantity))
        assert line.to_come == line.expected == quantity - line.received


def test_a_change_that_changes_nothing_is_none() -> None:
    assert isinstance(misfit_change([], [], {}, {}), Invalid)
    assert isinstance(misfit_change([], [OrderedLine(UUID(int=1), 1, Decimal(1))], {}, {}), NotFound)
