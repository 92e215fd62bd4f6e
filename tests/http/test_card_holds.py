"""Amounts held on cards, by the API and on their pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from entrepot.kernel import ids, policies, relay
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments.tasks import DESTINATIONS
from entrepot.returns import hold_queries
from entrepot.returns.holding import InstantPolicy
from entrepot.returns.tasks import serve_hold, serve_refund
from tests.asking import a_browser, a_program
from tests.back import asked, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM
from tests.http.test_returns_pages import said, text_of
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(db: None) -> hold_queries.HoldRow:
    """A return that was refunded at once."""
    house = a_house()
    house.stock(0, 50)
    policy(approve_above_minor=None)
    body = InstantPolicy(refunds=True, earlier_orders=0)
    kept = policies.SetPolicy(COMPANY, "returns.instant", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])
    (order,) = sold(house, 1, (0, 2), payment=PaymentGiven("fake", "card", 11_998, NOW))
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    one = asked(order, 2)
    for _ in range(2):
        serve_hold(SYSTEM, [one.return_id])
        relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    serve_refund(SYSTEM, [order])
    return hold_queries.of_return(one.return_id)[0]


@pytest.fixture
def people(held: hold_queries.HoldRow) -> dict[str, Any]:
    return everybody()


def test_holds_are_listed_and_decided_by_the_api(held: hold_queries.HoldRow, people: dict[str, Any]):
    program = a_program(people["service"])
    (row,) = program.get("/api/v1/returns/card-holds").json()["items"]
    assert (row["number"], row["state"], row["amount_minor"]) == (held.number, "placed", 1998)
    assert program.get("/api/v1/returns/card-holds?state=taken").json()["items"] == []
    body = {"hold": str(held.id), "what": "take", "reason": "never sent", "minor": 1999}
    refused = program.post("/api/v1/returns/card-holds/decide", body, again=str(ids.uuid7()))
    assert refused.json()["code"] == "returns.not_that_much"
    taken = program.post("/api/v1/returns/card-holds/decide", {**body, "minor": 1000}, again=str(ids.uuid7()))
    assert taken.json() == {"hold": str(held.id), "state": "taking", "taken_minor": 1000}


def test_a_hold_is_seen_with_its_dates_and_let_go_on_the_page_of_its_return(
    held: hold_queries.HoldRow, people: dict[str, Any]
):
    browser = a_browser(people["service"])
    shown = text_of(browser.get("/returns/card-holds/"))
    assert held.number in shown
    assert held.return_number in shown
    address = f"/returns/{held.return_id}/"
    assert "held on the card" in text_of(browser.get(address))
    form = {"hold": str(held.id), "currency": "GBP", "action": "take", "amount": "much", "reason": "so"}
    assert "Write the amount like 12.50." in said(browser.post(f"{address}hold/", form, follow=True))
    form = {**form, "action": "release", "amount": ""}
    assert "It is let go." in said(browser.post(f"{address}hold/", form, follow=True))
    assert hold_queries.of_return(held.return_id)[0].state == "released"
    assert "so" in text_of(browser.get("/returns/card-holds/?state=released"))
    inspector = a_browser(people["inspector"])
    assert "Decide now" not in text_of(inspector.get(address))
