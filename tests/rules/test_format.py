"""How pages write days: where the reader is"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from django.utils import translation

from entrepot.web import format as fmt


def test_the_day_of_a_moment_is_that_of_the_reader():
    end_of_day = datetime(2026, 12, 2, 7, 59, tzinfo=UTC)
    told = []
    for zone in ("America/Los_Angeles", "UTC"):
        with fmt.read_by(fmt.Reading(Locale("en", "GB"), ZoneInfo(zone), end_of_day)):
            told += [fmt.day(end_of_day), fmt.day(date(2026, 12, 2))]
    assert told == ["1 Dec 2026", "2 Dec 2026", "2 Dec 2026", "2 Dec 2026"]
    assert fmt.day(None) == ""


def test_what_is_ahead_is_said_as_the_language_bends_it():
    for language, hours, days in (("en", "in 47 h", "in 2 days"), ("de", "in 47 Std.", "in 2 Tagen")):
        reading = fmt.Reading(fmt.locale_of("", language))
        with fmt.read_by(reading), translation.override(language):
            assert fmt.ahead(timedelta(hours=47)).replace(fmt.NBSP, " ") == hours
            assert fmt.ahead(timedelta(days=2, hours=5)).replace(fmt.NBSP, " ") == days
            assert fmt.NBSP in fmt.ahead(timedelta(days=400))
