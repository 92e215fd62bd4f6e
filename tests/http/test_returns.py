"""The contract of the API of returns: the whole way, duties, keys, and what is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from tests.back import lines_of, policy, sold
from tests.floor import Floor
from tests.http.test_api import is_problem
from tests.walk import a_house

RETURNS, REFUNDS = "/api/v1/returns", "/api/v1/refunds"


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    return house


@pytest.fixture
def call(house: Floor):
    """Programs of people by name, each with the permissions of its role."""
    from tests.asking import a_program
    from tests.shop import everybody

    people = everybody()
    return lambda name: a_program(people[name])


def asked(call: Any, order: UUID, units: int = 2, **facts: Any) -> dict[str, Any]:
    body = {"order": str(order), "items": [{"line": str(lines_of(order)[0]), "quantity": units}], **facts}
    response = call("service").post(RETURNS, body)
    assert response.status_code == 201, response.content
    return response.json()


def test_the_whole_way_of_a_return(house: Floor, call) -> None:
    policy(approve_above_minor=1_000)
    (order,) = sold(house, 1, (0, 2))
    left = call("service").get(f"/api/v1/orders/{order}/returnable").json()
    assert [(one["sku_code"], one["left"]) for one in left] == [("SKU-000", 2)]

    one = asked(call, order)
    came = call("supervisor").post(
        f"{RETURNS}/receive", {"return_id": one["return_id"], "line": one["lines"][0], "quantity": 2}
    )
    found = call("inspector").post(
        f"{RETURNS}/inspect",
        {"receipt": came.json()["receipt"], "quantity": 2, "grade": "B", "codes": ["opened", "no_box"]},
    )
    assert found.json()["proposed"] == "second_grade"
    done = call("inspector").post(
        f"{RETURNS}/dispose", {"inspection": found.json()["inspection"], "quantity": 2}
    )
    assert done.json()["disposition"] == "second_grade"
    refund = call("service").post(f"{RETURNS}/refund", {"return_id": one["return_id"]}).json()
    assert (refund["state"], refund["total_minor"]) == ("waiting", 1998)
    waiting = call("auditor").get(f"{REFUNDS}?state=waiting").json()["items"]
    assert [row["number"] for row in waiting] == [refund["number"]]

    agreed = call("books").post(f"{REFUNDS}/approve", {"refund": refund["refund"], "agree": True})

    assert agreed.json()["state"] == "paid"
    whole = call("auditor").get(f"{RETURNS}/{one['return_id']}").json()
    assert whole["state"] == "closed"
    assert [row["grade"] for row in whole["inspections"]] == ["B"]
    assert [row["total_minor"] for row in whole["refunds"]] == [1998]
    listed = call("auditor").get(f"{RETURNS}?state=closed&order={order}").json()
    assert [row["number"] for row in listed["items"]] == [one["number"]]


def test_the_same_key_gets_the_first_answer_and_other_content_is_refused(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    body = {"order": str(order), "items": [{"line": str(lines_of(order)[0]), "quantity": 1}]}
    service = call("service")

    first = service.post(RETURNS, body, again="k")

    assert service.post(RETURNS, body, again="k").json() == first.json()
    body["items"][0]["quantity"] = 2
    is_problem(service.post(RETURNS, body, again="k"), 422, "kernel.request_reused")
    assert sql.run("SELECT count(*)::int FROM returns_return") == [(1,)]


def test_duties_are_kept_apart_by_the_api(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    lead = call("root")
    body = {"order": str(order), "items": [{"line": str(lines_of(order)[0]), "quantity": 1}]}
    one = lead.post(RETURNS, body).json()

    refused = lead.post(
        f"{RETURNS}/receive", {"return_id": one["return_id"], "line": one["lines"][0], "quantity": 1}
    )

    is_problem(refused, 403, "access.duties_apart")


def test_a_list_has_an_answer_for_each(house: Floor, call) -> None:
    (order,) = sold(house, 1, (0, 2))
    line = str(lines_of(order)[0])
    items = [{"order": str(order), "items": [{"line": line, "quantity": n}]} for n in (1, 5, 1)]

    response = call("service").post(RETURNS, items)

    assert response.status_code == 200
    assert [one.get("code", one.get("state")) for one in response.json()] == [
        "authorized",
        "returns.more_than_sold",
        "authorized",
    ]


@pytest.mark.parametrize(
    ("who", "path", "body"),
    [
        (
            "auditor",
            f"{RETURNS}/receive",
            {"return_id": str(ids.uuid7()), "line": str(ids.uuid7()), "quantity": 1},
        ),
        ("service", f"{REFUNDS}/approve", {"refund": str(ids.uuid7()), "agree": True}),
        (
            "supervisor",
            RETURNS,
            {"order": str(ids.uuid7()), "items": [{"line": str(ids.uuid7()), "quantity": 1}]},
        ),
    ],
)
def test_without_the_role_it_is_forbidden(
    house: Floor, call, who: str, path: str, body: dict[str, Any]
) -> None:
    is_problem(call(who).post(path, body), 403, "kernel.not_permitted")


def test_what_there_is_not_is_said(house: Floor, call) -> None:
    nothing = str(ids.uuid7())
    is_problem(call("auditor").get(f"{RETURNS}/{nothing}"), 404, "kernel.not_found")
    is_problem(call("auditor").get(f"/api/v1/orders/{nothing}/returnable"), 404, "kernel.not_found")
    is_problem(
        call("service").post(f"{RETURNS}/close", {"return_id": nothing, "reason": "never came"}),
        404,
        "kernel.not_found",
    )


def test_duties_are_kept_apart_by_the_page(house: Floor, call) -> None:
    from django.contrib.messages import get_messages

    from tests.asking import a_browser

    (order,) = sold(house, 1, (0, 2))
    call("root")  # the people
    browser = a_browser("root")
    line = lines_of(order)[0]
    asked_for = browser.post(f"/orders/{order}/return/", {f"units-{line}": "1", "reason": "poor_fit"})
    ((return_id, return_line),) = sql.run("SELECT return_id, id FROM returns_line")
    assert asked_for["Location"] == f"/returns/{return_id}/"

    refused = browser.post(f"/returns/{return_id}/receive/", {f"units-{return_line}": "1"})

    (told,) = [str(message) for message in get_messages(refused.wsgi_request)][-1:]
    assert "did the other part of request×receive×approve" in told
    assert sql.run("SELECT count(*)::int FROM returns_receipt") == [(0,)]
