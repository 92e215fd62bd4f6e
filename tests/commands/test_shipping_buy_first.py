"""shipping.ship where a service sells labels, ship_labeled, ship_on_paper, stop_consignments: nothing is booked before
the labels are bought."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.kernel import sql, worker
from entrepot.kernel.errors import Invalid, Refused, WrongState
from entrepot.kernel.relay import relay_once
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.shipping import asking, errors, queries, tasks
from entrepot.shipping.commands import consign
from entrepot.shipping.commands.buy import (
    BuyLabels,
    LabelsAsked,
    RecordPurchase,
    buy_labels,
    record_purchases,
)
from entrepot.shipping.commands.label import PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.manifest import CloseManifest, ManifestClosed, close_manifests
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.shipping.commands.ship_labeled import ShipLabeled, ShipOnPaper, ship_labeled, ship_on_paper
from entrepot.shipping.commands.stop_consignments import (
    ConsignmentsStopped,
    StopConsignments,
    stop_consignments,
)
from entrepot.shipping.commands.take_tracking import TakeTracking, take_tracking
from entrepot.shipping.commands.watch_purchases import WatchPurchases, watch_purchases
from entrepot.shipping.live import Bought
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.warehouse.commands.unpack import UnpackFulfillment, unpack
from entrepot.warehouse.commands.withdraw import withdraw
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.imitation import Imitation, easypost
from tests.live import a_live_house, an_account
from tests.rules.test_easypost import a_message, detail
from tests.sizes import SIZES
from tests.told import numbers_told
from tests.walk import packed, placed, queued

pytestmark = pytest.mark.django_db

DEAR = RegisterService(
    COMPANY, "Own", "own", "Own van", 4, 30_000, "GBP", (("GB", "GB", "inland"),), (("inland", 30_000, 900),)
)


@pytest.fixture
def house(db: None) -> Floor:
    return a_live_house()


@pytest.fixture
def other(settings) -> Iterator[Imitation]:
    with an_account(settings) as imitation:
        yield imitation


def relayed() -> int:
    return relay_once({"carriers": tasks.send}, at=NOW)


def served() -> None:
    worker.serve_once({"labeled": worker.queues()["labeled"]})


def looked_after() -> tuple[UUID, ...]:
    """The labels that were taken back of what was opened."""
    (done,) = stop_consignments(SYSTEM, requests=[StopConsignments(COMPANY)])
    assert isinstance(done, ConsignmentsStopped)
    return done.labels


def begun(house: Floor, packages: int = 1) -> tuple[UUID, FulfillmentShipped, list[queries.LabelRow]]:
    """A fulfillment that waits for its labels."""
    if packages > 1:
        register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    (which,) = packed(*placed(house, 1, (0, packages)))
    (told,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert isinstance(told, FulfillmentShipped), told
    return which, told, queries.labels(shipment=told.shipment)


def sold(label: UUID, number: str = "PP100200300GB", amount: int = 250) -> RecordPurchase:
    return RecordPurchase(label, "buy", Bought(f"shp {label}", number, amount, "GBP", ""))


def bought(*labels: UUID) -> None:
    answers = record_purchases(SYSTEM, requests=[sold(one, f"P{one.hex[-8:]}") for one in labels])
    assert not any(isinstance(one, Refused) for one in answers), answers


def told_shipped() -> list[dict[str, Any]]:
    found = sql.run("SELECT body::text FROM kernel_delivery WHERE topic = 'order.shipped' ORDER BY id")
    return [json.loads(body) for (body,) in found]


def state_of(fulfillment: UUID) -> str:
    return sql.run("SELECT state FROM warehouse_fulfillment WHERE id = %(id)s::uuid", {"id": fulfillment})[0][
        0
    ]


def nothing_is_booked(house: Floor, shipment: UUID) -> bool:
    return (
        queries.shipment(shipment) is None
        and units(house.skus[0]) == 5_000
        and balance(5500) == 0
        and not told_shipped()
    )


# ---- the way


def test_it_leaves_when_its_label_is_bought(house: Floor, other: Imitation):
    which, told, (label,) = begun(house)
    assert (told.state, told.service, told.amount_minor) == ("labeling", "slow", 0)
    assert (label.state, label.purchase, label.tracking) == ("awaited", "asked", told.number)
    assert nothing_is_booked(house, told.shipment)
    assert state_of(which) == "packed"

    assert relayed() == 2, "what it is bought by, and then the label"
    assert nothing_is_booked(house, told.shipment), "the relay books nothing"
    assert queued("labeled") == [which]
    served()

    row = queries.shipment(told.shipment)
    assert (row.number, row.fulfillment, row.tracking, row.cost_minor) == (
        told.number,
        which,
        "PP100200300GB",
        250,
    )
    assert (row.reasons["bought"], balance(5500), units(house.skus[0])) == (True, 250, 4_999)
    (label,) = queries.labels(shipment=told.shipment)
    assert (label.state, label.purchase) == ("printed", "bought")
    (message,) = told_shipped()
    assert (message["tracking"], message["numbers"]) == ("PP100200300GB", ["PP100200300GB"])
    assert numbers_told() == [], "the channel was told them with the shipment"
    assert queries.consignments(COMPANY) == []
    assert queued("ship") == []


def test_of_several_packages_the_last_label_lets_it_leave(house: Floor):
    which, told, (first, second) = begun(house, 2)
    bought(second.id)
    served()
    (refused,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert isinstance(refused, errors.LabelsAwaited)
    assert f"{first.package_number}: asked" in refused.message
    assert second.package_number not in refused.message
    assert nothing_is_booked(house, told.shipment)
    assert numbers_told() == []

    bought(first.id)
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert (gone.state, gone.shipment, gone.cost_minor) == ("shipped", told.shipment, 500)
    labels = queries.labels(shipment=told.shipment)
    assert told_shipped()[0]["numbers"] == [one.tracking for one in labels]
    assert queries.shipment(told.shipment).tracking == labels[0].tracking
    assert [one.state for one in labels] == ["printed", "printed"]
    served()
    assert units(house.skus[0]) == 4_998, "once"


def test_what_is_sold_in_another_currency_is_accrued_as_chosen(house: Floor):
    _, told, (label,) = begun(house)
    record_purchases(SYSTEM, requests=[RecordPurchase(label.id, "buy", Bought("r", "PP1", 9, "EUR", ""))])
    served()
    row = queries.shipment(told.shipment)
    assert (row.cost_minor, "bought" in row.reasons, balance(5500)) == (300, False, 300)


def test_a_service_of_our_own_waits_for_nothing(house: Floor):
    register_services(SYSTEM, requests=[DEAR])
    (which,) = packed(*placed(house, 1, (0, 1)))
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which, service="own")])
    assert (gone.state, gone.service) == ("shipped", "own")
    assert sql.run("SELECT count(*) FROM shipping_consignment") == [(0,)]


def test_the_same_key_gets_the_same_answer_and_asks_once(house: Floor):
    (which,) = packed(*placed(house, 1, (0, 1)))
    first = ship(SYSTEM, requests=[ShipFulfillment(which, key="k")])
    assert ship(SYSTEM, requests=[ShipFulfillment(which, key="k")]) == first
    one, twice = ship(SYSTEM, requests=[ShipFulfillment(which), ShipFulfillment(which)])
    assert isinstance(one, errors.LabelsAwaited)
    assert isinstance(twice, errors.LabelsAwaited)
    asked = sql.run("SELECT count(*) FROM kernel_delivery WHERE topic = 'carrier.buy'")
    assert asked == [(1,)]


def test_of_two_requests_for_the_same_one_is_told_that_it_is_asked_for(house: Floor):
    (which,) = packed(*placed(house, 1, (0, 1)))
    asked, twice = ship(SYSTEM, requests=[ShipFulfillment(which), ShipFulfillment(which)])
    assert asked.state == "labeling"
    assert isinstance(twice, errors.LabelsAwaited)


# ---- refused, in doubt


def test_what_is_refused_is_work_and_books_nothing_and_may_be_asked_for_again(house: Floor, other: Imitation):
    which, told, (label,) = begun(house)
    other.answer = lambda *_: (422, {"error": {"message": "no street"}})
    assert relayed() == 1
    served()
    assert nothing_is_booked(house, told.shipment)
    (item,) = work.of_subject(told.shipment)
    assert (item.type, item.state, "no street" in item.reason) == ("label not bought", "open", True)
    (row,) = queries.consignments(COMPANY)
    assert (row.stage, row.fulfillment, "no street" in row.problem) == ("failed", which, True)
    (refused,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert isinstance(refused, errors.LabelsAwaited)
    assert "no street" in refused.message

    other.answer = easypost
    (again,) = buy_labels(SYSTEM, requests=[BuyLabels(told.shipment)])
    assert again.labels == (label.id,)
    assert relayed() == 2
    served()
    assert queries.shipment(told.shipment).tracking == "PP100200300GB"
    assert [one.state for one in work.of_subject(told.shipment)] == ["done"]


def test_another_service_takes_what_was_refused(house: Floor):
    register_services(SYSTEM, requests=[DEAR])
    which, told, (label,) = begun(house)
    record_purchases(SYSTEM, requests=[RecordPurchase(label.id, "fail", problem="no street")])
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which, service="own")])
    assert (gone.shipment, gone.number, gone.state, gone.cost_minor) == (
        told.shipment,
        told.number,
        "shipped",
        900,
    )
    assert [one.state for one in queries.labels(shipment=told.shipment)] == ["voided"]
    assert [one.state for one in work.of_subject(told.shipment)] == ["done"]
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(told.shipment)])
    assert len(printed.labels) == 1


def test_another_live_service_is_asked_and_what_was_bought_is_given_back(house: Floor):
    register_services(SYSTEM, requests=[replace(DEAR, live="easypost:Post Fast")])
    which, told, (first, second) = begun(house, 2)
    bought(first.id)
    record_purchases(SYSTEM, requests=[RecordPurchase(second.id, "fail", problem="too large")])
    (anew,) = ship(SYSTEM, requests=[ShipFulfillment(which, service="own")])
    assert (anew.shipment, anew.state, anew.service) == (told.shipment, "labeling", "own")
    labels = queries.labels(shipment=told.shipment)
    assert [one.state for one in labels] == ["voided", "voided", "awaited", "awaited"]
    assert [one.purchase for one in labels] == ["void asked", "failed", "asked", "asked"]
    assert sql.run("SELECT DISTINCT service FROM shipping_purchase WHERE state = 'asked'") == [("Post Fast",)]
    assert nothing_is_booked(house, told.shipment)

    bought(*(one.id for one in labels[2:]))
    served()
    row = queries.shipment(told.shipment)
    assert (row.service, row.carrier, row.cost_minor) == ("own", "Own", 500)


@pytest.mark.parametrize(
    ("outcome", "kind"), [(None, errors.LabelNotAnswered), ("doubt", errors.LabelInDoubt)]
)
def test_no_other_is_asked_for_while_nobody_knows_of_the_first(house: Floor, outcome: str | None, kind: type):
    register_services(SYSTEM, requests=[replace(DEAR, live="easypost:Post Fast")])
    which, told, (label,) = begun(house)
    if outcome:
        record_purchases(SYSTEM, requests=[RecordPurchase(label.id, outcome, problem="?")])
    (refused,) = ship(SYSTEM, requests=[ShipFulfillment(which, service="own")])
    assert isinstance(refused, kind)
    # Nor where its label was voided in between, and none stands in its place.
    void_labels(SYSTEM, requests=[VoidLabel(label.id, "torn")])
    (refused,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert isinstance(refused, kind)
    assert nothing_is_booked(house, told.shipment)


def test_a_label_that_is_in_doubt_and_there_is_named_by_its_number(house: Floor):
    which, told, (label,) = begun(house)
    record_purchases(SYSTEM, requests=[RecordPurchase(label.id, "doubt", problem="?")])
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which, tracking="PP 77")])
    assert (gone.state, gone.shipment, gone.cost_minor) == ("shipped", told.shipment, 300)
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(told.shipment, ("PP77",))])
    assert printed.labels[0].tracking == "PP77"
    assert [one.state for one in work.of_subject(told.shipment)] == ["done"]


def test_a_label_that_was_voided_is_asked_for_anew(house: Floor):
    which, told, (first, second) = begun(house, 2)
    bought(first.id)
    void_labels(SYSTEM, requests=[VoidLabel(first.id, "torn")])
    (again,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert (again.state, again.shipment) == ("labeling", told.shipment)
    labels = {one.purchase: one for one in queries.labels(shipment=told.shipment) if one.state == "awaited"}
    assert labels.keys() == {"asked"}
    now = [one for one in queries.labels(shipment=told.shipment) if one.state == "awaited"]
    assert {one.package for one in now} == {first.package, second.package}
    bought(*(one.id for one in now))
    served()
    assert queries.shipment(told.shipment).state == "shipped"


# ---- on paper, by hand


def test_on_paper_for_a_reason(house: Floor):
    which, told, (first, second) = begun(house, 2)
    bought(first.id)
    record_purchases(SYSTEM, requests=[RecordPurchase(second.id, "fail", problem="no street")])
    (none,) = ship_on_paper(SYSTEM, requests=[ShipOnPaper(which, " ")])
    assert isinstance(none, Invalid)
    wanted = [ShipOnPaper(which, "the driver is here", key="p")]
    (gone,) = ship_on_paper(SYSTEM, requests=wanted)
    assert ship_on_paper(SYSTEM, requests=wanted) == [gone]
    assert (gone.state, gone.shipment, gone.cost_minor) == ("shipped", told.shipment, 600)
    labels = queries.labels(shipment=told.shipment)
    assert [one.state for one in labels] == ["printed", "voided"], "what was bought stays"
    assert queries.shipment(told.shipment).tracking == labels[0].tracking
    reasons = "SELECT reason FROM kernel_event WHERE subject_id = %(id)s::uuid AND state_after = 'shipped'"
    assert sql.run(reasons, {"id": told.shipment}) == [("the driver is here",)]
    (late,) = ship_on_paper(SYSTEM, requests=[ShipOnPaper(which, "again")])
    assert isinstance(late, WrongState)


def test_a_number_for_the_package_whose_label_was_refused_goes_beside_the_bought_one(house: Floor):
    which, told, (first, second) = begun(house, 2)
    bought(first.id)
    record_purchases(SYSTEM, requests=[RecordPurchase(second.id, "fail", problem="no street")])
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which, tracking="PP77")])
    assert gone.state == "shipped"
    kept, void = queries.labels(shipment=told.shipment)
    assert (kept.state, void.state) == ("printed", "voided")
    assert told_shipped()[0]["numbers"] == [kept.tracking, "PP77"]
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(told.shipment)])
    assert [(one.package, one.tracking) for one in printed.labels] == [(second.package, "PP77")]
    assert queries.shipment(told.shipment).tracking == "PP77"


def test_it_arrives_with_the_parcel_that_no_label_was_bought_for_as_well(house: Floor):
    which, told, (first, second) = begun(house, 2)
    bought(first.id)
    record_purchases(SYSTEM, requests=[RecordPurchase(second.id, "fail", problem="no street")])
    ship(SYSTEM, requests=[ShipFulfillment(which, tracking="PP77")])
    kept = queries.labels(shipment=told.shipment)[0].tracking
    there = NOW + timedelta(days=2)
    for number, at in ((kept, None), ("PP77", there + timedelta(days=1))):
        told_at = there + timedelta(days=number == "PP77")
        payload = a_message(number, detail("delivered", told_at), name=number)
        take_tracking(SYSTEM, requests=[TakeTracking(COMPANY, "easypost", payload)])
        assert queries.shipment(told.shipment).delivered_at == at


def test_no_other_package_is_printed_with_a_number_that_was_bought(house: Floor):
    which, told, (first, second) = begun(house, 2)
    bought(second.id)
    record_purchases(SYSTEM, requests=[RecordPurchase(first.id, "fail", problem="no street")])
    ship_on_paper(SYSTEM, requests=[ShipOnPaper(which, "the driver is here")])
    (kept,) = [one for one in queries.labels(shipment=told.shipment) if one.state == "printed"]
    assert queries.shipment(told.shipment).tracking == kept.tracking
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(told.shipment)])
    assert [(one.package, one.tracking) for one in printed.labels] == [(first.package, told.number)]
    assert queries.shipment(told.shipment).tracking == kept.tracking


def test_what_lacks_a_label_by_now_stays_and_none_is_bought_for_it(house: Floor):
    which, _, (first,) = begun(house, 1)
    bought(first.id)
    void_labels(SYSTEM, requests=[VoidLabel(first.id, "torn")])
    (stays,) = ship(SYSTEM, requests=[ShipFulfillment(which, buys=False)])
    assert isinstance(stays, errors.LabelsAwaited)
    assert sql.run("SELECT count(*)::int FROM shipping_label") == [(1,)]


def test_the_number_of_a_label_that_was_bought_stands_once(house: Floor):
    which, told, (label,) = begun(house)
    bought(label.id)
    (label,) = queries.labels(shipment=told.shipment)
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which, tracking=label.tracking.lower())])
    assert gone.state == "shipped"
    assert told_shipped()[0]["numbers"] == [label.tracking]
    assert queries.shipment(told.shipment).tracking == label.tracking


def test_the_number_of_one_bought_label_is_none_for_the_other_package(house: Floor):
    which, told, (first, _) = begun(house, 2)
    bought(first.id)
    first, _ = queries.labels(shipment=told.shipment)
    (waits,) = ship(SYSTEM, requests=[ShipFulfillment(which, tracking=first.tracking)])
    assert isinstance(waits, errors.LabelsAwaited)


def test_a_number_beside_the_labels_of_all_packages_is_refused_until_one_is_void(house: Floor):
    which, told, (label,) = begun(house)
    bought(label.id)
    (label,) = queries.labels(shipment=told.shipment)
    wanted = [ShipFulfillment(which, tracking="PP77", key="n")]
    (refused,) = ship(SYSTEM, requests=wanted)
    assert isinstance(refused, errors.NotItsLabel)
    assert f"{label.package_number}: {label.tracking}" in refused.message
    assert nothing_is_booked(house, told.shipment)
    void_labels(SYSTEM, requests=[VoidLabel(label.id, "its parcel bears another")])
    (gone,) = ship(SYSTEM, requests=wanted)
    assert (gone.state, gone.cost_minor) == ("shipped", 300)
    assert told_shipped()[0]["numbers"] == ["PP77"]
    assert queries.labels(shipment=told.shipment)[0].purchase == "void asked"


def test_what_could_not_be_asked_for_is_told_and_asked_for_the_next_time(house: Floor, monkeypatch):
    (which,) = packed(*placed(house, 1, (0, 1)))
    no = errors.NotQuoted(subject="it")
    monkeypatch.setattr(consign, "buy_labels", lambda *_, requests: [no for _ in requests])
    wanted = ShipFulfillment(which, key="k")
    (waits,) = ship(SYSTEM, requests=[wanted])
    assert (waits.state, waits.unasked) == ("labeling", no.message), "it stands, though nothing was asked for"
    (row,) = queries.consignments(COMPANY)
    assert (row.id, row.number, row.stage) == (waits.shipment, waits.number, "not asked")
    monkeypatch.undo()
    assert ship(SYSTEM, requests=[wanted]) == [waits], "by key what was answered then"
    (asked,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert (asked.state, asked.unasked, asked.shipment) == ("labeling", "", waits.shipment)
    assert [one.purchase for one in queries.labels(shipment=asked.shipment)] == ["asked"]


def test_a_number_that_somebody_has_needs_no_purchase(house: Floor):
    (which,) = packed(*placed(house, 1, (0, 1)))
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which, tracking="PP 12")])
    assert gone.state == "shipped"
    assert sql.run("SELECT count(*) FROM shipping_label") == [(0,)]


# ---- it may not leave all the same


def test_what_is_held_when_its_label_comes_is_work_and_leaves_later(house: Floor):
    which, told, (label,) = begun(house)
    order = sql.run("SELECT order_id FROM warehouse_fulfillment")[0][0]
    (hold,) = place_hold(SYSTEM, requests=[PlaceHold(order, "fraud review", "looks odd")])
    bought(label.id)
    served()
    assert nothing_is_booked(house, told.shipment)
    assert [(one.type, one.state) for one in work.of_subject(which)] == [("labeled and not shipped", "open")]
    (row,) = queries.consignments(COMPANY)
    assert row.stage == "bought"
    (held,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert isinstance(held, errors.OnHold)

    release_holds(SYSTEM, requests=[ReleaseHold(hold.hold, "fine")])
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert gone.state == "shipped"
    assert [one.state for one in work.of_subject(which)] == ["done"]


def test_only_what_has_all_its_labels_is_shipped_as_labeled(house: Floor):
    which, told, _ = begun(house)
    waits, none = ship_labeled(SYSTEM, requests=[ShipLabeled(which), ShipLabeled(told.shipment)])
    assert isinstance(waits, errors.LabelsAwaited)
    assert isinstance(none, errors.LabelsAwaited)
    assert work.of_subject(which) == []


# ---- opened, cancelled


def test_packages_that_are_opened_give_their_labels_back(house: Floor):
    which, told, (label,) = begun(house)
    bought(label.id)
    unpack(SYSTEM, requests=[UnpackFulfillment(which, "another carton")])
    looked_after()
    served()
    assert [one.purchase for one in queries.labels(shipment=told.shipment)] == ["void asked"]
    assert queries.consignments(COMPANY) == []
    assert nothing_is_booked(house, told.shipment)

    pack(SYSTEM, requests=[PackFulfillment(which)])
    (again,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert (again.state, again.shipment, again.number) == ("labeling", told.shipment, told.number)
    label = queries.labels(shipment=told.shipment)[-1]
    bought(label.id)
    served()
    assert queries.shipment(told.shipment).cost_minor == 250


def test_a_doubt_about_what_was_opened_is_settled_after_that(house: Floor):
    which, told, (label,) = begun(house)
    record_purchases(SYSTEM, requests=[RecordPurchase(label.id, "doubt", problem="?")])
    unpack(SYSTEM, requests=[UnpackFulfillment(which, "another carton")])
    looked_after()
    (answer,) = buy_labels(SYSTEM, requests=[BuyLabels(told.shipment, not_bought=(label.id,))])
    assert isinstance(answer, LabelsAsked) and answer.labels == ()
    assert sql.run("SELECT state FROM shipping_purchase WHERE label_id = %(id)s", {"id": label.id}) == [
        ("failed",)
    ]
    assert {one.state for one in work.of_subject(told.shipment)} == {"done"}


def test_what_is_packed_anew_before_anybody_looked_gets_labels_of_its_own(house: Floor):
    which, told, (old,) = begun(house)
    unpack(SYSTEM, requests=[UnpackFulfillment(which, "another carton")])
    pack(SYSTEM, requests=[PackFulfillment(which)])
    (again,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert (again.state, again.shipment) == ("labeling", told.shipment)
    assert queries.labels(shipment=told.shipment)[0].state == "voided"
    assert looked_after() == ()
    (row,) = queries.consignments(COMPANY)
    assert (row.packages, row.asked) == (1, 1), "what is packed now goes on"
    # The first may have been sold all the same: then it is given back.
    bought(old.id)
    assert queries.labels(shipment=told.shipment)[0].purchase == "void asked"
    assert queued("labeled") == []


def repacked(which: UUID) -> None:
    unpack(SYSTEM, requests=[UnpackFulfillment(which, "another carton")])
    pack(SYSTEM, requests=[PackFulfillment(which)])


@pytest.mark.parametrize("way", ["paper", "number", "own", "bought"])
def test_what_is_packed_anew_leaves_without_the_label_of_the_opened_package(house: Floor, way: str):
    register_services(SYSTEM, requests=[DEAR])
    which, told, (old,) = begun(house)
    bought(old.id)
    repacked(which)
    if way == "paper":
        (gone,) = ship_on_paper(SYSTEM, requests=[ShipOnPaper(which, "the driver is here")])
    elif way == "number":
        (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which, tracking="PP77")])
    elif way == "own":
        (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which, service="own")])
    else:
        ship(SYSTEM, requests=[ShipFulfillment(which)])
        bought(queries.labels(shipment=told.shipment)[-1].id)
        (gone,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    assert gone.state == "shipped", "before anybody looked after what was opened"
    labels = queries.labels(shipment=told.shipment)
    assert (labels[0].state, labels[0].purchase) == ("voided", "void asked")
    assert [one.state for one in labels[1:]] == ["printed"] * (way == "bought")
    assert f"P{old.id.hex[-8:]}" not in told_shipped()[0]["numbers"]
    reasons = "SELECT reason FROM kernel_event WHERE subject_id = %(id)s::uuid AND state_after = 'voided'"
    assert sql.run(reasons, {"id": old.id}) == [("its package was opened",)]
    assert queries.discrepancies() == []


def test_a_refused_label_of_an_opened_package_is_not_asked_for_again(house: Floor, other: Imitation):
    which, told, (old,) = begun(house)
    record_purchases(SYSTEM, requests=[RecordPurchase(old.id, "fail", problem="no street")])
    unpack(SYSTEM, requests=[UnpackFulfillment(which, "another carton")])
    (nothing,) = buy_labels(SYSTEM, requests=[BuyLabels(told.shipment)])
    assert isinstance(nothing, errors.NoLabelToBuy)
    pack(SYSTEM, requests=[PackFulfillment(which)])
    ship(SYSTEM, requests=[ShipFulfillment(which)])
    first, anew = queries.labels(shipment=told.shipment)
    assert [(one.state, one.purchase) for one in (first, anew)] == [
        ("voided", "failed"),
        ("awaited", "asked"),
    ]


def test_no_adapter_is_asked_for_the_label_of_an_opened_package(house: Floor, other: Imitation):
    which, told, (label,) = begun(house)
    unpack(SYSTEM, requests=[UnpackFulfillment(which, "another carton")])
    assert asking.of_label(label.id, NOW) is None
    relayed()
    assert [one.purchase for one in queries.labels(shipment=told.shipment)] == ["failed"]
    assert other.asked == []


def test_what_waits_for_no_label_any_more_is_stopped_when_it_is_opened(house: Floor):
    which, _, (label,) = begun(house)
    void_labels(SYSTEM, requests=[VoidLabel(label.id, "torn")])
    looked_after()
    (row,) = queries.consignments(COMPANY)
    assert row.stage == "not asked", "its package is closed: it is asked for anew"
    unpack(SYSTEM, requests=[UnpackFulfillment(which, "another carton")])
    assert queries.consignments(COMPANY) == []
    served()
    assert looked_after() == ()
    assert sql.run("SELECT state FROM shipping_consignment") == [("stopped",)]
    assert work.of_subject(which) == []


def test_one_label_that_was_voided_keeps_no_other_from_being_given_back(house: Floor):
    which, _, (first, second) = begun(house, 2)
    bought(first.id, second.id)
    unpack(SYSTEM, requests=[UnpackFulfillment(which, "another carton")])
    void_labels(SYSTEM, requests=[VoidLabel(first.id, "torn")])
    assert looked_after() == (second.id,)


def test_what_has_its_labels_and_was_forgotten_is_offered_again(house: Floor):
    which, told, (label,) = begun(house)
    bought(label.id)
    sql.run("DELETE FROM kernel_ready WHERE queue = 'labeled'")
    looked_after()
    assert queued("labeled") == [which]
    served()
    assert queries.shipment(told.shipment).state == "shipped"
    looked_after()
    assert queued("labeled") == []


def test_those_that_a_page_shows_are_told_however_many_wait(house: Floor):
    one, other = packed(*placed(house, 2, (0, 1)))
    ship(SYSTEM, requests=[ShipFulfillment(one), ShipFulfillment(other)])
    for which in (one, other):
        (row,) = queries.consignments(COMPANY, limit=1, fulfillments=[which])
        assert (row.fulfillment, row.stage) == (which, "asked")
    assert queries.consignments(COMPANY, fulfillments=[]) == []


def test_what_left_meanwhile_is_no_work(house: Floor):
    which, _, (label,) = begun(house)
    bought(label.id)
    one, twice = ship_labeled(SYSTEM, requests=[ShipLabeled(which, key="a"), ShipLabeled(which, key="b")])
    assert isinstance(one, FulfillmentShipped)
    assert isinstance(twice, WrongState)
    assert work.of_subject(which) == []


def test_an_order_that_is_cancelled_meanwhile_gives_its_labels_back(house: Floor):
    which, told, (label,) = begun(house)
    order = sql.run("SELECT order_id FROM warehouse_fulfillment")[0][0]
    (gone,) = withdraw(SYSTEM, requests=[CancelOrder(order, reason="changed his mind")])
    assert not isinstance(gone, Refused), gone
    bought(label.id)
    looked_after()
    served()
    assert [one.purchase for one in queries.labels(shipment=told.shipment)] == ["void asked"]
    assert state_of(which) == "cancelled"
    assert orders.order(order).status == "cancelled"


# ---- beside


def test_no_manifest_lists_what_has_not_left(house: Floor):
    _, _, (label,) = begun(house)
    node = sql.run("SELECT node_id FROM shipping_label")[0][0]
    assert queries.waiting(COMPANY) == []
    (nothing,) = close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, node, "Post")])
    assert isinstance(nothing, errors.NothingToManifest)
    bought(label.id)
    served()
    (closed,) = close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, node, "Post")])
    assert isinstance(closed, ManifestClosed)


def test_a_label_that_nobody_answers_for_is_told(house: Floor):
    _, told, (label,) = begun(house)
    later = replace(SYSTEM, at=NOW + timedelta(hours=1))
    watch_purchases(later, requests=[WatchPurchases(COMPANY)])
    assert [one.type for one in work.of_subject(told.shipment)] == ["label not answered"]
    bought(label.id)
    served()
    assert [one.state for one in work.of_subject(told.shipment)] == ["done"]


@pytest.mark.counts(
    "shipping.ship", "shipping.ship_labeled", "shipping.ship_on_paper", "shipping.stop_consignments"
)
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    for size in SIZES:
        first, second = (packed(*placed(house, size, (0, 1))) for _ in range(2))
        with statements():
            ship(SYSTEM, requests=[ShipFulfillment(one, key=f"s{one}") for one in first])
        waits = "SELECT id FROM shipping_label WHERE state = 'awaited' ORDER BY id"
        labels = [label for (label,) in sql.run(waits)]
        record_purchases(
            SYSTEM, requests=[sold(one, f"PP{size}-{place}") for place, one in enumerate(labels)]
        )
        with statements():
            ship_labeled(SYSTEM, requests=[ShipLabeled(one, key=f"l{one}") for one in first])
        served()
        ship(SYSTEM, requests=[ShipFulfillment(one) for one in second])
        unpack(SYSTEM, requests=[UnpackFulfillment(one, "another carton") for one in second])
        with statements():
            again = [StopConsignments(COMPANY, key=f"o{size}-{place}") for place in range(size)]
            stop_consignments(SYSTEM, requests=again)
        pack(SYSTEM, requests=[PackFulfillment(one) for one in second])
        with statements():
            ship_on_paper(SYSTEM, requests=[ShipOnPaper(one, "in a hurry", key=f"p{one}") for one in second])
