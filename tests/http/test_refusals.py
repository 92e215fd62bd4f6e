"""Refusals on pages: no ids where something has a code or a number."""

from __future__ import annotations

from datetime import date

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import NotFound, Said
from entrepot.returns.errors import NotOfVendor
from entrepot.stock.errors import NotThere
from entrepot.web.refusals import named
from tests.asking import a_browser, a_program
from tests.floor import COMPANY, Floor
from tests.http.test_returns_pages import said
from tests.onward import disposed, opened
from tests.shop import everybody
from tests.walk import a_house, placed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 100)
    return house


def test_what_a_company_has_is_called_by_its_code_or_number(house: Floor, statements):
    (order,) = placed(house, 1, (0, 1))
    ((number,),) = sql.run("SELECT number FROM orders_order WHERE id = %(order)s", {"order": order})
    other, sku = ids.uuid7(), house.skus[0]
    refusals = [
        NotThere(wanted=2, sku=str(sku), where=Said("bin {0}", house.bin()), found=1),
        NotThere(wanted=1, sku=str(other), where="no bin", found=0),
        NotOfVendor(sku=sku, vendor=str(order)),
        NotFound(what="SKU", which=str(sku)),
    ]
    with statements() as ran:
        found = named(COMPANY, refusals)
    assert len(ran.texts) == 1
    assert [one.message.split(".")[0] for one in found] == [
        "2 units of SKU SKU-000 were to leave bin PICK, 1 are there and not being picked",
        f"1 units of SKU {other} were to leave no bin, 0 are there and not being picked",
        f"SKU-000 is neither offered by {number} nor was bought there",
        f"There is no SKU {sku}",
    ], "what somebody asked for and there is not may be another company's"
    assert named(COMPANY + 1, refusals) == refusals, "nor is what another company has"
    with statements() as ran:
        assert named(COMPANY, [NotFound(what="SKU", which="x")]) == [NotFound(what="SKU", which="x")]
    assert ran.texts == []


def test_a_form_that_is_refused_says_codes(house: Floor):
    everybody()
    which = opened("liquidation", (disposed(house, "liquidate", 2)[0], 2)).departure
    sql.run("UPDATE stock_bucket SET committed = 1 WHERE status <> 'sellable' AND quantity > 0")
    form = {"amount": "3.00", "due_on": str(date(2027, 1, 1)), "reference": "x"}
    refused = a_browser("inspector").post(f"/returns/departures/{which}/leave/", form)
    (sentence,) = said(refused)
    assert "of SKU SKU-000 were to leave bin " in sentence, sentence
    assert str(house.skus[0]) not in sentence and not any(str(one) in sentence for one in house.bins.values())
    sql.run("UPDATE stock_bucket SET committed = 0 WHERE status <> 'sellable'")


def test_a_program_that_is_refused_is_told_codes_and_keeps_the_ids(house: Floor):
    people = everybody()
    which = opened("liquidation", (disposed(house, "liquidate", 2)[0], 2)).departure
    sql.run("UPDATE stock_bucket SET committed = 1 WHERE status <> 'sellable' AND quantity > 0")
    body = {"departure": str(which), "amount_minor": 300, "due_on": "2027-01-01", "reference": "x"}
    program = a_program(people["inspector"])
    alone = program.post("/api/v1/returns/departures/leave", body)
    assert alone.status_code == 409, alone.content
    many = program.post("/api/v1/returns/departures/leave", [body, body], again="two").json()
    for one in (alone.json(), many[0]):
        assert "SKU SKU-000" in one["detail"], one
        assert str(house.skus[0]) not in one["detail"]
        assert one["facts"]["sku"] == str(house.skus[0]), "programs ask on by the id"
    sql.run("UPDATE stock_bucket SET committed = 0 WHERE status <> 'sellable'")
