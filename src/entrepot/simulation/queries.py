"""What is asked of simulation: trials and their reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.insight.answers import question
from entrepot.kernel import sql, wire
from entrepot.simulation import recorded
from entrepot.simulation.whatif import Report


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial: what was tried on what, and what came out in a sentence."""

    id: UUID
    company: int
    draft: UUID | None
    scope: str
    since: datetime
    until: datetime
    state: str
    summary: str
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    profile: dict[str, Any]
    decided: int
    to_decide: int
    """Orders that were decided again so far, by both sides, and how many there are; 0 before it begins."""


@question
def first_and_last(company: int, at: datetime) -> tuple[datetime, datetime] | None:  # noqa: ARG001
    """As `recorded.first_and_last`, which reads every decision, for a page."""
    return recorded.first_and_last(company)


def trials(*, company: int, after: UUID | None = None, limit: int = 50) -> list[TrialRow]:
    """Trials of a company behind one, the newest first. 1 statement."""
    params = {"company": company, "after": after, "limit": limit}
    return [TrialRow(*row) for row in sql.run(_TRIALS, params)]


def trial(which: UUID) -> TrialRow | None:
    """One trial. 1 statement."""
    found = sql.run(_TRIAL, {"trial": which})
    return TrialRow(*found[0]) if found else None


def report(which: UUID) -> Report | None:
    """What came out of a trial; None where it is not done. 1 statement."""
    found = sql.run("SELECT report::text FROM simulation_trial WHERE id = %(trial)s::uuid", {"trial": which})
    return wire.load(found[0][0], Report) if found and found[0][0] else None


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    return {"simulation_trial": sql.run("SELECT count(*) FROM simulation_trial")[0][0]}


def discrepancies() -> list[str]:
    """Sentences about drafts that name a trial which is not theirs, or is not done."""
    return [row[0] for row in sql.run(_STRANGE)]


_COLUMNS = """
id, company_id::int, draft_id, scope, since, until, state, summary, asked_by, asked_at, done_at, profile, decided,
to_decide
"""

_TRIALS = f"""
SELECT {_COLUMNS} FROM simulation_trial
WHERE company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR id < %(after)s::uuid)
ORDER BY id DESC LIMIT %(limit)s::int
"""

_TRIAL = f"SELECT {_COLUMNS} FROM simulation_trial WHERE id = %(trial)s::uuid"

_STRANGE = """
SELECT format('policy draft %s: its report is of trial %s, which is %s', d.id, t.id, t.state)
FROM simulation_trial AS t JOIN kernel_policydraft AS d ON d.report_id = t.id
WHERE t.state <> 'done' OR t.draft_id IS DISTINCT FROM d.id
"""
