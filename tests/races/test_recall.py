"""Calling back the rest of a kit while it is shipped and cancelled: each unit goes one way, and is taken back once."""

from __future__ import annotations

from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.warehouse import queries
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.recall import KitsRecalled, RecallKits, recall
from entrepot.warehouse.commands.withdraw import OrderWithdrawn, withdraw
from tests import walk
from tests.floor import SYSTEM
from tests.together import at_once


def test_the_rest_of_a_kit_is_called_back_once_however_many_ask_and_whoever_cancels(
    committed_db: None,
) -> None:
    house = walk.a_house()
    kit = house.kit("KIT", (0, 2), (1, 1))
    house.stock(0, 4)
    house.stock(1, 2)
    (order,) = walk.placed(house, 1, (kit, 2))
    (work,) = walk.released(order)
    pens = next(task for task in queries.tasks([work]) if task.sku_code == house.codes[1])
    whole(pick(SYSTEM, requests=[PickFulfillment(work, ((pens.id, 1),))]))
    walk.allocated(order)

    def called_back() -> object:
        return recall(SYSTEM, requests=[RecallKits(order)])[0]

    def cancelled() -> object:
        return withdraw(SYSTEM, requests=[CancelOrder(order, "no", (wanted(order),))])[0]

    answers = at_once([called_back, called_back, cancelled, called_back])

    back = [one.units for one in answers if isinstance(one, KitsRecalled)]
    assert sorted(back)[:2] == [0, 0]
    assert max(back) in (0, 2)
    assert any(isinstance(one, OrderWithdrawn) for one in answers)
    places = "open + backordered + allocated + picked + cancelled"
    statement = f"SELECT sum({places})::int, sum(quantity)::int FROM orders_line"
    assert sql.run(statement) == [(6, 6)]
    assert sql.run(
        "SELECT sum(sellable - allocated)::int FROM stock_position WHERE sku_id = %(s)s", {"s": house.skus[0]}
    ) == [(2,)]


def wanted(order: UUID) -> tuple[UUID, int]:
    """A kit's worth of mugs."""
    return orders.order(order).lines[0].id, 2
