"""access.note_sessions and access.end_sessions"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.access import queries
from entrepot.access.commands.keep_sessions import (
    DEVICE_MAX,
    EndSessions,
    NoteSession,
    SessionNoted,
    SessionsEnded,
    end_sessions,
    note_sessions,
)
from entrepot.access.lifetimes import is_over
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, NotPermitted
from tests.floor import NOW, SYSTEM
from tests.shop import a_person
from tests.sizes import SIZES

WEEK = timedelta(days=7)


def entered(person: int, times: int = 1, ends: datetime | None = None) -> list[UUID]:
    """Sessions of somebody, as Django keeps them and as they are noted."""
    made = [ids.uuid7() for _ in range(times)]
    rows = [(one.hex, "{}", ends or NOW + timedelta(hours=14)) for one in made]
    sql.write("django_session", ("session_key", "session_data", "expire_date"), rows)
    note_sessions(SYSTEM, requests=[NoteSession(one, person, one.hex, "10.0.0.1", "Firefox") for one in made])
    return made


def open_of(person: int) -> set[UUID]:
    return {one.id for one in queries.sessions(person, NOW, WEEK)}


@pytest.mark.django_db
def test_a_session_is_listed_until_it_ends_and_its_browser_is_out() -> None:
    ada, bob = a_person("ada"), a_person("bob")
    first, second = entered(ada.pk, 2)
    (other,) = entered(bob.pk)
    assert open_of(ada.pk) == {first, second}
    assert end_sessions(SYSTEM, requests=[EndSessions("ada", first)]) == [SessionsEnded(1)]
    assert open_of(ada.pk) == {second}
    keys = {key for (key,) in sql.run("SELECT session_key FROM django_session")}
    assert keys == {second.hex, other.hex}
    assert end_sessions(SYSTEM, requests=[EndSessions("ada", other)]) == [
        NotFound(what="session", which=str(other))
    ]
    assert end_sessions(SYSTEM, requests=[EndSessions("eve")]) == [NotFound(what="person", which="eve")]
    (event,) = sql.run("SELECT payload FROM kernel_event WHERE command = 'access.end_sessions'")
    assert event == ({"sessions ended": 1},)


@pytest.mark.django_db
def test_all_end_but_the_one_that_is_kept_and_once() -> None:
    ada = a_person("ada")
    kept, *_ = entered(ada.pk, 3)
    wanted = [EndSessions("ada", but=kept, key="k")]
    assert end_sessions(SYSTEM, requests=wanted) == [SessionsEnded(2)]
    assert end_sessions(SYSTEM, requests=wanted) == [SessionsEnded(2)], "the same key gets the same answer"
    assert end_sessions(SYSTEM, requests=[EndSessions("ada", but=kept)]) == [SessionsEnded(0)]
    assert open_of(ada.pk) == {kept}
    (refused,) = end_sessions(Cause(Actor("bob"), NOW), requests=[EndSessions("ada")])
    assert isinstance(refused, NotPermitted) and open_of(ada.pk) == {kept}


@pytest.mark.django_db
def test_what_is_over_is_dropped_when_somebody_enters_and_a_new_key_is_the_same_session() -> None:
    ada = a_person("ada")
    entered(ada.pk, ends=NOW - timedelta(seconds=1))
    (which,) = entered(ada.pk)
    assert sql.run("SELECT id FROM access_session") == [(which,)]
    sql.write("django_session", ("session_key", "session_data", "expire_date"), [("new", "{}", NOW + WEEK)])
    told = NoteSession(which, ada.pk, "new", "10.0.0.1", "x" * 1000)
    assert note_sessions(SYSTEM, requests=[told]) == [SessionNoted(which)]
    end_sessions(SYSTEM, requests=[EndSessions("ada", which)])
    assert sql.run("SELECT session_key FROM django_session WHERE session_key = 'new'") == []
    (long,) = [ids.uuid7()]
    sql.write("django_session", ("session_key", "session_data", "expire_date"), [("long", "{}", NOW + WEEK)])
    note_sessions(SYSTEM, requests=[NoteSession(long, ada.pk, "long", "10.0.0.1", "x" * 1000)])
    assert [len(one.device) for one in queries.sessions(ada.pk, NOW, WEEK)] == [DEVICE_MAX]


@pytest.mark.django_db
@pytest.mark.counts("access.note_sessions", "access.end_sessions")
def test_statements_do_not_grow_with_the_batch(statements) -> None:  # type: ignore[no-untyped-def]
    ada, counts = a_person("ada"), []
    for size in SIZES:
        made = entered(ada.pk, size)
        with statements() as noted:
            note_sessions(SYSTEM, requests=[NoteSession(one, ada.pk, one.hex) for one in made])
        with statements() as ended:
            end_sessions(SYSTEM, requests=[EndSessions("ada", one) for one in made])
        counts.append((len(noted), len(ended)))
    assert len(set(counts)) == 1


def test_a_session_ends_a_days_work_after_it_began_however_it_was_used() -> None:
    at, day = datetime(2026, 3, 2, 8, tzinfo=UTC), timedelta(hours=14)
    assert not is_over(at, at, at + day - timedelta(seconds=1), most=day, idle=None)
    assert is_over(at, at + day - timedelta(seconds=1), at + day, most=day, idle=None)
    half = timedelta(minutes=30)
    assert is_over(at, at, at + half, most=day, idle=half)
    assert not is_over(at, at + half, at + half, most=day, idle=half)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**5), st.none() | st.integers(1, 10**5))
def test_what_is_over_stays_over_and_a_bound_on_idling_ends_no_session_later(
    seen: int, later: int, most: int, idle: int | None
) -> None:
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    now, seen_at = at + timedelta(seconds=seen + later), at + timedelta(seconds=seen)
    bounds = {"most": timedelta(seconds=most), "idle": timedelta(seconds=idle) if idle else None}
    over = is_over(at, seen_at, now, **bounds)
    assert over or not is_over(at, seen_at, now, most=bounds["most"], idle=None)
    if over:
        assert is_over(at, seen_at, now + timedelta(seconds=1), **bounds)
