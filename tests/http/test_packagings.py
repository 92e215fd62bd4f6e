"""Cases and pallets: the page of a SKU, the API, and what scanners make of their barcodes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.messages import get_messages

from entrepot.catalog import queries as catalog
from entrepot.catalog.packagings import Packaging
from entrepot.kernel import ids, sql
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing.commands.order import OrderedLine, OrderGoods
from entrepot.purchasing.commands.order import order as order_goods
from entrepot.stock.commands.receive import Receive, receive
from tests.handheld import Handheld, stands
from tests.http.test_api import is_problem
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
API = "/api/v1/packagings"
CASE = "15012345678907"


@pytest.fixture
def in_cases(shop, program):
    answers = program("inventory").post(
        API, [{"sku": "PEN-STEEL", "kind": "case", "units": 12, "barcode": CASE},
              {"sku": "PEN-STEEL", "kind": "pallet", "units": 48}], "packagings",
    ).json()  # fmt: skip
    assert [one["kind"] for one in answers] == ["case", "pallet"]
    return shop


def test_the_page_of_a_sku_says_how_it_comes(shop, console, program):
    sku = shop.skus["PEN-STEEL"]
    browser = console("inventory")
    at = f"/stock/{sku}/"
    assert "Say how it comes" in browser.get(at).content.decode()
    form = {"case-units": "12", "case-barcode": CASE, "pallet-units": "48", "pallet-barcode": ""}
    done = browser.post(f"{at}packagings/", form)
    assert [str(one) for one in get_messages(done.wsgi_request)] == ["The packagings are set."]
    page = browser.get(at).content.decode()
    assert CASE in page
    browser.post(f"{at}packagings/", {**form, "case-units": "16", "pallet-units": "64"})
    assert catalog.packagings([sku])[sku] == (Packaging("case", 16, CASE), Packaging("pallet", 64))
    browser.post(f"{at}packagings/", {})
    assert catalog.packagings([sku]) == {}

    asks = program("inventory")
    assert asks.get(f"{API}/PEN-STEEL").json() == []
    is_problem(asks.get(f"{API}/NOTHING"), 404, "kernel.not_found")
    is_problem(asks.post(API, {"sku": "PEN-STEEL", "kind": "case", "units": 1}, "a"), 422, "kernel.invalid")
    is_problem(program("auditor").post(API, {"sku": "PEN-STEEL", "kind": "case", "units": 2}, "b"), 403,
               "kernel.not_permitted")  # fmt: skip


def test_a_program_registers_skus_with_their_cases_and_no_barcode_means_two_things(in_cases, program):
    robot = program("inventory")
    ink = {"code": "INK-BLUE", "name": "Blue ink", "category": "office", "barcode": "5012345678900", "weight_g": 60,
           "lot_policy": "lot_expiry", "list_price": "4.95"}  # fmt: skip
    answers = robot.post(
        "/api/v1/skus",
        [
            ink,
            ink | {"code": "INK-RED", "barcode": CASE},
            ink | {"code": " X"},
            ink | {"code": "NIB", "barcode": ""},
        ],
        "skus",
    ).json()
    assert [one["code"] for one in answers] == ["INK-BLUE", "kernel.invalid", "kernel.invalid", "NIB"]
    assert "a case of PEN-STEEL bears it" in answers[1]["detail"]
    case = {"sku": "NIB", "kind": "case", "units": 6, "barcode": "5012345678900"}
    assert is_problem(robot.post(API, case, "taken"), 422, "kernel.invalid"), "it stands on a SKU"
    assert robot.post(API, case | {"barcode": ""}, "case").status_code == 200
    whole = robot.get("/api/v1/skus/INK-BLUE").json()
    assert (whole["lot_policy"], whole["list_price"], whole["packagings"]) == ("lot_expiry", "4.950000", [])
    assert robot.get("/api/v1/skus/NIB").json()["packagings"] == [{"kind": "case", "units": 6, "barcode": ""}]
    assert (
        robot.post("/api/v1/skus", ink | {"name": "Ink", "status": "discontinued"}, "again").status_code
        == 200
    )
    assert robot.get("/api/v1/skus/INK-BLUE").json()["status"] == "discontinued"
    is_problem(robot.get("/api/v1/skus/NOTHING"), 404, "kernel.not_found")
    is_problem(robot.post("/api/v1/skus", ink | {"color": "blue"}, "c"), 422, "http.422")
    is_problem(program("auditor").post("/api/v1/skus", ink, "b"), 403, "kernel.not_permitted")

    codes, after = [], ""
    while after is not None:
        page = robot.get(f"/api/v1/skus?limit=2&after={after}").json()
        codes += [one["code"] for one in page["items"]]
        after = page["next"]
    assert codes == sorted(codes) == sorted(catalog.skus(company=COMPANY))


def test_the_barcode_of_a_case_is_all_its_units_at_put_away(in_cases, console):
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": in_cases.nodes[0]}))
    sku = in_cases.skus["PEN-STEEL"]
    came = Receive(COMPANY, sku, in_cases.nodes[0], bins["IN"], 53, 5300, "receipt", ids.uuid7())
    receive(the_system(in_cases.now), requests=[came])
    hand = Handheld(console("supervisor"))
    hand.goes("/scan/put-away/")
    hand.scans(CASE)
    assert "12 × PEN-STEEL" in hand.page
    hand.scans(CASE, CASE, CASE)
    assert "48 × PEN-STEEL" in hand.page
    assert "whole pallets of 48" in hand.page
    hand.scans(CASE)
    assert hand.wrong.startswith("Too many")
    hand.scans("R-01")
    assert stands(sku) == {"R-01": 48, "IN": 5}


def test_the_barcode_of_a_case_is_all_its_units_at_the_dock(in_cases, program):
    system, node, sku = the_system(in_cases.now), in_cases.nodes[0], in_cases.skus["PEN-STEEL"]
    (supplier,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "PENS", "Pens Ltd", "GBP")])
    order_goods(
        system, requests=[OrderGoods(COMPANY, supplier.id, node, "DN-80", [OrderedLine(sku, 60, Decimal(2))])]
    )
    asks = program("supervisor")
    for text, units in ((CASE, 12), (f"02{CASE}3702", 24)):
        answer = asks.post("/api/v1/receiving/scans", {"node": "LDN", "text": text}, f"scan{units}").json()
        assert answer["quantity"] == units, answer
