"""The policies that steer work: targets, calendars, what makes an item urgent, root causes to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from entrepot.kernel import policies, sql, wire
from entrepot.work import rules

TARGETS, CALENDAR, PRIORITY = KINDS = ("work.targets", "work.calendar", "work.priority")
CAUSES = "work.causes"


@dataclass(slots=True)
class Steering:
    """What a company has set; the defaults for the rest."""

    targets: rules.Targets = field(default_factory=rules.Targets)
    calendars: dict[str, rules.Calendar] = field(default_factory=dict)
    priority: rules.Priority = field(default_factory=rules.Priority)
    causes: rules.Causes = field(default_factory=rules.Causes)


NO_STEERING = Steering()


def in_force(companies: Iterable[int], kinds: Iterable[str], at: datetime) -> Mapping[int, Steering]:
    """What companies have set at a moment; nothing for those that have set nothing. 1 statement."""
    params = {"companies": sorted(set(companies)), "kinds": list(kinds), "at": at}
    found = sql.run(policies.IN_FORCE, params)
    return steering_of((company, kind, scope, body) for company, kind, scope, _, body in found)


def steering_of(found: Iterable[tuple[int, str, str, str]]) -> Mapping[int, Steering]:
    """By company, from policies in force: company, kind, scope, body."""
    by_company: dict[int, Steering] = {}
    for company, kind, scope, body in found:
        one = by_company.setdefault(company, Steering())
        if kind == CALENDAR:
            one.calendars[scope] = wire.load(body, rules.Calendar)
        elif scope == "" and kind == TARGETS:
            one.targets = wire.load(body, rules.Targets)
        elif scope == "" and kind == PRIORITY:
            one.priority = wire.load(body, rules.Priority)
        elif scope == "" and kind == CAUSES:
            one.causes = wire.load(body, rules.Causes)
    return by_company
