"""The contract of the HTTP API: status, body, permission, refusals, and asking again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Unavailable
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.web.api import orders as api_orders

ORDERS, CANCEL, AVAILABILITY = "/api/v1/orders", "/api/v1/orders/cancel", "/api/v1/availability"


def an_order(external_id: str = "X-1", **changes: Any) -> dict[str, Any]:
    line = {"sku": "MUG-BLUE", "quantity": 2, "unit_price": "12.50"}
    return {
        "channel": "web",
        "external_id": external_id,
        "currency": "GBP",
        "country": "GB",
        "lines": [line],
    } | changes


def is_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json"), (
        response.content
    )
    told = response.json()
    assert (told["status"], told["code"], told["type"]) == (status, code, f"urn:entrepot:problem:{code}")
    assert told["detail"]
    assert told["title"]
    return told


def placed_orders() -> int:
    return sql.run("SELECT count(*) FROM orders_order")[0][0]


# ---- placing


def test_an_order_is_placed_and_can_be_read(program):
    caller = program("engineer")
    response = caller.post(ORDERS, an_order(shipping_minor=495))
    assert response.status_code == 201, response.content
    told = response.json()
    assert told["number"].startswith("SO-")
    assert (told["status"], told["holds"]) == ("ready", [])

    found = caller.get(f"{ORDERS}/{told['order']}").json()
    assert found["total_minor"] == 2995
    assert found["lines"][0]["unit_price"] == "12.500000"
    assert found["lines"][0]["units"] == {"open": 2}


def test_the_same_key_gets_the_first_answer(program):
    caller = program("engineer")
    first = caller.post(ORDERS, an_order(), again="k-1")
    before = placed_orders()
    assert caller.post(ORDERS, an_order(), again="k-1").json() == first.json()
    assert placed_orders() == before


def test_the_same_key_with_other_content_is_refused(program):
    caller = program("engineer")
    caller.post(ORDERS, an_order(), again="k-1")
    is_problem(caller.post(ORDERS, an_order("X-2"), again="k-1"), 422, "kernel.request_reused")


def test_keys_of_two_callers_never_meet(program):
    one, other = program("engineer"), program("lead")
    assert one.post(ORDERS, an_order("X-1"), again="k").status_code == 201
    assert other.post(ORDERS, an_order("X-2"), again="k").status_code == 201


def test_an_order_that_the_channel_sent_before_is_a_conflict(program):
    caller = program("engineer")
    caller.post(ORDERS, an_order(), again="k-1")
    told = is_problem(caller.post(ORDERS, an_order(), again="k-2"), 409, "orders.duplicate")
    assert told["facts"]["external_id"] == "X-1"


def test_an_order_of_an_unknown_channel_is_not_found(program):
    is_problem(program("engineer").post(ORDERS, an_order(channel="fair")), 404, "kernel.not_found")


def test_a_write_needs_a_key(program):
    told = is_problem(program("engineer").post(ORDERS, an_order(), again=None), 422, "http.422")
    assert told["errors"][0]["where"][-1] == "Idempotency-Key"


def test_a_list_answers_one_by_one(program):
    caller = program("engineer")
    batch = [an_order("X-1"), an_order("X-2", channel="fair"), an_order("X-3", key="own-3")]
    response = caller.post(ORDERS, batch, again="batch")
    assert response.status_code == 200, response.content
    first, second, third = response.json()
    assert first["status"] == third["status"] == "ready"
    assert (second["status"], second["code"]) == (404, "kernel.not_found")

    before = placed_orders()
    again = caller.post(ORDERS, batch, again="batch").json()
    assert [one.get("order") for one in again] == [first["order"], None, third["order"]]
    assert placed_orders() == before


def test_a_held_order_says_why(program):
    told = program("engineer").post(ORDERS, an_order(signals=["velocity"])).json()
    assert (told["status"], told["holds"]) == ("fraud review", ["fraud review"])


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"channel": "we\x00b"}, "channel"),
        ({"channel": ""}, "channel"),
        ({"external_id": "x" * 101}, "external_id"),
        ({"currency": "pounds"}, "currency"),
        ({"country": "gb"}, "country"),
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "A", "quantity": 0, "unit_price": "1"}]}, "quantity"),
        ({"lines": [{"sku": "A", "quantity": 2**63, "unit_price": "1"}]}, "quantity"),
        ({"lines": [{"sku": "A", "quantity": 1.5, "unit_price": "1"}]}, "quantity"),
        ({"lines": [{"sku": "A", "quantity": "1", "unit_price": "1"}]}, "quantity"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": 1.25}]}, "unit_price"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "1e9"}]}, "unit_price"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "1", "kind": "gift"}]}, "kind"),
        (
            {"lines": [{"sku": "A", "quantity": 1_000_000, "unit_price": "999999999"}] * 2},
            "expected lines worth",
        ),
        ({"tax_minor": -1}, "tax_minor"),
        ({"tax_minor": True}, "tax_minor"),
        ({"priority": 100}, "priority"),
        ({"occurred_at": "2026-03-02T09:00:00"}, "occurred_at"),
        ({"occurred_at": 1_772_442_000}, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59Z"}, "occurred_at"),
        ({"discont": 5}, "discont"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_written(program, changes, where):
    before = placed_orders()
    told = is_problem(program("engineer").post(ORDERS, an_order(**changes)), 422, "http.422")
    assert any(where in map(str, one["where"]) or where in one["message"] for one in told["errors"]), told
    assert placed_orders() == before


@pytest.mark.parametrize("body", ["", "{", b"\xff\xfe", "[" * 5_000, '{"lines": ' + "9" * 5_000 + "}"])
def test_what_is_no_json_is_told(program, body):
    response = program("engineer").post(ORDERS, body)
    assert response.status_code in (400, 422)
    assert response["Content-Type"] == "application/problem+json"


# ---- cancelling


def test_an_order_is_cancelled(program, shop):
    caller = program("service")
    body = {"order": str(shop.one("ready")), "reason": "The customer called."}
    response = caller.post(CANCEL, body)
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert caller.post(CANCEL, body).json() == response.json()
    is_problem(caller.post(CANCEL, body, again="two"), 409, "kernel.wrong_state")


def test_an_order_on_the_floor_is_withdrawn_by_who_may_and_too_late_for_others(program, shop):
    body = {"order": str(shop.one("picked")), "reason": "The customer called."}
    is_problem(program("engineer").post(CANCEL, body), 409, "orders.too_late")

    caller = program("service")
    response = caller.post(CANCEL, body)
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert caller.post(CANCEL, body).json() == response.json()


def test_an_order_that_left_wants_a_return(program, shop):
    body = {"order": str(shop.one("shipped")), "reason": "The customer called."}
    response = program("service").post(CANCEL, body)
    is_problem(response, 409, "orders.already_shipped")
    assert "Authorize a return instead" in response.json()["detail"]


def test_some_units_of_a_line_are_cancelled(program, shop):
    caller = program("service")
    order = shop.one("ready")
    line = max(caller.get(f"{ORDERS}/{order}").json()["lines"], key=lambda one: one["quantity"])
    body = [{"order": str(order), "reason": "Fewer.", "lines": [{"line": line["id"], "quantity": 1}]}]
    assert [one["units"] for one in caller.post(CANCEL, body).json()] == [1]


# ---- reading


def test_orders_come_a_page_at_a_time(program):
    caller = program("auditor")
    seen: list[str] = []
    address = f"{ORDERS}?limit=5"
    while True:
        told = caller.get(address).json()
        seen += [one["number"] for one in told["items"]]
        if told["next"] is None:
            break
        address = f"{ORDERS}?limit=5&after={told['next']}"
    assert len(seen) == len(set(seen)) == placed_orders()
    assert seen == sorted(seen, reverse=True)


def test_orders_are_filtered(program):
    caller = program("auditor")
    found = caller.get(f"{ORDERS}?status=fraud review&channel=web").json()["items"]
    assert found
    assert {(one["status"], one["channel"]) for one in found} == {("fraud review", "web")}
    number = found[0]["number"]
    assert [one["number"] for one in caller.get(f"{ORDERS}?q={number.lower()}").json()["items"]] == [number]


def test_an_order_says_why_it_comes_from_where_it_comes_from(program, console):
    caller = program("engineer")
    order = UUID(caller.post(ORDERS, an_order()).json()["order"])
    assert caller.get(f"{ORDERS}/{order}/sourcing").json() == []
    allocate(
        Cause(Actor("system:allocate", everything=True), timezone.now()), requests=[AllocateOrder(order)]
    )

    (told,) = caller.get(f"{ORDERS}/{order}/sourcing").json()

    assert told["outcome"] == "allocated"
    assert [node["verdict"] for node in told["candidates"]].count("chosen") == 1
    (chosen,) = (node for node in told["candidates"] if node["verdict"] == "chosen")
    assert set(chosen["costs"]) >= {"freight", "handling", "lateness"}
    assert told["costs_decided"] is False
    page = console("lead").get(f"/orders/{order}/").content.decode()
    assert "Costs did not decide: they are told by today’s tables of carriers." in page
    is_problem(caller.get(f"{ORDERS}/{ids.uuid7()}/sourcing"), 404, "kernel.not_found")


def test_an_unknown_order_is_not_found(program):
    is_problem(program("auditor").get(f"{ORDERS}/{ids.uuid7()}"), 404, "kernel.not_found")
    is_problem(program("auditor").get(f"{ORDERS}/SO-100001"), 422, "http.422")


def test_availability_says_where_it_comes_from(program):
    told = program("auditor").get(f"{AVAILABILITY}?channel=web&sku=MUG-BLUE&sku=PEN-STEEL&sku=NONE").json()
    mug, pen = told["items"]
    assert mug["quantity"] == sum(node["free"] for node in mug["nodes"]) > 0
    assert {node["node"] for node in mug["nodes"]} == {"LDN", "MAN"}
    assert (pen["quantity"], told["unknown"]) == (0, ["NONE"])
    is_problem(program("auditor").get(f"{AVAILABILITY}?channel=fair&sku=A"), 404, "kernel.not_found")


def test_availability_on_a_day_is_told_with_what_it_is_made_of(program):
    caller, today = program("auditor"), timezone.localdate()
    day = today + timedelta(days=3)
    told = caller.get(f"{AVAILABILITY}?channel=web&sku=MUG-BLUE&on={today}&on={day}&explain=true").json()
    (mug,) = told["items"]
    assert [one["day"] for one in mug["on"]] == [str(today), str(day)]
    assert 0 < mug["on"][0]["quantity"] <= mug["free"]
    assert {one["node"] for one in mug["on"][1]["nodes"]} == {"LDN", "MAN"}
    assert (mug["inbound"], mug["owed"]) == ([], [])
    plain = caller.get(f"{AVAILABILITY}?channel=web&sku=MUG-BLUE").json()["items"][0]
    assert not {"on", "inbound", "owed"} & set(plain)


def test_a_cart_holds_units_comes_to_the_checkout_and_gives_them_back(program):
    caller, url = program("engineer"), "/api/v1/reservations"
    until = (timezone.now() + timedelta(minutes=15)).isoformat()

    def free() -> int:
        return caller.get(f"{AVAILABILITY}?channel=web&sku=MUG-BLUE").json()["items"][0]["free"]

    before = free()
    cart = {"channel": "web", "holder": "cart-7", "sku": "MUG-BLUE", "quantity": 2, "expires_at": until}
    assert caller.post(url, cart).status_code == 201
    assert caller.post(url, cart).status_code == 201  # the same key: the same reservation
    assert free() == before - 2
    later = (timezone.now() + timedelta(minutes=30)).isoformat()
    held = caller.post(f"{url}/renew", {"holder": "cart-7", "expires_at": later}, "two")
    assert (held.status_code, held.json()) == (200, {"quantity": 2})
    assert caller.post(f"{url}/give-back", {"holder": "cart-7"}, "three").json() == {"quantity": 2}
    assert free() == before
    is_problem(caller.post(f"{url}/give-back", {"holder": "cart-7"}, "four"), 404, "stock.nothing_reserved")
    is_problem(caller.post(url, cart | {"quantity": 9999}, "five"), 409, "stock.insufficient")
    is_problem(caller.post(url, cart | {"sku": "NONE"}, "six"), 404, "kernel.not_found")


def test_what_does_not_fit_is_told_of_what_was_sent(program):
    """Not that a list is not one of a thing, nor the other way round."""
    line = {"sku": "MUG-BLUE", "quantity": 0, "unit_price": "1.00"}
    one = {"channel": "web", "external_id": "E", "currency": "GBP", "country": "GB", "lines": [line]}
    for body, where in ((one, "body.payload.lines.0.quantity"), ([one], "body.payload.0.lines.0.quantity")):
        told = is_problem(program("engineer").post(ORDERS, body), 422, "http.422")
        assert told["detail"] == f"{where}: Input should be greater than or equal to 1"
        assert [".".join(map(str, each["where"])) for each in told["errors"]] == [where]


@pytest.mark.parametrize("days", [-1, 30])
def test_a_day_outside_the_horizon_is_refused(program, days):
    day = timezone.localdate() + timedelta(days=days)
    is_problem(program("auditor").get(f"{AVAILABILITY}?channel=web&sku=A&on={day}"), 422, "kernel.invalid")


@pytest.mark.parametrize(
    "query", ["", "?channel=web", "?channel=web&sku=%00", "?channel=web" + "&sku=A" * 201]
)
def test_availability_needs_channel_and_skus(program, query):
    is_problem(program("auditor").get(AVAILABILITY + query), 422, "http.422")


@pytest.mark.parametrize("query", ["?chanel=web", "?limit=0", "?limit=1&limit=2", "?after=SO-1", "?status="])
def test_a_question_that_is_misspelled_is_told(program, query):
    told = program("auditor").get(ORDERS + query)
    assert (told.status_code, told["Content-Type"]) == (422, "application/problem+json")


def test_another_company_is_named(program):
    is_problem(program("auditor").get(f"{ORDERS}?company=other"), 404, "kernel.not_found")
    assert program("auditor").get(f"{ORDERS}?company=hearth").status_code == 200


# ---- who may


ANY = UUID("0198c0de-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ORDERS),
        ("get", f"{ORDERS}/{ANY}"),
        ("get", f"{AVAILABILITY}?channel=a&sku=b"),
        ("post", ORDERS),
        ("post", CANCEL),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "ek_000000000000_" + "x" * 43}, {"X-API-Key": "né"}])
def test_nobody_else_gets_in(shop, method, path, headers):
    response = getattr(Client(enforce_csrf_checks=True), method)(path, headers=headers)
    is_problem(response, 401, "http.401")
    assert "WWW-Authenticate" in response


def test_an_auditor_may_read_but_not_write(program, shop):
    caller = program("auditor")
    assert caller.get(ORDERS).status_code == 200
    is_problem(caller.post(ORDERS, an_order()), 403, "kernel.not_permitted")
    is_problem(caller.post(ORDERS, [an_order(), an_order("X-2")]), 403, "kernel.not_permitted")
    is_problem(
        caller.post(CANCEL, {"order": str(shop.one("ready")), "reason": "x"}), 403, "kernel.not_permitted"
    )


def test_a_session_may_read_and_writes_with_its_token(console, shop):
    browser = console("lead")
    assert browser.get(ORDERS).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    body = {"order": str(shop.one("ready")), "reason": "x"}
    response = strict.post(CANCEL, body, content_type="application/json", headers={"Idempotency-Key": "k"})
    is_problem(response, 403, "http.403")


def test_a_session_without_a_role_reads_nothing(console):
    is_problem(console("nobody").get(ORDERS), 403, "http.403")


# ---- errors and documents


def test_every_error_is_a_problem(program, monkeypatch):
    caller = program("engineer")
    is_problem(caller.get("/api/v1/nothing"), 404, "http.404")
    response = caller.client.delete(ORDERS, headers={"X-API-Key": caller.key})
    is_problem(response, 405, "http.405")
    assert set(response["Allow"].split(", ")) == {"GET", "POST"}

    def fails(*_args: object, **_kwargs: object) -> None:
        raise Unavailable("the outside")

    monkeypatch.setattr(api_orders, "place", fails)
    response = caller.post(ORDERS, an_order())
    is_problem(response, 503, "http.503")
    assert response["Retry-After"]


def test_a_bug_is_a_problem_that_tells_nothing(program, monkeypatch):
    caller = program("engineer")
    caller.client.raise_request_exception = False

    def breaks(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(api_orders, "place", breaks)
    response = caller.post(ORDERS, an_order())
    is_problem(response, 500, "http.500")
    assert b"secret" not in response.content


def test_the_documents_of_the_api(shop):
    schema = Client().get("/api/openapi.json").json()
    assert schema["openapi"] == "3.1.0"
    post = schema["paths"][ORDERS]["post"]
    assert "application/problem+json" in post["responses"]["409"]["content"]
    assert [one["name"] for one in post["parameters"] if one["required"]] == ["Idempotency-Key"]
    assert Client().get("/api/docs").status_code == 200


def test_ids_are_uuids_in_order(program):
    orders = [UUID(one["id"]) for one in program("auditor").get(ORDERS).json()["items"]]
    assert orders == sorted(orders, reverse=True)
