"""What waits for its labels: the packer's page, the supervisor's queue, the handheld and the API."""

from __future__ import annotations

import html
from uuid import UUID

import pytest
from django.urls import reverse
from django.utils import timezone

from entrepot.kernel import sql, worker
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.shipping import errors, queries
from entrepot.shipping.commands import consign
from entrepot.shipping.commands.buy import RecordPurchase, record_purchases
from entrepot.shipping.commands.stop_consignments import StopConsignments, stop_consignments
from entrepot.shipping.live import Bought
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.unpack import UnpackFulfillment, unpack
from entrepot.warehouse.commands.withdraw import withdraw
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.http.test_returns_pages import text_of
from tests.shop import COMPANY, a_person, the_system

pytestmark = pytest.mark.django_db


@pytest.fixture
def packed(shop) -> UUID:
    """A packed fulfillment whose service sells labels, and a packer."""
    shop.people["packer"] = a_person("packer", "packer")
    sql.run("UPDATE carriage_service SET live = 'easypost:Post Slow'")
    order = shop.one("packed")
    found: UUID = sql.run(
        "SELECT id FROM warehouse_fulfillment WHERE order_id = %(order)s::uuid AND state = 'packed'",
        {"order": order},
    )[0][0]
    return found


def answered(outcome: str, problem: str = "") -> None:
    (label,) = (row[0] for row in sql.run("SELECT label_id FROM shipping_purchase WHERE state = 'asked'"))
    bought = Bought("shp_1", "PP100200300GB", 250, "GBP", "https://labels.example/1.png")
    told = RecordPurchase(label, outcome, bought if outcome == "buy" else None, problem)
    record_purchases(the_system(timezone.now()), requests=[told])


def served() -> None:
    worker.serve_once({"labeled": worker.queues()["labeled"]})


def test_a_packer_sees_it_being_bought_refused_asked_again_and_there(console, packed):
    page, here = console("packer"), f"/packing/{packed}/"
    before = text_of(page.get(here))
    assert "the labels are bought of easypost first" in before
    assert "Let it go on paper" not in before, "that is the supervisor's"
    assert "It leaves by itself when they are bought" in said(page.post(f"{here}ship/", {}))[0]
    waits = page.get(here).content.decode()
    assert "its label is being bought" in waits
    assert 'data-live="5"' in waits
    (row,) = queries.consignments(COMPANY)
    assert page.get(f"/shipments/{row.id}/labels.pdf").status_code == 404, "ours is not what goes onto it"
    assert (row.fulfillment, row.stage) == (packed, "asked")

    answered("fail", "no street")
    refused = text_of(page.get(here))
    assert "its label was refused" in refused
    assert "no street" in refused
    assert "Nothing is booked, and nobody is charged" in refused
    assert 'data-live="5"' not in page.get(here).content.decode()
    assert "no street" in said(page.post(f"{here}ship/", {}))[0]

    asked = page.post(reverse("labels-buy", args=[row.id]), {"next": here})
    assert said(asked) == ["The labels are asked for."]
    answered("buy")
    served()
    there = text_of(page.get(here))
    assert row.number in there
    assert "The carrier's own label" in there
    assert "PP100200300GB" in there


def test_a_packer_is_told_why_no_label_could_be_asked_for(console, packed, monkeypatch):
    no = errors.NotQuoted(subject="It")
    monkeypatch.setattr(consign, "buy_labels", lambda *_, requests: [no for _ in requests])
    (told,) = said(console("packer").post(f"/packing/{packed}/ship/", {}))
    assert "waits for its labels, which could not be asked for" in told and no.message in html.unescape(told)
    assert queries.consignments(COMPANY)[0].stage == "not asked"


def test_a_label_that_is_perhaps_bought_is_looked_for(console, packed):
    page, here = console("packer"), f"/packing/{packed}/"
    page.post(f"{here}ship/", {})
    answered("doubt", "no answer")
    (row,) = queries.consignments(COMPANY)
    shown = page.get(here).content.decode()
    assert "I have looked" in shown
    (label,) = queries.labels(shipment=row.id)
    page.post(reverse("labels-buy", args=[row.id]), {"not_bought": str(label.id), "next": here})
    assert queries.consignments(COMPANY)[0].stage == "asked"


@pytest.mark.parametrize("what", ["opened", "packed anew", "cancelled"])
def test_a_label_that_is_perhaps_bought_is_looked_for_though_its_parcel_does_not_go(console, packed, what):
    page, here = console("packer"), f"/packing/{packed}/"
    page.post(f"{here}ship/", {})
    answered("doubt", "no answer")
    (row,) = queries.consignments(COMPANY)
    system = the_system(timezone.now())
    if what == "cancelled":
        (gone,) = withdraw(system, requests=[CancelOrder(row.order, reason="changed his mind")])
    else:
        (gone,) = unpack(system, requests=[UnpackFulfillment(packed, "another carton")])
    assert not isinstance(gone, Refused), gone
    stop_consignments(system, requests=[StopConsignments(COMPANY)])
    if what == "packed anew":
        pack(system, requests=[PackFulfillment(packed)])
    assert queries.consignments(COMPANY) == []
    assert sql.run("SELECT state FROM shipping_consignment") == [("stopped",)]

    shown = text_of(page.get(here))
    assert "Labels that are perhaps bought" in shown and "no answer" in shown and "I have looked" in shown
    seen = text_of(console("auditor").get(here))
    assert "Labels that are perhaps bought" in seen and "I have looked" not in seen
    (label,) = queries.unsettled(packed)
    noted = page.post(
        reverse("labels-buy", args=[label.shipment]), {"not_bought": str(label.id), "next": here}
    )
    assert said(noted) == ["Noted: it was not bought."]
    assert queries.unsettled(packed) == []
    assert "Labels that are perhaps bought" not in text_of(page.get(here))


def test_a_supervisor_sees_what_waits_and_lets_it_go_on_paper(console, packed):
    page = console("supervisor")
    page.post(f"/packing/{packed}/ship/", {})
    answered("fail", "no street")
    listed = text_of(page.get("/packing/"))
    assert "Waits for its labels" in listed
    assert "its label was refused" in listed
    form = f"/packing/{packed}/on-paper/"
    assert "may not do shipping.ship_on_paper" in said(console("packer").post(form, {"reason": "late"}))[0]
    assert "why it leaves without" in said(page.post(form, {"reason": " "}))[0]
    assert "has left" in said(page.post(form, {"reason": "the driver is here"}))[0]
    assert queries.consignments(COMPANY) == []
    assert "Waits for its labels" not in text_of(page.get("/packing/"))


def test_programs_see_the_same(program, packed):
    person = program("supervisor")
    told = person.post("/api/v1/shipments", {"fulfillment": str(packed)}, "s").json()
    assert (told["state"], told["amount_minor"]) == ("labeling", 0)
    (row,) = person.get("/api/v1/consignments").json()
    assert (row["id"], row["stage"], row["packages"], row["asked"]) == (told["shipment"], "asked", 1, 1)
    (label,) = person.get(f"/api/v1/shipments/{told['shipment']}/labels").json()
    assert (label["state"], label["zpl"], label["carrier_label"]) == ("awaited", "", "")
    again = person.post("/api/v1/shipments", {"fulfillment": str(packed)}, "t")
    is_problem(again, 409, "shipping.labels_awaited")
    body = {"fulfillment": str(packed), "reason": "the driver is here"}
    is_problem(program("packer").post("/api/v1/shipments/on-paper", body, "p"), 403, "kernel.not_permitted")
    gone = person.post("/api/v1/shipments/on-paper", body, "p").json()
    assert (gone["state"], gone["shipment"]) == ("shipped", told["shipment"])
    assert person.get("/api/v1/consignments").json() == []


def test_the_handheld_says_which_of_the_packed_wait_for_a_label(console, handheld, packed):
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    assert "packed: label it and hand it over" in hand.page
    console("packer").post(f"/packing/{packed}/ship/", {})
    hand.goes("/scan/pack/")
    assert "packed: its label is being bought" in hand.page
