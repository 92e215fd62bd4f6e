"""A carrier's number stands on one parcel: shipping.commands.take_numbers"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest

from entrepot.kernel import sql
from entrepot.shipping import errors, queries
from entrepot.shipping.commands.label import LabelsPrinted, PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.shipping.commands.take_numbers import AGAIN_DAYS
from tests.commands.test_shipping_take_tracking import take
from tests.floor import NOW, SYSTEM, Floor
from tests.rules.test_easypost import a_message, detail
from tests.walk import a_house, packed, placed, shipped

pytestmark = pytest.mark.django_db
NUMBER = "PX123456789GB"
OTHER = "PX987654321GB"


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    return house


def sent(number: str, fulfillment, cause=SYSTEM):
    (answer,) = ship(cause, requests=[ShipFulfillment(fulfillment, number)])
    return answer


def test_one_number_goes_out_with_one_shipment(house: Floor):
    one, other, third = packed(*placed(house, 3, (0, 1)))
    first, twice = ship(SYSTEM, requests=[ShipFulfillment(one, NUMBER), ShipFulfillment(other, NUMBER)])
    assert isinstance(first, FulfillmentShipped)
    assert twice == errors.TrackingInUse(tracking=NUMBER, carrier="Post", holder="another shipment")
    assert sent(NUMBER, third) == errors.TrackingInUse(tracking=NUMBER, carrier="Post", holder=first.number)
    assert isinstance(sent(OTHER, third), FulfillmentShipped)
    assert sql.run("SELECT count(*)::int FROM shipping_shipment") == [(2,)]


def test_a_label_takes_no_number_of_another_and_gives_its_own_free_when_it_is_void(house: Floor):
    first, second = shipped(*placed(house, 2, (0, 1)))
    (made,) = print_labels(SYSTEM, requests=[PrintLabels(first, (NUMBER,))])
    assert isinstance(made, LabelsPrinted)
    (refused,) = print_labels(SYSTEM, requests=[PrintLabels(second, (NUMBER,))])
    assert refused == errors.TrackingInUse(
        tracking=NUMBER, carrier="Post", holder=queries.shipment(first).number
    )
    assert queries.labels(shipment=second) == []
    void_labels(SYSTEM, requests=[VoidLabel(made.labels[0].label, "of the other parcel")])
    (moved,) = print_labels(SYSTEM, requests=[PrintLabels(second, (NUMBER,))])
    assert isinstance(moved, LabelsPrinted)
    # The first bore it, and is not told of: only the parcel on which it stands.
    take(a_message(NUMBER, detail("delivered")))
    assert [queries.shipment(one).state for one in (first, second)] == ["shipped", "delivered"]
    assert isinstance(print_labels(SYSTEM, requests=[PrintLabels(first)])[0], errors.TrackingInUse)


def test_a_carrier_gives_a_number_again_after_months(house: Floor):
    one, soon, late = packed(*placed(house, 3, (0, 1)))
    sent(NUMBER, one)
    before = replace(SYSTEM, at=NOW + timedelta(days=AGAIN_DAYS - 1))
    after = replace(SYSTEM, at=NOW + timedelta(days=AGAIN_DAYS + 1))
    assert isinstance(sent(NUMBER, soon, before), errors.TrackingInUse)
    assert isinstance(sent(NUMBER, late, after), FulfillmentShipped)


def test_numbers_that_were_given_before_stand_where_they_were_last_given(house: Floor):
    """As things were, one number could be on two: the later has it, and ours are nobody's."""
    first, second, bare = shipped(*placed(house, 3, (0, 1)))
    print_labels(SYSTEM, requests=[PrintLabels(first, (OTHER,))])
    for number, which, at in ((NUMBER, first, NOW), (NUMBER, second, NOW + timedelta(hours=1))):
        sql.change(
            "UPDATE shipping_shipment SET tracking = %(number)s, shipped_at = %(at)s WHERE id = %(id)s::uuid",
            {"number": number, "at": at, "id": which},
        )
    sql.run("DELETE FROM shipping_number")
    sql.run(import_module("entrepot.shipping.migrations.0020_numbers_once").BORNE)
    assert sql.run("SELECT carrier, tracking, shipment_id FROM shipping_number ORDER BY 2") == [
        ("Post", NUMBER, second), ("Post", OTHER, first),
    ]  # fmt: skip
    assert bare not in {one for (one,) in sql.run("SELECT shipment_id FROM shipping_number")}
