"""Suppliers' invoices: the page with its lines and decisions, and the API."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.settlement import supplier_queries
from tests.http.test_packing import said
from tests.shop import COMPANY, the_system


@pytest.fixture
def bought(shop) -> str:
    """The number of an order of ten mugs at 4.00 that came whole."""
    system = the_system(shop.now)
    (mugs,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "mugs", "Mugs Ltd", "GBP")])
    asked = ((shop.skus["MUG-BLUE"], 10, Decimal("4.00")),)
    buyer, dock = (Cause(Actor(name, everything=True), shop.now) for name in ("a buyer", "a dock"))
    (made,) = order(buyer, requests=[OrderGoods(COMPANY, mugs.id, shop.nodes[0], "", asked)])
    receive(dock, requests=[ReceiveOrder(made.order)])
    return made.number


def test_an_invoice_is_taken_from_its_lines_and_its_differences_are_decided(bought, console):
    page = console("books")
    shown = page.get("/books/supplier-invoices/").content.decode()
    assert "Received and not billed yet" in shown
    assert bought in shown
    whole = {"supplier": "mugs", "external_id": "F-1", "total": "54.00", "tax": "9.00"}
    take = "/books/supplier-invoices/take/"
    assert said(page.post(take, whole)) == ["Say whose invoice it is, its number, its total and its lines."]
    wrong = said(page.post(take, {**whole, "lines": f"{bought}, 1, ten, 45.00"}))
    assert wrong == ["Line 1, units: expected a whole number from 1, found ten."]
    short = said(page.post(take, {**whole, "lines": f"{bought}, 1, 10, 40.00"}))
    assert "its lines and tax make 49.00 GBP, it says 54.00 GBP" in short[0]
    assert said(page.post(take, {**whole, "lines": f"{bought}, 1, 10, 45.00"})) == [
        "The invoice is taken in."
    ]
    (again,) = said(page.post(take, {**whole, "lines": f"{bought}, 1, 10, 45.00"}))
    assert again.startswith("The invoice was taken in before as SI-")

    shown = page.get("/books/supplier-invoices/").content.decode()
    assert "Accept the cost" in shown
    assert "Received and not billed yet" not in shown
    (line,) = supplier_queries.lines(COMPANY, in_question=True)
    form = {
        "invoice": line.invoice,
        "line": line.number,
        "decision": "dispute",
        "reason": "not the price agreed",
    }
    assert said(page.post("/books/supplier-invoices/decide/", form)) == ["The line is decided."]
    assert said(page.post("/books/supplier-invoices/match/")) == ["Nothing of it has come since."]
    assert page.get(f"/documents/{line.invoice}/").status_code == 200
    reader = console("supervisor")
    assert "A controller decides it." in reader.get("/books/supplier-invoices/").content.decode()
    assert said(reader.post("/books/supplier-invoices/decide/", form | {"decision": "accept"}))[0].startswith(
        "supervisor may not do"
    )
    assert sql.run("SELECT state FROM settlement_supplierline") == [("disputed",)]


def test_an_invoice_of_another_currency_and_day_is_taken_on_the_page(shop, console):
    """Amounts are the supplier's; what was typed stays where it was refused."""
    system, page = the_system(shop.now), console("books")
    register_suppliers(system, requests=[RegisterSupplier(COMPANY, "mugs-us", "Mugs Inc", "USD")])
    record_rates(system, requests=[RecordRate(COMPANY, "USD", date(2020, 1, 1), Decimal("0.8"))])
    form = {
        "supplier": "mugs-us", "external_id": "U-1", "total": "10.00", "day": "2999-01-01",
        "lines": "PO-9, 1, 1, 10.00",
    }  # fmt: skip
    take = "/books/supplier-invoices/take/"
    assert said(page.post(take, form)) == ["An invoice is not from a day that is still to come."]
    assert "PO-9, 1, 1, 10.00" in page.get("/books/supplier-invoices/").content.decode()
    day = shop.now.date() - timedelta(days=2)
    assert said(page.post(take, form | {"day": day.isoformat()})) == ["The invoice is taken in."]
    (row,) = supplier_queries.invoices(COMPANY)
    assert (row.currency, row.total_minor, row.invoiced_at.date()) == ("USD", 1_000, day)


def test_programs_take_and_decide_and_ask_what_is_not_billed(bought, program):
    api = program("books")
    (left,) = api.get("/api/v1/goods-not-invoiced").json()["items"]
    (row,) = supplier_queries.unbilled(COMPANY)
    assert api.get(f"/api/v1/goods-not-invoiced?after={row.id}").json() == {"items": [], "next": None}
    assert api.get("/api/v1/goods-not-invoiced?after=0.PO-1.1").json()["items"] == [left]
    assert api.get("/api/v1/goods-not-invoiced?after=now.PO-1.1").status_code == 422
    assert (left["order_number"], left["received"], left["billed"], left["amount_minor"]) == (
        bought,
        10,
        0,
        4_000,
    )
    body = {"supplier": "mugs", "external_id": "F-2", "currency": "GBP", "total_minor": 4_800}
    lines = [{"order": bought, "line": 1, "quantity": 12, "amount_minor": 4_800}]
    taken = api.post("/api/v1/supplier-invoices", {**body, "lines": lines}).json()
    assert (taken["state"], taken["in_question"], taken["question_minor"]) == ("open", 1, 800)
    again = api.post("/api/v1/supplier-invoices", {**body, "lines": lines}, again="two").json()
    assert (again["invoice"], again["fresh"]) == (taken["invoice"], False)
    (line,) = api.get("/api/v1/supplier-lines").json()["items"]
    assert (line["units"], line["difference_minor"]) == (10, 800)
    came = api.post("/api/v1/supplier-invoices/match-arrivals", {"invoice": taken["invoice"]}).json()
    assert (came["units"], came["state"]) == (0, "open")
    decided = api.post(
        "/api/v1/supplier-lines/decide", {"invoice": taken["invoice"], "line": 1, "decision": "credit"}
    ).json()
    assert decided["invoice_state"] == "settled"
    assert api.get("/api/v1/supplier-invoices").json()["items"][0]["in_question"] == 0
    refused = program("lead").post(
        "/api/v1/supplier-invoices", {**body, "external_id": "F-3", "lines": lines}
    )
    assert refused.status_code == 403


def test_programs_walk_through_the_lines_of_invoices(bought, program):
    api = program("books")
    one = {"order": bought, "line": 1, "quantity": 1, "amount_minor": 400}
    taken = [
        api.post("/api/v1/supplier-invoices", {
            "supplier": "mugs", "external_id": f"F-{lines}", "currency": "GBP", "total_minor": lines * 400,
            "lines": [one] * lines,
        }, again=f"f{lines}").json()["invoice"]
        for lines in (1, 3)
    ]  # fmt: skip
    walked, pages, behind = [], 0, ""
    while behind is not None and pages < 9:
        page = api.get(f"/api/v1/supplier-lines?show=all&limit=1{behind}").json()
        walked += [(one["invoice"], one["number"]) for one in page["items"]]
        pages, behind = pages + 1, page["next"] and f"&after={page['next']}"
    assert (walked, pages) == ([(taken[1], 1), (taken[1], 2), (taken[1], 3), (taken[0], 1)], 4)
    for wrong in ("soon.1", f"{taken[0]}.x", taken[0]):
        assert api.get(f"/api/v1/supplier-lines?after={wrong}").status_code == 422


def test_several_lines_are_decided_for_one_reason(bought, console):
    page = console("books")
    whole = {"supplier": "mugs", "external_id": "F-2", "total": "90.00", "tax": "0"}
    lines = f"{bought}, 1, 5, 45.00\n{bought}, 1, 5, 45.00"
    page.post("/books/supplier-invoices/take/", {**whole, "lines": lines})
    waiting = supplier_queries.lines(COMPANY, in_question=True)
    shown = page.get("/books/supplier-invoices/").content.decode()
    boxes = re.findall(r'name="row" value="([^"]+)" form="together"', shown)
    assert boxes == [f"{one.invoice}/{one.number}" for one in waiting] and len(boxes) == 2
    asked = {"row": boxes, "decision": "dispute", "reason": "not the price of the order"}
    assert said(page.post("/books/supplier-invoices/decide/", asked)) == ["2 lines are decided."]
