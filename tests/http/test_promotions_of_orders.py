"""What promotions of an order were given for, on its page and by the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from entrepot.kernel import ids, policies
from entrepot.orders.promoting import PromotionPolicy, Promotions
from tests.asking import a_program
from tests.floor import COMPANY, NOW, SYSTEM
from tests.http.test_returns_pages import a_browser, text_of
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("in_november", "db")


def test_the_order_tells_what_its_promotion_was_given_for():
    a_house().stock(0, 50)
    known = Promotions({"TWO": PromotionPolicy("quantity", least_units=2, when_broken="clawback")})
    kept = policies.SetPolicy(COMPANY, "orders.promotions", known, NOW - timedelta(days=1))
    assert isinstance(policies.set_policy(SYSTEM, requests=[kept])[0], policies.PolicySet)
    line: dict[str, Any] = {"sku": "SKU-000", "quantity": 2, "unit_price": "9.99", "discount_minor": 50}
    line["promotions"] = [{"code": "TWO", "amount_minor": 30}, {"code": "OTHER", "amount_minor": 20}]
    body = {"channel": "shop", "external_id": "P-1", "currency": "GBP", "country": "GB", "lines": [line]}
    lead = a_program(everybody()["lead"])

    order = lead.post("/api/v1/orders", body, again=str(ids.uuid7())).json()["order"]

    found = lead.get(f"/api/v1/orders/{order}").json()["promotions"]
    terms = {
        "given_for": "quantity", "least_minor": 0, "least_units": 2, "each_time": False, "skus": None,
        "when_broken": "clawback",
    }  # fmt: skip
    assert {one["code"]: one["terms"] for one in found} == {"TWO": terms, "OTHER": None}
    assert text_of(a_browser("lead").get(f"/orders/{order}/")).count("deducted again when less is kept") == 1
