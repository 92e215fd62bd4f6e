"""Labor: the page and the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.network import queries as network
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.warehouse import task_times
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.web import format as fmt
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db
API = "/api/v1/labor"


@pytest.fixture
def work(shop) -> None:
    """Somebody puts a mug away every minute."""
    bins = {one.code: one.id for one in network.bins(nodes=[shop.nodes[1]])}
    cause = Cause(Actor("pia", everything=True), timezone.now() - timedelta(minutes=30))
    for minute in range(10):
        move = PutAway(COMPANY, shop.skus["MUG-BLUE"], bins["A-01"], bins["R-01"], 1)
        put_away(replace(cause, at=cause.at + timedelta(minutes=minute)), requests=[move])


def test_the_page_tells_what_is_queued_done_and_how_long_it_takes(shop, work, console):
    browser = console("supervisor")
    page = browser.get("/floor/labor/").content.decode()
    assert "hours needed" in page
    assert "60.0" in page, "a mug a minute"
    assert "No standard yet" in browser.get("/floor/labor/?list=standards").content.decode()
    done = browser.post("/floor/labor/fit/")
    assert [str(one) for one in get_messages(done.wsgi_request)] == [
        "The standard times are fitted to the days before now."
    ]
    assert "No standard yet" not in browser.get("/floor/labor/?list=standards").content.decode()


def test_throughput_is_summed_by_step_and_kept_to_a_node(shop, work, console, program):
    browser = console("supervisor")
    page = browser.get("/floor/labor/?node=MAN").content.decode()
    assert "In all, by step" in page and "Hours at LDN" not in page
    page = browser.get("/floor/labor/?node=LDN").content.decode()
    assert "Nobody reported anything in these days" in page and "In all, by step" not in page
    assert "<option selected>LDN</option>" in page
    lead = program("supervisor")
    assert lead.get(f"{API}/throughput?days=1&node=LDN").json() == []
    assert sum(row["tasks"] for row in lead.get(f"{API}/throughput?days=1&node=MAN").json()) == 9
    assert lead.get(f"{API}/throughput?node=NONE").status_code == 404


def test_what_comes_in_is_told_by_day(shop, work, console, program):
    buyer = Cause(Actor("bea", everything=True), timezone.now())
    (supplier,) = register_suppliers(buyer, requests=[RegisterSupplier(COMPANY, "mugs", "Mugs Ltd", "GBP")])
    lines = ((shop.skus["MUG-BLUE"], 240, Decimal(1)),)
    day = timezone.now().date() + timedelta(days=3)
    order(buyer, requests=[OrderGoods(COMPANY, supplier.id, shop.nodes[1], "", lines, wanted_on=day)])
    page = console("supervisor").get("/floor/labor/?node=MAN").content.decode()
    assert "What comes in, by day" in page and fmt.day(day) in page and "no standard yet" in page
    told = [one for one in program("supervisor").get(f"{API}/outlook").json() if one["node_code"] == "MAN"]
    (came,) = (one for one in told[0]["inbound"] if one["day"] == str(day))
    assert (came["units"], came["announced"], came["receive_s"]) == (240, 0, None)


def test_programs_are_told_the_same(shop, work, program):
    lead = program("supervisor")
    assert lead.post(f"{API}/standards", {}).json() == {"standards": 1, "tasks": 9}
    (standard,) = lead.get(f"{API}/standards").json()
    assert (standard["step"], standard["node_code"], round(standard["fixed_s"])) == ("put_away", "MAN", 60)
    rows = lead.get(f"{API}/throughput?days=1").json()  # one for each shift: those minutes may be in two
    assert {(row["step"], row["lines_an_hour"]) for row in rows} == {("put_away", 60)}
    assert (sum(row["tasks"] for row in rows), sum(row["units"] for row in rows)) == (9, 9)
    told = lead.get(f"{API}/outlook").json()
    assert sum(step["orders"] for node in told for step in node["steps"]) == sum(
        step.orders for node in task_times.outlooks(company=COMPANY, at=timezone.now()) for step in node.steps
    )


def test_how_each_gets_on_is_shown_to_those_who_may_and_that_they_looked_is_noted(
    shop, work, console, program
):
    ahead = (
        12 - timezone.now().hour
    )  # it is about noon there, whenever this runs: the half hour before is today
    sql.change("UPDATE network_node SET time_zone = %(zone)s", {"zone": f"Etc/GMT{-ahead:+d}"})
    browser = console("supervisor")
    for _ in range(2):
        page = browser.get("/floor/performance/?node=MAN").content.decode()
    assert "pia" in page and "60.0" in page, "a mug a minute"
    assert 'data-live="30"' in page
    looked = sql.run(
        "SELECT actor FROM kernel_event WHERE command = 'warehouse.show_performance' AND subject_id = %(n)s",
        {"n": shop.nodes[1]},
    )
    assert looked == [(shop.people["supervisor"].username,)]
    assert "Nobody reported anything today" in browser.get("/floor/performance/?node=LDN").content.decode()
    file = browser.get("/floor/performance/?node=MAN&format=csv").content.decode()
    assert "pia" in file

    other = console("service").get("/floor/performance/?node=MAN").content.decode()
    assert "is personal" in other and "pia" not in other
    told = program("supervisor").get(f"{API}/performance?node=MAN").json()
    assert [(one["person"], one["step"], one["tasks"]) for one in told["people"]] == [("pia", "put_away", 9)]
    assert told["before_packing"]["orders"] >= 0
    assert program("service").get(f"{API}/performance?node=MAN").status_code == 403
    assert program("supervisor").get(f"{API}/performance?node=NONE").status_code == 404
