"""Promised orders planned again: on the order's page, off a whole node, and by programs."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from entrepot.kernel import ids, sql
from entrepot.kernel.command import whole
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from tests.asking import a_browser, a_program
from tests.floor import SYSTEM, a_floor
from tests.http.test_api import is_problem
from tests.shop import everybody


class House(NamedTuple):
    """An order that is promised by N1, of which N2 has all as well."""

    order: UUID
    node: UUID
    people: dict[str, User]


@pytest.fixture
def house(db: None) -> House:
    people, floor = everybody(), a_floor()
    floor.stock(quantity=9)
    order = floor.order((0, 2)).order
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    floor.stock(quantity=9, node=1)
    return House(order, floor.nodes[0], people)


def nodes_of(order: UUID) -> set[str]:
    found = sql.run(
        "SELECT n.code FROM stock_allocation AS a JOIN network_node AS n ON n.id = a.node_id WHERE order_id = %(o)s",
        {"o": order},
    )
    return {code for (code,) in found}


def test_an_order_is_planned_again_on_its_page(house: House) -> None:
    order = house.order
    client = a_browser("lead")
    page = reverse("order", args=[order])
    assert "Plan it again" in client.get(page).content.decode()
    told = client.post(reverse("order-replan", args=[order]), follow=True).content.decode()
    assert "It comes from where it should already." in told
    assert nodes_of(order) == {"N1"}
    assert "Plan it again" not in a_browser("auditor").get(page).content.decode()


def test_everything_is_moved_off_a_node_on_the_page_of_conflicts(house: House) -> None:
    order, node = house.order, house.node
    client = a_browser("lead")
    assert "Move everything off a node" in client.get(reverse("conflicts")).content.decode()
    sent = {"node": str(node), "reason": "a pipe burst"}
    told = client.post(reverse("leave-node"), sent, follow=True).content.decode()
    assert "from elsewhere now" in told
    assert nodes_of(order) == {"N2"}
    page = client.get(reverse("order", args=[order])).content.decode()
    assert "Planned again" in page and "everything is moved off it" in page and "a pipe burst" in page

    silent = client.post(
        reverse("leave-node"), {"node": str(node), "reason": " "}, follow=True
    ).content.decode()
    assert "expected why the node is left" in silent
    assert client.post(reverse("leave-node"), {"node": "no"}).status_code == 404
    assert "Move everything off a node" not in a_browser("auditor").get(reverse("conflicts")).content.decode()


def test_programs_plan_orders_again_and_leave_nodes(house: House) -> None:
    order, code = house.order, "N1"
    lead = a_program(house.people["lead"])
    sent = {"order": str(order), "reason": "a flood", "leave": [code]}
    done = lead.post("/api/v1/orders/replan", sent, again="r").json()
    assert (done["order"], done["why"]) == (str(order), "barred") and done["units"] == 2
    assert lead.post("/api/v1/orders/replan", sent, again="r").json() == done
    (first, *_) = lead.get(f"/api/v1/orders/{order}/sourcing").json()
    assert (first["replanned"]["barred"], first["replanned"]["reason"]) == ({code: "left"}, "a flood")
    assert {node for _, node, _ in first["replanned"]["before"]} == {code}

    gone = lead.post("/api/v1/orders/replan", {"order": str(ids.uuid7())}, again="n")
    assert is_problem(gone, 404, "kernel.not_found")
    left = lead.post("/api/v1/nodes/leave", {"node": code, "reason": "a flood", "limit": 1}, again="l").json()
    assert left == {"node": str(house.node), "orders": 0, "units": 0, "stay": {}, "left": 0}
    unknown = lead.post("/api/v1/nodes/leave", {"node": "NOWHERE", "reason": "a flood"}, again="u")
    assert is_problem(unknown, 404, "kernel.not_found")
    assert (
        a_program(house.people["auditor"]).post("/api/v1/orders/replan", sent, again="a").status_code == 403
    )
