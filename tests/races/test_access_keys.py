"""A key that several people rotate, or programs use, at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from entrepot.access import keys, queries
from entrepot.access.commands.issue_key import (
    IssueKey,
    NoteUse,
    RevokeKey,
    RotateKey,
    issue_key,
    note_uses,
    revoke_key,
    rotate_keys,
)
from entrepot.kernel.cause import Actor, Cause
from tests.together import all_at_once

CAUSE = Cause(Actor("root", everything=True), datetime(2026, 3, 2, 9, 0, tzinfo=UTC))

pytestmark = pytest.mark.usefixtures("committed_db")


def test_a_key_is_followed_by_one_and_its_use_written_down_by_one():
    person = User.objects.create_user("storefront")
    for _ in range(5):
        (issued,) = issue_key(CAUSE, requests=[IssueKey("shop", person.pk, keys.fresh())])
        answers = all_at_once(rotate_keys, CAUSE, *([RotateKey(issued.id, keys.fresh())] for _ in range(4)))
        assert sorted(type(one).__name__ for one in answers) == [*["KeyFollowed"] * 3, "KeyRotated"]
        noted = all_at_once(note_uses, CAUSE, *([NoteUse(issued.id, f"192.0.2.{n}")] for n in range(4)))
        assert [one.noted for one in noted].count(True) == 1
    assert len(queries.api_keys()) == 10


def test_no_key_is_left_that_follows_one_which_is_revoked_meanwhile():
    person = User.objects.create_user("storefront")
    for _ in range(5):
        (first,) = issue_key(CAUSE, requests=[IssueKey("shop", person.pk, keys.fresh())])
        (second,) = rotate_keys(CAUSE, requests=[RotateKey(first.id, keys.fresh())])

        def either(cause: Cause, /, *, requests: list[RevokeKey | RotateKey]) -> list[object]:
            given = revoke_key if isinstance(requests[0], RevokeKey) else rotate_keys
            return given(cause, requests=requests)  # type: ignore[operator]

        all_at_once(either, CAUSE, [RotateKey(second.id, keys.fresh())], [RevokeKey(first.id)])
    assert all(one.revoked_at for one in queries.api_keys())
