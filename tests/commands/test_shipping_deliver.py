"""shipping.deliver"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.orders import queries as orders
from entrepot.shipping import queries
from entrepot.shipping.commands.deliver import Delivered, ShipmentDelivered, deliver
from tests.back import sent
from tests.floor import NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, placed, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def test_what_arrived_is_delivered_at_its_time(house: Floor):
    (order,) = placed(house, 1, (0, 2), promise_at=NOW + timedelta(days=5))
    (shipment,) = shipped(order)
    arrived = NOW + timedelta(days=3)

    assert deliver(SYSTEM, requests=[Delivered(shipment, arrived)]) == [
        ShipmentDelivered(shipment, late=False)
    ]

    row = queries.shipment(shipment)
    assert (row.state, row.delivered_at) == ("delivered", arrived)
    assert orders.order(order).status == "delivered"
    assert orders.order(order).lines[0].places == {"delivered": 2}


def test_a_person_says_when_it_came_and_how_it_is_known(house: Floor):
    """Of carriers that tell nothing; not before it left, nor tomorrow."""
    (early, late, known) = shipped(*placed(house, 3, (0, 1)))
    now = replace(SYSTEM, at=NOW + timedelta(days=3))
    answers = deliver(now, requests=[
        Delivered(early, NOW - timedelta(hours=1), proof="he says so"),
        Delivered(late, NOW + timedelta(days=4), proof="he says so"),
        Delivered(known, NOW + timedelta(days=2), proof="left with the neighbour"),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [Invalid, Invalid, ShipmentDelivered]
    assert queries.shipment(known).delivered_at == NOW + timedelta(days=2)
    (event,) = queries.carrier_events(known)
    assert (event.kind, event.message) == ("delivered", "left with the neighbour")
    assert queries.carrier_events(early) == []


def test_after_the_promise_is_late(house: Floor):
    (order,) = placed(house, 1, (0, 1), promise_at=NOW + timedelta(days=5))
    (shipment,) = shipped(order)
    (answer,) = deliver(SYSTEM, requests=[Delivered(shipment, NOW + timedelta(days=6))])
    assert answer.late


def test_a_shipment_arrives_once_and_must_exist(house: Floor):
    (shipment,) = shipped(house.order((0, 1)).order)
    unknown = ids.uuid7()
    first, second, third = deliver(SYSTEM, requests=[Delivered(one) for one in (shipment, shipment, unknown)])
    assert first == ShipmentDelivered(shipment, late=False)
    assert second == WrongState(subject="shipment", found="delivered", event="deliver", expected="shipped")
    assert third == NotFound(what="shipment", which=str(unknown))


def test_a_key_gets_its_answer_again(house: Floor):
    (shipment,) = shipped(house.order((0, 1)).order)
    first = deliver(SYSTEM, requests=[Delivered(shipment, key="k")])
    assert deliver(SYSTEM, requests=[Delivered(shipment, key="k")]) == first


@pytest.mark.counts("shipping.deliver")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    for size in SIZES:
        parcels = sent(sold_house, size)
        with statements() as ran:
            deliver(SYSTEM, requests=[Delivered(one, key=str(one)) for one in parcels])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [9] * 3
