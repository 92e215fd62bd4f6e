"""Background work of simulation: trials that somebody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel import wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.simulation import queries, whatif
from entrepot.simulation.commands.try_profiles import ReportTrial, report_trials
from entrepot.sourcing.rules import Profile


def serve_whatif(cause: Cause, subjects: Sequence[UUID]) -> None:
    """Trials that were asked for: replayed one by one, then kept together."""
    wanted = [one for one in map(queries.trial, subjects) if one and one.state == "asked"]
    report_trials(cause, requests=[_tried(cause, one) for one in wanted])


def _tried(cause: Cause, one: queries.TrialRow) -> ReportTrial:
    profile = wire.load(wire.dump(one.profile), Profile)
    found = whatif.tried(one.company, profile, one.scope, one.since, one.until, cause.at)
    if isinstance(found, Refused):
        return ReportTrial(one.id, problem=found.message)
    return ReportTrial(one.id, found)


QUEUES = {"whatif": serve_whatif}
