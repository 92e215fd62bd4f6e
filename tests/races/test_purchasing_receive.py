"""Two docks count the same delivery: it comes in once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from entrepot.insight import verify
from entrepot.kernel.cause import Actor, Cause
from entrepot.purchasing import queries
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from entrepot.purchasing.commands.receive import GoodsReceived, ReceiveOrder, receive
from entrepot.purchasing.errors import Duplicate
from tests.retailer import BUYER, NOW, a_retailer
from tests.together import at_once

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
