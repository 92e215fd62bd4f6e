"""access.sync_roles, and the actor that a person is"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, Permission, User

from entrepot.access import queries, registry, rules
from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.kernel.cause import Actor, Cause

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAUSE = Cause(Actor("setup", everything=True), NOW)

pytestmark = pytest.mark.django_db


def a_person(name: str, *roles: str, **changes) -> User:
    person = User.objects.create_user(name, password="correct horse", **changes)
    person.groups.set(Group.objects.filter(name__in=roles))
    return person


def test_every_role_is_a_group_and_every_command_a_permission():
    (answer,) = sync_roles(CAUSE, requests=[SyncRoles()])

    assert set(Group.objects.values_list("name", flat=True)) == set(rules.ROLES)
    assert answer.commands == len(registry.command_names()) >= 8
    assert Permission.objects.filter(codename="work.claim", content_type__app_label="access").exists()
    assert not Group.objects.get(name="auditor").permissions.exists()
    picker = set(Group.objects.get(name="picker").permissions.values_list("codename", flat=True))
    assert picker == set(rules.ROLES["picker"]) & set(registry.command_names())


def test_the_tables_of_roles_name_every_command_that_exists_and_no_other():
    names = registry.command_names()
    assert rules.unknown(names) == []
    assert [name for name in rules.forgotten(names) if not name.startswith("test.")] == []


def test_again_changes_nothing_and_what_was_added_by_hand_goes():
    sync_roles(CAUSE, requests=[SyncRoles()])
    auditor = Group.objects.get(name="auditor")
    auditor.permissions.add(Permission.objects.get(codename="work.claim"))
    assert queries.discrepancies() == [
        "The role auditor may do work.claim, which the table of roles does not give it."
    ]

    sync_roles(CAUSE, requests=[SyncRoles()])

    assert not auditor.permissions.exists()
    assert queries.discrepancies() == []


def test_a_person_may_what_their_roles_may():
    sync_roles(CAUSE, requests=[SyncRoles()])
    person = a_person("pia", "picker", "packer")

    actor = queries.actor_of(person)

    known = set(registry.command_names())
    assert (actor.name, actor.roles) == ("pia", {"picker", "packer"})
    assert actor.permissions == (set(rules.ROLES["picker"]) | set(rules.ROLES["packer"])) & known
    assert actor.may("work.claim")
    assert not actor.may("access.sync_roles")
    assert person.has_perm("access.work.claim")


def test_a_superuser_may_everything_and_one_who_left_nothing():
    sync_roles(CAUSE, requests=[SyncRoles()])
    assert queries.actor_of(User.objects.create_superuser("root", password="x")).may("access.sync_roles")
    gone = a_person("gone", "picker", is_active=False)
    assert not queries.actor_of(gone).may("work.claim")


def test_a_role_without_a_person_and_a_person_without_a_role():
    sync_roles(CAUSE, requests=[SyncRoles()])
    assert queries.actor_of(a_person("new")) == Actor("new")


def test_statements_are_few(statements):
    with statements() as ran:
        sync_roles(CAUSE, requests=[SyncRoles()])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 5, ran
