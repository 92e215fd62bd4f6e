"""The handheld at the packing station: every unit checked, cartons, weights, serial numbers."""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.warehouse import floor_queries, packing, queries
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from tests.http.test_packing import CARTONS
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


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
    boxes = packing.boxes(inside, known, packing.Packing())
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


def test_where_every_unit_is_scanned_no_button_says_the_rest_and_each_is_weighed(shop, handheld):
    one = queries.of_order(shop.one("picked"))[0]
    body = packing.Packing(verify="unit", weigh="always", weight_tolerance_percent=100)
    set_policy(the_system(shop.now), requests=[SetPolicy(COMPANY, "warehouse.packing", body, shop.now)])
    hand = handheld("supervisor")
    hand.goes("/scan/pack/")
    hand.scans(one.number)
    for row in floor_queries.picked([one.id]):
        for unit in range(row.units):
            hand.scans(row.code)
            if unit + 1 < row.units:
                assert f"of {row.code}" not in hand.page
                hand.scans("=all")
                assert "the rest" in hand.wrong
    hand.scans("XL")
    assert "is packed only with the weight of each package" in hand.wrong
    assert queries.fulfillment(one.id).state == "picked"
    known = packing.cartons([COMPANY])[COMPANY]
    inside = packing.contents([one.id])[one.id]
    goods = sum(each.item.weight_g * each.units for each in inside)
    hand.scans(f"{goods + known.find('XL').tare_g} g", "XL")
    assert queries.fulfillment(one.id).state == "packed"
