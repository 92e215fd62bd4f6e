"""Repairs for customers: on pages, for programs, and in the portal."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from entrepot.kernel import sql
from entrepot.returns import claim_queries, repair_queries
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.send_back import SendBack, send_back
from entrepot.returns.commands.verdicts import RefuseUnits, refuse_units
from tests.asking import a_browser, a_program
from tests.back import INSPECTS, asked_all, came, found, sold
from tests.commands.test_returns_repairs import OFFERS, kept, one_repair, to_repair
from tests.floor import COMPANY, SYSTEM, Floor
from tests.http.test_api import is_problem
from tests.http.test_returns_pages import said, text_of
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 200)
    kept("returns.authorization", OFFERS)
    everybody()
    return house


def form(disposition: UUID, **facts: Any) -> dict[str, Any]:
    told = {
        "disposition": disposition,
        "units": 1,
        "plan": "a new coil",
        "payer": "",
        "price": "",
        "told": "A week.",
    }
    return told | facts


def test_a_claim_for_a_parcel_is_opened_on_the_page_of_its_return_and_by_programs(house: Floor):
    (one,) = asked_all(sold(house, 1, (0, 1)), 1)
    ((inspection, count),) = found(came(one), "B")
    refuse_units(SYSTEM, requests=[RefuseUnits(inspection.inspection, "swapped", "Another one.")])
    dispose(INSPECTS, requests=[Dispose(inspection.inspection, count)])
    send_back(SYSTEM, requests=[SendBack(one.return_id, "Parcel Post", "PP9")])
    page, service = f"/returns/{one.return_id}/", a_browser("service")
    assert "Claim for a parcel" in text_of(service.get(page))
    wrong = service.post(f"{page}claim/", {"tracking": "PP9", "kind": "lost", "amount": "x"})
    assert "Write the amount like" in said(wrong)[-1]
    done = service.post(f"{page}claim/", {"tracking": "PP9", "kind": "lost", "amount": "4.00"})
    assert said(done)[-1] == "The claim is open. File it with the carrier."
    (claim,) = claim_queries.of_return(COMPANY, one.return_id)
    assert (claim.amount_minor, claim.number in text_of(service.get(page))) == (400, True)
    assert "Parcel sent back to the customer PP9" in text_of(a_browser("lead").get("/claims/"))
    assert "Claim for a parcel" not in text_of(a_browser("inspector").get(page))

    program = a_program(User.objects.get(username="service"))
    body = {"return_id": str(one.return_id), "tracking": "PP9", "kind": "damaged"}
    made = program.post("/api/v1/returns/claims", body, again="1").json()
    assert made["amount_minor"] == 999
    is_problem(program.post("/api/v1/returns/claims", body, again="2"), 409, "shipping.parcel_claimed")
    listed = program.get("/api/v1/claims").json()["items"]
    assert {(claim["subject_kind"], claim["shipment"], claim["tracking"]) for claim in listed} == {
        ("sent_back", None, "PP9")
    }


def test_a_repair_is_offered_done_and_sent_back_on_the_page_of_its_return(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    page, service, workshop = f"/returns/{one.return_id}/", a_browser("service"), a_browser("inspector")
    assert "To repair: 1 × SKU-000" in text_of(service.get(page))
    assert "To be offered" in text_of(service.get("/returns/repairs/"))
    assert "Write the amount like" in said(service.post(f"{page}repair/", form(disposition, price="x")))[-1]
    offered = service.post(f"{page}repair/", form(disposition, price="9.00"))
    assert said(offered)[-1:] == ["The repair is written down."]
    assert one_repair(one.return_id).price_minor == 900
    repair = one_repair(one.return_id).id
    service.post(f"{page}repair/answer/", {"repair": repair, "agrees": "1"})
    work_order = one_repair(one.return_id).work_order
    assert "To repair RP-" not in text_of(workshop.get("/returns/work-orders/"))
    workshop.post(f"/returns/work-orders/{work_order}/start/")
    assert "To repair RP-" in text_of(workshop.get("/returns/work-orders/"))
    end = {
        "work_order": work_order,
        "units": 1,
        "became": "repaired",
        "parts": "1.50",
        "minutes": "5",
        "told": "Fine.",
    }
    assert said(workshop.post(f"{page}repair/end/", end))[-1:] == ["The work is done."]
    assert "1 units go back." in text_of(workshop.get(page))
    sent = workshop.post(f"{page}send-back/", {"carrier": "Parcel Post", "tracking": "PP1"})
    assert said(sent)[-1:] == ["They are on their way, and the customer is told."]
    workshop.post(f"{page}send-back/arrived/", {"tracking": "PP1", "became": "delivered"})
    row = one_repair(one.return_id)
    assert (row.state, row.cost_minor, row.parcel) == ("delivered", 150, "PP1")
    listed = text_of(service.get("/returns/repairs/"))
    assert row.number in listed and "Days of each step" in listed


def test_what_failed_is_agreed_on_otherwise_on_the_page(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    page, service = f"/returns/{one.return_id}/", a_browser("service")
    service.post(f"{page}repair/", form(disposition, price="9.00"))
    repair = one_repair(one.return_id).id
    service.post(f"{page}repair/answer/", {"repair": repair, "agrees": "0"})
    settled = service.post(
        f"{page}repair/settle/", {"repair": repair, "instead": "refund", "reason": "he asked"}
    )
    assert said(settled)[-1:] == ["It is agreed on."]
    assert one_repair(one.return_id).state == "settled"


def test_programs_follow_a_repair(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    service = a_program(User.objects.get(username="service"))
    body = {"disposition": str(disposition), "quantity": 1, "plan": "a new coil", "price_minor": 900}
    made = service.post("/api/v1/returns/repairs", body, again="1").json()
    assert (made["state"], made["payer"]) == ("offered", "customer")
    no = service.post("/api/v1/returns/repairs", body, again="2")
    assert is_problem(no, 409, "returns.more_than_waits")
    says = {"repair": made["repair"], "agrees": False}
    assert service.post("/api/v1/returns/repairs/answer", says, again="3").json()["state"] == "declined"
    (listed,) = service.get(f"/api/v1/returns/repairs?return_id={one.return_id}").json()["items"]
    assert (listed["number"], listed["state"]) == (made["number"], "declined")
    parcel = {
        "return_id": str(one.return_id), "carrier": "Post", "tracking": "PP1", "unrepaired": [made["repair"]],
    }  # fmt: skip
    assert service.post("/api/v1/returns/sent-back", parcel, again="4").json()["units"] == 1
    came = service.post("/api/v1/returns/sent-back/arrived", {"tracking": "PP1"}, again="5").json()
    assert came == {"tracking": "PP1", "parcels": 1}
    settle = {"repair": made["repair"], "instead": "refund", "reason": "so"}
    assert is_problem(
        service.post("/api/v1/returns/repairs/settle", settle, again="6"), 409, "kernel.wrong_state"
    )
    assert repair_queries.sent_back(one.return_id)[0].state == "delivered"
    assert sql.run("SELECT company_id::int FROM returns_sentback") == [(COMPANY,)]
