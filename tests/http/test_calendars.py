"""Calendars of nodes: their page, and the API."""

from __future__ import annotations

import html
from datetime import date, time, timedelta

import pytest
from django.utils import timezone

from entrepot.kernel import policies
from entrepot.network import queries
from entrepot.work.rules import Calendar
from tests.floor import SYSTEM
from tests.http.test_api import is_problem
from tests.http.test_returns_pages import said
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db
HOME = "/network/calendars/"


def page_of(browser, address: str = HOME) -> str:
    return html.unescape(browser.get(address).content.decode())


def test_a_supervisor_sets_the_week_of_a_node(console, shop):
    node, supervisor = shop.nodes[0], console("supervisor")
    address = f"{HOME}{node}/"
    assert "every day, to its end" in page_of(supervisor)
    week = {f"day-{day}": "16:30" if day < 5 else "" for day in range(7)}
    assert said(supervisor.post(f"{address}week/", week))[-1] == "The week is set."
    assert queries.calendars(nodes=[node])[node].week == dict.fromkeys(range(5), time(16, 30))
    assert "Mon, Tue, Wed, Thu, Fri 16:30" in page_of(supervisor)
    assert 'value="16:30"' in page_of(supervisor, address)
    for wrong in ("noon", "25:00"):
        assert (
            said(supervisor.post(f"{address}week/", week | {"day-1": wrong}))[-1]
            == "Write times such as 16:30."
        )
    assert queries.calendars(nodes=[node])[node].week[1] == time(16, 30), "nothing half done"


def test_holidays_are_added_taken_from_the_country_and_opened_again(console, shop):
    node, lead = shop.nodes[0], console("lead")
    address = f"{HOME}{node}/"
    country = next(one.country for one in queries.nodes(company=COMPANY) if one.id == node)
    assert country == "GB"
    tomorrow = timezone.now().date() + timedelta(days=2)
    asked = {"day": tomorrow.isoformat(), "name": "Stocktaking"}
    assert said(lead.post(f"{address}close/", asked))[-1] == "1 day is closed."
    assert "Stocktaking" in page_of(lead) and "Stocktaking" in page_of(lead, address)
    assert "expected 1 to 100 characters" in said(lead.post(f"{address}close/", asked | {"name": " "}))[-1]
    assert "Choose the day" in said(lead.post(f"{address}close/", asked | {"day": "soon"}))[-1]

    year = timezone.now().year + 1
    closed = said(lead.post(f"{address}public/", {"year": year, "part": "SCT"}))[-1]
    assert closed.endswith("days are closed.")
    known = {day: name for _, day, name in queries.holidays(nodes=[node])}
    assert known[date(year, 12, 25)] == "Christmas Day" and known[tomorrow] == "Stocktaking"
    assert "Choose the year" in said(lead.post(f"{address}public/", {"year": "1066"}))[-1]
    assert "Choose the year" in said(lead.post(f"{address}public/", {"year": year, "part": "BY"}))[-1]

    assert (
        said(lead.post(f"{address}open/", {"day": [tomorrow.isoformat(), "x"]}))[-1] == "1 day is open again."
    )
    assert tomorrow not in queries.calendars(nodes=[node])[node].closed


def test_who_may_not_is_refused_and_another_companys_node_is_not_there(console, shop):
    node, auditor = shop.nodes[0], console("auditor")
    told = page_of(auditor, f"{HOME}{node}/")
    assert (
        "A warehouse supervisor or an operations lead sets holidays." in told
        and "<button class" not in told.split('id="week"')[1].split("</main>")[0]
    )
    refused = said(auditor.post(f"{HOME}{node}/close/", {"day": "2026-12-25", "name": "Christmas"}))
    assert "may not do network.set_holidays" in refused[0]
    assert auditor.get(f"{HOME}{shop.orders['ready'][0]}/").status_code == 404


def test_calendars_of_targets_are_listed_and_lead_to_their_draft(console, shop):
    policies.set_policy(
        SYSTEM,
        requests=[
            policies.SetPolicy(
                COMPANY, "work.calendar", Calendar(country="GB", part="SCT"), shop.now, "office"
            )
        ],
    )
    admin = page_of(console("lead"))
    assert "GB SCT" in admin and "/policies/work.calendar/draft/?scope=office" in admin
    assert "/policies/work.calendar/draft/?scope=office" not in page_of(console("auditor"))


def test_programs_keep_them_too(program, shop):
    asks = program("supervisor")
    code = next(one.code for one in queries.nodes(company=COMPANY) if one.id == shop.nodes[0])
    one = {"node": code, "weekday": 0, "at": "16:00"}
    assert asks.post("/api/v1/cut-offs", one, "a").json() == {"node": str(shop.nodes[0])}
    assert asks.get("/api/v1/cut-offs").json() == [{"node_code": code, "weekday": 0, "at": "16:00:00"}]
    is_problem(asks.post("/api/v1/cut-offs", {**one, "node": "x"}, "b"), 404, "kernel.not_found")
    rest = [{"node": code, "day": f"2026-12-{day}", "name": "Rest"} for day in (25, 26)]
    assert asks.post("/api/v1/holidays", rest, "c").status_code == 200
    assert asks.post("/api/v1/holidays", {**rest[0], "name": None}, "d").status_code == 200
    told = [{"node_code": code, "day": "2026-12-26", "name": "Rest"}]
    assert asks.get("/api/v1/holidays?since=2026-12-26").json() == told == asks.get("/api/v1/holidays").json()
    is_problem(asks.post("/api/v1/holidays", {**rest[0], "name": ""}, "e"), 422, "kernel.invalid")
