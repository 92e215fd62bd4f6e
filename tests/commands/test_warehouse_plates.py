"""warehouse.build_plates, warehouse.move_plates, warehouse.open_plates; and what other moves do to plates"""

from __future__ import annotations

import re

import pytest

from entrepot.catalog.barcodes import is_sscc
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.stock import plate_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.adjust import Adjust, adjust
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.errors import NotThere
from entrepot.stock.plating import sscc
from entrepot.warehouse.commands.build_plates import BuildPlate, PlateBuilt, build_plates
from entrepot.warehouse.commands.move_plates import MovePlate, PlateMoved, move_plates
from entrepot.warehouse.commands.open_plates import OpenPlate, PlateOpened, open_plates
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.errors import PlateElsewhere, PlateEmpty, PlateWanted, WrongBin
from tests.floor import COMPANY, SYSTEM, Floor
from tests.plans import count_anew
from tests.plates import NUMBER, OTHER, PREFIX, a_plate, holds, numbered, stands
from tests.sizes import SIZES
from tests.walk import a_house, allocated, released

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def moved(*plates: PlateBuilt, to: object, **said: object) -> list:
    return move_plates(SYSTEM, requests=[MovePlate(one.plate, to, **said) for one in plates])


def by_bin(house: Floor, sku: int = 0) -> dict[str, int]:
    return {row.bin_code: row.quantity for row in stock.buckets(sku=house.skus[sku])}


def test_a_plate_is_built_of_what_stands_loose_and_moves_whole_with_one_scan_of_the_bin(house: Floor):
    house.stock_all([0, 1], 20, kind="receiving")
    plate = a_plate(house, (0, 12), (1, 5), kind="receiving")
    assert (plate.number, plate.units) == (NUMBER, 17)
    assert holds() == {("SKU-000", "", "sellable"): 12, ("SKU-001", "", "sellable"): 5}
    assert stands() == "RECEIVING"

    (answer,) = moved(plate, to=house.bin(0, "reserve"), scanned="RESERVE", why="put_away")

    assert isinstance(answer, PlateMoved)
    assert (answer.number, answer.units, len(answer.documents)) == (NUMBER, 17, 2)
    assert by_bin(house) == {"RECEIVING": 8, "RESERVE": 12}
    assert by_bin(house, 1) == {"RECEIVING": 15, "RESERVE": 5}
    assert stands() == "RESERVE" and holds() == {
        ("SKU-000", "", "sellable"): 12,
        ("SKU-001", "", "sellable"): 5,
    }
    told = [
        (one.command, one.units, one.from_code, one.to_code) for one in plate_queries.history(plate.plate)
    ]
    assert told == [
        ("warehouse.move_plates", 17, "RECEIVING", "RESERVE"), ("warehouse.build_plates", 17, "", "RECEIVING"),
    ]  # fmt: skip


def test_own_numbers_come_from_the_companys_prefix(house: Floor):
    house.stock(0, 20)
    wanted = BuildPlate(COMPANY, house.bin(), ((house.skus[0], 5),))
    (refused,) = build_plates(SYSTEM, requests=[wanted])
    assert isinstance(refused, Invalid) and refused.facts["field"] == "gs1_prefix"
    assert sql.run("SELECT FROM stock_plate") == []

    numbered()
    one, two = build_plates(SYSTEM, requests=[wanted, wanted])
    assert one.number != two.number
    for plate in (one, two):
        assert is_sscc(plate.number) and plate.number.startswith(f"0{PREFIX}")


def test_numbers_that_begin_anew_leave_out_those_of_plates_that_still_hold_something(house: Floor):
    house.stock(0, 20)
    short = "761042512345"  # leaves four digits
    numbered(short)
    held, free = (sscc(short, 0, serial) for serial in (1, 2))
    a_plate(house, (0, 5), number=held, kind="pick")
    (drawn,) = ids.numbers("SSCC", 1)
    ids.numbers("SSCC", 10_000 - int(drawn.partition("-")[2]) % 10_000)  # the next is the first again
    (built,) = build_plates(SYSTEM, requests=[BuildPlate(COMPANY, house.bin(), ((house.skus[0], 5),))])
    assert built.number == free and sum(holds(held).values()) == 5


def test_the_list_of_plates_shows_those_that_hold_something_by_node_and_kind_of_bin(house: Floor):
    house.stock(0, 20)
    house.stock(0, 20, kind="reserve")
    a_plate(house, (0, 5), kind="pick")
    a_plate(house, (0, 5), number=OTHER)
    gone = a_plate(house, (0, 5), number=sscc(PREFIX, 3, 3))
    open_plates(SYSTEM, requests=[OpenPlate(gone.plate)])

    def listed(**asked: object) -> list[str]:
        return [one.number for one in plate_queries.plates(company=COMPANY, **asked)]

    assert listed() == [OTHER, NUMBER]
    assert listed(kind="pick") == [NUMBER] and listed(kind="reserve", node=house.nodes[0]) == [OTHER]
    assert listed(node=house.nodes[1]) == [] and listed(text="SKU-000", limit=1) == [OTHER]
    assert listed(empty=True) == [gone.number, OTHER, NUMBER]


def test_the_list_of_plates_looks_at_none_of_those_that_hold_nothing(house: Floor):
    house.stock(0, 5)
    a_plate(house, (0, 5), kind="pick")
    sql.run(
        "INSERT INTO stock_plate (id, company_id, number, made_by, made_at, seen_at)"
        " SELECT gen_random_uuid(), %(company)s, lpad(n::text, 18, '0'), 'x', now(), now()"
        " FROM generate_series(1, 300) AS n RETURNING id",
        {"company": COMPANY},
    )
    count_anew("stock_plate", "stock_plateunits")
    params = {
        "company": COMPANY, "node": house.nodes[0], "begins": "", "sku": "", "kind": "", "alone": False, "which": None,
        "numbers": None, "after": None, "limit": 50,
    }  # fmt: skip
    explained = sql.run(f"EXPLAIN (ANALYZE, FORMAT TEXT) {plate_queries._HELD_PLATES}", params)
    loops = [int(found) for (line,) in explained for found in re.findall(r"loops=(\d+)", line)]
    assert loops and max(loops) < 10, "what stands on it is asked of each plate that holds something, no more"


def test_what_can_not_be_built_is_refused_and_leaves_nothing(house: Floor):
    house.stock(0, 10)
    sku, shelf = house.skus[0], house.bin()
    requests = [
        BuildPlate(COMPANY, ids.uuid7(), ((sku, 1),), NUMBER),
        BuildPlate(COMPANY, shelf, (), NUMBER),
        BuildPlate(COMPANY, shelf, ((sku, 0),), NUMBER),
        BuildPlate(COMPANY, shelf, ((sku, 1),), NUMBER[:-1] + "0"),
        BuildPlate(COMPANY, shelf, ((sku, 11),), NUMBER),
        BuildPlate(COMPANY, shelf, ((sku, 6),), NUMBER),
        BuildPlate(COMPANY, shelf, ((sku, 5),), OTHER),
    ]
    answers = build_plates(SYSTEM, requests=requests)
    assert [type(one) for one in answers] == [
        NotFound,
        Invalid,
        Invalid,
        Invalid,
        NotThere,
        PlateBuilt,
        NotThere,
    ]
    assert answers[-1].facts["found"] == 4, "what stands on a plate does not stand loose"
    assert sql.run("SELECT number FROM stock_plate") == [(NUMBER,)]

    (elsewhere,) = build_plates(
        SYSTEM, requests=[BuildPlate(COMPANY, house.bin(0, "reserve"), ((sku, 1),), NUMBER)]
    )
    assert elsewhere == PlateElsewhere(plate=NUMBER, bin="PICK")
    (more,) = build_plates(SYSTEM, requests=[BuildPlate(COMPANY, shelf, ((sku, 4),), NUMBER)])
    assert isinstance(more, PlateBuilt) and sum(holds().values()) == 10


def test_a_move_that_can_not_be_is_refused_and_the_plate_stays(house: Floor):
    house.stock(0, 20, kind="reserve")
    plate = a_plate(house, (0, 10))
    there, other_node = house.bin(0, "reserve"), house.bin(1)
    refused = {
        "unknown plate": (MovePlate(ids.uuid7(), house.bin()), NotFound),
        "unknown bin": (MovePlate(plate.plate, ids.uuid7()), NotFound),
        "its own bin": (MovePlate(plate.plate, there), Invalid),
        "another node": (MovePlate(plate.plate, other_node), Invalid),
        "another bin was scanned": (MovePlate(plate.plate, house.bin(), scanned="STAGING"), WrongBin),
    }
    for what, (wanted, kind) in refused.items():
        (answer,) = move_plates(SYSTEM, requests=[wanted])
        assert isinstance(answer, kind), (what, answer)
    assert stands() == "RESERVE" and by_bin(house) == {"RESERVE": 20}

    first, twice = moved(plate, plate, to=house.bin())
    assert isinstance(first, PlateMoved) and isinstance(twice, Invalid)
    assert by_bin(house) == {"RESERVE": 10, "PICK": 10}


def test_what_picks_have_a_claim_on_stays_with_its_plate(house: Floor):
    house.stock(0, 10, kind="reserve")
    plate = a_plate(house, (0, 10))
    order = house.order((0, 3)).order
    allocated(order)
    released(order)
    (answer,) = moved(plate, to=house.bin())
    assert answer == PlateWanted(plate=NUMBER, sku="SKU-000", units=10, free=7, committed=3)
    assert stands() == "RESERVE"


def test_keys_get_their_answer_again_and_nothing_is_done_twice(house: Floor):
    house.stock(0, 20)
    built = BuildPlate(COMPANY, house.bin(), ((house.skus[0], 5),), NUMBER, key="b")
    first = build_plates(SYSTEM, requests=[built])
    assert build_plates(SYSTEM, requests=[built]) == first and sum(holds().values()) == 5
    going = MovePlate(first[0].plate, house.bin(0, "reserve"), key="m")
    gone = move_plates(SYSTEM, requests=[going])
    assert move_plates(SYSTEM, requests=[going]) == gone
    assert by_bin(house) == {"PICK": 15, "RESERVE": 5}


def test_an_opened_plate_leaves_its_goods_where_they_stand(house: Floor):
    house.stock(0, 20, kind="reserve")
    plate = a_plate(house, (0, 10))
    opened = OpenPlate(plate.plate, key="open")
    assert open_plates(SYSTEM, requests=[opened]) == [PlateOpened(plate.plate, NUMBER, 10)]
    assert open_plates(SYSTEM, requests=[opened]) == [PlateOpened(plate.plate, NUMBER, 10)]
    assert open_plates(SYSTEM, requests=[OpenPlate(plate.plate), OpenPlate(ids.uuid7())])[0] == PlateEmpty(
        plate=NUMBER
    )
    (empty,) = moved(plate, to=house.bin())
    assert empty == PlateEmpty(plate=NUMBER)
    assert by_bin(house) == {"RESERVE": 20} and stands() == "" and holds() == {}
    again = a_plate(house, (0, 20))
    assert again.plate == plate.plate, "a number that came free is used again"


def test_units_that_leave_the_bin_are_loose_ones_first_then_those_of_the_plate_not_seen_for_longest(
    house: Floor,
):
    house.stock(0, 12, kind="reserve")
    a_plate(house, (0, 5))
    a_plate(house, (0, 5), number=OTHER)
    take = PutAway(COMPANY, house.skus[0], house.bin(0, "reserve"), house.bin(), 2, why="move")
    put_away(SYSTEM, requests=[take])
    assert (sum(holds().values()), sum(holds(OTHER).values())) == (5, 5)
    put_away(SYSTEM, requests=[take, take, take])
    assert (sum(holds().values()), sum(holds(OTHER).values())) == (0, 4)
    (last, *_) = plate_queries.history(plate_queries.plate_named(company=COMPANY, text=OTHER).id)
    assert (last.command, last.reason, last.units) == ("warehouse.put_away", "move", 1)


def test_a_loss_comes_off_a_plate_and_units_that_change_their_status_stay_on_it(house: Floor):
    house.stock(0, 10, kind="reserve")
    plate = a_plate(house, (0, 10))
    sku, node, reserve = house.skus[0], house.nodes[0], house.bin(0, "reserve")
    held = ChangeStatus(COMPANY, sku, node, reserve, 4, "sellable", "quarantined", "wet")
    change_status(SYSTEM, requests=[held])
    assert holds() == {("SKU-000", "", "sellable"): 6, ("SKU-000", "", "quarantined"): 4}
    adjust(SYSTEM, requests=[Adjust(COMPANY, sku, node, reserve, -5, "lost")])
    assert holds() == {("SKU-000", "", "sellable"): 1, ("SKU-000", "", "quarantined"): 4}
    moved(plate, to=house.bin(0, "quarantine"))
    assert stands() == "QUARANTINE" and sum(holds().values()) == 5


@pytest.mark.counts("warehouse.build_plates", "warehouse.move_plates", "warehouse.open_plates")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    numbered()
    house.stock(0, 3000, kind="reserve")
    house.stock(0, 1)
    wanted = BuildPlate(COMPANY, house.bin(0, "reserve"), ((house.skus[0], 1),))
    counts: dict[str, set[int]] = {"build": set(), "move": set(), "open": set()}
    for size in SIZES:
        with statements() as ran:
            made = build_plates(SYSTEM, requests=[wanted] * size)
        counts["build"].add(len(ran.texts))
        with statements() as ran:
            moved(*made, to=house.bin())
        counts["move"].add(len(ran.texts))
        with statements() as ran:
            open_plates(SYSTEM, requests=[OpenPlate(one.plate) for one in made])
        counts["open"].add(len(ran.texts))
    assert counts == {"build": {9}, "move": {15}, "open": {8}}  # one of each writes the events
