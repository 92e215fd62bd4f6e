"""Withdraw trials that nobody waits for any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.simulation.commands.try_profiles import TrialNow
from entrepot.simulation.states import TRIAL


@dataclass(frozen=True, slots=True)
class WithdrawTrial:
    """The trial is not wanted any more; a replay that runs already ends where it is."""

    trial: UUID
    key: str | None = None


@command("simulation.withdraw_trials")
def withdraw_trials(cause: Cause, /, *, requests: Sequence[WithdrawTrial]) -> list[TrialNow | Refused]:
    """Trials that have no report yet are withdrawn; their drafts stay as they are.

    Locks: the trials in id order. Refuses: NotFound, WrongState (it is done, failed or withdrawn).
    Again: by key; without one, WrongState. 2 statements for any number.
    """
    found = {row[0]: row[1:] for row in sql.run(_LOCK, {"trials": [one.trial for one in requests]})}
    answers: list[TrialNow | Refused] = []
    withdrawn: list[UUID] = []
    for one in requests:
        if one.trial not in found:
            answers.append(NotFound(what="trial", which=str(one.trial)))
            continue
        company, before = found[one.trial]
        state = TRIAL.step(before, "withdraw")
        if isinstance(state, Refused):
            answers.append(state)
            continue
        found[one.trial] = (company, state)
        withdrawn.append(one.trial)
        announce(cause, [Event("trial", one.trial, company, before, state)])
        answers.append(TrialNow(one.trial, state))
    if withdrawn:
        sql.change(_WITHDRAW, {"trials": withdrawn, "at": cause.at})
    return answers


_LOCK = """
SELECT id, company_id::int, state FROM simulation_trial
WHERE id = ANY(%(trials)s::uuid[]) ORDER BY id FOR UPDATE
"""

_WITHDRAW = """
UPDATE simulation_trial SET state = 'withdrawn', done_at = %(at)s::timestamptz WHERE id = ANY(%(trials)s::uuid[])
"""
