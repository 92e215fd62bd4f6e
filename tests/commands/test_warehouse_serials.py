"""Serial numbers that are noted when goods are sent: warehouse.pack, shipping.ship, and what comes back."""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.insight import pages
from entrepot.insight.finding import find
from entrepot.kernel import ids, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, RequestReused
from entrepot.returns import errors as returns
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, Inspected, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.verdicts import RefuseUnits, refuse_units
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.stock.commands.receive import Receive as Got
from entrepot.stock.commands.receive import receive as receive_stock
from entrepot.stock.errors import SerialElsewhere
from entrepot.warehouse import errors, packing, queries
from entrepot.warehouse.commands.pack import FulfillmentPacked, PackFulfillment, pack
from entrepot.warehouse.commands.unpack import UnpackFulfillment, unpack
from entrepot.work.errors import ScanSerialTwice
from tests.commands.test_returns_findings import INSPECTS, asked, came
from tests.floor import COMPANY, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, picked, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    """Of the first SKU serial numbers are noted when it is sent, of the second none."""
    house = a_house()
    house.stock(0, 5000)
    house.stock(1, 5000)
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s", {"sku": house.skus[0]})
    return house


def a_line(fulfillment: UUID) -> UUID:
    return next(one.line for one in packing.contents([fulfillment])[fulfillment] if one.to_note)


def asks(fulfillment: UUID, *serials: str, **more: str) -> PackFulfillment:
    line = a_line(fulfillment)
    return PackFulfillment(fulfillment, serials=tuple((line, serial) for serial in serials), **more)


def went(house: Floor, *serials: str) -> tuple[UUID, UUID]:
    """An order that left with units under serial numbers, and its fulfillment."""
    order = house.order((0, len(serials)), (1, 2)).order
    (one,) = picked(order)
    (answer,) = pack(SYSTEM, requests=[asks(one, *serials)])
    assert isinstance(answer, FulfillmentPacked)
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(one)])
    assert isinstance(gone, FulfillmentShipped)
    return order, one


def noted() -> list[tuple[str, bool]]:
    return sql.run("SELECT serial, back FROM warehouse_packedserial ORDER BY serial, back DESC")


def test_units_leave_under_the_numbers_that_were_read(house: Floor):
    order, _ = went(house, "S-2", "S-1")
    assert noted() == [("S-1", False), ("S-2", False)]
    left = sql.run(
        "SELECT b.serial, m.quantity FROM stock_move AS m JOIN stock_bucket AS b ON b.id = m.from_bucket"
        " WHERE m.to_place = 'customer' ORDER BY 1, 2"
    )
    assert left == [("", 2), ("S-1", 1), ("S-2", 1)]
    (shipment,) = pages.shipments(order=order)
    code = house.codes[0]
    assert shipment.serials == ((code, "S-1"), (code, "S-2"))
    found = find(company=COMPANY, text="S-1")
    assert {(one.kind, one.name) for one in found} >= {("shipment", shipment.number)}


def test_without_a_number_of_every_unit_nothing_is_packed(house: Floor):
    (one,) = picked(house.order((0, 2), (1, 1)).order)
    (plain,) = pack(SYSTEM, requests=[PackFulfillment(one)])
    (short,) = pack(SYSTEM, requests=[asks(one, "S-1")])
    (more,) = pack(SYSTEM, requests=[asks(one, "S-1", "S-2", "S-3")])
    for answer, said in ((plain, 0), (short, 1), (more, 3)):
        assert isinstance(answer, errors.SerialsNeeded)
        assert (answer.facts["wanted"], answer.facts["found"]) == (2, said)
    other = next(each.line for each in packing.contents([one])[one] if each.to_note is None)
    (wrong,) = pack(SYSTEM, requests=[
        PackFulfillment(one, serials=((a_line(one), "S-1"), (a_line(one), "S-2"), (other, "S-3")))
    ])  # fmt: skip
    assert isinstance(wrong, errors.SerialsNeeded)
    assert wrong.facts["wanted"] == 0
    for line, serial in ((a_line(one), " "), (a_line(one), "x" * 101), (ids.uuid7(), "S-1")):
        (odd,) = pack(SYSTEM, requests=[PackFulfillment(one, serials=((line, serial), (a_line(one), "S-2")))])
        assert isinstance(odd, Invalid)
        assert odd.facts["field"] == "serials"
    assert (noted(), queries.fulfillment(one).state) == ([], "picked")


def test_one_number_goes_out_once(house: Floor):
    order, _ = went(house, "S-1")
    (number,) = sql.run("SELECT number FROM orders_order WHERE id = %(id)s", {"id": order})[0]
    one, other = picked(*placed(house, 2, (0, 2)))

    (twice,) = pack(SYSTEM, requests=[asks(one, "S-7", " S-7 ")])
    (again,) = pack(SYSTEM, requests=[asks(one, "S-7", "S-1")])
    first, second = pack(SYSTEM, requests=[asks(one, "S-2", "S-3"), asks(other, "S-4", "S-3")])

    assert twice == ScanSerialTwice(scanned="S-7")
    assert isinstance(again, errors.SerialIsOut)
    assert (again.facts["serial"], again.facts["order"]) == ("S-1", number)
    assert isinstance(first, FulfillmentPacked)
    assert second == ScanSerialTwice(scanned="S-3")
    assert [serial for serial, _ in noted()] == ["S-1", "S-2", "S-3"]
    (packed,) = pack(SYSTEM, requests=[asks(other, "S-4", "S-3")])
    assert isinstance(packed, errors.SerialIsOut), "packed by another, and not sent yet"


def test_a_number_that_stands_in_a_bin_is_not_on_the_unit_at_hand(house: Floor):
    one, other = picked(*placed(house, 2, (0, 1)))
    reserve = house.bins[house.nodes[0], "pick"]
    got = Got(COMPANY, house.skus[0], house.nodes[0], reserve, 1, 100, "receipt", ids.uuid7(), serial="S-9")
    receive_stock(SYSTEM, requests=[got])
    (answer,) = pack(SYSTEM, requests=[asks(one, "S-9")])
    assert isinstance(answer, SerialElsewhere)
    assert noted() == []
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s", {"sku": house.skus[1]})
    (mug,) = picked(house.order((1, 1)).order)
    first, second = pack(SYSTEM, requests=[asks(mug, "S-9"), asks(other, "S-1")])
    assert isinstance(first, FulfillmentPacked), "another SKU has numbers of its own"
    assert isinstance(second, FulfillmentPacked)


def test_a_key_is_answered_as_before(house: Floor):
    (one,) = picked(house.order((0, 1)).order)
    first = pack(SYSTEM, requests=[asks(one, "S-1", key="k")])
    line = sql.run("SELECT line_id FROM warehouse_packedserial")[0][0]
    assert pack(SYSTEM, requests=[PackFulfillment(one, serials=((line, "S-1"),), key="k")]) == first
    (other,) = pack(SYSTEM, requests=[PackFulfillment(one, serials=((line, "S-2"),), key="k")])
    assert isinstance(other, RequestReused)
    assert noted() == [("S-1", False)]


def test_what_is_opened_again_is_read_again(house: Floor):
    (one,) = picked(house.order((0, 1)).order)
    pack(SYSTEM, requests=[asks(one, "S-1")])
    unpack(SYSTEM, requests=[UnpackFulfillment(one, "the wrong slip is in it")])
    assert noted() == []
    (again,) = pack(SYSTEM, requests=[asks(one, "S-1")])
    assert isinstance(again, FulfillmentPacked)


@pytest.mark.parametrize("read_at", ["the door", "inspection"])
def test_what_came_back_is_checked_and_goes_out_again(house: Floor, read_at: str):
    order, _ = went(house, "S-1")
    one = asked(order, 1)
    serial = "S-1" if read_at == "the door" else ""
    (got,) = receive(INSPECTS, requests=[Receive(one.return_id, one.lines[0], 1, serial=serial)])
    if not serial:
        none, swap = inspect(INSPECTS, requests=[
            Inspect(got.receipt, 1, "A"), Inspect(got.receipt, 1, serial="S-1", grade="A")
        ])  # fmt: skip
        assert none == returns.SerialNeeded(left=1)
        assert isinstance(swap, Inspected)
        assert swap.codes == ()
    assert noted() == [("S-1", True)]
    (out,) = picked(house.order((0, 1)).order)
    (answer,) = pack(SYSTEM, requests=[asks(out, "S-1")])
    if serial:
        assert isinstance(answer, SerialElsewhere), "it stands with the returns by the records"
    else:
        assert isinstance(answer, FulfillmentPacked)
        assert noted() == [("S-1", True), ("S-1", False)]


@pytest.mark.parametrize("read_at", ["the door", "inspection"])
def test_what_is_not_taken_back_and_sent_back_is_out_again(house: Floor, read_at: str):
    order, _ = went(house, "S-1")
    one = asked(order, 1)
    serial = "S-1" if read_at == "the door" else ""
    (got,) = receive(INSPECTS, requests=[Receive(one.return_id, one.lines[0], 1, serial=serial)])
    (seen,) = inspect(INSPECTS, requests=[Inspect(got.receipt, 1, "A", serial="S-1")])
    assert noted() == [("S-1", True)]
    whole(refuse_units(SYSTEM, requests=[RefuseUnits(seen.inspection, "not_ours", "It is not from us.")]))
    whole(dispose(SYSTEM, requests=[Dispose(seen.inspection, 1)]))
    assert noted() == [("S-1", False)]


@pytest.mark.parametrize("read_at", ["the door", "inspection"])
def test_a_number_that_another_order_sent_stays_out(house: Floor, read_at: str):
    order, _ = went(house, "S-1")
    went(house, "S-2")
    one = asked(order, 1)
    serial = "S-2" if read_at == "the door" else ""
    (got,) = receive(INSPECTS, requests=[Receive(one.return_id, one.lines[0], 1, serial=serial)])
    if not serial:
        inspect(INSPECTS, requests=[Inspect(got.receipt, 1, "A", serial="S-2")])
    assert noted() == [("S-1", False), ("S-2", False)]


def test_what_was_sent_again_comes_back_on_the_order_that_was_paid(house: Floor):
    order, _ = went(house, "S-1")
    ((shipment,),) = sql.run("SELECT id FROM shipping_shipment WHERE order_id = %(id)s", {"id": order})
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "lost")])
    (one,) = picked(again.order)
    pack(SYSTEM, requests=[asks(one, "S-2")])
    ship(SYSTEM, requests=[ShipFulfillment(one)])
    back = asked(order, 1)
    receive(INSPECTS, requests=[Receive(back.return_id, back.lines[0], 1, serial="S-2")])
    assert noted() == [("S-1", False), ("S-2", True)]


def test_what_left_in_part_with_numbers_comes_back_without(house: Floor):
    with_one_number(house, 1)
    house.stock(2, 1)
    order = house.order((2, 2)).order
    (one,) = picked(order)
    assert isinstance(pack(SYSTEM, requests=[PackFulfillment(one, gone=True)])[0], FulfillmentPacked)
    assert isinstance(ship(SYSTEM, requests=[ShipFulfillment(one)])[0], FulfillmentShipped)
    receipt = came(asked(order, 2))[0].receipt
    mine, other = inspect(INSPECTS, requests=[
        Inspect(receipt, 1, "A", serial="S-1"), Inspect(receipt, 1, "A", serial="S-8")
    ])  # fmt: skip
    assert (mine.codes, other.codes) == ((), ())


def test_what_was_inspected_before_the_house_knew_of_it_needs_no_number(house: Floor):
    order, _ = went(house, "S-1", "S-2")
    receipt = came(asked(order, 2))[0].receipt
    (needed,) = inspect(INSPECTS, requests=[Inspect(receipt, 2, "A")])
    (answer,) = inspect(INSPECTS, requests=[Inspect(receipt, 2, "A", gone=True)])
    assert needed == returns.SerialNeeded(left=2)
    assert isinstance(answer, Inspected)


def test_of_a_unit_that_was_sent_again_another_is_a_swap(house: Floor):
    order, _ = went(house, "S-1")
    ((shipment,),) = sql.run("SELECT id FROM shipping_shipment WHERE order_id = %(id)s", {"id": order})
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "lost")])
    sql.run("UPDATE warehouse_packedserial SET back = TRUE")
    (one,) = picked(again.order)
    pack(SYSTEM, requests=[asks(one, "S-1")])
    ship(SYSTEM, requests=[ShipFulfillment(one)])
    receipt = came(asked(order, 1))[0].receipt
    (swap,) = inspect(INSPECTS, requests=[Inspect(receipt, 1, "A", serial="S-8")])
    assert swap.codes == ("serial_swap",)


def test_another_that_came_back_is_a_swap(house: Floor):
    order, _ = went(house, "S-1")
    receipt = came(asked(order, 1))[0].receipt
    (swap,) = inspect(INSPECTS, requests=[Inspect(receipt, 1, "A", serial="S-8")])
    assert swap.codes == ("serial_swap",)
    assert noted() == [("S-1", False)]


def test_a_unit_that_was_picked_by_its_number_needs_none_read(house: Floor):
    sql.run("UPDATE stock_bucket SET serial = 'S-5' WHERE sku_id = %(sku)s", {"sku": house.skus[0]})
    order = house.order((0, 1)).order
    (one,) = picked(order)
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(one)])
    assert isinstance(answer, FulfillmentPacked)
    assert noted() == [("S-5", False)]
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(one)])
    assert isinstance(gone, FulfillmentShipped)
    (shipment,) = pages.shipments(order=order)
    assert [serial for _, serial in shipment.serials] == ["S-5"]
    sql.run(
        "UPDATE stock_bucket SET serial = ''  WHERE sku_id = %(sku)s AND quantity > 0", {"sku": house.skus[0]}
    )


def with_one_number(house: Floor, *units: int) -> None:
    """Of the third SKU all units stand under one number, by a slip of somebody: so many in the pick bin, and in
    reserve."""
    for kind, quantity in zip(("pick", "reserve"), units, strict=False):
        house.stock(2, quantity, kind=kind)
    of = {"sku": house.skus[2]}
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s", of)
    sql.run("UPDATE stock_bucket SET serial = 'S-1' WHERE sku_id = %(sku)s", of)


@pytest.mark.parametrize("units", [(1, 1), (2,)])
def test_a_number_that_two_units_have_by_the_records_stops_no_parcel(house: Floor, units: tuple[int, ...]):
    with_one_number(house, *units)
    (one,) = picked(house.order((2, 2)).order)
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(one)])
    assert isinstance(answer, FulfillmentPacked)
    assert noted() == [("S-1", False)]
    assert isinstance(ship(SYSTEM, requests=[ShipFulfillment(one)])[0], FulfillmentShipped)


@pytest.mark.parametrize("together", [True, False])
def test_a_number_on_two_orders_by_the_records_stops_neither(house: Floor, together: bool):
    with_one_number(house, 1, 1)
    one, other, plain = picked(*placed(house, 2, (2, 1)), house.order((0, 1)).order)
    wanted = [PackFulfillment(one), PackFulfillment(other), asks(plain, "S-7")]
    batches = [wanted] if together else [[each] for each in wanted]
    answers = [answer for batch in batches for answer in pack(SYSTEM, requests=batch)]
    assert all(isinstance(answer, FulfillmentPacked) for answer in answers)
    assert noted() == [("S-1", False), ("S-7", False)], "nobody has brought the first one back"
    gone = ship(SYSTEM, requests=[ShipFulfillment(each) for each in (one, other, plain)])
    assert all(isinstance(answer, FulfillmentShipped) for answer in gone)


def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    packs, ships = [], []
    for size in SIZES:
        work = picked(*placed(house, size, (0, 2), (1, 1)))
        wanted = [asks(one, f"{one}-1", f"{one}-2", key=str(one)) for one in work]
        with statements() as ran:
            pack(SYSTEM, requests=wanted)
        packs.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        with statements() as ran:
            ship(SYSTEM, requests=[ShipFulfillment(one) for one in work])
        ships.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert packs == [20] * 3
    assert len(set(ships)) == 1


def test_what_left_before_the_house_knew_of_it_goes_without(house: Floor):
    one, other = picked(*placed(house, 2, (0, 1)))
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(one, gone=True)])
    assert isinstance(answer, FulfillmentPacked)
    assert noted() == []
    assert isinstance(pack(SYSTEM, requests=[PackFulfillment(other)])[0], errors.SerialsNeeded)
