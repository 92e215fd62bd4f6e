"""access.take_duty"""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import transaction

from entrepot.access import queries
from entrepot.access.commands.take_duty import Duty, DutyTaken, take_duty
from entrepot.access.errors import DutiesApart
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid
from entrepot.kernel.ids import uuid7
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAUSE = Cause(Actor("worker", everything=True), NOW)

pytestmark = pytest.mark.django_db


def duty(person: str = "ada", side: str = "order", document=None, **changes) -> Duty:
    return Duty(document or uuid7(), "order×receive×accept", side, person, **changes)


def test_a_duty_is_held_with_its_time():
    one = duty()
    assert take_duty(CAUSE, requests=[one]) == [DutyTaken(one)]
    (held,) = queries.duties_of(one.document)
    assert (held.pair, held.side, held.person, held.taken_at) == ("order×receive×accept", "order", "ada", NOW)


def test_the_other_side_is_for_somebody_else():
    document = uuid7()
    take_duty(CAUSE, requests=[duty("ada", "order", document)])

    mine = duty("ada", "receive", document)
    theirs = duty("ben", "receive", document)
    assert take_duty(CAUSE, requests=[mine, theirs]) == [
        DutiesApart(person="ada", pair="order×receive×accept", document=document, side="receive"),
        DutyTaken(theirs),
    ]
    assert {(held.person, held.side) for held in queries.duties_of(document)} == {
        ("ada", "order"),
        ("ben", "receive"),
    }


def test_other_documents_and_other_pairs_are_free():
    document = uuid7()
    requests = [
        duty("ada", "order", document),
        duty("ada", "receive"),
        Duty(document, "adjust×approve", "approve", "ada"),
    ]
    assert take_duty(CAUSE, requests=requests) == [DutyTaken(one) for one in requests]


def test_within_a_batch_the_earlier_stands():
    document = uuid7()
    first, second = take_duty(
        CAUSE, requests=[duty("ada", "receive", document), duty("ada", "order", document)]
    )
    assert (type(first), type(second)) == (DutyTaken, DutiesApart)


def test_a_duty_held_already_is_taken_with_or_without_a_key():
    one = duty(key="k")
    first = take_duty(CAUSE, requests=[one])
    assert take_duty(CAUSE, requests=[one]) == first
    again = duty(document=one.document)
    assert take_duty(CAUSE, requests=[again]) == [DutyTaken(again)]
    assert queries.checked()["duties"] == 1


def test_an_unknown_pair_is_refused():
    (refusal,) = take_duty(CAUSE, requests=[Duty(uuid7(), "left×right", "left", "ada")])
    assert isinstance(refusal, Invalid)


def test_the_database_itself_refuses_both_sides():
    document = uuid7()
    row = (document, "order×receive×accept", "order", "ada", NOW)
    columns = ("document", "pair", "side", "person", "taken_at")
    sql.write("access_duty", columns, [row])
    with pytest.raises(psycopg.errors.ExclusionViolation, match="access_duty_apart"), transaction.atomic():
        sql.write("access_duty", columns, [(document, "order×receive×accept", "receive", "ada", NOW)])


def test_the_database_keeps_duties_for_good():
    take_duty(CAUSE, requests=[duty()])
    for statement in ("DELETE FROM access_duty", "UPDATE access_duty SET person = 'ben'"):
        with pytest.raises(psycopg.Error), transaction.atomic():
            sql.run(statement)


@pytest.mark.counts("access.take_duty")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    with statements() as ran:
        take_duty(CAUSE, requests=[duty() for _ in range(count)])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 2, ran
