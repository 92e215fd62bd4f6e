"""Claims and goods sent again: on pages and for programs."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from entrepot.kernel import sql
from entrepot.shipping import queries
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def test_a_claim_is_opened_on_the_page_of_the_packages_and_taken_on(shop, console):
    gone = queries.shipments(COMPANY)[0]
    page = console("lead")
    assert "Open a claim to the carrier" in page.get(f"/packing/{gone.fulfillment}/").content.decode()
    here = f"/packing/{gone.fulfillment}/"
    odd = page.post(f"/shipments/{gone.id}/claim/", {"kind": "lost", "amount": "12,x", "next": here})
    assert said(odd)[0].startswith("Write the amount like")
    assert 'value="12,x"' in page.get(here).content.decode(), "what was typed stays"
    done = page.post(f"/shipments/{gone.id}/claim/", {"kind": "lost"})
    assert said(done) == ["The claim is open. File it with the carrier."]
    done = page.post(f"/shipments/{gone.id}/reship/", {"reason": "lost"})
    assert said(done) == ["An order at no charge sends the goods again."]

    (claim,) = queries.claims(COMPANY)
    shown = page.get("/claims/").content.decode()
    assert claim.number in shown
    assert claim.reshipped_number in shown
    books = console("books")
    assert said(books.post(f"/claims/{claim.id}/advance/", {"step": "file"})) == ["The claim is a step on."]
    wrong = books.post(f"/claims/{claim.id}/advance/", {"step": "agree", "amount": "much"})
    assert "expected above 0, at most" in said(wrong)[0]
    books.post(f"/claims/{claim.id}/advance/", {"step": "agree", "amount": "1.00", "reference": "HF 77"})
    agreed = queries.claims(COMPANY)[0]
    assert (agreed.agreed_minor, agreed.reference) == (100, "HF 77")
    assert "HF 77" in books.get("/claims/").content.decode()
    assert books.post(f"/claims/{gone.id}/advance/", {"step": "credit"}).status_code == 404
    assert page.get(f"/documents/{claim.id}/").status_code == 200


def test_what_carriers_agree_to_is_read_in_the_currency_of_the_claim(shop, console):
    gone = queries.shipments(COMPANY)[0]
    console("lead").post(f"/shipments/{gone.id}/claim/", {"kind": "lost"})
    (claim,) = queries.claims(COMPANY)
    sql.run("UPDATE shipping_claim SET currency = 'JPY' RETURNING 1")
    books = console("books")
    books.post(f"/claims/{claim.id}/advance/", {"step": "file"})
    told = said(books.post(f"/claims/{claim.id}/advance/", {"step": "agree", "amount": "1000000"}))
    assert "1000000 JPY" in told[0], "yen have no minor unit"


def test_programs_claim_and_send_again(shop, program):
    gone = queries.shipments(COMPANY)[0]
    api = program("lead")
    claim = api.post("/api/v1/claims", {"shipment": str(gone.id), "kind": "damaged"}).json()
    again = api.post("/api/v1/claims", {"shipment": str(gone.id), "kind": "damaged"}, again="2")
    assert is_problem(again, 409, "shipping.claimed")
    body = {"claim": claim["claim"], "step": "credit"}
    assert is_problem(api.post("/api/v1/claims/advance", body, again="3"), 409, "kernel.wrong_state")
    assert api.get("/api/v1/claims").json()["items"][0]["number"] == claim["number"]
    sent = api.post(
        "/api/v1/shipments/reship", {"shipment": str(gone.id), "reason": "broken"}, again="4"
    ).json()
    assert sent["holds"] == []


def test_what_comes_back_after_it_was_sent_again_is_put_in_stock(shop, console, program):
    """By a program, and on the page where parcels are opened; then the list tells what came back."""
    first, second = [one for one in queries.shipments(COMPANY) if one.fulfillment and one.tracking][:2]
    api, lead = program("lead"), console("lead")
    for i, one in enumerate((first, second)):
        api.post("/api/v1/shipments/reship", {"shipment": str(one.id), "reason": "lost"}, again=f"r{i}")
    code, units = sql.run(
        "SELECT s.code, l.quantity FROM shipping_shipmentline AS l JOIN catalog_sku AS s ON s.id = l.sku_id"
        " WHERE l.shipment_id = %(id)s ORDER BY s.code LIMIT 1", {"id": first.id},
    )[0]  # fmt: skip
    body = {"node": first.node_code, "tracking": first.tracking,
            "content": [{"said": code, "quantity": 1, "condition": "as new"}]}  # fmt: skip
    hands = program("supervisor")
    back = hands.post("/api/v1/shipments/came-back", body, again="c1").json()
    assert (back["number"], back["units"], back["twice"]) == (first.number, 1, "")
    more = {**body, "content": [{"said": code, "quantity": units, "condition": "damaged"}]}
    assert is_problem(hands.post("/api/v1/shipments/came-back", more, again="c2"), 409, "returns.not_out")
    items = api.get("/api/v1/shipments/sent-again").json()["items"]
    assert {(one["number"], one["back"]) for one in items} == {(first.number, 1), (second.number, 0)}
    shown = lead.get("/shipments/sent-again/").content.decode()
    assert first.number in shown
    assert second.number in shown

    page = console("supervisor")
    address = f"/returns/parcels/?tracking={second.tracking}"
    assert "It was sent again with" in page.get(address).content.decode()
    where = {"id": second.id}
    ((node,),) = sql.run("SELECT node_id FROM shipping_shipment WHERE id = %(id)s", where)
    form = {
        "tracking": second.tracking,
        "rows": "1",
        "sku-1": "MUG-NONE",
        "units-1-1": "1",
        "node": str(node),
    }
    assert "these are out" in " ".join(said(page.post("/returns/parcels/came-back/", form)))
    (sku,) = sql.run(
        "SELECT s.code FROM shipping_shipmentline AS l JOIN catalog_sku AS s ON s.id = l.sku_id"
        " WHERE l.shipment_id = %(id)s LIMIT 1", {"id": second.id},
    )[0]  # fmt: skip
    done = page.post("/returns/parcels/came-back/", {**form, "sku-1": sku})
    told = [str(one) for one in get_messages(done.wsgi_request)][-2:]
    assert told[0] == "It is in stock again, and nobody is paid back."
    assert second.number in told[1]
