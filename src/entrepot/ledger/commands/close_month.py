"""Close the books of a month: from then on nothing can be posted into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.as_of import month_of, stop_postings


@dataclass(frozen=True, slots=True)
class CloseMonth:
    """A month, by its first day."""

    company: int
    month: date
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MonthClosed:
    company: int
    month: date


@command("ledger.close_month")
def close_month(cause: Cause, /, *, requests: Sequence[CloseMonth]) -> list[MonthClosed | Refused]:
    """Close months for good: the database refuses any line in them from now on.

    Waits for postings that are being written, so that none slips in behind. Refuses: Invalid (not the first day of a
    month, or one that has not ended). Again: stays closed, and nothing is announced. 2 statements.
    """
    answers: list[MonthClosed | Refused] = []
    rows: dict[tuple[int, date], None] = {}
    this = month_of(cause.at)
    for request in requests:
        if request.month.day != 1 or request.month >= this:
            expected = "the first day of a month that has ended"
            answers.append(Invalid(field="month", expected=expected, found=str(request.month)))
            continue
        rows[request.company, request.month] = None
        answers.append(MonthClosed(request.company, request.month))
    if rows:
        stop_postings()
        params = sql.columns(("companies", "months"), list(rows)) | {
            "actor": cause.actor.name,
            "at": cause.at,
        }
        closed = sql.run(_CLOSE, params)
        announce(
            cause,
            [
                Event("month", ids.uuid7(), company, "open", "closed", reason=f"{month:%Y-%m}")
                for company, month in closed
            ],
        )
    return answers


# Who had its turn while we waited may have recorded later than we began: the month is closed after the last of them.
_CLOSE = """
INSERT INTO ledger_period (company_id, month, state, decided_by, decided_at)
SELECT d.company, d.month, 'closed', %(actor)s::text, greatest(%(at)s::timestamptz, last.recorded_at)
FROM unnest(%(companies)s::smallint[], %(months)s::date[]) AS d(company, month)
CROSS JOIN LATERAL (
    SELECT max(l.recorded_at) AS recorded_at FROM ledger_line AS l
    WHERE l.company_id = d.company AND l.month = d.month
      AND l.occurred_at >= d.month::timestamp AT TIME ZONE 'UTC'
      AND l.occurred_at < (d.month + interval '1 month') AT TIME ZONE 'UTC'
) AS last
ORDER BY d.company, d.month
ON CONFLICT (company_id, month) DO NOTHING
RETURNING company_id::int, month
"""
