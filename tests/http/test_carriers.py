"""Carriers' invoices: the page with its file and decisions, and the API."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.settlement import carrier_queries
from entrepot.shipping import queries as shipping
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.http.test_returns_pages import said as all_said
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def a_file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("invoice.csv", text.encode(), "text/csv")


def test_an_invoice_is_taken_from_a_file_and_its_differences_are_decided(shop, console):
    gone = shipping.shipments(COMPANY)[0]
    page = console("books")
    whole = {"carrier": gone.carrier, "external_id": "F-1", "total": "99.00"}

    done = page.post("/books/carriers/take/", {**whole, "file": a_file("number,amount\nX,9\n")})
    assert said(done) == ["Line 1, tracking: no such column; the file has number, amount."]
    short = a_file(f"tracking,amount\n{gone.tracking},90.00\n")
    assert (
        "its lines make 90.00 GBP, it says 99.00 GBP"
        in said(page.post("/books/carriers/take/", {**whole, "file": short}))[0]
    )
    told = f"parcel,sum\n{gone.tracking},99.00\n"
    columns = {"column_tracking": "parcel", "column_amount": "sum"}
    done = page.post("/books/carriers/take/", {**whole, **columns, "file": a_file(told)})
    assert said(done) == ["The invoice is taken in."]
    (again,) = said(page.post("/books/carriers/take/", {**whole, **columns, "file": a_file(told)}))
    assert re.fullmatch(
        r"The invoice was taken in before as CI-\d+, over the same amount. Nothing has changed.", again
    )

    shown = page.get("/books/carriers/").content.decode()
    assert "Accept the cost" in shown
    assert gone.number in shown
    (charge,) = carrier_queries.charges(COMPANY, in_question=True)
    form = {
        "invoice": charge.invoice,
        "line": charge.number,
        "decision": "dispute",
        "reason": "not what we weighed",
    }
    assert said(page.post("/books/carriers/decide/", form)) == ["The charge is decided."]
    assert page.get(f"/documents/{charge.invoice}/").status_code == 200
    reader = console("supervisor").get("/books/carriers/").content.decode()
    assert "A controller decides it." in reader
    but_one = f"{(charge.difference_minor - 100) / 100:.2f}"
    credit = {**form, "decision": "credit", "currency": "GBP", "reason": ""}
    refused = said(page.post("/books/carriers/decide/", {**credit, "amount": "much"}))
    assert refused == ["Write the amount like 12.50."]
    assert said(page.post("/books/carriers/decide/", {**credit, "amount": but_one})) == [
        "The charge is decided."
    ]
    (decided,) = carrier_queries.charges(COMPANY, charge.invoice)
    assert (decided.state, decided.credited_minor) == ("credited", charge.difference_minor - 100)
    assert (decided.carrier, decided.currency) == (gone.carrier, "GBP")


def test_programs_send_lines_or_a_file(shop, program):
    gone = shipping.shipments(COMPANY)[0]
    api = program("books")
    body = {"carrier": gone.carrier, "external_id": "F-2", "currency": "GBP", "total_minor": gone.cost_minor}
    lines = [{"tracking": gone.tracking, "amount_minor": gone.cost_minor}]
    taken = api.post("/api/v1/carrier-invoices", {**body, "lines": lines}).json()
    assert (taken["state"], taken["in_question"]) == ("settled", 0)
    bad = api.post("/api/v1/carrier-invoices", {**body, "external_id": "F-3", "csv": "a,b\n"}, again="2")
    assert is_problem(bad, 422, "kernel.invalid")
    text = f"tracking,amount\n{gone.tracking},{gone.cost_minor / 100:.2f}\n"
    again = api.post(
        "/api/v1/carrier-invoices", {**body, "external_id": "F-3", "csv": text}, again="3"
    ).json()
    assert again["in_question"] == 1
    (charge,) = api.get("/api/v1/carrier-charges").json()["items"]
    behind = f"{charge['invoice']}.{charge['number']}"
    assert api.get(f"/api/v1/carrier-charges?after={behind}").json() == {"items": [], "next": None}
    before = f"{charge['invoice']}.{charge['number'] - 1}"
    assert api.get(f"/api/v1/carrier-charges?after={before}").json()["items"] == [charge]
    assert charge["why"] == "charged before"
    answer = api.post(
        "/api/v1/carrier-charges/decide",
        {"invoice": charge["invoice"], "line": 1, "decision": "credit"},
        again="4",
    )
    assert answer.json()["invoice_state"] == "settled"
    assert len(api.get("/api/v1/carrier-invoices").json()["items"]) == 2


def test_several_charges_are_decided_for_one_reason(shop, console):
    gone = [
        one for one in shipping.shipments(COMPANY) if one.carrier == shipping.shipments(COMPANY)[0].carrier
    ][:3]
    page = console("books")
    lines = "".join(f"{one.tracking},99.00\n" for one in gone)
    form = {"carrier": gone[0].carrier, "external_id": "F-9", "total": f"{99 * len(gone)}.00"}
    page.post("/books/carriers/take/", {**form, "file": a_file(f"tracking,amount\n{lines}")})
    charges = carrier_queries.charges(COMPANY, in_question=True)
    assert len(charges) == len(gone) > 1
    boxes = re.findall(
        r'name="row" value="([^"]+)" form="together"', page.get("/books/carriers/").content.decode()
    )
    assert boxes == [f"{one.invoice}/{one.number}" for one in charges]
    asked = {"row": boxes, "decision": "dispute", "reason": ""}
    refused = all_said(page.post("/books/carriers/decide/", asked))
    assert {text.partition(": ")[0] for text in refused} == {
        f"{one.invoice_number} · {one.tracking}" for one in charges
    }
    done = said(page.post("/books/carriers/decide/", asked | {"reason": "we weighed"}))
    assert done == [f"{len(gone)} charges are decided."]
    assert {one.state for one in carrier_queries.charges(COMPANY, in_question=True)} == {"disputed"}
