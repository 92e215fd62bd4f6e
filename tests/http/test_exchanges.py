"""Exchanges and store credit, by the API and on their pages."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.kernel import ids
from entrepot.returns import exchange_queries, queries
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.tasks import serve_exchange
from tests.asking import a_browser, a_program
from tests.back import ASKS, asked, back, came, sold
from tests.floor import SYSTEM, Floor
from tests.http.test_returns_pages import said, text_of
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    house.stock(1, 50)
    return house


@pytest.fixture
def people(house: Floor) -> dict[str, Any]:
    return everybody()


def post(program: Any, path: str, body: Any) -> Any:
    return program.post(f"/api/v1{path}", body, again=str(ids.uuid7()))


def test_an_exchange_by_the_api_from_agreeing_to_giving_up(house: Floor, people: dict[str, Any]):
    program = a_program(people["service"])
    (order,) = sold(house, 1, (0, 2))
    one = asked(order, 2, asked="exchange")
    body = {"return_id": str(one.return_id), "line": str(one.lines[0]), "quantity": 1, "sku": house.codes[0]}
    priced = {**body, "sku": house.codes[1], "unit_price": "12.00", "reason": "the better one"}

    response = post(program, "/returns/exchange", [body, priced, {**body, "sku": "NONE"}])

    first, second, third = response.json()
    assert (first["worth_minor"], first["costs_minor"], first["even"]) == (999, 999, True)
    assert (second["costs_minor"], second["even"]) == (1200, False)
    assert third["code"] == "returns.not_that_much"
    rows = program.get(f"/api/v1/returns/{one.return_id}/exchanges").json()
    assert [(row["sku_code"], row["state"]) for row in rows] == [
        (house.codes[0], "agreed"),
        (house.codes[1], "agreed"),
    ]
    came(one)
    serve_exchange(SYSTEM, [one.return_id])
    refused = post(program, "/returns/exchange/withdraw", {"refund": first["refund"], "reason": "no"})
    assert refused.status_code == 409
    refunds = program.get(f"/api/v1/returns/{one.return_id}").json()["refunds"]
    assert [(row["outcome"], row["applied_minor"]) for row in refunds] == [
        ("exchange", 999),
        ("exchange", 999),
    ]


def test_store_credit_by_the_api_from_a_refund_to_an_order(house: Floor, people: dict[str, Any]):
    program = a_program(people["service"])
    (order,) = sold(house, 1, (0, 1), customer="C1")
    one = asked(order, 1)
    back(one)
    response = post(program, "/returns/refund", {"return_id": str(one.return_id), "outcome": "store_credit"})
    assert response.json()["state"] == "paid"
    (row,) = program.get("/api/v1/store-credits?customer=C1").json()["items"]
    assert (row["balance_minor"], row["held_minor"], row["expires_at"]) == (999, 0, None)
    order = {
        "channel": "shop", "external_id": "W-1", "currency": "GBP", "customer": "C1", "country": "GB",
        "lines": [{"sku": house.codes[0], "quantity": 1, "unit_price": "9.99"}], "store_credit_minor": 5_000,
    }  # fmt: skip
    placed = post(program, "/orders", order).json()
    assert (placed["status"], placed["store_credit_minor"]) == ("ready", 999)
    (move,) = program.get(f"/api/v1/store-credits/{row['id']}/moves").json()
    assert (move["kind"], move["amount_minor"], move["of"]) == ("issued", 999, "value")
    assert program.get(f"/api/v1/store-credits/{one.return_id}/moves").status_code == 404


def test_customer_service_agrees_on_an_exchange_on_the_page_of_the_return(
    house: Floor, people: dict[str, Any]
):
    browser = a_browser(people["service"])
    (order,) = sold(house, 1, (0, 1))
    one = asked(order, 1, asked="exchange")
    page = f"/returns/{one.return_id}/"
    assert "Send something else instead" in text_of(browser.get(page))
    form = {"line": str(one.lines[0]), "units": "1", "sku": house.codes[0]}
    unread = browser.post(f"{page}exchange/", form | {"price": "a lot"})
    assert said(unread) == ["Write the price of one unit like 12.50, or leave it empty."]

    browser.post(f"{page}exchange/", form)

    (found,) = exchange_queries.of_return(one.return_id)
    text = text_of(browser.get(page))
    assert found.order_number in text
    assert "At the price as sold." in text
    browser.post(f"{page}exchange/withdraw/", {"refund": str(found.refund), "reason": "changed her mind"})
    assert queries.refund(found.refund).state == "rejected"
    browser.post(f"{page}exchange/", form | {"price": "1,234.50", "reason": "a better one"})
    (dear,) = [one for one in exchange_queries.of_return(one.return_id) if one.refund != found.refund]
    assert "£1,234.50" in text_of(browser.get(f"/orders/{dear.order}/")), "as its reader writes it, not 1.23"
    inspector = a_browser(people["inspector"])
    assert "Send something else instead" not in text_of(inspector.get(page))


def test_store_credit_has_a_page_for_each_account(house: Floor, people: dict[str, Any]):
    browser = a_browser(people["service"])
    assert "No store credit" in text_of(browser.get("/returns/store-credit/"))
    (order,) = sold(house, 1, (0, 1), customer="C1")
    one = asked(order, 1, asked="store_credit")
    back(one)
    refund(ASKS, requests=[Refund(one.return_id)])
    listed = browser.get("/returns/store-credit/?q=C1")
    assert "£9.99" in text_of(listed)
    path = listed.content.decode().split('<th scope="row" class="title"><a href="')[1].split('"')[0]
    assert "for ever" in text_of(browser.get(path))
    assert browser.get(f"/returns/store-credit/{order}/").status_code == 404
    assert "As store credit" in text_of(browser.get(f"/returns/{one.return_id}/"))
