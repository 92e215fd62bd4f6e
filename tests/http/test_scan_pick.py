"""The handheld at the shelf: orders and lists picked, sorted, short, given to others."""

from __future__ import annotations

import re

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.network import queries as network_queries
from entrepot.network.commands import register as network
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import floor_queries, queries, waves
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.propose_wave import ProposeWave, propose_wave
from entrepot.warehouse.commands.put_away import PutAway, UnitsPutAway, put_away
from entrepot.warehouse.commands.waves import ReleaseWave, release_wave
from tests.shop import COMPANY, a_person, the_system
from tests.waves import a_shop_that_gathers

pytestmark = pytest.mark.django_db


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


def test_a_tote_is_passed_on_to_the_next_zone_and_taken_up_by_its_number(shop, handheld, console):
    a_shop_that_gathers(shop)
    system, node = the_system(shop.now), shop.nodes[0]
    zones = network.register_zones(system, requests=[network.RegisterZone(node, code) for code in ("A", "B")])
    bins = {row.code: row for row in network_queries.bins(nodes=[node])}
    network.register_bins(system, requests=[
        network.RegisterBin(COMPANY, node, code, one.kind, zones[code > "A-01"].id, one.pick_sequence, 0, 8)
        for code, one in bins.items() if one.kind == "pick"
    ])  # fmt: skip
    # One of the things of an order of several stands in the second zone.
    ((sku, free),) = sql.run(
        "SELECT b.sku_id, b.quantity - b.committed FROM stock_bucket AS b WHERE b.bin_id = %(bin)s::uuid"
        " AND b.sku_id = (SELECT max(sku_id::text)::uuid FROM orders_line WHERE order_id = ANY(%(ready)s::uuid[])"
        " GROUP BY order_id HAVING count(DISTINCT sku_id) > 1 ORDER BY order_id LIMIT 1)",
        {"ready": shop.orders["ready"], "bin": bins["A-01"].id},
    )
    (moved,) = put_away(system, requests=[PutAway(COMPANY, sku, bins["A-01"].id, bins["A-02"].id, free)])
    assert isinstance(moved, UnitsPutAway)
    policy = waves.Waves(mode="waves", pass_zones=("A", "B"), pass_places=("", "CONV-B"))
    set_policy(system, requests=[SetPolicy(COMPANY, "warehouse.waves", policy, shop.now, "LDN")])
    (wave,) = propose_wave(system, requests=[ProposeWave(node, method="pass")])
    release_wave(system, requests=[ReleaseWave(wave.wave)])
    lists = queries.pick_lists(wave=wave.wave)
    begin = {_order_of(one): one for one in lists if one.leg == 1}
    second = next(one for one in lists if one.leg == 2 and _order_of(one) in begin)
    first = begin[_order_of(second)]

    hand = handheld("supervisor")
    hand.goes(f"/scan/pick/list/{second.id}/")
    assert "is still in zone A" in hand.wrong
    hand.goes("/scan/pick/")
    assert second.number not in hand.page
    hand.scans(first.number, "T-9")
    for row in floor_queries.stops(pick_list=first.id):
        hand.scans(row.stop.bin.code, row.stop.item.code)
        if row.stop.item.quantity > 1:
            hand.scans("=all")
        hand.scans("T-9")
    assert hand.right[-1] == f"{first.number} is picked. Pass tote T-9 to zone B: put it down at CONV-B."
    shown = console("supervisor").get(f"/floor/waves/{wave.wave}/").content.decode()
    assert "tote T-9 · tote is here" in shown

    other = handheld("root")
    other.goes("/scan/pick/")
    other.scans("t-9")
    assert other.asks == ("Tote T-9 goes to zone", "B")
    assert "Put it down at CONV-B." in other.page and "Take it here" in other.page
    assert queries.pick_list(second.id).picker == "", "whoever puts it down takes no list"
    other.goes(f"/scan/pick/list/{second.id}/")
    assert queries.pick_list(second.id).picker == shop.people["root"].username

    for row in floor_queries.stops(pick_list=second.id):
        pick(system, requests=[PickFulfillment(row.stop.fulfillment)])
    other.goes("/scan/pick/")
    other.scans("T-9")
    assert other.asks == ("Bring tote T-9", "to packing")
    sql.run(
        "UPDATE warehouse_fulfillment SET state = 'cancelled' WHERE id = %(id)s::uuid RETURNING id",
        {"id": _order_of(second)},
    )
    other.goes(other.at)
    assert other.asks[1] == "put it away"
    sql.run(
        "UPDATE warehouse_fulfillment SET state = 'picked' WHERE id = %(id)s::uuid RETURNING id",
        {"id": _order_of(second)},
    )


def _order_of(one: queries.PickListRow) -> object:
    return queries.list_stops(one.id)[0].fulfillment
