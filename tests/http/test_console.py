"""The contract of the console's pages: who sees them, what they show, what they refuse, and what their forms do."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.messages import get_messages
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from entrepot.access import queries as access
from entrepot.insight import pace, pages
from entrepot.kernel import ids, sql
from entrepot.ledger import queries as ledger
from entrepot.orders import queries as orders
from entrepot.orders import rules
from entrepot.web.views import home
from entrepot.work import queries as work
from tests.asking import sure
from tests.shop import COMPANY, PASSWORD, Shop

LISTS = (
    "home",
    "orders",
    "campaigns",
    "promises",
    "conflicts",
    "returns",
    "station",
    "refunds",
    "payouts",
    "floor",
    "stock",
    "transfers",
    "work",
    "books",
    "search",
)
HTMX = {"HX-Request": "true"}


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def item_of(shop: Shop, step: str) -> work.Item:
    return work.of_subject(shop.one(step))[0]


# ---- who gets in


@pytest.mark.parametrize("name", LISTS)
def test_strangers_are_sent_to_the_door(shop, name):
    response = Client().get(reverse(name))
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={reverse(name)}")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("person", ["auditor", "supervisor", "root"])
def test_everybody_with_a_role_reads_everything(console, name, person):
    response = console(person).get(reverse(name))
    assert response.status_code == 200
    assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("name", LISTS)
def test_a_person_without_a_role_is_told_so(console, name):
    response = console("nobody").get(reverse(name))
    assert response.status_code == 403
    assert "no role yet" in response.content.decode()


def test_coming_in_and_going_out(shop):
    browser = Client()
    wrong = browser.post("/login/", {"username": "lead", "password": "wrong"})
    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.content.decode()
    right = browser.post("/login/?next=/work/", {"username": "lead", "password": PASSWORD, "next": "/work/"})
    assert (right.status_code, right["Location"]) == (302, "/work/")
    assert browser.get("/login/").status_code == 302
    assert browser.post("/logout/")["Location"] == "/login/"
    assert browser.get("/").status_code == 302


def test_whoever_guesses_too_often_waits(shop, settings):
    settings.AXES_ENABLED = True
    browser = Client()
    codes = [
        browser.post("/login/", {"username": "lead", "password": f"wrong {i}"}).status_code
        for i in range(settings.AXES_FAILURE_LIMIT + 1)
    ]
    assert codes[0] == 200
    assert codes[-1] == 429
    locked = browser.post("/login/", {"username": "lead", "password": PASSWORD})
    assert locked.status_code == 429
    assert "Wait a quarter of an hour" in locked.content.decode()


def test_whoever_is_out_comes_back_to_the_page_of_their_form(shop):
    """Not to the address of the form, which shows nothing."""
    sends = reverse("work-act")
    stranger = Client(headers={"referer": "http://testserver/work/?type=fraud+review"})
    assert stranger.post(sends, {})["Location"] == "/login/?next=/work/%3Ftype%3Dfraud%2Breview"
    assert stranger.post(sends, {"next": "/orders/"})["Location"].endswith("fraud%2Breview")
    assert Client().post(sends, {"next": "/orders/"})["Location"] == "/login/?next=/orders/"
    assert Client().post(sends, {})["Location"] == "/login/?next=/work/"


def test_whoever_is_out_comes_back_to_no_address_that_takes_forms_alone(shop):
    sends = reverse("work-act")
    stranger = Client(headers={"referer": f"http://testserver{sends}"})
    assert stranger.post(sends, {"next": "/orders/"})["Location"] == "/login/?next=/orders/"
    assert stranger.post(sends, {})["Location"] == "/login/?next=/work/"
    stranger = Client(headers={"referer": "http://testserver/no/such/page/"})
    assert stranger.post(sends, {})["Location"] == "/login/?next=/work/"


def test_part_of_a_page_leads_whoever_is_out_to_the_door(shop):
    asked = HTMX | {"HX-Current-URL": "http://testserver/orders/?status=held"}
    answer = Client().get(reverse("orders"), headers=asked)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == "/login/?next=/orders/%3Fstatus%3Dheld"
    assert answer["Cache-Control"] == "private, no-cache"
    assert "HX-Request" in answer["Vary"] and "Cookie" in answer["Vary"]


def test_login_does_not_send_people_elsewhere(shop):
    login = {"username": "lead", "password": PASSWORD, "next": "https://evil.example/"}
    assert Client().post("/login/", login)["Location"] == "/"


# ---- pages


def test_the_flow_board_counts_what_stands_where(console, shop):
    text = console("lead").get("/").content.decode()
    stages = pages.flow(company=COMPANY, now=shop.now)
    assert stages["fraud review"].orders == 2
    board = dict(re.findall(r'<span class="name">(.*?)</span>\s*<b>(\d+)</b>', text))
    assert {name.lower(): int(count) for name, count in board.items() if count != "0"} == {
        status: stage.orders for status, stage in stages.items()
    }


def test_lists_answer_htmx_with_the_part_that_changes(console):
    browser = console("lead")
    for name in ("orders", "stock", "work", "books"):
        whole = browser.get(reverse(name)).content.decode()
        part = browser.get(reverse(name), headers=HTMX).content.decode()
        assert "<html" in whole
        assert "<html" not in part


def test_orders_are_filtered_and_paged(console, shop):
    browser = console("lead")
    number = orders.order(shop.one("packed")).number
    for query, expected in (
        ("?status=packed", 2), ("?status=held", 6), (f"?q={number.lower()}", 1), ("?q=nothing", 0), ("?late=1", 8),
        ("?lapsing=1", 0),
        ("?status=packed&channel=market", 0), ("?q=%00", 22), ("?after=zzz", 22),
    ):  # fmt: skip
        text = browser.get(f"/orders/{query}").content.decode()
        assert text.count("<tr data-row>") == expected, query
    after = pages.orders(company=COMPANY, now=shop.now, limit=5)[-1].id
    assert browser.get(f"/orders/?after={after}", headers=HTMX).content.decode().count("<tr data-row>") == 17


def test_an_order_shows_all_that_became_of_it(console, shop):
    text = console("lead").get(f"/orders/{shop.one('delivered')}/").content.decode()
    for expected in (
        "delivered",
        "preferred node",
        "FF-",
        "SH-",
        "Cost of goods sold",
        "Order placed",
        "Mill Lane",
    ):
        assert expected in text, expected


def test_an_address_is_kept_from_those_who_do_not_need_it(console, shop):
    text = console("auditor").get(f"/orders/{shop.one('delivered')}/").content.decode()
    assert "Mill Lane" not in text
    assert "kept from your roles" in text


def test_every_document_has_a_page(console, shop):
    browser = console("auditor")
    order = shop.one("delivered")
    parts = [
        *(one.id for one in pages.fulfillments(order=order)),
        *(one.id for one in pages.packages(order=order)),
        *(one.id for one in pages.shipments(order=order)),
        sql.run("SELECT id FROM payments_payment LIMIT 1")[0][0],
        sql.run("SELECT id FROM orders_hold LIMIT 1")[0][0],
        shop.nodes[0],
        sql.run("SELECT document_id FROM stock_move WHERE document_kind = 'receipt' LIMIT 1")[0][0],
    ]
    for part in parts:
        assert browser.get(f"/documents/{part}/?recorded=1").status_code == 200, part
    fulfillment = pages.fulfillments(order=order)[0].id
    moved = {
        order: f"/orders/{order}/",
        shop.skus["MUG-BLUE"]: f"/stock/{shop.skus['MUG-BLUE']}/",
        fulfillment: f"/packing/{fulfillment}/",
    }
    for thing, target in moved.items():
        assert browser.get(f"/documents/{thing}/")["Location"] == target
        assert browser.get(target).status_code == 200
    assert f"/documents/{fulfillment}/?recorded=1" in browser.get(moved[fulfillment]).content.decode()


def test_the_flow_board_tells_what_came_and_went_in_a_day(console, shop):
    until = max(sql.run("SELECT max(recorded_at) FROM kernel_event")[0])
    moved = pace.passed(company=1, since=until - timedelta(days=1), until=until)
    by_hand = sql.run(
        """SELECT s, (SELECT count(*) FROM kernel_event AS e WHERE e.state_after = s AND e.state_before <> s
             AND e.subject_kind = 'order' AND e.company_id = 1 AND e.recorded_at >= %(since)s::timestamptz)::int,
           (SELECT count(*) FROM kernel_event AS e WHERE e.state_before = s AND e.state_after <> s
             AND e.subject_kind = 'order' AND e.company_id = 1 AND e.recorded_at >= %(since)s::timestamptz)::int
           FROM unnest(ARRAY['ready', 'picked', 'packed', 'shipped', 'fraud review']) AS s""",
        {"since": until - timedelta(days=1)},
    )
    known = {one.status: (one.came, one.went) for one in moved}
    assert {status: known.get(status, (0, 0)) for status, _, _ in by_hand} == {
        status: (came, went) for status, came, went in by_hand
    }
    assert known["packed"][0] > 0

    page = console("lead").get("/").content.decode()

    told = dict(re.findall(r'<span class="name">(.*?)</span>.*?24 h: (\+\d+ −\d+)', page, re.DOTALL))
    came, went = known["packed"]
    assert told["Packed"] == f"+{came} −{went}"
    stages = pages.flow(company=1, now=shop.now)
    paces = pace.paces({status: one.orders for status, one in stages.items()}, moved, 24)
    slow = pace.bottleneck(home.standing(stages, shop.now), paces, home.ON_THE_WAY)
    assert page.count(">bottleneck<") == (1 if slow else 0)


def test_the_flow_board_tells_how_long_orders_have_stood_in_their_status(console, shop, monkeypatch):
    """Since they came into it, which is not since they were placed."""
    sql.run("UPDATE orders_order SET placed_at = placed_at - interval '40 days'")
    by_hand = sql.run("""
        SELECT o.status, array_agg(e.at ORDER BY e.at) FROM orders_order AS o, LATERAL (
            SELECT max(occurred_at) AS at FROM kernel_event
            WHERE subject_id = o.id AND subject_kind = 'order' AND state_after = o.status AND state_before <> o.status
        ) AS e WHERE o.status NOT IN ('shipped', 'delivered', 'cancelled', 'closed') GROUP BY o.status""")
    stages = pages.flow(company=COMPANY, now=shop.now)
    for status, times in by_hand:
        there = stages[status]
        assert (there.half_at, there.oldest_at) == (times[(len(times) - 1) // 2], times[0]), status
        assert there.oldest_at <= there.most_at <= there.half_at, status
    assert len(by_hand) > 5
    assert all(stages[one].oldest_at is None for one in ("shipped", "delivered") if one in stages)
    monkeypatch.setattr(pace, "STOOD_MIN", timedelta(0))
    monkeypatch.setattr(pace, "ORDERS_MIN", 1)
    page = console("lead").get("/").content.decode()
    assert page.count(">bottleneck<") == 1
    late = [one for one in re.findall(r'<span class="late-text">(.*?)</a>', page, re.DOTALL) if "late" in one]
    assert late and all("oldest" in one for one in late), "what is late hides nothing of it"


def test_the_flow_board_is_that_of_a_node_or_a_channel(console, shop):
    everywhere = pages.flow(company=COMPANY, now=shop.now)
    by_node = {
        node: sum(one.orders for one in pages.flow(company=COMPANY, now=shop.now, nodes=[node]).values())
        for (node,) in sql.run("SELECT code FROM network_node WHERE company_id = 1")
    }
    by_hand = dict(
        sql.run("""
        SELECT n.code, (SELECT count(*) FROM orders_order AS o
            WHERE EXISTS (SELECT FROM stock_allocation WHERE order_id = o.id AND node_id = n.id)
               OR EXISTS (SELECT FROM warehouse_fulfillment
                          WHERE order_id = o.id AND node_id = n.id AND state <> 'cancelled'))::int
        FROM network_node AS n WHERE n.company_id = 1""")
    )
    assert by_node == by_hand
    assert max(by_node.values()) > 0
    by_channel = sql.run("""
        SELECT c.code, count(o.id)::int FROM network_channel AS c LEFT JOIN orders_order AS o ON o.channel_id = c.id
        WHERE c.company_id = 1 GROUP BY c.code""")
    for channel, count in by_channel:
        found = pages.flow(company=COMPANY, now=shop.now, channel=channel)
        assert sum(one.orders for one in found.values()) == count
    browser = console("lead")
    node = max(by_node, key=by_node.get)
    page = browser.get("/", {"node": node, "channel": "nowhere"}).content.decode()
    board = dict(re.findall(r'<span class="name">(.*?)</span>\s*<b>(\d+)</b>', page))
    assert sum(map(int, board.values())) == by_node[node]
    assert f"&amp;node={node}" in page
    nothing = next(channel for channel, count in by_channel if not count)
    page = browser.get("/", {"channel": nothing}).content.decode()
    board = dict(re.findall(r'<span class="name">(.*?)</span>\s*<b>(\d+)</b>', page))
    assert set(board.values()) == {"0"}
    assert "Nothing is late" in page
    assert browser.get("/", {"node": "no such", "channel": "none"}).context["alive"] == sum(
        one.orders for one in everywhere.values() if one.status not in rules.ENDED
    )


def test_the_pace_of_a_node_and_a_channel_are_parts_of_that_of_all(shop):
    until = max(sql.run("SELECT max(recorded_at) FROM kernel_event")[0])
    within = {"company": 1, "since": until - timedelta(days=1), "until": until}
    whole = {one.status: one for one in pace.passed(**within)}
    channels = [code for (code,) in sql.run("SELECT code FROM network_channel WHERE company_id = 1")]
    parts = [one for code in channels for one in pace.passed(**within, channel=code)]
    assert whole.keys() == {one.status for one in parts}
    for status, one in whole.items():
        assert sum(part.came for part in parts if part.status == status) == one.came
    of_node = {one.status: one for one in pace.passed(**within, nodes=["LDN", "nowhere"])}
    assert of_node and all(one.came <= whole[status].came for status, one in of_node.items())
    hours = {"company": 1, "since": until - timedelta(days=1), "until": until}
    for told in ("placed", "shipped"):
        every = sum(getattr(one, told) for one in pages.pulse(**hours))
        split = [getattr(one, told) for code in channels for one in pages.pulse(**hours, channel=code)]
        assert sum(split) == every > 0, told


def test_books_drill_down_to_one_entry(console, shop):
    browser = console("books")
    trial = browser.get("/books/").content.decode()
    assert "in balance" in trial
    (shipment,) = pages.shipments(order=shop.one("shipped"))
    month = f"{shipment.shipped_at:%Y-%m}"  # on the first of a month that was the last one
    whole = browser.get(f"/books/?month={month}&up_to=1").content.decode()
    (led,) = set(re.findall(rf"/books/accounts/4000/\?month={month}&amp;up_to=1", whole))
    shown = browser.get(led.replace("&amp;", "&"))
    (line,) = [
        one for one in ledger.trial_balance(company=COMPANY, up_to=date.fromisoformat(f"{month}-01"))
        if one.account == 4000
    ]  # fmt: skip
    assert shown.context["sums"] == line, "the account opens with the figure that led to it"
    account = browser.get(f"/books/accounts/4000/?month={month}").content.decode()
    entry = re.search(r"/books/entries/[0-9a-f-]+/", account)
    assert entry
    assert "Sales of goods" in browser.get(entry[0]).content.decode()


def test_a_search_goes_straight_to_what_is_meant(console, shop):
    browser = console("lead")
    order = orders.order(shop.one("packed"))
    assert browser.get(f"/search/?q={order.number.lower()}")["Location"] == f"/orders/{order.id}/"
    assert browser.get("/search/?q=lamp-oak")["Location"] == f"/stock/{shop.skus['LAMP-OAK']}/"
    shipment = pages.shipments(order=shop.one("shipped"))[0]
    assert browser.get(f"/search/?q={shipment.number}")["Location"] == f"/documents/{shipment.id}/"
    assert "Nothing is called that" in browser.get("/search/?q=100%25").content.decode()
    assert browser.get("/search/?q=mug").content.decode().count("<li data-row>") == 2


MISSING = (
    "/orders/{id}/", "/stock/{id}/", "/work/{id}/", "/books/entries/{id}/", "/documents/{id}/", "/events/999999999/",
    "/events/99999999999999999999/", "/books/accounts/9/", "/books/accounts/99999999999/", "/nothing/", "/orders/x/",
)  # fmt: skip


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there_is_not_found(console, path):
    response = console("lead").get(path.format(id=ids.uuid7()))
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_a_bug_shows_a_page_that_tells_nothing(console, monkeypatch):
    browser = console("lead")
    browser.raise_request_exception = False
    monkeypatch.setattr(pages, "flow", lambda **_: 1 / 0)
    response = browser.get("/")
    assert response.status_code == 500
    text = response.content.decode()
    assert "Something broke on our side" in text
    assert "look whether it was taken" in text
    assert "ZeroDivision" not in text


@pytest.mark.parametrize(
    ("error", "status"), [(OperationalError, 503), (psycopg.errors.QueryCanceled, 500)], ids=str
)
def test_a_database_that_is_away_is_told_from_a_bug(console, monkeypatch, error, status):
    def away(*_: object, **__: object) -> None:
        raise error("the connection is lost")

    browser = console("lead")
    browser.raise_request_exception = False
    monkeypatch.setattr(access, "actor_of", away)
    response = browser.get("/")
    assert response.status_code == status
    assert ("The database does not answer" in response.content.decode()) == (status == 503)


def test_forms_need_their_token(shop, console):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = console("lead").cookies
    assert strict.post(f"/orders/{shop.one('ready')}/cancel/", {"reason": "x"}).status_code == 403


@pytest.mark.parametrize("path", ["/orders/act/", "/holds/release/", "/work/act/", "/company/", "/logout/"])
def test_what_changes_something_is_never_a_link(console, path):
    assert console("lead").get(path).status_code == 405


# ---- forms


def test_many_orders_are_cancelled_by_one_command(console, shop, statements):
    browser = console("service")
    chosen = shop.orders["ready"] + shop.orders["picked"][:1] + shop.orders["shipped"][:1]
    asked = browser.post(
        "/orders/act/",
        {"order": chosen, "action": "cancel", "reason": "Shop closed", "next": "/orders/?status=ready"},
    )
    assert "Authorize a return instead" in asked.content.decode()
    response = sure(browser, asked)
    assert response["Location"] == "/orders/?status=ready"
    assert said(response)[0] == "3 orders were cancelled."
    assert [orders.order(one).status for one in chosen] == ["cancelled", "cancelled", "cancelled", "shipped"]


def test_holds_of_many_orders_are_released(console, shop):
    response = console("lead").post(
        "/orders/act/", {"order": shop.orders["fraud"], "action": "release", "reason": "Known"}
    )
    assert said(response) == ["2 holds were released."]
    assert {orders.order(one).status for one in shop.orders["fraud"]} == {"ready"}


def test_a_hold_is_placed_and_released_on_the_order(console, shop):
    browser, order = console("service"), shop.one("ready")
    browser.post(f"/orders/{order}/hold/", {"type": "payment hold", "reason": "The bank asked."})
    assert orders.order(order).status == "payment hold"
    (hold,) = orders.holds_of(order)
    response = browser.post(
        "/holds/release/", {"hold": hold.id, "note": "Paid.", "next": f"/orders/{order}/"}
    )
    assert response["Location"] == f"/orders/{order}/"
    assert orders.order(order).status == "ready"
    again = browser.post("/holds/release/", {"hold": hold.id})
    assert "needs it to be open" in said(again)[-1]


@pytest.mark.parametrize("person", ["auditor", "books"])
def test_whoever_may_not_is_told_and_nothing_happens(console, shop, person):
    order = shop.one("ready")
    response = console(person).post(f"/orders/{order}/cancel/", {"reason": "x"})
    assert "may not do sourcing.cancel" in said(response)[0]
    assert orders.order(order).status == "ready"


def test_nothing_selected_does_nothing(console):
    assert said(console("lead").post("/orders/act/", {"action": "cancel", "reason": "x"})) == [
        "Nothing was selected, so nothing was done."
    ]


def test_work_is_taken_put_back_and_resolved(console, shop):
    item, lead, other = item_of(shop, "fraud"), console("lead"), console("service")
    lead.post("/work/act/", {"item": item.id, "action": "claim"})
    assert work.item(item.id).owner == "lead"
    refused = other.post("/work/act/", {"item": item.id, "action": "claim"})
    assert "lead is working on item SO-" in said(refused)[0]
    lead.post("/work/act/", {"item": item.id, "action": "put_back"})
    assert work.item(item.id).state == "open"
    response = lead.post(
        "/work/act/", {"item": [item.id], "action": "resolve", "root_cause": "channel", "note": "A test."}
    )
    assert said(response)[-1] == "1 item is resolved."
    assert (work.item(item.id).state, work.item(item.id).root_cause) == ("done", "channel")
    assert "Dealt with" in lead.get(f"/work/{item.id}/").content.decode()


def test_forms_return_only_to_pages_of_ours(console, shop):
    form = {"item": item_of(shop, "fraud").id, "action": "claim", "next": "https://evil.example/"}
    assert console("lead").post("/work/act/", form)["Location"] == "/work/"


# ---- an empty house


def test_an_empty_house_says_what_to_do(db):
    from tests.asking import a_browser
    from tests.shop import everybody

    everybody()
    response = a_browser("root").get("/")
    assert response.status_code == 200
    assert "entrepot demo" in response.content.decode()
