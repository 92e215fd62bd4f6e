"""access.issue_key and access.revoke_key"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User

from entrepot.access import keys, queries
from entrepot.access.commands.issue_key import (
    IssueKey,
    KeyIssued,
    KeyRevoked,
    RevokeKey,
    issue_key,
    revoke_key,
)
from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.ids import uuid7
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
    assert queries.actor_of_key(raw) == queries.actor_of(person)
    (listed,) = queries.api_keys()
    assert (listed.id, listed.name, listed.prefix, listed.person) == (
        issued.id,
        "scanner",
        issued.prefix,
        "pia",
    )


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
    assert queries.actor_of_key(wrong) is None
    assert queries.actor_of_key(keys.fresh()) is None
    assert queries.actor_of_key("ek_'; DROP TABLE access_apikey") is None


def test_a_revoked_key_and_the_key_of_one_who_left_open_nothing():
    person, raw, other = a_picker(), keys.fresh(), keys.fresh()
    one, two = issue_key(CAUSE, requests=[IssueKey("a", person.pk, raw), IssueKey("b", person.pk, other)])

    assert revoke_key(CAUSE, requests=[RevokeKey(one.id)]) == [KeyRevoked(one.id)]
    assert revoke_key(CAUSE, requests=[RevokeKey(one.id)]) == [KeyRevoked(one.id)]
    assert queries.actor_of_key(raw) is None
    assert queries.actor_of_key(other) is not None

    User.objects.filter(pk=person.pk).update(is_active=False)
    assert queries.actor_of_key(other) is None
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


@pytest.mark.counts("access.issue_key", "access.revoke_key")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    person = a_picker()
    with statements() as ran:
        issued = issue_key(CAUSE, requests=[IssueKey("a", person.pk, keys.fresh()) for _ in range(count)])
        revoke_key(CAUSE, requests=[RevokeKey(one.id) for one in issued])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 6, ran
