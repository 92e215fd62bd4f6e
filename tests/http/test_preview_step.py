"""What a step of a real document would post."""

from __future__ import annotations

from decimal import Decimal

import pytest

from entrepot.kernel import sql
from entrepot.orders.commands.credit import Credited, CreditItem, CreditWithoutSale, credit
from tests.asking import a_browser, a_program
from tests.floor import COMPANY, SYSTEM, Floor
from tests.http.test_packing import said
from tests.shop import a_person, everybody
from tests.walk import a_house, packed, placed

pytestmark = pytest.mark.django_db
TABLES = (
    "ledger_line",
    "kernel_event",
    "kernel_ready",
    "shipping_shipment",
    "access_duty",
    "kernel_delivery",
)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 10)
    everybody()
    return house


def counted() -> list[int]:
    return [sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


def test_a_parcel_is_shown_with_its_entries_and_does_not_leave(house: Floor):
    (parcel,) = packed(*placed(house, 1, (0, 2)))
    ((number,),) = sql.run("SELECT number FROM warehouse_fulfillment WHERE id = %(id)s::uuid", {"id": parcel})
    program, page = a_program(a_person("reader of books", "auditor")), a_browser("auditor")
    before = counted()
    assert "A real document" in page.get("/books/preview/").content.decode()
    shown = page.post("/books/preview/step/", {"step": "ship", "number": number.lower()}).content.decode()
    assert "£19.98" in shown and "2100" in shown
    lines = program.post("/api/v1/posting-preview/step", {"step": "ship", "number": number}).json()
    assert sum(one["amount_minor"] for one in lines) == 0
    assert ("sale", -1_998) in [(one["event"], one["amount_minor"]) for one in lines]
    assert counted() == before
    assert sql.run("SELECT state FROM warehouse_fulfillment") == [("packed",)]


def test_what_can_not_be_taken_says_why(house: Floor):
    page = a_browser("books")
    assert said(page.post("/books/preview/step/", {"step": "fly", "number": "X"})) == [
        "Choose a step, and say the number of its document."
    ]
    shown = page.post("/books/preview/step/", {"step": "ship", "number": "FF-1"}).content.decode()
    assert "There is no document of this step FF-1." in shown
    program = a_program(a_person("reader of books", "auditor"))
    refused = program.post("/api/v1/posting-preview/step", {"step": "approve refund", "number": "RF-1"})
    assert refused.status_code == 404


def test_a_credit_is_shown_by_its_entry_whoever_entered_it(house: Floor):
    items = (CreditItem("goods", "?", 1, Decimal(5)),)
    (given,) = credit(SYSTEM, requests=[CreditWithoutSale(COMPANY, "shop", "C-1", items, "GBP")])
    assert isinstance(given, Credited)
    program = a_program(a_person("reader of books", "auditor"))
    before = counted()
    lines = program.post(
        "/api/v1/posting-preview/step", {"step": "approve credit", "number": given.number}
    ).json()
    assert {one["event"] for one in lines} == {"credit"}
    assert max(one["amount_minor"] for one in lines) == given.total_minor
    assert counted() == before


def test_who_has_nothing_to_do_with_books_or_steps_sees_none(shop, program):
    answer = program("engineer").post("/api/v1/posting-preview/step", {"step": "ship", "number": "FF-1"})
    assert (answer.status_code, answer.json()["code"]) == (403, "kernel.not_permitted")
