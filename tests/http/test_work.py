"""Work queues over the console and the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.kernel.ids import uuid7
from entrepot.work import queries as work
from entrepot.work.commands.open_items import OpenItem, open_items
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
WORK = "/api/v1/work"


def said(response: Any) -> str:
    return str(list(get_messages(response.wsgi_request))[-1])


@pytest.fixture
def picks(shop) -> list[UUID]:
    """Three short picks, the first of them overdue."""
    now = timezone.now()
    requests = [
        OpenItem(
            COMPANY, "short pick", "pick_task", uuid7(), "bin empty", "warehouse supervisor", priority=20,
            occurred_at=now - timedelta(hours=hours), due_in_hours=2,
        )
        for hours in (3, 1, 0)
    ]  # fmt: skip
    return [answer.item for answer in open_items(the_system(now), requests=requests)]


def listed(browser, **asked: str) -> str:
    return browser.get("/work/", {"type": "short pick", **asked}).content.decode()


# ---- the console


def test_many_are_given_away_put_aside_and_escalated(console, picks):
    lead = console("lead")
    many: dict[str, Any] = {"item": picks, "note": "for today"}

    assert (
        said(lead.post("/work/act/", many | {"action": "assign", "person": "service"}))
        == "3 items are given away."
    )
    assert {work.item(item).owner for item in picks} == {"service"}

    assert (
        said(lead.post("/work/act/", many | {"action": "snooze", "hours": "4"})) == "3 items are put aside."
    )
    assert listed(lead).count("data-row") == 0
    assert listed(lead, view="snoozed").count("data-row") == 3
    assert "back" in listed(lead, view="snoozed")
    assert said(lead.post("/work/act/", {"item": picks[0], "action": "snooze"})) == "1 item waits again."

    told = lead.post("/work/act/", many | {"action": "escalate", "role": "inventory manager"})
    assert said(told) == "3 items ask another role."
    assert {(one.role, one.state) for one in map(work.item, picks)} == {("inventory manager", "open")}


def test_views_show_what_they_say(console, picks):
    lead = console("lead")
    assert listed(lead).count("data-row") == 3
    assert listed(lead, view="overdue").count("data-row") == 1
    assert listed(lead, view="mine").count("data-row") == 0
    lead.post("/work/act/", {"item": picks[:2], "action": "claim"})
    assert listed(lead, view="mine").count("data-row") == 2
    assert listed(lead, kind="cases").count("data-row") == 0
    assert listed(lead, kind="exceptions", role="picker").count("data-row") == 0
    page = lead.get("/work/").content.decode()
    assert "the oldest waits" in page
    assert "Queues by type and role" in page


def test_who_may_not_give_work_away_is_not_offered_it(console, picks):
    assert 'value="assign"' not in listed(console("service"))
    refused = console("service").post("/work/act/", {"item": picks, "action": "assign", "person": "lead"})
    assert "may not do work.assign" in said(refused)


def test_an_item_tells_its_terms_and_its_history(console, picks):
    lead = console("lead")
    lead.post("/work/act/", {"item": picks[0], "action": "snooze", "hours": "24", "note": "bin is blocked"})
    page = lead.get(f"/work/{picks[0]}/").content.decode()
    for told in ("Why this urgent", "Urgency", "Age", "3 h", "put aside", "bin is blocked", "Wake it"):
        assert told.lower() in page.lower()


def test_a_case_of_a_customer_and_the_exception_show_each_other(console, shop):
    order = shop.one("fraud")
    service = console("service")
    assert "A customer asks about it" in service.get(f"/orders/{order}/").content.decode()
    form = {"topic": "delivery question", "reason": "Where is my lamp?"}
    assert said(service.post(f"/orders/{order}/case/", form)) == (
        "The case is open, linked to what hinders the order."
    )

    (exception, case) = sorted(work.of_subject(order), key=lambda one: one.kind == "case")
    assert (case.kind, case.role, case.reason) == ("case", "customer service", "Where is my lamp?")
    for one, other in ((case, exception), (exception, case)):
        page = service.get(f"/work/{one.id}/").content.decode()
        assert "Belongs together" in page
        assert f'href="/work/{other.id}/"' in page
    assert str(case.id) in service.get("/work/?kind=cases").content.decode()
    assert str(case.id) not in service.get("/work/?kind=exceptions").content.decode()

    assert said(service.post(f"/orders/{order}/case/", form | {"reason": "It is a gift!"})) == (
        "A case about that is open already: what the customer says now stands in its history."
    )
    assert "It is a gift!" in service.get(f"/work/{case.id}/").content.decode()
    assert "the weather" in said(service.post(f"/orders/{order}/case/", form | {"topic": "the weather"}))
    assert service.post(f"/orders/{uuid7()}/case/", form).status_code == 404
    assert "A customer asks" not in console("books").get(f"/orders/{order}/").content.decode()


def test_items_about_one_document_are_linked_on_the_page(console, shop):
    order = shop.one("fraud")
    now = timezone.now()
    opened = OpenItem(COMPANY, "backorder", "order", order, "waits", "inventory manager")
    (answer,) = open_items(the_system(now), requests=[opened])
    lead = console("lead")
    assert 'value="link"' in lead.get(f"/work/{answer.item}/").content.decode()
    (other,) = [one.id for one in work.of_subject(order) if one.id != answer.item]
    lead.post("/work/act/", {"item": answer.item, "other": other, "action": "link"})
    assert [one.id for one in work.linked(answer.item)] == [other]


@pytest.mark.parametrize("facts", [{"amount_minor": 5_032}, {"amount_minor": 5_032, "currency": "GBP"}])
def test_amounts_of_an_item_are_told_as_money(console, shop, facts):
    one = OpenItem(COMPANY, "not paid", "order", shop.one("fraud"), "not covered", "controller", facts)
    (answer,) = open_items(the_system(timezone.now()), requests=[one])
    page = console("lead").get(f"/work/{answer.item}/").content.decode()
    assert "£50.32" in page
    assert "5,032" not in page


# ---- the API


def test_programs_list_work_page_by_page(program, picks):
    lead = program("lead")
    first = lead.get(f"{WORK}?type=short%20pick&limit=2").json()
    rest = lead.get(f"{WORK}?type=short%20pick&limit=2&after={first['next']}").json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [str(item) for item in picks]
    assert rest["next"] is None
    (overdue,) = lead.get(f"{WORK}?type=short%20pick&overdue=true").json()["items"]
    assert (overdue["id"], overdue["priority"]) == (str(picks[0]), 23)
    assert overdue["terms"] == [
        {"name": "urgency", "value": 20, "points": 20}, {"name": "age", "value": 3, "points": 3},
    ]  # fmt: skip


def test_programs_do_with_work_what_people_do(program, picks, shop):
    lead, order = program("lead"), shop.one("fraud")
    one, other, third = map(str, picks)
    until = (timezone.now() + timedelta(hours=2)).isoformat()

    assert lead.post(f"{WORK}/claim", {"item": one}).json() == {"item": one, "owner": "lead"}
    assert lead.post(f"{WORK}/assign", {"item": one, "person": "service"}).json()["owner"] == "service"
    assert lead.post(f"{WORK}/snooze", {"item": other, "until": until}).status_code == 200
    assert [item["id"] for item in lead.get(f"{WORK}?type=short%20pick&snoozed=true").json()["items"]] == [
        other
    ]
    assert lead.post(f"{WORK}/escalate", {"item": third, "role": "picker"}).json()["role"] == "picker"
    assert lead.post(f"{WORK}/link", {"one": one, "other": third}).status_code == 200
    assert lead.get(f"{WORK}/{one}").json()["linked"] == [third]

    case = lead.post(f"{WORK}/cases", {"order": str(order), "topic": "complaint", "reason": "Late."})
    assert (case.status_code, case.json()["fresh"]) == (201, True)
    assert [item["id"] for item in lead.get(f"{WORK}?kind=case").json()["items"]] == [case.json()["item"]]

    both = [{"item": one, "root_cause": "damage"}, {"item": third, "root_cause": "the moon"}]
    done, refused = lead.post(f"{WORK}/resolve", both).json()
    assert done == {"item": one}
    assert refused["code"] == "kernel.invalid"
    queues = {(q["type"], q["role"]): q for q in lead.get(f"{WORK}/queues").json()}
    assert queues["short pick", "warehouse supervisor"]["snoozed"] == 1
    assert queues["short pick", "picker"]["untaken"] == 1


def test_programs_say_who_should_have_an_item(program, picks):
    lead, one = program("lead"), str(picks[0])
    lead.post(f"{WORK}/assign", {"item": one, "person": "service"})
    refused = lead.post(f"{WORK}/put-back", {"item": one, "expected_owner": "lead"}, "late")
    assert (refused.status_code, refused.json()["code"]) == (409, "work.changed_meanwhile")
    refused = lead.post(f"{WORK}/assign", {"item": one, "person": "lead", "expected_owner": ""}, "later")
    assert refused.json()["code"] == "work.changed_meanwhile"
    back = {"item": one, "expected_owner": "service"}
    assert lead.post(f"{WORK}/put-back", back, "now").json() == {"item": one}
    asked = {"item": one, "role": "picker", "owner": "service", "expected_owner": ""}
    assert lead.post(f"{WORK}/escalate", asked, "on").json() == {
        "item": one, "role": "picker", "owner": "service",
    }  # fmt: skip
    assert lead.get(f"{WORK}/{one}").json()["state"] == "claimed"


def test_the_same_key_gets_the_same_answer(program, picks):
    lead = program("lead")
    body = {"item": str(picks[0]), "root_cause": "damage"}
    assert lead.post(f"{WORK}/resolve", body).json() == lead.post(f"{WORK}/resolve", body).json()
    assert lead.post(f"{WORK}/resolve", body, "two").status_code == 409
    assert lead.get(f"{WORK}/{uuid7()}").status_code == 404
