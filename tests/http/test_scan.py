"""The scan screens: each flow as a handheld would go it, wrong scans, and scans that are sent again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.kernel import ids, policies, sql
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing import dock
from entrepot.purchasing import queries as purchasing
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.order import OrderedLine, OrderGoods
from entrepot.purchasing.commands.order import order as order_goods
from entrepot.returns import queries as returns
from entrepot.returns import rules
from entrepot.returns.checklists import Checklists, Question
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.stock import plate_queries, transfer_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.commands.transfer import ShipTransfer, TransferShipped, TransferUnits, ship_transfer
from entrepot.stock.plating import sscc
from entrepot.warehouse import floor_queries, packing, queries, shelf_queries
from entrepot.warehouse.commands.build_plates import BuildPlate, build_plates
from entrepot.warehouse.commands.pack import FulfillmentPacked, PackFulfillment, pack
from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.warehouse.commands.replenish import ReviewFaces, SetPickFace, review_faces, set_pick_faces
from entrepot.warehouse.commands.slots import SetSlot, set_slots
from entrepot.warehouse.commands.waves import ReleaseWave, release_wave
from entrepot.web.views.scan import inspect
from entrepot.web.views.scan import receive as scan_receive
from entrepot.work import queries as work
from entrepot.work.scanning import Scan
from tests import back
from tests.http.test_packing import CARTONS
from tests.plates import NUMBER, OTHER, PREFIX
from tests.rules.test_returns_photos import jpeg
from tests.shop import COMPANY, a_person, the_system
from tests.waves import a_shop_that_gathers

pytestmark = pytest.mark.django_db

PALLET = sscc(PREFIX, 3, 7)
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TOKEN = r'name="csrfmiddlewaretoken" value="\w+"'


class Handheld:
    """A browser with a scanner: every scan has a key of its own, and the page after it is remembered."""

    def __init__(self, browser) -> None:
        self.browser, self.at, self.page, self.keys = browser, "", "", count(1)

    def goes(self, address: str) -> str:
        return self._see(self.browser.get(address, follow=True), address)

    def scans(self, *codes: str, key: str = "") -> str:
        for code in codes:
            said = {"scan": code, "key": key or f"k{next(self.keys)}"}
            self._see(self.browser.post(self.at, said, follow=True), self.at)
        return self.page

    def _see(self, answer, address: str) -> str:
        assert answer.status_code == 200, answer
        self.at = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        self.page = answer.content.decode()
        return self.page

    @property
    def wrong(self) -> str:
        found = re.search(r'role="alert"><b>Stop.</b> (.*?)</p>', self.page)
        return found.group(1).replace("&#x27;", "'") if found else ""

    @property
    def right(self) -> list[str]:
        return re.findall(r'<p class="said right">(.*?)</p>', self.page)

    @property
    def asks(self) -> tuple[str, str]:
        verb = re.search(r'<p class="verb">(.*?)</p>', self.page)
        what = re.search(r'<p class="what">(.*?)</p>', self.page)
        return (verb.group(1) if verb else "", what.group(1) if what else "")


@pytest.fixture
def handheld(console):
    return lambda name: Handheld(console(name))


def stands(sku) -> dict[str, int]:
    return {row.bin_code: row.quantity for row in stock.buckets(sku=sku) if row.node_code == "LDN"}


def a_list(shop, method: str):
    """A released wave of the shop's first node; its first list."""
    a_shop_that_gathers(shop)
    system = the_system(shop.now)
    (wave,) = propose_wave(system, requests=[ProposeWave(shop.nodes[0], method=method)])
    release_wave(system, requests=[ReleaseWave(wave.wave)])
    return queries.pick_lists(wave=wave.wave)[0]


def test_an_order_is_picked_one_scan_at_a_time(shop, handheld):
    one = queries.of_order(shop.one("released"))[0]
    stop, *others = (row.stop for row in floor_queries.stops(fulfillment=one.id))
    hand = handheld("supervisor")
    hand.goes("/scan/")
    assert "Pick" in hand.page
    hand.goes("/scan/pick/")
    hand.scans(one.number.lower())
    assert hand.at == f"/scan/pick/order/{one.id}/"
    assert hand.asks == ("Go to bin", "A-01")

    hand.scans("A-02")
    assert hand.wrong == "Wrong bin: this is A-02. Go to A-01."
    hand.scans("no such thing")
    assert "Nothing here has the barcode no such thing" in hand.wrong
    hand.scans(stop.item.code)
    assert "comes later" in hand.wrong
    hand.scans("a-01")
    assert hand.asks == ("Take", f"{stop.item.quantity} × {stop.item.code}")
    hand.scans("A-01")
    assert hand.wrong.startswith("Done already: A-01.")
    hand.scans("LAMP-OAK")
    assert hand.wrong == f"Wrong item: this is LAMP-OAK. Take {stop.item.code}."
    assert queries.fulfillment(one.id).state == "released", "nothing has changed"

    hand.scans(*[stop.item.code] * stop.item.quantity)
    assert hand.right == [f"{stop.item.quantity} × {stop.item.code} picked."]
    for other in others:
        hand.scans(other.bin.code, other.item.code)
        if other.item.quantity > 1:
            hand.scans("=all")
    assert queries.fulfillment(one.id).state == "picked"
    assert hand.at == "/scan/pick/"
    assert f"{one.number} is picked." in hand.right[-1]


def test_who_walks_a_list_that_is_given_to_another_is_told_so_and_turned_away(shop, handheld, console):
    one = a_list(shop, "batch")
    first, *_ = (row.stop for row in floor_queries.stops(pick_list=one.id))
    a_person("picker", "picker")
    desk, hand = console("supervisor"), handheld("picker")
    hand.goes(f"/scan/pick/list/{one.id}/")
    assert queries.pick_list(one.id).picker == "picker"
    hand.scans(first.bin.code, key="the bin")
    desk.post("/floor/lists/give/", {"list": str(one.id), "picker": "nobody", "action": "give"})
    assert queries.pick_list(one.id).picker == "picker", "who picks nothing gets no list"
    desk.post("/floor/lists/give/", {"list": str(one.id), "picker": "supervisor", "action": "give"})
    assert queries.pick_list(one.id).picker == "supervisor"

    hand.scans(first.item.code)
    assert hand.at == "/scan/pick/"
    assert f"List {one.number} was given to supervisor: this scan did not count" in hand.page
    assert queries.pick_list(one.id).open_stops == one.open_stops
    hand.at = f"/scan/pick/list/{one.id}/"
    hand.scans(first.bin.code, key="the bin")
    assert "did not count" not in hand.page, "what counted and is sent once more is no fault"
    hand.goes(f"/scan/pick/list/{one.id}/")
    assert f"List {one.number} is with supervisor." in hand.page

    desk.post("/floor/lists/give/", {"list": str(one.id), "action": "back"})
    hand.at = f"/scan/pick/list/{one.id}/"
    hand.scans(first.bin.code)
    assert f"List {one.number} was given back, and is nobody" in hand.page
    hand.goes(f"/scan/pick/list/{one.id}/")
    assert queries.pick_list(one.id).picker == "picker", "who opens it has it again"
    page = desk.get(f"/floor/lists/{one.id}/").content.decode()
    assert "Give it to" in page and "What happened" in page


def test_a_scan_that_is_sent_again_counts_once(shop, handheld):
    one = queries.of_order(shop.one("released"))[0]
    stop = next(row.stop for row in floor_queries.stops(fulfillment=one.id))
    hand = handheld("supervisor")
    hand.goes(f"/scan/pick/order/{one.id}/")
    for _ in range(2):
        hand.scans("A-01", key="the bin")
        assert hand.asks[0] == "Take"
    for unit in range(stop.item.quantity):
        before = hand.scans(stop.item.code, key=f"unit {unit}")
        again = hand.scans(stop.item.code, key=f"unit {unit}")
        assert hand.wrong == ""
        assert re.findall(r"<b>(\d+)</b>", before) == re.findall(r"<b>(\d+)</b>", again)
    assert queries.tasks([one.id])[0].state == "done"
    # A reload, and another device of the same person, go on at the same step.
    other = handheld("supervisor")
    other.goes(f"/scan/pick/order/{one.id}/")
    assert other.asks == hand.asks


def test_fewer_units_and_an_undone_scan(shop, handheld):
    one = queries.of_order(shop.one("released"))[0]
    stop = next(row.stop for row in floor_queries.stops(fulfillment=one.id))
    hand = handheld("supervisor")
    hand.goes(f"/scan/pick/order/{one.id}/")
    hand.scans("A-01", "=fewer")
    assert hand.asks == ("Found, and no more", f"0 / {stop.item.quantity}")
    hand.scans("=undo")
    assert hand.asks[0] == "Take"
    hand.scans("=fewer", "=yes")
    assert hand.right[0].startswith(f"Noted: {stop.item.quantity} missing. A supervisor is told. ")
    (told,) = floor_queries.instead([row.stop.task for row in floor_queries.stops(fulfillment=one.id)
                                     if row.state == "open" and row.stop.item.sku == stop.item.sku])  # fmt: skip
    assert told.bin_code == "A-01", "no other has any, and its records say that more is there"
    assert f"{told.units} should be in A-01 all the same: look once more, it is a stop" in hand.right[0]
    assert queries.tasks([one.id])[0].state == "short"


def test_a_cluster_goes_into_the_tote_of_its_place(shop, handheld):
    made = a_list(shop, "cluster")
    hand = handheld("supervisor")
    hand.goes(f"/scan/pick/list/{made.id}/")
    totes = {}
    rows = floor_queries.stops(pick_list=made.id)
    assert {row.stop.slot for row in rows} == {1, 2}
    for row in rows:
        stop = row.stop
        if stop.slot not in totes:
            assert hand.asks == ("Scan an empty tote for place", str(stop.slot))
            if totes:
                hand.scans("t-1")
                assert "holds FF-" in hand.wrong
            totes[stop.slot] = f"T-{len(totes) + 1}"
            hand.scans(totes[stop.slot].lower())
        hand.scans(stop.bin.code, stop.item.code)
        if stop.item.quantity > 1:
            hand.scans("=all")
        assert hand.asks == ("Put it into", totes[stop.slot])
        hand.scans("T-9")
        assert hand.wrong.startswith("Wrong tote")
        hand.scans(totes[stop.slot])
    assert queries.pick_list(made.id).open_stops == 0
    hand.goes("/scan/pack/")
    hand.scans("T-1")
    assert hand.asks[0] == "Scan every unit"


@pytest.mark.parametrize("method", ["discrete", "batch", "cluster", "zone"])
def test_what_is_short_is_told_with_where_it_comes_from_and_the_wave_stays_true(shop, handheld, method):
    made = a_list(shop, method)
    stop = floor_queries.stops(pick_list=made.id)[0].stop
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    spare = Receive(COMPANY, stop.item.sku, shop.nodes[0], bins["R-01"], 1, 100, "receipt", ids.uuid7())
    receive(the_system(shop.now), requests=[spare])
    sql.run(
        "UPDATE network_bin SET kind = 'quarantine' WHERE code LIKE 'A-%%' AND id <> %(b)s",
        {"b": stop.bin.id},
    )
    hand = handheld("supervisor")
    hand.goes(f"/scan/pick/list/{made.id}/")
    if stop.slot:
        hand.scans("T-1")
    hand.scans(stop.bin.code, "=fewer", "=yes")
    (said,) = hand.right
    wave = queries.wave(made.wave)
    again = [one for one in queries.pick_lists(wave=made.wave) if one.number in said]
    assert again or f"{stop.item.quantity} are looked for" in said, said
    assert wave.open_stops == sum(one.open_stops for one in queries.pick_lists(wave=made.wave))
    assert again[0].number in hand.goes("/scan/pick/")


@pytest.mark.parametrize("method", ["batch", "zone"])
def test_a_cart_of_several_orders_is_sorted_before_it_is_packed(shop, handheld, method):
    made = a_list(shop, method)
    hand = handheld("supervisor")
    hand.goes(f"/scan/pick/list/{made.id}/")
    assert queries.pick_list(made.id).picker == "supervisor"
    for row in floor_queries.stops(pick_list=made.id):
        hand.scans(row.stop.bin.code, row.stop.item.code)
        if row.stop.item.quantity > 1:
            hand.scans("=all")
    hand.goes("/scan/sort/")
    hand.scans(made.number)
    hand.scans("LAMP-OAK")
    assert "something that lies on the cart" in hand.wrong
    places = {}
    for row in floor_queries.to_sort(made.id):
        hand.scans(row.sku_code)
        number = re.search(r"<dt>For</dt><dd>(.*?)</dd>", hand.page).group(1)
        if number in places:
            assert hand.asks == ("Put it into", places[number])
            hand.scans("W-99")
            assert hand.wrong == f"Wrong tote: this is W-99. Put it into {places[number]}."
        places.setdefault(number, f"W-{len(places) + 1}")
        hand.scans(places[number])
    assert hand.right[-1] == f"{made.number} is sorted."
    assert len(set(places.values())) == 2


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


def test_every_unit_is_checked_before_it_is_packed(shop, handheld):
    one = queries.of_order(shop.one("picked"))[0]
    wanted = floor_queries.picked([one.id])
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    hand.scans(one.number)
    hand.scans("LAMP-OAK")
    assert hand.wrong == f"Wrong item: this is LAMP-OAK. Take {wanted[0].code}."
    for row in wanted:
        hand.scans(row.code)
        if row.units > 1:
            hand.scans("=all")
    assert hand.asks[0] == "All is right. Pack it into"
    hand.scans(wanted[0].code)
    assert hand.wrong.startswith("Too many")
    hand.scans("NO-SUCH-CARTON")
    assert "There is no carton NO-SUCH-CARTON" in hand.wrong
    hand.scans("=yes")
    assert queries.fulfillment(one.id).state == "packed"
    assert f"{one.number} is packed" in hand.right[-1]
    hand.scans(one.number)
    assert hand.wrong.startswith(f"Done already: {one.number}")


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


def test_what_is_at_the_dock_in_several_lots_is_tapped(shop, handheld):
    """Else the first of them is put away, whichever is in the hand."""
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    dock = next(code for code in bins if code.startswith(("IN", "REC", "DOCK")))
    for lot, status in (("L-1", "sellable"), ("L-2", "sellable"), ("L-2", "damaged")):
        came = Receive(
            COMPANY, shop.skus["MUG-BLUE"], shop.nodes[0], bins[dock], 4, 400, "receipt", ids.uuid7(), lot=lot,
            status=status,
        )  # fmt: skip
        receive(the_system(shop.now), requests=[came])
    hand = handheld("supervisor")
    hand.goes("/scan/put-away/")
    hand.scans("MUG-BLUE")
    assert hand.wrong == (
        "MUG-BLUE is here more than once: lot L-1 · sellable, lot L-2 · damaged, lot L-2 · sellable. Tap the one that"
        " you have in your hand."
    )
    bucket = next(row.bucket for row in shelf_queries.in_bin(bins[dock]) if row.lot == "L-1")
    hand.goes(f"/scan/put-away/{bucket}/")
    hand.scans("MUG-BLUE", "A-01")
    assert hand.wrong.startswith("MUG-BLUE is right. Scan its lot")
    hand.scans("L-1", "=all", "A-01")
    assert hand.right == ["4 × MUG-BLUE stand in A-01."]
    hand.scans("MUG-BLUE")
    assert "L-2 · damaged" not in hand.wrong and "damaged, sellable" in hand.wrong, (
        "only what differs is told"
    )


def test_a_delivery_is_received_as_it_is_unpacked(shop, handheld):
    system = the_system(shop.now)
    (supplier,) = register_suppliers(
        system, requests=[RegisterSupplier(COMPANY, "POT", "Pottery Ltd", "GBP")]
    )
    lines = [
        OrderedLine(shop.skus[code], units, Decimal("3.10"))
        for code, units in (("MUG-BLUE", 24), ("TEA-ASSAM", 6))
    ]
    (made,) = order_goods(system, requests=[OrderGoods(COMPANY, supplier.id, shop.nodes[0], "DN-77", lines)])
    hand = handheld("supervisor")
    assert "Receive" in hand.goes("/scan/")
    hand.goes("/scan/receive/")
    hand.scans("dn-77")
    assert hand.asks == ("Scan everything that came", made.number)
    hand.scans("LAMP-OAK")
    assert hand.wrong.startswith("LAMP-OAK is not on that order.")
    hand.scans("MUG-BLUE", "20")
    assert hand.asks == ("Came", "20 × MUG-BLUE")
    hand.scans("TEA-ASSAM")
    assert "20 units of MUG-BLUE are received" in hand.right[-1], "the next goods take in those before"
    hand.scans("7", "=yes")
    assert "has 6 units still to come" in hand.wrong
    asked = sql.run("SELECT count(*) FROM work_item WHERE subject_id = %(o)s", {"o": made.order})
    assert asked == [(1,)], "and a buyer decides"
    hand.scans("=all")
    hand.scans("=yes", key="received")
    hand.scans("=yes", key="received")
    order = purchasing.order(made.order)
    assert (order.state, order.received) == ("part_received", 26)
    hand.scans("MUG-BLUE", "2", "=damaged", "the handles are off", "=yes")
    assert purchasing.order(made.order).received == 28
    assert [one.quantity for one in dock.claims(COMPANY)] == [2]
    hand.scans("4006381333931")
    assert "has barcode 4006381333931" in hand.wrong
    hand.goes("/scan/put-away/")
    assert "20 × MUG-BLUE" in hand.page


def test_an_order_is_opened_by_its_number_though_no_list_has_room_for_it(shop, handheld, monkeypatch):
    """Orders of other nodes and newer ones take nobody's place; what was given up is not to come."""
    monkeypatch.setattr(scan_receive, "SHOWN", 2)
    system = the_system(shop.now)
    (supplier,) = register_suppliers(
        system, requests=[RegisterSupplier(COMPANY, "POT", "Pottery Ltd", "GBP")]
    )
    lines = [OrderedLine(shop.skus[code], 24, Decimal("3.10")) for code in ("MUG-BLUE", "TEA-ASSAM")]
    wanted = [
        OrderGoods(
            COMPANY, supplier.id, shop.nodes[node], name, lines, occurred_at=shop.now - timedelta(days=days)
        )
        for node, name, days in ((0, "Old-1", 9), (1, "There", 3), (0, "DN-2", 2), (0, "DN-3", 1))
    ]
    old, there, *_ = order_goods(system, requests=wanted)
    _, tea = purchasing.lines(old.order)
    close_rest(system, requests=[CloseRest(old.order, "not any more", (tea.id,))])
    hand = handheld("supervisor")
    hand.goes("/scan/receive/")
    assert [name in hand.page for name in ("DN-3", "DN-2", old.number, there.number)] == [
        True,
        True,
        False,
        False,
    ]
    hand.scans("There")
    assert "Nothing here has the barcode There" in hand.wrong or "has barcode There" in hand.wrong
    hand.scans("old-1")
    assert hand.asks == ("Scan everything that came", old.number)
    assert "24 × MUG-BLUE" in hand.page and "TEA-ASSAM" not in hand.page
    assert [one.to_come for one in purchasing.coming(COMPANY, shop.nodes[0], name=old.number.lower())] == [24]


def test_a_transfer_is_opened_by_its_number_though_no_list_has_room_for_it(shop, handheld, monkeypatch):
    monkeypatch.setattr(scan_receive, "SHOWN", 0)
    sent, hand = a_transfer(shop), at_manchester(shop, handheld)
    assert sent.number not in hand.goes("/scan/receive/")
    hand.scans(sent.number.lower())
    assert hand.at == f"/scan/receive/transfer/{sent.transfer}/"


def test_serial_numbers_that_were_scanned_are_received(shop, handheld):
    sql.run("UPDATE catalog_sku SET barcode = '5012345678900' WHERE code = 'PEN-STEEL'")
    system, sku = the_system(shop.now), shop.skus["PEN-STEEL"]
    (supplier,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "PENS", "Pens Ltd", "GBP")])
    lines = [OrderedLine(sku, 3, Decimal(2))]
    (made,) = order_goods(system, requests=[OrderGoods(COMPANY, supplier.id, shop.nodes[0], "DN-78", lines)])
    hand = handheld("supervisor")
    hand.goes("/scan/receive/")
    hand.scans("dn-78", "]C1010501234567890021S-1", "]C1010501234567890021S-2", "=yes")
    assert purchasing.order(made.order).received == 2
    assert sql.run("SELECT serial FROM purchasing_serial WHERE sku_id = %(s)s ORDER BY 1", {"s": sku}) == [
        ("S-1",), ("S-2",)
    ]  # fmt: skip
    hand.goes("/scan/receive/")
    hand.scans("dn-78")
    assert hand.asks[0] == "Scan everything that came", "what came before is another delivery"
    hand.scans("]C1010501234567890021S-2", "=yes")
    assert hand.wrong.startswith("Serial number S-2 was received before")
    assert purchasing.order(made.order).received == 2


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


def test_what_came_back_is_graded_and_disposed_of(shop, handheld):
    one = back.asked(shop.one("delivered"), 1)
    back.came(one)
    (task,) = returns.tasks(COMPANY)
    hand = handheld("inspector")
    hand.goes("/scan/inspect/")
    hand.scans("LAMP-OAK")
    assert hand.wrong.startswith("Wrong item")
    hand.scans(task.number)
    assert hand.asks == ("What is it like?", f"{task.quantity} × {task.sku_code}")
    for asked in ("What is it like?", "Grade A. Proposed:"):
        hand.scans(task.sku_code)
        assert hand.right == [f"Yes, it is {task.sku_code} of {task.number}."]
        assert str(inspect._not_asked(replace(task, serial="sn-1"), Scan("sn-1"))).startswith("Yes")
        hand.scans("LAMP-OAK")
        assert hand.wrong == f"Wrong item: this is LAMP-OAK. Take {task.sku_code}."
        hand.scans("A-01")
        assert hand.wrong.startswith("A-01 comes later.")
        hand.scans("junk")
        assert hand.wrong.startswith("Nothing here has the barcode junk.")
        assert hand.asks[0] == asked
        if asked == "What is it like?":
            hand.scans("=A", key="grade")
    inspected = returns.tasks(COMPANY)[0]
    hand.goes(f"/scan/inspect/{task.receipt}/")
    assert hand.at == f"/scan/inspect/{inspected.inspection}/", "a reload goes on"
    hand.scans(f"={inspected.proposed}")
    assert returns.tasks(COMPANY) == []
    assert task.sku_code in hand.right[-1]


def came_with_numbers(shop, units: int):
    """Units that left as S-0, S-1 …, and are back to be inspected: the task, and the barcode of their SKU."""
    order = shop.one("picked")
    (one,) = queries.of_order(order)
    inside = packing.contents([one.id])[one.id]
    picked = max(inside, key=lambda each: each.units)
    assert picked.units >= units
    barcode = "UPDATE catalog_sku SET serial_policy = 'at_ship', barcode = '5012345678900' WHERE id = %(sku)s"
    sql.run(barcode, {"sku": picked.sku})
    noted = tuple(
        (each.line, f"S-{n}") for each in inside if each.sku == picked.sku for n in range(each.units)
    )
    (packed,) = pack(the_system(shop.now), requests=[PackFulfillment(one.id, serials=noted)])
    assert isinstance(packed, FulfillmentPacked), packed
    (gone,) = ship(the_system(shop.now), requests=[ShipFulfillment(one.id)])
    assert isinstance(gone, FulfillmentShipped), gone
    lines = back.lines_of(order)
    back.came(back.asked(order, *(units if line == picked.line else 0 for line in lines)))
    (task,) = returns.tasks(COMPANY)
    return task


def test_of_what_left_with_serial_numbers_each_unit_is_inspected_with_its_own(shop, handheld):
    task = came_with_numbers(shop, 2)
    hand = handheld("inspector")
    here = f"/scan/inspect/{task.receipt}/"
    hand.goes(here)
    assert hand.asks == ("Scan its serial number", task.sku_code)
    assert "=A" not in hand.page
    also = "Scan its serial number as well, so that it is known which one it is."
    for said, told in {
        "=A": "A comes later. First scan its serial number.",
        "A-01": "A-01 comes later. First scan its serial number.",
        "LAMP-OAK": f"Wrong item: this is LAMP-OAK. Take {task.sku_code}.",
        task.sku_code: f"{task.sku_code} is right. {also}",
        task.number: f"{task.number} is right. {also}",
        "x" * 101: f"Nothing here has the barcode {'x' * 101}. Scan its serial number.",
    }.items():
        hand.scans(said)
        assert hand.wrong == told
        assert hand.asks == ("Scan its serial number", task.sku_code), "nothing has changed"

    hand.scans("S-9")
    assert hand.wrong.startswith("S-9 did not leave with this order.")
    hand.scans("=undo")
    assert hand.asks == ("Scan its serial number", task.sku_code)
    hand.scans("S-1")
    assert (hand.wrong, hand.asks) == ("", ("What is it like?", f"1 × {task.sku_code}"))
    hand.scans("S-0")
    assert hand.wrong.startswith("Nothing here has the barcode S-0.")
    hand.scans("S-1")
    assert hand.right == [f"Yes, it is {task.sku_code} of {task.number}."]
    hand.scans("=A", key="grade")
    assert hand.asks[0] == "Grade A. Proposed:"
    hand.scans(f"={returns.tasks(COMPANY)[0].proposed}")

    (rest,) = returns.tasks(COMPANY)
    assert (rest.receipt, rest.inspection, rest.quantity) == (task.receipt, None, 1)
    hand.goes(here)
    assert hand.asks == ("Scan its serial number", task.sku_code), "the number is not at hand for the next"
    hand.scans("(01)05012345678900(21)S-9")
    assert hand.wrong.startswith("S-9 did not leave with this order.")
    hand.scans("=A")
    assert hand.asks[0] == "Grade D. Proposed:"
    kept = sql.run("SELECT serial, quantity, codes FROM returns_inspection ORDER BY inspected_at, id")
    assert kept == [("S-1", 1, ""), ("S-9", 1, "serial_swap")]


def test_a_serial_number_opens_the_return_with_whose_order_it_left(shop, handheld):
    task = came_with_numbers(shop, 1)
    sold = shop.orders["shipped"] + shop.orders["delivered"]
    alike = (
        "SELECT order_id, id FROM orders_line WHERE order_id = ANY(%(sold)s::uuid[]) AND sku_code = %(code)s"
    )
    order, line = sql.run(alike, {"sold": sold, "code": task.sku_code})[0]
    back.came(back.asked(order, *(int(one == line) for one in back.lines_of(order))))
    waits_longer = (
        "UPDATE returns_receipt SET received_at = received_at - interval '1 hour' WHERE id <> %(id)s"
    )
    sql.run(waits_longer, {"id": task.receipt})
    hand = handheld("inspector")
    for number in ("S-0", "(01)05012345678900(21)S-0"):
        hand.goes("/scan/inspect/")
        hand.scans(number)
        assert hand.at == f"/scan/inspect/{task.receipt}/"
    hand.goes("/scan/inspect/")
    hand.scans("(01)05012345678900(21)S-77")
    assert hand.at != f"/scan/inspect/{task.receipt}/"


def test_a_gs1_barcode_says_the_serial_number_of_what_came_back(shop, handheld):
    task = came_with_numbers(shop, 1)
    hand = handheld("inspector")
    hand.goes(f"/scan/inspect/{task.receipt}/")
    hand.scans("(01)05012345678900(21)S-0")
    assert (hand.wrong, hand.asks) == ("", ("What is it like?", f"1 × {task.sku_code}"))
    hand.scans("=B")
    assert sql.run("SELECT serial, grade FROM returns_inspection") == [("S-0", "B")]


def came_alike(shop, units: int):
    """So many units of one line, back to be inspected: the task."""
    ids = shop.orders["shipped"] + shop.orders["delivered"]
    found = sql.run(
        "SELECT order_id, id FROM orders_line WHERE order_id = ANY(%(ids)s::uuid[]) AND sku_id IS NOT NULL"
        " AND quantity >= %(units)s ORDER BY id LIMIT 1",
        {"ids": ids, "units": units},
    )
    ((order, line),) = found
    back.came(back.asked(order, *(units if one == line else 0 for one in back.lines_of(order))))
    (task,) = returns.tasks(COMPANY)
    return task


def checklist(shop, *questions: Question) -> None:
    at = shop.now - timedelta(days=1)
    wanted = policies.SetPolicy(COMPANY, "returns.checklists", Checklists({"*": questions}), at)
    (answer,) = policies.set_policy(the_system(at), requests=[wanted])
    assert isinstance(answer, policies.PolicySet), answer


def test_what_the_checklist_asks_is_answered_by_taps_and_units_are_graded_in_parts(shop, handheld):
    """Of two units one is complete and one is not: each with its own answers, grade and reason."""
    task = came_alike(shop, 2)
    checklist(
        shop,
        Question("complete", "Is all of it there?", caps={"no": "C"}, codes={"no": "part_missing"}),
        Question("scratches", "How many scratches?", kind="number", most=3, caps={"above": "B"}),
        Question("smell", "Of what does it smell?", kind="text", required=False),
    )
    hand = handheld("inspector")
    here = f"/scan/inspect/{task.receipt}/"
    hand.goes(here)
    assert hand.asks == ("Is all of it there?", f"2 × {task.sku_code}")
    hand.scans("=A")
    assert hand.wrong and hand.asks[0] == "Is all of it there?", "no grade before the answers"
    hand.scans("=some")
    assert hand.asks[0] == "How many of them are alike?"
    for wrong in ("=2", "0", "x"):
        hand.scans(wrong)
        assert "1 to 1 units" in hand.wrong
    hand.scans("=1")
    assert hand.asks == ("Is all of it there?", f"1 × {task.sku_code}")
    hand.scans("=complete no")
    assert hand.asks[0] == "How many scratches?"
    hand.scans("many")
    assert "a whole number" in hand.wrong
    hand.scans("2")
    assert hand.asks[0] == "Of what does it smell?"
    hand.scans("=undo")
    assert hand.asks[0] == "How many scratches?"
    hand.scans("2")
    hand.scans("smoke")
    assert hand.asks[0] == "What is it like?"
    hand.scans("=A", key="grade")
    assert hand.asks[0] == "Grade C. Proposed:", "an answer allows no better one"
    hand.scans(f"={next(one.proposed for one in returns.tasks(COMPANY) if one.inspection)}")

    (rest,) = returns.tasks(COMPANY)
    assert (rest.receipt, rest.inspection, rest.quantity) == (task.receipt, None, 1)
    hand.goes(here)
    assert hand.asks == ("Is all of it there?", f"1 × {task.sku_code}"), (
        "nothing is taken over from the other"
    )
    assert "Only some" not in hand.page
    for said in ("=complete yes", "0", "==smell", "=B"):
        hand.scans(said)
    assert hand.asks[0] == "Grade B. Proposed:"
    kept = sql.run("SELECT grade, quantity, codes FROM returns_inspection ORDER BY inspected_at, id")
    assert kept == [("C", 1, "part_missing"), ("B", 1, "")]


def test_the_rest_of_a_receipt_that_is_graded_in_parts_is_opened_beside_its_inspections(shop, handheld):
    task = came_alike(shop, 2)
    hand = handheld("inspector")
    here = f"/scan/inspect/{task.receipt}/"
    hand.goes(here)
    hand.scans("=some", "=1", "=A")
    first = hand.at
    assert hand.asks[0] == "Grade A. Proposed:"
    hand.goes("/scan/inspect/")
    assert f'href="{here}"' in hand.page and f'href="{first}"' in hand.page, "both wait"
    hand.goes(here)
    assert (hand.at, hand.asks) == (here, ("What is it like?", f"1 × {task.sku_code}"))
    hand.scans("=B")
    assert hand.asks[0] == "Grade B. Proposed:" and hand.at != first
    hand.goes(here)
    assert hand.asks[0].startswith("Grade "), "nothing of the receipt is left to look at"


def test_a_button_of_a_page_that_was_left_answers_no_other_question(shop, handheld):
    """Back in the browser, or a second tab: the button says of which question it is."""
    task = came_alike(shop, 1)
    checklist(
        shop,
        Question("complete", "Is all of it there?"),
        Question("worn", "Was it worn?", required=False),
        Question("smell", "Of what does it smell?", kind="text"),
        Question("state", "In which state is it?", kind="choice", choices=("some", "skip"), required=False),
    )
    hand = handheld("inspector")
    hand.goes(f"/scan/inspect/{task.receipt}/")
    says = {tap for tap in re.findall(r'<button name="scan" value="([^"]*)"', hand.page) if tap != "=undo"}
    assert says == {"=complete yes", "=complete no"}
    hand.scans("=complete yes")
    for asks, stale, then in (
        ("Was it worn?", ("=complete no", "=yes"), "==worn"),
        ("Of what does it smell?", ("=worn yes", "==worn", "=A"), "smoke"),
        ("In which state is it?", ("=complete yes", "==worn", "=some", "=skip"), "=state skip"),
    ):
        for one in stale:
            hand.scans(one)
            assert f"comes later. First scan the answer to this: {asks}" in hand.wrong
            assert hand.asks[0] == asks, "nothing is kept of it"
        hand.scans(then)
    assert hand.asks[0] == "What is it like?"
    hand.scans("=state some")
    assert hand.wrong and hand.asks[0] == "What is it like?"
    hand.scans("=A")
    ((answers,),) = sql.run("SELECT answers FROM returns_inspection")
    assert [one["answer"] for one in answers] == ["yes", "smoke", "skip"]


def test_the_lot_on_what_came_back_is_asked_for_where_it_is_known_what_left(shop, handheld):
    task = came_alike(shop, 2)
    facts = {"code": task.sku_code, "receipt": task.receipt}
    sql.run(
        "UPDATE catalog_sku SET lot_policy = 'lot', barcode = '5012345678900' WHERE code = %(code)s", facts
    )
    hand = handheld("inspector")
    here = f"/scan/inspect/{task.receipt}/"
    hand.goes(here)
    assert hand.asks[0] == "What is it like?", "nobody knows which lots left"
    lots = """
        UPDATE stock_bucket SET lot = %(lot)s WHERE id IN (
            SELECT m.from_bucket FROM stock_move AS m JOIN returns_line AS l ON l.line_id = m.line_id
            JOIN returns_receipt AS r ON r.return_line_id = l.id AND r.id = %(receipt)s WHERE m.to_place = 'customer')
    """
    sql.run(lots, facts | {"lot": "L-1"})
    hand.goes(here)
    asks = ("Scan the lot on it", f"2 × {task.sku_code}")
    assert hand.asks == asks
    for said, told in {
        "=A": "A comes later. First scan the lot on it.",
        "A-01": "A-01 comes later. First scan the lot on it.",
        "LAMP-OAK": f"Wrong item: this is LAMP-OAK. Take {task.sku_code}.",
        task.sku_code: f"{task.sku_code} is right. Scan the lot on it as well, so that it is known which one it is.",
        "x" * 101: f"Nothing here has the barcode {'x' * 101}. Scan the lot on it.",
    }.items():
        hand.scans(said)
        assert (hand.wrong, hand.asks) == (told, asks)
    hand.scans("L-9")
    assert hand.wrong == "Lot L-9 did not leave with this order. Undo it if you misread it, or go on."
    assert hand.asks[0] == "What is it like?"
    hand.scans("=undo", "=some", "=1")
    assert hand.asks == ("Scan the lot on it", f"1 × {task.sku_code}")
    hand.scans("(01)05012345678900(10)L-1")
    assert (hand.wrong, hand.asks[0]) == ("", "What is it like?")
    hand.scans("=A")
    assert hand.asks[0] == "Grade A. Proposed:"
    hand.goes(here)
    hand.scans("L-9", "=A")
    assert hand.asks[0] == "Grade D. Proposed:"
    kept = sql.run("SELECT grade, codes FROM returns_inspection ORDER BY inspected_at, id")
    assert kept == [("A", ""), ("D", "other_lot")]
    sql.run(lots, facts | {"lot": ""})


def test_what_bears_no_lot_is_graded_without(shop, handheld):
    task = came_alike(shop, 1)
    sql.run("UPDATE catalog_sku SET lot_policy = 'lot' WHERE code = %(code)s", {"code": task.sku_code})
    left = "SELECT from_bucket FROM stock_move WHERE to_place = 'customer'"
    sql.run(f"UPDATE stock_bucket SET lot = 'L-1' WHERE id IN ({left})")
    hand = handheld("inspector")
    hand.goes(f"/scan/inspect/{task.receipt}/")
    hand.scans("=no lot", "=B")
    assert hand.asks[0] == "Grade B. Proposed:"
    assert sql.run("SELECT grade, codes FROM returns_inspection") == [("B", "")]
    sql.run(f"UPDATE stock_bucket SET lot = '' WHERE id IN ({left})")


def test_who_decides_otherwise_gives_a_reason_of_their_own_and_shows_it(shop, handheld):
    task = came_alike(shop, 1)
    hand = handheld("root")
    hand.goes(f"/scan/inspect/{task.receipt}/")
    hand.scans("=A", key="grade")
    (found,) = returns.tasks(COMPANY)
    instead = next(one for one in rules.DISPOSITIONS if one not in (found.proposed, "keep"))
    here = f"/scan/inspect/{found.inspection}/"
    hand.goes(here)
    assert 'capture="environment"' in hand.page
    picture = SimpleUploadedFile("it.jpg", jpeg(), content_type="image/jpeg")
    hand.browser.post(here, {"photos": [picture, SimpleUploadedFile("no.jpg", b"no")]})
    hand.goes(here)
    assert len(returns.tasks(COMPANY)[0].photos) == 1, "the picture is kept, and what is none is not"
    hand.scans(f"={instead}")
    assert hand.asks[0].startswith("Why, and not ")
    hand.scans("=undo")
    assert hand.asks[0] == "Grade A. Proposed:"
    hand.scans(f"={instead}")
    hand.scans(task.sku_code)
    assert "your reason, in words" in hand.wrong, "a barcode is no reason"
    assert returns.tasks(COMPANY), "nothing is done without one"
    hand.scans("The box is torn", key="why")
    assert returns.tasks(COMPANY) == []
    assert sql.run("SELECT disposition, reason FROM returns_disposition") == [(instead, "The box is torn")]
    hand.at = here
    hand.scans("The box is torn", key="why")
    assert sql.run("SELECT count(*) FROM returns_disposition") == [(1,)]


LISTS = {
    "/scan/pick/": ("comes later", "comes later"),
    "/scan/sort/": ("comes later", "comes later"),
    "/scan/pack/": ("comes later", "comes later"),
    "/scan/count/": ("Wrong bin: this is A-02.", "comes later"),
    "/scan/replenish/": ("Wrong bin: this is A-02.", "Wrong item: this is LAMP-OAK."),
    "/scan/inspect/": ("comes later", "Wrong item: this is LAMP-OAK."),
    "/scan/put-away/": ("comes later", "Wrong item: this is LAMP-OAK."),
    "/scan/receive/": ("comes later", ""),
}
"""What each list says to a bin, and to an item, that open nothing of it."""


def test_what_opens_nothing_is_told_apart_on_every_screen_and_changes_nothing(shop, handheld):
    hand = handheld("root")
    before = sql.run("SELECT count(*) FROM stock_move")
    for address, (bin_, item) in LISTS.items():
        hand.goes(address)
        hand.scans("A-02")
        assert bin_ in hand.wrong, address
        hand.scans("no such thing")
        assert "Nothing here has the barcode" in hand.wrong or "no such thing" in hand.wrong, address
        if item:
            hand.scans("LAMP-OAK")
            assert item in hand.wrong, address
    assert sql.run("SELECT count(*) FROM stock_move") == before


def test_a_scan_takes_as_many_statements_however_many_lots_it_does_not_fit(shop, handheld, statements):
    sql.run("UPDATE catalog_sku SET barcode = '5012345678900' WHERE code = 'PEN-STEEL'")
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    hand, took = handheld("supervisor"), []
    for lots in (("L1",), ("L2", "L3", "L4", "L5")):
        came = [
            Receive(
                COMPANY,
                shop.skus["PEN-STEEL"],
                shop.nodes[0],
                bins["IN"],
                2,
                200,
                "receipt",
                ids.uuid7(),
                lot=lot,
            )
            for lot in lots
        ]
        receive(the_system(shop.now), requests=came)
        hand.goes("/scan/put-away/")
        with statements() as ran:
            hand.scans("]C1010501234567890010L9")
        assert hand.wrong.startswith("Wrong lot")
        took.append(sum("network_node" in text for text in ran.texts))
    assert took[0] == took[1]


def test_a_person_decides_about_expired_goods_and_about_what_nobody_ordered(shop, handheld):
    sql.run("UPDATE catalog_sku SET barcode = '5012345678900' WHERE code = 'PEN-STEEL'")
    system, node, sku = the_system(shop.now), shop.nodes[0], shop.skus["PEN-STEEL"]
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": node}))
    came = Receive(COMPANY, sku, node, bins["IN"], 12, 1200, "receipt", ids.uuid7(), lot="L1")
    receive(system, requests=[came])
    hand = handheld("supervisor")
    hand.goes("/scan/put-away/")
    hand.scans("]C1010501234567890017200630", "]C1010501234567890017200630")
    assert hand.wrong.startswith("Expired on 2020-06-30")

    (supplier,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "PENS", "Pens Ltd", "GBP")])
    order_goods(
        system, requests=[OrderGoods(COMPANY, supplier.id, node, "DN-79", [OrderedLine(sku, 3, Decimal(2))])]
    )
    hand.goes("/scan/receive/")
    hand.scans("dn-79", "LAMP-OAK")
    assert hand.wrong.startswith("LAMP-OAK is not on that order.")
    assert hand.asks[0] == "Scan everything that came"
    assert sorted((one.type, one.role) for one in work.of_subject(node)) == [
        ("expired on the floor", "inventory manager"), ("not ordered", "inventory manager"),
    ]  # fmt: skip
    assert stands(sku) == {"IN": 12}


def test_what_does_not_fit_goes_into_a_second_carton_midway(shop, handheld):
    one = queries.of_order(shop.one("picked"))[0]
    first, *others = floor_queries.picked([one.id])
    units = first.units + sum(row.units for row in others)
    assert units > 1, "an order that can be split"
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    hand.scans(one.number)
    assert "This carton is full" not in hand.page, "nothing is in it yet"
    hand.scans(first.code)
    assert "This carton is full" in hand.page
    hand.scans("=full")
    assert hand.asks == ("Which carton is full?", "1 unit")
    hand.scans("NO-SUCH-CARTON")
    assert "There is no carton NO-SUCH-CARTON" in hand.wrong
    hand.scans(first.code)
    assert "the carton that is full" in hand.wrong
    hand.scans("=undo", "=full", "XL")
    assert "<dd>XL (1)</dd>" in hand.page
    hand.goes(hand.at)
    assert "<dd>XL (1)</dd>" in hand.page, "a reload goes on"
    for row in (first, *others):
        left = row.units - (row is first)
        if left:
            hand.scans(row.code)
        if left > 1:
            hand.scans("=all")
    hand.scans("OWN")
    assert f"{one.number} is packed: XL, OWN." in hand.right[-1]
    assert [(made.carton, made.units) for made in queries.packages(one.order)] == [
        ("XL", 1),
        ("OWN", units - 1),
    ]


def test_a_package_that_weighs_too_much_is_packed_only_with_why(shop, handheld):
    one = queries.of_order(shop.one("picked"))[0]
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    hand.scans(one.number)
    for row in floor_queries.picked([one.id]):
        hand.scans(row.code)
        if row.units > 1:
            hand.scans("=all")
    hand.scans("29 kg", "=yes")
    assert "weighs 29000 g;" in hand.wrong
    assert queries.fulfillment(one.id).state == "picked"
    hand.goes(hand.at)
    assert "<dd>29000 g</dd>" in hand.page, "a reload goes on"
    hand.scans("=why")
    assert hand.asks[0] == "Say why the weight is right"
    hand.scans("it is full of lead", "=yes")
    assert queries.fulfillment(one.id).state == "packed"
    assert sql.run("SELECT reason FROM work_item WHERE type = 'weight off'")[0][0].endswith(
        "it is full of lead"
    )


def test_packages_that_are_proposed_are_weighed_one_after_the_other(shop, handheld):
    """Two of them, since one thing is hazardous; each weight is of the next one."""
    cartons = [RegisterCarton(COMPANY, *one, 30_000, 100, 30) for one in CARTONS]
    register_cartons(the_system(shop.now), requests=cartons)
    one = queries.of_order(shop.one("picked"))[0]
    rows = floor_queries.picked([one.id])
    sql.run("UPDATE catalog_sku SET hazardous = TRUE WHERE code = %(code)s", {"code": rows[0].code})
    known = packing.cartons([COMPANY])[COMPANY]
    inside = packing.contents([one.id])[one.id]
    boxes = packing.boxes(inside, known)
    assert len(boxes) == 2, boxes
    grams = [packing.weight(box, inside, packing.Packing()) for box in boxes]
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    hand.scans(one.number)
    for row in rows:
        hand.scans(row.code)
        if row.units > 1:
            hand.scans("=all")
    assert f"the weight of 1. {boxes[0].carton.code}" in hand.page
    hand.scans(f"{grams[0]} g", "=yes")
    assert f"the weight of 2. {boxes[1].carton.code}" in hand.wrong
    hand.scans(f"{grams[1]} g")
    assert f"<dd>{grams[0]} g, {grams[1]} g</dd>" in hand.page
    hand.scans(f"{grams[0]} g", "99 kg", "=yes")
    assert "weighs 99000 g;" in hand.wrong
    assert f"the weight of 2. {boxes[1].carton.code}" in hand.page, "that one is weighed again, and no other"
    hand.scans(f"{grams[1]} g")
    assert f"<dd>{grams[0]} g, {grams[1]} g</dd>" in hand.page
    hand.scans("=yes")
    assert "is packed" in hand.right[-1]
    assert sorted(made.weight_g for made in queries.packages(one.order)) == sorted(grams)


def test_nothing_is_left_for_the_last_carton(shop, handheld, monkeypatch):
    """Customer service cancels the last unit while all of them are at the packing station."""
    cartons = [RegisterCarton(COMPANY, *one, 30_000, 100, 30) for one in CARTONS]
    register_cartons(the_system(shop.now), requests=cartons)
    one = queries.of_order(shop.one("picked"))[0]
    rows, inside = floor_queries.picked([one.id]), packing.contents([one.id])[one.id]
    last = rows[-1]
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    hand.scans(one.number)
    hand.scans(*[row.code for row in rows for _ in range(row.units)][:-1])
    hand.scans("=full", "850 g", CARTONS[-1][0])
    left = [row if row is not last else row._replace(units=row.units - 1) for row in rows]
    less = [each if each.sku != last.sku else each._replace(units=each.units - 1) for each in inside]
    monkeypatch.setattr(floor_queries, "picked", lambda _: [row for row in left if row.units])
    monkeypatch.setattr(packing, "contents", lambda _: {one.id: [each for each in less if each.units]})
    hand.goes(hand.at)
    assert hand.asks[0] == "All is right. Pack it into"
    hand.scans("300 g")
    assert hand.asks[0] == "All is right. Pack it into"


def test_roles_see_what_is_theirs(shop, handheld):
    page = handheld("inspector").goes("/scan/")
    assert "Inspect returns" in page
    assert 'href="/scan/pick/"' not in page
    assert "Nothing here is for your roles" in handheld("auditor").goes("/scan/")


def a_transfer(shop, *, plate: bool = False, lines=(("MUG-BLUE", 9), ("TEA-ASSAM", 4))):
    """Goods on their way from London to Manchester; with a plate of MUG-BLUE and TEA-ASSAM if asked for."""
    system, bins = the_system(shop.now), {}
    for code, units in lines:
        sku = shop.skus[code]
        at = next(one for one in stock.buckets(sku=sku) if one.node_code == "LDN" and one.quantity > units)
        (bin_id,) = sql.run(
            "SELECT b.id FROM network_bin AS b JOIN network_node AS n ON n.id = b.node_id"
            " WHERE n.code = 'LDN' AND b.code = %(code)s",
            {"code": at.bin_code},
        )[0]
        bins[code] = (bin_id, at.lot)
    loose = tuple(TransferUnits(shop.skus[code], bins[code][0], n, bins[code][1]) for code, n in lines)
    plates = ()
    if plate:
        goods = tuple((shop.skus[code], 2, bins[code][1]) for code, _ in lines[:1])
        (made,) = build_plates(system, requests=[BuildPlate(COMPANY, bins[lines[0][0]][0], goods, NUMBER)])
        plates = (made.plate,)
    wanted = ShipTransfer(COMPANY, shop.nodes[0], shop.nodes[1], loose, plates=plates)
    (sent,) = ship_transfer(system, requests=[wanted])
    assert isinstance(sent, TransferShipped), sent
    return sent


def at_manchester(shop, handheld):
    hand = handheld("supervisor")
    hand.browser.post("/scan/node/", {"node": str(shop.nodes[1])})
    return hand


def to_come(sent) -> dict[str, int]:
    goods = transfer_queries.transfer_goods(sent.transfer)
    return {one.sku_code + (" on plate" if one.plate else ""): one.to_come for one in goods if one.to_come}


def test_a_transfer_is_received_as_it_is_unpacked_with_what_is_damaged_and_lost(shop, handheld):
    sent, hand = a_transfer(shop), at_manchester(shop, handheld)
    assert sent.number in hand.goes("/scan/receive/")
    hand.scans(sent.number.lower())
    assert hand.asks == ("Scan everything that came", sent.number)
    hand.scans("LAMP-OAK")
    assert hand.wrong == f"Wrong item: this is LAMP-OAK. Take what is on its way of {sent.number}."
    hand.scans("MUG-BLUE", "5")
    assert hand.asks == ("Came", "5 × MUG-BLUE")
    hand.scans("TEA-ASSAM")
    assert hand.right == [f"{sent.number}: 5 × MUG-BLUE have come."], "the next goods take in those before"
    hand.scans("=all")
    hand.scans("=yes", key="tea")
    hand.scans("=yes", key="tea")
    assert to_come(sent) == {"MUG-BLUE": 4}
    hand.scans("TEA-ASSAM")
    assert hand.wrong.startswith("Done already: TEA-ASSAM.")
    hand.scans("MUG-BLUE", "=damaged", "=yes")
    assert hand.wrong.startswith("=yes comes later"), "first what is damaged"
    hand.scans("the handle is off", "=yes")
    assert hand.right == [f"{sent.number}: 1 × MUG-BLUE came damaged."]
    hand.scans("MUG-BLUE", "9", "=yes")
    assert f"Transfer {sent.number} still has 3 units of SKU MUG-BLUE on their way" in hand.wrong
    hand.scans("2", "=lost", "fell off the lorry", "=yes")
    assert hand.right == [f"{sent.number}: 2 × MUG-BLUE are written off."]
    assert to_come(sent) == {"MUG-BLUE": 1}
    hand.scans("=lost", "nobody has it")
    assert hand.asks == ("Is this right?", "1 unit is lost")
    hand.scans("=undo", "the van was robbed")
    hand.scans("=yes", key="last")
    assert hand.right == [f"{sent.number}: 1 units are written off. Nothing is on its way any more."]
    assert hand.at == "/scan/receive/" and transfer_queries.transfer(sent.transfer).state == "received"
    hand.at = page = f"/scan/receive/transfer/{sent.transfer}/"
    hand.scans("=yes", key="late")
    assert hand.at == "/scan/receive/" and "This went on elsewhere" in hand.page, (
        "it did nothing, and is told so"
    )
    hand.at = page
    hand.scans("=yes", key="last")
    assert "This went on elsewhere" not in hand.page, "what was sent again has happened"
    there = {
        (row.status, row.quantity)
        for row in stock.buckets(sku=shop.skus["MUG-BLUE"])
        if row.node_code == "MAN"
    }
    assert ("damaged", 1) in there


def test_a_carton_is_put_on_a_pallet_that_comes_whole_and_is_counted_once(shop, handheld):
    sku, system = shop.skus["MUG-BLUE"], the_system(shop.now)
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    made = build_plates(
        system,
        requests=[BuildPlate(COMPANY, bins["A-01"], ((sku, 2),), number) for number in (NUMBER, OTHER)],
    )
    hand = handheld("supervisor")
    for one in made:
        hand.goes("/scan/move/")
        hand.scans(f"00{one.number}", f"(00){PALLET}")
        assert hand.right == [f"It stands on pallet {PALLET}, with 2 units."]
    hand.goes("/scan/move/")
    hand.scans(f"00{PALLET}", f"00{NUMBER}")
    assert hand.wrong.startswith(f"Plate {NUMBER} stands on a pallet"), "nothing stands on a carton"
    assert "Cartons</dt><dd>2" in hand.page

    ask_counts(system, requests=[AskCount(bins["A-01"], sku)])
    hand.goes("/scan/count/")
    hand.scans("A-01", "A-01", f"00{PALLET}", f"00{NUMBER}")
    assert hand.wrong.startswith(f"Done already: {NUMBER}."), "it was counted with its pallet"

    pallet = plate_queries.plate_named(company=COMPANY, text=PALLET).id
    (sent,) = ship_transfer(
        system, requests=[ShipTransfer(COMPANY, shop.nodes[0], shop.nodes[1], plates=(pallet,))]
    )
    hand = at_manchester(shop, handheld)
    hand.goes("/scan/receive/")
    hand.scans(f"00{PALLET}")
    assert hand.right == [f"Plate {PALLET} of {sent.number} has come, with 4 units."]
    found = plate_queries.plate_named(company=COMPANY, text=OTHER)
    assert (found.node_code, found.on_number) == ("MAN", PALLET)


def test_a_plate_is_received_whole_at_one_scan_wherever_it_was_sent_from(shop, handheld, console):
    sent = a_transfer(shop, plate=True)
    which = plate_queries.plate_named(company=COMPANY, text=NUMBER).id
    page = console("inventory").get(f"/stock/plates/{which}/").content.decode()
    assert "On its way to" in page and sent.number in page and "It has come whole" in page
    hand = handheld("supervisor")
    hand.goes("/scan/receive/")
    hand.scans(f"00{NUMBER}")
    assert f"Plate {NUMBER} is on its way to MAN." in hand.wrong, "at the wrong node"
    for flow in ("put-away", "move"):
        hand.goes(f"/scan/{flow}/")
        hand.scans(f"00{NUMBER}")
        assert f"Plate {NUMBER} is on its way to MAN." in hand.wrong
    hand = at_manchester(shop, handheld)
    hand.goes("/scan/receive/")
    hand.scans(f"00{NUMBER}", key="one")
    hand.scans(f"00{NUMBER}", key="one")
    assert hand.wrong == "" and to_come(sent) == {"MUG-BLUE": 9, "TEA-ASSAM": 4}
    found = plate_queries.plate_named(company=COMPANY, text=NUMBER)
    assert (found.node_code, found.bin_kind, found.units) == ("MAN", "receiving", 2)
    hand.goes("/scan/receive/")
    hand.scans(sent.number, f"00{NUMBER}")
    assert hand.wrong.startswith(f"Done already: {NUMBER}.")


def test_who_just_picked_at_the_bin_of_the_next_stop_need_not_scan_it(shop, handheld, console):
    """Two orders' units out of one bin: neither who takes the list over nor who comes back later stands there."""
    one = a_list(shop, "batch")
    stops = [row.stop for row in floor_queries.stops(pick_list=one.id)]
    place = next(i for i in range(1, len(stops)) if stops[i].bin == stops[i - 1].bin)
    a_person("picker", "picker")
    hand, other = handheld("supervisor"), handheld("picker")
    walk = f"/scan/pick/list/{one.id}/"
    hand.goes(walk)
    for stop in stops[:place]:
        if hand.asks[0] == "Go to bin":
            hand.scans(stop.bin.code)
        hand.scans(*[stop.item.code] * stop.item.quantity)
    stop = stops[place]
    assert hand.asks == ("Take", f"{stop.item.quantity} × {stop.item.code}")

    def given(name: str) -> None:
        form = {"list": str(one.id), "picker": name, "action": "give"}
        console("supervisor").post("/floor/lists/give/", form)

    given("picker")
    other.goes(walk)
    assert other.asks == ("Go to bin", stop.bin.code), "it stands there for the first time"
    given("supervisor")
    hand.goes(walk)
    assert hand.asks[0] == "Take"
    sql.run("UPDATE work_scanning SET scanned_at = scanned_at - interval '20 minutes' RETURNING person")
    hand.goes(walk)
    assert hand.asks == ("Go to bin", stop.bin.code), "after a break"
    hand.scans(stop.bin.code, *[stop.item.code] * stop.item.quantity)
    assert queries.pick_list(one.id).open_stops == one.open_stops - place - 1


def test_the_lot_is_asked_for_of_each_barcode_where_several_stand_in_a_bin(shop, handheld):
    one = queries.of_order(shop.one("released"))[0]
    stop = next(row.stop for row in floor_queries.stops(fulfillment=one.id))
    sql.run("UPDATE warehouse_picktask SET lot = 'L-1' WHERE id = %(id)s RETURNING id", {"id": stop.task})
    hand = handheld("supervisor")
    hand.goes(f"/scan/pick/order/{one.id}/")
    hand.scans(stop.bin.code)
    assert 'value="=lot|L-1"' not in hand.page
    hand.scans("L-1")
    assert "Nothing here has the barcode L-1" in hand.wrong, "a lot alone is no unit"
    for unit in range(1, stop.item.quantity + 1):
        hand.scans(stop.item.code)
        assert hand.asks == ("Type or scan its lot", "L-1")
        assert "It is lot L-1" in hand.page
        if unit < stop.item.quantity:
            hand.scans("=lot|L-1" if unit == 1 else "L-1")
            assert hand.asks[0] == "Take"
            assert f"<b>{unit}</b>" in hand.page
    hand.scans(stop.item.code)
    assert hand.wrong.startswith(f"{stop.item.code} is right. Scan its lot as well")


def test_of_goods_whose_serial_numbers_are_noted_each_is_read_with_its_own(shop, handheld):
    one = queries.of_order(shop.one("picked"))[0]
    first = floor_queries.picked([one.id])[0]
    by_number = "UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s"
    sql.run(by_number, {"sku": first.sku})
    other = ids.uuid7()
    sql.write(
        "warehouse_packedserial",
        ("fulfillment_id", "line_id", "company_id", "sku_id", "serial"),
        [(one.id, other, COMPANY, first.sku, "S-GONE")],
    )
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    hand.scans(one.number)
    hand.scans(first.code)
    assert hand.asks == ("Scan its serial number", first.code)
    hand.scans("S-GONE")
    assert "went out with order" in hand.wrong
    assert hand.asks == ("Scan its serial number", first.code), "nothing has changed"
    for n in range(first.units):
        hand.scans(f"S-{n}")
        assert "=all" not in hand.page
        if n + 1 < first.units:
            hand.scans(first.code, f"S-{n}")
            assert (
                hand.wrong
                == f"Serial number S-{n} was scanned before. Every piece has its own: scan another."
            )
    for row in floor_queries.picked([one.id])[1:]:
        hand.scans(row.code)
        if row.units > 1:
            hand.scans("=all")
    hand.scans("=yes")
    assert queries.fulfillment(one.id).state == "packed"
    kept = sql.run(
        "SELECT serial FROM warehouse_packedserial WHERE line_id <> %(o)s ORDER BY 1", {"o": other}
    )
    assert [serial for (serial,) in kept] == [f"S-{n}" for n in range(first.units)]
