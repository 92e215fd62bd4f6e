"""A carrier's number stands on one parcel: shipping.commands.take_numbers"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.shipping import errors, queries
from entrepot.shipping.commands.label import LabelsPrinted, PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.shipping.commands.ship_drop_ships import DropShipShipped, ShipDropShip, ship_drop_ships
from entrepot.shipping.commands.take_numbers import AGAIN_DAYS
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from tests.commands.test_shipping_take_tracking import take
from tests.drop import NOTICES, a_supplier, asked, passed_on, profile
from tests.floor import COMPANY, NOW, SYSTEM, Floor
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


def test_numbers_of_void_labels_are_given_back_to_nobody(house: Floor):
    (first,) = shipped(*placed(house, 1, (0, 1)))
    (made,) = print_labels(SYSTEM, requests=[PrintLabels(first, (NUMBER,))])
    void_labels(SYSTEM, requests=[VoidLabel(made.labels[0].label, "torn")])
    assert queries.shipment(first).tracking == NUMBER
    sql.run(import_module("entrepot.shipping.migrations.0020_numbers_once").BORNE)
    assert sql.run("SELECT tracking FROM shipping_number") == []


def test_what_is_refused_for_one_number_keeps_none_of_the_others(house: Floor):
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    first, second, third = shipped(
        *placed(house, 1, (0, 1)), *placed(house, 1, (0, 2)), *placed(house, 1, (0, 1))
    )
    print_labels(SYSTEM, requests=[PrintLabels(first, (NUMBER,))])
    (refused,) = print_labels(SYSTEM, requests=[PrintLabels(second, (OTHER, NUMBER))])
    assert isinstance(refused, errors.TrackingInUse)
    assert sql.run("SELECT tracking, shipment_id FROM shipping_number") == [(NUMBER, first)]
    assert isinstance(print_labels(SYSTEM, requests=[PrintLabels(third, (OTHER,))])[0], LabelsPrinted)


def named_by_a_supplier(house: Floor, days: int) -> UUID:
    """The shipment of a supplier who names the number so many days after."""
    which = asked(passed_on(house, (1, 1)))
    request = ShipDropShip(which, "Post", NUMBER)
    (answer,) = ship_drop_ships(replace(NOTICES, at=NOW + timedelta(days=days)), requests=[request])
    assert isinstance(answer, DropShipShipped)
    return answer.shipment


@pytest.mark.parametrize(("days", "is_his"), [(AGAIN_DAYS - 1, False), (AGAIN_DAYS + 1, True)])
def test_what_a_supplier_names_is_his_where_it_was_given_again_since(house: Floor, days: int, is_his: bool):
    a_supplier(house, skus=(1,))
    profile()
    (one,) = packed(*placed(house, 1, (0, 1)))
    own = sent(NUMBER, one).shipment
    his = named_by_a_supplier(house, days)
    take(a_message(NUMBER, detail("in_transit")))
    assert sql.run("SELECT shipment_id FROM shipping_carrierevent") == [(his if is_his else own,)]
