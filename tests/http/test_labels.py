"""Labels and manifests: the pages with their papers, and the API."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.kernel import ids, sql
from entrepot.shipping import queries
from entrepot.shipping.commands.buy import RecordPurchase, record_purchases
from entrepot.shipping.commands.collect import WatchCollections, watch_collections
from entrepot.shipping.commands.label import PrintLabels, print_labels
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.http.test_returns_pages import text_of
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


@pytest.fixture
def gone(shop) -> queries.ShipmentRow:
    return queries.of_order(shop.one("shipped"))[0]


def test_from_label_to_manifest(console, gone):
    page = console("supervisor")
    here = f"/packing/{gone.fulfillment}/"
    assert "Make the labels" in page.get(here).content.decode()
    page.post(f"/shipments/{gone.id}/labels/", {"next": here})
    shown = page.get(here).content.decode()
    assert "Labels as PDF" in shown
    assert "Make the labels" not in shown
    pdf = page.get(f"/shipments/{gone.id}/labels.pdf")
    assert (pdf["Content-Type"], pdf.content[:4]) == ("application/pdf", b"%PDF")
    zpl = page.get(f"/shipments/{gone.id}/labels.zpl").content.decode()
    assert gone.tracking in zpl

    (label,) = queries.labels(shipment=gone.id)
    page.post(f"/labels/{label.id}/void/", {"reason": "torn", "next": here})
    page.post(f"/shipments/{gone.id}/labels/", {"next": here})
    assert [one.state for one in queries.labels(shipment=gone.id)] == ["voided", "printed"]

    (waits,) = queries.waiting(COMPANY)
    form = {"node": str(waits.node), "carrier": waits.carrier}
    assert waits.carrier in page.get("/manifests/").content.decode()
    assert said(page.post("/manifests/close/", form)) == ["The manifest is closed."]
    assert "its manifest is closed" in said(page.post("/manifests/close/", form))[0]
    (closed,) = queries.manifests(COMPANY)
    listed = page.get("/manifests/").content.decode()
    assert closed.number in listed
    assert page.get(f"/manifests/{closed.id}/manifest.pdf").content.startswith(b"%PDF")
    late = page.post(
        f"/labels/{queries.labels(shipment=gone.id)[1].id}/void/", {"reason": "late", "next": here}
    )
    assert "label is manifested" in said(late)[0]


def test_a_label_that_was_perhaps_bought_says_so_and_is_bought_again_only_if_somebody_has_looked(
    console, program, gone
):
    """The shipment's service becomes one that is quoted, and the answer of its adapter is lost."""
    page, here = console("supervisor"), f"/packing/{gone.fulfillment}/"
    sql.change(
        "UPDATE carriage_service SET live = 'karrio:ups Ground' WHERE id ="
        " (SELECT service_id FROM shipping_shipment WHERE id = %(id)s)",
        {"id": gone.id},
    )
    page.post(f"/shipments/{gone.id}/labels/", {"next": here})
    buy = f"/shipments/{gone.id}/buy/"
    assert said(page.post(buy, {"next": here})) == ["The labels are asked for."]
    assert "the carrier is asked for it" in page.get(here).content.decode()

    (label,) = queries.labels(shipment=gone.id)
    lost = RecordPurchase(label.id, "doubt", problem="too late")
    record_purchases(the_system(timezone.now()), requests=[lost])
    shown = page.get(here).content.decode()
    assert "perhaps bought" in shown and "too late" in shown
    assert "Look in the account with karrio" in said(page.post(buy, {"next": here}))[0]
    wanted = {"shipment": str(gone.id), "not_bought": [str(gone.id)]}
    problem = program("supervisor").post("/api/v1/labels/buy", wanted, "again")
    is_problem(problem, 409, "shipping.label_in_doubt")
    assert said(page.post(buy, {"next": here, "not_bought": str(label.id)})) == ["The labels are asked for."]

    record_purchases(the_system(timezone.now()), requests=[lost])
    page.post(f"/labels/{label.id}/void/", {"reason": "torn", "next": here})
    shown = page.get(here).content.decode()
    assert f"not-bought-{label.id}" in shown and "Note what I have seen" in shown
    assert said(page.post(buy, {"next": here, "not_bought": str(label.id)})) == ["Noted: it was not bought."]
    assert f"not-bought-{label.id}" not in page.get(here).content.decode()


def test_whoever_closes_a_manifest_is_told_what_waits_for_the_next(console, program, gone):
    page = console("supervisor")
    page.post(f"/shipments/{gone.id}/labels/")
    (waits,) = queries.waiting(COMPANY)
    form = {"node": str(waits.node), "carrier": waits.carrier}
    (label,) = queries.labels(shipment=gone.id)
    sql.change(_PERHAPS, {"label": label.id})
    assert "Look in the account with karrio" in said(page.post("/manifests/close/", form))[0]
    others = sql.run(_OTHERS, {"id": gone.id})
    print_labels(the_system(timezone.now()), requests=[PrintLabels(one) for (one,) in others])
    assert said(page.post("/manifests/close/", form)) == [
        f"It is not certain yet that these are bought, so they go on the next one: {gone.number}."
    ]
    assert [one.labels for one in queries.waiting(COMPANY) if one.carrier == waits.carrier] == [1]


_PERHAPS = """
INSERT INTO shipping_purchase (label_id, company_id, shipment_id, source, service, state)
SELECT id, company_id, shipment_id, 'karrio', 'ups Ground', 'in doubt' FROM shipping_label WHERE id = %(label)s::uuid
"""
_OTHERS = """
SELECT h.id FROM shipping_shipment AS h
JOIN shipping_shipment AS g ON (g.company_id, g.node_id, g.carrier) = (h.company_id, h.node_id, h.carrier)
WHERE g.id = %(id)s::uuid AND h.id <> g.id AND h.fulfillment_id IS NOT NULL
"""


def test_names_and_streets_are_for_those_who_ship(console, program, gone):
    console("supervisor").post(f"/shipments/{gone.id}/labels/")
    other = console("auditor")
    assert other.get(f"/shipments/{gone.id}/labels.pdf").status_code == 403
    assert (
        "may not do shipping.close_manifests"
        in said(other.post("/manifests/close/", {"node": str(ids.uuid7()), "carrier": ""}))[0]
    )
    is_problem(program("auditor").get(f"/api/v1/shipments/{gone.id}/labels"), 403, "kernel.not_permitted")


def test_a_paper_that_is_kept_here_is_in_no_list(console, program, gone, settings):
    """An adapter may give the form of a manifest itself: lists say that it is there, and its page serves it."""
    settings.PUBLIC_URL = "https://ops.example"
    page = console("supervisor")
    page.post(f"/shipments/{gone.id}/labels/")
    (waits,) = queries.waiting(COMPANY)
    page.post("/manifests/close/", {"node": str(waits.node), "carrier": waits.carrier})
    (closed,) = queries.manifests(COMPANY)
    for source, url in (("easypost", "https://forms.example/1.pdf"), ("karrio", _PAPER)):
        params = {"manifest": closed.id, "company": COMPANY, "source": source, "url": url}
        sql.change(_FORM, params)
    here = f"/manifests/{closed.id}/forms/karrio/"

    shown = page.get("/manifests/").content.decode()
    assert (here in shown, _PAPER in shown) == (True, False)
    assert page.get(here).content == b"%PDF"
    assert page.get(here.replace("karrio", "easypost"))["Location"] == "https://forms.example/1.pdf"
    assert page.get(here.replace("karrio", "post")).status_code == 404
    (listed,) = program("supervisor").get("/api/v1/manifests").json()["items"]
    assert [one["url"] for one in listed["forms"]] == [
        "https://forms.example/1.pdf", f"https://ops.example{here}",
    ]  # fmt: skip


_PAPER = f"data:application/pdf;base64,{b64encode(b'%PDF').decode()}"
_FORM = """
INSERT INTO shipping_manifestform (manifest_id, source, company_id, state, reference, url)
VALUES (%(manifest)s::uuid, %(source)s::text, %(company)s::smallint, 'made', 'm', %(url)s::text)
"""


def test_what_is_not_there_is_not_found(console, gone):
    page = console("supervisor")
    for address in (f"/shipments/{gone.id}/labels.pdf", f"/manifests/{ids.uuid7()}/manifest.pdf"):
        assert page.get(address).status_code == 404
    page.post(f"/shipments/{gone.id}/labels/")
    assert page.get(f"/shipments/{gone.id}/labels.exe").status_code == 404


def test_through_the_api(program, gone):
    person = program("supervisor")
    made = person.post("/api/v1/labels", {"shipment": str(gone.id)}, "l")
    assert made.status_code == 200, made.content
    (label,) = made.json()["labels"]
    (shown,) = person.get(f"/api/v1/shipments/{gone.id}/labels").json()
    assert (shown["label"], shown["tracking"], shown["state"]) == (label["label"], gone.tracking, "printed")
    assert ("^XA" in shown["zpl"], shown["pdf"]) == (True, "")
    (paper,) = person.get(f"/api/v1/shipments/{gone.id}/labels?form=pdf").json()
    assert (b64decode(paper["pdf"])[:4], paper["zpl"]) == (b"%PDF", "")
    is_problem(person.post("/api/v1/labels", {"shipment": str(gone.id)}, "m"), 409, "shipping.labeled")

    (waits,) = queries.waiting(COMPANY)
    body = {"node": waits.node_code, "carrier": waits.carrier}
    is_problem(
        person.post("/api/v1/manifests", {**body, "node": str(waits.node)}, "n"), 404, "kernel.not_found"
    )
    closed = person.post("/api/v1/manifests", body, "c")
    assert closed.json()["labels"] == 1
    is_problem(person.post("/api/v1/manifests", body, "d"), 409, "shipping.nothing_to_manifest")
    assert [one["number"] for one in person.get("/api/v1/manifests").json()["items"]] == [
        closed.json()["number"]
    ]
    late = person.post("/api/v1/labels/void", {"label": label["label"], "reason": "late"}, "v")
    is_problem(late, 409, "kernel.wrong_state")


def left_behind(gone: queries.ShipmentRow) -> None:
    """Its carrier came and went without it."""
    print_labels(the_system(gone.shipped_at), requests=[PrintLabels(gone.id)])
    later = the_system(gone.shipped_at + timedelta(days=8))
    watch_collections(later, requests=[WatchCollections(COMPANY)])


def test_what_a_carrier_left_behind_is_told_where_people_look(console, gone):
    left_behind(gone)
    page = console("supervisor")
    home = text_of(page.get("/"))
    assert "Packages that their carrier left behind 1" in home or "1 Packages that their carrier" in home, (
        home
    )
    manifests = text_of(page.get("/manifests/"))
    assert "Left behind" in manifests
    assert "They go with the next manifest, or with another service" in manifests
    assert f"{gone.carrier} left it behind" in text_of(page.get(f"/orders/{gone.order}/"))
    here = f"/packing/{gone.fulfillment}/"
    assert f"{gone.carrier} left it behind" in text_of(page.get(here))
    assert "packages not collected" in text_of(page.get("/work/")).lower()

    anew = f"/shipments/{gone.id}/relabel/"
    assert "why it is labeled anew" in said(page.post(anew, {"reason": "", "next": here}))[0]
    assert "may not do shipping.relabel" in said(console("auditor").post(anew, {"reason": "late"}))[0]
    assert said(page.post(anew, {"reason": "it did not come", "service": gone.service, "next": here})) == [
        "It has new labels."
    ]
    assert [one.state for one in queries.labels(shipment=gone.id)] == ["voided", "printed"]
    assert "left it behind" not in text_of(page.get(here))


def test_what_was_left_behind_is_labeled_anew_through_the_api(program, gone):
    left_behind(gone)
    person = program("supervisor")
    (one,) = person.get("/api/v1/labels/left-behind").json()
    assert (one["shipment"], one["carrier"]) == (str(gone.id), gone.carrier)
    body = {"shipment": str(gone.id), "reason": "it did not come"}
    is_problem(
        person.post("/api/v1/labels/anew", body | {"service": "teleport"}, "n"), 409, "shipping.no_service"
    )
    made = person.post("/api/v1/labels/anew", body, "a")
    assert made.status_code == 200, made.content
    assert len(made.json()["labels"]) == 1
    assert person.get("/api/v1/labels/left-behind").json() == []


def bought(shipment, url: str) -> list[queries.LabelRow]:
    """Its labels, sold by a carrier with a picture at an address."""
    print_labels(the_system(timezone.now()), requests=[PrintLabels(shipment.id)])
    for label in queries.labels(shipment=shipment.id):
        sql.change(
            """INSERT INTO shipping_purchase (label_id, company_id, shipment_id, source, service, state, reference,
                                              cost_minor, currency, label_url)
               VALUES (%(label)s::uuid, 1, %(shipment)s::uuid, 'easypost', 'x', 'bought', 'b', 500, 'GBP',
                       %(url)s::text)""",
            {"label": label.id, "shipment": shipment.id, "url": url},
        )
    return queries.labels(shipment=shipment.id)


def test_of_what_was_bought_the_carriers_own_label_is_printed(console, program, gone):
    (label,) = bought(gone, "https://carrier.example/label.png")
    page = console("supervisor")
    for kind in ("pdf", "zpl"):
        went = page.get(f"/shipments/{gone.id}/labels.{kind}")
        assert (went.status_code, went["Location"]) == (302, "https://carrier.example/label.png")
        (told,) = program("supervisor").get(f"/api/v1/shipments/{gone.id}/labels?form={kind}").json()
        assert (told["label"], told["carrier_label"]) == (str(label.id), "https://carrier.example/label.png")
        assert (told["zpl"], told["pdf"]) == ("", "")


def test_a_bought_label_that_is_kept_in_the_printers_language_goes_to_the_printer(console, program, gone):
    own = b64encode(b"^XA^FDthe carrier's^XZ").decode()
    bought(gone, f"data:application/zpl;base64,{own}")
    paper = console("supervisor").get(f"/shipments/{gone.id}/labels.zpl")
    assert paper.content == b"^XA^FDthe carrier's^XZ"
    (told,) = program("supervisor").get(f"/api/v1/shipments/{gone.id}/labels?form=zpl").json()
    assert told["zpl"] == "^XA^FDthe carrier's^XZ"


def test_what_the_driver_did_not_take_comes_off_the_manifest_and_waits(console, program, gone):
    page, here = console("supervisor"), f"/packing/{gone.fulfillment}/"
    page.post(f"/shipments/{gone.id}/labels/", {"next": here})
    (label,) = queries.labels(shipment=gone.id)
    form = {"node": str(queries.waiting(COMPANY)[0].node), "carrier": gone.carrier}
    page.post("/manifests/close/", form)
    assert "Take it off the manifest" in page.get(here).content.decode()
    off = page.post(f"/labels/{label.id}/take-off/", {"reason": "the van was full", "next": here})
    assert said(off) == ["The label waits for the next manifest."]
    body = {"label": str(label.id), "reason": "the van was full"}
    is_problem(program("supervisor").post("/api/v1/labels/take-off", body, "t"), 409, "kernel.wrong_state")
    page.post("/manifests/close/", form)
    done = program("supervisor").post("/api/v1/labels/take-off", body, "t2").json()
    assert (done["label"], done["number"]) == (str(label.id), queries.manifests(COMPANY)[0].number)


def test_a_person_says_that_it_arrived(console, gone):
    page, here = console("supervisor"), f"/packing/{gone.fulfillment}/"
    address = f"/shipments/{gone.id}/delivered/"
    assert (
        "Say when it arrived" in said(page.post(address, {"at": "soon", "proof": "he said", "next": here}))[0]
    )
    kept = page.get(here).content.decode()
    assert 'value="he said"' in kept, "what was said is asked for again"
    assert said(page.post(address, {"at": "", "proof": "signed by the porter", "next": here})) == [
        "It is delivered."
    ]
    assert queries.shipment(gone.id).state == "delivered"
    assert "signed by the porter" in page.get(here).content.decode()


def test_a_program_tells_what_happened_to_parcels_of_any_carrier(program, gone):
    """Told twice, it is one event; of no parcel of ours, it is set aside."""
    asks = program("engineer")
    at = timezone.now().isoformat()
    event = {"tracking": gone.tracking, "kind": "out for delivery", "occurred_at": at, "place": "Leeds"}
    assert asks.post("/api/v1/tracking/events", event, "1").json() == {
        "state": "done", "fresh": 1, "delivered": 0,
    }  # fmt: skip
    assert asks.post("/api/v1/tracking/events", event, "2").json()["fresh"] == 0
    assert (
        asks.post("/api/v1/tracking/events", event | {"tracking": "NOPE"}, "3").json()["state"] == "set_aside"
    )
    came = asks.post("/api/v1/tracking/events", event | {"kind": "delivered"}, "4").json()
    assert (came["fresh"], came["delivered"]) == (1, 1)
    assert queries.shipment(gone.id).state == "delivered"
