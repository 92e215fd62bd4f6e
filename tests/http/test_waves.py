"""Waves and pick lists: the pages with their forms, and the API."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.carriage import queries as carriage
from entrepot.kernel import ids, sql
from entrepot.network import queries as network
from entrepot.warehouse import floor_queries, queries, short_queries
from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
from entrepot.warehouse.commands.waves import ReleaseWave, release_wave
from tests.http.test_api import is_problem
from tests.shop import COMPANY, a_person, the_system
from tests.waves import a_shop_that_gathers

pytestmark = pytest.mark.django_db
API = "/api/v1/waves"


@pytest.fixture
def shop(shop):
    a_shop_that_gathers(shop)
    return shop


def said(response) -> list[str]:
    return [str(one) for one in get_messages(response.wsgi_request)]


def test_a_supervisor_proposes_releases_and_a_picker_picks(shop, console):
    browser = console("supervisor")
    page = browser.get("/floor/").content.decode()
    assert re.search(r"LDN\s+· 2 wait", page)

    proposed = browser.post("/floor/propose/", {"node": str(shop.nodes[0]), "method": "batch"})
    assert said(proposed) == ["This is what would go to the floor. Nothing has gone yet."]
    page = browser.get(proposed.url).content.decode()
    (wave,) = queries.waves(company=COMPANY)
    assert proposed.url == f"/floor/waves/{wave.id}/"
    assert (wave.orders, wave.method) == (2, "batch")
    assert wave.number in page
    assert "Meters to walk" in page
    assert re.search(r"Priority \d+, due ", page), page
    assert not re.search(r"due \d{4}-\d\d-\d\d", page), "due by the clock of the reader"

    released = browser.post(f"{proposed.url}decide/", {"action": "release"})
    assert released.url == proposed.url
    (one,) = queries.pick_lists(wave=wave.id)
    page = browser.get(f"/floor/lists/{one.id}/").content.decode()
    stops = queries.list_stops(one.id)
    assert [page.index(f"found-{stop.task}") for stop in stops] == sorted(
        page.index(f"found-{stop.task}") for stop in stops
    ), "in the order of the way"
    browser.post(f"/floor/lists/{one.id}/take/", {"action": "take"})
    assert queries.pick_list(one.id).picker == "supervisor"
    done = browser.post(
        f"/floor/lists/{one.id}/pick/", {f"found-{stop.task}": stop.quantity for stop in stops}
    )
    assert said(done)[-1] == "The list is picked. What is complete waits at the packing station."
    assert queries.wave(wave.id).open_stops == 0


def test_fewer_units_found_are_reported(shop, console):
    browser = console("supervisor")
    browser.post("/floor/propose/", {"node": str(shop.nodes[0])})
    (wave,) = queries.waves(company=COMPANY)
    browser.post(f"/floor/waves/{wave.id}/decide/", {"action": "release"})
    (one,) = queries.pick_lists(wave=wave.id)
    stop = queries.list_stops(one.id)[0]
    browser.post(f"/floor/lists/{one.id}/pick/", {f"found-{stop.task}": "0"})
    found = {row.task: (row.state, row.picked) for row in queries.list_stops(one.id)}
    assert found[stop.task] == ("short", 0)

    (short,) = short_queries.shorts_of(wave.id)
    assert (short.task, short.missing, short.item_state) == (stop.task, stop.quantity, "open")
    assert short.rest == stop.quantity - sum(other.quantity for other in short.elsewhere)
    page = browser.get(f"/floor/waves/{wave.id}/").content.decode()
    assert "Not in their bins" in page
    assert f"/work/{short.item}/" in page
    floor = browser.get("/floor/").content.decode()
    assert "What does not go on" in floor
    assert re.search(r'/work/\?type=short%20pick">Short pick</a></b><span>1 waits</span>', floor)


def test_programs_are_told_what_was_not_in_its_bin(shop, program):
    asks = program("supervisor")
    wave = asks.post(API, {"node": "LDN"}, "propose").json()["wave"]
    asks.post(f"{API}/release", {"wave": wave}, "release")
    (one,) = queries.pick_lists(wave=wave)
    stop = queries.list_stops(one.id)[0]
    body = {"pick_list": str(one.id), "shorts": [{"task": str(stop.task), "found": 0}]}
    assert asks.post("/api/v1/pick-lists/pick", body, "pick").status_code == 200
    (short,) = asks.get(f"{API}/{wave}").json()["shorts"]
    assert (short["task"], short["missing"], short["bin_code"]) == (
        str(stop.task),
        stop.quantity,
        stop.bin_code,
    )
    assert short["item_state"] == "open"


def test_waves_and_lists_are_those_of_a_node_and_a_state_with_their_sums(shop, console, program):
    browser, asks = console("supervisor"), program("supervisor")
    browser.post("/floor/propose/", {"node": str(shop.nodes[0])})
    (wave,) = queries.waves(company=COMPANY)
    browser.post(f"/floor/waves/{wave.id}/decide/", {"action": "release"})
    lists = queries.open_lists(company=COMPANY, node=shop.nodes[0])
    assert lists and queries.open_lists(company=COMPANY, node=shop.nodes[1]) == []
    here = browser.get(f"/floor/?node={shop.nodes[0]}&state=released").content.decode()
    assert wave.number in here and lists[0].number in here
    assert re.search(rf"<dt>With nobody</dt><dd>{len(lists)}</dd>", here)
    there = browser.get(f"/floor/?node={shop.nodes[1]}").content.decode()
    assert wave.number not in there and lists[0].number not in there and "No such wave" in there
    assert "No such wave" in browser.get("/floor/?state=dropped").content.decode()
    assert [one["number"] for one in asks.get(f"{API}?node=LDN&state=released").json()["items"]] == [
        wave.number
    ]
    assert asks.get(f"{API}?node=MAN").json()["items"] == []
    assert asks.get(f"{API}?state=dropped").json()["items"] == []
    is_problem(asks.get(f"{API}?node=NONE"), 404, "kernel.not_found")


def test_a_wave_tells_what_it_was_asked_for_as_the_form_says_it(shop, console):
    browser = console("supervisor")
    day = timezone.now().date() + timedelta(days=30)
    wanted = {
        "node": str(shop.nodes[0]),
        "value": "1.50",
        "lines": "50",
        "priority": "1",
        "due_before": f"{day}T09:00",
    }
    shown = browser.get(browser.post("/floor/propose/", wanted).url).content.decode()
    told = dict(re.findall(r"<dt>Asked: (.*?)</dt><dd>(.*?)</dd>", shown))
    assert {name: told[name] for name in ("Value at least", "Lines at most", "Priority at least")} == {
        "Value at least": "£1.50", "Lines at most": "50", "Priority at least": "1",
    }  # fmt: skip
    assert ":00" in told["To leave before"] and "T09" not in told["To leave before"]


def test_a_supervisor_gives_lists_to_others_and_frees_them(shop, console):
    browser = console("supervisor")
    a_person("picker", "picker")
    browser.post("/floor/propose/", {"node": str(shop.nodes[0]), "method": "discrete"})
    (wave,) = queries.waves(company=COMPANY)
    browser.post(f"/floor/waves/{wave.id}/decide/", {"action": "release"})
    keys = [str(one.id) for one in queries.pick_lists(wave=wave.id)]
    assert "Free them for anybody" in browser.get(f"/floor/waves/{wave.id}/").content.decode()
    given = browser.post("/floor/lists/give/", {"list": keys, "picker": "picker", "action": "give"})
    assert said(given)[-1] == f"{len(keys)} lists are with picker now."
    assert {one.picker for one in queries.pick_lists(wave=wave.id)} == {"picker"}
    anothers = console("inventory").get(f"/floor/lists/{keys[0]}/").content.decode()
    assert "It is with picker. A supervisor can give it to another." in anothers
    assert "Give it to" not in anothers and "Free it for anybody" not in anothers
    console("inventory").post("/floor/lists/give/", {"list": keys, "action": "back"})
    assert {one.picker for one in queries.pick_lists(wave=wave.id)} == {"picker"}
    freed = browser.post("/floor/lists/give/", {"list": keys[0], "action": "back"})
    assert said(freed)[-1] == "The list is free for anybody."
    assert queries.pick_list(keys[0]).picker == ""


def test_a_supervisor_puts_a_part_of_a_list_on_a_cart_of_its_own(shop, console, program):
    a_shop_that_gathers(shop)
    system = the_system(shop.now)
    (wave,) = propose_wave(system, requests=[ProposeWave(shop.nodes[0], method="cluster")])
    (gone,) = release_wave(system, requests=[ReleaseWave(wave.wave)])
    one, before = gone.lists[0], queries.pick_list(gone.lists[0]).open_stops
    a_person("pia", "picker")
    desk = console("supervisor")
    page = desk.get(f"/floor/lists/{one}/").content.decode()
    orders = queries.can_go_apart(one)
    assert len(orders) > 1 and all(order.number in page for order in orders)

    said = desk.post(f"/floor/lists/{one}/split/", {"picker": "nobody known"}, follow=True).content.decode()
    assert "Choose who walks it, or nobody yet." in said
    form = {"picker": "pia", "fulfillment": [str(orders[0].fulfillment)]}
    page = desk.post(f"/floor/lists/{one}/split/", form, follow=True).content.decode()
    assert "This is the new list." in page and "pia" in page
    (new,) = [row for row in queries.pick_lists(wave=wave.wave) if row.id not in gone.lists]
    assert (new.picker, new.orders, new.open_stops) == ("pia", 1, orders[0].stops)
    assert queries.pick_list(one).open_stops == before - orders[0].stops

    assert "Give a part of it to another" not in console("pia").get(f"/floor/lists/{one}/").content.decode()
    (moved, *_) = queries.list_stops(new.id)
    form = {f"found-{stop.task}": str(stop.quantity) for stop in (moved, *queries.list_stops(one))}
    page = desk.post(f"/floor/lists/{one}/pick/", form, follow=True).content.decode()
    assert f"This stop went to another list: {new.number}." in page, "the page was older than the split"
    assert queries.pick_list(one).open_stops == before - orders[0].stops
    asks = program("supervisor")
    body = {"pick_list": str(one), "stops": [str(moved.task)]}
    assert asks.post("/api/v1/pick-lists/pick", body, "older").json()["code"] == "warehouse.stop_moved"
    refused = asks.post("/api/v1/pick-lists/split", {"pick_list": str(new.id)}, "again")
    assert (refused.status_code, refused.json()["code"]) == (409, "warehouse.list_not_split")
    assert (
        program("auditor").post("/api/v1/pick-lists/split", {"pick_list": str(one)}, "no").status_code == 403
    )


def test_what_can_not_be_proposed_is_said(shop, console):
    browser = console("supervisor")
    answer = browser.post("/floor/propose/", {"node": str(shop.nodes[0]), "zones": "Z", "lines": "7"})
    assert answer.url == "/floor/"
    assert "zones" in said(answer)[0]
    assert 'name="lines" min="1" value="7"' in browser.get("/floor/").content.decode()
    answer = browser.post("/floor/propose/", {"node": str(shop.nodes[1])})
    assert "at once" in said(answer)[-1]


def test_a_dropped_wave_is_gone(shop, console):
    browser = console("supervisor")
    browser.post("/floor/propose/", {"node": str(shop.nodes[0])})
    (wave,) = queries.waves(company=COMPANY)
    browser.post(f"/floor/waves/{wave.id}/decide/", {"action": "drop"})
    assert queries.wave(wave.id).state == "dropped"
    assert re.search(r"LDN\s+· 2 wait", browser.get("/floor/").content.decode())


def test_an_auditor_looks_and_does_nothing(shop, console):
    console("supervisor").post("/floor/propose/", {"node": str(shop.nodes[0])})
    (wave,) = queries.waves(company=COMPANY)
    browser = console("auditor")
    page = browser.get(f"/floor/waves/{wave.id}/").content.decode()
    assert 'value="release"' not in page
    assert "Propose a wave" not in browser.get("/floor/").content.decode()
    browser.post(f"/floor/waves/{wave.id}/decide/", {"action": "release"})
    assert queries.wave(wave.id).state == "proposed"
    assert browser.get(f"/floor/waves/{ids.uuid7()}/").status_code == 404
    assert browser.get(f"/floor/lists/{ids.uuid7()}/").status_code == 404


def test_the_api_goes_the_same_way(shop, program):
    asks = program("supervisor")
    proposed = asks.post(API, {"node": "LDN", "method": "batch"}, "propose").json()
    assert (proposed["orders"], proposed["waiting"]) == (2, 0)
    assert asks.post(API, {"node": "LDN", "method": "batch"}, "propose").json() == proposed
    assert asks.get(API).json()["items"][0]["number"] == proposed["number"]

    released = asks.post(f"{API}/release", {"wave": proposed["wave"]}, "release").json()
    assert (released["state"], released["orders"], released["left_out"]) == ("released", 2, 0)
    shown = asks.get(f"{API}/{proposed['wave']}").json()
    (one,) = shown["pick_lists"]
    assert one["id"] == released["lists"][0]

    taken = asks.post("/api/v1/pick-lists/take", {"pick_list": one["id"]}, "take").json()
    assert taken["picker"] == "supervisor"
    way = asks.get(f"/api/v1/pick-lists/{one['id']}").json()["way"]
    assert [stop["place"] for stop in way] == list(range(1, len(way) + 1))
    picked = asks.post("/api/v1/pick-lists/pick", {"pick_list": one["id"]}, "pick").json()
    assert picked["picked"] == sum(stop["quantity"] for stop in way)
    again = asks.post("/api/v1/pick-lists/pick", {"pick_list": one["id"]}, "again")
    is_problem(again, 409, "warehouse.list_done")


def test_the_api_refuses_what_is_not_there_or_not_allowed(shop, program):
    asks = program("supervisor")
    is_problem(asks.post(API, {"node": "MOON"}, "a"), 404, "kernel.not_found")
    is_problem(asks.get(f"{API}/{ids.uuid7()}"), 404, "kernel.not_found")
    is_problem(asks.get(f"/api/v1/pick-lists/{ids.uuid7()}"), 404, "kernel.not_found")
    is_problem(asks.post(f"{API}/drop", {"wave": str(ids.uuid7())}, "b"), 404, "kernel.not_found")
    is_problem(program("auditor").post(API, {"node": "LDN"}, "c"), 403, "kernel.not_permitted")


def test_the_api_lays_a_node_out(shop, program):
    answer = program("supervisor").post(
        "/api/v1/layouts", {"node": "MAN", "aisles": [0, 4], "cross_aisles": [0, 30], "unit_mm": 500}
    )
    assert answer.status_code == 200, answer.content
    assert network.layouts(nodes=[shop.nodes[1]])[shop.nodes[1]].unit_mm == 500
    refused = program("supervisor").post(
        "/api/v1/layouts", {"node": "MAN", "aisles": [4, 0], "cross_aisles": [0, 30]}, "two"
    )
    is_problem(refused, 422, "kernel.invalid")


def test_carriers_have_cut_offs_of_their_own_by_page_and_api(shop, console, program):
    browser, asks = console("supervisor"), program("supervisor")
    carrier = carriage.carriers(company=COMPANY)[0]
    form = {"node": str(shop.nodes[0]), "carrier": carrier, "day": ["0", "1"], "at": "16:30"}
    done = browser.post("/floor/cut-offs/", form)
    assert said(done) == ["The cut-offs are set. Waves and paced work go by them from now on."]
    assert "Mon, Tue 16:30" in browser.get("/floor/").content.decode()
    browser.post("/floor/cut-offs/", {**form, "at": "noon"})
    week = {0: time(16, 30), 1: time(16, 30)}
    assert carriage.cut_offs(nodes=shop.nodes[:1]) == {shop.nodes[0]: {carrier: week}}

    one = {"node": "LDN", "carrier": carrier, "weekday": 1, "at": None}
    assert asks.post("/api/v1/carrier-cut-offs", one, "a").json()["node"] == str(shop.nodes[0])
    told = {"node_code": "LDN", "carrier": carrier, "weekday": 0, "at": "16:30:00"}
    assert asks.get("/api/v1/carrier-cut-offs").json() == [told]
    is_problem(asks.post("/api/v1/carrier-cut-offs", {**one, "carrier": "x"}, "b"), 404, "kernel.not_found")
    is_problem(asks.post("/api/v1/waves/pace", {"node": "LDN"}, "c"), 409, "kernel.wrong_state")


def test_a_wave_by_carrier_is_proposed_on_the_page_and_by_the_api(shop, console, program):
    browser, asks = console("supervisor"), program("supervisor")
    first = asks.post(API, {"node": "LDN"}, "first").json()["wave"]
    carrier, count = next(iter(queries.wave(first).figures["carriers"].items()))
    asks.post(f"{API}/drop", {"wave": first}, "drop-first")
    proposed = browser.post("/floor/propose/", {"node": str(shop.nodes[0]), "carrier": carrier})
    page = browser.get(proposed.url).content.decode()
    assert f"{carrier} {count}" in page
    assert "Expected carriers" in page
    asks.post(f"{API}/drop", {"wave": proposed.url.split("/")[-2]}, "drop")
    again = asks.post(API, {"node": "LDN", "carriers": [carrier], "ahead_minutes": 60}, "again").json()
    assert again["orders"] == count
    is_problem(asks.post(API, {"node": "LDN", "carriers": ["moon"]}, "d"), 422, "kernel.invalid")


def test_lists_of_a_node_are_found_behind_a_thousand_of_another(shop, console):
    browser = console("supervisor")
    browser.post("/floor/propose/", {"node": str(shop.nodes[0])})
    (wave,) = queries.waves(company=COMPANY)
    browser.post(f"/floor/waves/{wave.id}/decide/", {"action": "release"})
    here = queries.open_lists(company=COMPANY, node=shop.nodes[0])
    waits = floor_queries.waiting(company=COMPANY, node=shop.nodes[0])
    jobs = floor_queries.pick_jobs(company=COMPANY, node=shop.nodes[0], person="picker")
    assert waits.lists == len(here) == len([one for one in jobs if one.kind == "list"]) > 0
    sql.run(
        """INSERT INTO warehouse_picklist (id, number, company_id, node_id, wave_id, seconds)
        SELECT ('ffffffff-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid, 'X-' || n, %(company)s, %(node)s::uuid,
               %(wave)s::uuid, 0 FROM generate_series(1, 1000) AS n RETURNING id""",
        {"company": COMPANY, "node": shop.nodes[1], "wave": wave.id},
    )
    assert queries.open_lists(company=COMPANY, node=shop.nodes[0]) == here
    assert floor_queries.waiting(company=COMPANY, node=shop.nodes[0]) == waits
    assert floor_queries.pick_jobs(company=COMPANY, node=shop.nodes[0], person="picker") == jobs
    sql.run("DELETE FROM warehouse_picklist WHERE number LIKE 'X-%%' RETURNING id", {})
