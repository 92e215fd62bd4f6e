"""access.count_tries, access.forget_tries"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from entrepot.access.commands.count_tries import (
    ForgetTries,
    Tried,
    TriesForgotten,
    Try,
    count_tries,
    forget_tries,
)
from entrepot.access.errors import TooManyTries
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from tests.sizes import SIZES
from tests.together import all_at_once

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAUSE = Cause(Actor("worker", everything=True), NOW)

REFUSED = TooManyTries(minutes=15)


def tries(count: int, who: str = "ada", most: int = 3, key: str | None = None) -> list[Try]:
    return [Try("portal", who, most, 15, key) for _ in range(count)]


def later(minutes: int) -> Cause:
    return Cause(CAUSE.actor, NOW + timedelta(minutes=minutes))


def test_so_many_tries_and_no_more(db):
    assert count_tries(CAUSE, requests=tries(2)) == [Tried(2), Tried(1)]
    assert count_tries(later(1), requests=tries(2)) == [Tried(0), REFUSED]
    assert count_tries(later(14), requests=tries(1)) == [REFUSED]
    assert count_tries(CAUSE, requests=tries(1, "ben")) == [Tried(2)]


def test_the_next_stretch_of_time_begins_anew_and_old_ones_are_dropped(db):
    count_tries(CAUSE, requests=tries(4))
    assert count_tries(later(15), requests=tries(1)) == [Tried(2)]
    assert count_tries(later(2 * 1440), requests=tries(1)) == [Tried(2)]
    assert sql.run("SELECT count(*) FROM access_tries") == [(1,)]


def test_who_came_in_is_forgotten(db):
    count_tries(CAUSE, requests=[*tries(3), *tries(3, "ben")])
    assert forget_tries(CAUSE, requests=[ForgetTries("portal", "ada")]) == [TriesForgotten("portal")]
    assert count_tries(CAUSE, requests=[*tries(1), *tries(1, "ben")]) == [Tried(2), REFUSED]
    assert forget_tries(CAUSE, requests=[ForgetTries("portal", "nobody")]) == [TriesForgotten("portal")]


def test_who_came_in_gives_back_his_own_try_and_no_other(db):
    count_tries(CAUSE, requests=[*tries(2), *tries(1, "ben")])
    given = [ForgetTries("portal", "ada", latest=1), ForgetTries("portal", "ben", latest=1)]
    assert forget_tries(later(1), requests=given) == [TriesForgotten("portal")] * 2
    assert count_tries(later(1), requests=[*tries(1), *tries(1, "ben")]) == [Tried(1), Tried(2)]
    forget_tries(later(2), requests=[ForgetTries("portal", "ada", latest=1)] * 2)
    assert count_tries(later(2), requests=tries(1)) == [Tried(2)], "two at once"
    count_tries(later(15), requests=tries(1))
    forget_tries(later(16), requests=[ForgetTries("portal", "ada", latest=1)])
    kept = sql.run("SELECT who, count FROM access_tries ORDER BY who")
    assert kept == [("ada", 1), ("ben", 1)], "what was counted before stands"
    assert forget_tries(CAUSE, requests=[ForgetTries("portal", "nobody", latest=1)]) == [
        TriesForgotten("portal")
    ]


def test_the_same_key_gives_back_once(db):
    count_tries(CAUSE, requests=tries(3))
    for _ in range(3):
        forget_tries(CAUSE, requests=[ForgetTries("portal", "ada", "k", latest=1)])
    assert count_tries(CAUSE, requests=tries(2)) == [Tried(0), REFUSED]


def test_what_many_give_back_at_once_is_counted_whole(committed_db):
    count_tries(CAUSE, requests=tries(8, most=9))
    both = [ForgetTries("portal", "ada", latest=1), ForgetTries("portal", "ben", latest=1)]
    all_at_once(forget_tries, CAUSE, *[both, both[::-1]] * 3)
    assert count_tries(CAUSE, requests=tries(1, most=9)) == [Tried(6)]


def test_the_same_key_counts_once(db):
    assert [count_tries(CAUSE, requests=tries(1, key="k")) for _ in range(4)] == [[Tried(2)]] * 4


@pytest.mark.counts("access.count_tries", "access.forget_tries")
def test_statements_do_not_grow_with_the_batch(db, statements):
    for size in SIZES:
        with statements():
            count_tries(CAUSE, requests=[Try("portal", f"{size}-{i}", 3, 15) for i in range(size)])
            forget_tries(
                CAUSE, requests=[ForgetTries("portal", f"{size}-{i}", latest=1) for i in range(size)]
            )


def test_many_at_once_are_let_in_so_often_and_no_more(committed_db):
    answers = all_at_once(count_tries, CAUSE, *[tries(2, most=7)] * 6)
    assert sorted(one.left for one in answers if isinstance(one, Tried)) == [0, 1, 2, 3, 4, 5, 6]
    assert [one for one in answers if not isinstance(one, Tried)] == [REFUSED] * 5
