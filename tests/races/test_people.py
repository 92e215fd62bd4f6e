"""Several administrators at the same people at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from entrepot.access import queries
from entrepot.access.commands.keep_people import (
    AddPerson,
    AdmitPerson,
    RenewPassword,
    SetRoles,
    add_people,
    admit_people,
    renew_passwords,
    set_roles,
)
from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.queries import timeline
from tests.together import all_at_once, at_once

CAUSE = Cause(Actor("root", everything=True), datetime(2026, 3, 2, 9, 0, tzinfo=UTC))

pytestmark = pytest.mark.usefixtures("committed_db")


def test_somebody_is_let_in_once_and_has_the_roles_that_one_of_all_said():
    sync_roles(CAUSE, requests=[SyncRoles()])
    answers = all_at_once(add_people, CAUSE, *[[AddPerson("anna", "x", ("picker",))]] * 3)
    assert sorted(type(one).__name__ for one in answers) == ["NameTaken", "NameTaken", "PersonAdded"]
    said = (("auditor", "picker"), ("packer",), ())
    for _ in range(5):
        all_at_once(set_roles, CAUSE, *[[SetRoles("anna", roles)] for roles in said])
        (anna,) = queries.known()
        assert tuple(anna.roles) in said


def test_what_is_told_of_roles_is_what_became_of_them():
    from entrepot.access.commands.keep_people import subject_of

    sync_roles(CAUSE, requests=[SyncRoles()])
    names = [f"person{i}" for i in range(20)]
    add_people(CAUSE, requests=[AddPerson(name, "x", ("picker",)) for name in names])
    at_once([
        lambda: set_roles(CAUSE, requests=[SetRoles(name, ("packer",)) for name in names]),
        lambda: set_roles(CAUSE, requests=[SetRoles(name, ("auditor",)) for name in reversed(names)]),
        lambda: admit_people(CAUSE, requests=[AdmitPerson(name, False) for name in reversed(names)]),
    ])  # fmt: skip
    for one in queries.known():
        roles = {"picker"}
        for event in timeline(subjects=[subject_of(one.id)]):
            if event.command == "access.set_roles":
                roles = (roles - set(event.payload["taken"])) | set(event.payload["given"])
        assert roles == set(one.roles) and not one.may_enter


def test_of_passwords_that_are_renewed_at_once_one_opens_and_each_is_told():
    from django.contrib.auth.models import User

    from entrepot.access.commands.keep_people import subject_of

    sync_roles(CAUSE, requests=[SyncRoles()])
    names = ["anna", "bert"]
    add_people(CAUSE, requests=[AddPerson(name, "x", ("picker",)) for name in names])
    at_once([
        lambda: renew_passwords(CAUSE, requests=[RenewPassword(name, "first") for name in names]),
        lambda: renew_passwords(CAUSE, requests=[RenewPassword(name, "second") for name in reversed(names)]),
    ])  # fmt: skip
    found = {one.username: one for one in User.objects.filter(username__in=names)}
    assert found["anna"].password == found["bert"].password in ("first", "second")
    for one in found.values():
        told = [event.command for event in timeline(subjects=[subject_of(one.id)])]
        assert told.count("access.renew_passwords") == 2
