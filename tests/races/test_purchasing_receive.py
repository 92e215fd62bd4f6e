"""Two docks count the same delivery: it comes in once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connections

from entrepot.insight import verify
from entrepot.kernel.cause import Actor, Cause
from entrepot.purchasing import queries
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from entrepot.purchasing.commands.receive import GoodsReceived, ReceiveOrder, receive
from entrepot.purchasing.errors import Duplicate
from tests.retailer import BUYER, NOW, a_retailer

pytestmark = pytest.mark.usefixtures("committed_db")


def at_once(count: int, work) -> list:
    """What `work(i)` answers in each of several threads started together."""
    start = Barrier(count)

    def one(i: int):
        start.wait()
        try:
            return work(i)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


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

    answers = [answer for answers in at_once(8, count) for answer in answers]

    assert sum(isinstance(answer, GoodsReceived) for answer in answers) == 10
    assert all(queries.order(one.order).received == 140 for one in ordered)
    assert verify.discrepancies() == []


def test_one_reference_is_ordered_once_however_many_ask():
    house = a_retailer(skus=1)
    lines = ((house.skus[0], 1, Decimal(1)),)
    asked = OrderGoods(house.company, house.supplier, house.node, "W1", lines)

    answers = [answer for (answer,) in at_once(8, lambda _: order(BUYER, requests=[asked]))]

    (made,) = [answer for answer in answers if isinstance(answer, GoodsOrdered)]
    assert answers.count(Duplicate(external_ref="W1", number=made.number)) == 7
