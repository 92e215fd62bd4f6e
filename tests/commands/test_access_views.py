"""access.save_view, access.drop_view"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User

from entrepot.access import queries
from entrepot.access.commands.save_view import DropView, SaveView, ViewDropped, drop_view, save_view
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound
from tests.sizes import SIZES
from tests.together import all_at_once

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ADA, BEN = (Cause(Actor(name, everything=True), NOW) for name in ("ada", "ben"))


def a_view(name: str = "late", query: str = "late=1", role: str = "", key: str | None = None) -> SaveView:
    return SaveView(1, "orders", name, query, role, key)


@pytest.fixture
def packer(db) -> None:
    group = Group.objects.create(name="packer")
    User.objects.create(username="ada").groups.add(group)


def seen(person: str, *roles: str) -> list[tuple[str, str]]:
    return [(one.name, one.query) for one in queries.views(1, "orders", person, roles)]


def test_a_view_is_its_persons_and_those_whom_it_is_shared_with(packer):
    mine, shared = save_view(ADA, requests=[a_view(), a_view("packed", "status=packed", "packer")])
    assert seen("ada") == [("late", "late=1"), ("packed", "status=packed")]
    assert seen("ben") == []
    assert seen("ben", "packer") == [("packed", "status=packed")]
    assert queries.views(2, "orders", "ada", []) == queries.views(1, "returns", "ada", []) == []
    assert queries.view(1, mine.id, "ben", ["packer"]) is None
    assert queries.view(1, shared.id, "ben", ["packer"]).name == "packed"
    assert queries.view(2, shared.id, "ada", []) is None


def test_the_same_name_is_written_over_and_keeps_its_address(packer):
    (first,) = save_view(ADA, requests=[a_view()])
    assert save_view(ADA, requests=[a_view(query="x=1"), a_view(query="x=2")]) == [first, first]
    assert seen("ada") == [("late", "x=2")]
    assert save_view(BEN, requests=[a_view()]) != [first]
    once, again = (save_view(ADA, requests=[a_view("k", key="k")]) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("view", "field"),
    [
        (a_view(""), "name"),
        (a_view("n" * 61), "name"),
        (a_view(query="q" * 2001), "query"),
        (a_view(role="controller"), "role"),
    ],
)
def test_what_can_not_be_a_view_is_refused(packer, view, field):
    (answer,) = save_view(ADA, requests=[view])
    assert isinstance(answer, Invalid)
    assert answer.facts["field"] == field
    assert seen("ada") == []


def test_a_view_is_forgotten_by_its_person_alone(packer):
    (one,) = save_view(ADA, requests=[a_view(role="packer")])
    nobody = NotFound(what="view of yours", which=one.id)
    assert drop_view(BEN, requests=[DropView(one.id)]) == [nobody]
    assert drop_view(ADA, requests=[DropView(one.id, "k")]) == [ViewDropped(one.id)]
    assert drop_view(ADA, requests=[DropView(one.id, "k")]) == [ViewDropped(one.id)]
    assert drop_view(ADA, requests=[DropView(one.id)]) == [nobody]
    assert seen("ada") == []


@pytest.mark.counts("access.save_view", "access.drop_view")
def test_statements_do_not_grow_with_the_batch(db, statements):
    for size in SIZES:
        with statements():
            save_view(ADA, requests=[a_view(f"{size}-{i}") for i in range(size)])
            drop_view(ADA, requests=[DropView(UUID(int=i)) for i in range(size)])


def test_many_at_once_save_one_view(committed_db):
    answers = all_at_once(save_view, ADA, *[[a_view(query=f"x={i}")] for i in range(5)])
    assert len({one.id for one in answers}) == 1
    assert len(seen("ada")) == 1
