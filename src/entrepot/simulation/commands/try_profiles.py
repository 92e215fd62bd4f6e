"""Ask for trials of sourcing profiles, and keep what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import drafts, ids, shapes, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.simulation.states import TRIAL
from entrepot.simulation.whatif import Report, summary

TRIED_BY = shapes.trials["sourcing.profile"]

PRIORITY = 1
"""Of trials in their queue: nobody waits for goods because of them."""


@dataclass(frozen=True, slots=True)
class AskTrial:
    """A draft of `sourcing.profile`, to be replayed over what was decided from `since` to before `until`."""

    company: int
    draft: UUID
    since: datetime
    until: datetime
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TrialNow:
    """A trial, and the state that it is in."""

    trial: UUID
    state: str


@dataclass(frozen=True, slots=True)
class ReportTrial:
    """What came out of a trial: its report, or why there is none."""

    trial: UUID
    report: Report | None = None
    problem: str = ""
    key: str | None = None


class _Draft(NamedTuple):
    scope: str
    state: str
    body: str


@command("simulation.ask_trials")
def ask_trials(cause: Cause, /, *, requests: Sequence[AskTrial]) -> list[TrialNow | Refused]:
    """Have drafts of sourcing profiles tried by the worker; the draft's body is kept with the trial as it is now.

    Locks: nothing. Refuses: NotFound (no such draft of `sourcing.profile`), Invalid (reversed dates; a draft that is
    in force or dropped). Again: by key; without one, another trial. 2 statements for any number.
    """
    params = sql.columns(("companies", "drafts"), [(one.company, one.draft) for one in requests])
    found = {row[:2]: _Draft(*row[2:]) for row in sql.run(_DRAFTS, params)}
    rows: list[tuple[object, ...]] = []
    answers: list[TrialNow | Refused] = []
    for one in requests:
        draft = found.get((one.company, one.draft))
        problem = _misfit(one, draft)
        if problem:
            answers.append(problem)
            continue
        assert draft
        trial = ids.uuid7()
        rows.append(
            (trial, one.company, one.draft, draft.scope, draft.body, one.since, one.until, cause.actor.name, cause.at)
        )  # fmt: skip
        announce(
            cause, [Event("trial", trial, one.company, after=TRIAL.initial, payload={"draft": one.draft})]
        )
        answers.append(TrialNow(trial, TRIAL.initial))
    sql.write("simulation_trial", _COLUMNS, rows)
    offer("whatif", [(one.trial, PRIORITY, cause.at) for one in answers if isinstance(one, TrialNow)])
    return answers


def _misfit(one: AskTrial, draft: _Draft | None) -> Refused | None:
    if draft is None:
        return NotFound(what="draft of sourcing.profile", which=str(one.draft))
    if draft.state not in ("draft", "tried"):
        return Invalid(field="draft", expected="one that is neither in force nor dropped", found=draft.state)
    if one.until <= one.since:
        return Invalid(
            field="to",
            expected=Said("after {0}, where the window begins", one.since.astimezone(UTC).date()),
            found=str(one.until.astimezone(UTC).date()),
        )
    return None


class _Trial(NamedTuple):
    company: int
    draft: UUID | None
    state: str
    currency: str


@command("simulation.report_trials")
def report_trials(cause: Cause, /, *, requests: Sequence[ReportTrial]) -> list[TrialNow | Refused]:
    """Keep what came out of trials, and tell it to their drafts, which can then be activated.

    Locks: the trials in id order, then their drafts. Refuses: NotFound, WrongState (it has its report already).
    Again: by key; without one, the first report stays. 4 statements for any number.
    """
    trials = {row[0]: _Trial(*row[1:]) for row in sql.run(_LOCK, {"trials": [one.trial for one in requests]})}
    rows: list[tuple[object, ...]] = []
    answers: list[TrialNow | Refused] = []
    told: list[drafts.AttachTrial] = []
    for one in requests:
        trial = trials.get(one.trial)
        if trial is None:
            answers.append(NotFound(what="trial", which=str(one.trial)))
            continue
        state = TRIAL.step(trial.state, "report" if one.report else "fail")
        if isinstance(state, Refused):
            answers.append(state)
            continue
        trials[one.trial] = trial._replace(state=state)
        text = summary(one.report, trial.currency) if one.report else one.problem
        rows.append((one.trial, state, text, wire.dump(one.report) if one.report else None))
        announce(cause, [Event("trial", one.trial, trial.company, trial.state, state, reason=text)])
        if one.report and trial.draft:
            told.append(drafts.AttachTrial(trial.draft, TRIED_BY, one.report.profile, text, one.trial))
        answers.append(TrialNow(one.trial, state))
    if rows:
        names = ("trials", "states", "summaries", "reports")
        sql.change(_REPORT, sql.columns(names, rows) | {"at": cause.at})
    if told:
        # A draft that somebody activated or dropped meanwhile, or of which another body was tried, keeps its state; the
        # report is there all the same.
        drafts.attach_trials(cause, requests=told)
    return answers


@dataclass(frozen=True, slots=True)
class KeepTrial:
    """A trial that was made already, say on the command line, with its draft where it was one."""

    company: int
    report: Report
    draft: UUID | None = None
    key: str | None = None


@command("simulation.keep_trials")
def keep_trials(cause: Cause, /, *, requests: Sequence[KeepTrial]) -> list[TrialNow | Refused]:
    """Keep trials that were made already, with their reports; drafts hear of theirs.

    Locks: the drafts. Refuses: nothing. Again: by key; without one, it is kept twice. 4 statements for any number.
    """
    currencies: Mapping[int, str] = dict(sql.run(_CURRENCIES))  # type: ignore[arg-type]
    rows: list[tuple[object, ...]] = []
    answers: list[TrialNow | Refused] = []
    told: list[drafts.AttachTrial] = []
    for one in requests:
        report, trial = one.report, ids.uuid7()
        text = summary(report, currencies[one.company])
        rows.append(
            (trial, one.company, one.draft, report.scope, wire.dump(report.profile), report.since, report.until,
             cause.actor.name, cause.at, "done", text, wire.dump(report), cause.at)
        )  # fmt: skip
        announce(cause, [Event("trial", trial, one.company, after="done", reason=text)])
        if one.draft:
            told.append(drafts.AttachTrial(one.draft, TRIED_BY, report.profile, text, trial))
        answers.append(TrialNow(trial, "done"))
    sql.write("simulation_trial", (*_COLUMNS, "state", "summary", "report", "done_at"), rows)
    if told:
        drafts.attach_trials(cause, requests=told)
    return answers


_COLUMNS = (
    "id", "company_id", "draft_id", "scope", "profile", "since", "until", "asked_by", "asked_at",
)  # fmt: skip

_DRAFTS = """
SELECT p.company_id::int, p.id, p.scope, p.state, p.body::text
FROM unnest(%(companies)s::smallint[], %(drafts)s::uuid[]) AS d(company, draft)
JOIN kernel_policydraft AS p ON p.id = d.draft AND p.company_id = d.company AND p.kind = 'sourcing.profile'
"""

_LOCK = """
SELECT t.id, t.company_id::int, t.draft_id, t.state, c.currency
FROM simulation_trial AS t JOIN parties_company AS c ON c.id = t.company_id
WHERE t.id = ANY(%(trials)s::uuid[]) ORDER BY t.id FOR UPDATE OF t
"""

_CURRENCIES = "SELECT id::int, currency FROM parties_company"

_REPORT = """
UPDATE simulation_trial AS t SET state = d.state, summary = d.summary, report = d.report::jsonb, done_at = %(at)s
FROM unnest(%(trials)s::uuid[], %(states)s::text[], %(summaries)s::text[], %(reports)s::text[])
     AS d(trial, state, summary, report)
WHERE t.id = d.trial
"""
