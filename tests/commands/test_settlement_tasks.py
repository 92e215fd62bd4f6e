"""settlement.tick_tasks"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.close_month import MonthClosed
from entrepot.settlement import closing, closing_queries, errors
from entrepot.settlement.closing import Closing
from entrepot.settlement.commands.tick_tasks import TaskTicked, TickTask, tick_tasks
from tests.commands.test_settlement_close import LATER, MONTH, close
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
CASH, BANK = "Count the cash", "Agree with the bank"


def a_house_with(*tasks: str) -> None:
    a_floor(skus=0)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.closing", Closing(tasks=tasks), NOW)])


def tick(
    task: str = CASH, note: str = "412.10", *, done: bool = True, cause: Cause = LATER, **facts: object
) -> object:
    wanted = replace(TickTask(COMPANY, MONTH, task, note, done), **facts)  # type: ignore[arg-type]
    return tick_tasks(cause, requests=[wanted])[0]


def told() -> list[tuple[str, str]]:
    report = closing_queries.month_report(COMPANY, MONTH, LATER.at)
    return [(one.open.about, closing.state(one)) for one in report.checked if one.open.kind == "own tasks"]


def test_a_month_waits_for_its_tasks_and_its_report_tells_who_did_them():
    a_house_with(CASH, BANK)
    assert close(MONTH) == [errors.NotReadyToClose(month="2026-11", found="own tasks: 2")]
    assert told() == [(BANK, "in the way"), (CASH, "in the way")]
    assert tick(key="k") == TaskTicked(COMPANY, MONTH, CASH, True)
    assert tick(key="k") == TaskTicked(COMPANY, MONTH, CASH, True), "the answer of the key"
    assert tick(note="else", key="k") == RequestReused(key="k", command="settlement.tick_tasks")
    assert told() == [(BANK, "in the way"), (CASH, "passed")]
    assert tick(note="it was of May", done=False) == TaskTicked(COMPANY, MONTH, CASH, False)
    assert close(MONTH) == [errors.NotReadyToClose(month="2026-11", found="own tasks: 2")]
    tick(), tick(BANK, "even")
    (first, second) = closing_queries.tasks(COMPANY, MONTH, LATER.at)
    assert (first.task, first.tick and first.tick.note, second.task) == (CASH, "412.10", BANK)
    assert close(MONTH) == [MonthClosed(COMPANY, MONTH)]
    assert told() == [(CASH, "passed"), (BANK, "passed")]
    report = closing_queries.month_report(COMPANY, MONTH, LATER.at)
    assert {(one.task, one.done_by, one.note) for one in report.ticks} == {
        (CASH, LATER.actor.name, "412.10"), (BANK, LATER.actor.name, "even"),
    }  # fmt: skip
    assert isinstance(tick(done=False), WrongState), "what is closed stays as it was"


def test_what_is_no_tick_is_refused():
    a_house_with(CASH)
    assert isinstance(tick("Feed the cat"), NotFound)
    assert isinstance(tick(done=False), WrongState)
    assert isinstance(tick(month=date(2026, 11, 2)), Invalid)
    assert [isinstance(tick(note=note), Invalid) for note in ("", "  ", "x" * 501)] == [True] * 3
    first, second = tick_tasks(
        LATER, requests=[TickTask(COMPANY, MONTH, CASH, "a"), TickTask(COMPANY, MONTH, CASH, "b")]
    )
    assert isinstance(first, TaskTicked) and isinstance(second, WrongState)
    nobody = Cause(Actor("nobody"), NOW, "a test")
    assert isinstance(tick(cause=nobody, done=False), NotPermitted)


def test_a_task_that_the_policy_names_no_more_may_still_be_taken_back():
    a_house_with(CASH)
    tick()
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.closing", Closing(), NOW)])
    assert [one.task for one in closing_queries.tasks(COMPANY, MONTH, LATER.at)] == [CASH]
    assert tick(done=False) == TaskTicked(COMPANY, MONTH, CASH, False)
    assert isinstance(tick(), NotFound)
    assert closing_queries.tasks(COMPANY, MONTH, LATER.at) == []


@pytest.mark.parametrize("tasks", [("",), ("x" * 201,), ("a", "a"), tuple(map(str, range(51)))])
def test_tasks_that_are_none_are_told(tasks: tuple[str, ...]):
    with pytest.raises(ValueError, match="tasks: expected"):
        Closing(tasks=tasks)


@pytest.mark.counts("settlement.tick_tasks")
def test_statements_do_not_grow_with_the_batch(statements):
    a_house_with(CASH)
    year, counts = 1900, []
    for size in SIZES:
        months = [date(year + i // 12, i % 12 + 1, 1) for i in range(size)]
        year -= 100
        with statements() as ran:
            answers = tick_tasks(LATER, requests=[TickTask(COMPANY, one, CASH, "done") for one in months])
        assert all(isinstance(one, TaskTicked) for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1
