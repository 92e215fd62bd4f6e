"""work.resolve and work.resolve_subjects"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from entrepot.access.rules import ROLES
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.work import queries
from entrepot.work.commands.assign import AssignItem, assign
from entrepot.work.commands.claim import ClaimItem, ItemClaimed, PutBackItem, claim, put_back
from entrepot.work.commands.escalate import EscalateItem, escalate
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import (
    ItemResolved,
    ResolveItem,
    ResolveSubject,
    SubjectResolved,
    resolve,
    resolve_subjects,
)
from entrepot.work.commands.snooze import SnoozeItem, snooze
from entrepot.work.errors import OfAnotherRole
from entrepot.work.rules import Causes
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADA = Cause(Actor("ada", everything=True), NOW)

pytestmark = pytest.mark.django_db


def opened(count: int = 1, subject=None, **changes) -> list:
    requests = [
        replace(OpenItem(1, "tax hold", "order", subject or uuid7(), "rate changed", "controller"), **changes)
        for _ in range(count)
    ]
    return [answer.item for answer in open_items(ADA, requests=requests)]


def test_a_resolved_item_keeps_its_root_cause_and_owner():
    (item,) = opened()
    claim(ADA, requests=[ClaimItem(item)])

    assert resolve(ADA, requests=[ResolveItem(item, "catalog", "mended")]) == [ItemResolved(item)]

    found = queries.item(item)
    assert (found.state, found.owner, found.root_cause, found.closed_at) == (
        "done",
        "ada",
        "catalog",
        NOW,
    )
    assert queries.items(1) == []


def test_done_twice_in_one_batch_and_unknown_ones_are_refused():
    (item,) = opened()
    answers = resolve(
        ADA,
        requests=[ResolveItem(item, "customer"), ResolveItem(item, "damage"), ResolveItem(uuid7(), "damage")],
    )
    assert [type(answer) for answer in answers] == [ItemResolved, WrongState, NotFound]
    assert queries.item(item).root_cause == "customer"


def test_a_finished_exception_may_arise_anew():
    subject = uuid7()
    (first,) = opened(subject=subject)
    resolve(ADA, requests=[ResolveItem(first, "damage")])

    (second,) = opened(subject=subject)

    assert second != first
    assert [item.state for item in queries.of_subject(subject)] == ["done", "open"]


def test_what_ends_an_exception_closes_its_items():
    subject, other = uuid7(), uuid7()
    (one,) = opened(subject=subject)
    (two,) = opened(subject=subject, dedupe="line 2")
    (kept,) = opened(subject=other)

    first, again, nothing = resolve_subjects(
        ADA,
        requests=[
            ResolveSubject(1, "tax hold", subject, "released"),
            ResolveSubject(1, "tax hold", subject, "released"),
            ResolveSubject(1, "fraud review", other),
        ],
    )

    assert set(first.items) == {one, two}
    assert again == nothing == SubjectResolved(())
    assert [item.id for item in queries.items(1)] == [kept]


@pytest.mark.counts("work.resolve", "work.resolve_subjects")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    found = opened(count)
    subjects = [queries.item(item).subject for item in opened(count)[:count]]
    with statements() as ran:
        resolve(ADA, requests=[ResolveItem(item, "damage") for item in found])
        resolve_subjects(ADA, requests=[ResolveSubject(1, "tax hold", subject) for subject in subjects])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 7, ran


def test_a_root_cause_comes_from_the_list_of_its_type():
    tax, other = opened(), opened(type="short pick")
    (wrong,) = resolve(ADA, requests=[ResolveItem(tax[0], "the moon")])
    assert isinstance(wrong, Invalid)

    policy = SetPolicy(1, "work.causes", Causes(by_type={"tax hold": ("rate late", "exempt")}), NOW)
    set_policy(ADA, requests=[policy])
    answers = resolve(
        ADA,
        requests=[
            ResolveItem(tax[0], "damage"), ResolveItem(tax[0], "rate late"), ResolveItem(other[0], "rate late"),
            ResolveItem(other[0], "damage"),
        ],
    )  # fmt: skip
    assert [type(answer) for answer in answers] == [Invalid, ItemResolved, Invalid, ItemResolved]


def test_what_a_room_ends_itself_has_a_cause_that_nobody_else_says():
    (item,) = opened()
    assert isinstance(resolve(ADA, requests=[ResolveItem(item, "hold released")])[0], Invalid)


def test_only_whoever_stands_for_its_role_or_was_given_it_decides_about_an_item():
    mine, given, snoozed = opened(3)
    picker = Cause(Actor("pia", frozenset(ROLES["picker"])), NOW)
    books = Cause(Actor("bo", frozenset(ROLES["controller"])), NOW)
    refused = [OfAnotherRole(item=mine, role="controller")]
    User.objects.create_superuser("pia")

    assert claim(picker, requests=[ClaimItem(mine)]) == refused
    assert resolve(picker, requests=[ResolveItem(mine, "catalog")]) == refused
    assert snooze(picker, requests=[SnoozeItem(mine, NOW + timedelta(hours=1))]) == refused
    assert escalate(picker, requests=[EscalateItem(mine, "operations lead")]) == refused
    assert claim(books, requests=[ClaimItem(mine)]) == [ItemClaimed(mine, "bo")]
    assert put_back(picker, requests=[PutBackItem(mine)]) == refused

    assign(ADA, requests=[AssignItem(given, "pia")])
    assert resolve(picker, requests=[ResolveItem(given, "catalog")]) == [ItemResolved(given)]
    assert resolve(books, requests=[ResolveItem(snoozed, "catalog")]) == [ItemResolved(snoozed)]
