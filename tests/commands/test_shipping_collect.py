"""shipping.watch_collections and shipping.relabel: what a carrier left behind is told, handed over later, or labeled
anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.carriage.commands.set_cut_offs import SetCarrierCutOff, set_cut_offs
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.settlement import carrier_queries
from entrepot.settlement import tasks as settlement
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.take_carrier_invoices import TakeCarrierInvoice, take_carrier_invoices
from entrepot.shipping import errors, queries
from entrepot.shipping.commands.buy import BuyLabels, RecordPurchase, buy_labels, record_purchases
from entrepot.shipping.commands.collect import CollectionsWatched, WatchCollections, watch_collections
from entrepot.shipping.commands.label import PrintLabels, print_labels
from entrepot.shipping.commands.manifest import CloseManifest, ManifestClosed, close_manifests
from entrepot.shipping.commands.relabel import Relabel, Relabeled, relabel
from entrepot.shipping.live import Bought
from entrepot.work import queries as work
from tests.back import sent
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import SIZES
from tests.told import numbers_told
from tests.walk import a_house, placed, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    return house


def labeled(house: Floor, count: int = 1) -> list[UUID]:
    """Shipments that cost 300 with Post, each with a label."""
    found = shipped(*placed(house, count, (0, 1)))
    print_labels(SYSTEM, requests=[PrintLabels(one) for one in found])
    return found


def cut_off(house: Floor, at: time = time(17)) -> None:
    """Post collects every day at the same hour."""
    wanted = [SetCarrierCutOff(COMPANY, "Post", house.nodes[0], weekday, at) for weekday in range(7)]
    assert not any(isinstance(one, Refused) for one in set_cut_offs(SYSTEM, requests=wanted))


def after(hours: float) -> Cause:
    """So long after the first collection that takes what is labeled at NOW."""
    first = datetime.combine(NOW.date(), time(17), NOW.tzinfo)
    if first < NOW:
        first += timedelta(days=1)
    return replace(SYSTEM, at=first + timedelta(hours=hours))


def watched(cause: Cause) -> int:
    (answer,) = watch_collections(cause, requests=[WatchCollections(COMPANY)])
    assert isinstance(answer, CollectionsWatched)
    return answer.missed


def items(house: Floor) -> list[str]:
    return [one.reason for one in work.of_subject(house.nodes[0]) if one.state != "done"]


def test_what_a_carrier_left_behind_is_told_until_it_is_handed_over(house: Floor):
    cut_off(house)
    shipment, _ = labeled(house, 2)
    assert watched(after(-1)) == 0, "it has not come yet"
    assert watched(after(1)) == 0, "it may be late"
    assert watched(after(3)) == 2
    assert watched(after(4)) == 2
    (reason,) = items(house)
    assert "2 that wait for Post since" in reason
    assert "17:00" in reason
    assert "labeled anew" not in reason
    (waits,) = queries.waiting(COMPANY)
    assert (waits.labels, waits.missed, waits.missed_at) == (2, 2, after(0).at)
    assert queries.labels(shipment=shipment)[0].missed_at == after(0).at

    closed = close_manifests(after(20), requests=[CloseManifest(COMPANY, house.nodes[0], "Post")])
    assert isinstance(closed[0], ManifestClosed)
    assert closed[0].labels == 2, "they go with the next collection"
    assert watched(after(21)) == 0
    assert items(house) == []
    assert queries.labels(shipment=shipment)[0].missed_at is None, "it is no trouble any more"


def test_without_a_cut_off_what_waits_over_the_day_is_left_behind(house: Floor):
    labeled(house)
    assert watched(replace(SYSTEM, at=NOW + timedelta(hours=1))) == 0
    assert watched(replace(SYSTEM, at=NOW + timedelta(hours=27))) == 1


def test_what_is_printed_after_the_collection_waits_for_the_next(house: Floor):
    cut_off(house)
    later = after(0.5)
    found = shipped(*placed(house, 1, (0, 1)))
    print_labels(later, requests=[PrintLabels(one) for one in found])
    assert watched(after(3)) == 0
    assert watched(after(24 + 3)) == 1


def test_it_is_labeled_anew_with_who_comes_in_time(house: Floor):
    cut_off(house)
    (shipment,) = labeled(house)
    (old,) = queries.labels(shipment=shipment)
    owed = balance(2150)
    later = after(3)
    assert watched(later) == 1
    wanted = Relabel(shipment, "Post did not come", "fast", key="r")
    (done,) = relabel(later, requests=[wanted])
    assert isinstance(done, Relabeled)
    assert (done.carrier, done.service, done.cost_minor, done.currency) == ("Post", "fast", 900, "GBP")
    assert relabel(later, requests=[wanted]) == [done]
    row = queries.shipment(shipment)
    assert (row.service, row.cost_minor, row.tracking) == ("fast", 900, row.number)
    assert row.reasons["why"] == "named"
    assert [one.state for one in queries.labels(shipment=shipment)] == ["voided", "printed"]
    assert [one.label for one in done.labels] != [old.id]
    assert balance(2150) == owed - 600
    (body,) = numbers_told()
    assert (body["carrier"], body["tracking"], body["numbers"]) == ("Post", row.number, [])
    assert watched(later) == 0
    assert items(house) == []


def test_without_a_service_the_best_of_now_takes_it(house: Floor):
    (shipment,) = labeled(house)
    cheap = RegisterService(
        COMPANY, "Vans", "van", "Van", 1, 30_000, "EUR", (("GB", "GB", "all"),), (("all", 30_000, 120),)
    )
    register_services(SYSTEM, requests=[cheap])
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", NOW.date(), Decimal("0.85"))])
    (done,) = relabel(SYSTEM, requests=[Relabel(shipment, "late")])
    assert isinstance(done, Relabeled)
    assert (done.carrier, done.cost_minor, done.currency) == ("Vans", 120, "EUR")
    assert sql.run(
        "SELECT currency::text, sum(amount_minor)::bigint FROM ledger_line WHERE account = 2150 GROUP BY 1 ORDER BY 1"
    ) == [("EUR", -120), ("GBP", 0)]


def test_what_is_refused(house: Floor):
    first, second, bare = *labeled(house, 2), *shipped(*placed(house, 1, (0, 1)))
    sql.change("UPDATE shipping_label SET carrier = 'Other' WHERE shipment_id = %(id)s::uuid", {"id": second})
    close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, house.nodes[0], "Other")])
    unknown, silent, gone, none, no_service, twice = relabel(SYSTEM, requests=[
        Relabel(ids.uuid7(), "late"), Relabel(first, " "), Relabel(second, "late"), Relabel(bare, "late"),
        Relabel(first, "late", "teleport"), Relabel(first, "late"),
    ])  # fmt: skip
    assert isinstance(unknown, NotFound)
    assert isinstance(silent, Invalid)
    assert isinstance(gone, WrongState)
    assert gone.facts["found"] == "manifested"
    assert isinstance(none, WrongState)
    assert none.facts["found"] == "without a label"
    assert isinstance(no_service, errors.NoService)
    assert "teleport is none of the services" in str(no_service)
    assert isinstance(twice, Relabeled)
    sql.change("UPDATE shipping_label SET carrier = 'Post' WHERE shipment_id = %(id)s::uuid", {"id": second})
    sql.change("UPDATE shipping_manifest SET carrier = 'Post'", {})


def test_a_label_that_was_bought_is_given_back_and_its_bill_asked_back(house: Floor):
    """The first carrier billed when it sold the label: 2150 reaches zero with what the second costs."""
    register_services(SYSTEM, requests=[
        RegisterService(COMPANY, "Post", "fast", "Fast", 1, 30_000, "GBP", (("GB", "GB", "inland"),),
                        (("inland", 30_000, 900),), live="easypost:Post Fast"),
        RegisterService(COMPANY, "Vans", "van", "Van", 1, 30_000, "GBP", (("GB", "GB", "all"),),
                        (("all", 30_000, 200),)),
    ])  # fmt: skip
    (order,) = placed(house, 1, (0, 1), service="fast")
    (shipment,) = shipped(order)
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    (label,) = queries.labels(shipment=shipment)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(
        SYSTEM, requests=[RecordPurchase(label.id, "buy", Bought("shp_9", "T9", 900, "GBP", ""))]
    )
    bill = TakeCarrierInvoice(COMPANY, "Post", "INV-1", "GBP", 900, (Billed("T9", 900),), NOW)
    (taken,) = take_carrier_invoices(SYSTEM, requests=[bill])
    assert (taken.in_question, balance(2150)) == (0, 0)  # type: ignore[union-attr]

    (done,) = relabel(SYSTEM, requests=[Relabel(shipment, "Post did not come", "van")])
    assert isinstance(done, Relabeled)
    assert sql.run("SELECT state FROM shipping_purchase") == [("void asked",)]
    assert balance(2150) == 700
    assert carrier_queries.voided_and_billed() == [
        shipment
    ]  # should the queue have been served before the bill
    for _ in range(2):
        settlement.serve_voided(SYSTEM, [shipment])
    assert (balance(2150), balance(1170)) == (-200, 900)
    assert carrier_queries.voided_and_billed() == []
    assert [(one["carrier"], one["tracking"]) for one in numbers_told()] == [
        ("Post", "T9"), ("Vans", queries.shipment(shipment).number),
    ]  # fmt: skip
    (charge,) = carrier_queries.charges(COMPANY, in_question=True)
    assert (charge.shipment, charge.difference_minor) == (shipment, 900)

    number = queries.shipment(shipment).tracking
    bill = TakeCarrierInvoice(COMPANY, "Vans", "V-1", "GBP", 200, (Billed(number, 200),), NOW)
    (taken,) = take_carrier_invoices(SYSTEM, requests=[bill])
    assert (taken.in_question, balance(2150)) == (0, 0)  # type: ignore[union-attr]


def test_a_label_that_is_sold_after_all_names_the_shipment_no_more(house: Floor):
    """The answer of the first carrier comes when the second has the parcel."""
    register_services(SYSTEM, requests=[
        RegisterService(COMPANY, "Post", "fast", "Fast", 1, 30_000, "GBP", (("GB", "GB", "inland"),),
                        (("inland", 30_000, 900),), live="easypost:Post Fast"),
        RegisterService(COMPANY, "Vans", "van", "Van", 1, 30_000, "GBP", (("GB", "GB", "all"),),
                        (("all", 30_000, 200),)),
    ])  # fmt: skip
    (shipment,) = shipped(*placed(house, 1, (0, 1), service="fast"))
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    (old,) = queries.labels(shipment=shipment)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    relabel(SYSTEM, requests=[Relabel(shipment, "Post did not come", "van")])
    told = numbers_told()

    bought = Bought("shp_9", "T9", 900, "GBP", "")
    record_purchases(SYSTEM, requests=[RecordPurchase(old.id, "buy", bought)])
    row = queries.shipment(shipment)
    assert row.tracking == row.number
    assert sql.run("SELECT state FROM shipping_purchase") == [("void asked",)]
    assert numbers_told() == told, "nobody is told of a label that is void"


def test_the_bill_of_either_carrier_finds_its_label(house: Floor):
    register_services(SYSTEM, requests=[
        RegisterService(COMPANY, "Vans", "van", "Van", 1, 30_000, "GBP", (("GB", "GB", "all"),),
                        (("all", 30_000, 200),)),
    ])  # fmt: skip
    (shipment,) = shipped(*placed(house, 1, (0, 1), service="slow"))
    print_labels(SYSTEM, requests=[PrintLabels(shipment, ("AA-1",))])
    relabel(SYSTEM, requests=[Relabel(shipment, "late", "van")])
    number = queries.shipment(shipment).tracking
    post, vans = take_carrier_invoices(SYSTEM, requests=[
        TakeCarrierInvoice(COMPANY, "Post", "P-1", "GBP", 300, (Billed("AA-1", 300),), NOW),
        TakeCarrierInvoice(COMPANY, "Vans", "V-1", "GBP", 200, (Billed(number, 200),), NOW),
    ])  # fmt: skip
    assert vans.state == "settled"  # type: ignore[union-attr]
    (charge,) = carrier_queries.charges(COMPANY, post.invoice)  # type: ignore[union-attr]
    assert charge.why == "its label was voided"
    assert balance(2150) == 0


@pytest.mark.counts("shipping.watch_collections", "shipping.relabel")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    for one in sent(sold_house, 1):
        print_labels(SYSTEM, requests=[PrintLabels(one)])
    watched(replace(SYSTEM, at=NOW + timedelta(days=3)))  # from now on an item is open
    for size in SIZES:
        found = sent(sold_house, size)
        print_labels(SYSTEM, requests=[PrintLabels(one) for one in found])
        with statements():
            watch_collections(
                replace(SYSTEM, at=NOW + timedelta(days=3)),
                requests=[WatchCollections(COMPANY, key=f"{size}-{n}") for n in range(size)],
            )
        with statements():
            done = relabel(SYSTEM, requests=[Relabel(one, "late", "fast", key=str(one)) for one in found])
        assert all(isinstance(one, Relabeled) for one in done)
