"""A label that is sold while somebody ships, voids, opens or cancels what waits for it: bought once, booked once, or
given back."""

from __future__ import annotations

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql, worker
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.shipping.commands.buy import RecordPurchase, record_purchases
from entrepot.shipping.commands.label import VoidLabel, void_labels
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.shipping.commands.ship_labeled import ShipLabeled, ship_labeled
from entrepot.shipping.commands.stop_consignments import StopConsignments, stop_consignments
from entrepot.shipping.live import Bought
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


def sell() -> list:
    labels = [
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


@pytest.mark.parametrize("what", ["open", "void", "cancel"])
def test_what_is_taken_back_while_it_is_sold_leaves_or_is_given_back(what: str):
    house = a_live_house()
    orders = placed(house, COUNT, (0, 1))
    work = packed(*orders)
    ship(SYSTEM, requests=[ShipFulfillment(one) for one in work])
    labels = [row[0] for row in sql.run("SELECT id FROM shipping_label ORDER BY id")]

    def take_back() -> list:
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
    assert units(house.skus[0]) == 5_000 - gone
    kept = counted("""SELECT count(*)::int FROM shipping_purchase AS p JOIN shipping_label AS l ON l.id = p.label_id
                      WHERE p.state = 'bought' AND l.state = 'voided'""")
    assert kept == 0, "what is paid and stands on no parcel is given back"
    assert not any(isinstance(one, Refused) for one in sell())
    assert verify.discrepancies() == []
