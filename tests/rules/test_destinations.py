"""network.destinations: the day that it is where a parcel goes"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.network.destinations import BEGIN, LONGEST, end_of_day, promised_day, zone_of, zones

NIGHT = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("country", "code", "zone"),
    [
        ("GB", "SW1A 1AA", "Europe/London"), ("DE", "", "Europe/Berlin"), ("JP", "100-0001", "Asia/Tokyo"),
        ("US", "10001", "America/New_York"), ("US", "60601-1234", "America/Chicago"), ("US", "", "America/New_York"),
        ("US", "83702", "America/Denver"), ("US", "83814", "America/Los_Angeles"), ("US", "85001", "America/Phoenix"),
        ("US", "99501", "America/Anchorage"), ("US", "96801", "Pacific/Honolulu"),
        ("US", "00901", "America/Puerto_Rico"),
        ("CA", "M5V 2T6", "America/Toronto"), ("CA", "v6b 1a1", "America/Vancouver"),
        ("CA", "A0P 1C0", "America/Goose_Bay"),
        ("AU", "2000", "Australia/Sydney"), ("AU", "6000", "Australia/Perth"), ("AU", "0800", "Australia/Darwin"),
        ("BR", "01310-100", "America/Sao_Paulo"), ("BR", "69900-000", "America/Rio_Branco"),
        ("ES", "28001", "Europe/Madrid"), ("ES", "38001", "Atlantic/Canary"), ("PT", "9500-001", "Atlantic/Azores"),
        ("RU", "101000", "Europe/Moscow"), ("RU", "690000", "Asia/Vladivostok"), ("FR", "97400", "Indian/Reunion"),
        ("", "10001", ""), ("XX", "1", ""),
    ],
)  # fmt: skip
def test_a_country_and_how_its_postal_code_begins_tell_the_zone(country, code, zone):
    assert zone_of(country, code) == zone


def test_every_zone_is_one_and_no_beginning_is_longer_than_is_looked_at():
    assert set(zones().values()) <= available_timezones()
    assert max(map(len, zones())) == 2 + LONGEST
    assert set(BEGIN) <= set(zones())


def test_a_promise_is_a_day_where_it_is_to_come():
    assert promised_day(NIGHT, "US", "98101", "Europe/Berlin") == date(2026, 3, 3)
    assert promised_day(NIGHT, "AU", "2000", "Europe/Berlin") == date(2026, 3, 4)
    assert promised_day(NIGHT, "", "", "America/New_York") == date(
        2026, 3, 3
    )  # elsewhere, where that is not known
    assert promised_day(None, "US", "98101", "Europe/Berlin") is None


@given(
    day=st.dates(date(2012, 1, 2), date(2090, 12, 30)),
    country=st.sampled_from(sorted({begin[:2] for begin in zones()})),
    code=st.text("0123456789ABCXYZ -", max_size=8),
)
def test_the_end_of_a_day_is_on_that_day_and_the_next_minute_is_not(day, country, code):
    until = end_of_day(day, country, code)
    assert promised_day(until, country, code, "UTC") == day
    after = until + timedelta(minutes=1)
    assert promised_day(after, country, code, "UTC") == day + timedelta(days=1)
