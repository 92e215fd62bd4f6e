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
    month, or one that has not ended). Again: stays closed. 2 statements.
    """
    answers: list[MonthClosed | Refused] = []
    rows = []
    for request in requests:
        ended = (request.month.year, request.month.month) < (cause.at.year, cause.at.month)
        if request.month.day != 1 or not ended:
            expected = "the first day of a month that has ended"
            answers.append(Invalid(field="month", expected=expected, found=str(request.month)))
            continue
        rows.append((request.company, request.month))
        announce(
            cause,
            [Event("month", ids.uuid7(), request.company, "open", "closed", reason=f"{request.month:%Y-%m}")],
        )
        answers.append(MonthClosed(request.company, request.month))
    if rows:
        sql.run("SELECT pg_advisory_xact_lock(hashtextextended('ledger.months', 0))")
        params = sql.columns(("companies", "months"), rows) | {"actor": cause.actor.name, "at": cause.at}
        sql.run(_CLOSE, params)
    return answers


_CLOSE = """
INSERT INTO ledger_period (company_id, month, state, decided_by, decided_at)
SELECT company, month, 'closed', %(actor)s::text, %(at)s::timestamptz
FROM unnest(%(companies)s::smallint[], %(months)s::date[]) AS d(company, month)
ON CONFLICT (company_id, month) DO UPDATE SET state = 'closed'
"""
