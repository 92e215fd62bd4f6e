"""Advice: the page, the pages of what it is about, and the API."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.insight import advice_facts as facts
from entrepot.insight import making, suggestions
from entrepot.insight.advising import PRIORITY, REASON, Advice
from entrepot.insight.commands.advise import Advise, advise
from entrepot.insight.tasks import advise_at
from entrepot.kernel import ids, policies, sql, wire
from entrepot.kernel.cause import Actor, Cause
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.work import queries as work
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveItem, resolve
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db
API = "/api/v1/advice"


def cause() -> Cause:
    return Cause(Actor("system:test", everything=True), timezone.now() - timedelta(minutes=30))


@pytest.fixture
def dear(shop) -> UUID:
    """A dear item behind cheap ones, and the advice to raise it."""
    cheap = [
        OpenItem(
            COMPANY,
            "address hold",
            "order",
            ids.uuid7(),
            "Look.",
            "customer service",
            priority=60,
            value_minor=1,
        )
        for _ in range(40)
    ]
    open_items(cause(), requests=cheap)
    one = OpenItem(
        COMPANY, "address hold", "order", ids.uuid7(), "Look at the dear one.", "customer service", priority=1,
        value_minor=9_000_000,
    )  # fmt: skip
    (opened,) = open_items(cause(), requests=[one])
    advise(cause(), requests=[Advise(COMPANY, PRIORITY)])
    return opened.item


def a_line_that_comes_back(shop, nth: int = 0) -> UUID:
    order = shop.orders["shipped"][nth]
    bought = sql.run(
        "SELECT id FROM orders_line WHERE order_id = %(order)s AND kind = 'goods' LIMIT 1", {"order": order}
    )
    item = Item(bought[0][0], 1, "changed_mind", "it came broken")
    (answer,) = authorize(cause(), requests=[Authorize(order, (item,))])
    assert isinstance(answer, Authorized), answer
    return answer.lines[0]


@pytest.fixture
def reason(shop) -> suggestions.Suggestion:
    """The advice that a line of a return has another reason."""
    line, was = a_line_that_comes_back(shop), "changed_mind"
    fitting, which = ids.uuid7(), ids.uuid7()
    at = timezone.now()
    sql.write(
        "insight_fitting",
        ("id", "company_id", "kind", "version", "fitted_on", "measured", "suggested", "made_at"),
        [(fitting, COMPANY, REASON, "test 1", wire.dump({"examples": 400, "needed": 200}),
          wire.dump({"accuracy": 0.91, "baseline": 0.4, "folds": 5}), 1, at)],
    )  # fmt: skip
    told = {
        "words": [["broken", 2.5], ["#mugs", 0.1]], "common": -0.5, "others": 0.0, "sum": 2.1, "next": "changed_mind",
        "likelihood": 0.99, "examples": 400, "accuracy": 0.91, "baseline": 0.4, "folds": 5,
    }  # fmt: skip
    sql.write(
        "insight_suggestion",
        ("id", "company_id", "kind", "subject_kind", "subject_id", "about", "suggested", "confidence", "reasons",
         "fitting_id", "made_at", "expires_at"),
        [(which, COMPANY, REASON, "return_line", line, "", wire.dump({"reason": "expired", "instead_of": was}), 0.93,
          wire.dump(told), fitting, at, at + timedelta(days=9))],
    )  # fmt: skip
    found = suggestions.suggestion(which)
    assert found is not None
    return found


def said(response) -> list[str]:
    return [str(one) for one in get_messages(response.wsgi_request)]


def test_the_page_tells_each_with_its_sum_and_takes_it(shop, dear, console):
    browser = console("supervisor")
    page = browser.get("/work/advice/").content.decode()
    assert "Expected cost of waiting" in page and "raise its priority to" in page
    assert "What each kind was worth" in page and "of late items" not in page
    (told,) = suggestions.suggestions(COMPANY, kinds=[PRIORITY])
    done = browser.post("/work/advice/act/", {"suggestion": told.id, "action": "accept"})
    assert said(done) == ["1 suggestion is accepted."]
    assert work.item(dear).priority == told.suggested["priority"]
    page = browser.get("/work/advice/?state=accepted").content.decode()
    assert "supervisor" in page


def test_a_role_sees_the_kinds_that_it_decides_on(shop, dear, reason, console):
    page = console("inspector").get("/work/advice/").content.decode()
    assert "the reason is" in page and "raise its priority to" not in page
    page = console("auditor").get("/work/advice/").content.decode()
    assert "the reason is" in page and "raise its priority to" in page
    assert "Your roles may look at advice" in page and 'name="suggestion"' not in page


def test_declining_needs_a_reason(shop, dear, console):
    browser = console("supervisor")
    (told,) = suggestions.suggestions(COMPANY, kinds=[PRIORITY])
    browser.post("/work/advice/act/", {"suggestion": told.id, "action": "decline"})
    assert suggestions.suggestion(told.id).state == "open"
    done = browser.post(
        "/work/advice/act/", {"suggestion": told.id, "action": "decline", "reason": "it can wait"}
    )
    assert said(done)[-1:] == ["1 suggestion is declined."]
    assert suggestions.suggestion(told.id).why == "it can wait"


def test_advice_stands_where_its_subject_is_shown(shop, dear, reason, console):
    page = console("supervisor").get(f"/work/{dear}/").content.decode()
    assert "raise its priority to" in page
    page = console("inspector").get(f"/returns/{reason.document}/").content.decode()
    assert "the reason is" in page and "“broken” +2.50" in page


def test_a_reason_is_corrected_by_advice_or_by_hand(shop, reason, console):
    browser = console("inspector")
    browser.post("/work/advice/act/", {"suggestion": reason.id, "action": "accept"})
    line = {"line": reason.subject}
    assert sql.run("SELECT reason FROM returns_line WHERE id = %(line)s", line) == [("expired",)]
    form = line | {"reason": "defective", "note": "the motor"}
    done = browser.post(f"/returns/{reason.document}/reason/", form)
    assert "1 reason is corrected." in said(done)
    assert sql.run("SELECT reason FROM returns_line WHERE id = %(line)s", line) == [("defective",)]


def test_a_form_corrects_lines_of_the_return_that_it_stands_on(shop, reason, console):
    """A line that a program puts into the form of another return stays as it is."""
    a_line_that_comes_back(shop, 1)
    other = sql.run("SELECT id FROM returns_return WHERE id <> %(one)s", {"one": reason.document})
    browser = console("inspector")
    form = {"line": reason.subject, "reason": "defective"}
    done = browser.post(f"/returns/{other[0][0]}/reason/", form)
    assert not any("corrected" in one for one in said(done))
    line = {"line": reason.subject}
    assert sql.run("SELECT reason FROM returns_line WHERE id = %(line)s", line) == [("changed_mind",)]


def test_the_queue_can_be_read_in_the_suggested_order_and_stays_as_it_is(shop, dear, console):
    browser = console("supervisor")
    usual = browser.get("/work/").content.decode()
    assert "waiting costs" not in usual
    page = browser.get("/work/?view=advised").content.decode()
    assert "waiting costs" in page
    assert page.index(str(dear)) < page.index("Look."), "the dearest first"
    assert work.item(dear).priority == 1


def test_pages_of_the_suggested_order_go_on_behind_what_was_finished(shop, dear, console):
    """Whoever works from the top finishes the very item behind which the next page begins."""
    resolve(cause(), requests=[ResolveItem(dear, "no fault")])
    browser = console("supervisor")
    page = browser.get(f"/work/?view=advised&after={dear}").content.decode()
    assert "Look." in page and f"/work/{dear}/" not in page
    ranked = making.ranked(COMPANY, Advice(), timezone.now(), {})
    middle = ranked[len(ranked) // 2].item.id
    resolve(cause(), requests=[ResolveItem(middle, "no fault")])
    page = browser.get(f"/work/?view=advised&after={middle}").content.decode()
    shown = [one.item.id for one in ranked if f"/work/{one.item.id}/" in page]
    assert shown == [one.item.id for one in ranked[len(ranked) // 2 + 1 :]]


def test_the_suggested_order_says_where_it_ends_and_when_it_is_off(shop, dear, console, monkeypatch):
    browser = console("supervisor")
    assert "with most at stake" not in browser.get("/work/?view=advised").content.decode()
    monkeypatch.setattr(facts, "RANKED_MAX", 3)
    page = browser.get("/work/?view=advised").content.decode()
    assert "the first 3 items of the queue and the 3 with most at stake" in page and str(dear) in page
    kept = policies.SetPolicy(COMPANY, "insight.advice", Advice(switched_off=(PRIORITY,)), cause().at)
    policies.set_policy(cause(), requests=[kept])
    page = browser.get("/work/?view=advised").content.decode()
    assert "Advice on the order of work is switched off" in page and "waiting costs" not in page


def test_the_suggested_order_is_of_the_queue_that_is_asked_for(shop, dear, console, monkeypatch):
    """The filter comes before the bound, or what stands behind others would never be shown."""
    other = OpenItem(
        COMPANY, "staffing", "order", ids.uuid7(), "Mine.", "controller", priority=0, value_minor=0
    )
    open_items(cause(), requests=[other])
    monkeypatch.setattr(facts, "RANKED_MAX", 3)
    browser = console("supervisor")
    assert "Mine." not in browser.get("/work/?view=advised").content.decode()
    for asked in ("type=staffing", "role=controller"):
        page = browser.get(f"/work/?view=advised&{asked}").content.decode()
        assert "Mine." in page and "Look." not in page
    assert "Mine." not in browser.get("/work/?view=advised&kind=cases").content.decode()


def test_advice_is_made_now_by_who_leads_and_every_night(shop, console):
    assert said(console("lead").post("/work/advice/make/")) == ["All advice is made anew."]
    advise_at(timezone.now())
    assert len(suggestions.fittings(COMPANY)) == 4
    page = console("lead").get("/work/advice/").content.decode()
    assert "200 are needed" in page


def test_programs_read_and_decide(shop, dear, program):
    lead = program("supervisor")
    (told,) = lead.get(f"{API}?kind=priority").json()["items"]
    assert told["subject"] == str(dear) and told["reasons"]["value_minor"] == 9_000_000
    assert lead.get(f"{API}/{told['id']}").json() == told
    assert lead.get(f"{API}/{ids.uuid7()}").status_code == 404
    worth = {one["kind"]: one for one in lead.get(f"{API}/worth").json()}
    assert worth["priority"]["open"] == 1 and worth["priority"]["version"]
    assert lead.post(f"{API}/decline", {"suggestion": told["id"]}).status_code == 422
    done = lead.post(f"{API}/accept", {"suggestion": told["id"]}).json()
    assert done == {"suggestion": told["id"], "command": "work.raise_items", "document": str(dear)}
    made = program("lead").post(API, {"kind": "priority"})
    assert made.json()["kind"] == "priority"
    assert program("inspector").post(API, {"kind": "priority"}).status_code == 403


def test_programs_correct_reasons(shop, reason, program):
    asked = {"return_id": str(reason.document), "line": str(reason.subject), "reason": "defective"}
    done = program("inspector").post("/api/v1/returns/correct-reasons", asked).json()
    assert (done["reason"], done["was"]) == ("defective", reason.suggested["instead_of"])
