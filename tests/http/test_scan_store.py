"""The handheld between bins: put away, moved, replenished, counted."""

from __future__ import annotations

import re
from itertools import count

import pytest

from entrepot.kernel import ids, sql
from entrepot.stock import queries as stock
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import shelf_queries
from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
from entrepot.warehouse.commands.replenish import ReviewFaces, SetPickFace, review_faces, set_pick_faces
from entrepot.warehouse.commands.slots import SetSlot, set_slots
from entrepot.work import queries as work
from tests.handheld import stands
from tests.shop import COMPANY, a_person, the_system

pytestmark = pytest.mark.django_db

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TOKEN = r'name="csrfmiddlewaretoken" value="\w+"'


def test_a_gs1_barcode_says_lot_expiry_serial_and_units(shop, handheld):
    """With FNC1 as the group separator that a scanner sends; the SKU bears the article's number as EAN."""
    sql.run("UPDATE catalog_sku SET barcode = '5012345678900' WHERE code = 'PEN-STEEL'")
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    sku = shop.skus["PEN-STEEL"]
    came = [
        Receive(COMPANY, sku, shop.nodes[0], bins["IN"], 12, 1200, "receipt", ids.uuid7(), lot=lot)
        for lot in ("L1", "L2")
    ]
    receive(the_system(shop.now), requests=came)
    hand = handheld("supervisor")
    hand.goes("/scan/put-away/")
    hand.scans("]C1010501234567890117300630\x1d10L2\x1d3712")
    assert hand.wrong.startswith("Barcode"), "one sign of the article's number is wrong"
    hand.scans("]C1010501234567890017200630")
    assert (
        hand.wrong
        == "Expired on 2020-06-30: PEN-STEEL can't be used. Set it aside, and take one that lasts longer."
    )
    hand.scans("]C10105012345678900173006303712\x1d10L2")
    assert "<dd>L2</dd>" in hand.page
    hand.scans("]C1010501234567890010L1")
    assert hand.wrong == "Wrong lot: this is L1. Take lot L2."
    hand.scans("]C1010501234567890010L2")
    assert hand.wrong.startswith("Too many")
    hand.scans("R-01")
    assert hand.right == ["12 × PEN-STEEL stand in R-01."]
    assert {row.lot for row in stock.buckets(sku=sku) if row.bin_code == "IN"} == {"L1"}


def test_received_goods_are_put_away_and_moved(shop, handheld):
    sku = shop.skus["PEN-STEEL"]
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    came = Receive(COMPANY, sku, shop.nodes[0], bins["IN"], 12, 1200, "receipt", ids.uuid7())
    receive(the_system(shop.now), requests=[came])
    hand = handheld("supervisor")
    hand.goes("/scan/put-away/")
    hand.scans("MUG-BLUE")
    assert hand.wrong.startswith("Wrong item")
    hand.scans("PEN-STEEL")
    assert "12 × PEN-STEEL" not in hand.asks[1]
    hand.scans("=all", "OUT")
    assert "OUT, for staging" in hand.wrong
    hand.scans("R-01")
    assert hand.right == ["12 × PEN-STEEL stand in R-01."]
    hand.scans("PEN-STEEL")
    assert hand.wrong == "Done already: PEN-STEEL. Now scan an item that waits here."
    hand.scans("R-01")
    assert hand.wrong == "Done already: R-01. Now scan what you take."
    assert stands(sku) == {"R-01": 12}

    hand.goes("/scan/move/")
    hand.scans("R-01", "PEN-STEEL", "PEN-STEEL")
    hand.scans("R-01")
    assert "they stand in this one" in hand.wrong
    hand.scans("A-02")
    assert hand.right == ["2 × PEN-STEEL stand in A-02."]
    assert stands(sku) == {"A-02": 2, "R-01": 10}


def test_goods_go_where_the_rules_of_put_away_say(shop, handheld):
    system, node = the_system(shop.now), shop.nodes[0]
    pens, mugs = shop.skus["PEN-STEEL"], shop.skus["MUG-BLUE"]
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": node}))
    set_slots(system, requests=[SetSlot(bins["R-01"], sku=pens)])
    came = [
        Receive(COMPANY, pens, node, bins["IN"], 12, 1200, "receipt", ids.uuid7()),
        Receive(COMPANY, mugs, node, bins["IN"], 2, 200, "receipt", ids.uuid7(), status="damaged"),
    ]
    receive(system, requests=came)
    hand = handheld("supervisor")
    assert "→ R-01" in hand.goes("/scan/put-away/")
    hand.scans("PEN-STEEL", "=all")
    assert hand.asks == ("Put it into", "R-01")
    assert "kept for this SKU" in hand.page
    hand.goes("/scan/put-away/")
    hand.scans("MUG-BLUE", "=all", "A-02")
    assert hand.wrong == "Wrong bin: this is A-02, for pick. Go to a bin for quarantine."


def test_a_house_that_stops_between_the_command_and_its_scans_has_done_neither(shop, handheld, monkeypatch):
    sku, node = shop.skus["PEN-STEEL"], shop.nodes[0]
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": node}))
    came = Receive(COMPANY, sku, node, bins["IN"], 12, 1200, "receipt", ids.uuid7())
    receive(the_system(shop.now), requests=[came])
    hand = handheld("supervisor")
    hand.goes("/scan/put-away/")
    hand.scans("PEN-STEEL", "PEN-STEEL", "PEN-STEEL")

    def stops(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("entrepot.web.views.scan.screen.keep_scans", stops)
        with pytest.raises(SystemExit):
            hand.scans("R-01", key="the bin")
    assert stands(sku) == {"IN": 12}, "and what was scanned is still at hand"
    hand.scans("R-01", key="the bin")
    assert hand.right == ["3 × PEN-STEEL stand in R-01."]
    hand.scans("R-01", key="the bin")
    assert stands(sku) == {"IN": 9, "R-01": 3}
    hand.goes("/scan/put-away/")
    hand.scans("PEN-STEEL")
    assert "<b>1</b>" in hand.page, "the next load begins at nothing"


def test_a_pick_face_is_filled_from_reserve(shop, handheld, console):
    sku = shop.skus["MUG-BLUE"]
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    reserve = Receive(COMPANY, sku, shop.nodes[0], bins["R-01"], 300, 30_000, "receipt", ids.uuid7())
    receive(the_system(shop.now), requests=[reserve])
    desk = console("supervisor")
    form = {
        "node": str(shop.nodes[0]),
        "bin": "a-01",
        "sku": "MUG-BLUE",
        "minimum": "150",
        "maximum": "200",
        "case": "6",
    }
    page = desk.post("/floor/replenishment/set/", form, follow=True).content.decode()
    assert "The pick face is set." in page
    page = desk.post("/floor/replenishment/review/", follow=True).content.decode()
    assert "1 replenishment was made." in page
    (one,) = shelf_queries.replenishments(company=COMPANY)
    assert one.quantity % 6 == 0
    hand = handheld("supervisor")
    hand.goes("/scan/replenish/")
    hand.scans("A-02")
    assert hand.wrong
    hand.scans("R-01", "A-01")
    assert hand.wrong == "Wrong bin: this is A-01. Go to R-01."
    hand.scans("R-01", "MUG-SAND")
    assert hand.wrong == "Wrong item: this is MUG-SAND. Take MUG-BLUE."
    hand.scans("MUG-BLUE", "=all", "A-02")
    assert hand.wrong == "Wrong bin: this is A-02. Go to A-01."
    before = stands(sku)
    hand.scans("A-01")
    assert hand.right == [f"{one.quantity} × MUG-BLUE stand in A-01."]
    after = stands(sku)
    assert after["A-01"] - before["A-01"] == before["R-01"] - after["R-01"] == one.quantity
    for again in ("MUG-BLUE", "R-01", "A-01"):
        hand.scans(again)
        assert hand.wrong.startswith(f"Done already: {again}."), "it was brought just now"
    wrong = {
        "node": str(shop.nodes[0]),
        "bin": "none",
        "sku": "MUG-BLUE",
        "minimum": "1",
        "maximum": "2",
        "case": "1",
    }
    page = desk.post("/floor/replenishment/set/", wrong, follow=True).content.decode()
    assert "There is no such bin at that node." in page


def test_of_two_who_go_for_one_replenishment_the_second_is_told_and_may_take_it_over(shop, handheld):
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    for lot in ("L-1", "L-2"):
        came = Receive(
            COMPANY,
            shop.skus["MUG-BLUE"],
            shop.nodes[0],
            bins["R-01"],
            60,
            6_000,
            "receipt",
            ids.uuid7(),
            lot=lot,
        )
        receive(the_system(shop.now), requests=[came])
    face = SetPickFace(COMPANY, shop.skus["MUG-BLUE"], bins["A-01"], 150, 200)
    set_pick_faces(the_system(shop.now), requests=[face])
    review_faces(the_system(shop.now), requests=[ReviewFaces(shop.nodes[0])])
    one = next(row for row in shelf_queries.replenishments(company=COMPANY) if row.lot)
    where = f"/scan/replenish/{one.id}/"

    a_person("pia", "picker")
    first, second = handheld("supervisor"), handheld("pia")
    second.keys = count(1_000)
    first.goes(where)
    first.scans("R-01", "MUG-BLUE")
    assert first.asks == ("Type or scan its lot", one.lot)
    other_lot = {"L-1": "L-2", "L-2": "L-1"}[one.lot]
    first.scans("A-01")
    assert first.wrong.startswith("MUG-BLUE is right. Scan its lot")
    first.scans(other_lot)
    assert first.wrong == f"Wrong lot: this is {other_lot}. Take lot {one.lot}."
    first.scans(one.lot.lower())
    assert first.asks == ("Take more, or put it into", "A-01")

    assert "supervisor is at it" in second.goes("/scan/replenish/")
    assert f"lot {one.lot}" in second.page
    second.goes(where)
    for _ in range(2):  # its answer is lost, and it is sent again
        second.scans("R-01", key="the bin")
        assert (
            second.wrong
            == "supervisor is at it. Scan R-01 again only if you take it over: it begins anew then."
        )
    first.scans("A-01")
    assert first.asks[0] == "Fewer than was asked for"
    first.scans("=later")
    assert first.right == ["1 × MUG-BLUE stand in A-01."]
    assert work.of_subject(one.id) == [], "nobody looks for what comes later"
    second.scans("R-01")
    assert second.wrong.startswith("This went on elsewhere")
    there = [row.quantity for row in stock.buckets(sku=shop.skus["MUG-BLUE"]) if row.lot == one.lot]
    assert sorted(there) == [1, 59], "once, in both bins"


def test_a_bin_is_counted_blind(shop, handheld, console):
    sku = shop.skus["MUG-BLUE"]
    before = stands(sku)["A-01"]
    form = {"node": str(shop.nodes[0]), "bin": "A-01", "sku": "MUG-BLUE"}
    console("supervisor").post("/floor/counts/ask/", form)
    hand = handheld("supervisor")
    hand.goes("/scan/count/")
    hand.scans("A-02")
    assert hand.wrong
    hand.scans("A-01")
    assert hand.asks == ("Go to bin", "A-01")
    hand.scans("A-02")
    assert hand.wrong == "Wrong bin: this is A-02. Go to A-01."
    hand.scans("A-01")
    assert hand.asks[0] == "Scan every unit of these"
    assert str(before) not in re.sub(f"{UUID}|{TOKEN}", "", hand.page), "no figure is told"
    hand.scans("LAMP-OAK")
    assert hand.wrong == "Wrong item: this is LAMP-OAK. Take MUG-BLUE."
    hand.scans("MUG-BLUE", str(before))
    assert hand.asks == ("Counted", f"{before} × MUG-BLUE")
    hand.scans("=finished")
    assert hand.asks == ("This stands in", "A-01")
    hand.scans("=yes", key="report")
    assert hand.right == ["A-01 is counted."]
    assert stands(sku)["A-01"] == before
    assert "Nothing is to be counted" in hand.goes("/scan/count/")


def test_what_is_moved_while_the_rest_of_its_bin_is_counted_is_no_difference(shop, handheld, console):
    sku = shop.skus["MUG-BLUE"]
    before = stands(sku)["A-01"]
    form = {"node": str(shop.nodes[0]), "bin": "A-01", "sku": "MUG-BLUE"}
    console("supervisor").post("/floor/counts/ask/", form)
    hand, mover = handheld("supervisor"), handheld("inventory")
    mover.keys = count(1_000)
    hand.goes("/scan/count/")
    hand.scans("A-01", "A-01", "MUG-BLUE", str(before))
    mover.goes("/scan/move/")
    mover.scans("A-01", "MUG-BLUE", "A-02")
    assert stands(sku)["A-01"] == before - 1
    hand.scans("=finished", "=yes")
    assert hand.right == ["A-01 is counted."]
    assert stands(sku)["A-01"] == before - 1


def test_a_scan_that_is_sent_again_takes_no_count_over(shop, handheld):
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    (asked,) = ask_counts(the_system(shop.now), requests=[AskCount(bins["A-01"], shop.skus["MUG-BLUE"])])
    first, second = handheld("supervisor"), handheld("root")
    second.keys = count(1_000)
    for hand in (first, second):
        hand.goes(f"/scan/count/{asked.task}/")
    first.scans("A-01")
    for _ in range(2):  # its answer is lost
        second.scans("A-01", key="the bin")
        assert second.wrong.startswith("supervisor is at it. Scan A-01 again only if you take it over")
    second.scans("A-01")
    assert not second.wrong and second.asks[0] == "Scan every unit of these"
