"""What is sent instead: how programs agree to it and are told, and how the order's page shows it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import queries as orders
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.rules import Offline, Profile
from entrepot.sourcing.substitutes import Set, Substitutes
from tests.shop import COMPANY, Shop, the_system

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"


def in_force(shop: Shop, kind: str, body: Any) -> None:
    whole(set_policy(the_system(shop.now), requests=[SetPolicy(COMPANY, kind, body, shop.now)]))


def sold_out(shop: Shop, code: str) -> None:
    """All of a SKU is kept back."""
    sql.run(
        "UPDATE stock_position SET safety = sellable WHERE sku_id = %(sku)s RETURNING node_id",
        {"sku": shop.skus[code]},
    )


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "channel": "web", "external_id": "SUB-1", "currency": "GBP", "country": "GB", "postal_code": "LS1 4AP",
        "lines": [{"sku": "MUG-BLUE", "quantity": 2, "unit_price": "14.50"}], "tax_minor": 5_80,
    } | changes  # fmt: skip


@pytest.fixture
def mugs(shop: Shop) -> Shop:
    in_force(shop, "sourcing.substitutes", Substitutes((Set(("MUG-BLUE",), ("MUG-SAND",)),)))
    in_force(shop, "sourcing.profile", Profile(substitutes="agreed"))
    sold_out(shop, "MUG-BLUE")
    return shop


def placed(program: Any, shop: Shop, **changes: Any) -> UUID:
    told = program("engineer").post(ORDERS, an_order(**changes))
    assert told.status_code == 201, told.content
    order = UUID(told.json()["order"])
    allocate(the_system(shop.now), requests=[AllocateOrder(order)])
    return order


def test_a_program_agrees_and_is_told_what_is_sent(program, mugs):
    order = placed(program, mugs, substitutes="agreed")

    told = program("auditor").get(f"{ORDERS}/{order}").json()

    ordered, sent = told["lines"]
    assert told["substitutes"] == "agreed"
    assert (ordered["units"], ordered["instead_of"]) == ({"cancelled": 2}, None)
    assert (sent["sku"], sent["units"], sent["instead_of"]) == ("MUG-SAND", {"allocated": 2}, ordered["id"])
    assert (sent["gross_minor"], sent["discount_minor"], sent["tax_minor"]) == (29_00, 4_00, 5_00)
    (decision,) = program("auditor").get(f"{ORDERS}/{order}/sourcing").json()
    assert decision["lines"][0]["instead"] == [
        {"ordered": "MUG-BLUE", "by": "MUG-SAND", "units": 2, "price": "lower"}
    ]


def test_who_does_not_agree_waits(program, mugs):
    order = placed(program, mugs)
    (line,) = program("auditor").get(f"{ORDERS}/{order}").json()["lines"]
    assert line["units"] == {"backordered": 2}


def test_another_word_is_refused(program, mugs):
    told = program("engineer").post(ORDERS, an_order(substitutes="perhaps"))
    assert told.status_code == 422
    assert "substitutes" in told.content.decode()


def test_the_page_shows_both_lines_and_why(program, console, mugs):
    order = placed(program, mugs, substitutes="agreed")

    page = console("service").get(f"/orders/{order}/").content.decode()

    assert "sent instead of MUG-BLUE, line 1" in page
    assert "2 sent as MUG-SAND, line 2" in page
    assert "2 of MUG-SAND are sent instead of MUG-BLUE, at the lower of the two prices." in page


def test_the_page_asks_for_no_split_of_what_is_sent_instead(program, console, mugs):
    lines = [{"sku": sku, "quantity": 2, "unit_price": "14.50"} for sku in ("MUG-BLUE", "LAMP-OAK")]
    order = placed(program, mugs, substitutes="agreed", lines=lines)
    by = {line.sku_code: line.id for line in orders.order(order).lines}
    page = console("lead").get(f"/orders/{order}/").content.decode()
    assert f"split-{by['LAMP-OAK']}" in page
    assert f"split-{by['MUG-SAND']}" not in page


def test_the_page_tells_the_rule_that_kept_a_node_from_serving(program, console, shop):
    in_force(shop, "sourcing.profile", Profile(offline=tuple(
        Offline(node, shop.now.date(), why="stock-taking") for node in ("LDN", "MAN")
    )))  # fmt: skip
    order = placed(program, shop, external_id="OFF")

    page = console("service").get(f"/orders/{order}/").content.decode()
    (told,) = program("auditor").get(f"{ORDERS}/{order}/sourcing").json()

    assert "offline on that day" in page.lower()
    assert "LDN would have served all of it but for a rule:" in page
    assert (told["flip"]["rule"], told["candidates"][0]["could"]) == ("offline", 2)
