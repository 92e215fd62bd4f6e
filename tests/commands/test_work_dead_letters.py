"""work.watch_dead_letters: one item for each cause, closed when nothing stands for it"""

from __future__ import annotations

import itertools
import string
import threading
from typing import Any

import pytest
from django.db import connection

from entrepot.kernel import delivery, ids, sql
from entrepot.kernel.delivery import Message
from entrepot.kernel.messages import (
    DropMessage,
    KeepUnread,
    ReplayMessage,
    drop_messages,
    keep_unread,
    replay_messages,
)
from entrepot.work.commands.watch_dead_letters import (
    CAUSES_MAX,
    ITEM,
    DeadLettersWatched,
    WatchDeadLetters,
    watch_dead_letters,
)
from tests.floor import COMPANY, SYSTEM, a_floor
from tests.sizes import SIZES


@pytest.fixture
def house(db: None) -> None:
    a_floor(skus=1)


def dead(*errors: str, place: str = "channels:web") -> list[str]:
    """Messages to a channel that were given up, each for its error; their ids."""
    delivery.send(
        SYSTEM, [Message(place, "order.told", ids.uuid7(), COMPANY, {"error": one}) for one in errors]
    )
    rows = sql.run(
        "UPDATE kernel_delivery SET state = 'dead', last_error = body ->> 'error'"
        " WHERE state = 'waiting' AND topic = 'order.told' RETURNING id::text"
    )
    return sorted((which for (which,) in rows), key=int)


def watched(*companies: int) -> list[DeadLettersWatched]:
    asked = [WatchDeadLetters(one) for one in companies or (COMPANY,)]
    return watch_dead_letters(SYSTEM, requests=asked)  # type: ignore[return-value]


def items() -> list[tuple[str, dict[str, Any]]]:
    return sql.run(
        "SELECT reason, facts FROM work_item WHERE type = %(type)s AND state <> 'done' ORDER BY reason",
        {"type": ITEM},
    )  # type: ignore[return-value]


def test_invariant_13_a_cause_is_one_item_however_many_messages_it_stops(house: None) -> None:
    dead("HTTP 503 for 100001", "HTTP 503 for 100002", "HTTP 404")
    keep_unread(SYSTEM, requests=[KeepUnread(COMPANY, "easypost", "{", "no JSON")])

    assert watched(COMPANY, COMPANY + 1) == [
        DeadLettersWatched(COMPANY, 3, 3, 0), DeadLettersWatched(COMPANY + 1, 0, 0, 0),
    ]  # fmt: skip
    assert [reason for reason, _ in items()] == [
        "1 message from easypost was given up: no JSON",
        "1 message to channels:web was given up: HTTP 404",
        "2 messages to channels:web were given up: HTTP 503 for …",
    ]
    assert items()[2][1]["messages"] == 2
    dead("HTTP 503 for 100003")
    assert watched() == [DeadLettersWatched(COMPANY, 3, 0, 0)] and len(items()) == 3
    assert items()[2][0] == "3 messages to channels:web were given up: HTTP 503 for …"
    assert items()[2][1]["messages"] == 3


def test_it_is_closed_when_the_last_message_is_replayed_or_dropped(house: None) -> None:
    first, second, third = dead("HTTP 503", "HTTP 503", "HTTP 404")
    watched()
    drop_messages(SYSTEM, requests=[DropMessage(COMPANY, "out", first, "too late")])
    assert watched() == [DeadLettersWatched(COMPANY, 2, 0, 0)]

    drop_messages(SYSTEM, requests=[DropMessage(COMPANY, "out", second, "too late")])
    replay_messages(SYSTEM, requests=[ReplayMessage(COMPANY, "out", third, "it is there now")])

    assert watched() == [DeadLettersWatched(COMPANY, 0, 0, 2)] and not items()
    asked = [WatchDeadLetters(COMPANY, key="once")]
    assert watch_dead_letters(SYSTEM, requests=asked) == watch_dead_letters(SYSTEM, requests=asked)


WORDS = [f"error {''.join(pair)}" for pair in itertools.product(string.ascii_lowercase, repeat=3)][:3000]


def test_a_broken_feed_is_one_item_however_many_causes_its_messages_have(house: None) -> None:
    dead(*WORDS[:CAUSES_MAX], place="channels:web")
    assert watched() == [DeadLettersWatched(COMPANY, CAUSES_MAX, CAUSES_MAX, 0)]

    dead(*WORDS, place="channels:web")
    dead("HTTP 404", place="channels:shop")
    assert watched() == [DeadLettersWatched(COMPANY, 2, 2, CAUSES_MAX)]
    (_, (told, facts)) = items()
    assert told.startswith(
        "3005 messages to channels:web were given up for different causes (3000); most often: err"
    )
    assert (facts["messages"], facts["causes"], facts["place"]) == (3005, 3000, "channels:web")
    assert watched() == [DeadLettersWatched(COMPANY, 2, 0, 0)]


def test_a_broken_feed_stays_one_item_until_nothing_of_it_stands(house: None) -> None:
    ids_ = dead(*WORDS[: CAUSES_MAX + 1])
    watched()
    (item,) = sql.run("SELECT id FROM work_item WHERE type = %(type)s AND state <> 'done'", {"type": ITEM})
    drop_messages(SYSTEM, requests=[DropMessage(COMPANY, "out", one, "too late") for one in ids_[1:]])
    assert watched() == [DeadLettersWatched(COMPANY, 1, 0, 0)]
    assert items()[0][0] == f"1 message to channels:web was given up: {WORDS[0]}"
    assert sql.run("SELECT id FROM work_item WHERE type = %(type)s AND state <> 'done'", {"type": ITEM}) == [
        item
    ]
    drop_messages(SYSTEM, requests=[DropMessage(COMPANY, "out", ids_[0], "too late")])
    assert watched() == [DeadLettersWatched(COMPANY, 0, 0, 1)] and not items()


@pytest.mark.counts("work.watch_dead_letters")
def test_statements_do_not_grow_with_the_batch(house: None, statements: Any) -> None:
    counts = []
    for many in SIZES:
        dead(*(f"{'x' * len(str(many))} error {letter}" for letter in "ab"))
        sql.run("UPDATE kernel_delivery SET state = 'dropped' WHERE last_error LIKE %(one)s RETURNING 1",
                {"one": f"{'x' * (len(str(many)) - 1)} error%"})  # fmt: skip
        if many == 1:
            watched()
            sql.run("UPDATE kernel_delivery SET state = 'dropped' RETURNING 1")
            dead("another", "more")
        with statements() as ran:
            watch_dead_letters(SYSTEM, requests=[WatchDeadLetters(COMPANY)] * many)
        sql.run("UPDATE kernel_delivery SET state = 'dropped' RETURNING 1")
        counts.append(len(ran.texts))
    assert len(set(counts)) == 1


@pytest.mark.usefixtures("committed_db")
def test_two_who_watch_at_once_open_one_item() -> None:
    a_floor(skus=1)
    dead("HTTP 503")
    threads = [threading.Thread(target=lambda: (watched(), connection.close())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(items()) == 1
