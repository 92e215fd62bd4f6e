"""API keys: issued for a time, followed by others, used, and revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User

from entrepot.access import keys, queries
from entrepot.access.commands.issue_key import (
    IssueKey,
    KeyIssued,
    KeyRevoked,
    KeyRotated,
    NoteUse,
    RevokeKey,
    RotateKey,
    UseNoted,
    issue_key,
    note_uses,
    revoke_key,
    rotate_keys,
)
from entrepot.access.commands.keep_people import SetCompanies, set_companies
from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.access.errors import KeyBeyondOwn, KeyFollowed, KeyOfOthers
from entrepot.access.lifetimes import KeyPolicy
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.kernel.policies import SetPolicy, set_policy
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAUSE = Cause(Actor("setup", everything=True), NOW)

pytestmark = pytest.mark.django_db


def a_picker(name: str = "pia", **changes) -> User:
    sync_roles(CAUSE, requests=[SyncRoles()])
    person = User.objects.create_user(name, password="correct horse", **changes)
    person.groups.add(Group.objects.get(name="picker"))
    return person


def test_a_key_acts_for_its_person():
    person, raw = a_picker(), keys.fresh()

    (issued,) = issue_key(CAUSE, requests=[IssueKey("scanner", person.pk, raw)])

    assert isinstance(issued, KeyIssued)
    found = queries.key_in_force(raw, NOW)
    assert found and found.actor == queries.actor_of(person)
    (listed,) = queries.api_keys()
    assert (listed.id, listed.name, listed.prefix, listed.person) == (
        issued.id,
        "scanner",
        issued.prefix,
        "pia",
    )


def test_a_key_of_some_roles_does_no_more_and_only_as_long_as_its_person_has_them():
    person, raw, reading = a_picker(), keys.fresh(), keys.fresh()
    person.groups.add(Group.objects.get(name="packer"))
    first, _ = issue_key(CAUSE, requests=[
        IssueKey("scanner", person.pk, raw, roles=("picker",)),
        IssueKey("report", person.pk, reading, roles=("auditor",)),
    ])  # fmt: skip
    found, reads = queries.key_in_force(raw, NOW), queries.key_in_force(reading, NOW)
    assert found and found.actor.may("warehouse.pick_lists") and not found.actor.may("warehouse.pack")
    assert (found.actor.roles, found.actor.name) == (frozenset({"picker"}), "pia")
    assert reads and (reads.actor.roles, reads.actor.permissions) == (frozenset({"auditor"}), frozenset())
    assert queries.actor_of(person).may("warehouse.pack"), "the person is not narrowed by a key"
    assert [one.roles for one in queries.api_keys()] == [["picker"], ["auditor"]]

    other = keys.fresh()
    rotate_keys(CAUSE, requests=[RotateKey(first.id, other)])
    followed = queries.key_in_force(other, NOW)
    assert followed and followed.actor == found.actor
    person.groups.remove(Group.objects.get(name="picker"))
    for one in (raw, other):
        now = queries.key_in_force(one, NOW)
        assert now and not now.actor.permissions and not now.actor.roles
    person.groups.clear()
    gone = queries.key_in_force(reading, NOW)
    assert gone and not gone.actor.roles, "who has no role reads nothing"


def test_a_key_of_a_superuser_may_be_one_of_a_role():
    sync_roles(CAUSE, requests=[SyncRoles()])
    root, raw = User.objects.create_superuser("root", password="correct horse"), keys.fresh()
    issue_key(CAUSE, requests=[IssueKey("feed", root.pk, raw, roles=("picker",))])
    found = queries.key_in_force(raw, NOW)
    assert found and not found.actor.everything
    assert found.actor.may("warehouse.pick_lists") and not found.actor.may("warehouse.pack")


def test_a_key_has_no_role_that_its_person_or_who_issues_it_has_not():
    person = a_picker()
    asked = [("packer",), (), ("picker", "nobody")]
    answers = issue_key(CAUSE, requests=[IssueKey("a", person.pk, keys.fresh(), roles=one) for one in asked])
    assert answers == [
        Invalid(field="roles", expected="one of auditor, picker", found="packer"),
        Invalid(field="roles", expected="one of auditor, picker", found="nothing"),
        Invalid(field="roles", expected="one of auditor, picker", found="nobody"),
    ]
    admin = Cause(Actor("ada", frozenset({"access.issue_key"})), NOW)
    (beyond,) = issue_key(admin, requests=[IssueKey("a", person.pk, keys.fresh(), roles=("picker",))])
    assert beyond == KeyBeyondOwn(person="pia", actor="ada")
    (reads,) = issue_key(admin, requests=[IssueKey("a", person.pk, keys.fresh(), roles=("auditor",))])
    assert isinstance(reads, KeyIssued), "to read is nobody's privilege"


def test_the_secret_is_kept_nowhere():
    person, raw = a_picker(), keys.fresh()
    issue_key(CAUSE, requests=[IssueKey("scanner", person.pk, raw, key="k")])
    secret = raw.split("_", 2)[2]
    tables = ("access_apikey", "kernel_request", "kernel_event")
    for table in tables:
        assert all(secret not in row[0] for row in sql.run(f"SELECT {table}::text FROM {table}"))


def test_a_wrong_secret_an_unknown_prefix_and_nonsense_open_nothing():
    person, raw = a_picker(), keys.fresh()
    issue_key(CAUSE, requests=[IssueKey("scanner", person.pk, raw)])
    wrong = raw[:-1] + ("A" if raw[-1] != "A" else "B")
    assert queries.key_in_force(wrong, NOW) is None
    assert queries.key_in_force(keys.fresh(), NOW) is None
    assert queries.key_in_force("ek_'; DROP TABLE access_apikey", NOW) is None


def test_a_revoked_key_and_the_key_of_one_who_left_open_nothing():
    person, raw, other = a_picker(), keys.fresh(), keys.fresh()
    one, two = issue_key(CAUSE, requests=[IssueKey("a", person.pk, raw), IssueKey("b", person.pk, other)])

    assert revoke_key(CAUSE, requests=[RevokeKey(one.id)]) == [KeyRevoked(one.id)]
    assert revoke_key(CAUSE, requests=[RevokeKey(one.id)]) == [KeyRevoked(one.id)]
    assert queries.key_in_force(raw, NOW) is None
    assert queries.key_in_force(other, NOW) is not None

    User.objects.filter(pk=person.pk).update(is_active=False)
    assert queries.key_in_force(other, NOW) is None
    assert two.prefix in other


def test_refusals():
    person, raw = a_picker(), keys.fresh()
    requests = [
        IssueKey("a", person.pk, raw),
        IssueKey("b", person.pk, raw),
        IssueKey("c", person.pk, "short"),
        IssueKey("d", 4_000_000, keys.fresh()),
    ]
    assert [type(answer) for answer in issue_key(CAUSE, requests=requests)] == [
        KeyIssued,
        Invalid,
        Invalid,
        NotFound,
    ]
    assert isinstance(revoke_key(CAUSE, requests=[RevokeKey(uuid7())])[0], NotFound)


def test_a_key_of_the_request_gets_its_answer_again():
    person = a_picker()
    request = IssueKey("a", person.pk, keys.fresh(), key="once")
    assert issue_key(CAUSE, requests=[request]) == issue_key(CAUSE, requests=[request])
    assert len(queries.api_keys()) == 1


def a_key(person: User, **more: int) -> tuple[str, KeyIssued]:
    raw = keys.fresh()
    (issued,) = issue_key(CAUSE, requests=[IssueKey("scanner", person.pk, raw, **more)])
    assert isinstance(issued, KeyIssued)
    return raw, issued


def days(count: int) -> datetime:
    return NOW + timedelta(days=count)


def test_a_key_opens_nothing_from_its_end_on():
    raw, issued = a_key(a_picker(), days=30)
    assert issued.expires_at == days(30)
    assert queries.key_in_force(raw, days(30) - timedelta(seconds=1)) is not None
    assert queries.key_in_force(raw, days(30)) is None
    (listed,) = queries.api_keys()
    assert (listed.state(days(29)), listed.state(days(30))) == ("in force", "expired")


def test_how_long_a_key_is_in_force_is_bounded_by_the_companies_of_its_person():
    person = a_picker()
    assert a_key(person)[1].expires_at == days(365), "as delivered"
    changes = [
        SetPolicy(1, "access.keys", KeyPolicy(None), NOW),
        SetPolicy(2, "access.keys", KeyPolicy(90), NOW),
    ]
    set_policy(CAUSE, requests=changes)
    assert a_key(person)[1].expires_at == days(90), "of all companies the strictest"
    (refused,) = issue_key(CAUSE, requests=[IssueKey("a", person.pk, keys.fresh(), days=91)])
    assert isinstance(refused, Invalid) and "90 by the policy" in refused.message
    set_companies(CAUSE, requests=[SetCompanies("pia", (1,))])
    assert a_key(person)[1].expires_at is None
    assert a_key(person, days=400)[1].expires_at == days(400)
    (refused,) = issue_key(CAUSE, requests=[IssueKey("a", person.pk, keys.fresh(), days=0)])
    assert isinstance(refused, Invalid)


def test_a_key_that_follows_takes_over_while_the_first_runs_out():
    raw, first = a_key(a_picker())
    other = keys.fresh()

    (rotated,) = rotate_keys(CAUSE, requests=[RotateKey(first.id, other)])

    assert isinstance(rotated, KeyRotated)
    assert (rotated.first_until, rotated.expires_at) == (days(7), days(365))
    one, next_one = queries.key_in_force(raw, days(6)), queries.key_in_force(other, days(6))
    assert one and next_one and one.actor == next_one.actor
    assert queries.key_in_force(raw, days(7)) is None
    assert queries.key_in_force(other, days(7)) is not None
    fresh, before = queries.api_keys()[0], queries.api_keys()[1]
    if fresh.id != rotated.id:
        fresh, before = before, fresh
    assert (fresh.follows, fresh.name, fresh.followed, before.followed) == (first.id, "scanner", False, True)


def test_an_end_is_never_put_off_by_a_rotation():
    _, first = a_key(a_picker(), days=2)
    (rotated,) = rotate_keys(CAUSE, requests=[RotateKey(first.id, keys.fresh(), days=5, overlap_days=3)])
    assert isinstance(rotated, KeyRotated)
    assert (rotated.first_until, rotated.expires_at) == (days(2), days(5))
    (next_one,) = rotate_keys(CAUSE, requests=[RotateKey(rotated.id, keys.fresh(), overlap_days=0)])
    assert isinstance(next_one, KeyRotated) and next_one.first_until == NOW


def test_a_rotation_gives_no_more_time_than_the_first_was_given_but_by_who_may_issue():
    _, first = a_key(a_picker(), days=1)
    may = frozenset({*queries.actor_of(User.objects.get(username="pia")).permissions, "access.rotate_keys"})
    lead = Cause(Actor("lead", may), NOW)
    assert rotated_to(lead, first.id, days=2) == Invalid
    assert rotated_to(CAUSE, first.id) == days(1), "nobody said more"

    _, first = a_key(User.objects.get(username="pia"), days=30)
    assert rotated_to(lead, first.id, overlap_days=0) == days(30)
    revoke_key(CAUSE, requests=[RevokeKey(follower(first.id))])
    assert rotated_to(lead, first.id) == days(30), "its own end was put forward by the rotation"
    issuer = Cause(Actor("lead", may | {"access.issue_key"}), NOW)
    assert rotated_to(issuer, follower(first.id)) == days(30)
    assert rotated_to(issuer, follower(follower(first.id)), days=90) == days(90)


def follower(which: UUID) -> UUID:
    return next(one.id for one in queries.api_keys() if one.follows == which and not one.revoked_at)


def rotated_to(cause: Cause, which: UUID, **more: int) -> object:
    """The end of the key that follows, or what refused it."""
    (answer,) = rotate_keys(cause, requests=[RotateKey(which, keys.fresh(), **more)])
    return answer.expires_at if isinstance(answer, KeyRotated) else type(answer)


def test_a_key_is_revoked_with_all_that_follow_it():
    raws = [keys.fresh() for _ in range(3)]
    person = a_picker()
    (first,) = issue_key(CAUSE, requests=[IssueKey("a", person.pk, raws[0])])
    (second,) = rotate_keys(CAUSE, requests=[RotateKey(first.id, raws[1])])
    rotate_keys(CAUSE, requests=[RotateKey(second.id, raws[2])])
    other, _ = a_key(person)

    assert revoke_key(CAUSE, requests=[RevokeKey(second.id)]) == [KeyRevoked(second.id)]
    assert [queries.key_in_force(raw, NOW) is None for raw in raws] == [False, True, True]
    again = keys.fresh()
    rotate_keys(CAUSE, requests=[RotateKey(first.id, again)])
    revoke_key(CAUSE, requests=[RevokeKey(first.id)])
    assert queries.key_in_force(raws[0], NOW) is None and queries.key_in_force(again, NOW) is None
    assert queries.key_in_force(other, NOW) is not None


def test_nobody_revokes_keys_of_people_who_act_where_they_may_not():
    (_, wide), (_, near) = a_key(a_picker("everywhere")), a_key(a_picker("here"))
    (_, top) = a_key(User.objects.create_superuser("top", password="correct horse"))
    set_companies(CAUSE, requests=[SetCompanies("here", (1,))])
    engineer = Cause(Actor("engineer", frozenset({"access.revoke_key"}), companies=frozenset({1})), NOW)
    wanted = [RevokeKey(one.id) for one in (wide, near, top)]
    assert revoke_key(engineer, requests=wanted) == [
        KeyOfOthers(prefix=wide.prefix, person="everywhere", actor="engineer"),
        KeyRevoked(near.id),
        KeyOfOthers(prefix=top.prefix, person="top", actor="engineer"),
    ]
    assert [one.name for one in queries.api_keys() if one.revoked_at] == ["scanner"]
    assert {one.person for one in queries.api_keys() if not one.revoked_at} == {"everywhere", "top"}


def test_what_can_not_be_rotated():
    person = a_picker()
    (_, first), (_, gone), (_, left) = a_key(person), a_key(person), a_key(a_picker("quinn"))
    revoke_key(CAUSE, requests=[RevokeKey(gone.id)])
    User.objects.filter(username="quinn").update(is_active=False)
    wanted = [
        RotateKey(first.id, "short"), RotateKey(first.id, keys.fresh(), overlap_days=-1),
        RotateKey(first.id, keys.fresh(), days=366),
        RotateKey(first.id, keys.fresh()), RotateKey(first.id, keys.fresh()),
        RotateKey(gone.id, keys.fresh()), RotateKey(left.id, keys.fresh()), RotateKey(uuid7(), keys.fresh()),
    ]  # fmt: skip
    answers = rotate_keys(CAUSE, requests=wanted)
    assert [type(one) for one in answers] == [
        Invalid, Invalid, Invalid, KeyRotated, KeyFollowed, WrongState, NotFound, NotFound,
    ]  # fmt: skip
    assert answers[4] == KeyFollowed(prefix=first.prefix, by=answers[3].prefix)
    assert len(queries.api_keys()) == 4

    revoke_key(CAUSE, requests=[RevokeKey(answers[3].id)])
    (again,) = rotate_keys(CAUSE, requests=[RotateKey(first.id, keys.fresh())])
    assert isinstance(again, KeyRotated), "the one that followed is revoked"
    lead = Cause(Actor("lead", frozenset({"access.rotate_keys"})), NOW)
    (beyond,) = rotate_keys(lead, requests=[RotateKey(again.id, keys.fresh())])
    assert beyond == KeyBeyondOwn(person="pia", actor="lead")


def test_a_key_of_a_rotation_gets_its_answer_again():
    _, first = a_key(a_picker())
    request = RotateKey(first.id, keys.fresh(), key="once")
    assert rotate_keys(CAUSE, requests=[request]) == rotate_keys(CAUSE, requests=[request])
    assert len(queries.api_keys()) == 2


def test_nobody_issues_a_key_that_acts_where_they_may_not():
    everywhere, here = a_picker("everywhere"), a_picker("here")
    set_companies(CAUSE, requests=[SetCompanies("here", (1,))])
    may = frozenset({*queries.actor_of(here).permissions, "access.issue_key"})
    lead = Cause(Actor("lead", may, companies=frozenset({1})), NOW)
    wanted = [IssueKey("a", one.pk, keys.fresh()) for one in (everywhere, here)]
    beyond, issued = issue_key(lead, requests=wanted)
    assert beyond == KeyBeyondOwn(person="everywhere", actor="lead")
    assert isinstance(issued, KeyIssued)


def test_a_use_is_written_down_once_an_hour():
    _, issued = a_key(a_picker())

    def noted(minutes: int, address: str) -> bool:
        at = Cause(CAUSE.actor, NOW + timedelta(minutes=minutes))
        (answer,) = note_uses(at, requests=[NoteUse(issued.id, address)])
        return answer == UseNoted(issued.id, True)

    assert [noted(0, "192.0.2.1"), noted(59, "192.0.2.2"), noted(60, "192.0.2.3")] == [True, False, True]
    (listed,) = queries.api_keys()
    assert (listed.used_at, listed.used_from) == (NOW + timedelta(hours=1), "192.0.2.3")


@pytest.mark.counts("access.issue_key", "access.rotate_keys", "access.note_uses", "access.revoke_key")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    person = a_picker()
    with statements() as ran:
        issued = issue_key(CAUSE, requests=[IssueKey("a", person.pk, keys.fresh()) for _ in range(count)])
        note_uses(CAUSE, requests=[NoteUse(one.id, "192.0.2.1") for one in issued])
        rotate_keys(CAUSE, requests=[RotateKey(one.id, keys.fresh()) for one in issued])
        revoke_key(CAUSE, requests=[RevokeKey(one.id) for one in issued])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 15, ran
