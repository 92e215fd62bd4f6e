"""A code that nobody knows: reported at the handheld in one tap, looked up on the page of its work item."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.catalog import queries as catalog
from entrepot.network import queries as network
from entrepot.warehouse import floor_queries, queries
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
from entrepot.work import queries as work
from tests.http.test_api import is_problem
from tests.rules.test_returns_photos import png
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
UNKNOWN = "4006381333931"


def at_a_bin(shop, hand):
    one = queries.of_order(shop.one("released"))[0]
    stop = floor_queries.stops(fulfillment=one.id)[0].stop
    hand.goes(f"/scan/pick/order/{one.id}/")
    hand.scans(stop.bin.code)
    return stop


def items(shop) -> list[work.Item]:
    return [one for one in work.of_subject(shop.nodes[0]) if one.type in ("unknown barcode", "wrong barcode")]


def test_an_unknown_code_is_reported_in_one_tap_and_attached_to_its_sku(shop, handheld, console):
    hand = handheld("supervisor")
    stop = at_a_bin(shop, hand)
    assert "Report this barcode" not in hand.page, "nothing was scanned yet"
    hand.scans(UNKNOWN)
    assert "Report this barcode" in hand.page
    (said,) = re.findall(r'<button name="scan" value="(=report[^"]*)"', hand.page)
    hand.scans(said, key="once")
    assert hand.right == [f"{UNKNOWN} is reported. Put the goods aside and go on."]
    hand.scans(said, key="once")
    hand.scans(said)
    assert hand.right == [f"{UNKNOWN} is reported. Put the goods aside and go on."], "by the scan already"
    (item,) = items(shop)
    assert item.facts == {
        "barcode": UNKNOWN, "flow": "pick", "place": stop.bin.code, "expected": stop.item.code,
    }  # fmt: skip

    browser, at = console("inventory"), f"/work/{item.id}/"
    page = browser.get(at).content.decode()
    assert f"Attach {UNKNOWN} to SKU" in page
    taken = browser.post(f"{at}attach/", {"sku": "no such"}, follow=True).content.decode()
    assert "There is no SKU no such" in taken
    browser.post(f"{at}attach/", {"sku": stop.item.code}, follow=True)
    assert items(shop)[0].state == "done"
    hand.goes(hand.at)
    hand.scans(UNKNOWN)
    assert not hand.wrong, "scanners know it now"

    sku = f"/stock/{stop.item.sku}/"
    assert UNKNOWN in browser.get(sku).content.decode()
    elsewhere = catalog.skus(company=COMPANY, codes=["LAMP-OAK", "PEN-STEEL"])
    (foreign,) = [one.id for one in elsewhere.values() if one.id != stop.item.sku][:1]
    browser.post(f"/stock/{foreign}/aliases/drop/", {"alias": UNKNOWN})
    assert [one.barcode for one in catalog.aliases(sku=stop.item.sku)] == [UNKNOWN]
    browser.post(f"{sku}aliases/drop/", {"alias": UNKNOWN})
    assert catalog.aliases(sku=stop.item.sku) == []
    browser.post(f"{sku}aliases/", {"alias": UNKNOWN})
    assert [one.barcode for one in catalog.aliases(sku=stop.item.sku)] == [UNKNOWN]


def test_goods_that_bear_the_code_of_others_are_told_apart_and_that_is_not_attached(shop, handheld, console):
    hand = handheld("supervisor")
    stop = at_a_bin(shop, hand)
    other = next(code for code in shop.skus if code != stop.item.code)
    hand.scans(other)
    assert hand.wrong.startswith("Wrong item")
    hand.scans(f"=report|{other}")
    (item,) = items(shop)
    assert item.type == "wrong barcode"
    told = console("inventory").get(f"/work/{item.id}/").content.decode()
    assert f"{other} is the barcode of" in told
    assert f"Attach {other} to SKU" not in told
    page = console("inventory").post(f"/work/{item.id}/attach/", {"sku": stop.item.code}, follow=True)
    assert "already" in page.content.decode()
    assert items(shop)[0].state == "open"


def test_a_photo_of_the_label_goes_with_it(shop, handheld, console):
    hand = handheld("supervisor")
    at_a_bin(shop, hand)
    hand.scans(UNKNOWN)
    assert "data-whole" in hand.page and 'name="photo"' in hand.page
    label = SimpleUploadedFile("label.png", png(), "image/png")
    hand.browser.post(hand.at, {"scan": f"=report|{UNKNOWN}", "key": "photo", "photo": label})
    (item,) = items(shop)
    (digest,) = catalog.photos_of(item=item.id)
    browser = console("inventory")
    shown = browser.get(f"/work/{item.id}/photos/{digest}/")
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/png")
    assert f"/work/{item.id}/photos/{digest}/" in browser.get(f"/work/{item.id}/").content.decode()
    assert browser.get(f"/work/{item.id}/photos/none/").status_code == 404
    wrong = SimpleUploadedFile("label.png", b"words", "image/png")
    answer = hand.browser.post(hand.at, {"scan": "=report|other-1", "key": "text", "photo": wrong})
    assert "a whole JPEG, PNG or WebP" in answer.content.decode()


def test_what_stands_in_a_bin_that_is_counted_is_reported_with_the_bin(shop, handheld):
    bins = {one.code: one.id for one in network.bins(nodes=[shop.nodes[0]])}
    system = the_system(shop.now)
    (asked,) = ask_counts(system, requests=[AskCount(bins["A-01"])])
    hand = handheld("supervisor")
    hand.goes(f"/scan/count/{asked.task}/")
    hand.scans("A-01", "label 12")
    assert "Report this barcode" in hand.page
    hand.scans("=report|label 12")
    assert [(one.facts["flow"], one.facts["place"]) for one in items(shop)] == [("count", "A-01")]


def test_a_number_that_is_counted_and_unknown_is_work_with_its_bin_before_the_tap(shop, handheld):
    bins = {one.code: one.id for one in network.bins(nodes=[shop.nodes[0]])}
    (asked,) = ask_counts(the_system(shop.now), requests=[AskCount(bins["A-01"])])
    hand = handheld("supervisor")
    hand.goes(f"/scan/count/{asked.task}/")
    hand.scans("A-01", UNKNOWN)
    (item,) = items(shop)
    assert item.facts == {"barcode": UNKNOWN, "flow": "count", "place": "A-01"}
    hand.scans(f"=report|{UNKNOWN}")
    assert hand.right == [f"{UNKNOWN} is reported. Put the goods aside and go on."]
    assert len(items(shop)) == 1


def test_a_report_whose_answer_was_lost_is_not_told_as_a_failure(shop, handheld):
    hand = handheld("supervisor")
    stop = at_a_bin(shop, hand)
    hand.scans(UNKNOWN)
    walk = hand.at
    hand.scans(f"=report|{UNKNOWN}", key="lost")
    pick(the_system(shop.now), requests=[PickFulfillment(stop.fulfillment)])
    hand.scans(f"=report|{UNKNOWN}", key="lost")
    assert hand.at != walk and not hand.wrong, hand.wrong
    hand.at = walk
    hand.scans(f"=report|{UNKNOWN}", key="other")
    assert hand.wrong


def test_what_came_and_nobody_knows_is_reported_at_the_dock(shop, handheld):
    hand = handheld("supervisor")
    hand.goes("/scan/receive/")
    hand.scans("label 12")
    assert "Report this barcode" in hand.page
    hand.scans("=report|label 12")
    assert [one.facts["flow"] for one in items(shop) if one.facts.get("flow")] in ([], ["receive"])


def test_programs_give_and_take_further_barcodes_and_attach_what_was_reported(shop, program, handheld):
    person = program("inventory")
    given = {"sku": "PEN-STEEL", "barcode": UNKNOWN}
    made = person.post("/api/v1/aliases", [given, {"sku": "LAMP-OAK", "barcode": UNKNOWN}], "a").json()
    assert made[0]["barcode"] == UNKNOWN
    assert made[1]["code"] == "catalog.barcode_taken"
    assert person.get("/api/v1/skus/PEN-STEEL").json()["aliases"] == [UNKNOWN]
    assert person.post("/api/v1/aliases/drop", {"barcode": UNKNOWN}, "d").json()["barcode"] == UNKNOWN
    is_problem(person.post("/api/v1/aliases/drop", {"barcode": UNKNOWN}, "e"), 404, "kernel.not_found")
    is_problem(program("service").post("/api/v1/aliases", given, "p"), 403, "kernel.not_permitted")

    hand = handheld("supervisor")
    at_a_bin(shop, hand)
    hand.scans(UNKNOWN, f"=report|{UNKNOWN}")
    (item,) = items(shop)
    done = person.post("/api/v1/aliases/attach", {"item": str(item.id), "sku": "PEN-STEEL"}, "t")
    assert done.json()["barcode"] == UNKNOWN
    assert catalog.aliases(sku=catalog.skus(company=COMPANY, codes=["PEN-STEEL"])["PEN-STEEL"].id)
