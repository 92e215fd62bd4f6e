"""returns.open_work_orders, start_work, finish_work, withdraw_work"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.kernel import ids, policies
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.ledger.commands.choose_costing import ChooseCosting, choose_costing
from entrepot.returns import departure_queries, errors, work_order_queries
from entrepot.returns.commands.finish_work import FinishWork, WorkFinished, finish_work
from entrepot.returns.commands.work_orders import (
    OpenWorkOrder,
    StartWork,
    WithdrawWork,
    WorkOrderOpened,
    WorkStarted,
    WorkWithdrawn,
    open_work_orders,
    start_work,
    withdraw_work,
)
from entrepot.returns.onward import Onward, Outcome, Part
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.errors import NotThere
from tests.back import INSPECTS
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.onward import UNKNOWN, disposed, lines
from tests.sizes import SIZES
from tests.walk import a_house, allocated, placed

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 2_000)
    return house


def begun(house: Floor, quantity: int) -> WorkOrderOpened:
    (which,) = disposed(house, "refurbish", quantity)
    (answer,) = open_work_orders(INSPECTS, requests=[OpenWorkOrder(COMPANY, which, quantity, "new buttons")])
    assert start_work(INSPECTS, requests=[StartWork(answer.work_order)]) == [WorkStarted(answer.work_order)]
    return answer


def pays(**facts: object) -> None:
    kept = policies.SetPolicy(COMPANY, "returns.onward", Onward(**facts), NOW - timedelta(days=1))  # type: ignore[arg-type]
    policies.set_policy(SYSTEM, requests=[kept])


def test_work_adds_to_the_value_of_what_it_makes(house: Floor):
    """Four units that cost 100 each: one as good as new, two as another SKU, one beyond repair; 90 of work."""
    pays(labor_minor_per_hour=2_000)
    answer = begun(house, 4)
    assert answer.number == f"WO-{NOW.year}-000001"
    stock, second = balance(1200), house.skus[2]

    (done,) = finish_work(INSPECTS, requests=[FinishWork(
        answer.work_order, (Outcome(1, "A"), Outcome(2, "B", "second_grade", second, house.bin(0, "reserve"))), 1,
        parts_minor=40, labor_minutes=2, note="one was burnt",
    )])  # fmt: skip

    assert done == WorkFinished(answer.work_order, 107, 107)
    assert (units(house.skus[0], "refurbish"), units(second, "second_grade")) == (0, 2)
    assert units(house.skus[0]) == 2_000 - 4 + 1
    assert (balance(1200), balance(1230), balance(2160)) == (stock - 100 + 107, 0, -107)
    assert lines(answer.work_order) == {1200: 7, 2160: -107, 5320: 100}
    found = work_order_queries.work_order(COMPANY, answer.work_order)
    assert (found.value_minor, found.cost_minor, found.state) == (400, 107, "finished")
    assert [(r.quantity, r.grade, r.status, r.sku_code, r.bin, r.value_minor)
            for r in work_order_queries.results([answer.work_order])] == [
        (1, "A", "sellable", "SKU-000", "PICK", 136), (2, "B", "second_grade", "SKU-002", "RESERVE", 271),
        (1, "", "scrapped", "SKU-000", "QUARANTINE", 100),
    ]  # fmt: skip


def test_work_is_an_expense_where_the_policy_says_so_or_nothing_was_made(house: Floor):
    lost = begun(house, 1)
    finish_work(INSPECTS, requests=[FinishWork(lost.work_order, scrapped=1, parts_minor=30)])
    assert lines(lost.work_order) == {1200: -100, 2160: -30, 5320: 100, 5340: 30}

    pays(capitalize=False)
    made = begun(house, 1)
    finish_work(INSPECTS, requests=[FinishWork(made.work_order, (Outcome(1, "B"),), parts_minor=30)])
    assert lines(made.work_order) == {2160: -30, 5340: 30}
    assert balance(1230) == 0


def came(house: Floor, units: int, lot: str, days: int) -> None:
    """Units of the second SKU, of a lot that expires so many days from now."""
    receive(SYSTEM, requests=[Receive(
        COMPANY, house.skus[1], house.nodes[0], house.bin(0, "pick"), units, 70 * units, "receipt", ids.uuid7(),
        lot=lot, expires_on=NOW.date() + timedelta(days=days),
    )])  # fmt: skip


def test_parts_out_of_stock_become_value_of_what_they_were_put_into(house: Floor):
    """Two units that cost 100 each, and three parts of 70: what expires first, and one of a bin that is named."""
    pays(labor_minor_per_hour=3_000, labor_by="own")
    part, reserve = house.skus[1], house.bin(0, "reserve")
    came(house, 2, "L2", 90)
    came(house, 1, "L1", 9)
    house.stock(1, 5, cost=350, kind="reserve")
    answer = begun(house, 2)
    stock = balance(1200)

    (done,) = finish_work(INSPECTS, requests=[FinishWork(
        answer.work_order, (Outcome(2, "A"),), parts_minor=11, labor_minutes=4,
        parts=(Part(part, 2), Part(part, 1, reserve)),
    )])  # fmt: skip

    assert done == WorkFinished(answer.work_order, 210 + 11 + 200, 421)
    assert [(r.lot, r.bin, r.quantity, r.value_minor) for r in work_order_queries.parts([answer.work_order])] == [
        ("L1", "PICK", 1, 70), ("L2", "PICK", 1, 70), ("", "RESERVE", 1, 70),
    ]  # fmt: skip
    assert units(part) == 8 - 3
    assert (balance(1200), balance(1230)) == (stock + 211, 0)
    assert lines(answer.work_order) == {1200: 211, 2160: -11, 5340: -200}, "wages were an expense already"
    found = work_order_queries.work_order(COMPANY, answer.work_order)
    assert (found.used_minor, found.parts_minor, found.labor_minor, found.cost_minor) == (210, 11, 200, 421)
    assert [r.value_minor for r in work_order_queries.results([answer.work_order])] == [200 + 421]


def test_parts_of_work_that_made_nothing_are_an_expense(house: Floor):
    pays(labor_minor_per_hour=3_000, labor_by="own")
    house.stock(1, 3, cost=210)
    answer = begun(house, 1)
    ask = FinishWork(answer.work_order, scrapped=1, labor_minutes=4, parts=(Part(house.skus[1], 1),))
    assert finish_work(INSPECTS, requests=[ask]) == [WorkFinished(answer.work_order, 270, 0)]
    assert lines(answer.work_order) == {1200: -170, 5320: 100, 5340: 70}


def test_parts_that_are_promised_or_not_there_can_not_be_used(house: Floor):
    house.stock(1, 5)
    allocated(*placed(house, 1, (1, 3)))
    first, second = begun(house, 1), begun(house, 1)
    one = FinishWork(first.work_order, (Outcome(1, "A"),))
    answers = finish_work(INSPECTS, requests=[
        replace(one, parts=(Part(UNKNOWN, 1),)), replace(one, parts=(Part(house.skus[1], 0),)),
        replace(one, parts=(Part(house.skus[1], 1),) * 51), replace(one, parts=(Part(house.skus[1], 3),)),
        replace(one, parts=(Part(house.skus[1], 2), Part(house.skus[1], 1))),
        replace(one, parts=(Part(house.skus[1], 1, lot="none"),)), replace(one, parts=(Part(house.skus[1], 2),)),
        FinishWork(second.work_order, (Outcome(1, "A"),), parts=(Part(house.skus[1], 1),)),
    ])  # fmt: skip
    assert [type(a) for a in answers] == [
        NotFound, Invalid, Invalid, errors.NoParts, errors.NoParts, errors.NoParts, WorkFinished, errors.NoParts,
    ]  # fmt: skip
    assert [a.facts["free"] for a in answers if isinstance(a, errors.NoParts)] == [2, 0, 0, 0]
    assert units(house.skus[1]) == 3


def test_layers_keep_their_value_through_the_work(house: Floor):
    """First in, first out: what is taken is of the oldest layer, and comes back as a layer of its own."""
    choose_costing(SYSTEM, requests=[ChooseCosting(COMPANY, "fifo", "as we are asked to", revalue=True)])
    house.stock(0, 50, cost=10_000)
    answer = begun(house, 3)
    made = (Outcome(1, "A"), Outcome(1, "B", "second_grade", house.skus[1]))
    finish_work(INSPECTS, requests=[FinishWork(answer.work_order, made, 1, parts_minor=31)])
    assert lines(answer.work_order) == {1200: -69, 2160: -31, 5320: 100}
    assert [one.value_minor for one in work_order_queries.results([answer.work_order])] == [116, 115, 100]


def test_what_can_not_be_worked_on(house: Floor):
    (which,) = disposed(house, "refurbish", 2)
    (lot,) = disposed(house, "liquidate", 1)
    answers = open_work_orders(INSPECTS, requests=[
        OpenWorkOrder(COMPANY, UNKNOWN, 1, "mend"), OpenWorkOrder(COMPANY + 1, which, 1, "mend"),
        OpenWorkOrder(COMPANY, lot, 1, "mend"), OpenWorkOrder(COMPANY, which, 1, " "),
        OpenWorkOrder(COMPANY, which, 0, "mend"), OpenWorkOrder(COMPANY, which, 2, "mend"),
        OpenWorkOrder(COMPANY, which, 1, "mend"),
    ])  # fmt: skip
    assert [type(a) for a in answers] == [
        NotFound, NotFound, Invalid, Invalid, Invalid, WorkOrderOpened, errors.MoreThanWaits,
    ]  # fmt: skip
    made = answers[5].work_order

    none = finish_work(INSPECTS, requests=[FinishWork(UNKNOWN), FinishWork(made, scrapped=2)])
    assert [type(a) for a in none] == [NotFound, WrongState], "it has not begun"
    twice = start_work(INSPECTS, requests=[StartWork(UNKNOWN), StartWork(made), StartWork(made)])
    assert [type(a) for a in twice] == [NotFound, WorkStarted, WrongState]
    kit = house.skus[house.kit("KIT", (0, 1))]
    other = house.bin(1, "pick")
    answers = finish_work(INSPECTS, requests=[
        FinishWork(made, (Outcome(1, "A"),)), FinishWork(made, (Outcome(2, "A"),), parts_minor=-1),
        FinishWork(made, (Outcome(2, "A", sku=UNKNOWN),)), FinishWork(made, (Outcome(2, "A", sku=kit),)),
        FinishWork(made, (Outcome(2, "A", bin=other),)),
    ])  # fmt: skip
    assert [type(a) for a in answers] == [Invalid, Invalid, NotFound, Invalid, errors.NoBin]

    at = house.at(kind="quarantine", status="refurbish")
    moved = ChangeStatus(COMPANY, at.sku, at.node, at.bin, 1, at.status, "damaged", "it fell")
    change_status(SYSTEM, requests=[moved])
    assert isinstance(finish_work(INSPECTS, requests=[FinishWork(made, scrapped=2)])[0], NotThere)
    assert work_order_queries.work_order(COMPANY, made).state == "started"


def test_work_that_is_given_up_frees_its_units(house: Floor):
    answer = begun(house, 3)
    assert departure_queries.waiting(COMPANY) == []
    answers = withdraw_work(INSPECTS, requests=[
        WithdrawWork(UNKNOWN, "x"), WithdrawWork(answer.work_order, ""), WithdrawWork(answer.work_order, "no parts"),
        WithdrawWork(answer.work_order, "again"),
    ])  # fmt: skip
    assert [type(a) for a in answers] == [NotFound, errors.ReasonNeeded, WorkWithdrawn, WrongState]
    assert [row.units for row in departure_queries.waiting(COMPANY, "refurbish")] == [3]


def test_the_same_keys_give_the_same_answers(house: Floor):
    first, second = disposed(house, "refurbish", 1, 1)
    asks = [OpenWorkOrder(COMPANY, first, 1, "mend", "a"), OpenWorkOrder(COMPANY, second, 1, "mend", "b")]
    made, again = (open_work_orders(INSPECTS, requests=asks) for _ in range(2))
    assert made == again
    steps = (
        (start_work, StartWork(made[0].work_order, "c")),
        (finish_work, FinishWork(made[0].work_order, scrapped=1, key="d")),
        (withdraw_work, WithdrawWork(made[1].work_order, "no", "e")),
    )
    for command, request in steps:
        assert command(INSPECTS, requests=[request]) == command(INSPECTS, requests=[request])
    assert len(work_order_queries.work_orders(COMPANY)) == 2


@pytest.mark.counts(
    "returns.finish_work", "returns.open_work_orders", "returns.start_work", "returns.withdraw_work"
)
def test_statements_are_equal_at_1_10_and_many(house: Floor, statements):
    house.stock(0, 1_000)
    house.stock(1, 2_000)
    counts = []
    for size in (1, *SIZES):  # the first one makes the buckets that the others find
        found = disposed(house, "refurbish", *[2] * size)
        asks = [OpenWorkOrder(COMPANY, one, 2, "mend") for one in found]
        made_of = (Outcome(1, "A"),)
        with statements() as ran:
            drop = open_work_orders(INSPECTS, requests=asks)
            withdraw_work(INSPECTS, requests=[WithdrawWork(a.work_order, "no") for a in drop])
            made = open_work_orders(INSPECTS, requests=asks)
            start_work(INSPECTS, requests=[StartWork(a.work_order) for a in made])
            done = finish_work(INSPECTS, requests=[
                FinishWork(a.work_order, made_of, 1, parts_minor=5, parts=(Part(house.skus[1], 1),)) for a in made
            ])  # fmt: skip
        assert {type(a) for a in done} == {WorkFinished}
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1:] == [counts[1]] * 3
