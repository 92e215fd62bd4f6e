"""work.watch_keys: an item for each API key that ends soon, closed when another follows or it is revoked"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from entrepot.access import keys
from entrepot.access.commands.issue_key import (
    IssueKey,
    KeyIssued,
    NoteUse,
    RevokeKey,
    RotateKey,
    issue_key,
    note_uses,
    revoke_key,
    rotate_keys,
)
from entrepot.access.commands.keep_people import SetCompanies, set_companies
from entrepot.access.lifetimes import KeyPolicy
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.work.commands.watch_keys import ITEM, KeysWatched, WatchKeys, watch_keys
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SYSTEM = Actor("setup", everything=True)
CAUSE = Cause(SYSTEM, NOW)

pytestmark = pytest.mark.django_db


def a_key(name: str, days: int = 30) -> KeyIssued:
    person, _ = User.objects.get_or_create(username=name)
    (issued,) = issue_key(CAUSE, requests=[IssueKey("shop", person.pk, keys.fresh(), days)])
    assert isinstance(issued, KeyIssued)
    return issued


def watched(day: int, *requests: WatchKeys) -> list[KeysWatched]:
    cause = Cause(SYSTEM, NOW + timedelta(days=day))
    return watch_keys(cause, requests=requests or [WatchKeys(1, of_all=True)])  # type: ignore[return-value]


def items() -> list[tuple[int, str, datetime]]:
    return sql.run(
        "SELECT company_id::int, reason, due_at FROM work_item"
        " WHERE type = %(type)s AND state <> 'done' ORDER BY reason",
        {"type": ITEM},
    )  # type: ignore[return-value]


def test_an_end_is_told_before_once_and_closed_when_another_key_follows() -> None:
    issued = a_key("storefront")
    assert watched(15) == [KeysWatched(1, 0, 0, 0)]
    assert watched(16) == [KeysWatched(1, 1, 1, 0)]
    assert watched(17) == [KeysWatched(1, 1, 0, 0)]
    ((company, reason, due_at),) = items()
    assert company == 1 and due_at == NOW + timedelta(days=30)
    assert reason == (
        f"the key shop ({issued.prefix}) of storefront ends on 2026-04-01; no use of it is known: rotate it,"
        " and give its program the new one, or revoke it"
    )
    assert watched(40) == [KeysWatched(1, 1, 0, 0)], "it has ended, and nobody has looked"
    assert notes() == []
    rotate_keys(Cause(SYSTEM, NOW + timedelta(days=40)), requests=[RotateKey(issued.id, keys.fresh())])
    assert watched(41) == [KeysWatched(1, 0, 0, 1)] and not items()
    assert notes() == ["another key follows it"]


def notes() -> list[str]:
    rows = sql.run(
        "SELECT DISTINCT e.reason FROM kernel_event AS e JOIN work_item AS i ON i.id = e.subject_id"
        " WHERE e.state_after = 'done' AND i.type = %(type)s ORDER BY 1",
        {"type": ITEM},
    )
    return [reason for (reason,) in rows]


def test_what_has_ended_is_told_as_that() -> None:
    issued = a_key("storefront")
    note_uses(Cause(SYSTEM, NOW + timedelta(days=3)), requests=[NoteUse(issued.id, "192.0.2.1")])
    watched(31)
    ((_, reason, _),) = items()
    assert reason.startswith(
        f"the key shop ({issued.prefix}) of storefront ended on 2026-04-01; it was used last on 2026-03-05:"
    )


def test_it_is_closed_when_the_key_is_revoked_or_its_person_left() -> None:
    one, _ = a_key("storefront"), a_key("leaver")
    watched(20)
    revoke_key(CAUSE, requests=[RevokeKey(one.id)])
    User.objects.filter(username="leaver").update(is_active=False)
    assert watched(20) == [KeysWatched(1, 0, 0, 2)]
    assert notes() == ["its person may not enter any more", "the key is revoked"]
    asked = [WatchKeys(1, of_all=True, key="once")]
    assert watch_keys(CAUSE, requests=asked) == watch_keys(CAUSE, requests=asked)


def test_each_company_is_asked_about_its_own_people_and_one_about_those_of_all() -> None:
    for name, companies in (("everywhere", ()), ("first", (1,)), ("second", (2, 3)), ("third", (3,))):
        a_key(name)
        if companies:
            set_companies(CAUSE, requests=[SetCompanies(name, companies)])
    changes = SetPolicy(3, "access.keys", KeyPolicy(told_days=60), NOW)
    set_policy(CAUSE, requests=[changes])
    both = [WatchKeys(1, of_all=True), WatchKeys(2), WatchKeys(3)]

    assert watched(0, *both) == [KeysWatched(1, 1, 1, 0), KeysWatched(2, 1, 1, 0), KeysWatched(3, 1, 1, 0)]
    told = {(company, reason.split()[5]) for company, reason, _ in items()}
    assert told == {(1, "everywhere"), (2, "second"), (3, "third")}
    assert watched(20, *both)[0] == KeysWatched(1, 2, 1, 0)
    assert watched(20, WatchKeys(2)) == [KeysWatched(2, 1, 0, 0)], "of others nothing is closed"
    assert len(items()) == 4


@pytest.mark.counts("work.watch_keys")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_companies(statements, count: int) -> None:
    for company in range(1, count + 1):
        a_key(f"p{company}")
        set_companies(CAUSE, requests=[SetCompanies(f"p{company}", (company,))])
    a_key("gone")
    watched(20)
    User.objects.filter(username="gone").update(is_active=False)
    with statements() as ran:
        watched(20, *(WatchKeys(one) for one in range(1, count + 1)))
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 8, ran
