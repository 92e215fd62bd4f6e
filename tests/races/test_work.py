"""Several people at the same work items at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import WrongState
from entrepot.kernel.ids import uuid7
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.work import queries
from entrepot.work.commands.assign import AssignItem, assign
from entrepot.work.commands.cases import LinkItems, OpenCase, link, open_case
from entrepot.work.commands.claim import ClaimItem, ItemClaimed, claim
from entrepot.work.commands.escalate import EscalateItem, EscalateOverdue, escalate, escalate_overdue
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ItemResolved, ResolveItem, resolve
from entrepot.work.commands.snooze import SnoozeItem, snooze
from entrepot.work.errors import ChangedMeanwhile, ClaimedByAnother
from entrepot.work.rules import Targets
from tests.together import all_at_once, at_once

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADA, BEN = (Cause(Actor(name, everything=True), NOW) for name in ("ada", "ben"))
LATER = Cause(Actor("system:work", everything=True), NOW + timedelta(days=9))


def opened(count: int) -> list[UUID]:
    requests = [OpenItem(1, "short pick", "task", uuid7(), "bin empty", "picker") for _ in range(count)]
    return [answer.item for answer in open_items(ADA, requests=requests)]


def test_an_item_goes_to_one_of_two_who_take_it(committed_db):
    items = opened(20)
    ours, theirs = [ClaimItem(item) for item in items], [ClaimItem(item) for item in reversed(items)]
    answers = at_once([lambda: claim(ADA, requests=ours), lambda: claim(BEN, requests=theirs)])
    flat = [one for batch in answers for one in batch]
    assert sum(isinstance(one, ItemClaimed) for one in flat) == 20
    assert sum(isinstance(one, ClaimedByAnother) for one in flat) == 20


def test_an_item_is_resolved_once(committed_db):
    items = [ResolveItem(item, "damage") for item in opened(20)]
    answers = all_at_once(resolve, ADA, items, items[::-1], items)
    assert sum(isinstance(one, ItemResolved) for one in answers) == 20
    assert sum(isinstance(one, WrongState) for one in answers) == 40


def test_whoever_comes_last_has_the_item_and_all_that_happened_is_told(committed_db):
    User.objects.bulk_create([User(username=name, is_superuser=True) for name in ("ada", "ben")])
    items = opened(10)
    until = NOW + timedelta(hours=1)
    at_once([
        lambda: assign(ADA, requests=[AssignItem(item, "ben") for item in items]),
        lambda: assign(BEN, requests=[AssignItem(item, "ada") for item in reversed(items)]),
        lambda: escalate(ADA, requests=[EscalateItem(item, "controller") for item in items]),
        lambda: snooze(BEN, requests=[SnoozeItem(item, until) for item in reversed(items)]),
    ])  # fmt: skip
    assert queries.discrepancies() == []
    assert {one.role for one in queries.items(1)} == {"controller"}


def test_of_two_who_give_away_what_they_saw_with_nobody_one_is_told_that_it_is_gone(committed_db):
    User.objects.bulk_create([User(username=name, is_superuser=True) for name in ("ada", "ben")])
    items = opened(20)
    answers = at_once([
        lambda: assign(ADA, requests=[AssignItem(item, "ben", expected_owner="") for item in items]),
        lambda: assign(BEN, requests=[AssignItem(item, "ada", expected_owner="") for item in reversed(items)]),
    ])  # fmt: skip
    flat = [one for batch in answers for one in batch]
    assert sum(isinstance(one, ChangedMeanwhile) for one in flat) == 20
    assert queries.discrepancies() == []


def test_what_is_overdue_is_escalated_once(committed_db):
    set_policy(ADA, requests=[SetPolicy(1, "work.targets", Targets(escalate_after_hours=1), NOW)])
    opened(20)
    answers = all_at_once(escalate_overdue, LATER, [EscalateOverdue(1)], [EscalateOverdue(1)])
    assert sorted(one.items for one in answers) == [0, 20]
    assert queries.discrepancies() == []


def test_one_exception_opened_by_many_is_one_item(committed_db):
    subject = uuid7()
    one = OpenItem(1, "short pick", "task", subject, "bin empty", "picker")
    answers = all_at_once(open_items, ADA, [one], [one], [one])
    assert len({answer.item for answer in answers}) == 1
    assert sum(answer.fresh for answer in answers) == 1


def test_a_case_opened_by_many_is_one_and_linked_once(committed_db):
    subject = uuid7()
    opened_about = OpenItem(1, "short pick", "order", subject, "bin empty", "picker")
    (exception,) = open_items(ADA, requests=[opened_about])
    one = OpenCase(1, "order", subject, "complaint", "Late again.")
    answers = all_at_once(open_case, ADA, [one], [one], [one])
    (case,) = {answer.item for answer in answers}
    assert [item.id for item in queries.linked(case)] == [exception.item]
    links = [LinkItems(case, exception.item)] * 2
    all_at_once(link, BEN, links, links)
    assert queries.discrepancies() == []
