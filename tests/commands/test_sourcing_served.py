"""Whoever waits for stock is asked about again as soon as some of it is free, however that came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, ready, sql, worker
from entrepot.kernel.command import whole
from entrepot.network.commands import register as network
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import EditOrder
from entrepot.sourcing import queries, tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.expire_reservations import ExpireReservations, expire_reservations
from entrepot.sourcing.commands.reject import RejectOrder, reject
from entrepot.stock.commands import count, transfer
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.commands.reserve import GiveBack, GivenBack, Reserve, give_back, reserve
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.commands.withdraw import withdraw
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, a_floor


class House:
    """A floor with three units of a SKU that somebody has; its channel is shown nothing below fifty."""

    def __init__(self) -> None:
        self.floor = a_floor()
        self.sku, self.node = self.floor.skus[0], self.floor.nodes[0]
        self.shop = self.floor.channels["shop"]
        self.shown(50)

    def shown(self, threshold: int) -> None:
        shop = network.RegisterChannel(COMPANY, "shop", "Shop", "GBP", threshold=threshold)
        whole(network.register_channels(SYSTEM, requests=[shop]))

    def sourced(self, units: int, **facts: object) -> UUID:
        order = self.floor.order((0, units), **facts).order
        whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
        return order

    def some(self) -> UUID:
        """Three units, promised to the order that is returned."""
        self.floor.stock(quantity=3)
        return self.sourced(3)

    def quarantined(self, before: str = "sellable", after: str = "quarantined") -> None:
        change = ChangeStatus(COMPANY, self.sku, self.node, self.floor.bin(), 3, before, after, "wet")
        whole(change_status(SYSTEM, requests=[change]))

    def safe(self, units: int) -> None:
        whole(set_safety(SYSTEM, requests=[SetSafety(COMPANY, self.sku, self.node, units)]))

    def fenced(self, units: int) -> None:
        fence = SetRingFence(COMPANY, self.sku, self.node, self.floor.channels["market"], units)
        whole(set_ring_fence(SYSTEM, requests=[fence]))

    def held(self) -> None:
        """In a cart, of which the channel has to be shown what it holds."""
        self.shown(0)
        hold = Reserve(COMPANY, "cart", self.sku, self.node, self.shop, 3, NOW + timedelta(hours=1))
        whole(reserve(SYSTEM, requests=[hold]))
        self.shown(50)


def line_of(order: UUID) -> UUID:
    return sql.run("SELECT id FROM orders_line WHERE order_id = %(order)s", {"order": order})[0][0]


Freeing = Callable[[], object]
"""Each way below takes three units from everybody, and answers how they become free again."""


def cancelling(house: House) -> Freeing:
    order = house.some()
    return lambda: whole(cancel(SYSTEM, requests=[CancelOrder(order, "changed her mind")]))


def fewer_units(house: House) -> Freeing:
    order = house.some()
    return lambda: whole(edit(SYSTEM, requests=[EditOrder(order, "fewer", remove=((line_of(order), 2),))]))


def withdrawing(house: House) -> Freeing:
    order = house.some()
    whole(release(SYSTEM, requests=[ReleaseOrder(order)]))
    return lambda: whole(withdraw(SYSTEM, requests=[CancelOrder(order, "too late, yet in time")]))


def rejecting(house: House) -> Freeing:
    order = house.some()
    return lambda: whole(reject(SYSTEM, requests=[RejectOrder(order, house.node, "no hands today")]))


def receiving(house: House) -> Freeing:
    return lambda: house.floor.stock(quantity=3)


def finding(house: House) -> Freeing:
    house.some()
    found = Adjust(COMPANY, house.sku, house.node, house.floor.bin(), 2, "found")
    return lambda: whole(adjust(SYSTEM, requests=[found]))


def counting(house: House) -> Freeing:
    house.some()
    seen = count.PostCount(
        COMPANY, house.sku, house.node, house.floor.bin(), 6, NOW, 10**9, ids.uuid7(), "cycle count"
    )
    return lambda: whole(count.count(SYSTEM, requests=[seen]))


def a_transfer(house: House) -> Freeing:
    house.floor.stock(quantity=3, node=1)
    line = transfer.TransferUnits(house.sku, house.floor.bin(1), 3)
    sent = transfer.ShipTransfer(COMPANY, house.floor.nodes[1], house.node, (line,))
    (out,) = whole(transfer.ship_transfer(SYSTEM, requests=[sent]))
    arrived = transfer.ReceiveTransfer(out.transfer, rest="received")
    return lambda: whole(transfer.receive_transfer(SYSTEM, requests=[arrived]))


def a_cart_that_gives_back(house: House) -> Freeing:
    house.floor.stock(quantity=3)
    house.held()
    return lambda: whole(give_back(SYSTEM, requests=[GiveBack("cart")]))


def a_cart_that_expires(house: House) -> Freeing:
    house.floor.stock(quantity=3)
    house.held()
    later = replace(SYSTEM, at=NOW + timedelta(hours=2))
    return lambda: whole(expire_reservations(later, requests=[ExpireReservations(COMPANY)]))


def a_cart_of_which_less_is_ordered(house: House) -> Freeing:
    house.floor.stock(quantity=3)
    house.held()
    return lambda: house.sourced(1, reservation="cart")


def a_lower_floor(house: House) -> Freeing:
    house.floor.stock(quantity=3)
    house.safe(3)
    return lambda: house.safe(0)


def a_lower_fence(house: House) -> Freeing:
    house.floor.stock(quantity=3)
    house.fenced(3)
    return lambda: house.fenced(0)


def out_of_quarantine(house: House) -> Freeing:
    house.floor.stock(quantity=3)
    house.quarantined()
    return lambda: house.quarantined("quarantined", "sellable")


def a_node_more(house: House) -> Freeing:
    sql.run("DELETE FROM network_channelnode WHERE node_id = %(node)s", {"node": house.floor.nodes[1]})
    house.floor.stock(quantity=3, node=1)
    serve = network.ServeChannel(house.shop, house.floor.nodes[1])
    return lambda: whole(network.serve_channels(SYSTEM, requests=[serve]))


@pytest.mark.parametrize(
    "way",
    [
        cancelling, fewer_units, withdrawing, rejecting, receiving, finding, counting, a_transfer,
        a_cart_that_gives_back, a_cart_that_expires, a_cart_of_which_less_is_ordered, a_lower_floor, a_lower_fence,
        out_of_quarantine, a_node_more,
    ],
    ids=lambda one: one.__name__,
)  # fmt: skip
def test_what_is_freed_goes_to_who_waits_longest(db: None, way: Callable[[House], Freeing]) -> None:
    """Also where the channel is shown nothing of it, and where a new order is quicker than the news."""
    house = House()
    free = way(house)
    last, first, urgent = house.sourced(2), house.sourced(1), house.sourced(1, priority=9)
    sql.run(
        "UPDATE orders_order SET placed_at = placed_at - interval '1 hour' WHERE id = %(id)s", {"id": first}
    )
    a_round_of_the_worker()
    assert {one.order for one in queries.backorders(company=COMPANY)} == {last, first, urgent}

    free()
    new = house.floor.order((0, 1)).order
    a_round_of_the_worker()

    given = dict(sql.run("SELECT order_id, sum(quantity)::int FROM stock_allocation GROUP BY 1"))
    assert (given[urgent], given[first], given.get(new, 0)) == (1, 1, 0)
    waits = {one.order for one in queries.backorders(company=COMPANY)}
    assert {last, new} <= waits and not waits & {first, urgent}
    assert not {"serve", "allocate"} & ready.waiting().keys(), "and nobody is asked about twice"


def a_round_of_the_worker() -> None:
    """What it allocates and publishes; the warehouse's work stays where it is."""
    served = {
        name: serve for name, serve in worker.queues().items() if name in ("republish", "allocate", "serve")
    }
    worker.serve_once(served)
    worker.sweep_once(worker.sweeps())
    worker.serve_once(served)
    worker.serve_once(served)


def test_what_others_have_taken_meanwhile_is_offered_to_nobody(db: None) -> None:
    house = House()
    order = house.some()
    house.sourced(1)
    a_round_of_the_worker()
    whole(cancel(SYSTEM, requests=[CancelOrder(order, "no")]))
    house.held()

    walk.freed_is_offered()

    assert not {"serve", "allocate"} & ready.waiting().keys()


def test_a_cart_gives_back_once(db: None) -> None:
    house = House()
    house.floor.stock(quantity=3)
    house.held()
    (answer,) = give_back(SYSTEM, requests=[GiveBack("cart", key="once")])
    assert answer == GivenBack(3)
    assert give_back(SYSTEM, requests=[GiveBack("cart", key="once")]) == [answer]


def test_after_midnight_who_waits_beside_free_stock_is_asked_about_again(db: None) -> None:
    """Whatever else may let them be served now: a profile that changed."""
    house = House()
    house.floor.stock(quantity=3)
    house.safe(3)
    waits = house.sourced(2)
    ready.drop("allocate", [waits])
    house.safe(0)

    assert tasks.serve_waiting() == 1
    assert ready.claim("allocate", 9) == [waits]

    whole(allocate(SYSTEM, requests=[AllocateOrder(waits)]))
    assert tasks.serve_waiting() == 0
