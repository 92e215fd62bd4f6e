"""Two docks count the same delivery: it comes in once. Two buyers answer the same claim: it is answered once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.insight import verify
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import WrongState
from entrepot.purchasing import dock, queries
from entrepot.purchasing.commands.change import ChangeOrder, change
from entrepot.purchasing.commands.close_claims import ClaimClosed, CloseClaim, close_claims
from entrepot.purchasing.commands.confirm import ConfirmOrder, OrderConfirmed, confirm
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from entrepot.purchasing.commands.receive import GoodsReceived, ReceiveOrder, receive
from entrepot.purchasing.errors import Duplicate
from tests.retailer import BUYER, CLERK, NOW, a_retailer
from tests.together import all_at_once, at_once

pytestmark = pytest.mark.usefixtures("committed_db")


def test_two_docks_count_the_same_deliveries():
    house = a_retailer(skus=20)
    lines = tuple((sku, 7, Decimal("0.335")) for sku in house.skus)
    ordered = order(
        BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", lines) for _ in range(10)]
    )
    wanted = [ReceiveOrder(one.order) for one in ordered]

    def count(i: int) -> list:
        dock = Cause(Actor(f"dock {i}", everything=True), NOW)
        return receive(dock, requests=wanted if i % 2 else wanted[::-1])

    answers = [answer for answers in at_once([lambda i=i: count(i) for i in range(8)]) for answer in answers]

    assert sum(isinstance(answer, GoodsReceived) for answer in answers) == 10
    assert all(queries.order(one.order).received == 140 for one in ordered)
    assert verify.discrepancies() == []


def test_one_reference_is_ordered_once_however_many_ask():
    house = a_retailer(skus=1)
    lines = ((house.skus[0], 1, Decimal(1)),)
    asked = OrderGoods(house.company, house.supplier, house.node, "W1", lines)

    answers = [answer for (answer,) in at_once([lambda: order(BUYER, requests=[asked])] * 8)]

    (made,) = [answer for answer in answers if isinstance(answer, GoodsOrdered)]
    assert answers.count(Duplicate(external_ref="W1", number=made.number)) == 7


def test_two_who_hear_of_the_same_credit_notes_book_each_once():
    house = a_retailer(skus=1)
    lines = ((house.skus[0], 20, Decimal("2.50")),)
    (made,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", lines)])
    (line,) = queries.lines(made.order)
    receive(CLERK, requests=[ReceiveOrder(made.order, ((line.id, 1, "", None, "damaged", "wet"),) * 10)])
    claims = [one.id for one in dock.claims(house.company)]
    batches = [
        [CloseClaim(one, "credit", f"note {i}") for one in claims[:: 1 - 2 * (i % 2)]] for i in range(4)
    ]

    answers = all_at_once(close_claims, BUYER, *batches)

    closed = [one.claim for one in answers if isinstance(one, ClaimClosed)]
    assert sorted(closed) == sorted(claims)
    assert len(claims) == 10
    assert sum(isinstance(one, WrongState) for one in answers) == 30
    assert dock.claims(house.company) == []
    assert verify.discrepancies() == []


def test_who_changes_an_order_and_who_receives_it_never_is_the_same():
    house = a_retailer(skus=1)
    lines = ((house.skus[0], 9, Decimal(1)),)
    asked = OrderGoods(house.company, house.supplier, house.node, "", lines)
    orders = [one.order for one in order(BUYER, requests=[asked] * 6)]
    line_of = {which: queries.lines(which)[0].id for which in orders}
    cal = Cause(Actor("cal", everything=True), NOW)

    def changed(which: UUID) -> list:
        return change(cal, requests=[ChangeOrder(which, ((line_of[which], 12),))])

    def received(which: UUID) -> list:
        return receive(cal, requests=[ReceiveOrder(which, ((line_of[which], 2),))])

    answers = at_once([lambda do=do, one=one: do(one) for one in orders for do in (changed, received)])

    for first, second in zip(answers[::2], answers[1::2], strict=True):
        assert sum(isinstance(one, DutiesApart) for one in (*first, *second)) == 1, (first, second)
    assert verify.discrepancies() == []


def test_one_schedule_stands_however_many_confirm_and_receive_at_once():
    house = a_retailer(skus=1)
    lines = ((house.skus[0], 20, Decimal("2.50")),)
    (made,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", lines)])
    (line,) = queries.lines(made.order)
    day = line.wanted_on

    def said(i: int) -> list:
        parts = ((line.id, 12, day), (line.id, 8, day + timedelta(days=1 + i)))
        return confirm(BUYER, requests=[ConfirmOrder(made.order, parts, str(i))])

    def came() -> list:
        return receive(CLERK, requests=[ReceiveOrder(made.order, ((line.id, 5),))])

    jobs = [*(lambda i=i: said(i) for i in range(6)), came, came]
    answers = [answer for answers in at_once(jobs) for answer in answers]

    assert sum(isinstance(answer, OrderConfirmed) for answer in answers) == 6
    assert [part.to_come for part in queries.schedules(made.order)[line.id]] == [2, 8]
    assert verify.discrepancies() == []
