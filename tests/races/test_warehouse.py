"""Two of everybody on the floor: each order is released, picked, packed and shipped once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.errors import Refused
from entrepot.kernel.ids import uuid7
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.change_status import ChangeStatus, StatusChanged
from entrepot.stock.commands.count import PostCount, count
from entrepot.stock.errors import SerialElsewhere
from entrepot.warehouse import packing, queries
from entrepot.warehouse.commands.adjust import adjust, change_status
from entrepot.warehouse.commands.pace import PaceNode, pace
from entrepot.warehouse.commands.pack import FulfillmentPacked, PackFulfillment, pack
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.warehouse.commands.unpack import FulfillmentUnpacked, UnpackFulfillment, unpack
from entrepot.warehouse.commands.watch_floor import WatchFloor, watch_floor
from entrepot.warehouse.errors import SerialIsOut
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, units
from tests.together import at_once
from tests.walk import allocated, packed, picked, placed, released, shipped
from tests.waves import gathers, waiting

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 6


def in_turns(work: list, command, request, answer: type) -> int:
    """Give all of the work to several threads at once, in other orders; how many got an answer."""
    jobs = [
        lambda i=i: command(SYSTEM, requests=[request(one) for one in (work if i % 2 else work[::-1])])
        for i in range(THREADS)
    ]
    answers = [one for got in at_once(jobs) for one in got]
    assert all(isinstance(one, answer | Refused) for one in answers)
    return sum(isinstance(one, answer) for one in answers)


def test_everything_happens_once(house: Floor):
    orders = placed(house, 20, (0, 2), (1, 1))
    allocated(*orders)

    assert in_turns(orders, release, ReleaseOrder, OrderReleased) == 20
    work = [row.id for order in orders for row in queries.of_order(order)]
    assert len(work) == 20
    assert in_turns(work, pick, PickFulfillment, FulfillmentPicked) == 20
    assert in_turns(work, pack, PackFulfillment, FulfillmentPacked) == 20
    assert in_turns(work, ship, ShipFulfillment, FulfillmentShipped) == 20
    assert units(house.skus[0]) == 200 - 40
    sent = [shipment for (shipment,) in sql.run("SELECT id FROM shipping_shipment")]
    assert in_turns(sent, deliver, Delivered, object) >= 20
    assert verify.discrepancies() == []


def test_steps_of_different_orders_pass_each_other(house: Floor):
    """Every thread walks its own orders over the same two SKUs: nobody waits in a circle."""
    batches = [placed(house, 5, (0, 1), (1, 1)) for _ in range(THREADS)]

    at_once([lambda batch=batch: shipped(*batch) for batch in batches])

    assert units(house.skus[0]) == 200 - 5 * THREADS
    assert verify.discrepancies() == []


def test_a_cancellation_and_a_release_of_the_same_orders(house: Floor):
    orders = placed(house, 20, (0, 2), (1, 1))
    allocated(*orders)

    released_, cancelled = at_once(
        [
            lambda: release(SYSTEM, requests=[ReleaseOrder(order) for order in orders]),
            lambda: cancel(
                SYSTEM, requests=[CancelOrder(order, reason="changed my mind") for order in orders[::-1]]
            ),
        ]
    )

    gone = sum(isinstance(one, OrderReleased) for one in released_)
    assert gone + sum(not isinstance(one, Refused) for one in cancelled) == 20
    assert verify.discrepancies() == []


def test_a_loss_while_picks_come_up_short(house: Floor):
    work = released(*placed(house, 10, (0, 5)))
    tasks = {task.fulfillment: task.id for task in queries.tasks(work)}
    allocated(*placed(house, 20, (0, 7)))  # what is left is promised too

    at_once(
        [
            lambda: pick(SYSTEM, requests=[PickFulfillment(one, ((tasks[one], 2),)) for one in work]),
            lambda: adjust(
                SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(0), -90, "flood")]
            ),
        ]
    )

    assert verify.discrepancies() == []


def test_the_last_units_are_marked_damaged_once(house: Floor):
    there = units(house.skus[0])
    wet = ChangeStatus(
        COMPANY, house.skus[0], house.nodes[0], house.bin(0), there - 10, "sellable", "damaged", "wet"
    )
    answers = [
        one for got in at_once([lambda: change_status(SYSTEM, requests=[wet])] * THREADS) for one in got
    ]
    assert sum(isinstance(one, StatusChanged) for one in answers) == 1
    assert sum(isinstance(one, Refused) for one in answers) == THREADS - 1
    assert verify.discrepancies() == []


def test_a_serial_that_many_find_at_once_stands_in_one_bin(house: Floor):
    sku = house.skus[-1]
    sql.change("DELETE FROM stock_position WHERE sku_id = %(sku)s::uuid AND sellable = 0", {"sku": sku})
    found = [
        Adjust(COMPANY, sku, house.nodes[0], house.bin(0, kind), 1, "found", serial="S-1")
        for kind in ("pick", "reserve")
    ]
    answers = [
        one
        for got in at_once([lambda one=one: adjust(SYSTEM, requests=[one]) for one in found * 3])
        for one in got
    ]
    assert sum(not isinstance(one, Refused) for one in answers) == 1
    assert sum(isinstance(one, SerialElsewhere) for one in answers) == 5
    assert verify.discrepancies() == []


def test_a_serial_that_a_count_and_a_correction_find_at_once_stands_in_one_bin(house: Floor):
    sku = house.skus[-1]
    sql.change("DELETE FROM stock_position WHERE sku_id = %(sku)s::uuid AND sellable = 0", {"sku": sku})
    found = Adjust(COMPANY, sku, house.nodes[0], house.bin(0), 1, "found", "damaged", serial="S-1")
    counted = PostCount(
        COMPANY, sku, house.nodes[0], house.bin(0, "reserve"), 1, NOW, 10**9, uuid7(), "found", "damaged",
        serial="S-1",
    )  # fmt: skip
    jobs = [lambda: adjust(SYSTEM, requests=[found]), lambda: count(SYSTEM, requests=[counted])]
    answers = [one for got in at_once(jobs * 3) for one in got]
    stands = "SELECT sum(quantity)::int FROM stock_bucket WHERE serial = 'S-1'"
    assert sql.run(stands) == [(1,)], answers
    assert sum(isinstance(one, SerialElsewhere) for one in answers) >= 3
    assert verify.discrepancies() == []


def test_shipping_while_picking_and_packing(house: Floor):
    to_ship, to_pack, to_pick = (placed(house, 15, (0, 1), (1, 2)) for _ in range(3))
    ready_to_ship, ready_to_pack, ready_to_pick = packed(*to_ship), picked(*to_pack), released(*to_pick)

    at_once(
        [
            lambda: ship(SYSTEM, requests=[ShipFulfillment(one) for one in ready_to_ship]),
            lambda: pack(SYSTEM, requests=[PackFulfillment(one) for one in ready_to_pack]),
            lambda: pick(SYSTEM, requests=[PickFulfillment(one) for one in ready_to_pick]),
        ]
    )

    assert queries.by_state(COMPANY) == {"packed": 15, "picked": 15, "shipped": 15}
    assert verify.discrepancies() == []


def test_opening_and_shipping_at_once(house: Floor):
    """A package is opened or leaves, never both."""
    work_ = packed(*placed(house, 12, (0, 1)))
    opened, gone = at_once(
        [
            lambda: unpack(SYSTEM, requests=[UnpackFulfillment(one, "wrong slip") for one in work_]),
            lambda: ship(SYSTEM, requests=[ShipFulfillment(one) for one in work_[::-1]]),
        ]
    )
    left = sum(isinstance(one, FulfillmentShipped) for one in gone)
    assert left + sum(isinstance(one, FulfillmentUnpacked) for one in opened) == 12
    assert in_turns(work_, unpack, lambda one: UnpackFulfillment(one, "again"), FulfillmentUnpacked) == 0
    assert verify.discrepancies() == []


def test_two_who_pace_and_watch_a_node_open_one_item(house: Floor):
    gathers(mode="paced", pickers=0)
    waiting(house, 3, (0, 1), promise_at=NOW - timedelta(days=2))
    at_once(
        [lambda: pace(SYSTEM, requests=[PaceNode(house.nodes[0])]) for _ in range(3)]
        + [lambda: watch_floor(SYSTEM, requests=[WatchFloor(COMPANY)]) for _ in range(3)]
    )
    assert sorted(one.type for one in work.of_subject(house.nodes[0])) == [
        "node stands still",
        "orders wait for a wave",
    ]
    gathers(mode="paced")
    at_once([lambda: pace(SYSTEM, requests=[PaceNode(house.nodes[0])]) for _ in range(3)])
    at_once([lambda: watch_floor(SYSTEM, requests=[WatchFloor(COMPANY)]) for _ in range(3)])
    found = {one.type: one.state for one in work.of_subject(house.nodes[0])}
    assert found == {
        "node stands still": "done",
        "orders wait for a wave": "done",
        "orders late on the floor": "open",
    }, "what went is late all the same"


def test_two_stations_that_read_the_same_number_send_one_unit_of_it(house: Floor):
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s", {"sku": house.skus[0]})
    work_ = picked(*placed(house, 12, (0, 1)))
    lines = {one: inside[0].line for one, inside in packing.contents(work_).items()}

    def packs(mine: list) -> list:
        # Each pair of fulfillments says one number, the two of it at two stations.
        asked = [PackFulfillment(one, serials=((lines[one], f"S-{work_.index(one) % 6}"),)) for one in mine]
        return pack(SYSTEM, requests=asked)

    got = at_once([lambda: packs(work_[:6]), lambda: packs(work_[6:][::-1])])
    answers = [one for each in got for one in each]
    assert sum(isinstance(one, FulfillmentPacked) for one in answers) == 6
    assert sum(isinstance(one, SerialIsOut) for one in answers) == 6
    assert sql.run("SELECT count(*)::int, count(DISTINCT serial)::int FROM warehouse_packedserial") == [
        (6, 6)
    ]
    assert queries.by_state(COMPANY) == {"packed": 6, "picked": 6}
    assert verify.discrepancies() == []
