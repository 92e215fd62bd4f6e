"""insight.watch_feeds: an item for each feed that has stopped, closed when it speaks again"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from entrepot.insight import feeds
from entrepot.insight.commands.watch_feeds import ITEM, FeedsWatched, WatchFeeds, watch_feeds
from entrepot.insight.freshness import FeedPolicy
from entrepot.kernel import inbox, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.policies import SetPolicy, set_policy
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SYSTEM = Actor("setup", everything=True)

pytestmark = pytest.mark.django_db


def heard(at: datetime, company: int = 1, source: str = "shopify") -> None:
    """A message that came in."""
    one = inbox.Incoming(company, source, f"{company}-{source}-{at.isoformat()}", "orders/create", "{}")
    inbox.receive(Cause(SYSTEM, at), [one])


def every_ten_minutes(company: int = 1, source: str = "shopify") -> None:
    """For two hours, the last time now."""
    for turn in range(12):
        heard(NOW - timedelta(minutes=10 * turn), company, source)


def watched(minutes: int, *requests: WatchFeeds) -> list[FeedsWatched]:
    cause = Cause(SYSTEM, NOW + timedelta(minutes=minutes))
    return watch_feeds(cause, requests=requests or [WatchFeeds(1)])  # type: ignore[return-value]


def items() -> list[tuple[int, str, str]]:
    return sql.run(
        "SELECT company_id::int, reason, state FROM work_item WHERE type = %(type)s ORDER BY id",
        {"type": ITEM},
    )  # type: ignore[return-value]


def test_a_feed_that_stops_is_work_once_until_it_speaks_again() -> None:
    every_ten_minutes()
    assert watched(100) == [FeedsWatched(1, 0, 0, 0)], "late is no work"
    assert watched(101) == [FeedsWatched(1, 1, 1, 0)]
    assert watched(200) == [FeedsWatched(1, 1, 0, 0)]
    told = (
        "no message from shopify since 2026-03-02 09:00:00+00:00: see whether it sends, and whether its messages"
        " reach us"
    )
    assert items() == [(1, told, "open")]
    heard(NOW + timedelta(minutes=205))
    assert watched(210) == [FeedsWatched(1, 0, 0, 1)]
    assert [state for *_, state in items()] == ["done"]


def test_what_others_send_meanwhile_does_not_end_the_work(monkeypatch) -> None:
    """So much that the feed is not among the latest any more."""
    monkeypatch.setattr(feeds, "LATELY", 30)
    every_ten_minutes()
    assert watched(200) == [FeedsWatched(1, 1, 1, 0)]
    for minute in range(201, 240):
        heard(NOW + timedelta(minutes=minute), source="ftp")
    assert watched(240) == [FeedsWatched(1, 0, 0, 0)]
    assert [state for *_, state in items()] == ["open"]


def test_a_house_says_when_a_silence_is_work() -> None:
    every_ten_minutes()
    every_ten_minutes(source="ftp")
    cause = Cause(SYSTEM, NOW - timedelta(days=1))
    for scope, policy in (("ftp", FeedPolicy(is_work=False)), ("shopify", FeedPolicy(silent=100))):
        set_policy(cause, requests=[SetPolicy(1, "insight.feeds", policy, cause.at, scope=scope)])
    assert watched(999) == [FeedsWatched(1, 0, 0, 0)]
    assert watched(1_001) == [FeedsWatched(1, 1, 1, 0)]
    (told,) = items()
    assert told[1].startswith("no message from shopify")


def test_the_same_key_is_answered_once() -> None:
    every_ten_minutes()
    once = WatchFeeds(1, key="once")
    assert watched(200, once) == watched(200, once) == [FeedsWatched(1, 1, 1, 0)]


@pytest.mark.counts("insight.watch_feeds")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_companies(statements, count: int) -> None:
    for company in range(1, count + 1):
        every_ten_minutes(company)
    every_ten_minutes(1, "ftp")
    watched(200)
    heard(NOW + timedelta(minutes=205), 1, "ftp")
    with statements() as ran:
        watched(210, *(WatchFeeds(one) for one in range(1, count + 1)))
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) <= 8, ran
