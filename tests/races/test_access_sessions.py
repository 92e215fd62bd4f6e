"""Several who end sessions, enter and withdraw links at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from entrepot.access import queries
from entrepot.access.commands.keep_sessions import (
    EndSessions,
    NoteSession,
    SessionsEnded,
    end_sessions,
    note_sessions,
)
from entrepot.access.commands.withdraw_links import WithdrawLinks, withdraw_links
from entrepot.kernel import ids, sql
from tests.floor import COMPANY, NOW, SYSTEM
from tests.shop import a_person
from tests.together import all_at_once, at_once

WEEK = timedelta(days=7)


def entered(person: int, times: int) -> list[NoteSession]:
    made = [ids.uuid7() for _ in range(times)]
    rows = [(one.hex, "{}", NOW + WEEK) for one in made]
    sql.write("django_session", ("session_key", "session_data", "expire_date"), rows)
    return [NoteSession(one, person, one.hex) for one in made]


def test_a_session_ends_once_while_others_enter(committed_db: Any) -> None:
    people = [a_person(name) for name in ("ada", "ben")]
    wanted = [one for person in people for one in entered(person.pk, 10)]
    note_sessions(SYSTEM, requests=wanted)
    ends = [EndSessions("ada"), EndSessions("ben")]
    later = entered(people[0].pk, 5)
    answers = at_once([
        lambda: end_sessions(SYSTEM, requests=ends),
        lambda: end_sessions(SYSTEM, requests=ends[::-1]),
        lambda: note_sessions(SYSTEM, requests=wanted[:0] + later),
        lambda: note_sessions(SYSTEM, requests=entered(people[1].pk, 5)),
    ])  # fmt: skip
    ended = sum(one.ended for batch in answers for one in batch if isinstance(one, SessionsEnded))
    left = sum(len(queries.sessions(one.pk, NOW, WEEK)) for one in people)
    assert ended + left == 30 and ended >= 20


def test_every_withdrawal_of_links_counts(committed_db: Any) -> None:
    wanted = [WithdrawLinks(COMPANY, "order", ids.uuid7()) for _ in range(20)]
    all_at_once(withdraw_links, SYSTEM, wanted, wanted[::-1], wanted)
    assert {queries.link_number(one.document) for one in wanted} == {3}
