"""warehouse.stack_plates: cartons on a pallet go with it, and a carton may leave it"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.stock import plate_queries, transfer_queries
from entrepot.stock.commands.adjust import Adjust, adjust
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferShipped,
    receive_transfer,
    ship_transfer,
)
from entrepot.stock.errors import PlateOnItsWay
from entrepot.stock.plating import sscc
from entrepot.warehouse.commands.build_plates import BuildPlate, build_plates
from entrepot.warehouse.commands.move_plates import MovePlate, PlateMoved, move_plates
from entrepot.warehouse.commands.open_plates import OpenPlate, open_plates
from entrepot.warehouse.commands.stack_plates import PlatesStacked, StackPlates, stack_plates
from entrepot.warehouse.errors import PlateElsewhere, PlateEmpty, PlateStacked
from tests.floor import COMPANY, SYSTEM, Floor
from tests.plates import NUMBER, OTHER, PREFIX, a_plate, holds, numbered, stands
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db
PALLET, SECOND = sscc(PREFIX, 3, 7), sscc(PREFIX, 3, 8)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock_all([0, 1], 20, kind="reserve")
    return house


def stacked(*plates: UUID, number: str = PALLET, **said: object) -> PlatesStacked:
    (answer,) = stack_plates(SYSTEM, requests=[StackPlates(COMPANY, plates, number, **said)])
    assert isinstance(answer, PlatesStacked), answer
    return answer


@pytest.fixture
def cartons(house: Floor) -> tuple[UUID, UUID]:
    return a_plate(house, (0, 4), (1, 2)).plate, a_plate(house, (0, 3), number=OTHER).plate


def on(number: str) -> str:
    """The pallet that a plate stands on."""
    return plate_queries.plate_named(company=COMPANY, text=number).on_number


def on_it(number: str) -> int:
    """The units on a plate, and on the cartons on it."""
    return plate_queries.plate_named(company=COMPANY, text=number).units


def cartons_of(number: str = PALLET) -> list[str]:
    found = plate_queries.plate_named(company=COMPANY, text=number)
    return [carton for _, carton, _ in plate_queries.kin(found.id)]


def test_cartons_go_with_their_pallet_and_one_that_is_moved_leaves_it(house: Floor, cartons):
    pallet = stacked(*cartons)
    assert (pallet.number, pallet.cartons, pallet.units) == (PALLET, 2, 9)
    row = plate_queries.plate(company=COMPANY, which=pallet.plate)
    (told,) = plate_queries.history(pallet.plate)
    assert (told.command, told.units, told.to_code) == ("warehouse.stack_plates", 9, "RESERVE")
    assert (row.units, row.goods, row.cartons, row.bin_code, row.skus) == (
        9,
        3,
        2,
        "RESERVE",
        ["SKU-000", "SKU-001"],
    )
    goods = [
        (one.sku_code, one.units, one.carton) for one in plate_queries.goods_on([pallet.plate])[pallet.plate]
    ]
    assert sorted(goods) == [("SKU-000", 3, OTHER), ("SKU-000", 4, NUMBER), ("SKU-001", 2, NUMBER)]

    (moved,) = move_plates(SYSTEM, requests=[MovePlate(pallet.plate, house.bin())])
    assert isinstance(moved, PlateMoved) and moved.units == 9
    assert stands() == stands(OTHER) == stands(PALLET) == "PICK" and cartons_of() == sorted([NUMBER, OTHER])
    assert holds() == {("SKU-000", "", "sellable"): 4, ("SKU-001", "", "sellable"): 2}
    assert plate_queries.history(cartons[0])[0].command == "warehouse.move_plates"

    move_plates(SYSTEM, requests=[MovePlate(cartons[1], house.bin(0, "reserve"))])
    assert (stands(OTHER), stands(PALLET), on(OTHER), on(NUMBER)) == ("RESERVE", "PICK", "", PALLET)
    assert [one.number for one in plate_queries.plates(company=COMPANY, kind="pick")] == [PALLET, NUMBER]


def test_a_pallet_that_is_opened_leaves_its_cartons_by_themselves(house: Floor, cartons):
    pallet = stacked(*cartons)
    build_plates(
        SYSTEM, requests=[BuildPlate(COMPANY, house.bin(0, "reserve"), ((house.skus[1], 5),), PALLET)]
    )
    assert on_it(PALLET) == 14, "what stands on the pallet itself, and on its cartons"
    (opened,) = open_plates(SYSTEM, requests=[OpenPlate(pallet.plate)])
    assert (opened.units, stands(PALLET), on(NUMBER), on(OTHER)) == (5, "", "", "")
    assert sum(holds().values()) == 6
    stacked(cartons[0], number=SECOND)
    open_plates(SYSTEM, requests=[OpenPlate(cartons[0])])
    assert (on(NUMBER), stands(SECOND)) == ("", "")


def test_what_can_not_be_stacked_is_refused_and_stays(house: Floor, cartons):
    one, two = cartons
    stacked(one)
    empty = a_plate(house, (1, 1), number=SECOND).plate
    open_plates(SYSTEM, requests=[OpenPlate(empty)])
    house.stock(0, 5)
    far = a_plate(house, (0, 1), number=sscc(PREFIX, 3, 9), kind="pick").plate
    pallet = plate_queries.plate_named(company=COMPANY, text=PALLET).id
    answers = stack_plates(
        SYSTEM,
        requests=[
            StackPlates(COMPANY, (), PALLET),
            StackPlates(COMPANY, (two, two), PALLET),
            StackPlates(COMPANY, (ids.uuid7(),), PALLET),
            StackPlates(COMPANY, (two,), OTHER),
            StackPlates(COMPANY, (two,), NUMBER),
            StackPlates(COMPANY, (pallet,), OTHER),
            StackPlates(COMPANY, (empty,), PALLET),
            StackPlates(COMPANY, (far,), PALLET),
            StackPlates(COMPANY, (two, far), sscc(PREFIX, 3, 11)),
            StackPlates(COMPANY, (two,), PALLET[:-1] + "0"),
            StackPlates(COMPANY, (two,)),
            StackPlates(COMPANY, (two,), PALLET),
            StackPlates(COMPANY, (two,), SECOND),
        ],
    )
    assert [type(answer) for answer in answers] == [
        Invalid, Invalid, NotFound, Invalid, PlateStacked, PlateStacked, PlateEmpty, PlateElsewhere, PlateElsewhere,
        Invalid, Invalid, PlatesStacked, Invalid,
    ]  # fmt: skip
    numbered()
    assert stacked(far, number="").number.startswith(f"0{PREFIX}")
    again = StackPlates(COMPANY, (two,), PALLET, key="k")
    assert stack_plates(SYSTEM, requests=[again]) == stack_plates(SYSTEM, requests=[again])


def test_a_pallet_is_sent_and_received_whole_with_its_cartons(house: Floor, cartons):
    pallet = stacked(*cartons).plate
    (sent,) = ship_transfer(SYSTEM, requests=[ShipTransfer(COMPANY, *house.nodes[:2], plates=(pallet,))])
    assert isinstance(sent, TransferShipped), sent
    coming = transfer_queries.transfer_of_plate(pallet)
    assert coming and coming.id == sent.transfer
    (refused,) = stack_plates(SYSTEM, requests=[StackPlates(COMPANY, cartons[:1], SECOND)])
    assert refused == PlateOnItsWay(plate=NUMBER, node="N2")
    (came,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(sent.transfer, plates=(pallet,))])
    assert (came.state, came.received) == ("received", 9)
    assert cartons_of() == sorted([NUMBER, OTHER]) and on_it(PALLET) == 9
    row = plate_queries.plate(company=COMPANY, which=pallet)
    assert (row.node_code, row.bin_code) == ("N2", "RECEIVING")
    assert plate_queries.history(pallet)[0].command == "stock.receive_transfer"


def test_a_carton_that_is_named_beside_its_pallet_tells_its_units_once(house: Floor, cartons):
    pallet = stacked(*cartons).plate
    plates = (cartons[0], pallet, cartons[0])
    (sent,) = ship_transfer(SYSTEM, requests=[ShipTransfer(COMPANY, *house.nodes[:2], plates=plates)])
    assert isinstance(sent, TransferShipped), sent
    latest = [plate_queries.history(plate)[0] for plate in (pallet, *cartons)]
    assert [one.command for one in latest] == ["stock.ship_transfer"] * 3
    assert [one.units for one in latest] == [9, 6, 3]


def test_a_carton_that_comes_or_goes_without_its_pallet_stands_by_itself(house: Floor, cartons):
    pallet = stacked(*cartons).plate
    (sent,) = ship_transfer(SYSTEM, requests=[ShipTransfer(COMPANY, *house.nodes[:2], plates=(pallet,))])
    receive_transfer(SYSTEM, requests=[ReceiveTransfer(sent.transfer, plates=(cartons[0],))])
    assert (stands(), on(NUMBER), on(OTHER)) == ("RECEIVING", "", "")
    part = ArrivedUnits(house.skus[0], None, 1, 1, damaged=1, plate=cartons[1])
    receive_transfer(SYSTEM, requests=[ReceiveTransfer(sent.transfer, (part,), reason="wet")])
    assert sum(holds(OTHER).values()) == 2
    stacked(*cartons, number=SECOND)
    (back,) = ship_transfer(
        SYSTEM, requests=[ShipTransfer(COMPANY, house.nodes[1], house.nodes[0], plates=(cartons[0],))]
    )
    assert isinstance(back, TransferShipped) and (on(NUMBER), on(OTHER)) == ("", SECOND)


def test_the_number_of_a_carton_that_was_emptied_begins_by_itself(house: Floor, cartons):
    stacked(*cartons)
    gone = [
        Adjust(COMPANY, sku, house.nodes[0], house.bin(0, "reserve"), -20, "lost", note="gone")
        for sku in house.skus[:2]
    ]
    adjust(SYSTEM, requests=gone)
    assert holds() == {} and cartons_of() == []
    house.stock(0, 5)
    a_plate(house, (0, 5), kind="pick")
    assert (stands(), on(NUMBER)) == ("PICK", "")


@pytest.mark.counts("warehouse.stack_plates")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    house.stock(0, 3000, kind="reserve")
    counts, number = set(), 100
    wanted = BuildPlate(COMPANY, house.bin(0, "reserve"), ((house.skus[0], 1),))
    for size in SIZES:
        built = [replace(wanted, number=sscc(PREFIX, 3, number + i)) for i in range(size)]
        made = build_plates(SYSTEM, requests=built)
        number += size
        stacks = [
            StackPlates(COMPANY, (one.plate,), sscc(PREFIX, 3, number + i)) for i, one in enumerate(made)
        ]
        number += size
        with statements() as ran:
            stack_plates(SYSTEM, requests=stacks)
        counts.add(len(ran.texts))
    assert counts == {12}  # one writes the events
