"""One person, two screens: both sides of a pair at the same moment. And two persons, one of whom must wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from entrepot.access import queries
from entrepot.access.commands.take_duty import Duty, DutyTaken, take_duty
from entrepot.access.errors import DutiesApart
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.ids import uuid7
from tests.together import at_once

CAUSE = Cause(Actor("worker", everything=True), datetime(2026, 3, 2, 9, 0, tzinfo=UTC))

pytestmark = pytest.mark.usefixtures("committed_db")


def taken_at_once(*batches: list[Duty]) -> list[list]:
    return at_once([lambda batch=batch: take_duty(CAUSE, requests=batch) for batch in batches])


def test_one_person_never_gets_both_sides_however_fast():
    for _ in range(20):
        document = uuid7()
        sides = ["order", "receive"] * 4
        answers = taken_at_once(*([Duty(document, "order×receive×accept", side, "ada")] for side in sides))
        taken = {answer.duty.side for (answer,) in answers if isinstance(answer, DutyTaken)}
        refused = [answer for (answer,) in answers if isinstance(answer, DutiesApart)]
        assert len(taken) == 1
        assert len(refused) == 4
        assert len(queries.duties_of(document)) == 1


def test_two_persons_each_get_their_side_and_batches_in_contrary_order_do_not_deadlock():
    documents = [uuid7() for _ in range(200)]
    ordered = [Duty(one, "order×receive×accept", "order", "ada") for one in documents]
    received = [Duty(one, "order×receive×accept", "receive", "ben") for one in reversed(documents)]
    contrary = [Duty(one, "order×receive×accept", "receive", "ada") for one in reversed(documents)]

    ours, theirs, mine = taken_at_once(ordered, received, contrary)

    assert all(isinstance(answer, DutyTaken) for answer in theirs)
    won = sum(isinstance(answer, DutyTaken) for answer in ours)
    assert won + sum(isinstance(answer, DutyTaken) for answer in mine) == 200
