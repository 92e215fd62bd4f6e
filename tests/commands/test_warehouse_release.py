"""warehouse.release"""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, NotPermitted
from entrepot.orders import queries as orders
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import errors, queries
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.warehouse.tasks import serve_release
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, allocated, placed, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def places(order: UUID) -> dict[str, int]:
    found = orders.order(order)
    assert found is not None
    sums: dict[str, int] = {}
    for line in found.lines:
        for place, units in line.places.items():
            sums[place] = sums.get(place, 0) + units
    return sums


def test_a_promised_order_becomes_work_for_its_node(house: Floor):
    house.stock(0, 10)
    house.stock(1, 10)
    order = house.order((0, 2), (1, 3)).order
    allocated(order)

    (answer,) = release(SYSTEM, requests=[ReleaseOrder(order)])

    (work_,) = queries.of_order(order)
    assert answer == OrderReleased(order, (work_.id,), 5, 0)
    assert (work_.state, work_.node_code, work_.units, work_.picked) == ("released", "N1", 5, 0)
    assert work_.number.startswith("FF-")
    tasks = queries.tasks([work_.id])
    assert [(t.sku_code, t.quantity, t.bin_code, t.state) for t in tasks] == [
        ("SKU-000", 2, "PICK", "open"),
        ("SKU-001", 3, "PICK", "open"),
    ]
    assert places(order) == {"released": 5}
    assert orders.order(order).status == "warehouse release"
    assert sql.run("SELECT sum(committed)::int FROM stock_bucket") == [(5,)]
    assert queued("pick") == [work_.id]
    assert queued("release") == []
    events = sql.run(
        "SELECT state_before, state_after, command FROM kernel_event WHERE subject_id = %(id)s",
        {"id": work_.id},
    )
    assert events == [("", "released", "warehouse.release")]


def test_an_order_from_two_nodes_is_two_fulfillments(house: Floor):
    house.stock(0, 2, node=0)
    house.stock(1, 3, node=1)
    order = house.order((0, 2), (1, 3)).order
    allocated(order)

    (answer,) = release(SYSTEM, requests=[ReleaseOrder(order)])

    assert len(answer.fulfillments) == 2
    assert {(row.node_code, row.units) for row in queries.of_order(order)} == {("N1", 2), ("N2", 3)}


def test_a_line_is_split_over_bins_and_the_first_to_expire_goes_first(house: Floor):
    for lot, day, kind in (("B", 20, "pick"), ("A", 10, "reserve")):
        receive(
            SYSTEM,
            requests=[
                Receive(COMPANY, house.skus[0], house.nodes[0], house.bin(0, kind), 2, 200, "test receipt", ids.uuid7(),
                        lot=lot, expires_on=date(2026, 12, day))
            ],
        )  # fmt: skip
    order = house.order((0, 3)).order
    allocated(order)

    (answer,) = release(SYSTEM, requests=[ReleaseOrder(order)])

    assert {(t.lot, t.quantity) for t in queries.tasks(answer.fulfillments)} == {("A", 2), ("B", 1)}


def test_a_later_order_of_the_batch_finds_what_the_earlier_left(house: Floor):
    house.stock(0, 2)
    house.stock(0, 2, kind="reserve")
    first, second = house.order((0, 2)).order, house.order((0, 2)).order
    allocated(first, second)

    answers = release(SYSTEM, requests=[ReleaseOrder(second), ReleaseOrder(first)])

    bins = [queries.tasks(answer.fulfillments)[0].bin_code for answer in answers]
    assert bins == ["PICK", "RESERVE"]


def test_units_that_stand_in_no_bin_to_pick_from_wait_for_put_away(house: Floor):
    house.stock(0, 5, kind="receiving")
    order = house.order((0, 2)).order
    allocated(order)

    (answer,) = release(SYSTEM, requests=[ReleaseOrder(order)])

    number = orders.order(order).number
    assert answer == errors.NotPickable(order=number, missing=2)
    assert places(order) == {"allocated": 2}
    assert queries.of_order(order) == []
    # The worker asks for it, and finds the order ready again once it is done.
    serve_release(SYSTEM, [order])
    assert [item.type for item in work.of_subject(order)] == ["not pickable"]
    put_away(SYSTEM, requests=[PutAway(COMPANY, house.skus[0], house.bin(0, "receiving"), house.bin(0), 5)])
    assert queued("release") == [order]
    (answer,) = release(SYSTEM, requests=[ReleaseOrder(order)])
    assert answer.units == 2


def test_one_node_of_two_goes_and_the_other_is_asked_to_put_away(house: Floor):
    house.stock(0, 2, node=0)
    house.stock(1, 3, node=1, kind="receiving")
    order = house.order((0, 2), (1, 3)).order
    allocated(order)

    (answer,) = release(SYSTEM, requests=[ReleaseOrder(order)])

    assert (len(answer.fulfillments), answer.units, answer.not_pickable) == (1, 2, 3)
    assert places(order) == {"released": 2, "allocated": 3}
    assert [item.type for item in work.of_subject(order)] == ["not pickable"]


def test_refusals_leave_everything_as_it_was(house: Floor):
    house.stock(0, 10)
    held, nothing, nowhere = house.order((0, 1)).order, house.order((1, 1)).order, ids.uuid7()
    allocated(held)
    place_hold(SYSTEM, requests=[PlaceHold(held, "fraud review", "looks odd")])

    answers = release(SYSTEM, requests=[ReleaseOrder(order) for order in (held, nothing, nowhere)])

    assert answers == [
        errors.OnHold(order=orders.order(held).number, hold="fraud review"),
        errors.NothingToRelease(order=orders.order(nothing).number),
        NotFound(what="order", which=str(nowhere)),
    ]
    assert sql.run("SELECT count(*) FROM warehouse_fulfillment") == [(0,)]
    assert sql.run("SELECT sum(committed)::int FROM stock_bucket") == [(0,)]
    assert release(Cause(Actor("auditor"), NOW), requests=[ReleaseOrder(held)]) == [
        NotPermitted(actor="auditor", command="warehouse.release")
    ]


def test_the_same_order_twice_in_a_batch_is_released_once(house: Floor):
    house.stock(0, 10)
    order = house.order((0, 1)).order
    allocated(order)

    first, second = release(SYSTEM, requests=[ReleaseOrder(order), ReleaseOrder(order)])

    assert (first.units, type(second)) == (1, errors.NothingToRelease)


def test_a_key_gets_its_answer_again(house: Floor):
    house.stock(0, 10)
    order = house.order((0, 1)).order
    allocated(order)

    first = release(SYSTEM, requests=[ReleaseOrder(order, key="k")])
    assert release(SYSTEM, requests=[ReleaseOrder(order, key="k")]) == first
    assert len(queries.of_order(order)) == 1


@pytest.mark.counts("warehouse.release")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    house.stock(0, 5000)
    house.stock(1, 5000, node=1)
    counts = []
    for size in SIZES:
        wanted = placed(house, size, (0, 1), (1, 1))
        allocated(*wanted)
        with statements() as ran:
            release(SYSTEM, requests=[ReleaseOrder(order, key=str(order)) for order in wanted])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[0] == counts[1] == counts[2] == 15, counts
