"""work.assign, work.snooze, work.escalate and work.escalate_overdue"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.kernel.queries import timeline
from entrepot.work import queries, tasks
from entrepot.work.commands.assign import AssignItem, ItemAssigned, assign
from entrepot.work.commands.claim import ClaimItem, PutBackItem, claim, put_back
from entrepot.work.commands.escalate import (
    EscalateItem,
    EscalateOverdue,
    ItemEscalated,
    OverdueEscalated,
    escalate,
    escalate_overdue,
)
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveItem, resolve
from entrepot.work.commands.snooze import ItemSnoozed, SnoozeItem, snooze
from entrepot.work.errors import ChangedMeanwhile
from entrepot.work.rules import SNOOZE_MAX, Calendar, Target, Targets
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = Cause(Actor("ada", everything=True), NOW)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people(db) -> None:
    User.objects.bulk_create([
        *(User(username=name, is_superuser=True) for name in ("ada", "ben")), User(username="auditor"),
        User(username="gone", is_superuser=True, is_active=False),
    ])  # fmt: skip


def items(count: int = 1, **changes) -> list[UUID]:
    one = OpenItem(1, "short pick", "task", uuid7(), "bin empty", "picker", due_in_hours=4)
    requests = [replace(one, subject=uuid7(), **changes) for _ in range(count)]
    return [answer.item for answer in open_items(ADA, requests=requests)]


def done() -> UUID:
    (item,) = items()
    resolve(ADA, requests=[ResolveItem(item, "damage")])
    return item


def told(item: UUID) -> list[tuple[str, object, str]]:
    return [(one.command, one.payload, one.reason) for one in timeline(subjects=[item])][1:]


def count(ran) -> int:
    return len([text for text in ran.texts if "SAVEPOINT" not in text])


# ---- assign


def test_somebody_else_gets_an_item_even_from_its_owner():
    (item,) = items()
    assert assign(ADA, requests=[AssignItem(item, "ada")]) == [ItemAssigned(item, "ada")]
    assert assign(ADA, requests=[AssignItem(item, "ben", "knows the aisle")]) == [ItemAssigned(item, "ben")]

    found = queries.item(item)
    assert (found.state, found.owner) == ("claimed", "ben")
    assert told(item)[-1] == ("work.assign", {"owner": "ben"}, "knows the aisle")


def test_whoever_has_it_keeps_it_and_nothing_is_told():
    (item,) = items()
    for _ in range(2):
        assert assign(ADA, requests=[AssignItem(item, "ben")]) == [ItemAssigned(item, "ben")]
    assert len(told(item)) == 1


def test_the_last_of_several_counts():
    (item,) = items()
    assign(ADA, requests=[AssignItem(item, "ada"), AssignItem(item, "ben")])
    assert queries.item(item).owner == "ben"


def test_nobody_gets_what_is_done_or_absent_and_who_left_gets_nothing():
    (item,) = items()
    answers = assign(
        ADA,
        requests=[
            AssignItem(item, "gone"), AssignItem(item, "auditor"), AssignItem(done(), "ben"),
            AssignItem(uuid7(), "ben"),
        ],
    )  # fmt: skip
    assert [type(one) for one in answers] == [NotFound, NotFound, WrongState, NotFound]
    assert queries.item(item).state == "open"


def test_a_picker_may_not_give_work_to_others():
    (item,) = items()
    picker = Cause(Actor("ada", frozenset({"work.claim"})), NOW)
    (answer,) = assign(picker, requests=[AssignItem(item, "ben")])
    assert isinstance(answer, NotPermitted)


@pytest.mark.counts("work.assign")
@pytest.mark.parametrize("size", SIZES)
def test_assigning_takes_the_same_statements(statements, size):
    found = items(size)
    with statements() as ran:
        assign(ADA, requests=[AssignItem(item, "ben") for item in found])
    assert count(ran) == 4, ran  # lock, people, assign, events


# ---- snooze


def test_an_item_sleeps_until_its_moment_and_comes_back_by_itself():
    (item,) = items()
    until = NOW + 2 * HOUR
    assert snooze(ADA, requests=[SnoozeItem(item, until, "carrier calls back")]) == [ItemSnoozed(item, until)]

    assert queries.items(1, awake_at=until - HOUR) == []
    assert [one.id for one in queries.items(1, asleep_at=until - HOUR)] == [item]
    assert [one.id for one in queries.items(1, awake_at=until)] == [item]
    assert queries.items(1, asleep_at=until) == []
    assert [(one.items, one.snoozed) for one in queries.queues(1, NOW)] == [(1, 1)]
    assert queries.item(item).due_at == NOW + 4 * HOUR
    assert told(item) == [("work.snooze", {"until": "2026-03-02T11:00:00Z"}, "carrier calls back")]


def test_what_sleeps_can_be_woken_and_wakes_when_somebody_takes_it():
    one, other = items(2)
    snooze(ADA, requests=[SnoozeItem(item, NOW + HOUR) for item in (one, other)])
    snooze(ADA, requests=[SnoozeItem(one, None)])
    claim(ADA, requests=[ClaimItem(other)])
    assert {item.id for item in queries.items(1, awake_at=NOW)} == {one, other}


def test_who_has_an_item_keeps_it_while_it_sleeps():
    (item,) = items()
    claim(ADA, requests=[ClaimItem(item)])
    snooze(ADA, requests=[SnoozeItem(item, NOW + HOUR)])
    found = queries.item(item)
    assert (found.state, found.owner, found.snoozed_until) == ("claimed", "ada", NOW + HOUR)


def test_nothing_sleeps_into_the_past_or_for_years():
    (item,) = items()
    times = [NOW, NOW + SNOOZE_MAX + HOUR]
    answers = snooze(ADA, requests=[SnoozeItem(item, at) for at in times] + [SnoozeItem(done(), None)])
    assert [type(one) for one in answers] == [Invalid, Invalid, WrongState]
    assert isinstance(snooze(ADA, requests=[SnoozeItem(uuid7(), None)])[0], NotFound)


@pytest.mark.counts("work.snooze")
@pytest.mark.parametrize("size", SIZES)
def test_snoozing_takes_the_same_statements(statements, size):
    found = items(size)
    with statements() as ran:
        snooze(ADA, requests=[SnoozeItem(item, NOW + HOUR) for item in found])
    assert count(ran) == 3, ran


# ---- escalate


def test_another_role_is_asked_and_nobody_has_the_item():
    (item,) = items()
    claim(ADA, requests=[ClaimItem(item)])

    (answer,) = escalate(ADA, requests=[EscalateItem(item, "operations lead", "third time this week")])

    assert answer == ItemEscalated(item, "operations lead")
    found = queries.item(item)
    assert (found.state, found.owner, found.role, found.escalated_at) == ("open", "", "operations lead", NOW)
    assert told(item)[-1] == (
        "work.escalate", {"role": "operations lead", "from": "picker"}, "third time this week",
    )  # fmt: skip


def test_only_other_roles_that_exist_are_asked():
    (item,) = items()
    answers = escalate(
        ADA,
        requests=[
            EscalateItem(item, "picker"), EscalateItem(item, "king"), EscalateItem(done(), "controller"),
            EscalateItem(uuid7(), "controller"),
        ],
    )  # fmt: skip
    assert [type(one) for one in answers] == [Invalid, Invalid, WrongState, NotFound]


@pytest.mark.counts("work.escalate")
@pytest.mark.parametrize("size", SIZES)
def test_escalating_takes_the_same_statements(statements, size):
    found = items(size)
    with statements() as ran:
        escalate(ADA, requests=[EscalateItem(item, "controller") for item in found])
    assert count(ran) == 3, ran


@pytest.mark.parametrize("command", [assign, snooze, escalate])
def test_a_key_gets_its_answer_again(command):
    (item,) = items()
    request = {
        assign: AssignItem(item, "ben", key="k"),
        snooze: SnoozeItem(item, NOW + HOUR, key="k"),
        escalate: EscalateItem(item, "controller", key="k"),
    }[command]
    assert command(ADA, requests=[request]) == command(ADA, requests=[request])
    assert len(told(item)) == 1


# ---- what somebody else changed meanwhile


def test_invariant_12_an_item_that_somebody_else_has_meanwhile_is_neither_put_back_nor_given_away():
    (item,) = items()
    assign(ADA, requests=[AssignItem(item, "ben")])
    before = told(item)
    answers = [
        *put_back(ADA, requests=[PutBackItem(item, expected_owner="ada")]),
        *assign(ADA, requests=[AssignItem(item, "ada", expected_owner="")]),
        *escalate(ADA, requests=[EscalateItem(item, "controller", expected_owner="ada")]),
    ]
    assert answers == [
        ChangedMeanwhile(item=item, field="owner", expected=who, found="ben") for who in ("ada", "nobody", "ada")
    ]  # fmt: skip
    assert (queries.item(item).owner, told(item)) == ("ben", before)

    assert assign(ADA, requests=[AssignItem(item, "ada", expected_owner="ben")]) == [
        ItemAssigned(item, "ada")
    ]
    assert assign(ADA, requests=[AssignItem(item, "ada", expected_owner="ben")]) == [
        ItemAssigned(item, "ada")
    ]
    put_back(ADA, requests=[PutBackItem(item, expected_owner="ada")])
    (refused,) = put_back(ADA, requests=[PutBackItem(item, expected_owner="ada")])
    assert refused == ChangedMeanwhile(item=item, field="owner", expected="ada", found="nobody")


def test_what_was_escalated_goes_back_to_its_role_and_to_whoever_had_it():
    (item,) = items()
    claim(ADA, requests=[ClaimItem(item)])
    escalate(ADA, requests=[EscalateItem(item, "controller")])
    way_back = EscalateItem(item, "picker", owner="ada", expected_role="controller", expected_owner="")

    assert escalate(ADA, requests=[way_back]) == [ItemEscalated(item, "picker", "ada")]
    found = queries.item(item)
    assert (found.state, found.owner, found.role) == ("claimed", "ada", "picker")
    assert told(item)[-1][1] == {"role": "picker", "from": "controller", "owner": "ada"}
    assert escalate(ADA, requests=[way_back]) == [
        ChangedMeanwhile(item=item, field="role", expected="controller", found="picker")
    ]


def test_nobody_gives_by_an_escalation_what_they_may_not_assign():
    (item,) = items(role="operations lead")
    actor = Actor("ada", frozenset({"work.escalate", "work.claim"}), roles=frozenset({"operations lead"}))
    ada = Cause(actor, NOW)
    (refused,) = escalate(ada, requests=[EscalateItem(item, "controller", owner="ben")])
    assert isinstance(refused, NotPermitted)
    (gone,) = escalate(ada, requests=[EscalateItem(item, "controller", owner="gone")])
    assert gone == NotFound(what="person", which="gone")
    assert queries.item(item).role == "operations lead"
    assert escalate(ada, requests=[EscalateItem(item, "controller", owner="ada")]) == [
        ItemEscalated(item, "controller", "ada")
    ]


def test_an_item_that_somebody_else_put_aside_for_longer_is_not_woken():
    (item,) = items()
    snooze(ADA, requests=[SnoozeItem(item, NOW + HOUR)])
    snooze(ADA, requests=[SnoozeItem(item, NOW + 9 * HOUR)])
    (refused,) = snooze(ADA, requests=[SnoozeItem(item, None, expected_until=NOW + HOUR)])
    assert isinstance(refused, ChangedMeanwhile) and refused.facts["found"] == (NOW + 9 * HOUR).isoformat()
    assert queries.item(item).snoozed_until == NOW + 9 * HOUR
    snooze(ADA, requests=[SnoozeItem(item, None, expected_until=NOW + 9 * HOUR)])
    assert queries.item(item).snoozed_until is None


@pytest.mark.parametrize("size", SIZES)
def test_giving_back_what_was_escalated_takes_the_same_statements(statements, size):
    found = items(size)
    with statements() as ran:
        escalate(ADA, requests=[EscalateItem(item, "controller", owner="ben") for item in found])
    assert count(ran) == 4, ran  # lock, people, escalate, events


# ---- what is overdue for too long


def limit(hours: int | None, **changes) -> None:
    (answer,) = set_policy(
        ADA,
        requests=[SetPolicy(1, "work.targets", Targets(escalate_after_hours=hours, **changes), NOW - HOUR)],
    )
    assert type(answer).__name__ == "PolicySet"


def overdue(hours: int) -> list[OverdueEscalated]:
    return escalate_overdue(replace(ADA, at=NOW + hours * HOUR), requests=[EscalateOverdue(1)])


def test_what_is_overdue_beyond_the_limit_goes_to_the_role_of_its_type_once():
    limit(2, escalates_to={"": "operations lead", "tax hold": "controller"})
    picks, tax = items(), items(type="tax hold", due_in_hours=5)
    claim(ADA, requests=[ClaimItem(picks[0])])

    assert overdue(6) == [OverdueEscalated(0)]  # due after 4 hours, and 2 are borne
    assert overdue(7) == [OverdueEscalated(1)]
    assert overdue(8) == [OverdueEscalated(1)]
    assert overdue(99) == [OverdueEscalated(0)]

    found = [queries.item(item) for item in picks + tax]
    assert [(one.role, one.state, one.owner) for one in found] == [
        ("operations lead", "open", ""), ("controller", "open", ""),
    ]  # fmt: skip
    assert told(picks[0])[-1][::2] == ("work.escalate_overdue", "overdue")


def test_what_is_overdue_while_nobody_works_waits_until_somebody_does():
    """Opened on Monday at nine, due at one, when the office has closed: its two hours count from Tuesday on."""
    office = Calendar("UTC", (((time(9), time(13)),),) * 7)
    set_policy(ADA, requests=[SetPolicy(1, "work.calendar", office, NOW - HOUR, scope="office")])
    limit(2, calendar="office", by_type={"tax hold": Target(4, "none set")})
    items(due_in_hours=4)
    items(type="tax hold")

    assert overdue(7) == [OverdueEscalated(1)], "the tax hold, whose hours count by night and day"
    assert overdue(23) == overdue(25) == [OverdueEscalated(0)]
    assert overdue(26) == [OverdueEscalated(1)]


def test_who_sleeps_and_who_is_asked_already_is_left_alone():
    limit(0)
    (asleep,) = items()
    items(role="operations lead")
    escalated = items()
    escalate(ADA, requests=[EscalateItem(escalated[0], "controller")])
    snooze(ADA, requests=[SnoozeItem(asleep, NOW + 9 * HOUR)])
    assert overdue(8) == [OverdueEscalated(0)]
    assert overdue(9) == [OverdueEscalated(1)]


def test_without_a_limit_nothing_is_escalated(statements):
    items()
    limit(None)
    assert tasks.escalate_all_at(NOW + 99 * HOUR) == 0
    with statements() as ran:
        overdue(99)
    assert count(ran) == 1, ran


def test_every_minute_the_house_looks_at_all_companies(statements):
    items(20)
    items(company=2)
    limit(1)
    with statements() as ran:
        assert tasks.escalate_all_at(NOW + 6 * HOUR) == 20
    assert count(ran) == 5, ran  # companies; policy, lock, escalate, events


def test_roles_that_are_none_are_no_policy():
    body = {"escalates_to": {"": "king"}}
    (answer,) = set_policy(ADA, requests=[SetPolicy(1, "work.targets", body, NOW)])
    assert isinstance(answer, Invalid)
