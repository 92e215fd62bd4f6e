"""warehouse.put_away, warehouse.adjust, warehouse.approve_adjustment"""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.orders import queries as orders
from entrepot.stock import queries as stock
from entrepot.stock.commands.adjust import Adjust, DecideAdjustment
from entrepot.stock.errors import NotThere
from entrepot.warehouse.commands.adjust import adjust, approve_adjustment
from entrepot.warehouse.commands.put_away import PutAway, UnitsPutAway, put_away
from entrepot.work import queries as work
from tests.floor import COMPANY, SYSTEM, Floor, someone, units
from tests.sizes import SIZES
from tests.walk import a_house, allocated, queued, released

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def test_put_away_moves_units_and_touches_no_promise(house: Floor):
    house.stock(0, 5, kind="receiving")
    order = house.order((0, 2)).order
    allocated(order)

    (answer,) = put_away(
        SYSTEM, requests=[PutAway(COMPANY, house.skus[0], house.bin(0, "receiving"), house.bin(0), 3)]
    )

    assert isinstance(answer, UnitsPutAway)
    rows = {row.bin_code: row.quantity for row in stock.buckets(sku=house.skus[0])}
    assert rows == {"RECEIVING": 2, "PICK": 3}
    assert sql.run("SELECT sellable, allocated FROM stock_position") == [(5, 2)]
    assert queued("release") == [order]


def test_put_away_refuses_what_is_not_there_or_makes_no_sense(house: Floor):
    house.stock(0, 5)
    released(house.order((0, 2)).order)
    pick, reserve, other, nowhere = house.bin(0), house.bin(0, "reserve"), house.bin(1), ids.uuid7()
    sku = house.skus[0]

    answers = put_away(
        SYSTEM,
        requests=[
            PutAway(COMPANY, sku, pick, reserve, 4),  # two of the five have a picker on the way
            PutAway(COMPANY, sku, pick, other, 1),
            PutAway(COMPANY, sku, pick, pick, 1),
            PutAway(COMPANY, sku, pick, reserve, 0),
            PutAway(COMPANY, sku, pick, nowhere, 1),
        ],
    )

    assert answers[0] == NotThere(wanted=4, sku=str(sku), where=f"bin {pick}", found=3)
    assert [type(answer) for answer in answers[1:]] == [Invalid, Invalid, Invalid, NotFound]
    assert {row.bin_code: row.quantity for row in stock.buckets(sku=sku)} == {"PICK": 5}


@pytest.mark.counts("warehouse.put_away")
def test_put_away_has_a_key_and_as_many_statements_for_many(house: Floor, statements):
    house.stock(0, 5000, kind="receiving")
    wanted = PutAway(COMPANY, house.skus[0], house.bin(0, "receiving"), house.bin(0), 1, key="k")
    first = put_away(SYSTEM, requests=[wanted])
    assert put_away(SYSTEM, requests=[wanted]) == first
    assert units(house.skus[0]) == 5000
    counts = []
    for size in SIZES:
        requests = [
            PutAway(COMPANY, house.skus[0], house.bin(0, "receiving"), house.bin(0), 1) for _ in range(size)
        ]
        with statements() as ran:
            put_away(SYSTEM, requests=requests)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1


def test_a_loss_under_a_promise_opens_the_line_again(house: Floor):
    house.stock(0, 3)
    order = house.order((0, 3)).order
    allocated(order)

    (answer,) = adjust(
        SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(0), -2, "water damage")]
    )

    assert answer.posted == -2
    (line,) = orders.order(order).lines
    assert line.places == {"allocated": 1, "open": 2} or line.places == {"open": 3}
    assert [item.type for item in work.of_subject(order)] == ["displaced"]
    assert order in queued("allocate")


def test_an_order_that_lost_its_promise_is_sourced_by_the_priority_that_it_was_served_with(house: Floor):
    house.stock(0, 3)
    order = house.order((0, 3), priority=5).order
    allocated(order)
    sql.change("UPDATE stock_allocation SET priority = 35", {})

    adjust(
        SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(0), -3, "water damage")]
    )

    ranked = "SELECT priority::int FROM kernel_ready WHERE queue = 'allocate' AND subject = %(order)s::uuid"
    assert sql.run(ranked, {"order": order}) == [(35,)]


def test_a_loss_that_needs_approval_opens_the_line_when_it_is_approved(house: Floor):
    house.stock(0, 1000, cost=100_000_00)
    order = house.order((0, 1000)).order
    allocated(order)

    (asked,) = adjust(
        someone("ann"), requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(0), -900, "theft")]
    )
    assert asked.state == "waiting"
    assert orders.order(order).lines[0].places == {"allocated": 1000}

    approve_adjustment(someone("bob"), requests=[DecideAdjustment(asked.adjustment, approve=True)])
    assert orders.order(order).lines[0].open >= 900
    assert [item.type for item in work.of_subject(order)] == ["displaced"]
