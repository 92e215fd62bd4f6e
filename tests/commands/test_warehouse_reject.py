"""warehouse.reject"""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.orders import queries as orders
from entrepot.sourcing import queries as sourcing
from entrepot.sourcing.commands.reject import OrderRejected, RejectOrder
from entrepot.sourcing.errors import NothingToReject
from entrepot.sourcing.rules import Profile
from entrepot.stock import queries as stock
from entrepot.warehouse import queries
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.reject import reject
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, allocated, packed, picked, placed, queued, released

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    for sku in range(2):
        for node in range(2):
            house.stock(sku, 10, node=node)
    return house


def busy(house: Floor, order: UUID, *lines: UUID, node: int = 0, **more) -> RejectOrder:
    return RejectOrder(order, house.nodes[node], "too busy", lines, **more)


def rejected(*requests: RejectOrder) -> list[OrderRejected]:
    answers = reject(SYSTEM, requests=requests)
    assert all(isinstance(one, OrderRejected) for one in answers), answers
    return answers


def places(order: UUID) -> list[dict[str, int]]:
    return [line.places for line in orders.order(order).lines]


def floor_of(order: UUID) -> list[tuple[str, str]]:
    return [(row.node_code, row.state) for row in queries.of_order(order)]


def committed(house: Floor) -> int:
    return sum(row.committed for sku in (0, 1) for row in stock.buckets(sku=house.skus[sku]))


def test_what_nobody_has_begun_leaves_the_floor_and_another_node_serves_it(house: Floor):
    (order,) = placed(house, 1, (0, 2), (1, 3))
    released(order)

    (answer,) = rejected(busy(house, order))

    assert (answer, places(order)) == (OrderRejected(order, 5, 0), [{"open": 2}, {"open": 3}])
    assert floor_of(order) == [("N1", "cancelled")]
    assert (committed(house), queued("pick"), queued("allocate")) == (0, [], [order])
    assert sql.run("SELECT sum(allocated)::int FROM stock_position") == [(0,)]
    assert [(one.node_code, one.quantity, one.reason) for one in sourcing.rejections(order=order)] == [
        ("N1", 2, "too busy"), ("N1", 3, "too busy"),
    ]  # fmt: skip
    assert orders.order(order).commercial == "confirmed", "it is not cancelled"
    told = orders.timeline(order)[-1]
    assert (told.before, told.after) != ("released", "cancelled")

    released(order)
    assert floor_of(order)[-1] == ("N2", "released")
    assert places(order) == [{"released": 2}, {"released": 3}]


def test_a_line_goes_alone_and_the_others_are_picked_where_they_are(house: Floor):
    (order,) = placed(house, 1, (0, 2), (1, 3))
    (work_,) = released(order)
    second = orders.order(order).lines[1].id

    (answer,) = rejected(busy(house, order, second))

    assert (answer.units, places(order)) == (3, [{"released": 2}, {"open": 3}])
    assert floor_of(order) == [("N1", "released")]
    whole(pick(SYSTEM, requests=[PickFulfillment(work_)]))
    released(order)
    assert sorted(floor_of(order)) == [("N1", "picked"), ("N2", "released")]


def test_what_is_promised_there_and_not_released_yet_goes_with_it(house: Floor):
    """Of an order whose lines stand at different stages of the way, in one call."""
    ready, on_floor = placed(house, 1, (0, 2)) + placed(house, 1, (1, 1))
    allocated(ready)
    released(on_floor)

    assert [one.units for one in rejected(busy(house, ready), busy(house, on_floor))] == [2, 1]
    assert (places(ready), places(on_floor)) == ([{"open": 2}], [{"open": 1}])


def test_another_nodes_part_of_the_order_stays_there(house: Floor):
    (order,) = placed(house, 1, (0, 15))
    released(order)
    assert sorted(floor_of(order)) == [("N1", "released"), ("N2", "released")]

    (answer,) = rejected(busy(house, order, node=1))

    assert (answer.units, places(order)) == (5, [{"open": 5, "released": 10}])
    assert sorted(floor_of(order)) == [("N1", "released"), ("N2", "cancelled")]


@pytest.mark.parametrize("stage", [picked, packed])
def test_what_is_begun_is_refused_and_goes_on(house: Floor, stage):
    (order,) = placed(house, 1, (0, 2))
    stage(order)
    before = places(order), floor_of(order)

    (refused,) = reject(SYSTEM, requests=[busy(house, order)])

    assert isinstance(refused, WrongState)
    assert refused.facts["found"] == stage.__name__
    assert (places(order), floor_of(order)) == before


def test_what_is_picked_in_part_is_begun(house: Floor):
    (order,) = placed(house, 1, (0, 2), (1, 3))
    (work_,) = released(order)
    (task, *_) = queries.tasks([work_])
    house.stock(0, 5, kind="reserve")
    whole(pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, task.quantity - 1),))]))

    (refused,) = reject(SYSTEM, requests=[busy(house, order)])

    assert isinstance(refused, WrongState)


def test_what_cannot_be_is_refused_and_its_neighbor_is_not(house: Floor):
    one, other = placed(house, 2, (0, 1))
    released(one, other)
    number = orders.order(one).number
    nobody = ids.uuid7()
    answers = reject(
        SYSTEM,
        requests=[
            RejectOrder(nobody, house.nodes[0], "why"), RejectOrder(other, house.nodes[0], "  "),
            busy(house, one, node=1), busy(house, one, nobody), busy(house, one), busy(house, one),
        ],
    )  # fmt: skip
    assert isinstance(answers[0], NotFound) and isinstance(answers[1], Invalid)
    assert answers[2] == NothingToReject(order=number, node="N2")
    assert answers[3] == answers[5] == NothingToReject(order=number, node="N1")
    assert answers[4] == OrderRejected(one, 1, 0)
    assert (places(one), places(other)) == ([{"open": 1}], [{"released": 1}])


def test_too_many_nodes_are_a_persons_business(house: Floor):
    policies.set_policy(
        SYSTEM, requests=[policies.SetPolicy(COMPANY, "sourcing.profile", Profile(rejections_max=2), NOW)]
    )
    (order,) = placed(house, 1, (0, 1))
    released(order)
    assert rejected(busy(house, order))[0].exhausted == 0
    released(order)
    assert rejected(busy(house, order, node=1))[0].exhausted == 1
    assert [one.type for one in work.of_subject(order)] == ["rejected by nodes"]


def test_again_by_key_answers_the_same(house: Floor):
    (order,) = placed(house, 1, (0, 1))
    released(order)
    one = busy(house, order, key="r1")
    assert reject(SYSTEM, requests=[one]) == reject(SYSTEM, requests=[one]) == [OrderRejected(order, 1, 0)]
    assert sql.run("SELECT count(*) FROM sourcing_rejection") == [(1,)]


@pytest.mark.counts("warehouse.reject")
def test_statements_do_not_grow_with_the_batch(db: None, statements):
    house = a_house()
    for sku in range(2):
        house.stock(sku, 5_000)
    for stage, most in ((allocated, 17), (released, 28)):
        counts = []
        for count in SIZES:
            batch = placed(house, count, (0, 1), (1, 1))
            stage(*batch)
            with statements() as ran:
                rejected(*(busy(house, order) for order in batch))
            counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        assert counts == [most] * 3
