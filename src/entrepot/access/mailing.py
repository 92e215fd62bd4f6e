"""When a report is due to somebody, and of which days it tells. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from entrepot.kernel.errors import Invalid, Refused, Said, one_of

RHYTHMS = ("daily", "weekly", "monthly")
FILES = ("xlsx", "csv", "none")
"""What may be attached; the first where nothing is said."""
REPORT_MAX, QUERY_MAX = 60, 500
MONDAY = 0
TRIES = 5
"""Times that a mail is tried whose server could not be reached or said no."""
RETRY = timedelta(minutes=10)


class Period(NamedTuple):
    """The days that a mail tells of, both included; `name` is what makes it the only one."""

    name: str
    since: date
    until: date


def misfit(report: str, rhythm: str, hour: int, zone: str, query: str, file: str) -> Refused | None:
    """Why a report can't be subscribed to so."""
    if not 0 < len(report) <= REPORT_MAX:
        return Invalid(
            field="report", expected="the name of a report", found=report[:REPORT_MAX] or "nothing"
        )
    if rhythm not in RHYTHMS:
        return Invalid(field="rhythm", expected=one_of(RHYTHMS), found=rhythm)
    if not 0 <= hour <= 23:
        return Invalid(field="hour", expected="0 to 23", found=hour)
    if zone not in _zones():
        return Invalid(field="zone", expected="a time zone such as Europe/Berlin", found=zone)
    if file not in FILES:
        return Invalid(field="file", expected=one_of(FILES), found=file)
    if len(query) > QUERY_MAX:
        return Invalid(field="query", expected=Said("{0} letters at most", QUERY_MAX), found=len(query))
    return None


def next_due(rhythm: str, hour: int, zone: str, after: datetime) -> datetime:
    """The first moment after another at which a report is due: every day, on Mondays, or on the first of the month,
    at an hour of a zone. An hour that a day leaves out is the one behind it."""
    day = after.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    while True:
        if _is_day(rhythm, day) and (due := _at(day, hour, zone)) > after:
            return due
        day += timedelta(days=1)


def last_due(rhythm: str, hour: int, zone: str, now: datetime) -> datetime:
    """The last moment, now or before, at which a report was due."""
    day = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    while True:
        if _is_day(rhythm, day) and (due := _at(day, hour, zone)) <= now:
            return due
        day -= timedelta(days=1)


def period_of(rhythm: str, zone: str, due: datetime) -> Period:
    """The days before the one on which a report is due: the last one, the last week, or the last month."""
    until = due.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    if rhythm == "daily":
        return Period(until.isoformat(), until, until)
    if rhythm == "weekly":
        year, week, _ = until.isocalendar()
        return Period(f"{year}-W{week:02}", until - timedelta(days=6), until)
    return Period(f"{until:%Y-%m}", until.replace(day=1), until)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_day(rhythm: str, day: date) -> bool:
    return rhythm == "daily" or (day.weekday() == MONDAY if rhythm == "weekly" else day.day == 1)


def _at(day: date, hour: int, zone: str) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(zone)).astimezone(UTC)
