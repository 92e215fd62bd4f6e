"""access.add_people, access.set_roles, access.admit_people and access.renew_passwords"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User

from entrepot.access import duties, keys, queries
from entrepot.access.commands.issue_key import IssueKey, KeyIssued, issue_key
from entrepot.access.commands.keep_people import (
    AddPerson,
    AdmitPerson,
    CompaniesSet,
    PasswordRenewed,
    PersonAdded,
    PersonAdmitted,
    RenewPassword,
    RolesSet,
    SetCompanies,
    SetRoles,
    add_people,
    admit_people,
    renew_passwords,
    set_companies,
    set_roles,
    subject_of,
)
from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.access.errors import (
    CompaniesChanged,
    ConflictsUnseen,
    KeyBeyondOwn,
    NameTaken,
    OwnRights,
    RolesChanged,
    ShutOut,
)
from entrepot.access.rules import ROLES
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted
from entrepot.kernel.queries import timeline
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAUSE = Cause(Actor("root", everything=True), NOW)
HASH = make_password("correct horse")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles(CAUSE, requests=[SyncRoles()])


def added(name: str = "anna", *roles: str, **more: Any) -> Any:
    wanted = AddPerson(name, HASH, roles or ("picker",), **more)
    return add_people(CAUSE, requests=[wanted])[0]


def given(name: str, *roles: str, **more: Any) -> Any:
    return set_roles(CAUSE, requests=[SetRoles(name, roles, **more)])[0]


def known(name: str) -> queries.Known:
    return next(one for one in queries.known() if one.name == name)


def together() -> tuple[str, str]:
    """A role that brings no duties together by itself, and one that does beside it."""
    return next(
        (one, other)
        for one in duties.ROLES
        for other in duties.ROLES
        if duties.brought_together((one,), (one, other)) and not duties.brought_together((), (one,))
    )


def told(name: str) -> list[tuple[str, str, str, Any]]:
    rows = timeline(subjects=[subject_of(known(name).id)])
    return [(one.command, one.before, one.after, one.payload) for one in rows]


def test_somebody_is_let_in_with_their_roles() -> None:
    answer = added("anna", "picker", "packer", email="anna@example.com")
    assert answer == PersonAdded(known("anna").id, "anna")
    found = known("anna")
    assert (found.roles, found.may_enter, found.superuser, found.email) == (
        ["packer", "picker"], True, False, "anna@example.com",
    )  # fmt: skip
    person = User.objects.get(username="anna")
    assert person.check_password("correct horse")
    assert queries.actor_of(person).may("warehouse.pick_lists")
    assert told("anna") == [("access.add_people", "", "in", {"roles": ["packer", "picker"]})]


def test_who_can_not_be_let_in_is_told_why() -> None:
    added("anna")
    wanted = [
        AddPerson("anna", HASH, ("picker",)), AddPerson("no spaces", HASH, ("picker",)),
        AddPerson("ben", HASH, ()), AddPerson("ben", HASH, ("king",)), AddPerson("ben", HASH, ("picker",), "x"),
        AddPerson("ben", HASH, ("picker",)), AddPerson("ben", HASH, ("packer",)),
    ]  # fmt: skip
    answers = add_people(CAUSE, requests=wanted)
    assert [type(one) for one in answers] == [NameTaken, *[Invalid] * 4, PersonAdded, NameTaken]
    assert known("ben").roles == ["picker"]


def test_roles_are_those_that_were_said_and_no_others() -> None:
    added("anna", "picker", "packer")
    Group.objects.create(name="of another program").user_set.add(User.objects.get(username="anna"))
    assert given("anna", "picker", "auditor") == RolesSet("anna", ("auditor", "picker"))
    assert known("anna").roles == ["auditor", "of another program", "picker"]
    assert told("anna")[-1] == (
        "access.set_roles", "in", "in", {"given": ["auditor"], "taken": ["packer"]},
    )  # fmt: skip
    before = len(told("anna"))
    assert given("anna", "auditor", "picker") == RolesSet("anna", ("auditor", "picker"))
    assert len(told("anna")) == before, "nothing changed, so nothing is told"
    assert given("anna") == RolesSet("anna", ())


def test_duties_that_come_together_are_given_only_by_who_has_seen_them() -> None:
    one, other = together()
    added("anna", one)
    pairs = [pair.name for pair in duties.brought_together((one,), (one, other))]
    assert given("anna", one, other) == ConflictsUnseen(person="anna", pairs=", ".join(pairs))
    assert isinstance(given("anna", one, other, accepts=tuple(pairs[1:])), ConflictsUnseen)
    assert isinstance(added("ben", one, other), ConflictsUnseen)
    assert known("anna").roles == [one]

    assert isinstance(given("anna", one, other, accepts=tuple(pairs)), RolesSet)
    assert told("anna")[-1][3]["accepted"] == sorted(pairs)
    assert isinstance(given("anna", one, other, "auditor"), RolesSet), (
        "what stands already is not asked again"
    )
    assert isinstance(added("ben", one, other, accepts=tuple(pairs)), PersonAdded)


def test_who_is_shut_out_enters_no_more_and_nor_do_their_keys() -> None:
    person, raw = added("anna"), keys.fresh()
    assert isinstance(issue_key(CAUSE, requests=[IssueKey("scanner", person.id, raw)])[0], KeyIssued)
    for _ in range(2):
        assert admit_people(CAUSE, requests=[AdmitPerson("anna", False)]) == [PersonAdmitted("anna", False)]
    assert not known("anna").may_enter and queries.key_in_force(raw, NOW) is None
    assert [one[:3] for one in told("anna")][1:] == [("access.admit_people", "in", "out")]
    admit_people(CAUSE, requests=[AdmitPerson("anna", True)])
    found = queries.key_in_force(raw, NOW)
    assert found and found.actor.may("warehouse.pick_lists") and known("anna").roles == ["picker"]


def test_nobody_changes_their_own_rights_and_who_is_not_there_has_none() -> None:
    added("root")
    assert given("root", "controller") == OwnRights()
    assert admit_people(CAUSE, requests=[AdmitPerson("root", False)]) == [OwnRights()]
    assert given("gone", "picker") == NotFound(what="person", which="gone")
    assert admit_people(CAUSE, requests=[AdmitPerson("gone", True)]) == [
        NotFound(what="person", which="gone")
    ]
    added("anna")
    assert isinstance(given("anna", "king"), Invalid)


def test_only_an_administrator_does_it() -> None:
    added("anna")
    for role in duties.ROLES:
        lead = Cause(Actor("lead", frozenset(duties.ROLES[role])), NOW)
        answers = [
            *add_people(lead, requests=[AddPerson("ben", HASH, ("picker",))]),
            *set_roles(lead, requests=[SetRoles("anna", ("auditor",))]),
            *admit_people(lead, requests=[AdmitPerson("anna", False)]),
        ]
        assert [type(one) for one in answers] == [NotPermitted] * 3, role


def test_a_key_does_no_more_than_whoever_issues_it() -> None:
    everything = tuple(one.name for one in duties.CONFLICTS)
    storefront, books = (
        added(name, role, accepts=everything)
        for name, role in (("storefront", "integration engineer"), ("books", "controller"))
    )
    root = User.objects.create_superuser("admin", password="x")
    engineer = Cause(queries.actor_of(User.objects.get(username="storefront")), NOW)
    wanted = [IssueKey("a", which, keys.fresh()) for which in (storefront.id, books.id, root.pk)]
    own, beyond, all_of_it = issue_key(engineer, requests=wanted)
    assert isinstance(own, KeyIssued)
    assert beyond == KeyBeyondOwn(person="books", actor="storefront")
    assert all_of_it == KeyBeyondOwn(person="admin", actor="storefront")


@pytest.mark.parametrize("command", [add_people, set_roles, admit_people])
def test_a_key_gets_its_answer_again(command: Any) -> None:
    added("anna")
    request = {
        add_people: AddPerson("ben", HASH, ("picker",), key="k"),
        set_roles: SetRoles("anna", ("auditor",), key="k"),
        admit_people: AdmitPerson("anna", False, key="k"),
    }[command]
    events = "SELECT count(*) FROM kernel_event WHERE subject_kind = 'person'"
    first, count = command(CAUSE, requests=[request]), sql.run(events)
    assert command(CAUSE, requests=[request]) == first and sql.run(events) == count


def test_a_password_is_renewed_and_the_old_one_opens_nothing() -> None:
    added()
    fresh = RenewPassword("anna", make_password("battery staple"), key="n")

    assert renew_passwords(CAUSE, requests=[fresh]) == [PasswordRenewed("anna")]

    anna = User.objects.get(username="anna")
    assert anna.check_password("battery staple") and not anna.check_password("correct horse")
    told = timeline(subjects=[subject_of(anna.id)])
    assert [one.command for one in told] == ["access.add_people", "access.renew_passwords"]
    assert told[-1].payload is None, "no trail of the password itself"
    renew_passwords(CAUSE, requests=[RenewPassword("anna", HASH)])
    assert renew_passwords(CAUSE, requests=[fresh]) == [PasswordRenewed("anna")]
    assert User.objects.get(username="anna").check_password("correct horse"), (
        "a key is answered, not done again"
    )


def test_whose_password_is_not_renewed() -> None:
    added(), added("bert")
    admit_people(CAUSE, requests=[AdmitPerson("bert", False)])
    wanted = [RenewPassword(name, HASH) for name in ("nobody", "root", "bert", "anna")]
    User.objects.create_superuser("root")

    answers = renew_passwords(CAUSE, requests=wanted)

    assert [type(one) for one in answers] == [NotFound, OwnRights, ShutOut, PasswordRenewed]
    (refused,) = renew_passwords(Cause(Actor("anna"), NOW), requests=wanted[-1:])
    assert isinstance(refused, NotPermitted)


@pytest.mark.counts("access.add_people", "access.set_roles", "access.renew_passwords", "access.admit_people")
@pytest.mark.parametrize("size", SIZES)
def test_statements_do_not_grow_with_the_batch(statements: Any, size: int) -> None:
    names = [f"person{i}" for i in range(size)]
    batches: list[tuple[Any, list[Any], int]] = [
        (add_people, [AddPerson(name, HASH, ("picker", "packer")) for name in names], 3),
        (set_roles, [SetRoles(name, ("auditor",)) for name in names], 5),
        (renew_passwords, [RenewPassword(name, HASH) for name in names], 3),
        (admit_people, [AdmitPerson(name, False) for name in names], 3),
    ]
    for command, batch, count in batches:
        with statements() as ran:
            command(CAUSE, requests=batch)
        assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == count, ran


def test_roles_that_somebody_changed_meanwhile_are_not_overwritten():
    """One administrator takes a role; another, whose page still shows it, may not give it back unseen."""
    added("anna", "picker", "packer")
    assert isinstance(given("anna", "picker", expected=("packer", "picker")), RolesSet)
    late = given("anna", "picker", "packer", "auditor", expected=("packer", "picker"))
    assert late == RolesChanged(person="anna", expected="packer, picker", found="picker")
    assert known("anna").roles == ["picker"]
    assert isinstance(given("anna", "auditor", expected=("picker",)), RolesSet)


def test_only_pairs_that_there_are_can_be_accepted_and_the_event_tells_which():
    none = added("anna", "picker", accepts=("whatever\x00",))
    assert isinstance(none, Invalid) and none.message.startswith("accepts: expected one of")
    both = next(
        (a, b, pairs)
        for a, b in combinations(sorted(ROLES), 2)
        if (pairs := [one.name for one in duties.brought_together((), (a, b))])
    )
    assert isinstance(added("anna", *both[:2], accepts=tuple(both[2])), PersonAdded)
    (event,) = timeline(subjects=[subject_of(known("anna").id)])
    assert event.payload["accepted"] == sorted(both[2])


# ---- companies


def confined(name: str, *companies: int, **more: Any) -> Any:
    return set_companies(CAUSE, requests=[SetCompanies(name, companies, **more)])[0]


def events_of(name: str) -> list[Any]:
    return [
        one for one in timeline(subjects=[subject_of(known(name).id)]) if "companies" in (one.payload or {})
    ]


def actor(name: str) -> Actor:
    return queries.actor_named(name)


def test_a_person_belongs_to_the_companies_that_are_said_and_else_to_all():
    """invariant_12"""
    added("anna", companies=(2,))
    added("ben")
    assert (actor("anna").companies, actor("ben").companies) == (frozenset({2}), None)
    assert (actor("anna").is_of(1), actor("anna").is_of(2), actor("ben").is_of(1)) == (False, True, True)
    assert confined("ben", 3, 1, 3) == CompaniesSet("ben", (1, 3))
    assert known("ben").companies == [1, 3]
    assert confined("ben", 3, 1) == CompaniesSet("ben", (1, 3))
    assert [one.payload for one in events_of("ben")] == [{"before": [], "companies": [1, 3]}], (
        "again says nothing"
    )
    confined("ben")
    assert actor("ben").companies is None


def test_companies_are_not_changed_by_oneself_nor_over_what_somebody_else_said():
    added("anna")
    User.objects.create_superuser("chief", "", "x")
    assert isinstance(confined("nobody here", 1), NotFound)
    (own,) = set_companies(Cause(replace(CAUSE.actor, name="anna"), NOW), requests=[SetCompanies("anna", ())])
    assert isinstance(own, OwnRights)
    assert isinstance(confined("chief", 1), Invalid)
    assert actor("chief").companies is None
    confined("anna", 1)
    assert isinstance(confined("anna", 2, expected=()), CompaniesChanged)
    assert confined("anna", 2, expected=(1,)) == CompaniesSet("anna", (2,))
    (refused,) = set_companies(Cause(Actor("clerk"), NOW), requests=[SetCompanies("anna", ())])
    assert isinstance(refused, NotPermitted)


def test_an_answer_about_companies_is_given_again_for_its_key():
    added("anna")
    first = confined("anna", 1, key="k")
    confined("anna", 2)
    assert confined("anna", 1, key="k") == first
    assert known("anna").companies == [2]


@pytest.mark.counts("access.set_companies")
@pytest.mark.parametrize("count", SIZES)
def test_statements_for_companies_do_not_grow_with_the_batch(statements, count):
    User.objects.bulk_create([User(username=f"p{i}") for i in range(count)])
    wanted = [SetCompanies(f"p{i}", (1, 2)) for i in range(count)]
    with statements() as ran:
        set_companies(CAUSE, requests=wanted)
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 5, ran
