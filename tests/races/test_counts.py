"""Several counters and approvers at once, while pickers pick: a difference is posted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.warehouse import counted
from entrepot.warehouse.commands.decide_counts import CountDecided, DecideCount, decide_counts
from entrepot.warehouse.commands.enter_counts import Counted, CountEntered, EnterCount, enter_counts
from entrepot.warehouse.commands.plan_counts import AskCount, PlanCounts, ask_counts, plan_counts
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.warehouse.commands.start_counts import CountStarted, StartCount, start_counts
from entrepot.warehouse.commands.withdraw_counts import CountWithdrawn, WithdrawCount, withdraw_counts
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 4


def later(person: str, minutes: int) -> Cause:
    return replace(someone(person), at=NOW + timedelta(minutes=minutes))


def test_counts_are_asked_entered_and_decided_once_while_goods_move(house: Floor):
    asking = [AskCount(house.bin(), house.skus[0])]
    jobs = [
        lambda: ask_counts(SYSTEM, requests=asking),
        lambda: plan_counts(SYSTEM, requests=[PlanCounts(COMPANY)]),
    ]
    at_once(jobs * 2)
    goods = sql.run("SELECT sku_id, task_id FROM warehouse_countline")
    assert sorted(sku for sku, _ in goods) == house.skus[:2], "each has one task"
    task = dict(goods)[house.skus[0]]

    for minutes, person in ((0, "ann"), (20, "bob")):
        begin, end = later(person, minutes), later(person, minutes + 10)
        jobs = [lambda cause=begin: start_counts(cause, requests=[StartCount(task)])] * THREADS
        assert all(isinstance(one, CountStarted) for (one,) in at_once(jobs))
        said = [EnterCount(task, tuple(Counted(sku, 160) for sku, of in goods if of == task))]
        jobs = [lambda cause=end, said=said: enter_counts(cause, requests=said)] * THREADS
        assert sum(isinstance(one, CountEntered) for (one,) in at_once(jobs)) == 1
    (line, *_) = counted.differences(company=COMPANY)
    decision = [DecideCount(line.id, "approve", "stolen")]
    away = [PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 1)]
    jobs = [lambda: decide_counts(later("eve", 40), requests=decision)] * THREADS
    jobs += [lambda: put_away(later("pia", 40), requests=away)] * THREADS

    answers = [one for (one,) in at_once(jobs)[:THREADS]]

    assert [one.posted for one in answers if isinstance(one, CountDecided)] == [-40]
    assert sql.run("SELECT sum(quantity)::int FROM stock_bucket") == [(360,)]
    assert verify.discrepancies() == []


def test_a_count_is_withdrawn_once_or_entered_however_many_try(house: Floor):
    ask_counts(SYSTEM, requests=[AskCount(house.bin(), sku) for sku in house.skus[:2]])
    tasks = [task for (task,) in sql.run("SELECT id FROM warehouse_counttask ORDER BY id")]
    start_counts(later("ann", 0), requests=[StartCount(task) for task in tasks])
    goods = {task: [one.sku for one in counted.to_count([task])[task]] for task in tasks}
    there = dict(sql.run("SELECT sku_id, sum(quantity)::int FROM stock_bucket GROUP BY 1"))
    said = [EnterCount(one, tuple(Counted(sku, there[sku]) for sku in goods[one])) for one in tasks]
    jobs = [
        lambda i=i: withdraw_counts(
            later("eve", 10),
            requests=[WithdrawCount(one, "cleared") for one in (tasks if i % 2 else tasks[::-1])],
        )
        for i in range(THREADS)
    ]
    jobs += [lambda: enter_counts(later("ann", 10), requests=said)]

    answers = [one for got in at_once(jobs) for one in got]

    done = [one for one in answers if isinstance(one, CountWithdrawn | CountEntered)]
    assert sorted(one.task for one in done) == tasks
    states = {state for (state,) in sql.run("SELECT state FROM warehouse_counttask")}
    assert states <= {"withdrawn", "done", "recount"}
    assert verify.discrepancies() == []
