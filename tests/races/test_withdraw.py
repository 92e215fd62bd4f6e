"""Late cancellations against those who have the goods in hand: each unit ends in one place, and the ledgers agree."""

from __future__ import annotations

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.errors import Refused, WrongState
from entrepot.orders import errors
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.stock.commands.adjust import Adjust
from entrepot.warehouse import queries
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.commands.withdraw import OrderWithdrawn, withdraw
from tests.floor import COMPANY, SYSTEM, Floor, units
from tests.together import at_once
from tests.walk import allocated, packed, picked, placed, released

pytestmark = pytest.mark.usefixtures("committed_db")


def withdrawing(ids: list) -> list:
    return withdraw(SYSTEM, requests=[CancelOrder(one, "changed my mind") for one in ids])


def one_by_one(command, requests: list) -> list:
    return [command(SYSTEM, requests=[one])[0] for one in requests]


def promised() -> tuple[int, int]:
    return sql.run(
        "SELECT sum(allocated)::int, (SELECT sum(committed)::int FROM stock_bucket) FROM stock_position"
    )[0]


def test_an_order_is_withdrawn_or_shipped_and_never_both(house: Floor):
    order_ids = placed(house, 30, (0, 2), (1, 1))
    work = packed(*order_ids)

    shipped_, withdrawn_ = at_once(
        [
            lambda: one_by_one(ship, [ShipFulfillment(one) for one in work]),
            lambda: one_by_one(withdraw, [CancelOrder(one, "why") for one in reversed(order_ids)]),
        ]
    )

    for order, left, stayed in zip(order_ids, shipped_, reversed(withdrawn_), strict=True):
        if isinstance(left, FulfillmentShipped):
            assert isinstance(stayed, errors.AlreadyShipped)
            assert orders.order(order).status == "shipped"
        else:
            assert isinstance(left, WrongState)
            assert isinstance(stayed, OrderWithdrawn)
            assert orders.order(order).status == "cancelled"
    gone = sum(isinstance(one, FulfillmentShipped) for one in shipped_)
    assert (units(house.skus[0]), promised()) == (200 - 2 * gone, (0, 0))
    assert verify.discrepancies() == []


def test_batches_that_ship_and_withdraw_the_same_orders(house: Floor):
    order_ids = placed(house, 20, (0, 2), (1, 1))
    work = packed(*order_ids)

    shipped_, withdrawn_ = at_once(
        [
            lambda: ship(SYSTEM, requests=[ShipFulfillment(one) for one in work]),
            lambda: withdrawing(order_ids[::-1]),
        ]
    )

    won = (
        {isinstance(one, FulfillmentShipped) for one in shipped_},
        {isinstance(one, Refused) for one in withdrawn_},
    )
    assert won in (({True}, {True}), ({False}, {False}))
    assert verify.discrepancies() == []


def test_an_order_that_is_picked_and_withdrawn_is_cancelled_whoever_came_first(house: Floor):
    """Picked first, its units are taken back; withdrawn first, there is nothing to pick."""
    order_ids = placed(house, 30, (0, 2), (1, 1))
    work = released(*order_ids)

    picked_, withdrawn_ = at_once(
        [
            lambda: one_by_one(pick, [PickFulfillment(one) for one in work]),
            lambda: one_by_one(withdraw, [CancelOrder(one, "why") for one in reversed(order_ids)]),
        ]
    )

    for got, back in zip(picked_, reversed(withdrawn_), strict=True):
        if isinstance(got, FulfillmentPicked):
            assert (back.called_off, back.taken_back) == (0, 3)
        else:
            assert isinstance(got, WrongState)
            assert (back.called_off, back.taken_back) == (3, 0)
    assert queries.by_state(COMPANY) == {"cancelled": 30}
    assert (units(house.skus[0]), promised()) == (200, (0, 0))
    assert verify.discrepancies() == []


def test_an_order_is_withdrawn_once(house: Floor):
    order_ids = placed(house, 20, (0, 2), (1, 1))
    packed(*order_ids)

    answers = at_once([lambda i=i: withdrawing(order_ids[:: -1 if i % 2 else 1]) for i in range(4)])

    assert sum(isinstance(one, OrderWithdrawn) for got in answers for one in got) == 20
    assert promised() == (0, 0)
    assert verify.discrepancies() == []


def test_withdrawing_while_everybody_works(house: Floor):
    """Every step at once, a flood among them: some orders go, some stay, and every unit is somewhere."""
    to_release, to_pick, to_pack, to_ship = (placed(house, 10, (0, 2), (1, 1)) for _ in range(4))
    allocated(*to_release)
    tasks, cartons, parcels = released(*to_pick), picked(*to_pack), packed(*to_ship)
    everything = [*to_release, *to_pick, *to_pack, *to_ship]

    at_once(
        [
            lambda: withdrawing(everything[::2]),
            lambda: withdrawing(everything[::-3]),
            lambda: release(SYSTEM, requests=[ReleaseOrder(one) for one in to_release]),
            lambda: pick(SYSTEM, requests=[PickFulfillment(one) for one in tasks]),
            lambda: pack(SYSTEM, requests=[PackFulfillment(one) for one in cartons]),
            lambda: ship(SYSTEM, requests=[ShipFulfillment(one) for one in parcels]),
            lambda: adjust(
                SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(0), -50, "flood")]
            ),
        ]
    )

    assert verify.discrepancies() == []
