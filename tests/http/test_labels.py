"""Labels and manifests: the pages with their papers, and the API."""

from __future__ import annotations

from base64 import b64decode

import pytest

from entrepot.kernel import ids
from entrepot.shipping import queries
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.shop import COMPANY

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


def test_names_and_streets_are_for_those_who_ship(console, program, gone):
    console("supervisor").post(f"/shipments/{gone.id}/labels/")
    other = console("auditor")
    assert other.get(f"/shipments/{gone.id}/labels.pdf").status_code == 403
    assert (
        "may not do shipping.close_manifests"
        in said(other.post("/manifests/close/", {"node": str(ids.uuid7()), "carrier": ""}))[0]
    )
    is_problem(program("auditor").get(f"/api/v1/shipments/{gone.id}/labels"), 403, "kernel.not_permitted")


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
