"""Suspected returns by pages and by the API: the queue, the facts, the decision, whom the rules hit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from entrepot.kernel import policies, sql
from entrepot.orders.commands.place import AddressGiven
from entrepot.returns import fraud_queries
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.fraud import FraudPolicy
from entrepot.web.views import return_fraud
from tests.asking import a_browser, a_program, walked
from tests.back import asked, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.http.test_api import is_problem
from tests.http.test_returns_pages import said, text_of
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("in_november")

FRAUD = "/api/v1/returns/fraud"
HOME = AddressGiven("Ada Byron", "1 High Street", "Leeds", email="ada@example.org")


@pytest.fixture
def suspected(db: None) -> list[Authorized]:
    """Two returns of one customer, of which the second is under review."""
    house: Floor = a_house()
    house.stock(0, 50)
    policy(refund_at="received")
    body = replace(FraudPolicy(), velocity="enforce", velocity_max=1, cluster="warn", cluster_customers=2)
    kept = policies.SetPolicy(COMPANY, "returns.fraud", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])
    orders = [sold(house, 1, (0, 1), customer=name, address=HOME)[0] for name in ("C0", "C1", "C1")]
    return [asked(order, 1, cause=someone("service")) for order in orders][1:]


def test_a_person_sees_the_facts_and_decides(suspected: list[Authorized]) -> None:
    everybody()
    one = suspected[1]
    lead, service = a_browser("lead"), a_browser("service")

    queue = text_of(lead.get("/returns/fraud/"))
    assert one.number in queue
    assert "Many returns" in queue
    assert "To the review" in text_of(lead.get(f"/returns/{one.return_id}/"))
    page = f"/returns/{one.return_id}/fraud/"
    shown = text_of(lead.get(page))
    assert "2 returns of one customer within 30 days." in shown
    assert "Returns at most 1" in shown
    assert suspected[0].number in shown, "with the return that it is compared with"
    assert "same address" in shown
    assert "Ada" not in shown
    assert "An operations lead or a controller decides." in text_of(service.get(page))

    refused = lead.post(f"{page}decide/", {"action": "clear", "reason": ""})
    assert "needs a reason" in said(refused)[0]
    lead.get(page)
    answer = lead.post(f"{page}decide/", {"action": "clear", "reason": "Gifts for three children."})
    assert (answer["Location"], said(answer)) == (page, ["The review is decided."])
    assert "Gifts for three children." in text_of(lead.get(page))
    assert "No return is in this state" in text_of(lead.get("/returns/fraud/"))
    assert one.number in text_of(lead.get("/returns/fraud/?state=cleared&by=country&days=30"))
    noted = text_of(lead.get("/returns/fraud/?state=clean"))
    assert suspected[0].number in noted
    assert lead.get(f"/returns/{COMPANY:032x}/fraud/").status_code == 404
    file = lead.get("/returns/fraud/?groups=csv&by=channel").content.decode()
    assert file.splitlines() == ["group,judged,flagged,confirmed,cleared", "shop,3,1,0,1"]


def test_programs_decide_as_well(suspected: list[Authorized]) -> None:
    people = everybody()
    lead, service = a_program(people["lead"]), a_program(people["service"])
    one = suspected[1]
    (row,) = lead.get(FRAUD).json()
    assert (row["number"], row["rules"]) == (one.number, ["velocity", "cluster"])
    review = lead.get(f"{FRAUD}/{one.return_id}").json()
    assert [each["mode"] for each in review["suspicions"]] == ["enforce", "warn"]
    assert {each["number"] for each in review["others"]} >= {suspected[0].number}
    is_problem(lead.get(f"{FRAUD}/{COMPANY:032x}"), 404, "kernel.not_found")

    body = {"return_id": str(one.return_id), "outcome": "confirm", "reason": "No parcel was handed in."}
    is_problem(service.post(f"{FRAUD}/decide", body), 403, "kernel.not_permitted")
    assert lead.post(f"{FRAUD}/decide", body).json()["state"] == "confirmed"
    is_problem(
        service.post("/api/v1/returns/refund", {"return_id": str(one.return_id)}, again="r"),
        409, "returns.fraud_confirmed",
    )  # fmt: skip
    since = (NOW - timedelta(days=1)).isoformat().replace("+", "%2B")
    rules = {each["rule"]: each["hit_rate"] for each in lead.get(f"{FRAUD}/rules?since={since}").json()}
    assert rules == {"velocity": 1.0, "cluster": 1.0}
    (group,) = lead.get(f"{FRAUD}/groups?since={since}&by=country").json()
    assert (group["group"], group["judged"], group["confirmed_share"]) == ("GB", 3, 1.0)
    assert fraud_queries.by_state(COMPANY) == {"clean": 1, "confirmed": 1}


RULED = """WHERE EXISTS (SELECT FROM returns_suspicion AS s WHERE s.return_id = returns_judgment.return_id)
RETURNING 1"""


def test_what_is_suspected_is_read_to_its_end(
    suspected: list[Authorized], monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody()
    monkeypatch.setattr(return_fraud, "SHOWN", 1)
    queue = "/returns/fraud/"
    with transaction.atomic():  # as no rule had it, and so taken back
        sql.run(f"UPDATE returns_judgment SET state = 'open', opened_at = now(), decided_at = NULL {RULED}")
        found = [one.number for one in fraud_queries.suspected(COMPANY)]
        assert len(found) == 2
        assert [page[0].split()[0] for page in walked(a_browser("lead"), queue)] == found
        sql.run(
            f"""UPDATE returns_judgment SET state = 'cleared', decided_by = 'lead', decided_at = now(), note = 'x'
                {RULED}"""
        )
        cleared = [one.number for one in fraud_queries.suspected(COMPANY, state="cleared")]
        pages = walked(a_browser("lead"), f"{queue}?state=cleared")
        assert [page[0].split()[0] for page in pages] == cleared
        transaction.set_rollback(True)
