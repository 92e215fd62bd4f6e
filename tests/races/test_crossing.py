"""Goods that several people move at once, each from where another puts his: they wait in a line, never in a circle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from entrepot.insight import verify
from entrepot.kernel import command, ids, sql
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import shelf_queries
from entrepot.warehouse.commands.move_plates import MovePlate, PlateMoved, move_plates
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.replenish import (
    Replenish,
    ReviewFaces,
    SetPickFace,
    replenish,
    review_faces,
    set_pick_faces,
)
from tests.floor import COMPANY, SYSTEM, Floor
from tests.plates import NUMBER, OTHER, a_plate
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("committed_db")

ROUNDS = 12


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock is not tried again: it fails the test."""
    monkeypatch.setattr(command, "ATTEMPTS", 1)


def crossing(*jobs: Callable[[], Sequence[object]]) -> None:
    """Each job again and again, all of them at once."""

    def again(job: Callable[[], Sequence[object]]) -> None:
        for _ in range(ROUNDS):
            job()

    at_once([lambda job=job: again(job) for job in jobs])
    assert verify.discrepancies() == []


def there() -> int:
    return sql.run("SELECT sum(quantity)::int FROM stock_bucket")[0][0]


def test_goods_put_away_from_each_others_bins(house: Floor):
    skus = range(3)
    for kind in ("pick", "reserve"):
        house.stock_all(skus, 50, kind=kind)
    before, pick, reserve = there(), house.bin(), house.bin(kind="reserve")

    def moves(source, target, order):
        wanted = [PutAway(COMPANY, house.skus[sku], source, target, 1) for sku in order]
        return lambda: put_away(SYSTEM, requests=wanted)

    crossing(*[moves(pick, reserve, skus), moves(reserve, pick, skus[::-1])] * 2)
    assert there() == before


def test_goods_that_change_between_two_statuses_that_nobody_sells(house: Floor):
    sku, where, spot = house.skus[0], house.nodes[0], house.bin()
    receive(SYSTEM, requests=[
        Receive(COMPANY, sku, where, spot, 50, 5000, "test receipt", ids.uuid7(), status=status)
        for status in ("damaged", "quarantined")
    ])  # fmt: skip

    def change(before, after):
        wanted = [ChangeStatus(COMPANY, sku, where, spot, 1, before, after, "looked at again")]
        return lambda: change_status(SYSTEM, requests=wanted)

    crossing(*[change("damaged", "quarantined"), change("quarantined", "damaged")] * 2)


def test_plates_that_change_places(house: Floor):
    lines = [(sku, 5) for sku in range(3)]
    pick, reserve = house.bin(), house.bin(kind="reserve")
    for kind in ("pick", "reserve"):
        house.stock_all(range(3), 20, kind=kind)
    plates = [
        a_plate(house, *lines, number=NUMBER).plate,
        a_plate(house, *lines, number=OTHER, kind="pick").plate,
    ]

    def swap(plate, first, second):
        ends = [first, second]

        def job():
            (answer,) = move_plates(SYSTEM, requests=[MovePlate(plate, ends[0])])
            assert isinstance(answer, PlateMoved), answer
            ends.reverse()
            return [answer]

        return job

    crossing(swap(plates[0], pick, reserve), swap(plates[1], reserve, pick))


def test_faces_are_filled_while_others_clear_them(house: Floor):
    skus, pick, reserve = range(3), house.bin(), house.bin(kind="reserve")
    house.stock_all(skus, 400, kind="reserve")
    house.stock_all(skus, 100)
    plate = a_plate(house, (0, 5)).plate
    set_pick_faces(SYSTEM, requests=[SetPickFace(COMPANY, house.skus[sku], pick, 350, 380) for sku in skus])
    review_faces(SYSTEM, requests=[ReviewFaces(house.nodes[0])])
    asked = shelf_queries.replenishments(company=COMPANY)
    assert len(asked) == len(skus)
    of_first = next(one for one in asked if one.sku == house.skus[0])
    wanted = [Replenish(one.id, plate=plate if one is of_first else None) for one in asked]
    clearing = [PutAway(COMPANY, house.skus[sku], pick, reserve, 1) for sku in reversed(skus)]

    def fill():
        return replenish(SYSTEM, requests=wanted)

    crossing(
        fill, lambda: put_away(SYSTEM, requests=clearing), lambda: put_away(SYSTEM, requests=clearing[::-1])
    )
    done = sql.run("SELECT count(*) FROM warehouse_replenishment WHERE state = 'done'")
    assert done == [(len(skus),)]
