"""When reports by mail are due, and of which days they tell."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.access.mailing import RHYTHMS, Period, last_due, misfit, next_due, period_of
from entrepot.kernel.errors import Invalid

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rhythm", "hour", "after", "due", "period"),
    [
        ("daily", 6, "2026-11-27T04:59", "2026-11-27T05:00", "2026-11-26 2026-11-26 2026-11-26"),
        ("daily", 6, "2026-11-27T05:00", "2026-11-28T05:00", "2026-11-27 2026-11-27 2026-11-27"),
        ("weekly", 6, "2026-11-27T05:00", "2026-11-30T05:00", "2026-W48 2026-11-23 2026-11-29"),
        ("monthly", 0, "2026-11-01T00:00", "2026-11-30T23:00", "2026-11 2026-11-01 2026-11-30"),
        # The clocks go forward: half past two is not there, and the hour behind it is meant.
        ("daily", 2, "2027-03-27T12:00", "2027-03-28T01:00", "2027-03-27 2027-03-27 2027-03-27"),
    ],
)  # fmt: skip
def test_the_hour_is_one_of_the_readers_zone(rhythm, hour, after, due, period):
    assert next_due(rhythm, hour, BERLIN, at(after)) == at(due)
    name, since, until = period.split()
    told = Period(name, date.fromisoformat(since), date.fromisoformat(until))
    assert period_of(rhythm, BERLIN, at(due)) == told


MOMENTS = st.integers(1_577_836_800, 2_051_222_400).map(lambda at: datetime.fromtimestamp(at, UTC))
ZONES = st.sampled_from(["UTC", BERLIN, "America/St_Johns", "Pacific/Auckland", "Asia/Kathmandu"])


@settings(max_examples=60)
@given(st.sampled_from(RHYTHMS), st.integers(0, 23), ZONES, MOMENTS)
def test_between_two_that_follow_each_other_none_is_due_and_their_periods_meet(rhythm, hour, zone, now):
    last, following = last_due(rhythm, hour, zone, now), next_due(rhythm, hour, zone, now)
    assert last <= now < following
    assert next_due(rhythm, hour, zone, last) == following
    before, after = period_of(rhythm, zone, last), period_of(rhythm, zone, following)
    assert before.name != after.name and after.since == before.until + timedelta(days=1)
    assert before.until == last.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        (("", "daily", 6, "UTC", "", "xlsx"), "report"),
        (("fill rate", "hourly", 6, "UTC", "", "xlsx"), "rhythm"),
        (("fill rate", "daily", 24, "UTC", "", "xlsx"), "hour"),
        (("fill rate", "daily", 6, "Mars/Base", "", "xlsx"), "zone"),
        (("fill rate", "daily", 6, "UTC", "q" * 501, "xlsx"), "query"),
        (("fill rate", "daily", 6, "UTC", "", "pdf"), "file"),
    ],
)
def test_what_can_not_be_subscribed_to(given_, field):
    found = misfit(*given_)
    assert isinstance(found, Invalid) and found.facts["field"] == field
    assert misfit("fill rate", "daily", 6, "UTC", "", "xlsx") is None
