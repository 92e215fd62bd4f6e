"""People's data: the page, and the API."""

from __future__ import annotations

import json

import pytest

from entrepot.orders import queries as orders
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.settlement import privacy_queries
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


def test_a_controller_holds_and_reads_and_is_told_why_nobody_is_erased_yet(shop, console):
    page, number = console("books"), orders.order(shop.one("packed")).number
    form = {"who": number, "reason": "asked by letter", "what": "erase"}
    assert "can't be erased yet" in said(page.post("/books/privacy/decide/", form))[0]
    assert said(page.post("/books/privacy/decide/", {**form, "what": "hold"})) == ["It is held."]
    file = page.post("/books/privacy/export/", {"who": number})
    assert number in [one["number"] for one in json.loads(file.content)["orders"]]
    assert file["Cache-Control"] == "no-store"
    assert said(page.post("/books/privacy/export/", {"who": "nobody"})) == [
        "There is no customer and no order of that name."
    ]
    shown = page.get("/books/privacy/?list=holds").content.decode()
    assert "asked by letter" in shown and "Business buyers" in shown
    (hold,) = privacy_queries.holds(COMPANY)
    assert said(page.post("/books/privacy/release/", {"hold": hold.id, "reason": "over"})) == [
        "The hold is released."
    ]
    other = console("supervisor")
    assert "Erase for good" not in other.get("/books/privacy/").content.decode()
    assert "may not" in said(other.post("/books/privacy/export/", {"who": number}))[0]


def test_programs_erase_hold_and_read(shop, program):
    api, done = program("books"), str(shop.one("cancelled"))
    assert api.post("/api/v1/privacy/exports", {"order": done}).json()["orders"]
    assert is_problem(api.post("/api/v1/privacy/exports", {}, again="1"), 422, "kernel.invalid")
    assert is_problem(
        api.post("/api/v1/privacy/exports", {"customer": "no"}, again="2"), 404, "kernel.not_found"
    )
    who = {"order": done, "reason": "asked"}
    hold = api.post("/api/v1/privacy/holds", who, again="3").json()["hold"]
    code = "settlement.not_to_be_erased_yet"
    assert is_problem(api.post("/api/v1/privacy/erasures", who, again="4"), 409, code)
    assert (
        api.post("/api/v1/privacy/holds/release", {"hold": hold, "reason": "over"}, again="5").json()["hold"]
        == hold
    )
    register_customers(the_system(shop.now), requests=[RegisterCustomer(COMPANY, "c-99")])
    erased = api.post("/api/v1/privacy/erasures", {"customer": "c-99", "reason": "asked"}, again="6").json()
    assert (erased["number"][:3], erased["orders"]) == ("ER-", 0)
    refused = program("supervisor").post("/api/v1/privacy/exports", {"order": done})
    assert is_problem(refused, 403, "kernel.not_permitted")
