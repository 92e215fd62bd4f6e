"""Claims and goods sent again: on pages and for programs."""

from __future__ import annotations

import pytest

from entrepot.shipping import queries
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def test_a_claim_is_opened_on_the_page_of_the_packages_and_taken_on(shop, console):
    gone = queries.shipments(COMPANY)[0]
    page = console("lead")
    assert "Open a claim to the carrier" in page.get(f"/packing/{gone.fulfillment}/").content.decode()
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
    books.post(f"/claims/{claim.id}/advance/", {"step": "agree", "amount": "1.00"})
    assert queries.claims(COMPANY)[0].agreed_minor == 100
    assert page.get(f"/documents/{claim.id}/").status_code == 200


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
