"""returns.expect_sent_back: what a carrier brings back is a return that its parcel's number finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import NotFound
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.returns import parcel_queries, queries, tasks
from entrepot.returns.commands.expect_sent_back import ExpectSentBack, SentBackExpected, expect_sent_back
from entrepot.returns.commands.receive_parcels import Content, ParcelReceived, ReceiveParcel, receive_parcels
from entrepot.shipping import queries as shipping
from entrepot.shipping import tasks as shipping_tasks
from entrepot.work import queries as work
from tests.back import HOME, RECEIVES, asked, sent, sold
from tests.commands.test_shipping_take_tracking import take
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.rules.test_easypost import a_message, detail
from tests.sizes import SIZES
from tests.walk import a_house, placed, queued, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    return house


def told(house: Floor):
    """A shipment that its carrier says it brings back, served as the worker would."""
    (order,) = placed(house, 1, (0, 2), address=HOME)
    (shipment,) = shipped(order)
    number = shipping.shipment(shipment).tracking
    take(a_message(number, detail("return_to_sender", NOW + timedelta(days=4))))
    shipping_tasks.serve_trouble(SYSTEM, queued("trouble"))
    return order, shipment, number


def test_it_is_expected_by_the_number_on_it_and_received(house: Floor):
    order, shipment, number = told(house)
    assert queued("sent_back") == [shipment]
    tasks.serve_sent_back(SYSTEM, [shipment])
    tasks.serve_sent_back(SYSTEM, [shipment])
    (row,) = parcel_queries.expected(COMPANY, number)
    (one,) = sql.run("SELECT id, state, number FROM returns_return WHERE order_id = %(id)s", {"id": order})
    assert (one[1], one[2]) == ("authorized", row.number)
    whole = queries.whole(one[0])
    assert whole
    assert [(line.quantity, line.reason) for line in whole.lines] == [(2, "undeliverable")]
    (came,) = receive_parcels(RECEIVES, requests=[
        ReceiveParcel(COMPANY, house.nodes[0], (Content("SKU-000", 2, condition="fine"),), number)
    ])  # fmt: skip
    assert isinstance(came, ParcelReceived)
    assert (came.received, came.strays) == (2, ())


def test_what_is_sent_again_is_not_paid_back_as_well(house: Floor):
    set_policy(SYSTEM, requests=[
        SetPolicy(COMPANY, "shipping.trouble", {"reship": ["returned to sender"]}, NOW)
    ])  # fmt: skip
    order, shipment, number = told(house)
    tasks.serve_sent_back(SYSTEM, queued("sent_back"))
    assert parcel_queries.expected(COMPANY, number) == []
    (again,) = sql.run(
        "SELECT o.number FROM shipping_reshipment AS r JOIN orders_order AS o ON o.id = r.order_id"
        " WHERE r.shipment_id = %(id)s::uuid", {"id": shipment},
    )  # fmt: skip

    content = (Content("SKU-000", 2, condition="fine"),)
    (came,) = receive_parcels(RECEIVES, requests=[ReceiveParcel(COMPANY, house.nodes[0], content, number)])
    assert isinstance(came, ParcelReceived)
    assert came.received == 0
    (item,) = work.of_subject(came.strays[0])
    sent_by = shipping.shipment(shipment).number
    assert f"what {sent_by} sent, which was sent again with order {again[0]}" in item.reason
    assert "put it back in stock" in item.reason
    assert sql.run("SELECT id FROM returns_return WHERE order_id = %(id)s", {"id": order}) == []


def test_what_is_returned_already_is_not_expected_twice(house: Floor):
    (order,) = sold(house, 1, (0, 2))
    asked(order, 2)
    ((shipment,),) = sql.run("SELECT id FROM shipping_shipment WHERE order_id = %(id)s", {"id": order})
    nothing, none = expect_sent_back(SYSTEM, requests=[ExpectSentBack(shipment), ExpectSentBack(ids.uuid7())])
    assert nothing == SentBackExpected(shipment)
    assert isinstance(none, NotFound)


def test_an_answer_is_given_again_for_its_key(house: Floor):
    _, shipment, _ = told(house)
    wanted = ExpectSentBack(shipment, key="k")
    (made,) = expect_sent_back(SYSTEM, requests=[wanted])
    assert isinstance(made, SentBackExpected)
    assert made.number
    assert expect_sent_back(SYSTEM, requests=[wanted]) == [made]
    assert expect_sent_back(SYSTEM, requests=[ExpectSentBack(shipment)]) == [SentBackExpected(shipment)]


@pytest.mark.counts("returns.expect_sent_back")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    for size in SIZES:
        found = sent(sold_house, size)
        with statements():
            done = expect_sent_back(SYSTEM, requests=[ExpectSentBack(one, key=str(one)) for one in found])
        assert all(isinstance(one, SentBackExpected) and one.number for one in done)
