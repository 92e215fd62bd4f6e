"""A label that is sold while somebody ships, voids, opens or cancels what waits for it: bought once, booked once, or
given back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql, worker
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.shipping import errors
from entrepot.shipping.commands import buy
from entrepot.shipping.commands import ship as leaving
from entrepot.shipping.commands import ship_labeled as labeled
from entrepot.shipping.commands.buy import RecordPurchase, record_purchases
from entrepot.shipping.commands.label import LabelVoided, VoidLabel, void_labels
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.shipping.commands.ship_labeled import ShipLabeled, ship_labeled
from entrepot.shipping.commands.stop_consignments import StopConsignments, stop_consignments
from entrepot.shipping.live import Bought
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.warehouse.commands.unpack import UnpackFulfillment, unpack
from entrepot.warehouse.commands.withdraw import withdraw
from tests.floor import COMPANY, SYSTEM, units
from tests.live import a_live_house
from tests.together import at_once
from tests.walk import packed, placed

pytestmark = pytest.mark.usefixtures("committed_db")

COUNT = 6


def served() -> None:
    stop_consignments(SYSTEM, requests=[StopConsignments(COMPANY)])
    worker.serve_once({"labeled": worker.queues()["labeled"]})


def sell(labels: Sequence[UUID] = ()) -> list:
    labels = labels or [
        row[0] for row in sql.run("SELECT label_id FROM shipping_purchase WHERE state = 'asked' ORDER BY 1")
    ]
    return record_purchases(SYSTEM, requests=[
        RecordPurchase(one, "buy", Bought(f"shp {one}", f"P{one.hex[-8:]}", 250, "GBP", "")) for one in labels
    ])  # fmt: skip


def counted(statement: str) -> int:
    found: int = sql.run(statement)[0][0]
    return found


def test_who_ships_at_once_asks_once_and_books_once():
    house = a_live_house()
    work = packed(*placed(house, COUNT, (0, 1)))

    def go(order: list) -> list:
        return [answer for one in order for answer in ship(SYSTEM, requests=[ShipFulfillment(one)])]

    answers = at_once([lambda: go(work), lambda: go(work[::-1]), lambda: go(work)])
    assert sum(isinstance(one, FulfillmentShipped) for got in answers for one in got) == COUNT
    assert counted("SELECT count(*)::int FROM kernel_delivery WHERE topic = 'carrier.buy'") == COUNT

    sell()
    leave = [ShipLabeled(one) for one in work]
    told = at_once([lambda: ship_labeled(SYSTEM, requests=leave)] * 3 + [lambda: go(work)])
    assert sum(isinstance(one, FulfillmentShipped) for got in told for one in got) == COUNT
    assert units(house.skus[0]) == 5_000 - COUNT
    assert verify.discrepancies() == []
    all_in_order()


def all_in_order() -> None:
    """What has left did so on labels that are bought, and is nobody's work."""
    in_force = """SELECT count(*)::int FROM shipping_label AS l JOIN shipping_shipment AS h ON h.id = l.shipment_id
                  LEFT JOIN shipping_purchase AS p ON p.label_id = l.id
                  WHERE l.state <> 'voided' AND (p.state IS DISTINCT FROM 'bought' OR l.tracking <> h.tracking)"""
    assert counted(in_force) == 0, "each label in force is bought, and its number the one that was told"
    dead = """SELECT count(*)::int FROM shipping_shipment AS h
              WHERE NOT EXISTS (SELECT FROM shipping_label AS l WHERE l.shipment_id = h.id AND l.state <> 'voided')
                AND NOT EXISTS (SELECT FROM shipping_label AS l JOIN kernel_event AS e ON e.subject_id = l.id
                                WHERE l.shipment_id = h.id AND e.state_before = 'printed')"""
    assert counted(dead) == 0, "no label was void before it left on it"
    idle = """SELECT count(*)::int FROM work_item AS w JOIN warehouse_fulfillment AS f ON f.id = w.subject_id
              WHERE w.type = 'labeled and not shipped' AND w.state <> 'done' AND f.state <> 'packed'"""
    assert counted(idle) == 0, "nobody is told that it may not leave"


def test_two_relays_that_sell_two_labels_of_the_same_let_it_leave(monkeypatch):
    house = a_live_house()
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    ship(SYSTEM, requests=[ShipFulfillment(one) for one in packed(*placed(house, COUNT, (0, 2)))])
    labels = [row[0] for row in sql.run("SELECT id FROM shipping_label ORDER BY shipment_id, package_id")]
    assert len(labels) == 2 * COUNT

    recorded, looked, look = threading.Barrier(2, timeout=30), threading.Barrier(2), buy._offer_labeled

    def look_together(*args: Any) -> None:
        recorded.wait()
        look(*args)
        with contextlib.suppress(threading.BrokenBarrierError):
            looked.wait(1)  # the other one waits for us, and looks when we are through

    monkeypatch.setattr(buy, "_offer_labeled", look_together)
    at_once([lambda: sell(labels[::2]), lambda: sell(labels[1::2])])
    worker.serve_once({"labeled": worker.queues()["labeled"]})
    assert units(house.skus[0]) == 5_000 - 2 * COUNT


def test_a_label_that_is_voided_while_it_leaves_is_void_after_that(monkeypatch):
    house = a_live_house()
    work = packed(*placed(house, 1, (0, 1)))
    ship(SYSTEM, requests=[ShipFulfillment(work[0])])
    sell()
    ((label,),) = sql.run("SELECT id FROM shipping_label")
    decided, voided, go_on = threading.Event(), threading.Event(), leaving.take_numbers

    def decide(*args: Any) -> Any:
        decided.set()
        voided.wait(1)  # it waits for us, and not the other way round
        return go_on(*args)

    def void() -> list:
        decided.wait(30)
        answers = void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
        voided.set()
        return answers

    monkeypatch.setattr(leaving, "take_numbers", decide)
    (gone,), (_,) = at_once([lambda: ship_labeled(SYSTEM, requests=[ShipLabeled(work[0])]), void])
    assert isinstance(gone, FulfillmentShipped), gone
    lived = "SELECT state_before FROM kernel_event WHERE subject_id = %(id)s::uuid AND state_after = 'voided'"
    assert sql.run(lived, {"id": label}) == [("printed",)]
    all_in_order()


def test_a_label_that_is_voided_before_it_leaves_is_not_bought_again(monkeypatch):
    house = a_live_house()
    (which,) = packed(*placed(house, 1, (0, 1)))
    ship(SYSTEM, requests=[ShipFulfillment(which)])
    sell()
    ((label,),) = sql.run("SELECT id FROM shipping_label")
    looked, voided, look = threading.Event(), threading.Event(), labeled._ready

    def look_first(*args: Any) -> Any:
        found = look(*args)
        looked.set()
        assert voided.wait(30), "nothing is locked yet, so that it need not wait for us"
        return found

    def void() -> list:
        looked.wait(30)
        answers = void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
        voided.set()
        return answers

    monkeypatch.setattr(labeled, "_ready", look_first)
    (stays,), (gone,) = at_once([lambda: ship_labeled(SYSTEM, requests=[ShipLabeled(which)]), void])
    assert isinstance(stays, errors.LabelsAwaited), stays
    assert isinstance(gone, LabelVoided), gone
    assert sql.run("SELECT state FROM shipping_label") == [("voided",)], "none was made in its place"
    assert counted("SELECT count(*)::int FROM kernel_delivery WHERE topic = 'carrier.buy'") == 1
    assert counted("SELECT count(*)::int FROM shipping_shipment") == 0
    assert units(house.skus[0]) == 5_000
    assert counted("SELECT count(*)::int FROM work_item") == 0, "no label of it is paid any more"


@pytest.mark.parametrize("what", ["open", "open and close", "void", "cancel"])
def test_what_is_taken_back_while_it_is_sold_leaves_or_is_given_back(what: str):
    house = a_live_house()
    orders = placed(house, COUNT, (0, 1))
    work = packed(*orders)
    ship(SYSTEM, requests=[ShipFulfillment(one) for one in work])
    labels = [row[0] for row in sql.run("SELECT id FROM shipping_label ORDER BY id")]

    def take_back() -> list:
        if what == "open and close":
            for one in work:
                unpack(SYSTEM, requests=[UnpackFulfillment(one, "other carton")])
                pack(SYSTEM, requests=[PackFulfillment(one)])
            return ship(SYSTEM, requests=[ShipFulfillment(one) for one in work])
        if what == "open":
            return [
                a for one in work for a in unpack(SYSTEM, requests=[UnpackFulfillment(one, "other carton")])
            ]
        if what == "void":
            return [a for one in labels for a in void_labels(SYSTEM, requests=[VoidLabel(one, "torn")])]
        return [
            a for one in orders for a in withdraw(SYSTEM, requests=[CancelOrder(one, "changed his mind")])
        ]

    def leave() -> list:
        return [a for one in work for a in ship_labeled(SYSTEM, requests=[ShipLabeled(one)])]

    at_once(
        [
            take_back,
            sell,
            leave,
            leave,
            lambda: stop_consignments(SYSTEM, requests=[StopConsignments(COMPANY)]),
        ]
    )
    served()
    gone = counted("SELECT count(*)::int FROM shipping_shipment")
    if what == "open and close":
        sell()
        served()
        gone = COUNT
    assert units(house.skus[0]) == 5_000 - gone
    kept = counted("""SELECT count(*)::int FROM shipping_purchase AS p JOIN shipping_label AS l ON l.id = p.label_id
                      WHERE p.state = 'bought' AND l.state = 'voided'""")
    assert kept == 0, "what is paid and stands on no parcel is given back"
    assert not any(isinstance(one, Refused) for one in sell())
    served()
    assert verify.discrepancies() == []
    all_in_order()
