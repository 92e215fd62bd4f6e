"""A morning on the floor."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.insight import verify
from entrepot.orders import queries as orders
from entrepot.stock import queries as stock
from entrepot.warehouse import queries
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.tasks import serve_release
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, someone, units
from tests.walk import a_house, allocated, queued

pytestmark = pytest.mark.django_db


def test_a_morning_on_the_floor():
    # Mugs stand in the pick face with more in reserve, bunting in the pick face only; clocks have just come in.
    house = a_house()
    mugs, _bunting, clocks = house.skus
    house.stock(0, 4)
    house.stock(0, 20, kind="reserve")
    house.stock(1, 6)
    house.stock(2, 3, kind="receiving")

    # Three orders were promised overnight. The worker releases what can be picked.
    wedding = house.order((0, 6), (1, 2)).order
    school = house.order((1, 4)).order
    clockmaker = house.order((2, 1), priority=9).order
    allocated(wedding, school, clockmaker)
    serve_release(SYSTEM, queued("release"))

    # Mugs come from two bins: the pick face first, then reserve. The list follows the way through the house.
    (first,) = queries.of_order(wedding)
    assert [(t.bin_code, t.sku_code, t.quantity) for t in queries.tasks([first.id])][-1] == (
        "RESERVE",
        "SKU-000",
        2,
    )
    assert sorted((t.bin_code, t.quantity) for t in queries.tasks([first.id])) == [
        ("PICK", 2), ("PICK", 4), ("RESERVE", 2),
    ]  # fmt: skip

    # Clocks can't be picked where they stand: somebody is asked to put them away, and does.
    assert [item.type for item in work.of_subject(clockmaker)] == ["not pickable"]
    put_away(someone("dan"), requests=[PutAway(COMPANY, clocks, house.bin(0, "receiving"), house.bin(0), 3)])
    release(SYSTEM, requests=[ReleaseOrder(order) for order in queued("release")])
    assert [row.order for row in queries.waiting("pick", company=COMPANY)] == [clockmaker, wedding, school]

    # Paula picks the clocks and the wedding. One of the mugs in the pick face is broken and gone.
    pick(someone("paula"), requests=[PickFulfillment(row.id) for row in queries.of_order(clockmaker)])
    task = next(t for t in queries.tasks([first.id]) if t.sku == mugs and t.quantity == 4)
    (answer,) = pick(someone("paula"), requests=[PickFulfillment(first.id, ((task.id, 3),))])

    # The house sends her to reserve for the one that is missing, and asks the supervisor to look for it.
    assert (answer.state, answer.picked, answer.short) == ("picking", 7, 1)
    assert units(mugs, "researching") == 1
    (item,) = work.of_subject(task.id)
    assert item.reason.startswith("1 of 4 units")
    (answer,) = pick(someone("paula"), requests=[PickFulfillment(first.id)])
    assert answer.state == "picked"

    # The school's bunting: two are there, two are not, and no other bin has any. The rest is sourced again.
    (second,) = queries.of_order(school)
    (task,) = queries.tasks([second.id])
    pick(someone("quentin"), requests=[PickFulfillment(second.id, ((task.id, 2),))])
    assert orders.order(school).lines[0].places == {"open": 2, "picked": 2}
    assert school in queued("allocate")

    # Everything that was picked is packed: the wedding in a carton that holds eight, weighed by the catalog.
    noon = NOW + timedelta(hours=3)
    pack(
        someone("pia"),
        requests=[
            PackFulfillment(row.id, occurred_at=noon) for row in queries.waiting("pack", company=COMPANY)
        ],
    )
    (package,) = queries.packages(wedding)
    assert (package.carton, package.units, package.weight_g) == ("S", 8, 8 * 250 + 90)
    assert queries.by_state(COMPANY) == {"packed": 3}
    assert {row.picker for row in queries.waiting("ship", company=COMPANY)} == {"paula", "quentin"}

    # Picked goods wait in staging, still promised; nothing has left the house.
    staged = sum(
        row.quantity for sku in house.skus for row in stock.buckets(sku=sku) if row.bin_code == "STAGING"
    )
    assert staged == 1 + 8 + 2
    assert queries.discrepancies() == []
    assert verify.discrepancies() == []
