"""Purchase orders that wait for a second person: their page, the list, and what programs say."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing import queries
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from tests.http.test_api import is_problem
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


@pytest.fixture
def supplier(shop) -> UUID:
    system = the_system(timezone.now())
    body = {"alone_up_to_minor": 10_000}
    at = timezone.now() - timedelta(days=1)
    whole(set_policy(system, requests=[SetPolicy(COMPANY, "purchasing.approval", body, at)]))
    (made,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "mugs", "Mugs Ltd", "GBP")])
    return made.id


def ordered(shop, supplier: UUID, by: str = "bea") -> UUID:
    buyer = Cause(Actor(by, everything=True), timezone.now())
    lines = ((shop.skus["MUG-BLUE"], 50, Decimal("2.50")),)
    (made,) = order(buyer, requests=[OrderGoods(COMPANY, supplier, shop.nodes[0], "", lines)])
    assert isinstance(made, GoodsOrdered)
    assert made.state == "waiting"
    return made.order


def state(which: UUID) -> str:
    found = queries.order(which)
    assert found is not None
    return found.state


def test_a_controller_approves_on_the_page_and_the_list_has_what_waits(console, shop, supplier):
    which = ordered(shop, supplier)
    page, path = console("books"), f"/inbound/orders/{which}/"

    assert "waiting" in page.get("/inbound/?state=waiting").content.decode().lower()
    shown = page.get(path).content.decode()
    assert "Waits for approval" in shown and "£125.00" in shown and "£100.00" in shown
    buyer = console("inventory").get(path).content.decode()
    assert "A controller decides it." in buyer and "Receive what was counted" not in buyer
    assert "It goes to the supplier once it is approved." in buyer and "Send it by EDI" not in buyer
    assert console("inventory").get(f"{path}order.pdf").status_code == 200

    page.post(f"{path}act/", {"action": "decline", "note": ""})
    assert state(which) == "waiting"
    page.post(f"{path}act/", {"action": "approve"})
    assert state(which) == "open"
    assert "approved by" in page.get(path).content.decode()


def test_whoever_ordered_is_told_that_another_person_approves(console, program, shop, supplier):
    which = ordered(shop, supplier, by="books")

    shown = console("books").get(f"/inbound/orders/{which}/").content.decode()
    assert "You ordered it: another person approves it." in shown
    refused = program("books").post("/api/v1/purchase-orders/decide", {"order": str(which), "approve": True})
    is_problem(refused, 403, "access.duties_apart")


def test_programs_order_and_decide(program, shop, supplier):
    call = program("inventory")
    node = sql.run("SELECT code FROM network_node WHERE id = %(id)s", {"id": shop.nodes[0]})[0][0]
    lines = [{"sku": "MUG-BLUE", "quantity": 50, "unit_cost": "2.50"}]
    made = call.post(
        "/api/v1/purchase-orders", {"supplier": "mugs", "node": node, "lines": lines}, "one"
    ).json()
    assert made["state"] == "waiting"
    wanted = {"order": made["order"], "approve": False, "note": "wait for June"}

    listed = program("auditor").get("/api/v1/purchase-orders?state=waiting").json()["items"]
    assert [one["id"] for one in listed] == [made["order"]]
    is_problem(call.post("/api/v1/purchase-orders/decide", wanted, "two"), 403, "kernel.not_permitted")
    answer = program("books").post("/api/v1/purchase-orders/decide", wanted, "three").json()
    assert answer == {"order": made["order"], "state": "cancelled"}
