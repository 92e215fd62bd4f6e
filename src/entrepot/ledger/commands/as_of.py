"""What is posted as of a day that a person says: a day until today, in a month that is open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.ledger import queries
from entrepot.ledger.errors import MonthClosed


def hold_closed(companies: Iterable[int]) -> set[tuple[int, date]]:
    """Closed months of companies, which stay as they are until this is over. 2 statements; none for none."""
    which = sorted(set(companies))
    if not which:
        return set()
    sql.run("SELECT pg_advisory_xact_lock_shared(hashtextextended('ledger.months', 0))")
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
        return MonthClosed(company=company, month=f"{on:%Y-%m}")
    return None


def end_of(on: date, now: datetime) -> datetime:
    """The end of the day, or now, where it is not over."""
    return min(now, datetime.combine(on, time.max, UTC))
