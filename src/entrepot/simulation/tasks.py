"""Background work of simulation: trials that somebody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel import wire
from entrepot.kernel.aside import Unwanted, watched
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.simulation import queries, whatif
from entrepot.simulation.commands.try_profiles import ReportTrial, report_trials
from entrepot.sourcing.rules import Profile


def serve_whatif(cause: Cause, subjects: Sequence[UUID]) -> None:
    """Trials that were asked for: replayed one by one, then kept together."""
    wanted = [one for one in map(queries.trial, subjects) if one and one.state == "asked"]
    report_trials(cause, requests=[told for one in wanted if (told := _tried(cause, one))])


def _tried(cause: Cause, one: queries.TrialRow) -> ReportTrial | None:
    """What came out, or None where the trial was withdrawn meanwhile: then the replay ends where it is."""
    profile = wire.load(wire.dump(one.profile), Profile)
    try:
        with watched(_DECIDED, _IS_WANTED, {"trial": one.id}) as heard:
            found = whatif.tried(one.company, profile, one.scope, one.since, one.until, cause.at, heard)
    except Unwanted:
        return None
    if isinstance(found, Refused):
        return ReportTrial(one.id, problem=found.message)
    return ReportTrial(one.id, found)


_DECIDED = """
UPDATE simulation_trial SET decided = %(done)s, to_decide = %(of)s WHERE id = %(trial)s AND state = 'asked'
"""
_IS_WANTED = "SELECT state = 'asked' FROM simulation_trial WHERE id = %(trial)s"

QUEUES = {"whatif": serve_whatif}
