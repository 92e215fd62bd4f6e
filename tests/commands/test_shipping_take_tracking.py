"""shipping.take_tracking"""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid
from entrepot.orders import queries as orders
from entrepot.shipping import queries
from entrepot.shipping.commands.label import PrintLabels, print_labels
from entrepot.shipping.commands.take_tracking import TakeTracking, TrackingTaken, take_tracking
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.work import queries as work
from tests.back import sent, trackings
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.rules.test_easypost import a_message, detail
from tests.sizes import SIZES
from tests.walk import a_house, shipped

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=2)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def a_parcel(house: Floor, units: int = 1) -> tuple[UUID, UUID, str]:
    order = house.order((0, units)).order
    (shipment,) = shipped(order)
    return order, shipment, queries.shipment(shipment).tracking


def take(*payloads: str) -> list:
    return take_tracking(SYSTEM, requests=[TakeTracking(COMPANY, "easypost", one) for one in payloads])


def test_a_delivery_that_is_told_moves_the_order(house: Floor):
    order, shipment, number = a_parcel(house)

    (answer,) = take(a_message(number, detail("in_transit"), detail("delivered", LATER)))

    assert answer == TrackingTaken("done", fresh=2, delivered=1)
    assert orders.order(order).status == "delivered"
    assert queries.shipment(shipment).delivered_at == LATER
    assert [one.kind for one in queries.carrier_events(shipment)] == ["in transit", "delivered"]
    assert sql.run("SELECT state, source FROM kernel_inbox") == [("done", "easypost")]


def test_whatever_the_order_and_however_often_it_ends_the_same(house: Floor):
    steps = [
        detail("in_transit"),
        detail("out_for_delivery", NOW + timedelta(hours=30)),
        detail("delivered", LATER),
    ]
    for told in permutations(range(3)):
        order, shipment, number = a_parcel(house)
        messages = [a_message(number, *steps[: i + 1], name=f"{number}-{i}") for i in told]
        for message in messages * 2:
            take(message)
        assert orders.order(order).status == "delivered"
        assert [one.kind for one in queries.carrier_events(shipment)] == [
            "in transit", "out for delivery", "delivered",
        ]  # fmt: skip
        assert work.of_subject(shipment) == []


def test_the_same_message_does_nothing_again(house: Floor):
    _, _, number = a_parcel(house)
    message = a_message(number, detail("delivered", LATER))
    assert take(message, message) == [TrackingTaken("done", 1, 1), TrackingTaken("done")]
    assert take(message) == [TrackingTaken("done")]


def test_several_parcels_arrive_with_the_last(house: Floor):
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    order, shipment, number = a_parcel(house, 2)
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    second = queries.labels(shipment=shipment)[1].tracking

    take(a_message(second, detail("delivered", LATER), name="b"))
    assert orders.order(order).status == "shipped"
    take(a_message(number, detail("delivered", NOW + timedelta(days=1)), name="a"))
    assert orders.order(order).status == "delivered"
    assert queries.shipment(shipment).delivered_at == LATER


def test_trouble_is_one_work_item_of_its_kind(house: Floor):
    order, shipment, number = a_parcel(house)
    lost = detail("failure", exact="lost", message="Not found at the depot")
    take(a_message(number, detail("in_transit", exact="delayed"), lost))
    take(a_message(number, detail("in_transit", exact="delayed"), lost, name="evt_2"))

    items = {one.type: one for one in work.of_subject(shipment)}
    assert set(items) == {"parcel delayed", "parcel lost"}
    assert items["parcel lost"].role == "customer service"
    assert "Not found at the depot" in items["parcel lost"].reason
    assert orders.order(order).status == "shipped"


def test_trouble_before_the_end_is_no_work_when_both_are_told_at_once(house: Floor):
    _, shipment, number = a_parcel(house)
    take(a_message(number, detail("in_transit", exact="delayed"), detail("delivered", LATER)))
    assert work.of_subject(shipment) == []


def test_what_is_of_no_parcel_of_ours_is_set_aside_and_what_is_broken_refused(house: Floor):
    stranger, other, broken, unknown = take_tracking(
        SYSTEM,
        requests=[
            TakeTracking(COMPANY, "easypost", a_message("NOBODY", detail("delivered"), name="n")),
            TakeTracking(
                COMPANY, "easypost", '{"object": "Event", "id": "b", "result": {"object": "Batch"}}'
            ),
            TakeTracking(COMPANY, "easypost", "{"),
            TakeTracking(COMPANY, "pigeon", "{}"),
        ],
    )
    assert stranger == other == TrackingTaken("set_aside")
    assert broken == Invalid(field="payload", expected="a message of easypost", found="no JSON")
    assert unknown == Invalid(field="source", expected="one of easypost, karrio, api", found="pigeon")
    assert sql.run("SELECT DISTINCT state FROM kernel_inbox") == [("set_aside",)]


def test_promises_are_held_against_what_happened(house: Floor):
    for promise, came in ((NOW + timedelta(days=1), LATER), (LATER, LATER), (NOW + timedelta(hours=1), None)):
        order = house.order((0, 1), promise_at=promise).order
        (shipment,) = shipped(order)
        if came:
            number = queries.shipment(shipment).tracking
            take(a_message(number, detail("delivered", came), name=number))
    rows = queries.kept(COMPANY, since=NOW - timedelta(days=1), now=LATER)
    assert sum(one.delivered for one in rows) == 2
    assert sum(one.late for one in rows) == 1
    assert sum(one.overdue for one in rows) == 1
    assert max(one.hours_late for one in rows) == 24


@pytest.mark.counts("shipping.take_tracking")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    for size in SIZES:
        numbers = trackings(sent(sold_house, size))
        broken = detail("failure", LATER + timedelta(days=1), "damaged")
        came = detail("delivered", LATER)
        messages = [a_message(number, broken, came, name=number) for number in numbers]
        with statements() as ran:
            take(*messages)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[0] == counts[1] == counts[2], counts
