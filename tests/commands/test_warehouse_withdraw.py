"""warehouse.withdraw"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.orders import errors
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.payments.commands.capture import Capture, capture
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.stock import queries as stock
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import queries
from entrepot.warehouse.commands.pack import FulfillmentPacked, PackedPart, PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.withdraw import OrderWithdrawn, withdraw
from entrepot.warehouse.errors import LotExpired
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import SIZES
from tests.walk import a_house, allocated, packed, picked, placed, queued, released, shipped

pytestmark = pytest.mark.django_db

PAID = PaymentGiven("fake", "a1", 1_000_00, NOW)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 10)
    house.stock(1, 10)
    return house


def withdrawn(order: UUID, *lines: tuple[UUID, int], reason: str = "changed her mind") -> OrderWithdrawn:
    (answer,) = withdraw(SYSTEM, requests=[CancelOrder(order, reason, lines or None)])
    assert isinstance(answer, OrderWithdrawn), answer
    return answer


def places(order: UUID) -> list[dict[str, int]]:
    return [line.places for line in orders.order(order).lines]


def line_of(order: UUID, number: int = 0) -> UUID:
    return orders.order(order).lines[number].id


def states(order: UUID) -> list[str]:
    return [row.state for row in queries.of_order(order)]


def standing(house: Floor, sku: int = 0) -> dict[str, tuple[int, int]]:
    """Units of a SKU and how many of them picks have a claim on, by bin."""
    return {row.bin_code: (row.quantity, row.committed) for row in stock.buckets(sku=house.skus[sku])}


def promised() -> int:
    return sql.run("SELECT COALESCE(sum(allocated), 0)::int FROM stock_position")[0][0]


def nothing_waits() -> bool:
    return {queue for (queue,) in sql.run("SELECT queue FROM kernel_ready")} <= {"peg", "count"}


# ---- whole orders, by stage


def part_picked(house: Floor) -> tuple[UUID, UUID]:
    """An order and its fulfillment: of three units two were not in their bin, and are to be picked from another."""
    house.stock(2, 3)
    house.stock(2, 5, kind="reserve")
    order = house.order((2, 3), (0, 1)).order
    (work_,) = released(order)
    (task,) = [t for t in queries.tasks([work_]) if t.quantity == 3]
    pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, 1),))])
    return order, work_


def test_a_released_order_is_cancelled_and_its_tasks_are_withdrawn(house: Floor):
    order = house.order((0, 2), (1, 3), payment=PAID).order
    (work_,) = released(order)

    answer = withdrawn(order)

    assert answer == OrderWithdrawn(order, 5, 5, "cancelled", 5, 0, (work_,))
    assert places(order) == [{"cancelled": 2}, {"cancelled": 3}]
    view = orders.order(order)
    assert (view.status, view.commercial) == ("cancelled", "cancelled")
    assert states(order) == ["cancelled"]
    assert [(t.state, t.quantity, t.withdrawn) for t in queries.tasks([work_])] == [
        ("withdrawn", 0, 2),
        ("withdrawn", 0, 3),
    ]
    assert (standing(house, 0), standing(house, 1)) == ({"PICK": (10, 0)}, {"PICK": (10, 0)})
    assert (promised(), sql.run("SELECT count(*) FROM stock_allocation")) == (0, [(0,)])
    assert [one.state for one in payments.of_order(order)] == ["voided"]
    assert nothing_waits()
    assert orders.timeline(order)[-1].reason == "changed her mind"
    assert work.of_subject(work_) == []


def test_a_picked_order_is_cancelled_and_its_units_are_free_in_staging(house: Floor):
    order = house.order((0, 2), (1, 3), payment=PAID).order
    (work_,) = picked(order)

    answer = withdrawn(order)

    assert answer == OrderWithdrawn(order, 5, 5, "cancelled", 0, 5, (work_,))
    assert states(order) == ["cancelled"]
    assert [(t.state, t.picked, t.taken_back) for t in queries.tasks([work_])] == [
        ("withdrawn", 0, 2),
        ("withdrawn", 0, 3),
    ]
    assert standing(house, 0) == {"PICK": (8, 0), "STAGING": (2, 0)}
    assert promised() == 0
    assert [one.state for one in payments.of_order(order)] == ["voided"]
    assert nothing_waits()
    (item,) = work.of_subject(work_)
    assert (item.type, item.role, item.facts["units"]) == ("put back", "warehouse supervisor", 5)
    goods = {(one["sku"], one["units"]) for one in item.facts["goods"]}
    assert goods == {(str(house.skus[0]), 2), (str(house.skus[1]), 3)}


def test_what_was_taken_back_is_put_away_and_sold_again(house: Floor):
    order = house.order((0, 10)).order
    picked(order)
    withdrawn(order)
    next_ = house.order((0, 10)).order
    allocated(next_)
    put_away(
        SYSTEM,
        requests=[PutAway(COMPANY, house.skus[0], house.bin(kind="staging"), house.bin(), 10)],
    )

    shipped(next_)

    assert places(next_) == [{"shipped": 10}]


def test_a_packed_order_is_cancelled_and_its_carton_voided(house: Floor):
    order = house.order((0, 2), payment=PAID).order
    (work_,) = packed(order)

    answer = withdrawn(order)

    assert answer == OrderWithdrawn(order, 2, 2, "cancelled", 0, 2, (work_,))
    assert states(order) == ["cancelled"]
    (package,) = queries.packages(order)
    assert (package.voided_at, package.units) == (SYSTEM.at, 2)
    assert standing(house) == {"PICK": (8, 0), "STAGING": (2, 0)}
    assert nothing_waits()
    (refused,) = ship(SYSTEM, requests=[ShipFulfillment(work_)])
    assert isinstance(refused, WrongState)


def test_a_part_picked_order_is_cancelled_with_both_of_its_parts(house: Floor):
    order, work_ = part_picked(house)
    assert states(order) == ["picking"]

    answer = withdrawn(order)

    assert answer == OrderWithdrawn(order, 4, 4, "cancelled", 2, 2, (work_,))
    assert states(order) == ["cancelled"]
    assert sorted((t.state, t.quantity, t.withdrawn, t.taken_back) for t in queries.tasks([work_])) == [
        ("short", 2, 0, 1),
        ("withdrawn", 0, 0, 1),
        ("withdrawn", 0, 2, 0),
    ]
    assert standing(house, 2) == {"PICK": (2, 0), "RESERVE": (5, 0), "STAGING": (1, 0)}
    assert nothing_waits()


def test_what_is_not_on_the_floor_is_cancelled_by_the_same_request(house: Floor):
    early = house.order((0, 1)).order
    split = house.order((0, 2), (2, 4)).order  # the second line waits for stock
    (work_,) = released(split)

    answers = withdraw(SYSTEM, requests=[CancelOrder(early, "why"), CancelOrder(split, "why")])

    assert answers == [
        OrderWithdrawn(early, 1, 0, "cancelled", 0, 0),
        OrderWithdrawn(split, 6, 2, "cancelled", 2, 0, (work_,)),
    ]
    assert sql.run("SELECT count(*) FROM sourcing_backorder") == [(0,)]
    assert nothing_waits()
    assert [item.state for item in work.of_subject(split)] == ["done"]


def test_services_go_with_the_last_of_the_goods(house: Floor):
    order = house.order((0, 1), shipping_minor=4_95).order
    packed(order)

    answer = withdrawn(order, (line_of(order), 1))

    assert (answer.status, orders.order(order).commercial) == ("cancelled", "cancelled")
    assert all(set(one) == {"cancelled"} for one in places(order))


def test_holds_of_what_is_cancelled_are_rejected(house: Floor):
    order = house.order((0, 1)).order
    packed(order)
    place_hold(SYSTEM, requests=[PlaceHold(order, "fraud review", "a tip")])

    withdrawn(order)

    assert [hold.state for hold in orders.order(order).holds] == ["rejected"]


# ---- some units


def test_some_units_of_a_released_order_are_withdrawn_and_the_rest_is_picked(house: Floor):
    order = house.order((0, 5), (1, 2), payment=PAID).order
    (work_,) = released(order)

    answer = withdrawn(order, (line_of(order), 3))

    assert answer == OrderWithdrawn(order, 3, 3, "warehouse release", 3, 0)
    assert [(t.state, t.quantity, t.withdrawn) for t in queries.tasks([work_])] == [
        ("open", 2, 3),
        ("open", 2, 0),
    ]
    assert (standing(house, 0), promised()) == ({"PICK": (10, 2)}, 4)
    assert sql.run("SELECT count(*) FROM stock_allocation WHERE fulfillment_id IS NULL") == [(0,)]
    assert queued("pick") == [work_]
    (got,) = pick(SYSTEM, requests=[PickFulfillment(work_)])
    assert (got.state, got.picked) == ("picked", 4)
    assert places(order) == [{"picked": 2, "cancelled": 3}, {"picked": 2}]
    assert [one.state for one in payments.of_order(order)] == ["authorized"]


def test_units_that_nobody_has_touched_are_withdrawn_first(house: Floor):
    house.stock(2, 3)
    house.stock(2, 5, kind="reserve")
    order = house.order((2, 3)).order
    (work_,) = released(order)
    (task,) = queries.tasks([work_])
    pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, 1),))])  # 1 picked, 2 to be picked from reserve

    answer = withdrawn(order, (line_of(order), 1))

    assert (answer.called_off, answer.taken_back) == (1, 0)
    assert places(order) == [{"released": 1, "picked": 1, "cancelled": 1}]


def test_a_line_that_is_wholly_withdrawn_leaves_the_other_to_be_picked(house: Floor):
    order = house.order((0, 5), (1, 2)).order
    (work_,) = released(order)

    withdrawn(order, (line_of(order), 5))

    (got,) = pick(SYSTEM, requests=[PickFulfillment(work_)])
    assert (got.state, got.picked) == ("picked", 2)
    assert [(t.state, t.quantity) for t in queries.tasks([work_])] == [("withdrawn", 0), ("done", 2)]


def test_a_carton_is_opened_and_what_is_left_is_packed_again_and_ships(house: Floor):
    order = house.order((0, 5), (1, 2)).order
    (work_,) = packed(order)

    answer = withdrawn(order, (line_of(order), 3))

    assert answer == OrderWithdrawn(order, 3, 3, "picked", 0, 3)
    assert places(order) == [{"picked": 2, "cancelled": 3}, {"picked": 2}]
    assert (states(order), queued("pack"), queued("ship")) == (["picked"], [work_], [])
    assert standing(house) == {"PICK": (5, 0), "STAGING": (5, 2)}
    (again,) = pack(SYSTEM, requests=[PackFulfillment(work_, weight_g=990)])
    assert isinstance(again, FulfillmentPacked)
    assert [one.voided_at is None for one in queries.packages(order)] == [False, True]
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_)])
    assert isinstance(gone, FulfillmentShipped)
    assert gone.cost_minor == 300  # of the second carton alone: both would weigh more than a kilogram
    assert standing(house) == {"PICK": (5, 0), "STAGING": (3, 0)}


def test_all_cartons_of_a_fulfillment_are_opened_and_each_is_told_of(house: Floor):
    order = house.order((0, 2), (1, 2)).order
    (work_,) = picked(order)
    parts = tuple(PackedPart("S", ((line_of(order, number), 2),)) for number in range(2))
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, parts=parts)])
    packages = {answer.package, *(one.package for one in answer.more)}

    withdrawn(order, (line_of(order), 1))

    assert all(one.voided_at for one in queries.packages(order))
    told = sql.run(
        "SELECT subject_id FROM kernel_event WHERE subject_kind = 'package' AND state_after = 'voided'"
    )
    assert {package for (package,) in told} == packages
    ((of_fulfillment,),) = sql.run("SELECT payload -> 'voided' FROM kernel_event WHERE subject_kind = 'fulfillment'"
                                   " AND payload ? 'voided'")  # fmt: skip
    assert set(of_fulfillment) == {str(package) for package in packages}


def test_a_fulfillment_with_nothing_more_to_pick_is_picked(house: Floor):
    order, work_ = part_picked(house)

    answer = withdrawn(order, (line_of(order), 2))

    assert (answer.called_off, answer.taken_back, answer.ended) == (2, 0, ())
    assert (states(order), queued("pick"), queued("pack")) == (["picked"], [], [work_])
    (got,) = pack(SYSTEM, requests=[PackFulfillment(work_)])
    assert isinstance(got, FulfillmentPacked)


def test_units_are_withdrawn_more_than_once(house: Floor):
    order = house.order((0, 5)).order
    (work_,) = released(order)
    withdrawn(order, (line_of(order), 1))
    pick(SYSTEM, requests=[PickFulfillment(work_)])
    withdrawn(order, (line_of(order), 1))
    withdrawn(order, (line_of(order), 2))

    assert withdrawn(order).ended == (work_,)

    ((task),) = queries.tasks([work_])
    assert (task.state, task.withdrawn, task.taken_back) == ("withdrawn", 1, 4)
    assert [item.facts["units"] for item in work.of_subject(work_)] == [1, 2, 1]
    assert standing(house) == {"PICK": (6, 0), "STAGING": (4, 0)}


def test_an_order_of_two_nodes_gives_up_one_of_them(house: Floor):
    house.stock(2, 4, node=1)
    order = house.order((0, 2), (2, 2)).order
    works = packed(order)
    assert len(works) == 2

    answer = withdrawn(order, (line_of(order, 1), 2))

    assert answer.status == "packed"
    assert sorted(states(order)) == ["cancelled", "packed"]
    assert queued("ship") == [work_ for work_ in works if work_ not in answer.ended]


# ---- refusals


def test_what_has_left_is_refused_and_the_rest_can_be_cancelled_by_its_lines(house: Floor):
    house.stock(2, 4, node=1)
    order = house.order((0, 2), (2, 2), payment=PAID).order
    here, there = packed(order)
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(here)])
    assert isinstance(gone, FulfillmentShipped)
    left, staying = (line.id for line in sorted(orders.order(order).lines, key=lambda one: -one.shipped))
    number = orders.order(order).number

    (whole,) = withdraw(SYSTEM, requests=[CancelOrder(order, "why")])
    (line,) = withdraw(SYSTEM, requests=[CancelOrder(order, "why", ((left, 1),))])

    assert whole == errors.AlreadyShipped(order=number, units=2)
    assert line == errors.AlreadyShipped(order=number, units=1)
    assert "Authorize a return instead" in whole.message
    assert queued("ship") == [there]
    answer = withdrawn(order, (staying, 2))
    assert (answer.status, answer.ended) == ("shipped", (there,))


def test_what_can_not_be_withdrawn_is_refused_and_its_neighbor_is_not(house: Floor):
    order, gone, good = (house.order((0, 2)).order for _ in range(3))
    released(order, gone, good)
    withdrawn(gone)
    line = line_of(order)

    answers = withdraw(
        SYSTEM,
        requests=[
            CancelOrder(ids.uuid7(), "why"),
            CancelOrder(gone, "why"),
            CancelOrder(order, ""),
            CancelOrder(order, "why", ((line, 3),)),
            CancelOrder(order, "why", ((ids.uuid7(), 1),)),
            CancelOrder(good, "why"),
            CancelOrder(good, "why"),
        ],
    )

    assert [type(one) for one in answers] == [
        NotFound, WrongState, Invalid, errors.MoreThanThereIs, errors.MoreThanThereIs, OrderWithdrawn, Invalid,
    ]  # fmt: skip
    assert places(order) == [{"released": 2}]
    assert (states(order), states(good)) == (["released"], ["cancelled"])


def test_a_line_named_twice_gives_no_more_than_it_has(house: Floor):
    order = house.order((0, 3)).order
    picked(order)
    line = line_of(order)

    (refused,) = withdraw(SYSTEM, requests=[CancelOrder(order, "why", ((line, 2), (line, 2)))])
    answer = withdrawn(order, (line, 1), (line, 1))

    assert isinstance(refused, errors.MoreThanThereIs)
    assert (answer.units, answer.taken_back) == (2, 2)


def test_a_key_gets_its_answer_again(house: Floor):
    order = house.order((0, 2)).order
    packed(order)
    request = CancelOrder(order, "why", key="k1")

    first = withdraw(someone("sam"), requests=[request])

    assert withdraw(someone("sam"), requests=[request]) == first
    assert isinstance(first[0], OrderWithdrawn)
    assert len(work.of_subject(first[0].ended[0])) == 1


@pytest.mark.parametrize("stage", [released, picked])
@pytest.mark.parametrize("lines", [1, 3])
def test_statements_are_those_of_the_stage(db: None, statements, stage, lines):
    assert _counts(statements, stage, lines, (1, 10)) == [{released: 32, picked: 33}[stage]] * 2


@pytest.mark.counts("warehouse.withdraw")
def test_statements_do_not_grow_with_the_batch(db: None, statements):
    assert _counts(statements, packed, 3, SIZES) == [34] * 3


def _counts(statements, stage, lines, sizes) -> list[int]:
    """Of withdrawing so many orders of so many lines, at a stage."""
    house = a_house()
    for sku in range(lines):
        house.stock(sku, 2 * sum(sizes))
    counts = []
    for count in sizes:
        batch = placed(house, count, *((sku, 2) for sku in range(lines)), payment=PAID)
        stage(*batch)
        with statements() as ran:
            answers = withdraw(
                SYSTEM, requests=[CancelOrder(one, "why", key=f"{count}-{one}") for one in batch]
            )
        assert all(isinstance(one, OrderWithdrawn) for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    return counts


def test_statements_for_orders_that_are_not_on_the_floor_are_those_of_a_cancellation(
    house: Floor, statements
):
    order = house.order((0, 1)).order
    with statements() as ran:
        withdrawn(order)
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) <= 14, ran


# ---- orders of which a part has left


def part_shipped(house: Floor, captured: int) -> UUID:
    """An order of two units that left, and three that wait for stock, of which an amount was captured before."""
    (order,) = placed(house, 1, (0, 2), (2, 3), payment=PaymentGiven("account", "P1", 49_95, NOW))
    if captured:
        capture(SYSTEM, requests=[Capture(order, captured)])
    shipped(order)
    assert places(order) == [{"shipped": 2}, {"backordered": 3}]
    return order


@pytest.mark.parametrize(
    ("captured", "back"),
    [
        (49_95, 29_97),  # all was paid in advance: what those that left bear is kept
        (25_00, 25_00),  # a part was paid in advance, and what left is paid as it left
        (0, 0),  # what left is paid as it left, and the rest was never taken
    ],
)
def test_of_a_part_shipped_order_the_rest_is_cancelled_and_paid_back_alone(house, captured, back):
    order = part_shipped(house, captured)
    before = [(one.captured_minor, one.refunded_minor) for one in payments.of_order(order)]

    answer = withdrawn(order, (line_of(order, 1), 3))

    assert (answer.units, answer.freed, answer.refunded_minor) == (3, 0, back)
    assert places(order) == [{"shipped": 2}, {"cancelled": 3}]
    assert (orders.order(order).status, orders.order(order).commercial) == ("shipped", "confirmed")
    assert before == [(19_98 + back, 0)]
    (payment,) = payments.of_order(order)
    assert (payment.captured_minor, payment.refunded_minor) == (19_98 + back, back)
    assert sql.run("SELECT count(*)::int FROM sourcing_backorder") == [(0,)]
    assert withdraw(SYSTEM, requests=[CancelOrder(order, "again", ((line_of(order, 1), 1),))]) == [
        errors.MoreThanThereIs(line="2, SKU-002", found=0, expected=1)
    ]


def test_a_part_shipped_order_is_not_cancelled_as_if_nothing_had_left(house):
    order = part_shipped(house, 49_95)

    refused = withdraw(SYSTEM, requests=[CancelOrder(order, "changed her mind")])

    assert refused == [errors.AlreadyShipped(order=orders.order(order).number, units=2)]
    assert places(order) == [{"shipped": 2}, {"backordered": 3}]
    assert [one.refunded_minor for one in payments.of_order(order)] == [0]


def test_what_is_cancelled_of_picked_units_are_those_that_expired(house: Floor):
    """So packing asks for it: of 5 with 3 of a lot that expired, these 3 are put away, and the others go."""
    where = house.nodes[0]
    for lot, units, days in (("A", 3, 0), ("B", 2, 30)):
        receive(SYSTEM, requests=[Receive(
            COMPANY, house.skus[2], where, house.bins[where, "pick"], units, 900, "test receipt", ids.uuid7(), lot=lot,
            expires_on=NOW.date() + timedelta(days=days),
        )])  # fmt: skip
    order = house.order((2, 5)).order
    (work_,) = picked(order)
    tomorrow = replace(SYSTEM, at=NOW + timedelta(days=1))
    (late,) = pack(tomorrow, requests=[PackFulfillment(work_)])
    assert isinstance(late, LotExpired)
    (answer,) = withdraw(tomorrow, requests=[CancelOrder(order, "expired", ((line_of(order), 3),))])
    assert isinstance(answer, OrderWithdrawn)
    assert [(task.lot, task.picked) for task in queries.tasks([work_]) if task.picked] == [("B", 2)]
    assert isinstance(pack(tomorrow, requests=[PackFulfillment(work_)])[0], FulfillmentPacked)
