"""One person, two screens: both sides of a pair at the same moment. And two persons, one of whom must wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connections

from entrepot.access import queries
from entrepot.access.commands.take_duty import Duty, DutyTaken, take_duty
from entrepot.access.errors import DutiesApart
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.ids import uuid7

CAUSE = Cause(Actor("worker", everything=True), datetime(2026, 3, 2, 9, 0, tzinfo=UTC))

pytestmark = pytest.mark.usefixtures("committed_db")


def at_once(*batches: list[Duty]) -> list[list]:
    """Each batch in a thread of its own, started together."""
    start = Barrier(len(batches))

    def take(batch: list[Duty]) -> list:
        start.wait()
        try:
            return take_duty(CAUSE, requests=batch)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(take, batches))


def test_one_person_never_gets_both_sides_however_fast():
    for _ in range(20):
        document = uuid7()
        sides = ["order", "receive"] * 4
        answers = at_once(*([Duty(document, "order×receive", side, "ada")] for side in sides))
        taken = {answer.duty.side for (answer,) in answers if isinstance(answer, DutyTaken)}
        refused = [answer for (answer,) in answers if isinstance(answer, DutiesApart)]
        assert len(taken) == 1
        assert len(refused) == 4
        assert len(queries.duties_of(document)) == 1


def test_two_persons_each_get_their_side_and_batches_in_contrary_order_do_not_deadlock():
    documents = [uuid7() for _ in range(200)]
    ordered = [Duty(one, "order×receive", "order", "ada") for one in documents]
    received = [Duty(one, "order×receive", "receive", "ben") for one in reversed(documents)]
    contrary = [Duty(one, "order×receive", "receive", "ada") for one in reversed(documents)]

    ours, theirs, mine = at_once(ordered, received, contrary)

    assert all(isinstance(answer, DutyTaken) for answer in theirs)
    won = sum(isinstance(answer, DutyTaken) for answer in ours)
    assert won + sum(isinstance(answer, DutyTaken) for answer in mine) == 200
