"""How a service's own history, and quotes, steer the choice of the next."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.carriage.commands.set_cut_offs import SetCarrierCutOff, set_cut_offs
from entrepot.carriage.rules import Zone
from entrepot.kernel import sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.network.commands import register as network
from entrepot.shipping import errors, queries
from entrepot.shipping.choosing import Choosing
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.warehouse.commands.leaving import Going, Leaving, places
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house, packed, placed, shipped

pytestmark = pytest.mark.django_db
PROMISED = NOW + timedelta(days=5)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    return house


def test_a_service_that_came_late_often_is_passed_over(house: Floor):
    sent = shipped(*placed(house, 30, (0, 1), promise_at=PROMISED))
    assert {queries.shipment(one).service for one in sent} == {"slow"}
    deliver(SYSTEM, requests=[Delivered(one, NOW + timedelta(days=7)) for one in sent])
    assert sql.run("SELECT zone, timed_by, slip::int, shipments FROM shipping_transit") == [
        ("inland", "table", 3, 30)
    ]

    (cheap,) = shipped(*placed(house, 1, (0, 1), promise_at=PROMISED))
    assert queries.shipment(cheap).service == "slow"  # 500 for lateness does not pay for the faster one
    dear = {"late_penalty_minor": 5_000}
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "shipping.shopping", dear, NOW)])
    (sure,) = shipped(*placed(house, 1, (0, 1), promise_at=PROMISED))
    row = queries.shipment(sure)
    assert (row.service, row.cost_minor, row.reasons["why"]) == ("fast", 900, "least")
    taken, runner_up = row.reasons["candidates"]
    assert (runner_up["service"], runner_up["seen"]) == ("slow", 30)
    assert runner_up["late_minor"] > 600 > taken["late_minor"]
    assert runner_up["total_minor"] == 300 + runner_up["late_minor"]


def test_a_batch_is_shopped_for_with_eleven_statements(house: Floor, statements):
    ready = packed(*placed(house, 10, (0, 1)))
    for some in (ready[:1], ready):
        with statements() as ran:
            choosing = Choosing(some, NOW)
            told = {choosing.choose(one, NOW).candidates[0].service for one in some}
        assert (len(ran.texts), told) == (11, {"slow"})


def test_who_has_been_there_today_takes_it_tomorrow(house: Floor):
    """NOW is a Monday, 9:00; the fast one would be in time, had it not come at 8:00."""
    (one,) = packed(*placed(house, 1, (0, 1), promise_at=NOW + timedelta(days=1)))
    assert not Choosing([one], NOW).choose(one, NOW).choice.late
    for weekday in range(7):
        cut_off = SetCarrierCutOff(COMPANY, "Post", house.nodes[0], weekday, time(8))
        set_cut_offs(SYSTEM, requests=[cut_off])
    found = Choosing([one], NOW).choose(one, NOW)
    assert (found.choice.late, found.candidates[0].service) == (True, "fast")


def test_a_service_takes_longer_to_some_postal_codes(house: Floor):
    """Everything stands in one table: what it takes there, by when it has to leave, and with whom it is expected to."""
    areas = (Zone("GB", "GB", "inland"), Zone("GB", "GB", "inland", "", "IV", 9))
    rates = (("inland", 30_000, 100),)
    van = RegisterService(COMPANY, "Vans", "van", "Van", 1, 30_000, "GBP", areas, rates)
    register_services(SYSTEM, requests=[van])
    ready = packed(*placed(house, 2, (0, 1), promise_at=PROMISED))
    sql.change(
        "UPDATE orders_order SET country = 'GB', postal_code = 'IV12 3AB' FROM warehouse_fulfillment AS f"
        " WHERE f.id = %(one)s::uuid AND orders_order.id = f.order_id", {"one": ready[0]},
    )  # fmt: skip
    choosing = Choosing(ready, NOW)
    far, near = ({each.service: each for each in choosing.choose(one, NOW).candidates} for one in ready)
    assert (far["van"].days, far["van"].late, far["van"].lane) == (9, True, ("GB", "GBIV"))
    assert (near["van"].days, near["van"].late, near["van"].lane) == (1, False, ("GB", "GB"))
    assert choosing.choose(ready[0], NOW).choice.taken.service.code != "van"

    node = house.nodes[0]
    leaving = Leaving(places([node]), NOW)
    later, sooner = (leaving.leave_by(node, "van", "GB", code, PROMISED) for code in ("E1 6AN", "IV1 1AA"))
    assert sooner < later
    goes = [Going(node, "", "GB", code, False, PROMISED, 500, 0) for code in ("E1 6AN", "IV1 1AA")]
    assert [leaving.carrier(one) for one in goes] == ["Vans", "Post"]


def test_what_is_ready_after_the_node_s_own_cut_off_leaves_tomorrow(house: Floor):
    (one,) = packed(*placed(house, 1, (0, 1), promise_at=NOW + timedelta(days=1)))
    assert not Choosing([one], NOW).choose(one, NOW).choice.late
    week = [network.SetCutOff(house.nodes[0], weekday, time(8)) for weekday in range(7)]
    network.set_cut_offs(SYSTEM, requests=week)
    assert Choosing([one], NOW).choose(one, NOW).choice.late


def test_the_promise_is_of_the_day_where_it_goes_wherever_the_node_is(house: Floor):
    """Tuesday 7:59 in London is still Monday in Los Angeles, and in time all the same."""
    (one,) = packed(
        *placed(house, 1, (0, 1), promise_at=datetime.combine(NOW + timedelta(days=1), time(7, 59), UTC))
    )
    assert not Choosing([one], NOW).choose(one, NOW).choice.late
    west = {"zone": "America/Los_Angeles", "node": house.nodes[0]}
    sql.change("UPDATE network_node SET time_zone = %(zone)s::text WHERE id = %(node)s::uuid", west)
    assert not Choosing([one], NOW).choose(one, NOW).choice.late
    there = {"fulfillment": one}
    sql.change(
        "UPDATE orders_order SET country = 'US', postal_code = '98101' FROM warehouse_fulfillment AS f"
        " WHERE f.id = %(fulfillment)s::uuid AND orders_order.id = f.order_id", there,
    )  # fmt: skip
    sql.run("UPDATE carriage_zone SET destination = 'US' RETURNING origin")
    assert Choosing([one], NOW).choose(one, NOW).choice.late


def foreign(code: str, price: int, currency: str) -> None:
    rates = (("all", 30_000, price),)
    service = RegisterService(COMPANY, "Vans", code, code, 1, 30_000, currency, (("GB", "GB", "all"),), rates)
    register_services(SYSTEM, requests=[service])


def test_a_service_in_another_currency_is_compared_by_the_rate_of_the_day_and_barred_without_one(
    house: Floor, statements
):
    foreign("yen", 500, "JPY")
    (one,) = packed(*placed(house, 1, (0, 1)))
    found = Choosing([one], NOW).choose(one, NOW)
    assert [each.service for each in found.candidates] == ["slow", "fast"]
    assert [(each.service, each.why, each.facts) for each in found.choice.barred] == [
        ("yen", "no_exchange", ("JPY",))
    ]
    rates = [RecordRate(COMPANY, "JPY", NOW.date(), Decimal("0.005"))]
    record_rates(SYSTEM, requests=rates)
    with statements() as ran:
        found = Choosing([one], NOW).choose(one, NOW)
    assert [(each.service, each.compared_minor) for each in found.candidates] == [
        ("yen", 250), ("slow", 300), ("fast", 900),
    ]  # fmt: skip
    assert len(ran.texts) == 12
    assert found.candidates[0].total_minor == 500


def test_the_floor_expects_the_carrier_that_is_cheapest_by_the_rate_of_the_day(house: Floor, statements):
    foreign("yen", 500, "JPY")
    going = Going(house.nodes[0], "", "GB", "SW1A 1AA", False, None, 500, 1_000)
    leaving = Leaving(places(house.nodes[:1]), NOW)
    named = going._replace(service="yen")
    assert (leaving.carrier(going), leaving.carrier(named)) == ("Post", "Vans"), (
        "what is named is not compared"
    )
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "JPY", NOW.date(), Decimal("0.005"))])
    with statements() as ran:
        leaving = Leaving(places(house.nodes[:1]), NOW)
        assert (leaving.carrier(going), leaving.carrier(named)) == ("Vans", "Vans")
    assert len(ran.texts) == 8


HAZARDS = {"hazard": "enforce", "hazards_refused": ["slow>GB"]}


def test_what_is_hazardous_goes_with_no_service_that_may_not_take_it(house: Floor):
    sql.run("UPDATE catalog_sku SET hazardous = true WHERE code = %(code)s", {"code": house.codes[0]})
    first, plain = placed(house, 1, (0, 1)), placed(house, 1, (1, 1))
    house.stock(1, 5)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "orders.validation", HAZARDS, NOW - timedelta(days=1))])
    one, other = packed(*first, *plain)
    found = Choosing([one, other], NOW)
    assert found.choose(one, NOW).candidates[0].service == "fast"
    assert [each.why for each in found.choose(one, NOW).choice.barred] == ["hazardous"]
    assert found.choose(other, NOW).candidates[0].service == "slow"
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(one, service="slow")])
    assert isinstance(gone, errors.NoService)
    assert "slow may not take hazardous goods to GB" in str(gone)


def test_a_packer_names_the_service_and_says_why_where_it_comes_too_late(house: Floor):
    soon = NOW + timedelta(days=1)
    one, other, free = packed(
        *placed(house, 2, (0, 1), promise_at=soon), *placed(house, 1, (0, 1), promise_at=PROMISED)
    )
    late, unknown, sure = ship(SYSTEM, requests=[
        ShipFulfillment(one, service="slow"), ShipFulfillment(other, service="teleport"),
        ShipFulfillment(free, service="fast", key="f"),
    ])  # fmt: skip
    assert isinstance(late, errors.LateByChoice)
    assert isinstance(unknown, errors.NoService)
    assert isinstance(sure, FulfillmentShipped)
    assert (sure.service, queries.shipment(sure.shipment).reasons["why"]) == ("fast", "named")
    assert ship(SYSTEM, requests=[ShipFulfillment(free, service="fast", key="f")]) == [sure]
    (told,) = ship(SYSTEM, requests=[ShipFulfillment(one, service="slow", reason="fast has no room today")])
    assert told.service == "slow"
    assert sql.run(
        "SELECT reason FROM kernel_event WHERE subject_id = %(id)s::uuid", {"id": told.shipment}
    ) == [("fast has no room today",)]
    assert len(queries.shipment(told.shipment).reasons["candidates"]) == 2


def test_what_is_handed_over_after_the_last_collection_is_late_from_the_day_it_leaves(house: Floor):
    """Monday NOW, but nobody collects before Thursday: in four days it is there on Monday, as was counted on."""
    week = [
        network.SetCutOff(house.nodes[0], weekday, time(18) if weekday == 3 else None) for weekday in range(7)
    ]
    network.set_cut_offs(SYSTEM, requests=week)
    (sent,) = shipped(*placed(house, 1, (0, 1)))
    assert queries.shipment(sent).reasons["leaves_on"] == f"{(NOW + timedelta(days=3)).date()}"
    deliver(SYSTEM, requests=[Delivered(sent, NOW + timedelta(days=7))])
    assert sql.run("SELECT slip::int FROM shipping_transit") == [(0,)]
