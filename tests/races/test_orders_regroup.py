"""Splitting an order against itself, its release and its cancellation; merging against all of these."""

from __future__ import annotations

from entrepot.kernel import sql
from entrepot.orders import queries
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.merge import MergeOrders, OrdersMerged
from entrepot.orders.commands.split import OrderSplit, SplitOrder
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.warehouse.commands.release import ReleaseOrder, release
from tests import walk
from tests.floor import SYSTEM
from tests.together import all_at_once, at_once


def units_of(orders) -> dict[str, int]:
    found: dict[str, int] = {}
    for order in orders:
        for line in queries.order(order).lines:
            for place, units in line.places.items():
                found[place] = found.get(place, 0) + units
    return found


def every_order() -> list:
    return [order for (order,) in sql.run("SELECT id FROM orders_order ORDER BY id")]


def test_units_go_once_however_many_ask(house):
    orders = [house.order((0, 2), (1, 1)).order for _ in range(5)]
    walk.allocated(*orders)
    lines = {order: queries.order(order).lines[0].id for order in orders}
    wanted = [SplitOrder(order, ((line, 2),), "later") for order, line in lines.items()]

    answers = all_at_once(split, SYSTEM, wanted, wanted[::-1], wanted)

    assert sum(isinstance(one, OrderSplit) for one in answers) == len(orders)
    assert units_of(every_order()) == {"allocated": 15}


def test_what_is_released_stays_and_what_is_split_is_released_by_itself(house):
    orders = [house.order((0, 2), (1, 1)).order for _ in range(5)]
    walk.allocated(*orders)
    lines = {order: queries.order(order).lines[0].id for order in orders}
    parts = [SplitOrder(order, ((line, 1),), "later") for order, line in lines.items()]
    releases = [ReleaseOrder(order) for order in orders[::-1]]

    at_once(
        [
            *(lambda one=one: split(SYSTEM, requests=[one]) for one in parts),
            *(lambda one=one: release(SYSTEM, requests=[one]) for one in releases),
        ]
    )

    found = units_of(every_order())
    assert sum(found.values()) == 15
    assert set(found) <= {"allocated", "released"}


def test_an_order_is_merged_or_cancelled_and_never_half_of_both(house):
    pairs = [[house.order((0, 1), customer=f"C-{i}").order for _ in range(2)] for i in range(5)]
    walk.allocated(*(order for pair in pairs for order in pair))
    one_way = [MergeOrders(first, (second,), "one parcel") for first, second in pairs]
    other_way = [MergeOrders(second, (first,), "one parcel") for first, second in pairs[::-1]]
    cancels = [CancelOrder(second, "no more") for _, second in pairs]

    answers = at_once(
        [
            lambda: merge(SYSTEM, requests=one_way),
            lambda: merge(SYSTEM, requests=other_way),
            lambda: cancel(SYSTEM, requests=cancels),
        ]
    )

    for first, second in pairs:
        views = [queries.order(one) for one in (first, second)]
        merged = [view for view in views if view.merged_into]
        assert len(merged) <= 1
        assert sum(line.quantity for view in views for line in view.lines) == 2
        if merged:
            assert merged[0].lines == ()
    merges = sum(isinstance(one, OrdersMerged) for answer in answers[:2] for one in answer)
    assert merges == sum(queries.order(one).merged_into is not None for pair in pairs for one in pair)
