"""Two workers that look at feeds at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from entrepot.insight.commands.watch_feeds import ITEM, WatchFeeds, watch_feeds
from entrepot.kernel import inbox, sql
from entrepot.kernel.cause import Actor, Cause
from tests.together import at_once

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SYSTEM = Actor("setup", everything=True)

pytestmark = pytest.mark.usefixtures("committed_db")


def watched(minutes: int) -> list[object]:
    return watch_feeds(Cause(SYSTEM, NOW + timedelta(minutes=minutes)), requests=[WatchFeeds(1)])  # type: ignore[return-value]


def heard(minutes: int) -> None:
    one = inbox.Incoming(1, "shopify", f"{minutes}", "orders/create", "{}")
    inbox.receive(Cause(SYSTEM, NOW + timedelta(minutes=minutes)), [one])


def test_a_feed_that_stops_is_one_item_and_ends_once() -> None:
    for turn in range(12):
        heard(-10 * turn)
    at_once([lambda: watched(200), lambda: watched(200)])
    assert states() == ["open"]
    heard(205)
    at_once([lambda: watched(210), lambda: watched(210)])
    assert states() == ["done"]


def states() -> list[str]:
    return [
        state for (state,) in sql.run("SELECT state FROM work_item WHERE type = %(type)s", {"type": ITEM})
    ]
