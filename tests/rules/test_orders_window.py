"""orders.window: when an order may leave, and how much of it must go."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from entrepot.orders import window
from entrepot.orders.window import ITEMS, Fill, Unsent, Window, Windows, tell

FIRST, BY, LAST = date(2026, 3, 27), date(2026, 3, 29), date(2026, 4, 2)


def test_days_stand_in_their_order_and_the_part_is_a_part():
    assert window.misfit(Window(FIRST, BY, LAST, 80)) is None
    assert window.misfit(window.ANY_TIME) is None
    assert window.misfit(Window(FIRST, FIRST, FIRST)) is None
    wrong = {
        "ship_by": Window(BY, FIRST),
        "cancel_after": Window(None, LAST, BY),
        "min_fill_percent": Window(min_fill_percent=101),
    }
    for field, days in wrong.items():
        misfit = window.misfit(days)
        assert misfit is not None and misfit.field == field
    assert window.misfit(Window(LAST, None, FIRST)).field == "cancel_after"


days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@given(st.none() | days, st.none() | days, st.none() | days)
def test_days_fit_where_those_that_are_said_come_in_their_order(first, by, last):
    said = [day for day in (first, by, last) if day]
    assert (window.misfit(Window(first, by, last)) is None) == (said == sorted(said))


@given(days, st.sampled_from(sorted(available_timezones())), st.integers(0, 23))
def test_a_day_is_over_when_nobody_is_in_it_any_more(day, zone, hour):
    """Also on days on which clocks are changed."""
    in_it = datetime(day.year, day.month, day.day, hour, 59, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert not window.is_over(day, in_it)
    assert window.is_over(day, in_it + timedelta(days=2, hours=3))


@given(days, st.integers(0, 60))
def test_days_before_one_are_over_and_no_others(day, hours):
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)
    for one in (day - timedelta(days=1), day, day + timedelta(days=1)):
        assert window.is_over(one, at) == (one < window.over_before(at))


def test_a_part_is_lacked_below_it_and_not_at_it():
    assert Fill(90, 10, 8).lacks()
    assert not Fill(90, 10, 8).lacks(1)
    assert Fill(90, 11, 9).lacks()
    assert Fill(90, 10, 9, 4).stays(3)
    assert not Fill(90, 10, 9, 4).stays(4)
    assert Fill(90, 10, 9, 4).gone(3) == 8
    assert (Fill(90, 11).least, Fill(0, 11).least, Fill(100, 3).least) == (10, 0, 3)


@given(st.integers(0, 100), st.integers(1, 10_000), st.data())
def test_the_least_part_is_the_first_that_is_not_lacked(percent, ordered, data):
    served = data.draw(st.integers(0, ordered))
    fill = Fill(percent, ordered, served)
    assert fill.lacks() == (served < fill.least)
    assert 0 <= fill.least <= ordered
    assert not fill.lacks(ordered - served)


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_somebody_is_told_before_the_day_after_it_and_when_it_may_not_leave_any_more():
    one, policy = Unsent(BY, LAST, 3, 1), Windows(warn_days=2)
    near, late, past = ITEMS
    told = [tell(one, policy, at(BY + timedelta(days=n))) for n in (-3, -2, 0, 1, 4, 5)]
    assert told == ["", near, near, late, late, past]
    assert tell(one._replace(free=0, under_way=0), policy, at(LAST + timedelta(days=9))) == ""
    assert tell(Unsent(None, LAST, 1, 0), policy, at(LAST)) == ""


@given(st.none() | days, st.none() | days, days, st.integers(0, 90))
def test_what_is_told_only_becomes_worse_with_time(by, last, day, warn):
    if by and last and last < by:
        by, last = last, by
    one, policy = Unsent(by, last, 1, 0), Windows(warn_days=warn)
    ranks = ["", *ITEMS]
    told = [ranks.index(tell(one, policy, at(day + timedelta(days=n)))) for n in range(5)]
    assert told == sorted(told)
