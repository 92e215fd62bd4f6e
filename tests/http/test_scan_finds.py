"""What the handheld finds beside its task becomes work: serial numbers that the records know of somewhere else, and
barcodes that nobody knows."""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import floor_queries, queries
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
UNKNOWN = "4006381333931"


def items() -> list[tuple[str, str, dict]]:
    return sql.run("SELECT type, role, facts FROM work_item WHERE subject_kind = 'node' ORDER BY id")  # type: ignore[return-value]


def bins_of(shop) -> dict[str, UUID]:
    return dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))  # type: ignore[arg-type]


def stands_in(shop, sku: UUID, bin_code: str, serial: str) -> None:
    """A unit of stock by its serial number."""
    came = Receive(
        COMPANY, sku, shop.nodes[0], bins_of(shop)[bin_code], 1, 100, "receipt", ids.uuid7(), serial=serial
    )
    receive(the_system(shop.now), requests=[came])


def went_out(fulfillment: UUID, sku: UUID, serial: str) -> None:
    """A unit that was packed before, and has not come back."""
    sql.write(
        "warehouse_packedserial",
        ("fulfillment_id", "line_id", "company_id", "sku_id", "serial"),
        [(fulfillment, ids.uuid7(), COMPANY, sku, serial)],
    )


def test_what_a_picker_finds_is_work_without_a_tap(shop, handheld):
    one = queries.of_order(shop.one("released"))[0]
    stop = floor_queries.stops(fulfillment=one.id)[0].stop
    stands_in(shop, stop.item.sku, "R-01", "S-THERE")
    stands_in(shop, stop.item.sku, stop.bin.code, "S-HERE")
    went_out(one.id, stop.item.sku, "S-GONE")
    hand = handheld("supervisor")
    hand.goes(f"/scan/pick/order/{one.id}/")
    hand.scans(UNKNOWN)
    assert items() == [], "before its bin is scanned it may be anything"
    hand.scans(stop.bin.code, UNKNOWN, UNKNOWN, "Hello", "S-HERE")
    told = {"barcode": UNKNOWN, "flow": "pick", "place": stop.bin.code, "expected": stop.item.code}
    assert items() == [("unknown barcode", "inventory manager", told)]
    assert "=report|" in hand.page, "the tap adds a picture"

    hand.scans("S-THERE")
    assert hand.wrong.startswith("Serial S-THERE of SKU") and "stands in R-01" in hand.wrong
    hand.scans("S-THERE", "S-GONE", "S-GONE")
    assert "went out with order" in hand.wrong
    _, there, gone = items()
    assert there == (
        "serial number in two places",
        "inventory manager",
        {"serial": "S-THERE", "flow": "pick", "place": stop.bin.code, "expected": stop.item.code,
         "sku": stop.item.code, "where": "R-01"},
    )  # fmt: skip
    assert (gone[0], gone[2]["serial"], gone[2]["order"]) == (
        "serial number came up again", "S-GONE", one.order_number,
    )  # fmt: skip
    assert queries.fulfillment(one.id).state == "released", "nothing has changed"


def test_a_serial_number_that_a_packer_reads_again_is_work_once_for_an_order(shop, handheld):
    one = queries.of_order(shop.one("picked"))[0]
    first = floor_queries.picked([one.id])[0]
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s", {"sku": first.sku})
    went_out(one.id, first.sku, "S-GONE")
    stands_in(shop, first.sku, "R-01", "S-THERE")
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    hand.scans(one.number, first.code, "S-GONE", "S-GONE", "S-THERE")
    assert hand.asks == ("Scan its serial number", first.code)
    assert [(type_, facts["serial"], facts["place"]) for type_, _, facts in items()] == [
        ("serial number came up again", "S-GONE", one.number),
        ("serial number in two places", "S-THERE", one.number),
    ]


def test_a_serial_number_that_is_moved_out_of_another_bin_is_work_once_for_a_bin(shop, handheld):
    sku = shop.skus["PEN-STEEL"]
    stands_in(shop, sku, "R-01", "S-THERE")
    stands_in(shop, sku, "IN", "S-OTHER")
    stands_in(shop, sku, "IN", "S-MOVED")
    bins = bins_of(shop)
    hand = handheld("supervisor")
    hand.goes(f"/scan/move/in/{bins['IN']}/")
    hand.scans("S-THERE", "S-THERE")
    assert "stands in R-01" in hand.wrong
    assert [(type_, facts["place"], facts["where"]) for type_, _, facts in items()] == [
        ("serial number in two places", "IN", "R-01")
    ]
    hand.scans("S-MOVED")
    assert len(items()) == 1, "it stands where it is taken from"
    hand.goes(f"/scan/move/in/{bins['R-01']}/")
    hand.scans("S-OTHER", "nothing that is known")
    assert [facts["place"] for _, _, facts in items()] == ["IN", "R-01"]
