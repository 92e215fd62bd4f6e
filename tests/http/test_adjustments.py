"""Corrections of stock: on the page of a SKU and of a bin, the queue of those that wait, and the API."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from entrepot.insight import pages
from entrepot.kernel import policies
from entrepot.stock import adjustments, queries
from entrepot.stock.commands.adjust import AdjustmentPolicy
from tests.http.test_api import is_problem
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
API = "/api/v1/adjustments"


def said(response) -> list[str]:
    return [str(one) for one in get_messages(response.wsgi_request)]


@pytest.fixture
def mugs(shop):
    """Some of the mugs that nobody is on the way to, in a bin of the first node."""
    rows = queries.buckets(sku=shop.skus["MUG-BLUE"])
    return next(
        one for one in rows if one.status == "sellable" and one.quantity - one.committed > 5 and one.bin
    )


def there(mugs) -> int:
    return queries.bucket(company=COMPANY, which=mugs.id).quantity


def limit(shop, units: int) -> None:
    body = AdjustmentPolicy(None, units)
    wanted = policies.SetPolicy(COMPANY, "stock.adjustments", body, shop.now)
    policies.set_policy(the_system(shop.now), requests=[wanted])


def test_units_are_corrected_on_the_page_of_the_sku(shop, console, mugs):
    browser, page = console("supervisor"), f"/stock/{shop.skus['MUG-BLUE']}/"
    assert f'<option value="{mugs.id}"' in browser.get(page).content.decode()
    form = {
        "sku": str(shop.skus["MUG-BLUE"]),
        "bucket": str(mugs.id),
        "way": "gone",
        "reason": "broken",
        "units": "2",
    }
    done = browser.post("/stock/adjustments/correct/", form)
    assert (done.url, said(done)) == (page, ["The correction is kept."])
    assert there(mugs) == mugs.quantity - 2
    refused = browser.post("/stock/adjustments/correct/", form | {"units": "900000"})
    assert "are there and not being picked" in said(refused)[-1]
    assert 'value="900000"' in browser.get(page).content.decode(), "what was typed stands there again"
    assert "whole number" in said(browser.post("/stock/adjustments/correct/", form | {"units": "-1"}))[-1]
    assert "one of" in said(browser.post("/stock/adjustments/correct/", form | {"reason": "wind"}))[-1]
    assert "Correct it" not in console("auditor").get(page).content.decode()
    assert "may not do" in said(console("service").post("/stock/adjustments/correct/", form))[-1]
    assert there(mugs) == mugs.quantity - 2


def test_goods_that_nobody_knew_of_are_named_in_the_bin(shop, console, mugs):
    browser, page = console("inventory"), f"/stock/bins/{mugs.bin}/"
    assert "MUG-BLUE" in browser.get(page).content.decode()
    form = {
        "at": str(mugs.bin),
        "bucket": "",
        "way": "found",
        "reason": "found",
        "units": "3",
        "status": "damaged",
    }
    assert "no SKU" in said(browser.post("/stock/adjustments/correct/", form | {"code": "NO"}))[-1]
    done = browser.post("/stock/adjustments/correct/", form | {"code": "MUG-BLUE"})
    assert done.url == page
    rows = {
        (one.sku_code, one.status): one.quantity for one in queries.buckets_in(company=COMPANY, bin_=mugs.bin)
    }
    assert rows["MUG-BLUE", "damaged"] == 3
    assert "ADJ-" in browser.get(page).content.decode()
    by_code = {"sku": str(shop.skus["MUG-BLUE"]), "node": str(shop.nodes[0]), "bin": "Z-99", **form}
    del by_code["at"]
    assert "no bin" in said(browser.post("/stock/adjustments/correct/", by_code))[-1]


def test_what_is_beyond_the_limit_waits_for_somebody_else(shop, console, mugs):
    limit(shop, 1)
    form = {"at": str(mugs.bin), "bucket": str(mugs.id), "way": "gone", "reason": "stolen", "units": "2"}
    done = console("inventory").post("/stock/adjustments/correct/", form)
    assert "waits for the approval" in said(done)[-1]
    (row,) = adjustments.adjustments(company=COMPANY, state="waiting")
    assert there(mugs) == mugs.quantity
    assert "Corrections of stock to approve" in console("books").get("/").content.decode()
    decision = {"adjustment": str(row.id), "decision": "approve"}
    assert "adjust×approve" in said(console("inventory").post("/stock/adjustments/decide/", decision))[-1]
    assert 'name="decision"' not in console("supervisor").get("/stock/adjustments/").content.decode()
    shown = console("books").get("/stock/adjustments/").content.decode()
    assert row.number in shown and 'value="approve"' in shown
    done = console("books").post("/stock/adjustments/decide/", decision)
    assert said(done) == ["1 correction is posted."]
    assert there(mugs) == mugs.quantity - 2
    assert row.number not in console("books").get("/stock/adjustments/").content.decode()
    assert row.number in console("books").get("/stock/adjustments/?state=posted").content.decode()
    assert pages.journal(company=COMPANY, documents=[row.id]), "the books have the loss"


def test_a_correction_is_rejected(shop, console, mugs):
    limit(shop, 0)
    form = {"at": str(mugs.bin), "bucket": str(mugs.id), "way": "gone", "reason": "lost", "units": "1"}
    console("supervisor").post("/stock/adjustments/correct/", form)
    (row,) = adjustments.adjustments(company=COMPANY, state="waiting")
    done = console("books").post(
        "/stock/adjustments/decide/", {"adjustment": str(row.id), "decision": "reject"}
    )
    assert "Stock stays" in said(done)[0]
    assert (there(mugs), adjustments.adjustment(row.id).state) == (mugs.quantity, "rejected")


def test_some_of_a_bin_turn_out_to_be_damaged(shop, console, mugs):
    browser = console("supervisor")
    form = {
        "at": str(mugs.bin),
        "bucket": str(mugs.id),
        "units": "2",
        "to_status": "damaged",
        "reason": "wet",
    }
    assert said(browser.post("/stock/adjustments/mark/", form)) == ["The goods have the new status."]
    assert there(mugs) == mugs.quantity - 2
    assert "Choose the goods" in said(browser.post("/stock/adjustments/mark/", form | {"bucket": ""}))[-1]
    assert "one of" in said(browser.post("/stock/adjustments/mark/", form | {"to_status": "blocked"}))[-1]
    assert "may not do" in said(console("inspector").post("/stock/adjustments/mark/", form))[-1]


def test_a_program_corrects_and_another_approves(shop, program, mugs):
    limit(shop, 5)
    body = {"node": mugs.node_code, "bin": mugs.bin_code, "sku": "MUG-BLUE", "delta": -1, "reason": "broken"}
    first = program("supervisor").post(API, body).json()
    assert (first["state"], first["posted"], there(mugs)) == ("posted", -1, mugs.quantity - 1)
    waits = program("supervisor").post(API, body | {"delta": 6, "reason": "found"}, again="two").json()
    assert waits["state"] == "waiting"
    assert [one["number"] for one in program("books").get(f"{API}?state=waiting").json()["items"]] == [
        waits["number"]
    ]
    decision = {"adjustment": waits["adjustment"], "decision": "approve"}
    assert program("books").post(f"{API}/decide", decision).json()["posted"] == 6
    assert program("auditor").get(f"{API}/{waits['adjustment']}").json()["decided_by"] == "books"
    assert there(mugs) == mugs.quantity + 5
    asked = program("supervisor")
    is_problem(asked.post(API, body | {"bin": "Z-99"}, again="three"), 404, "kernel.not_found")
    is_problem(asked.post(API, body | {"reason": "wind"}, again="four"), 422, "kernel.invalid")
    listed = program("auditor").get(f"{API}?node={mugs.node_code}&sku=MUG-BLUE&limit=1").json()
    assert [one["id"] for one in listed["items"]] == [waits["adjustment"]] and listed["next"]


def test_a_program_says_what_goods_have_become(shop, program, mugs):
    body = {
        "node": mugs.node_code, "bin": mugs.bin_code, "sku": "MUG-BLUE", "units": 2, "status": "sellable",
        "to_status": "quarantined", "reason": "recall of the maker",
    }  # fmt: skip
    assert program("inventory").post("/api/v1/bins/status", body).json()["document"]
    back = body | {"status": "quarantined", "to_status": "sellable", "reason": "cleared"}
    is_problem(
        program("inventory").post("/api/v1/bins/status", back | {"units": 3}, again="x"),
        409,
        "stock.not_there",
    )
    assert program("inventory").post("/api/v1/bins/status", back, again="y").status_code == 200
    assert there(mugs) == mugs.quantity
