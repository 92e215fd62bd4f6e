"""Counting: the pages with their forms, and the API. Whoever counts is shown no figure."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.network.commands import register as network
from entrepot.warehouse import counted
from tests.http.test_api import is_problem
from tests.shop import COMPANY, a_person, the_system

pytestmark = pytest.mark.django_db
API = "/api/v1/counts"


def said(response) -> list[str]:
    return [str(one) for one in get_messages(response.wsgi_request)]


def fields(task, units: dict[str, int]) -> dict[str, int]:
    """What the desk's form says: of each SKU so many, of others none."""
    goods = counted.to_count([task])[task]
    return {
        f"units:{one.sku}/{one.status}/{one.lot}/{one.serial}": units.get(one.sku_code, 0) for one in goods
    }


def on_shelf(code: str, place: str) -> int:
    query = """SELECT COALESCE(sum(b.quantity), 0)::int FROM stock_bucket AS b JOIN network_bin AS n ON n.id = b.bin_id
        JOIN network_node AS o ON o.id = n.node_id JOIN catalog_sku AS s ON s.id = b.sku_id
        WHERE s.code = %(code)s AND n.code = %(place)s AND o.code = 'MAN'"""
    return sql.run(query, {"code": code, "place": place})[0][0]


@pytest.fixture
def task(shop, console):
    """A bin of the second node that is asked to be counted."""
    asked = {"node": str(shop.nodes[1]), "bin": "A-01", "sku": "TEA-ASSAM"}
    assert said(console("supervisor").post("/floor/counts/ask/", asked)) == ["The bin will be counted."]
    (row,) = counted.counts(company=COMPANY)
    return row.id


def test_two_people_count_and_a_third_decides(task, console):
    there = on_shelf("TEA-ASSAM", "A-01")
    page = f"/floor/counts/{task}/"
    for name in ("supervisor", "inventory"):
        browser = console(name)
        browser.post(f"{page}start/")
        shown = browser.get(page).content.decode()
        assert "TEA-ASSAM" in shown
        assert f">{there}<" not in shown
        done = browser.post(f"{page}enter/", fields(task, {"TEA-ASSAM": there - 20}))
        assert said(done)[-1] == "Thank you. It is counted."
        after = browser.get(page).content.decode()
        assert "You have counted or decided it: somebody else" in after
        assert "Begin to count" not in after
        assert 'name="decision"' not in after
    (line,) = counted.differences(company=COMPANY)
    decision = {"line": str(line.id), "decision": "approve", "cause": "stolen"}
    refused = console("inventory").post("/floor/counts/decide/", decision)
    assert "count×recount×approve" in said(refused)[0]
    shown = console("books").get("/floor/counts/").content.decode()
    assert "TEA-ASSAM" in shown
    assert "Differences to decide" in shown
    assert 'name="decision"' not in console("supervisor").get("/floor/counts/").content.decode()
    shown = console("books").get(page).content.decode()
    assert f'name="line" value="{line.id}"' in shown
    assert 'name="decision" value="approve"' in shown
    decided = console("books").post("/floor/counts/decide/", {**decision, "next": page})
    assert (said(decided), decided.url) == (["Decided: 1."], page)
    assert on_shelf("TEA-ASSAM", "A-01") == there - 20
    told = console("books").get("/floor/counts/accuracy/").content.decode()
    assert "Stolen" in told and "MAN A-01" in told and "Right of all" in told
    (london, _) = sql.run("SELECT id FROM network_node ORDER BY code LIMIT 2")
    assert (
        "Nothing was counted"
        in console("books").get(f"/floor/counts/accuracy/?node={london[0]}").content.decode()
    )
    assert "Posted" in console("books").get(page).content.decode()
    assert line.number in console("books").get("/floor/counts/?done=1").content.decode()


def test_what_else_stands_there_is_named_by_code_barcode_or_label(task, console, shop):
    browser, page = console("supervisor"), f"/floor/counts/{task}/"
    browser.post(f"{page}start/")
    form = fields(task, {"TEA-ASSAM": on_shelf("TEA-ASSAM", "A-01")})
    other = {"code-1": "PEN-STEEL", "units-1": 2, "code-2": "what is this", "units-2": 1}
    browser.post(f"{page}enter/", form | other)
    assert counted.one_count(task).state == "recount"
    assert [one.sku_code for one in counted.to_count([task])[task]] == ["PEN-STEEL"]
    assert sql.run("SELECT count(*) FROM work_item WHERE type = 'unknown goods'") == [(1,)]


def test_the_desk_says_what_is_missing(task, console):
    browser, page = console("supervisor"), f"/floor/counts/{task}/"
    browser.post(f"{page}start/")
    refused = browser.post(f"{page}enter/", {})
    assert "nothing was said of" in said(refused)[-1]
    assert counted.one_count(task).state == "counting"


def test_a_bin_that_is_not_there_can_not_be_asked_for(shop, console):
    answer = console("supervisor").post("/floor/counts/ask/", {"node": str(shop.nodes[1]), "bin": "Z-99"})
    assert said(answer) == ["There is no Z-99 here."]


def test_the_night_can_be_had_by_day(shop, console):
    first, which = said(console("supervisor").post("/floor/counts/plan/"))
    assert first == "What is due is planned."
    assert re.match(r"[\d,]+ bins will be counted: (LDN|MAN) \S+, ", which)
    assert "Nothing more is due" in said(console("supervisor").post("/floor/counts/plan/"))[-1]
    assert {row.why for row in counted.counts(company=COMPANY)} <= {"class A", "class B", "class C"}
    assert "Class" in console("auditor").get("/floor/counts/").content.decode()
    assert "Nothing was counted" in console("auditor").get("/floor/counts/accuracy/").content.decode()


def test_a_zone_and_a_sku_are_asked_for_at_once_and_lists_keep_to_a_node(shop, console):
    browser, node = console("supervisor"), shop.nodes[1]
    zone, *_ = network.register_zones(the_system(shop.now), requests=[network.RegisterZone(node, "A")])
    wanted = [network.RegisterBin(COMPANY, node, code, "pick", zone.id) for code in ("A-01", "A-77")]
    network.register_bins(the_system(shop.now), requests=wanted)
    asked = {"node": str(node), "zone": "A"}
    assert said(browser.post("/floor/counts/ask/", asked))[-1] == "2 bins will be counted."
    assert {one.bin_code for one in counted.counts(company=COMPANY, zone="A")} == {"A-01", "A-77"}, (
        "empty ones too"
    )
    assert said(browser.post("/floor/counts/ask/", asked | {"zone": "Z"}))[-1] == "There is no Z here."
    nothing = {"node": str(shop.nodes[0])}
    assert said(browser.post("/floor/counts/ask/", nothing))[-1] == "There is no such bin here."

    asked = {"node": str(shop.nodes[0]), "sku": "TEA-ASSAM"}
    told = said(browser.post("/floor/counts/ask/", asked))[-1:]
    standing = counted.bins_to_ask(node=shop.nodes[0], sku=shop.skus["TEA-ASSAM"])
    assert told == [
        "The bin will be counted." if len(standing) == 1 else f"{len(standing)} bins will be counted."
    ]
    shown = browser.get(f"/floor/counts/?node={shop.nodes[0]}").content.decode()
    assert "A-77" not in shown and "TEA-ASSAM" in shown
    assert "A-77" in browser.get("/floor/counts/?zone=A").content.decode()


def test_counts_that_are_not_to_be_done_are_withdrawn_one_or_all_of_a_filter(task, console, shop):
    browser = console("supervisor")
    page = f"/floor/counts/{task}/"
    assert "Withdraw the count" in browser.get(page).content.decode()
    form = {"count": str(task), "next": page}
    a_person("picker", "picker")
    assert (
        "why it is not counted" in said(browser.post("/floor/counts/withdraw/", form | {"reason": " "}))[-1]
    )
    assert "may not do" in said(console("picker").post("/floor/counts/withdraw/", form | {"reason": "x"}))[-1]
    done = browser.post("/floor/counts/withdraw/", form | {"reason": "cleared yesterday"})
    assert (done.url, said(done)[-1]) == (page, "1 count is withdrawn. Stock stays as it is.")
    shown = browser.get(page).content.decode()
    assert "withdrawn" in shown and "cleared yesterday" in shown
    assert "Begin to count" not in shown and "Withdraw the count" not in shown
    row = counted.one_count(task)
    assert row.number in browser.get("/floor/counts/?done=1").content.decode()

    at_first = str(shop.nodes[0])
    browser.post("/floor/counts/ask/", {"node": at_first, "sku": "MUG-BLUE"})
    browser.post("/floor/counts/ask/", {"node": str(shop.nodes[1]), "sku": "MUG-BLUE"})
    here = counted.counts(company=COMPANY, node=shop.nodes[0])
    there = counted.counts(company=COMPANY, node=shop.nodes[1])
    assert here and there
    shown = browser.get(f"/floor/counts/?node={at_first}").content.decode()
    assert f'action="/floor/counts/withdraw/?node={at_first}"' in shown
    all_ = {"all": "shop", "reason": "asked for at the wrong node"}
    company = sql.run("SELECT code FROM parties_company WHERE id = %(id)s", {"id": COMPANY})[0][0]
    browser.post(f"/floor/counts/withdraw/?node={at_first}", all_ | {"all": company})
    assert counted.counts(company=COMPANY, node=shop.nodes[0]) == []
    assert counted.counts(company=COMPANY, node=shop.nodes[1]) == there


def test_what_waits_for_a_decision_is_not_among_all_that_are_withdrawn(task, console, shop):
    browser, page = console("supervisor"), "/floor/counts/"
    browser.post(f"{page}ask/", {"node": str(shop.nodes[0]), "sku": "MUG-BLUE"})
    sql.run("UPDATE warehouse_counttask SET state = 'waiting', round = 2, counter = 'bob', started_at = now(),"
            " after_move = 0, counted_at = now() WHERE id = %(id)s RETURNING id", {"id": task})  # fmt: skip
    sql.run("UPDATE warehouse_countline SET state = 'waiting', counted = 1, expected = 2, counted_by = 'bob',"
            " counted_at = now(), after_move = 0 WHERE task_id = %(id)s RETURNING id", {"id": task})  # fmt: skip
    others = [one for one in counted.counts(company=COMPANY) if one.id != task]
    shown = browser.get(page).content.decode()
    assert f'name="count" value="{others[0].id}"' in shown
    assert counted.one_count(task).number in shown and f'name="count" value="{task}"' not in shown
    company = sql.run("SELECT code FROM parties_company WHERE id = %(id)s", {"id": COMPANY})[0][0]
    done = browser.post(f"{page}withdraw/", {"all": company, "reason": "cleared"})
    assert not [one for one in said(done) if "waiting" in one]
    assert [one.id for one in counted.counts(company=COMPANY)] == [task]


def test_a_program_withdraws_counts(task, program):
    lead = program("supervisor")
    body = {"task": str(task), "reason": "cleared"}
    assert lead.post(f"{API}/withdraw", body).json() == {
        "task": str(task), "number": counted.one_count(task).number, "goods": 1,
    }  # fmt: skip
    is_problem(lead.post(f"{API}/withdraw", body, again="two"), 409, "kernel.wrong_state")
    assert lead.get(f"{API}?node=LDN").json()["items"] == []
    (one,) = lead.get(f"{API}?node=MAN&done=true").json()["items"]
    assert one["state"] == "withdrawn"


def test_who_may_not_count_is_told_so(task, console):
    answer = console("service").post(f"/floor/counts/{task}/start/")
    assert "may not do warehouse.start_counts" in said(answer)[0]


# ---- the API


def test_a_handheld_counts_blind_and_a_manager_decides(shop, program):
    picker, manager, books = program("supervisor"), program("inventory"), program("books")
    there = on_shelf("MUG-BLUE", "A-01")
    asked = picker.post(API, {"node": "MAN", "bin": "A-01", "sku": "MUG-BLUE"}).json()
    assert asked["fresh"]
    task = asked["task"]
    for program_ in (picker, manager):
        begun = program_.post(f"{API}/start", {"task": task}).json()
        assert [one["sku_code"] for one in begun["goods"]] == ["MUG-BLUE"]
        assert str(there) not in str({**begun, "task": "", "number": ""})
        shown = program_.get(f"{API}/{task}").json()
        assert shown["lines"] == []
        goods = [{"sku": "MUG-BLUE", "units": there - 30}]
        entered = program_.post(f"{API}/enter", {"task": task, "counted": goods}).json()
    assert entered["state"] == "waiting"
    (line,) = books.get(f"{API}/differences").json()["items"]
    assert (line["expected"], line["difference"]) == (there, -30)
    wanted = {"line": line["id"], "decision": "approve", "cause": "picked wrong"}
    decided = books.post(f"{API}/decide", wanted).json()
    assert decided == {"line": line["id"], "state": "posted", "posted": -30, "left": 0}
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    (row,) = books.get(f"{API}/accuracy?{urlencode({'by': 'cause', 'since': since})}").json()
    assert (row["name"], row["records"], row["short"]) == ("picked wrong", 1, 30)
    assert [one["number"] for one in books.get(f"{API}?done=true").json()["items"]] == [asked["number"]]


def test_what_is_not_there_is_a_problem(shop, program):
    person = program("inventory")
    nowhere = "00000000-0000-0000-0000-000000000000"
    is_problem(person.get(f"{API}/{nowhere}"), 404, "kernel.not_found")
    is_problem(person.post(API, {"node": "MAN", "bin": "Z-99"}), 404, "kernel.not_found")
    is_problem(person.post(f"{API}/start", {"task": nowhere}), 404, "kernel.not_found")
    planned = person.post(f"{API}/plan", {}).json()
    assert planned["tasks"] == len(counted.counts(company=COMPANY))
