"""A person says that a task of the end of a month is done, or that it is not after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.ledger.commands.as_of import hold_months
from entrepot.settlement import closing_queries
from entrepot.settlement.closing import Closing

NOTE_MAX = 500


@dataclass(frozen=True, slots=True)
class TickTask:
    """A task of the policy `settlement.closing`, for a month by its first day, with what was done or found; or, not
    `done`, the tick taken away and why."""

    company: int
    month: date
    task: str
    note: str
    done: bool = True
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TaskTicked:
    company: int
    month: date
    task: str
    done: bool


@command("settlement.tick_tasks")
def tick_tasks(cause: Cause, /, *, requests: Sequence[TickTask]) -> list[TaskTicked | Refused]:
    """Tasks of the end of a month done by hand: a month is not closed before all that the policy names are ticked.

    Locks: the companies' tasks; no month is closed meanwhile. Refuses: NotFound (no task of the policy); WrongState
    (the month is closed; the task is ticked already, or is not); Invalid (no note; not the first day of a month).
    Again: by key. 7 statements.
    """
    sql.run(_LOCK, {"companies": [one.company for one in requests]})
    hold_months()
    rules = policies.of_companies((one.company for one in requests), Closing, cause.at)
    months = {(one.company, one.month) for one in requests}
    closed = closing_queries.closed_of(months)
    ticked = {
        (*month, one.task)
        for month, ticks in closing_queries.ticks(months).items()
        for one in ticks
    }  # fmt: skip
    answers: list[TaskTicked | Refused] = []
    fresh: dict[tuple[int, date, str], TickTask | None] = {}
    for one in requests:
        refused = _misfit(one, rules[one.company][1], closed, ticked)
        if refused:
            answers.append(refused)
            continue
        which = (one.company, one.month, one.task)
        ticked ^= {which}
        fresh[which] = one if one.done else None
        answers.append(TaskTicked(one.company, one.month, one.task, one.done))
    if fresh:
        _write(cause, fresh)
        announce(cause, [
            Event("month", ids.uuid7(), one.company, "open", "open", cause.at,
                  {"month": f"{one.month:%Y-%m}", "task": one.task, "done": one.done}, one.note)
            for one, answer in zip(requests, answers, strict=True)
            if isinstance(answer, TaskTicked)
        ])  # fmt: skip
    return answers


def _misfit(
    one: TickTask, rule: Closing, closed: set[tuple[int, date]], ticked: set[tuple[int, date, str]]
) -> Refused | None:
    if one.month.day != 1:
        return Invalid(field="month", expected="the first day of a month", found=str(one.month))
    if (one.company, one.month) in closed:
        return WrongState(subject="month", found="closed", event="tick", expected="open")
    is_ticked = (one.company, one.month, one.task) in ticked
    if one.task not in rule.tasks and not (is_ticked and not one.done):
        return NotFound(what="task of the policy settlement.closing", which=one.task)
    if one.done == is_ticked:
        found, expected = ("ticked", "open") if is_ticked else ("open", "ticked")
        return WrongState(
            subject="task", found=found, event="tick" if one.done else "untick", expected=expected
        )
    if not one.note.strip() or len(one.note) > NOTE_MAX:
        return Invalid(
            field="note",
            expected=Said("what was done, in at most {0} characters", NOTE_MAX),
            found=one.note[:20],
        )
    return None


def _write(cause: Cause, fresh: dict[tuple[int, date, str], TickTask | None]) -> None:
    sql.run(_DROP, sql.columns(("companies", "months", "tasks"), list(fresh)))
    sql.write("settlement_closingtick", _TICK, [
        (*which, cause.actor.name, cause.at, one.note.strip()) for which, one in fresh.items() if one
    ])  # fmt: skip


_TICK = ("company_id", "month", "task", "done_by", "done_at", "note")

_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('settlement.tick_tasks ' || company, 0))
FROM (SELECT DISTINCT company FROM unnest(%(companies)s::int[]) AS d(company) ORDER BY company) AS c
"""

_DROP = """
DELETE FROM settlement_closingtick AS t
USING unnest(%(companies)s::smallint[], %(months)s::date[], %(tasks)s::text[]) AS d(company, month, task)
WHERE t.company_id = d.company AND t.month = d.month AND t.task = d.task
"""
