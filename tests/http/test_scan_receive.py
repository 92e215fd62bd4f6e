"""The handheld at the dock: deliveries, transfers and plates as they are unpacked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import ids, sql
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing import dock
from entrepot.purchasing import queries as purchasing
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.order import OrderedLine, OrderGoods
from entrepot.purchasing.commands.order import order as order_goods
from entrepot.stock import plate_queries, transfer_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.commands.transfer import ShipTransfer, TransferShipped, TransferUnits, ship_transfer
from entrepot.stock.plating import sscc
from entrepot.warehouse import shelf_queries
from entrepot.warehouse.commands.build_plates import BuildPlate, build_plates
from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
from entrepot.web.views.scan import receive as scan_receive
from tests.plates import NUMBER, OTHER, PREFIX
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db

PALLET = sscc(PREFIX, 3, 7)


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
