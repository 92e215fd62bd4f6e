"""Closed months, for commands: nobody closes one that they look at, and nothing is posted as of a day of one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.ledger import queries
from entrepot.ledger.errors import MonthClosed


def hold_months() -> None:
    """No month is closed until this is over; postings go on."""
    sql.run("SELECT pg_advisory_xact_lock_shared(hashtextextended('ledger.months', 0))")


def stop_postings() -> None:
    """Nothing is posted until this is over, and what is being posted is waited for."""
    sql.run("SELECT pg_advisory_xact_lock(hashtextextended('ledger.months', 0))")


def month_of(at: datetime) -> date:
    """The first day of the month of a moment."""
    return at.astimezone(UTC).date().replace(day=1)


def hold_closed(companies: Iterable[int]) -> set[tuple[int, date]]:
    """Closed months of companies, which stay as they are until this is over. 2 statements; none for none."""
    which = sorted(set(companies))
    if not which:
        return set()
    hold_months()
    return queries.closed_months(which)


def misfit_day(company: int, on: date, now: datetime, closed: set[tuple[int, date]]) -> Refused | None:
    """Why nothing is posted as of a day: it has not begun, or its month is closed."""
    today = now.astimezone(UTC).date()
    if on > today:
        return Invalid(field="on", expected=Said("a day until {0}", str(today)), found=str(on))
    return in_closed(company, on, closed)


def in_closed(company: int, on: date, closed: set[tuple[int, date]]) -> Refused | None:
    """Why nothing is posted to the month of a day."""
    if (company, on.replace(day=1)) in closed:
        return is_closed(company, on)
    return None


def is_closed(company: int, on: date) -> Refused:
    """What is refused of the closed month of a day."""
    return MonthClosed(company=company, month=f"{on:%Y-%m}")


def at_closed(company: int, at: datetime, closed: set[tuple[int, date]]) -> Refused | None:
    """Why nothing is posted to the month of a moment."""
    return in_closed(company, month_of(at), closed)


def end_of(on: date, now: datetime) -> datetime:
    """The end of the day, or now, where it is not over."""
    return min(now, datetime.combine(on, time.max, UTC))
