"""Whoever waits for stock is asked about again as soon as some of it is free, however that came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ready, sql, worker
from entrepot.kernel.command import whole
from entrepot.network.commands.register import ServeChannel, serve_channels
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import EditOrder
from entrepot.sourcing import queries, tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.give_back import give_back
from entrepot.sourcing.commands.reject import RejectOrder, reject
from entrepot.stock.commands import reserve as stock
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.commands.reserve import GiveBack, GivenBack, Reserve
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.commands.withdraw import withdraw
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor


def sourced(floor: Floor, units: int) -> UUID:
    order = floor.order((0, units)).order
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    return order


def line_of(order: UUID) -> UUID:
    return sql.run("SELECT id FROM orders_line WHERE order_id = %(order)s", {"order": order})[0][0]


def by_cancelling(floor: Floor, order: UUID) -> None:
    whole(cancel(SYSTEM, requests=[CancelOrder(order, "changed her mind")]))


def by_fewer_units(floor: Floor, order: UUID) -> None:
    whole(edit(SYSTEM, requests=[EditOrder(order, "fewer", remove=((line_of(order), 2),))]))


def by_withdrawing(floor: Floor, order: UUID) -> None:
    whole(release(SYSTEM, requests=[ReleaseOrder(order)]))
    whole(withdraw(SYSTEM, requests=[CancelOrder(order, "too late, yet in time")]))


def by_rejecting(floor: Floor, order: UUID) -> None:
    whole(reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[0], "no hands today")]))


def by_finding(floor: Floor, _order: UUID) -> None:
    whole(adjust(SYSTEM, requests=[Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), 2, "found")]))


@pytest.mark.parametrize(
    "freed",
    [by_cancelling, by_fewer_units, by_withdrawing, by_rejecting, by_finding],
    ids=lambda one: one.__name__,
)
def test_what_is_freed_is_offered_to_who_waits(db: None, freed: Callable[[Floor, UUID], None]) -> None:
    floor = a_floor()
    floor.stock(quantity=3)
    served = sourced(floor, 3)
    waits = sourced(floor, 2)
    assert queries.backorders(company=COMPANY)[0].order == waits
    ready.drop("allocate", [served, waits])

    freed(floor, served)

    assert waits in ready.claim("allocate", 9)


def test_a_cart_that_gives_back_serves_who_waits(db: None) -> None:
    floor = a_floor()
    floor.stock(quantity=3)
    hold = Reserve(
        COMPANY, "cart", floor.skus[0], floor.nodes[0], floor.channels["shop"], 3, NOW + timedelta(hours=1)
    )
    whole(stock.reserve(SYSTEM, requests=[hold]))
    waits = sourced(floor, 2)
    ready.drop("allocate", [waits])

    (answer,) = give_back(SYSTEM, requests=[GiveBack("cart", key="once")])

    assert answer == GivenBack(3, (floor.skus[0],))
    assert ready.claim("allocate", 9) == [waits]
    assert give_back(SYSTEM, requests=[GiveBack("cart", key="once")]) == [answer]
    assert ready.claim("allocate", 9) == []


def test_after_midnight_who_waits_beside_free_stock_is_asked_about_again(db: None) -> None:
    """A floor that was lowered frees units without a change of stock."""
    floor = a_floor()
    floor.stock(quantity=3)
    whole(set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[0], 3)]))
    waits = sourced(floor, 2)
    ready.drop("allocate", [waits])
    whole(set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[0], 0)]))

    assert tasks.serve_waiting() == 1
    assert ready.claim("allocate", 9) == [waits]

    whole(allocate(SYSTEM, requests=[AllocateOrder(waits)]))
    assert tasks.serve_waiting() == 0


def by_a_lower_floor(floor: Floor) -> None:
    whole(set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[0], 0)]))


def by_a_lower_fence(floor: Floor) -> None:
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["market"], 0)
    whole(set_ring_fence(SYSTEM, requests=[fence]))


def out_of_quarantine(floor: Floor) -> None:
    change = ChangeStatus(
        COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), 2, "quarantined", "sellable", "clean"
    )
    whole(change_status(SYSTEM, requests=[change]))


def by_a_node_more(floor: Floor) -> None:
    whole(serve_channels(SYSTEM, requests=[ServeChannel(floor.channels["shop"], floor.nodes[1])]))


@pytest.mark.parametrize(
    "freed",
    [by_a_lower_floor, by_a_lower_fence, out_of_quarantine, by_a_node_more],
    ids=lambda one: one.__name__,
)
def test_what_may_be_sold_again_is_offered_to_who_waits(db: None, freed: Callable[[Floor], None]) -> None:
    """Whatever raises what a channel may sell, the next round of the worker serves who waits."""
    floor = a_floor()
    sku, node = floor.skus[0], floor.nodes[0]
    if freed is by_a_node_more:
        sql.run("DELETE FROM network_channelnode WHERE node_id = %(node)s", {"node": floor.nodes[1]})
        floor.stock(quantity=2, node=1)
    else:
        floor.stock(quantity=2)
    if freed is by_a_lower_floor:
        whole(set_safety(SYSTEM, requests=[SetSafety(COMPANY, sku, node, 2)]))
    if freed is by_a_lower_fence:
        fence = SetRingFence(COMPANY, sku, node, floor.channels["market"], 2)
        whole(set_ring_fence(SYSTEM, requests=[fence]))
    if freed is out_of_quarantine:
        change = ChangeStatus(COMPANY, sku, node, floor.bin(), 2, "sellable", "quarantined", "wet")
        whole(change_status(SYSTEM, requests=[change]))
    waits = sourced(floor, 2)
    a_round_of_the_worker()
    assert queries.backorders(company=COMPANY)[0].order == waits

    freed(floor)
    a_round_of_the_worker()

    assert queries.backorders(company=COMPANY) == []
    assert sql.run("SELECT order_id, sum(quantity)::int FROM stock_allocation GROUP BY 1") == [(waits, 2)]
    assert not ready.waiting().get("serve")


def a_round_of_the_worker() -> None:
    worker.serve_once(worker.queues())
    worker.sweep_once(worker.sweeps())
    worker.serve_once(worker.queues())
    worker.serve_once(worker.queues())
