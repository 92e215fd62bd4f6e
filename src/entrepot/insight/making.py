"""What the house would suggest now, kind by kind: facts in, suggestions out, with what they were fitted on and what
that was worth. Nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from entrepot.insight import advice_facts as facts
from entrepot.insight import anomalies, classifying, staffing, urgency
from entrepot.insight.advising import DEMAND, LABOR, PRIORITY, REASON, SILENCE, SURGE, Advice, Suggested
from entrepot.kernel import policies
from entrepot.network import queries as network
from entrepot.returns import reasons
from entrepot.warehouse.labor import Labor

HISTORY = timedelta(days=730)
"""How far back inspected returns tell of reasons."""
CLOSED_FOR = timedelta(days=180)
"""How far back finished work items tell how long they take."""
DAYS_JUDGED = 14
"""Days back to which a forecast of labor is compared with what came."""


class Came(NamedTuple):
    """What came of something that was suggested before: how many people a crew needed after all."""

    subject: UUID
    about: str
    people: int


@dataclass(frozen=True, slots=True)
class Made:
    """Suggestions of a kind, the version of what made them, what that was fitted on, and what it was worth."""

    version: str
    fitted_on: Mapping[str, Any]
    measured: Mapping[str, Any]
    found: list[Suggested] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)


def reasons_of_returns(company: int, policy: Advice, at: datetime) -> Made:
    """Reasons that comments of customers speak for, where the line has another. 3 statements."""
    examples = facts.examples(company, at - HISTORY)
    by = classifying.classifier(examples, policy.examples_min)
    fitted_on = {
        "examples": len(examples), "needed": policy.examples_min,
        "since": (at - HISTORY).date().isoformat(),
    }  # fmt: skip
    if by is None:
        return Made(classifying.VERSION, fitted_on, {})
    measured = {
        "accuracy": round(by.accuracy, 4),
        "baseline": round(by.baseline, 4),
        "folds": classifying.FOLDS,
    }
    made = Made(classifying.VERSION, fitted_on | {"words": len(by.model.words)}, measured)
    retired = policies.of_company(company, reasons.Reasons, at)[1].retired
    for one in facts.asked(company) if by.is_worth_asking else ():
        answer = classifying.classify(by, one.note, one.category, one.sku)
        if answer is None or answer.reason == one.reason or answer.reason in retired:
            continue
        told = {
            "words": [[word, round(weight, 3)] for word, weight in answer.words],
            "common": round(answer.common, 3), "others": round(answer.others, 3),
            "sum": round(answer.sum, 3), "next": answer.next,
            "likelihood": round(answer.chance, 4), "examples": len(examples), **measured,
        }  # fmt: skip
        suggested = {"reason": answer.reason, "instead_of": one.reason}
        made.found.append(Suggested(REASON, "return_line", one.line, "", suggested, answer.confidence, told))
    return made


def anomalies_of_demand(company: int, policy: Advice, at: datetime) -> Made:
    """What was asked for yesterday far more or less than usual, but for silences that empty shelves explain.
    1 statement; 2 more where something is found."""
    day = at.astimezone(UTC).date() - timedelta(days=1)
    series = facts.sold(company, day, policy.weeks)
    found = anomalies.anomalies(
        series, false_share_max=policy.false_share_max, deviation_min=policy.deviation_min_percent / 100
    )
    beside = facts.beside(company, day, [(one.sku, one.channel) for one in found])
    out = {key: told.was_out for key, told in beside.items()}
    unexplained = [one for one in found if not anomalies.told_by_stock(one, out)]
    fitted_on = {"series": len(series), "weeks": policy.weeks, "day": day.isoformat()}
    measured = {
        "false_share_max": policy.false_share_max, "found": len(found),
        "explained_by_stock": len(found) - len(unexplained),
    }  # fmt: skip
    made = Made(anomalies.VERSION, fitted_on, measured)
    for one in unexplained:
        stood = beside[one.sku, one.channel]
        kind = SURGE if one.is_surge else SILENCE
        suggested = {"anomaly": kind, "channel": one.channel, "day": day.isoformat(), "units": one.seen}
        told = {
            "seen": one.seen, "expected": round(one.expected, 2), "spread": round(one.spread, 2),
            "deviation": round(one.seen - one.expected, 2), "by": one.by, "weeks": policy.weeks,
            "chance": float(f"{one.chance:.3g}"), "doubt": float(f"{one.doubt:.3g}"), "series": len(series),
            "campaigns": dict(sorted(stood.campaigns.items())), "began_with": stood.began_with,
            "ended_with": stood.ended_with,
        }  # fmt: skip
        made.found.append(Suggested(DEMAND, "sku", one.sku, one.channel, suggested, 1 - one.doubt, told))
    return made


def people_for_shifts(company: int, policy: Advice, at: datetime) -> Made:
    """People that each step will need in the shifts of the next days. 3 statements."""
    in_force = policies.in_force(company, Labor, at)
    nodes = {node.code: node for node in network.nodes(company=company) if node.active}
    shifts = {code: policies.of_scope(in_force, code, Labor()).shifts for code in nodes}
    weeks = policy.weeks
    since = at - timedelta(days=7 * (weeks + 2) + 1)
    idle = policies.of_scope(in_force, "", Labor()).idle_max_s
    spent = [one for one in facts.spent(company, since, at, idle) if one.node in nodes]
    crews = staffing.by_crew(spent, shifts)
    tried: list[tuple[float, float]] = []
    forecasts = []
    came: list[Came] = []
    for crew, days in sorted(crews.items()):
        zone = ZoneInfo(nodes[crew.node].time_zone)
        today = at.astimezone(zone).date()
        shift = shifts[crew.node][crew.shift]
        over, whole = staffing.over_until(at, shift, zone), staffing.seconds_of(shift)
        came += [
            Came(nodes[crew.node].id, about_crew(crew, day), ceil(days.get(day, 0.0) / whole))
            for n in range(1, DAYS_JUDGED + 1)
            if (day := over - timedelta(days=n))
        ]
        tried += staffing.errors(days, over, weeks)
        forecasts += staffing.forecasts(crew, days, today, weeks, shift, over)
    off = staffing.wape(tried)
    fitted_on = {"crews": len(crews), "weeks": weeks, "since": since.date().isoformat()}
    measured = {} if off is None else {"wape": round(off, 4), "tried": len(tried)}
    made = Made(staffing.VERSION, fitted_on, measured, came=came)
    for one in forecasts:
        shift = shifts[one.crew.node][one.crew.shift]
        suggested = {
            "step": one.crew.step, "day": one.day.isoformat(), "shift": one.crew.shift, "people": one.people,
            "low": one.low, "high": one.high,
        }  # fmt: skip
        told = {
            "hours": round(one.seconds / 3600, 2), "shift_hours": round(staffing.seconds_of(shift) / 3600, 2),
            "hours_before": [round(seconds / 3600, 2) for seconds in one.days], "wape": round(one.error, 4),
            "tried": one.tried, "within": staffing.WITHIN,
        }  # fmt: skip
        about = about_crew(one.crew, one.day)
        made.found.append(
            Suggested(LABOR, "node", nodes[one.crew.node].id, about, suggested, one.confidence, told)
        )
    return made


def about_crew(crew: staffing.Crew, day: date) -> str:
    """What tells the suggestions of people at a node from one another."""
    return f"{crew.step} {day.isoformat()} {crew.shift}"


def order_of_work(company: int, policy: Advice, at: datetime) -> Made:
    """Work items that wait behind cheaper ones. 2 statements."""
    closed = facts.closed(company, at - CLOSED_FOR)
    dearest = ranked(company, policy, at, urgency.durations_of(closed))
    tried = urgency.backtest(closed, policy.value_minor)
    fitted_on = {
        "closed": len(closed), "since": (at - CLOSED_FOR).date().isoformat(), "waiting": len(dearest),
    }  # fmt: skip
    measured = {"late": tried.late, "caught": tried.caught}
    if tried.share is not None:
        measured["in_dearest_third"] = round(tried.share, 4)  # type: ignore[assignment]
    made = Made(urgency.VERSION, fitted_on, measured)
    for one in urgency.raises(dearest):
        suggested = {"priority": one.priority, "place": one.place, "place_now": one.place_now}
        made.found.append(
            Suggested(
                PRIORITY, "work_item", one.cost.item.id, "", suggested, one.cost.chance, sum_of(one.cost)
            )
        )
    return made


def ranked(
    company: int,
    policy: Advice,
    at: datetime,
    durations: Mapping[str, Sequence[float]],
    queue: facts.Queue = facts.ALL,
) -> list[urgency.Cost]:
    """Unfinished items of a queue by what waiting with them is expected to cost, as far as `facts.RANKED_MAX` goes.
    1 statement."""
    return urgency.costs(
        facts.waiting(company, at, policy.value_minor, queue), durations, at, policy.value_minor
    )


def sum_of(cost: urgency.Cost) -> dict[str, Any]:
    """The sum of an expected cost, term by term."""
    return {
        "value_minor": cost.value_minor, "value_known": cost.is_known, "waited_hours": round(cost.age_hours, 1),
        "late": cost.late, "of": cost.of, "chance": round(cost.chance, 4), "cost_minor": cost.cost_minor,
    }  # fmt: skip


MAKERS: Mapping[str, Callable[[int, Advice, datetime], Made]] = {
    REASON: reasons_of_returns,
    DEMAND: anomalies_of_demand,
    LABOR: people_for_shifts,
    PRIORITY: order_of_work,
}
