"""The first page: what it tells each role, in one statement."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entrepot.access import queries as access
from entrepot.insight.waiting import AT_NODES, OF_CHANNEL, SIGNALS, counted
from entrepot.kernel import sql
from entrepot.web import homes
from tests.shop import PEOPLE, a_person


def lines(page: str) -> dict[str, int]:
    return {
        title: int(count.replace(",", ""))
        for title, count in re.findall(r"<span>([^<]+)</span><b[^>]*>([\d,]+)</b></a></li>", page)
    }


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_each_role_is_told_what_matters_to_it(console, shop, name):
    with CaptureQueriesContext(connection) as few:
        page = console(name).get("/").content.decode()
    assert "Waits for you" in page
    assert 'hx-get="/reports/' in page
    assert len(few) <= 20


def test_the_counts_are_those_of_the_floor(console, shop):
    page = lines(console("supervisor").get("/").content.decode())
    assert page["Fulfillments to pack"] == len(shop.orders["picked"])
    assert page["Packed, not handed over"] == len(shop.orders["packed"])
    assert page["Not packed, cut-off passed"] <= page["Fulfillments to pack"]


def test_disputes_whose_time_ends_are_led_to_where_the_most_urgent_stand_first(console, shop):
    page = console("books").get("/").content.decode()
    (where,) = re.findall(r'<a[^>]* href="([^"]+)"[^>]*><span>Disputes whose time ends', page)
    assert where == "/books/disputes/"


def test_an_administrator_is_told_of_the_work_of_every_role_and_of_who_may_enter(console, shop):
    sql.run(
        "UPDATE work_item SET due_at = %(at)s::timestamptz WHERE state <> 'done'",
        {"at": shop.now - timedelta(hours=1)},
    )
    a_person("stranded")
    root = console("root")
    page = root.get("/").content.decode()
    told = lines(page)
    waits = sql.run("SELECT count(*)::int FROM work_item WHERE state <> 'done' AND owner = ''")[0][0]
    assert told["Work that nobody took"] == told["Overdue work of everybody"] == waits > 0
    people = sql.run("""
        SELECT count(*)::int FROM auth_user AS u WHERE is_active AND NOT is_superuser
          AND NOT EXISTS (SELECT FROM auth_user_groups WHERE user_id = u.id)""")[0][0]
    assert told["People without a role"] == people > 0
    assert told["Administrators without a second factor"] == 1
    assert not any("of your role" in title for title in told), "they have none"
    assert "/scan/" not in page.split('class="for-you"')[1].split("</section></div>")[0]
    for where in set(re.findall(r'<li[^>]*><a[^>]* href="([^"]+)"', page.split('class="for-you"')[1])):
        assert root.get(where.replace("&amp;", "&")).status_code == 200, where


def test_work_of_several_roles_is_led_to_as_it_is_counted(console, shop):
    both = a_person("both", "operations lead", "controller")
    page = console(both.username).get("/").content.decode()
    (where,) = set(re.findall(r'<a[^>]* href="([^"]+)"[^>]*><span>Work for your role that nobody', page))
    assert where == "/work/?view=untaken&amp;role=own"

    told = console(both.username).get("/work/?view=untaken&role=own&show=role").content.decode()

    every = sql.run("SELECT DISTINCT role FROM work_item WHERE state <> 'done' AND owner = ''")
    theirs = sql.run("""
        SELECT count(*)::int FROM work_item
        WHERE state <> 'done' AND owner = '' AND role IN ('operations lead', 'controller')""")[0][0]
    assert len(every) > 2, "others have work as well"
    assert told.count("data-row") == lines(page)["Work for your role that nobody took"] == theirs > 0
    assert '<option value="own" selected>Any of mine</option>' in told


def test_everything_is_counted_at_once_and_of_one_company(shop):
    asked = {"person": "lead", "roles": ["operations lead"], "now": shop.now + timedelta(days=30)}
    with CaptureQueriesContext(connection) as one:
        here = counted(SIGNALS, company=1, **asked)
    assert len(one) <= 1
    assert here["held"] > 0
    assert here["to pack"] >= here["pack late"]
    elsewhere = counted(SIGNALS, company=2, **asked)
    of_the_house = {"dead letters", "undelivered", "served by the house", "roleless", "no factor"}
    assert {name for name, count in elsewhere.items() if count} <= of_the_house
    assert counted([], company=1, **asked) == {}


def test_who_has_every_role_is_told_each_thing_once():
    home = homes.home_of(list(homes.HOMES))
    told = [*home.waits, *home.late, *home.wrong]
    assert len(told) == len(set(told))
    every = {
        one for role in homes.HOMES.values() for side in (role.waits, role.late, role.wrong) for one in side
    }
    assert set(told) == every
    assert "pick late" in home.late


def figures(page: str) -> list[str]:
    return re.findall(r'hx-get="/reports/([a-z-]+)/tile/', page)


def test_a_board_is_arranged_kept_shared_and_stands_on_the_first_page(console, shop):
    lead, other = console("lead"), console("service")
    of_the_role = [name.replace(" ", "-") for name in homes.home_of(["operations lead"]).figures]
    assert figures(lead.get("/dashboard/").content.decode()) == of_the_role
    said = "tile=fill-rate&tile=return-rate%3A2&tile=no-figure"
    page = lead.get(f"/dashboard/?name=Mornings&{said}&do=earlier+return-rate").content.decode()
    assert figures(page) == ["return-rate", "fill-rate"]
    assert 'class="card tile w2"' in page
    added = lead.get(f"/dashboard/?name=Mornings&{said}&do=with&figure=shipped-on-time").content.decode()
    assert figures(added) == ["fill-rate", "return-rate", "shipped-on-time"]
    assert figures(lead.get("/dashboard/?name=Empty").content.decode()) == []
    assert (
        'src="' not in lead.get("/dashboard/?name=%3Cscript+src%3D%22x").content.decode().split("</head>")[1]
    )

    keep = {"name": "Mornings", "role": "operations lead", "next": f"/dashboard/?name=Mornings&{said}"}
    lead.post("/views/boards/save/", keep)
    home = lead.get("/").content.decode()
    assert figures(home) == ["fill-rate", "return-rate"]
    assert "Mornings" in home
    (one,) = access.views(1, "boards", "lead", [])
    assert lead.get(f"/views/{one.id}/")["Location"].startswith("/dashboard/?name=Mornings&tile=fill-rate")
    assert other.get(f"/views/{one.id}/").status_code == 404
    assert "Mornings" not in other.get("/").content.decode()


def test_a_board_opens_under_the_name_that_it_was_kept_under_for_everybody_of_its_role(console, shop):
    """Whatever it was called while it was arranged, and wherever it was arranged."""
    a_person("second", "operations lead")
    lead, second = console("lead"), console("second")
    keep = {
        "name": "Evenings",
        "role": "operations lead",
        "next": "/dashboard/?name=Draft&tile=fill-rate&arrange=1",
    }
    kept = lead.post("/views/boards/save/", keep, follow=True)
    page = kept.content.decode()
    assert "The board is kept. It stands above the key figures." in page
    for shown in (
        page,
        second.get(f"/views/{access.views(1, 'boards', 'lead', [])[0].id}/", follow=True).content.decode(),
    ):
        assert "<h1>Evenings</h1>" in shown and "Draft" not in shown
        assert re.search(r'<a class="chip" href="/views/[0-9a-f-]+/" aria-current="true">Evenings', shown)
        assert figures(shown) == ["fill-rate"]
    assert "Evenings" in second.get("/").content.decode()

    refused = lead.post("/views/boards/save/", keep | {"name": ""}, follow=True).content.decode()
    assert "The board is kept" not in refused


def test_a_page_that_renews_itself_takes_nothing_away(console, shop):
    lead = console("lead")
    lead.post("/work/act/", {"action": "claim"})  # nothing was chosen, which the next page says
    renewed = lead.get("/work/", headers={"X-Live": "1"}).content.decode()
    assert "Nothing was selected" not in renewed
    assert 'data-live="20"' in renewed
    assert "Nothing was selected" in lead.get("/work/").content.decode()


def rows(page: str) -> int:
    return page.rsplit('<div id="table"', maxsplit=1)[-1].count("<tr data-row")


def test_a_number_leads_to_as_many_rows(console, shop):
    lead = console("lead")
    some = sql.run("""UPDATE work_item SET owner = 'somebody' WHERE id IN (
        SELECT id FROM work_item WHERE state <> 'done' AND role = 'operations lead' LIMIT 1) RETURNING id""")
    assert some
    told = lines(lead.get("/").content.decode())
    for title, where in (
        ("Work for your role that nobody took", "/work/?view=untaken&role=operations+lead"),
        ("Orders that are held", "/orders/?status=held"),
    ):
        assert told[title] == rows(lead.get(where).content.decode()) > 0, title


def test_what_i_put_aside_does_not_wait_for_me(console, shop):
    sql.run("UPDATE work_item SET owner = 'lead' WHERE state <> 'done'")
    lead = console("lead")
    before = lines(lead.get("/").content.decode())["Work that you took"]
    sql.run(
        """UPDATE work_item SET snoozed_until = %(at)s::timestamptz WHERE id IN (
        SELECT id FROM work_item WHERE state <> 'done' LIMIT 1)""",
        {"at": shop.now + timedelta(days=9000)},
    )
    assert lines(lead.get("/").content.decode())["Work that you took"] == before - 1


def test_a_refused_form_stays_on_its_page_where_that_is_one(console, shop):
    lead, nothing = console("lead"), {"action": "claim", "next": "/work/"}
    for referrer, where in (
        ("http://testserver/work/?view=mine", "/work/?view=mine"),
        (
            "http://testserver/orders/act/",
            "/work/",
        ),  # it takes forms alone: what stood there was an answer to one
        ("http://testserver//elsewhere.example/", "/work/"),
        ("http://elsewhere.example/work/?view=mine", "/work/"),
        ("", "/work/"),
    ):
        sent = lead.post("/work/act/", nothing, headers={"Referer": referrer})
        assert sent["Location"] == where, referrer
    lead.get("/work/?view=mine")
    sent = lead.post("/work/act/", nothing, headers={"Referer": "http://testserver/work/"})
    assert "Nothing was selected" in lead.get(sent["Location"]).content.decode(), (
        "to look has not read it away"
    )


def test_what_stands_at_a_node_or_came_by_a_channel_is_told_of_it_alone(shop):
    asked = {"person": "lead", "roles": ["operations lead"], "now": shop.now, "company": 1}
    whole = counted(SIGNALS, **asked)
    nodes = [code for (code,) in sql.run("SELECT code FROM network_node WHERE company_id = 1")]
    channels = [code for (code,) in sql.run("SELECT code FROM network_channel WHERE company_id = 1")]
    by_node = [counted(SIGNALS, **asked, nodes=[code]) for code in nodes]
    by_channel = [counted(SIGNALS, **asked, channel=code) for code in channels]
    assert counted(SIGNALS, **asked, nodes=nodes)["to pack"] == whole["to pack"] > 0
    for signal, count in whole.items():
        if signal not in AT_NODES:
            assert {one[signal] for one in by_node} == {count}, signal
        elif signal != "held":  # an order that is held may be promised at several nodes, or at none
            assert sum(one[signal] for one in by_node) == count, signal
        parts = [one[signal] for one in by_channel]
        assert sum(parts) == count if signal in OF_CHANNEL else set(parts) == {count}, signal


def test_the_first_page_of_a_node_tells_what_stands_there(console, shop):
    browser = console("supervisor")
    nodes = [code for (code,) in sql.run("SELECT code FROM network_node WHERE company_id = 1")]
    told = [
        lines(browser.get("/", {"node": code}).content.decode())["Fulfillments to pack"] for code in nodes
    ]
    assert sum(told) == len(shop.orders["picked"])


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_each_role_has_below_its_figures_what_it_works_by(console, shop, name):
    page = console(name).get("/").content.decode()
    shown = {
        homes.FLOW: 'class="board"' in page,
        homes.CUT_OFFS: "Backlog against cut-offs" in page,
        homes.FEEDS: "What comes in and goes out" in page,
    }
    parts = {
        "supervisor": {homes.CUT_OFFS, homes.FLOW}, "engineer": {homes.FEEDS}, "books": set(), "inspector": set(),
    }  # fmt: skip
    assert {part for part, is_there in shown.items() if is_there} == parts.get(name, {homes.FLOW})


def test_a_supervisor_sees_which_orders_wait_for_which_cut_off(console, shop):
    told = console("supervisor").get("/").context["cut_offs"]
    assert sum(step.orders for _, step in told) > 0
    node = told[0][0].node_code
    narrowed = console("supervisor").get("/", {"node": node}).context["cut_offs"]
    assert {one.node_code for one, _ in narrowed} == {node}
