"""Valuation: the page with its method, layers and landed costs, and the API."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone

from entrepot.kernel.cause import Actor, Cause
from entrepot.ledger import queries
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing import landing_queries
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.shop import COMPANY, Shop, the_system

pytestmark = pytest.mark.django_db


SKU = "MUG-BLUE"


def received(shop: Shop) -> tuple[str, UUID, UUID]:
    """Number and id of a receipt of ten units at 2.00, and their SKU."""
    system, sku = the_system(timezone.now()), shop.skus[SKU]
    (supplier,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "mugs", "Mugs Ltd", "GBP")])
    goods = OrderGoods(COMPANY, supplier.id, shop.nodes[0], "", ((sku, 10, Decimal(2)),))
    (bought,) = order(Cause(Actor("bea", everything=True), timezone.now()), requests=[goods])
    (came,) = receive(system, requests=[ReceiveOrder(bought.order)])
    return came.number, came.receipt, sku


def test_a_controller_spreads_a_bill_and_chooses_the_method(shop, console):
    number, _, _ = received(shop)
    page = console("books")
    form = {
        "kind": "freight",
        "payee": "Forwarder",
        "external_id": "F-1",
        "basis": "value",
        "amount": "12.00",
    }

    assert said(page.post("/books/valuation/land/", {**form, "receipts": "GR-1"})) == [
        "There is no receipt GR-1 here."
    ]
    assert "Say the amount" in said(page.post("/books/valuation/land/", {**form, "receipts": ""}))[0]
    assert said(page.post("/books/valuation/land/", {**form, "receipts": number})) == [
        "The bill is spread over its goods."
    ]
    (cost,) = landing_queries.costs(COMPANY)
    assert cost.amount_minor == cost.stock_minor == 1_200
    assert page.get(f"/documents/{cost.id}/").status_code == 200

    choice = {"method": "fifo", "reason": "as the auditor asks"}
    assert "units worth" in said(page.post("/books/valuation/choose/", choice))[0]
    done = said(page.post("/books/valuation/choose/", {**choice, "revalue": "1"}))
    assert done == ["Stock is valued so from now on."]
    shown = page.get(f"/books/valuation/?sku={SKU}").content.decode()
    assert "Forwarder" in shown
    assert "as the auditor asks" in shown
    assert "Nothing stands there" not in shown
    reader = console("supervisor").get("/books/valuation/").content.decode()
    assert "A controller chooses it." in reader
    assert "Spread it" not in reader


def test_programs_do_the_same(shop, program):
    _, receipt, sku = received(shop)
    api = program("books")
    chosen = api.post("/api/v1/costing", {"method": "fifo", "reason": "why", "revalue": True}).json()
    assert chosen["fresh"]
    assert chosen["quantity"] == sum(one.quantity for one in queries.layers(company=COMPANY, limit=10_000))
    assert is_problem(
        api.post("/api/v1/costing", {"method": "average", "reason": "why"}, again="2"),
        409,
        "ledger.stock_on_hand",
    )
    body = {"kind": "duty", "payee": "Customs", "external_id": "D-1", "amount_minor": 99, "basis": "quantity"}
    landed = api.post("/api/v1/landed-costs", {**body, "receipts": [str(receipt)]}, again="3").json()
    # What stood there when the method was chosen is a layer of that choice: it bears what belongs to it.
    assert (landed["stock_minor"], landed["gone_minor"]) == (99, 0)
    assert api.get("/api/v1/landed-costs").json()["items"][0]["number"] == landed["number"]
    (part,) = api.get(f"/api/v1/landed-costs/{landed['cost']}/parts").json()
    assert (part["sku"], part["on_hand"]) == (str(sku), 10)
    assert [one["method"] for one in api.get("/api/v1/costing").json()] == ["fifo"]
    assert {one["sku"] for one in api.get(f"/api/v1/layers?sku={sku}").json()} == {str(sku)}


def test_what_an_event_would_post_is_shown_and_not_posted(shop, console, program):
    before = queries.trial_balance(company=COMPANY)
    page = console("auditor")

    first = page.get("/books/preview/").content.decode()
    assert "stock.issue.sale" in first
    assert "Choose one above." in first
    shown = page.get("/books/preview/?event=sale&amount_sale.goods=100&amount_sale.tax=20").content.decode()
    assert "£120.00" in shown  # taken off what the customer had paid
    assert "Output tax" in shown
    assert "x is not an amount" in page.get("/books/preview/?event=sale&amount_sale.goods=x").content.decode()

    api = program("auditor")
    assert {one["kind"] for one in api.get("/api/v1/posting-rules?event=stock.cost_added").json()} == {
        "stock", "transit", "gone",
    }  # fmt: skip
    lines = api.get("/api/v1/posting-preview?event=stock.cost_added&amount=stock:451&amount=gone:300").json()
    assert [(one["account"], one["kind"], one["amount_minor"]) for one in lines] == [
        (1200, "stock", 451), (5000, "gone", 300), (2000, "gone", -300), (2000, "stock", -451),
    ]  # fmt: skip
    assert is_problem(api.get("/api/v1/posting-preview?event=sale&amount=tip:5"), 409, "ledger.no_rule")
    assert is_problem(api.get("/api/v1/posting-preview?event=sale&amount=5"), 422, "kernel.invalid")
    assert queries.trial_balance(company=COMPANY) == before
