"""Transfers as expected supply: stock.ship_transfer and stock.receive_transfer"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.insight import availability
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import NotFound
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.peg import PegSku, peg
from entrepot.stock import availability_queries, errors, plate_queries, rules, transfer_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferReceived,
    TransferShipped,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)
from entrepot.stock.expiry import Expiry
from entrepot.stock.plating import sscc
from entrepot.warehouse.commands.build_plates import BuildPlate, build_plates
from entrepot.warehouse.commands.move_plates import MovePlate, move_plates
from entrepot.warehouse.commands.open_plates import OpenPlate, open_plates
from entrepot.warehouse.commands.put_away import PutAway, put_away
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, units
from tests.plates import NUMBER, OTHER, PREFIX, a_plate, holds, stands
from tests.sizes import SIZES
from tests.walk import freed_is_offered

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def sent(floor: Floor, quantity: int = 6, days: int | None = 2, key: str | None = None) -> UUID:
    """A transfer of units from the first node to the second."""
    line = TransferUnits(floor.skus[0], floor.bin(), quantity)
    at = None if days is None else NOW + timedelta(days=days)
    request = ShipTransfer(COMPANY, floor.nodes[0], floor.nodes[1], (line,), at, key=key)
    (answer,) = ship_transfer(SYSTEM, requests=[request])
    assert isinstance(answer, TransferShipped)
    return answer.transfer


def arrived(
    floor: Floor, transfer: UUID, received: int, lost: int = 0, key: str | None = None
) -> ReceiveTransfer:
    lines = (ArrivedUnits(floor.skus[0], floor.bin(1), received, lost),)
    return ReceiveTransfer(transfer, lines, key=key, reason="a box is missing" if lost else "")


def expected(floor: Floor) -> list[tuple[int, int]]:
    """Units that the second node expects, and in how many days."""
    rows = sql.run(
        "SELECT quantity, expected_on FROM stock_supply WHERE node_id = %(node)s ORDER BY quantity",
        {"node": floor.nodes[1]},
    )
    return [(units, (on - TODAY).days) for units, on in rows]


def test_what_is_on_its_way_is_expected_until_it_has_come_or_is_lost(floor: Floor) -> None:
    floor.stock(quantity=10)
    transfer = sent(floor, 6)
    assert expected(floor) == [(6, 2)]

    receive_transfer(SYSTEM, requests=[arrived(floor, transfer, 3, lost=1)])
    assert expected(floor) == [(2, 2)]

    (last,) = receive_transfer(SYSTEM, requests=[arrived(floor, transfer, 2)])
    assert isinstance(last, TransferReceived)
    assert last.state == "received"
    assert expected(floor) == []


def test_a_transfer_without_a_day_is_expected_after_the_usual_days(floor: Floor) -> None:
    floor.stock(quantity=10)
    sent(floor, 6, days=None)

    assert expected(floor) == [(6, rules.TRANSFER_DAYS)]


def test_availability_on_a_date_counts_it_with_its_row(floor: Floor) -> None:
    floor.stock(quantity=10)
    transfer = sent(floor, 6)

    available = availability_queries.availability(
        company=COMPANY, channel="shop", skus=floor.codes[:1], at=NOW
    )
    (one,) = availability.promises(available, company=COMPANY, today=TODAY, days=4)

    assert one.shown == (4, 4, 10, 10)
    assert [(row.document_kind, row.document, row.node_code) for row in one.inbound] == [
        ("transfer", transfer, "N2")
    ]


def test_a_backorder_is_dated_by_it_and_served_when_it_arrives(floor: Floor) -> None:
    floor.stock(quantity=10)
    transfer = sent(floor, 10, days=4)
    order = floor.order((0, 5)).order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    peg(SYSTEM, requests=[PegSku(floor.skus[0])])
    ((promised_on,),) = sql.run("SELECT promised_on FROM sourcing_backorder")
    assert promised_on == TODAY + timedelta(days=4)

    receive_transfer(SYSTEM, requests=[arrived(floor, transfer, 9, lost=1)])
    freed_is_offered()

    assert sql.run("SELECT subject FROM kernel_ready WHERE queue = 'allocate'") == [(order,)]
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert sql.run("SELECT node_id, quantity FROM stock_allocation") == [(floor.nodes[1], 5)]


def test_what_comes_damaged_is_there_and_not_for_sale(floor: Floor) -> None:
    floor.stock(quantity=10)
    transfer = sent(floor, 6)
    came = ArrivedUnits(floor.skus[0], floor.bin(1), 2, 1, damaged=3)
    silent, beyond, right = receive_transfer(
        SYSTEM,
        requests=[
            ReceiveTransfer(transfer, (came,)),
            ReceiveTransfer(transfer, (replace(came, damaged=4),), reason="wet"),
            ReceiveTransfer(transfer, (came,), reason="wet"),
        ],
    )
    assert isinstance(silent, errors.NotPlaceable) and isinstance(beyond, errors.TransferClosed)
    assert right == TransferReceived(transfer, "received", 2, 1, 3)
    there = sql.run(
        "SELECT status, quantity FROM stock_bucket WHERE node_id = %(n)s AND quantity > 0 ORDER BY status",
        {"n": floor.nodes[1]},
    )
    assert there == [("damaged", 3), ("sellable", 2)]
    assert sql.run("SELECT received, lost FROM stock_transferline") == [(5, 1)]
    assert expected(floor) == []


def test_the_rest_of_it_has_come_or_is_lost(floor: Floor) -> None:
    floor.stock(quantity=10)
    came, gone = sent(floor, 4), sent(floor, 5)
    part = ReceiveTransfer(
        gone, (ArrivedUnits(floor.skus[0], None, 2),), rest="lost", reason="the van was robbed"
    )
    (why,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(gone, rest="lost")])
    assert why == errors.NotPlaceable(
        field="reason", expected="why units are lost or damaged", found="nothing"
    )

    answers = receive_transfer(SYSTEM, requests=[ReceiveTransfer(came, rest="received"), part])

    assert answers == [
        TransferReceived(came, "received", 4, 0),
        TransferReceived(gone, "received", 2, 3),
    ]
    assert {row.bin_code: row.quantity for row in stock.buckets(sku=floor.skus[0])} == {
        "PICK": 1,
        "RECEIVING": 6,
    }
    (over,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(came, rest="received")])
    assert isinstance(over, errors.NotPlaceable)


def test_a_node_without_a_bin_has_to_be_told_one(floor: Floor) -> None:
    floor.stock(quantity=10)
    transfer = sent(floor, 4)
    sql.run("DELETE FROM network_bin WHERE node_id = %(node)s", {"node": floor.nodes[1]})

    (answer,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(transfer, rest="received")])

    assert isinstance(answer, errors.NotPlaceable)
    assert expected(floor) == [(4, 2)]


def test_a_lot_keeps_its_day_wherever_it_goes(floor: Floor) -> None:
    day = TODAY + timedelta(days=90)
    request = Receive(
        COMPANY, floor.skus[0], floor.nodes[0], floor.bin(kind="receiving"), 9, 900, "test receipt", ids.uuid7(),
        lot="L1", expires_on=day,
    )  # fmt: skip
    receive(SYSTEM, requests=[request])
    away = PutAway(COMPANY, floor.skus[0], floor.bin(kind="receiving"), floor.bin(), 9, lot="L1")
    put_away(SYSTEM, requests=[away])
    line = TransferUnits(floor.skus[0], floor.bin(), 4, "L1")
    (out,) = ship_transfer(SYSTEM, requests=[ShipTransfer(COMPANY, floor.nodes[0], floor.nodes[1], (line,))])
    receive_transfer(SYSTEM, requests=[ReceiveTransfer(out.transfer, rest="received")])

    assert set(sql.run("SELECT expires_on FROM stock_bucket")) == {(day,)}


def test_a_lot_whose_day_came_on_the_way_is_not_for_sale(floor: Floor) -> None:
    """Its last day is over when it arrives; the fresh lot beside it, and one on its last day, sell."""
    days = {"OVER": -1, "LAST": 0, "FRESH": 90}
    for lot, left in days.items():
        request = Receive(
            COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), 4, 400, "test receipt", ids.uuid7(), lot=lot,
            expires_on=TODAY + timedelta(days=left),
        )  # fmt: skip
        receive(SYSTEM, requests=[request])
    lines = tuple(TransferUnits(floor.skus[0], floor.bin(), 4, lot) for lot in days)
    (out,) = ship_transfer(SYSTEM, requests=[ShipTransfer(COMPANY, floor.nodes[0], floor.nodes[1], lines)])
    assert isinstance(out, TransferShipped)
    part = ArrivedUnits(floor.skus[0], None, 1, lot="OVER", damaged=1)
    (first,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(out.transfer, (part,), reason="wet")])
    (rest,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(out.transfer, rest="received")])

    assert first == TransferReceived(out.transfer, "in_transit", 1, 0, damaged=1, expired=1)
    assert rest == TransferReceived(out.transfer, "received", 10, 0, expired=2)
    assert sql.run(
        "SELECT lot, status, quantity FROM stock_bucket WHERE node_id = %(node)s AND quantity > 0 ORDER BY 1, 2",
        {"node": floor.nodes[1]},
    ) == [
        ("FRESH", "sellable", 4),
        ("LAST", "sellable", 4),
        ("OVER", "damaged", 1),
        ("OVER", "non_sellable", 3),
    ]


def test_the_policy_says_when_a_lot_that_comes_is_too_old_and_what_it_is_then(floor: Floor) -> None:
    body = Expiry(days_left=10, becomes="quarantined")
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "warehouse.expiry", body, NOW)])
    request = Receive(
        COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), 4, 400, "test receipt", ids.uuid7(), lot="L1",
        expires_on=TODAY + timedelta(days=9),
    )  # fmt: skip
    receive(SYSTEM, requests=[request])
    line = TransferUnits(floor.skus[0], floor.bin(), 4, "L1")
    (out,) = ship_transfer(SYSTEM, requests=[ShipTransfer(COMPANY, floor.nodes[0], floor.nodes[1], (line,))])
    assert isinstance(out, TransferShipped)
    (came,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(out.transfer, rest="received")])

    assert came == TransferReceived(out.transfer, "received", 4, 0, expired=4)
    assert units(floor.skus[0], "quarantined") == 4


def test_an_unknown_transfer_is_refused_and_offers_nothing(floor: Floor) -> None:
    (answer,) = receive_transfer(SYSTEM, requests=[arrived(floor, ids.uuid7(), 1)])

    assert isinstance(answer, NotFound)
    assert sql.run("SELECT count(*) FROM kernel_ready") == [(0,)]


def test_the_same_key_is_answered_once(floor: Floor) -> None:
    floor.stock(quantity=10)
    assert sent(floor, 3, key="out") == sent(floor, 3, key="out")
    request = arrived(floor, sent(floor, 3), 2, key="in")

    assert receive_transfer(SYSTEM, requests=[request]) == receive_transfer(SYSTEM, requests=[request])
    assert expected(floor) == [(1, 2), (3, 2)]


def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    floor.stock(quantity=1000)
    line = TransferUnits(floor.skus[0], floor.bin(), 1)
    request = ShipTransfer(COMPANY, floor.nodes[0], floor.nodes[1], (line,))
    # The first makes the buckets that the others find.
    receive_transfer(SYSTEM, requests=[arrived(floor, sent(floor, 2), 1)])
    counts = []
    for size in SIZES:
        with statements() as out:
            shipped = ship_transfer(SYSTEM, requests=[request] * size)
        transfers = [one.transfer for one in shipped if isinstance(one, TransferShipped)]
        with statements() as came:
            receive_transfer(SYSTEM, requests=[arrived(floor, one, 1) for one in transfers])
        counts.append((len(out), len(came)))
    assert counts == [counts[0]] * 3, counts
    assert counts[0] == (20 + 2, 20 + 2)  # a bin is named; two write the events and offer the SKUs


# ---- plates


@pytest.fixture
def loaded(floor: Floor) -> Floor:
    """Two SKUs in reserve, 12 and 5 of them on a plate."""
    floor.stock_all([0, 1], 20, kind="reserve")
    return floor


def sent_plates(floor: Floor, *plates: UUID, lines: tuple[TransferUnits, ...] = ()) -> UUID:
    request = ShipTransfer(COMPANY, floor.nodes[0], floor.nodes[1], lines, plates=plates)
    (answer,) = ship_transfer(SYSTEM, requests=[request])
    assert isinstance(answer, TransferShipped), answer
    return answer.transfer


def took_in(transfer: UUID, *lines: ArrivedUnits, **said: object) -> TransferReceived:
    (answer,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(transfer, lines, **said)])
    assert isinstance(answer, TransferReceived), answer
    return answer


def test_a_plate_that_is_sent_whole_is_received_whole(loaded: Floor) -> None:
    plate = a_plate(loaded, (0, 12), (1, 5)).plate
    content = holds()
    transfer = sent_plates(loaded, plate, lines=(TransferUnits(loaded.skus[0], loaded.bin(0, "reserve"), 3),))

    on_its_way = plate_queries.plate(company=COMPANY, which=plate)
    assert (on_its_way.node, on_its_way.bin, on_its_way.units) == (loaded.nodes[1], None, 17)
    assert [one.number for one in plate_queries.plates(company=COMPANY, node=loaded.nodes[1])] == [NUMBER]
    coming = transfer_queries.transfer_of_plate(plate)
    assert coming and coming.id == transfer
    goods = {(one.sku_code, one.plate): one.to_come for one in transfer_queries.transfer_goods(transfer)}
    assert goods == {("SKU-000", NUMBER): 12, ("SKU-001", NUMBER): 5, ("SKU-000", ""): 3}

    assert took_in(transfer, plates=(plate,)).received == 17
    assert stands() == "RECEIVING" and holds() == {
        (code, lot, "sellable"): units for (code, lot, _), units in content.items()
    }
    told = [(one.command, one.units, one.from_code, one.to_code) for one in plate_queries.history(plate)]
    assert told[:2] == [
        ("stock.receive_transfer", 17, "", "RECEIVING"), ("stock.ship_transfer", 17, "RESERVE", ""),
    ]  # fmt: skip
    (again,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(transfer, plates=(plate,))])
    assert isinstance(again, errors.PlateNotComing)
    assert took_in(transfer, rest="received") == TransferReceived(transfer, "received", 3, 0)


def test_all_the_rest_comes_on_the_plates_that_it_was_sent_on(loaded: Floor) -> None:
    plate = a_plate(loaded, (0, 12), (1, 5)).plate
    transfer = sent_plates(loaded, plate)
    assert took_in(transfer, rest="received").state == "received"
    assert stands() == "RECEIVING" and sum(holds().values()) == 17


def test_a_plate_is_lost_whole(loaded: Floor) -> None:
    plate = a_plate(loaded, (0, 12)).plate
    transfer = sent_plates(loaded, plate)
    assert took_in(transfer, rest="lost", reason="the van was robbed").lost == 12
    assert stands() == "" and holds() == {}


def test_what_is_damaged_stays_on_its_plate_and_what_is_missing_comes_loose(loaded: Floor) -> None:
    plate = a_plate(loaded, (0, 12), (1, 5)).plate
    transfer = sent_plates(loaded, plate)
    first = ArrivedUnits(loaded.skus[0], None, 7, 1, damaged=2, plate=plate)

    assert took_in(transfer, first, reason="wet") == TransferReceived(transfer, "in_transit", 7, 1, 2)
    assert holds() == {("SKU-000", "", "sellable"): 7, ("SKU-000", "", "damaged"): 2}
    assert {(one.sku_code, one.plate): one.to_come for one in transfer_queries.transfer_goods(transfer)} == {
        ("SKU-000", ""): 2,
        ("SKU-001", ""): 5,
    }, "what is missing is on no plate any more"

    assert took_in(transfer, rest="received").state == "received"
    assert sum(holds().values()) == 9 and stands() == "RECEIVING"


def test_single_units_of_a_plate_are_taken_off_it_and_loose_ones_go_first(loaded: Floor) -> None:
    plate = a_plate(loaded, (0, 12)).plate
    transfer = sent_plates(loaded, plate, lines=(TransferUnits(loaded.skus[0], loaded.bin(0, "reserve"), 3),))

    took_in(transfer, ArrivedUnits(loaded.skus[0], None, 5))
    assert holds() == {("SKU-000", "", "in_transit"): 10}, "three were loose"
    took_in(transfer, plates=(plate,))
    assert holds() == {("SKU-000", "", "sellable"): 10} and stands() == "RECEIVING"


def test_plates_that_can_not_be_sent_stay(loaded: Floor) -> None:
    here, other = a_plate(loaded, (0, 5)).plate, a_plate(loaded, (1, 5), number=OTHER).plate
    bad = ChangeStatus(
        COMPANY, loaded.skus[1], loaded.nodes[0], loaded.bin(0, "reserve"), 20, "sellable", "damaged", "wet"
    )
    change_status(SYSTEM, requests=[bad])
    one, two = loaded.nodes
    answers = ship_transfer(
        SYSTEM,
        requests=[
            ShipTransfer(COMPANY, one, two, plates=(ids.uuid7(),)),
            ShipTransfer(COMPANY, two, one, plates=(here,)),
            ShipTransfer(COMPANY, one, two, plates=(other,)),
            ShipTransfer(COMPANY, one, two, plates=(here,)),
            ShipTransfer(COMPANY, one, two, plates=(here,)),
        ],
    )
    assert [type(answer) for answer in answers] == [
        NotFound, errors.PlateNotHere, errors.PlateNotSellable, TransferShipped, errors.PlateNotHere,
    ]  # fmt: skip
    (moved,) = move_plates(SYSTEM, requests=[MovePlate(here, loaded.bin(1))])
    (opened,) = open_plates(SYSTEM, requests=[OpenPlate(here)])
    (built,) = build_plates(
        SYSTEM, requests=[BuildPlate(COMPANY, loaded.bin(0, "reserve"), ((loaded.skus[0], 1),), NUMBER)]
    )
    assert moved == opened == built == errors.PlateOnItsWay(plate=NUMBER, node="N2")
    twice = (
        ArrivedUnits(loaded.skus[0], loaded.bin(1), 2, plate=here),
        ArrivedUnits(loaded.skus[0], None, 2, plate=here),
    )
    (two_bins,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(answers[3].transfer, twice)])
    assert isinstance(two_bins, errors.NotPlaceable) and two_bins.facts["field"] == "bin"


def test_the_statements_of_plates_do_not_grow_with_the_batch(loaded: Floor, statements) -> None:
    loaded.stock(0, 2000, kind="reserve")
    counts = []
    number = 10
    for size in (1, 10, 100):
        plates = [a_plate(loaded, (0, 2), number=sscc(PREFIX, 3, number + i)).plate for i in range(size)]
        number += size
        one, two = loaded.nodes
        with statements() as out:
            shipped = ship_transfer(
                SYSTEM, requests=[ShipTransfer(COMPANY, one, two, plates=(plate,)) for plate in plates]
            )
        with statements() as came:
            receive_transfer(
                SYSTEM,
                requests=[
                    ReceiveTransfer(sent.transfer, (ArrivedUnits(loaded.skus[0], None, 1, plate=plate),))
                    for sent, plate in zip(shipped, plates, strict=True)
                ],
            )
        counts.append((len(out), len(came)))
    # The first makes the bucket that the others find.
    assert counts[1:] == [(32, 32)] * 2, counts
