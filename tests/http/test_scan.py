"""The scan screens, whichever it is: what opens nothing, statements, what a person decides, roles."""

from __future__ import annotations

from decimal import Decimal

import pytest

from entrepot.kernel import ids, sql
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing.commands.order import OrderedLine, OrderGoods
from entrepot.purchasing.commands.order import order as order_goods
from entrepot.stock.commands.receive import Receive, receive
from entrepot.work import queries as work
from tests.handheld import stands
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db

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


def test_roles_see_what_is_theirs(shop, handheld):
    page = handheld("inspector").goes("/scan/")
    assert "Inspect returns" in page
    assert 'href="/scan/pick/"' not in page
    assert "Nothing here is for your roles" in handheld("auditor").goes("/scan/")
