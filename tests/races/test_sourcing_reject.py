"""A node rejects an order several times at once, and while it is cancelled."""

from __future__ import annotations

from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing import errors
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.reject import AskAgain, OrderRejected, RejectOrder, ask_again, reject
from tests.floor import SYSTEM, a_floor
from tests.together import all_at_once, at_once


def orders(number: int) -> tuple[list[RejectOrder], int]:
    floor = a_floor()
    floor.stock(quantity=100)
    made = [floor.order((0, 2)).order for _ in range(number)]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in made]))
    return [RejectOrder(order, floor.nodes[0], "too busy") for order in made], 2 * number


def test_an_order_is_given_back_once_however_many_say_so(committed_db):
    requests, units = orders(5)
    answers = all_at_once(reject, SYSTEM, requests, requests[::-1], requests)
    assert sum(answer.units for answer in answers if isinstance(answer, OrderRejected)) == units
    assert sum(isinstance(answer, errors.NothingToReject) for answer in answers) == 10
    assert sql.run("SELECT count(*), sum(quantity) FROM sourcing_rejection") == [(5, units)]
    again = [AskAgain(one.order) for one in requests]
    answers = all_at_once(ask_again, SYSTEM, again, again[::-1])
    assert sum(isinstance(answer, errors.NothingToAskAgain) for answer in answers) == 5


def test_what_is_rejected_while_it_is_cancelled_is_freed_once(committed_db):
    requests, _ = orders(8)
    at_once(
        [
            lambda: reject(SYSTEM, requests=requests),
            lambda: cancel(SYSTEM, requests=[CancelOrder(one.order, "why") for one in requests[::-1]]),
        ]
    )
    assert sql.run("SELECT sum(allocated) FROM stock_position") == [(0,)]
    assert sql.run("SELECT count(*) FROM stock_allocation") == [(0,)]
