"""What is sold as not to come back: said by programs, shown on the order, and answered to who asks."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids
from tests.back import lines_of, no_consumers
from tests.floor import Floor
from tests.http.test_returns_pages import a_browser, text_of
from tests.walk import a_house, shipped

pytestmark = pytest.mark.usefixtures("in_november")

NOTE = "sold as not to come back"


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    return house


@pytest.fixture
def call(house: Floor):
    """Programs of people by name, each with the permissions of its role."""
    from tests.asking import a_program
    from tests.shop import everybody

    people = everybody()
    return lambda name: a_program(people[name])


def placed(call: Any, *final: bool) -> dict[str, Any]:
    body = {
        "channel": "shop", "external_id": "F-1", "currency": "GBP", "country": "GB", "postal_code": "SW1A 1AA",
        "lines": [{"sku": "SKU-000", "quantity": 1, "unit_price": "9.99", "final_sale": one} for one in final],
    }  # fmt: skip
    response = call("lead").post("/api/v1/orders", body, again=str(ids.uuid7()))
    assert response.status_code == 201, response.content
    return response.json()


def test_a_program_says_it_line_by_line_and_reads_it_again(call: Any):
    order = placed(call, True, False)["order"]
    found = call("lead").get(f"/api/v1/orders/{order}").json()
    assert [one["final_sale"] for one in found["lines"]] == [True, False]
    back = call("service").get(f"/api/v1/orders/{order}/returnable").json()
    assert [one["final_sale"] for one in back] == [True, False]
    assert text_of(a_browser("lead").get(f"/orders/{order}/")).count(NOTE) >= 1


def test_who_asks_for_it_back_is_told_why_not_and_the_terms_say_from_where_others_are_paid(call: Any):
    no_consumers()
    order = placed(call, True, False)["order"]
    shipped(UUID(order))
    final, other = (str(one) for one in lines_of(UUID(order)))
    asks = {"order": order, "items": [{"line": final, "quantity": 1, "reason": "changed_mind"}]}
    refused = call("service").post("/api/v1/returns/consider", asks)
    assert NOTE in refused.json()["detail"]
    asks["items"][0]["line"] = other
    (told,) = call("service").post("/api/v1/returns/consider", asks).json()["terms"]
    assert (told["refund_at"], told["send_at"]) == ("disposed", "received")
    day = date.fromisoformat(told["until"])
    shown = text_of(a_browser("service").get(f"/orders/{order}/"))
    assert f"1 unit may come back, until {day:%-d %b %Y}." in shown
    assert "1 unit not by the policy, only for a reason: " in shown
