"""warehouse.set_pick_faces, warehouse.review_faces, warehouse.replenish"""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.stock import queries as stock
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.errors import NotThere
from entrepot.stock.plating import sscc
from entrepot.warehouse import shelf_queries, tasks
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.replenish import (
    FacesReviewed,
    Replenish,
    Replenished,
    ReviewFaces,
    SetPickFace,
    replenish,
    review_faces,
    set_pick_faces,
)
from entrepot.warehouse.errors import PlateUnfit
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.plates import OTHER, PREFIX, a_plate
from tests.plates import stands as where
from tests.sizes import MANY, SIZES
from tests.walk import a_house, allocated

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def a_face(house: Floor, minimum: int = 5, maximum: int = 20, case: int = 1, sku: int = 0):
    return set_pick_faces(
        SYSTEM, requests=[SetPickFace(COMPANY, house.skus[sku], house.bin(), minimum, maximum, case)]
    )


def reviewed(house: Floor, node: int = 0) -> FacesReviewed:
    (answer,) = review_faces(SYSTEM, requests=[ReviewFaces(house.nodes[node])])
    assert isinstance(answer, FacesReviewed)
    return answer


def asked() -> list[shelf_queries.ReplenishmentRow]:
    return shelf_queries.replenishments(company=COMPANY)


def stands(house: Floor, sku: int = 0) -> dict[str, int]:
    return {row.bin_code: row.quantity for row in stock.buckets(sku=house.skus[sku])}


def test_a_whole_plate_fills_a_face_where_it_holds_only_what_is_asked_for(house: Floor):
    house.stock(0, 40, kind="reserve")
    house.stock(1, 5, kind="reserve")
    fits, large = a_plate(house, (0, 12)), a_plate(house, (0, 28), number=OTHER)
    mixed = a_plate(house, (1, 5), number=sscc(PREFIX, 3, 3))
    a_face(house)
    reviewed(house)
    (task,) = asked()
    assert task.quantity == 20
    answers = replenish(
        SYSTEM,
        requests=[
            Replenish(task.id, plate=ids.uuid7()),
            Replenish(task.id, plate=mixed.plate),
            Replenish(task.id, plate=large.plate),
            Replenish(task.id, 3, plate=fits.plate),
            Replenish(task.id, 12, key="once", plate=fits.plate),
            Replenish(task.id, plate=fits.plate),
        ],
    )
    assert [type(one) for one in answers] == [
        PlateUnfit,
        PlateUnfit,
        Invalid,
        Invalid,
        Replenished,
        WrongState,
    ]
    assert answers[4] == Replenished(task.id, 12)
    assert replenish(SYSTEM, requests=[Replenish(task.id, 12, key="once", plate=fits.plate)]) == [answers[4]]
    assert stands(house) == {"PICK": 12, "RESERVE": 28}
    assert where(fits.number) == "PICK" and where(large.number) == "RESERVE"
    assert answers[1].facts["plate"] == mixed.number, "people know plates by their numbers"
    assert work.of_subject(task.id) == [], "a plate that holds less is no lack"
    a_face(house, minimum=15)
    reviewed(house)
    assert [one.quantity for one in asked()] == [8], "the next review asks for the rest"


def test_a_face_below_its_minimum_is_filled_from_reserve_once(house: Floor):
    house.stock(0, 4)
    house.stock(0, 100, kind="reserve")
    a_face(house)
    assert reviewed(house) == FacesReviewed(house.nodes[0], 1, 0)
    assert reviewed(house) == FacesReviewed(house.nodes[0], 0, 0), "what is coming is known"
    (one,) = asked()
    assert (one.quantity, one.why, one.from_code, one.to_code) == (16, "minimum", "RESERVE", "PICK")
    assert one.number.startswith("RP-")
    assert replenish(SYSTEM, requests=[Replenish(one.id, key="k")]) == [Replenished(one.id, 16)]
    assert replenish(SYSTEM, requests=[Replenish(one.id, key="k")]) == [Replenished(one.id, 16)]
    assert stands(house) == {"PICK": 20, "RESERVE": 84}
    assert asked() == []
    assert type(replenish(SYSTEM, requests=[Replenish(one.id)])[0]) is WrongState


def test_what_is_promised_empties_a_face_before_it_is_empty(house: Floor):
    house.stock(0, 15)
    house.stock(0, 100, kind="reserve")
    a_face(house)
    assert reviewed(house).made == 0
    allocated(house.order((0, 18)).order)
    assert tasks.review_all_at(NOW) == 1
    (one,) = asked()
    assert (one.quantity, one.why) == (5, "demand")


def test_a_replenishment_whose_units_have_gone_is_dropped(house: Floor):
    house.stock(0, 4)
    house.stock(0, 10, kind="reserve")
    a_face(house)
    reviewed(house)
    (one,) = asked()
    put_away(
        SYSTEM,
        requests=[PutAway(COMPANY, house.skus[0], house.bin(0, "reserve"), house.bin(0, "packing"), 6)],
    )
    assert type(replenish(SYSTEM, requests=[Replenish(one.id)])[0]) is NotThere
    assert stands(house)["PICK"] == 4, "a refusal moves nothing"
    assert reviewed(house) == FacesReviewed(house.nodes[0], 1, 1)
    assert [row.quantity for row in asked()] == [4]
    a_face(house, 0, 0)
    assert reviewed(house) == FacesReviewed(house.nodes[0], 0, 1)
    assert asked() == []


def test_fewer_units_are_brought_and_somebody_asks_why(house: Floor):
    house.stock(0, 1)
    house.stock(0, 100, kind="reserve")
    a_face(house)
    reviewed(house)
    (one,) = asked()
    assert replenish(SYSTEM, requests=[Replenish(one.id, 7)]) == [Replenished(one.id, 7)]
    assert stands(house) == {"PICK": 8, "RESERVE": 93}
    (item,) = work.of_subject(one.id)
    assert (item.type, item.role) == ("short replenishment", "warehouse supervisor")
    house.stock(1, 50, kind="reserve")
    a_face(house, sku=1)
    reviewed(house)
    (other,) = asked()
    assert replenish(SYSTEM, requests=[Replenish(other.id, 0)]) == [Replenished(other.id, 0)]
    assert stands(house, 1) == {"RESERVE": 50}


def test_what_comes_in_another_trip_is_no_lack_and_asked_for_again(house: Floor):
    house.stock(0, 1)
    house.stock(0, 100, kind="reserve")
    a_face(house)
    reviewed(house)
    (one,) = asked()
    assert replenish(SYSTEM, requests=[Replenish(one.id, 7, rest_later=True)]) == [Replenished(one.id, 7)]
    assert work.of_subject(one.id) == []
    reviewed(house)
    rest = asked()
    assert [other.quantity for other in rest] == [one.quantity - 7] or not rest, "as far as the face runs low"


def test_what_makes_no_sense_is_refused(house: Floor):
    house.stock(0, 1)
    house.stock(0, 100, kind="reserve")
    sku = house.skus[0]
    answers = set_pick_faces(
        SYSTEM,
        requests=[
            SetPickFace(COMPANY, sku, house.bin(0, "reserve"), 1, 5),
            SetPickFace(COMPANY, sku, house.bin(), 6, 5),
            SetPickFace(COMPANY, ids.uuid7(), house.bin(), 1, 5),
        ],
    )
    assert [type(one) for one in answers] == [Invalid, Invalid, NotFound]
    a_face(house)
    reviewed(house)
    (one,) = asked()
    answers = replenish(
        SYSTEM,
        requests=[Replenish(one.id, 21), Replenish(ids.uuid7()), Replenish(one.id), Replenish(one.id)],
    )
    assert [type(one) for one in answers] == [Invalid, NotFound, Replenished, WrongState]


@pytest.mark.counts("warehouse.set_pick_faces", "warehouse.review_faces", "warehouse.replenish")
def test_statements_do_not_grow_with_the_batch(db: None, statements):
    house = a_house(MANY + 11)
    ask = [SetPickFace(COMPANY, sku, house.bin(), 5, 20) for sku in house.skus]
    _in_reserve(house)
    begin = 0
    nodes = [house.nodes[0], *(ids.uuid7() for _ in range(999))]
    for size in SIZES:
        some = ask[begin : begin + size]
        begin += size
        with statements():
            set_pick_faces(SYSTEM, requests=some)
            review_faces(SYSTEM, requests=[ReviewFaces(node) for node in nodes[:size]])
            rows = shelf_queries.replenishments(company=COMPANY, limit=2000)
            assert len(rows) == size
            replenish(SYSTEM, requests=[Replenish(row.id) for row in rows])
    assert sql.run("SELECT sum(moved) FROM warehouse_replenishment") == [((MANY + 11) * 20,)]


def _in_reserve(house: Floor) -> None:
    where = house.bins[house.nodes[0], "reserve"]
    requests = [
        Receive(COMPANY, sku, house.nodes[0], where, 30, 3000, "test receipt", ids.uuid7())
        for sku in house.skus
    ]
    receive(SYSTEM, requests=requests)
