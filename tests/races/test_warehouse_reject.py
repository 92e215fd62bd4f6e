"""A node gives back what is on its floor, several times at once, while it is picked there and cancelled."""

from __future__ import annotations

from entrepot.kernel import sql
from entrepot.kernel.errors import Refused, WrongState
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing.commands.reject import OrderRejected, RejectOrder
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.commands.reject import reject
from entrepot.warehouse.commands.withdraw import OrderWithdrawn, withdraw
from tests.floor import SYSTEM
from tests.together import all_at_once, at_once
from tests.walk import a_house, placed, released


def on_the_floor(number: int) -> tuple[list[RejectOrder], list]:
    house = a_house()
    for sku in range(2):
        house.stock(sku, 100)
    made = placed(house, number, (0, 2), (1, 1))
    return [RejectOrder(order, house.nodes[0], "too busy") for order in made], released(*made)


def claims() -> tuple[int, int]:
    return sql.run(
        "SELECT sum(allocated)::int, (SELECT sum(committed)::int FROM stock_bucket) FROM stock_position"
    )[0]


def test_what_is_on_the_floor_is_given_back_once_however_many_say_so(committed_db):
    requests, _ = on_the_floor(5)
    answers = all_at_once(reject, SYSTEM, requests, requests[::-1], requests)
    assert sum(answer.units for answer in answers if isinstance(answer, OrderRejected)) == 15
    assert sql.run("SELECT count(*), sum(quantity) FROM sourcing_rejection") == [(10, 15)]
    assert claims() == (0, 0)


def test_what_is_picked_is_not_given_back_and_what_is_given_back_is_not_picked(committed_db):
    requests, work = on_the_floor(20)
    given, taken = at_once(
        [
            lambda: [reject(SYSTEM, requests=[one])[0] for one in requests],
            lambda: [pick(SYSTEM, requests=[PickFulfillment(one)])[0] for one in work[::-1]],
        ]
    )
    for request, back, pick_ in zip(requests, given, taken[::-1], strict=True):
        places = [line.places for line in orders.order(request.order).lines]
        if isinstance(pick_, FulfillmentPicked):
            assert isinstance(back, WrongState)
            assert places == [{"picked": 2}, {"picked": 1}]
        else:
            assert isinstance(pick_, Refused)
            assert (back, places) == (OrderRejected(request.order, 3, 0), [{"open": 2}, {"open": 1}])


def test_what_is_given_back_while_it_is_cancelled_is_freed_once(committed_db):
    requests, _ = on_the_floor(8)
    _, gone = at_once(
        [
            lambda: reject(SYSTEM, requests=requests),
            lambda: withdraw(SYSTEM, requests=[CancelOrder(one.order, "why") for one in requests[::-1]]),
        ]
    )
    assert all(isinstance(one, OrderWithdrawn) for one in gone)
    assert claims() == (0, 0)
    assert sql.run("SELECT count(*) FROM stock_allocation") == [(0,)]
