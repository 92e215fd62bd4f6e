"""When a node ships."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.network.rules import (
    EARTH_RADIUS_KM,
    Calendar,
    distance_km,
    is_time_zone,
    last_cut_off,
    next_ship_date,
)

LONDON = "Europe/London"
WORKDAYS = dict.fromkeys(range(5), time(15))
ZONES = st.sampled_from(
    [
        LONDON,
        "America/New_York",
        "Asia/Kolkata",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Australia/Lord_Howe",
        "UTC",
    ]
)
WEEKS = st.dictionaries(st.integers(0, 6), st.times())
MOMENTS = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001  the zone is given with the strategy
    datetime(2060, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
HOLIDAYS = st.frozensets(st.dates(date(2000, 1, 1), date(2060, 1, 1)), max_size=5)


def on(*moment: int, zone: str = LONDON) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo(zone))


def ships(ready_at: datetime, zone: str = LONDON, week=WORKDAYS, closed=()) -> date:
    return next_ship_date(ready_at, zone, Calendar(week, closed)).on


def test_what_is_ready_by_the_cut_off_ships_on_that_day():
    assert ships(on(2026, 3, 2, 9)) == date(2026, 3, 2)
    assert ships(on(2026, 3, 2, 15)) == date(2026, 3, 2)
    assert ships(on(2026, 3, 2, 15, 0, 1)) == date(2026, 3, 3)


def test_after_friday_comes_monday_and_a_holiday_is_passed_over():
    friday = on(2026, 3, 6, 16)
    assert ships(friday) == date(2026, 3, 9)
    assert ships(friday, closed=[date(2026, 3, 9)]) == date(2026, 3, 10)


def test_the_day_is_that_of_the_node_not_of_the_clock_that_was_read():
    late_in_london = datetime(2026, 7, 6, 23, 30, tzinfo=UTC)  # already Tuesday there
    assert ships(late_in_london) == date(2026, 7, 7)
    assert ships(late_in_london, "America/New_York", {0: time(20)}) == date(2026, 7, 6)


def test_a_node_without_cut_offs_ships_on_every_day():
    sunday = on(2026, 3, 8, 23, 59)
    assert ships(sunday, week={}) == date(2026, 3, 8)
    assert ships(sunday, week={}, closed=[date(2026, 3, 8)]) == date(2026, 3, 9)


def test_a_node_that_is_always_closed_ships_never():
    year = [date(2026, 1, 1) + timedelta(days) for days in range(800)]
    assert next_ship_date(on(2026, 3, 2, 9), LONDON, Calendar(WORKDAYS, year)) is None


def test_the_answer_says_why():
    assert (
        next_ship_date(on(2026, 3, 2, 9), LONDON, Calendar(WORKDAYS)).reason
        == "ready before the cut-off at 15:00"
    )
    tomorrow = next_ship_date(on(2026, 3, 2, 16), LONDON, Calendar(WORKDAYS))
    assert tomorrow.reason == "the next working day, Tuesday, with its cut-off at 15:00"
    assert tomorrow.cutoff_at == on(2026, 3, 3, 15)


def test_in_the_night_of_the_double_hour_nothing_ships_twice_or_early():
    week = {6: time(1, 30)}  # 25 October 2026: 01:30 comes twice, the first counts
    before = datetime(2026, 10, 25, 0, 29, tzinfo=UTC)
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 01:10 on the clock, but the first 01:30 is past
    assert ships(before, week=week) == date(2026, 10, 25)
    assert ships(between, week=week) == date(2026, 11, 1)


def test_a_cut_off_in_the_hour_that_is_left_out_still_comes():
    week = {6: time(1, 30)}  # 29 March 2026: 01:30 does not exist in London
    answer = next_ship_date(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), LONDON, Calendar(week))
    assert answer.on == date(2026, 3, 29)


@given(MOMENTS, ZONES, WEEKS, HOLIDAYS)
def test_it_ships_on_a_working_day_before_whose_cut_off_it_was_ready(moment, zone, week, closed):
    answer = next_ship_date(moment, zone, Calendar(week, closed))
    assert answer is not None
    assert answer.on not in closed
    assert not week or answer.on.weekday() in week
    assert moment <= answer.cutoff_at
    assert answer.on >= moment.astimezone(ZoneInfo(zone)).date()


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=10)), ZONES, WEEKS, HOLIDAYS)
def test_what_is_ready_later_never_ships_earlier(moment, later, zone, week, closed):
    first = next_ship_date(moment, zone, Calendar(week, closed))
    second = next_ship_date(moment + later, zone, Calendar(week, closed))
    assert first.on <= second.on


@given(MOMENTS, ZONES, WEEKS, HOLIDAYS)
def test_no_earlier_working_day_is_missed(moment, zone, week, closed):
    """Against the plainest model: look at every day from today on."""
    answer = next_ship_date(moment, zone, Calendar(week, closed))
    day = moment.astimezone(ZoneInfo(zone)).date()
    while day < answer.on:
        at = week.get(day.weekday()) if week else time.max
        works = at is not None and day not in closed
        assert not works or moment > datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
        day += timedelta(days=1)


@given(st.text(max_size=20))
def test_no_text_breaks_the_question_whether_it_is_a_time_zone(text):
    assert is_time_zone(text) in {True, False}


def test_time_zones_are_those_of_the_database():
    assert is_time_zone(LONDON)
    assert not is_time_zone("Europe/Leeds")
    assert not is_time_zone("/etc/localtime")
    assert not is_time_zone("")


# ---- how far


LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


def test_distances_that_are_known() -> None:
    london, paris = (51.5074, -0.1278), (48.8566, 2.3522)

    assert distance_km(*london, *paris) == pytest.approx(343.6, abs=0.1)
    assert distance_km(0, 0, 0, 90) == pytest.approx(EARTH_RADIUS_KM * 3.141592653589793 / 2)
    assert distance_km(0, 179.5, 0, -179.5) == pytest.approx(111.195, abs=0.001)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_a_distance_is_the_same_both_ways_and_no_longer_than_half_the_earth(lat1, lon1, lat2, lon2) -> None:
    there, back = distance_km(lat1, lon1, lat2, lon2), distance_km(lat2, lon2, lat1, lon1)

    assert there == pytest.approx(back, abs=1e-6)
    assert 0 <= there <= EARTH_RADIUS_KM * 3.1415926536
    assert distance_km(lat1, lon1, lat1, lon1) == 0


@given(MOMENTS, ZONES, WEEKS, HOLIDAYS)
def test_the_last_cut_off_is_past_and_what_was_ready_by_then_left_with_it_or_before(at, zone, week, closed):
    """What is ready at the last cut-off ships on its day; what is ready now, later."""
    calendar = Calendar(week, closed)
    last = last_cut_off(at, zone, calendar)
    if last is None:
        return
    assert last < at
    assert last.astimezone(ZoneInfo(zone)).date() not in closed
    gone, waits = next_ship_date(last, zone, calendar), next_ship_date(at, zone, calendar)
    assert gone is not None
    assert gone.cutoff_at == last
    assert waits is not None
    assert waits.cutoff_at >= at > last


def test_a_week_without_a_day_has_no_last_cut_off_but_an_empty_one_ends_every_day():
    nine = on(2026, 3, 2, 9)
    assert last_cut_off(nine, LONDON, Calendar({})).date() == date(2026, 3, 1)
    assert last_cut_off(nine, LONDON, Calendar({4: time(15)})) == on(2026, 2, 27, 15)
    assert last_cut_off(on(2026, 3, 6, 15), LONDON, Calendar({4: time(15)})) == on(2026, 2, 27, 15), (
        "it is not past yet"
    )
