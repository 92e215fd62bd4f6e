"""warehouse.pick"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, ready, sql
from entrepot.kernel.errors import NotFound, WrongState
from entrepot.orders import queries as orders
from entrepot.stock import queries as stock
from entrepot.warehouse import counted, errors, queries
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.tasks import serve_count
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone, units
from tests.sizes import SIZES
from tests.walk import a_house, allocated, placed, queued, released

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def line_places(order: UUID) -> list[dict[str, int]]:
    return [line.places for line in orders.order(order).lines]


def in_staging(house: Floor, sku: int = 0) -> int:
    return sum(row.quantity for row in stock.buckets(sku=house.skus[sku]) if row.bin_code == "STAGING")


def test_picked_units_stand_in_staging_still_promised(house: Floor):
    house.stock(0, 10)
    house.stock(1, 10)
    order = house.order((0, 2), (1, 3)).order
    (work_,) = released(order)

    (answer,) = pick(
        someone("paula"), requests=[PickFulfillment(work_, occurred_at=NOW + timedelta(hours=1))]
    )

    assert answer == FulfillmentPicked(work_, "picked", 5, 0)
    (row,) = queries.of_order(order)
    assert (row.state, row.picker, row.picked, row.short) == ("picked", "paula", 5, 0)
    assert [(t.state, t.picked) for t in queries.tasks([work_])] == [("done", 2), ("done", 3)]
    assert line_places(order) == [{"picked": 2}, {"picked": 3}]
    assert orders.order(order).status == "picked"
    assert (in_staging(house, 0), in_staging(house, 1)) == (2, 3)
    assert sql.run("SELECT sum(allocated)::int, sum(sellable)::int FROM stock_position") == [(5, 20)]
    (move, _) = stock.moves(document=work_)
    assert (move.reason, move.occurred_at) == ("pick", NOW + timedelta(hours=1))
    assert (queued("pick"), queued("pack")) == ([], [work_])


def test_missing_units_come_from_another_bin_of_the_node(house: Floor):
    house.stock(0, 2)
    house.stock(0, 5, kind="reserve")
    order = house.order((0, 2)).order
    (work_,) = released(order)
    (task,) = queries.tasks([work_])

    (answer,) = pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, 0),))])

    (again,) = answer.tasks
    assert answer == FulfillmentPicked(work_, "picking", 0, 2, (again,))
    tasks = queries.tasks([work_])
    assert [(t.bin_code, t.quantity, t.picked, t.state) for t in tasks] == [
        ("PICK", 2, 0, "short"),
        ("RESERVE", 2, 0, "open"),
    ]
    assert units(house.skus[0], "researching") == 2
    assert line_places(order) == [{"released": 2}]
    (item,) = work.of_subject(task.id)
    assert (item.type, item.role, item.facts["from_another_bin"]) == ("short pick", "warehouse supervisor", 2)
    assert queued("pick") == [work_]

    (answer,) = pick(SYSTEM, requests=[PickFulfillment(work_)])
    assert (answer.state, answer.picked) == ("picked", 2)
    assert line_places(order) == [{"picked": 2}]
    assert queries.of_order(order)[0].short == 2


def test_the_bin_that_came_up_short_is_gone_to_again_last(house: Floor):
    """Its books still say that more is there."""
    house.stock(0, 9)
    house.stock(0, 1, kind="reserve")
    (work_,) = released(house.order((0, 3)).order)
    (task,) = queries.tasks([work_])
    pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, 1),))])
    assert sorted((t.bin_code, t.quantity) for t in queries.tasks([work_]) if t.state == "open") == [
        ("PICK", 1), ("RESERVE", 1),
    ]  # fmt: skip


def test_a_bin_that_is_short_twice_is_not_gone_to_a_third_time(house: Floor):
    """Its books say 9, it holds none, and no other bin has any: it is held back until it is counted."""
    house.stock(0, 9)
    order, promised = house.order((0, 3)).order, house.order((0, 2)).order
    (work_,) = released(order)
    allocated(promised)
    (task,) = queries.tasks([work_])
    (answer,) = pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, 0),))])
    (again,) = answer.tasks

    (answer,) = pick(SYSTEM, requests=[PickFulfillment(work_, ((again, 0),))])

    assert (answer.state, answer.tasks) == ("cancelled", ())
    assert (line_places(order), queued("allocate")) == ([{"open": 3}], [order])
    assert line_places(promised) == [{"allocated": 2}]  # a promise is not broken on a picker's word
    assert units(house.skus[0], "researching") == 7
    (item,) = work.of_subject(again)
    assert (item.facts["held_back"], "until the bin is counted" in item.reason) == (1, True)

    serve_count(SYSTEM, ready.claim("count", 10))  # as the policy of counts has it by default
    (count,) = counted.counts(company=COMPANY, node=house.nodes[0])
    assert (count.bin_code, count.state) == ("PICK", "open")


def test_what_is_nowhere_at_the_node_is_sourced_again(house: Floor):
    house.stock(0, 3)
    house.stock(1, 3)
    order = house.order((0, 3), (1, 1)).order
    (work_,) = released(order)
    task = queries.tasks([work_])[0]

    (answer,) = pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, 1),))])

    assert answer == FulfillmentPicked(work_, "picked", 2, 2)
    assert line_places(order) == [{"open": 2, "picked": 1}, {"picked": 1}]
    assert orders.order(order).status == "picked"
    assert queued("allocate") == [order]
    assert units(house.skus[0], "researching") == 2
    assert sql.run(
        "SELECT quantity, released FROM stock_allocation WHERE sku_id = %(sku)s", {"sku": house.skus[0]}
    ) == [(1, 1)]


def test_units_promised_to_others_are_not_taken_for_a_short(house: Floor):
    house.stock(0, 2)
    house.stock(0, 2, kind="reserve")
    mine, theirs = house.order((0, 2)).order, house.order((0, 2)).order
    first, _ = released(mine, theirs)
    (task,) = queries.tasks([first])

    (answer,) = pick(SYSTEM, requests=[PickFulfillment(first, ((task.id, 0),))])

    assert (answer.state, answer.tasks) == ("cancelled", ())
    assert line_places(mine) == [{"open": 2}]
    assert line_places(theirs) == [{"released": 2}]


def test_a_fulfillment_of_which_nothing_is_there_is_cancelled(house: Floor):
    house.stock(0, 1)
    order = house.order((0, 1)).order
    (work_,) = released(order)
    (task,) = queries.tasks([work_])

    (answer,) = pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, 0),))])

    assert answer.state == "cancelled"
    assert orders.order(order).status == "ready"
    assert (queued("pick"), queued("pack")) == ([], [])


def test_two_rounds_of_which_the_second_finds_nothing_keep_the_first(house: Floor):
    house.stock(0, 2)
    house.stock(0, 1, kind="reserve")
    order = house.order((0, 2)).order
    (work_,) = released(order)
    (task,) = queries.tasks([work_])
    (answer,) = pick(SYSTEM, requests=[PickFulfillment(work_, ((task.id, 1),))])

    (answer,) = pick(SYSTEM, requests=[PickFulfillment(work_, ((answer.tasks[0], 0),))])

    assert (answer.state, answer.picked, answer.short) == ("picked", 0, 1)
    assert line_places(order) == [{"open": 1, "picked": 1}]


def test_refusals_leave_everything_as_it_was(house: Floor):
    house.stock(0, 10)
    order, other = house.order((0, 2)).order, house.order((0, 2)).order
    one, two = released(order, other)
    (task,), (foreign,) = queries.tasks([one]), queries.tasks([two])
    unknown = ids.uuid7()
    number = queries.fulfillment(one).number

    answers = pick(
        SYSTEM,
        requests=[
            PickFulfillment(unknown),
            PickFulfillment(one, ((foreign.id, 1),)),
            PickFulfillment(one, ((task.id, 2),)),
            PickFulfillment(one, ((task.id, -1),)),
        ],
    )

    assert answers == [
        NotFound(what="fulfillment", which=str(unknown)),
        errors.TaskUnknown(fulfillment=number, task=str(foreign.id)),
        errors.PickedOutOfRange(task=str(task.id), wanted=2, found=2),
        errors.PickedOutOfRange(task=str(task.id), wanted=2, found=-1),
    ]
    assert in_staging(house) == 0
    assert line_places(order) == [{"released": 2}]


def test_a_fulfillment_is_picked_once(house: Floor):
    house.stock(0, 10)
    (work_,) = released(house.order((0, 2)).order)
    refusal = WrongState(subject="fulfillment", found="picked", event="pick", expected="released or picking")

    first, second = pick(SYSTEM, requests=[PickFulfillment(work_), PickFulfillment(work_)])
    (third,) = pick(SYSTEM, requests=[PickFulfillment(work_)])

    assert first.state == "picked"
    assert second == third == refusal
    assert in_staging(house) == 2


def test_without_a_staging_bin_nothing_is_picked(house: Floor):
    house.stock(0, 10)
    (work_,) = released(house.order((0, 2)).order)
    sql.run("UPDATE network_bin SET kind = 'packing' WHERE kind = 'staging'")

    assert pick(SYSTEM, requests=[PickFulfillment(work_)]) == [errors.NoStaging(node=str(house.nodes[0]))]


def test_a_key_gets_its_answer_again(house: Floor):
    house.stock(0, 10)
    (work_,) = released(house.order((0, 2)).order)

    first = pick(SYSTEM, requests=[PickFulfillment(work_, key="k")])
    assert pick(SYSTEM, requests=[PickFulfillment(work_, key="k")]) == first
    assert in_staging(house) == 2


@pytest.mark.counts("warehouse.pick")
@pytest.mark.parametrize("short", [False, True])
def test_statements_do_not_grow_with_the_batch(house: Floor, statements, short: bool):
    house.stock(0, 5000)
    house.stock(0, 5000, kind="reserve")
    house.stock(1, 5000)
    counts = []
    for size in (1, *SIZES):  # the first pick of a SKU makes its bucket in staging
        work_ = released(*placed(house, size, (0, 2), (1, 1)))
        missed = {
            task.fulfillment: ((task.id, 0),) for task in queries.tasks(work_) if task.quantity == 2 and short
        }
        requests = [PickFulfillment(one, missed.get(one, ()), key=str(one)) for one in work_]
        with statements() as ran:
            answers = pick(SYSTEM, requests=requests)
        assert {answer.state for answer in answers} == {"picking" if short else "picked"}
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1:] == [36 if short else 16] * 3, counts
