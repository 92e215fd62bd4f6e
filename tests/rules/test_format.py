"""How pages write days: where the reader is"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from babel import Locale

from entrepot.web import format as fmt


def test_the_day_of_a_moment_is_that_of_the_reader():
    end_of_day = datetime(2026, 12, 2, 7, 59, tzinfo=UTC)
    told = []
    for zone in ("America/Los_Angeles", "UTC"):
        with fmt.read_by(fmt.Reading(Locale("en", "GB"), ZoneInfo(zone), end_of_day)):
            told += [fmt.day(end_of_day), fmt.day(date(2026, 12, 2))]
    assert told == ["1 Dec 2026", "2 Dec 2026", "2 Dec 2026", "2 Dec 2026"]
    assert fmt.day(None) == ""
