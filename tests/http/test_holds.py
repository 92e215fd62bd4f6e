"""Holds over the console and the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.kernel import policies
from entrepot.kernel.cause import Actor, Cause
from entrepot.orders import queries as orders
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.holding import Holding
from entrepot.payments import queries as payments
from entrepot.work import queries as work
from entrepot.work.commands.claim import ClaimItem, claim
from tests.http.test_api import an_order, is_problem
from tests.shop import COMPANY

HOLDS, RELEASE, PAYMENTS = "/api/v1/holds", "/api/v1/holds/release", "/api/v1/orders/payments"


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def held(order, kind: str = "tax hold") -> orders.HoldRow:
    """An order held until tomorrow, with another hold to follow."""
    cause = Cause(Actor("root", everything=True), timezone.now())
    body = Holding(expires_hours=24, at_expiry="cancel", next="exception")
    policies.set_policy(cause, requests=[policies.SetPolicy(COMPANY, "orders.holds", body, cause.at, kind)])
    place_hold(cause, requests=[PlaceHold(order, kind, "Check the exemption.", waits_for="payment")])
    return next(one for one in orders.holds_of(order) if one.state == "open")


# ---- the order's page


def test_the_page_tells_all_of_a_hold_and_lets_it_be_taken_and_released(console, shop):
    order = shop.one("ready")
    hold = held(order)
    browser, at = console("service"), f"/orders/{order}/"
    page = browser.get(at).content.decode()
    for told in (
        "Check the exemption.", "controller", "It goes by itself when a payment covers the order.",
        "the order is cancelled if nobody has decided", "it is followed by: exception",
    ):  # fmt: skip
        assert told in page

    assert 'action="/holds/release/"' not in page, "it waits for another role"
    browser.post("/work/act/", {"item": hold.work_item, "action": "claim", "next": at})
    browser.post("/holds/release/", {"hold": hold.id, "next": at})
    assert "The tax hold is decided about by the controller." in browser.get(at).content.decode()
    assert work.item(hold.work_item).owner == ""

    browser = console("books")
    browser.post("/work/act/", {"item": hold.work_item, "action": "claim", "next": at})
    assert work.item(hold.work_item).owner == "books"
    assert "taken by books" in browser.get(at).content.decode()

    browser.post("/holds/release/", {"hold": hold.id, "code": "confirmed", "note": "Exempt.", "next": at})
    page = browser.get(at).content.decode()
    assert "It follows the tax hold: Exempt." in page
    assert "1 hold of the past" in page
    assert orders.order(order).status == "exception"


def test_a_hold_is_rejected_with_its_order(console, shop):
    order = shop.one("ready")
    held(order, "fraud review")
    browser = console("service")
    assert 'name="code" value="fraud"' in browser.get(f"/orders/{order}/").content.decode()
    browser.post(f"/orders/{order}/cancel/", {"reason": "A stolen card.", "code": "fraud"})
    (hold,) = orders.holds_of(order)
    assert (orders.order(order).status, hold.state, hold.resolution) == ("cancelled", "rejected", "cancelled")


def test_a_person_may_say_what_a_hold_waits_for(console, shop):
    order = shop.one("ready")
    said_ = {"type": "inventory hold", "reason": "All at once, please.", "waits_for": "stock"}
    console("service").post(f"/orders/{order}/hold/", said_)
    (hold,) = orders.holds_of(order)
    assert hold.waits_for == "stock"


def test_a_payment_that_came_is_taken_on_the_page_and_releases_its_hold(console, program, shop):
    order = program("engineer").post("/api/v1/orders", an_order(customer="C-0001")).json()["order"]
    cause = Cause(Actor("root", everything=True), timezone.now())
    place_hold(cause, requests=[PlaceHold(order, "payment hold", "Not paid.", waits_for="payment")])
    browser, at = console("service"), f"/orders/{order}/"

    refused = browser.post(f"{at}pay/", {"provider": "fake", "reference": "R1", "amount": "lots", "next": at})
    assert "as a number" in said(refused)[0]
    page = browser.get(at).content.decode()
    assert 'value="lots"' in page

    browser.post(f"{at}pay/", {"provider": "fake", "reference": "R1", "amount": "25.00", "next": at})
    assert orders.order(order).status == "ready"
    again = browser.post(f"{at}pay/", {"provider": "fake", "reference": "R1", "amount": "25.00"})
    assert "already" in said(again)[-1]
    assert console("auditor").post(f"{at}pay/", {"amount": "1"}).status_code == 302
    assert len(payments.of_order(order)) == 1


# ---- many orders


def test_holds_of_one_type_are_released_and_what_is_refused_is_named_by_order(console, shop):
    unknown, fraud = shop.orders["unknown"], shop.orders["fraud"]
    browser = console("lead")
    response = browser.post(
        "/orders/act/",
        {"order": [*unknown, *fraud], "action": "release", "kind": "inventory hold", "reason": "In now"},
    )
    numbers = {orders.order(one).number for one in unknown}
    assert {one.split(": ")[0] for one in said(response)} == numbers
    assert {orders.order(one).status for one in fraud} == {"fraud review"}

    response = browser.post("/orders/act/", {"order": fraud, "action": "release", "kind": "tax hold"})
    assert said(response)[-1] == "None of the selected orders is held by that."


@pytest.mark.parametrize("person", ["auditor", "engineer"])
def test_whoever_may_not_release_is_refused(console, shop, person):
    response = console(person).post("/orders/act/", {"order": shop.orders["fraud"], "action": "release"})
    assert any("orders.release_holds" in one for one in said(response))
    assert {orders.order(one).status for one in shop.orders["fraud"]} == {"fraud review"}


# ---- for programs


def test_open_holds_are_listed_by_type_role_owner_and_due_time(program, shop):
    caller = program("lead")
    of = {str(one) for one in shop.orders["fraud"]}

    first = caller.get(f"{HOLDS}?limit=1&type=fraud%20review").json()
    rest = caller.get(f"{HOLDS}?limit=1&type=fraud%20review&after={first['next']}").json()
    assert {one["order"] for one in first["items"] + rest["items"]} == of
    assert rest["next"] is None

    lead = caller.get(f"{HOLDS}?role=operations%20lead").json()["items"]
    assert {one["order"] for one in lead} == of
    item = orders.holds_of(shop.one("fraud"))[0].work_item
    cause = Cause(Actor("ada", everything=True), timezone.now())
    claim(cause, requests=[ClaimItem(item)])
    (taken,) = caller.get(f"{HOLDS}?owner=ada").json()["items"]
    assert (taken["order"], taken["owner"]) == (str(shop.one("fraud")), "ada")

    due = {one["id"] for one in lead if datetime.fromisoformat(one["due_at"]) < timezone.now()}
    late = caller.get(f"{HOLDS}?role=operations%20lead&overdue=true").json()["items"]
    assert {one["id"] for one in late} == due
    is_problem(caller.get(f"{HOLDS}?type=bad%20mood"), 422, "http.422")


def test_a_list_of_holds_is_released_each_by_itself(program):
    caller = program("lead")
    orders_ = [
        caller.post("/api/v1/orders", an_order(f"R-{i}", signals=["high_risk"]), again=f"r{i}").json()[
            "order"
        ]
        for i in range(2)
    ]
    first, second = (orders.holds_of(one)[0].id for one in orders_)
    wanted = [{"hold": str(one), "code": "confirmed", "note": "Known."} for one in (first, second, first)]

    response = caller.post(RELEASE, wanted, again="release-1")

    assert response.status_code == 200, response.content
    one, two, again = response.json()
    assert (one["status"], two["status"], again["code"]) == ("ready", "ready", "kernel.wrong_state")
    (hold,) = caller.get(f"/api/v1/orders/{orders_[0]}").json()["holds"]
    assert (hold["state"], hold["resolution"], hold["note"], hold["closed_by"]) == (
        "released", "confirmed", "Known.", "lead",
    )  # fmt: skip
    is_problem(program("engineer").post(RELEASE, wanted[:1], again="x"), 403, "kernel.not_permitted")


def test_orders_are_held_and_named_what_they_are_kept_from(program, shop):
    caller = program("lead")
    body = {
        "order": str(shop.one("ready")), "type": "address hold", "reason": "She moves.",
        "blocks": ["ship"], "waits_for": "stock",
    }  # fmt: skip
    response = caller.post(HOLDS, [body, body | {"order": str(shop.one("cancelled"))}], again="hold-1")
    assert response.status_code == 200, response.content
    placed, refused = response.json()
    assert refused["code"] == "kernel.wrong_state"
    (hold,) = caller.get(f"/api/v1/orders/{placed['order']}").json()["holds"]
    assert (hold["id"], hold["blocks"], hold["waits_for"]) == (placed["hold"], ["ship"], "stock")


def test_a_payment_releases_what_waited_for_it(program):
    caller = program("engineer")
    at = timezone.now()
    paid = {"provider": "fake", "reference": "p1", "amount_minor": 2000, "authorized_at": at.isoformat()}
    order = caller.post("/api/v1/orders", an_order(payment=paid)).json()
    assert order["holds"] == ["payment hold"]
    rest = paid | {"reference": "p2", "amount_minor": 500, "authorized_at": (at + timedelta(1)).isoformat()}

    response = caller.post(PAYMENTS, {"order": order["order"], "payment": rest}, again="pay")

    assert response.status_code == 200, response.content
    assert response.json()["status"] == "ready"
    again = caller.post(PAYMENTS, {"order": order["order"], "payment": rest}, again="pay-2")
    is_problem(again, 409, "orders.payment_known")


# ---- by the work item


def doubted(order, kind: str = "fraud review") -> orders.HoldRow:
    cause = Cause(Actor("root", everything=True), timezone.now())
    place_hold(cause, requests=[PlaceHold(order, kind, "Check it.")])
    return next(one for one in orders.holds_of(order) if one.state == "open")


def test_an_item_of_a_hold_is_decided_on_its_page(shop, console):
    browser, order = console("lead"), shop.one("ready")
    item = doubted(order).work_item
    page = browser.get(f"/work/{item}/").content.decode()
    assert "Release the hold" in page
    assert "Reject it: cancel the order" in page

    said_of = {
        "item": item,
        "action": "release",
        "code": "confirmed",
        "note": "Called.",
        "root_cause": "customer",
    }
    answer = browser.post("/work/act/", said_of)

    assert said(answer) == ["1 item is resolved, and its hold released."]
    assert orders.holds_of(order)[-1].resolution == "confirmed"
    assert work.item(item).root_cause == "customer"


def test_many_items_of_holds_are_decided_in_the_list(shop, console):
    browser = console("lead")
    found = list(dict.fromkeys(shop.orders["ready"][:2]))
    items = [doubted(order).work_item for order in found]
    assert "Decide about holds" in browser.get("/work/").content.decode()

    answer = browser.post("/work/act/", {"item": items, "action": "reject", "note": "Stolen."})

    assert [orders.order(order).status for order in found] == ["cancelled"] * len(found)
    assert said(answer) == [f"{len(items)} items are resolved, and their orders cancelled."]


def test_who_may_not_decide_is_told_what_closing_the_item_does(shop, console):
    item = doubted(shop.one("ready")).work_item
    browser = console("supervisor")
    page = browser.get(f"/work/{item}/").content.decode()
    assert "Release the hold" not in page
    assert "closing the item alone ends no hold" in page
    (told,) = said(browser.post("/work/act/", {"item": item, "action": "release"}))
    assert "may not do sourcing.decide_holds" in told


def test_a_program_decides_about_a_hold_by_its_item(shop, program):
    order = shop.one("ready")
    item = doubted(order).work_item
    listed = program("lead").get(f"{HOLDS}?limit=200").json()["items"]
    assert [one["work_item"] for one in listed if one["order"] == str(order)] == [str(item)]
    decide, body = (
        "/api/v1/holds/decide",
        {"item": str(item), "decision": "release", "root_cause": "customer"},
    )
    answer = program("lead").post(decide, body, again="dh-1")
    assert (answer.status_code, answer.json()["decision"]) == (200, "release"), answer.content
    assert program("lead").post(decide, body, again="dh-1").json() == answer.json()
    is_problem(program("lead").post(decide, body, again="dh-2"), 409, "kernel.wrong_state")
    is_problem(program("auditor").post(decide, body, again="dh-3"), 403, "kernel.not_permitted")
