"""work.raise_items"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.kernel.queries import timeline
from entrepot.work import queries, rules
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.raise_items import ItemRaised, RaiseItem, raise_items
from entrepot.work.commands.resolve import ResolveItem, resolve
from entrepot.work.errors import OfAnotherRole
from entrepot.work.rules import Priority, Term
from tests.sizes import SIZES
from tests.together import at_once

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADA = Cause(Actor("ada", everything=True), NOW)


def items(count: int = 1) -> list[UUID]:
    """Of a gold customer, worth a hundred, promised in two hours."""
    known = Priority(minor_per_point=1_000, value_points_max=10, points_by_tier={"gold": 5}, promise_points=8)
    set_policy(ADA, requests=[SetPolicy(1, "work.priority", known, NOW - timedelta(days=1))])
    wanted = [
        OpenItem(
            1, "address hold", "order", uuid7(), "Look.", "customer service", priority=10, value_minor=10_000,
            tier="gold", promise_at=NOW + timedelta(hours=2),
        )
        for _ in range(count)
    ]  # fmt: skip
    return [one.item for one in open_items(ADA, requests=wanted)]


@pytest.mark.django_db
def test_urgency_makes_up_what_is_asked_and_all_else_stays():
    (item,) = items()
    before = queries.item(item)
    assert rules.points_of(before.terms) == 31

    (answer,) = raise_items(ADA, requests=[RaiseItem(item, 50, "it is dear")])

    assert answer == ItemRaised(item, 50)
    found = queries.item(item)
    assert [(one.name, one.points) for one in found.terms] == [
        ("urgency", 29), ("value", 10), ("tier", 5), ("promise", 6),
    ]  # fmt: skip
    assert (found.priority, found.due_at) == (29, before.due_at)
    assert found.points_at(NOW) == 50
    last = timeline(subjects=[item])[-1]
    assert (last.command, last.payload, last.reason) == (
        "work.raise_items", {"points": 50, "was": 31}, "it is dear",
    )  # fmt: skip
    assert queries.discrepancies() == []


@pytest.mark.django_db
def test_none_becomes_less_urgent():
    (item,) = items()
    assert raise_items(ADA, requests=[RaiseItem(item, 20)]) == [ItemRaised(item, 31)]
    assert [one.command for one in timeline(subjects=[item])] == ["work.open"]
    twice = raise_items(ADA, requests=[RaiseItem(item, 60), RaiseItem(item, 40)])
    assert twice == [ItemRaised(item, 60)] * 2


@pytest.mark.django_db
def test_refusals_change_nothing():
    going, done = items(2)
    resolve(ADA, requests=[ResolveItem(done, "no fault")])
    picker = Cause(Actor("pat", frozenset({"work.raise_items"}), roles=frozenset({"picker"})), NOW)
    answers = raise_items(ADA, requests=[RaiseItem(done, 90), RaiseItem(uuid7(), 90)])
    answers += raise_items(picker, requests=[RaiseItem(going, 90)])
    assert [type(one) for one in answers] == [WrongState, NotFound, OfAnotherRole]
    assert [rules.points_of(queries.item(one).terms) for one in (going, done)] == [31, 31]


@pytest.mark.django_db
def test_a_key_is_answered_once():
    (item,) = items()
    one = RaiseItem(item, 50, key="k")
    (first,) = raise_items(ADA, requests=[one])
    raise_items(ADA, requests=[RaiseItem(item, 70)])
    assert raise_items(ADA, requests=[one]) == [first]
    assert queries.item(item).points_at(NOW) == 70


def test_of_several_at_once_the_most_urgent_stands(committed_db):
    (item,) = items()
    at_once([lambda n=n: raise_items(ADA, requests=[RaiseItem(item, n)])[0] for n in (40, 70, 50, 60)])
    assert queries.item(item).points_at(NOW) == 70


@pytest.mark.django_db
@pytest.mark.counts("work.raise_items")
def test_statements_do_not_grow_with_the_batch(statements):
    left = items(sum(SIZES))
    for size in SIZES:
        some, left = left[:size], left[size:]
        with statements():
            raise_items(ADA, requests=[RaiseItem(one, 50) for one in some])


NAMES = st.sampled_from(["urgency", "value", "tier", "promise"])
TERMS = st.lists(st.tuples(NAMES, st.integers(0, 60)), unique_by=lambda one: one[0]).map(
    lambda found: tuple(Term(name, points, points) for name, points in found)
)


@given(TERMS, st.integers(0, 100))
def test_a_raised_item_has_what_was_asked_or_what_it_had(terms, points):
    after = rules.raised(terms, points)
    assert rules.points_of(after) == max(points, rules.points_of(terms))
    others = [[one for one in of if one.name != "urgency"] for of in (terms, after)]
    assert others[0] == others[1]
    assert rules.raised(after, points) == after
