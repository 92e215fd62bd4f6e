"""Requests gathered from many threads: one batch, one answer each, as the command alone would give it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotPermitted, Refused, Unavailable
from entrepot.kernel.gather import MOST, Gathered
from entrepot.stock.commands.reserve import Reserve, Reserved, reserve
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.together import at_once

pytestmark = pytest.mark.alone("kernel", "ledger", "stock", "access")


@pytest.fixture
def floor(committed_db: None) -> Floor:
    return a_floor()


def wants(floor: Floor, units: int = 1, key: str | None = None) -> Reserve:
    until = NOW + timedelta(minutes=15)
    holder = f"cart {ids.uuid7()}"
    return Reserve(
        COMPANY, holder, floor.skus[0], floor.nodes[0], floor.channels["shop"], units, until, key=key
    )


def test_two_hundred_requests_in_flight_sell_out_exactly(floor: Floor) -> None:
    floor.stock(quantity=150)
    ask = Gathered(reserve)

    answers = at_once([lambda: ask(SYSTEM, requests=[wants(floor)])[0] for _ in range(200)])

    assert sum(isinstance(answer, Reserved) for answer in answers) == 150
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"stock.insufficient"}
    assert sql.run("SELECT sellable, reserved FROM stock_position") == [(150, 150)]
    assert sql.run("SELECT count(*), sum(quantity) FROM stock_reservation") == [(150, 150)]


def test_one_key_sent_by_many_threads_takes_effect_once_and_all_get_its_answer(floor: Floor) -> None:
    floor.stock(quantity=150)
    ask, once = Gathered(reserve), wants(floor, key="the same")

    answers = at_once([lambda: ask(SYSTEM, requests=[once])[0] for _ in range(20)])

    assert len({str(answer) for answer in answers}) == 1
    assert isinstance(answers[0], Reserved)
    assert sql.run("SELECT reserved FROM stock_position") == [(1,)]


# ---- with commands that only note their batches


@dataclass(frozen=True)
class Ask:
    number: int
    key: str | None = None


class Slow:
    """A command that notes its batches, and whose first one lasts until `enough` others wait."""

    def __init__(self, enough: int) -> None:
        self.batches: list[tuple[Cause, list[int]]] = []
        self.enough, self.ask = enough, Gathered(self)

    def __call__(self, cause: Cause, /, *, requests: Sequence[Ask]) -> list[Any]:
        if not self.batches:
            self.batches.append((cause, []))
            while len(self.ask._queue) < self.enough:
                threading.Event().wait(0.001)
            self.batches.clear()
        self.batches.append((cause, [one.number for one in requests]))
        if any(one.number < 0 for one in requests):
            raise ValueError("a number below zero")
        if not cause.actor.everything:
            return [NotPermitted(actor=cause.actor.name, command="ask") for _ in requests]
        return [one.number * 10 for one in requests]


def each(slow: Slow, numbers: Sequence[int], causes: Sequence[Cause] | None = None) -> list[object]:
    """What each of the numbers gets, asked for by a thread of its own; an error as itself."""

    def ask(number: int, cause: Cause) -> object:
        try:
            return slow.ask(cause, requests=[Ask(number)])[0]
        except Exception as error:  # noqa: BLE001  it is the answer that is looked at
            return error

    causes = causes or [SYSTEM] * len(numbers)
    return at_once([lambda n=n, cause=cause: ask(n, cause) for n, cause in zip(numbers, causes, strict=True)])


def test_what_comes_while_a_batch_is_under_way_is_the_next_batch(django_db_blocker) -> None:
    slow = Slow(enough=9)
    with django_db_blocker.unblock():
        assert each(slow, range(10)) == [10 * number for number in range(10)]
    assert [len(numbers) for _, numbers in slow.batches] == [1, 9]


def test_a_request_that_breaks_the_batch_fails_alone(django_db_blocker) -> None:
    slow = Slow(enough=4)
    with django_db_blocker.unblock():
        answers = each(slow, [1, 2, -3, 4, 5])
    assert [answers[i] for i in (0, 1, 3, 4)] == [10, 20, 40, 50]
    assert isinstance(answers[2], ValueError)


def test_a_batch_has_one_actor_and_the_time_of_its_latest_request(django_db_blocker) -> None:
    clerk = Cause(Actor("clerk"), NOW)
    later = replace(SYSTEM, at=NOW + timedelta(seconds=5))
    slow = Slow(enough=4)
    with django_db_blocker.unblock():
        answers = each(slow, [1, 2, 3, 4, 5], [SYSTEM, SYSTEM, clerk, later, clerk])
    assert [answers[i] for i in (0, 1, 3)] == [10, 20, 40]
    assert all(isinstance(answers[i], NotPermitted) for i in (2, 4))
    for cause, numbers in slow.batches:
        assert ({1, 2, 4} if cause.actor == SYSTEM.actor else {3, 5}) >= set(numbers)
        assert 4 not in numbers or cause.at == later.at


def test_no_batch_is_longer_than_the_limit() -> None:
    gathered = Gathered(lambda _, /, *, requests: list(requests))
    half = [Ask(i) for i in range(MOST // 2 + 1)]
    assert gathered(SYSTEM, requests=half) == half
    for _ in range(3):
        gathered._queue.append(_waiting(half))
    assert [len(one) for one in (gathered._take(), gathered._take(), gathered._take())] == [1, 1, 1]


def _waiting(requests: Sequence[Ask]) -> Any:
    from entrepot.kernel.gather import _Waiting

    return _Waiting(SYSTEM, requests)


def test_who_waits_for_a_leader_that_is_interrupted_is_told(django_db_blocker) -> None:
    class Interrupted(BaseException):
        pass

    def command(cause: Cause, /, *, requests: Sequence[Ask]) -> list[Any]:
        raise Interrupted

    gathered = Gathered(command)
    other = _waiting([Ask(2)])
    gathered._queue.append(other)
    gathered._is_led = True
    mine = _waiting([Ask(1)])
    gathered._queue.appendleft(mine)
    with pytest.raises(Interrupted):
        gathered._lead()
    assert not other.asleep.locked()
    assert isinstance(other.error, Unavailable)
    assert not gathered._is_led
