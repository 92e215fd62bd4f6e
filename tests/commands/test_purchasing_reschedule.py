"""purchasing.reschedule"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import ready, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.purchasing import queries
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.purchasing.commands.reschedule import OrderRescheduled, RescheduleOrder, reschedule
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

LATER = NOW.date() + timedelta(days=30)


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=3)


def ordered(house: Retailer):
    lines = tuple((sku, 10, Decimal(1)) for sku in house.skus[:2])
    (answer,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", lines)])
    return answer.order


def expected(house: Retailer) -> dict:
    found = dict(sql.run("SELECT sku_id, expected_on FROM stock_supply"))
    return {house.skus.index(sku): on for sku, on in found.items()}


def test_what_is_still_to_come_is_expected_on_its_new_day(house):
    goods = ordered(house)
    before = expected(house)
    ready.claim("peg", 9)

    answer = reschedule(BUYER, requests=[RescheduleOrder(goods, LATER, (house.skus[0],))])

    assert answer == [OrderRescheduled(goods, 1)]
    assert expected(house) == {0: LATER, 1: before[1]}
    assert ready.claim("peg", 9) == [house.skus[0]]


def test_the_rest_of_a_delivery_keeps_its_day(house):
    goods = ordered(house)
    reschedule(BUYER, requests=[RescheduleOrder(goods, LATER)])
    first = queries.lines(goods)[0]

    receive(CLERK, requests=[ReceiveOrder(goods, ((first.id, 4),))])

    assert expected(house) == {0: LATER, 1: LATER}


def test_refusals_change_nothing(house):
    goods = ordered(house)
    cancel(BUYER, requests=[CancelOrder(goods, "never came")])

    nobody, over = reschedule(
        BUYER, requests=[RescheduleOrder(uuid7(), LATER), RescheduleOrder(goods, LATER)]
    )
    other = ordered(house)
    before = expected(house)
    (unknown,) = reschedule(BUYER, requests=[RescheduleOrder(other, LATER, (house.skus[0], house.skus[2]))])
    assert isinstance(unknown, Invalid) and unknown.facts["found"] == str(house.skus[2])
    assert expected(house) == before
    cancel(BUYER, requests=[CancelOrder(other, "never came")])

    assert isinstance(nobody, NotFound)
    assert isinstance(over, WrongState)
    assert expected(house) == {}


def test_the_same_key_moves_once(house):
    request = RescheduleOrder(ordered(house), LATER, key="r1")
    assert reschedule(BUYER, requests=[request]) == reschedule(BUYER, requests=[request])
    assert sql.run("SELECT count(*) FROM kernel_event WHERE command = 'purchasing.reschedule'") == [(1,)]


@pytest.mark.counts("purchasing.reschedule")
def test_statements_do_not_grow_with_the_batch(house, statements):
    counts = []
    for size in SIZES:
        requests = [RescheduleOrder(ordered(house), LATER) for _ in range(size)]
        with statements() as ran:
            reschedule(BUYER, requests=requests)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    # orders, lines, schedules given up, schedules, expected supply, events, offers
    assert counts == [7, 7, 7]
