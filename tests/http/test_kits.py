"""Kits: how people and programs say what they are made of, and how pages and answers show it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing.commands.order import OrderGoods
from entrepot.purchasing.commands.order import order as buy
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from tests.floor import someone
from tests.shop import COMPANY, Shop, the_system

pytestmark = pytest.mark.django_db

KITS, ORDERS = "/api/v1/kits", "/api/v1/orders"
READING = {"sku": "READING", "components": [{"sku": "MUG-SAND"}, {"sku": "MUG-BLUE", "units": 2}]}


@pytest.fixture
def kit(shop: Shop) -> UUID:
    (made,) = whole(
        register_skus(the_system(shop.now), requests=[RegisterSku(COMPANY, "READING", "Reading corner")])
    )
    return made.id


def an_order(*lines: dict[str, Any]) -> dict[str, Any]:
    return {
        "channel": "web", "external_id": "KIT-1", "currency": "GBP", "country": "GB", "postal_code": "LS1 4AP",
        "lines": lines,
    }  # fmt: skip


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)][-1:]


def parts(kit: UUID) -> list[tuple[str, int]]:
    return [(one.code, one.units) for one in catalog.components(kit=kit)]


def test_a_program_says_what_a_kit_is_made_of_and_asks_for_it(program, shop, kit):
    engineer = program("engineer")

    told = engineer.post(KITS, READING)
    assert (told.status_code, told.json()) == (200, {"id": str(kit), "code": "READING"})
    found = engineer.get(f"{KITS}/READING").json()
    assert [(one["code"], one["units"]) for one in found["components"]] == [("MUG-SAND", 1), ("MUG-BLUE", 2)]
    (part,) = engineer.get(f"{KITS}/MUG-BLUE").json()["part_of"]
    assert (part["code"], part["units"]) == ("READING", 2)
    assert engineer.get(f"{KITS}/NONE").status_code == 404


def test_what_is_no_kit_is_a_problem_with_what_to_do_and_its_neighbor_is_done(program, kit):
    nested = {"sku": "MUG-SAND", "components": [{"sku": "READING"}]}
    told = program("engineer").post(KITS, [READING, nested])
    first, second = told.json()
    assert first["code"] == "READING"
    assert second["status"] == 422
    assert "no kit of kits" in second["detail"]
    assert program("service").post(KITS, READING).status_code == 403


def test_an_order_and_what_may_be_promised_tell_the_components(program, shop, kit):
    program("engineer").post(KITS, READING)
    body = an_order({"sku": "READING", "quantity": 2, "unit_price": "100.01"})
    ask = "/api/v1/availability?channel=web&sku=READING&sku=MUG-SAND&explain=true"
    before, single = program("engineer").get(ask).json()["items"]

    placed = program("engineer").post(ORDERS, body)
    assert placed.status_code == 201, placed.content
    order = UUID(placed.json()["order"])
    whole(allocate(the_system(shop.now), requests=[AllocateOrder(order)]))

    found = program("engineer").get(f"{ORDERS}/{order}").json()
    assert [(line["sku"], line["quantity"], line["kit"]) for line in found["lines"]] == [
        ("MUG-SAND", 2, {"sku": "READING", "number": 1, "units": 1}),
        ("MUG-BLUE", 4, {"sku": "READING", "number": 1, "units": 2}),
    ]
    assert sum(line["gross_minor"] for line in found["lines"]) == 200_02
    after = program("engineer").get(ask).json()["items"][0]
    assert [(one["sku"], one["units"]) for one in before["components"]] == [("MUG-SAND", 1), ("MUG-BLUE", 2)]
    assert "inbound" in before["components"][0]
    assert "components" not in single
    makes = min(one["free"] // one["units"] for one in before["components"])
    assert before["quantity"] == makes == after["quantity"] + 2


def test_it_is_set_on_the_page_of_the_sku_which_shows_it_and_its_components_do(console, program, shop, kit):
    page, form = console("inventory"), f"/stock/{kit}/kit/"

    assert said(page.post(form, {"components": "MUG-SAND\n\n 2 × MUG-BLUE \r\n"})) == [
        "The components are set."
    ]
    assert parts(kit) == [("MUG-SAND", 1), ("MUG-BLUE", 2)]
    text = page.get(f"/stock/{kit}/").content.decode()
    assert "Sold as a kit of" in text
    assert "2 MUG-BLUE\n" in text, "the form begins with what stands"
    for of_stock in ("Never had any", "In which bins", "Promised to", "Sold ahead", "None has moved"):
        assert of_stock not in text
    text = page.get(f"/stock/{shop.skus['MUG-BLUE']}/").content.decode()
    assert "Sold as part of" in text
    assert "Reading corner" in text

    assert "There is no SKU TYPO." in said(page.post(form, {"components": "2 TYPO"}))
    assert "from 1 to 1000 units" in said(page.post(form, {"components": "0 MUG-BLUE"}))[0]
    assert parts(kit) == [("MUG-SAND", 1), ("MUG-BLUE", 2)]
    page.post(form, {"components": ""})
    assert parts(kit) == []


def test_who_may_not_is_told_and_sees_no_form(console, shop, kit):
    page = console("auditor")
    assert (
        "may not do catalog.register_kits"
        in said(page.post(f"/stock/{kit}/kit/", {"components": "MUG-BLUE"}))[0]
    )
    assert f'action="/stock/{kit}/kit/' not in page.get(f"/stock/{kit}/").content.decode()


def test_the_orders_page_groups_the_components_of_each_kit(console, program, kit):
    program("engineer").post(KITS, READING)
    lines = [
        {"sku": sku, "quantity": n, "unit_price": "100"}
        for sku, n in (("READING", 2), ("MUG-SAND", 1), ("READING", 1))
    ]
    body = an_order(*lines)
    order = program("engineer").post(ORDERS, body).json()["order"]

    text = console("service").get(f"/orders/{order}/").content.decode()

    assert text.count('<tr class="group"><th scope="rowgroup"') == 3
    assert "Not of a kit" in text
    assert "Kit, 2 ×" in text
    assert "Kit, 1 ×" in text
    assert text.count("2 in each READING") == 2


def test_a_supplier_is_not_asked_for_a_kit(shop, program, kit):
    program("engineer").post(KITS, READING)
    (supplier,) = whole(
        register_suppliers(the_system(shop.now), requests=[RegisterSupplier(COMPANY, "S", "S", "GBP")])
    )
    (answer,) = buy(
        someone("bob"), requests=[OrderGoods(COMPANY, supplier.id, shop.nodes[0], "", ((kit, 1, 5),))]
    )
    assert "components of the kit" in answer.message


def test_a_cart_holds_the_components_of_a_kit_and_the_order_takes_them_over(program, shop, kit):
    engineer = program("engineer")
    engineer.post(KITS, READING)
    until = (shop.now + timedelta(hours=1)).isoformat()
    cart = {"channel": "web", "holder": "cart-1", "expires_at": until}

    told = engineer.post("/api/v1/reservations", cart | {"sku": "READING", "quantity": 1})
    assert told.status_code == 201
    parts_ = {str(shop.skus[one["sku"]]): one.get("units", 1) for one in READING["components"]}
    assert {one["sku"]: one["quantity"] for one in told.json()["parts"]} == parts_
    body = an_order({"sku": "READING", "quantity": 1, "unit_price": "40"}) | {"reservation": "cart-1"}
    order = UUID(engineer.post(ORDERS, body).json()["order"])
    (answer,) = whole(allocate(the_system(shop.now), requests=[AllocateOrder(order)]))

    assert (answer.allocated, answer.backordered) == (3, 0)
    assert sql.run("SELECT count(*) FROM stock_reservation WHERE holder = 'cart-1'") == [(0,)]


def test_kits_come_and_go_by_the_form_and_by_a_program(kit, shop, console, program):
    assert program("engineer").post(KITS, READING, again="k").status_code == 200
    caller = program("lead")
    sql.run("UPDATE catalog_sku SET list_price = 30 WHERE code = 'READING'")
    line = {"sku": "READING", "quantity": 2, "unit_price": "30.00"}
    order = program("engineer").post(ORDERS, an_order(line), again="o").json()["order"]
    edit = {"order": order, "reason": "another", "add": [{"sku": "READING", "quantity": 1}]}
    answer = caller.post(f"{ORDERS}/edit", edit | {"remove_kits": [{"kit": 1, "quantity": 1}]}, again="e")
    assert answer.status_code == 200, answer.content

    client, address = console("lead"), reverse("order-edit", args=[order])
    page = client.get(reverse("order", args=[order])).content.decode()
    assert 'name="kits-1" min="0" max="1000000" value="1"' in page and 'name="kits-2"' in page
    told = client.post(address, {"kits-1": "0", "kits-2": "3", "reason": "as he said"}, follow=True)
    assert "The order was changed" in told.content.decode()

    found = orders.order(UUID(order))
    left = [(one.kit_number, one.sku_code, one.quantity - one.cancelled) for one in found.lines]
    assert left == [
        (1, "MUG-SAND", 0), (1, "MUG-BLUE", 0), (2, "MUG-SAND", 1), (2, "MUG-BLUE", 2),
        (3, "MUG-SAND", 2), (3, "MUG-BLUE", 4),
    ]  # fmt: skip
    assert (
        "Write units as whole numbers."
        in client.post(address, {"kits-3": "many", "reason": "as he said"}, follow=True).content.decode()
    )
