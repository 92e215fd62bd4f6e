"""work.open"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotPermitted, RequestReused
from entrepot.kernel.ids import uuid7
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.work import queries
from entrepot.work.commands.open_items import ItemOpened, OpenItem, open_items
from entrepot.work.rules import Calendar, Priority, Target, Targets, Term
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAUSE = Cause(Actor("worker", everything=True), NOW)

pytestmark = pytest.mark.django_db


def exception(subject: UUID | None = None, **changes) -> OpenItem:
    one = OpenItem(
        1, "payment hold", "order", subject or uuid7(), "authorization expired", "customer service"
    )
    return replace(one, **changes)


def test_an_exception_opens_an_item_with_its_reason_role_and_due_time():
    subject = uuid7()

    (answer,) = open_items(CAUSE, requests=[exception(subject, facts={"amount_minor": 1299}, priority=80)])

    (item,) = queries.of_subject(subject)
    assert answer == ItemOpened(item.id, fresh=True)
    assert (item.type, item.state, item.owner, item.role) == ("payment hold", "open", "", "customer service")
    assert (item.reason, item.facts) == ("authorization expired", {"amount_minor": 1299})
    assert (item.opened_at, item.due_at, item.closed_at) == (NOW, NOW + timedelta(hours=4), None)
    event = sql.run("SELECT subject_kind, subject_id, state_after, actor, command, reason FROM kernel_event")
    assert event == [("work_item", item.id, "open", "worker", "work.open", "authorization expired")]


def test_it_opens_when_it_occurred():
    earlier = NOW - timedelta(days=300)
    open_items(CAUSE, requests=[exception(occurred_at=earlier, due_in_hours=2)])

    (item,) = queries.items(1)
    assert (item.opened_at, item.due_at) == (earlier, earlier + timedelta(hours=2))


def test_the_same_exception_again_keeps_its_item_and_only_grows_more_urgent():
    subject = uuid7()
    (first,) = open_items(CAUSE, requests=[exception(subject, priority=50)])

    (urgent,) = open_items(CAUSE, requests=[exception(subject, priority=90)])
    (calm,) = open_items(CAUSE, requests=[exception(subject, priority=10)])

    assert urgent == calm == ItemOpened(first.item, fresh=False)
    (item,) = queries.of_subject(subject)
    assert (item.priority, item.due_at) == (90, NOW + timedelta(hours=4))


def test_twice_in_one_batch_is_one_item():
    subject = uuid7()
    first, second = open_items(CAUSE, requests=[exception(subject), exception(subject)])
    assert (first.item, first.fresh, second.fresh) == (second.item, True, False)


def test_other_names_other_types_and_other_companies_are_other_exceptions():
    subject = uuid7()
    requests = [
        exception(subject),
        exception(subject, type="fraud review"),
        exception(subject, dedupe="line 2"),
        exception(subject, company=2),
    ]
    answers = open_items(CAUSE, requests=requests)
    assert len({answer.item for answer in answers}) == 4
    assert all(answer.fresh for answer in answers)


def test_a_key_gets_its_answer_again_and_refuses_other_content():
    one = exception(key="k1")
    (first,) = open_items(CAUSE, requests=[one])

    assert open_items(CAUSE, requests=[one]) == [first]
    assert open_items(CAUSE, requests=[replace(one, reason="other")]) == [
        RequestReused(key="k1", command="work.open")
    ]
    assert len(queries.items(1)) == 1


def test_without_permission_nothing_is_written():
    (answer,) = open_items(Cause(Actor("auditor"), NOW), requests=[exception()])
    assert isinstance(answer, NotPermitted)
    assert queries.items(1) == []


@pytest.mark.counts("work.open")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    with statements() as ran:
        open_items(CAUSE, requests=[exception(key=f"k{i}") for i in range(count)])
    texts = [text for text in ran.texts if "SAVEPOINT" not in text]
    assert len(texts) == 4, ran  # look for keys, open, events, remember keys


@pytest.mark.parametrize("count", SIZES)
def test_policies_take_one_statement_more(statements, count):
    set_policy(CAUSE, requests=[SetPolicy(1, "work.priority", Priority(promise_points=10), NOW)])
    with statements() as ran:
        open_items(CAUSE, requests=[exception() for _ in range(count)])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 3, ran  # policies, open, events


def test_nothing_to_open_asks_nothing(statements):
    with statements() as ran:
        assert open_items(CAUSE, requests=[]) == []
    assert len(ran) == 0


OFFICE = Calendar("Europe/London", (((time(9), time(17)),),) * 5 + ((), ()))


def steer() -> None:
    bodies = {
        ("work.targets", ""): Targets({"payment hold": Target(10, "office")}),
        ("work.calendar", "office"): OFFICE,
        ("work.priority", ""): Priority(minor_per_point=1000, points_by_tier={"gold": 24}, promise_points=48),
    }
    found = set_policy(
        CAUSE,
        requests=[SetPolicy(1, kind, body, NOW, scope=scope) for (kind, scope), body in bodies.items()],
    )
    assert [type(one).__name__ for one in found] == ["PolicySet"] * 3


def test_policies_of_the_company_say_when_it_is_due_and_how_urgent_it_is():
    steer()
    mine = exception(value_minor=5_000, tier="gold", promise_at=NOW + timedelta(hours=8))
    answers = open_items(CAUSE, requests=[mine, replace(mine, company=2, subject=uuid7())])

    ours, theirs = (queries.item(answer.item) for answer in answers)
    assert ours.due_at == NOW + timedelta(hours=26)  # seven hours left of Monday's eight, three of Tuesday's
    assert theirs.due_at == NOW + timedelta(hours=24)
    assert ours.terms == (
        Term("urgency", 50, 50),
        Term("value", 5_000, 5),
        Term("tier", "gold", 24),
        Term("promise", "2026-03-02T17:00:00+00:00", 40),
    )
    assert (ours.points, theirs.points) == (119, 50)
    assert ours.points_at(NOW + timedelta(hours=3)) == 122


def test_a_policy_that_is_not_in_force_yet_steers_nothing():
    later = NOW + timedelta(days=1)
    set_policy(CAUSE, requests=[SetPolicy(1, "work.priority", Priority(promise_points=10), later)])
    (answer,) = open_items(CAUSE, requests=[exception(promise_at=NOW)])
    assert queries.item(answer.item).points == 50


def test_a_calendar_that_makes_no_sense_is_refused():
    (answer,) = set_policy(CAUSE, requests=[SetPolicy(1, "work.calendar", {"zone": "Mars"}, NOW)])
    assert isinstance(answer, Invalid)


def test_whoever_waited_long_enough_goes_before_the_more_urgent():
    old, urgent, new = (uuid7() for _ in range(3))
    open_items(
        CAUSE,
        requests=[
            exception(new),
            exception(urgent, priority=80),
            exception(old, occurred_at=NOW - timedelta(hours=31)),
        ],
    )
    assert [item.subject for item in queries.items(1)] == [old, urgent, new]
    (first,) = queries.items(1, limit=1)
    assert [item.subject for item in queries.items(1, after=first.id)] == [urgent, new]
