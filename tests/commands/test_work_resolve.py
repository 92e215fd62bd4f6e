"""work.resolve and work.resolve_subjects"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.work import queries
from entrepot.work.commands.claim import ClaimItem, claim
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import (
    ItemResolved,
    ResolveItem,
    ResolveSubject,
    SubjectResolved,
    resolve,
    resolve_subjects,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADA = Cause(Actor("ada", everything=True), NOW)

pytestmark = pytest.mark.django_db


def opened(count: int = 1, subject=None, **changes) -> list:
    requests = [
        OpenItem(1, "tax hold", "order", subject or uuid7(), "rate changed", "controller", **changes)
        for _ in range(count)
    ]
    return [answer.item for answer in open_items(ADA, requests=requests)]


def test_a_resolved_item_keeps_its_root_cause_and_owner():
    (item,) = opened()
    claim(ADA, requests=[ClaimItem(item)])

    assert resolve(ADA, requests=[ResolveItem(item, "rate table late", "mended")]) == [ItemResolved(item)]

    found = queries.item(item)
    assert (found.state, found.owner, found.root_cause, found.closed_at) == (
        "done",
        "ada",
        "rate table late",
        NOW,
    )
    assert queries.items(1) == []


def test_done_twice_in_one_batch_and_unknown_ones_are_refused():
    (item,) = opened()
    answers = resolve(
        ADA, requests=[ResolveItem(item, "a"), ResolveItem(item, "b"), ResolveItem(uuid7(), "c")]
    )
    assert [type(answer) for answer in answers] == [ItemResolved, WrongState, NotFound]
    assert queries.item(item).root_cause == "a"


def test_a_finished_exception_may_arise_anew():
    subject = uuid7()
    (first,) = opened(subject=subject)
    resolve(ADA, requests=[ResolveItem(first, "a")])

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


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_statements_do_not_grow_with_the_batch(statements, count):
    found = opened(count)
    subjects = [queries.item(item).subject for item in opened(count)[:count]]
    with statements() as ran:
        resolve(ADA, requests=[ResolveItem(item, "x") for item in found])
        resolve_subjects(ADA, requests=[ResolveSubject(1, "tax hold", subject) for subject in subjects])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 6, ran
