"""Substitutes in races: SKUs that stand for each other are locked in one order, and none is sent twice."""

from __future__ import annotations

from entrepot.kernel import policies, sql
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing import rules
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.substitutes import Set, Substitutes
from tests import walk
from tests.floor import COMPANY, SYSTEM, Floor
from tests.together import all_at_once, at_once


def a_house_of_likes() -> Floor:
    """Three SKUs that stand for each other."""
    house = walk.a_house()
    codes = tuple(house.codes)
    for kind, body in (
        ("sourcing.substitutes", Substitutes((Set(codes, codes, "ordered"),))),
        ("sourcing.profile", rules.Profile(substitutes="unless refused")),
    ):
        policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, kind, body, SYSTEM.at)])
    return house


def test_what_stands_for_each_other_is_promised_exactly_as_often_as_it_is_there(committed_db: None) -> None:
    house = a_house_of_likes()
    for sku in range(3):
        house.stock(sku, 7)
    batches = [walk.placed(house, 3, (sku % 3, 1)) for sku in range(12)]

    answers = all_at_once(allocate, SYSTEM, *([AllocateOrder(order) for order in batch] for batch in batches))

    assert all(isinstance(answer, OrderAllocated) for answer in answers)
    assert sum(answer.allocated for answer in answers) == 21
    assert sum(answer.backordered for answer in answers) == 36 - 21
    assert sql.run("SELECT sellable - allocated FROM stock_position") == [(0,)] * 3


def test_an_order_is_exchanged_once_or_cancelled(committed_db: None) -> None:
    house = a_house_of_likes()
    house.stock(1, 50)
    orders = walk.placed(house, 12, (0, 1))

    at_once(
        [
            job
            for order in orders
            for job in (
                lambda order=order: allocate(SYSTEM, requests=[AllocateOrder(order)]),
                lambda order=order: allocate(SYSTEM, requests=[AllocateOrder(order)]),
                lambda order=order: cancel(SYSTEM, requests=[CancelOrder(order, "changed my mind")]),
            )
        ]
    )

    assert sql.run("SELECT count(*) FROM orders_line GROUP BY order_id HAVING count(*) > 2") == []
    assert sql.run("SELECT sum(cancelled) = sum(quantity), sum(allocated) FROM orders_line") == [(True, 0)]
    assert sql.run("SELECT sum(allocated)::int FROM stock_position") == [(0,)]
