"""shipping.ask_rates, record_quotes, buy_labels, record_purchases, poll: by the relay, against a local imitation."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.carriage.commands.register import register_services
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.kernel.relay import relay_once
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import AddressGiven
from entrepot.shipping import asking, errors, queries, tasks
from entrepot.shipping.choosing import Choosing
from entrepot.shipping.commands.buy import (
    BuyLabels,
    LabelsAsked,
    PurchaseRecorded,
    RecordPurchase,
    buy_labels,
    record_purchases,
)
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.label import PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.poll import PollTracking, TrackingPolled, poll
from entrepot.shipping.commands.quote import (
    AskRates,
    QuotesRecorded,
    RatesAsked,
    RecordQuotes,
    ask_rates,
    record_quotes,
)
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.shipping.commands.take_tracking import TakeTracking, take_tracking
from entrepot.shipping.live import Bought, Rate
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.warehouse.commands.unpack import UnpackFulfillment, unpack
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.imitation import Imitation, easypost
from tests.live import LIVE, a_live_house, an_account
from tests.rules.test_easypost import a_message, detail
from tests.sizes import SIZES
from tests.told import numbers_told
from tests.walk import packed, picked, placed, shipped

pytestmark = pytest.mark.django_db
HOME = AddressGiven("Ada Byron", "1 High Street", "Leeds")


@pytest.fixture
def house(db: None) -> Floor:
    return a_live_house()


@pytest.fixture
def other(settings) -> Iterator[Imitation]:
    with an_account(settings) as imitation:
        yield imitation


def relayed() -> int:
    return relay_once({"carriers": tasks.send}, at=NOW)


def a_label(house: Floor) -> tuple[UUID, UUID]:
    (shipment,) = shipped(*placed(house, 1, (0, 1), address=HOME))
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    return shipment, printed.labels[0].label


def test_a_live_quote_takes_the_place_of_the_table(house: Floor, other: Imitation):
    (work_,) = packed(*placed(house, 1, (0, 1), address=HOME))
    assert ask_rates(SYSTEM, requests=[AskRates(work_)]) == [RatesAsked(work_, ("easypost",))]
    assert relayed() == 1
    assert other.asked[0][1]["shipment"]["to_address"]["name"] == "Ada Byron"

    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_, on_paper=True)])

    row = queries.shipment(gone.shipment)
    assert (row.service, row.cost_minor) == ("slow", 250)
    assert (row.reasons["candidates"][0]["source"], row.reasons["candidates"][0]["note"]) == ("easypost", [])
    assert "Ada" not in sql.run("SELECT string_agg(body::text, '') FROM kernel_delivery")[0][0]


def test_a_carrier_is_told_the_carton_from_outside_and_judges_its_longest_side_by_that(house: Floor):
    carton = RegisterCarton(
        COMPANY, "box", 110, 110, 60, 5_000, 40, outer_length_mm=118, outer_width_mm=118, outer_height_mm=74
    )  # fmt: skip
    register_cartons(SYSTEM, requests=[carton])
    (work_,) = packed(*placed(house, 1, (0, 1), address=HOME))

    asked = asking.of_fulfillment(work_, NOW)

    assert asked is not None
    assert [(one.length_mm, one.width_mm, one.height_mm) for one in asked.boxes] == [(118, 118, 74)]
    register_services(SYSTEM, requests=[replace(LIVE, max_length_mm=115)])
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_)])
    assert gone.service == "fast"  # the cheaper one carries up to 115 mm


@pytest.mark.parametrize(
    ("answer", "why"),
    [((503, "busy"), "EasyPost: HTTP 503"), ((422, {"error": {"message": "no"}}), "HTTP 422 no"),
     ((200, "nonsense"), "an answer that can't be read"), ((201, {"rates": []}), "does not quote Post Slow")],
)  # fmt: skip
def test_an_adapter_that_fails_leaves_the_table_and_says_why(house: Floor, other: Imitation, answer, why):
    other.answer = lambda *_: answer
    (work_,) = packed(*placed(house, 1, (0, 1)))
    ask_rates(SYSTEM, requests=[AskRates(work_)])
    assert relayed() == 1  # nobody waits for another try
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_, on_paper=True)])
    taken = queries.shipment(gone.shipment).reasons["candidates"][0]
    assert (taken["source"], taken["label_minor"]) == ("table", 300)
    assert taken["note"][:2] == ["problem", "easypost"]
    assert why in taken["note"][2]


def test_without_an_account_or_a_service_that_is_quoted_the_tables_stand(house: Floor):
    packed_, open_ = packed(*placed(house, 1, (0, 1)))[0], picked(*placed(house, 1, (0, 1)))[0]
    one, early, none = ask_rates(SYSTEM, requests=[AskRates(one) for one in (packed_, open_, ids.uuid7())])
    assert isinstance(one, RatesAsked)
    assert isinstance(early, WrongState)
    assert isinstance(none, NotFound)
    assert relayed() == 1
    told = Choosing([packed_], NOW).choose(packed_, NOW).candidates[0]
    assert told.note == ("problem", "easypost", "this installation has no account with it")
    register_services(SYSTEM, requests=[replace(LIVE, live="")])
    (refused,) = ask_rates(SYSTEM, requests=[AskRates(packed_)])
    assert isinstance(refused, errors.NotQuoted)


def test_what_is_packed_is_asked_for_by_itself_once(house: Floor, other: Imitation):
    packed(*placed(house, 2, (0, 1)))
    tasks.ask_all_rates.func(0)
    tasks.ask_all_rates.func(0)
    assert relay_once({"carriers": tasks.send}) == 2
    assert sql.run("SELECT price_minor FROM shipping_quote") == [(250,), (250,)]


def test_a_quote_of_packages_that_were_opened_counts_no_more(house: Floor, other: Imitation):
    (work_,) = packed(*placed(house, 1, (0, 1), address=HOME))
    ask_rates(SYSTEM, requests=[AskRates(work_)])
    assert relayed() == 1
    later = replace(SYSTEM, at=NOW + timedelta(minutes=1))
    unpack(later, requests=[UnpackFulfillment(work_, "another carton")])
    pack(later, requests=[PackFulfillment(work_, "XL")])
    told = Choosing([work_], later.at).choose(work_, later.at).candidates[0]
    assert (told.source, told.label_minor) == ("table", 300), "it was about another package"

    ask_rates(later, requests=[AskRates(work_)])
    assert relay_once({"carriers": tasks.send}, at=later.at + timedelta(minutes=1)) == 1
    told = Choosing([work_], later.at).choose(work_, later.at).candidates[0]
    assert (told.source, told.label_minor) == ("easypost", 250)


def test_the_time_that_a_carrier_quotes_for_the_place_counts_for_its_promise(house: Floor):
    """The table says 4 days for a country, the carrier 2 for this street; what it is late by is counted from that."""
    (work_,) = packed(*placed(house, 1, (0, 1)))

    def told(days: int | None) -> int:
        rates = (Rate("Post Slow", 111, "GBP", days, "r1"),)
        record_quotes(SYSTEM, requests=[RecordQuotes(work_, "easypost", rates)])
        return Choosing([work_], NOW).choose(work_, NOW).candidates[0].days

    assert [told(days) for days in (None, 400, -1, 2)] == [4, 4, 4, 2]
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_, on_paper=True)])
    assert queries.shipment(gone.shipment).reasons["candidates"][0]["days"] == 2
    deliver(SYSTEM, requests=[Delivered(gone.shipment, NOW + timedelta(days=3))])
    assert sql.run("SELECT timed_by, slip::int FROM shipping_transit") == [("easypost", 1)]

    (other,) = packed(*placed(house, 1, (0, 1), promise_at=NOW + timedelta(days=4)))
    chosen = Choosing([other], NOW).choose(other, NOW).candidates[0]
    assert (chosen.timed_by, chosen.seen) == ("table", 0), (
        "nobody quoted it, and nothing is known of the table's time"
    )


def test_quotes_are_recorded_for_what_is_there(house: Floor):
    (work_,) = packed(*placed(house, 1, (0, 1)))
    rates = (Rate("Post Slow", 111, "GBP", 4, "r1"), Rate("Post Other", 1, "GBP", 1, "r2"))
    wanted = [RecordQuotes(work_, "easypost", rates), RecordQuotes(ids.uuid7(), "easypost", rates),
              RecordQuotes(work_, "karrio", rates)]  # fmt: skip
    fine, none, stranger = record_quotes(SYSTEM, requests=wanted)
    assert (fine, stranger) == (QuotesRecorded(work_, 1), QuotesRecorded(work_, 0))
    assert isinstance(none, NotFound)
    assert record_quotes(SYSTEM, requests=[replace(wanted[0], key="k")]) == [fine]


def test_a_label_is_bought_bears_the_carriers_number_and_is_given_back(house: Floor, other: Imitation):
    shipment, label = a_label(house)
    asked, again = buy_labels(SYSTEM, requests=[BuyLabels(shipment), BuyLabels(shipment)])
    assert asked == LabelsAsked(shipment, (label,))
    assert isinstance(again, errors.NoLabelToBuy)
    assert relayed() == 2, "what it is bought by, and then the label"

    (row,) = queries.labels(shipment=shipment)
    assert (row.tracking, queries.shipment(shipment).tracking) == ("PP100200300GB",) * 2
    assert [one["numbers"] for one in numbers_told()] == [["PP100200300GB"]]
    bought = sql.run("SELECT state, reference, cost_minor, label_url FROM shipping_purchase")
    assert bought == [("bought", "shp_1", 250, "https://labels.example/1.png")]

    # It costs what it was bought for, in the books as well.
    assert queries.shipment(shipment).cost_minor == 250
    assert balance(5500) == 250
    assert queries.shipment(shipment).reasons["bought"] is True

    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    assert relayed() == 1
    assert other.asked[-1][0] == "/v2/shipments/shp_1/refund"
    assert sql.run("SELECT state FROM shipping_purchase") == [("voided",)]


def test_labels_are_bought_in_the_form_that_a_node_prints(house: Floor, other: Imitation):
    """Of all nodes PDF, of one ZPL: it is fetched, kept, and goes to the label printer as it is."""
    zpl = "^XA^FDAda^XZ"

    def answers(path, body):
        if path.endswith("/label.zpl"):
            return 200, zpl
        status, told = easypost(path, body)
        label = {"label_url": f"{other.url}/label.zpl", "label_file_type": "application/zpl"}
        asked_as = {"options": {"label_format": "ZPL"}}
        return status, told | asked_as | {"postage_label": label} if path.endswith("/buy") else told

    other.answer = answers
    ((code,),) = sql.run("SELECT code FROM network_node WHERE id = %(id)s::uuid", {"id": house.nodes[0]})
    for scope, form in (("", "pdf"), (code, "zpl")):
        set_policy(
            SYSTEM, requests=[SetPolicy(COMPANY, "shipping.labels", {"format": form}, NOW, scope=scope)]
        )
    (wrong,) = set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "shipping.labels", {"format": "png"}, NOW)])
    assert isinstance(wrong, Invalid)
    shipment, label = a_label(house)
    assert (asking.of_label(label, NOW).label_format, asking.of_label(label, NOW - timedelta(days=1)).label_format) == (
        "zpl", "pdf",
    )  # fmt: skip
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    assert relayed() == 2
    shipments = [body["shipment"] for path, body in other.asked if path.endswith("/shipments")]
    assert shipments[-1]["options"]["label_format"] == "ZPL"
    (row,) = queries.labels(shipment=shipment)
    assert row.picture == f"data:application/zpl;base64,{b64encode(zpl.encode()).decode()}"


def test_a_label_that_is_not_sold_is_a_work_item_and_may_be_asked_for_again(house: Floor, other: Imitation):
    shipment, label = a_label(house)
    other.answer = lambda *_: (422, {"error": {"message": "no street"}})
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    assert relayed() == 1
    (item,) = work.of_subject(shipment)
    assert (item.type, "no street" in item.reason) == ("label not bought", True)
    other.answer = easypost
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    assert relayed() == 2
    assert sql.run("SELECT state, problem FROM shipping_purchase") == [("bought", "")]
    assert [one.state for one in work.of_subject(shipment)] == ["done"]

    other.answer = lambda *_: (200, {"refund_status": "rejected"})
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    assert relayed() == 1
    assert {one.type for one in work.of_subject(shipment)} == {"label not bought", "label not given back"}


def test_work_about_a_label_that_was_not_sold_ends_with_the_last_of_its_shipment(house: Floor):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "fail", problem="no street")])
    assert [(one.type, one.state) for one in work.of_subject(shipment)] == [("label not bought", "open")]
    void_labels(SYSTEM, requests=[VoidLabel(label, "another carrier takes it")])
    assert [one.state for one in work.of_subject(shipment)] == ["done"]


def test_an_outage_is_tried_again(house: Floor, other: Imitation):
    shipment, _ = a_label(house)
    other.answer = lambda *_: (503, "busy")
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    assert relayed() == 0
    other.answer = easypost
    assert relay_once({"carriers": tasks.send}, at=NOW + timedelta(minutes=1)) == 2
    assert sql.run("SELECT state FROM shipping_purchase") == [("bought",)]


def test_a_label_that_was_voided_meanwhile_is_given_back_at_once(house: Floor):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment, key="b")])
    assert buy_labels(SYSTEM, requests=[BuyLabels(shipment, key="b")]) == [LabelsAsked(shipment, (label,))]
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    bought = RecordPurchase(label, "buy", Bought("shp_9", "T9", 250, "GBP", ""), key="r")
    (done,) = record_purchases(SYSTEM, requests=[bought])
    assert done == record_purchases(SYSTEM, requests=[bought])[0] == PurchaseRecorded(label, "bought")
    assert sql.run("SELECT state FROM shipping_purchase") == [("void asked",)]
    late, none, odd = record_purchases(
        SYSTEM,
        requests=[
            replace(bought, key=None),
            RecordPurchase(ids.uuid7(), "void"),
            RecordPurchase(label, "buy"),
        ],
    )
    assert isinstance(late, WrongState)
    assert isinstance(none, NotFound)
    assert isinstance(odd, Invalid)


def test_parcels_nobody_tells_of_are_asked_about_and_arrive(house: Floor, other: Imitation):
    (order,) = placed(house, 1, (0, 1))
    shipped(order)
    later = replace(SYSTEM, at=NOW + timedelta(hours=5))
    wanted = PollTracking(COMPANY, ("easypost",))
    assert poll(SYSTEM, requests=[wanted]) == [TrackingPolled(COMPANY, 0)]
    assert poll(later, requests=[replace(wanted, key="p")]) == [TrackingPolled(COMPANY, 1)]
    assert poll(later, requests=[replace(wanted, key="p")]) == [TrackingPolled(COMPANY, 1)]
    assert poll(later, requests=[wanted]) == [TrackingPolled(COMPANY, 0)]
    assert relay_once({"carriers": tasks.send}, at=later.at) == 1
    assert orders.order(order).status == "delivered"


def test_who_tells_by_itself_is_asked_about_what_it_was_silent_of(house: Floor):
    (order,) = placed(house, 1, (0, 1))
    (shipment,) = shipped(order)
    wanted = PollTracking(COMPANY, (), ("easypost",))

    def asked(hours: int) -> int:
        (told,) = poll(replace(SYSTEM, at=NOW + timedelta(hours=hours)), requests=[wanted])
        return told.shipments

    number = queries.shipment(shipment).tracking
    told = TakeTracking(COMPANY, "easypost", a_message(number, detail("in_transit")))
    take_tracking(replace(SYSTEM, at=NOW + timedelta(hours=20)), requests=[told])
    assert [asked(hours) for hours in (5, 25, 43, 45, 46, 70)] == [0, 0, 0, 1, 0, 1]


@pytest.mark.counts(
    "shipping.ask_rates",
    "shipping.record_quotes",
    "shipping.buy_labels",
    "shipping.record_purchases",
    "shipping.poll",
)
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    for size in SIZES:
        ready = packed(*placed(house, size, (0, 1)))
        with statements():
            ask_rates(SYSTEM, requests=[AskRates(one, key=str(one)) for one in ready])
        rates = (Rate("Post Slow", 111, "GBP", 4, "r1"),)
        with statements():
            record_quotes(
                SYSTEM, requests=[RecordQuotes(one, "easypost", rates, key=f"q{one}") for one in ready]
            )
        gone = ship(SYSTEM, requests=[ShipFulfillment(one, on_paper=True) for one in ready])
        sent = [one.shipment for one in gone]
        printed = print_labels(SYSTEM, requests=[PrintLabels(one) for one in sent])
        with statements():
            buy_labels(SYSTEM, requests=[BuyLabels(one, key=str(one)) for one in sent])
        labels = [one.labels[0].label for one in printed]
        with statements():
            record_purchases(SYSTEM, requests=[
                RecordPurchase(one, "buy", Bought(str(one), str(one), 1, "GBP", ""), key=str(one)) for one in labels
            ])  # fmt: skip
        with statements():
            poll(
                SYSTEM,
                requests=[PollTracking(COMPANY, ("easypost",), key=f"{size}-{i}") for i in range(size)],
            )
