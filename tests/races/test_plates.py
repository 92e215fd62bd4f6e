"""Plates that several people move, open, build and pick from at once: none stands in two bins, none holds too much."""

from __future__ import annotations

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.errors import Refused
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferReceived,
    TransferShipped,
    receive_transfer,
    ship_transfer,
)
from entrepot.stock.plating import sscc
from entrepot.warehouse.commands.build_plates import BuildPlate, build_plates
from entrepot.warehouse.commands.move_plates import MovePlate, PlateMoved, move_plates
from entrepot.warehouse.commands.open_plates import OpenPlate, open_plates
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.stack_plates import StackPlates, stack_plates
from tests.floor import COMPANY, SYSTEM, Floor
from tests.plates import NUMBER, OTHER, PREFIX, a_plate, holds, stands
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 4


def there() -> int:
    return sql.run("SELECT sum(quantity)::int FROM stock_bucket")[0][0]


def test_a_plate_stands_in_one_bin_however_many_move_build_and_take_from_it(house: Floor):
    before = there()
    sku, reserve, pick = house.skus[0], house.bin(kind="reserve"), house.bin()
    house.stock(0, 60, kind="reserve")
    plate = a_plate(house, (0, 40))
    more = BuildPlate(COMPANY, reserve, ((sku, 5),), NUMBER)
    take = PutAway(COMPANY, sku, reserve, pick, 3, why="move")
    jobs = [
        lambda: move_plates(SYSTEM, requests=[MovePlate(plate.plate, pick)]),
        lambda: move_plates(SYSTEM, requests=[MovePlate(plate.plate, house.bin(kind="quarantine"))]),
        lambda: build_plates(SYSTEM, requests=[more]),
        lambda: put_away(SYSTEM, requests=[take]),
    ]
    answers = [one for (one,) in at_once(jobs * THREADS)]

    assert any(isinstance(one, PlateMoved) for one in answers)
    assert stands() in ("PICK", "QUARANTINE") or (stands() == "RESERVE" and sum(holds().values()) <= 40)
    assert there() == before + 60
    assert verify.discrepancies() == []


def test_one_number_is_built_in_one_bin_and_a_plate_is_opened_once(house: Floor):
    house.stock(0, 20, kind="reserve")
    sku = house.skus[0]
    jobs = [
        lambda kind=kind: build_plates(
            SYSTEM, requests=[BuildPlate(COMPANY, house.bin(kind=kind), ((sku, 5),), NUMBER)]
        )
        for kind in ("reserve", "pick")
    ]
    answers = [one for (one,) in at_once(jobs * THREADS)]
    built = [one for one in answers if not isinstance(one, Refused)]
    assert built and len({one.plate for one in built}) == 1
    assert sum(holds().values()) == 5 * len(built)
    assert verify.discrepancies() == []

    opening = [lambda: open_plates(SYSTEM, requests=[OpenPlate(built[0].plate)])] * THREADS
    answers = [one for (one,) in at_once(opening)]
    assert sum(not isinstance(one, Refused) for one in answers) == 1
    assert holds() == {} and verify.discrepancies() == []


def test_a_plate_is_received_once_however_many_scan_it_and_take_from_it(house: Floor):
    house.stock(0, 40, kind="reserve")
    plate = a_plate(house, (0, 30)).plate
    one, two = house.nodes
    jobs = [
        lambda: ship_transfer(SYSTEM, requests=[ShipTransfer(COMPANY, one, two, plates=(plate,))]),
        lambda: move_plates(SYSTEM, requests=[MovePlate(plate, house.bin())]),
    ]
    sent = [one for (one,) in at_once(jobs * THREADS) if isinstance(one, TransferShipped)]
    assert len(sent) == 1

    loose = ArrivedUnits(house.skus[0], None, 2)
    jobs = [
        lambda: receive_transfer(SYSTEM, requests=[ReceiveTransfer(sent[0].transfer, plates=(plate,))]),
        lambda: receive_transfer(SYSTEM, requests=[ReceiveTransfer(sent[0].transfer, (loose,))]),
        lambda: open_plates(SYSTEM, requests=[OpenPlate(plate)]),
    ]
    answers = [one for (one,) in at_once(jobs * THREADS)]
    assert sum(one.received for one in answers if isinstance(one, TransferReceived)) == 30
    assert verify.discrepancies() == []


def test_a_carton_stands_where_its_pallet_does_however_many_stack_move_and_send(house: Floor):
    house.stock(0, 40, kind="reserve")
    one, two = (a_plate(house, (0, 10), number=number).plate for number in (NUMBER, OTHER))
    number = sscc(PREFIX, 3, 9)
    (stacked,) = stack_plates(SYSTEM, requests=[StackPlates(COMPANY, (one,), number)])
    jobs = [
        lambda: stack_plates(SYSTEM, requests=[StackPlates(COMPANY, (two,), number)]),
        lambda: stack_plates(SYSTEM, requests=[StackPlates(COMPANY, (one,), sscc(PREFIX, 3, 10))]),
        lambda: move_plates(SYSTEM, requests=[MovePlate(stacked.plate, house.bin())]),
        lambda: move_plates(SYSTEM, requests=[MovePlate(one, house.bin(kind="quarantine"))]),
        lambda: open_plates(SYSTEM, requests=[OpenPlate(stacked.plate)]),
        lambda: ship_transfer(SYSTEM, requests=[ShipTransfer(COMPANY, *house.nodes[:2], plates=(two,))]),
    ]
    answers = [one for (one,) in at_once(jobs * 3)]
    assert any(not isinstance(one, Refused) for one in answers)
    assert sum(holds(NUMBER).values()) == sum(holds(OTHER).values()) == 10
    assert verify.discrepancies() == []
